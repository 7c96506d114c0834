//! `FindCoordinator` (key 10, versions 0 to 5).
//!
//! 1 brings the key type, 4 several keys at once. On one node the answer is always this node. Asking for a coordinator
//! creates its topic, as in Kafka; 15 while that is not possible.

use crate::authorizer::{Operation, ResourceType};
use crate::groups::{ClientInfo, Groups};
use crate::protocol::ErrorCode;
use crate::protocol::messages::find_coordinator::Coordinator;
use crate::protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};

/// First version with several keys.
const BATCHED_SINCE: i16 = 4;
/// Key type of a consumer group.
const GROUP: i8 = 0;
/// Key type of a transactional id.
const TRANSACTION: i8 = 1;

/// Where this node is reached through the listener that the request came in on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Node id.
    pub node_id: i32,
    /// Advertised host.
    pub host: String,
    /// Advertised port.
    pub port: i32,
}

impl Groups {
    /// Names the coordinator of groups or transactional ids; `transaction_topic` makes sure that the latter have their topic.
    pub async fn find_coordinator(
        &self,
        request: FindCoordinatorRequest,
        version: i16,
        client: &ClientInfo,
        transaction_topic: impl Future<Output = Result<(), ErrorCode>>,
        endpoint: &Endpoint,
    ) -> FindCoordinatorResponse {
        let outcome = match request.key_type {
            GROUP => self.ensure_topic().await,
            TRANSACTION => transaction_topic.await,
            _ => Err(ErrorCode::InvalidRequest),
        };
        let code = outcome.err().map_or(ErrorCode::None, |error| match error {
            ErrorCode::InvalidRequest => error,
            _ => ErrorCode::CoordinatorNotAvailable,
        });
        if version >= BATCHED_SINCE {
            let coordinators = request.coordinator_keys.into_iter().map(|key| {
                let code = refusal(client, request.key_type, &key).unwrap_or(code);
                named(key, code, endpoint)
            });
            return FindCoordinatorResponse {
                coordinators: coordinators.collect(),
                ..FindCoordinatorResponse::default()
            };
        }
        let code = refusal(client, request.key_type, &request.key).unwrap_or(code);
        let found = named(request.key, code, endpoint);
        FindCoordinatorResponse {
            error_code: found.error_code,
            error_message: found.error_message,
            node_id: found.node_id,
            host: found.host,
            port: found.port,
            ..FindCoordinatorResponse::default()
        }
    }
}

/// Why a client may not know a coordinator.
fn refusal(client: &ClientInfo, key_type: i8, key: &str) -> Option<ErrorCode> {
    let (resource, code) = match key_type {
        GROUP => (ResourceType::Group, ErrorCode::GroupAuthorizationFailed),
        TRANSACTION => (ResourceType::TransactionalId, ErrorCode::TransactionalIdAuthorizationFailed),
        _ => return None,
    };
    (!client.access.allows(Operation::Describe, resource, key)).then_some(code)
}

fn named(key: String, code: ErrorCode, endpoint: &Endpoint) -> Coordinator {
    let error_code = code.into();
    if code == ErrorCode::None {
        let Endpoint { node_id, host, port } = endpoint.clone();
        return Coordinator { key, node_id, host, port, error_code, error_message: None };
    }
    let message = match code {
        ErrorCode::InvalidRequest => "the coordinator key type is not supported",
        ErrorCode::GroupAuthorizationFailed => "the group is not allowed",
        ErrorCode::TransactionalIdAuthorizationFailed => "the transactional id is not allowed",
        _ => "the coordinator is not available",
    };
    let error_message = Some(message.to_owned());
    Coordinator { key, node_id: -1, host: String::new(), port: -1, error_code, error_message }
}
