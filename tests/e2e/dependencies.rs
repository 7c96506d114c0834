//! The direction of dependencies, asked of cargo itself.

use std::process::Command;

use harness::workspace;

/// Packages that a package reaches, itself included; features of the package alone, without dev-dependencies.
fn reached(package: &str) -> Vec<String> {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args([
            "tree",
            "--offline",
            "-p",
            package,
            "-e",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<String> =
        text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

fn assert_out_of_reach(package: &str, forbidden: &[&str]) {
    let names = reached(package);
    assert!(names.iter().any(|name| name == package), "{names:?}");
    let found: Vec<_> = names.iter().filter(|name| forbidden.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{package} must not reach {found:?}");
}

#[test]
fn schema_core_reaches_no_runtime_and_no_io() {
    assert_out_of_reach(
        "assay-schema-core",
        &["tokio", "axum", "sqlx", "sqlx-core", "reqwest", "hyper", "mio", "rustix", "async-std", "tracing"],
    );
}

#[test]
fn the_three_libraries_do_not_know_one_another() {
    let (registry, serde, broker) = ("assay-registry-server", "assay-serde-avro", "assay-broker");
    assert_out_of_reach(registry, &[serde, broker, "assay", "reqwest"]);
    assert_out_of_reach(serde, &[registry, broker, "assay", "axum", "sqlx"]);
    assert_out_of_reach(broker, &[registry, serde, "assay", "axum", "sqlx", "reqwest", "kafka-protocol"]);
}

#[test]
fn nothing_depends_on_the_tests() {
    for package in ["assay", "assay-schema-core", "assay-registry-server", "assay-serde-avro", "assay-broker"]
    {
        assert_out_of_reach(package, &["e2e", "rdkafka", "insta", "proptest"]);
    }
}
