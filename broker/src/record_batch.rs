//! Record batches of format 2, the unit Kafka clients send, the log stores and consumers receive.
//!
//! ```text
//!  0  baseOffset i64          27  baseTimestamp i64
//!  8  batchLength i32         35  maxTimestamp i64
//! 12  partitionLeaderEpoch    43  producerId i64
//! 16  magic i8 = 2            51  producerEpoch i16
//! 17  crc u32 of [21, end)    53  baseSequence i32
//! 21  attributes i16          57  recordsCount i32
//! 23  lastOffsetDelta i32     61  records (one compressed blob when a codec is set)
//! ```
//!
//! The CRC is CRC-32C and covers neither base offset nor leader epoch, so that assigning an offset and
//! an epoch leaves a batch otherwise as the producer sent it. Sources: Kafka protocol guide, "Record Batch"; KIP-98,
//! KIP-101, KIP-534 (delete horizon).

use thiserror::Error;

use crate::compression::Codec;

mod build;
mod marker;
mod records;
mod rewrite;

pub use build::BatchBuilder;
pub use marker::Marker;
pub(crate) use records::Walked;
pub use records::{Headers, Record, RecordError, RecordIter, RecordLimits, Records, records};
pub(crate) use rewrite::rewrite;

/// Bytes before the records of a batch.
pub const HEADER_BYTES: usize = 61;
/// Bytes before and including the length field, which `batchLength` does not count.
pub const LENGTH_PREFIX_BYTES: usize = 12;
/// The only supported format.
pub const MAGIC: i8 = 2;

const EPOCH_AT: usize = 12;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const MAX_TIMESTAMP_AT: usize = 35;

const CODEC_MASK: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
const DELETE_HORIZON: i16 = 1 << 6;

/// Why bytes are not a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// Fewer bytes than a header, or than the header's length field claims.
    #[error("record batch is truncated: {available} of {needed} bytes")]
    Truncated {
        /// Bytes the batch needs.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// A length field below the header's own size.
    #[error("record batch length {length} is below the minimum of 49")]
    Length {
        /// The field as read.
        length: i32,
    },
    /// A format other than 2.
    #[error("record batch has magic {magic}, only 2 is supported")]
    Magic {
        /// The byte as read.
        magic: i8,
    },
    /// The checksum does not fit the bytes.
    #[error("record batch checksum is {computed:#010x}, its header says {stored:#010x}")]
    Crc {
        /// In the header.
        stored: u32,
        /// Of the bytes.
        computed: u32,
    },
}

/// Who set a batch's timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer, per record.
    CreateTime,
    /// The broker, one for the whole batch (`maxTimestamp`).
    LogAppendTime,
}

/// The fixed header of a batch, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record (0 as sent by a producer).
    pub base_offset: i64,
    /// Bytes after the length field.
    pub batch_length: i32,
    /// Leader epoch the broker stamped.
    pub leader_epoch: i32,
    /// CRC-32C as stored.
    pub crc: u32,
    /// Codec, timestamp type and flags.
    pub attributes: i16,
    /// Offset of the last record relative to the base.
    pub last_offset_delta: i32,
    /// Timestamp the records' deltas count from, or the delete horizon.
    pub base_timestamp: i64,
    /// Largest timestamp in the batch; -1 when unset.
    pub max_timestamp: i64,
    /// -1 without idempotence.
    pub producer_id: i64,
    /// -1 without idempotence.
    pub producer_epoch: i16,
    /// -1 without idempotence, and in control batches.
    pub base_sequence: i32,
    /// Records in the batch; may be 0 after compaction.
    pub records_count: i32,
}

impl BatchHeader {
    /// Decodes the header at the start of `bytes`, which may go on past the batch or end before it.
    ///
    /// Checks magic and the length field's minimum, nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let Some(head) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(BatchError::Truncated { needed: HEADER_BYTES, available: bytes.len() });
        };
        let magic = i8::from_be_bytes(field(head, 16));
        if magic != MAGIC {
            return Err(BatchError::Magic { magic });
        }
        let header = Self {
            base_offset: i64::from_be_bytes(field(head, 0)),
            batch_length: i32::from_be_bytes(field(head, 8)),
            leader_epoch: i32::from_be_bytes(field(head, EPOCH_AT)),
            crc: u32::from_be_bytes(field(head, CRC_AT)),
            attributes: i16::from_be_bytes(field(head, ATTRIBUTES_AT)),
            last_offset_delta: i32::from_be_bytes(field(head, 23)),
            base_timestamp: i64::from_be_bytes(field(head, 27)),
            max_timestamp: i64::from_be_bytes(field(head, MAX_TIMESTAMP_AT)),
            producer_id: i64::from_be_bytes(field(head, 43)),
            producer_epoch: i16::from_be_bytes(field(head, 51)),
            base_sequence: i32::from_be_bytes(field(head, 53)),
            records_count: i32::from_be_bytes(field(head, 57)),
        };
        if usize::try_from(header.batch_length).is_ok_and(|n| n >= HEADER_BYTES - LENGTH_PREFIX_BYTES) {
            Ok(header)
        } else {
            Err(BatchError::Length { length: header.batch_length })
        }
    }

    /// Decodes the header of the batch at the start of `bytes` and returns the whole batch beside it.
    pub fn split(bytes: &[u8]) -> Result<(Self, &[u8]), BatchError> {
        let header = Self::parse(bytes)?;
        match bytes.get(..header.total_bytes()) {
            Some(batch) => Ok((header, batch)),
            None => Err(BatchError::Truncated { needed: header.total_bytes(), available: bytes.len() }),
        }
    }

    /// Checks the stored checksum against `batch`, which must be exactly this batch.
    pub fn check_crc(&self, batch: &[u8]) -> Result<(), BatchError> {
        let computed = crc_of_batch(batch);
        if computed == self.crc { Ok(()) } else { Err(BatchError::Crc { stored: self.crc, computed }) }
    }

    /// Size of the whole batch in bytes.
    pub fn total_bytes(&self) -> usize {
        LENGTH_PREFIX_BYTES + usize::try_from(self.batch_length).unwrap_or(0)
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// Offset that follows the batch.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// The compression codec; `None` for the undefined values 5 to 7.
    pub fn codec(&self) -> Option<Codec> {
        Codec::from_attribute(self.attributes & CODEC_MASK)
    }

    /// Whose timestamps these are.
    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes & LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Part of a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// A broker's marker, not a client's data.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// `base_timestamp` is the time after which tombstones may go (KIP-534).
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes & DELETE_HORIZON != 0
    }

    /// Sequence of the last record, wrapping from 2147483647 to 0; -1 without a sequence.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 { -1 } else { sequence_after(self.base_sequence, self.last_offset_delta) }
    }
}

/// The sequence `count` records after `sequence`, wrapping from 2147483647 to 0.
pub fn sequence_after(sequence: i32, count: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(count);
    i32::try_from(sum).unwrap_or_else(|_| i32::try_from(sum - (i64::from(i32::MAX) + 1)).unwrap_or(0))
}

/// CRC-32C of what a batch's checksum covers; 0 for bytes shorter than a header.
pub fn crc_of_batch(batch: &[u8]) -> u32 {
    batch.get(ATTRIBUTES_AT..).map_or(0, crc32c)
}

/// CRC-32C (Castagnoli).
pub fn crc32c(bytes: &[u8]) -> u32 {
    u32::try_from(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes)).unwrap_or(0)
}

/// Writes base offset and leader epoch into a batch; the checksum stays valid.
///
/// # Panics
/// When `batch` is shorter than a header: callers have parsed it.
pub fn assign(batch: &mut [u8], base_offset: i64, leader_epoch: i32) {
    put(batch, 0, &base_offset.to_be_bytes());
    put(batch, EPOCH_AT, &leader_epoch.to_be_bytes());
}

/// Turns a batch into one with `LogAppendTime` at `now_ms` and recomputes its checksum; deltas stay untouched.
///
/// # Panics
/// When `batch` is shorter than a header: callers have parsed it.
pub fn set_log_append_time(batch: &mut [u8], attributes: i16, now_ms: i64) {
    put(batch, ATTRIBUTES_AT, &(attributes | LOG_APPEND_TIME).to_be_bytes());
    put(batch, MAX_TIMESTAMP_AT, &now_ms.to_be_bytes());
    let crc = crc_of_batch(batch);
    put(batch, CRC_AT, &crc.to_be_bytes());
}

#[expect(clippy::indexing_slicing, reason = "documented to panic on less than a header")]
fn put(batch: &mut [u8], at: usize, bytes: &[u8]) {
    batch[at..at + bytes.len()].copy_from_slice(bytes);
}

#[expect(clippy::indexing_slicing, reason = "every caller's position is inside the fixed header")]
fn field<const N: usize>(head: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&head[at..at + N]);
    out
}

/// The batches in a run of bytes, front to back; stops at the first that is not whole.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
}

impl<'a> Batches<'a> {
    /// Iterates over `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = (BatchHeader, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (header, batch) = BatchHeader::split(self.rest).ok()?;
        self.rest = self.rest.get(batch.len()..).unwrap_or_default();
        Some((header, batch))
    }
}

#[cfg(test)]
mod tests;
