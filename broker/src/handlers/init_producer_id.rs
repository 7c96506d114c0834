//! `InitProducerId` (key 22): a fresh id with epoch 0 for every idempotent producer; transactional ones are refused.

use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

pub(crate) async fn handle(context: &Context, request: InitProducerIdRequest) -> InitProducerIdResponse {
    let refused = |code: ErrorCode| InitProducerIdResponse {
        error_code: code.code(),
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    if request.transactional_id.is_some() {
        // transactions are not served: their APIs are not advertised either
        return refused(ErrorCode::TransactionalIdAuthorizationFailed);
    }
    match context.broker.producer_ids().next().await {
        Ok(producer_id) => InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() },
        Err(error) => {
            tracing::error!(%error, "no producer id");
            refused(ErrorCode::CoordinatorNotAvailable)
        }
    }
}
