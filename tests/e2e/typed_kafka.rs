//! The typed producer and consumer of serde-avro against the binary.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assay_serde_avro::kafka::{Consumer, Decoder, Encoder, Error, OnFailure, Producer, Record};
use assay_serde_avro::{
    Backoff, CachedClient, Deserializer, Disposition, Failure, Framing, Part, RegistryClient, RetryTopics,
    Serializer, Style,
};
use futures_util::{StreamExt, future::join_all};
use harness::Assay;
use serde::{Deserialize, Serialize};

use crate::kafka::{LIMIT, create_topic, producer as plain_producer, read_all, send};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    id: i64,
    item: String,
}

const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
    {"name":"id","type":"long"},{"name":"item","type":"string"}]}"#;

fn order(id: i64) -> Order {
    Order { id, item: "tea".into() }
}

fn registry(assay: &Assay) -> CachedClient {
    CachedClient::new(RegistryClient::new(&assay.registry).unwrap())
}

fn orders(registry: &CachedClient, framing: Framing) -> Serializer<Order> {
    Serializer::builder(registry).schema(ORDER).framing(framing).build().unwrap()
}

fn text_producer(assay: &Assay, registry: &CachedClient) -> Producer<str, Order> {
    Producer::new(&assay.broker, Encoder::plain(), orders(registry, Framing::Prefix)).unwrap()
}

fn consumer(assay: &Assay, group: &str, topics: &[&str], on_failure: OnFailure) -> Consumer<String, Order> {
    let values = Deserializer::<Order>::new(&registry(assay));
    Consumer::builder(&assay.broker, group, topics, Decoder::text(), values)
        .set("topic.metadata.refresh.interval.ms", "500")
        .on_failure(on_failure)
        .build()
        .unwrap()
}

/// Waits for something that a busy machine does in time, and fails otherwise.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("not in time")
}

#[tokio::test]
async fn keys_and_values_travel_with_schema_headers_in_the_order_they_were_sent() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "orders", 1, &[]).await;
    let registry = registry(&assay);
    let keys = Serializer::<i64>::builder(&registry)
        .schema(r#""long""#)
        .part(Part::Key)
        .framing(Framing::Header)
        .build()
        .unwrap();
    let producer = Producer::new(&assay.broker, keys, orders(&registry, Framing::Header)).unwrap();
    producer.prepare("orders").await.unwrap();
    let mut deliveries = Vec::new();
    for id in 0..200 {
        let order = order(id);
        let record = Record::new("orders", &order).key(&id).header("trace", id.to_string());
        deliveries.push(producer.enqueue(record).await.unwrap());
    }
    deliveries.push(producer.enqueue(Record::tombstone("orders", &7)).await.unwrap());
    let offsets: Vec<i64> =
        soon(join_all(deliveries)).await.into_iter().map(|placed| placed.unwrap().offset).collect();
    assert_eq!(offsets, (0..=200).collect::<Vec<_>>());

    let keys = Deserializer::<i64>::builder(&registry).part(Part::Key).build().unwrap();
    let values = Deserializer::<Order>::new(&registry);
    let consumer = Consumer::new(&assay.broker, "readers", &["orders"], keys, values).unwrap();
    let mut stream = consumer.stream();
    for id in 0..200 {
        let record = soon(stream.next()).await.unwrap().unwrap();
        assert_eq!((record.key(), record.value()), (Some(&id), Some(&order(id))));
        assert_eq!((record.topic(), record.partition(), record.offset()), ("orders", 0, id));
        let names: Vec<String> = record.headers().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["trace", "__key_schema_id", "__value_schema_id"]);
        // the payload is the datum alone: a varint, a length, three letters
        assert!(record.record().value.unwrap().len() <= 6);
    }
    let tombstone = soon(stream.next()).await.unwrap().unwrap();
    assert_eq!((tombstone.key(), tombstone.value()), (Some(&7), None));
    consumer.stopper().stop();
    assert!(soon(stream.next()).await.is_none());
}

/// Java's `Utils.murmur2` of these keys, from its own tests, and `toPositive(hash) % 5`.
#[tokio::test]
async fn keys_reach_the_partitions_that_java_producers_choose() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "spread", 5, &[]).await;
    let registry = registry(&assay);
    let producer = text_producer(&assay, &registry);
    for (key, hash) in [
        ("21", -973_932_308_i32),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    ] {
        let placed = soon(producer.send(Record::new("spread", &order(1)).key(key))).await.unwrap();
        assert_eq!(placed.partition, (hash & 0x7FFF_FFFF) % 5, "{key}");
    }
}

#[tokio::test]
async fn what_is_done_is_not_read_again_and_the_rest_is() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "orders", 1, &[]).await;
    let registry = registry(&assay);
    let producer = text_producer(&assay, &registry);
    for id in 0..10 {
        soon(producer.send(Record::new("orders", &order(id)))).await.unwrap();
    }
    producer.close(LIMIT).await.unwrap();
    // committed at the close, committed with a wait, and committed without one
    for (first, last) in [(0, 2), (3, 5), (6, 8)] {
        let consumer = consumer(&assay, "readers", &["orders"], OnFailure::Stop);
        consumer.commit().await.unwrap();
        for id in first..=last {
            let record = soon(consumer.recv()).await.unwrap().unwrap();
            assert_eq!(record.value(), Some(&order(id)));
            consumer.done(&record).unwrap();
        }
        // read, and not done
        let record = soon(consumer.recv()).await.unwrap().unwrap();
        assert_eq!(record.value(), Some(&order(last + 1)));
        match first {
            3 => consumer.commit().await.unwrap(),
            6 => consumer.commit_async().unwrap(),
            _ => {}
        }
        soon(consumer.close()).await.unwrap();
    }
    let consumer = consumer(&assay, "readers", &["orders"], OnFailure::Stop);
    assert_eq!(soon(consumer.recv()).await.unwrap().unwrap().value(), Some(&order(9)));
}

#[tokio::test]
async fn poison_is_reported_once_and_the_next_record_follows() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "orders", 1, &[]).await;
    let registry = registry(&assay);
    let foreign = plain_producer(&assay.broker, &[]);
    send(&foreign, "orders", Some(b"k"), Some(b"{\"id\":1}")).await.unwrap();
    send(&foreign, "orders", Some(b"\xFF"), Some(b"x")).await.unwrap();
    soon(text_producer(&assay, &registry).send(Record::new("orders", &order(1)))).await.unwrap();
    let consumer = consumer(&assay, "readers", &["orders"], OnFailure::Stop);
    for part in [Part::Value, Part::Key] {
        let error = soon(consumer.recv()).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::DeadLetter);
        let Error::Record(error) = error else { panic!("{error}") };
        assert_eq!(error.part, part);
        assert_eq!(error.record().topic, "orders");
        consumer.done(&*error).unwrap();
    }
    assert_eq!(soon(consumer.recv()).await.unwrap().unwrap().value(), Some(&order(1)));
}

#[tokio::test]
async fn failures_walk_through_the_retry_topics_and_end_as_dead_letters() {
    let assay = Assay::start().unwrap();
    for topic in ["orders", "orders-retry-0", "orders-retry-1", "orders-dlt"] {
        create_topic(&assay.broker, topic, 1, &[]).await;
    }
    let registry = registry(&assay);
    let producer = text_producer(&assay, &registry);
    let foreign = plain_producer(&assay.broker, &[]);
    send(&foreign, "orders", Some(b"poison"), Some(b"not framed")).await.unwrap();
    for id in 0..5 {
        soon(producer.send(Record::new("orders", &order(id)).key("k"))).await.unwrap();
    }
    let backoff =
        Backoff { initial: Duration::from_millis(100), multiplier: 2.0, max: Duration::from_secs(1) };
    let retries = RetryTopics::new("orders").backoff(backoff);
    let consumer = consumer(&assay, "readers", &[], OnFailure::RetryTopics(retries));
    let stopper = consumer.stopper();
    let attempts = AtomicU32::new(0);
    let mut handled = Vec::new();
    let work = consumer.run(async |record| {
        let id = record.value().map_or(-1, |order| order.id);
        let retry = Failure::new("test::Busy", &std::io::Error::other("busy"), Disposition::Retry);
        match (id, record.topic()) {
            // passes at the second attempt
            (1, "orders") => return Err(retry),
            // never passes: three attempts
            (2, _) => {
                attempts.fetch_add(1, Ordering::Relaxed);
                return Err(retry);
            }
            // refused at once
            (3, _) => {
                let refusal = std::io::Error::other("no such item");
                return Err(Failure::new("test::Unknown", &refusal, Disposition::DeadLetter));
            }
            _ => {}
        }
        handled.push((id, record.topic().to_owned()));
        Ok(())
    });
    let watch = async {
        loop {
            let broker = assay.broker.clone();
            let letters =
                tokio::task::spawn_blocking(move || read_all(&broker, "orders-dlt", 1)).await.unwrap();
            if letters.len() == 3 {
                stopper.stop();
                return letters;
            }
        }
    };
    let (outcome, letters) = Box::pin(soon(async { tokio::join!(work, watch) })).await;
    outcome.unwrap();
    soon(consumer.close()).await.unwrap();
    handled.sort();
    let expected = [(0, "orders"), (1, "orders-retry-0"), (4, "orders")];
    assert_eq!(handled, expected.map(|(id, topic)| (id, topic.to_owned())));
    assert_eq!(attempts.load(Ordering::Relaxed), 3);
    assert_eq!(letters[0].value.as_deref(), Some(&b"not framed"[..]));
    assert_eq!(letters[0].key.as_deref(), Some(&b"poison"[..]));
}

#[tokio::test]
async fn a_record_that_a_busy_handler_refuses_keeps_its_place() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "orders", 1, &[]).await;
    create_topic(&assay.broker, "dead", 1, &[]).await;
    let registry = registry(&assay);
    let foreign = plain_producer(&assay.broker, &[]);
    send(&foreign, "orders", None, Some(b"not framed")).await.unwrap();
    let producer = text_producer(&assay, &registry);
    for id in 0..20 {
        soon(producer.send(Record::new("orders", &order(id)))).await.unwrap();
    }
    let policy = OnFailure::DeadLetter { style: Style::Streams, topic: Some("dead".into()) };
    let consumer = consumer(&assay, "readers", &["orders"], policy);
    let stopper = consumer.stopper();
    let mut handled = Vec::new();
    let mut busy = 2;
    soon(consumer.run(async |record| {
        let id = record.value().unwrap().id;
        if id == 3 && busy > 0 {
            busy -= 1;
            return Err(Failure::new("test::Busy", &std::io::Error::other("busy"), Disposition::Retry));
        }
        handled.push(id);
        if id == 19 {
            stopper.stop();
        }
        Ok(())
    }))
    .await
    .unwrap();
    assert_eq!(handled, (0..20).collect::<Vec<_>>());
    let letters = tokio::task::spawn_blocking(move || read_all(&assay.broker, "dead", 1)).await.unwrap();
    assert_eq!(letters.len(), 1);
}

#[tokio::test]
async fn a_serializer_of_the_other_part_is_refused() {
    let registry = CachedClient::new(RegistryClient::new("http://127.0.0.1:1").unwrap());
    let values = || orders(&registry, Framing::Prefix);
    let wrong = Producer::<Order, Order>::new("127.0.0.1:1", values(), values()).unwrap_err();
    assert!(wrong.to_string().contains("key"), "{wrong}");
    assert_eq!(wrong.disposition(), Disposition::Fatal);
}
