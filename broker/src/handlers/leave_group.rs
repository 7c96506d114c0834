//! `LeaveGroup` (key 13, versions 0 to 5).
//!
//! Up to 2 one member leaves and the code is the whole answer. From 3 on several members leave and each gets a code; a
//! static member may be named by its instance id alone. 5 brings a reason.

use crate::authorizer::Operation;
use crate::groups::state::{Answer, Event, Identity};
use crate::groups::{ClientInfo, Groups};
use crate::protocol::ErrorCode;
use crate::protocol::messages::leave_group::{MemberIdentity, MemberResponse};
use crate::protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

/// First version with a list of members.
const LIST_SINCE: i16 = 3;

impl Groups {
    /// Takes members out of a group.
    pub async fn leave_group(
        &self,
        request: LeaveGroupRequest,
        version: i16,
        client: &ClientInfo,
    ) -> LeaveGroupResponse {
        if request.group_id.is_empty() {
            return refused(ErrorCode::InvalidGroupId);
        }
        if let Err(code) = client.check_group(Operation::Read, &request.group_id) {
            return refused(code);
        }
        let listed = version >= LIST_SINCE;
        let members = if listed {
            request.members
        } else {
            vec![MemberIdentity { member_id: request.member_id, ..MemberIdentity::default() }]
        };
        let identity = |member: &MemberIdentity| Identity {
            member_id: member.member_id.clone(),
            instance_id: member.group_instance_id.clone(),
        };
        let leavers: Vec<Identity> = members.iter().map(identity).collect();
        let codes =
            match self.member(&request.group_id, false, |ticket| Event::Leave { ticket, leavers }).await {
                Ok(Some(Answer::Leave(Ok(codes)))) => codes,
                Ok(Some(Answer::Leave(Err(error)))) | Err(error) => return refused(error),
                Ok(Some(_)) => return refused(ErrorCode::UnknownServerError),
                Ok(None) => vec![ErrorCode::UnknownMemberId; members.len()],
            };
        if !listed {
            return refused(codes.first().copied().unwrap_or(ErrorCode::None));
        }
        let members = members.into_iter().zip(codes).map(|(member, code)| MemberResponse {
            member_id: member.member_id,
            group_instance_id: member.group_instance_id,
            error_code: code.into(),
        });
        LeaveGroupResponse { members: members.collect(), ..LeaveGroupResponse::default() }
    }
}

fn refused(code: ErrorCode) -> LeaveGroupResponse {
    LeaveGroupResponse { error_code: code.into(), ..LeaveGroupResponse::default() }
}
