//! Keeps a member of a consumer group alive and carries its assignment (key 68, KIP-848).

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `ConsumerGroupHeartbeat` request.
    ConsumerGroupHeartbeatRequest: key 68, versions 0..=1, flexible 0;
    group_id: String;
    member_id: String;
    member_epoch: i32;
    instance_id: Option<String>;
    rack_id: Option<String>;
    rebalance_timeout_ms: i32, default -1;
    subscribed_topic_names: Option<Vec<String>>;
    subscribed_topic_regex: Option<String>, since 1;
    server_assignor: Option<String>;
    topic_partitions: Option<Vec<TopicPartitions>>;
}

structure! {
    /// A `TopicPartitions` of [`ConsumerGroupHeartbeatRequest`].
    TopicPartitions;
    topic_id: Uuid;
    partitions: Vec<i32>;
}

message! {
    /// The `ConsumerGroupHeartbeat` response.
    ConsumerGroupHeartbeatResponse: key 68, versions 0..=1, flexible 0;
    throttle_time_ms: i32;
    error_code: i16;
    error_message: Option<String>;
    member_id: Option<String>;
    member_epoch: i32;
    heartbeat_interval_ms: i32;
    assignment: Option<Assignment>;
}

structure! {
    /// An `Assignment` of [`ConsumerGroupHeartbeatResponse`].
    Assignment;
    topic_partitions: Vec<TopicPartitions>;
}
