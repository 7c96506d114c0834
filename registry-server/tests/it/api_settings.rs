//! Config, mode, contexts and aliases over HTTP.

use serde_json::json;

use crate::server::{Server, body_of, record};

#[tokio::test]
async fn config_is_merged_inherited_and_removed() {
    let server = Server::start().await;
    for (line, body, expected) in [
        ("GET /config", None, r#"{"compatibilityLevel":"BACKWARD"}"#),
        ("DELETE /config", None, r#"{"compatibilityLevel":"BACKWARD"}"#),
        ("PUT /config", Some(r#"{"compatibility":"full"}"#), r#"{"compatibility":"FULL"}"#),
        ("GET /config", None, r#"{"compatibilityLevel":"FULL"}"#),
        ("GET /config/s?defaultToGlobal=true", None, r#"{"compatibilityLevel":"FULL"}"#),
        ("PUT /config/s", Some(r#"{"normalize":true}"#), r#"{"normalize":true}"#),
        ("GET /config/s", None, r#"{"normalize":true}"#),
        // A subject with a config but no level gets the server's, not the global one.
        ("GET /config/s?defaultToGlobal=True", None, r#"{"normalize":true,"compatibilityLevel":"BACKWARD"}"#),
        (
            "PUT /config/s",
            Some(r#"{"compatibility":"NONE"}"#),
            r#"{"normalize":true,"compatibility":"NONE"}"#,
        ),
        ("PUT /config/s", Some(r#"{"normalize":null,"unknown":1}"#), r#"{"compatibility":"NONE"}"#),
        ("GET /config/s", None, r#"{"compatibilityLevel":"NONE"}"#),
        ("DELETE /config/s", None, r#"{"compatibilityLevel":"NONE"}"#),
        ("PUT /config/:.c:", Some(r#"{"compatibility":"FORWARD"}"#), r#"{"compatibility":"FORWARD"}"#),
        ("GET /config/:.c:x?defaultToGlobal=true", None, r#"{"compatibilityLevel":"FORWARD"}"#),
        ("GET /contexts/.c/config", None, r#"{"compatibilityLevel":"FORWARD"}"#),
        ("PUT /config/:.__GLOBAL:", Some(r#"{"compatibility":"NONE"}"#), r#"{"compatibility":"NONE"}"#),
        ("GET /config/:.d:x?defaultToGlobal=true", None, r#"{"compatibilityLevel":"NONE"}"#),
        ("GET /config/x?defaultToGlobal=true", None, r#"{"compatibilityLevel":"FULL"}"#),
        ("DELETE /config", None, r#"{"compatibilityLevel":"FULL"}"#),
        ("PUT /config/s", Some(r#"{"compatibilityPolicy":"odd","alias":"t"}"#), r#"{"alias":"t"}"#),
    ] {
        server.ok(line, body, expected).await;
    }
    let level = "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, \
                 forward_transitive, and full_transitive";
    server.refused("PUT /config", Some(r#"{"compatibility":"odd"}"#), 422, 42203, level).await;
    let missing = "Subject 'x' does not have subject-level compatibility configured";
    server.refused("GET /config/x", None, 404, 40408, missing).await;
    server.refused("DELETE /config/x", None, 404, 40401, "Subject 'x' not found.").await;
    let invalid = "The specified subject '__GLOBAL' is not a valid.";
    server.refused("PUT /config/__GLOBAL", Some("{}"), 422, 42208, invalid).await;
}

#[tokio::test]
async fn modes_decide_what_is_allowed() {
    let server = Server::start().await;
    server.register("s", "\"int\"").await;
    server.ok("GET /mode", None, r#"{"mode":"READWRITE"}"#).await;
    server
        .refused("GET /mode/s", None, 404, 40409, "Subject 's' does not have subject-level mode configured")
        .await;
    server.ok("PUT /mode/s", Some(r#"{"mode":"readonly"}"#), r#"{"mode":"readonly"}"#).await;
    server.ok("GET /mode/s", None, r#"{"mode":"READONLY"}"#).await;
    let read_only = "Subject s in context  is in read-only mode";
    server.refused("POST /subjects/s/versions", Some(&body_of("\"long\"")), 422, 42205, read_only).await;
    assert_eq!(server.register("s", "\"int\"").await, (1, 1));
    server.refused("DELETE /subjects/s", None, 422, 42205, read_only).await;
    server.refused("DELETE /subjects/s/versions/1", None, 422, 42205, read_only).await;
    server.refused("PUT /config/s", Some(r#"{"compatibility":"NONE"}"#), 422, 42205, read_only).await;
    server.ok("DELETE /mode/s", None, r#"{"mode":"READONLY"}"#).await;
    server.refused("DELETE /mode/s", None, 404, 40401, "Subject 's' not found.").await;
    server.ok("DELETE /mode/s?recursive=true", None, "{}").await;

    let with_id = json!({"schema": "\"long\"", "id": 9}).to_string();
    let not_import = "Subject :.c:s in context :.c: is not in import mode";
    server.refused("POST /subjects/:.c:s/versions", Some(&with_id), 422, 42205, not_import).await;
    server
        .refused(
            "PUT /mode",
            Some(r#"{"mode":"odd"}"#),
            422,
            42204,
            "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.",
        )
        .await;
    server
        .refused(
            "PUT /mode/s",
            Some(r#"{"mode":"FORWARD"}"#),
            422,
            42204,
            "Forward mode only supported on global level",
        )
        .await;
    server.ok("PUT /mode/:.__GLOBAL:", Some(r#"{"mode":"FORWARD"}"#), r#"{"mode":"FORWARD"}"#).await;
    server.ok("GET /mode/:.c:x?defaultToGlobal=true", None, r#"{"mode":"FORWARD"}"#).await;
    server.ok("PUT /mode/:.__GLOBAL:", Some(r#"{"mode":null}"#), r#"{"mode":null}"#).await;
    server.ok("GET /mode/:.c:x?defaultToGlobal=true", None, r#"{"mode":"READWRITE"}"#).await;
}

#[tokio::test]
async fn imports_keep_ids_and_versions() {
    let server = Server::start().await;
    server.register("live", "\"int\"").await;
    let existing = "Cannot import since found existing subjects";
    server.refused("PUT /mode/live", Some(r#"{"mode":"IMPORT"}"#), 422, 42205, existing).await;
    server.ok("PUT /mode/s", Some(r#"{"mode":"IMPORT"}"#), r#"{"mode":"IMPORT"}"#).await;
    let not_rw = "Subject s in context  is not in read-write mode";
    server.refused("POST /subjects/s/versions", Some(&body_of("\"long\"")), 422, 42205, not_rw).await;
    let import = |schema: &str, id: i32, version: i32| {
        json!({"schema": schema, "id": id, "version": version}).to_string()
    };
    let first = server.call("POST /subjects/s/versions", Some(&import("\"long\"", 100, 5))).await.json();
    assert_eq!((first["id"].as_i64(), first["version"].as_i64()), (Some(100), Some(5)));
    assert_eq!(first["metadata"], serde_json::Value::Null);
    // The same content under another id, and the same id for another content.
    let second = server.call("POST /subjects/s/versions", Some(&import("\"long\"", 101, 7))).await.json();
    assert_eq!((second["id"].as_i64(), second["version"].as_i64()), (Some(101), Some(7)));
    let overwrite = "Overwrite new schema with id 100 in context . is not permitted.";
    server
        .refused("POST /subjects/s/versions", Some(&import("\"string\"", 100, 8)), 422, 42205, overwrite)
        .await;
    server.ok("GET /subjects/s/versions", None, "[5,7]").await;
    server.ok("DELETE /mode/s", None, r#"{"mode":"IMPORT"}"#).await;
    assert_eq!(server.register("other", "\"bytes\"").await.0, 102);
}

#[tokio::test]
async fn fixed_modes_cannot_be_changed() {
    let config = assay_registry_server::RegistryConfig { mode_mutability: false, ..Default::default() };
    let server = Server::configured(config, assay_registry_server::ServeOptions::default()).await;
    for line in ["PUT /mode", "PUT /mode/s"] {
        server
            .refused(line, Some(r#"{"mode":"READONLY"}"#), 422, 42205, "Mode changes are not allowed")
            .await;
    }
    server.refused("DELETE /mode", None, 422, 42205, "Mode changes are not allowed").await;
}

#[tokio::test]
async fn contexts_isolate_ids_and_are_searched_for_unqualified_names() {
    let server = Server::start().await;
    assert_eq!(server.register("a", "\"int\"").await, (1, 1));
    let answer =
        server.call("POST /contexts/.c/subjects/b/versions", Some(&body_of("\"long\""))).await.json();
    assert_eq!(answer["id"], 1);
    assert_eq!(server.call("GET /subjects/b/versions/1", None).await.json()["subject"], ":.c:b");
    assert_eq!(server.call("POST /subjects/b", Some(&body_of("\"long\""))).await.json()["subject"], ":.c:b");
    server.refused("GET /subjects/b/versions", None, 404, 40401, "Subject 'b' not found.").await;
    server.ok("GET /contexts/.c/subjects/b/versions/", None, "[1]").await;
    for (line, subject) in [
        ("GET /schemas/ids/1", "a"),
        ("GET /schemas/ids/1?subject=b", ":.c:b"),
        ("GET /schemas/ids/1?subject=zzz", "a"),
        ("GET /schemas/ids/1?subject=:.c:", ":.c:b"),
        ("GET /contexts/:.c:/schemas/ids/1", ":.c:b"),
        ("GET /contexts/c/schemas/ids/1?subject=b", ":.c:b"),
    ] {
        assert_eq!(server.call(line, None).await.json()["subject"], subject, "{line}");
    }
    server.refused("GET /schemas/ids/1?subject=:.c:zzz", None, 404, 40403, "Schema 1 not found").await;
    server.refused("DELETE /contexts/.c", None, 422, 42211, "The specified context '.c' is not empty.").await;
    server.ok("DELETE /subjects/:.c:b", None, "[1]").await;
    server.ok("DELETE /subjects/:.c:b?permanent=true", None, "[1]").await;
    server.expect("DELETE /contexts/.c", None, 204, "").await;
    server.expect("DELETE /contexts/.never", None, 204, "").await;
    server.ok("GET /contexts", None, r#"["."]"#).await;
    server
        .refused("GET /contexts/a:b/subjects", None, 400, 400, "Context name 'a:b' cannot contain a colon")
        .await;
}

#[tokio::test]
async fn an_alias_stands_for_its_subject_everywhere_but_in_settings() {
    let server = Server::start().await;
    server.ok("PUT /config/old", Some(r#"{"alias":"new"}"#), r#"{"alias":"new"}"#).await;
    server.register("old", "\"int\"").await;
    server.ok("GET /subjects", None, r#"["new"]"#).await;
    assert_eq!(server.call("GET /subjects/old/versions/latest", None).await.json()["subject"], "new");
    assert_eq!(server.call("GET /schemas/ids/1?subject=old", None).await.json()["subject"], "new");
    let listed = server.call("GET /schemas?aliases=true", None).await.json();
    assert_eq!(listed[0]["aliases"], json!(["old"]));
    server.ok("GET /config/old", None, r#"{"alias":"new"}"#).await;
    server.ok("PUT /config/old", Some(r#"{"alias":""}"#), "{}").await;
    server.refused("GET /subjects/old/versions", None, 404, 40401, "Subject 'old' not found.").await;
}

#[tokio::test]
async fn compatibility_is_judged_by_the_level_in_scope() {
    let server = Server::start().await;
    let old = r#"{"type":"record","name":"myrecord","fields":[{"name":"f1","type":"string"}]}"#;
    let new = r#"{"type":"record","name":"myrecord","fields":[{"name":"f1","type":"string"},{"name":"f2","type":"string"}]}"#;
    server.register("s", old).await;
    let reasons = vec![
        "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'f2' at path '/fields/1' in the new schema has no \
         default value and is missing in the old schema', additionalInfo:'f2'}"
            .to_owned(),
        "{oldSchemaVersion: 1}".to_owned(),
        format!("{{oldSchema: '{old}'}}"),
        "{validateFields: 'false', compatibility: 'BACKWARD'}".to_owned(),
    ];
    let line = "POST /compatibility/subjects/s/versions";
    for path in [format!("{line}/latest"), format!("{line}/1"), line.to_owned()] {
        server.ok(&path, Some(&body_of(new)), r#"{"is_compatible":false}"#).await;
        let verbose = json!({"is_compatible": false, "messages": reasons}).to_string();
        server.ok(&format!("{path}?verbose=true&normalize=false"), Some(&body_of(new)), &verbose).await;
    }
    let conflict = format!(
        "Schema being registered is incompatible with an earlier schema for subject \"s\", details: [{}]",
        reasons.join(", ")
    );
    server.refused("POST /subjects/s/versions", Some(&body_of(new)), 409, 40901, &conflict).await;
    server
        .ok(&format!("{line}/?verbose=True"), Some(&body_of(old)), r#"{"is_compatible":true,"messages":[]}"#)
        .await;
    server.refused(&format!("{line}/99"), Some(&body_of(old)), 404, 40402, "Version 99 not found.").await;
    let unknown = "POST /compatibility/subjects/unknown/versions";
    server.refused(&format!("{unknown}/99"), Some(&body_of(old)), 404, 40402, "Version 99 not found.").await;
    server.ok(&format!("{unknown}/latest"), Some(&body_of(old)), r#"{"is_compatible":true}"#).await;
    server.ok(unknown, Some(&body_of(old)), r#"{"is_compatible":true}"#).await;

    let answer =
        server.call(&format!("{line}?verbose=true"), Some(&body_of("{\"type\":\"odd\"}"))).await.json();
    assert_eq!(answer["is_compatible"], false);
    assert_eq!(answer["messages"].as_array().unwrap().len(), 1);
    let answer = server.call(line, Some(&body_of("{\"type\":\"odd\"}"))).await;
    assert_eq!((answer.status, answer.json()["error_code"].as_i64()), (422, Some(42201)));

    server
        .ok("PUT /config/s", Some(r#"{"compatibility":"FORWARD"}"#), r#"{"compatibility":"FORWARD"}"#)
        .await;
    assert_eq!(server.register("s", new).await.1, 2);
    let forced = server.call("POST /subjects/s/versions?force=true", Some(&body_of("\"int\""))).await;
    assert_eq!(forced.status, 200, "{}", forced.body);
}

#[tokio::test]
async fn transitive_levels_look_at_every_live_version() {
    let server = Server::start().await;
    server.call("PUT /config/s", Some(r#"{"compatibility":"NONE"}"#)).await;
    server.register("s", &record("R", &["a"])).await;
    server.register("s", &record("R", &[])).await;
    let gains = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string","default":""}]}"#;
    for (level, status) in
        [("BACKWARD", 200), ("BACKWARD_TRANSITIVE", 409), ("FULL", 200), ("FULL_TRANSITIVE", 409)]
    {
        server.call("PUT /config/s", Some(&json!({"compatibility": level}).to_string())).await;
        let answer = server.call("POST /subjects/s/versions?dryRun=true", Some(&body_of(gains))).await;
        assert_eq!(answer.status, status, "{level}: {}", answer.body);
    }
}

#[tokio::test]
async fn compatibility_groups_compare_within_the_group() {
    let server = Server::start().await;
    server.call("PUT /config/s", Some(r#"{"compatibilityGroup":"major"}"#)).await;
    let body = |schema: &str, major: &str| {
        json!({"schema": schema, "metadata": {"properties": {"major": major}}}).to_string()
    };
    for (schema, major, status) in
        [("\"int\"", "1", 200), ("\"string\"", "2", 200), ("\"boolean\"", "2", 409), ("\"long\"", "1", 200)]
    {
        let answer = server.call("POST /subjects/s/versions", Some(&body(schema, major))).await;
        assert_eq!(answer.status, status, "{schema} {major}: {}", answer.body);
    }
}

#[tokio::test]
async fn reserved_fields_are_guarded_when_asked() {
    let server = Server::start().await;
    server.call("PUT /config/s", Some(r#"{"validateFields":true}"#)).await;
    let body = |fields: &[&str], reserved: &str| {
        json!({"schema": record("R", fields), "metadata": {"properties": {"confluent:reserved": reserved}}})
            .to_string()
    };
    assert_eq!(server.call("POST /subjects/s/versions", Some(&body(&["a"], "x, y"))).await.status, 200);
    let conflict = server.call("POST /subjects/s/versions", Some(&body(&["x"], "x,y"))).await;
    assert_eq!(conflict.status, 409);
    assert!(
        conflict.body.contains("The new schema has field that conflicts with the reserved field x."),
        "{}",
        conflict.body
    );
    let removed = server.call("POST /subjects/s/versions", Some(&body(&["a"], "x"))).await;
    assert!(
        removed.body.contains("The new schema has reserved field y removed from its metadata"),
        "{}",
        removed.body
    );
}
