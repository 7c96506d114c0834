//! `DescribeClientQuotas` (key 48): there are no quotas. Kafka's tool asks for them whenever it lists users.

use crate::authorizer::Operation;
use crate::dispatch::Context;
use crate::error::denied;
use crate::protocol::ErrorCode;
use crate::protocol::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};

pub(crate) async fn handle(
    context: &Context,
    _: DescribeClientQuotasRequest,
) -> DescribeClientQuotasResponse {
    if context.access.allows_cluster(Operation::DescribeConfigs) {
        return DescribeClientQuotasResponse { entries: Some(Vec::new()), ..Default::default() };
    }
    let (code, message) = denied(ErrorCode::ClusterAuthorizationFailed);
    DescribeClientQuotasResponse {
        error_code: code.code(),
        error_message: Some(message),
        ..Default::default()
    }
}
