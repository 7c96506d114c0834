//! `ListGroups` (key 16, versions 0 to 5). 4 brings states and a filter by them, 5 types and a filter by them.

use crate::authorizer::Operation;
use crate::groups::{ClientInfo, Groups};
use crate::protocol::messages::list_groups::ListedGroup;
use crate::protocol::messages::{ListGroupsRequest, ListGroupsResponse};

impl Groups {
    /// Lists groups in order of their ids. Filters ignore case; an empty one lets everything pass.
    #[expect(clippy::unused_async, reason = "one shape for the methods of all group APIs")]
    pub async fn list_groups(
        &self,
        request: ListGroupsRequest,
        _version: i16,
        client: &ClientInfo,
    ) -> ListGroupsResponse {
        let passes = |filter: &[String], value: &str| {
            filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
        };
        if let Err(error) = self.check_loaded() {
            return ListGroupsResponse { error_code: error.into(), ..ListGroupsResponse::default() };
        }
        let mut groups = Vec::new();
        // Who may describe the cluster sees all groups, anybody else those they may describe.
        let all = client.access.allows_cluster(Operation::Describe);
        for (id, handle) in self.handles() {
            if !all && client.check_group(Operation::Describe, &id).is_err() {
                continue;
            }
            let summary = handle.summary();
            if passes(&request.types_filter, summary.kind) && passes(&request.states_filter, summary.state) {
                groups.push(ListedGroup {
                    group_id: id.to_string(),
                    protocol_type: summary.protocol_type,
                    group_state: summary.state.to_owned(),
                    group_type: summary.kind.to_owned(),
                });
            }
        }
        ListGroupsResponse { groups, ..ListGroupsResponse::default() }
    }
}
