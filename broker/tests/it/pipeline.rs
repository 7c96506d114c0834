//! Order on one connection, acks=0, and the graceful end.

use assay_broker::Drained;
use assay_broker::protocol::Records;
use assay_broker::protocol::messages::fetch::{FetchPartition, FetchTopic};
use assay_broker::protocol::messages::{
    FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, MetadataRequest, MetadataResponse,
    ProduceResponse,
};

use crate::batches::{batch, produce};
use crate::client::{TestBroker, eventually, frame};

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order_and_appended_in_order() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let mut bytes = Vec::new();
    for round in 0..50_i32 {
        let acks = if round % 3 == 0 { 1 } else { -1 };
        bytes.extend(frame(&produce("t", acks, Some(batch(&[b"v"]))), 9, round * 2));
        bytes.extend(frame(&MetadataRequest::default(), 12, round * 2 + 1));
    }
    client.send_raw(&bytes).await;
    for round in 0..50 {
        let produced: ProduceResponse = client.receive(9, round * 2).await;
        let part = &produced.responses[0].partition_responses[0];
        assert_eq!((part.error_code, part.base_offset), (0, i64::from(round)));
        let _: MetadataResponse = client.receive(12, round * 2 + 1).await;
    }
}

#[tokio::test]
async fn acks_0_has_no_answer_and_a_failure_closes_the_connection() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    for _ in 0..10 {
        client.send(&produce("t", 0, Some(batch(&[b"v"]))), 9).await;
    }
    // the next answer on the wire is this one's
    let _: ListOffsetsResponse = client.call(&ListOffsetsRequest::default(), 7).await;
    assert_eq!(broker.broker.topics().get("t").unwrap().partition(0).unwrap().log_end_offset(), 10);

    client.send(&produce("nowhere", 0, Some(batch(&[b"v"]))), 9).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn acks_0_batches_sent_just_before_closing_are_kept() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    for _ in 0..10 {
        client.send(&produce("t", 0, Some(batch(&[b"v"]))), 9).await;
    }
    drop(client);
    let partition = broker.broker.topics().get("t").unwrap().partition(0).unwrap();
    eventually("the last batch", || partition.log_end_offset() == 10).await;
}

#[tokio::test]
async fn a_drain_answers_what_was_sent_and_ends_parked_fetches() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let partition = FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() };
    let fetch = FetchRequest {
        max_wait_ms: 60_000,
        min_bytes: 1,
        topics: vec![FetchTopic { topic: "t".to_owned(), partitions: vec![partition], ..Default::default() }],
        ..Default::default()
    };
    let mut parked = broker.client().await;
    let parked_id = parked.send(&fetch, 12).await;
    // an answered request on the same connection type shows that the broker had time to read the fetch
    let response: ProduceResponse = client.call(&produce("other", -1, Some(batch(&[b"v"]))), 9).await;
    assert_eq!(response.responses[0].partition_responses[0].error_code, 3);
    broker.begin_stop();
    let (drained, _dir) = broker.stop().await;
    assert_eq!(drained, Drained::Completely);
    // read before the stop: answered; else the connection was closed without it
    if let Some(frame) = parked.receive_raw().await {
        assert_eq!(frame[..4], parked_id.to_be_bytes());
    }
    client.expect_closed().await;
}

#[tokio::test]
async fn a_parked_fetch_wakes_at_once_when_records_arrive() {
    let broker = TestBroker::start().await;
    let mut producer = broker.client().await;
    producer.topic("t").await;
    let mut consumer = broker.client().await;
    let partition = FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() };
    let fetch = FetchRequest {
        max_wait_ms: 15_000,
        min_bytes: 1,
        topics: vec![FetchTopic { topic: "t".to_owned(), partitions: vec![partition], ..Default::default() }],
        ..Default::default()
    };
    let started = tokio::time::Instant::now();
    let id = consumer.send(&fetch, 12).await;
    let response: ProduceResponse = producer.call(&produce("t", -1, Some(batch(&[b"v"]))), 9).await;
    assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
    let fetched: FetchResponse = consumer.receive(12, id).await;
    let data = &fetched.responses[0].partitions[0];
    assert_eq!((data.high_watermark, data.records.as_ref().map(Records::is_empty)), (1, Some(false)));
    assert!(started.elapsed().as_secs() < 10, "the fetch waited for its deadline");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_fill_the_brokers_bound_wait_for_room_and_are_all_answered() {
    let settings = [("queued.max.request.bytes", "4096"), ("assay.durability", "os")];
    let broker = TestBroker::with(&settings, std::sync::Arc::new(assay_broker::AcceptAll)).await;
    broker.client().await.topic("t").await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = broker.client().await;
        clients.push(tokio::spawn(async move {
            for _ in 0..5 {
                let request = produce("t", 1, Some(batch(&[&[7; 10_000]])));
                let response: ProduceResponse = client.call(&request, 9).await;
                assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(broker.broker.topics().get("t").unwrap().partition(0).unwrap().log_end_offset(), 40);
}
