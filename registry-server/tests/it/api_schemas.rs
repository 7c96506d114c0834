//! Registering, looking up, reading and listing over HTTP.

use serde_json::json;

use crate::server::{Server, body_of, record};

const STRING_GUID: &str = "095d71cf-1255-6b9d-5e33-0ad575b3df5d";

#[tokio::test]
async fn a_registered_schema_is_answered_in_every_shape() {
    let server = Server::start().await;
    let whole =
        format!(r#"{{"id":1,"version":1,"guid":"{STRING_GUID}","schemaType":"AVRO","schema":"\"string\""}}"#);
    for spelling in ["\"string\"", r#"{"type":"string"}"#, " { \"type\" : \"string\" } "] {
        server.ok("POST /subjects/s/versions", Some(&body_of(spelling)), &whole).await;
    }
    let looked_up = format!(
        r#"{{"subject":"s","version":1,"id":1,"guid":"{STRING_GUID}","schemaType":"AVRO","schema":"\"string\""}}"#
    );
    server.ok("POST /subjects/s", Some(&body_of("\"string\"")), &looked_up).await;

    let by_version = server.call("GET /subjects/s/versions/1", None).await.json();
    let ts = by_version["ts"].as_i64().unwrap();
    let tail = format!(
        r#""guid":"{STRING_GUID}","schemaType":"AVRO","schema":"\"string\"","ts":{ts},"deleted":false}}"#
    );
    for version in ["1", "latest", "LATEST", "-1"] {
        let line = format!("GET /subjects/s/versions/{version}");
        server.ok(&line, None, &format!(r#"{{"subject":"s","version":1,"id":1,{tail}"#)).await;
    }
    for line in [
        "GET /schemas/ids/1",
        "GET /schemas/ids/1?subject=s",
        "GET /schemas/ids/1/?fetchMaxId=false&subject=s",
    ] {
        server.ok(line, None, &format!(r#"{{"subject":"s","version":1,{tail}"#)).await;
        server.ok(line, None, &format!(r#"{{"subject":"s","version":1,{tail}"#)).await;
    }
    let hex = STRING_GUID.replace('-', "");
    for guid in [STRING_GUID, &hex] {
        server.ok(&format!("GET /schemas/guids/{guid}"), None, &format!("{{{tail}")).await;
        server.ok(&format!("GET /schemas/guids/{guid}/ids"), None, r#"[{"context":".","id":1}]"#).await;
    }
    let max = server.call("GET /schemas/ids/1?fetchMaxId=true", None).await.json();
    assert_eq!(max["maxId"], 1);
    for (line, expected) in [
        ("GET /subjects", r#"["s"]"#),
        ("GET /subjects/s/versions", "[1]"),
        ("GET /subjects/s/versions/1/schema", "\"string\""),
        ("GET /schemas/ids/1/schema", "\"string\""),
        ("GET /schemas/ids/1/subjects", r#"["s"]"#),
        ("GET /schemas/ids/1/versions", r#"[{"subject":"s","version":1}]"#),
        ("GET /subjects/s/versions/1/referencedby", "[]"),
        ("GET /schemas/types", r#"["AVRO"]"#),
        ("GET /schemas/guids/00000000-0000-0000-0000-000000000000/ids", "[]"),
    ] {
        server.ok(line, None, expected).await;
    }
    let list = server.call("GET /schemas", None).await.json();
    assert_eq!(list, json!([by_version]));
}

#[tokio::test]
async fn ids_follow_content_and_versions_follow_the_subject() {
    let server = Server::start().await;
    assert_eq!(server.register("a", &record("R", &["x"])).await, (1, 1));
    server.call("PUT /config", Some(r#"{"compatibility":"NONE"}"#)).await;
    assert_eq!(server.register("a", &record("R", &["y"])).await, (2, 2));
    assert_eq!(server.register("b", &record("R", &["y"])).await, (2, 1));
    assert_eq!(server.register("a", &record("R", &["x"])).await, (1, 1));

    server.ok("DELETE /subjects/a/versions/1", None, "1").await;
    server.ok("GET /subjects/a/versions", None, "[2]").await;
    assert_eq!(server.register("a", &record("R", &["x"])).await, (1, 3));
    server.ok("GET /subjects/a/versions?deleted=true", None, "[2,3]").await;

    server.ok("DELETE /subjects/a", None, "[2,3]").await;
    assert_eq!(server.register("a", &record("R", &["x"])).await, (1, 4));
    assert_eq!(server.register("a", &record("R", &["y"])).await, (2, 5));
}

#[tokio::test]
async fn numbering_follows_what_is_still_stored() {
    let server = Server::start().await;
    server.call("PUT /config", Some(r#"{"compatibility":"NONE"}"#)).await;
    server.register("a", "\"int\"").await;
    server.register("a", "\"long\"").await;
    server.ok("DELETE /subjects/a/versions/2", None, "2").await;
    server.ok("DELETE /subjects/a/versions/2?permanent=true", None, "2").await;
    server.ok("DELETE /subjects/a/versions/1", None, "1").await;
    assert_eq!(server.register("a", "\"int\"").await, (1, 2));
    server.ok("DELETE /subjects/a", None, "[2]").await;
    server.ok("DELETE /subjects/a?permanent=true", None, "[2]").await;
    let (id, version) = server.register("a", "\"int\"").await;
    assert_eq!(version, 1);
    assert!(id > 2, "id {id} was issued before");
    server.refused("GET /schemas/ids/1", None, 404, 40403, "Schema 1 not found").await;
}

#[tokio::test]
async fn by_id_answers_follow_every_change_of_the_id() {
    let server = Server::start().await;
    server.register("a", "\"int\"").await;
    let first = server.call("GET /schemas/ids/1", None).await;
    assert_eq!(first.json()["deleted"], false);
    server.ok("DELETE /subjects/a", None, "[1]").await;
    assert_eq!(server.call("GET /schemas/ids/1", None).await.json()["deleted"], true);
    server.ok("GET /schemas/ids/1/subjects", None, "[]").await;
    server.ok("GET /schemas/ids/1/subjects?deleted=True", None, r#"["a"]"#).await;
    server.register("b", "\"int\"").await;
    assert_eq!(server.call("GET /schemas/ids/1?subject=b", None).await.json()["subject"], "b");
    server.ok("DELETE /subjects/a?permanent=true", None, "[1]").await;
    assert_eq!(server.call("GET /schemas/ids/1", None).await.json()["subject"], "b");
    server.ok("DELETE /subjects/b", None, "[1]").await;
    server.ok("DELETE /subjects/b?permanent=true", None, "[1]").await;
    for _ in 0..2 {
        server.refused("GET /schemas/ids/1", None, 404, 40403, "Schema 1 not found").await;
    }
}

#[tokio::test]
async fn lists_filter_and_page() {
    let server = Server::start().await;
    server.call("PUT /config", Some(r#"{"compatibility":"NONE"}"#)).await;
    for subject in ["a", "ab", "b", ":.c:ab"] {
        server.register(subject, "\"int\"").await;
    }
    server.register("a", "\"long\"").await;
    server.ok("DELETE /subjects/b", None, "[1]").await;
    for (line, expected) in [
        ("GET /subjects", r#"["a","ab",":.c:ab"]"#),
        ("GET /subjects?deleted=TRUE", r#"["a","ab","b",":.c:ab"]"#),
        ("GET /subjects?deletedOnly=true&deleted=true", r#"["b"]"#),
        ("GET /subjects?subjectPrefix=", r#"["a","ab"]"#),
        ("GET /subjects?subjectPrefix=a&offset=1", r#"["ab"]"#),
        ("GET /subjects?subjectPrefix=:*:ab", r#"["ab",":.c:ab"]"#),
        ("GET /subjects?subjectPrefix=:.c:", r#"[":.c:ab"]"#),
        ("GET /subjects?limit=1", r#"["a"]"#),
        ("GET /subjects?limit=0&deleted_only=true", r#"["a","ab",":.c:ab"]"#),
        ("GET /contexts/.c/subjects", r#"[":.c:ab"]"#),
        ("GET /contexts", r#"[".",".c"]"#),
        ("GET /contexts?contextPrefix=.c", r#"[".c"]"#),
        ("GET /subjects/a/versions?offset=1", "[2]"),
        ("GET /subjects/a/versions?limit=1", "[1]"),
        ("GET /subjects/b/versions?deleted=true", "[1]"),
        ("GET /subjects/b/versions?deletedOnly=true&deletedAsNegative=true", "[-1]"),
    ] {
        server.ok(line, None, expected).await;
    }
    let names = |answer: crate::server::Answer| {
        let list = answer.json();
        let pairs =
            list.as_array().unwrap().iter().map(|item| format!("{}/{}", item["subject"], item["version"]));
        pairs.collect::<Vec<_>>().join(" ").replace('"', "")
    };
    for (query, expected) in [
        ("", "a/1 a/2 ab/1"),
        ("?latestOnly=true", "a/2 ab/1"),
        ("?deleted=true", "a/1 a/2 ab/1 b/1"),
        ("?subjectPrefix=:*:", "a/1 a/2 ab/1 :.c:ab/1"),
        ("?subjectPrefix=:*:ab&latestOnly=true", "ab/1 :.c:ab/1"),
        ("?subjectPrefix=:.c:", ":.c:ab/1"),
        ("?offset=1&limit=1", "a/2"),
        ("?lifecycle=STRONG", ""),
        ("?ruleType=ENCRYPT", ""),
    ] {
        assert_eq!(names(server.call(&format!("GET /schemas{query}"), None).await), expected, "{query}");
    }
    server.refused("GET /subjects?limit=x", None, 404, 404, "HTTP 404 Not Found").await;
    server.refused("GET /subjects?offset=-1", None, 400, 400, "offset must not be negative").await;
}

#[tokio::test]
async fn lookups_match_by_hash_then_by_meaning() {
    let server = Server::start().await;
    let schema = r#"{"type":"record","name":"R","fields":[{"name":"f","type":"int"}],"b":1,"a":2}"#;
    server.register("s", schema).await;
    let swapped = r#"{"type":"record","name":"R","fields":[{"name":"f","type":"int"}],"a":2,"b":1}"#;
    let found = server.call("POST /subjects/s", Some(&body_of(swapped))).await.json();
    assert_eq!((found["version"].as_i64(), found["deleted"].as_bool()), (Some(1), Some(false)));
    assert!(found["ts"].is_i64());
    assert_eq!(server.register("s", swapped).await, (1, 1));
    assert_eq!(server.register("t", swapped).await.0, 2);

    let line = "POST /subjects/s";
    server.refused(line, Some(&body_of("\"int\"")), 404, 40403, "Schema not found").await;
    server.refused("POST /subjects/u", Some(&body_of("\"int\"")), 404, 40401, "Subject 'u' not found.").await;
    server.ok("DELETE /subjects/s", None, "[1]").await;
    server.refused(line, Some(&body_of(schema)), 404, 40401, "Subject 's' not found.").await;
    let found = server.call("POST /subjects/s?normalize=False&deleted=True", Some(&body_of(schema))).await;
    assert_eq!(found.status, 200, "{}", found.body);
}

#[tokio::test]
async fn metadata_and_rules_are_identity_and_come_back() {
    let server = Server::start().await;
    let with = r#"{"schema":"\"string\"","metadata":{"properties":{"owner":"a"}}}"#;
    let registered = server.call("POST /subjects/s/versions", Some(with)).await.json();
    assert_eq!(registered["guid"], "46046676-4614-6889-dc22-1086e51ccc4f");
    assert_eq!(registered["metadata"], json!({"properties": {"owner": "a"}}));
    // The bare text inherits the metadata, so it is the same schema.
    assert_eq!(server.register("s", "\"string\"").await, (1, 1));
    assert_eq!(server.call("POST /subjects/s", Some(&body_of("\"string\""))).await.json()["version"], 1);
    let empty = r#"{"schema":"\"string\"","metadata":{}}"#;
    let other = server.call("POST /subjects/s/versions", Some(empty)).await.json();
    assert_eq!((other["id"].as_i64(), other["version"].as_i64()), (Some(2), Some(2)));

    let rules = json!({"schema": "\"string\"", "ruleSet": {"domainRules": [{
        "name": "check", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true"}]}});
    let registered = server.call("POST /subjects/r/versions", Some(&rules.to_string())).await;
    assert_eq!(registered.status, 200, "{}", registered.body);
    let stored = server.call("GET /subjects/r/versions/1", None).await.json();
    assert_eq!(stored["ruleSet"]["domainRules"][0]["name"], "check");
    assert_eq!(server.call("GET /schemas?ruleType=CEL", None).await.json().as_array().unwrap().len(), 1);
    let bad = r#"{"schema":"\"string\"","ruleSet":{"domainRules":[{"kind":"CONDITION","type":"CEL","mode":"WRITE"}]}}"#;
    server.refused("POST /subjects/r/versions", Some(bad), 422, 42210, "Missing rule name").await;

    let found = server.call("GET /subjects/s/metadata?key=owner&value=a&deleted=true", None).await.json();
    assert_eq!(found["version"], 1);
    server.refused("GET /subjects/s/metadata?key=owner&value=b", None, 404, 40403, "Schema not found").await;
    server.refused("GET /subjects/none/metadata", None, 404, 40401, "Subject 'none' not found.").await;
}

#[tokio::test]
async fn config_defaults_and_overrides_are_merged_in() {
    let server = Server::start().await;
    let config =
        r#"{"defaultMetadata":{"properties":{"a":"d","b":"d"}},"overrideMetadata":{"properties":{"c":"o"}}}"#;
    assert_eq!(server.call("PUT /config/s", Some(config)).await.status, 200);
    let body = r#"{"schema":"\"int\"","metadata":{"properties":{"b":"r","c":"r"}}}"#;
    let registered = server.call("POST /subjects/s/versions", Some(body)).await.json();
    assert_eq!(registered["metadata"]["properties"], json!({"a": "d", "b": "r", "c": "o"}));
    assert_eq!(server.call("POST /subjects/s", Some(&body_of("\"int\""))).await.json()["version"], 1);
}

#[tokio::test]
async fn an_explicit_version_is_compare_and_set() {
    let server = Server::start().await;
    let body = |version: i32| json!({"schema": "\"int\"", "version": version}).to_string();
    let first = server.call("POST /subjects/s/versions", Some(&body(1))).await.json();
    assert_eq!(first["metadata"]["properties"]["confluent:version"], "1");
    let message = "Version is not one more than previous version";
    server.refused("POST /subjects/s/versions", Some(&body(3)), 422, 42201, message).await;
    let second = server.call("POST /subjects/s/versions", Some(&body(2))).await.json();
    assert_eq!((second["id"].as_i64(), second["version"].as_i64()), (Some(2), Some(2)));
    let latest = server.call("POST /subjects/s/versions", Some(&body(-1))).await.json();
    assert_eq!(latest["version"], 2);
    assert_eq!(server.register("s", "\"int\"").await.1, 2);
}

#[tokio::test]
async fn tags_make_a_new_version() {
    let server = Server::start().await;
    server.register("s", r#"{"type":"record","name":"n.R","fields":[{"name":"f","type":"int"}]}"#).await;
    let change = r#"{"newVersion":2,"tagsToAdd":[{"schemaEntity":{"entityPath":"n.R.f","entityType":"sr_field"},"tags":["PII"]}]}"#;
    let tagged = server.call("POST /subjects/s/versions/1/tags", Some(change)).await;
    assert_eq!(tagged.status, 200, "{}", tagged.body);
    let tagged = tagged.json();
    assert_eq!(tagged["version"], 2);
    assert!(tagged["schema"].as_str().unwrap().contains(r#""confluent:tags":["PII"]"#));
    let found = server.call("GET /subjects/s/versions/2?findTags=PII", None).await.json();
    let expected =
        json!([{"schemaEntity": {"entityPath": "n.R.f", "entityType": "sr_field"}, "tags": ["PII"]}]);
    assert_eq!(found["schemaTags"], expected);
    assert_eq!(server.call("GET /schemas/ids/2?findTags=*", None).await.json()["schemaTags"], expected);
    let wrong = change.replace("n.R.f", "n.R.g").replace("\"newVersion\":2", "\"newVersion\":3");
    let refused = server.call("POST /subjects/s/versions/1/tags", Some(&wrong)).await;
    assert_eq!((refused.status, refused.json()["error_code"].as_i64()), (422, Some(42201)));
    let both = r#"{"newVersion":3,"ruleSet":{},"rulesToRemove":["x"]}"#;
    let message = "ruleSet should be omitted if specifying rulesToMerge or rulesToRemove";
    server.refused("POST /subjects/s/versions/1/tags", Some(both), 422, 42210, message).await;
}

#[tokio::test]
async fn a_dry_run_answers_as_the_real_call_and_changes_nothing() {
    let server = Server::start().await;
    server.register("s", "\"int\"").await;
    let dry = server.call("POST /subjects/t/versions?dryRun=true", Some(&body_of("\"long\""))).await;
    server.ok("GET /subjects", None, r#"["s"]"#).await;
    let real = server.call("POST /subjects/t/versions", Some(&body_of("\"long\""))).await;
    assert_eq!(dry.body, real.body);
}

#[tokio::test]
async fn every_change_is_in_the_history() {
    let server = Server::start().await;
    let request = server.request("POST", "/subjects/s/versions").header("X-Request-ID", "r-7");
    let request = request.header("Content-Type", "application/json").body(body_of("\"int\""));
    assert_eq!(server.send(request).await.status, 200);
    server.call("PUT /config/s", Some(r#"{"compatibility":"FULL"}"#)).await;
    server.call("DELETE /subjects/s", None).await;
    server.call("DELETE /subjects/s?permanent=true", None).await;
    let events = server.call("GET /history?subject=s", None).await.json();
    let actions: Vec<&str> =
        events.as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["register", "config.put", "subject.delete", "config.delete", "subject.purge"]);
    assert_eq!(events[0]["requestId"], "r-7");
    assert_eq!((&events[0]["principal"], &events[0]["address"]), (&json!("anonymous"), &json!("127.0.0.1")));
    assert_eq!(events[1]["after"], json!({"compatibility": "FULL"}));
}

/// The answers are what the shared REST types write for the same content, byte for byte.
#[tokio::test]
async fn answers_are_the_shared_rest_shapes() {
    use assay_schema_core::rest;
    use serde::{Serialize, de::DeserializeOwned};

    fn check<T: Serialize + DeserializeOwned>(answer: &crate::server::Answer) {
        let read: T = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), answer.body);
    }

    let server = Server::start().await;
    let body = json!({"schema": record("R", &["f"]),
        "metadata": {"properties": {"a": "b"}, "tags": {"R.f": ["PII"]}},
        "ruleSet": {"domainRules": [{"name": "check", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true"}]}});
    let body = body.to_string();
    check::<rest::RegisterSchemaResponse>(&server.call("POST /subjects/s/versions", Some(&body)).await);
    check::<rest::Schema>(&server.call("POST /subjects/s", Some(&body)).await);
    check::<rest::Schema>(&server.call("GET /subjects/s/versions/1?findTags=*", None).await);
    check::<rest::SchemaString>(&server.call("GET /schemas/ids/1?findTags=PII&fetchMaxId=true", None).await);
    check::<rest::Config>(&server.call("GET /config", None).await);
    check::<rest::ErrorMessage>(&server.call("GET /schemas/ids/9", None).await);
    check::<rest::CompatibilityCheckResponse>(
        &server.call("POST /compatibility/subjects/s/versions?verbose=true", Some(&body_of("\"int\""))).await,
    );
}
