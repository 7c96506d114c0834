//! Compaction: of each key only the newest record stays.
//!
//! Sealed segments are copied to `.log.cleaned` files without superseded records, synced, and renamed to `.log.swap`,
//! which is the point of no return; then the old segments go and the new one takes the first one's name. A crash before
//! the rename leaves a `.cleaned` file, which the next start removes; after it, the next start finishes the swap.
//! Offsets never change: a batch whose records are gone stays as an empty one where its offsets or its producer's
//! sequence are still needed.
//!
//! Records of aborted transactions supersede nothing and go at once. A marker goes once nothing of its transaction is left and
//! the time for tombstones has passed since a pass found that out. Nothing at or above the last stable offset is touched.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::Arc;

use super::scan::{Scan, Step};
use super::segment::{INDEX, IndexRows, LOG, SUFFIXES, Segment, SegmentLimits, SegmentState, TIME_INDEX};
use super::storage::OpenMode;
use super::txn_index::{self, Aborted, TXN_INDEX};
use super::{PartitionDir, file_name};
use crate::record_batch::{BatchHeader, Marker, Record, RecordLimits, records, rewrite};

mod transactions;

pub(crate) use transactions::Walk;

/// Suffix of a copy being written.
const CLEANED: &str = "log.cleaned";
/// Suffix of a finished copy that replaces segments.
pub(crate) const SWAP: &str = "log.swap";
/// Keys remembered in one run; about 40 bytes each.
const KEYS_MAX: usize = 3_000_000;
/// Bytes of a copy written at once.
const WRITE_BYTES: usize = 1 << 20;

/// The newest offset of every key in a range, by 128 bits of keyed hash.
#[derive(Debug)]
pub(crate) struct Latest {
    hashers: (RandomState, RandomState),
    offsets: HashMap<(u64, u64), i64>,
    /// Offset after the last batch looked at.
    pub(crate) end: i64,
}

impl Latest {
    /// Reads the keys of `[from, ..)` in `segments`; stops early, between two batches, when there are too many.
    /// `aborted` are the transactions that were aborted in the whole log.
    pub(crate) fn build(
        segments: &[Arc<Segment>],
        from: i64,
        aborted: &[Aborted],
        alive: &dyn Fn() -> bool,
    ) -> io::Result<Self> {
        let mut walk = Walk::new(aborted, from);
        let hashers = (RandomState::new(), RandomState::new());
        let mut latest = Self { hashers, offsets: HashMap::new(), end: from };
        for segment in segments.iter().filter(|segment| segment.state().next_offset > from) {
            let handles = segment.handles()?;
            let start = segment.position_before(&handles, from)?;
            let mut scan = Scan::new(&*handles.log, start, segment.size());
            while let Step::Batch { header, bytes, .. } = scan.next_batch()? {
                if latest.offsets.len() >= KEYS_MAX || !alive() {
                    return Ok(latest);
                }
                if let Some(marker) = Marker::read(&header, bytes) {
                    walk.marker(&header, marker);
                } else if header.last_offset() >= from && !walk.records(&header) {
                    latest.add(&header, bytes, from);
                }
                latest.end = latest.end.max(header.next_offset());
            }
            latest.end = latest.end.max(segment.state().next_offset);
        }
        Ok(latest)
    }

    fn add(&mut self, header: &BatchHeader, batch: &[u8], from: i64) {
        if header.is_control() {
            return;
        }
        let Ok(records) = records(batch, &RecordLimits::default()) else { return };
        for record in records.iter().map_while(Result::ok) {
            let offset = header.base_offset + i64::from(record.offset_delta);
            if let Some(key) = record.key.filter(|_| offset >= from) {
                let hash = self.hash(key);
                self.offsets.insert(hash, offset);
            }
        }
    }

    fn hash(&self, key: &[u8]) -> (u64, u64) {
        (self.hashers.0.hash_one(key), self.hashers.1.hash_one(key))
    }

    /// Whether a newer record of the same key follows.
    fn supersedes(&self, key: &[u8], offset: i64) -> bool {
        self.offsets.get(&self.hash(key)).is_some_and(|latest| *latest > offset)
    }
}

/// What decides about a record, besides newer ones.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) now_ms: i64,
    pub(crate) delete_retention_ms: i64,
    /// By producer: the last offset of the batch that holds its current sequence, if there is one, and its epoch.
    pub(crate) producer_ends: HashMap<i64, (Option<i64>, i16)>,
    pub(crate) limits: SegmentLimits,
}

/// A finished copy of consecutive segments, synced under its temporary name.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) base_offset: i64,
    state: SegmentState,
    rows: IndexRows,
    aborted: Vec<Aborted>,
    /// Anything was left out, changed or merged.
    pub(crate) changed: bool,
}

/// Splits segments into runs whose copies cannot exceed a segment's limits.
pub(crate) fn groups(segments: &[Arc<Segment>], limits: &SegmentLimits) -> Vec<Vec<Arc<Segment>>> {
    let mut groups: Vec<Vec<Arc<Segment>>> = Vec::new();
    let mut bytes = 0;
    for segment in segments {
        let size = segment.size();
        let fits = groups.last().and_then(|group| group.first()).is_some_and(|first| {
            let span = segment.state().next_offset - first.base_offset();
            bytes + size <= limits.segment && span <= i64::from(i32::MAX)
        });
        if let Some(group) = groups.last_mut().filter(|_| fits) {
            group.push(Arc::clone(segment));
            bytes += size;
        } else {
            groups.push(vec![Arc::clone(segment)]);
            bytes = size;
        }
    }
    groups
}

/// Copies a run of segments without what `latest` supersedes. `None` when `alive` ends it.
pub(crate) fn copy(
    dir: &PartitionDir,
    group: &[Arc<Segment>],
    latest: &Latest,
    rules: &Rules,
    walk: &mut Walk,
    alive: &dyn Fn() -> bool,
) -> io::Result<Option<Copy>> {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return Ok(None) };
    let (base_offset, end) = (first.base_offset(), last.state().next_offset);
    let file = dir.open(&file_name(base_offset, CLEANED), OpenMode::Truncate)?;
    let mut copy = Copy {
        base_offset,
        state: SegmentState::empty(base_offset),
        rows: IndexRows::default(),
        aborted: Vec::new(),
        changed: group.len() > 1,
    };
    let (mut buffer, mut written) = (Vec::new(), 0_u64);
    for segment in group {
        let handles = segment.handles()?;
        let mut scan = Scan::new(&*handles.log, 0, segment.size());
        while let Step::Batch { header, bytes, .. } = scan.next_batch()? {
            if !alive() {
                return Ok(None);
            }
            let needed = header.next_offset() >= end || rules.holds_producer(&header);
            let kept = if let Some(marker) = Marker::read(&header, bytes) {
                let ended = walk.marker(&header, marker);
                copy.aborted.extend(ended.aborted);
                filter_marker(
                    &header,
                    bytes,
                    ended.is_empty && header.base_offset < latest.end,
                    rules,
                    needed,
                )?
            } else {
                let aborted = walk.records(&header);
                filter(&header, bytes, latest, rules, aborted, needed)?
            };
            match kept {
                Kept::Same => copy.add(&header, bytes, rules, &mut buffer),
                Kept::Changed(batch) => {
                    copy.changed = true;
                    let header = BatchHeader::parse(&batch).map_err(io::Error::other)?;
                    copy.add(&header, &batch, rules, &mut buffer);
                }
                Kept::Nothing => copy.changed = true,
            }
            if buffer.len() >= WRITE_BYTES {
                file.write_at(written, &buffer)?;
                written += buffer.len() as u64;
                buffer.clear();
            }
        }
    }
    file.write_at(written, &buffer)?;
    file.sync_data()?;
    copy.state.add_time(base_offset, &mut copy.rows);
    // The name holds the offsets up to here, whatever the last batch was.
    copy.state.next_offset = end;
    copy.state.aborted = u32::try_from(copy.aborted.len()).unwrap_or(u32::MAX);
    Ok(Some(copy))
}

impl Rules {
    /// Whether a producer's sequence, or without one its epoch, is known from this batch.
    fn holds_producer(&self, header: &BatchHeader) -> bool {
        match self.producer_ends.get(&header.producer_id) {
            Some((Some(last_offset), _)) => *last_offset == header.last_offset(),
            Some((None, epoch)) => header.is_control() && header.producer_epoch == *epoch,
            None => false,
        }
    }
}

impl Copy {
    fn add(&mut self, header: &BatchHeader, batch: &[u8], rules: &Rules, buffer: &mut Vec<u8>) {
        self.state.add(self.base_offset, header, rules.limits.index_interval, &mut self.rows);
        buffer.extend_from_slice(batch);
    }

    /// Gives the copy up.
    pub(crate) fn discard(&self, dir: &PartitionDir) -> io::Result<()> {
        dir.remove(&file_name(self.base_offset, CLEANED))
    }

    /// Puts the copy in the place of the segments it was made from. Nobody may read them meanwhile.
    pub(crate) fn swap_in(self, dir: &Arc<PartitionDir>, group: &[Arc<Segment>]) -> io::Result<Segment> {
        let swap = file_name(self.base_offset, SWAP);
        dir.rename(&file_name(self.base_offset, CLEANED), &swap)?;
        dir.sync()?;
        for segment in group {
            segment.remove()?;
        }
        // Under its final name the copy must not meet what it replaces.
        dir.sync()?;
        dir.rename(&swap, &file_name(self.base_offset, LOG))?;
        // First the one that is no mere cache: where the others are there, recovery trusts it.
        let transactions = txn_index::encode(&self.aborted);
        let rows = [(TXN_INDEX, &transactions), (INDEX, &self.rows.offsets), (TIME_INDEX, &self.rows.times)];
        for (suffix, rows) in
            rows.into_iter().filter(|(suffix, rows)| *suffix != TXN_INDEX || !rows.is_empty())
        {
            let file = dir.open(&file_name(self.base_offset, suffix), OpenMode::Truncate)?;
            file.write_at(0, rows)?;
            file.sync_data()?;
        }
        dir.sync()?;
        Ok(Segment::new(Arc::clone(dir), self.base_offset, self.state, true))
    }
}

/// Finishes a swap that a crash interrupted: `name` is a `.log.swap` file, `bases` the segments beside it.
///
/// Removes the segments it replaces and gives it its name; the indexes are left to recovery.
pub(crate) fn finish_swap(dir: &PartitionDir, base_offset: i64, bases: &[i64]) -> io::Result<()> {
    let name = file_name(base_offset, SWAP);
    let file = dir.open(&name, OpenMode::Read)?;
    let mut scan = Scan::new(&*file, 0, file.size()?);
    let mut end = base_offset + 1;
    while let Step::Batch { header, .. } = scan.next_header()? {
        end = end.max(header.next_offset());
    }
    for base in bases.iter().filter(|base| (base_offset..end).contains(base)) {
        for suffix in SUFFIXES {
            dir.remove(&file_name(*base, suffix))?;
        }
    }
    dir.sync()?;
    dir.rename(&name, &file_name(base_offset, LOG))?;
    dir.sync()
}

enum Kept {
    Same,
    Changed(bytes::Bytes),
    Nothing,
}

/// What stays of a batch; an empty one when it is `needed` for its offsets.
fn filter(
    header: &BatchHeader,
    batch: &[u8],
    latest: &Latest,
    rules: &Rules,
    aborted: bool,
    needed: bool,
) -> io::Result<Kept> {
    if header.is_control() || header.base_offset >= latest.end {
        return Ok(Kept::Same);
    }
    if aborted {
        return if !needed {
            Ok(Kept::Nothing)
        } else if header.records_count == 0 {
            Ok(Kept::Same)
        } else {
            rewrite(header, &[], None).map(Kept::Changed)
        };
    }
    // What cannot be looked into stays.
    let Ok(opened) = records(batch, &RecordLimits::default()) else { return Ok(Kept::Same) };
    let Ok(all) = opened.iter().collect::<Result<Vec<Record<'_>>, _>>() else { return Ok(Kept::Same) };
    let count = all.len();
    let expired = header.has_delete_horizon() && header.base_timestamp <= rules.now_ms;
    let mut tombstones = false;
    let kept: Vec<_> = all
        .into_iter()
        .filter(|record| {
            let offset = header.base_offset + i64::from(record.offset_delta);
            let stays = record.key.is_some_and(|key| !latest.supersedes(key, offset));
            let tombstone = record.value.is_none();
            tombstones |= stays && tombstone;
            stays && !(tombstone && expired)
        })
        .collect();
    let horizon = (tombstones && !header.has_delete_horizon())
        .then(|| rules.now_ms.saturating_add(rules.delete_retention_ms));
    if kept.is_empty() && !needed {
        return Ok(Kept::Nothing);
    }
    if kept.len() == count && horizon.is_none() {
        return Ok(Kept::Same);
    }
    rewrite(header, &kept, horizon).map(Kept::Changed)
}

/// What stays of a marker: all of it while something of its transaction is left, and for the time of tombstones after that.
fn filter_marker(
    header: &BatchHeader,
    batch: &[u8],
    ends_nothing: bool,
    rules: &Rules,
    needed: bool,
) -> io::Result<Kept> {
    if !ends_nothing {
        return Ok(Kept::Same);
    }
    if header.has_delete_horizon() {
        return match (header.base_timestamp <= rules.now_ms, needed) {
            (false, _) => Ok(Kept::Same),
            (true, false) => Ok(Kept::Nothing),
            (true, true) => rewrite(header, &[], None).map(Kept::Changed),
        };
    }
    let Ok(opened) = records(batch, &RecordLimits::default()) else { return Ok(Kept::Same) };
    let Ok(all) = opened.iter().collect::<Result<Vec<Record<'_>>, _>>() else { return Ok(Kept::Same) };
    let horizon = rules.now_ms.saturating_add(rules.delete_retention_ms);
    rewrite(header, &all, Some(horizon)).map(Kept::Changed)
}
