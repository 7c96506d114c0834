//! Appending many versions in one transaction, the change feed, and who is told about commits.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use assay_registry_server::store::{
    Append, Appended, Changes, Event, Lock, NewEvent, NewSchema, Observer, Store, VersionRow,
};
use assay_schema_core::{Context, Guid, QualifiedSubject, SchemaType, Version};

use crate::backend::{Database, on_both_backends};

on_both_backends!(
    versions_are_appended_in_one_transaction,
    a_version_judged_before_a_change_is_stale_and_the_others_are_written,
    a_change_of_any_scope_that_applies_makes_a_judgement_stale,
    one_content_in_many_subjects_has_one_id,
    many_groups_at_once_leave_no_gap_and_no_second_id,
    observers_are_told_each_committed_scope,
    the_chain_goes_on_where_appends_and_other_changes_alternate,
    two_stores_on_one_database_take_turns,
    a_judgement_stays_stale_after_appends_to_other_subjects,
);

fn subject(name: &str) -> QualifiedSubject {
    QualifiedSubject::parse(name)
}

fn event(subject: &QualifiedSubject, action: &'static str) -> NewEvent {
    NewEvent {
        ts_ms: 1_000,
        principal: "anonymous".to_owned(),
        address: None,
        request_id: Some("r\"1\" \u{1F980}".to_owned()),
        action,
        subject: subject.clone(),
        version: None,
        id: None,
        before: None,
        after: Some("{}".to_owned()),
    }
}

/// The next version of a subject as it is now, with the content of this number.
async fn next(store: &Arc<dyn Store>, subject: &QualifiedSubject, content: u32) -> Append {
    let rows = store.read().await.unwrap().subject_rows(subject).await.unwrap();
    let number = rows.versions.last().map_or(1, |row| row.version.get() + 1);
    let mut hash = [7; 16];
    hash[..4].copy_from_slice(&content.to_be_bytes());
    Append {
        subject: subject.clone(),
        stamp: rows.stamp,
        version: Version::new(number).unwrap(),
        schema: NewSchema {
            context: subject.context.clone(),
            hash: Guid::from_bytes(hash),
            schema_type: SchemaType::Avro,
            text: format!("\"quoted \\ {content} \u{e9}\""),
            references: Vec::new(),
            targets: Vec::new(),
            metadata: None,
            rule_set: None,
            created_ms: 1_000,
        },
        event: event(subject, "register"),
    }
}

fn id_of(appended: Appended) -> i32 {
    match appended {
        Appended::Written { id, .. } => id.get(),
        Appended::Stale => panic!("stale"),
    }
}

async fn versions_are_appended_in_one_transaction(database: Database) {
    let store = database.open().await;
    let subjects = [subject("a"), subject("123"), subject(":.other:it's \"quoted\"")];
    let mut versions = Vec::new();
    for (content, subject) in (1..).zip(&subjects) {
        versions.push(next(&store, subject, content).await);
    }
    let appended = store.append(&versions).await.unwrap();
    assert_eq!(appended.len(), 3);
    for (version, appended) in versions.iter().zip(&appended) {
        let Appended::Written { id, revision } = *appended else { panic!("{appended:?}") };
        let mut snapshot = store.read().await.unwrap();
        let rows = snapshot.subject_rows(&version.subject).await.unwrap();
        let row = VersionRow {
            subject: version.subject.clone(),
            version: version.version,
            id,
            ts_ms: 1_000,
            deleted: false,
        };
        assert_eq!((&rows.versions, &rows.hashes), (&vec![row], &vec![version.schema.hash]));
        assert_eq!(rows.stamp.subject, revision);
        let stored = snapshot.schema(&version.subject.context, id).await.unwrap().unwrap();
        assert_eq!((stored.text, stored.hash), (version.schema.text.clone(), version.schema.hash));
        let preferred = snapshot.preferred_id(&version.subject.context, &version.schema.hash).await.unwrap();
        assert_eq!(preferred, Some(id));
        let filter = assay_registry_server::store::EventFilter {
            subject: Some(version.subject.clone()),
            limit: 10,
            ..Default::default()
        };
        let events = snapshot.events(&filter).await.unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(
            (events[0].revision, events[0].version, events[0].id),
            (revision, Some(version.version), Some(id))
        );
        assert_eq!(events[0].request_id, version.event.request_id);
        assert_eq!((&events[0].before, events[0].after.as_deref()), (&None, Some("{}")));
    }
    let contexts = store.read().await.unwrap().contexts().await.unwrap();
    assert_eq!(contexts, [Context::default_context(), Context::parse(".other").unwrap()]);
    seal(&store).await;
    assert_eq!(store.read().await.unwrap().sealed_after(0, 10).await.unwrap().len(), 3);
}

async fn a_version_judged_before_a_change_is_stale_and_the_others_are_written(database: Database) {
    let store = database.open().await;
    let (a, b) = (subject("a"), subject("b"));
    let (stale, fresh) = (next(&store, &a, 1).await, next(&store, &b, 2).await);
    store.append(&[next(&store, &a, 3).await]).await.unwrap();
    let appended = store.append(&[stale.clone(), fresh]).await.unwrap();
    assert_eq!(appended[0], Appended::Stale);
    assert!(matches!(appended[1], Appended::Written { .. }));
    let mut snapshot = store.read().await.unwrap();
    assert_eq!(snapshot.versions(&a).await.unwrap().len(), 1);
    assert_eq!(snapshot.preferred_id(&a.context, &stale.schema.hash).await.unwrap(), None);
    assert_eq!(store.append(&[stale]).await.unwrap(), [Appended::Stale]);
}

async fn a_change_of_any_scope_that_applies_makes_a_judgement_stale(database: Database) {
    let store = database.open().await;
    let inside = subject(":.ctx:s");
    for (scope, applies) in [
        (":.ctx:s", true),
        (":.ctx:", true),
        (":.:", true),
        (":.__GLOBAL:", true),
        (":.ctx:other", false),
        (":.elsewhere:", false),
        ("s", false),
    ] {
        let judged = next(&store, &inside, 1).await;
        let scope = QualifiedSubject::parse(scope);
        let mut tx = store.begin(&[Lock::Change(scope.clone())]).await.unwrap();
        tx.append_event(&event(&scope, "config.put")).await.unwrap();
        tx.commit().await.unwrap();
        let now = next(&store, &inside, 1).await;
        assert_eq!(judged.stamp != now.stamp, applies, "{scope}");
        if applies {
            assert_eq!(store.append(&[judged]).await.unwrap(), [Appended::Stale], "{scope}");
        }
    }
}

async fn a_judgement_stays_stale_after_appends_to_other_subjects(database: Database) {
    let store = database.open().await;
    for (content, scope) in [(10, "a"), (20, ":.:")] {
        let judged = next(&store, &subject("a"), content).await;
        let scope = subject(scope);
        let mut tx = store.begin(&[Lock::Change(scope.clone())]).await.unwrap();
        tx.append_event(&event(&scope, "config.put")).await.unwrap();
        tx.commit().await.unwrap();
        seal(&store).await;
        for (content, name) in (content + 1..).zip(["b", "c"]) {
            store.append(&[next(&store, &subject(&format!("{scope}{name}")), content).await]).await.unwrap();
        }
        let other = next(&store, &subject(&format!("{scope}d")), content + 3).await;
        let appended = store.append(&[judged.clone(), other]).await.unwrap();
        assert_eq!(appended[0], Appended::Stale, "{scope}");
        assert!(matches!(appended[1], Appended::Written { .. }), "{scope}");
        assert_eq!(store.append(&[judged]).await.unwrap(), [Appended::Stale], "{scope}");
    }
}

async fn one_content_in_many_subjects_has_one_id(database: Database) {
    let store = database.open().await;
    let mut versions = Vec::new();
    for name in ["a", "b", "c"] {
        versions.push(next(&store, &subject(name), 1).await);
    }
    versions.push(next(&store, &subject(":.ctx:a"), 1).await);
    let ids: Vec<i32> = store.append(&versions).await.unwrap().into_iter().map(id_of).collect();
    assert_eq!(ids, [1, 1, 1, 1], "ids are separate per context");
    let again = [next(&store, &subject("d"), 1).await, next(&store, &subject("e"), 2).await];
    let ids: Vec<i32> = store.append(&again).await.unwrap().into_iter().map(id_of).collect();
    assert_eq!(ids, [1, 2]);
}

async fn many_groups_at_once_leave_no_gap_and_no_second_id(database: Database) {
    let store = database.open().await;
    let tasks: Vec<_> = (0..12_u32)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for step in 0..8 {
                    let mut versions = Vec::new();
                    for at in 0..4 {
                        let subject = subject(&format!("s{}", (task + at * 3) % 10));
                        versions.push(next(&store, &subject, (task * 5 + step + at) % 17).await);
                    }
                    // What loses against another group is simply not written here.
                    store.append(&versions).await.ok();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut written = 0;
    for number in 0..10 {
        let rows = store.read().await.unwrap().subject_rows(&subject(&format!("s{number}"))).await.unwrap();
        let numbers: Vec<i32> = rows.versions.iter().map(|row| row.version.get()).collect();
        assert_eq!(numbers, (1..=i32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
        for (row, hash) in rows.versions.iter().zip(&rows.hashes) {
            let ids = store.read().await.unwrap().ids_of_hash(hash).await.unwrap();
            assert_eq!(ids, [(row.subject.context.clone(), row.id)]);
        }
        written += numbers.len();
    }
    assert!(written > 0);
}

async fn the_chain_goes_on_where_appends_and_other_changes_alternate(database: Database) {
    let store = database.open().await;
    let (a, b) = (subject("a"), subject("b"));
    for round in 0..4_u32 {
        store.append(&[next(&store, &a, round).await, next(&store, &b, 100 + round).await]).await.unwrap();
        if round % 2 == 0 {
            let mut tx = store.begin(&[Lock::Change(a.clone())]).await.unwrap();
            tx.append_event(&event(&a, "config.put")).await.unwrap();
            tx.commit().await.unwrap();
        }
        if round == 2 {
            seal(&store).await;
        }
    }
    assert_chained(&store, 10).await;
    store.append(&[next(&store, &a, 7).await]).await.unwrap();
    store.append(&[next(&store, &a, 8).await]).await.unwrap();
    assert_chained(&store, 12).await;
}

async fn seal(store: &Arc<dyn Store>) {
    while store.seal_events(3).await.unwrap() > 0 {}
}

/// Seals what is left, and follows the chain from its begin to its noted end.
async fn assert_chained(store: &Arc<dyn Store>, events: usize) {
    seal(store).await;
    let sealed = store.read().await.unwrap().sealed_after(0, 100).await.unwrap();
    assert_eq!(sealed.len(), events);
    let mut previous = Vec::new();
    for (number, event) in (1..).zip(&sealed) {
        assert_eq!((event.revision, event.seal), (number, Some(number)));
        assert_eq!(event.prev_hash.as_ref(), Some(&previous));
        previous = event.chained_hash(&previous).to_vec();
        assert_eq!(event.hash.as_ref(), Some(&previous));
    }
    let end = store.read().await.unwrap().chain_end().await.unwrap().unwrap();
    assert_eq!((usize::try_from(end.seal).unwrap(), end.hash), (events, previous));
}

async fn two_stores_on_one_database_take_turns(database: Database) {
    let stores = [database.open().await, database.open().await];
    let all = subject("all");
    let mut ids = Vec::new();
    for (round, turn) in (0_u32..).zip([0, 0, 1, 0, 1, 1, 1, 0]) {
        let store = &stores[turn];
        let versions = [
            next(store, &subject(&format!("s{round}")), 2 * round).await,
            next(store, &all, 2 * round + 1).await,
        ];
        ids.extend(store.append(&versions).await.unwrap().into_iter().map(id_of));
    }
    assert_eq!(ids, (1..=16).collect::<Vec<_>>());
    let rows = stores[0].read().await.unwrap().subject_rows(&all).await.unwrap();
    let numbers: Vec<i32> = rows.versions.iter().map(|row| row.version.get()).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
    assert_chained(&stores[1], 16).await;
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn committed(&self, scopes: &[QualifiedSubject]) {
        self.0.lock().unwrap().extend(scopes.iter().map(ToString::to_string));
    }
}

async fn observers_are_told_each_committed_scope(database: Database) {
    let store = database.open().await;
    let told = Arc::new(Told::default());
    let as_observer: Arc<dyn Observer> = told.clone();
    store.observe(Arc::downgrade(&as_observer));
    let mut dropped = store.begin(&[Lock::Change(subject("dropped"))]).await.unwrap();
    dropped.append_event(&event(&subject("dropped"), "config.put")).await.unwrap();
    dropped.rollback().await.unwrap();
    let mut tx = store.begin(&[Lock::Change(subject("a"))]).await.unwrap();
    tx.append_event(&event(&subject("a"), "config.put")).await.unwrap();
    assert!(told.0.lock().unwrap().is_empty());
    tx.commit().await.unwrap();
    store.append(&[next(&store, &subject("b"), 1).await]).await.unwrap();
    assert_eq!(*told.0.lock().unwrap(), ["a", "b"]);
}

async fn news(feed: &mut Box<dyn Changes>) -> Vec<Event> {
    let news = feed.next(Duration::ZERO).await.unwrap();
    assert!(news.complete);
    news.events
}

#[tokio::test]
async fn transactions_that_commit_in_reverse_order_of_their_revisions_are_both_told() {
    let Some(database) = Database::postgres() else { return };
    let (ours, theirs) = (database.open().await, database.open().await);
    let mut feed = ours.changes().await.unwrap().unwrap();
    let (a, b) = (subject("a"), subject("b"));
    let mut first = theirs.begin(&[Lock::Change(a.clone())]).await.unwrap();
    let first_revision = first.append_event(&event(&a, "config.put")).await.unwrap();
    let mut second = theirs.begin(&[Lock::Change(b.clone())]).await.unwrap();
    let second_revision = second.append_event(&event(&b, "config.put")).await.unwrap();
    assert!(first_revision < second_revision);
    assert!(news(&mut feed).await.is_empty());
    second.commit().await.unwrap();
    let told: Vec<_> =
        news(&mut feed).await.into_iter().map(|event| (event.revision, event.subject)).collect();
    assert_eq!(told, [(second_revision, b)]);
    assert!(news(&mut feed).await.is_empty(), "each is told once");
    first.commit().await.unwrap();
    let told: Vec<_> =
        news(&mut feed).await.into_iter().map(|event| (event.revision, event.subject)).collect();
    assert_eq!(told, [(first_revision, a)]);
    assert!(news(&mut feed).await.is_empty());
}

#[tokio::test]
async fn a_dropped_change_leaves_no_transaction_open() {
    let database = Database::sqlite().unwrap();
    let store = database.open().await;
    let mut change = store.begin(&[]).await.unwrap();
    change.append_event(&event(&subject("a"), "config.put")).await.unwrap();
    drop(change);
    let path = database.url.strip_prefix("sqlite:").unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).busy_timeout(Duration::ZERO);
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    // Nothing else uses the store meanwhile.
    while sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.is_err() {
        assert!(Instant::now() < deadline, "the transaction stays open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn appends_go_on_after_the_newest_event_was_removed() {
    let database = Database::sqlite().unwrap();
    let store = database.open().await;
    store.append(&[next(&store, &subject("a"), 1).await]).await.unwrap();
    let path = database.url.strip_prefix("sqlite:").unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("DELETE FROM events").execute(&mut other).await.unwrap();
    for (content, revision) in [(2, 2), (3, 3)] {
        let appended =
            store.append(&[next(&store, &subject(&format!("b{content}")), content).await]).await.unwrap();
        assert!(matches!(appended[0], Appended::Written { revision: found, .. } if found == revision));
    }
}

#[tokio::test]
async fn versions_of_an_id_are_found_by_their_index() {
    let database = Database::sqlite().unwrap();
    database.open().await.close().await;
    let path = database.url.strip_prefix("sqlite:").unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    for query in [
        "EXPLAIN QUERY PLAN SELECT subject, version, ts_ms, deleted_ms FROM versions WHERE context = '.' AND id = 1 \
         ORDER BY subject, version",
        "EXPLAIN QUERY PLAN SELECT v.subject, v.version, v.deleted_ms FROM schema_references r \
         JOIN versions v ON v.context = r.context AND v.id = r.id WHERE r.target_context = '.' AND r.target_subject = 's'",
    ] {
        let steps: Vec<String> = sqlx::query(query)
            .fetch_all(&mut connection)
            .await
            .unwrap()
            .iter()
            .map(|row| sqlx::Row::get(row, "detail"))
            .collect();
        assert!(steps.iter().any(|step| step.contains("versions_by_id (context=? AND id=?)")), "{steps:?}");
    }
}
