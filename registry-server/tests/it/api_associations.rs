//! Associations between topics and subjects.

use serde_json::{Value, json};

use crate::backend::{Database, on_both_backends};
use crate::server::{Answer, Server, body_of, record};

on_both_backends!(
    a_topic_owns_the_subject_it_was_created_with,
    a_weak_association_points_at_a_living_subject,
    requests_that_break_a_rule_are_refused,
);

const OWN: &str = ":.kafka-1:orders-value";

fn strong(schema: &str) -> Value {
    json!({
        "resourceName": "orders", "resourceNamespace": "kafka-1", "resourceId": "id-1",
        "associations": [{"associationType": "value", "lifecycle": "STRONG", "schema": {"schema": schema}}],
    })
}

fn weak(subject: &str) -> Value {
    json!({
        "resourceName": "orders", "resourceNamespace": "kafka-1", "resourceId": "id-1", "resourceType": "topic",
        "associations": [{"subject": subject, "lifecycle": "WEAK"}],
    })
}

async fn send(server: &Server, line: &str, body: &Value) -> Answer {
    server.call(line, Some(&body.to_string())).await
}

async fn code(server: &Server, line: &str, body: &Value) -> (u16, i64, String) {
    let answer = send(server, line, body).await;
    let json = answer.json();
    (
        answer.status,
        json["error_code"].as_i64().unwrap_or_default(),
        json["message"].as_str().unwrap_or_default().to_owned(),
    )
}

async fn a_topic_owns_the_subject_it_was_created_with(database: Database) {
    let server = Server::on(database).await;
    let request = strong(&record("O", &["a"]));
    let dry = send(&server, "POST /associations?dryRun=true", &request).await;
    let resource = json!({"resourceName": "orders", "resourceNamespace": "kafka-1", "resourceId": "id-1", "resourceType": "topic"});
    assert_eq!((dry.status, dry.json()), (200, resource.clone()));
    server.ok("GET /subjects", None, "[]").await;

    let made = send(&server, "POST /associations", &request).await.json();
    assert_eq!(made["resourceId"], "id-1");
    let info = &made["associations"][0];
    assert_eq!(
        (&info["subject"], &info["associationType"], &info["lifecycle"]),
        (&json!(OWN), &json!("value"), &json!("STRONG"))
    );
    assert_eq!(
        (&info["schema"]["version"], &info["schema"]["id"], info.get("frozen")),
        (&json!(1), &json!(1), None)
    );
    server.ok("GET /subjects", None, &format!("[\"{OWN}\"]")).await;
    // Once more: nothing new. With another schema: refused.
    assert_eq!(send(&server, "POST /associations", &request).await.json(), resource);
    let other = code(&server, "POST /associations", &strong("\"int\"")).await;
    assert_eq!(
        other,
        (409, 40903, "An association of type 'value' already exists for resource 'orders'".to_owned())
    );

    // As serializers ask, and the other ways.
    for path in [
        "/associations/resources/-/orders?resourceType=topic&associationType=value",
        "/associations/resources/kafka-1/orders",
        "/associations/resources/kafka-1/-",
        "/associations/resources/id-1",
        &format!("/associations/subjects/{OWN}"),
        "/contexts/kafka-1/associations/subjects/orders-value",
    ] {
        let found = server.call(&format!("GET {path}"), None).await.json();
        let [one] = found.as_array().unwrap().as_slice() else { panic!("{path}: {found}") };
        assert_eq!((&one["subject"], &one["resourceName"]), (&json!(OWN), &json!("orders")), "{path}");
        assert!(one["guid"].as_str().unwrap().len() == 36 && one["createTs"].as_i64().unwrap() > 0, "{one}");
    }
    for path in [
        "/associations/resources/-/other",
        "/associations/resources/kafka-2/orders",
        "/associations/resources/id-1?associationType=key",
        "/associations/resources/id-1?lifecycle=WEAK",
        "/associations/resources/id-1?resourceType=group",
        "/associations/resources/id-1?offset=1",
        "/associations/subjects/orders-value",
    ] {
        server.ok(&format!("GET {path}"), None, "[]").await;
    }

    // The subject cannot go while it is owned, nor the association without cascade.
    let message = format!("An association already exists for subject '{OWN}'");
    server.refused(&format!("DELETE /subjects/{OWN}"), None, 409, 40904, &message).await;
    server.refused(&format!("DELETE /subjects/{OWN}/versions/1"), None, 409, 40904, &message).await;
    let frozen = format!("The association of type  'value' is frozen for subject '{OWN}'");
    server.refused("DELETE /associations/resources/id-1", None, 409, 40908, &frozen).await;
    let dry =
        server.call("DELETE /associations/resources/id-1?cascadeLifecycle=true&dryRun=true", None).await;
    assert_eq!((dry.status, dry.body.as_str()), (204, ""));
    server.ok("GET /subjects", None, &format!("[\"{OWN}\"]")).await;
    let gone = server.call("DELETE /associations/resources/id-1?cascadeLifecycle=true", None).await;
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    server.ok("GET /subjects?deleted=true", None, "[]").await;
    server
        .refused("DELETE /associations/resources/id-1", None, 404, 40410, "Association for 'id-1' not found.")
        .await;
    let events = server.call(&format!("GET /history?subject={OWN}"), None).await.json();
    let actions: Vec<&str> =
        events.as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["register", "association.put", "association.delete", "subject.purge"]);
    assert_eq!(server.call("GET /history/verify", None).await.json()["findings"], json!([]));
}

async fn a_weak_association_points_at_a_living_subject(database: Database) {
    let server = Server::on(database).await;
    let missing = code(&server, "POST /associations", &weak("shared")).await;
    assert_eq!(
        missing,
        (409, 40907, "No active (non-deleted) version exists for subject 'shared'".to_owned())
    );
    server.register("shared", "\"int\"").await;
    let made = send(&server, "PUT /associations/resources/id-1", &weak("shared")).await;
    assert_eq!((made.status, &made.json()["associations"][0]["lifecycle"]), (200, &json!("WEAK")));
    // A second topic shares it; a topic of its own cannot have it.
    let mut second = weak("shared");
    second["resourceId"] = json!("id-2");
    second["resourceName"] = json!("payments");
    assert_eq!(send(&server, "POST /associations", &second).await.status, 200);
    let shared = server.call("GET /associations/subjects/shared", None).await.json();
    assert_eq!(shared.as_array().unwrap().len(), 2);
    // All types of a topic share one lifecycle.
    let mut key = strong("\"string\"");
    key["associations"][0]["associationType"] = json!("key");
    let (status, number, message) = code(&server, "POST /associations", &key).await;
    assert_eq!((status, number), (422, 42212));
    assert!(message.ends_with("must have the same lifecycle, but got key=STRONG, value=WEAK"), "{message}");
    // The subject stays as it is while it is pointed at.
    let moved = code(&server, "PUT /associations/resources/id-1", &weak("elsewhere")).await;
    assert_eq!((moved.0, moved.1), (422, 42212));
    let one = "DELETE /associations/resources/id-1?associationType=value";
    assert_eq!(server.call(one, None).await.status, 204);
    assert_eq!(server.call("DELETE /associations/resources/id-2", None).await.status, 204);
    server.ok("DELETE /subjects/shared", None, "[1]").await;
}

async fn requests_that_break_a_rule_are_refused(database: Database) {
    let server = Server::on(database).await;
    server.register("s", "\"int\"").await;
    let refuse = async |change: &dyn Fn(&mut Value), property: &str, detail: &str| {
        let mut request = weak("s");
        change(&mut request);
        let message = format!(
            "The association specified an invalid value for property: '{property}', detail: {detail}"
        );
        assert_eq!(code(&server, "POST /associations", &request).await, (422, 42212, message));
    };
    refuse(&|body| body["resourceName"] = json!("a.b"), "resourceName", "illegal character '.'").await;
    refuse(&|body| body["resourceNamespace"] = Value::Null, "resourceNamespace", "cannot be null or empty")
        .await;
    refuse(&|body| body["resourceId"] = Value::Null, "resourceId", "cannot be null or empty").await;
    refuse(&|body| body["resourceType"] = json!("group"), "resourceType", "must be 'topic'").await;
    refuse(&|body| body["associations"] = json!([]), "associations", "cannot be null or empty").await;
    let one = |body: &mut Value, name: &str, value: Value| body["associations"][0][name] = value;
    let kinds = "must be either 'key' or 'value'";
    refuse(&|body| one(body, "associationType", json!("header")), "associationType", kinds).await;
    refuse(
        &|body| one(body, "frozen", json!(true)),
        "frozen",
        "association with lifecycle of WEAK cannot be frozen=true",
    )
    .await;
    refuse(
        &|body| one(body, "schema", json!({"schema": "\"int\""})),
        "lifecycle",
        "cannot be WEAK when schema is provided",
    )
    .await;
    refuse(&|body| one(body, "subject", json!("")), "subject", "must not be empty").await;
    let own = format!("WEAK associations cannot use subject '{OWN}'");
    refuse(&|body| one(body, "subject", json!(OWN)), "subject", &own).await;
    let strong_only = "schema must be provided when creating a frozen association";
    refuse(
        &|body| {
            one(body, "lifecycle", json!("STRONG"));
            one(body, "subject", json!(OWN));
        },
        "schema",
        strong_only,
    )
    .await;
    let (status, number, _) = code(&server, "PUT /associations/resources/id-9", &weak("s")).await;
    assert_eq!((status, number), (422, 42212));
    let lifecycle = json!({"associations": [{"lifecycle": "SOMETIMES"}]});
    assert_eq!(code(&server, "POST /associations", &lifecycle).await.0, 400);
    let empty = server.call("POST /associations", Some("")).await;
    assert_eq!((empty.status, &empty.json()["error_code"]), (422, &json!(422)));
    server.call("PUT /mode/s", Some(r#"{"mode":"READONLY"}"#)).await;
    assert_eq!(code(&server, "POST /associations", &weak("s")).await.1, 42205);
    // A schema that cannot be registered is refused before anything is written.
    assert_eq!(code(&server, "POST /associations", &strong("nothing")).await.1, 42201);
    server.ok("GET /associations/resources/-/-", None, "[]").await;
    // An upsert cannot make a topic's own subject, and a referenced subject cannot become one.
    let (_, number, message) = code(&server, "PUT /associations/resources/id-1", &strong("\"int\"")).await;
    assert_eq!(number, 42212);
    assert!(message.contains("must be created with the topic"), "{message}");
    server.call(&format!("POST /subjects/{OWN}/versions"), Some(&body_of(&record("O", &["a"])))).await;
    let reference = json!({"schema": r#"{"type":"array","items":"O"}"#,
        "references": [{"name": "O", "subject": OWN, "version": 1}]});
    assert_eq!(send(&server, "POST /subjects/r/versions", &reference).await.status, 200);
    let referenced = code(&server, "POST /associations", &strong(&record("O", &["a"]))).await;
    assert_eq!(referenced, (422, 42206, format!("One or more references exist to the schema {OWN}.")));
}

#[tokio::test]
async fn lists_of_schemas_are_filtered_by_association() {
    let server = Server::start().await;
    server.register("shared", "\"int\"").await;
    server.register("alone", "\"int\"").await;
    assert_eq!(send(&server, "POST /associations", &weak("shared")).await.status, 200);
    let mut own = strong("\"int\"");
    own["resourceName"] = json!("payments");
    own["resourceId"] = json!("id-2");
    assert_eq!(send(&server, "POST /associations", &own).await.status, 200);
    for (filter, expected) in [
        ("", vec!["alone", "shared", ":.kafka-1:payments-value"]),
        ("&lifecycle=WEAK", vec!["shared"]),
        ("&lifecycle=STRONG", vec![":.kafka-1:payments-value"]),
        ("&lifecycle=NONE", vec!["alone"]),
        ("&lifecycle=NONE&lifecycle=WEAK", vec!["alone", "shared"]),
        ("&associationType=key", vec![]),
        ("&resourceType=topic&associationType=value&limit=1", vec!["shared"]),
        ("&resourceType=topic&associationType=value&offset=1", vec![":.kafka-1:payments-value"]),
    ] {
        let list = server.call(&format!("GET /schemas?subjectPrefix=:*:{filter}"), None).await.json();
        let subjects: Vec<&str> =
            list.as_array().unwrap().iter().map(|schema| schema["subject"].as_str().unwrap()).collect();
        assert_eq!(subjects, expected, "{filter}");
    }
    let shared = server.call("GET /schemas?lifecycle=WEAK", None).await.json();
    assert_eq!(shared[0]["associations"][0]["resourceName"], "orders");
}

#[tokio::test]
async fn lists_of_schemas_follow_aliases_on_request() {
    let server = Server::start().await;
    server.register("orders", "\"int\"").await;
    server.register("other", "\"int\"").await;
    server.call("PUT /config/legacy", Some(r#"{"alias":"orders"}"#)).await;
    for (query, expected) in [
        ("subjectPrefix=legacy", json!([])),
        ("subjectPrefix=legacy&aliases=true", json!([["orders", ["legacy"]]])),
        ("subjectPrefix=o&aliases=true", json!([["orders", ["legacy"]], ["other", null]])),
        ("aliases=true&limit=1", json!([["orders", ["legacy"]]])),
        ("subjectPrefix=legacy&aliases=true&offset=1", json!([])),
    ] {
        let list = server.call(&format!("GET /schemas?{query}"), None).await.json();
        let told: Vec<Value> =
            list.as_array().unwrap().iter().map(|one| json!([one["subject"], one["aliases"]])).collect();
        assert_eq!(json!(told), expected, "{query}");
    }
}

#[tokio::test]
async fn batches_answer_item_by_item() {
    let server = Server::start().await;
    server.register("s", "\"int\"").await;
    let op = |op: &str, body: Value| {
        let mut body = body;
        body["associations"][0]["opType"] = json!(op);
        body
    };
    let mut other = strong("\"string\"");
    other["resourceId"] = json!("id-2");
    other["resourceName"] = json!("payments");
    let batch = json!({"requests": [op("UPSERT", weak("s")), op("CREATE", other), op("MERGE", weak("s")), op("UPSERT", weak("t"))]});
    let done = send(&server, "POST /associations:batchMutate", &batch).await;
    let body = done.json();
    assert_eq!(done.status, 207, "{body}");
    assert_eq!(body["results"][0]["result"]["associations"][0]["subject"], "s");
    assert_eq!(body["results"][1]["result"]["associations"][0]["schema"]["version"], 1);
    assert_eq!(body["results"][2]["error"]["error_code"], 42212);
    assert_eq!(body["results"][3]["error"]["error_code"], 42212);
    let query = json!({"requests": [{"resourceId": "id-1"}, {"resourceName": "payments", "resourceNamespace": "-"}, {}]});
    let found = send(&server, "POST /associations:batchGet?includeSchemas=true", &query).await;
    let body = found.json();
    assert_eq!(found.status, 207, "{body}");
    assert_eq!(body["results"][0]["result"]["associations"][0]["schema"]["schema"], "\"int\"");
    assert_eq!(body["results"][1]["result"]["resourceId"], "id-2");
    assert_eq!(body["results"][2]["error"]["error_code"], 42212);
    let delete = json!({"requests": [{"resourceName": "orders", "resourceNamespace": "kafka-1", "resourceId": "id-1",
        "associations": [{"opType": "DELETE", "associationType": "value"}]}]});
    let gone = send(&server, "POST /associations:batchMutate", &delete).await.json();
    assert_eq!(gone["results"][0]["result"].get("associations"), None, "{gone}");
    let none = send(&server, "POST /associations:batchGet", &json!({"requests": []})).await;
    assert_eq!((none.status, &none.json()["error_code"]), (422, &json!(42212)));
}
