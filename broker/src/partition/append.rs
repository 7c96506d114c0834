//! Appending: what a batch must be, and what comes back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::oneshot;

use super::{Partition, Status};
use crate::compression::Codec;
use crate::producer_state::SequenceError;
use crate::record_batch::{
    BatchError, BatchHeader, Marker, RecordError, RecordLimits, TimestampType, Walked, records,
};
use crate::topics::config::TopicConfig;

/// First Produce version that may carry zstd.
const ZSTD_PRODUCE_VERSION: i16 = 7;
/// Faulty records named in an error.
const RECORD_FAULTS_MAX: usize = 100;

/// Who appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOrigin {
    /// A Produce request; all checks apply.
    Client {
        /// Of the request: -1, 0 or 1.
        acks: i16,
        /// Version of the request.
        produce_version: i16,
    },
    /// The broker itself (coordinator records, markers): trusted.
    Coordinator,
}

/// One record that is at fault for its batch's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFault {
    /// Position in the batch.
    pub index: usize,
    /// For the client.
    pub message: String,
}

/// Why a batch was not appended. Nothing of it is in the log, but for [`Offline`](Self::Offline) after a failed sync.
#[derive(Debug, Error)]
pub enum AppendError {
    /// No records at all.
    #[error("the request carries no records")]
    Empty,
    /// Not exactly one batch.
    #[error("the request carries {bytes} bytes after its one record batch")]
    SeveralBatches {
        /// After the first.
        bytes: usize,
    },
    /// Not a whole batch, or one with a wrong checksum.
    #[error(transparent)]
    Corrupt(BatchError),
    /// A format other than 2.
    #[error("record batches of magic {magic} are not supported")]
    Magic {
        /// As read.
        magic: i8,
    },
    /// Larger than `max.message.bytes`.
    #[error("the record batch of {bytes} bytes exceeds the topic's maximum of {limit}")]
    TooLarge {
        /// Of the batch.
        bytes: usize,
        /// Of the topic.
        limit: usize,
    },
    /// Larger than a segment may be.
    #[error("the record batch of {bytes} bytes exceeds the segment size of {limit}")]
    LargerThanSegment {
        /// Of the batch.
        bytes: usize,
        /// Of the topic.
        limit: u64,
    },
    /// A header field no client may send.
    #[error("invalid record batch: {0}")]
    Invalid(&'static str),
    /// The inside of the batch cannot be read.
    #[error("invalid record batch: {0}")]
    Records(#[from] RecordError),
    /// Records at fault, with a summary.
    #[error("{message}")]
    InvalidRecords {
        /// For the client.
        message: &'static str,
        /// The first ones at fault.
        faults: Vec<RecordFault>,
    },
    /// A timestamp outside of the allowed range, or not the producer's.
    #[error("invalid timestamp: {0}")]
    Timestamp(&'static str),
    /// A codec this request's version may not carry, or an unknown one.
    #[error("unsupported compression type")]
    Compression,
    /// `min.insync.replicas` asks for more than one node has.
    #[error("min.insync.replicas is {wanted}, and there is one replica")]
    NotEnoughReplicas {
        /// Of the topic.
        wanted: i32,
    },
    /// The batch does not follow its producer's last.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// A transactional batch that may open a transaction here, without a look at the coordinator that still holds.
    #[error("the partition is not known to be part of the producer's transaction")]
    Unverified,
    /// The write failed and was taken back: a later attempt may succeed.
    #[error("the write failed: {0}")]
    Write(String),
    /// The partition is offline.
    #[error("the partition is offline")]
    Offline,
    /// The topic was deleted.
    #[error("the topic was deleted")]
    Deleted,
}

/// A batch in the log (or found there).
#[derive(Debug)]
pub struct Appended {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Offset of the last record.
    pub last_offset: i64,
    /// The broker's time with `LogAppendTime`, else -1.
    pub log_append_time_ms: i64,
    /// First readable offset.
    pub log_start_offset: i64,
    /// The batch was appended before; the offsets are those of then.
    pub duplicate: bool,
    /// For waiting until it is durable.
    pub ticket: Ticket,
}

/// Waits for an append to be as durable as the topic's mode promises.
#[derive(Debug)]
pub struct Ticket {
    pub(super) partition: Arc<Partition>,
    pub(super) next_offset: i64,
}

impl Ticket {
    /// Returns when the high watermark has passed the batch. Cancel-safe.
    pub async fn durable(&self) -> Result<(), AppendError> {
        let mut progress = self.partition.watch();
        let seen = progress
            .wait_for(|now| now.high_watermark >= self.next_offset || now.status != Status::Online)
            .await
            .map_err(|_| AppendError::Offline)?;
        if seen.high_watermark >= self.next_offset {
            return Ok(());
        }
        Err(unavailable(seen.status))
    }
}

fn unavailable(status: Status) -> AppendError {
    if status == Status::Deleted { AppendError::Deleted } else { AppendError::Offline }
}

/// A checked batch on its way to the writer.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) header: BatchHeader,
    pub(super) batch: Bytes,
    pub(super) marker: Option<Marker>,
    pub(super) from_client: bool,
    pub(super) verified: Option<u64>,
    pub(super) reply: oneshot::Sender<Result<Appended, AppendError>>,
    pub(super) _permit: tokio::sync::OwnedSemaphorePermit,
}

impl Partition {
    /// Appends exactly one batch and returns once it is written; durable when its ticket says so.
    ///
    /// Batches are written in the order in which these futures were first polled. Once polled to the queue the append
    /// happens even if the future is dropped.
    pub async fn append(
        self: &Arc<Self>,
        records: Bytes,
        origin: AppendOrigin,
    ) -> Result<Appended, AppendError> {
        self.append_verified(records, origin, None).await
    }

    /// Transaction markers appended so far. Taken before a look at the coordinator, it makes that look hold until the next
    /// marker: see [`append_verified`](Self::append_verified).
    pub fn markers(&self) -> u64 {
        self.markers.load(Ordering::Acquire)
    }

    /// As [`append`](Self::append), for a transactional batch of which the coordinator said, after `verified` was taken, that
    /// this partition is part of its producer's transaction. Needed for the first batch of a transaction; without it, or after
    /// a marker in between, the append is refused as [`Unverified`](AppendError::Unverified), so that no late batch opens a
    /// transaction that nobody ends (KIP-890).
    pub async fn append_verified(
        self: &Arc<Self>,
        records: Bytes,
        origin: AppendOrigin,
        verified: Option<u64>,
    ) -> Result<Appended, AppendError> {
        self.append_walked(records, origin, verified, None).await
    }

    /// As [`append_verified`](Self::append_verified), for a batch whose checksum is right and whose records were `walked`
    /// already.
    pub(crate) async fn append_walked(
        self: &Arc<Self>,
        records: Bytes,
        origin: AppendOrigin,
        verified: Option<u64>,
        walked: Option<Walked>,
    ) -> Result<Appended, AppendError> {
        let status = self.status();
        if status != Status::Online {
            return Err(unavailable(status));
        }
        let header = check(&records, &self.config(), origin, self.engine.clock.now_ms(), walked)?;
        let pool = self.engine.writer(self.writer_hash());
        let permits = Arc::clone(&pool.permits);
        let permit = permits.acquire_owned().await.map_err(|_| AppendError::Offline)?;
        let (reply, answer) = oneshot::channel();
        let from_client = origin != AppendOrigin::Coordinator;
        let marker = Marker::read(&header, &records);
        let pending =
            Pending { header, batch: records, marker, from_client, verified, reply, _permit: permit };
        self.enqueue(pending);
        answer.await.map_err(|_| AppendError::Offline)?
    }
}

/// All checks that need no state, in Kafka's order.
fn check(
    bytes: &[u8],
    config: &TopicConfig,
    origin: AppendOrigin,
    now_ms: i64,
    walked: Option<Walked>,
) -> Result<BatchHeader, AppendError> {
    if bytes.is_empty() {
        return Err(AppendError::Empty);
    }
    let (header, batch) = BatchHeader::split(bytes).map_err(|error| match error {
        BatchError::Magic { magic } => AppendError::Magic { magic },
        BatchError::Truncated { .. } | BatchError::Length { .. } | BatchError::Crc { .. } => {
            AppendError::Corrupt(error)
        }
    })?;
    if batch.len() < bytes.len() {
        return Err(AppendError::SeveralBatches { bytes: bytes.len() - batch.len() });
    }
    let segment_bytes = super::segment_limits(config).segment;
    if let AppendOrigin::Client { acks, produce_version } = origin {
        if header.base_offset != 0 {
            return Err(AppendError::Invalid("base offset is not 0"));
        }
        let limit = usize::try_from(config.max_message_bytes).unwrap_or(0);
        if batch.len() > limit {
            return Err(AppendError::TooLarge { bytes: batch.len(), limit });
        }
        if walked.is_none() {
            header.check_crc(batch).map_err(AppendError::Corrupt)?;
        }
        check_fields(&header)?;
        match header.codec() {
            None => return Err(AppendError::Compression),
            Some(Codec::Zstd) if produce_version < ZSTD_PRODUCE_VERSION => {
                return Err(AppendError::Compression);
            }
            Some(_) => {}
        }
        if acks == -1 && config.min_insync_replicas > 1 {
            return Err(AppendError::NotEnoughReplicas { wanted: config.min_insync_replicas });
        }
        check_records(&header, batch, config, now_ms, walked)?;
    }
    if batch.len() as u64 > segment_bytes {
        return Err(AppendError::LargerThanSegment { bytes: batch.len(), limit: segment_bytes });
    }
    Ok(header)
}

fn check_fields(header: &BatchHeader) -> Result<(), AppendError> {
    if header.records_count <= 0 || i64::from(header.last_offset_delta) + 1 != i64::from(header.records_count)
    {
        return Err(AppendError::Invalid("record count does not fit the last offset delta"));
    }
    if header.is_control() {
        return Err(AppendError::Invalid("clients may not write control records"));
    }
    if header.has_delete_horizon() {
        return Err(AppendError::Invalid("clients may not set a delete horizon"));
    }
    if header.producer_id >= 0 && header.base_sequence < 0 {
        return Err(AppendError::Invalid("a producer id comes without a sequence"));
    }
    if header.producer_id >= 0 && header.producer_epoch < 0 {
        return Err(AppendError::Invalid("a producer id comes without an epoch"));
    }
    if header.is_transactional() && header.producer_id < 0 {
        return Err(AppendError::Invalid("a transactional batch comes without a producer id"));
    }
    if header.timestamp_type() == TimestampType::LogAppendTime {
        return Err(AppendError::Timestamp("clients may not set the log append time"));
    }
    Ok(())
}

/// Walks the records where the topic's configuration asks for it.
fn check_records(
    header: &BatchHeader,
    batch: &[u8],
    config: &TopicConfig,
    now_ms: i64,
    walked: Option<Walked>,
) -> Result<(), AppendError> {
    let create_time = config.timestamp_type == TimestampType::CreateTime;
    let earliest = now_ms.saturating_sub(config.timestamp_before_max_ms);
    let latest = now_ms.saturating_add(config.timestamp_after_max_ms);
    let too_far =
        |timestamp_ms: i64| create_time && timestamp_ms != -1 && !(earliest..=latest).contains(&timestamp_ms);
    let bounded = create_time
        && (config.timestamp_before_max_ms != i64::MAX || config.timestamp_after_max_ms != i64::MAX);
    if too_far(header.max_timestamp) {
        return Err(AppendError::Timestamp("outside of the range the topic allows"));
    }
    if !config.compact && !bounded {
        return Ok(());
    }
    if let Some(walked) = walked
        && (walked.all_keyed || !config.compact)
    {
        let in_range = walked.timestamps_ms.is_none_or(|(least, most)| !too_far(least) && !too_far(most));
        let refusal = AppendError::Timestamp("outside of the range the topic allows");
        return if in_range { Ok(()) } else { Err(refusal) };
    }
    let mut faults = Vec::new();
    for (at, record) in records(batch, &RecordLimits::default())?.iter().enumerate() {
        let record = record?;
        if i32::try_from(at) != Ok(record.offset_delta) {
            return Err(AppendError::Invalid("offset deltas are not consecutive"));
        }
        if too_far(record.timestamp_ms) {
            return Err(AppendError::Timestamp("outside of the range the topic allows"));
        }
        if config.compact && record.key.is_none() && faults.len() < RECORD_FAULTS_MAX {
            let message = "Compacted topic cannot accept message without key.".to_owned();
            faults.push(RecordFault { index: at, message });
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(AppendError::InvalidRecords { message: "One or more records have been rejected", faults })
    }
}
