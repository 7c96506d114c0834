//! Media types, paths, headers, bad input, and every error body that can be reached.

use serde_json::json;

use crate::server::{Server, body_of, record};

const V1: &str = "application/vnd.schemaregistry.v1+json";

#[tokio::test]
async fn media_types_are_negotiated() {
    let server = Server::start().await;
    for (accept, expected) in [
        (None, V1),
        (Some("*/*"), V1),
        (Some("application/json"), "application/json"),
        (Some("application/vnd.schemaregistry+json"), "application/vnd.schemaregistry+json"),
        (
            Some(
                "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json; q=0.9, application/json; q=0.5",
            ),
            V1,
        ),
        (Some("text/html, application/json;q=0.9, */*;q=0.1"), "application/json"),
        (Some("application/json, application/vnd.schemaregistry.v1+json;q=0"), "application/json"),
    ] {
        let mut request = server.request("GET", "/subjects");
        if let Some(accept) = accept {
            request = request.header("Accept", accept);
        }
        let answer = server.send(request).await;
        assert_eq!(
            (answer.status, answer.headers["content-type"].to_str().unwrap()),
            (200, expected),
            "{accept:?}"
        );
    }
    let answer = server.send(server.request("GET", "/subjects").header("Accept", "text/html")).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (406, r#"{"error_code":406,"message":"HTTP 406 Not Acceptable"}"#)
    );
    assert_eq!(answer.headers["content-type"], V1);
    let answer = server
        .send(server.request("GET", "/subjects/none/versions").header("Accept", "application/json"))
        .await;
    assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (404, "application/json"));

    for (content_type, status) in [
        (Some("application/json; charset=utf-8"), 200),
        (Some("application/vnd.schemaregistry+json"), 200),
        (Some("application/octet-stream"), 200),
        (None, 200),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
    ] {
        let mut request = server.request("POST", "/subjects/s/versions").body(body_of("\"int\""));
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let answer = server.send(request).await;
        assert_eq!(answer.status, status, "{content_type:?} {}", answer.body);
        if status == 415 {
            assert_eq!(answer.body, r#"{"error_code":415,"message":"HTTP 415 Unsupported Media Type"}"#);
        }
    }
}

#[tokio::test]
async fn subjects_may_hold_any_printable_character() {
    let server = Server::start().await;
    for (encoded, name) in
        [("a%2Fb", "a/b"), ("a%25b", "a%b"), ("a+b", "a+b"), ("%C3%A4%20x", "ä x"), ("a:b", "a:b")]
    {
        server.register(encoded, "\"int\"").await;
        let answer = server.call(&format!("GET /subjects/{encoded}/versions/latest/"), None).await;
        assert_eq!(answer.json()["subject"], name);
    }
    let long = "x".repeat(3000);
    for (encoded, name) in [
        ("a%0Ab", "a\nb"),
        ("a%00b", "a\0b"),
        ("__EMPTY", "__EMPTY"),
        (":.__GLOBAL:x", ":.__GLOBAL:x"),
        (":.c:", ":.c:"),
        (long.as_str(), long.as_str()),
    ] {
        let message = format!("The specified subject '{name}' is not a valid.");
        let line = format!("POST /subjects/{encoded}/versions");
        server.refused(&line, Some(&body_of("\"int\"")), 422, 42208, &message).await;
    }
}

#[tokio::test]
async fn unknown_paths_methods_and_numbers_answer_json() {
    let server = Server::start().await;
    for line in [
        "GET /nothing",
        "POST /nothing",
        "GET /schemas/ids/abc",
        "GET /schemas/ids/99999999999",
        "GET /exporters",
        "GET /dek-registry/v1/keks",
        "GET /associations/resources",
    ] {
        server.refused(line, None, 404, 404, "HTTP 404 Not Found").await;
    }
    for line in ["PUT /subjects", "DELETE /schemas/ids/1", "POST /config"] {
        server.refused(line, None, 405, 405, "HTTP 405 Method Not Allowed").await;
    }
    for line in ["GET /subjects//versions", "GET /subjects/a;x=1/versions"] {
        assert_eq!(server.call(line, None).await.status, 400, "{line}");
    }
    server.ok("GET /", None, "{}").await;
    server.ok("POST /", Some("{}"), "{}").await;
    let id = server.call("GET /v1/metadata/id", None).await.json();
    assert_eq!(id["scope"]["path"], json!([]));
    assert_eq!(id["scope"]["clusters"]["schema-registry-cluster"], "schema-registry");
    assert!(server.call("GET /v1/metadata/version/", None).await.json()["version"].is_string());
    server.ok("GET /v1/metadata/deployment", None, r#"{"attributes":[]}"#).await;
}

#[tokio::test]
async fn head_options_compression_and_request_ids_work() {
    let server = Server::start().await;
    server.register("s", &record("R", &["a", "b", "c", "d"])).await;
    let head = server.call("HEAD /schemas/ids/1", None).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let options = server.call("OPTIONS /subjects/s", None).await;
    assert_eq!((options.status, options.body.as_str()), (200, ""));
    let allowed = options.headers["allow"].to_str().unwrap();
    assert!(allowed.contains("POST") && allowed.contains("DELETE"), "{allowed}");

    let answer =
        server.send(server.request("GET", "/subjects/s/versions/1").header("Accept-Encoding", "gzip")).await;
    assert_eq!(answer.headers["content-encoding"], "gzip");
    let echoed = server.send(server.request("GET", "/").header("X-Request-ID", "mine")).await;
    assert_eq!(echoed.headers["x-request-id"], "mine");
    for request in [server.request("GET", "/"), server.request("GET", "/").header("X-Request-ID", " ")] {
        let given = server.send(request).await.headers["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(uuid::Uuid::parse_str(&given).unwrap().get_version_num(), 4);
    }
    let cross = server.send(server.request("GET", "/subjects").header("Origin", "http://x")).await;
    assert!(cross.headers.get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn cors_answers_preflights_when_switched_on() {
    let options =
        assay_registry_server::ServeOptions { cors_allow_origin: Some("*".to_owned()), ..Default::default() };
    let server = Server::configured(assay_registry_server::RegistryConfig::default(), options).await;
    let request = server.request("OPTIONS", "/subjects").header("Origin", "http://x");
    let answer = server.send(request.header("Access-Control-Request-Method", "GET")).await;
    assert_eq!((answer.status, answer.headers["access-control-allow-origin"].to_str().unwrap()), (200, "*"));
}

#[tokio::test]
async fn http2_is_spoken_without_tls() {
    let server = Server::start().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let response = client.get(format!("http://{}/subjects", server.address)).send().await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (reqwest::Version::HTTP_2, 200));
}

#[tokio::test]
async fn bad_bodies_are_refused_with_the_contracts_errors() {
    let server = Server::start().await;
    for (line, argument) in [
        ("POST /subjects/s/versions", "register.arg6"),
        ("POST /subjects/s", "lookUpSchemaUnderSubject.arg5"),
        ("POST /compatibility/subjects/s/versions/latest", "testCompatibilityBySubjectName.arg4"),
        ("POST /compatibility/subjects/s/versions", "testCompatibilityForSubject.arg3"),
        ("PUT /config", "updateTopLevelConfig.arg1"),
        ("PUT /config/s", "updateSubjectLevelConfig.arg2"),
        ("PUT /mode", "updateTopLevelMode.arg1"),
        ("PUT /mode/s", "updateMode.arg2"),
        ("POST /subjects/s/versions/1/tags", "modifyTags.arg4"),
    ] {
        let message = format!("{argument} must not be null (was null)");
        for body in [None, Some(""), Some("null")] {
            server.refused(line, body, 422, 422, &message).await;
        }
        let broken = server.call(line, Some("{\"schema\": x}")).await;
        assert_eq!((broken.status, broken.json()["error_code"].as_i64()), (400, Some(400)), "{line}");
    }
    let line = "POST /subjects/s/versions";
    let wrong =
        "Cannot deserialize value of type `String` from Object value (token `JsonToken.START_OBJECT`)";
    server.refused(line, Some(r#"{"schema":{"type":"string"}}"#), 400, 400, wrong).await;
    let deep = format!("{{\"schema\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(server.call(line, Some(&deep)).await.status, 400);
    for body in [
        r"[1]",
        r#""text""#,
        r#"{"schema":"\"int\"","references":{}}"#,
        r#"{"schema":"\"int\"","version":"x"}"#,
    ] {
        assert_eq!(server.call(line, Some(body)).await.status, 400, "{body}");
    }
    let lenient = r#"{"schema":"\"int\"","schemaType":null,"references":null,"metadata":null,"ruleSet":null,"id":null,"odd":[1]}"#;
    assert_eq!(server.call(line, Some(lenient)).await.status, 200);
    let huge = format!("{{\"schema\":\"{}\"}}", " ".repeat(5 << 20));
    assert_eq!(server.call(line, Some(&huge)).await.status, 413);
    let large = body_of(&format!(
        "{{\"type\":\"record\",\"name\":\"R\",\"doc\":\"{}\",\"fields\":[]}}",
        "x".repeat(1 << 20)
    ));
    let too_large = "Register operation failed because schema is too large";
    server.refused(line, Some(&large), 422, 42209, too_large).await;
    server.ok("GET /subjects", None, r#"["s"]"#).await;
}

#[tokio::test]
async fn bad_schemas_are_42201() {
    let server = Server::start().await;
    let line = "POST /subjects/s/versions";
    let empty = json!({"schema": ""}).to_string();
    server.refused(line, Some(&empty), 422, 42201, "Empty schema").await;
    server.refused(line, Some("{}"), 422, 42201, "Empty schema").await;
    for name in ["JSON", "PROTOBUF", "avro", "XYZ"] {
        let body = json!({"schema": "\"int\"", "schemaType": name}).to_string();
        server.refused(line, Some(&body), 422, 42201, &format!("Invalid schema type {name}")).await;
    }
    let nested = format!("{}\"int\"{}", "{\"type\":\"array\",\"items\":".repeat(3000), "}".repeat(3000));
    for (schema, part) in [
        ("{\"type\":\"odd\"}", "odd"),
        ("string", ""),
        ("{\"type\":\"record\",\"name\":\"R\"}", ""),
        (
            "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a-b\",\"type\":\"int\"}]}",
            "Illegal character in: a-b",
        ),
        ("[\"int\",\"int\"]", "Duplicate in union:int"),
        (nested.as_str(), ""),
    ] {
        for line in [line, "POST /compatibility/subjects/s/versions"] {
            let answer = server.call(line, Some(&body_of(schema))).await;
            let body = answer.json();
            assert_eq!(
                (answer.status, body["error_code"].as_i64()),
                (422, Some(42201)),
                "{line} {}",
                answer.body
            );
            let message = body["message"].as_str().unwrap();
            assert!(message.starts_with("Invalid schema of type AVRO, details: "), "{message}");
            assert!(message.contains(part), "{message}");
        }
    }
    server.register("s", "\"int\"").await;
    assert_eq!(server.call("POST /subjects/s", Some(&body_of("{\"type\":\"odd\"}"))).await.status, 422);
}

#[tokio::test]
async fn versions_and_deletes_answer_each_error() {
    let server = Server::start().await;
    server.call("PUT /config", Some(r#"{"compatibility":"NONE"}"#)).await;
    server.register("s", "\"int\"").await;
    server.register("s", "\"long\"").await;
    for version in ["0", "-2", "abc", "2147483648"] {
        let message = format!(
            "The specified version '{version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \
             \"latest\""
        );
        for line in ["GET /subjects/s/versions/", "DELETE /subjects/s/versions/"] {
            server.refused(&format!("{line}{version}"), None, 422, 42202, &message).await;
        }
    }
    let gone = "Subject 'none' not found.";
    for line in [
        "GET /subjects/none/versions",
        "GET /subjects/none/versions/1",
        "GET /subjects/none/versions/latest/schema",
        "GET /subjects/none/versions/1/referencedby",
        "DELETE /subjects/none",
        "DELETE /subjects/none?permanent=true",
        "DELETE /subjects/none/versions/1",
    ] {
        server.refused(line, None, 404, 40401, gone).await;
    }
    server.refused("GET /subjects/s/versions/9", None, 404, 40402, "Version 9 not found.").await;
    server.refused("DELETE /subjects/s/versions/9", None, 404, 40402, "Version 9 not found.").await;
    for line in ["GET /schemas/ids/9", "GET /schemas/ids/9/schema"] {
        server.refused(line, None, 404, 40403, "Schema 9 not found").await;
    }
    for line in ["GET /schemas/ids/9/subjects", "GET /schemas/ids/9/versions"] {
        server.refused(line, None, 404, 40403, "Schema not found").await;
    }
    server.refused("GET /schemas/guids/odd", None, 404, 40403, "Schema odd not found").await;

    let live = "Subject 's' Version 1 was not deleted first before being permanently deleted";
    server.refused("DELETE /subjects/s/versions/1?permanent=true", None, 404, 40407, live).await;
    let live = "Subject 's' Version 2 was not deleted first before being permanently deleted";
    server.refused("DELETE /subjects/s/versions/latest?permanent=true", None, 404, 40407, live).await;
    let live = "Subject 's' was not deleted first before being permanently deleted";
    server.refused("DELETE /subjects/s?permanent=true", None, 404, 40405, live).await;
    server.ok("DELETE /subjects/s/versions/latest", None, "2").await;
    let soft = "Subject 's' Version 2 was soft deleted.Set permanent=true to delete permanently";
    server.refused("DELETE /subjects/s/versions/2", None, 404, 40406, soft).await;
    server.refused("GET /subjects/s/versions/2", None, 404, 40402, "Version 2 not found.").await;
    assert_eq!(server.call("GET /subjects/s/versions/2?deleted=true", None).await.json()["deleted"], true);
    assert_eq!(server.call("GET /subjects/s/versions/latest?deleted=true", None).await.json()["version"], 1);
    server.ok("DELETE /subjects/s", None, "[1]").await;
    let soft = "Subject 's' was soft deleted.Set permanent=true to delete permanently";
    server.refused("DELETE /subjects/s", None, 404, 40404, soft).await;
    server.refused("GET /subjects/s/versions/latest", None, 404, 40401, "Subject 's' not found.").await;
    let newest = "GET /subjects/s/versions/latest?deleted=true";
    server.refused(newest, None, 404, 40402, "Version -1 not found.").await;
    let newest = "DELETE /subjects/s/versions/latest?permanent=true";
    server.refused(newest, None, 404, 40402, "Version -1 not found.").await;
    server.call("PUT /config/s", Some(r#"{"compatibility":"FULL"}"#)).await;
    server.ok("DELETE /subjects/s?permanent=true", None, "[1,2]").await;
    assert_eq!(server.call("GET /config/s", None).await.status, 404);
}

#[tokio::test]
async fn references_resolve_and_guard_what_they_point_to() {
    let server = Server::start().await;
    server
        .register("inner", r#"{"type":"record","name":"n.Inner","fields":[{"name":"a","type":"int"}]}"#)
        .await;
    let outer =
        r#"{"type":"record","name":"Outer","namespace":"n","fields":[{"name":"i","type":"n.Inner"}]}"#;
    let body = |subject: &str, version: i32| {
        json!({"schema": outer, "references": [{"name": "n.Inner", "subject": subject, "version": version}]})
            .to_string()
    };
    let line = "POST /subjects/outer/versions";
    let registered = server.call(line, Some(&body("inner", -1))).await;
    assert_eq!(registered.status, 200, "{}", registered.body);
    assert_eq!(
        registered.json()["references"],
        json!([{"name": "n.Inner", "subject": "inner", "version": 1}])
    );
    server.ok("GET /subjects/inner/versions/1/referencedby", None, "[2]").await;
    let inlined = server.call("GET /schemas/ids/2?format=resolved", None).await.json();
    assert!(inlined["schema"].as_str().unwrap().contains(r#""name":"a""#), "{inlined}");
    assert_eq!(
        server.call("GET /subjects/outer/versions/1", None).await.json()["references"][0]["version"],
        1
    );

    for (subject, version, detail) in [
        ("inner", 9, r#"No schema reference found for subject "inner" and version 9"#),
        ("none", -1, r#"No schema reference found for subject "none" and version -1"#),
        ("", 1, "Invalid reference: {name='n.Inner', subject='', version=1}"),
    ] {
        let answer = server.call(line, Some(&body(subject, version))).await;
        assert_eq!((answer.status, answer.json()["error_code"].as_i64()), (422, Some(42201)));
        assert!(answer.json()["message"].as_str().unwrap().ends_with(detail), "{}", answer.body);
    }
    let exists =
        "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=inner,version=1}.";
    for line in ["DELETE /subjects/inner", "DELETE /subjects/inner/versions/1"] {
        server.refused(line, None, 422, 42206, exists).await;
    }
    // A soft-deleted referrer no longer blocks a soft delete, but still blocks a hard one.
    server.ok("DELETE /subjects/outer", None, "[1]").await;
    server.ok("GET /subjects/inner/versions/1/referencedby", None, "[]").await;
    server.ok("GET /subjects/inner/versions/1/referencedby?deleted=true", None, "[2]").await;
    server.ok("DELETE /subjects/inner", None, "[1]").await;
    server.refused("DELETE /subjects/inner?permanent=true", None, 422, 42206, exists).await;
    assert_eq!(server.call("GET /schemas/ids/2?format=resolved", None).await.status, 200);
    assert_eq!(server.call(line, Some(&body("inner", 1))).await.status, 422);
    server.ok("DELETE /subjects/outer?permanent=true", None, "[1]").await;
    server.ok("DELETE /subjects/inner?permanent=true", None, "[1]").await;
}

#[tokio::test]
async fn references_are_read_in_the_owners_context() {
    let server = Server::start().await;
    let inner = r#"{"type":"record","name":"n.Inner","fields":[]}"#;
    server.register(":.c:inner", inner).await;
    let schema = r#"{"type":"array","items":"n.Inner"}"#;
    let body = |subject: &str| {
        json!({"schema": schema, "references": [{"name": "n.Inner", "subject": subject, "version": 1}]})
            .to_string()
    };
    assert_eq!(server.call("POST /subjects/:.c:outer/versions", Some(&body("inner"))).await.status, 200);
    assert_eq!(server.call("POST /subjects/outer/versions", Some(&body("inner"))).await.status, 422);
    assert_eq!(server.call("POST /subjects/outer/versions", Some(&body(":.c:inner"))).await.status, 200);
    let answer =
        server.call("GET /subjects/:.c:outer/versions/1?referenceFormat=qualified", None).await.json();
    assert_eq!(answer["references"][0]["subject"], ":.c:inner");
    server.ok("GET /subjects/:.c:inner/versions/1/referencedby", None, "[1,2]").await;
}

#[tokio::test]
async fn probes_and_scrapers_may_ask_for_text() {
    let server = Server::start().await;
    server.register("s", "\"int\"").await;
    for path in ["/metrics", "/health/live", "/health/ready"] {
        let request = server.request("GET", path).header("Accept", "text/plain");
        assert_eq!(server.send(request).await.status, 200, "{path}");
    }
    let metrics = server.call("GET /metrics", None).await.body;
    for line in [
        "assay_registry_store_up 1",
        "assay_registry_schemas{type=\"AVRO\"} 1",
        "assay_registry_versions 1",
        "assay_registry_associations 0",
    ] {
        assert!(metrics.lines().any(|known| known == line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let server = Server::start().await;
    for line in ["GET /health/live", "GET /health/ready"] {
        server.ok(line, None, r#"{"status":"UP"}"#).await;
    }
    let scrape = server
        .request("GET", "/metrics")
        .header("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1");
    let answer = server.send(scrape).await;
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert!(
        answer
            .body
            .contains(r#"assay_registry_requests_total{method="GET",route="/health/live",status="200"} 1"#),
        "{}",
        answer.body
    );
}
