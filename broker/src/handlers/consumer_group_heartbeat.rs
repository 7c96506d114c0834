//! `ConsumerGroupHeartbeat` (key 68, versions 0 and 1; KIP-848).
//!
//! 1 brings the member id chosen by the client and subscription by pattern. A topic named that the client may not describe
//! refuses the request with 29; a pattern matches what it may describe. Answered once what changed is durable.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::authorizer::Operation;
use crate::groups::actor::Command;
use crate::groups::consumer::{
    Assignment, Assignor, Heartbeat, JOIN_EPOCH, LEAVE_EPOCH, LEAVE_STATIC_EPOCH, Told,
};
use crate::groups::{ClientInfo, GroupSettings, Groups, NAME_BYTES_MAX, Pattern};
use crate::protocol::ErrorCode;
use crate::protocol::messages::consumer_group_heartbeat::{self as message, TopicPartitions};
use crate::protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

/// Version in which the broker still chooses the member id.
const BROKER_CHOOSES_ID: i16 = 0;

/// A code with its text.
type Refusal = (ErrorCode, &'static str);

impl Groups {
    /// Keeps a member in a group of the consumer protocol, and tells it its assignment.
    pub async fn consumer_group_heartbeat(
        &self,
        mut request: ConsumerGroupHeartbeatRequest,
        version: i16,
        client: &ClientInfo,
    ) -> ConsumerGroupHeartbeatResponse {
        if version == BROKER_CHOOSES_ID && request.member_id.is_empty() && request.member_epoch == JOIN_EPOCH
        {
            request.member_id = Uuid::new_v4().to_string();
        }
        if let Err(code) = client.check_group(Operation::Read, &request.group_id) {
            return refused(code, text(code));
        }
        if !client.sees_topics(request.subscribed_topic_names.iter().flatten().map(String::as_str)) {
            return refused(
                ErrorCode::TopicAuthorizationFailed,
                "a topic of the subscription is not allowed",
            );
        }
        let (group, member_id) = (request.group_id.clone(), request.member_id.clone());
        let joins = request.member_epoch == JOIN_EPOCH;
        let settings = self.settings_of(&group);
        let beat = match translate(request, client) {
            Ok(beat) => Heartbeat { session_ms: settings.session_timeout_ms, ..beat },
            Err((code, text)) => return refused(code, text),
        };
        let make = |reply| Command::Beat { beat, reply };
        let outcome = if joins {
            self.ask_or_create(&group, make).await
        } else {
            self.ask(&group, make).await.and_then(|told| told.ok_or(ErrorCode::GroupIdNotFound))
        };
        match outcome {
            Ok(Ok(told)) => self.accepted(member_id, told, settings),
            Ok(Err(code)) | Err(code) => refused(code, text(code)),
        }
    }

    fn accepted(
        &self,
        member_id: String,
        told: Told,
        settings: GroupSettings,
    ) -> ConsumerGroupHeartbeatResponse {
        let assignment = told.assignment.map(|assignment| {
            let topics = assignment.into_iter().map(|(topic_id, partitions)| TopicPartitions {
                topic_id,
                partitions: partitions.into_iter().collect(),
            });
            message::Assignment { topic_partitions: topics.collect() }
        });
        ConsumerGroupHeartbeatResponse {
            member_id: Some(member_id),
            member_epoch: told.member_epoch,
            heartbeat_interval_ms: settings
                .heartbeat_interval_ms
                .unwrap_or(self.config().consumer_heartbeat_interval_ms),
            assignment,
            ..ConsumerGroupHeartbeatResponse::default()
        }
    }
}

/// The checks of Kafka's coordinator, in its order.
fn check(request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    let invalid = |text| Err((ErrorCode::InvalidRequest, text));
    let is_empty = |text: &Option<String>| text.as_deref() == Some("");
    let lengths = [Some(&request.group_id), Some(&request.member_id)]
        .into_iter()
        .chain([request.instance_id.as_ref(), request.rack_id.as_ref()])
        .flatten();
    if request.group_id.is_empty() {
        return invalid("GroupId can't be empty.");
    }
    if lengths.into_iter().any(|text| text.len() > NAME_BYTES_MAX) {
        return invalid("a name is too long");
    }
    if request.member_id.is_empty() {
        return invalid("MemberId can't be empty.");
    }
    if is_empty(&request.instance_id) {
        return invalid("InstanceId can't be empty.");
    }
    if is_empty(&request.rack_id) {
        return invalid("RackId can't be empty.");
    }
    match request.member_epoch {
        JOIN_EPOCH => {
            if request.rebalance_timeout_ms <= 0 {
                return invalid("RebalanceTimeoutMs must be provided in first request.");
            }
            if request.topic_partitions.as_ref().is_none_or(|owned| !owned.is_empty()) {
                return invalid("TopicPartitions must be empty when (re-)joining.");
            }
            if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none() {
                return invalid(
                    "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
                );
            }
        }
        LEAVE_STATIC_EPOCH if request.instance_id.is_none() => {
            return invalid("InstanceId can't be null.");
        }
        ..LEAVE_STATIC_EPOCH => return invalid("MemberEpoch is invalid."),
        LEAVE_STATIC_EPOCH | LEAVE_EPOCH | 1.. => {}
    }
    let pattern = request.subscribed_topic_regex.as_deref().filter(|pattern| !pattern.is_empty());
    if pattern.is_some_and(|pattern| Pattern::new(pattern).is_err()) {
        return Err((
            ErrorCode::InvalidRegularExpression,
            "the pattern of topics is not a valid RE2 expression",
        ));
    }
    Ok(())
}

fn translate(request: ConsumerGroupHeartbeatRequest, client: &ClientInfo) -> Result<Heartbeat, Refusal> {
    check(&request)?;
    let assignor = match request.server_assignor {
        None => None,
        Some(name) => match Assignor::parse(&name) {
            Some(assignor) => Some(assignor),
            None => return Err((ErrorCode::UnsupportedAssignor, "the assignors are uniform and range")),
        },
    };
    let owned = request.topic_partitions.map(|topics| {
        let mut owned = Assignment::new();
        for topic in topics {
            owned.entry(topic.topic_id).or_default().extend(topic.partitions);
        }
        owned
    });
    let topics = request.subscribed_topic_names.map(|names| {
        let known = names.into_iter().filter(|name| name.len() <= crate::topics::NAME_BYTES_MAX);
        known.collect::<BTreeSet<String>>()
    });
    Ok(Heartbeat {
        member_id: request.member_id,
        member_epoch: request.member_epoch,
        instance_id: request.instance_id,
        rack_id: request.rack_id,
        client_id: client.client_id.clone(),
        client_host: client.host.clone(),
        access: client.access.clone(),
        session_ms: None,
        rebalance_timeout_ms: request.rebalance_timeout_ms,
        topics,
        pattern: request.subscribed_topic_regex,
        assignor,
        owned,
    })
}

fn text(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::UnknownMemberId => "the member is not part of the group",
        ErrorCode::FencedMemberEpoch => "the member epoch is not the current one; rejoin with epoch 0",
        ErrorCode::FencedInstanceId => "the instance id belongs to another member",
        ErrorCode::UnreleasedInstanceId => "the instance id is still used by another member",
        ErrorCode::GroupMaxSizeReached => "the group has its maximum size",
        ErrorCode::GroupIdNotFound => "there is no group of the consumer protocol with this id",
        ErrorCode::GroupAuthorizationFailed => "the group is not allowed",
        _ => "the coordinator cannot answer now",
    }
}

fn refused(code: ErrorCode, text: &str) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse {
        error_code: code.into(),
        error_message: Some(text.to_owned()),
        ..ConsumerGroupHeartbeatResponse::default()
    }
}
