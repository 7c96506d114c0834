//! Old and new records, old and new readers.

use std::time::{Duration, Instant};

use assay_serde_avro::{
    CacheSettings, CachedClient, ConfigError, Deserializer, Error, ReaderSchema, Selection, Serializer,
};
use serde::Deserialize;

use crate::record::{ORDER, ORDER_V2, Order, OrderV2, order, real};

fn new_order() -> OrderV2 {
    OrderV2 { id: 8, item: "milk".into(), note: Some("cold".into()), quantity: 3 }
}

#[tokio::test]
async fn both_generations_are_read_by_both_readers() {
    let (_server, _client, registry) = real().await;
    let old = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let new = Serializer::<OrderV2>::builder(&registry).schema(ORDER_V2).build().unwrap();
    let old_record = old.encode("orders", &order()).await.unwrap();
    let new_record = new.encode("orders", &new_order()).await.unwrap();
    assert_ne!(old_record.payload[..5], new_record.payload[..5]);

    let old_reader = Deserializer::<Order>::builder(&registry).reader_schema(ORDER).build().unwrap();
    let new_reader = Deserializer::<OrderV2>::builder(&registry).reader_schema(ORDER_V2).build().unwrap();
    assert_eq!(old_reader.decode(&old_record.payload).await.unwrap(), order());
    assert_eq!(old_reader.decode(&new_record.payload).await.unwrap().item, "milk");
    assert_eq!(new_reader.decode(&old_record.payload).await.unwrap().quantity, 1);
    assert_eq!(new_reader.decode(&new_record.payload).await.unwrap(), new_order());
}

#[tokio::test]
async fn a_reader_that_can_never_read_a_record_says_so() {
    #[derive(Debug, Deserialize)]
    struct Item {
        #[expect(dead_code, reason = "never read")]
        n: i64,
    }
    let (_server, _client, registry) = real().await;
    let serializer = Serializer::<str>::builder(&registry).schema(r#""string""#).build().unwrap();
    let framed = serializer.encode("orders", "tea").await.unwrap();
    let reader = r#"{"type":"record","name":"Item","fields":[{"name":"n","type":"long"}]}"#;
    let deserializer = Deserializer::<Item>::builder(&registry).reader_schema(reader).build().unwrap();
    let error = deserializer.decode(&framed.payload).await.unwrap_err();
    assert!(matches!(error, Error::Resolution { .. }), "{error}");
}

#[tokio::test]
async fn the_latest_version_as_reader_is_noticed_when_it_changes() {
    let (_server, client, _) = real().await;
    let settings = CacheSettings { latest_ttl: Some(Duration::from_millis(20)), ..CacheSettings::default() };
    let registry = CachedClient::with_settings(client, settings);
    let old = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let framed = old.encode("orders", &order()).await.unwrap();
    let reader =
        Deserializer::<serde_json::Value>::builder(&registry).reader(ReaderSchema::Latest).build().unwrap();
    let message = framed.as_message("orders");
    assert!(reader.decode(message).await.unwrap().get("quantity").is_none());
    let error = reader.decode(&framed.payload).await.unwrap_err();
    assert!(matches!(error, Error::Config(ConfigError::TopicNeeded)), "{error}");

    let new = Serializer::<OrderV2>::builder(&registry).schema(ORDER_V2).build().unwrap();
    new.prepare("orders").await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while reader.decode(message).await.unwrap().get("quantity").is_none() {
        assert!(Instant::now() < deadline, "the new version is never noticed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let latest = Serializer::<Order>::builder(&registry).selection(Selection::Latest).build().unwrap();
    latest.encode("orders", &order()).await.unwrap();
}
