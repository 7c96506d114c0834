//! Opening a log: which bytes to trust, and what to do about the others.
//!
//! Up to the recovery point a log was synced. Damage there is damage of acknowledged records: the partition stays
//! offline until somebody looks. Above it, after an unclean stop, the first thing that is not a whole batch with a
//! right checksum is where the log ends; what is kept is synced before anybody sees it, and the leader epoch grows.
//!
//! Where the operating system has been running all the time and nobody was promised more than it (`durability` other than
//! `fsync`), what was written is there: the log is trusted up to the newest producer snapshot, and synced later.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use super::checkpoint::CheckpointError;
use super::compaction::{SWAP, finish_swap};
use super::epochs::Epochs;
use super::scan::{Scan, Step};
use super::segment::{INDEX, IndexRows, LOG, SUFFIXES, Segment, SegmentLimits, SegmentState, TIME_INDEX};
use super::storage::{OpenMode, StorageFile};
use super::txn_index::{self, TXN_INDEX};
use super::{PartitionDir, file_name, index, offset_of_file, time_index};
use crate::producer_state::ProducerState;

mod producers;
mod tail;

use tail::Resumed;

/// Snapshots of producer state.
pub(crate) const SNAPSHOT: &str = "snapshot";

/// Why a log cannot be opened.
#[derive(Debug, Error)]
pub(crate) enum RecoveryError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Bytes below the recovery point are not what was written.
    #[error(
        "{file} is damaged at position {position} (offset {offset}), below the recovery point {recovery_point}: {reason}"
    )]
    Damaged {
        /// Of the segment.
        file: String,
        /// In the file.
        position: u64,
        /// First offset lost.
        offset: i64,
        /// Up to here the log was synced.
        recovery_point: i64,
        /// In words.
        reason: String,
    },
    /// Fewer records than were synced.
    #[error("the log ends at offset {end}, but was synced up to {recovery_point}")]
    Short {
        /// Offset after the last record.
        end: i64,
        /// Up to here the log was synced.
        recovery_point: i64,
    },
    /// The folder of a known partition is gone.
    #[error("the folder is missing")]
    Missing,
    /// The leader epochs cannot be read.
    #[error("leader-epoch-checkpoint: {0}")]
    Epochs(#[source] CheckpointError),
}

/// What is known before a log is opened.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) dir: Arc<PartitionDir>,
    pub(crate) limits: SegmentLimits,
    pub(crate) recovery_point: i64,
    pub(crate) log_start: i64,
    /// The last stop was orderly.
    pub(crate) clean: bool,
    /// The log may have gaps that compaction left.
    pub(crate) compacted: bool,
    /// Only the process ended, and what was written need not be durable yet.
    pub(crate) same_boot: bool,
}

/// An opened log.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) next_offset: i64,
    pub(crate) log_start: i64,
    pub(crate) producers: ProducerState,
    pub(crate) epochs: Epochs,
    /// Up to here the log is synced.
    pub(crate) recovery_point: i64,
    /// Bytes cut off above the recovery point.
    pub(crate) truncated_bytes: u64,
}

/// Opens a log.
pub(crate) fn recover(known: &Known) -> Result<Recovered, RecoveryError> {
    let files = Files::list(&known.dir)?;
    let newest = files.snapshots.iter().max().copied().filter(|_| known.same_boot);
    if let Some(written) = newest.filter(|newest| *newest > known.recovery_point) {
        match recover_from(known, &files, written) {
            // It is not as it was left, whoever did it.
            Err(RecoveryError::Damaged { .. } | RecoveryError::Short { .. }) => {}
            recovered => return recovered,
        }
    }
    recover_from(known, &files, known.recovery_point)
}

/// Opens a log that is whole up to `written`, which is at or above the recovery point.
fn recover_from(known: &Known, files: &Files, written: i64) -> Result<Recovered, RecoveryError> {
    let mut opened = Opened { written, ..Opened::default() };
    for (at, &base) in files.bases.iter().enumerate() {
        let next_base = files.bases.get(at + 1).copied();
        if opened.cut(known, base)? {
            continue;
        }
        opened.open_segment(known, base, next_base, &files.snapshots)?;
    }
    let mut next_offset = opened.segments.last().map_or(0, |segment| segment.state().next_offset);
    if next_offset < written {
        return Err(RecoveryError::Short { end: next_offset, recovery_point: written });
    }
    if next_offset < known.log_start {
        // Nothing of what was left is readable any more.
        for segment in opened.segments.drain(..) {
            segment.remove()?;
        }
        next_offset = known.log_start;
    }
    if opened.segments.is_empty() {
        opened.segments.push(Arc::new(
            Segment::create(Arc::clone(&known.dir), next_offset).map_err(|(error, _)| error)?,
        ));
        opened.changed = true;
    }
    let producers = producers::load(&known.dir, &files.snapshots, &opened, next_offset)?;
    opened.changed |= producers.changed;
    let producers = producers.state;
    let first = opened.segments.first().map_or(0, |segment| segment.base_offset());
    let (epochs, dir_synced) = open_epochs(known, opened.last_epoch, next_offset)?;
    if opened.changed && !dir_synced {
        known.dir.sync()?;
    }
    Ok(Recovered {
        log_start: known.log_start.max(first),
        recovery_point: if known.same_boot { known.recovery_point } else { next_offset },
        segments: opened.segments,
        next_offset,
        producers,
        epochs,
        truncated_bytes: opened.truncated_bytes,
    })
}

/// Reads the epochs; an unclean start begins a new one, durably. Returns whether the folder was synced with it.
fn open_epochs(
    known: &Known,
    last_epoch: Option<i32>,
    next_offset: i64,
) -> Result<(Epochs, bool), RecoveryError> {
    let read = match Epochs::read(&known.dir) {
        Err(error @ (CheckpointError::Io(_) | CheckpointError::Newer { .. })) => {
            return Err(RecoveryError::Epochs(error));
        }
        // The file is a list of hints; the batches carry the numbers themselves.
        Err(CheckpointError::Malformed { .. }) => None,
        Ok(read) => read,
    };
    let missing = read.is_none();
    let mut epochs = read.unwrap_or_else(|| Epochs::first(known.log_start));
    let newest = epochs.current().max(last_epoch.unwrap_or(0));
    if known.clean && !missing && newest == epochs.current() {
        return Ok((epochs, false));
    }
    epochs.start(newest.saturating_add(1), next_offset);
    epochs.write(&known.dir)?;
    Ok((epochs, true))
}

/// The files of a partition folder, leftovers removed.
struct Files {
    bases: Vec<i64>,
    snapshots: Vec<i64>,
}

impl Files {
    fn list(dir: &PartitionDir) -> Result<Self, RecoveryError> {
        let entries = match dir.storage.list(&dir.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(RecoveryError::Missing),
            entries => entries?,
        };
        let swaps: Vec<_> = entries.iter().filter_map(|entry| offset_of_file(&entry.name, SWAP)).collect();
        if !swaps.is_empty() {
            let bases: Vec<_> = entries.iter().filter_map(|entry| offset_of_file(&entry.name, LOG)).collect();
            for base in swaps {
                finish_swap(dir, base, &bases)?;
            }
            return Self::list(dir);
        }
        let names: Vec<_> = entries.iter().filter(|entry| !entry.is_dir).map(|entry| &*entry.name).collect();
        let bases: Vec<_> = names.iter().filter_map(|name| offset_of_file(name, LOG)).collect();
        for name in &names {
            let orphan = [INDEX, TIME_INDEX, TXN_INDEX]
                .iter()
                .filter_map(|suffix| offset_of_file(name, suffix))
                .any(|base| !bases.contains(&base));
            if orphan || [".tmp", ".deleted", ".cleaned", ".swap"].iter().any(|suffix| name.ends_with(suffix))
            {
                dir.remove(name)?;
            }
        }
        let snapshots = names.iter().filter_map(|name| offset_of_file(name, SNAPSHOT)).collect();
        Ok(Self { bases, snapshots })
    }
}

/// Segments as far as they are opened.
#[derive(Default)]
struct Opened {
    /// Up to here the log is whole.
    written: i64,
    segments: Vec<Arc<Segment>>,
    truncated_bytes: u64,
    last_epoch: Option<i32>,
    changed: bool,
    /// Segments whose transaction index is to be made anew, by base offset, and from which offset on.
    rebuilt: Vec<(i64, i64)>,
}

impl Opened {
    /// Removes a segment behind a cut.
    fn cut(&mut self, known: &Known, base: i64) -> io::Result<bool> {
        if self.truncated_bytes == 0 {
            return Ok(false);
        }
        let size = known.dir.open(&file_name(base, LOG), OpenMode::Read)?.size()?;
        self.truncated_bytes += size;
        for suffix in SUFFIXES {
            known.dir.remove(&file_name(base, suffix))?;
        }
        Ok(true)
    }

    fn open_segment(
        &mut self,
        known: &Known,
        base: i64,
        next_base: Option<i64>,
        snapshots: &[i64],
    ) -> Result<(), RecoveryError> {
        let log = known.dir.open(&file_name(base, LOG), OpenMode::Read)?;
        let size = log.size()?;
        let trusted = known.clean || next_base.is_some_and(|next| next <= self.written);
        let quick = if trusted { trust(&known.dir, base, next_base, &*log, size)? } else { None };
        let state = if let Some((state, epoch)) = quick {
            self.last_epoch = epoch.or(self.last_epoch);
            state
        } else {
            let resumed =
                if trusted { None } else { tail::resume(known, base, &*log, snapshots, self.written)? };
            let from = resumed.as_ref().map_or(base, |resumed| resumed.from);
            self.rebuilt.push((base, from));
            self.rebuild(known, base, next_base, trusted, resumed)?
        };
        // Only the last segment is written to; a cut makes this one the last.
        let sealed = next_base.is_some() && self.truncated_bytes == 0;
        self.segments.push(Arc::new(Segment::new(Arc::clone(&known.dir), base, state, sealed)));
        Ok(())
    }

    /// Reads a segment with checksums, from the front or where `resumed` says, cuts a torn tail and writes the indexes anew.
    fn rebuild(
        &mut self,
        known: &Known,
        base: i64,
        next_base: Option<i64>,
        trusted: bool,
        resumed: Option<Resumed>,
    ) -> Result<SegmentState, RecoveryError> {
        let name = file_name(base, LOG);
        let log = known.dir.open(&name, OpenMode::ReadWrite)?;
        let size = log.size()?;
        let Resumed { mut state, mut rows, .. } = resumed.unwrap_or_else(|| Resumed::at_start(base));
        let mut scan = Scan::new(&*log, state.size, size);
        let reason = loop {
            match scan.next_batch()? {
                Step::End => match next_base {
                    // Compaction leaves gaps, but only below the recovery point.
                    Some(next)
                        if (!trusted || (!known.clean && next > known.recovery_point))
                            && state.next_offset < next =>
                    {
                        break Some(format!("offsets up to {next} are missing"));
                    }
                    _ => break None,
                },
                Step::Broken(error) => break Some(error.to_string()),
                Step::Batch { header, bytes, .. } => {
                    let past_next = next_base.is_some_and(|next| header.last_offset() >= next);
                    if header.base_offset < state.next_offset || header.last_offset_delta < 0 || past_next {
                        break Some(format!("offset {} is out of order", header.base_offset));
                    }
                    // What was not synced was not compacted either, or its log may be.
                    let gap = header.base_offset > state.next_offset;
                    if gap && !known.compacted && state.next_offset >= self.written {
                        break Some(format!("offsets up to {} are missing", header.base_offset));
                    }
                    if let Err(error) = header.check_crc(bytes) {
                        break Some(error.to_string());
                    }
                    self.last_epoch = Some(header.leader_epoch);
                    state.add(base, &header, known.limits.index_interval, &mut rows);
                }
            }
        };
        if let Some(reason) = reason.clone() {
            let below = state.next_offset < self.written;
            if below || trusted {
                return Err(RecoveryError::Damaged {
                    file: name,
                    position: state.size,
                    offset: state.next_offset,
                    recovery_point: self.written.max(next_base.unwrap_or(self.written)),
                    reason,
                });
            }
            log.set_size(state.size)?;
            self.truncated_bytes += (size - state.size).max(1);
        }
        if next_base.is_some() {
            state.add_time(base, &mut rows);
        }
        // Up to the recovery point it is synced; what is above may wait where nobody was promised more.
        let waits = known.same_boot;
        if !trusted && !waits && (reason.is_some() || state.next_offset > known.recovery_point) {
            log.sync_data()?;
        }
        self.changed |= write_index(&known.dir, &file_name(base, INDEX), &rows.offsets)?;
        self.changed |= write_index(&known.dir, &file_name(base, TIME_INDEX), &rows.times)?;
        Ok(state)
    }
}

/// Writes an index anew unless it says the same already; returns whether it did.
fn write_index(dir: &PartitionDir, name: &str, rows: &[u8]) -> io::Result<bool> {
    if dir.read(name, rows.len() as u64).is_ok_and(|found| found.as_deref() == Some(rows)) {
        return Ok(false);
    }
    let file = dir.open(name, OpenMode::Truncate)?;
    if !rows.is_empty() {
        file.write_at(0, rows)?;
    }
    file.sync_data()?;
    Ok(true)
}

/// The state of a synced segment from its indexes; `None` when they are missing or suspect.
///
/// The last segment is also read from its last index entry to the end.
fn trust(
    dir: &PartitionDir,
    base: i64,
    next_base: Option<i64>,
    log: &dyn StorageFile,
    size: u64,
) -> io::Result<Option<(SegmentState, Option<i32>)>> {
    let Some(offsets) = open_index(dir, &file_name(base, INDEX), index::ENTRY_BYTES)? else {
        return Ok(None);
    };
    let Some(times) = open_index(dir, &file_name(base, TIME_INDEX), time_index::ENTRY_BYTES)? else {
        return Ok(None);
    };
    let end = next_base.unwrap_or(i64::MAX);
    let Some(aborted) = txn_index::count(dir, &file_name(base, TXN_INDEX), base, end)? else {
        return Ok(None);
    };
    let mut state = SegmentState { aborted, ..SegmentState::empty(base) };
    (state.index_entries, state.time_entries) = (offsets.1, times.1);
    if let Some(last) = state.index_entries.checked_sub(1) {
        state.last_index = index::entry(&*offsets.0, last)?;
        if state.last_index.relative_offset == 0 || u64::from(state.last_index.position) >= size {
            return Ok(None);
        }
    }
    if let Some(last) = state.time_entries.checked_sub(1) {
        let row = time_index::entry(&*times.0, last)?;
        if row.timestamp_ms < 0 {
            return Ok(None);
        }
        state.last_time = Some(row);
        state.max_timestamp = row.timestamp_ms;
        state.max_timestamp_offset = base + i64::from(row.relative_offset);
    } else if next_base.is_some() && size > 0 {
        return Ok(None);
    }
    if let Step::Batch { header, .. } = Scan::new(log, 0, size).next_header()? {
        state.first_timestamp = Some(header.max_timestamp);
    }
    if let Some(next_base) = next_base {
        (state.size, state.next_offset) = (size, next_base);
        return Ok(Some((state, None)));
    }
    let mut epoch = None;
    let mut rows = IndexRows::default();
    state.size = state.last_index.position.into();
    let mut scan = Scan::new(log, state.size, size);
    loop {
        match scan.next_header()? {
            Step::End => break,
            // The full scan says precisely what is wrong.
            Step::Broken(_) => return Ok(None),
            Step::Batch { header, .. } => {
                epoch = Some(header.leader_epoch);
                state.add(base, &header, u64::MAX, &mut rows);
            }
        }
    }
    Ok(Some((state, epoch)))
}

fn open_index(
    dir: &PartitionDir,
    name: &str,
    entry_bytes: u64,
) -> io::Result<Option<(Arc<dyn StorageFile>, u32)>> {
    let file = match dir.open(name, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let size = file.size()?;
    let entries = u32::try_from(size / entry_bytes).ok().filter(|_| size % entry_bytes == 0);
    Ok(entries.map(|entries| (file, entries)))
}
