//! Tombstones, top-level bytes, the shortest messages, trailing bytes, and poison.

use apache_avro::types::Value;
use assay_serde_avro::{
    CachedClient, DeadLetter, Deserializer, Disposition, Error, Generic, Message, Serializer, SourceRecord,
    Unframing,
};

use crate::faulty::{Answer, Faulty};
use crate::record::{ORDER, Order, order, real};

#[tokio::test]
async fn a_tombstone_has_no_bytes_and_costs_no_request() {
    let server = Faulty::start([Answer::new(500, "")]).await;
    let registry = CachedClient::new(assay_serde_avro::RegistryClient::new(&server.url()).unwrap());
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    assert_eq!(serializer.encode_option("orders", None).await.unwrap(), None);
    let deserializer = Deserializer::<Order>::new(&registry);
    assert_eq!(deserializer.decode_option(None).await.unwrap(), None);
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn top_level_bytes_are_framed_without_a_length() {
    let (_server, _client, registry) = real().await;
    let serializer = Serializer::<Vec<u8>>::builder(&registry).schema(r#""bytes""#).build().unwrap();
    let deserializer = Deserializer::<Vec<u8>>::new(&registry);
    let generic = Deserializer::<Generic>::new(&registry);
    for value in [vec![], vec![1, 2, 3], vec![0xFF; 300]] {
        let framed = serializer.encode("blobs", &value).await.unwrap();
        assert_eq!(framed.payload[5..], value);
        assert_eq!(deserializer.decode(&framed.payload).await.unwrap(), value);
        let borrowed: &[u8] = deserializer.try_decode_as(&framed.payload).unwrap();
        assert_eq!(borrowed, value);
        assert_eq!(generic.decode(&framed.payload).await.unwrap(), Generic(Value::Bytes(value)));
    }
    let written = Serializer::<Generic>::builder(&registry).schema(r#""bytes""#).build().unwrap();
    let framed = written.encode("blobs", &Generic(Value::Bytes(vec![5]))).await.unwrap();
    assert_eq!(framed.payload[5..], [5]);
}

#[tokio::test]
async fn bytes_inside_a_record_keep_their_length() {
    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Holder {
        data: Vec<u8>,
    }
    let (_server, _client, registry) = real().await;
    let text = r#"{"type":"record","name":"Holder","fields":[{"name":"data","type":"bytes"}]}"#;
    let serializer = Serializer::<Holder>::builder(&registry).schema(text).build().unwrap();
    let framed = serializer.encode("t", &Holder { data: vec![9] }).await.unwrap();
    assert_eq!(framed.payload[5..], [2, 9]);
}

#[tokio::test]
async fn the_shortest_message_has_five_bytes() {
    let (_server, _client, registry) = real().await;
    let serializer = Serializer::<()>::builder(&registry).schema(r#""null""#).build().unwrap();
    let framed = serializer.encode("nothing", &()).await.unwrap();
    assert_eq!(framed.payload.len(), 5);
    Deserializer::<()>::new(&registry).decode(&framed.payload).await.unwrap();
}

#[tokio::test]
async fn trailing_bytes_are_ignored_unless_the_configuration_says_otherwise() {
    let (_server, _client, registry) = real().await;
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let mut framed = serializer.encode("orders", &order()).await.unwrap();
    framed.payload.push(0);
    assert_eq!(Deserializer::<Order>::new(&registry).decode(&framed.payload).await.unwrap(), order());
    let strict = Deserializer::<Order>::builder(&registry).fail_on_trailing_data(true).build().unwrap();
    let error = strict.decode(&framed.payload).await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error}");
    let strict = Deserializer::<Generic>::builder(&registry).fail_on_trailing_data(true).build().unwrap();
    assert!(strict.decode(&framed.payload).await.is_err());
}

#[tokio::test]
async fn poison_is_told_apart_and_becomes_a_dead_letter() {
    let (_server, _client, registry) = real().await;
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let good = serializer.encode("orders", &order()).await.unwrap().payload;
    let deserializer = Deserializer::<Order>::new(&registry);
    let mut hostile = good[..6].to_vec();
    hostile.extend([0xFE, 0xFF, 0xFF, 0xFF, 0x0F]);
    for payload in [&b"{\"id\":7}"[..], &[], &[0, 0, 0], &good[..good.len() - 1], b"\0Hb75xxxx", &hostile] {
        let error = deserializer.decode(payload).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::DeadLetter, "{error}");
        let record = SourceRecord { topic: "orders", value: Some(payload), ..SourceRecord::default() };
        let letter = DeadLetter::from_error(&record, &error).build();
        assert_eq!(letter.topic, "orders-dlt");
        assert_eq!(letter.value.as_deref(), Some(payload));
    }
    assert_eq!(deserializer.decode(&good).await.unwrap(), order());
}

#[tokio::test]
async fn bare_data_is_read_with_a_schema_named_by_the_configuration() {
    let (_server, _client, registry) = real().await;
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let prepared = serializer.prepare("orders").await.unwrap();
    let fixed = Unframing::Fixed(prepared.schema().key());
    let deserializer = Deserializer::<Order>::builder(&registry).unframing(fixed).build().unwrap();
    let message = Message::new("orders", crate::record::ORDER_DATUM);
    assert_eq!(deserializer.decode(message).await.unwrap(), order());
}

#[tokio::test]
async fn a_value_that_does_not_fit_leaves_the_buffer_as_it_was() {
    let (_server, _client, registry) = real().await;
    let serializer = Serializer::<str>::builder(&registry).schema(ORDER).build().unwrap();
    let prepared = serializer.prepare("orders").await.unwrap();
    let mut out = b"kept".to_vec();
    let error = prepared.encode_into("not an order", &mut out).unwrap_err();
    assert!(matches!(error, Error::Encode { .. }), "{error}");
    assert_eq!(out, b"kept");
}
