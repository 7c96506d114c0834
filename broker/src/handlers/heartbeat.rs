//! Heartbeat (key 12, versions 0 to 4). 3 brings static members.

use crate::authorizer::Operation;
use crate::groups::state::{Answer, Event, Identity};
use crate::groups::{ClientInfo, Groups};
use crate::protocol::ErrorCode;
use crate::protocol::messages::{HeartbeatRequest, HeartbeatResponse};

impl Groups {
    /// Keeps a session alive; 27 tells the member to rejoin.
    pub async fn heartbeat(
        &self,
        request: HeartbeatRequest,
        _version: i16,
        client: &ClientInfo,
    ) -> HeartbeatResponse {
        let answer = |code: ErrorCode| HeartbeatResponse { error_code: code.into(), ..Default::default() };
        if request.group_id.is_empty() {
            return answer(ErrorCode::InvalidGroupId);
        }
        if let Err(code) = client.check_group(Operation::Read, &request.group_id) {
            return answer(code);
        }
        let identity = Identity { member_id: request.member_id, instance_id: request.group_instance_id };
        let generation = request.generation_id;
        let heartbeat = |ticket| Event::Heartbeat { ticket, identity, generation };
        answer(match self.member(&request.group_id, false, heartbeat).await {
            Ok(Some(Answer::Heartbeat(code))) => code,
            Ok(None) => ErrorCode::UnknownMemberId,
            Ok(Some(_)) => ErrorCode::UnknownServerError,
            Err(error) => error,
        })
    }
}
