use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::clock::ManualClock;
use crate::durability::LogConfig;
use crate::log::storage::memory::{Loss, Memory};
use crate::partition::{AppendOrigin, Appended, Isolation, Status};
use crate::record_batch::{BatchBuilder, Batches, RecordLimits, records};

mod compaction;
mod damage;
mod lifecycle;
mod model;
mod power_loss;
mod recovery;
mod same_boot;
pub(crate) mod transactions;

pub(crate) const DIR: &str = "/data";
pub(crate) const NOW: i64 = 1_700_000_000_000;
pub(crate) const CLIENT: AppendOrigin = AppendOrigin::Client { acks: -1, produce_version: 9 };

/// Nothing happens by itself, and one thread of each kind keeps runs alike.
pub(crate) fn quiet() -> LogConfig {
    LogConfig {
        writer_threads: 1,
        sync_threads: 1,
        read_threads: 1,
        recovery_threads: 1,
        checkpoint_interval: Duration::from_hours(10),
        cleaner_interval: Duration::from_hours(10),
        retention_check_interval: Duration::from_hours(10),
        ..LogConfig::default()
    }
}

pub(crate) fn open_with(memory: &Memory, config: LogConfig) -> Result<Topics, OpenError> {
    Topics::open(Path::new(DIR), config, Arc::new(memory.clone()), Arc::new(ManualClock::at(NOW)))
}

pub(crate) fn open(memory: &Memory) -> Topics {
    open_with(memory, quiet()).unwrap()
}

/// The process ends without a word, the files stay as they are.
pub(crate) fn kill(memory: &Memory, topics: Topics) -> Memory {
    drop(topics);
    memory.after_kill()
}

pub(crate) fn settings(pairs: &[(&str, &str)]) -> TopicConfig {
    TopicConfig::from_map(pairs.iter().copied(), &config::TopicDefaults::default()).unwrap()
}

pub(crate) fn batch(value: &str) -> Bytes {
    BatchBuilder::new().record(NOW, Some(b"k"), Some(value.as_bytes())).build()
}

pub(crate) fn idempotent(producer_id: i64, sequence: i32, value: &str) -> Bytes {
    BatchBuilder::new().producer(producer_id, 0, sequence).record(NOW, None, Some(value.as_bytes())).build()
}

/// Appends and waits until it is durable.
pub(crate) async fn produce(partition: &Arc<Partition>, records: Bytes) -> Appended {
    let appended = partition.append(records, CLIENT).await.unwrap();
    appended.ticket.durable().await.unwrap();
    appended
}

/// All readable values with their offsets, read in small steps.
pub(crate) async fn values(partition: &Arc<Partition>) -> Vec<(i64, String)> {
    try_values(partition).await.unwrap()
}

/// As [`values`]; an error when reading ends below the high watermark.
pub(crate) async fn try_values(partition: &Arc<Partition>) -> Result<Vec<(i64, String)>, String> {
    let mut out = Vec::new();
    let mut offset = partition.log_start_offset();
    loop {
        let slice = partition.read(offset, 200, true, Isolation::ReadUncommitted).await.unwrap();
        if slice.records.is_empty() {
            let end = slice.high_watermark;
            return if offset == end { Ok(out) } else { Err(format!("reading ends at {offset} of {end}")) };
        }
        for (header, batch) in Batches::new(&slice.records) {
            header.check_crc(batch).unwrap();
            for record in &records(batch, &RecordLimits::default()).unwrap() {
                let record = record.unwrap();
                let at = header.base_offset + i64::from(record.offset_delta);
                if at >= offset {
                    out.push((at, String::from_utf8(record.value.unwrap().to_vec()).unwrap()));
                }
            }
            offset = header.next_offset();
        }
    }
}

pub(crate) fn partition_of(topics: &Topics, name: &str, index: i32) -> Arc<Partition> {
    topics.get(name).unwrap().partition(index).unwrap()
}
