//! Writes one order under `orders-value` and reads it back.
//!
//! `cargo run -p assay-serde-avro --example round_trip -- http://localhost:8081`

use assay_serde_avro::{CachedClient, Deserializer, RegistryClient, Serializer};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: i64,
    item: String,
}

const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
    {"name":"id","type":"long"},{"name":"item","type":"string"}]}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), assay_serde_avro::Error> {
    let urls = std::env::args().nth(1).unwrap_or_else(|| "http://localhost:8081".into());
    let registry = CachedClient::new(RegistryClient::new(&urls)?);
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build()?;
    let framed = serializer.encode("orders", &Order { id: 7, item: "tea".into() }).await?;
    eprintln!("{} bytes: {:02x?}", framed.payload.len(), framed.payload);
    let order = Deserializer::<Order>::new(&registry).decode(&framed.payload).await?;
    eprintln!("{order:?}");
    Ok(())
}
