//! What is counted, and what callers that come at the same time share.

use std::sync::Arc;
use std::time::Duration;

use assay_registry_server::testing::Registry;
use assay_serde_avro::client::ListQuery;
use assay_serde_avro::metrics::Counts;
use assay_serde_avro::{
    CachedClient, Counters, Deserializer, Properties, ReaderSchema, RegistryClient, RetryPolicy, Serializer,
};
use tokio::task::JoinSet;

use crate::faulty::{Answer, Faulty};
use crate::record::{ORDER, ORDER_DATUM, ORDER_V2, Order, OrderV2, order};

fn observed(url: &str) -> (CachedClient, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    let retry = RetryPolicy { retries_max: 3, wait: Duration::from_millis(1), ..RetryPolicy::default() };
    let client = RegistryClient::builder(url).retry(retry).metrics(counters.clone()).build().unwrap();
    (CachedClient::new(client), counters)
}

fn framed() -> Vec<u8> {
    [&[0, 0, 0, 0, 1], ORDER_DATUM].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_cold_decodes_make_one_request_and_compile_one_plan() {
    let server = Faulty::start([Answer::schema(ORDER).after(Duration::from_millis(100))]).await;
    let (registry, counters) = observed(&server.url());
    let deserializer = Deserializer::<OrderV2>::builder(&registry).reader_schema(ORDER_V2).build().unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let deserializer = deserializer.clone();
        tasks.spawn(async move { deserializer.decode(&framed()).await.unwrap().quantity });
    }
    assert_eq!(tasks.join_all().await, [1; 100]);
    let counts = counters.counts();
    assert_eq!(server.count(), 1);
    assert_eq!((counts.requests, counts.compiled, counts.decoded), (1, 1, 100));
    assert_eq!(counts.misses, 1);
    assert_eq!(counts.hits + counts.coalesced + counts.misses, 100);
    assert!(!format!("{counts}").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_cold_encodes_compile_one_plan() {
    let server = Registry::start().await.unwrap();
    let (registry, counters) = observed(&server.url());
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let serializer = serializer.clone();
        tasks.spawn(async move { serializer.encode("orders", &order()).await.unwrap().payload });
    }
    assert!(tasks.join_all().await.into_iter().all(|payload| payload == framed()));
    let counts = counters.counts();
    // one for the association, one to register
    assert_eq!((counts.requests, counts.compiled, counts.encoded), (2, 1, 100));
    assert_eq!(counts.bytes, 100 * framed().len() as u64);
}

#[tokio::test]
async fn a_new_latest_version_is_compiled_once_for_each_writer() {
    let server = Registry::start().await.unwrap();
    let (registry, counters) = observed(&server.url());
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let payload = serializer.encode("orders", &order()).await.unwrap();
    let deserializer =
        Deserializer::<Order>::builder(&registry).reader(ReaderSchema::Latest).build().unwrap();
    let before = counters.counts();
    for _ in 0..5 {
        assert_eq!(deserializer.decode(payload.as_message("orders")).await.unwrap(), order());
    }
    let after = counters.counts();
    assert_eq!((after.compiled - before.compiled, after.decoded - before.decoded), (1, 5));
}

#[tokio::test]
async fn repetitions_and_failures_are_counted_by_what_can_be_done() {
    let server = Faulty::start([
        Answer::error(503, 50003, "later"),
        Answer::schema(ORDER),
        Answer::error(404, 40403, "Schema 2 not found"),
    ])
    .await;
    let (registry, counters) = observed(&server.url());
    let deserializer = Deserializer::<Order>::new(&registry);
    deserializer.decode(&framed()).await.unwrap();
    for payload in [&b"{}"[..], &[0, 0, 0, 0, 1, 14], &[0, 0, 0, 0, 2, 0], &[0, 0, 0, 0, 2, 0]] {
        deserializer.decode(payload).await.unwrap_err();
    }
    server.then(Answer::error(401, 401, "who are you"));
    deserializer.decode(&[0, 0, 0, 0, 3][..]).await.unwrap_err();
    server.then(Answer::error(503, 50003, "later"));
    deserializer.decode(&[0, 0, 0, 0, 4][..]).await.unwrap_err();
    let Counts {
        requests, retries, failed_requests, poison, fatal_errors, retriable_errors, missing, ..
    } = counters.counts();
    assert_eq!((requests, retries, failed_requests), (8, 4, 7));
    assert_eq!((poison, fatal_errors, retriable_errors, missing), (4, 1, 1, 1));
}

#[tokio::test]
async fn a_context_can_be_part_of_the_address_or_of_the_properties() {
    let server = Registry::start().await.unwrap();
    let plain = RegistryClient::new(&server.url()).unwrap();
    let inside = RegistryClient::new(&format!("{}/contexts/.blue", server.url())).unwrap();
    let serializer =
        Serializer::<Order>::builder(&CachedClient::new(inside.clone())).schema(ORDER).build().unwrap();
    let payload = serializer.encode("orders", &order()).await.unwrap().payload;
    let found = plain.versions(":.blue:orders-value", &ListQuery::default()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        Deserializer::<Order>::new(&CachedClient::new(inside)).decode(&payload).await.unwrap(),
        order()
    );
    for context in [".blue", ":.blue:"] {
        let properties: Properties =
            [("schema.registry.url", server.url()), ("context.name.strategy", context.into())]
                .into_iter()
                .collect();
        let registry = properties.registry().unwrap();
        assert_eq!(registry.settings().context.as_str(), ".blue");
        assert_eq!(Deserializer::<Order>::new(&registry).decode(&payload).await.unwrap(), order());
    }
}

#[tokio::test]
async fn the_surroundings_of_a_registry_are_told() {
    let server = Registry::start().await.unwrap();
    let client = RegistryClient::new(&server.url()).unwrap();
    client.ping_with_body().await.unwrap();
    assert!(client.deployment().await.unwrap().attributes.is_empty());
    assert!(!client.server_version().await.unwrap().version.is_empty());
    assert!(client.cluster_id().await.unwrap().scope.clusters.contains_key("schema-registry-cluster"));
}
