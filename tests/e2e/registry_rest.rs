//! The first five minutes with the registry, over HTTP.

use harness::Assay;
use serde_json::{Value, json};

use crate::fixtures::flight_schema;

#[tokio::test]
async fn a_newcomer_registers_reads_and_is_told_what_is_wrong() {
    let assay = Assay::start().unwrap();
    let rest = assay.rest();
    assert_eq!(rest.get("/").await.unwrap().body, json!({}));
    assert_eq!(rest.get("/subjects").await.unwrap().body, json!([]));
    let types = rest.get("/schemas/types").await.unwrap().body;
    assert!(types.as_array().unwrap().contains(&json!("AVRO")), "{types}");
    let id = rest.register("orders-value", &flight_schema()).await.unwrap();
    assert_eq!(rest.register("orders-value", &flight_schema()).await.unwrap(), id);
    assert_eq!(rest.get("/subjects/orders-value/versions").await.unwrap().body, json!([1]));
    assert_eq!(rest.get("/config").await.unwrap().body["compatibilityLevel"], "BACKWARD");
    assert_eq!(
        rest.put("/config", &json!({"compatibility": "FULL"})).await.unwrap().body["compatibility"],
        "FULL"
    );
    let check = json!({ "schema": flight_schema().to_string() });
    let answer = rest.post("/compatibility/subjects/orders-value/versions/latest", &check).await.unwrap();
    assert_eq!(answer.body["is_compatible"], true);
    let missing = rest.get("/subjects/nope/versions").await.unwrap();
    assert_eq!(
        (missing.status, missing.code(), missing.message()),
        (404, 40401, "Subject 'nope' not found.")
    );
}

#[tokio::test]
async fn an_incompatible_change_is_refused_with_the_reason() {
    let assay = Assay::start().unwrap();
    let rest = assay.rest();
    rest.register("f-value", &flight_schema()).await.unwrap();
    let mut changed = flight_schema();
    changed["fields"][1]["type"] = json!("string");
    let refused =
        rest.post("/subjects/f-value/versions", &json!({"schema": changed.to_string()})).await.unwrap();
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(
        refused.message().contains("delay") || refused.message().contains("TYPE_MISMATCH"),
        "{refused:?}"
    );
    assert_eq!(rest.get("/subjects/f-value/versions").await.unwrap().body, json!([1]));
    let path = "/compatibility/subjects/f-value/versions/latest?verbose=true";
    let verdict = rest.post(path, &json!({"schema": changed.to_string()})).await.unwrap();
    assert_eq!(verdict.body["is_compatible"], false);
    assert!(!verdict.body["messages"].as_array().unwrap().is_empty(), "{verdict:?}");
}

#[tokio::test]
async fn a_subject_is_deleted_softly_then_for_good() {
    let assay = Assay::start().unwrap();
    let rest = assay.rest();
    let id = rest.register("gone", &json!("string")).await.unwrap();
    let too_early = rest.delete("/subjects/gone?permanent=true").await.unwrap();
    assert_eq!((too_early.status, too_early.code()), (404, 40405), "{too_early:?}");
    assert_eq!(rest.delete("/subjects/gone").await.unwrap().body, json!([1]));
    assert_eq!(rest.get("/subjects").await.unwrap().body, json!([]));
    assert_eq!(rest.get("/subjects?deleted=true").await.unwrap().body, json!(["gone"]));
    assert_eq!(rest.get(&format!("/schemas/ids/{id}")).await.unwrap().status, 200);
    assert_eq!(rest.delete("/subjects/gone?permanent=true").await.unwrap().body, json!([1]));
    assert_eq!(rest.get("/subjects?deleted=true").await.unwrap().body, json!([]));
    assert_ne!(rest.register("gone", &json!("long")).await.unwrap(), id, "an id is never issued twice");
}

#[tokio::test]
async fn what_was_registered_is_there_after_a_restart() {
    let assay = Assay::start().unwrap();
    let rest = assay.rest();
    let id = rest.register("kept-value", &flight_schema()).await.unwrap();
    rest.put("/config/kept-value", &json!({"compatibility": "NONE"})).await.unwrap();
    let before = rest.get("/subjects/kept-value/versions/1").await.unwrap();
    let (status, _, log, data) = assay.terminate().unwrap();
    assert!(status.success(), "{log}");
    let assay = harness::Launch::default().on(data).start().unwrap();
    let rest = assay.rest();
    assert_eq!(rest.get("/subjects/kept-value/versions/1").await.unwrap(), before);
    assert_eq!(rest.get("/config/kept-value").await.unwrap().body["compatibilityLevel"], "NONE");
    assert_eq!(rest.register("kept-value", &flight_schema()).await.unwrap(), id);
    let schema: Value = serde_json::from_str(before.body["schema"].as_str().unwrap()).unwrap();
    assert_eq!(schema["name"], "Flight");
}
