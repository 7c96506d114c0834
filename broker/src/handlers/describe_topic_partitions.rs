//! `DescribeTopicPartitions` (key 75): topics in order of name, a bounded number of partitions at a time.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::partition::{Partition, Status};
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use crate::protocol::messages::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};
use crate::topics::TopicError;

/// Partitions in one answer, at most (`max.request.partition.size.limit`).
const PARTITIONS_MAX: usize = 2000;

pub(crate) async fn handle(
    context: &Context,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let registry = context.broker.topics();
    let mut names: BTreeSet<String> = if request.topics.is_empty() {
        let all = registry.list();
        let names = all.iter().map(|topic| topic.name().to_string());
        names.filter(|name| context.access.allows(Operation::Describe, ResourceType::Topic, name)).collect()
    } else {
        request.topics.into_iter().map(|topic| topic.name).collect()
    };
    let (from, mut first) = match request.cursor {
        Some(cursor) => (cursor.topic_name, usize::try_from(cursor.partition_index).unwrap_or(0)),
        None => (String::new(), 0),
    };
    names.retain(|name| *name >= from);
    if names.first() != Some(&from) {
        first = 0;
    }
    let limit = usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, PARTITIONS_MAX);
    let mut left = limit;
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names {
        let skip = std::mem::take(&mut first);
        if left == 0 {
            response.next_cursor = Some(Cursor { topic_name: name, partition_index: 0 });
            break;
        }
        if let Err(code) = context.access.check(Operation::Describe, ResourceType::Topic, &name) {
            response.topics.push(DescribeTopicPartitionsResponseTopic {
                error_code: code.code(),
                name: Some(name),
                ..Default::default()
            });
            continue;
        }
        let Some(topic) = registry.get(&name) else {
            response.topics.push(DescribeTopicPartitionsResponseTopic {
                error_code: absent(&registry.check_create(&name, 1)).code(),
                name: Some(name),
                ..Default::default()
            });
            continue;
        };
        let all = topic.partitions();
        let node_id = context.broker.config().node_id;
        let shown: Vec<_> =
            all.iter().skip(skip).take(left).map(|partition| described(partition, node_id)).collect();
        left -= shown.len();
        let next = skip + shown.len();
        response.topics.push(DescribeTopicPartitionsResponseTopic {
            error_code: 0,
            name: Some(name.clone()),
            topic_id: Uuid::from_bytes(topic.id().bytes()),
            is_internal: topic.is_internal(),
            partitions: shown,
            topic_authorized_operations: context.access.operations(ResourceType::Topic, &name),
        });
        if next < all.len() {
            let partition_index = i32::try_from(next).unwrap_or(i32::MAX);
            response.next_cursor = Some(Cursor { topic_name: name, partition_index });
            break;
        }
    }
    response
}

/// Why there is no such topic: nobody made it, or nobody can.
pub(crate) fn absent(creatable: &Result<(), TopicError>) -> ErrorCode {
    match creatable {
        Err(TopicError::InvalidName { .. }) => ErrorCode::InvalidTopicException,
        _ => ErrorCode::UnknownTopicOrPartition,
    }
}

fn described(partition: &Partition, node_id: i32) -> DescribeTopicPartitionsResponsePartition {
    let online = partition.status() == Status::Online;
    DescribeTopicPartitionsResponsePartition {
        partition_index: partition.index(),
        leader_id: node_id,
        leader_epoch: partition.leader_epoch(),
        replica_nodes: vec![node_id],
        isr_nodes: vec![node_id],
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        offline_replicas: if online { Vec::new() } else { vec![node_id] },
        ..Default::default()
    }
}
