//! Producer state on opening: the newest snapshot, and the log behind it.

use std::io;
use std::sync::Arc;

use super::super::scan::{Scan, Step};
use super::super::segment::Segment;
use super::super::{PartitionDir, file_name};
use super::SNAPSHOT;
use crate::producer_state::ProducerState;

/// Log read before a snapshot to fill the windows of five that it does not hold.
const REFILL_BYTES: u64 = 8 << 20;
const SNAPSHOT_BYTES_MAX: u64 = 256 << 20;

/// Loads the state at `next_offset`; snapshots beyond it describe a log that is gone and are removed.
pub(super) fn load(
    dir: &PartitionDir,
    snapshots: &[i64],
    segments: &[Arc<Segment>],
    next_offset: i64,
) -> io::Result<ProducerState> {
    let mut newest = None;
    for &offset in snapshots.iter().rev() {
        let name = file_name(offset, SNAPSHOT);
        if offset > next_offset {
            dir.remove(&name)?;
        } else if newest.is_none() {
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
    replay(segments, from, next_offset, &mut state)?;
    Ok(state)
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

/// Applies the batches of `[from, to)`.
fn replay(segments: &[Arc<Segment>], from: i64, to: i64, state: &mut ProducerState) -> io::Result<()> {
    for segment in segments {
        let known = segment.state();
        if known.next_offset <= from || segment.base_offset() >= to {
            continue;
        }
        let handles = segment.handles()?;
        let mut scan = Scan::new(&*handles.log, segment.position_before(&handles, from)?, known.size);
        while let Step::Batch { header, .. } = scan.next_header()? {
            if header.base_offset >= to {
                break;
            }
            if header.base_offset >= from {
                state.apply(&header);
            }
        }
    }
    Ok(())
}
