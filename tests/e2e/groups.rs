//! Consumer groups.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use harness::{Assay, eventually};
use rdkafka::{
    Message,
    consumer::{CommitMode, Consumer, StreamConsumer},
};

use crate::kafka::{LIMIT, consumer, create_topic, producer, send};

const PARTITIONS: i32 = 6;
const RECORDS: usize = 600;

type Seen = Arc<Mutex<Vec<(i32, i64)>>>;

async fn fill(broker: &str, topic: &str, from: usize, count: usize) {
    let producer = producer(broker, &[]);
    for number in from..from + count {
        let partition_key = format!("key-{number}");
        send(&producer, topic, Some(partition_key.as_bytes()), Some(b"v")).await.unwrap();
    }
}

/// Consumes and commits until stopped.
async fn member(consumer: Arc<StreamConsumer>, seen: Seen) {
    loop {
        let message = match consumer.recv().await {
            Ok(message) => message,
            Err(error) => panic!("{error}"),
        };
        seen.lock().unwrap().push((message.partition(), message.offset()));
        consumer.commit_message(&message, CommitMode::Async).unwrap();
    }
}

/// Stops a member and waits until its hold on the consumer is gone: a consumer leaves its group when it is dropped.
async fn end(member: tokio::task::JoinHandle<()>) {
    member.abort();
    let ended = member.await;
    assert!(ended.is_err_and(|error| error.is_cancelled()), "a member failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_members_share_the_partitions_and_read_everything() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "shared", PARTITIONS, &[]).await;
    fill(&assay.broker, "shared", 0, RECORDS).await;
    let seen = Seen::default();
    let consumers: Vec<_> = (0..3).map(|_| Arc::new(consumer(&assay.broker, "three"))).collect();
    for one in &consumers {
        one.subscribe(&["shared"]).unwrap();
    }
    let tasks: Vec<_> =
        consumers.iter().map(|one| tokio::spawn(member(Arc::clone(one), Arc::clone(&seen)))).collect();
    let assigned = eventually(LIMIT, || async {
        let counts: Vec<_> = consumers.iter().map(|one| one.assignment().unwrap().count()).collect();
        (counts == [2, 2, 2]).then_some(())
    });
    assigned.await.expect("each member gets two partitions");
    let whole = eventually(LIMIT, || async {
        let distinct: BTreeSet<_> = seen.lock().unwrap().iter().copied().collect();
        (distinct.len() == RECORDS).then_some(())
    });
    whole.await.expect("every record is read");
    for task in tasks {
        end(task).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_on_where_it_committed_also_after_a_restart() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "resumed", 1, &[]).await;
    fill(&assay.broker, "resumed", 0, 100).await;
    let first = consumer(&assay.broker, "resuming");
    first.subscribe(&["resumed"]).unwrap();
    for expected in 0..40 {
        let message = tokio::time::timeout(LIMIT, first.recv()).await.unwrap().unwrap();
        assert_eq!(message.offset(), expected);
        if expected == 39 {
            first.commit_message(&message, CommitMode::Sync).unwrap();
        }
    }
    drop(first);
    let data = assay.kill().unwrap();
    let assay = harness::Launch::default().on(data).start().unwrap();
    let second = consumer(&assay.broker, "resuming");
    second.subscribe(&["resumed"]).unwrap();
    let message = tokio::time::timeout(LIMIT, second.recv()).await.unwrap().unwrap();
    assert_eq!(message.offset(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_partitions_of_a_member_that_leaves_go_to_the_others() {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "left", 4, &[]).await;
    let seen = Seen::default();
    let (stays, leaves) =
        (Arc::new(consumer(&assay.broker, "leaving")), Arc::new(consumer(&assay.broker, "leaving")));
    for one in [&stays, &leaves] {
        one.subscribe(&["left"]).unwrap();
    }
    let staying = tokio::spawn(member(Arc::clone(&stays), Arc::clone(&seen)));
    let leaving = tokio::spawn(member(Arc::clone(&leaves), Arc::clone(&seen)));
    let halves = || async {
        let counts = (stays.assignment().unwrap().count(), leaves.assignment().unwrap().count());
        (counts == (2, 2)).then_some(())
    };
    eventually(LIMIT, halves).await.expect("two members, two partitions each");
    end(leaving).await;
    drop(leaves);
    let all = || async { (stays.assignment().unwrap().count() == 4).then_some(()) };
    eventually(LIMIT + Duration::from_secs(10), all).await.expect("the one that stays gets all");
    end(staying).await;
}
