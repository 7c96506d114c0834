//! `Metadata` (key 3): this node, and topics with everything led by it; may create the topics asked for.

use uuid::Uuid;

use crate::authorizer::{CLUSTER_NAME, Operation, ResourceType};
use crate::dispatch::Context;
use crate::error::topic_error;
use crate::groups::OFFSETS_TOPIC;
use crate::handlers::describe_topic_partitions::absent;
use crate::partition::Status;
use crate::protocol::ErrorCode;
use crate::protocol::messages::metadata::{
    MetadataRequestTopic, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use crate::protocol::messages::{MetadataRequest, MetadataResponse};
use crate::topics::{Topic, TopicError, is_internal};

/// First version whose null list means every topic; before, the empty one does.
const NULL_IS_ALL_SINCE: i16 = 1;

/// What the peer may do with the cluster, one bit each; nothing is told to whom may not describe it.
pub(crate) fn cluster_operations(context: &Context) -> i32 {
    if context.access.allows_cluster(Operation::Describe) {
        context.access.operations(ResourceType::Cluster, CLUSTER_NAME)
    } else {
        0
    }
}

pub(crate) async fn handle(context: &Context, request: MetadataRequest) -> MetadataResponse {
    let broker = &context.broker;
    let every = match &request.topics {
        None => true,
        Some(topics) => context.version < NULL_IS_ALL_SINCE && topics.is_empty(),
    };
    let mut topics = Vec::new();
    if every {
        let all = broker.topics().list();
        let seen = |name: &str| context.access.allows(Operation::Describe, ResourceType::Topic, name);
        topics.extend(all.iter().filter(|topic| seen(topic.name())).map(|topic| described(context, topic)));
    } else {
        for wanted in request.topics.unwrap_or_default() {
            topics.push(find_or_create(context, wanted, request.allow_auto_topic_creation).await);
        }
    }
    if request.include_topic_authorized_operations {
        for topic in topics.iter_mut().filter(|topic| topic.error_code == 0) {
            let name = topic.name.as_deref().unwrap_or_default();
            topic.topic_authorized_operations = context.access.operations(ResourceType::Topic, name);
        }
    }
    let advertised = context.connection.advertised();
    let mut response = MetadataResponse {
        brokers: vec![MetadataResponseBroker {
            node_id: broker.config().node_id,
            host: advertised.host,
            port: advertised.port.into(),
            rack: None,
        }],
        cluster_id: Some(broker.topics().cluster_id().to_owned()),
        controller_id: broker.config().node_id,
        topics,
        ..Default::default()
    };
    if request.include_cluster_authorized_operations {
        response.cluster_authorized_operations = cluster_operations(context);
    }
    response
}

async fn find_or_create(
    context: &Context,
    wanted: MetadataRequestTopic,
    may_create: bool,
) -> MetadataResponseTopic {
    let topics = context.broker.topics();
    // the Java client sends an empty name beside the id
    let Some(name) = wanted.name.filter(|_| wanted.topic_id.is_nil()) else {
        return match topics.get_by_id(wanted.topic_id.into_bytes()) {
            Some(topic) if !context.access.allows(Operation::Describe, ResourceType::Topic, topic.name()) => {
                refused(None, wanted.topic_id, ErrorCode::TopicAuthorizationFailed)
            }
            Some(topic) => described(context, &topic),
            None => refused(None, wanted.topic_id, ErrorCode::UnknownTopicId),
        };
    };
    if let Err(code) = context.access.check(Operation::Describe, ResourceType::Topic, &name) {
        return refused(Some(name), Uuid::nil(), code);
    }
    if let Some(topic) = topics.get(&name) {
        return described(context, &topic);
    }
    let config = context.broker.config();
    if !may_create || !config.auto_create_topics {
        let code = absent(&topics.check_create(&name, 1));
        return refused(Some(name), Uuid::nil(), code);
    }
    if !context.access.allows_cluster(Operation::Create)
        && let Err(code) = context.access.check(Operation::Create, ResourceType::Topic, &name)
    {
        return refused(Some(name), Uuid::nil(), code);
    }
    if is_internal(&name) {
        // the coordinator knows how its topic has to look
        let made = name == OFFSETS_TOPIC && context.broker.groups().ensure_topic().await.is_ok();
        return match topics.get(&name).filter(|_| made) {
            Some(topic) => described(context, &topic),
            None => refused(Some(name), Uuid::nil(), ErrorCode::UnknownTopicOrPartition),
        };
    }
    let created = match topics.topic_config([]) {
        Ok(settings) => topics.create(&name, config.num_partitions, settings).await,
        Err(error) => Err(error),
    };
    match created {
        Ok(topic) => {
            tracing::info!(topic = name, partitions = config.num_partitions, client_id = %context.client_id, "topic created on first use");
            described(context, &topic)
        }
        // another connection was faster
        Err(TopicError::AlreadyExists { .. }) if topics.get(&name).is_some() => match topics.get(&name) {
            Some(topic) => described(context, &topic),
            None => refused(Some(name), Uuid::nil(), ErrorCode::LeaderNotAvailable),
        },
        Err(error) => refused(Some(name), Uuid::nil(), topic_error(&error).0),
    }
}

fn refused(name: Option<String>, topic_id: Uuid, code: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic { error_code: code.code(), name, topic_id, ..Default::default() }
}

fn described(context: &Context, topic: &Topic) -> MetadataResponseTopic {
    let node_id = context.broker.config().node_id;
    let partitions = topic.partitions().into_iter().map(|partition| {
        let online = partition.status() == Status::Online;
        MetadataResponsePartition {
            error_code: 0,
            partition_index: partition.index(),
            leader_id: node_id,
            leader_epoch: partition.leader_epoch(),
            replica_nodes: vec![node_id],
            isr_nodes: vec![node_id],
            offline_replicas: if online { Vec::new() } else { vec![node_id] },
        }
    });
    MetadataResponseTopic {
        error_code: 0,
        name: Some(topic.name().to_string()),
        topic_id: Uuid::from_bytes(topic.id().bytes()),
        is_internal: topic.is_internal(),
        partitions: partitions.collect(),
        ..Default::default()
    }
}
