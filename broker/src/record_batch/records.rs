//! The records inside a batch: a lazy, bounded walk.

use std::borrow::Cow;

use thiserror::Error;

use super::{BatchError, BatchHeader, HEADER_BYTES, TimestampType};
use crate::compression::{DecompressError, decompress};

/// Bounds for looking inside a batch.
#[derive(Clone, Copy, Debug)]
pub struct RecordLimits {
    /// Most bytes a compressed payload may grow to; 64 MiB by default.
    pub payload_bytes_max: usize,
}

impl Default for RecordLimits {
    fn default() -> Self {
        Self { payload_bytes_max: 64 << 20 }
    }
}

/// Why the inside of a batch cannot be read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The batch around the records is not one.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The attributes name codec 5, 6 or 7.
    #[error("unknown compression codec {0}")]
    Codec(i16),
    /// The payload does not decompress within the limits.
    #[error("payload does not decompress")]
    Decompress(#[from] DecompressError),
    /// A length, varint or count inside record `index` is wrong.
    #[error("record {index} is malformed: {part}")]
    Malformed {
        /// Position of the record in the batch.
        index: usize,
        /// What is wrong.
        part: &'static str,
    },
    /// The payload ended before all counted records, or went on after them.
    #[error("batch says {counted} records and holds {found}")]
    Count {
        /// In the header.
        counted: i32,
        /// Read before the end.
        found: usize,
    },
}

/// A batch's payload, decompressed.
#[derive(Debug)]
pub struct Records<'a> {
    header: BatchHeader,
    payload: Cow<'a, [u8]>,
}

/// Opens the payload of `batch` (exactly one whole batch), decompressing it within `limits`.
///
/// Nothing is copied for an uncompressed batch. The checksum is not looked at.
pub fn records<'a>(batch: &'a [u8], limits: &RecordLimits) -> Result<Records<'a>, RecordError> {
    let (header, batch) = BatchHeader::split(batch)?;
    let raw = batch.get(HEADER_BYTES..).unwrap_or_default();
    let codec = header.codec().ok_or(RecordError::Codec(header.attributes & super::CODEC_MASK))?;
    let payload = decompress(codec, raw, limits.payload_bytes_max)?;
    Ok(Records { header, payload })
}

impl Records<'_> {
    /// The batch's header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// Walks the records; the walk ends after the first error.
    pub fn iter(&self) -> RecordIter<'_> {
        RecordIter { header: self.header, cursor: Cursor(&self.payload), index: 0, done: false }
    }
}

impl<'a> IntoIterator for &'a Records<'_> {
    type Item = Result<Record<'a>, RecordError>;
    type IntoIter = RecordIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What a whole walk over the records of one batch saw: they are well-formed, as many as counted, and their offset deltas are
/// their positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walked {
    /// Smallest and largest timestamp of those that have one.
    pub(crate) timestamps_ms: Option<(i64, i64)>,
    /// No key is null.
    pub(crate) all_keyed: bool,
}

impl Default for Walked {
    fn default() -> Self {
        Self { timestamps_ms: None, all_keyed: true }
    }
}

impl Walked {
    /// Takes the next record into account.
    pub(crate) fn add(&mut self, record: &Record<'_>) {
        if record.timestamp_ms != -1 {
            let (least, most) = self.timestamps_ms.unwrap_or((i64::MAX, i64::MIN));
            self.timestamps_ms = Some((least.min(record.timestamp_ms), most.max(record.timestamp_ms)));
        }
        self.all_keyed &= record.key.is_some();
    }
}

/// One record, borrowed from its batch.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// Position in the batch, from 0.
    pub index: usize,
    /// Offset relative to the batch's base as stored.
    pub offset_delta: i32,
    /// Timestamp in milliseconds: the record's, or the batch's with `LogAppendTime`.
    pub timestamp_ms: i64,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, not yet walked.
    pub headers: Headers<'a>,
}

/// Walk over the records of one batch.
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    header: BatchHeader,
    cursor: Cursor<'a>,
    index: usize,
    done: bool,
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<Record<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let counted = usize::try_from(self.header.records_count).unwrap_or(0);
        if self.index == counted {
            self.done = true;
            let extra = !self.cursor.0.is_empty();
            return extra.then(|| {
                Err(RecordError::Count { counted: self.header.records_count, found: self.index + 1 })
            });
        }
        if self.cursor.0.is_empty() {
            self.done = true;
            return Some(Err(RecordError::Count { counted: self.header.records_count, found: self.index }));
        }
        let index = self.index;
        self.index += 1;
        match read_record(&self.header, &mut self.cursor, index) {
            Ok(record) => Some(Ok(record)),
            Err(part) => {
                self.done = true;
                Some(Err(RecordError::Malformed { index, part }))
            }
        }
    }
}

fn read_record<'a>(
    header: &BatchHeader,
    cursor: &mut Cursor<'a>,
    index: usize,
) -> Result<Record<'a>, &'static str> {
    let length = cursor.varint().ok_or("length")?;
    let mut body = Cursor(cursor.take(length).ok_or("length goes past the batch")?);
    body.take(1).ok_or("attributes")?;
    let timestamp_delta = body.varlong().ok_or("timestamp delta")?;
    let offset_delta = body.varint().ok_or("offset delta")?;
    let key = body.nullable().ok_or("key length")?;
    let value = body.nullable().ok_or("value length")?;
    let count = body.varint().ok_or("header count")?;
    let count = usize::try_from(count).map_err(|_| "header count is negative")?;
    // A header takes at least two bytes.
    if count > body.0.len() / 2 {
        return Err("header count goes past the record");
    }
    if count == 0 && !body.0.is_empty() {
        return Err("bytes after the last header");
    }
    let timestamp_ms = match header.timestamp_type() {
        TimestampType::CreateTime => header.base_timestamp.wrapping_add(timestamp_delta),
        TimestampType::LogAppendTime => header.max_timestamp,
    };
    Ok(Record {
        index,
        offset_delta,
        timestamp_ms,
        key,
        value,
        headers: Headers { cursor: body, left: count, index },
    })
}

/// Walk over a record's headers in order, repeated names included; ends after the first error.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    cursor: Cursor<'a>,
    left: usize,
    index: usize,
}

impl Headers<'_> {
    /// Headers not yet walked.
    pub fn len(&self) -> usize {
        self.left
    }

    /// No headers left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// How many headers are left, and their bytes.
    pub(super) fn raw(&self) -> (usize, &[u8]) {
        (self.left, self.cursor.0)
    }

    /// Checks that all headers are well-formed and nothing follows them.
    pub fn check(&self) -> Result<(), RecordError> {
        self.clone().try_for_each(|header| header.map(|_| ()))
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Result<(&'a [u8], Option<&'a [u8]>), RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let header = (|| {
            let name = self.cursor.nullable().flatten()?;
            Some((name, self.cursor.nullable()?))
        })();
        let trailing = self.left == 0 && !self.cursor.0.is_empty();
        match header {
            Some(header) if !trailing => Some(Ok(header)),
            _ => {
                self.left = 0;
                let part = if trailing { "bytes after the last header" } else { "header" };
                Some(Err(RecordError::Malformed { index: self.index, part }))
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: i32) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(head)
    }

    /// Most values take one or two bytes.
    #[inline]
    fn varlong(&mut self) -> Option<i64> {
        let value = match *self.0 {
            [low @ 0..0x80, ref rest @ ..] => {
                self.0 = rest;
                u64::from(low)
            }
            [low, high @ 0..0x80, ref rest @ ..] => {
                self.0 = rest;
                u64::from(low & 0x7f) | u64::from(high) << 7
            }
            _ => return self.varlong_of_many(),
        };
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn varlong_of_many(&mut self) -> Option<i64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        None
    }

    fn varint(&mut self) -> Option<i32> {
        i32::try_from(self.varlong()?).ok()
    }

    /// `Some(None)` for length -1; `None` when malformed.
    #[expect(clippy::option_option, reason = "outer is malformed, inner is null")]
    fn nullable(&mut self) -> Option<Option<&'a [u8]>> {
        match self.varint()? {
            -1 => Some(None),
            length => self.take(length).map(Some),
        }
    }
}
