//! Offsets inside transactions: pending until the marker, then committed or gone; also after a restart.

use super::*;
use crate::groups::actor::{CommitEntry, TransactionalCommit};
use crate::groups::state::Identity;
use crate::journal::InTransaction;
use crate::protocol::messages::offset_fetch::OffsetFetchRequestTopic;

async fn commit_in(bench: &Bench, producer_id: i64, offset: i64) -> Vec<ErrorCode> {
    try_commit_in(bench, producer_id, offset, ("", -1)).await.unwrap()
}

async fn try_commit_in(
    bench: &Bench,
    producer_id: i64,
    offset: i64,
    (member, generation): (&str, i32),
) -> Result<Vec<ErrorCode>, ErrorCode> {
    let commit = TransactionalCommit {
        identity: Identity { member_id: member.to_owned(), instance_id: None },
        generation,
        transaction: InTransaction { producer_id, producer_epoch: 0, verified: 0 },
        entries: vec![CommitEntry {
            place: ("t".to_owned(), 0),
            offset,
            leader_epoch: -1,
            metadata: String::new(),
            code: ErrorCode::None,
        }],
    };
    bench.groups.commit_in_transaction("g", commit).await
}

async fn end(bench: &Bench, producer_id: i64, commit: bool) {
    let partition = bench.groups.partition_of("g");
    bench.journal.mark(partition, producer_id, commit);
    bench.groups.end_transaction(partition, producer_id, commit).await.unwrap();
}

/// What a consumer that wants stable offsets is told for partition 0 of "t".
async fn stable(bench: &Bench) -> (i64, i16) {
    let topics = vec![OffsetFetchRequestTopic { name: "t".to_owned(), partition_indexes: vec![0] }];
    let request = OffsetFetchRequest {
        group_id: "g".to_owned(),
        topics: Some(topics),
        require_stable: true,
        ..OffsetFetchRequest::default()
    };
    let response = bench.groups.offset_fetch(request, 7, &client()).await;
    let partition = &response.topics[0].partitions[0];
    (partition.committed_offset, partition.error_code)
}

const UNSTABLE: i16 = 88;

#[tokio::test]
async fn offsets_count_after_a_commit_and_not_after_an_abort() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.commit_simply("g", 5).await, 0);
    for restart in [false, true] {
        assert_eq!(commit_in(&bench, 1, 10).await, [ErrorCode::None]);
        assert_eq!(bench.offsets("g").await, [("t".to_owned(), 0, 5)]);
        assert_eq!(stable(&bench).await, (-1, UNSTABLE));
        if restart {
            bench = bench.restart().await;
            assert_eq!(stable(&bench).await, (-1, UNSTABLE));
        }
        end(&bench, 1, false).await;
        assert_eq!(stable(&bench).await, (5, 0));
    }
    assert_eq!(commit_in(&bench, 1, 20).await, [ErrorCode::None]);
    bench = bench.restart().await;
    end(&bench, 1, true).await;
    assert_eq!(stable(&bench).await, (20, 0));
    let bench = bench.restart().await;
    assert_eq!(stable(&bench).await, (20, 0));
}

#[tokio::test]
async fn the_later_record_counts_whoever_ends_first() {
    let bench = Bench::new().await;
    commit_in(&bench, 1, 10).await;
    commit_in(&bench, 2, 20).await;
    end(&bench, 2, true).await;
    end(&bench, 1, true).await;
    assert_eq!(bench.offsets("g").await, [("t".to_owned(), 0, 20)]);
    // a plain commit after the one that is pending
    commit_in(&bench, 1, 30).await;
    assert_eq!(bench.commit_simply("g", 40).await, 0);
    end(&bench, 1, true).await;
    assert_eq!(bench.offsets("g").await, [("t".to_owned(), 0, 40)]);
    let bench = bench.restart().await;
    assert_eq!(bench.offsets("g").await, [("t".to_owned(), 0, 40)]);
}

#[tokio::test]
async fn what_is_pending_goes_with_its_topic() {
    let bench = Bench::new().await;
    commit_in(&bench, 1, 10).await;
    bench.groups.topic_deleted("t").await;
    end(&bench, 1, true).await;
    assert_eq!(bench.offsets("g").await, []);
    let bench = bench.restart().await;
    assert_eq!(bench.offsets("g").await, []);
}

#[tokio::test]
async fn members_are_checked_where_they_are_named() {
    let bench = Bench::new().await;
    let unknown = try_commit_in(&bench, 1, 10, ("x", 1)).await;
    assert_eq!(unknown, Err(ErrorCode::IllegalGeneration));
    let member = bench.one_member().await;
    let table = [
        (("", -1), ErrorCode::None),
        ((member.as_str(), 1), ErrorCode::None),
        ((member.as_str(), 2), ErrorCode::IllegalGeneration),
        (("other", 1), ErrorCode::UnknownMemberId),
    ];
    for (who, code) in table {
        assert_eq!(try_commit_in(&bench, 1, 10, who).await, Ok(vec![code]), "{who:?}");
    }
    // a plain commit must name its member
    assert_eq!(bench.commit_simply("g", 5).await, ErrorCode::UnknownMemberId.code());
}
