//! Fetch and `ListOffsets`.

use assay_broker::protocol::messages::fetch::{FetchPartition, FetchTopic, PartitionData};
use assay_broker::protocol::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use assay_broker::protocol::messages::{
    FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, ProduceResponse,
};
use assay_broker::record_batch::{BatchHeader, RecordLimits, records};

use crate::batches::{NOW_MS, batch, produce};
use crate::client::{Client, TestBroker};

fn fetch(parts: &[(&str, i64, i32)]) -> FetchRequest {
    let topic = |(name, fetch_offset, partition_max_bytes): &(&str, i64, i32)| FetchTopic {
        topic: (*name).to_owned(),
        partitions: vec![FetchPartition {
            fetch_offset: *fetch_offset,
            partition_max_bytes: *partition_max_bytes,
            ..Default::default()
        }],
        ..Default::default()
    };
    FetchRequest { min_bytes: 1, topics: parts.iter().map(topic).collect(), ..Default::default() }
}

async fn parts(client: &mut Client, request: &FetchRequest) -> Vec<PartitionData> {
    let response: FetchResponse = client.call(request, 12).await;
    assert_eq!((response.error_code, response.session_id), (0, 0));
    response.responses.into_iter().flat_map(|topic| topic.partitions).collect()
}

fn bytes(part: &PartitionData) -> usize {
    part.records.as_ref().expect("records are never null").len()
}

#[tokio::test]
async fn batches_come_back_as_sent_and_limits_leave_at_least_one() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    for topic in ["a", "b"] {
        client.topic(topic).await;
        for _ in 0..3 {
            let _: ProduceResponse = client.call(&produce(topic, -1, Some(batch(&[b"x", b"y"]))), 9).await;
        }
    }
    let size = batch(&[b"x", b"y"]).len();
    let got = parts(&mut client, &fetch(&[("a", 0, 1 << 20), ("b", 2, 1 << 20)])).await;
    assert_eq!((bytes(&got[0]), bytes(&got[1])), (3 * size, 2 * size));
    assert_eq!((got[0].high_watermark, got[0].last_stable_offset, got[0].log_start_offset), (6, 6, 0));
    let all = got[0].records.clone().unwrap().into_bytes();
    let (header, first) = BatchHeader::split(&all).unwrap();
    header.check_crc(first).unwrap();
    let values: Vec<_> = records(first, &RecordLimits::default())
        .unwrap()
        .iter()
        .map(|record| record.unwrap().value.unwrap().to_vec())
        .collect();
    assert_eq!(values, [b"x", b"y"]);

    // the first partition with data gives a whole batch whatever the limit, the second does not
    let got = parts(&mut client, &fetch(&[("a", 0, 1), ("b", 0, 1)])).await;
    assert_eq!((bytes(&got[0]), bytes(&got[1])), (size, 0));
    // an empty partition before it does not use up the privilege
    let got = parts(&mut client, &fetch(&[("a", 6, 1), ("b", 0, 1)])).await;
    assert_eq!((bytes(&got[0]), bytes(&got[1])), (0, size));
    // the response's own limit
    let request = FetchRequest {
        max_bytes: i32::try_from(4 * size).unwrap(),
        ..fetch(&[("a", 0, 1 << 20), ("b", 0, 1 << 20)])
    };
    let got = parts(&mut client, &request).await;
    assert_eq!((bytes(&got[0]), bytes(&got[1])), (3 * size, size));
}

#[tokio::test]
async fn errors_are_answered_at_once_although_the_client_would_wait() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let patient = |request| FetchRequest { max_wait_ms: 60_000, ..request };
    for (what, request, code) in
        [("above the end", fetch(&[("t", 5, 100)]), 1), ("unknown topic", fetch(&[("nowhere", 0, 100)]), 3)]
    {
        let got = parts(&mut client, &patient(request)).await;
        assert_eq!((got[0].error_code, got[0].high_watermark, bytes(&got[0])), (code, -1, 0), "{what}");
    }
    let mut request = fetch(&[("t", 0, 100)]);
    request.topics[0].partitions[0].current_leader_epoch = 1000;
    assert_eq!(parts(&mut client, &patient(request)).await[0].error_code, 75);
    let request = FetchRequest { session_id: 7, session_epoch: 1, ..fetch(&[("t", 0, 100)]) };
    let response: FetchResponse = client.call(&request, 12).await;
    assert_eq!(response.error_code, 70);
    let mut request = fetch(&[("t", 0, 100)]);
    request.topics[0].topic_id = uuid::Uuid::from_u128(9);
    let response: FetchResponse = client.call(&patient(request), 13).await;
    assert_eq!(response.responses[0].partitions[0].error_code, 100);
}

#[tokio::test]
async fn a_session_names_changes_only() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    for topic in ["a", "b"] {
        client.topic(topic).await;
    }
    let full = FetchRequest { session_epoch: 0, ..fetch(&[("a", 0, 1 << 20), ("b", 0, 1 << 20)]) };
    let response: FetchResponse = client.call(&full, 12).await;
    let session_id = response.session_id;
    assert!(session_id > 0);
    assert_eq!(response.responses.len(), 2);

    let _: ProduceResponse = client.call(&produce("b", -1, Some(batch(&[b"x"]))), 9).await;
    let request = FetchRequest { session_id, session_epoch: 1, max_wait_ms: 10_000, ..fetch(&[]) };
    let response: FetchResponse = client.call(&request, 12).await;
    assert_eq!((response.error_code, response.session_id, response.responses.len()), (0, session_id, 1));
    assert_eq!(response.responses[0].topic, "b");
    assert!(bytes(&response.responses[0].partitions[0]) > 0);

    let request = FetchRequest { session_epoch: 2, max_wait_ms: 10, ..request };
    let request = FetchRequest { topics: fetch(&[("b", 1, 1 << 20)]).topics, ..request };
    let response: FetchResponse = client.call(&request, 12).await;
    assert_eq!((response.session_id, response.responses.len()), (session_id, 0));
}

#[tokio::test]
async fn a_fetch_without_data_is_answered_after_its_wait() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let started = tokio::time::Instant::now();
    let request = FetchRequest { max_wait_ms: 100, ..fetch(&[("t", 0, 100)]) };
    let got = parts(&mut client, &request).await;
    assert_eq!((got[0].error_code, bytes(&got[0])), (0, 0));
    assert!(started.elapsed().as_millis() >= 100);
}

#[tokio::test]
async fn special_timestamps_name_offsets() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let _: ProduceResponse = client.call(&produce("t", -1, Some(batch(&[b"x", b"y"]))), 9).await;
    for (timestamp, offset, found_timestamp) in [
        (-1, 2, -1),
        (-2, 0, -1),
        (-3, 0, NOW_MS),
        (-4, 0, -1),
        (-5, -1, -1),
        (NOW_MS, 0, NOW_MS),
        (NOW_MS + 1, -1, -1),
    ] {
        let request = ListOffsetsRequest {
            topics: vec![ListOffsetsTopic {
                name: "t".to_owned(),
                partitions: vec![ListOffsetsPartition { timestamp, ..Default::default() }],
            }],
            ..Default::default()
        };
        let response: ListOffsetsResponse = client.call(&request, 9).await;
        let part = &response.topics[0].partitions[0];
        assert_eq!(
            (part.error_code, part.offset, part.timestamp),
            (0, offset, found_timestamp),
            "{timestamp}"
        );
    }
}
