//! The Rust clients that others wrote: krafka for the broker, `schema_registry_converter` for the registry.

use std::{collections::HashMap, future::Future, time::Duration};

use harness::Assay;
use krafka::{
    Compression, Kafka, KrafkaError, Record,
    admin::{AdminClient, ConfigOp, ConfigResource, NewTopic, OffsetSpec},
    consumer::{AutoOffsetReset, GroupProtocol, TopicPartition},
    producer::Acks,
};
use schema_registry_converter::{
    async_impl::{
        avro::{AvroDecoder, AvroEncoder},
        schema_registry::{
            SrSettings, get_all_subjects, get_all_versions, get_schema_by_guid, get_schema_by_id,
            get_schema_by_subject, get_schema_by_subject_and_version, is_compatible_schema, post_schema,
        },
    },
    schema_registry_common::{SchemaType, SubjectNameStrategy, SuppliedSchema},
};
use serde::Serialize;

use crate::kafka::LIMIT;

const TOPIC: &str = "krafka";
const EACH: usize = 200;

/// Ends a wait that would never end.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("no answer in time")
}

/// The Kafka error code of a refusal.
fn code<T: std::fmt::Debug>(answer: Result<T, KrafkaError>) -> i16 {
    match answer.unwrap_err() {
        KrafkaError::Broker { code, .. } => i16::from(code),
        other => panic!("no answer of the broker: {other}"),
    }
}

/// The options of a call when nothing is asked for.
fn usual<T: Default>() -> T {
    T::default()
}

fn only<K, V>(map: HashMap<K, V>) -> V {
    assert_eq!(map.len(), 1);
    map.into_values().next().unwrap()
}

async fn topics(admin: &AdminClient) {
    let topic = |name: &str, count, replicas| NewTopic::new(name, count, replicas).unwrap();
    let settings = topic(TOPIC, 2, 1).with_config("retention.ms", "7200000");
    only(admin.create_topics([settings], usual()).await.unwrap()).unwrap();
    assert_eq!(code(only(admin.create_topics([topic(TOPIC, 1, 1)], usual()).await.unwrap())), 36);
    assert_eq!(code(only(admin.create_topics([topic("two", 1, 2)], usual()).await.unwrap())), 38);
    only(admin.create_partitions([(TOPIC, 3)], usual()).await.unwrap()).unwrap();
    let described = only(admin.describe_topics([TOPIC], usual()).await.unwrap()).unwrap();
    assert_eq!(described.partitions.len(), 3);
    assert_eq!(code(only(admin.describe_topics(["nobody"], usual()).await.unwrap())), 3);
    let changes = vec![ConfigOp::set("max.message.bytes", "2000000"), ConfigOp::delete("retention.ms")];
    only(admin.incremental_alter_configs([(ConfigResource::topic(TOPIC), changes)], usual()).await.unwrap())
        .unwrap();
    let entries =
        only(admin.describe_configs([ConfigResource::topic(TOPIC)], usual()).await.unwrap()).unwrap();
    let text = format!("{entries:?}");
    assert!(text.contains("2000000") && text.contains("604800000"), "{text}");
}

async fn produce(kafka: &Kafka) -> usize {
    let mut count = 0;
    let codecs =
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    for codec in codecs {
        let builder = kafka.producer().acks(Acks::All).compression(codec).linger(Duration::from_millis(20));
        let producer = builder.build().await.unwrap();
        let mut sent = Vec::new();
        for number in 0..EACH {
            let record = Record::new(TOPIC, format!("{codec:?}{number}"))
                .key(format!("k{}", number % 7))
                .header("h", "1")
                .null_header("h")
                .timestamp(1_700_000_000_000 + i64::try_from(count).unwrap());
            sent.push(producer.enqueue(record).await.unwrap());
            count += 1;
        }
        for one in sent {
            assert!(one.await.unwrap().offset >= 0);
        }
        producer.close().await.unwrap();
    }
    count
}

async fn consume(kafka: &Kafka, admin: &AdminClient, protocol: GroupProtocol, count: usize) {
    let group = format!("krafka-{protocol:?}");
    let consumer = kafka
        .consumer(&group)
        .group_protocol(protocol)
        .auto_offset_reset(AutoOffsetReset::Earliest)
        .enable_auto_commit(false)
        .build()
        .await
        .unwrap();
    consumer.subscribe([TOPIC]).await.unwrap();
    let mut seen = std::collections::HashSet::new();
    while seen.len() < count {
        for record in consumer.poll(Duration::from_millis(200)).await.unwrap() {
            assert_eq!(record.headers.len(), 2, "{record:?}");
            assert!(seen.insert(record.value.unwrap()), "a record came twice");
        }
    }
    consumer.commit().await.unwrap();
    let described = only(admin.describe_consumer_groups([&group], usual()).await.unwrap()).unwrap();
    assert_eq!((described.state.as_str(), described.members.len()), ("Stable", 1));
    assert_eq!(code(only(admin.delete_consumer_groups([&group], usual()).await.unwrap())), 68);
    consumer.seek(TOPIC, 0, 2).await.unwrap();
    let sought = loop {
        let records = consumer.poll(Duration::from_millis(200)).await.unwrap();
        if let Some(record) = records.into_iter().find(|record| record.partition == 0) {
            break record.offset;
        }
    };
    assert_eq!(sought, 2);
    consumer.close().await.unwrap();
    let offsets = admin.list_consumer_group_offsets(&group, usual()).await.unwrap();
    let total: i64 = offsets.into_values().map(|offset| offset.unwrap().offset.unwrap()).sum();
    assert_eq!(total, i64::try_from(count).unwrap());
    only(admin.delete_consumer_groups([&group], usual()).await.unwrap()).unwrap();
}

#[tokio::test]
async fn krafka() {
    let assay = Assay::start().unwrap();
    let kafka = soon(Kafka::builder(&assay.broker).connect()).await.unwrap();
    let admin = kafka.admin();
    soon(topics(&admin)).await;
    let count = soon(produce(&kafka)).await;
    for protocol in [GroupProtocol::Classic, GroupProtocol::Consumer] {
        soon(consume(&kafka, &admin, protocol, count)).await;
    }
    let first = TopicPartition::new(TOPIC, 0);
    let cut = soon(admin.delete_records([(first.clone(), 5)], usual())).await.unwrap();
    assert_eq!(only(cut).unwrap(), 5);
    let earliest = soon(admin.list_offsets([(first, OffsetSpec::Earliest)], usual())).await.unwrap();
    assert_eq!(only(earliest).unwrap().offset, 5);
    only(soon(admin.delete_topics([TOPIC], usual())).await.unwrap()).unwrap();
    assert_eq!(code(only(soon(admin.delete_topics([TOPIC], usual())).await.unwrap())), 3);
}

#[derive(Serialize)]
struct User {
    name: &'static str,
}

const USER: &str =
    r#"{"type":"record","name":"User","namespace":"rust","fields":[{"name":"name","type":"string"}]}"#;

fn avro(text: &str) -> SuppliedSchema {
    SuppliedSchema::new(Some("rust.User".to_owned()), SchemaType::Avro, text.to_owned())
}

#[tokio::test]
async fn schema_registry_converter() {
    let assay = Assay::start().unwrap();
    let settings = SrSettings::new(assay.registry.clone());
    let posted = post_schema(&settings, "users-value".to_owned(), avro(USER)).await.unwrap();
    assert_eq!(get_schema_by_id(posted.id, &settings).await.unwrap().schema, USER);
    let found = get_schema_by_subject_and_version(&settings, "users-value", Some(1)).await.unwrap();
    assert_eq!((found.id, found.version), (posted.id, Some(1)));
    let guid = found.guid.unwrap();
    assert_eq!(get_schema_by_guid(&guid, &settings).await.unwrap().schema, USER);
    let strategy = SubjectNameStrategy::TopicNameStrategy("users".to_owned(), false);
    assert_eq!(get_schema_by_subject(&settings, &strategy).await.unwrap().id, posted.id);
    assert_eq!(get_all_subjects(&settings).await.unwrap(), ["users-value"]);
    assert_eq!(get_all_versions(&settings, "users-value".to_owned()).await.unwrap(), [1]);
    let other = USER.replace("\"string\"", "\"int\"");
    assert!(is_compatible_schema(&settings, "users-value".to_owned(), avro(USER)).await.unwrap());
    assert!(!is_compatible_schema(&settings, "users-value".to_owned(), avro(&other)).await.unwrap());
    assert!(post_schema(&settings, "users-value".to_owned(), avro(&other)).await.is_err());
    assert!(get_schema_by_id(4711, &settings).await.is_err());

    let encoder = AvroEncoder::new(settings.clone());
    let bytes = encoder.encode_struct(User { name: "Ada" }, &strategy).await.unwrap();
    assert_eq!(bytes[..5], [&[0][..], &posted.id.to_be_bytes()].concat()[..]);
    let decoded = AvroDecoder::new(settings.clone()).decode(Some(&bytes)).await.unwrap();
    assert!(format!("{:?}", decoded.value).contains("\"Ada\""), "{:?}", decoded.value);

    let automatic = SubjectNameStrategy::TopicNameStrategyWithSchema("auto".to_owned(), false, avro(USER));
    encoder.encode_struct(User { name: "Ada" }, &automatic).await.unwrap();
    assert_eq!(get_all_subjects(&settings).await.unwrap(), ["auto-value", "users-value"]);
}
