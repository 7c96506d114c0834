//! Describes consumer groups (key 69, KIP-848).

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `ConsumerGroupDescribe` request.
    ConsumerGroupDescribeRequest: key 69, versions 0..=1, flexible 0;
    group_ids: Vec<String>;
    include_authorized_operations: bool;
}

message! {
    /// The `ConsumerGroupDescribe` response.
    ConsumerGroupDescribeResponse: key 69, versions 0..=1, flexible 0;
    throttle_time_ms: i32;
    groups: Vec<DescribedGroup>;
}

structure! {
    /// A `DescribedGroup` of [`ConsumerGroupDescribeResponse`].
    DescribedGroup;
    error_code: i16;
    error_message: Option<String>;
    group_id: String;
    group_state: String;
    group_epoch: i32;
    assignment_epoch: i32;
    assignor_name: String;
    members: Vec<Member>;
    authorized_operations: i32, default i32::MIN;
}

structure! {
    /// A `Member` of [`ConsumerGroupDescribeResponse`].
    Member;
    member_id: String;
    instance_id: Option<String>;
    rack_id: Option<String>;
    member_epoch: i32;
    client_id: String;
    client_host: String;
    subscribed_topic_names: Vec<String>;
    subscribed_topic_regex: Option<String>;
    assignment: Assignment;
    target_assignment: Assignment;
    member_type: i8, since 1, default -1;
}

structure! {
    /// An `Assignment` of [`ConsumerGroupDescribeResponse`].
    Assignment;
    topic_partitions: Vec<TopicPartitions>;
}

structure! {
    /// A `TopicPartitions` of [`ConsumerGroupDescribeResponse`].
    TopicPartitions;
    topic_id: Uuid;
    topic_name: String;
    partitions: Vec<i32>;
}
