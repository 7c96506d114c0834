//! The transaction index: the aborted transactions whose markers are in a segment.
//!
//! ```text
//!  0  version i16 = 0
//!  2  producerId i64
//! 10  firstOffset i64         of the transaction
//! 18  lastOffset i64          of its marker
//! 26  lastStableOffset i64    when the marker was written: what is below it was decided
//! ```
//!
//! In order of their markers. The file exists only when a segment has an entry. Unlike the other indexes it is needed to read
//! right, and is synced with the log; recovery builds it anew from the log above the recovery point.

use std::io;

use bytes::{Buf, BufMut};

use super::storage::{OpenMode, StorageFile};
use super::{PartitionDir, to_usize};
use crate::producer_state::{Change, ProducerState};

/// Extension of the file.
pub(crate) const TXN_INDEX: &str = "txnindex";
/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: u64 = 34;
const VERSION: i16 = 0;
/// Entries read at once.
const READ_ENTRIES: u64 = 512;

/// An aborted transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aborted {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) last_stable_offset: i64,
}

impl Aborted {
    /// What an abort adds; `producers` have taken its marker already.
    pub(crate) fn of(change: Change, producers: &ProducerState) -> Option<Self> {
        match change {
            Change::Ended { producer_id, first_offset, last_offset, commit: false } => {
                let last_stable_offset = producers.first_open_offset().unwrap_or(last_offset + 1);
                Some(Self { producer_id, first_offset, last_offset, last_stable_offset })
            }
            _ => None,
        }
    }

    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        out.put_i16(VERSION);
        out.put_i64(self.producer_id);
        out.put_i64(self.first_offset);
        out.put_i64(self.last_offset);
        out.put_i64(self.last_stable_offset);
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        if bytes.len() < to_usize(ENTRY_BYTES) || bytes.get_i16() > VERSION {
            return None;
        }
        Some(Self {
            producer_id: bytes.get_i64(),
            first_offset: bytes.get_i64(),
            last_offset: bytes.get_i64(),
            last_stable_offset: bytes.get_i64(),
        })
    }

    /// Whether it has to do with `[from, until)`.
    pub(crate) fn overlaps(&self, from: i64, until: i64) -> bool {
        self.last_offset >= from && self.first_offset < until
    }
}

/// Encoded entries.
pub(crate) fn encode(entries: &[Aborted]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * to_usize(ENTRY_BYTES));
    for entry in entries {
        entry.encode(&mut out);
    }
    out
}

fn bad() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "transaction index is malformed")
}

/// Entry `at`.
fn entry(file: &dyn StorageFile, at: u32) -> io::Result<Aborted> {
    let mut bytes = [0; 34];
    if file.read_at(u64::from(at) * ENTRY_BYTES, &mut bytes)? < bytes.len() {
        return Err(bad());
    }
    Aborted::decode(&bytes).ok_or_else(bad)
}

/// The first of `count` entries whose marker is at or after `offset`.
fn first_from(file: &dyn StorageFile, count: u32, offset: i64) -> io::Result<u32> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if entry(file, middle)?.last_offset < offset {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Calls `visit` with the entries from the first whose marker is at or after `offset`, until it returns false.
///
/// Returns whether it went on to the end.
pub(crate) fn visit_from(
    file: &dyn StorageFile,
    count: u32,
    offset: i64,
    mut visit: impl FnMut(Aborted) -> bool,
) -> io::Result<bool> {
    let mut at = u64::from(first_from(file, count, offset)?);
    while at < u64::from(count) {
        let many = (u64::from(count) - at).min(READ_ENTRIES);
        let mut bytes = vec![0; to_usize(many * ENTRY_BYTES)];
        if file.read_at(at * ENTRY_BYTES, &mut bytes)? < bytes.len() {
            return Err(bad());
        }
        for bytes in bytes.chunks_exact(to_usize(ENTRY_BYTES)) {
            if !visit(Aborted::decode(bytes).ok_or_else(bad)?) {
                return Ok(false);
            }
        }
        at += many;
    }
    Ok(true)
}

/// Entries of a segment's index on opening: 0 without a file, `None` when it cannot be right.
pub(crate) fn count(dir: &PartitionDir, name: &str, base: i64, end: i64) -> io::Result<Option<u32>> {
    let file = match dir.open(name, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(0)),
        file => file?,
    };
    let size = file.size()?;
    let Some(count) = u32::try_from(size / ENTRY_BYTES).ok().filter(|_| size % ENTRY_BYTES == 0) else {
        return Ok(None);
    };
    let mut last = base - 1;
    let sound = visit_from(&*file, count, i64::MIN, |entry| {
        let sound =
            entry.last_offset > last && entry.last_offset < end && entry.first_offset <= entry.last_offset;
        last = entry.last_offset;
        sound
    });
    match sound {
        Ok(true) => Ok(Some(count)),
        Ok(false) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(error),
    }
}
