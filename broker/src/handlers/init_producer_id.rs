//! `InitProducerId` (key 22, versions 0 to 5).
//!
//! Without a transactional id: a fresh producer id with epoch 0. With one: the coordinator fences whoever had it before. 3
//! brings the producer that goes on after an error (KIP-360), 4 the code 90 for one that was fenced (47 before).

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};
use crate::transactions::{Producer, fenced_code};

/// First version with a code of its own for a fenced producer.
const FENCED_SINCE: i16 = 4;

pub(crate) async fn handle(context: &Context, request: InitProducerIdRequest) -> InitProducerIdResponse {
    match init(context, request).await {
        Ok(Producer { id, epoch }) => {
            InitProducerIdResponse { producer_id: id, producer_epoch: epoch, ..Default::default() }
        }
        Err(code) => InitProducerIdResponse {
            error_code: fenced_code(code, context.version, FENCED_SINCE).code(),
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        },
    }
}

async fn init(context: &Context, request: InitProducerIdRequest) -> Result<Producer, ErrorCode> {
    let access = &context.access;
    let Some(transactional_id) = request.transactional_id else {
        let allowed = access.allows_cluster(Operation::IdempotentWrite)
            || access.allows_any(Operation::Write, ResourceType::Topic);
        if !allowed {
            return Err(ErrorCode::ClusterAuthorizationFailed);
        }
        let fresh = context.broker.producer_ids().next().await;
        return fresh.map(|id| Producer { id, epoch: 0 }).map_err(|error| {
            tracing::error!(%error, "no producer id");
            ErrorCode::CoordinatorNotAvailable
        });
    };
    if !access.allows(Operation::Write, ResourceType::TransactionalId, &transactional_id) {
        return Err(ErrorCode::TransactionalIdAuthorizationFailed);
    }
    let expected = match (request.producer_id, request.producer_epoch) {
        (-1, -1) => None,
        (-1, _) | (_, -1) => return Err(ErrorCode::InvalidRequest),
        (id, epoch) => Some(Producer { id, epoch }),
    };
    context.broker.transactions().init(&transactional_id, request.transaction_timeout_ms, expected).await
}
