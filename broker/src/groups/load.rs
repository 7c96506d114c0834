//! The replay of `__consumer_offsets` at start.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use super::Groups;
use super::actor::Stored;
use super::offsets::Committed;
use super::records::{GroupMetadataValue, Key, OffsetCommitValue};
use crate::journal::Replayed;
use crate::protocol::DecodeError;

/// The groups of one partition, by id.
#[derive(Debug, Default)]
struct Replay {
    groups: HashMap<String, Stored>,
    /// Records nobody could read.
    damaged: u64,
}

impl Replay {
    /// Takes what comes next in the log: the last record of a key wins, those of a transaction once it is committed.
    fn take(&mut self, replayed: Replayed) {
        match replayed {
            Replayed::Record { offset, producer_id, key, value } => {
                if self.apply(offset, producer_id, key, value).is_err() {
                    self.damaged += 1;
                }
            }
            Replayed::Marker { producer_id, commit } => {
                for group in self.groups.values_mut() {
                    group.end_transaction(producer_id, commit);
                }
            }
        }
    }

    fn apply(
        &mut self,
        offset: i64,
        producer_id: Option<i64>,
        key: Bytes,
        value: Option<Bytes>,
    ) -> Result<(), DecodeError> {
        match Key::decode(key)? {
            Key::Offset { group, topic, partition } => {
                let place = (topic, partition);
                let committed = value.map(OffsetCommitValue::from_value).transpose()?;
                let committed = committed.map(|value| Committed { log_offset: offset, ..value.into() });
                let stored = self.groups.entry(group).or_default();
                match (committed, producer_id) {
                    (Some(committed), Some(producer_id)) => {
                        stored.pending.insert(producer_id, place, committed);
                    }
                    (Some(committed), None) => {
                        stored.pending.void(&place);
                        stored.offsets.insert(place, committed);
                    }
                    (None, _) => {
                        stored.pending.void(&place);
                        stored.offsets.remove(&place);
                    }
                }
            }
            Key::Group { group } => {
                let metadata = value.map(GroupMetadataValue::from_value).transpose()?;
                self.groups.entry(group).or_default().metadata = metadata;
            }
            Key::Consumer { group, record } => {
                self.groups.entry(group).or_default().consumer.take(record, value)?;
            }
            Key::Other(_) => {}
        }
        Ok(())
    }
}

impl Groups {
    /// Reads every partition and starts the groups found; returns the partitions that could not be read.
    pub(super) async fn load(&self) -> BTreeSet<i32> {
        let journal = Arc::clone(&self.inner.surroundings.journal);
        let mut unreadable = BTreeSet::new();
        for partition in 0..journal.partitions() {
            let mut replay = Replay::default();
            let outcome = journal.replay(partition, &mut |replayed| replay.take(replayed)).await;
            if let Err(error) = outcome {
                tracing::error!(partition, %error, "groups of this partition are not available");
                unreadable.insert(partition);
                continue;
            }
            if replay.damaged > 0 {
                tracing::warn!(
                    partition,
                    records = replay.damaged,
                    "group records not understood were skipped"
                );
            }
            let mut directory = self.directory();
            for (id, found) in replay.groups {
                if found.exists() {
                    let id = Arc::from(id);
                    for producer_id in found.pending.producers() {
                        self.expect_end(partition, producer_id, &id);
                    }
                    self.spawn(&mut directory, id, found);
                }
            }
        }
        unreadable
    }
}
