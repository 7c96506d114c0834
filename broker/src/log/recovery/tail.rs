//! Resuming in the middle of an active segment: a producer snapshot below the recovery point says that the indexes were synced
//! up to its offset (or, where only the process ended, written), and only what follows is read again.

use std::io;

use super::super::index::{self, IndexEntry};
use super::super::scan::{Scan, Step};
use super::super::segment::{INDEX, IndexRows, SegmentState, TIME_INDEX};
use super::super::storage::StorageFile;
use super::super::time_index::{self, TimeEntry};
use super::super::txn_index::{self, TXN_INDEX};
use super::super::{file_name, to_usize};
use super::{Known, PartitionDir};

/// Most bytes of an index.
const INDEX_BYTES_MAX: u64 = 1 << 30;

/// A segment as far as it is known without reading it.
pub(super) struct Resumed {
    /// Everything below is known.
    pub(super) from: i64,
    pub(super) state: SegmentState,
    /// The rows of the indexes so far.
    pub(super) rows: IndexRows,
}

impl Resumed {
    /// Nothing is known.
    pub(super) fn at_start(base: i64) -> Self {
        Self { from: base, state: SegmentState::empty(base), rows: IndexRows::default() }
    }
}

/// The state at the newest snapshot inside the segment at or below `written`; `None` when there is none, or when an
/// index does not agree with the log.
pub(super) fn resume(
    known: &Known,
    base: i64,
    log: &dyn StorageFile,
    snapshots: &[i64],
    written: i64,
) -> io::Result<Option<Resumed>> {
    let inside = |offset: &&i64| **offset > base && **offset <= written;
    let Some(&from) = snapshots.iter().filter(inside).max() else { return Ok(None) };
    let size = log.size()?;
    let Some((rows, last, last_time)) = rows(&known.dir, base, from)? else { return Ok(None) };
    let Some(aborted) = txn_index::count(&known.dir, &file_name(base, TXN_INDEX), base, i64::MAX)? else {
        return Ok(None);
    };
    let mut state = SegmentState { aborted, ..SegmentState::empty(base) };
    if let Step::Batch { header, .. } = Scan::new(log, 0, size).next_header()? {
        state.first_timestamp = Some(header.max_timestamp);
    }
    if let Some(row) = last_time {
        state.last_time = Some(row);
        state.max_timestamp = row.timestamp_ms;
        state.max_timestamp_offset = base + i64::from(row.relative_offset);
    }
    let count = |bytes: usize, entry: u64| u32::try_from(bytes as u64 / entry).unwrap_or(u32::MAX);
    state.index_entries = count(rows.offsets.len(), index::ENTRY_BYTES);
    state.time_entries = count(rows.times.len(), time_index::ENTRY_BYTES);
    (state.last_index, state.size) = (last, last.position.into());
    let mut scan = Scan::new(log, state.size, size);
    let mut first = true;
    // No row is due before the snapshot: the index has them all, but for the last stretch.
    let mut rows = rows;
    while state.next_offset < from {
        let Step::Batch { header, .. } = scan.next_header()? else { return Ok(None) };
        let agrees = !first || header.last_offset() == base + i64::from(last.relative_offset);
        if !agrees || header.next_offset() > from || header.base_offset < state.next_offset {
            return Ok(None);
        }
        let interval = if first { u64::MAX } else { known.limits.index_interval };
        state.add(base, &header, interval, &mut rows);
        first = false;
    }
    Ok(Some(Resumed { from, state, rows }))
}

type Rows = (IndexRows, IndexEntry, Option<TimeEntry>);

/// The rows of both indexes for offsets below `from`; `None` when they cannot be right.
fn rows(dir: &PartitionDir, base: i64, from: i64) -> io::Result<Option<Rows>> {
    let Some(offsets) = dir.read(&file_name(base, INDEX), INDEX_BYTES_MAX)? else { return Ok(None) };
    let Some(times) = dir.read(&file_name(base, TIME_INDEX), INDEX_BYTES_MAX)? else { return Ok(None) };
    let mut last = IndexEntry::default();
    let mut kept = 0;
    for bytes in offsets.chunks_exact(to_usize(index::ENTRY_BYTES)) {
        let Ok(bytes) = bytes.try_into() else { return Ok(None) };
        let row = IndexEntry::decode(bytes);
        if base + i64::from(row.relative_offset) >= from {
            break;
        }
        if row.relative_offset <= last.relative_offset || row.position <= last.position {
            return Ok(None);
        }
        last = row;
        kept += bytes.len();
    }
    let (mut last_time, mut times_kept): (Option<TimeEntry>, usize) = (None, 0);
    for bytes in times.chunks_exact(to_usize(time_index::ENTRY_BYTES)) {
        let Some(row) = TimeEntry::decode(bytes) else { return Ok(None) };
        // A row beyond the last one of the other index is found again by reading.
        if row.relative_offset > last.relative_offset {
            break;
        }
        let grows = last_time.is_none_or(|last: TimeEntry| {
            row.timestamp_ms > last.timestamp_ms && row.relative_offset >= last.relative_offset
        });
        if !grows || row.timestamp_ms < 0 {
            return Ok(None);
        }
        last_time = Some(row);
        times_kept += bytes.len();
    }
    let (mut offsets, mut times) = (offsets, times);
    offsets.truncate(kept);
    times.truncate(times_kept);
    Ok((kept > 0).then_some((IndexRows { offsets, times }, last, last_time)))
}
