//! What is served from memory is what the database says.

use std::sync::Arc;

use assay_registry_server::registry::{Deleted, Origin, Page, RegisterOptions, SchemaInput, SystemClock};
use assay_registry_server::{Registry, RegistryConfig};
use assay_schema_core::{Mode, QualifiedSubject, VersionRef};
use serde_json::json;

use crate::backend::{Database, on_both_backends};
use crate::server::{Server, body_of};

on_both_backends!(
    memory_never_differs_from_the_database,
    a_subject_that_is_taken_for_a_new_one_is_judged_by_what_is_stored,
);

/// A small generator of numbers, so that a failing run can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn input(dice: &mut Dice) -> SchemaInput {
    let fields = ["\"int\"", "\"long\"", "[\"null\",\"int\"]"][usize::try_from(dice.roll(3)).unwrap()];
    let schema = format!(
        "{{\"type\":\"record\",\"name\":\"R\",\"fields\":[{{\"name\":\"f{}\",\"type\":{fields},\"default\":{}}}]}}",
        dice.roll(3),
        if fields.starts_with('[') { "null" } else { "1" },
    );
    SchemaInput { schema, ..SchemaInput::default() }
}

/// All that can be asked about a subject, as text.
async fn seen(registry: &Registry, subject: &QualifiedSubject, probe: &SchemaInput) -> String {
    let mut parts = Vec::new();
    for version in [VersionRef::Latest, VersionRef::parse("1").unwrap(), VersionRef::parse("2").unwrap()] {
        for deleted in [Deleted::Exclude, Deleted::Include] {
            let found = registry.version(subject, version, deleted).await;
            let found = found.map(|found| (found.version, found.deleted, found.schema.row().clone()));
            parts.push(format!("{version:?} {deleted:?}: {found:?}"));
        }
    }
    let versions = registry.versions(subject, Deleted::Include, true, Page::ALL).await;
    let config = registry.get_config(subject, true).await;
    let mode = registry.get_mode(subject, true).await;
    let found = registry.lookup(subject, probe, false, Deleted::Exclude).await;
    let found = found.map(|found| (found.version.version, found.by_equivalence));
    let dry = RegisterOptions { dry_run: true, ..RegisterOptions::default() };
    let dry = registry.register(subject, probe, dry, &Origin::anonymous()).await;
    let dry = dry.map(|registered| registered.version);
    parts.push(format!("{versions:?}\n{config:?}\n{mode:?}\n{found:?}\n{dry:?}"));
    parts.join("\n")
}

async fn step(registry: &Registry, dice: &mut Dice, subject: &QualifiedSubject) {
    let origin = &Origin::anonymous();
    let options = RegisterOptions::default();
    // Many of these are refused; what matters is that memory and database agree afterwards.
    match dice.roll(12) {
        0..=4 => drop(registry.register(subject, &input(dice), options, origin).await),
        5 => drop(registry.delete_version(subject, VersionRef::Latest, false, origin).await),
        6 => {
            let version = VersionRef::parse(&(dice.roll(3) + 1).to_string()).unwrap();
            drop(registry.delete_version(subject, version, true, origin).await);
        }
        7 => drop(registry.delete_subject(subject, dice.roll(2) == 0, origin).await),
        8 => {
            let level = ["NONE", "BACKWARD", "FULL_TRANSITIVE"][usize::try_from(dice.roll(3)).unwrap()];
            let change = json!({ "compatibility": level });
            let scope =
                [subject.clone(), QualifiedSubject::parse(":.:"), QualifiedSubject::parse(":.__GLOBAL:")];
            let scope = &scope[usize::try_from(dice.roll(3)).unwrap()];
            drop(registry.put_config(scope, change.as_object().unwrap(), origin).await);
        }
        9 => {
            let change = json!({ "normalize": dice.roll(2) == 0 });
            drop(registry.put_config(subject, change.as_object().unwrap(), origin).await);
        }
        10 => {
            let mode =
                [Some(Mode::ReadOnly), Some(Mode::ReadWrite), None][usize::try_from(dice.roll(3)).unwrap()];
            drop(registry.put_mode(subject, mode, false, origin).await);
        }
        _ => drop(registry.delete_config(subject, origin).await),
    }
}

async fn memory_never_differs_from_the_database(database: Database) {
    let store = database.open().await;
    let fresh = || Registry::new(Arc::clone(&store), RegistryConfig::default(), Arc::new(SystemClock));
    let registry = fresh();
    let subjects: Vec<_> = ["a", "b", ":.ctx:a"].into_iter().map(QualifiedSubject::parse).collect();
    for seed in 1..=4_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for number in 0..60 {
            let subject = &subjects[usize::try_from(dice.roll(3)).unwrap()];
            step(&registry, &mut dice, subject).await;
            let probe = input(&mut dice);
            for subject in &subjects {
                let (remembered, read) =
                    (seen(&registry, subject, &probe).await, seen(&fresh(), subject, &probe).await);
                assert_eq!(remembered, read, "seed {seed}, step {number}, {subject}");
            }
        }
    }
}

async fn a_subject_that_is_taken_for_a_new_one_is_judged_by_what_is_stored(database: Database) {
    let store = database.open().await;
    let fresh = || Registry::new(Arc::clone(&store), RegistryConfig::default(), Arc::new(SystemClock));
    let (origin, options) = (Origin::anonymous(), RegisterOptions::default());
    let schema = |text: &str| SchemaInput { schema: text.to_owned(), ..SchemaInput::default() };
    let subject = QualifiedSubject::parse;
    let stored = fresh();
    for name in ["known", "narrowed", "gone", "read-only"] {
        stored.register(&subject(name), &schema("\"long\""), options, &origin).await.unwrap();
    }
    stored.delete_subject(&subject("gone"), false, &origin).await.unwrap();
    stored.put_mode(&subject("read-only"), Some(Mode::ReadOnly), false, &origin).await.unwrap();
    stored.put_mode(&subject("closed"), Some(Mode::ReadOnly), false, &origin).await.unwrap();
    // Each of these comes after many that were new, in a process that remembers nothing of them.
    for (name, text, expected) in [
        ("known", "\"long\"", Ok((1, 1))),
        ("narrowed", "\"string\"", Err("Incompatible")),
        ("gone", "\"long\"", Ok((1, 2))),
        ("read-only", "\"double\"", Err("NotPermitted")),
        ("closed", "\"double\"", Err("NotPermitted")),
        ("new", "\"long\"", Ok((1, 1))),
    ] {
        let registry = fresh();
        for number in 0..8 {
            let new = subject(&format!("{name}-{number}"));
            let text = format!("{{\"type\":\"fixed\",\"name\":\"F\",\"size\":{}}}", number + 1);
            let registered = registry.register(&new, &schema(&text), options, &origin).await.unwrap();
            assert_eq!(registered.version.get(), 1);
        }
        let registered = registry.register(&subject(name), &schema(text), options, &origin).await;
        let found = registered
            .map(|registered| (registered.id.get(), registered.version.get()))
            .map_err(|error| format!("{error:?}"));
        match expected {
            Ok(expected) => assert_eq!(found, Ok(expected), "{name}"),
            Err(kind) => {
                assert!(found.as_ref().is_err_and(|found| found.starts_with(kind)), "{name}: {found:?}");
            }
        }
    }
    while store.seal_events(100).await.unwrap() > 0 {}
    assert_eq!(fresh().verify_history().await.unwrap().findings, []);
}

async fn hits(server: &Server) -> u64 {
    let metrics = server.call("GET /metrics", None).await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("assay_registry_cache_hits_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn latest_and_known_registrations_and_lookups_are_answered_from_memory() {
    let server = Server::start().await;
    let (schema, other) = (body_of("\"int\""), body_of("\"string\""));
    server.register("s", "\"int\"").await;
    for (line, body) in [
        ("GET /subjects/s/versions/latest", None),
        ("GET /subjects/s/versions/1", None),
        ("POST /subjects/s/versions", Some(schema.as_str())),
        ("POST /subjects/s", Some(schema.as_str())),
    ] {
        let first = server.call(line, body).await;
        assert_eq!(first.status, 200, "{line}: {}", first.body);
        let before = hits(&server).await;
        let again = server.call(line, body).await;
        assert_eq!((again.status, &again.body), (200, &first.body), "{line}");
        assert_eq!(again.headers["content-type"], first.headers["content-type"]);
        assert_eq!(hits(&server).await, before + 1, "{line}");
    }
    // A change is seen at once, by each of them.
    server.ok("PUT /config/s", Some(r#"{"compatibility":"NONE"}"#), r#"{"compatibility":"NONE"}"#).await;
    assert_eq!(server.register("s", "\"string\"").await.1, 2);
    assert_eq!(server.call("GET /subjects/s/versions/latest", None).await.json()["version"], 2);
    server.ok("DELETE /subjects/s/versions/1", None, "1").await;
    assert_eq!(server.call("GET /subjects/s/versions/1", None).await.status, 404);
    assert_eq!(server.call("POST /subjects/s", Some(&schema)).await.status, 404);
    assert_eq!(server.call("POST /subjects/s", Some(&other)).await.json()["version"], 2);
    assert_eq!(server.call("POST /subjects/s/versions", Some(&schema)).await.json()["version"], 3);
    server.ok("DELETE /subjects/s", None, "[2,3]").await;
    assert_eq!(server.call("GET /subjects/s/versions/latest", None).await.status, 404);
}

#[tokio::test]
async fn a_dry_run_and_a_reference_are_judged_every_time() {
    let server = Server::start().await;
    server.register("t", r#"{"type":"record","name":"T","fields":[]}"#).await;
    let body = json!({"schema": "{\"type\":\"array\",\"items\":\"T\"}",
        "references": [{"name": "T", "subject": "t", "version": -1}]})
    .to_string();
    let first = server.call("POST /subjects/s/versions", Some(&body)).await;
    assert_eq!((first.status, first.json()["version"].as_i64()), (200, Some(1)), "{}", first.body);
    server.call("POST /subjects/s/versions", Some(&body)).await;
    let with_field = r#"{"type":"record","name":"T","fields":[{"name":"a","type":"int","default":1}]}"#;
    server.register("t", with_field).await;
    let again = server.call("POST /subjects/s/versions", Some(&body)).await;
    assert_eq!(again.json()["references"][0]["version"], 2, "{}", again.body);
    for _ in 0..2 {
        let dry = server.call("POST /subjects/dry/versions?dryRun=true", Some(&body_of("\"int\""))).await;
        assert_eq!(dry.status, 200, "{}", dry.body);
        assert_eq!(server.call("GET /subjects/dry/versions", None).await.status, 404);
    }
}
