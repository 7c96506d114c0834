//! A consumer group and its records: what to write for a change, and the group that the records make.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    Assignment, Assignor, Change, ConsumerGroup, ConsumerLimits, JOIN_EPOCH, LEAVE_STATIC_EPOCH, MemberState,
    Registered,
};
use crate::groups::records::consumer::{
    ConsumerGroupCurrentMemberAssignmentValue, ConsumerGroupMemberMetadataValue, ConsumerGroupMetadataValue,
    ConsumerGroupTargetAssignmentMemberValue, ConsumerGroupTargetAssignmentMetadataValue, ConsumerKey,
    TopicPartitions, from_value, to_value,
};
use crate::groups::state::Moment;
use crate::protocol::DecodeError;

/// The records of one group as the log holds them, the last of each key.
#[derive(Debug, Default)]
pub(crate) struct StoredConsumer {
    epoch: Option<i32>,
    target_epoch: i32,
    members: BTreeMap<String, ConsumerGroupMemberMetadataValue>,
    target: BTreeMap<String, Assignment>,
    current: BTreeMap<String, ConsumerGroupCurrentMemberAssignmentValue>,
}

impl StoredConsumer {
    /// Whether the log knows the group.
    pub(crate) fn exists(&self) -> bool {
        self.epoch.is_some()
    }

    /// Takes the next record of the log.
    pub(crate) fn take(&mut self, key: ConsumerKey, value: Option<Bytes>) -> Result<(), DecodeError> {
        match (key, value) {
            (ConsumerKey::Epoch, value) => {
                self.epoch =
                    value.map(from_value::<ConsumerGroupMetadataValue>).transpose()?.map(|value| value.epoch);
            }
            (ConsumerKey::TargetEpoch, Some(value)) => {
                let value: ConsumerGroupTargetAssignmentMetadataValue = from_value(value)?;
                self.target_epoch = value.assignment_epoch;
            }
            (ConsumerKey::TargetEpoch, None) => self.target_epoch = 0,
            (ConsumerKey::Member(id), Some(value)) => {
                self.members.insert(id, from_value(value)?);
            }
            (ConsumerKey::Member(id), None) => {
                self.members.remove(&id);
            }
            (ConsumerKey::Target(id), Some(value)) => {
                let value: ConsumerGroupTargetAssignmentMemberValue = from_value(value)?;
                self.target.insert(id, assignment(value.topic_partitions));
            }
            (ConsumerKey::Target(id), None) => {
                self.target.remove(&id);
            }
            (ConsumerKey::Current(id), Some(value)) => {
                self.current.insert(id, from_value(value)?);
            }
            (ConsumerKey::Current(id), None) => {
                self.current.remove(&id);
            }
        }
        Ok(())
    }
}

impl ConsumerGroup {
    /// The group that was stored; the sessions of its members start now.
    pub(crate) fn restore(stored: StoredConsumer, limits: ConsumerLimits, now: Moment) -> Self {
        let mut group = Self::new(limits, now);
        let StoredConsumer { epoch, target_epoch, members, target, mut current } = stored;
        group.epoch = epoch.unwrap_or(0);
        group.target_epoch = target_epoch;
        group.target = target;
        group.target.retain(|id, _| members.contains_key(id));
        for (id, value) in members {
            let mut member = restored(id.clone(), value, current.remove(&id));
            member.touch(now.tick_ms, limits.session_ms);
            if member.state == MemberState::Unrevoked {
                member.revoke_until(now);
            }
            if let Some(instance) = &member.instance_id {
                group.statics.insert(instance.clone(), id.clone());
            }
            group.members.insert(id, member);
        }
        group
    }

    /// The key and value of a change: the state as it stands, or none for what is gone.
    pub(crate) fn record(&self, change: &Change) -> (ConsumerKey, Option<Bytes>) {
        match change {
            Change::Epoch => {
                (ConsumerKey::Epoch, Some(to_value(&ConsumerGroupMetadataValue { epoch: self.epoch })))
            }
            Change::TargetEpoch => {
                let value =
                    ConsumerGroupTargetAssignmentMetadataValue { assignment_epoch: self.target_epoch };
                (ConsumerKey::TargetEpoch, Some(to_value(&value)))
            }
            Change::Member(id) => {
                let value = self.members.get(id).map(|member| to_value(&metadata(member)));
                (ConsumerKey::Member(id.clone()), value)
            }
            Change::Target(id) => {
                let value = self.target.get(id).map(|target| {
                    let topic_partitions = listed(target);
                    to_value(&ConsumerGroupTargetAssignmentMemberValue { topic_partitions })
                });
                (ConsumerKey::Target(id.clone()), value)
            }
            Change::Current(id) => {
                let value = self.members.get(id).map(|member| to_value(&standing(member)));
                (ConsumerKey::Current(id.clone()), value)
            }
        }
    }

    /// Everything there is, for when a write has failed and the log is behind.
    pub(crate) fn mark_all(&mut self) {
        self.changes.extend([Change::Epoch, Change::TargetEpoch]);
        for id in self.members.keys() {
            self.changes.insert(Change::Member(id.clone()));
            self.changes.insert(Change::Target(id.clone()));
            self.changes.insert(Change::Current(id.clone()));
        }
    }
}

fn restored(
    id: String,
    value: ConsumerGroupMemberMetadataValue,
    current: Option<ConsumerGroupCurrentMemberAssignmentValue>,
) -> Registered {
    let current = current.unwrap_or_default();
    let topics: BTreeSet<String> = value.subscribed_topic_names.unwrap_or_default().into_iter().collect();
    Registered {
        id,
        instance_id: value.instance_id,
        rack_id: value.rack_id,
        client_id: value.client_id,
        client_host: value.client_host,
        rebalance_timeout_ms: value.rebalance_timeout_ms,
        topics,
        pattern: value.subscribed_topic_regex.filter(|pattern| !pattern.is_empty()),
        matched: BTreeSet::new(),
        assignor: value.server_assignor.as_deref().and_then(Assignor::parse),
        epoch: current.member_epoch.max(LEAVE_STATIC_EPOCH),
        previous_epoch: current.previous_member_epoch.max(JOIN_EPOCH),
        state: MemberState::from_number(current.state),
        assigned: assignment(current.assigned_partitions),
        revoking: assignment(current.partitions_pending_revocation),
        session_until: 0,
        revoking_until: None,
    }
}

fn metadata(member: &Registered) -> ConsumerGroupMemberMetadataValue {
    ConsumerGroupMemberMetadataValue {
        instance_id: member.instance_id.clone(),
        rack_id: member.rack_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        subscribed_topic_names: Some(member.topics.iter().cloned().collect()),
        subscribed_topic_regex: member.pattern.clone(),
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        server_assignor: member.assignor.map(|assignor| assignor.name().to_owned()),
    }
}

fn standing(member: &Registered) -> ConsumerGroupCurrentMemberAssignmentValue {
    ConsumerGroupCurrentMemberAssignmentValue {
        member_epoch: member.epoch,
        previous_member_epoch: member.previous_epoch,
        state: member.state as i8,
        assigned_partitions: listed(&member.assigned),
        partitions_pending_revocation: listed(&member.revoking),
    }
}

fn listed(assignment: &Assignment) -> Vec<TopicPartitions> {
    let topics = assignment.iter().map(|(topic, partitions)| TopicPartitions {
        topic_id: *topic,
        partitions: partitions.iter().copied().collect(),
    });
    topics.collect()
}

fn assignment(topics: Vec<TopicPartitions>) -> Assignment {
    topics.into_iter().map(|topic| (topic.topic_id, topic.partitions.into_iter().collect())).collect()
}
