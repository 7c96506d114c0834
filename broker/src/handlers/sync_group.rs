//! `SyncGroup` (key 14, versions 0 to 5).
//!
//! 3 brings static members, 5 protocol type and name, which must be the group's. Parked until the leader's assignment
//! is durable, at most the longest rebalance timeout of the members.

use crate::authorizer::Operation;
use crate::groups::state::{Answer, Event, Identity, Sync, SyncAnswer};
use crate::groups::{ClientInfo, Groups};
use crate::protocol::ErrorCode;
use crate::protocol::messages::{SyncGroupRequest, SyncGroupResponse};

impl Groups {
    /// Hands the leader's assignment in, and everybody's out.
    pub async fn sync_group(
        &self,
        request: SyncGroupRequest,
        _version: i16,
        client: &ClientInfo,
    ) -> SyncGroupResponse {
        if request.group_id.is_empty() {
            return answer(SyncAnswer::refused(ErrorCode::InvalidGroupId));
        }
        if let Err(code) = client.check_group(Operation::Read, &request.group_id) {
            return answer(SyncAnswer::refused(code));
        }
        let group = request.group_id;
        // Assignments are copied out of the frame, which they would keep alive as a whole.
        let assignments = request
            .assignments
            .into_iter()
            .map(|entry| (entry.member_id, bytes::Bytes::copy_from_slice(&entry.assignment)))
            .collect();
        let sync = |ticket| {
            Event::Sync(Sync {
                ticket,
                identity: Identity { member_id: request.member_id, instance_id: request.group_instance_id },
                generation: request.generation_id,
                protocol_type: request.protocol_type,
                protocol_name: request.protocol_name,
                assignments,
            })
        };
        answer(match self.member(&group, false, sync).await {
            Ok(Some(Answer::Sync(answer))) => answer,
            Ok(None) => SyncAnswer::refused(ErrorCode::UnknownMemberId),
            Ok(Some(_)) => SyncAnswer::refused(ErrorCode::UnknownServerError),
            Err(error) => SyncAnswer::refused(error),
        })
    }
}

fn answer(answer: SyncAnswer) -> SyncGroupResponse {
    SyncGroupResponse {
        error_code: answer.error.into(),
        protocol_type: answer.protocol_type,
        protocol_name: answer.protocol_name,
        assignment: answer.assignment,
        ..SyncGroupResponse::default()
    }
}
