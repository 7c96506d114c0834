//! What both backends promise.

use std::collections::BTreeSet;
use std::sync::Arc;

use assay_registry_server::store::error::OpenError;
use assay_registry_server::store::postgres::PostgresStore;
use assay_registry_server::store::sqlite::SqliteStore;
use assay_registry_server::store::{
    EventFilter, Lock, NewEvent, NewSchema, Store, StoreError, StoreTx, VersionCursor, VersionRow,
};
use assay_schema_core::{
    Context, Guid, Mode, QualifiedSubject, SchemaId, SchemaReference, SchemaType, Version,
};

use crate::backend::{Database, on_both_backends};

on_both_backends!(
    a_committed_change_is_read_back,
    a_change_without_commit_leaves_no_trace,
    ids_are_never_issued_twice,
    contexts_are_separate,
    a_content_has_one_preferred_id,
    an_import_may_give_a_content_a_second_id,
    hard_deletes_free_contents_that_nobody_uses,
    referrers_are_found_by_target,
    settings_are_kept_by_scope,
    lists_page_in_order,
    events_are_written_with_the_change_and_sealed_in_order,
    an_edited_event_breaks_the_chain,
    concurrent_changes_of_one_subject_are_gapless,
    concurrent_registrations_of_one_content_share_an_id,
    a_newer_database_is_refused,
    opening_twice_keeps_the_cluster_id,
);

fn subject(name: &str) -> QualifiedSubject {
    QualifiedSubject { context: Context::default_context(), subject: name.to_owned() }
}

fn in_context(context: &str, name: &str) -> QualifiedSubject {
    QualifiedSubject { context: Context::parse(context).unwrap(), subject: name.to_owned() }
}

fn version(number: i32) -> Version {
    Version::new(number).unwrap()
}

fn content(context: &Context, seed: u8) -> NewSchema {
    NewSchema {
        context: context.clone(),
        hash: Guid::from_bytes([seed; 16]),
        schema_type: SchemaType::Avro,
        text: format!("\"text {seed}\""),
        references: Vec::new(),
        targets: Vec::new(),
        metadata: None,
        rule_set: None,
        created_ms: 1_000,
    }
}

fn row(subject: &QualifiedSubject, number: i32, id: SchemaId) -> VersionRow {
    VersionRow { subject: subject.clone(), version: version(number), id, ts_ms: 1_000, deleted: false }
}

fn event(subject: &QualifiedSubject, action: &'static str) -> NewEvent {
    NewEvent {
        ts_ms: 1_000,
        principal: "anonymous".to_owned(),
        address: Some("127.0.0.1".to_owned()),
        request_id: Some("r-1".to_owned()),
        action,
        subject: subject.clone(),
        version: Some(version(1)),
        id: SchemaId::new(1),
        before: None,
        after: Some("{}".to_owned()),
    }
}

async fn begin(store: &Arc<dyn Store>, subject: &QualifiedSubject) -> Box<dyn StoreTx> {
    store.begin(&[Lock::Change(subject.clone())]).await.unwrap()
}

/// Registers a content the way the rules do: known content keeps its id, the version is the next one.
async fn register(
    store: &Arc<dyn Store>,
    subject: &QualifiedSubject,
    seed: u8,
) -> Result<(SchemaId, Version), StoreError> {
    let mut tx = store.begin(&[Lock::Change(subject.clone())]).await?;
    let schema = content(&subject.context, seed);
    let id = if let Some(id) = tx.preferred_id(&subject.context, &schema.hash).await? {
        id
    } else {
        let id = tx.allocate_id(&subject.context).await?;
        tx.insert_schema(id, &schema, false).await?;
        id
    };
    let versions = tx.versions(subject).await?;
    if let Some(known) = versions.iter().find(|row| row.id == id) {
        let known = known.version;
        tx.commit().await?;
        return Ok((id, known));
    }
    let next = versions.last().map_or(1, |row| row.version.get() + 1);
    tx.create_context(&subject.context, 1_000).await?;
    tx.insert_version(&row(subject, next, id)).await?;
    tx.append_event(&event(subject, "register")).await?;
    tx.commit().await?;
    Ok((id, version(next)))
}

async fn a_committed_change_is_read_back(database: Database) {
    let store = database.open().await;
    let orders = subject("orders-value");
    let mut schema = content(&orders.context, 7);
    schema.metadata = Some(assay_schema_core::Metadata::default());
    let mut tx = begin(&store, &orders).await;
    let id = tx.allocate_id(&orders.context).await.unwrap();
    assert_eq!(id.get(), 1);
    assert!(tx.insert_schema(id, &schema, false).await.unwrap());
    tx.insert_version(&row(&orders, 1, id)).await.unwrap();
    tx.commit().await.unwrap();

    let mut read = store.read().await.unwrap();
    let stored = read.schema(&orders.context, id).await.unwrap().unwrap();
    assert_eq!(
        (stored.text, stored.hash, stored.metadata),
        (schema.text.clone(), schema.hash, schema.metadata.clone())
    );
    assert_eq!(read.versions(&orders).await.unwrap(), vec![row(&orders, 1, id)]);
    assert_eq!(read.versions_of_id(&orders.context, id).await.unwrap(), vec![row(&orders, 1, id)]);
    assert_eq!(read.ids_of_hash(&schema.hash).await.unwrap(), vec![(orders.context.clone(), id)]);
    assert_eq!(read.max_id(&orders.context).await.unwrap(), Some(id));

    let mut tx = begin(&store, &orders).await;
    tx.mark_deleted(&orders, &[version(1)], 5).await.unwrap();
    tx.commit().await.unwrap();
    assert!(read.versions(&orders).await.unwrap()[0].deleted);
}

async fn a_change_without_commit_leaves_no_trace(database: Database) {
    let store = database.open().await;
    let orders = subject("orders-value");
    for rolled_back in [true, false] {
        let mut tx = begin(&store, &orders).await;
        let id = tx.allocate_id(&orders.context).await.unwrap();
        tx.insert_schema(id, &content(&orders.context, 1), false).await.unwrap();
        tx.insert_version(&row(&orders, 1, id)).await.unwrap();
        tx.append_event(&event(&orders, "register")).await.unwrap();
        if rolled_back {
            tx.rollback().await.unwrap();
        } else {
            drop(tx);
        }
        let mut read = store.read().await.unwrap();
        assert!(read.versions(&orders).await.unwrap().is_empty());
        assert_eq!(read.preferred_id(&orders.context, &Guid::from_bytes([1; 16])).await.unwrap(), None);
        assert!(read.events(&EventFilter { limit: 10, ..EventFilter::default() }).await.unwrap().is_empty());
    }
    assert_eq!(register(&store, &orders, 1).await.unwrap().1, version(1));
}

async fn ids_are_never_issued_twice(database: Database) {
    let store = database.open().await;
    let orders = subject("orders-value");
    let (first, _) = register(&store, &orders, 1).await.unwrap();
    let mut tx = begin(&store, &orders).await;
    assert_eq!(tx.remove_versions(&orders, &[version(1)]).await.unwrap(), vec![first]);
    tx.commit().await.unwrap();
    store.close().await;

    let store = database.open().await;
    let (second, number) = register(&store, &orders, 1).await.unwrap();
    assert!(second > first, "{second} was issued after {first}");
    assert_eq!(number, version(1));

    let mut tx = begin(&store, &orders).await;
    tx.raise_allocator(&orders.context, SchemaId::new(100).unwrap()).await.unwrap();
    tx.raise_allocator(&orders.context, SchemaId::new(50).unwrap()).await.unwrap();
    assert_eq!(tx.allocate_id(&orders.context).await.unwrap().get(), 101);
    tx.commit().await.unwrap();
}

async fn contexts_are_separate(database: Database) {
    let store = database.open().await;
    let (here, there) = (subject("a"), in_context(".other", "a"));
    assert_eq!(register(&store, &here, 1).await.unwrap().0.get(), 1);
    assert_eq!(register(&store, &here, 2).await.unwrap().0.get(), 2);
    assert_eq!(register(&store, &there, 2).await.unwrap().0.get(), 1);
    let mut read = store.read().await.unwrap();
    assert_eq!(read.versions(&there).await.unwrap().len(), 1);
    assert_eq!(read.contexts().await.unwrap(), vec![here.context.clone(), there.context.clone()]);
    let ids = read.ids_of_hash(&Guid::from_bytes([2; 16])).await.unwrap();
    assert_eq!(ids.len(), 2);

    let mut tx = store.begin(&[Lock::Everything]).await.unwrap();
    tx.remove_context(&there.context).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(read.contexts().await.unwrap(), vec![here.context]);
}

async fn a_content_has_one_preferred_id(database: Database) {
    let store = database.open().await;
    let orders = subject("orders-value");
    let (id, _) = register(&store, &orders, 1).await.unwrap();
    let mut tx = begin(&store, &orders).await;
    let other = tx.allocate_id(&orders.context).await.unwrap();
    let refused = tx.insert_schema(other, &content(&orders.context, 1), false).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict(_)), "{refused}");
    tx.rollback().await.unwrap();
    let mut read = store.read().await.unwrap();
    assert_eq!(read.preferred_id(&orders.context, &Guid::from_bytes([1; 16])).await.unwrap(), Some(id));
}

async fn an_import_may_give_a_content_a_second_id(database: Database) {
    let store = database.open().await;
    let orders = subject("orders-value");
    let (first, _) = register(&store, &orders, 1).await.unwrap();
    let second = SchemaId::new(77).unwrap();
    let mut tx = begin(&store, &orders).await;
    assert!(!tx.insert_schema(second, &content(&orders.context, 1), true).await.unwrap());
    tx.insert_version(&row(&orders, 2, second)).await.unwrap();
    tx.commit().await.unwrap();
    let hash = Guid::from_bytes([1; 16]);
    let mut read = store.read().await.unwrap();
    assert_eq!(read.preferred_id(&orders.context, &hash).await.unwrap(), Some(first));

    let mut tx = begin(&store, &orders).await;
    assert_eq!(tx.remove_versions(&orders, &[version(1)]).await.unwrap(), vec![first]);
    tx.commit().await.unwrap();
    assert_eq!(read.preferred_id(&orders.context, &hash).await.unwrap(), Some(second));
}

async fn hard_deletes_free_contents_that_nobody_uses(database: Database) {
    let store = database.open().await;
    let (a, b) = (subject("a"), subject("b"));
    let (id, _) = register(&store, &a, 1).await.unwrap();
    register(&store, &b, 1).await.unwrap();
    let mut tx = begin(&store, &a).await;
    assert_eq!(tx.remove_versions(&a, &[version(1)]).await.unwrap(), vec![]);
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    assert!(read.schema(&a.context, id).await.unwrap().is_some());
    let mut tx = begin(&store, &b).await;
    assert_eq!(tx.remove_versions(&b, &[version(1)]).await.unwrap(), vec![id]);
    tx.commit().await.unwrap();
    assert!(read.schema(&a.context, id).await.unwrap().is_none());
}

async fn referrers_are_found_by_target(database: Database) {
    let store = database.open().await;
    let (target, user) = (subject("target"), in_context(".c", "user"));
    register(&store, &target, 1).await.unwrap();
    let mut schema = content(&user.context, 2);
    schema.references =
        vec![SchemaReference { name: "T".to_owned(), subject: ":.:target".to_owned(), version: 1 }];
    schema.targets = vec![target.clone()];
    let mut tx = store.begin(&[Lock::Change(user.clone()), Lock::Reference(target.clone())]).await.unwrap();
    let id = tx.allocate_id(&user.context).await.unwrap();
    tx.insert_schema(id, &schema, false).await.unwrap();
    tx.insert_version(&row(&user, 1, id)).await.unwrap();
    tx.commit().await.unwrap();

    let mut read = store.read().await.unwrap();
    let stored = read.schema(&user.context, id).await.unwrap().unwrap();
    assert_eq!(stored.references, schema.references);
    for asked in [None, Some(version(1))] {
        let found = read.referrers(&target, asked).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].id, &found[0].subject, found[0].target_version), (id, &user, version(1)));
    }
    assert!(read.referrers(&target, Some(version(2))).await.unwrap().is_empty());
    let mut tx = begin(&store, &user).await;
    tx.remove_versions(&user, &[version(1)]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(read.referrers(&target, None).await.unwrap().is_empty());
}

async fn settings_are_kept_by_scope(database: Database) {
    let store = database.open().await;
    let scopes =
        [subject("s"), subject(""), in_context(".c", "s"), in_context(".c", ""), in_context(".__GLOBAL", "")];
    for (index, scope) in scopes.iter().enumerate() {
        let mut tx = begin(&store, scope).await;
        tx.put_config(scope, Some(&format!("{{\"n\":{index}}}"))).await.unwrap();
        tx.put_mode(scope, Some(Mode::ReadOnly)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut read = store.read().await.unwrap();
    let mut seen: Vec<_> =
        read.settings(&scopes[2]).await.unwrap().into_iter().map(|row| row.config.unwrap()).collect();
    seen.sort();
    assert_eq!(seen, ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}"]);
    assert_eq!(read.settings_in(Some(&scopes[2].context)).await.unwrap().len(), 2);
    assert_eq!(read.settings_in(None).await.unwrap().len(), 5);

    let mut tx = begin(&store, &scopes[0]).await;
    tx.put_config(&scopes[0], None).await.unwrap();
    tx.commit().await.unwrap();
    let own =
        read.settings(&scopes[0]).await.unwrap().into_iter().find(|row| row.scope == scopes[0]).unwrap();
    assert_eq!((own.config, own.mode), (None, Some(Mode::ReadOnly)));
    let mut tx = begin(&store, &scopes[0]).await;
    tx.put_mode(&scopes[0], None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(read.settings_in(None).await.unwrap().len(), 4);
}

async fn lists_page_in_order(database: Database) {
    let store = database.open().await;
    let subjects = [subject("Z"), subject("a"), subject("ab"), subject("b"), in_context(".c", "ab")];
    for (seed, name) in (1..).zip(&subjects) {
        register(&store, name, seed).await.unwrap();
        register(&store, name, seed + 100).await.unwrap();
    }
    let mut read = store.read().await.unwrap();
    let names = |rows: Vec<assay_registry_server::store::SubjectRow>| {
        rows.into_iter().map(|row| row.subject).collect::<Vec<_>>()
    };
    assert_eq!(names(read.subjects(None, "").await.unwrap()), subjects);
    assert_eq!(names(read.subjects(Some(&subjects[0].context), "a").await.unwrap()), subjects[1..3]);
    assert_eq!(names(read.subjects(None, "ab").await.unwrap()), [subjects[2].clone(), subjects[4].clone()]);

    let all = read.versions_after(None, "", None, 100).await.unwrap();
    assert_eq!(all.len(), 10);
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = read.versions_after(None, "", cursor.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = Some(VersionCursor::from(last));
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let here = read.versions_after(Some(&subjects[0].context), "a", None, 100).await.unwrap();
    assert_eq!(here.len(), 4);
    let rest = read
        .versions_after(Some(&subjects[0].context), "a", Some(&VersionCursor::from(&here[1])), 100)
        .await
        .unwrap();
    assert_eq!(rest, here[2..]);
}

async fn events_are_written_with_the_change_and_sealed_in_order(database: Database) {
    let store = database.open().await;
    for seed in 1..=5 {
        register(&store, &subject(&format!("s{seed}")), seed).await.unwrap();
    }
    assert_eq!(store.seal_events(3).await.unwrap(), 3);
    assert_eq!(store.seal_events(3).await.unwrap(), 2);
    assert_eq!(store.seal_events(3).await.unwrap(), 0);
    let mut read = store.read().await.unwrap();
    let events = read.events(&EventFilter { limit: 10, ..EventFilter::default() }).await.unwrap();
    let mut previous = Vec::new();
    for (number, event) in (1..).zip(&events) {
        assert_eq!((event.seal, &event.prev_hash), (Some(number), &Some(previous.clone())));
        assert_eq!(event.hash.as_deref(), Some(event.chained_hash(&previous).as_slice()));
        previous = event.hash.clone().unwrap();
    }
    let one = EventFilter { subject: Some(subject("s3")), limit: 10, ..EventFilter::default() };
    let found = read.events(&one).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].action.as_str(), found[0].address.as_deref()), ("register", Some("127.0.0.1")));
    let later = EventFilter { from_ms: Some(1_001), limit: 10, ..EventFilter::default() };
    assert!(read.events(&later).await.unwrap().is_empty());
}

async fn retrying(store: Arc<dyn Store>, subject: QualifiedSubject, seed: u8) -> (SchemaId, Version) {
    loop {
        match register(&store, &subject, seed).await {
            Ok(done) => return done,
            Err(StoreError::Conflict(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn concurrent_changes_of_one_subject_are_gapless(database: Database) {
    let store = database.open().await;
    let tasks: Vec<_> =
        (1..=24).map(|seed| tokio::spawn(retrying(Arc::clone(&store), subject("s"), seed))).collect();
    let (mut ids, mut versions) = (BTreeSet::new(), BTreeSet::new());
    for task in tasks {
        let (id, version) = task.await.unwrap();
        ids.insert(id);
        versions.insert(version.get());
    }
    assert_eq!(ids.len(), 24);
    assert_eq!(versions, (1..=24).collect());
    let mut read = store.read().await.unwrap();
    assert_eq!(read.events(&EventFilter { limit: 100, ..EventFilter::default() }).await.unwrap().len(), 24);
}

async fn concurrent_registrations_of_one_content_share_an_id(database: Database) {
    let store = database.open().await;
    let tasks: Vec<_> = (0..24)
        .map(|n| tokio::spawn(retrying(Arc::clone(&store), subject(&format!("s{}", n % 12)), 9)))
        .collect();
    let mut ids = BTreeSet::new();
    for task in tasks {
        let (id, version) = task.await.unwrap();
        ids.insert(id);
        assert_eq!(version.get(), 1);
    }
    assert_eq!(ids.len(), 1);
}

async fn a_newer_database_is_refused(database: Database) {
    database.open().await.close().await;
    sqlx_execute(&database.url, "UPDATE _sqlx_migrations SET version = version + 9000").await;
    let refused = match database.url.strip_prefix("sqlite:") {
        Some(path) => SqliteStore::open(path.as_ref()).await.err(),
        None => PostgresStore::open(&database.url).await.err(),
    };
    let refused = refused.expect("opened a newer database");
    assert!(matches!(refused, OpenError::NewerDatabase { found: 9001.., .. }), "{refused:?}");
    assert!(!refused.to_string().contains('\n'));
}

async fn sqlx_execute(url: &str, sql: &'static str) {
    use sqlx::Connection as _;
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
}

async fn opening_twice_keeps_the_cluster_id(database: Database) {
    let first = database.open().await;
    let id = first.cluster_id().to_owned();
    first.close().await;
    assert_eq!(database.open().await.cluster_id(), id);
    assert!(!id.is_empty());
}

async fn an_edited_event_breaks_the_chain(database: Database) {
    use assay_registry_server::registry::{Finding, Registry, SystemClock};

    let store = database.open().await;
    for seed in 1..=5 {
        register(&store, &subject("s"), seed).await.unwrap();
    }
    assert_eq!(store.seal_events(100).await.unwrap(), 5);
    let registry =
        Registry::new(store, assay_registry_server::RegistryConfig::default(), Arc::new(SystemClock));
    let broken = async || {
        let mut findings = registry.verify_history().await.unwrap().findings;
        findings.retain(|finding| matches!(finding, Finding::EventDoesNotFollow { .. }));
        findings
    };
    assert_eq!(broken().await, []);
    sqlx_execute(&database.url, "UPDATE events SET principal = 'somebody else' WHERE revision = 3").await;
    assert_eq!(broken().await, [Finding::EventDoesNotFollow { revision: 3 }]);
}
