//! The time index: which offset to start at for a timestamp.
//!
//! ```text
//! 0  timestamp i64         largest timestamp of the segment so far
//! 8  relative offset u32   last offset of the batch that carries it, minus the segment's base
//! ```
//!
//! Both columns grow. The last entry, written when a segment is sealed, is the segment's maximum. A cache, as the
//! offset index is.

use std::io;

use super::storage::StorageFile;

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: u64 = 12;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    pub(crate) timestamp_ms: i64,
    pub(crate) relative_offset: u32,
}

impl TimeEntry {
    pub(crate) fn encode(self) -> [u8; 12] {
        let mut out = [0; 12];
        let (time, offset) = out.split_at_mut(8);
        time.copy_from_slice(&self.timestamp_ms.to_be_bytes());
        offset.copy_from_slice(&self.relative_offset.to_be_bytes());
        out
    }
}

impl TimeEntry {
    /// Reads an entry; `None` from fewer bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (time, offset) = bytes.split_at_checked(8)?;
        Some(Self {
            timestamp_ms: i64::from_be_bytes(time.try_into().ok()?),
            relative_offset: u32::from_be_bytes(offset.try_into().ok()?),
        })
    }
}

/// Reads entry `at`.
pub(crate) fn entry(file: &dyn StorageFile, at: u32) -> io::Result<TimeEntry> {
    let (mut time, mut offset) = ([0; 8], [0; 4]);
    let position = u64::from(at) * ENTRY_BYTES;
    if file.read_at(position, &mut time)? < time.len()
        || file.read_at(position + 8, &mut offset)? < offset.len()
    {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(TimeEntry { timestamp_ms: i64::from_be_bytes(time), relative_offset: u32::from_be_bytes(offset) })
}

/// The last of `count` entries strictly before `timestamp_ms`.
pub(crate) fn before(file: &dyn StorageFile, count: u32, timestamp_ms: i64) -> io::Result<Option<TimeEntry>> {
    let (mut low, mut high, mut found) = (0, count, None);
    while low < high {
        let middle = low + (high - low) / 2;
        let row = entry(file, middle)?;
        if row.timestamp_ms < timestamp_ms {
            found = Some(row);
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(found)
}
