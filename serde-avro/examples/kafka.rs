//! Sends orders to a topic and reads them back; failures go through `orders-retry-0` and `orders-retry-1` to `orders-dlt`.
//! Stop it with Ctrl-C.
//!
//! `cargo run -p assay-serde-avro --features rdkafka --example kafka -- localhost:9092 http://localhost:8081`

use assay_serde_avro::kafka::{Consumer, Decoder, Encoder, Error, OnFailure, Producer, Record};
use assay_serde_avro::{CachedClient, Deserializer, RegistryClient, RetryTopics, Serializer};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: i64,
    item: String,
}

const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
    {"name":"id","type":"long"},{"name":"item","type":"string"}]}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let brokers = arguments.next().unwrap_or_else(|| "localhost:9092".into());
    let urls = arguments.next().unwrap_or_else(|| "http://localhost:8081".into());

    let registry = CachedClient::new(RegistryClient::new(&urls)?);
    let orders = Serializer::<Order>::builder(&registry).schema(ORDER).build()?;
    let producer = Producer::new(&brokers, Encoder::<str>::plain(), orders)?;
    let placed =
        producer.send(Record::new("orders", &Order { id: 7, item: "tea".into() }).key("o-7")).await?;
    eprintln!("stored in partition {} at offset {}", placed.partition, placed.offset);

    let orders = Deserializer::<Order>::new(&registry);
    let consumer = Consumer::builder(&brokers, "billing", &["orders"], Decoder::text(), orders)
        .on_failure(OnFailure::RetryTopics(RetryTopics::new("orders")))
        .build()?;
    let stopper = consumer.stopper();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopper.stop();
        }
    });
    consumer
        .run(async |order| {
            eprintln!("{}: {:?}", order.key().map_or("", String::as_str), order.value());
            Ok(())
        })
        .await?;
    consumer.close().await
}
