//! Registry clients of other people, each with a server of its own.

use harness::{Assay, foreign, python};

#[test]
fn javascript_both_clients() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::javascript("registry.js", &[&assay.registry]).unwrap() else { return };
    assert_eq!(answer["done"], true);
}

#[test]
fn go_franz() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::go("registry", &[&assay.registry]).unwrap() else { return };
    assert_eq!(answer["subjects"], serde_json::json!(["imported", "user"]));
}

#[test]
fn python_confluent() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::python("registry_client.py", &[&assay.registry]).unwrap() else { return };
    assert_eq!(answer["subjects"], 2);
}

/// Requests made up from openapi.yaml: no server error, and no answer that the description does not have.
#[test]
fn python_schemathesis() {
    let assay = Assay::start().unwrap();
    let arguments = [assay.registry.as_str(), "--seconds", "60", "--examples", "10"];
    let Some(report) = python::run("schemathesis_run.py", &arguments).unwrap() else { return };
    assert!(report.contains("No issues found"), "{report}");
}
