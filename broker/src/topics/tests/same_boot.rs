//! Starts after the process alone has ended, with a topic whose durability is left to the operating system.

use super::recovery::wide;
use super::*;
use crate::log::storage::Storage as _;
use crate::topics::config::Durability;

const LOG: &str = "/data/t-0/00000000000000000000.log";

fn os() -> LogConfig {
    LogConfig { durability: Durability::Os, ..quiet() }
}

/// A hundred and ten batches of which nothing was synced, in one segment or in several; the process is killed.
async fn written(segment_bytes: &str) -> Memory {
    let memory = Memory::default();
    let topics = open_with(&memory, os()).unwrap();
    let config = settings(&[("index.interval.bytes", "300"), ("segment.bytes", segment_bytes)]);
    topics.create("t", 1, config).await.unwrap();
    let before = memory.syncs();
    for n in 0..110 {
        produce(&partition_of(&topics, "t", 0), wide(n)).await;
    }
    assert_eq!(memory.syncs(), before);
    kill(&memory, topics)
}

async fn found(memory: &Memory, config: LogConfig) -> Vec<i64> {
    let topics = open_with(memory, config).unwrap();
    let partition = partition_of(&topics, "t", 0);
    assert_eq!(partition.status(), Status::Online, "{:?}", partition.fault());
    values(&partition).await.into_iter().map(|(offset, _)| offset).collect()
}

fn first(count: i64) -> Vec<i64> {
    (0..count).collect()
}

#[tokio::test]
async fn nothing_written_is_lost_and_little_is_read() {
    for segment_bytes in ["1000000", "5000"] {
        let killed = written(segment_bytes).await;
        let topics = open_with(&killed.after_kill(), os()).unwrap();
        let partition = partition_of(&topics, "t", 0);
        assert_eq!(values(&partition).await.len(), 110);
        let at = partition.offset_for_timestamp(NOW + 50, Isolation::ReadUncommitted).await.unwrap();
        assert_eq!(at.map(|found| found.offset), Some(50));
        assert!(partition.append(wide(109), CLIENT).await.unwrap().duplicate);
        assert_eq!(produce(&partition, wide(110)).await.base_offset, 110);
        // what is not read is not seen to be damaged
        let damaged = killed.after_kill();
        damaged.damage(Path::new(LOG), 200);
        assert_eq!(partition_of(&open_with(&damaged, os()).unwrap(), "t", 0).log_end_offset(), 110);
        // another run of the operating system trusts nothing of it
        let topics = open_with(&damaged.after_power_loss(Loss::Nothing), os()).unwrap();
        assert_eq!(partition_of(&topics, "t", 0).log_end_offset(), 1);
    }
}

#[tokio::test]
async fn a_torn_tail_is_cut() {
    let killed = written("1000000").await;
    let end = killed.content(Path::new(LOG)).unwrap().len();
    killed.edit(Path::new(LOG), |bytes| bytes.truncate(end - 5));
    assert_eq!(found(&killed, os()).await, first(109));
    assert!(killed.content(Path::new(LOG)).unwrap().len() < end - 100);
}

#[tokio::test]
async fn what_was_inherited_is_synced_later() {
    for segment_bytes in ["1000000", "5000"] {
        let killed = written(segment_bytes).await;
        assert_eq!(found(&killed.after_power_loss(Loss::All), os()).await, first(0), "nothing was synced");
        let topics = open_with(&killed, os()).unwrap();
        let partition = partition_of(&topics, "t", 0);
        assert_eq!(partition.recovery_point(), 0);
        assert!(partition.sync_now());
        assert_eq!(partition.recovery_point(), 110);
        assert_eq!(found(&killed.after_power_loss(Loss::All), os()).await, first(110));
        drop(partition);
        topics.0.write_checkpoints().unwrap();
        let points = killed.content(Path::new("/data/recovery-point-offset-checkpoint")).unwrap();
        assert!(String::from_utf8(points).unwrap().contains("t 0 110"));
    }
}

#[tokio::test]
async fn a_topic_that_is_to_be_durable_now_is_synced_before_it_is_shown() {
    let killed = written("5000").await;
    assert_eq!(found(&killed, quiet()).await, first(110));
    assert_eq!(found(&killed.after_power_loss(Loss::All), quiet()).await, first(110));
}

#[tokio::test]
async fn a_log_that_is_not_as_it_was_left_is_read_from_the_recovery_point() {
    let killed = written("1000000").await;
    killed.edit(Path::new(LOG), |bytes| bytes.truncate(bytes.len() / 3));
    let left = found(&killed, os()).await;
    assert!((30..40).contains(&left.len()), "{}", left.len());
    let killed = written("5000").await;
    let second = killed.list(Path::new("/data/t-0")).unwrap();
    let mut bases = second.iter().filter_map(|entry| crate::log::offset_of_file(&entry.name, "log"));
    let end = bases.nth(1).unwrap();
    let file = |suffix| Path::new("/data/t-0").join(crate::log::file_name(end, suffix));
    killed.edit(&file("log"), Vec::clear);
    killed.remove_file(&file("index")).unwrap();
    assert_eq!(found(&killed, os()).await, first(end));
}

#[tokio::test]
async fn after_a_failed_sync_everything_is_looked_over() {
    let memory = written("1000000").await;
    let topics = open_with(&memory, os()).unwrap();
    let partition = partition_of(&topics, "t", 0);
    memory.fail_syncs(true);
    assert!(!partition.sync_now());
    drop(partition);
    let killed = kill(&memory, topics);
    killed.damage(Path::new(LOG), 200);
    assert_eq!(found(&killed, os()).await, first(1));
}

#[tokio::test]
async fn many_rolled_segments_do_not_wait_with_open_files() {
    let memory = Memory::default();
    let topics = open_with(&memory, os()).unwrap();
    topics.create("t", 1, settings(&[("segment.bytes", "400")])).await.unwrap();
    let partition = partition_of(&topics, "t", 0);
    for n in 0..40 {
        produce(&partition, wide(n)).await;
    }
    // well before the time after which a round starts anyway
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while partition.recovery_point() == 0 {
        assert!(std::time::Instant::now() < deadline, "nobody syncs");
        tokio::task::yield_now().await;
    }
}
