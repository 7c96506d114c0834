//! The committed offsets of one group, in memory.

use std::collections::BTreeMap;

use super::records::{Key, OffsetCommitValue};

/// One committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committed {
    /// Next offset to read.
    pub(crate) offset: i64,
    /// Leader epoch of the last record read; -1 unknown.
    pub(crate) leader_epoch: i32,
    /// The client's own note.
    pub(crate) metadata: String,
    /// When it was committed, milliseconds since the epoch.
    pub(crate) commit_ms: i64,
}

impl Committed {
    /// The record's value.
    pub(crate) fn to_value(&self) -> OffsetCommitValue {
        OffsetCommitValue {
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            metadata: self.metadata.clone(),
            commit_timestamp: self.commit_ms,
            ..OffsetCommitValue::default()
        }
    }
}

impl From<OffsetCommitValue> for Committed {
    fn from(value: OffsetCommitValue) -> Self {
        Self {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata,
            commit_ms: value.commit_timestamp,
        }
    }
}

/// Topic and partition.
pub(crate) type Place = (String, i32);

/// The offsets of one group, by topic and partition. Holds only what is durable.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Offsets {
    topics: BTreeMap<String, BTreeMap<i32, Committed>>,
}

impl Offsets {
    /// Sets the offset of a partition.
    pub(crate) fn insert(&mut self, (topic, partition): Place, committed: Committed) {
        self.topics.entry(topic).or_default().insert(partition, committed);
    }

    /// Forgets the offset of a partition.
    pub(crate) fn remove(&mut self, (topic, partition): &Place) {
        if let Some(partitions) = self.topics.get_mut(topic) {
            partitions.remove(partition);
            if partitions.is_empty() {
                self.topics.remove(topic);
            }
        }
    }

    /// The offset of a partition.
    pub(crate) fn get(&self, topic: &str, partition: i32) -> Option<&Committed> {
        self.topics.get(topic)?.get(&partition)
    }

    /// Everything, in order of topic and partition.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, i32, &Committed)> {
        self.topics.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(move |(partition, committed)| (topic.as_str(), *partition, committed))
        })
    }

    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// The places for which `wanted` holds.
    pub(crate) fn places(&self, wanted: impl Fn(&str, &Committed) -> bool) -> Vec<Place> {
        self.iter()
            .filter(|(topic, _, committed)| wanted(topic, committed))
            .map(|(topic, partition, _)| (topic.to_owned(), partition))
            .collect()
    }
}

/// The key of a committed offset.
pub(crate) fn key(group: &str, (topic, partition): &Place) -> Key {
    Key::Offset { group: group.to_owned(), topic: topic.clone(), partition: *partition }
}
