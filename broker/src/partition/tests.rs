use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::log::storage::memory::{Loss, Memory};
use crate::record_batch::{BatchBuilder, BatchHeader, RecordLimits, TimestampType, Walked};
use crate::topics::Topics;
use crate::topics::tests::{
    CLIENT, DIR, NOW, batch, idempotent, open, open_with, partition_of, produce, quiet,
};
use crate::topics::tests::{settings, values};

async fn with(pairs: &[(&str, &str)]) -> (Memory, Topics, Arc<Partition>) {
    let memory = Memory::default();
    let topics = open(&memory);
    let topic = topics.create("t", 1, settings(pairs)).await.unwrap();
    let partition = topic.partition(0).unwrap();
    (memory, topics, partition)
}

/// A batch with bytes changed at a position and its checksum made right again.
fn changed(batch: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    let mut out = batch.to_vec();
    out[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crate::record_batch::crc_of_batch(&out);
    out[17..21].copy_from_slice(&crc.to_be_bytes());
    out.into()
}

type Expect = fn(&AppendError) -> bool;

#[tokio::test]
async fn bad_batches_are_refused_for_their_own_reason() {
    let (_, _, partition) = with(&[("max.message.bytes", "300"), ("segment.bytes", "250")]).await;
    let good = batch("v");
    let mut wrong_crc = good.to_vec();
    *wrong_crc.last_mut().unwrap() ^= 1;
    let invalid: Expect = |error| matches!(error, AppendError::Invalid(_));
    let cases: Vec<(&str, Bytes, Expect)> = vec![
        ("nothing", Bytes::new(), |error| matches!(error, AppendError::Empty)),
        ("cut in the header", good.slice(..40), |error| matches!(error, AppendError::Corrupt(_))),
        ("cut in the payload", good.slice(..good.len() - 1), |error| {
            matches!(error, AppendError::Corrupt(_))
        }),
        ("wrong checksum", wrong_crc.into(), |error| matches!(error, AppendError::Corrupt(_))),
        ("two batches", [good.clone(), good.clone()].concat().into(), |error| {
            matches!(error, AppendError::SeveralBatches { .. })
        }),
        ("magic 1", changed(&good, 16, &[1]), |error| matches!(error, AppendError::Magic { magic: 1 })),
        ("base offset", changed(&good, 0, &7_i64.to_be_bytes()), invalid),
        ("too large", batch(&"v".repeat(400)), |error| {
            matches!(error, AppendError::TooLarge { limit: 300, .. })
        }),
        ("larger than a segment", batch(&"v".repeat(200)), |error| {
            matches!(error, AppendError::LargerThanSegment { limit: 250, .. })
        }),
        ("no records", changed(&good, 57, &0_i32.to_be_bytes()), invalid),
        ("count and delta", changed(&good, 23, &5_i32.to_be_bytes()), invalid),
        ("delta at its end", changed(&good, 23, &i32::MAX.to_be_bytes()), invalid),
        ("control", changed(&good, 21, &(1_i16 << 5).to_be_bytes()), invalid),
        ("delete horizon", changed(&good, 21, &(1_i16 << 6).to_be_bytes()), invalid),
        ("log append time", changed(&good, 21, &(1_i16 << 3).to_be_bytes()), |error| {
            matches!(error, AppendError::Timestamp(_))
        }),
        ("producer without sequence", changed(&good, 43, &5_i64.to_be_bytes()), invalid),
        ("unknown codec", changed(&good, 21, &5_i16.to_be_bytes()), |error| {
            matches!(error, AppendError::Compression)
        }),
    ];
    for (name, bytes, expect) in cases {
        let error = partition.append(bytes, CLIENT).await.unwrap_err();
        assert!(expect(&error), "{name}: {error:?}");
    }
    assert_eq!(produce(&partition, good).await.base_offset, 0);
}

#[tokio::test]
async fn zstd_needs_produce_7_and_min_insync_replicas_1() {
    let (_, _, partition) = with(&[]).await;
    let zstd = BatchBuilder::new()
        .record(NOW, None, Some(b"v"))
        .build_compressed(4, |raw| zstd::encode_all(raw, 1).unwrap());
    let old = AppendOrigin::Client { acks: 1, produce_version: 6 };
    assert!(matches!(partition.append(zstd.clone(), old).await, Err(AppendError::Compression)));
    partition.append(zstd, CLIENT).await.unwrap();
    let (_, _, partition) = with(&[("min.insync.replicas", "2")]).await;
    assert!(matches!(
        partition.append(batch("v"), CLIENT).await,
        Err(AppendError::NotEnoughReplicas { wanted: 2 })
    ));
    partition.append(batch("v"), old).await.unwrap();
}

#[tokio::test]
async fn a_compacted_topic_names_the_records_without_a_key() {
    let (_, _, partition) = with(&[("cleanup.policy", "compact")]).await;
    let records = BatchBuilder::new()
        .record(NOW, Some(b"k"), Some(b"v"))
        .record(NOW, None, Some(b"v"))
        .record(NOW, Some(b"k"), None)
        .record(NOW, None, None);
    match partition.append(records.build(), CLIENT).await {
        Err(AppendError::InvalidRecords { faults, .. }) => {
            assert_eq!(faults.iter().map(|fault| fault.index).collect::<Vec<_>>(), [1, 3]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn timestamps_are_kept_within_the_topics_bounds() {
    let bounds = [("message.timestamp.before.max.ms", "100"), ("message.timestamp.after.max.ms", "10")];
    let (_, _, partition) = with(&bounds).await;
    let at = |first: i64, second: i64| {
        BatchBuilder::new().record(first, None, Some(b"a")).record(second, None, Some(b"b")).build()
    };
    for (first, second) in [(NOW - 101, NOW), (NOW, NOW + 11)] {
        let error = partition.append(at(first, second), CLIENT).await.unwrap_err();
        assert!(matches!(error, AppendError::Timestamp(_)), "{error}");
    }
    partition.append(at(NOW - 100, NOW + 10), CLIENT).await.unwrap();
}

#[tokio::test]
async fn log_append_time_is_the_brokers_and_the_checksum_fits() {
    let (_, _, partition) = with(&[("message.timestamp.type", "LogAppendTime")]).await;
    let old = BatchBuilder::new().producer(1, 0, 0).record(5, None, Some(b"v")).build();
    assert_eq!(produce(&partition, old.clone()).await.log_append_time_ms, NOW);
    let again = produce(&partition, old).await;
    assert!(again.duplicate);
    assert_eq!(again.log_append_time_ms, NOW);
    let slice = partition.read(0, 1000, true, Isolation::ReadUncommitted).await.unwrap();
    let (header, stored) = BatchHeader::split(&slice.records).unwrap();
    header.check_crc(stored).unwrap();
    assert_eq!((header.timestamp_type(), header.max_timestamp), (TimestampType::LogAppendTime, NOW));
}

#[tokio::test]
async fn stored_batches_differ_from_those_sent_in_offset_and_epoch_only() {
    let (memory, topics, partition) = with(&[]).await;
    produce(&partition, batch("first")).await;
    let sent = BatchBuilder::new()
        .record_with_headers(NOW, Some(b"k"), Some(b"v"), &[(b"h", None)])
        .build_compressed(2, |raw| snap::raw::Encoder::new().compress_vec(raw).unwrap());
    produce(&partition, sent.clone()).await;
    drop((topics, partition));
    let topics = open(&memory.after_power_loss(Loss::All));
    let partition = partition_of(&topics, "t", 0);
    produce(&partition, sent.clone()).await;
    for (offset, epoch) in [(1_i64, 0_i32), (2, 1)] {
        let slice = partition.read(offset, 10, true, Isolation::ReadUncommitted).await.unwrap();
        let mut expected = sent.to_vec();
        expected[..8].copy_from_slice(&offset.to_be_bytes());
        expected[12..16].copy_from_slice(&epoch.to_be_bytes());
        assert_eq!(slice.records, expected);
    }
}

#[tokio::test]
async fn with_fsync_nobody_sees_a_record_before_it_is_synced() {
    let (memory, _topics, partition) = with(&[]).await;
    produce(&partition, batch("before")).await;
    memory.hold_syncs(true);
    let appended = partition.append(batch("v"), CLIENT).await.unwrap();
    assert_eq!((partition.log_end_offset(), partition.high_watermark()), (2, 1));
    let slice = partition.read(1, 100, true, Isolation::ReadUncommitted).await.unwrap();
    assert!(slice.records.is_empty());
    assert_eq!(partition.available_bytes(1, Isolation::ReadUncommitted), 0);
    let waiting = tokio::time::timeout(Duration::from_millis(20), appended.ticket.durable()).await;
    assert!(waiting.is_err(), "acknowledged before the sync");
    let mut watch = partition.watch();
    memory.hold_syncs(false);
    appended.ticket.durable().await.unwrap();
    watch.wait_for(|progress| progress.high_watermark == 2).await.unwrap();
    assert_eq!(values(&partition).await.len(), 2);
    assert!(partition.available_bytes(1, Isolation::ReadUncommitted) > 60);
}

#[tokio::test]
async fn appends_during_a_sync_share_the_next_one() {
    let (memory, _topics, partition) = with(&[]).await;
    memory.hold_syncs(true);
    let mut tickets = vec![partition.append(batch("first"), CLIENT).await.unwrap().ticket];
    for _ in 0..20 {
        tickets.push(partition.append(batch("v"), CLIENT).await.unwrap().ticket);
    }
    let before = memory.syncs();
    memory.hold_syncs(false);
    for ticket in tickets {
        ticket.durable().await.unwrap();
    }
    assert!(memory.syncs() - before <= 2, "{} syncs", memory.syncs() - before);
}

#[tokio::test]
async fn without_fsync_the_write_is_the_acknowledgement() {
    for mode in ["os", "interval"] {
        let (memory, topics, partition) = with(&[("assay.durability", mode)]).await;
        memory.hold_syncs(true);
        produce(&partition, batch("v")).await;
        assert_eq!(values(&partition).await.len(), 1);
        memory.hold_syncs(false);
        topics.shutdown().await;
        let topics = open(&memory.after_power_loss(Loss::All));
        assert_eq!(values(&partition_of(&topics, "t", 0)).await.len(), 1, "an orderly stop syncs");
    }
}

#[tokio::test]
async fn in_interval_mode_a_sync_follows_by_itself() {
    let (memory, _topics, partition) = with(&[("flush.ms", "5")]).await;
    let before = memory.syncs();
    produce(&partition, batch("v")).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while memory.syncs() == before {
        assert!(std::time::Instant::now() < deadline, "no sync");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_failed_sync_takes_the_partition_offline_and_reads_go_on() {
    let (memory, topics, partition) = with(&[]).await;
    produce(&partition, batch("good")).await;
    memory.fail_syncs(true);
    let appended = partition.append(batch("lost"), CLIENT).await.unwrap();
    assert!(matches!(appended.ticket.durable().await, Err(AppendError::Offline)));
    memory.fail_syncs(false);
    assert_eq!(partition.status(), Status::Offline);
    assert!(partition.fault().unwrap().starts_with("sync failed"));
    assert!(matches!(partition.append(batch("x"), CLIENT).await, Err(AppendError::Offline)));
    assert_eq!(values(&partition).await, [(0, "good".to_owned())]);
    topics.shutdown().await;
    let clean = Path::new(DIR).join(".kafka_cleanshutdown");
    assert!(memory.content(&clean).is_none(), "the next start must look at the log");
}

#[tokio::test]
async fn a_full_disk_refuses_appends_and_space_brings_them_back() {
    let (memory, topics, partition) = with(&[("segment.bytes", "400")]).await;
    produce(&partition, idempotent(1, 0, "0")).await;
    for _ in 0..3 {
        memory.fail_writes(Some(ErrorKind::StorageFull));
        let error = partition.append(idempotent(1, 1, "1"), CLIENT).await.unwrap_err();
        assert!(matches!(error, AppendError::Write(_)), "{error}");
        assert_eq!(values(&partition).await.len(), 1);
    }
    memory.fail_writes(None);
    for n in 1..12 {
        let appended = produce(&partition, idempotent(1, n, &n.to_string())).await;
        assert_eq!((appended.base_offset, appended.duplicate), (n.into(), false));
    }
    drop((topics, partition));
    let topics = open(&memory.after_power_loss(Loss::All));
    assert_eq!(values(&partition_of(&topics, "t", 0)).await.len(), 12);
}

#[tokio::test]
async fn a_full_disk_at_a_roll_leaves_the_log_whole() {
    let (memory, topics, partition) = with(&[("segment.bytes", "200")]).await;
    produce(&partition, batch("0")).await;
    produce(&partition, batch("1")).await;
    memory.fail_writes(Some(ErrorKind::StorageFull));
    assert!(matches!(partition.append(batch("2"), CLIENT).await, Err(AppendError::Write(_))));
    memory.fail_writes(None);
    assert_eq!(produce(&partition, batch("2")).await.base_offset, 2);
    drop((topics, partition));
    let topics = open(&memory.after_power_loss(Loss::Nothing));
    assert_eq!(values(&partition_of(&topics, "t", 0)).await.len(), 3);
}

#[tokio::test]
async fn a_roll_that_fails_halfway_leaves_no_stray_segment() {
    for suffix in ["log", "index", "timeindex", "snapshot"] {
        let (memory, topics, partition) = with(&[("segment.bytes", "290")]).await;
        for n in 0..3 {
            produce(&partition, batch(&n.to_string())).await;
        }
        memory.fail_creates(Some(suffix));
        let large = batch(&"v".repeat(50));
        assert!(matches!(partition.append(large, CLIENT).await, Err(AppendError::Write(_))), "{suffix}");
        // A smaller one still fits into the old segment, behind the point where the new one would have begun.
        produce(&partition, batch("")).await;
        memory.fail_creates(None);
        produce(&partition, batch("after")).await;
        drop((topics, partition));
        let topics = open(&memory.after_power_loss(Loss::All));
        assert_eq!(values(&partition_of(&topics, "t", 0)).await.len(), 5, "{suffix}");
    }
}

#[tokio::test]
async fn sealed_segments_rebuilt_after_a_kill_keep_their_largest_timestamp() {
    let (memory, topics, partition) = with(&[("segment.bytes", "200")]).await;
    for n in 0..9 {
        let records = BatchBuilder::new().record(NOW + n * 10, None, Some(b"v")).build();
        produce(&partition, records).await;
    }
    drop((topics, partition));
    let memory = memory.after_power_loss(Loss::Nothing);
    open(&memory).shutdown().await;
    let topics = open(&memory);
    let partition = partition_of(&topics, "t", 0);
    for n in 0..9 {
        let found = partition.offset_for_timestamp(NOW + n * 10, Isolation::ReadUncommitted).await.unwrap();
        assert_eq!(found.map(|found| found.offset), Some(n));
    }
    assert_eq!(
        partition.max_timestamp(Isolation::ReadUncommitted).await.unwrap().map(|found| found.offset),
        Some(8)
    );
}

#[tokio::test]
async fn reads_from_memory_and_from_files_are_alike() {
    let mut answers = Vec::new();
    for tail_cache_bytes in [0, 1 << 20] {
        let memory = Memory::default();
        let config = crate::durability::LogConfig { tail_cache_bytes, ..quiet() };
        let topics = open_with(&memory, config).unwrap();
        topics.create("t", 1, settings(&[("segment.bytes", "500")])).await.unwrap();
        let partition = partition_of(&topics, "t", 0);
        for n in 0..20 {
            produce(&partition, batch(&"v".repeat(n * 7))).await;
        }
        let mut all = Vec::new();
        for offset in 0..=20 {
            for max in [0, 100, 150, 400, 5000] {
                for whole in [true, false] {
                    let slice = partition.read(offset, max, whole, Isolation::ReadUncommitted).await.unwrap();
                    // A file read ends with its segment; what it gives is a prefix of the other.
                    all.push((offset, max, whole, slice.records));
                }
            }
        }
        answers.push(all);
    }
    for (disk, memory) in answers[0].iter().zip(&answers[1]) {
        assert!(memory.3.starts_with(&disk.3), "{:?} {:?}", &disk, &memory);
        assert_eq!(memory.3.is_empty(), disk.3.is_empty());
    }
}

#[tokio::test]
async fn an_idle_partition_gives_back_memory_and_files_and_works_on() {
    let (memory, topics, partition) = with(&[]).await;
    produce(&partition, batch("0")).await;
    let mut count = 0;
    partition.release_idle(&mut count);
    assert!(lock(&partition.tail).bytes_between(0, 1).is_some(), "appended since the last look");
    partition.release_idle(&mut count);
    assert!(lock(&partition.tail).bytes_between(0, 1).is_none());
    assert!(partition.segments.as_ref().unwrap().active().open_handles().is_none());
    assert_eq!(topics.engine_and_dir().0.tail_bytes.load(Ordering::Relaxed), 0);
    assert_eq!(values(&partition).await.len(), 1);
    produce(&partition, batch("1")).await;
    partition.release_idle(&mut 0);
    partition.release_idle(&mut 1);
    topics.shutdown().await;
    let topics = open(&memory.after_power_loss(Loss::All));
    assert_eq!(partition_of(&topics, "t", 0).leader_epoch(), 0);
    assert_eq!(values(&partition_of(&topics, "t", 0)).await.len(), 2);
}

#[tokio::test]
async fn what_is_deleted_leaves_memory() {
    let (_, topics, partition) = with(&[]).await;
    for n in 0..4 {
        produce(&partition, batch(&n.to_string())).await;
    }
    partition.advance_log_start(3).unwrap();
    assert!(lock(&partition.tail).bytes_between(2, 4).is_none());
    let kept = lock(&partition.tail).bytes_between(3, 4).unwrap();
    assert_eq!(topics.engine_and_dir().0.tail_bytes.load(Ordering::Relaxed) as u64, kept);
}

#[tokio::test]
async fn a_batch_that_was_walked_is_judged_by_what_the_walk_saw() {
    let pairs = [("cleanup.policy", "compact"), ("message.timestamp.before.max.ms", "1000")];
    let (_, _, partition) = with(&pairs).await;
    let keyless = BatchBuilder::new().record(NOW, None, Some(b"v".as_slice())).build();
    let old = BatchBuilder::new().record(NOW - 2000, Some(b"k"), Some(b"v")).record(NOW, Some(b"k"), None);
    let late: Expect = |error| matches!(error, AppendError::Timestamp(_));
    let cases: [(Bytes, Option<Expect>); 3] = [
        (batch("v"), None),
        (old.build(), Some(late)),
        (
            keyless,
            Some(|error| matches!(error, AppendError::InvalidRecords { faults, .. } if faults.len() == 1)),
        ),
    ];
    for (bytes, expected) in cases {
        let mut walked = Walked::default();
        let records = crate::record_batch::records(&bytes, &RecordLimits::default()).unwrap();
        records.iter().for_each(|record| walked.add(&record.unwrap()));
        for walked in [None, Some(walked)] {
            let appended = partition.append_walked(bytes.clone(), CLIENT, None, walked).await;
            match (&appended, expected) {
                (Ok(_), None) => {}
                (Err(error), Some(expected)) => assert!(expected(error), "{error:?}"),
                _ => panic!("{appended:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_large_batch_is_written_from_where_it_was_received() {
    let (_, topics, partition) = with(&[]).await;
    let (small, large) = (batch("small"), batch(&"x".repeat(100_000)));
    let address = large.as_ptr();
    let held = batch(&"y".repeat(100_000));
    let all = [small.clone(), large, held.clone(), small];
    let appends = all.map(|batch| partition.append(batch, AppendOrigin::Coordinator));
    for appended in futures_util::future::join_all(appends).await {
        appended.unwrap().ticket.durable().await.unwrap();
    }
    let found = values(&partition).await;
    assert_eq!(found.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let in_memory = partition.read(1, 1, true, Isolation::ReadUncommitted).await.unwrap().records;
    assert_eq!(in_memory.as_ptr(), address);
    // what somebody else holds is stamped in a copy
    assert_eq!(BatchHeader::parse(&held).unwrap().base_offset, 0);
    let copied = partition.read(2, 1, true, Isolation::ReadUncommitted).await.unwrap().records;
    assert_eq!(BatchHeader::parse(&copied).unwrap().base_offset, 2);
    drop(in_memory);
    topics.shutdown().await;
}

#[tokio::test]
async fn many_appends_at_once_get_consecutive_offsets() {
    let memory = Memory::default();
    let topics = open_with(&memory, crate::durability::LogConfig { writer_threads: 2, ..quiet() }).unwrap();
    topics.create("t", 2, settings(&[("segment.bytes", "2000")])).await.unwrap();
    let mut tasks = Vec::new();
    for n in 0..200 {
        let partition = partition_of(&topics, "t", n % 2);
        tasks.push(tokio::spawn(async move { produce(&partition, batch(&n.to_string())).await.base_offset }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    for index in 0..2 {
        let found = values(&partition_of(&topics, "t", index)).await;
        assert_eq!(found.iter().map(|(at, _)| *at).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    }
}
