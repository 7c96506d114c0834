//! `DescribeGroups` (key 15, versions 0 to 6).
//!
//! 3 brings authorized operations, 4 instance ids, 6 the code 69 for an unknown group (before: state "Dead").

use crate::authorizer::{Operation, ResourceType};
use crate::groups::actor::{Command, Description};
use crate::groups::{ClientInfo, Groups};
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_groups::{DescribedGroup, DescribedGroupMember};
use crate::protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse};

/// First version in which an unknown group is an error.
const NOT_FOUND_SINCE: i16 = 6;

impl Groups {
    /// Describes groups; metadata and assignments only of stable ones.
    pub async fn describe_groups(
        &self,
        request: DescribeGroupsRequest,
        version: i16,
        client: &ClientInfo,
    ) -> DescribeGroupsResponse {
        let mut groups = Vec::with_capacity(request.groups.len());
        for group in request.groups {
            let asked = match client.check_group(Operation::Describe, &group) {
                Ok(()) if group.is_empty() => Err(ErrorCode::InvalidGroupId),
                Ok(()) => self.ask(&group, |reply| Command::Describe { reply }).await,
                Err(code) => Err(code),
            };
            let mut described = match asked {
                Ok(Some(Some(description))) => known(group, description),
                Ok(Some(None) | None) => unknown(group, version),
                Err(error) => {
                    DescribedGroup { group_id: group, error_code: error.into(), ..DescribedGroup::default() }
                }
            };
            if request.include_authorized_operations && described.error_code == 0 {
                described.authorized_operations =
                    client.access.operations(ResourceType::Group, &described.group_id);
            }
            groups.push(described);
        }
        DescribeGroupsResponse { groups, ..DescribeGroupsResponse::default() }
    }
}

fn known(group_id: String, description: Description) -> DescribedGroup {
    let members = description.members.into_iter().map(|member| DescribedGroupMember {
        member_id: member.member_id,
        group_instance_id: member.instance_id,
        client_id: member.client_id,
        client_host: member.client_host,
        member_metadata: member.metadata,
        member_assignment: member.assignment,
    });
    DescribedGroup {
        group_id,
        group_state: description.state.name().to_owned(),
        protocol_type: description.protocol_type,
        protocol_data: description.protocol,
        members: members.collect(),
        ..DescribedGroup::default()
    }
}

fn unknown(group_id: String, version: i16) -> DescribedGroup {
    let mut described = DescribedGroup { group_state: "Dead".to_owned(), ..DescribedGroup::default() };
    if version >= NOT_FOUND_SINCE {
        described.error_code = ErrorCode::GroupIdNotFound.into();
        described.error_message = Some(format!("Group {group_id} not found."));
    }
    described.group_id = group_id;
    described
}
