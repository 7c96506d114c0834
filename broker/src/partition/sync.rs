//! Making appends durable: one sync round after another, each covering what was written before it began.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Partition, Status};
use crate::log::lock;
use crate::log::segment::Segment;
use crate::log::storage::StorageFile;
use crate::topics::config::{Durability, TopicConfig};

/// Unsynced bytes that start a round in every mode: what a restart has to read again.
const UNSYNCED_BYTES_MAX: usize = 64 << 20;
/// Time after which a round starts in `os` mode, for the same reason.
const UNSYNCED_TIME_MAX: Duration = Duration::from_secs(1);

/// Written and not yet synced.
#[derive(Debug)]
pub(super) struct Unsynced {
    files: Vec<Arc<dyn StorageFile>>,
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
        Self { files: Vec::new(), dir: false, end, start: end, bytes: 0, queued: false, timed: false }
    }

    pub(super) fn add(&mut self, file: &Arc<dyn StorageFile>) {
        if !self.files.iter().any(|known| Arc::ptr_eq(known, file)) {
            self.files.push(Arc::clone(file));
        }
    }

    fn is_empty(&self) -> bool {
        self.files.is_empty() && !self.dir
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
        let mut unsynced = lock(&self.unsynced);
        if let Some(handles) = segment.open_handles() {
            unsynced.add(&handles.log);
        }
        unsynced.end = end;
        unsynced.bytes += bytes;
        let many = unsynced.bytes >= UNSYNCED_BYTES_MAX || end - unsynced.start >= config.flush_messages;
        let wait = match durability {
            Durability::Fsync => None,
            _ if many => None,
            Durability::Interval(interval) => Some(interval),
            Durability::Os => Some(UNSYNCED_TIME_MAX),
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
        self.sync_now();
        let mut unsynced = lock(&self.unsynced);
        let waiting = !unsynced.is_empty() && self.status() == Status::Online;
        if waiting && (self.durability() == Durability::Fsync || unsynced.bytes >= UNSYNCED_BYTES_MAX) {
            drop(unsynced);
            self.queue_sync();
        } else {
            unsynced.queued = false;
        }
    }

    /// Syncs everything written before the call; a failure takes the partition offline.
    ///
    /// Returns whether the partition is as durable as its log is long at the time of the call.
    pub(crate) fn sync_now(&self) -> bool {
        let _one_at_a_time = lock(&self.syncing);
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
