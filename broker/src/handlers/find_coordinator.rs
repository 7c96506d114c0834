//! `FindCoordinator` (key 10, versions 0 to 5).
//!
//! 1 brings the key type, 4 several keys at once. On one node the answer is always this node. Asking for a group's
//! coordinator creates `__consumer_offsets`, as in Kafka; 15 while that is not possible.

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
    /// Names the coordinator of groups or transactional ids.
    pub async fn find_coordinator(
        &self,
        request: FindCoordinatorRequest,
        version: i16,
        _client: &ClientInfo,
        endpoint: &Endpoint,
    ) -> FindCoordinatorResponse {
        let outcome = match request.key_type {
            GROUP => self.ensure_topic().await,
            TRANSACTION => Ok(()),
            _ => Err(ErrorCode::InvalidRequest),
        };
        let code = outcome.err().map_or(ErrorCode::None, |error| match error {
            ErrorCode::InvalidRequest => error,
            _ => ErrorCode::CoordinatorNotAvailable,
        });
        if version >= BATCHED_SINCE {
            let coordinators = request.coordinator_keys.into_iter().map(|key| named(key, code, endpoint));
            return FindCoordinatorResponse {
                coordinators: coordinators.collect(),
                ..FindCoordinatorResponse::default()
            };
        }
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

fn named(key: String, code: ErrorCode, endpoint: &Endpoint) -> Coordinator {
    let error_code = code.into();
    if code == ErrorCode::None {
        let Endpoint { node_id, host, port } = endpoint.clone();
        return Coordinator { key, node_id, host, port, error_code, error_message: None };
    }
    let message = if code == ErrorCode::InvalidRequest {
        "the coordinator key type is not supported"
    } else {
        "the coordinator is not available"
    };
    let error_message = Some(message.to_owned());
    Coordinator { key, node_id: -1, host: String::new(), port: -1, error_code, error_message }
}
