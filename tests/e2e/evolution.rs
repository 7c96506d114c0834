//! A schema evolves: readers of both generations read records of both, through the Rust serializer and the broker.

use assay_serde_avro::{CachedClient, Deserializer, Message, RegistryClient, Serializer};
use harness::Assay;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kafka::{create_topic, producer, read_all, send};

const OLD: &str = r#"{"type":"record","name":"Flight","namespace":"e2e","fields":[
    {"name":"tailnum","type":["null","string"],"default":null},{"name":"delay","type":"int"}]}"#;
const NEW: &str = r#"{"type":"record","name":"Flight","namespace":"e2e","fields":[
    {"name":"tailnum","type":["null","string"],"default":null},{"name":"delay","type":"int"},
    {"name":"gate","type":"string","default":"unknown"}]}"#;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OldFlight {
    tailnum: Option<String>,
    delay: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct NewFlight {
    tailnum: Option<String>,
    delay: i32,
    gate: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_readers_read_both_generations() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "flights", 1, &[("confluent.value.schema.validation", "true")]).await;
    let registry = CachedClient::new(RegistryClient::new(&assay.registry).unwrap());
    let producer = producer(&assay.broker, &[]);
    let old = OldFlight { tailnum: Some("N14228".to_owned()), delay: 2 };
    let new = NewFlight { tailnum: None, delay: -7, gate: "B12".to_owned() };
    let old_writer = Serializer::<OldFlight>::builder(&registry).schema(OLD).build().unwrap();
    let mut payload = Vec::new();
    old_writer.prepare("flights").await.unwrap().encode_into(&old, &mut payload).unwrap();
    send(&producer, "flights", None, Some(&payload)).await.unwrap();
    let new_writer = Serializer::<NewFlight>::builder(&registry).schema(NEW).build().unwrap();
    let mut payload = Vec::new();
    new_writer.prepare("flights").await.unwrap().encode_into(&new, &mut payload).unwrap();
    send(&producer, "flights", None, Some(&payload)).await.unwrap();
    assert_eq!(assay.rest().get("/subjects/flights-value/versions").await.unwrap().body, json!([1, 2]));

    let old_reader = Deserializer::<OldFlight>::builder(&registry).reader_schema(OLD).build().unwrap();
    let new_reader = Deserializer::<NewFlight>::builder(&registry).reader_schema(NEW).build().unwrap();
    let (mut as_old, mut as_new) = (Vec::new(), Vec::new());
    for record in read_all(&assay.broker, "flights", 1) {
        let value = record.value.unwrap();
        as_old.push(old_reader.decode(Message::new("flights", &value)).await.unwrap());
        as_new.push(new_reader.decode(Message::new("flights", &value)).await.unwrap());
    }
    assert_eq!(as_old, [old.clone(), OldFlight { tailnum: None, delay: -7 }]);
    let defaulted = NewFlight { tailnum: old.tailnum, delay: 2, gate: "unknown".to_owned() };
    assert_eq!(as_new, [defaulted, new]);
}
