//! The offset index: which file position to start at for an offset.
//!
//! ```text
//! 0  relative offset u32   last offset of a batch, minus the segment's base
//! 4  position u32          where that batch starts in the .log file
//! ```
//!
//! Sorted, at most one entry per `index.interval.bytes` of log. A cache: it can always be rebuilt from the log.

use std::io;

use super::storage::StorageFile;

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: u64 = 8;

/// One row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) relative_offset: u32,
    pub(crate) position: u32,
}

impl IndexEntry {
    pub(crate) fn encode(self) -> [u8; 8] {
        (u64::from(self.relative_offset) << 32 | u64::from(self.position)).to_be_bytes()
    }

    #[expect(clippy::cast_possible_truncation, reason = "takes the halves")]
    pub(crate) fn decode(bytes: [u8; 8]) -> Self {
        let both = u64::from_be_bytes(bytes);
        Self { relative_offset: (both >> 32) as u32, position: both as u32 }
    }
}

/// Reads entry `at`.
pub(crate) fn entry(file: &dyn StorageFile, at: u32) -> io::Result<IndexEntry> {
    let mut bytes = [0; 8];
    if file.read_at(u64::from(at) * ENTRY_BYTES, &mut bytes)? < bytes.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(IndexEntry::decode(bytes))
}

/// The last of `count` entries at or below `relative_offset`.
pub(crate) fn floor(
    file: &dyn StorageFile,
    count: u32,
    relative_offset: u32,
) -> io::Result<Option<IndexEntry>> {
    let (mut low, mut high, mut found) = (0, count, None);
    while low < high {
        let middle = low + (high - low) / 2;
        let row = entry(file, middle)?;
        if row.relative_offset <= relative_offset {
            found = Some(row);
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(found)
}
