//! `DescribeTransactions` (key 65): what the coordinator knows of transactional ids (KIP-664).

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_transactions::{TopicData, TransactionState};
use crate::protocol::messages::{DescribeTransactionsRequest, DescribeTransactionsResponse};
use crate::transactions::State;

pub(crate) async fn handle(
    context: &Context,
    request: DescribeTransactionsRequest,
) -> DescribeTransactionsResponse {
    let states = request.transactional_ids.into_iter().map(|id| match describe(context, &id) {
        Ok(state) => TransactionState { transactional_id: id, ..state },
        Err(code) => TransactionState { transactional_id: id, error_code: code.code(), ..Default::default() },
    });
    DescribeTransactionsResponse { transaction_states: states.collect(), ..Default::default() }
}

fn describe(context: &Context, id: &str) -> Result<TransactionState, ErrorCode> {
    if !context.access.allows(Operation::Describe, ResourceType::TransactionalId, id) {
        return Err(ErrorCode::TransactionalIdAuthorizationFailed);
    }
    let transactions = context.broker.transactions();
    transactions.check_id(id)?;
    let known = transactions.state_of(id).filter(|known| known.state != State::Dead);
    let known = known.ok_or(ErrorCode::TransactionalIdNotFound)?;
    let topics = known
        .partitions
        .iter()
        .filter(|(topic, _)| context.access.allows(Operation::Describe, ResourceType::Topic, topic))
        .map(|(topic, partitions)| TopicData {
            topic: topic.clone(),
            partitions: partitions.iter().copied().collect(),
        });
    Ok(TransactionState {
        transaction_state: known.state.name().to_owned(),
        transaction_timeout_ms: known.timeout_ms,
        transaction_start_time_ms: known.started_ms,
        producer_id: known.producer_id,
        producer_epoch: known.epoch,
        topics: topics.collect(),
        ..Default::default()
    })
}
