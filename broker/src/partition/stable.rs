//! Open and just ended transactions: what keeps the last stable offset back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::log::txn_index::Aborted;
use crate::producer_state::{Change, ProducerState};

/// Aborted transactions remembered, so that consumers at the tail need no file.
const RECENT_MAX: usize = 1024;

/// Transactions of a partition by where they began.
#[derive(Debug)]
pub(super) struct Stable {
    open: BTreeSet<i64>,
    /// Ended, with a marker that is not yet below the high watermark: first offset to marker's offset.
    ending: BTreeMap<i64, i64>,
    recent: VecDeque<Aborted>,
    /// Markers from here on are all in `recent`.
    recent_from: i64,
}

impl Stable {
    pub(super) fn new(producers: &ProducerState, end: i64) -> Self {
        let first = producers.iter().filter_map(|(_, producer)| producer.transaction_first_offset);
        Self { open: first.collect(), ending: BTreeMap::new(), recent: VecDeque::new(), recent_from: end }
    }

    /// Takes note of what was written.
    pub(super) fn apply(&mut self, changes: &[Change], aborted: &[Aborted]) {
        for change in changes {
            match *change {
                Change::Began { first_offset } => {
                    self.open.insert(first_offset);
                }
                Change::Ended { first_offset, last_offset, .. } => {
                    self.open.remove(&first_offset);
                    self.ending.insert(first_offset, last_offset);
                }
            }
        }
        self.recent.extend(aborted);
        while self.recent.len() > RECENT_MAX
            && let Some(dropped) = self.recent.pop_front()
        {
            self.recent_from = dropped.last_offset + 1;
        }
    }

    /// The last stable offset once the high watermark is there.
    pub(super) fn last_stable_offset(&mut self, high_watermark: i64) -> i64 {
        self.ending.retain(|_, marker| *marker >= high_watermark);
        let first = |offsets: Option<i64>| offsets.unwrap_or(i64::MAX);
        high_watermark.min(first(self.open.first().copied())).min(first(self.ending.keys().next().copied()))
    }

    /// Aborted transactions that overlap `[from, until)`, if they can be told from memory.
    pub(super) fn aborted(&self, from: i64, until: i64) -> Option<Vec<Aborted>> {
        if from < self.recent_from {
            return None;
        }
        let start = self.recent.partition_point(|entry| entry.last_offset < from);
        Some(self.recent.iter().skip(start).filter(|entry| entry.overlaps(from, until)).copied().collect())
    }
}
