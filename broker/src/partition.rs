//! One partition: a log, its high watermark, and those who wait for it.
//!
//! Appends are checked on the caller's thread, queued, and written by the partition's writer thread in the order they
//! were queued. Readers never wait for the writer. The high watermark is the synced offset with `fsync` durability and
//! the log end otherwise; it never goes back, and consumers see nothing above it.

use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::watch;

mod append;
mod clean;
mod lookup;
mod maintain;
mod stable;
mod sync;
mod tail;
mod writer;

#[cfg(test)]
mod tests;

pub use append::{AppendError, AppendOrigin, Appended, RecordFault, Ticket};
pub use lookup::TimestampOffset;
pub use maintain::DeleteRecordsError;

use crate::durability::Engine;
use crate::log::boot;
use crate::log::epochs::Epochs;
use crate::log::recovery::{Recovered, RecoveryError};
use crate::log::segment::SegmentLimits;
use crate::log::txn_index::Aborted;
use crate::log::{PartitionDir, Segments, lock};
use crate::producer_state::Producer;
use crate::record_batch::Batches;
use crate::topics::config::{Durability, TopicConfig};
use stable::Stable;
use tail::Tail;
use writer::{Queue, Writer};

/// Which records a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// Up to the high watermark.
    ReadUncommitted,
    /// Up to the last stable offset.
    ReadCommitted,
}

/// Whether a partition works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It does.
    Online,
    /// A file failed: appends are refused; what was below the high watermark may still be read.
    Offline,
    /// The topic is gone.
    Deleted,
}

/// What long polls wait for; see [`Partition::watch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Readers see offsets below.
    pub high_watermark: i64,
    /// `read_committed` readers see offsets below.
    pub last_stable_offset: i64,
    /// Whether anything may still change.
    pub status: Status,
}

/// Why records cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Below the log start or above the log end.
    #[error("offset {offset} is outside of [{log_start_offset}, {log_end_offset}]")]
    OffsetOutOfRange {
        /// Asked for.
        offset: i64,
        /// First readable.
        log_start_offset: i64,
        /// Next to be written.
        log_end_offset: i64,
    },
    /// The partition was taken offline.
    #[error("the partition is offline")]
    Offline,
    /// The topic was deleted.
    #[error("the topic was deleted")]
    Deleted,
    /// A file cannot be read.
    #[error("the log cannot be read")]
    Io(#[from] io::Error),
}

/// A transaction that was aborted, as `read_committed` consumers need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Whose.
    pub producer_id: i64,
    /// Where it began.
    pub first_offset: i64,
}

/// Records read, with the offsets a fetch response reports.
#[derive(Clone, Debug)]
pub struct ReadSlice {
    /// Whole batches; the first may begin below the offset asked for.
    pub records: Bytes,
    /// Readers see offsets below.
    pub high_watermark: i64,
    /// `read_committed` readers see offsets below.
    pub last_stable_offset: i64,
    /// First readable.
    pub log_start_offset: i64,
    /// Aborted transactions that overlap the records, with `read_committed`.
    pub aborted: Vec<AbortedTransaction>,
}

/// One partition of a topic.
#[derive(Debug)]
pub struct Partition {
    topic: Arc<str>,
    index: i32,
    engine: Arc<Engine>,
    dir: Arc<PartitionDir>,
    config: Mutex<Arc<TopicConfig>>,
    /// `None` when the log could not be opened.
    segments: Option<Segments>,
    epochs: Mutex<Epochs>,
    writer: Mutex<Writer>,
    queue: Mutex<Queue>,
    unsynced: Mutex<sync::Unsynced>,
    /// Read: while files are opened by name and read. Write: while names change their meaning.
    files: RwLock<()>,
    /// Held by retention and compaction, which exclude each other.
    maintaining: Mutex<()>,
    first_dirty: AtomicI64,
    /// Held during a sync: a later one must not overtake it.
    syncing: Mutex<()>,
    tail: Mutex<Tail>,
    stable: Mutex<Stable>,
    /// Transaction markers appended: tells whether one came between a look at the coordinator and an append.
    markers: AtomicU64,
    log_start: AtomicI64,
    log_end: AtomicI64,
    recovery_point: AtomicI64,
    recovery_point_written: AtomicI64,
    append_count: AtomicU64,
    progress: watch::Sender<Progress>,
    /// Why the partition is offline.
    fault: Mutex<Option<String>>,
}

/// Who a partition is, for its constructors.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) topic: Arc<str>,
    pub(crate) index: i32,
    pub(crate) engine: Arc<Engine>,
    pub(crate) dir: Arc<PartitionDir>,
    pub(crate) config: Arc<TopicConfig>,
}

impl Partition {
    /// A partition over an opened log.
    pub(crate) fn online(identity: Identity, log: Recovered) -> Arc<Self> {
        let (end, recovery_point) = (log.next_offset, log.recovery_point);
        let segments = Segments::new(log.segments);
        let (now_ms, size) = (identity.engine.clock.now_ms(), segments.active().size());
        let writer = Writer::new(end, log.epochs.current(), log.producers, now_ms, size);
        let ends = (log.log_start, end, recovery_point);
        let partition = Self::new(identity, Some(segments), log.epochs, writer, ends, Status::Online, None);
        if recovery_point < end {
            partition.sync_later();
        }
        partition
    }

    /// A partition whose log could not be opened; its recovery point is kept for the next start.
    pub(crate) fn offline(identity: Identity, error: &RecoveryError, recovery_point: i64) -> Arc<Self> {
        let text = error.to_string();
        tracing::error!(
            topic = &*identity.topic,
            partition = identity.index,
            error = text,
            "partition is offline"
        );
        let writer = Writer::new(0, 0, crate::producer_state::ProducerState::default(), 0, 0);
        let ends = (0, 0, recovery_point);
        Self::new(identity, None, Epochs::first(0), writer, ends, Status::Offline, Some(text))
    }

    fn new(
        identity: Identity,
        segments: Option<Segments>,
        epochs: Epochs,
        writer: Writer,
        (log_start, log_end, recovery_point): (i64, i64, i64),
        status: Status,
        fault: Option<String>,
    ) -> Arc<Self> {
        let mut stable = Stable::new(&writer.producers, log_end);
        let last_stable_offset = stable.last_stable_offset(log_end).max(log_start);
        let progress = Progress { high_watermark: log_end, last_stable_offset, status };
        Arc::new(Self {
            topic: identity.topic,
            index: identity.index,
            engine: identity.engine,
            dir: identity.dir,
            config: Mutex::new(identity.config),
            segments,
            epochs: Mutex::new(epochs),
            writer: Mutex::new(writer),
            queue: Mutex::default(),
            unsynced: Mutex::new(sync::Unsynced::new(log_end)),
            files: RwLock::default(),
            maintaining: Mutex::default(),
            first_dirty: 0.into(),
            syncing: Mutex::default(),
            tail: Mutex::default(),
            stable: Mutex::new(stable),
            markers: 0.into(),
            log_start: log_start.into(),
            log_end: log_end.into(),
            recovery_point: recovery_point.into(),
            recovery_point_written: recovery_point.into(),
            append_count: 0.into(),
            progress: watch::Sender::new(progress),
            fault: Mutex::new(fault),
        })
    }

    /// The topic's name.
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    pub(crate) fn key(&self) -> (Arc<str>, i32) {
        (Arc::clone(&self.topic), self.index)
    }

    /// Number within the topic.
    pub fn index(&self) -> i32 {
        self.index
    }

    /// The topic's configuration in effect.
    pub fn config(&self) -> Arc<TopicConfig> {
        Arc::clone(&lock(&self.config))
    }

    pub(crate) fn set_config(&self, config: Arc<TopicConfig>) {
        *lock(&self.config) = config;
    }

    /// First readable offset.
    pub fn log_start_offset(&self) -> i64 {
        self.log_start.load(Ordering::Acquire)
    }

    /// Next offset to be written.
    pub fn log_end_offset(&self) -> i64 {
        self.log_end.load(Ordering::Acquire)
    }

    /// Readers see offsets below. Never goes back.
    pub fn high_watermark(&self) -> i64 {
        self.progress.borrow().high_watermark
    }

    /// `read_committed` readers see offsets below.
    pub fn last_stable_offset(&self) -> i64 {
        self.progress.borrow().last_stable_offset
    }

    /// Whether the partition works.
    pub fn status(&self) -> Status {
        self.progress.borrow().status
    }

    /// Why the partition is offline, for people.
    pub fn fault(&self) -> Option<String> {
        lock(&self.fault).clone()
    }

    /// Stamped on batches and reported in metadata. Grows with every unclean start.
    pub fn leader_epoch(&self) -> i32 {
        lock(&self.epochs).current()
    }

    /// Largest known epoch at or below `epoch`, with the offset after its last record.
    pub fn epoch_end_offset(&self, epoch: i32) -> Option<(i32, i64)> {
        lock(&self.epochs).end_offset(epoch, self.log_end_offset())
    }

    /// The producers with an epoch here, in order of their ids.
    pub fn producers(&self) -> Vec<(i64, Producer)> {
        let writer = lock(&self.writer);
        let mut producers: Vec<_> = writer.producers.iter().map(|(id, it)| (id, it.clone())).collect();
        producers.sort_unstable_by_key(|(id, _)| *id);
        producers
    }

    /// Bytes of log on disk.
    pub fn size_bytes(&self) -> u64 {
        self.segments.as_ref().map_or(0, Segments::bytes)
    }

    /// Wakes on every change of the watermarks and of the status.
    ///
    /// The receiver has seen the value at the time of the call: compare once, then wait for a change.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// When appends become durable.
    pub fn durability(&self) -> Durability {
        self.config().durability(self.engine.config.durability)
    }

    /// Roughly the bytes a reader at `offset` could get now: exact at the tail, estimated elsewhere, 0 at the end.
    pub fn available_bytes(&self, offset: i64, isolation: Isolation) -> u64 {
        let limit = self.limit(isolation);
        if offset >= limit {
            return 0;
        }
        if let Some(bytes) = lock(&self.tail).bytes_between(offset, limit) {
            return bytes;
        }
        let Some(segments) = &self.segments else { return 0 };
        segments
            .from(offset)
            .map(|segment| {
                let state = segment.state();
                let span = (state.next_offset - segment.base_offset()).max(1);
                let wanted = (state.next_offset - offset.max(segment.base_offset())).clamp(0, span);
                let share = i128::from(state.size) * i128::from(wanted) / i128::from(span);
                u64::try_from(share).unwrap_or(0)
            })
            .sum::<u64>()
            .max(1)
    }

    fn limit(&self, isolation: Isolation) -> i64 {
        let progress = self.progress.borrow();
        match isolation {
            Isolation::ReadUncommitted => progress.high_watermark,
            Isolation::ReadCommitted => progress.last_stable_offset,
        }
    }

    /// Reads whole batches from the one that holds `offset`.
    ///
    /// At most `max_bytes`; a larger first batch comes whole with `min_one_batch` and not at all without. Empty at and
    /// above the watermark that `isolation` names. The tail is served from memory, the rest by the read pool.
    pub async fn read(
        self: &Arc<Self>,
        offset: i64,
        max_bytes: usize,
        min_one_batch: bool,
        isolation: Isolation,
    ) -> Result<ReadSlice, ReadError> {
        self.readable()?;
        let log_start_offset = self.log_start_offset();
        let log_end_offset = self.log_end_offset();
        if offset < log_start_offset || offset > log_end_offset {
            return Err(ReadError::OffsetOutOfRange { offset, log_start_offset, log_end_offset });
        }
        let progress = *self.progress.borrow();
        let limit = match isolation {
            Isolation::ReadUncommitted => progress.high_watermark,
            Isolation::ReadCommitted => progress.last_stable_offset,
        };
        let mut slice = ReadSlice {
            records: Bytes::new(),
            high_watermark: progress.high_watermark,
            last_stable_offset: progress.last_stable_offset,
            log_start_offset,
            aborted: Vec::new(),
        };
        if offset >= limit {
            return Ok(slice);
        }
        let cached = lock(&self.tail).read(offset, limit, max_bytes, min_one_batch);
        slice.records = if let Some(records) = cached {
            records
        } else {
            let partition = Arc::clone(self);
            let read = self
                .engine
                .readers
                .run(move || partition.read_files(offset, limit, max_bytes, min_one_batch));
            read.await.ok_or(ReadError::Offline)?.map_err(ReadError::Io)?
        };
        if isolation == Isolation::ReadCommitted {
            let until =
                Batches::new(&slice.records).last().map_or(offset, |(header, _)| header.next_offset());
            slice.aborted = self.aborted(offset, until).await?;
        }
        Ok(slice)
    }

    /// The aborted transactions that overlap `[from, until)`, in order of where they began.
    async fn aborted(self: &Arc<Self>, from: i64, until: i64) -> Result<Vec<AbortedTransaction>, ReadError> {
        let recent = lock(&self.stable).aborted(from, until);
        let mut found = if let Some(found) = recent {
            found
        } else {
            let partition = Arc::clone(self);
            let look_up = self.engine.readers.run(move || {
                let _names_stay = read(&partition.files);
                let mut found = Vec::new();
                let Some(segments) = &partition.segments else { return Ok(found) };
                for segment in segments.from(from) {
                    if !segment.aborted(from, until, &mut found)? {
                        break;
                    }
                }
                Ok(found)
            });
            look_up.await.ok_or(ReadError::Offline)?.map_err(ReadError::Io)?
        };
        found.sort_by_key(|entry| entry.first_offset);
        let transaction = |entry: Aborted| AbortedTransaction {
            producer_id: entry.producer_id,
            first_offset: entry.first_offset,
        };
        Ok(found.into_iter().map(transaction).collect())
    }

    fn readable(&self) -> Result<&Segments, ReadError> {
        if self.status() == Status::Deleted {
            return Err(ReadError::Deleted);
        }
        self.segments.as_ref().ok_or(ReadError::Offline)
    }

    /// Stops appends for good after a file error; what is below the high watermark stays readable.
    pub(crate) fn fence(&self, reason: &str, error: &io::Error) {
        tracing::error!(topic = &*self.topic, partition = self.index, reason, %error, "partition is offline");
        lock(&self.fault).get_or_insert_with(|| format!("{reason}: {error}"));
        if let Some(data_dir) = self.dir.path.parent() {
            boot::forget(&*self.dir.storage, data_dir);
        }
        self.end(Status::Offline);
    }

    /// Stops everything: the topic was deleted.
    pub(crate) fn delete(&self) {
        self.end(Status::Deleted);
        // What is under way ends before the name may be used again.
        drop(lock(&self.maintaining));
        drop(lock(&self.writer));
        lock(&self.tail).clear(&self.engine.tail_bytes);
    }

    fn end(&self, status: Status) {
        self.progress.send_if_modified(|progress| {
            let changed = progress.status != status && progress.status != Status::Deleted;
            if changed {
                progress.status = status;
            }
            changed
        });
    }

    fn limits(config: &TopicConfig) -> SegmentLimits {
        segment_limits(config)
    }
}

fn read(files: &RwLock<()>) -> RwLockReadGuard<'_, ()> {
    files.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(files: &RwLock<()>) -> RwLockWriteGuard<'_, ()> {
    files.write().unwrap_or_else(PoisonError::into_inner)
}

/// A topic's limits on segments.
pub(crate) fn segment_limits(config: &TopicConfig) -> SegmentLimits {
    let positive = |value: i32| u64::from(value.max(0).cast_unsigned());
    SegmentLimits {
        segment: positive(config.segment_bytes),
        index: positive(config.segment_index_bytes),
        index_interval: positive(config.index_interval_bytes),
    }
}
