//! What `__consumer_offsets` holds, in Kafka's formats byte for byte.
//!
//! ```text
//! key    i16 kind, then
//!          0, 1  offset commit   group string, topic string, partition i32
//!          2     group metadata  group string
//!          3..8  the consumer group protocol, see [`consumer`]; kinds not listed there are skipped
//! value  i16 version, then the message in that version; null removes what the key names
//! ```
//!
//! Values are written in version 3, as every Kafka from 2.3 on reads; 0 to 4 are read. Strings have an `i16`
//! length, bytes and arrays an `i32` length or count, all big endian; version 4 uses the compact forms.

pub mod consumer;

use bytes::Bytes;
use uuid::Uuid;

use consumer::ConsumerKey;

use crate::journal::{version_of, versioned};
use crate::protocol::declare::{NEVER, bound_or, default_value, message, structure};
use crate::protocol::{DecodeError, Message};

/// Version in which values are written.
const VALUE_VERSION: i16 = 3;
/// Highest key kind of an offset commit; 0 is its old form with the same content.
const KIND_OFFSET: i16 = 1;
/// Key kind of group metadata.
const KIND_GROUP: i16 = 2;

message! {
    /// Names one committed offset.
    OffsetCommitKey: key -1, versions 0..=1, flexible NEVER;
    group: String;
    topic: String;
    partition: i32;
}

message! {
    /// Names one group.
    GroupMetadataKey: key -1, versions 2..=2, flexible NEVER;
    group: String;
}

message! {
    /// A committed offset. Timestamps are milliseconds since the epoch.
    OffsetCommitValue: key -1, versions 0..=4, flexible 4;
    offset: i64;
    leader_epoch: i32, since 3, default -1;
    metadata: String;
    commit_timestamp: i64;
    expire_timestamp: i64, since 1, until 1, default -1;
    topic_id: Uuid, since 4, tag 0;
}

message! {
    /// A group as of its last completed generation.
    GroupMetadataValue: key -1, versions 0..=4, flexible 4;
    protocol_type: String;
    generation: i32;
    protocol: Option<String>;
    leader: Option<String>;
    current_state_timestamp: i64, since 2, default -1;
    members: Vec<MemberMetadata>;
}

structure! {
    /// A member inside [`GroupMetadataValue`].
    MemberMetadata;
    member_id: String;
    group_instance_id: Option<String>, since 3;
    client_id: String;
    client_host: String;
    rebalance_timeout: i32, since 1, default -1;
    session_timeout: i32;
    subscription: Bytes;
    assignment: Bytes;
}

/// What a key names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The committed offset of one partition.
    Offset {
        /// Group id.
        group: String,
        /// Topic name.
        topic: String,
        /// Partition number.
        partition: i32,
    },
    /// The metadata of a group.
    Group {
        /// Group id.
        group: String,
    },
    /// A record of the consumer group protocol.
    Consumer {
        /// Group id.
        group: String,
        /// What of the group.
        record: ConsumerKey,
    },
    /// A record of a protocol this broker does not keep, by its kind.
    Other(i16),
}

impl Key {
    /// The group the record belongs to, where known.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Offset { group, .. } | Self::Group { group } | Self::Consumer { group, .. } => Some(group),
            Self::Other(_) => None,
        }
    }

    /// The key as bytes.
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Offset { group, topic, partition } => {
                let key =
                    OffsetCommitKey { group: group.clone(), topic: topic.clone(), partition: *partition };
                versioned(&key, KIND_OFFSET)
            }
            Self::Group { group } => versioned(&GroupMetadataKey { group: group.clone() }, KIND_GROUP),
            Self::Consumer { group, record } => record.encode(group),
            Self::Other(kind) => Bytes::copy_from_slice(&kind.to_be_bytes()),
        }
    }

    /// Reads a key.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let (kind, rest) = version_of(bytes)?;
        match kind {
            0 | KIND_OFFSET => {
                let key = OffsetCommitKey::from_bytes(rest, kind)?;
                Ok(Self::Offset { group: key.group, topic: key.topic, partition: key.partition })
            }
            KIND_GROUP => Ok(Self::Group { group: GroupMetadataKey::from_bytes(rest, kind)?.group }),
            other => match ConsumerKey::decode(other, rest)? {
                Some((group, record)) => Ok(Self::Consumer { group, record }),
                None => Ok(Self::Other(other)),
            },
        }
    }
}

impl OffsetCommitValue {
    /// The value as bytes, version 3.
    pub fn to_value(&self) -> Bytes {
        versioned(self, VALUE_VERSION)
    }

    /// Reads a value of version 0 to 4.
    pub fn from_value(bytes: Bytes) -> Result<Self, DecodeError> {
        let (version, rest) = version_of(bytes)?;
        Self::from_bytes(rest, version)
    }
}

impl GroupMetadataValue {
    /// The value as bytes, version 3.
    pub fn to_value(&self) -> Bytes {
        versioned(self, VALUE_VERSION)
    }

    /// Reads a value of version 0 to 4.
    pub fn from_value(bytes: Bytes) -> Result<Self, DecodeError> {
        let (version, rest) = version_of(bytes)?;
        Self::from_bytes(rest, version)
    }
}

#[cfg(test)]
mod tests;
