//! Looking into the files: records from an offset on, offsets by timestamp.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::{Isolation, Partition, ReadError};
use crate::log::Segments;
use crate::log::read_ahead::Wish;
use crate::record_batch::{BatchHeader, RecordLimits, records};

/// A record's place and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// Of the record.
    pub offset: i64,
    /// Of the record, in milliseconds.
    pub timestamp_ms: i64,
    /// Of the record's batch.
    pub leader_epoch: i32,
}

impl Partition {
    /// As [`read`](Self::read), up to `limit` and from the files. Blocks.
    pub(super) fn read_files(
        &self,
        offset: i64,
        limit: i64,
        max_bytes: usize,
        min_one_batch: bool,
    ) -> io::Result<Bytes> {
        let _names_stay = super::read(&self.files);
        let Some(segments) = &self.segments else { return Ok(Bytes::new()) };
        for segment in segments.from(offset) {
            // one at most for each read, which has its place in the queue
            let soon = |wish: Wish| self.engine.readers.submit(move || wish.tell());
            let records =
                segment.read(offset, limit, max_bytes, min_one_batch, &self.engine.buffers, soon)?;
            // A segment may end in a gap that compaction left.
            if !records.is_empty() || segment.state().next_offset > offset {
                return Ok(records);
            }
        }
        Ok(Bytes::new())
    }

    /// The first readable record with a timestamp at or after `timestamp_ms`.
    pub async fn offset_for_timestamp(
        self: &Arc<Self>,
        timestamp_ms: i64,
        isolation: Isolation,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        self.readable()?;
        let partition = Arc::clone(self);
        let (start, limit) = (self.log_start_offset(), self.limit(isolation));
        let search = move || {
            let _names_stay = super::read(&partition.files);
            let Some(segments) = partition.segments.as_ref().map(Segments::all) else { return Ok(None) };
            for segment in segments.iter() {
                let state = segment.state();
                if state.max_timestamp < timestamp_ms || state.next_offset <= start {
                    continue;
                }
                let found = segment.scan_from_timestamp(timestamp_ms, |header, batch| {
                    first_at(header, batch, timestamp_ms, start)
                })?;
                if found.is_some() {
                    return Ok(found.filter(|found| found.offset < limit));
                }
            }
            Ok(None)
        };
        self.engine.readers.run(search).await.ok_or(ReadError::Offline)?.map_err(ReadError::Io)
    }

    /// The first record that carries the largest timestamp; `None` in an empty log, and when the reader may not see it.
    pub async fn max_timestamp(
        self: &Arc<Self>,
        isolation: Isolation,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        let segments = self.readable()?.all();
        match segments.iter().map(|segment| segment.state().max_timestamp).max() {
            Some(timestamp_ms) if timestamp_ms >= 0 => {
                self.offset_for_timestamp(timestamp_ms, isolation).await
            }
            _ => Ok(None),
        }
    }
}

/// The first record of a batch that qualifies. A batch that cannot be looked into counts as a whole.
fn first_at(header: &BatchHeader, batch: &[u8], timestamp_ms: i64, start: i64) -> Option<TimestampOffset> {
    if header.max_timestamp < timestamp_ms || header.last_offset() < start || header.is_control() {
        return None;
    }
    let place = |delta: i32, timestamp_ms| TimestampOffset {
        offset: header.base_offset.saturating_add(i64::from(delta)),
        timestamp_ms,
        leader_epoch: header.leader_epoch,
    };
    let Ok(records) = records(batch, &RecordLimits::default()) else {
        return Some(place(0, header.max_timestamp));
    };
    records
        .iter()
        .map_while(Result::ok)
        .find(|record| {
            let offset = header.base_offset.saturating_add(i64::from(record.offset_delta));
            record.timestamp_ms >= timestamp_ms && offset >= start
        })
        .map(|record| place(record.offset_delta, record.timestamp_ms))
}
