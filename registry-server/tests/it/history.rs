//! History: events, how things were, and what a verification finds.

use assay_registry_server::{RegistryConfig, ServeOptions};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::backend::{Database, on_both_backends};
use crate::server::{Server, body_of, record};

on_both_backends!(
    what_was_deleted_is_still_there_as_of_before,
    settings_are_told_as_they_were,
    a_whole_record_has_no_findings,
    an_edited_row_is_found,
);

async fn execute(url: &str, sql: &'static str) -> u64 {
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected()
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected()
    }
}

async fn newest_revision(server: &Server) -> i64 {
    let events = server.call("GET /history", None).await.json();
    events.as_array().unwrap().last().map_or(0, |event| event["revision"].as_i64().unwrap())
}

async fn what_was_deleted_is_still_there_as_of_before(database: Database) {
    let server = Server::on(database).await;
    server.register("s", "\"int\"").await;
    server.call("PUT /config/s", Some(r#"{"compatibility":"NONE"}"#)).await;
    server.register("s", "\"string\"").await;
    server.register("t", "\"int\"").await;
    let both = newest_revision(&server).await;
    server.call("DELETE /subjects/s/versions/1", None).await;
    let one = newest_revision(&server).await;
    server.call("DELETE /subjects/s/versions/1?permanent=true", None).await;
    server.call("DELETE /subjects/s", None).await;
    let none = newest_revision(&server).await;
    server.call("DELETE /subjects/s?permanent=true", None).await;

    server.refused("GET /subjects/s/versions", None, 404, 40401, "Subject 's' not found.").await;
    server.ok(&format!("GET /subjects/s/versions?asOf={both}"), None, "[1,2]").await;
    server.ok(&format!("GET /subjects/s/versions?asOf={one}"), None, "[2]").await;
    server.ok(&format!("GET /subjects/s/versions?asOf={one}&deleted=true"), None, "[1,2]").await;
    server.ok(&format!("GET /subjects/s/versions?asOf={one}&deletedAsNegative=true"), None, "[-1,2]").await;
    let gone = format!("GET /subjects/s/versions?asOf={none}");
    server.refused(&gone, None, 404, 40401, "Subject 's' not found.").await;
    server.ok(&format!("GET /subjects/s/versions?asOf={none}&deletedOnly=true"), None, "[2]").await;
    server.ok(&format!("GET /subjects?asOf={both}"), None, r#"["s","t"]"#).await;
    server.ok(&format!("GET /subjects?asOf={none}"), None, r#"["t"]"#).await;
    server.ok(&format!("GET /subjects?asOf={none}&deleted=true"), None, r#"["s","t"]"#).await;
    server.ok("GET /subjects?asOf=0", None, "[]").await;

    // The text of a hard-deleted version; `latest` means the latest then.
    server.ok(&format!("GET /subjects/s/versions/latest/schema?asOf={both}"), None, "\"string\"").await;
    let old = server.call(&format!("GET /subjects/s/versions/1?asOf={both}"), None).await.json();
    assert_eq!((&old["schema"], &old["id"]), (&json!("\"int\""), &json!(1)));
    let one = format!("GET /subjects/s/versions/1?asOf={one}");
    server.refused(&one, None, 404, 40402, "Version 1 not found.").await;

    for (text, count) in [("2001-01-01T00:00:00Z", 0), ("2999-01-01T00:00:00%2B02:00", 1)] {
        let subjects = server.call(&format!("GET /subjects?asOf={text}"), None).await.json();
        assert_eq!(subjects.as_array().unwrap().len(), count, "{text}");
    }
    let message = "asOf is neither a revision nor an RFC 3339 time: then";
    server.refused("GET /subjects?asOf=then", None, 400, 400, message).await;
}

async fn settings_are_told_as_they_were(database: Database) {
    let server = Server::on(database).await;
    let put = async |path: &str, body: &str| {
        assert_eq!(server.call(&format!("PUT {path}"), Some(body)).await.status, 200);
        newest_revision(&server).await
    };
    let global = put("/config", r#"{"compatibility":"FULL"}"#).await;
    let own = put("/config/s", r#"{"compatibility":"NONE"}"#).await;
    let read_only = put("/mode/s", r#"{"mode":"READONLY"}"#).await;
    put("/mode/s", r#"{"mode":"READWRITE"}"#).await;
    server.call("DELETE /config/s", None).await;
    server.call("DELETE /config", None).await;

    let full = r#"{"compatibilityLevel":"FULL"}"#;
    server.ok(&format!("GET /config?asOf={global}"), None, full).await;
    server.ok(&format!("GET /config/s?asOf={global}&defaultToGlobal=true"), None, full).await;
    server.ok(&format!("GET /config/s?asOf={own}"), None, r#"{"compatibilityLevel":"NONE"}"#).await;
    server.ok("GET /config?asOf=0", None, r#"{"compatibilityLevel":"BACKWARD"}"#).await;
    let missing = "Subject 's' does not have subject-level compatibility configured";
    server.refused(&format!("GET /config/s?asOf={global}"), None, 404, 40408, missing).await;
    server.ok(&format!("GET /mode/s?asOf={read_only}"), None, r#"{"mode":"READONLY"}"#).await;
    let missing = "Subject 's' does not have subject-level mode configured";
    server.refused(&format!("GET /mode/s?asOf={own}"), None, 404, 40409, missing).await;
    server.ok(&format!("GET /mode?asOf={own}"), None, r#"{"mode":"READWRITE"}"#).await;
}

/// A registry with one of everything.
async fn busy(server: &Server) {
    server.register("s", "\"int\"").await;
    let contract = json!({"schema": record("R", &["f"]),
        "metadata": {"properties": {"a": "b"}, "tags": {"R.f": ["PII"]}, "sensitive": ["a"]},
        "ruleSet": {"domainRules": [{"name": "check", "kind": "CONDITION", "mode": "WRITE", "type": "CEL",
            "tags": ["PII"], "params": {"k": "v"}, "expr": "true", "onFailure": "ERROR"}]}});
    server.call("POST /subjects/r/versions", Some(&contract.to_string())).await;
    let reference = json!({"schema": r#"{"type":"array","items":"R"}"#,
        "references": [{"name": "R", "subject": "r", "version": 1}]});
    server.call("POST /subjects/a/versions", Some(&reference.to_string())).await;
    server
        .call("PUT /config/s", Some(r#"{"compatibility":"NONE","defaultMetadata":{"properties":{"o":"p"}}}"#))
        .await;
    server.register("s", "\"string\"").await;
    server.register("s", "\"long\"").await;
    server.call("DELETE /subjects/s/versions/1", None).await;
    server.call("DELETE /subjects/s/versions/1?permanent=true", None).await;
    server.call("DELETE /subjects/s/versions/2", None).await;
    // Registered again: the soft-deleted version 2 is purged with it.
    server.register("s", "\"string\"").await;
    server.register(":.c:x", "\"int\"").await;
    server.call("PUT /mode/:.c:x", Some(r#"{"mode":"READONLY"}"#)).await;
    server.call("PUT /mode/:.c:", Some(r#"{"mode":"READWRITE"}"#)).await;
    server.call("DELETE /mode/:.c:?recursive=true", None).await;
    server.call("DELETE /subjects/:.c:x", None).await;
    server.call("DELETE /subjects/:.c:x?permanent=true", None).await;
    server.call("PUT /config/:.c:", Some(r#"{"normalize":true}"#)).await;
    assert_eq!(server.call("DELETE /contexts/.c", None).await.status, 204);
    server.call("PUT /mode/i", Some(r#"{"mode":"IMPORT"}"#)).await;
    let import = json!({"schema": "\"bytes\"", "id": 77, "version": 4});
    assert_eq!(server.call("POST /subjects/i/versions", Some(&import.to_string())).await.status, 200);
    server.register("gone", "\"float\"").await;
    server.call("DELETE /subjects/gone", None).await;
    let associate = async |resource: &str, subject: &str| {
        let association = json!({"resourceName": resource, "resourceNamespace": "lkc-1", "resourceId": resource,
            "resourceType": "topic", "associations": [{"associationType": "value", "lifecycle": "WEAK", "subject": subject}]});
        let made = server.call("POST /associations", Some(&association.to_string())).await;
        assert_eq!(made.status, 200, "{}", made.body);
    };
    associate("id-1", "r").await;
    associate("id-2", "i").await;
    server.call("DELETE /associations/resources/id-2", None).await;
    associate("id-2", "a").await;
    associate("id-3", "i").await;
    server.call("DELETE /associations/resources/id-3", None).await;
}

/// Waits until every event is in the chain.
async fn sealed(server: &Server) -> Value {
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        let check = server.call("GET /history/verify", None).await.json();
        if check["unsealed"] == 0 || std::time::Instant::now() > deadline {
            return check;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn a_whole_record_has_no_findings(database: Database) {
    let server = Server::on(database).await;
    busy(&server).await;
    let check = sealed(&server).await;
    assert_eq!((&check["ok"], &check["findings"]), (&json!(true), &json!([])), "{check}");
    assert!(check["sealed"].as_i64().unwrap() >= 20, "{check}");
    assert_eq!(check["versions"], 6, "{check}");
}

/// An edit, what undoes it, and the finding.
const EDITS: [(&str, &str, &str); 15] = [
    (
        "UPDATE events SET ts_ms = ts_ms - 1 WHERE revision = 2",
        "UPDATE events SET ts_ms = ts_ms + 1 WHERE revision = 2",
        "event-does-not-follow",
    ),
    (
        "UPDATE events SET seal = 1000 WHERE revision = 2",
        "UPDATE events SET seal = 2 WHERE revision = 2",
        "event-does-not-follow",
    ),
    (
        "UPDATE meta SET value = '9' || value WHERE name = 'chain_end'",
        "UPDATE meta SET value = substr(value, 2) WHERE name = 'chain_end'",
        "chain-ends-early",
    ),
    (
        "UPDATE schemas SET text = '\"null\"' WHERE context = '.' AND id = 3",
        "UPDATE schemas SET text = '{\"type\":\"array\",\"items\":\"R\"}' WHERE context = '.' AND id = 3",
        "content-changed",
    ),
    (
        "UPDATE schemas SET rule_set = '{' || rule_set WHERE context = '.' AND id = 2",
        "UPDATE schemas SET rule_set = substr(rule_set, 2) WHERE context = '.' AND id = 2",
        "content-changed",
    ),
    (
        "UPDATE versions SET id = 2 WHERE subject = 'a'",
        "UPDATE versions SET id = 3 WHERE subject = 'a'",
        "version-changed",
    ),
    (
        "UPDATE versions SET deleted_ms = 1 WHERE subject = 'a'",
        "UPDATE versions SET deleted_ms = NULL WHERE subject = 'a'",
        "version-changed",
    ),
    (
        "INSERT INTO versions (context, subject, version, id, ts_ms) VALUES ('.', 'b', 1, 2, 0)",
        "DELETE FROM versions WHERE subject = 'b'",
        "version-changed",
    ),
    (
        "INSERT INTO settings (context, subject, mode) VALUES ('.', 'b', 'IMPORT')",
        "DELETE FROM settings WHERE subject = 'b'",
        "config-changed",
    ),
    (
        "UPDATE settings SET mode = 'READWRITE' WHERE subject = 'i'",
        "UPDATE settings SET mode = 'IMPORT' WHERE subject = 'i'",
        "mode-changed",
    ),
    (
        "UPDATE schema_references SET target_version = 2 WHERE id = 3",
        "UPDATE schema_references SET target_version = 1 WHERE id = 3",
        "references-changed",
    ),
    (
        "UPDATE archived_schemas SET text = ' ' || text WHERE context = '.' AND id = 1",
        "UPDATE archived_schemas SET text = substr(text, 2) WHERE context = '.' AND id = 1",
        "content-changed",
    ),
    (
        "UPDATE archived_schemas SET id = 999 WHERE context = '.' AND id = 1",
        "UPDATE archived_schemas SET id = 1 WHERE context = '.' AND id = 999",
        "content-missing",
    ),
    (
        "UPDATE associations SET subject = 's' WHERE subject = 'r'",
        "UPDATE associations SET subject = 'r' WHERE subject = 's'",
        "association-changed",
    ),
    // Not undone: the last case.
    ("DELETE FROM versions WHERE subject = 'a'", "", "version-missing"),
];

async fn an_edited_row_is_found(database: Database) {
    let url = database.url.clone();
    let server = Server::at(&url, RegistryConfig::default(), ServeOptions::default()).await;
    busy(&server).await;
    sealed(&server).await;
    server.stop().await;
    for (edit, undo, expected) in EDITS {
        assert_eq!(execute(&url, edit).await, 1, "{edit}");
        // Without the server, so that nothing is sealed in between.
        let registry = assay_registry_server::open(&url, RegistryConfig::default()).await.unwrap();
        let check = serde_json::to_value(registry.verify_history().await.unwrap()).unwrap();
        registry.store().close().await;
        let kinds: Vec<&Value> =
            check["findings"].as_array().unwrap().iter().map(|finding| &finding["finding"]).collect();
        assert!(kinds.contains(&&json!(expected)), "{edit}: {check}");
        if !undo.is_empty() {
            assert_eq!(execute(&url, undo).await, 1, "{undo}");
        }
    }
    // The newest event away, as if its change had never been.
    execute(&url, "DELETE FROM events WHERE revision = (SELECT MAX(revision) FROM events)").await;
    let registry = assay_registry_server::open(&url, RegistryConfig::default()).await.unwrap();
    let check = serde_json::to_value(registry.verify_history().await.unwrap()).unwrap();
    registry.store().close().await;
    assert!(check.to_string().contains("chain-ends-early"), "{check}");
}

#[tokio::test]
async fn a_purge_and_a_setting_that_goes_with_it_are_events() {
    let server = Server::start().await;
    server.register("s", "\"int\"").await;
    server.call("PUT /mode/s", Some(r#"{"mode":"READWRITE"}"#)).await;
    server.call("DELETE /subjects/s/versions/1", None).await;
    let again = server.call("POST /subjects/s/versions", Some(&body_of("\"int\""))).await.json();
    assert_eq!(again["version"], 2);
    server.call("DELETE /subjects/s/versions/2", None).await;
    server.call("DELETE /subjects/s/versions/2?permanent=true", None).await;
    let events = server.call("GET /history?subject=s", None).await.json();
    let told: Vec<(String, Option<i64>)> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["action"].as_str().unwrap().to_owned(), event["version"].as_i64()))
        .collect();
    let expected = [
        ("register", Some(1)),
        ("mode.put", None),
        ("version.delete", Some(1)),
        ("version.purge", Some(1)),
        ("register", Some(2)),
        ("version.delete", Some(2)),
        ("mode.delete", None),
        ("version.purge", Some(2)),
    ];
    let expected: Vec<(String, Option<i64>)> =
        expected.into_iter().map(|(action, version)| (action.to_owned(), version)).collect();
    assert_eq!(told, expected);
}
