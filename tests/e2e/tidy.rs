//! The rules of the house that no compiler knows.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use harness::workspace;

const CRATES: [&str; 7] =
    ["assay", "broker", "registry-server", "schema-core", "serde-avro", "serde-avro-derive", "tests"];
/// Lines of code, tests below `#[cfg(test)] mod` not counted.
const FILE_LINES_MAX: usize = 500;

const ROOT: [&str; 24] = [
    ".ci",
    ".git",
    ".gitignore",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "assay",
    "broker",
    "clippy.toml",
    "docs",
    "fuzz",
    "migrations",
    "openapi.yaml",
    "registry-server",
    "rustfmt.toml",
    "schema-core",
    "scripts",
    "serde-avro",
    "serde-avro-derive",
    "tests",
    ".github",
];
/// Made by building, running and testing; ignored by git.
const MADE: [&str; 3] = ["target", ".cache", "assay-data"];

fn files_below(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, ending, found);
        } else if path.extension().is_some_and(|is| is == ending) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for one in CRATES {
        files_below(&workspace().join(one), "rs", &mut found);
    }
    assert!(found.len() > 100, "the sources were not found");
    let root = workspace();
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn is_test_file(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let in_tests = parts.iter().take(parts.len() - 1).any(|part| *part == "tests" || *part == "benches");
    in_tests || name.ends_with("/tests.rs") || name.ends_with("_tests.rs")
}

/// The lines before the first inline test module.
fn code(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines
        .windows(2)
        .position(|pair| {
            pair[0].trim_start().starts_with("#[cfg(test)]")
                && pair[1].trim_start().starts_with("mod ")
                && pair[1].ends_with('{')
        })
        .unwrap_or(lines.len());
    lines[..end].to_vec()
}

fn assert_none(what: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{what}:\n  {}", offenders.join("\n  "));
}

#[test]
fn files_stay_below_the_length_at_which_they_are_split() {
    let offenders: Vec<_> = sources()
        .iter()
        .filter(|(name, _)| !is_test_file(name) || name.starts_with("tests/"))
        .map(|(name, text)| (name, code(text).len()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(name, lines)| format!("{name}: {lines} lines of code"))
        .collect();
    assert_none("split by domain", &offenders);
}

#[test]
fn modules_are_named_by_domain() {
    let banned = ["mod.rs", "utils.rs", "util.rs", "helpers.rs", "helper.rs", "common.rs", "misc.rs"];
    let offenders: Vec<_> = sources()
        .iter()
        .map(|(name, _)| name.clone())
        .filter(|name| banned.contains(&name.rsplit('/').next().unwrap_or_default()))
        .collect();
    assert_none("foo.rs beside foo/, and names of the domain", &offenders);
}

#[test]
fn functions_stay_short_by_lint() {
    let clippy = fs::read_to_string(workspace().join("clippy.toml")).unwrap();
    assert!(clippy.contains("too-many-lines-threshold = 70"));
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    for line in [
        "too_many_lines = \"warn\"",
        "unsafe_code = \"forbid\"",
        "unwrap_used = \"deny\"",
        "missing_docs = \"warn\"",
    ] {
        assert!(manifest.contains(line), "{line} is gone from the workspace lints");
    }
    for one in CRATES {
        let manifest = fs::read_to_string(workspace().join(one).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{one} does not inherit the lints");
    }
}

#[test]
fn the_root_holds_what_it_should_and_nothing_else() {
    let allowed: BTreeSet<&str> = ROOT.into_iter().chain(MADE).collect();
    let found: BTreeSet<String> = fs::read_dir(workspace())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let strangers: Vec<_> = found.iter().filter(|name| !allowed.contains(name.as_str())).cloned().collect();
    assert_none("not at the root", &strangers);
    let required = ROOT.iter().filter(|name| ![".git", ".github", "fuzz"].contains(name));
    let absent: Vec<_> = required.filter(|name| !found.contains(**name)).map(ToString::to_string).collect();
    assert_none("missing at the root", &absent);
}

#[test]
fn migrations_have_the_same_numbers_on_both_sides() {
    let side = |name: &str| -> BTreeSet<String> {
        let mut found = Vec::new();
        files_below(&workspace().join("migrations").join(name), "sql", &mut found);
        found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    let (sqlite, postgres) = (side("sqlite"), side("postgres"));
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, postgres);
}

#[test]
fn imports_point_downwards() {
    // (files whose path begins so, what they must not name, why)
    let rules: [(&str, &[&str], &str); 8] = [
        (
            "registry-server/src/store",
            &["axum", "crate::api", "crate::registry::register"],
            "the store knows SQL",
        ),
        (
            "registry-server/src/registry",
            &["axum", "sqlx", "crate::api"],
            "the rules know neither HTTP nor SQL",
        ),
        (
            "registry-server/src/api",
            &["sqlx", "crate::store::sqlite", "crate::store::postgres"],
            "the API knows HTTP",
        ),
        ("broker/src/handlers", &["std::fs", "tokio::fs"], "a handler never opens a file"),
        ("broker/src/log", &["crate::protocol::messages", "crate::handlers"], "the log knows no messages"),
        (
            "broker/src/protocol",
            &["crate::log", "crate::handlers", "crate::partition", "tokio"],
            "the codec is a leaf",
        ),
        ("broker/src/groups/state", &["tokio", "std::time::Instant", "std::fs"], "the group machine is pure"),
        ("schema-core/src", &["std::fs", "std::net", "std::env", "SystemTime"], "schema-core does no I/O"),
    ];
    let mut offenders = Vec::new();
    for (name, text) in sources() {
        for (prefix, forbidden, why) in rules {
            if !name.starts_with(prefix) || is_test_file(&name) {
                continue;
            }
            let imports = code(&text).into_iter().filter(|line| !line.trim_start().starts_with("//"));
            for line in imports {
                let named = |word: &&&str| {
                    let line = line.trim_start();
                    line.contains(&format!("{word}::")) || line.ends_with(&format!("{word};"))
                };
                if let Some(word) = forbidden.iter().find(named) {
                    offenders.push(format!("{name} names {word}: {why}"));
                }
            }
        }
    }
    assert_none("imports", &offenders);
}

#[test]
fn nothing_is_left_unfinished() {
    let words = ["todo!(", "unimplemented!(", "#[ignore", "FIXME"];
    let offenders: Vec<_> = sources()
        .iter()
        .filter(|(name, _)| name != "tests/e2e/tidy.rs")
        .filter_map(|(name, text)| {
            words.iter().find(|word| text.contains(**word)).map(|word| format!("{name}: {word}"))
        })
        .collect();
    assert_none("unfinished", &offenders);
}

#[test]
fn scripts_are_executable() {
    use std::os::unix::fs::PermissionsExt;
    for script in ["scripts/test", "scripts/demo", ".ci/run"] {
        let mode = fs::metadata(workspace().join(script)).unwrap().permissions().mode();
        assert!(mode & 0o111 != 0, "{script} is not executable");
    }
}
