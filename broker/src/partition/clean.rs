//! Compacting a partition: which segments, when, and putting the result in place.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Partition, Status};
use crate::log::compaction::{Latest, Rules, Walk, copy, groups};
use crate::log::segment::Segment;
use crate::log::{Segments, lock};
use crate::topics::config::TopicConfig;

impl Partition {
    /// First offset not compacted yet.
    pub(crate) fn first_dirty_offset(&self) -> i64 {
        self.first_dirty.load(Ordering::Acquire)
    }

    pub(crate) fn set_first_dirty_offset(&self, offset: i64) {
        self.first_dirty.store(offset, Ordering::Release);
    }

    /// Compacts the sealed part of the log when enough of it is dirty. Returns whether it did.
    ///
    /// Runs on the cleaner's thread; ends early, having changed nothing more, when the topic is deleted.
    pub(crate) fn compact(self: &Arc<Self>, now_ms: i64) -> io::Result<bool> {
        let config = self.config();
        let Some(segments) = self.segments.as_ref().filter(|_| config.compact) else { return Ok(false) };
        let _one_at_a_time = lock(&self.maintaining);
        if self.recovery_point() < segments.active().base_offset() {
            // Only what is synced is compacted, and nobody else may be in a hurry.
            self.sync_now();
        }
        let alive = || self.status() == Status::Online;
        let cleanable = self.cleanable(segments, &config, now_ms);
        let dirty_from = self.first_dirty_offset().max(self.log_start_offset());
        if !alive() || !is_due(&cleanable, dirty_from, &config, now_ms) {
            return Ok(false);
        }
        let mut aborted = Vec::new();
        for segment in segments.all().iter() {
            segment.aborted(self.log_start_offset(), i64::MAX, &mut aborted)?;
        }
        let latest = Latest::build(&cleanable, dirty_from, &aborted, &alive)?;
        let producer_ends = {
            let writer = lock(&self.writer);
            writer
                .producers
                .iter()
                .map(|(id, producer)| {
                    (id, (producer.window.back().map(|mark| mark.last_offset), producer.epoch))
                })
                .collect()
        };
        let limits = Self::limits(&config);
        let rules = Rules { now_ms, delete_retention_ms: config.delete_retention_ms, producer_ends, limits };
        let before = segments.bytes();
        let mut walk = Walk::new(&aborted, self.log_start_offset());
        for group in groups(&cleanable, &limits) {
            if group.first().is_none_or(|first| first.base_offset() >= latest.end) {
                break;
            }
            let Some(copy) = copy(&self.dir, &group, &latest, &rules, &mut walk, &alive)? else {
                return Ok(false);
            };
            if copy.changed {
                let _nobody_reads = super::write(&self.files);
                match copy.swap_in(&self.dir, &group) {
                    Ok(segment) => segments.replace(&group, segment),
                    Err(error) => {
                        // The next start finishes or takes back the swap; until then the files are not trusted.
                        self.fence("compaction failed", &error);
                        return Err(error);
                    }
                }
            } else {
                copy.discard(&self.dir)?;
            }
        }
        self.set_first_dirty_offset(latest.end);
        let after = segments.bytes();
        tracing::info!(topic = &*self.topic, partition = self.index, before, after, "compacted");
        Ok(true)
    }

    /// The sealed segments that are synced, visible and old enough.
    fn cleanable(&self, segments: &Segments, config: &TopicConfig, now_ms: i64) -> Vec<Arc<Segment>> {
        let end = self.last_stable_offset().min(self.recovery_point());
        let newest = now_ms.saturating_sub(config.min_compaction_lag_ms);
        let all = segments.all();
        let sealed = all.iter().zip(all.iter().skip(1));
        sealed
            .take_while(|(segment, next)| {
                let young = config.min_compaction_lag_ms > 0 && segment.state().max_timestamp > newest;
                next.base_offset() <= end && !young
            })
            .map(|(segment, _)| Arc::clone(segment))
            .collect()
    }
}

fn is_due(cleanable: &[Arc<Segment>], dirty_from: i64, config: &TopicConfig, now_ms: i64) -> bool {
    let is_dirty = |segment: &&Arc<Segment>| segment.state().next_offset > dirty_from;
    let size = |segment: &Arc<Segment>| segment.size();
    let dirty: u64 = cleanable.iter().filter(is_dirty).map(size).sum();
    let all: u64 = cleanable.iter().map(size).sum();
    if dirty == 0 {
        return false;
    }
    let oldest = cleanable.iter().find(is_dirty).and_then(|segment| segment.state().first_timestamp);
    let too_old = oldest.is_some_and(|oldest| now_ms.saturating_sub(oldest) > config.max_compaction_lag_ms);
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let ratio = dirty as f64 / all as f64;
    too_old || ratio >= config.min_cleanable_dirty_ratio
}
