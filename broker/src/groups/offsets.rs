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
    /// Where its record is in `__consumer_offsets`: of two, the later one counts.
    pub(crate) log_offset: i64,
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
            log_offset: -1,
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

/// Notes where the records of `committed` are: one after the other from `base_offset`.
pub(crate) fn place_in_log(committed: &mut [(Place, Committed)], base_offset: i64) {
    for (offset, (_, committed)) in (base_offset..).zip(committed) {
        committed.log_offset = offset;
    }
}

/// The key of a committed offset.
pub(crate) fn key(group: &str, (topic, partition): &Place) -> Key {
    Key::Offset { group: group.to_owned(), topic: topic.clone(), partition: *partition }
}

/// Offsets of transactions that are not decided yet, by producer id.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct PendingOffsets(BTreeMap<i64, BTreeMap<Place, Committed>>);

impl PendingOffsets {
    /// Sets what `producer_id` is about to commit for a partition.
    pub(crate) fn insert(&mut self, producer_id: i64, place: Place, committed: Committed) {
        self.0.entry(producer_id).or_default().insert(place, committed);
    }

    /// A later record for the partition, of no transaction, makes those pending void: its offset in the log is higher.
    pub(crate) fn void(&mut self, place: &Place) {
        self.0.retain(|_, places| {
            places.remove(place);
            !places.is_empty()
        });
    }

    /// Takes what a producer had pending.
    pub(crate) fn end(&mut self, producer_id: i64) -> BTreeMap<Place, Committed> {
        self.0.remove(&producer_id).unwrap_or_default()
    }

    /// Whether anything is pending for a partition.
    pub(crate) fn contains(&self, place: &Place) -> bool {
        self.0.values().any(|places| places.contains_key(place))
    }

    /// Whether nothing is pending.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The producers with something pending.
    pub(crate) fn producers(&self) -> impl Iterator<Item = i64> {
        self.0.keys().copied()
    }

    /// The partitions with something pending.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.values().flat_map(BTreeMap::keys)
    }
}

/// Ends a producer's transaction: what it had pending is committed where no later record says otherwise, or dropped.
pub(crate) fn end_transaction(
    offsets: &mut Offsets,
    pending: &mut PendingOffsets,
    producer_id: i64,
    commit: bool,
) {
    for (place, committed) in pending.end(producer_id) {
        let later =
            offsets.get(&place.0, place.1).is_some_and(|known| known.log_offset > committed.log_offset);
        if commit && !later {
            offsets.insert(place, committed);
        }
    }
}
