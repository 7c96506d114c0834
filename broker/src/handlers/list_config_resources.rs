//! `ListConfigResources` (key 74): topics, this broker, and the groups that have settings of their own. There are never client
//! metrics, the only kind that version 0 asks for.

use crate::authorizer::Operation;
use crate::dispatch::Context;
use crate::handlers::describe_configs::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use crate::protocol::ErrorCode;
use crate::protocol::messages::list_config_resources::ConfigResource;
use crate::protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};

/// First version that says which kinds are wanted.
const TYPES_SINCE: i16 = 1;
/// Every kind there is.
const TYPES: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

pub(crate) async fn handle(
    context: &Context,
    request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    let refused =
        |code: ErrorCode| ListConfigResourcesResponse { error_code: code.code(), ..Default::default() };
    if !context.access.allows_cluster(Operation::DescribeConfigs) {
        return refused(ErrorCode::ClusterAuthorizationFailed);
    }
    let wanted = match request.resource_types {
        _ if context.version < TYPES_SINCE => vec![CLIENT_METRICS],
        types if types.is_empty() => TYPES.to_vec(),
        types => types,
    };
    if wanted.iter().any(|wanted| !TYPES.contains(wanted)) {
        return refused(ErrorCode::UnsupportedVersion);
    }
    let broker = &context.broker;
    let kinds = TYPES.into_iter().filter(|kind| wanted.contains(kind));
    let resources = kinds.flat_map(|resource_type| {
        let names = match resource_type {
            TOPIC => broker.topics().list().iter().map(|topic| topic.name().to_string()).collect(),
            BROKER | BROKER_LOGGER => vec![broker.config().node_id.to_string()],
            GROUP => broker.dynamic_configs().groups(),
            _ => Vec::new(),
        };
        names.into_iter().map(move |resource_name| ConfigResource { resource_name, resource_type })
    });
    ListConfigResourcesResponse { config_resources: resources.collect(), ..Default::default() }
}
