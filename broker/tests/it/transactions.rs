//! Transactions frame by frame: the second protocol (KIP-890), and markers past the coordinator.

use assay_broker::protocol::messages::txn_offset_commit::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use assay_broker::protocol::messages::write_txn_markers::{WritableTxnMarker, WritableTxnMarkerTopic};
use assay_broker::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, EndTxnRequest, EndTxnResponse, InitProducerIdRequest,
    InitProducerIdResponse, ProduceRequest, ProduceResponse, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
    WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};
use assay_broker::record_batch::BatchBuilder;

use crate::batches::{NOW_MS, produce};
use crate::client::{Client, TestBroker};

const ID: &str = "tx";

/// Producer id and epoch.
type Who = (i64, i16);

async fn init(client: &mut Client) -> (i16, Who) {
    let request = InitProducerIdRequest {
        transactional_id: Some(ID.to_owned()),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let answer: InitProducerIdResponse = client.call(&request, 5).await;
    (answer.error_code, (answer.producer_id, answer.producer_epoch))
}

fn record(who: Who, sequence: i32) -> ProduceRequest {
    let batch = BatchBuilder::new().producer(who.0, who.1, sequence).transactional();
    let records = batch.record(NOW_MS, None, Some(b"v")).build();
    ProduceRequest { transactional_id: Some(ID.to_owned()), ..produce("t", -1, Some(records)) }
}

async fn write(client: &mut Client, who: Who, sequence: i32) -> i16 {
    let answer: ProduceResponse = client.call(&record(who, sequence), 12).await;
    answer.responses[0].partition_responses[0].error_code
}

async fn end(client: &mut Client, who: Who, committed: bool) -> (i16, Who) {
    let request = EndTxnRequest {
        transactional_id: ID.to_owned(),
        producer_id: who.0,
        producer_epoch: who.1,
        committed,
    };
    let answer: EndTxnResponse = client.call(&request, 5).await;
    (answer.error_code, (answer.producer_id, answer.producer_epoch))
}

fn stable_and_end(broker: &TestBroker) -> (i64, i64) {
    let partition = broker.broker.topics().get("t").unwrap().partition(0).unwrap();
    (partition.last_stable_offset(), partition.log_end_offset())
}

#[tokio::test]
async fn the_features_are_announced() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    let request = ApiVersionsRequest {
        client_software_name: "test".to_owned(),
        client_software_version: "1".to_owned(),
    };
    for version in 0..=4 {
        let answer: ApiVersionsResponse = client.call(&request, version).await;
        let levels: Vec<_> =
            answer.finalized_features.iter().map(|one| (one.name.as_str(), one.max_version_level)).collect();
        let known = [("group.version", 1), ("metadata.version", 27), ("transaction.version", 2)];
        assert_eq!(levels, if version >= 3 { &known[..] } else { &[] }, "version {version}");
    }
}

#[tokio::test]
async fn every_end_of_a_transaction_bumps_the_epoch_and_nothing_late_gets_into_the_next() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let (code, first) = init(&mut client).await;
    assert_eq!((code, first.1), (0, 0));
    // no partition was named before
    assert_eq!(write(&mut client, first, 0).await, 0);
    assert_eq!(stable_and_end(&broker), (0, 1));
    let (code, second) = end(&mut client, first, true).await;
    assert_eq!((code, second), (0, (first.0, 1)));
    assert_eq!(stable_and_end(&broker), (2, 2));
    assert_eq!(end(&mut client, first, true).await, (0, second), "the answer was lost");
    assert_eq!(end(&mut client, first, false).await.0, 48, "it is committed");
    assert_eq!(write(&mut client, first, 1).await, 47, "late");
    assert_eq!(end(&mut client, second, true).await.0, 48, "nothing to commit");
    // an abort of nothing bumps, too
    let (code, third) = end(&mut client, second, false).await;
    assert_eq!((code, third), (0, (first.0, 2)));
    assert_eq!(write(&mut client, third, 0).await, 0);
    assert_eq!(end(&mut client, third, false).await, (0, (first.0, 3)));
    assert_eq!(stable_and_end(&broker), (4, 4));
}

#[tokio::test]
async fn whoever_comes_second_is_told_to_wait_for_the_abort_and_fences_the_first() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let (_, first) = init(&mut client).await;
    assert_eq!(write(&mut client, first, 0).await, 0);
    assert_eq!(init(&mut client).await.0, 51);
    let (code, second) = init(&mut client).await;
    assert_eq!((code, second.0), (0, first.0));
    assert!(second.1 > first.1);
    assert_eq!(stable_and_end(&broker), (2, 2));
    assert_eq!(write(&mut client, first, 1).await, 47);
    assert_eq!(end(&mut client, first, true).await.0, 90);
    assert_eq!(write(&mut client, second, 0).await, 0);
}

#[tokio::test]
async fn offsets_join_the_transaction_by_themselves() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let (_, who) = init(&mut client).await;
    let partition = TxnOffsetCommitRequestPartition {
        partition_index: 0,
        committed_offset: 7,
        committed_leader_epoch: -1,
        committed_metadata: None,
    };
    let request = |who: Who| TxnOffsetCommitRequest {
        transactional_id: ID.to_owned(),
        group_id: "g".to_owned(),
        producer_id: who.0,
        producer_epoch: who.1,
        generation_id: -1,
        topics: vec![TxnOffsetCommitRequestTopic {
            name: "t".to_owned(),
            partitions: vec![partition.clone()],
        }],
        ..Default::default()
    };
    let answer: TxnOffsetCommitResponse = client.call(&request(who), 4).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, 120, "version 4 names the group beforehand");
    let answer: TxnOffsetCommitResponse = client.call(&request(who), 5).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    let (code, next) = end(&mut client, who, true).await;
    assert_eq!((code, next.1), (0, who.1 + 1));
    assert_eq!(crate::offsets::committed(&mut client, "g", "t").await, 7);
    let answer: TxnOffsetCommitResponse = client.call(&request(who), 5).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, 47, "late");
}

#[tokio::test]
async fn a_transaction_that_nobody_knows_is_ended_by_a_marker() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let (_, who) = init(&mut client).await;
    assert_eq!(write(&mut client, who, 0).await, 0);
    let marker = |topic: &str, index: i32| WriteTxnMarkersRequest {
        markers: vec![WritableTxnMarker {
            producer_id: who.0,
            producer_epoch: who.1,
            transaction_result: false,
            topics: vec![WritableTxnMarkerTopic { name: topic.to_owned(), partition_indexes: vec![index] }],
            coordinator_epoch: 0,
        }],
    };
    for (topic, index, code) in [("t", 1, 3), ("nowhere", 0, 3), ("t", 0, 0)] {
        let answer: WriteTxnMarkersResponse = client.call(&marker(topic, index), 1).await;
        let result = &answer.markers[0];
        assert_eq!(result.producer_id, who.0);
        assert_eq!(result.topics[0].partitions[0].error_code, code, "{topic} {index}");
    }
    assert_eq!(stable_and_end(&broker), (2, 2));
}
