//! `JoinGroup` (key 11, versions 0 to 9).
//!
//! 1 brings the rebalance timeout (before: the session timeout), 4 answers a new dynamic member with its id and 79
//! (KIP-394), 5 static members (KIP-345), 7 the protocol type in the answer, 8 a reason, 9 `skip_assignment` (KIP-814).
//!
//! Parked until the rebalance completes, at most the longest rebalance timeout of the members or, for a new member,
//! 5 minutes.

use uuid::Uuid;

use crate::authorizer::Operation;
use crate::groups::state::{Answer, Event, Identity, Join, JoinAnswer, Protocol, Ticket};
use crate::groups::{ClientInfo, Groups, NAME_BYTES_MAX};
use crate::protocol::ErrorCode;
use crate::protocol::messages::join_group::JoinGroupResponseMember;
use crate::protocol::messages::{JoinGroupRequest, JoinGroupResponse};

/// First version that is told its member id before it is let in.
const MEMBER_ID_REQUIRED_SINCE: i16 = 4;
/// First version that knows `skip_assignment`.
const SKIP_ASSIGNMENT_SINCE: i16 = 9;
/// Bytes of the client id that go into a member id.
const MEMBER_ID_PREFIX_BYTES_MAX: usize = 255;

impl Groups {
    /// Joins a group, which is created for a member without an id.
    pub async fn join_group(
        &self,
        request: JoinGroupRequest,
        version: i16,
        client: &ClientInfo,
    ) -> JoinGroupResponse {
        let member_id = request.member_id.clone();
        let allowed = client.check_group(Operation::Read, &request.group_id);
        if let Err(error) = allowed.and_then(|()| self.check_join(&request)) {
            return answer(JoinAnswer::refused(error, member_id));
        }
        let create = member_id.is_empty();
        let group = request.group_id.clone();
        let join = |ticket| Event::Join(translate(request, version, client, ticket));
        answer(match self.member(&group, create, join).await {
            Ok(Some(Answer::Join(answer))) => answer,
            Ok(None) => JoinAnswer::refused(ErrorCode::UnknownMemberId, member_id),
            Ok(Some(_)) => JoinAnswer::refused(ErrorCode::UnknownServerError, member_id),
            Err(error) => JoinAnswer::refused(error, member_id),
        })
    }

    /// What can be refused without looking at the group.
    fn check_join(&self, request: &JoinGroupRequest) -> Result<(), ErrorCode> {
        let config = self.config();
        let too_long = |text: &str| text.len() > NAME_BYTES_MAX;
        if request.group_id.is_empty() || too_long(&request.group_id) {
            return Err(ErrorCode::InvalidGroupId);
        }
        if !(config.session_timeout_ms_min..=config.session_timeout_ms_max)
            .contains(&request.session_timeout_ms)
        {
            return Err(ErrorCode::InvalidSessionTimeout);
        }
        if request.group_instance_id.as_deref().is_some_and(too_long) {
            return Err(ErrorCode::InvalidRequest);
        }
        if too_long(&request.protocol_type)
            || request.protocols.len() > config.protocols_max
            || request.protocols.iter().any(|protocol| too_long(&protocol.name))
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let bytes: usize = request.protocols.iter().map(|protocol| protocol.metadata.len()).sum();
        if bytes > config.member_metadata_bytes_max {
            return Err(ErrorCode::MessageTooLarge);
        }
        Ok(())
    }
}

fn translate(request: JoinGroupRequest, version: i16, client: &ClientInfo, ticket: Ticket) -> Join {
    let prefix = match &request.group_instance_id {
        Some(instance) => head(instance, NAME_BYTES_MAX),
        None => head(&client.client_id, MEMBER_ID_PREFIX_BYTES_MAX),
    };
    let rebalance_timeout_ms = if request.rebalance_timeout_ms > 0 {
        request.rebalance_timeout_ms
    } else {
        request.session_timeout_ms
    };
    // Metadata is copied out of the frame, which it would keep alive as a whole.
    let protocols = request.protocols.into_iter().map(|protocol| Protocol {
        name: protocol.name,
        metadata: bytes::Bytes::copy_from_slice(&protocol.metadata),
    });
    Join {
        ticket,
        fresh_member_id: format!("{prefix}-{}", Uuid::new_v4()),
        identity: Identity { member_id: request.member_id, instance_id: request.group_instance_id },
        client_id: client.client_id.clone(),
        client_host: client.host.clone(),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms,
        protocol_type: request.protocol_type,
        protocols: protocols.collect(),
        member_id_required: version >= MEMBER_ID_REQUIRED_SINCE,
        skip_assignment: version >= SKIP_ASSIGNMENT_SINCE,
    }
}

/// The start of `text`, cut at a character.
fn head(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default()
}

fn answer(answer: JoinAnswer) -> JoinGroupResponse {
    let members = answer.members.into_iter().map(|member| JoinGroupResponseMember {
        member_id: member.member_id,
        group_instance_id: member.instance_id,
        metadata: member.metadata,
    });
    JoinGroupResponse {
        error_code: answer.error.into(),
        generation_id: answer.generation,
        protocol_type: answer.protocol_type,
        protocol_name: answer.protocol_name,
        leader: answer.leader,
        skip_assignment: answer.skip_assignment,
        member_id: answer.member_id,
        members: members.collect(),
        ..JoinGroupResponse::default()
    }
}
