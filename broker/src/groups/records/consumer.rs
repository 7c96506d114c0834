//! Records of the consumer group protocol (KIP-848): kinds 3 and 5 to 8.
//!
//! ```text
//! key    i16 kind, group string, and for 5, 7 and 8 member id string
//! value  i16 version 0, then the message with compact forms
//!          3 group epoch · 5 subscription of a member · 6 epoch of the target assignment
//!          7 target assignment of a member · 8 where a member stands
//! ```

use bytes::Bytes;
use uuid::Uuid;

use crate::journal::{version_of, versioned};
use crate::protocol::declare::{NEVER, bound_or, default_value, message, structure};
use crate::protocol::{DecodeError, Message};

/// Version in which values are written and read.
const VALUE_VERSION: i16 = 0;

message! {
    /// Names a record of a group.
    ConsumerGroupKey: key -1, versions 3..=8, flexible NEVER;
    group_id: String;
}

message! {
    /// Names a record of a member.
    ConsumerMemberKey: key -1, versions 5..=8, flexible NEVER;
    group_id: String;
    member_id: String;
}

message! {
    /// Kind 3: the group epoch.
    ConsumerGroupMetadataValue: key -1, versions 0..=0, flexible 0;
    epoch: i32;
}

message! {
    /// Kind 5: what a member subscribes to.
    ConsumerGroupMemberMetadataValue: key -1, versions 0..=0, flexible 0;
    instance_id: Option<String>;
    rack_id: Option<String>;
    client_id: String;
    client_host: String;
    subscribed_topic_names: Option<Vec<String>>;
    subscribed_topic_regex: Option<String>;
    rebalance_timeout_ms: i32, default -1;
    server_assignor: Option<String>;
}

message! {
    /// Kind 6: the epoch of the target assignment.
    ConsumerGroupTargetAssignmentMetadataValue: key -1, versions 0..=0, flexible 0;
    assignment_epoch: i32;
}

message! {
    /// Kind 7: what a member should own.
    ConsumerGroupTargetAssignmentMemberValue: key -1, versions 0..=0, flexible 0;
    topic_partitions: Vec<TopicPartitions>;
}

message! {
    /// Kind 8: where a member stands.
    ConsumerGroupCurrentMemberAssignmentValue: key -1, versions 0..=0, flexible 0;
    member_epoch: i32;
    previous_member_epoch: i32;
    state: i8;
    assigned_partitions: Vec<TopicPartitions>;
    partitions_pending_revocation: Vec<TopicPartitions>;
}

structure! {
    /// Partitions of one topic.
    TopicPartitions;
    topic_id: Uuid;
    partitions: Vec<i32>;
}

/// What a key of this protocol names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerKey {
    /// Kind 3.
    Epoch,
    /// Kind 5.
    Member(String),
    /// Kind 6.
    TargetEpoch,
    /// Kind 7.
    Target(String),
    /// Kind 8.
    Current(String),
}

impl ConsumerKey {
    /// The key as bytes.
    pub(super) fn encode(&self, group: &str) -> Bytes {
        let (kind, member) = match self {
            Self::Epoch => (3, None),
            Self::Member(member) => (5, Some(member)),
            Self::TargetEpoch => (6, None),
            Self::Target(member) => (7, Some(member)),
            Self::Current(member) => (8, Some(member)),
        };
        let group_id = group.to_owned();
        match member {
            Some(member) => versioned(&ConsumerMemberKey { group_id, member_id: member.clone() }, kind),
            None => versioned(&ConsumerGroupKey { group_id }, kind),
        }
    }

    /// Reads the rest of a key; none for a kind that is not kept.
    pub(super) fn decode(kind: i16, rest: Bytes) -> Result<Option<(String, Self)>, DecodeError> {
        match kind {
            3 | 6 => {
                let key = ConsumerGroupKey::from_bytes(rest, kind)?;
                let named = if kind == 3 { Self::Epoch } else { Self::TargetEpoch };
                Ok(Some((key.group_id, named)))
            }
            5 | 7 | 8 => {
                let ConsumerMemberKey { group_id, member_id } = ConsumerMemberKey::from_bytes(rest, kind)?;
                let named = match kind {
                    5 => Self::Member(member_id),
                    7 => Self::Target(member_id),
                    _ => Self::Current(member_id),
                };
                Ok(Some((group_id, named)))
            }
            _ => Ok(None),
        }
    }
}

/// A value of this protocol as bytes.
pub(crate) fn to_value(value: &impl Message) -> Bytes {
    versioned(value, VALUE_VERSION)
}

/// Reads a value of this protocol.
pub(crate) fn from_value<M: Message>(bytes: Bytes) -> Result<M, DecodeError> {
    let (version, rest) = version_of(bytes)?;
    M::from_bytes(rest, version)
}
