//! What happens by itself: timed syncs, checkpoints, retention; and the orderly stop.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::open::{CLEAN_SHUTDOWN, in_parallel};
use super::{Inner, Topics};
use crate::durability::{Engine, Pool};
use crate::log::checkpoint::{self, CLEANER, HIGH_WATERMARK, LOG_START, Offsets, RECOVERY_POINT};
use crate::log::lock;
use crate::log::storage::replace_file;
use crate::partition::{DeleteRecordsError, Partition, Status};

/// A partition without an append for this long gives its cached tail and its open files back.
const IDLE: Duration = Duration::from_secs(10);

/// Starts the thread that does what is due.
pub(super) fn start(inner: &Arc<Inner>) -> io::Result<()> {
    let (engine, weak) = (Arc::clone(&inner.engine), Arc::downgrade(inner));
    let thread =
        std::thread::Builder::new().name("assay-log-timer".into()).spawn(move || keep(&engine, &weak))?;
    *lock(&inner.housekeeper) = Some(thread);
    Ok(())
}

fn keep(engine: &Arc<Engine>, inner: &Weak<Inner>) {
    let now = Instant::now();
    let mut next_checkpoint = now + engine.config.checkpoint_interval;
    let mut next_retention = now + engine.config.retention_check_interval;
    let mut next_clean = now + engine.config.cleaner_interval;
    let mut next_idle = now + IDLE;
    let mut appends = HashMap::new();
    while let Some(due) = engine.timer.wait(next_checkpoint.min(next_retention).min(next_clean)) {
        due.iter().for_each(Partition::sync_soon);
        let Some(inner) = inner.upgrade() else { return };
        let now = Instant::now();
        if now >= next_checkpoint {
            next_checkpoint = now + engine.config.checkpoint_interval;
            if inner.partitions().iter().any(|partition| partition.recovery_point_moved()) {
                submit(&inner.engine.admin, &inner, Inner::write_checkpoints);
            }
        }
        if now >= next_retention {
            next_retention = now + engine.config.retention_check_interval;
            submit(&inner.engine.admin, &inner, Inner::enforce_retention);
        }
        if now >= next_clean {
            next_clean = now + engine.config.cleaner_interval;
            submit(&inner.engine.cleaner, &inner, Inner::compact);
        }
        if now >= next_idle {
            next_idle = now + IDLE;
            let partitions = inner.partitions();
            appends.retain(|key, _| partitions.iter().any(|partition| partition.key() == *key));
            for partition in partitions {
                partition.release_idle(appends.entry(partition.key()).or_default());
            }
            if inner.engine.tail_bytes.load(Ordering::Relaxed) == 0 {
                inner.engine.buffers.clear();
            }
        }
    }
}

fn submit(pool: &Pool, inner: &Arc<Inner>, job: fn(&Inner) -> io::Result<()>) {
    let weak = Arc::downgrade(inner);
    pool.submit(move || {
        if let Some(Err(error)) = weak.upgrade().map(|inner| job(&inner)) {
            tracing::warn!(%error, "housekeeping failed, will try again");
        }
    });
}

impl Inner {
    /// Writes recovery points and log starts, as far as they changed.
    pub(super) fn write_checkpoints(&self) -> io::Result<()> {
        let points = self.offsets(|partition| Some(partition.recovery_point()));
        checkpoint::write(&*self.engine.storage, &self.dir, RECOVERY_POINT, &points)?;
        for partition in self.partitions() {
            if let Some(point) = points.get(&(partition.topic().to_string(), partition.index())) {
                partition.recovery_point_written(*point);
            }
        }
        self.write_log_starts()
    }

    fn write_log_starts(&self) -> io::Result<()> {
        let starts = self.offsets(Partition::log_start_to_keep);
        checkpoint::write(&*self.engine.storage, &self.dir, LOG_START, &starts)
    }

    fn offsets(&self, offset: impl Fn(&Partition) -> Option<i64>) -> Offsets {
        let partitions = self.partitions();
        let live = partitions.iter().filter(|partition| partition.status() != Status::Deleted);
        live.filter_map(|partition| {
            Some(((partition.topic().to_string(), partition.index()), offset(partition)?))
        })
        .collect()
    }

    /// Deletes what retention no longer keeps; the new log starts are durable before files go.
    pub(super) fn enforce_retention(&self) -> io::Result<()> {
        let now_ms = self.engine.clock.now_ms();
        let partitions = self.partitions();
        for partition in &partitions {
            partition.expire_segments(now_ms);
        }
        self.write_log_starts()?;
        for partition in &partitions {
            let segments = partition.remove_expired()?;
            if segments > 0 {
                let (topic, index) = (&**partition.topic(), partition.index());
                tracing::info!(topic, partition = index, segments, "deleted expired segments");
            }
        }
        Ok(())
    }

    /// Compacts the logs that are due.
    pub(super) fn compact(&self) -> io::Result<()> {
        let mut changed = false;
        for partition in self.partitions() {
            match partition.compact(self.engine.clock.now_ms()) {
                Ok(compacted) => changed |= compacted,
                Err(error) => {
                    let (topic, index) = (&**partition.topic(), partition.index());
                    tracing::warn!(topic, partition = index, %error, "not compacted");
                }
            }
        }
        if changed {
            let dirty = self.offsets(|partition| {
                Some(partition.first_dirty_offset())
                    .filter(|offset| partition.config().compact && *offset > 0)
            });
            checkpoint::write(&*self.engine.storage, &self.dir, CLEANER, &dirty)?;
        }
        Ok(())
    }

    fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.engine.admin.close();
        self.engine.close();
        if let Some(thread) = lock(&self.housekeeper).take() {
            let _ = thread.join();
        }
        let partitions = self.partitions();
        let closed = in_parallel(self.engine.config.sync_threads, partitions, |partition| partition.close());
        let clean = closed.into_iter().all(|closed| closed);
        let marked = self.write_checkpoints().and_then(|()| {
            let marks = self.offsets(|partition| Some(partition.high_watermark()));
            checkpoint::write(&*self.engine.storage, &self.dir, HIGH_WATERMARK, &marks)?;
            if clean {
                let content = br#"{"version":0,"brokerEpoch":-1}"#;
                let temporary = ".kafka_cleanshutdown.tmp";
                replace_file(&*self.engine.storage, &self.dir, CLEAN_SHUTDOWN, temporary, content)?;
            }
            Ok(())
        });
        match marked {
            Ok(()) if clean => tracing::info!("logs are closed"),
            Ok(()) => tracing::warn!("logs are closed, the next start will look them over"),
            Err(error) => tracing::warn!(%error, "logs are not closed, the next start will look them over"),
        }
        lock(&self.lock_file).take();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.engine.stop_timer();
    }
}

impl Topics {
    /// Ends appends, syncs everything, writes snapshots, checkpoints and the mark of a clean stop, and unlocks.
    ///
    /// Appends that are queued are written and answered; later ones are refused. A second call does nothing.
    pub async fn shutdown(&self) {
        let (done, wait) = tokio::sync::oneshot::channel();
        let inner = Arc::clone(&self.0);
        let closing = std::thread::Builder::new().name("assay-log-close".into()).spawn(move || {
            inner.close();
            let _ = done.send(());
        });
        match closing {
            Ok(_) => {
                let _ = wait.await;
            }
            Err(error) => tracing::error!(%error, "logs are not closed"),
        }
    }

    /// Deletes the records of a partition below `offset` (-1: all below the high watermark); returns the log start.
    ///
    /// The new log start is durable on return; files go with the next retention pass.
    pub async fn delete_records(
        &self,
        partition: &Arc<Partition>,
        offset: i64,
    ) -> Result<i64, DeleteRecordsError> {
        let (inner, partition) = (Arc::clone(&self.0), Arc::clone(partition));
        let job = move || {
            let start = partition.advance_log_start(offset)?;
            inner.write_log_starts().map_err(|error| {
                tracing::warn!(%error, "log start is not written");
                DeleteRecordsError::Offline
            })?;
            Ok(start)
        };
        self.0.engine.admin.run(job).await.ok_or(DeleteRecordsError::Offline)?
    }

    /// Compacts what is due now, as the housekeeper does from time to time.
    pub async fn compact(&self) -> io::Result<()> {
        let inner = Arc::clone(&self.0);
        let done = self.0.engine.cleaner.run(move || inner.compact()).await;
        done.unwrap_or_else(|| Err(io::Error::other("the broker stops")))
    }

    /// Looks for expired segments now, as the housekeeper does from time to time.
    pub async fn enforce_retention(&self) -> io::Result<()> {
        let inner = Arc::clone(&self.0);
        let done = self.0.engine.admin.run(move || inner.enforce_retention()).await;
        done.unwrap_or_else(|| Err(io::Error::other("the broker stops")))
    }
}
