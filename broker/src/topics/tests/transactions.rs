//! What transactions leave in a partition: the last stable offset, the aborted list, and both after a restart.

use std::collections::BTreeSet;

use super::*;
use crate::partition::{AbortedTransaction, AppendError};
use crate::producer_state::SequenceError;
use crate::record_batch::Marker;

pub(crate) fn data(producer_id: i64, epoch: i16, sequence: i32, value: &str) -> Bytes {
    BatchBuilder::new()
        .producer(producer_id, epoch, sequence)
        .transactional()
        .record(NOW, Some(value.as_bytes()), Some(value.as_bytes()))
        .build()
}

/// Appends as a producer does whose transaction the coordinator knows.
pub(crate) async fn write(partition: &Arc<Partition>, records: Bytes) -> i64 {
    let seen = partition.markers();
    let appended = partition.append_verified(records, CLIENT, Some(seen)).await.unwrap();
    appended.ticket.durable().await.unwrap();
    appended.base_offset
}

pub(crate) async fn end(partition: &Arc<Partition>, producer_id: i64, epoch: i16, commit: bool) -> i64 {
    let marker = Marker { commit, coordinator_epoch: 0 }.batch(producer_id, epoch, NOW);
    let appended = partition.append(marker, AppendOrigin::Coordinator).await.unwrap();
    appended.ticket.durable().await.unwrap();
    appended.base_offset
}

/// All aborted transactions a consumer learns of that reads on from an offset.
async fn all_aborted(partition: &Arc<Partition>, from: i64) -> BTreeSet<(i64, i64)> {
    let (mut offset, mut found) = (from, BTreeSet::new());
    while offset < partition.last_stable_offset() {
        let slice = partition.read(offset, 1 << 20, true, Isolation::ReadCommitted).await.unwrap();
        found.extend(slice.aborted.iter().map(|entry| (entry.producer_id, entry.first_offset)));
        offset = Batches::new(&slice.records).last().unwrap().0.next_offset();
    }
    found
}

async fn aborted(partition: &Arc<Partition>, from: i64) -> Vec<(i64, i64)> {
    let slice = partition.read(from, 1 << 20, true, Isolation::ReadCommitted).await.unwrap();
    let pair = |entry: &AbortedTransaction| (entry.producer_id, entry.first_offset);
    slice.aborted.iter().map(pair).collect()
}

/// The values a `read_committed` consumer delivers: it drops an aborted producer's batches up to the marker.
pub(crate) async fn committed(partition: &Arc<Partition>) -> Vec<String> {
    let mut out = Vec::new();
    let mut offset = partition.log_start_offset();
    while offset < partition.last_stable_offset() {
        let slice = partition.read(offset, 200, true, Isolation::ReadCommitted).await.unwrap();
        let mut pending: Vec<_> = slice.aborted.clone();
        let mut dropping = BTreeSet::new();
        for (header, batch) in Batches::new(&slice.records) {
            pending.retain(|entry| {
                let begun = entry.first_offset <= header.last_offset();
                if begun {
                    dropping.insert(entry.producer_id);
                }
                !begun
            });
            offset = header.next_offset();
            if header.is_control() {
                if Marker::read(&header, batch).is_some_and(|marker| !marker.commit) {
                    dropping.remove(&header.producer_id);
                }
            } else if !(header.is_transactional() && dropping.contains(&header.producer_id)) {
                for record in &records(batch, &RecordLimits::default()).unwrap() {
                    out.push(String::from_utf8(record.unwrap().value.unwrap().to_vec()).unwrap());
                }
            }
        }
    }
    out
}

async fn one_partition(memory: &Memory) -> (Topics, Arc<Partition>) {
    let topics = open(memory);
    let small =
        settings(&[("segment.bytes", "400"), ("index.interval.bytes", "100"), ("retention.ms", "-1")]);
    topics.create("t", 1, small).await.unwrap();
    let partition = partition_of(&topics, "t", 0);
    (topics, partition)
}

#[tokio::test]
async fn an_open_transaction_holds_the_stable_offset_back() {
    let (_topics, partition) = one_partition(&Memory::default()).await;
    produce(&partition, batch("plain")).await;
    assert_eq!(write(&partition, data(1, 0, 0, "a")).await, 1);
    assert_eq!(write(&partition, data(2, 0, 0, "b")).await, 2);
    produce(&partition, batch("after")).await;
    assert_eq!((partition.last_stable_offset(), partition.high_watermark()), (1, 4));
    end(&partition, 1, 0, true).await;
    assert_eq!(partition.last_stable_offset(), 2);
    end(&partition, 2, 0, false).await;
    assert_eq!((partition.last_stable_offset(), partition.high_watermark()), (6, 6));
    assert_eq!(aborted(&partition, 0).await, [(2, 2)]);
    assert_eq!(aborted(&partition, 4).await, [(2, 2)]);
    assert_eq!(committed(&partition).await, ["plain", "a", "after"]);
    // a marker that ends nothing is harmless
    end(&partition, 2, 0, false).await;
    assert_eq!(aborted(&partition, 6).await, []);
}

#[tokio::test]
async fn a_batch_that_the_coordinator_was_not_asked_about_opens_nothing() {
    let (_topics, partition) = one_partition(&Memory::default()).await;
    let refused = |outcome: Result<Appended, AppendError>| outcome.unwrap_err();
    let error = refused(partition.append(data(1, 0, 0, "a"), CLIENT).await);
    assert!(matches!(error, AppendError::Unverified), "{error}");
    let seen = partition.markers();
    write(&partition, data(1, 0, 0, "a")).await;
    // a batch of an open transaction needs no further look
    partition.append(data(1, 0, 1, "b"), CLIENT).await.unwrap();
    end(&partition, 1, 1, false).await;
    let error = refused(partition.append_verified(data(1, 1, 0, "late"), CLIENT, Some(seen)).await);
    assert!(matches!(error, AppendError::Unverified), "{error}");
    let error = refused(partition.append_verified(data(1, 0, 2, "old"), CLIENT, Some(seen + 1)).await);
    assert!(matches!(error, AppendError::Sequence(SequenceError::StaleEpoch { .. })), "{error}");
    // what was appended before is acknowledged once more, transaction or not
    let again = partition.append(data(1, 1, 0, "x"), CLIENT).await;
    assert!(matches!(refused(again), AppendError::Unverified));
    assert_eq!(partition.last_stable_offset(), 3);
}

#[tokio::test]
async fn transactions_survive_a_stop_a_kill_and_a_power_loss() {
    for (name, stop) in [("stop", 0), ("kill", 1), ("power", 2)] {
        let memory = Memory::default();
        let (topics, partition) = one_partition(&memory).await;
        // over several segments, with transactions that begin in one and end in another
        for n in 0..12_i64 {
            write(&partition, data(n, 0, 0, &format!("first {n}"))).await;
            produce(&partition, batch(&format!("plain {n}"))).await;
            if n >= 2 {
                end(&partition, n - 2, 0, n % 3 == 0).await;
            }
        }
        let expected = committed(&partition).await;
        let lists = (all_aborted(&partition, 0).await, all_aborted(&partition, 20).await);
        let stable = partition.last_stable_offset();
        assert!(lists.0.len() == 7 && !lists.1.is_empty() && expected.len() > 8, "{lists:?} {expected:?}");
        drop(partition);
        let memory = match stop {
            0 => {
                topics.shutdown().await;
                drop(topics);
                memory.clone()
            }
            1 => kill(&memory, topics),
            _ => {
                drop(topics);
                memory.after_power_loss(Loss::All)
            }
        };
        let topics = open(&memory);
        let partition = partition_of(&topics, "t", 0);
        assert_eq!(partition.status(), Status::Online, "{name}: {:?}", partition.fault());
        assert_eq!(partition.last_stable_offset(), stable, "{name}");
        assert_eq!(committed(&partition).await, expected, "{name}");
        let found = (all_aborted(&partition, 0).await, all_aborted(&partition, 20).await);
        assert_eq!(found, lists, "{name}");
        // the open ones go on where they were
        partition.append(data(10, 0, 1, "more"), CLIENT).await.unwrap();
        end(&partition, 10, 0, true).await;
        end(&partition, 11, 0, false).await;
        assert_eq!(partition.last_stable_offset(), partition.high_watermark(), "{name}");
        assert!(committed(&partition).await.contains(&"more".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_missing_or_torn_transaction_index_is_made_anew() {
    for content in [None, Some(vec![0; 33]), Some(vec![9; 34])] {
        let memory = Memory::default();
        let (topics, partition) = one_partition(&memory).await;
        write(&partition, data(1, 0, 0, "a")).await;
        end(&partition, 1, 0, false).await;
        drop(partition);
        let path = Path::new(DIR).join("t-0/00000000000000000000.txnindex");
        let memory = kill(&memory, topics);
        match content {
            None => crate::log::storage::Storage::remove_file(&memory, &path).unwrap(),
            Some(content) => memory.edit(&path, |bytes| *bytes = content),
        }
        let topics = open(&memory);
        assert_eq!(aborted(&partition_of(&topics, "t", 0), 0).await, [(1, 0)]);
    }
}

/// Key and value that `read_committed` sees, and the number of batches in the log.
async fn compacted_values(partition: &Arc<Partition>) -> (Vec<String>, usize) {
    let mut count = 0;
    let mut offset = partition.log_start_offset();
    while offset < partition.high_watermark() {
        let slice = partition.read(offset, 1 << 20, true, Isolation::ReadUncommitted).await.unwrap();
        for (header, _) in Batches::new(&slice.records) {
            count += 1;
            offset = header.next_offset();
        }
    }
    (committed(partition).await, count)
}

fn transactional(producer_id: i64, sequence: i32, key: &str, value: &str) -> Bytes {
    BatchBuilder::new()
        .producer(producer_id, 0, sequence)
        .transactional()
        .record(NOW, Some(key.as_bytes()), Some(value.as_bytes()))
        .build()
}

#[tokio::test]
async fn compaction_drops_aborted_records_and_keeps_what_they_did_not_supersede() {
    let memory = Memory::default();
    let clock = Arc::new(ManualClock::at(NOW));
    let open = |memory: &Memory| {
        let config = LogConfig { tail_cache_bytes: 0, ..quiet() };
        Topics::open(Path::new(DIR), config, Arc::new(memory.clone()), Arc::clone(&clock) as _).unwrap()
    };
    let topics = open(&memory);
    let compact = settings(&[
        ("cleanup.policy", "compact"),
        ("segment.bytes", "400"),
        ("delete.retention.ms", "1000"),
        ("min.cleanable.dirty.ratio", "0"),
    ]);
    topics.create("t", 1, compact).await.unwrap();
    let partition = partition_of(&topics, "t", 0);
    // committed a=1, then an aborted a=2, b=2 and a committed b=3, over several segments
    write(&partition, transactional(1, 0, "a", "a1")).await;
    end(&partition, 1, 0, true).await;
    write(&partition, transactional(2, 0, "a", "a2")).await;
    write(&partition, transactional(2, 1, "b", "b2")).await;
    write(&partition, transactional(3, 0, "b", "b3")).await;
    end(&partition, 2, 0, false).await;
    end(&partition, 3, 0, true).await;
    // the producers go on, so that nothing above holds their sequence; one transaction stays open
    for (producer_id, sequence) in [(1, 1), (2, 2), (3, 1)] {
        write(&partition, transactional(producer_id, sequence, "z", "z")).await;
        end(&partition, producer_id, 0, true).await;
    }
    write(&partition, transactional(4, 0, "a", "open")).await;
    for n in 0..8 {
        produce(&partition, idempotent_keyed(9, n, "filler")).await;
    }
    let before = compacted_values(&partition).await;
    assert_eq!(before.0[..2], ["a1", "b3"]);
    topics.compact().await.unwrap();
    let first = compacted_values(&partition).await;
    assert_eq!(first.0[..2], ["a1", "b3"]);
    assert!(first.1 < before.1, "{first:?} {before:?}");
    assert_eq!(partition.last_stable_offset(), 13);
    // markers without a record left get their time, and go when it is over
    for (advance, fewer) in [(0, false), (1001, true)] {
        clock.advance(advance);
        for n in 0..8 {
            let sequence = 8 + n + if fewer { 8 } else { 0 };
            produce(&partition, idempotent_keyed(9, sequence, "filler")).await;
        }
        partition.set_first_dirty_offset(0);
        topics.compact().await.unwrap();
        let after = compacted_values(&partition).await;
        assert_eq!(after.0[..2], ["a1", "b3"], "{after:?}");
    }
    let last = compacted_values(&partition).await;
    for loss in [Loss::All, Loss::Nothing] {
        let topics = open(&memory.after_power_loss(loss));
        let partition = partition_of(&topics, "t", 0);
        assert_eq!(compacted_values(&partition).await, last);
        assert_eq!(partition.last_stable_offset(), 13);
        end(&partition, 4, 0, true).await;
        assert!(committed(&partition).await.contains(&"open".to_owned()));
    }
}

fn idempotent_keyed(producer_id: i64, sequence: i32, key: &str) -> Bytes {
    let key = Some(key.as_bytes());
    BatchBuilder::new().producer(producer_id, 0, sequence).record(NOW, key, key).build()
}
