//! What a start makes of the files it finds.

use super::*;
use crate::log::storage::Storage as _;
use crate::partition::AppendError;

fn file(name: &str) -> PathBuf {
    Path::new(DIR).join("t-0").join(name)
}

fn log(base: i64) -> PathBuf {
    file(&format!("{base:020}.log"))
}

/// Twenty records in small segments, synced, the checkpoint written or not.
async fn written(checkpoint: bool) -> Memory {
    let memory = Memory::default();
    let topics = open(&memory);
    let small = settings(&[("segment.bytes", "400"), ("index.interval.bytes", "100")]);
    topics.create("t", 1, small).await.unwrap();
    topics.create("other", 1, TopicConfig::default()).await.unwrap();
    for n in 0..20 {
        produce(&partition_of(&topics, "t", 0), batch(&n.to_string())).await;
    }
    if checkpoint {
        topics.0.write_checkpoints().unwrap();
    }
    kill(&memory, topics)
}

fn expected() -> Vec<(i64, String)> {
    (0..20).map(|n| (n, n.to_string())).collect()
}

fn bases(memory: &Memory) -> Vec<i64> {
    let entries = memory.list(&Path::new(DIR).join("t-0")).unwrap();
    entries.iter().filter_map(|entry| crate::log::offset_of_file(&entry.name, "log")).collect()
}

#[tokio::test]
async fn a_kill_loses_nothing_and_raises_the_epoch_each_time() {
    let mut memory = written(false).await;
    for epoch in 1..4 {
        let topics = open(&memory);
        let partition = partition_of(&topics, "t", 0);
        assert_eq!(values(&partition).await, expected());
        assert_eq!(partition.leader_epoch(), epoch);
        assert_eq!(partition.epoch_end_offset(0), Some((0, 20)));
        memory = kill(&memory, topics);
    }
    open(&memory).shutdown().await;
    assert_eq!(partition_of(&open(&memory), "t", 0).leader_epoch(), 4, "a clean start keeps it");
}

#[tokio::test]
async fn a_torn_tail_above_the_recovery_point_is_cut() {
    for damage in ["half a batch", "zeros", "wrong checksum"] {
        let memory = written(false).await;
        let last = *bases(&memory).last().unwrap();
        let whole = memory.content(&log(last)).unwrap().len();
        memory.edit(&log(last), |content| match damage {
            "half a batch" => content.truncate(whole - 5),
            "zeros" => content.extend([0; 5000]),
            _ => content[whole - 3] ^= 1,
        });
        let topics = open(&memory);
        let partition = partition_of(&topics, "t", 0);
        let kept = if damage == "zeros" { 20 } else { 19 };
        assert_eq!(values(&partition).await, expected()[..kept], "{damage}");
        assert_eq!(produce(&partition, batch("next")).await.base_offset, i64::try_from(kept).unwrap());
        assert_eq!(values(&partition).await.len(), kept + 1);
    }
}

#[tokio::test]
async fn a_hole_above_the_recovery_point_takes_later_segments_along() {
    let memory = written(false).await;
    let second = bases(&memory)[1];
    memory.damage(&log(second), 65);
    let topics = open(&memory);
    let partition = partition_of(&topics, "t", 0);
    assert_eq!(partition.log_end_offset(), second);
    assert_eq!(bases(&memory).last(), Some(&second));
    assert_eq!(produce(&partition, batch("next")).await.base_offset, second);
    let topics = open(&kill(&memory, topics));
    assert_eq!(values(&partition_of(&topics, "t", 0)).await.len(), usize::try_from(second).unwrap() + 1);
}

#[tokio::test]
async fn damage_below_the_recovery_point_takes_only_this_partition_offline() {
    let memory = written(true).await;
    let last = *bases(&memory).last().unwrap();
    let before = memory.content(&log(last)).unwrap();
    memory.damage(&log(last), 65);
    let topics = open(&memory);
    let partition = partition_of(&topics, "t", 0);
    assert_eq!(partition.status(), Status::Offline);
    let fault = partition.fault().unwrap();
    let text =
        format!("{last:020}.log is damaged at position 0 (offset {last}), below the recovery point 20: ");
    assert!(fault.starts_with(&text), "{fault}");
    assert!(matches!(partition.append(batch("x"), CLIENT).await, Err(AppendError::Offline)));
    assert!(partition.read(0, 100, true, Isolation::ReadUncommitted).await.is_err());
    produce(&partition_of(&topics, "other", 0), batch("v")).await;
    // Nothing was cut, and an orderly stop does not make it forgotten.
    topics.shutdown().await;
    assert_eq!(memory.content(&log(last)).unwrap().len(), before.len());
    let topics = open(&memory);
    assert_eq!(partition_of(&topics, "t", 0).status(), Status::Offline);
    drop(topics);
    memory.release_locks();
    // The original bytes bring it back.
    memory.edit(&log(last), |content| *content = before);
    assert_eq!(values(&partition_of(&open(&memory), "t", 0)).await, expected());
}

#[tokio::test]
async fn a_log_shorter_than_what_was_synced_is_offline() {
    let memory = written(true).await;
    let last = *bases(&memory).last().unwrap();
    memory.edit(&log(last), Vec::clear);
    let fault = partition_of(&open(&memory), "t", 0).fault().unwrap();
    assert_eq!(fault, format!("the log ends at offset {last}, but was synced up to 20"));
}

#[tokio::test]
async fn a_missing_folder_is_not_replaced_by_an_empty_one() {
    let memory = written(true).await;
    memory.remove_dir(&Path::new(DIR).join("t-0")).unwrap();
    let fault = partition_of(&open(&memory), "t", 0).fault().unwrap();
    assert_eq!(fault, "the folder is missing");
}

#[tokio::test]
async fn missing_and_suspect_indexes_are_rebuilt() {
    for clean in [true, false] {
        let memory = written(true).await;
        if clean {
            open(&memory).shutdown().await;
        }
        for (at, base) in bases(&memory).into_iter().enumerate() {
            for suffix in ["index", "timeindex"] {
                let path = file(&format!("{base:020}.{suffix}"));
                match at % 3 {
                    0 => memory.remove_file(&path).unwrap(),
                    1 => memory.edit(&path, |content| content.push(7)),
                    _ => memory.edit(&path, |content| content.resize(4096 * 24, 0)),
                }
            }
        }
        let topics = open(&memory);
        let partition = partition_of(&topics, "t", 0);
        assert_eq!(values(&partition).await, expected(), "clean: {clean}");
        let found = partition.offset_for_timestamp(NOW, Isolation::ReadUncommitted).await.unwrap().unwrap();
        assert_eq!(found.offset, 0);
        let sealed = bases(&memory)[0];
        let index = memory.content(&file(&format!("{sealed:020}.index"))).unwrap();
        assert!(!index.is_empty() && index.len() % 8 == 0 && index.len() < 100, "{}", index.len());
    }
}

#[tokio::test]
async fn producer_windows_survive_every_kind_of_restart() {
    for clean in [true, false] {
        let memory = Memory::default();
        let topics = open(&memory);
        topics.create("t", 1, settings(&[("segment.bytes", "300")])).await.unwrap();
        for n in 0..9 {
            produce(&partition_of(&topics, "t", 0), idempotent(7, n, &n.to_string())).await;
        }
        let memory = if clean {
            topics.shutdown().await;
            memory
        } else {
            kill(&memory, topics)
        };
        let topics = open(&memory);
        let partition = partition_of(&topics, "t", 0);
        for n in 4..9 {
            let again = produce(&partition, idempotent(7, n, &n.to_string())).await;
            assert!(again.duplicate, "sequence {n}, clean: {clean}");
            assert_eq!((again.base_offset, again.last_offset), (n.into(), n.into()));
        }
        for gap in [3, 10] {
            let error = partition.append(idempotent(7, gap, "x"), CLIENT).await.unwrap_err();
            assert!(matches!(error, AppendError::Sequence(_)), "{error}");
        }
        let next = produce(&partition, idempotent(7, 9, "9")).await;
        assert!(!next.duplicate);
        let once: Vec<_> = (0..10).map(|n: i64| (n, n.to_string())).collect();
        assert_eq!(values(&partition).await, once);
    }
}

#[tokio::test]
async fn a_damaged_snapshot_is_replaced_by_the_log() {
    let memory = Memory::default();
    let topics = open(&memory);
    topics.create("t", 1, settings(&[("segment.bytes", "300")])).await.unwrap();
    for n in 0..9 {
        produce(&partition_of(&topics, "t", 0), idempotent(7, n, "v")).await;
    }
    topics.shutdown().await;
    for entry in memory.list(&Path::new(DIR).join("t-0")).unwrap() {
        if entry.name.ends_with("snapshot") {
            memory.damage(&file(&entry.name), 12);
        }
    }
    let partition = partition_of(&open(&memory), "t", 0);
    assert!(produce(&partition, idempotent(7, 5, "v")).await.duplicate);
}

#[tokio::test]
async fn files_of_a_dead_cleanup_are_removed() {
    let memory = written(true).await;
    for name in ["00000000000000000000.log.deleted", "x.tmp", "00000000000000000099.index"] {
        memory.open(&file(name), crate::log::storage::OpenMode::ReadWrite).unwrap();
    }
    let topics = open(&memory);
    assert_eq!(values(&partition_of(&topics, "t", 0)).await, expected());
    let names: Vec<_> =
        memory.list(&Path::new(DIR).join("t-0")).unwrap().into_iter().map(|entry| entry.name).collect();
    assert!(
        !names.iter().any(|name| name.contains("deleted") || name.contains("tmp") || name.contains("99."))
    );
}

pub(super) fn wide(n: i32) -> Bytes {
    let value = format!("{n:0>90}");
    BatchBuilder::new().producer(5, 0, n).record(NOW + i64::from(n), None, Some(value.as_bytes())).build()
}

#[tokio::test]
async fn a_start_after_a_kill_reads_only_what_follows_the_last_mark() {
    let memory = Memory::default();
    let topics = open(&memory);
    topics.create("t", 1, settings(&[("index.interval.bytes", "300")])).await.unwrap();
    let partition = partition_of(&topics, "t", 0);
    for n in 0..100 {
        produce(&partition, wide(n)).await;
    }
    topics.0.write_checkpoints().unwrap();
    for n in 100..110 {
        produce(&partition, wide(n)).await;
    }
    let expected = values(&partition).await;
    drop(partition);
    let killed = kill(&memory, topics);
    let log = Path::new(DIR).join("t-0/00000000000000000000.log");
    // what is not read is not seen to be damaged
    for (position, online) in [(200, true), (3000, true), (killed.content(&log).unwrap().len() - 2500, false)]
    {
        let damaged = killed.after_power_loss(Loss::Nothing);
        damaged.damage(&log, position);
        let topics = open(&damaged);
        let status = partition_of(&topics, "t", 0).status();
        assert_eq!(status == Status::Online, online, "{position}");
    }
    for loss in [Loss::Nothing, Loss::All, Loss::Random(7)] {
        let topics = open(&killed.after_power_loss(loss));
        let partition = partition_of(&topics, "t", 0);
        assert_eq!(partition.status(), Status::Online, "{:?}", partition.fault());
        assert_eq!(values(&partition).await, expected);
        let found = partition.offset_for_timestamp(NOW + 50, Isolation::ReadUncommitted).await.unwrap();
        assert_eq!(found.map(|found| found.offset), Some(50));
        assert_eq!(partition.max_timestamp(Isolation::ReadUncommitted).await.unwrap().unwrap().offset, 109);
        // producers are known, too
        assert!(partition.append(wide(109), CLIENT).await.unwrap().duplicate);
        assert_eq!(produce(&partition, wide(110)).await.base_offset, 110);
    }
}

#[tokio::test]
async fn indexes_that_disagree_with_the_log_are_made_anew() {
    for index in ["index", "timeindex"] {
        let memory = Memory::default();
        let topics = open(&memory);
        topics.create("t", 1, settings(&[("index.interval.bytes", "300")])).await.unwrap();
        let partition = partition_of(&topics, "t", 0);
        for n in 0..60 {
            produce(&partition, wide(n)).await;
        }
        topics.0.write_checkpoints().unwrap();
        let expected = values(&partition).await;
        drop(partition);
        let killed = kill(&memory, topics);
        let path = Path::new(DIR).join(format!("t-0/00000000000000000000.{index}"));
        let changes: [fn(&mut Vec<u8>); 3] = [|bytes| bytes.fill(0), |bytes| bytes.truncate(13), Vec::clear];
        for change in changes {
            let damaged = killed.after_power_loss(Loss::Nothing);
            damaged.edit(&path, change);
            let topics = open(&damaged);
            let partition = partition_of(&topics, "t", 0);
            assert_eq!(partition.status(), Status::Online, "{:?}", partition.fault());
            assert_eq!(values(&partition).await, expected);
            for n in [0, 17, 59] {
                let read = partition.read(n, 1, true, Isolation::ReadUncommitted).await.unwrap();
                assert_eq!(Batches::new(&read.records).next().unwrap().0.base_offset, n);
            }
        }
    }
}

#[tokio::test]
async fn a_gap_in_the_unsynced_tail_ends_a_log_that_was_never_compacted() {
    for (policy, end) in [("delete", 2), ("compact", 12)] {
        let memory = Memory::default();
        let topics = open(&memory);
        topics.create("t", 1, settings(&[("cleanup.policy", policy)])).await.unwrap();
        let partition = partition_of(&topics, "t", 0);
        for value in ["a", "b", "c"] {
            produce(&partition, batch(value)).await;
        }
        drop(partition);
        let killed = kill(&memory, topics);
        let log = Path::new(DIR).join("t-0/00000000000000000000.log");
        let third = killed.content(&log).unwrap().len() / 3 * 2;
        killed.edit(&log, |bytes| bytes[third + 7] = 11);
        let topics = open(&killed);
        assert_eq!(partition_of(&topics, "t", 0).log_end_offset(), end, "{policy}");
    }
}
