//! Records that were read and whose time has not come.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{Consumer as _, StreamConsumer};

use super::{Error, Raw, list};
use crate::retry_topics::Backoff;

/// Between attempts at a record that stays where it is.
const BACKOFF: Backoff =
    Backoff { initial: Duration::from_secs(1), multiplier: 2.0, max: Duration::from_secs(30) };

/// What stands between the client's queue and the program.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Taken from the queue and not yet handed out; kept here so that a call that is dropped loses nothing.
    pub(super) current: Option<Arc<Raw>>,
    partitions: HashMap<(String, i32), Parked>,
    /// Attempts that failed in a row, by partition.
    failures: HashMap<(String, i32), (i64, u32)>,
}

/// A partition that is paused.
#[derive(Debug)]
struct Parked {
    /// In the order of their offsets: the one that rests, and what the client had fetched before it paused.
    records: VecDeque<Arc<Raw>>,
    due: Instant,
}

fn partition(raw: &Raw) -> (String, i32) {
    (raw.topic().to_owned(), raw.partition())
}

impl Waiting {
    /// Lets a record rest until `due`. It goes before what is parked of its partition already.
    pub(super) fn park(&mut self, raw: Arc<Raw>, due: Instant) {
        let parked = self
            .partitions
            .entry(partition(&raw))
            .or_insert_with(|| Parked { records: VecDeque::new(), due });
        parked.records.push_front(raw);
        parked.due = due;
    }

    /// Takes in a record that the client gave. One of a resting partition rests too; any other is given back.
    pub(super) fn arrived(&mut self, raw: Arc<Raw>) -> Option<Arc<Raw>> {
        if self.partitions.is_empty() {
            return Some(raw);
        }
        match self.partitions.get_mut(&partition(&raw)) {
            None => Some(raw),
            Some(parked) => {
                // after a rebalance the partition can be read from an earlier offset: then that counts
                parked.records.retain(|before| before.offset() < raw.offset());
                parked.records.push_back(raw);
                None
            }
        }
    }

    /// When the next record is to be handed out.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.partitions.values().map(|parked| parked.due).min()
    }

    /// A record whose rest is over. Its partition goes on with the last one. Records of partitions that were taken away are
    /// forgotten: their next owner reads them.
    pub(super) fn take_due(
        &mut self,
        now: Instant,
        consumer: &StreamConsumer,
    ) -> Result<Option<Arc<Raw>>, Error> {
        while let Some((key, _)) = self.partitions.iter().find(|(_, parked)| parked.due <= now) {
            let key = key.clone();
            let (topic, number) = (&key.0, key.1);
            if consumer.assignment()?.find_partition(topic, number).is_none() {
                self.partitions.remove(&key);
                self.failures.remove(&key);
                continue;
            }
            let Some(parked) = self.partitions.get_mut(&key) else { continue };
            let raw = parked.records.pop_front();
            if parked.records.is_empty() {
                self.partitions.remove(&key);
                consumer.resume(&list(topic, number))?;
            }
            if raw.is_some() {
                return Ok(raw);
            }
        }
        Ok(None)
    }

    /// How long a record is to rest that failed where it stands; longer each time.
    pub(super) fn rest(&mut self, raw: &Raw) -> Duration {
        let (offset, count) = self.failures.entry(partition(raw)).or_insert((raw.offset(), 0));
        if *offset != raw.offset() {
            (*offset, *count) = (raw.offset(), 0);
        }
        *count = count.saturating_add(1);
        BACKOFF.after(*count)
    }

    /// Forgets the failures of a record that passed.
    pub(super) fn passed(&mut self, raw: &Raw) {
        if !self.failures.is_empty() {
            self.failures.remove(&partition(raw));
        }
    }
}
