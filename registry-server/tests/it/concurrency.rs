//! Many clients at once, on both backends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assay_registry_server::registry::{Origin, RegisterOptions, SchemaInput, SystemClock};
use assay_registry_server::{Registry, RegistryConfig};
use assay_schema_core::QualifiedSubject;

use crate::backend::{Database, on_both_backends};
use crate::server::record;

on_both_backends!(
    same_and_different_schemas_in_same_and_different_subjects,
    deletes_and_references_never_leave_a_dangling_reference,
);

async fn registry(database: &Database) -> Registry {
    let config = RegistryConfig {
        compatibility_level: assay_schema_core::CompatibilityLevel::None,
        ..RegistryConfig::default()
    };
    Registry::new(database.open().await, config, Arc::new(SystemClock))
}

async fn same_and_different_schemas_in_same_and_different_subjects(database: Database) {
    let registry = registry(&database).await;
    let mut tasks = Vec::new();
    for task in 0..32 {
        let registry = registry.clone();
        tasks.push(tokio::spawn(async move {
            let mut done = Vec::new();
            for step in 0..6 {
                let subject = QualifiedSubject::parse(&format!("s{}", (task + step) % 5));
                let schema = record("R", &[&format!("f{}", (task * 7 + step) % 9)]);
                let input = SchemaInput { schema: schema.clone(), ..SchemaInput::default() };
                let registered = registry
                    .register(&subject, &input, RegisterOptions::default(), &Origin::anonymous())
                    .await
                    .unwrap();
                done.push((subject, schema, registered.id, registered.version));
            }
            done
        }));
    }
    let mut schema_of_id = BTreeMap::new();
    let mut id_of_schema = BTreeMap::new();
    let mut versions: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for task in tasks {
        for (subject, schema, id, version) in task.await.unwrap() {
            assert_eq!(
                schema_of_id.entry(id).or_insert_with(|| schema.clone()),
                &schema,
                "id {id} names two schemas"
            );
            assert_eq!(*id_of_schema.entry(schema).or_insert(id), id, "a schema has two ids");
            let known = *versions.entry(subject).or_default().entry(version).or_insert(id);
            assert_eq!(known, id, "a version names two schemas");
        }
    }
    assert_eq!(schema_of_id.len(), 9);
    for (subject, acknowledged) in versions {
        let numbers: BTreeSet<i32> = acknowledged.keys().map(|version| version.get()).collect();
        assert_eq!(numbers, (1..=i32::try_from(numbers.len()).unwrap()).collect(), "{subject} has gaps");
        let stored = registry.store().read().await.unwrap().versions(&subject).await.unwrap();
        assert_eq!(stored.len(), acknowledged.len());
        assert!(stored.iter().all(|row| acknowledged.get(&row.version) == Some(&row.id)));
    }
}

async fn deletes_and_references_never_leave_a_dangling_reference(database: Database) {
    let registry = registry(&database).await;
    let origin = Origin::anonymous();
    for round in 0..12 {
        let target = QualifiedSubject::parse(&format!("target{round}"));
        let inner = SchemaInput {
            schema: format!("{{\"type\":\"record\",\"name\":\"n.Inner{round}\",\"fields\":[]}}"),
            ..SchemaInput::default()
        };
        registry.register(&target, &inner, RegisterOptions::default(), &origin).await.unwrap();
        let user = QualifiedSubject::parse(&format!("user{round}"));
        let outer = SchemaInput {
            schema: format!("{{\"type\":\"array\",\"items\":\"n.Inner{round}\"}}"),
            references: vec![assay_schema_core::SchemaReference {
                name: "i".to_owned(),
                subject: target.to_string(),
                version: 1,
            }],
            ..SchemaInput::default()
        };
        let refer = registry.register(&user, &outer, RegisterOptions::default(), &origin);
        let delete = registry.delete_subject(&target, false, &origin);
        let (referred, deleted) = tokio::join!(refer, delete);
        assert!(referred.is_ok() != deleted.is_ok(), "{referred:?} {deleted:?}");
    }
}
