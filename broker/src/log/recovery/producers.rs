//! Producer state and transaction indexes on opening: the newest snapshot, and the log behind it.

use std::io;
use std::sync::Arc;

use super::super::scan::{Scan, Step};
use super::super::segment::Segment;
use super::super::txn_index::{self, Aborted, TXN_INDEX};
use super::super::{PartitionDir, file_name};
use super::{Opened, SNAPSHOT, write_index};
use crate::producer_state::ProducerState;
use crate::record_batch::Marker;

/// Log read before a snapshot to fill the windows of five that it does not hold.
const REFILL_BYTES: u64 = 8 << 20;
const SNAPSHOT_BYTES_MAX: u64 = 256 << 20;

/// What is known of producers at the end of the log.
pub(super) struct Loaded {
    pub(super) state: ProducerState,
    /// Names in the folder changed.
    pub(super) changed: bool,
}

/// Loads the state at `next_offset` and writes the transaction indexes of the segments that were rebuilt. Snapshots beyond the
/// end describe a log that is gone and are removed.
///
/// Which transactions a segment aborts shows only from a state before it: the snapshot used is one at or below the first
/// segment that was rebuilt.
pub(super) fn load(
    dir: &PartitionDir,
    snapshots: &[i64],
    opened: &Opened,
    next_offset: i64,
) -> io::Result<Loaded> {
    let segments = &opened.segments;
    let latest = opened.rebuilt.iter().map(|(_, from)| *from).min().unwrap_or(next_offset);
    let mut newest = None;
    for &offset in snapshots.iter().rev() {
        let name = file_name(offset, SNAPSHOT);
        if offset > next_offset {
            dir.remove(&name)?;
        } else if newest.is_none() && offset <= latest {
            let bytes = dir.read(&name, SNAPSHOT_BYTES_MAX)?.unwrap_or_default();
            match ProducerState::decode(&bytes) {
                Ok(state) => newest = Some((offset, state)),
                Err(error) => {
                    tracing::warn!(file = name, %error, "producer snapshot is not used");
                    dir.remove(&name)?;
                }
            }
        }
    }
    let (from, mut state) = newest.unwrap_or((0, ProducerState::default()));
    if !state.is_empty() {
        let mut before = ProducerState::default();
        replay(segments, refill_start(segments, from)?, from, &mut before)?;
        state.adopt_windows(&before);
    }
    let aborted = replay(segments, from, next_offset, &mut state)?;
    let mut changed = false;
    for segment in segments {
        let rebuilt = opened.rebuilt.iter().find(|(base, _)| *base == segment.base_offset());
        if let Some((_, from)) = rebuilt {
            changed |= write_txn_index(dir, segment, *from, &aborted)?;
        }
    }
    Ok(Loaded { state, changed })
}

/// Gives a rebuilt segment its transaction index; none when it aborts nothing. What the file says of markers below `from` is
/// kept. Returns whether a file changed.
fn write_txn_index(
    dir: &PartitionDir,
    segment: &Segment,
    from: i64,
    aborted: &[Aborted],
) -> io::Result<bool> {
    let range = from..segment.state().next_offset;
    let mut own = Vec::new();
    segment.aborted(segment.base_offset(), i64::MAX, &mut own)?;
    own.retain(|entry| entry.last_offset < from);
    own.extend(aborted.iter().filter(|entry| range.contains(&entry.last_offset)));
    segment.set_aborted(u32::try_from(own.len()).unwrap_or(u32::MAX));
    let name = file_name(segment.base_offset(), TXN_INDEX);
    if own.is_empty() {
        let exists = dir.open(&name, super::OpenMode::Read).is_ok();
        dir.remove(&name)?;
        return Ok(exists);
    }
    write_index(dir, &name, &txn_index::encode(&own))
}

/// An offset about [`REFILL_BYTES`] of log before `offset`.
fn refill_start(segments: &[Arc<Segment>], offset: i64) -> io::Result<i64> {
    let mut wanted = REFILL_BYTES;
    for segment in segments.iter().rev().filter(|segment| segment.base_offset() < offset) {
        let handles = segment.handles()?;
        let end = if segment.state().next_offset <= offset {
            segment.size()
        } else {
            segment.position_before(&handles, offset)?
        };
        if end > wanted {
            return segment.offset_near(&handles, end - wanted);
        }
        wanted -= end;
    }
    Ok(segments.first().map_or(0, |segment| segment.base_offset()))
}

/// Applies the batches of `[from, to)`; returns the transactions they abort.
fn replay(
    segments: &[Arc<Segment>],
    from: i64,
    to: i64,
    state: &mut ProducerState,
) -> io::Result<Vec<Aborted>> {
    let mut aborted = Vec::new();
    for segment in segments {
        let known = segment.state();
        if known.next_offset <= from || segment.base_offset() >= to {
            continue;
        }
        let handles = segment.handles()?;
        let mut scan = Scan::new(&*handles.log, segment.position_before(&handles, from)?, known.size);
        while let Step::Batch { header, bytes, .. } = scan.next_header()? {
            if header.base_offset >= to {
                break;
            }
            if header.base_offset < from {
                continue;
            }
            let change = state.apply(&header, Marker::read(&header, bytes));
            aborted.extend(change.and_then(|change| Aborted::of(change, state)));
        }
    }
    Ok(aborted)
}
