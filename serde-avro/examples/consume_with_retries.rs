//! What a consumer does with each record: decode, retry what can be cured, put poison aside. Needs no Kafka client, so the
//! records come from a list here.
//!
//! `cargo run -p assay-serde-avro --example consume_with_retries -- http://localhost:8081`

use std::time::SystemTime;

use assay_serde_avro::{
    CachedClient, Deserializer, Forward, Generic, Message, RegistryClient, RetryTopics, SourceRecord,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), assay_serde_avro::Error> {
    let urls = std::env::args().nth(1).unwrap_or_else(|| "http://localhost:8081".into());
    let registry = CachedClient::new(RegistryClient::new(&urls)?);
    let deserializer = Deserializer::<Generic>::new(&registry);
    let retries = RetryTopics::new("orders").attempts_max(4);
    eprintln!("subscribe to {:?}", retries.consumed());

    for payload in [&b"{\"not\":\"framed\"}"[..], &[0, 0x7F, 0xFF, 0xFF, 0xFF, 0]] {
        let record = SourceRecord { topic: "orders", value: Some(payload), ..SourceRecord::default() };
        match deserializer.decode(Message::new(record.topic, payload)).await {
            Ok(Generic(value)) => eprintln!("process {value:?}"),
            Err(error) => match retries.forward(&record, &error, SystemTime::now()) {
                Forward::Retry(next) => eprintln!("later, in {}: {error}", next.topic),
                Forward::DeadLetter(letter) => eprintln!("aside, in {}: {error}", letter.topic),
                Forward::Stop => return Err(error),
            },
        }
    }
    Ok(())
}
