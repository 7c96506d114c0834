//! The replay of `__consumer_offsets` at start.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use super::Groups;
use super::actor::Stored;
use super::records::{GroupMetadataValue, Key, OffsetCommitValue};
use crate::protocol::DecodeError;

/// The groups of one partition, by id.
#[derive(Debug, Default)]
struct Replay {
    groups: HashMap<String, Stored>,
    /// Records nobody could read.
    damaged: u64,
}

impl Replay {
    /// Takes the next record of the log: the last one of a key wins.
    fn take(&mut self, key: Bytes, value: Option<Bytes>) {
        if self.apply(key, value).is_err() {
            self.damaged += 1;
        }
    }

    fn apply(&mut self, key: Bytes, value: Option<Bytes>) -> Result<(), DecodeError> {
        match Key::decode(key)? {
            Key::Offset { group, topic, partition } => {
                let place = (topic, partition);
                match value {
                    Some(value) => {
                        let committed = OffsetCommitValue::from_value(value)?.into();
                        self.groups.entry(group).or_default().offsets.insert(place, committed);
                    }
                    None => {
                        if let Some(found) = self.groups.get_mut(&group) {
                            found.offsets.remove(&place);
                        }
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
            let outcome = journal.replay(partition, &mut |key, value| replay.take(key, value)).await;
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
                if found.metadata.is_some() || found.consumer.exists() || !found.offsets.is_empty() {
                    self.spawn(&mut directory, id.into(), found);
                }
            }
        }
        unreadable
    }
}
