//! What classic consumers put into the `bytes` of `JoinGroup` and `SyncGroup`: an `i16` version, then the message.

use bytes::Bytes;

use crate::protocol::declare::{NEVER, bound_or, default_value, message, structure};

message! {
    /// The `ConsumerProtocolSubscription` inside a group message.
    ConsumerProtocolSubscription: key -1, versions 0..=3, flexible NEVER;
    topics: Vec<String>;
    user_data: Option<Bytes>;
    owned_partitions: Vec<TopicPartition>, since 1;
    generation_id: i32, since 2, default -1;
    rack_id: Option<String>, since 3;
}

structure! {
    /// Partitions of one topic.
    TopicPartition;
    topic: String;
    partitions: Vec<i32>;
}

message! {
    /// The `ConsumerProtocolAssignment` inside a group message.
    ConsumerProtocolAssignment: key -1, versions 0..=3, flexible NEVER;
    assigned_partitions: Vec<TopicPartition>;
    user_data: Option<Bytes>;
}
