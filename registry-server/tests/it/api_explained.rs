//! Explained refusals, places of errors, differences, dry runs.

use serde_json::{Value, json};

use crate::backend::{Database, on_both_backends};
use crate::server::{Server, body_of, record};

const OWN_TYPE: &str = "application/vnd.assay.compatibility.v1+json";

async fn posted(server: &Server, path: &str, accept: &str, body: &str) -> (u16, String, Value) {
    let request = server.request("POST", path).header("Accept", accept);
    let request = request.header("Content-Type", "application/json").body(body.to_owned());
    let answer = server.send(request).await;
    let content_type = answer.headers["content-type"].to_str().unwrap().to_owned();
    (answer.status, content_type, answer.json())
}

#[tokio::test]
async fn a_refusal_is_explained_on_request() {
    let server = Server::start().await;
    server.register("s", &record("R", &["f1"])).await;
    let new = record("R", &["f1", "f2"]);
    let line = "/compatibility/subjects/s/versions";
    for path in [line.to_owned(), format!("{line}/latest"), format!("{line}/1")] {
        let plain = format!("POST {path}?explain=true");
        let answer = server.call(&plain, Some(&body_of(&new))).await.json();
        assert_eq!((&answer["is_compatible"], &answer["level"]), (&json!(false), &json!("BACKWARD")));
        let [problem] = answer["problems"].as_array().unwrap().as_slice() else { panic!("{answer}") };
        assert_eq!(
            (&problem["rule"], &problem["direction"], &problem["version"]),
            (&json!("READER_FIELD_MISSING_DEFAULT_VALUE"), &json!("BACKWARD"), &json!(1))
        );
        assert_eq!(
            (&problem["after"]["pointer"], &problem["before"]["pointer"]),
            (&json!("/fields/1"), &json!("/fields"))
        );
        assert!(problem["why"].as_str().unwrap().contains("f2"), "{problem}");
        assert_eq!(answer.get("messages"), None);
        // Edits that would pass: taking one up passes.
        let edit = &answer["edits"][0];
        assert!(!edit["description"].as_str().unwrap().is_empty() && edit["patch"].is_array(), "{edit}");
        let edited =
            server.call(&format!("POST {path}"), Some(&body_of(edit["schema"].as_str().unwrap()))).await;
        assert_eq!(edited.body, r#"{"is_compatible":true}"#);
        // By media type: the same, under that type.
        let (status, content_type, named) = posted(&server, &path, OWN_TYPE, &body_of(&new)).await;
        assert_eq!((status, content_type.as_str(), &named), (200, OWN_TYPE, &answer));
    }
    let (status, content_type, refused) =
        posted(&server, "/subjects/s/versions", OWN_TYPE, &body_of(&new)).await;
    assert_eq!((status, content_type.as_str(), &refused["error_code"]), (409, OWN_TYPE, &json!(40901)));
    assert_eq!(refused["problems"][0]["rule"], "READER_FIELD_MISSING_DEFAULT_VALUE");
    // What is taken from the latest version cannot be explained; the refusal stays what it is.
    let tagged = json!({"schema": new, "references": [], "schemaTagsToAdd":
        [{"schemaEntity": {"entityPath": "R.f2", "entityType": "sr_field"}, "tags": ["PII"]}]});
    let (status, _, refused) =
        posted(&server, "/subjects/s/versions?explain=true", "*/*", &tagged.to_string()).await;
    assert_eq!((status, &refused["error_code"]), (409, &json!(40901)));
    // Not asked for: the contract's two fields and no more.
    let refused = server.call("POST /subjects/s/versions", Some(&body_of(&new))).await.json();
    assert_eq!(refused.as_object().unwrap().keys().collect::<Vec<_>>(), ["error_code", "message"]);
    let fine = server.call(&format!("POST {line}?explain=true"), Some(&body_of(&record("R", &["f1"])))).await;
    assert_eq!(fine.json(), json!({"is_compatible": true, "level": "BACKWARD", "problems": []}));
}

#[tokio::test]
async fn the_own_media_type_is_offered_where_it_means_something() {
    let server = Server::start().await;
    let request = server.request("GET", "/subjects").header("Accept", OWN_TYPE);
    assert_eq!(server.send(request).await.status, 406);
    let accept = format!("{OWN_TYPE};q=0.5, application/json");
    let (status, content_type, answer) =
        posted(&server, "/compatibility/subjects/s/versions", &accept, &body_of("\"int\"")).await;
    assert_eq!((status, content_type.as_str()), (200, "application/json"));
    assert_eq!(answer, json!({"is_compatible": true}));
    let (_, content_type, _) =
        posted(&server, "/compatibility/subjects/s/versions", "*/*", &body_of("\"int\"")).await;
    assert_eq!(content_type, "application/vnd.schemaregistry.v1+json");
}

#[tokio::test]
async fn a_schema_that_does_not_parse_has_a_place() {
    let server = Server::start().await;
    let bad =
        "{\"type\": \"record\", \"name\": \"R\",\n \"fields\": [{\"name\": \"f\", \"type\": \"strin\"}]}";
    let answer = server.call("POST /subjects/s/versions", Some(&body_of(bad))).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["error_code"]), (422, &json!(42201)));
    assert_eq!(
        (&body["line"], &body["column"], &body["path"]),
        (&json!(2), &json!(35), &json!("/fields/0/type"))
    );
    assert!(body["message"].as_str().unwrap().starts_with("Invalid schema of type AVRO, details: "));
    let cut = server.call("POST /subjects/s/versions", Some(&body_of("{\"type\":"))).await.json();
    assert_eq!((&cut["line"], &cut["column"], &cut["path"]), (&json!(1), &json!(9), &json!("/type")));
    let verbose = "POST /compatibility/subjects/s/versions?verbose=true&explain=true";
    let checked = server.call(verbose, Some(&body_of(bad))).await.json();
    assert_eq!((&checked["is_compatible"], &checked["path"]), (&json!(false), &json!("/fields/0/type")));
    let empty = server.call("POST /subjects/s/versions", Some(r#"{"schema":""}"#)).await;
    assert_eq!(empty.body, r#"{"error_code":42201,"message":"Empty schema"}"#);
}

#[tokio::test]
async fn versions_and_posted_schemas_are_compared() {
    let server = Server::start().await;
    server.call("PUT /config/s", Some(r#"{"compatibility":"NONE"}"#)).await;
    server.register("s", &record("R", &["a"])).await;
    let contract = json!({"schema": record("R", &["a", "b"]), "metadata": {"properties": {"k": "v"}}});
    server.call("POST /subjects/s/versions", Some(&contract.to_string())).await;
    let there = server.call("GET /subjects/s/versions/1/diff/latest", None).await.json();
    assert_eq!((&there["subject"], &there["from"], &there["to"]), (&json!("s"), &json!(1), &json!(2)));
    assert_eq!(there["identical"], false);
    let [change] = there["changes"].as_array().unwrap().as_slice() else { panic!("{there}") };
    assert_eq!(
        (&change["kind"], &change["new"]["pointer"], &change["breaksBackward"], &change["breaksForward"]),
        (&json!("FIELD_ADDED"), &json!("/fields/1"), &json!(true), &json!(false))
    );
    assert_eq!(there["metadata"], json!({"before": null, "after": {"properties": {"k": "v"}}}));
    let back = server.call("GET /subjects/s/versions/2/diff/1", None).await.json();
    assert_eq!(back["changes"][0]["kind"], "FIELD_REMOVED");
    let same = server.call("GET /subjects/s/versions/2/diff/2", None).await.json();
    assert_eq!(same, json!({"subject": "s", "from": 2, "to": 2, "identical": true, "changes": []}));

    let line = "POST /subjects/s/versions/latest/diff";
    let posted = server.call(line, Some(&body_of(&record("R", &["a"])))).await.json();
    assert_eq!((&posted["from"], &posted["changes"][0]["kind"]), (&json!(2), &json!("FIELD_REMOVED")));
    assert_eq!((posted.get("to"), posted.get("metadata")), (None, None));
    let answer = server.call(line, Some(&body_of("nothing"))).await;
    assert_eq!((answer.status, &answer.json()["error_code"]), (422, &json!(42201)));
    server.refused("GET /subjects/s/versions/1/diff/9", None, 404, 40402, "Version 9 not found.").await;
    server.refused("GET /subjects/x/versions/1/diff/2", None, 404, 40401, "Subject 'x' not found.").await;
    let range = "The specified version '0' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\"";
    server.refused("GET /subjects/s/versions/1/diff/0", None, 422, 42202, range).await;
}

/// Everything a client can see, except request ids and times.
async fn visible(server: &Server) -> Vec<String> {
    let mut seen = Vec::new();
    for path in [
        "/schemas?subjectPrefix=:*:&deleted=true",
        "/subjects?deleted=true",
        "/contexts",
        "/config",
        "/mode",
        "/schemas/ids/1?fetchMaxId=true",
        "/history",
    ] {
        let answer = server.call(&format!("GET {path}"), None).await.json();
        let mut text = answer.to_string();
        if path == "/history" {
            let events = answer.as_array().unwrap();
            let told: Vec<String> =
                events.iter().map(|event| format!("{} {}", event["revision"], event["action"])).collect();
            text = told.join(";");
        }
        seen.push(text);
    }
    seen
}

/// A dry run answers exactly what the real call then answers, and changes nothing.
async fn rehearse(server: &Server, path: &str, body: &str) -> u16 {
    let before = visible(server).await;
    let dry = server.call(&format!("POST {path}?dryRun=true"), Some(body)).await;
    assert_eq!(visible(server).await, before, "{path} {body}");
    let real = server.call(&format!("POST {path}"), Some(body)).await;
    assert_eq!((dry.status, &dry.body), (real.status, &real.body), "{path} {body}");
    real.status
}

on_both_backends!(a_dry_run_answers_what_the_real_call_would);

async fn a_dry_run_answers_what_the_real_call_would(database: Database) {
    let server = Server::on(database).await;
    let versions = "/subjects/s/versions";
    assert_eq!(rehearse(&server, versions, &body_of(&record("R", &["a"]))).await, 200, "new");
    assert_eq!(rehearse(&server, versions, &body_of(&record("R", &["a"]))).await, 200, "existing");
    assert_eq!(
        rehearse(&server, "/subjects/t/versions", &body_of(&record("R", &["a"]))).await,
        200,
        "known id"
    );
    assert_eq!(rehearse(&server, versions, &body_of(&record("R", &["a", "b"]))).await, 409, "incompatible");
    assert_eq!(rehearse(&server, versions, &body_of("nothing")).await, 422, "invalid");
    assert_eq!(rehearse(&server, "/subjects/:.c:x/versions", &body_of("\"int\"")).await, 200, "new context");
    let numbered = json!({"schema": record("R", &["a"]), "version": 7}).to_string();
    assert_eq!(rehearse(&server, versions, &numbered).await, 422, "version out of order");
    let reference = json!({"schema": r#"{"type":"array","items":"R"}"#,
        "references": [{"name": "R", "subject": "s", "version": -1}]})
    .to_string();
    assert_eq!(rehearse(&server, "/subjects/a/versions", &reference).await, 200, "with a reference");
    let with_id = json!({"schema": "\"long\"", "id": 500}).to_string();
    assert_eq!(rehearse(&server, "/subjects/i/versions", &with_id).await, 422, "id outside import");
    server.call("PUT /mode/i", Some(r#"{"mode":"IMPORT"}"#)).await;
    assert_eq!(rehearse(&server, "/subjects/i/versions", &with_id).await, 200, "import");
    assert_eq!(
        rehearse(&server, "/subjects/n/versions", &body_of("\"bytes\"")).await,
        200,
        "after the import"
    );
    server.call("DELETE /subjects/n/versions/1", None).await;
    assert_eq!(
        rehearse(&server, "/subjects/n/versions", &body_of("\"bytes\"")).await,
        200,
        "purges the old version"
    );
    server.call("PUT /mode/s", Some(r#"{"mode":"READONLY"}"#)).await;
    assert_eq!(rehearse(&server, versions, &body_of(&record("R", &["a"]))).await, 200, "known in read-only");
    assert_eq!(rehearse(&server, versions, &body_of("\"int\"")).await, 422, "read-only");
    let tagged = json!({"schema": record("R", &["a"]), "schemaTagsToAdd":
        [{"schemaEntity": {"entityPath": "R.a", "entityType": "sr_field"}, "tags": ["PII"]}]})
    .to_string();
    assert_eq!(rehearse(&server, "/subjects/t/versions", &tagged).await, 200, "tags");
    assert_eq!(
        rehearse(&server, "/subjects/__EMPTY/versions", &body_of("\"int\"")).await,
        422,
        "reserved name"
    );
}
