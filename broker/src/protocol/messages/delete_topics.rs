//! Deletes topics (key 20). From 6 on by name or id.

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DeleteTopics` request.
    DeleteTopicsRequest: key 20, versions 1..=6, flexible 4;
    topics: Vec<DeleteTopicState>, since 6;
    topic_names: Vec<String>, until 5;
    timeout_ms: i32;
}

structure! {
    /// A `DeleteTopicState` of [`DeleteTopicsRequest`].
    DeleteTopicState;
    name: Option<String>, since 6;
    topic_id: Uuid, since 6;
}

message! {
    /// The `DeleteTopics` response.
    DeleteTopicsResponse: key 20, versions 1..=6, flexible 4;
    throttle_time_ms: i32;
    responses: Vec<DeletableTopicResult>;
}

structure! {
    /// A `DeletableTopicResult` of [`DeleteTopicsResponse`].
    DeletableTopicResult;
    name: Option<String>, null 6;
    topic_id: Uuid, since 6;
    error_code: i16;
    error_message: Option<String>, since 5;
}
