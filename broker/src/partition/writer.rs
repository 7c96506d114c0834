//! The writer's side of a partition: queue, offsets, one write for many batches, rolling.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;

use super::append::{AppendError, Appended, Pending, Ticket};
use super::tail::Chunk;
use super::{Partition, Status};
use crate::buffers::LARGE_BYTES_MIN;
use crate::durability::{Engine, LogConfig};
use crate::log::segment::Segment;
use crate::log::txn_index::Aborted;
use crate::log::{Segments, file_name, lock};
use crate::producer_state::{Change, ProducerState, Undo, Verdict};
use crate::record_batch::{BatchHeader, TimestampType, assign, set_log_append_time};
use crate::topics::config::{Durability, TopicConfig};

/// Bytes gathered into one write.
const WRITE_BYTES_MAX: usize = 4 << 20;

/// Bytes of log from one mark to the next.
const MARK_BYTES: u64 = if cfg!(test) { 2 << 10 } else { 64 << 20 };
/// Marks that stay.
const MARKS_KEPT: usize = 2;

/// Appends waiting for the writer thread.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pending: VecDeque<Pending>,
    scheduled: bool,
}

/// What only the writer changes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) next_offset: i64,
    pub(super) epoch: i32,
    pub(super) producers: ProducerState,
    /// When the active segment was created.
    active_since_ms: i64,
    /// Size of the active segment at the last mark.
    marked_at: u64,
    /// Offsets of the last marks, oldest first.
    marks: VecDeque<i64>,
}

impl Writer {
    /// `size` is that of the active segment.
    pub(super) fn new(
        next_offset: i64,
        epoch: i32,
        producers: ProducerState,
        now_ms: i64,
        size: u64,
    ) -> Self {
        let marks = VecDeque::new();
        Self { next_offset, epoch, producers, active_since_ms: now_ms, marked_at: size, marks }
    }
}

type Reply = (oneshot::Sender<Result<Appended, AppendError>>, Appended);

/// Batches gathered for one write, with what is needed to take them back.
#[derive(Debug, Default)]
struct Stage {
    /// Bytes of all that is gathered.
    size: usize,
    chunks: Vec<Chunk>,
    /// Small batches that were copied together, to become a chunk; from this offset on.
    run: BytesMut,
    run_offset: i64,
    headers: Vec<BatchHeader>,
    replies: Vec<Reply>,
    undo: Undo,
    changes: Vec<Change>,
    aborted: Vec<Aborted>,
}

impl Stage {
    /// Gathers a batch that is stamped in its place, where it is large and nobody else holds it, or in a copy. It ends before
    /// `next_offset`.
    fn gather(
        &mut self,
        batch: Bytes,
        (base_offset, next_offset): (i64, i64),
        stamp: impl FnOnce(&mut [u8]),
    ) {
        self.size += batch.len();
        match in_place(batch) {
            Ok(mut batch) => {
                self.end_run(base_offset);
                stamp(&mut batch);
                self.chunks.push(Chunk { base_offset, next_offset, bytes: batch.freeze() });
            }
            Err(batch) => {
                if self.run.is_empty() {
                    self.run_offset = base_offset;
                }
                let start = self.run.len();
                self.run.extend_from_slice(&batch);
                stamp(self.run.get_mut(start..).unwrap_or_default());
            }
        }
    }

    /// Makes a chunk of the copies so far.
    fn end_run(&mut self, next_offset: i64) {
        if !self.run.is_empty() {
            let bytes = std::mem::take(&mut self.run).freeze();
            self.chunks.push(Chunk { base_offset: self.run_offset, next_offset, bytes });
        }
    }
}

/// The batch for writing to, if it is large, the only user of its buffer, and fills most of it.
fn in_place(batch: Bytes) -> Result<BytesMut, Bytes> {
    if batch.len() < LARGE_BYTES_MIN {
        return Err(batch);
    }
    let batch = batch.try_into_mut()?;
    if batch.capacity() > batch.len().saturating_mul(2) { Err(batch.freeze()) } else { Ok(batch) }
}

impl Partition {
    pub(super) fn writer_hash(&self) -> usize {
        let mut hasher = DefaultHasher::new();
        (&*self.topic, self.index).hash(&mut hasher);
        usize::try_from(hasher.finish() >> 33).unwrap_or(0)
    }

    pub(super) fn enqueue(self: &Arc<Self>, pending: Pending) {
        let mut queue = lock(&self.queue);
        queue.pending.push_back(pending);
        if !queue.scheduled {
            queue.scheduled = true;
            drop(queue);
            self.schedule();
        }
    }

    fn schedule(self: &Arc<Self>) {
        let partition = Arc::clone(self);
        self.engine.writer(self.writer_hash()).submit(move || partition.drain());
    }

    /// Writes what is queued, up to one write's worth, and comes back for the rest behind other partitions.
    fn drain(self: &Arc<Self>) {
        let guard = FenceOnPanic(self);
        let mut taken = Vec::new();
        {
            let mut queue = lock(&self.queue);
            let mut bytes = 0;
            while bytes < WRITE_BYTES_MAX
                && let Some(pending) = queue.pending.pop_front()
            {
                bytes += pending.batch.len();
                taken.push(pending);
            }
        }
        self.write(taken);
        let mut queue = lock(&self.queue);
        if queue.pending.is_empty() {
            queue.scheduled = false;
        } else {
            drop(queue);
            self.schedule();
        }
        std::mem::forget(guard);
    }

    fn write(self: &Arc<Self>, pending: Vec<Pending>) {
        let Some(segments) = &self.segments else { return };
        let config = self.config();
        let now_ms = self.engine.clock.now_ms();
        let mut writer = lock(&self.writer);
        let mut stage = Stage::default();
        for pending in pending {
            let header = pending.header;
            let verdict = match self.status() {
                Status::Online => self.check_producer(&writer.producers, &pending),
                Status::Offline => Err(AppendError::Offline),
                Status::Deleted => Err(AppendError::Deleted),
            };
            let verdict = verdict.and_then(|verdict| {
                if verdict == Verdict::Fresh {
                    self.make_room(segments, &mut writer, &mut stage, &header, &config)?;
                }
                Ok(verdict)
            });
            match verdict {
                Err(error) => {
                    let _ = pending.reply.send(Err(error));
                }
                Ok(Verdict::Duplicate(mark)) => {
                    let log_append_time_ms = match config.timestamp_type {
                        TimestampType::CreateTime => -1,
                        TimestampType::LogAppendTime => mark.timestamp_ms,
                    };
                    let appended =
                        self.appended(mark.base_offset(), mark.last_offset, log_append_time_ms, true);
                    stage.replies.push((pending.reply, appended));
                }
                Ok(Verdict::Fresh) => self.stage(&mut writer, &mut stage, pending, &config, now_ms),
            }
        }
        self.flush(segments, &mut writer, &mut stage, &config);
    }

    /// Whether a batch may follow what its producer wrote, and opens a transaction only if the coordinator knows of it.
    fn check_producer(&self, producers: &ProducerState, pending: &Pending) -> Result<Verdict, AppendError> {
        let header = &pending.header;
        let verdict = if pending.from_client { producers.check(header)? } else { Verdict::Fresh };
        if verdict == Verdict::Fresh && header.is_transactional() && !header.is_control() {
            producers.check_epoch(header)?;
            if !producers.in_transaction(header.producer_id) && pending.verified != Some(self.markers()) {
                return Err(AppendError::Unverified);
            }
        }
        Ok(verdict)
    }

    fn appended(
        self: &Arc<Self>,
        base_offset: i64,
        last_offset: i64,
        time_ms: i64,
        duplicate: bool,
    ) -> Appended {
        Appended {
            base_offset,
            last_offset,
            log_append_time_ms: time_ms,
            log_start_offset: self.log_start_offset(),
            duplicate,
            ticket: Ticket { partition: Arc::clone(self), next_offset: last_offset + 1 },
        }
    }

    /// Gives the batch its offsets and gathers it.
    fn stage(
        self: &Arc<Self>,
        writer: &mut Writer,
        stage: &mut Stage,
        pending: Pending,
        config: &TopicConfig,
        now_ms: i64,
    ) {
        let mut header = pending.header;
        header.base_offset = writer.next_offset;
        header.leader_epoch = writer.epoch;
        let mut log_append_time_ms = -1;
        if config.timestamp_type == TimestampType::LogAppendTime {
            header.max_timestamp = now_ms;
            log_append_time_ms = now_ms;
        }
        stage.gather(pending.batch, (header.base_offset, header.next_offset()), |batch| {
            assign(batch, header.base_offset, header.leader_epoch);
            if config.timestamp_type == TimestampType::LogAppendTime {
                set_log_append_time(batch, header.attributes, now_ms);
            }
        });
        writer.next_offset = header.next_offset();
        if let Some(change) = writer.producers.apply_with_undo(&header, pending.marker, &mut stage.undo) {
            stage.changes.push(change);
            stage.aborted.extend(Aborted::of(change, &writer.producers));
        }
        if pending.marker.is_some() {
            self.markers.fetch_add(1, Ordering::AcqRel);
        }
        let appended = self.appended(header.base_offset, header.last_offset(), log_append_time_ms, false);
        stage.replies.push((pending.reply, appended));
        stage.headers.push(header);
    }

    /// Rolls to a new segment when the batch does not fit behind what is gathered.
    fn make_room(
        self: &Arc<Self>,
        segments: &Segments,
        writer: &mut Writer,
        stage: &mut Stage,
        header: &BatchHeader,
        config: &TopicConfig,
    ) -> Result<(), AppendError> {
        let limits = Self::limits(config);
        let active = segments.active();
        let last_offset = writer.next_offset + i64::from(header.last_offset_delta);
        let bytes = (stage.size + header.total_bytes()) as u64;
        if stage.size == 0 {
            if !active.is_full(bytes, last_offset, &limits) && !self.is_old(&active, writer, header, config) {
                return Ok(());
            }
        } else if active.size() + bytes <= limits.segment
            && last_offset - active.base_offset() <= i64::from(i32::MAX)
        {
            return Ok(());
        } else {
            self.flush(segments, writer, stage, config);
            if !active.is_full(header.total_bytes() as u64, last_offset, &limits) {
                return Ok(());
            }
        }
        self.roll(segments, writer).map_err(|error| {
            tracing::warn!(topic = &*self.topic, partition = self.index, %error, "no new segment");
            AppendError::Write(error.to_string())
        })
    }

    /// `segment.ms` counts from the first batch's timestamp, or from creation without one.
    fn is_old(&self, active: &Segment, writer: &Writer, header: &BatchHeader, config: &TopicConfig) -> bool {
        let state = active.state();
        let age = match state.first_timestamp {
            None => return false,
            Some(first) if first >= 0 && header.max_timestamp >= 0 => {
                header.max_timestamp.saturating_sub(first)
            }
            Some(_) => self.engine.clock.now_ms().saturating_sub(writer.active_since_ms),
        };
        // Any value within the jitter will do, as long as it stays the same for a segment.
        let jitter = active.base_offset().rem_euclid(config.segment_jitter_ms.max(0).saturating_add(1));
        age > config.segment_ms.saturating_sub(jitter)
    }

    /// Seals the active segment and starts one at the next offset.
    ///
    /// The sealed files and the folder are synced with the next commit round, before the recovery point passes them.
    pub(super) fn roll(&self, segments: &Segments, writer: &mut Writer) -> io::Result<()> {
        let snapshot = self.write_snapshot(writer)?;
        let active = segments.active();
        let sealed = active.finish()?;
        let next =
            Segment::create(Arc::clone(&self.dir), writer.next_offset).map_err(|(error, cleaned)| {
                if !cleaned {
                    self.fence("a stray segment could not be removed", &error);
                }
                error
            })?;
        active.seal();
        segments.push(Arc::new(next));
        writer.active_since_ms = self.engine.clock.now_ms();
        writer.marked_at = 0;
        // That snapshot is the segment's own from here.
        let base_offset = writer.next_offset;
        writer.marks.retain(|mark| *mark != base_offset);
        let mut unsynced = lock(&self.unsynced);
        unsynced.add(&sealed.log);
        unsynced.add(&sealed.index);
        unsynced.add(&sealed.time_index);
        unsynced.add(&snapshot);
        unsynced.dir = true;
        Ok(())
    }

    /// Writes the producers at the end of the log, not yet synced.
    pub(super) fn write_snapshot(
        &self,
        writer: &Writer,
    ) -> io::Result<Arc<dyn crate::log::storage::StorageFile>> {
        let name = file_name(writer.next_offset, crate::log::recovery::SNAPSHOT);
        let file = self.dir.open(&name, crate::log::storage::OpenMode::Truncate)?;
        file.write_at(0, &writer.producers.encode())?;
        Ok(file)
    }

    /// Writes what is gathered, shows it, and answers.
    fn flush(
        self: &Arc<Self>,
        segments: &Segments,
        writer: &mut Writer,
        stage: &mut Stage,
        config: &TopicConfig,
    ) {
        let mut stage = std::mem::take(stage);
        let Some((first, last)) = stage.headers.first().zip(stage.headers.last()) else {
            answer(stage.replies);
            return;
        };
        let (base_offset, next_offset) = (first.base_offset, last.next_offset());
        stage.end_run(next_offset);
        let active = segments.active();
        let limits = Self::limits(config);
        match active.append(
            stage.chunks.iter().map(|chunk| &*chunk.bytes),
            &stage.headers,
            &stage.aborted,
            &limits,
        ) {
            Err((error, cleaned)) => return self.take_back(writer, stage, base_offset, &error, cleaned),
            Ok(None) => {}
            Ok(Some(txn_index)) => {
                let mut unsynced = lock(&self.unsynced);
                unsynced.add(&txn_index);
                unsynced.dir |= usize::try_from(active.state().aborted) == Ok(stage.aborted.len());
            }
        }
        lock(&self.stable).apply(&stage.changes, &stage.aborted);
        self.mark(&active, writer);
        let Engine { config: LogConfig { tail_cache_bytes, .. }, tail_bytes, buffers, .. } = &*self.engine;
        lock(&self.tail).push(stage.chunks, tail_bytes, *tail_cache_bytes, buffers);
        self.append_count.fetch_add(1, Ordering::Relaxed);
        self.log_end.store(next_offset, Ordering::Release);
        let durability = config.durability(self.engine.config.durability);
        if durability != Durability::Fsync {
            self.advance(next_offset);
        }
        self.written(&active, next_offset, stage.size, durability, config);
        answer(stage.replies);
    }

    /// From time to time writes the producers down and has the indexes synced, so that a start after a kill reads only what
    /// follows instead of the whole active segment. Of such marks the last two are kept: the newest may not be durable yet.
    fn mark(&self, active: &Segment, writer: &mut Writer) {
        let size = active.size();
        if size < writer.marked_at.saturating_add(MARK_BYTES) {
            return;
        }
        writer.marked_at = size;
        let written = active.handles().and_then(|handles| Ok((handles, self.write_snapshot(writer)?)));
        match written {
            Ok((handles, snapshot)) => {
                let mut unsynced = lock(&self.unsynced);
                unsynced.add(&handles.index);
                unsynced.add(&handles.time_index);
                unsynced.add(&snapshot);
                unsynced.dir = true;
            }
            // The next one will do.
            Err(error) => {
                tracing::warn!(topic = &*self.topic, partition = self.index, %error, "no producer snapshot");
                return;
            }
        }
        writer.marks.push_back(writer.next_offset);
        if writer.marks.len() > MARKS_KEPT
            && let Some(offset) = writer.marks.pop_front()
        {
            // Removed again with old segments, should this fail.
            let _ = self.dir.remove(&file_name(offset, crate::log::recovery::SNAPSHOT));
        }
    }

    /// A write failed: nothing of it happened.
    fn take_back(
        &self,
        writer: &mut Writer,
        stage: Stage,
        base_offset: i64,
        error: &io::Error,
        cleaned: bool,
    ) {
        writer.producers.undo(stage.undo);
        writer.next_offset = base_offset;
        let text = error.to_string();
        for (reply, _) in stage.replies {
            let _ = reply.send(Err(AppendError::Write(text.clone())));
        }
        if cleaned {
            tracing::warn!(topic = &*self.topic, partition = self.index, %error, "write failed");
        } else {
            self.fence("a failed write could not be taken back", error);
        }
    }
}

/// A broken invariant stops this partition, not those behind it in the queue.
struct FenceOnPanic<'a>(&'a Partition);

impl Drop for FenceOnPanic<'_> {
    fn drop(&mut self) {
        self.0.fence("the writer panicked", &io::Error::other("see the log"));
        lock(&self.0.queue).pending.clear();
    }
}

fn answer(replies: Vec<Reply>) {
    for (reply, appended) in replies {
        let _ = reply.send(Ok(appended));
    }
}
