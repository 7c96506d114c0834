//! Records that serde-avro and other people's serializers write, through a live registry and broker, both ways: prefix and
//! header framing, keys and values, a schema with a reference.

use std::collections::BTreeMap;

use assay_serde_avro::client::ListQuery;
use assay_serde_avro::kafka::{Consumer, Decoder, Encoder, Producer, Record};
use assay_serde_avro::schema::SchemaReference;
use assay_serde_avro::schema::rest::RegisterSchemaRequest;
use assay_serde_avro::{
    CachedClient, Deserializer, Framing, Part, RegistryClient, Serializer, SubjectStrategy,
};
use harness::{Assay, foreign};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kafka::{LIMIT, create_topic};

/// Records in every topic.
const COUNT: i64 = 20;
const ITEM: &str = r#"{"type":"record","name":"Item","namespace":"shop","fields":[
    {"name":"sku","type":"string"},{"name":"price","type":"double"}]}"#;
const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
    {"name":"id","type":"long"},{"name":"note","type":["null","string"],"default":null},
    {"name":"status","type":{"type":"enum","name":"Status","symbols":["NEW","PAID"]}},
    {"name":"items","type":{"type":"array","items":"shop.Item"}},
    {"name":"tags","type":{"type":"map","values":"int"}},{"name":"raw","type":"bytes"}]}"#;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    New,
    Paid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    sku: String,
    price: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    id: i64,
    note: Option<String>,
    status: Status,
    items: Vec<Item>,
    tags: BTreeMap<String, i32>,
    raw: Vec<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Text {
    text: String,
}

const TEXT: &str =
    r#"{"type":"record","name":"Text","namespace":"shop","fields":[{"name":"text","type":"string"}]}"#;

fn order(id: i64) -> Order {
    let number = i32::try_from(id).unwrap();
    Order {
        id,
        note: (id % 2 != 0).then(|| format!("n{id}")),
        status: if id % 3 == 0 { Status::New } else { Status::Paid },
        items: vec![
            Item { sku: format!("s{id}"), price: f64::from(number) + 0.5 },
            Item { sku: String::new(), price: -1.0 },
        ],
        tags: BTreeMap::from([("a".to_owned(), number), ("b".to_owned(), -number)]),
        raw: vec![0, u8::try_from(id).unwrap(), 255],
    }
}

/// Writes `rust-prefix` and `rust-header`, keys and values with schemas, and `rust-plain` with plain keys and text values.
async fn produce(assay: &Assay) {
    let client = RegistryClient::new(&assay.registry).unwrap();
    let item = RegisterSchemaRequest { schema: Some(ITEM.into()), ..RegisterSchemaRequest::default() };
    client.register_schema("item", &item, false).await.unwrap();
    let registry = CachedClient::new(client);
    for (topic, framing) in [("rust-prefix", Framing::Prefix), ("rust-header", Framing::Header)] {
        create_topic(&assay.broker, topic, 1, &[]).await;
        let reference = SchemaReference { name: "shop.Item".into(), subject: "item".into(), version: 1 };
        let keys = Serializer::<String>::builder(&registry)
            .schema(r#""string""#)
            .part(Part::Key)
            .framing(framing)
            .build()
            .unwrap();
        let values = Serializer::<Order>::builder(&registry)
            .schema_with_references(ORDER, vec![reference])
            .framing(framing)
            .build()
            .unwrap();
        let producer = Producer::new(&assay.broker, keys, values).unwrap();
        for id in 0..COUNT {
            producer.send(Record::new(topic, &order(id)).key(&format!("key-{id}"))).await.unwrap();
        }
    }
    create_topic(&assay.broker, "rust-plain", 1, &[]).await;
    let values =
        Serializer::<Text>::builder(&registry).schema(TEXT).subject(SubjectStrategy::TOPIC).build().unwrap();
    let producer = Producer::new(&assay.broker, Encoder::<str>::plain(), values).unwrap();
    for id in 0..COUNT {
        producer.send(Record::new("rust-plain", &Text { text: format!("v{id}") }).key("k")).await.unwrap();
    }
}

/// Reads a topic that was written with a schema for keys and the schema of orders for values.
async fn consume(assay: &Assay, topic: &str, framing: Framing) {
    let registry = CachedClient::new(RegistryClient::new(&assay.registry).unwrap());
    let keys = Deserializer::<String>::builder(&registry).part(Part::Key).build().unwrap();
    let values = Deserializer::<Order>::new(&registry);
    let consumer = Consumer::new(&assay.broker, "rust", &[topic], keys, values).unwrap();
    for id in 0..COUNT {
        let record = tokio::time::timeout(LIMIT, consumer.recv()).await.unwrap().unwrap().unwrap();
        assert_eq!(record.key(), Some(&format!("key-{id}")), "{topic}");
        assert_eq!(record.value(), Some(&order(id)), "{topic}");
        let mut headers: Vec<String> = record.headers().into_iter().map(|(name, _)| name).collect();
        headers.sort();
        let expected: &[&str] = match framing {
            Framing::Prefix => &[],
            Framing::Header => &["__key_schema_id", "__value_schema_id"],
        };
        assert_eq!(headers, expected, "{topic}");
    }
}

/// One of the programs of other people's serializers: command, registry, broker; nothing where its language is missing.
type Program = fn(&[&str]) -> anyhow::Result<Option<Value>>;

async fn run(assay: &Assay, program: Program, command: &'static str) -> Option<Value> {
    let (url, broker) = (assay.registry.clone(), assay.broker.clone());
    let ran = tokio::task::spawn_blocking(move || program(&[command, &url, &broker]));
    ran.await.unwrap().unwrap()
}

/// The other program fills its topics and they are read here; then the other way round. Gives what it read.
async fn both_ways(assay: &Assay, name: &str, program: Program) -> Option<Value> {
    for framing in ["prefix", "header"] {
        create_topic(&assay.broker, &format!("{name}-{framing}"), 1, &[]).await;
    }
    run(assay, program, "produce").await?;
    consume(assay, &format!("{name}-prefix"), Framing::Prefix).await;
    consume(assay, &format!("{name}-header"), Framing::Header).await;
    produce(assay).await;
    run(assay, program, "consume").await
}

#[tokio::test]
async fn python_serializers_read_and_write_the_same_records() {
    let assay = Assay::start().unwrap();
    let Some(read) = both_ways(&assay, "python", |words| foreign::python("serdes.py", words)).await else {
        return;
    };
    assert_eq!(read, json!({"rust-prefix": COUNT, "rust-header": COUNT}));
    assert_one_schema(&assay).await;
}

/// Apache Avro writes the data; the frames are made by the program, because Confluent's serializers are not in public.
#[tokio::test]
async fn java_reads_and_writes_the_same_records() {
    let assay = Assay::start().unwrap();
    let Some(read) = both_ways(&assay, "java", |words| foreign::java("Serdes", words)).await else { return };
    assert_eq!(read, json!({"rust-prefix": COUNT, "rust-header": COUNT}));
    assert_one_schema(&assay).await;
}

#[tokio::test]
async fn go_reads_and_writes_the_same_records() {
    let assay = Assay::start().unwrap();
    let Some(read) = both_ways(&assay, "go", |words| foreign::go("serdes", words)).await else { return };
    assert_eq!(read, json!({"rust-prefix": COUNT, "rust-header": COUNT}));
    assert_one_schema(&assay).await;
}

#[tokio::test]
async fn javascript_serializers_read_and_write_the_same_records() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "js-kafkajs", 1, &[]).await;
    let Some(read) = both_ways(&assay, "js", |words| foreign::javascript("serdes.js", words)).await else {
        return;
    };
    assert_eq!(read, json!({"rust-prefix": COUNT, "rust-header": COUNT, "kafkajs": COUNT}));
    let registry = CachedClient::new(RegistryClient::new(&assay.registry).unwrap());
    let values = Deserializer::<Text>::new(&registry);
    let consumer = Consumer::new(&assay.broker, "rust", &["js-kafkajs"], Decoder::text(), values).unwrap();
    for id in 0..COUNT {
        let record = tokio::time::timeout(LIMIT, consumer.recv()).await.unwrap().unwrap().unwrap();
        let text = Text { text: format!("v{id}") };
        assert_eq!((record.key(), record.value()), (Some(&format!("k{id}")), Some(&text)));
    }
}

/// The other side registered the same content for its topics, so that every subject has the one id.
async fn assert_one_schema(assay: &Assay) {
    let client = RegistryClient::new(&assay.registry).unwrap();
    let subjects = client.subjects(&ListQuery::default()).await.unwrap();
    assert_eq!(subjects.iter().filter(|subject| subject.ends_with("-key")).count(), 4, "{subjects:?}");
}
