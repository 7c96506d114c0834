//! `openapi.yaml` and the route table name the same paths and methods.

use std::collections::BTreeSet;

/// `path method` for every operation, by the file's indentation: paths under `paths:` by two, methods by four.
fn described(text: &str) -> BTreeSet<String> {
    let mut operations = BTreeSet::new();
    let (mut in_paths, mut path) = (false, "");
    for line in text.lines() {
        if !line.starts_with(' ') {
            in_paths = line == "paths:";
        } else if in_paths && line.starts_with("  /") {
            path = line.trim().trim_end_matches(':');
        } else if in_paths && line.starts_with("    ") && !line.starts_with("     ") {
            let name = line.trim().trim_end_matches(':');
            if name != "parameters" {
                operations.insert(format!("{path} {name}"));
            }
        }
    }
    operations
}

#[test]
fn the_description_and_the_router_agree_in_both_directions() {
    let described = described(include_str!("../../../openapi.yaml"));
    let routed: BTreeSet<String> =
        assay_registry_server::ROUTES.iter().map(|(path, method)| format!("{path} {method}")).collect();
    let missing: Vec<_> = routed.difference(&described).collect();
    let invented: Vec<_> = described.difference(&routed).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "not described: {missing:?}; not routed: {invented:?}"
    );
}
