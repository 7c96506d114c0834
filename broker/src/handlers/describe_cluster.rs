//! `DescribeCluster` (key 60): this node.

use crate::dispatch::Context;
use crate::handlers::metadata::cluster_operations;
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_cluster::DescribeClusterBroker;
use crate::protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};

/// The endpoint type of brokers; 2 would be controllers.
const BROKERS: i8 = 1;

pub(crate) async fn handle(context: &Context, request: DescribeClusterRequest) -> DescribeClusterResponse {
    if request.endpoint_type != BROKERS {
        return DescribeClusterResponse {
            error_code: ErrorCode::UnsupportedEndpointType.code(),
            error_message: Some("There are no controller endpoints.".to_owned()),
            endpoint_type: request.endpoint_type,
            ..Default::default()
        };
    }
    let (node_id, advertised) = (context.broker.config().node_id, context.connection.advertised());
    let mut response = DescribeClusterResponse {
        cluster_id: context.broker.topics().cluster_id().to_owned(),
        controller_id: node_id,
        brokers: vec![DescribeClusterBroker {
            broker_id: node_id,
            host: advertised.host,
            port: advertised.port.into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    if request.include_cluster_authorized_operations {
        response.cluster_authorized_operations = cluster_operations(context);
    }
    response
}
