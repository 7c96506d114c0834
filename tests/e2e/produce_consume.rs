//! Produce and consume with librdkafka from Rust, and with the Python clients.

use harness::{Assay, Launch, python};

use crate::kafka::{self, create_topic, producer, read_all, send, watermarks};

#[tokio::test]
async fn what_is_produced_is_consumed_in_order_and_whole() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "round", 3, &[]).await;
    for acks in ["0", "1", "all"] {
        let producer = producer(&assay.broker, &[("acks", acks), ("linger.ms", "5")]);
        for number in 0..200 {
            let (key, value) = (format!("k{}", number % 7), format!("{acks}-{number}"));
            send(&producer, "round", Some(key.as_bytes()), Some(value.as_bytes())).await.unwrap();
        }
    }
    // acks=0 records come before the acknowledged ones of the same partitions
    let found = read_all(&assay.broker, "round", 3);
    assert_eq!(found.len(), 600);
    for partition in 0..3 {
        let offsets: Vec<_> =
            found.iter().filter(|one| one.partition == partition).map(|one| one.offset).collect();
        assert_eq!(offsets, (0..i64::try_from(offsets.len()).unwrap()).collect::<Vec<_>>());
    }
    for key in 0..7 {
        let key = format!("k{key}");
        let of_key: Vec<_> = found.iter().filter(|one| one.key.as_deref() == Some(key.as_bytes())).collect();
        assert!(of_key.iter().all(|one| one.partition == of_key[0].partition), "one key, one partition");
    }
}

#[tokio::test]
async fn an_unknown_topic_is_created_on_first_use() {
    let assay = Assay::start().unwrap();
    let producer = producer(&assay.broker, &[]);
    let (_, offset) = send(&producer, "fresh", None, Some(b"first")).await.unwrap();
    assert_eq!(offset, 0);
}

#[tokio::test]
async fn records_survive_a_clean_restart_and_offsets_go_on() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "kept", 1, &[]).await;
    let before = producer(&assay.broker, &[("enable.idempotence", "true")]);
    for number in 0..50_u8 {
        send(&before, "kept", None, Some(&[number])).await.unwrap();
    }
    let (status, _, log, data) = assay.terminate().unwrap();
    assert!(status.success(), "{log}");
    let assay = Launch::default().on(data).start().unwrap();
    let after = producer(&assay.broker, &[("enable.idempotence", "true")]);
    let (_, offset) = send(&after, "kept", None, Some(b"next")).await.unwrap();
    assert_eq!(offset, 50);
    assert_eq!(watermarks(&assay.broker, "kept", 0), (0, 51));
    assert_eq!(read_all(&assay.broker, "kept", 1).len(), 51);
}

#[tokio::test]
async fn every_compression_and_a_large_record_come_back() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "packed", 1, &[]).await;
    let large = vec![b'x'; 900_000];
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let producer = producer(&assay.broker, &[("compression.type", codec)]);
        send(&producer, "packed", None, Some(&large)).await.unwrap();
    }
    let found = read_all(&assay.broker, "packed", 1);
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|one| one.value.as_deref() == Some(&large[..])));
}

#[tokio::test]
async fn a_consumer_waits_for_the_next_record() {
    use rdkafka::{Message, consumer::Consumer};
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "late", 1, &[]).await;
    let consumer = kafka::consumer(&assay.broker, "late");
    consumer.subscribe(&["late"]).unwrap();
    let waiting = tokio::spawn(async move { consumer.recv().await.unwrap().payload().unwrap().to_vec() });
    send(&producer(&assay.broker, &[]), "late", None, Some(b"at last")).await.unwrap();
    assert_eq!(tokio::time::timeout(kafka::LIMIT, waiting).await.unwrap().unwrap(), b"at last");
}

#[tokio::test(flavor = "multi_thread")]
async fn confluents_python_client_serialises_produces_and_consumes() {
    let assay = Assay::start().unwrap();
    let Some(output) = python::run("confluent_round_trip.py", &[&assay.registry, &assay.broker]).unwrap()
    else {
        return;
    };
    assert!(output.contains("consumed 500"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pure_python_client_produces_and_consumes() {
    let assay = Assay::start().unwrap();
    let Some(output) = python::run("kafka_python_round_trip.py", &[&assay.broker]).unwrap() else { return };
    assert!(output.contains("consumed 500"), "{output}");
}
