//! One segment: a `.log` file with its two indexes.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::index::{self, IndexEntry};
use super::read_ahead::{ReadAhead, Wish};
use super::scan::{Scan, Step};
use super::storage::{OpenMode, StorageFile};
use super::time_index::{self, TimeEntry};
use super::txn_index::{self, Aborted, TXN_INDEX};
use super::{PartitionDir, file_name, lock, to_usize};
use crate::buffers::Buffers;
use crate::record_batch::{BatchHeader, Batches};

/// Extensions of the files that make up a segment.
pub(crate) const LOG: &str = "log";
pub(crate) const INDEX: &str = "index";
pub(crate) const TIME_INDEX: &str = "timeindex";
/// All of them.
pub(crate) const SUFFIXES: [&str; 4] = [LOG, INDEX, TIME_INDEX, TXN_INDEX];

/// Limits that make a segment full, and how densely it is indexed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentLimits {
    /// Bytes of a segment.
    pub(crate) segment: u64,
    /// Bytes of an index.
    pub(crate) index: u64,
    /// Bytes of log per index entry.
    pub(crate) index_interval: u64,
}

/// What is known about a segment without touching its files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentState {
    pub(crate) size: u64,
    /// Offset after the last batch.
    pub(crate) next_offset: i64,
    pub(crate) index_entries: u32,
    pub(crate) last_index: IndexEntry,
    pub(crate) bytes_since_index: u64,
    pub(crate) time_entries: u32,
    pub(crate) last_time: Option<TimeEntry>,
    /// Largest timestamp; -1 when there is none.
    pub(crate) max_timestamp: i64,
    /// Last offset of the batch with the largest timestamp.
    pub(crate) max_timestamp_offset: i64,
    /// Largest timestamp of the first batch, from which the segment's age counts.
    pub(crate) first_timestamp: Option<i64>,
    /// Entries of the transaction index.
    pub(crate) aborted: u32,
}

impl SegmentState {
    pub(crate) fn empty(base_offset: i64) -> Self {
        Self {
            size: 0,
            next_offset: base_offset,
            index_entries: 0,
            last_index: IndexEntry::default(),
            bytes_since_index: 0,
            time_entries: 0,
            last_time: None,
            max_timestamp: -1,
            max_timestamp_offset: base_offset,
            first_timestamp: None,
            aborted: 0,
        }
    }

    /// Accounts for a batch at the end and appends the index rows it brings.
    pub(crate) fn add(
        &mut self,
        base_offset: i64,
        header: &BatchHeader,
        interval: u64,
        rows: &mut IndexRows,
    ) {
        let total = header.total_bytes() as u64;
        if header.max_timestamp > self.max_timestamp {
            self.max_timestamp = header.max_timestamp;
            self.max_timestamp_offset = header.last_offset();
        }
        if self.first_timestamp.is_none() {
            self.first_timestamp = Some(header.max_timestamp);
        }
        if self.bytes_since_index > interval
            && let Ok(relative_offset) = u32::try_from(header.last_offset() - base_offset)
            && let Ok(position) = u32::try_from(self.size)
        {
            self.last_index = IndexEntry { relative_offset, position };
            self.index_entries += 1;
            rows.offsets.extend(self.last_index.encode());
            self.add_time(base_offset, rows);
            self.bytes_since_index = 0;
        }
        self.size += total;
        self.bytes_since_index += total;
        self.next_offset = header.next_offset();
    }

    /// Appends a time row when the largest timestamp has grown since the last one.
    pub(crate) fn add_time(&mut self, base_offset: i64, rows: &mut IndexRows) {
        let Ok(relative_offset) = u32::try_from(self.max_timestamp_offset - base_offset) else { return };
        let grown = self.last_time.is_none_or(|last| {
            self.max_timestamp > last.timestamp_ms && relative_offset >= last.relative_offset
        });
        if grown && self.max_timestamp >= 0 {
            let row = TimeEntry { timestamp_ms: self.max_timestamp, relative_offset };
            self.last_time = Some(row);
            self.time_entries += 1;
            rows.times.extend(row.encode());
        }
    }
}

/// Encoded index rows to append.
#[derive(Debug, Default)]
pub(crate) struct IndexRows {
    pub(crate) offsets: Vec<u8>,
    pub(crate) times: Vec<u8>,
}

/// The open files of a segment.
#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) log: Arc<dyn StorageFile>,
    pub(crate) index: Arc<dyn StorageFile>,
    pub(crate) time_index: Arc<dyn StorageFile>,
}

/// A segment. Readers share it with the one writer of the active segment.
#[derive(Debug)]
pub(crate) struct Segment {
    base_offset: i64,
    dir: Arc<PartitionDir>,
    state: Mutex<SegmentState>,
    sealed: AtomicBool,
    handles: Mutex<Option<Arc<Handles>>>,
    read_ahead: ReadAhead,
}

impl Segment {
    pub(crate) fn new(dir: Arc<PartitionDir>, base_offset: i64, state: SegmentState, sealed: bool) -> Self {
        Self {
            base_offset,
            dir,
            state: Mutex::new(state),
            sealed: sealed.into(),
            handles: Mutex::new(None),
            read_ahead: ReadAhead::default(),
        }
    }

    /// Creates the files of an empty segment, which are durable only after the folder is synced.
    ///
    /// After an error none of them is left; should that fail too, the second value of the error is false: a stray
    /// segment would hide what is appended before it, so that nothing may be.
    pub(crate) fn create(dir: Arc<PartitionDir>, base_offset: i64) -> Result<Self, (io::Error, bool)> {
        let segment = Self::new(dir, base_offset, SegmentState::empty(base_offset), false);
        match segment.open(OpenMode::Truncate) {
            Ok(handles) => {
                *lock(&segment.handles) = Some(Arc::new(handles));
                Ok(segment)
            }
            Err(error) => {
                let cleaned = segment.remove().is_ok();
                Err((error, cleaned))
            }
        }
    }

    pub(crate) fn base_offset(&self) -> i64 {
        self.base_offset
    }

    pub(crate) fn state(&self) -> SegmentState {
        *lock(&self.state)
    }

    pub(crate) fn size(&self) -> u64 {
        lock(&self.state).size
    }

    /// The files, kept open while the segment is active.
    pub(crate) fn handles(&self) -> io::Result<Arc<Handles>> {
        let mut kept = lock(&self.handles);
        if let Some(handles) = &*kept {
            return Ok(Arc::clone(handles));
        }
        if self.sealed.load(Ordering::Acquire) {
            drop(kept);
            return Ok(Arc::new(self.open(OpenMode::Read)?));
        }
        let handles = Arc::new(self.open(OpenMode::ReadWrite)?);
        *kept = Some(Arc::clone(&handles));
        Ok(handles)
    }

    fn open(&self, mode: OpenMode) -> io::Result<Handles> {
        // An index may be missing where Kafka never wrote one; the log may not.
        let log_mode = if mode == OpenMode::Truncate { mode } else { OpenMode::Read };
        if log_mode == OpenMode::Read {
            self.dir.open(&file_name(self.base_offset, LOG), OpenMode::Read)?;
        }
        Ok(Handles {
            log: self.dir.open(&file_name(self.base_offset, LOG), mode)?,
            index: self.dir.open(&file_name(self.base_offset, INDEX), mode)?,
            time_index: self.dir.open(&file_name(self.base_offset, TIME_INDEX), mode)?,
        })
    }

    /// Whether a batch of `bytes` ending at `last_offset` does not fit any more.
    pub(crate) fn is_full(&self, bytes: u64, last_offset: i64, limits: &SegmentLimits) -> bool {
        let state = self.state();
        let too_far = last_offset - self.base_offset > i64::from(i32::MAX);
        let index_full = (u64::from(state.index_entries) + 1) * index::ENTRY_BYTES > limits.index
            || (u64::from(state.time_entries) + 1) * time_index::ENTRY_BYTES > limits.index;
        state.size > 0 && (too_far || index_full || state.size + bytes > limits.segment)
    }

    /// Writes whole batches, one chunk of them after the other, at the end and then shows them to readers; `aborted` are the transactions they abort.
    ///
    /// Returns the transaction index when it was written to: it is to be synced with the log. After an error nothing was
    /// appended. Should the half-written bytes not come off again, the second value of the error is false: the segment must
    /// not be written to any more.
    pub(crate) fn append<'a>(
        &self,
        chunks: impl Iterator<Item = &'a [u8]>,
        headers: &[BatchHeader],
        aborted: &[Aborted],
        limits: &SegmentLimits,
    ) -> Result<Option<Arc<dyn StorageFile>>, (io::Error, bool)> {
        let handles = self.handles().map_err(|error| (error, true))?;
        let before = self.state();
        let index_end = u64::from(before.aborted) * txn_index::ENTRY_BYTES;
        let txn_index = match aborted {
            [] => None,
            _ => Some(self.open_txn_index(OpenMode::ReadWrite).map_err(|error| (error, true))?),
        };
        if let Some(file) = &txn_index
            && let Err(error) = file.write_at(index_end, &txn_index::encode(aborted))
        {
            return Err((error, file.set_size(index_end).is_ok()));
        }
        let mut after = before;
        let mut rows = IndexRows::default();
        for header in headers {
            after.add(self.base_offset, header, limits.index_interval, &mut rows);
        }
        let mut position = before.size;
        let written = chunks.into_iter().try_for_each(|bytes| {
            handles.log.write_at(position, bytes)?;
            position += bytes.len() as u64;
            Ok(())
        });
        if let Err(error) = written {
            let index_cleaned = txn_index.is_none_or(|file| file.set_size(index_end).is_ok());
            // where nothing arrived, as on a disk that is read-only, nothing is to be taken back
            let untouched = handles.log.size().is_ok_and(|size| size == before.size);
            let cleaned = untouched || handles.log.set_size(before.size).is_ok();
            return Err((error, cleaned && index_cleaned));
        }
        after.aborted += u32::try_from(aborted.len()).unwrap_or(0);
        if write_rows(&handles, &before, &rows).is_err() {
            // The indexes are a cache: without the new rows they stay right, only coarser.
            after.index_entries = before.index_entries;
            after.last_index = before.last_index;
            after.time_entries = before.time_entries;
            after.last_time = before.last_time;
        }
        *lock(&self.state) = after;
        Ok(txn_index)
    }

    fn open_txn_index(&self, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        self.dir.open(&file_name(self.base_offset, TXN_INDEX), mode)
    }

    /// Adds the aborted transactions with markers here that overlap `[from, until)`. Returns whether those of later segments may.
    pub(crate) fn aborted(&self, from: i64, until: i64, out: &mut Vec<Aborted>) -> io::Result<bool> {
        let count = self.state().aborted;
        if count == 0 {
            return Ok(true);
        }
        let file = self.open_txn_index(OpenMode::Read)?;
        txn_index::visit_from(&*file, count, from, |entry| {
            if entry.overlaps(from, until) {
                out.push(entry);
            }
            entry.last_stable_offset < until
        })
    }

    /// The transaction index for syncing, where there is one.
    pub(crate) fn txn_index(&self) -> io::Result<Option<Arc<dyn StorageFile>>> {
        if self.state().aborted == 0 { Ok(None) } else { self.open_txn_index(OpenMode::Read).map(Some) }
    }

    /// Says how many entries the transaction index has, after recovery wrote it anew.
    pub(crate) fn set_aborted(&self, count: u32) {
        lock(&self.state).aborted = count;
    }

    /// Writes the last row of the time index and returns the files, which are still to be synced.
    pub(crate) fn finish(&self) -> io::Result<Arc<Handles>> {
        let handles = self.handles()?;
        let before = self.state();
        let mut after = before;
        let mut rows = IndexRows::default();
        after.add_time(self.base_offset, &mut rows);
        write_rows(&handles, &before, &rows)?;
        *lock(&self.state) = after;
        Ok(handles)
    }

    /// Ends writing to a finished segment.
    pub(crate) fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
        *lock(&self.handles) = None;
    }

    /// Lets go of the files until the first append.
    pub(crate) fn close_idle(&self) {
        *lock(&self.handles) = None;
    }

    /// The active segment's files if they are open.
    pub(crate) fn open_handles(&self) -> Option<Arc<Handles>> {
        lock(&self.handles).clone()
    }

    /// Where to start reading for `offset`: at or before the batch that holds it.
    pub(crate) fn position_before(&self, handles: &Handles, offset: i64) -> io::Result<u64> {
        let Ok(relative) = u32::try_from(offset - self.base_offset) else { return Ok(0) };
        let state = self.state();
        if state.index_entries == 0 {
            return Ok(0);
        }
        if state.last_index.relative_offset <= relative {
            return Ok(state.last_index.position.into());
        }
        let row = index::floor(&*handles.index, state.index_entries, relative)?;
        Ok(row.map_or(0, |row| row.position.into()))
    }

    /// An indexed offset whose batch starts at or before `position`.
    pub(crate) fn offset_near(&self, handles: &Handles, position: u64) -> io::Result<i64> {
        let (mut low, mut high, mut found) = (0, self.state().index_entries, self.base_offset);
        while low < high {
            let middle = low + (high - low) / 2;
            let row = index::entry(&*handles.index, middle)?;
            if u64::from(row.position) <= position {
                found = self.base_offset + i64::from(row.relative_offset);
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(found)
    }

    /// Reads whole batches from the one that holds `offset` (or the next after a gap) up to `limit_offset`.
    ///
    /// At most `bytes_max`, but for the first batch when `whole_first` asks for it. Empty when there is nothing. `soon` gets what
    /// the next reads may need from the disk.
    pub(crate) fn read(
        &self,
        offset: i64,
        limit_offset: i64,
        bytes_max: usize,
        whole_first: bool,
        buffers: &Arc<Buffers>,
        soon: impl FnOnce(Wish),
    ) -> io::Result<Bytes> {
        let handles = self.handles()?;
        let size = self.size();
        let start = self.position_before(&handles, offset)?;
        let mut scan = Scan::of_headers(&*handles.log, start, size);
        let (first, from) = loop {
            match scan.next_header()? {
                Step::Batch { header, .. } if header.last_offset() < offset => {}
                Step::Batch { header, position, .. } => break (header, position),
                Step::End | Step::Broken(_) => return Ok(Bytes::new()),
            }
        };
        let fits = first.total_bytes() <= bytes_max;
        if first.last_offset() >= limit_offset || !(fits || whole_first) {
            return Ok(Bytes::new());
        }
        let wanted = if fits { bytes_max.min(to_usize(size - from)) } else { first.total_bytes() };
        let read = buffers.filled(wanted, |buffer| self.read_ahead.read(&handles.log, from, buffer, soon))?;
        let visible = Batches::new(&read).take_while(|(header, _)| header.last_offset() < limit_offset);
        let bytes: usize = visible.map(|(_, batch)| batch.len()).sum();
        if bytes < first.total_bytes() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(read.slice(..bytes))
    }

    /// Calls `visit` with each batch from the one that may hold the first timestamp at or after `timestamp_ms`.
    pub(crate) fn scan_from_timestamp<T>(
        &self,
        timestamp_ms: i64,
        mut visit: impl FnMut(&BatchHeader, &[u8]) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let handles = self.handles()?;
        let state = self.state();
        let row = time_index::before(&*handles.time_index, state.time_entries, timestamp_ms)?;
        let from = row.map_or(self.base_offset, |row| self.base_offset + i64::from(row.relative_offset));
        let start = self.position_before(&handles, from)?;
        let mut scan = Scan::new(&*handles.log, start, state.size);
        while let Step::Batch { header, bytes, .. } = scan.next_batch()? {
            if let Some(found) = visit(&header, bytes) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Removes the files. Readers that hold them open go on.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for suffix in SUFFIXES {
            self.dir.remove(&file_name(self.base_offset, suffix))?;
        }
        Ok(())
    }
}

fn write_rows(handles: &Handles, before: &SegmentState, rows: &IndexRows) -> io::Result<()> {
    if !rows.offsets.is_empty() {
        handles.index.write_at(u64::from(before.index_entries) * index::ENTRY_BYTES, &rows.offsets)?;
    }
    if !rows.times.is_empty() {
        handles.time_index.write_at(u64::from(before.time_entries) * time_index::ENTRY_BYTES, &rows.times)?;
    }
    Ok(())
}
