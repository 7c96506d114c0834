//! Subjects that the registry associates with a topic.

use std::sync::Arc;

use assay_serde_avro::client::{
    AssociationGet, AssociationInput, AssociationOperation, AssociationOptions, AssociationQuery,
    AssociationRequest, ListQuery,
};
use assay_serde_avro::schema::naming::SubjectNameStrategy;
use assay_serde_avro::schema::rest::RegisterSchemaRequest;
use assay_serde_avro::{
    CachedClient, Deserializer, Error, Message, Part, Properties, ReaderSchema, RegistryClient, RetryPolicy,
    Selection, Serializer, SubjectStrategy,
};

use crate::faulty::{Answer, Faulty};
use crate::record::{ORDER, ORDER_DATUM, ORDER_V2, Order, OrderV2, order, real};

fn request(text: &str) -> RegisterSchemaRequest {
    RegisterSchemaRequest { schema: Some(text.to_owned()), ..RegisterSchemaRequest::default() }
}

fn value(subject: &str) -> AssociationInput {
    AssociationInput { subject: Some(subject.into()), ..AssociationInput::weak("value") }
}

/// The topic `orders` of cluster `lkc-1` has its values under `blessed`.
async fn associate(client: &RegistryClient, cluster: &str, subject: &str) {
    client.register_schema(subject, &request(ORDER), false).await.unwrap();
    let id = format!("{cluster}-orders");
    let request = AssociationRequest::topic(cluster, "orders", &id, vec![value(subject)]);
    let made = client.create_association(&request, &AssociationOptions::default()).await.unwrap();
    assert_eq!((made.resource_name.as_str(), made.resource_id.as_str()), ("orders", id.as_str()));
    let [association] = made.associations.as_slice() else { panic!("{made:?}") };
    assert_eq!((association.subject.as_str(), association.lifecycle.as_str()), (subject, "WEAK"));
}

#[tokio::test]
async fn a_serializer_writes_under_the_subject_that_the_registry_names() {
    let (_server, client, registry) = real().await;
    associate(&client, "lkc-1", "blessed").await;
    // the default strategy, for any cluster
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let prepared = serializer.prepare("orders").await.unwrap();
    assert_eq!(prepared.subject(), "blessed");
    let payload = prepared.encode(&order()).unwrap().payload;
    // nothing was registered beside it
    assert_eq!(client.subjects(&ListQuery::default()).await.unwrap(), ["blessed"]);
    // keys of the topic and values of another have none, so the fallback names them
    let keys = Serializer::<str>::builder(&registry).schema(r#""string""#).part(Part::Key).build().unwrap();
    assert_eq!(keys.prepare("orders").await.unwrap().subject(), "orders-key");
    assert_eq!(serializer.prepare("returns").await.unwrap().subject(), "returns-value");

    // a reader that wants the latest version asks for that of the associated subject
    client.register_schema("blessed", &request(ORDER_V2), false).await.unwrap();
    let latest = Deserializer::<OrderV2>::builder(&registry).reader(ReaderSchema::Latest).build().unwrap();
    let read = latest.decode(Message::new("orders", &payload)).await.unwrap();
    assert_eq!(read.quantity, 1);
}

#[tokio::test]
async fn the_cluster_decides_and_without_it_two_clusters_are_ambiguous() {
    let (_server, client, registry) = real().await;
    associate(&client, "lkc-1", "first").await;
    associate(&client, "lkc-2", "second").await;
    let of = |cluster: &str, fallback| SubjectStrategy::Associated { namespace: cluster.into(), fallback };
    let subject = async |strategy: SubjectStrategy| {
        let builder = Serializer::<Order>::builder(&registry).schema(ORDER).selection(Selection::Lookup);
        let serializer = builder.subject(strategy).build().unwrap();
        serializer.prepare("orders").await.map(|prepared| prepared.subject().to_owned())
    };
    assert_eq!(subject(of("lkc-1", None)).await.unwrap(), "first");
    assert_eq!(subject(of("lkc-2", None)).await.unwrap(), "second");
    let error = subject(of("-", None)).await.unwrap_err();
    assert!(matches!(error, Error::AmbiguousAssociation { .. }), "{error}");
    let error = subject(of("lkc-3", None)).await.unwrap_err();
    assert!(matches!(error, Error::NoAssociation { .. }), "{error}");
    // the fallback names a subject; that nothing is registered there is the registry's answer
    let error = subject(of("lkc-3", Some(SubjectNameStrategy::RecordName))).await.unwrap_err();
    assert!(
        matches!(error, Error::SubjectNotFound { .. }) && error.to_string().contains("shop.Order"),
        "{error}"
    );
}

#[tokio::test]
async fn properties_name_cluster_and_fallback_as_java_spells_them() {
    let (server, client, _registry) = real().await;
    associate(&client, "lkc-1", "first").await;
    let subject = async |topic: &str, pairs: &[(&str, &str)]| {
        let url = server.url();
        let mut properties: Properties = pairs.iter().copied().collect();
        properties.set("schema.registry.url", url);
        properties.set(
            "value.subject.name.strategy",
            "io.confluent.kafka.serializers.subject.AssociatedNameStrategy",
        );
        let serializer = Serializer::<Order>::from_properties(&properties, Part::Value, Some(ORDER)).unwrap();
        serializer.prepare(topic).await.map(|prepared| prepared.subject().to_owned())
    };
    let cluster = ("subject.name.strategy.kafka.cluster.id", "lkc-1");
    let fallback = |text| ("subject.name.strategy.fallback.type", text);
    assert_eq!(subject("orders", &[cluster]).await.unwrap(), "first");
    assert_eq!(subject("other", &[cluster]).await.unwrap(), "other-value");
    assert_eq!(subject("other", &[cluster, fallback("RECORD")]).await.unwrap(), "shop.Order");
    assert_eq!(subject("other", &[cluster, fallback("TOPIC_RECORD")]).await.unwrap(), "other-shop.Order");
    let error = subject("other", &[cluster, fallback("NONE")]).await.unwrap_err();
    assert_eq!(error.to_string(), "no associated subject found for topic other");
}

#[tokio::test]
async fn associations_are_read_changed_and_removed() {
    let (_server, client, registry) = real().await;
    associate(&client, "lkc-1", "first").await;
    let (query, options) = (AssociationQuery::default(), AssociationOptions::default());
    let by_name = client.associations_by_name("-", "orders", &query).await.unwrap();
    assert_eq!(by_name[0].subject.as_deref(), Some("first"));
    assert_eq!(client.associations_by_id("lkc-1-orders", &query).await.unwrap(), by_name);
    assert_eq!(client.associations_by_subject("first", &query).await.unwrap(), by_name);

    client.delete_associations("lkc-1-orders", &query, false, true).await.unwrap();
    client.register_schema("second", &request(ORDER), false).await.unwrap();
    let frozen = AssociationInput { frozen: Some(true), ..value("second") };
    let error = client
        .update_association("x", &AssociationRequest::topic("c", "x", "x", vec![frozen]), &options)
        .await
        .unwrap_err();
    assert_eq!(error.error_code(), Some(42212), "{error}");
    client.delete_associations("lkc-1-orders", &query, false, false).await.unwrap();
    let change = AssociationRequest::topic("lkc-1", "orders", "lkc-1-orders", vec![value("second")]);
    let dry = AssociationOptions { dry_run: true, ..AssociationOptions::default() };
    client.update_association("lkc-1-orders", &change, &dry).await.unwrap();
    assert!(client.associations_by_name("-", "orders", &query).await.unwrap().is_empty());
    let changed = client.update_association("lkc-1-orders", &change, &options).await.unwrap();
    assert_eq!(changed.associations[0].subject, "second");
    // a client that asked before goes on with what it knows; a new one sees the change
    let cold = CachedClient::new(client.clone());
    let found = cold.associated_subject("lkc-1", "orders", Part::Value).await.unwrap();
    assert_eq!(found.as_deref(), Some("second"));
    drop(registry);

    let get = |id: &str| AssociationGet { resource_id: Some(id.into()), ..AssociationGet::default() };
    let found =
        client.batch_get_associations(&[get("lkc-1-orders"), AssociationGet::default()], true).await.unwrap();
    let first = found[0].as_ref().unwrap();
    assert_eq!(first.associations[0].schema.as_ref().unwrap().subject, "second");
    assert!(found[1].as_ref().unwrap_err().message.is_some());

    let mut removal = AssociationInput::weak("value");
    removal.op_type = Some(AssociationOperation::Delete);
    let batch = AssociationRequest::topic("lkc-1", "orders", "lkc-1-orders", vec![removal]);
    let done = client.batch_mutate_associations(&[batch], &options).await.unwrap();
    assert!(done[0].as_ref().unwrap().associations.is_empty());
    associate(&client, "lkc-1", "second").await;
    client.delete_associations("lkc-1-orders", &query, false, false).await.unwrap();
    assert!(client.associations_by_name("-", "orders", &query).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_subject_that_the_topic_owns_lives_in_the_context_of_its_cluster_for_writers_and_readers() {
    let (_server, client, registry) = real().await;
    // the number that the topic's schema gets in its context means another schema in the default one
    client.register_schema("other", &request(r#""string""#), false).await.unwrap();
    let owned = AssociationInput::strong("value");
    let request = AssociationRequest::topic("lkc-1", "orders", "o", vec![owned.with_schema(ORDER)]);
    let made = client.create_association(&request, &AssociationOptions::default()).await.unwrap();
    assert_eq!(made.associations[0].subject, ":.lkc-1:orders-value");
    assert_eq!(made.associations[0].schema.as_ref().unwrap().schema, ORDER);

    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let prepared = serializer.prepare("orders").await.unwrap();
    assert_eq!(prepared.subject(), ":.lkc-1:orders-value");
    let payload = prepared.encode(&order()).unwrap().payload;
    assert_eq!(payload[..5], [0, 0, 0, 0, 1]);
    let text = [&[0, 0, 0, 0, 1][..], &[2, b'x']].concat();
    // whoever reads first, with what the serializer knows or with nothing
    for registry in [registry, CachedClient::new(client.clone()), CachedClient::new(client)] {
        let orders = Deserializer::<Order>::new(&registry);
        let texts = Deserializer::<String>::new(&registry);
        assert_eq!(texts.decode(Message::new("texts", &text)).await.unwrap(), "x");
        assert_eq!(orders.decode(Message::new("orders", &payload)).await.unwrap(), order());
        // one deserializer for both topics keeps them apart
        assert!(orders.decode(Message::new("texts", &payload)).await.is_err());
        assert_eq!(orders.try_decode(Message::new("orders", &payload)).unwrap(), order());
        let batch =
            orders.decode_batch([Message::new("texts", &payload), Message::new("orders", &payload)]).await;
        assert!(batch[0].is_err());
        assert_eq!(*batch[1].as_ref().unwrap(), order());
    }
}

#[tokio::test]
async fn readers_ask_about_a_topic_once_and_then_need_no_registry() {
    let unknown = Answer::error(404, 404, "HTTP 404 Not Found");
    let server = Faulty::start([unknown, Answer::schema(ORDER)]).await;
    let retry = RetryPolicy { retries_max: 0, ..RetryPolicy::default() };
    let client = RegistryClient::builder(&server.url()).retry(retry).build().unwrap();
    let registry = CachedClient::new(client);
    let deserializer = Deserializer::<Order>::new(&registry);
    let payload: Arc<Vec<u8>> = Arc::new([&[0, 0, 0, 0, 9], ORDER_DATUM].concat());
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (deserializer, payload) = (deserializer.clone(), payload.clone());
            tokio::spawn(async move { deserializer.decode(Message::new("orders", &payload)).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), order());
    }
    let targets: Vec<String> = server.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(
        targets,
        ["/associations/resources/-/orders?resourceType=topic&associationType=value", "/schemas/ids/9"]
    );

    server.then(Answer::new(503, ""));
    let known = Message::new("orders", &payload);
    assert_eq!(deserializer.decode(known).await.unwrap(), order());
    // what the id means in a topic that nobody asked about is not guessed
    let new = Message::new("returns", &payload);
    assert!(deserializer.decode(new).await.unwrap_err().is_retriable());
    // a strategy that needs no answer needs no registry
    let by_topic = Deserializer::<Order>::builder(&registry).subject(SubjectStrategy::TOPIC).build().unwrap();
    assert_eq!(by_topic.decode(new).await.unwrap(), order());
}
