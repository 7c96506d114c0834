//! Produce: what is stored, and how each refusal is told.

use assay_broker::protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProduceResponse};
use assay_broker::record_batch::BatchBuilder;
use bytes::Bytes;

use crate::batches::{NOW_MS, batch, compressed, produce, resealed};
use crate::client::TestBroker;

#[tokio::test]
async fn refusals_carry_kafkas_codes_and_store_nothing() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let good = batch(&[b"one", b"two"]);
    let changed = |at: usize, value: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = value;
        bytes
    };
    let zstd = compressed(&good, 4, |payload| zstd::bulk::compress(payload, 1).unwrap());
    let cases: Vec<(&str, i16, Option<Bytes>, i16, i16)> = vec![
        ("wrong checksum", -1, Some(changed(70, 0xee).into()), 9, 2),
        ("truncated batch", -1, Some(good.slice(..good.len() - 3)), 9, 2),
        ("fewer bytes than a header", -1, Some(good.slice(..20)), 9, 2),
        ("magic 1", -1, Some(changed(16, 1).into()), 9, 87),
        ("base offset not 0", -1, Some(changed(7, 1).into()), 9, 87),
        ("two batches", -1, Some([good.clone(), good.clone()].concat().into()), 9, 87),
        ("no records", -1, None, 9, 87),
        ("empty records", -1, Some(Bytes::new()), 9, 87),
        ("control batch", -1, Some(resealed(changed(22, 0x20))), 9, 87),
        ("log append time from the client", -1, Some(resealed(changed(22, 0x08))), 9, 32),
        ("zstd before version 7", -1, Some(zstd), 6, 76),
        ("acks of 2", 2, Some(good.clone()), 9, 21),
    ];
    for (what, acks, records, version, code) in cases {
        let response: ProduceResponse = client.call(&produce("t", acks, records), version).await;
        let part = &response.responses[0].partition_responses[0];
        assert_eq!((part.error_code, part.base_offset), (code, -1), "{what}");
        assert!(version < 8 || part.error_message.is_some(), "{what} has no message");
    }
    let response: ProduceResponse = client.call(&produce("nowhere", -1, Some(good.clone())), 9).await;
    assert_eq!(response.responses[0].partition_responses[0].error_code, 3, "unknown topic");
    let response: ProduceResponse = client.call(&produce("t", -1, Some(good)), 9).await;
    let part = &response.responses[0].partition_responses[0];
    assert_eq!((part.error_code, part.base_offset), (0, 0));
}

#[tokio::test]
async fn every_served_version_is_answered() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    let id = client.topic("t").await.topics[0].topic_id;
    for (offset, version) in (3..=13).enumerate() {
        let mut request = produce("t", 1, Some(batch(&[b"v"])));
        request.topic_data[0].topic_id = id;
        let response: ProduceResponse = client.call(&request, version).await;
        let part = &response.responses[0].partition_responses[0];
        assert_eq!((part.error_code, part.base_offset), (0, i64::try_from(offset).unwrap()), "v{version}");
    }
    let mut request = produce("t", 1, Some(batch(&[b"v"])));
    request.topic_data[0].topic_id = uuid::Uuid::from_u128(1);
    let response: ProduceResponse = client.call(&request, 13).await;
    assert_eq!(response.responses[0].partition_responses[0].error_code, 100);
}

#[tokio::test]
async fn a_repeated_idempotent_batch_is_acknowledged_once_and_a_gap_is_refused() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let id: InitProducerIdResponse = client.call(&InitProducerIdRequest::default(), 4).await;
    assert_eq!(id.error_code, 0);
    let sent = |sequence: i32| {
        let builder = BatchBuilder::new().producer(id.producer_id, id.producer_epoch, sequence);
        produce("t", -1, Some(builder.record(NOW_MS, None, Some(b"v")).build()))
    };
    for (sequence, code, offset) in [(0, 0, 0), (1, 0, 1), (0, 0, 0), (3, 45, -1), (2, 0, 2)] {
        let response: ProduceResponse = client.call(&sent(sequence), 9).await;
        let part = &response.responses[0].partition_responses[0];
        assert_eq!((part.error_code, part.base_offset), (code, offset), "sequence {sequence}");
    }
    let next: InitProducerIdResponse = client.call(&InitProducerIdRequest::default(), 4).await;
    assert_ne!(next.producer_id, id.producer_id);
}

#[tokio::test]
async fn acknowledged_records_are_there_after_a_restart() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    let before = client.topic("t").await;
    let response: ProduceResponse = client.call(&produce("t", -1, Some(batch(&[b"a", b"b"]))), 9).await;
    assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
    let broker = broker.restart().await;
    let mut client = broker.client().await;
    let after = client.topic("t").await;
    assert_eq!((after.cluster_id, after.topics[0].topic_id), (before.cluster_id, before.topics[0].topic_id));
    assert_eq!(broker.broker.topics().get("t").unwrap().partition(0).unwrap().high_watermark(), 2);
}
