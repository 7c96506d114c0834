//! `EndTxn` (key 26): answered once every marker is durable, or tried again in the background. 2 brings the code 90 for a fenced
//! producer (47 before); 5 is the second protocol, in which each end bumps the epoch and answers with the new one (KIP-890).

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::{EndTxnRequest, EndTxnResponse};
use crate::transactions::{Producer, fenced_code};

/// First version with a code of its own for a fenced producer.
const FENCED_SINCE: i16 = 2;
/// First version of the second protocol.
const BUMPS_SINCE: i16 = 5;

pub(crate) async fn handle(context: &Context, request: EndTxnRequest) -> EndTxnResponse {
    match end(context, &request).await {
        Ok(Producer { id, epoch }) => {
            EndTxnResponse { producer_id: id, producer_epoch: epoch, ..Default::default() }
        }
        Err(code) => {
            let error_code = fenced_code(code, context.version, FENCED_SINCE).code();
            EndTxnResponse { error_code, ..Default::default() }
        }
    }
}

async fn end(context: &Context, request: &EndTxnRequest) -> Result<Producer, ErrorCode> {
    let id = &request.transactional_id;
    if !context.access.allows(Operation::Write, ResourceType::TransactionalId, id) {
        return Err(ErrorCode::TransactionalIdAuthorizationFailed);
    }
    let producer = Producer { id: request.producer_id, epoch: request.producer_epoch };
    let bumps = context.version >= BUMPS_SINCE;
    context.broker.transactions().end(id, producer, request.committed, bumps).await
}
