//! What other clients and serializers get wrong, each by name. Where a defect is about an outage, a limit or a special case of the
//! wire, its test stands in `outage.rs`, `special_cases.rs` or `round_trip.rs`; the engine's are in `tests/engine/defects.rs`.

use assay_serde_avro::client::{ListQuery, SchemaQuery};
use assay_serde_avro::schema::SchemaId;
use assay_serde_avro::schema::rest::RegisterSchemaRequest;
use assay_serde_avro::wire::{VALUE_HEADER, header_value, prefix};
use assay_serde_avro::{
    CachedClient, Deserializer, Error, Message, Part, Prepared, ReaderSchema, RegistryClient, Serializer,
    SubjectStrategy,
};
use serde::{Deserialize, Serialize};

use crate::faulty::{Answer, Faulty};
use crate::record::{ORDER, Order, order, real};

fn request(text: &str) -> RegisterSchemaRequest {
    RegisterSchemaRequest { schema: Some(text.into()), ..RegisterSchemaRequest::default() }
}

/// `schema_registry_converter` keeps every schema that came by GUID as number 0, and reads the next one with it.
#[tokio::test]
async fn schemas_known_by_guid_are_not_taken_for_one_another() {
    let (_server, client, _) = real().await;
    let mut guids = Vec::new();
    for (subject, text) in [("a", r#""long""#), ("b", r#""string""#)] {
        let id =
            SchemaId::new(client.register_schema(subject, &request(text), false).await.unwrap().id).unwrap();
        let guid = client.schema_by_id(id, &SchemaQuery::default()).await.unwrap().guid.unwrap();
        guids.push((id, assay_serde_avro::schema::Guid::parse(&guid).unwrap()));
    }
    let registry = CachedClient::new(client);
    let (longs, texts) = (Deserializer::<i64>::new(&registry), Deserializer::<String>::new(&registry));
    for _ in 0..2 {
        let header = header_value(guids[0].1);
        let by_guid = Message::new("t", &[14]).with_headers(Part::Value, [(VALUE_HEADER, Some(&header[..]))]);
        assert_eq!(longs.decode(by_guid).await.unwrap(), 7);
        let header = header_value(guids[1].1);
        let by_guid =
            Message::new("t", &[2, b'x']).with_headers(Part::Value, [(VALUE_HEADER, Some(&header[..]))]);
        assert_eq!(texts.decode(by_guid).await.unwrap(), "x");
        let by_id = [&prefix(guids[1].0)[..], &[2, b'y']].concat();
        assert_eq!(texts.decode(&by_id).await.unwrap(), "y");
    }
}

/// `schema_registry_converter` asks the next address after any error, so that a 404 costs as many requests as there are
/// addresses, and its last answer counts.
#[tokio::test]
async fn a_refusal_is_final_and_not_asked_of_the_next_address() {
    let first = Faulty::start([Answer::error(404, 40401, "Subject 's' not found.")]).await;
    let second = Faulty::start([Answer::new(200, "[1]")]).await;
    let client = RegistryClient::new(&format!("{},{}", first.url(), second.url())).unwrap();
    let error = client.versions("s", &ListQuery::default()).await.unwrap_err();
    assert!(matches!(error, Error::SubjectNotFound { .. }), "{error}");
    assert_eq!((first.count(), second.count()), (1, 0));
}

/// `schema-registry-client` registers with every message, and hashes the schema's text each time.
#[tokio::test]
async fn a_schema_is_registered_once_and_not_with_every_message() {
    let server = Faulty::start([Answer::new(200, r#"{"id":3}"#)]).await;
    let registry = CachedClient::new(RegistryClient::new(&server.url()).unwrap());
    let builder = || Serializer::<Order>::builder(&registry).schema(ORDER).subject(SubjectStrategy::TOPIC);
    let serializer = builder().build().unwrap();
    for _ in 0..100 {
        serializer.encode("orders", &order()).await.unwrap();
    }
    assert_eq!(registry.known_schemas(), 1);
    // nor once for every serializer of a program
    builder().build().unwrap().encode("orders", &order()).await.unwrap();
    assert_eq!(server.count(), 1);
}

/// Confluent's serializer for Python keeps one id, which the next topic overwrites.
#[tokio::test]
async fn one_serializer_keeps_the_ids_of_many_topics_apart() {
    let answers = [3, 4].map(|id| Answer::new(200, format!(r#"{{"id":{id}}}"#)));
    let server = Faulty::start(answers).await;
    let registry = CachedClient::new(RegistryClient::new(&server.url()).unwrap());
    let builder = Serializer::<Order>::builder(&registry).schema(ORDER).subject(SubjectStrategy::TOPIC);
    let serializer = builder.build().unwrap();
    for _ in 0..3 {
        for (topic, id) in [("a", 3), ("b", 4)] {
            assert_eq!(serializer.encode(topic, &order()).await.unwrap().payload[4], id);
        }
    }
    assert_eq!(server.count(), 2);
}

/// `schema-registry-client` goes through JSON to the latest version: it panics, or cuts long numbers.
#[tokio::test]
async fn the_latest_version_as_reader_keeps_every_number() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Numbers {
        long: i64,
        double: f64,
        bytes: Vec<u8>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Later {
        long: i64,
        more: i64,
    }
    let (_server, client, registry) = real().await;
    let text = |more: &str| {
        format!(
            r#"{{"type":"record","name":"N","fields":[{{"name":"long","type":"long"}},{{"name":"double","type":"double"}},{{"name":"bytes","type":"bytes"}}{more}]}}"#
        )
    };
    let first = text("");
    let serializer = Serializer::<Numbers>::builder(&registry).schema(first.as_str()).build().unwrap();
    let value = Numbers { long: i64::MAX - 1, double: f64::MIN_POSITIVE, bytes: vec![0, 0xff, 0x80] };
    let framed = serializer.encode("n", &value).await.unwrap();
    let later = text(r#",{"name":"more","type":"long","default":9007199254740993}"#);
    client.register_schema("n-value", &request(&later), false).await.unwrap();

    let latest = Deserializer::<Numbers>::builder(&registry).reader(ReaderSchema::Latest).build().unwrap();
    assert_eq!(latest.decode(framed.as_message("n")).await.unwrap(), value);
    let later: Later = latest.decode_as(framed.as_message("n")).await.unwrap();
    assert_eq!(later, Later { long: i64::MAX - 1, more: 9_007_199_254_740_993 });
}

/// `schema-registry-client`'s serializers borrow their client and schema; Confluent's for .NET and JavaScript cannot be used without
/// waiting.
#[test]
fn serializers_are_owned_and_travel_between_threads() {
    fn owned<T: Clone + Send + Sync + 'static>() {}
    owned::<CachedClient>();
    owned::<Serializer<Order>>();
    owned::<Prepared<Order>>();
    owned::<Deserializer<Order>>();
}
