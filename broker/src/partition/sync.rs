//! Making appends durable: one sync round after another, each covering what was written before it began.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Partition, Status};
use crate::log::recovery::SNAPSHOT;
use crate::log::segment::Segment;
use crate::log::storage::{OpenMode, StorageFile};
use crate::log::{lock, offset_of_file};
use crate::topics::config::{Durability, TopicConfig};

/// Files kept open for a round: rolled segments have several each. More start one.
const FILES_MAX: usize = 24;

/// What starts a round though nobody waits for it: what a restart has to read again.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Unsynced bytes.
    bytes: usize,
    /// Time since the first of them.
    time: Duration,
}

/// Where a restart reads everything that is not synced.
const SHORT: Patience = Patience { bytes: 64 << 20, time: Duration::from_secs(1) };
/// Where it does so after a power loss alone, the operating system is left to it: it writes back after about as long.
const LONG: Patience = Patience { bytes: 1 << 30, time: Duration::from_secs(30) };

/// Written and not yet synced.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that come and go by themselves")]
pub(super) struct Unsynced {
    files: Vec<Arc<dyn StorageFile>>,
    /// All files above the recovery point are to be synced as well, which an earlier process wrote.
    inherited: bool,
    /// Names in the folder changed.
    pub(super) dir: bool,
    /// Offset after the last batch written.
    end: i64,
    /// Offset after the last batch of the round before.
    start: i64,
    bytes: usize,
    /// A round is queued or under way.
    queued: bool,
    /// The housekeeper will start one.
    timed: bool,
}

impl Unsynced {
    pub(super) fn new(end: i64) -> Self {
        Self {
            files: Vec::new(),
            inherited: false,
            dir: false,
            end,
            start: end,
            bytes: 0,
            queued: false,
            timed: false,
        }
    }

    pub(super) fn add(&mut self, file: &Arc<dyn StorageFile>) {
        if !self.files.iter().any(|known| Arc::ptr_eq(known, file)) {
            self.files.push(Arc::clone(file));
        }
    }

    /// Whether a round is due, however long there is still time.
    fn is_much(&self, patience: Patience) -> bool {
        self.bytes >= patience.bytes || self.files.len() > FILES_MAX
    }

    fn is_empty(&self) -> bool {
        self.files.is_empty() && !self.dir && !self.inherited
    }
}

impl Partition {
    /// Takes note of a write and has it synced when the mode says so.
    pub(super) fn written(
        self: &Arc<Self>,
        segment: &Segment,
        end: i64,
        bytes: usize,
        durability: Durability,
        config: &TopicConfig,
    ) {
        let patience = self.patience(durability);
        let mut unsynced = lock(&self.unsynced);
        if let Some(handles) = segment.open_handles() {
            unsynced.add(&handles.log);
        }
        unsynced.end = end;
        unsynced.bytes += bytes;
        let many = unsynced.is_much(patience) || end - unsynced.start >= config.flush_messages;
        let wait = match durability {
            Durability::Fsync => None,
            _ if many => None,
            Durability::Interval(interval) => Some(interval),
            Durability::Os => Some(patience.time),
        };
        match wait {
            None if !unsynced.queued => {
                unsynced.queued = true;
                drop(unsynced);
                self.queue_sync();
            }
            Some(wait) if !unsynced.timed => {
                unsynced.timed = true;
                drop(unsynced);
                self.engine.timer.add(Instant::now() + wait, self);
            }
            _ => {}
        }
    }

    fn patience(&self, durability: Durability) -> Patience {
        if durability == Durability::Os && self.engine.boot_known { LONG } else { SHORT }
    }

    /// Has what an earlier process wrote above the recovery point synced some time later.
    pub(super) fn sync_later(self: &Arc<Self>) {
        let mut unsynced = lock(&self.unsynced);
        unsynced.inherited = true;
        unsynced.timed = true;
        drop(unsynced);
        let wait = match self.durability() {
            Durability::Interval(interval) => interval,
            durability => self.patience(durability).time,
        };
        self.engine.timer.add(Instant::now() + wait, self);
    }

    /// Starts a round if something is unsynced and none is under way.
    pub(crate) fn sync_soon(self: &Arc<Self>) {
        let mut unsynced = lock(&self.unsynced);
        unsynced.timed = false;
        if !unsynced.queued && !unsynced.is_empty() {
            unsynced.queued = true;
            drop(unsynced);
            self.queue_sync();
        }
    }

    fn queue_sync(self: &Arc<Self>) {
        let partition = Arc::clone(self);
        self.engine.syncers.submit(move || partition.sync_round());
    }

    fn sync_round(self: &Arc<Self>) {
        let synced = self.sync_now();
        let mut unsynced = lock(&self.unsynced);
        let durability = self.durability();
        let hurry = durability == Durability::Fsync || unsynced.is_much(self.patience(durability));
        if synced && !unsynced.is_empty() && hurry {
            drop(unsynced);
            self.queue_sync();
            return;
        }
        unsynced.queued = false;
        // files of an earlier process could not be opened
        let again = !synced && unsynced.inherited && self.status() == Status::Online;
        drop(unsynced);
        if again {
            self.sync_later();
        }
    }

    /// Syncs everything written before the call; a failure takes the partition offline.
    ///
    /// Returns whether the partition is as durable as its log is long at the time of the call.
    pub(crate) fn sync_now(&self) -> bool {
        let _one_at_a_time = lock(&self.syncing);
        if let Err(error) = self.open_inherited() {
            tracing::warn!(topic = &*self.topic, partition = self.index, %error, "not synced, will try again");
            return false;
        }
        let (files, dir, end) = {
            let mut unsynced = lock(&self.unsynced);
            unsynced.bytes = 0;
            unsynced.start = unsynced.end;
            (std::mem::take(&mut unsynced.files), std::mem::take(&mut unsynced.dir), unsynced.end)
        };
        if self.status() != Status::Online {
            return false;
        }
        let synced = files.iter().try_for_each(|file| file.sync_data());
        match synced.and_then(|()| if dir { self.dir.sync() } else { Ok(()) }) {
            Ok(()) => {
                self.recovery_point.fetch_max(end, Ordering::AcqRel);
                self.advance(end);
                true
            }
            // The kernel may drop what it could not write: nothing is known about the file any more.
            Err(error) => {
                self.fence("sync failed", &error);
                false
            }
        }
    }

    /// Adds the files of an earlier process to what the next round syncs.
    fn open_inherited(&self) -> std::io::Result<()> {
        let Some(segments) = self.segments.as_ref().filter(|_| lock(&self.unsynced).inherited) else {
            return Ok(());
        };
        let _names_stay = super::read(&self.files);
        let recovery_point = self.recovery_point();
        let mut files = Vec::new();
        for segment in segments.all().iter().filter(|segment| segment.state().next_offset > recovery_point) {
            let handles = segment.handles()?;
            files.extend([&handles.log, &handles.index, &handles.time_index].map(Arc::clone));
            files.extend(segment.txn_index()?);
        }
        for entry in self.dir.storage.list(&self.dir.path)? {
            if offset_of_file(&entry.name, SNAPSHOT).is_some_and(|offset| offset > recovery_point) {
                files.push(self.dir.open(&entry.name, OpenMode::Read)?);
            }
        }
        let mut unsynced = lock(&self.unsynced);
        for file in &files {
            unsynced.add(file);
        }
        unsynced.inherited = false;
        unsynced.dir = true;
        Ok(())
    }

    /// Moves the watermarks up and wakes those who wait.
    pub(super) fn advance(&self, offset: i64) {
        let mut stable = lock(&self.stable);
        self.progress.send_if_modified(|progress| {
            let grown = progress.status == Status::Online && progress.high_watermark < offset;
            if grown {
                progress.high_watermark = offset;
                // Records deleted by a user may have been of an open transaction.
                let last_stable_offset = stable.last_stable_offset(offset).max(self.log_start_offset());
                progress.last_stable_offset = progress.last_stable_offset.max(last_stable_offset);
            }
            grown
        });
    }

    /// Whether the checkpoint is behind.
    pub(crate) fn recovery_point_moved(&self) -> bool {
        self.recovery_point() != self.recovery_point_written.load(Ordering::Relaxed)
    }

    pub(crate) fn recovery_point_written(&self, offset: i64) {
        self.recovery_point_written.store(offset, Ordering::Relaxed);
    }

    /// Up to here the log is synced.
    pub(crate) fn recovery_point(&self) -> i64 {
        self.recovery_point.load(Ordering::Acquire)
    }
}
