//! Describes topics page by page (key 75).

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeTopicPartitions` request.
    DescribeTopicPartitionsRequest: key 75, versions 0..=0, flexible 0;
    topics: Vec<TopicRequest>;
    response_partition_limit: i32, default 2000;
    cursor: Option<Cursor>;
}

structure! {
    /// A `TopicRequest` of [`DescribeTopicPartitionsRequest`].
    TopicRequest;
    name: String;
}

structure! {
    /// A `Cursor` of [`DescribeTopicPartitionsRequest`].
    Cursor;
    topic_name: String;
    partition_index: i32;
}

message! {
    /// The `DescribeTopicPartitions` response.
    DescribeTopicPartitionsResponse: key 75, versions 0..=0, flexible 0;
    throttle_time_ms: i32;
    topics: Vec<DescribeTopicPartitionsResponseTopic>;
    next_cursor: Option<Cursor>;
}

structure! {
    /// A `DescribeTopicPartitionsResponseTopic` of [`DescribeTopicPartitionsResponse`].
    DescribeTopicPartitionsResponseTopic;
    error_code: i16;
    name: Option<String>;
    topic_id: Uuid;
    is_internal: bool;
    partitions: Vec<DescribeTopicPartitionsResponsePartition>;
    topic_authorized_operations: i32, default i32::MIN;
}

structure! {
    /// A `DescribeTopicPartitionsResponsePartition` of [`DescribeTopicPartitionsResponse`].
    DescribeTopicPartitionsResponsePartition;
    error_code: i16;
    partition_index: i32;
    leader_id: i32;
    leader_epoch: i32, default -1;
    replica_nodes: Vec<i32>;
    isr_nodes: Vec<i32>;
    eligible_leader_replicas: Option<Vec<i32>>;
    last_known_elr: Option<Vec<i32>>;
    offline_replicas: Vec<i32>;
}
