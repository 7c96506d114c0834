//! Retention, deletion of records, and an orderly stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use thiserror::Error;

use super::{Partition, Status};
use crate::log::recovery::SNAPSHOT;
use crate::log::storage::OpenMode;
use crate::log::{Segments, file_name, lock, offset_of_file};

/// Why records are not deleted.
#[derive(Debug, Error)]
pub enum DeleteRecordsError {
    /// Above the high watermark.
    #[error("offset {offset} is above the high watermark {high_watermark}")]
    OffsetOutOfRange {
        /// Asked for.
        offset: i64,
        /// At the time.
        high_watermark: i64,
    },
    /// The topic is compacted only.
    #[error("cleanup.policy does not contain delete")]
    Policy,
    /// The partition is offline or gone.
    #[error("the partition is offline")]
    Offline,
}

impl Partition {
    /// Moves the log start up, in memory; -1 means to the high watermark. Returns the log start.
    pub(crate) fn advance_log_start(&self, offset: i64) -> Result<i64, DeleteRecordsError> {
        if self.status() != Status::Online {
            return Err(DeleteRecordsError::Offline);
        }
        if !self.config().delete {
            return Err(DeleteRecordsError::Policy);
        }
        let high_watermark = self.high_watermark();
        let target = if offset == -1 { high_watermark } else { offset };
        if target > high_watermark || target < 0 {
            return Err(DeleteRecordsError::OffsetOutOfRange { offset, high_watermark });
        }
        self.raise_log_start(target);
        Ok(self.log_start_offset())
    }

    /// Moves the log start up to `offset`, if it lies below. Returns whether it moved.
    fn raise_log_start(&self, offset: i64) -> bool {
        let moved = self.log_start.fetch_max(offset, Ordering::AcqRel) < offset;
        if moved {
            lock(&self.tail).drop_below(offset, &self.engine.tail_bytes, &self.engine.buffers);
        }
        moved
    }

    /// Whether the log start must be written down: it lies inside a segment, or before segments that wait for removal.
    pub(crate) fn log_start_to_keep(&self) -> Option<i64> {
        let first = self.segments.as_ref()?.all().first().map_or(0, |segment| segment.base_offset());
        Some(self.log_start_offset()).filter(|start| *start > first)
    }

    /// Moves the log start past segments that retention no longer keeps, in memory. Returns whether it moved.
    pub(crate) fn expire_segments(self: &Arc<Self>, now_ms: i64) -> bool {
        let Some(segments) = &self.segments else { return false };
        if self.status() != Status::Online {
            return false;
        }
        let config = self.config();
        let oldest_producer = now_ms.saturating_sub(self.engine.config.producer_id_expiration_ms);
        lock(&self.writer).producers.expire(oldest_producer);
        if !config.delete {
            return false;
        }
        let _one_at_a_time = lock(&self.maintaining);
        self.roll_expired(segments, now_ms, config.retention_ms);
        let all = segments.all();
        let mut excess = match u64::try_from(config.retention_bytes) {
            Ok(keep) => segments.bytes().saturating_sub(keep),
            Err(_) => 0,
        };
        let high_watermark = self.high_watermark();
        let mut start = self.log_start_offset();
        for (segment, next) in all.iter().zip(all.iter().skip(1)) {
            let state = segment.state();
            let too_old = is_expired(state.max_timestamp, now_ms, config.retention_ms, || {
                segment.handles().and_then(|handles| handles.log.modified_ms())
            });
            let too_much = excess >= state.size && excess > 0;
            if !(too_old || too_much) || next.base_offset() > high_watermark {
                break;
            }
            excess = excess.saturating_sub(state.size);
            start = next.base_offset();
        }
        self.raise_log_start(start)
    }

    /// An active segment that expired as a whole is sealed first.
    fn roll_expired(&self, segments: &Segments, now_ms: i64, retention_ms: i64) {
        let mut writer = lock(&self.writer);
        let active = segments.active();
        let state = active.state();
        let expired = is_expired(state.max_timestamp, now_ms, retention_ms, || {
            active.handles().and_then(|handles| handles.log.modified_ms())
        });
        if state.size > 0 && expired && state.next_offset <= self.high_watermark() {
            if let Err(error) = self.roll(segments, &mut writer) {
                tracing::warn!(topic = &*self.topic, partition = self.index, %error, "no new segment");
            } else {
                drop(writer);
                self.sync_now();
            }
        }
    }

    /// Removes the files of segments below the log start, which is written down already.
    pub(crate) fn remove_expired(&self) -> io::Result<usize> {
        let Some(segments) = &self.segments else { return Ok(0) };
        let _one_at_a_time = lock(&self.maintaining);
        let _nobody_reads = super::write(&self.files);
        let removed = segments.remove_below(self.log_start_offset());
        for segment in &removed {
            segment.remove()?;
        }
        if !removed.is_empty() {
            self.remove_old_snapshots(segments)?;
            self.dir.sync()?;
        }
        Ok(removed.len())
    }

    /// Keeps the snapshots at the start of segments and the newest one.
    fn remove_old_snapshots(&self, segments: &Segments) -> io::Result<()> {
        let all = segments.all();
        let entries = self.dir.storage.list(&self.dir.path)?;
        let offsets: Vec<_> =
            entries.iter().filter_map(|entry| offset_of_file(&entry.name, SNAPSHOT)).collect();
        let newest = offsets.iter().max().copied();
        for offset in offsets {
            let needed = all.iter().any(|segment| segment.base_offset() == offset) || Some(offset) == newest;
            if !needed {
                self.dir.remove(&file_name(offset, SNAPSHOT))?;
            }
        }
        Ok(())
    }

    /// Gives back cached batches and open files of a partition that nobody appended to since the last call.
    pub(crate) fn release_idle(&self, last_count: &mut u64) {
        let count = self.append_count.load(Ordering::Relaxed);
        if count == *last_count {
            lock(&self.tail).clear(&self.engine.tail_bytes);
            if let Some(segments) = &self.segments {
                // Under the writer's lock, so that no write is under way with these files.
                let _writer = lock(&self.writer);
                segments.active().close_idle();
            }
        }
        *last_count = count;
    }

    /// Syncs everything and writes the producer snapshot, so that the next start need not look at the log.
    ///
    /// Returns whether that worked; appends must have ended before.
    pub(crate) fn close(&self) -> bool {
        let Some(segments) = &self.segments else { return false };
        let writer = lock(&self.writer);
        let name = file_name(writer.next_offset, SNAPSHOT);
        let untouched = self.append_count.load(Ordering::Relaxed) == 0
            && (writer.next_offset == 0 || self.dir.open(&name, OpenMode::Read).is_ok());
        if !untouched {
            let snapshot = match self.write_snapshot(&writer) {
                Ok(snapshot) => snapshot,
                Err(error) => {
                    self.fence("no producer snapshot", &error);
                    return false;
                }
            };
            let mut unsynced = lock(&self.unsynced);
            unsynced.add(&snapshot);
            match segments.active().handles() {
                Ok(handles) => {
                    unsynced.add(&handles.log);
                    unsynced.add(&handles.index);
                    unsynced.add(&handles.time_index);
                }
                Err(error) => {
                    drop(unsynced);
                    self.fence("the active segment cannot be opened", &error);
                    return false;
                }
            }
            unsynced.dir = true;
        }
        drop(writer);
        if !untouched {
            let _ = self.remove_old_snapshots(segments);
        }
        self.sync_now()
    }
}

fn is_expired(
    max_timestamp: i64,
    now_ms: i64,
    retention_ms: i64,
    modified_ms: impl Fn() -> io::Result<i64>,
) -> bool {
    if retention_ms < 0 {
        return false;
    }
    let newest = if max_timestamp >= 0 { Ok(max_timestamp) } else { modified_ms() };
    newest.is_ok_and(|newest| now_ms.saturating_sub(newest) > retention_ms)
}
