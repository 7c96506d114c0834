//! `DeleteGroups` (key 42, versions 0 to 2). Answered once the tombstones are durable; a group with members is 68.

use crate::authorizer::Operation;
use crate::groups::actor::Command;
use crate::groups::{ClientInfo, Groups};
use crate::protocol::ErrorCode;
use crate::protocol::messages::delete_groups::DeletableGroupResult;
use crate::protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

impl Groups {
    /// Deletes groups without members, with their offsets.
    pub async fn delete_groups(
        &self,
        request: DeleteGroupsRequest,
        _version: i16,
        client: &ClientInfo,
    ) -> DeleteGroupsResponse {
        let mut results = Vec::with_capacity(request.groups_names.len());
        for group_id in request.groups_names {
            let asked = match client.check_group(Operation::Delete, &group_id) {
                Ok(()) => self.ask(&group_id, |reply| Command::Delete { reply }).await,
                Err(code) => Err(code),
            };
            let code = match asked {
                Ok(code) => code.unwrap_or(ErrorCode::GroupIdNotFound),
                Err(error) => error,
            };
            results.push(DeletableGroupResult { group_id, error_code: code.into() });
        }
        DeleteGroupsResponse { results, ..DeleteGroupsResponse::default() }
    }
}
