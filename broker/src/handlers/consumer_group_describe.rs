//! `ConsumerGroupDescribe` (key 69, versions 0 and 1; KIP-848).
//!
//! 69 for an unknown group and for a classic one, which `DescribeGroups` describes; 24 for the empty id. A group with a topic
//! that the client may not describe is answered with 29. 1 brings the type of a member.

use crate::authorizer::{Operation, ResourceType};
use crate::groups::actor::{Command, ConsumerDescription};
use crate::groups::consumer::{self, Registered};
use crate::groups::{ClientInfo, Groups};
use crate::protocol::ErrorCode;
use crate::protocol::messages::consumer_group_describe::{
    Assignment, DescribedGroup, Member, TopicPartitions,
};
use crate::protocol::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse};

/// A member that speaks the consumer protocol itself.
const CONSUMER_MEMBER: i8 = 1;

/// The topics that a description names.
fn topics_of(group: &DescribedGroup) -> impl Iterator<Item = &str> {
    group.members.iter().flat_map(|member| {
        let assigned =
            member.assignment.topic_partitions.iter().chain(&member.target_assignment.topic_partitions);
        let assigned = assigned.map(|topic| topic.topic_name.as_str());
        assigned.chain(member.subscribed_topic_names.iter().map(String::as_str))
    })
}

impl Groups {
    /// Describes groups of the consumer protocol.
    pub async fn consumer_group_describe(
        &self,
        request: ConsumerGroupDescribeRequest,
        _version: i16,
        client: &ClientInfo,
    ) -> ConsumerGroupDescribeResponse {
        let mut groups = Vec::with_capacity(request.group_ids.len());
        for group_id in request.group_ids {
            let asked = match client.check_group(Operation::Describe, &group_id) {
                Ok(()) if group_id.is_empty() => Err(ErrorCode::InvalidGroupId),
                Ok(()) => self.ask(&group_id, |reply| Command::DescribeConsumer { reply }).await,
                Err(code) => Err(code),
            };
            let mut described = match asked {
                Ok(Some(Some(description))) => self.described(description),
                Ok(Some(None) | None) => DescribedGroup {
                    error_code: ErrorCode::GroupIdNotFound.into(),
                    error_message: Some(format!("Group {group_id} is not a consumer group.")),
                    ..DescribedGroup::default()
                },
                Err(error) => DescribedGroup { error_code: error.into(), ..DescribedGroup::default() },
            };
            if !client.sees_topics(topics_of(&described)) {
                described = DescribedGroup {
                    error_code: ErrorCode::TopicAuthorizationFailed.into(),
                    error_message: Some("The group has topics that the client may not describe.".to_owned()),
                    ..DescribedGroup::default()
                };
            }
            if request.include_authorized_operations && described.error_code == 0 {
                described.authorized_operations = client.access.operations(ResourceType::Group, &group_id);
            }
            described.group_id = group_id;
            groups.push(described);
        }
        ConsumerGroupDescribeResponse { groups, ..ConsumerGroupDescribeResponse::default() }
    }

    fn described(&self, description: ConsumerDescription) -> DescribedGroup {
        let members = description.members.into_iter().map(|(member, target)| self.member_of(member, &target));
        DescribedGroup {
            group_state: description.state.to_owned(),
            group_epoch: description.epoch,
            assignment_epoch: description.target_epoch,
            assignor_name: description.assignor.to_owned(),
            members: members.collect(),
            ..DescribedGroup::default()
        }
    }

    fn member_of(&self, member: Registered, target: &consumer::Assignment) -> Member {
        Member {
            assignment: self.named(&member.assigned),
            target_assignment: self.named(target),
            member_id: member.id,
            instance_id: member.instance_id,
            rack_id: member.rack_id,
            member_epoch: member.epoch,
            client_id: member.client_id,
            client_host: member.client_host,
            subscribed_topic_names: member.topics.into_iter().collect(),
            subscribed_topic_regex: member.pattern,
            member_type: CONSUMER_MEMBER,
        }
    }

    /// With topic names; a topic that was deleted meanwhile is left out.
    fn named(&self, assignment: &consumer::Assignment) -> Assignment {
        let topics = assignment.iter().filter_map(|(topic_id, partitions)| {
            Some(TopicPartitions {
                topic_id: *topic_id,
                topic_name: self.catalog().name_of(*topic_id)?,
                partitions: partitions.iter().copied().collect(),
            })
        });
        Assignment { topic_partitions: topics.collect() }
    }
}
