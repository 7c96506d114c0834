//! Values through the serializer and back, in every framing, and without an asynchronous runtime.

use apache_avro::types::Value;
use assay_serde_avro::blocking::Worker;
use assay_serde_avro::client::ListQuery;
use assay_serde_avro::wire::VALUE_HEADER;
use assay_serde_avro::{
    ConfigError, Deserializer, Error, Framing, Generic, Message, Part, Properties, SchemaKey, Serializer,
    SubjectStrategy,
};
use serde::Deserialize;

use crate::record::{ORDER, ORDER_DATUM, Order, order, real};

#[tokio::test]
async fn a_struct_is_framed_and_read_back() {
    let (_server, client, registry) = real().await;
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let prepared = serializer.prepare("orders").await.unwrap();
    assert_eq!(prepared.subject(), "orders-value");
    assert_eq!(client.subjects(&ListQuery::default()).await.unwrap(), ["orders-value"]);

    let mut out = b"kept".to_vec();
    prepared.encode_into(&order(), &mut out).unwrap();
    let id = prepared.schema().id.unwrap();
    let mut expected = b"kept\0".to_vec();
    expected.extend(id.get().to_be_bytes());
    expected.extend(ORDER_DATUM);
    assert_eq!(out, expected);

    let deserializer = Deserializer::<Order>::new(&registry);
    let payload = &out[4..];
    let missing = deserializer.try_decode(payload).unwrap_err();
    let Error::NeedsSchema(key) = missing else { panic!("{missing}") };
    assert_eq!(key, SchemaKey::Id(id));
    deserializer.load("orders", key).await.unwrap();
    assert_eq!(deserializer.try_decode(payload).unwrap(), order());
    assert_eq!(deserializer.decode(payload).await.unwrap(), order());
}

#[tokio::test]
async fn header_framing_leaves_the_payload_bare() {
    let (_server, client, registry) = real().await;
    let serializer =
        Serializer::<Order>::builder(&registry).schema(ORDER).framing(Framing::Header).build().unwrap();
    let framed = serializer.encode("orders", &order()).await.unwrap();
    assert_eq!(framed.payload, ORDER_DATUM);
    let header = framed.header.unwrap();
    assert_eq!((header.name, header.value[0]), (VALUE_HEADER, 1));

    let deserializer = Deserializer::<Order>::new(&registry);
    assert_eq!(deserializer.decode(framed.as_message("orders")).await.unwrap(), order());
    let headers = [("other", Some(&b"x"[..])), (VALUE_HEADER, Some(&header.value[..]))];
    let message = Message::new("orders", &framed.payload).with_headers(Part::Value, headers);
    assert_eq!(deserializer.try_decode(message).unwrap(), order());
    // the GUID is the content's: another client that has never seen the id finds the schema by it
    let other = assay_serde_avro::CachedClient::new(client);
    assert_eq!(Deserializer::<Order>::new(&other).decode(message).await.unwrap(), order());
    assert!(matches!(deserializer.decode(&framed.payload).await, Err(Error::NotFramed { .. })));
}

#[tokio::test]
async fn borrowed_types_read_from_the_payload() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Borrowed<'a> {
        id: i64,
        item: &'a str,
    }
    let (_server, _client, registry) = real().await;
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let framed = serializer.encode("orders", &order()).await.unwrap();
    let deserializer = Deserializer::<()>::new(&registry);
    let read: Borrowed<'_> = deserializer.decode_as(&framed.payload).await.unwrap();
    assert_eq!(read, Borrowed { id: 7, item: "tea" });
    let again: Borrowed<'_> = deserializer.try_decode_as(&framed.payload).unwrap();
    assert_eq!(again, read);
}

#[tokio::test]
async fn generic_values_take_the_same_way() {
    let (_server, _client, registry) = real().await;
    let value = Value::Record(vec![
        ("id".into(), Value::Long(7)),
        ("item".into(), Value::String("tea".into())),
        ("note".into(), Value::Union(0, Box::new(Value::Null))),
    ]);
    let serializer = Serializer::<Generic>::builder(&registry).schema(ORDER).build().unwrap();
    let mut framed = serializer.encode("orders", &Generic(value.clone())).await.unwrap();
    assert_eq!(&framed.payload[5..], ORDER_DATUM);
    let deserializer = Deserializer::<Generic>::new(&registry);
    assert_eq!(deserializer.decode(&framed.payload).await.unwrap(), Generic(value.clone()));
    framed.payload.push(0xAA);
    assert_eq!(deserializer.decode(&framed.payload).await.unwrap(), Generic(value));
}

#[tokio::test]
async fn keys_and_values_have_subjects_of_their_own() {
    let (_server, client, registry) = real().await;
    let keys = Serializer::<str>::builder(&registry).schema(r#""string""#).part(Part::Key).build().unwrap();
    let framed = keys.encode("orders", "k1").await.unwrap();
    assert_eq!(&framed.payload[5..], [4, b'k', b'1']);
    let read = Deserializer::<String>::builder(&registry).part(Part::Key).build().unwrap();
    assert_eq!(read.decode(&framed.payload).await.unwrap(), "k1");
    let subjects = |strategy: SubjectStrategy, schema: &'static str| {
        let registry = registry.clone();
        async move {
            let serializer =
                Serializer::<Order>::builder(&registry).schema(schema).subject(strategy).build().unwrap();
            serializer.prepare("orders").await.map(|prepared| prepared.subject().to_owned())
        }
    };
    assert_eq!(subjects(SubjectStrategy::TOPIC, ORDER).await.unwrap(), "orders-value");
    assert_eq!(subjects(SubjectStrategy::RECORD, ORDER).await.unwrap(), "shop.Order");
    assert_eq!(subjects(SubjectStrategy::TOPIC_RECORD, ORDER).await.unwrap(), "orders-shop.Order");
    let refused = subjects(SubjectStrategy::RECORD, r#""string""#).await.unwrap_err();
    assert!(matches!(refused, Error::Config(ConfigError::Naming(_))), "{refused}");
    let none = SubjectStrategy::Associated { namespace: "-".into(), fallback: None };
    assert!(matches!(subjects(none, ORDER).await, Err(Error::NoAssociation { .. })));
    let mut found = client.subjects(&ListQuery::default()).await.unwrap();
    found.sort();
    assert_eq!(found, ["orders-key", "orders-shop.Order", "orders-value", "shop.Order"]);
}

#[tokio::test]
async fn properties_with_java_spelling_configure_both_sides() {
    let (server, _client, _registry) = real().await;
    let properties: Properties = [
        ("schema.registry.url", server.url().as_str()),
        ("value.subject.name.strategy", "io.confluent.kafka.serializers.subject.TopicNameStrategy"),
        ("normalize.schemas", "true"),
        ("specific.avro.reader", "true"),
    ]
    .into_iter()
    .collect();
    let serializer = Serializer::<Order>::from_properties(&properties, Part::Value, Some(ORDER)).unwrap();
    let framed = serializer.encode("orders", &order()).await.unwrap();
    let deserializer = Deserializer::<Order>::from_properties(&properties, Part::Value).unwrap();
    assert_eq!(deserializer.decode(framed.as_message("orders")).await.unwrap(), order());
}

#[test]
fn programs_without_a_runtime_wait() {
    let worker = Worker::new().unwrap();
    let (_server, client, registry) = worker.run(real()).unwrap();
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let serializer = worker.serializer(serializer);
    let framed = serializer.encode("orders", &order()).unwrap();
    let prepared = serializer.prepare("orders").unwrap();
    assert_eq!(prepared.encode(&order()).unwrap(), framed);
    assert_eq!(serializer.encode_option("orders", None).unwrap(), None);
    let deserializer = worker.deserializer(Deserializer::<Order>::new(&registry));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (deserializer, framed) = (deserializer.clone(), framed.clone());
            std::thread::spawn(move || deserializer.decode(framed.as_message("orders")))
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap().unwrap(), order());
    }
    let batch = deserializer.decode_batch([framed.as_message("orders")]).unwrap();
    assert_eq!(batch.len(), 1);
    let subjects = worker.run(client.subjects(&ListQuery::default())).unwrap().unwrap();
    assert_eq!(subjects, ["orders-value"]);
}

#[tokio::test]
async fn a_blocking_call_inside_a_task_is_an_error_and_not_a_panic() {
    let worker = Worker::new().unwrap();
    let error = worker.run(async {}).unwrap_err();
    assert!(matches!(error, Error::Config(ConfigError::BlockingInsideAsync)));
    drop(worker);
}
