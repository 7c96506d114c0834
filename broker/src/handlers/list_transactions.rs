//! `ListTransactions` (key 66): transactional ids by state, producer id, age (1) and pattern (2) (KIP-664, KIP-994, KIP-1152).

use std::collections::BTreeSet;

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::groups::Pattern;
use crate::protocol::ErrorCode;
use crate::protocol::messages::list_transactions::TransactionState;
use crate::protocol::messages::{ListTransactionsRequest, ListTransactionsResponse};
use crate::transactions::{State, Transaction};

pub(crate) async fn handle(context: &Context, request: ListTransactionsRequest) -> ListTransactionsResponse {
    let transactions = context.broker.transactions();
    let refused =
        |code: ErrorCode| ListTransactionsResponse { error_code: code.code(), ..Default::default() };
    if let Err(code) = transactions.check_available() {
        return refused(code);
    }
    let pattern = request.transactional_id_pattern.filter(|pattern| !pattern.is_empty());
    let Ok(pattern) = pattern.map(|pattern| Pattern::new(&pattern)).transpose() else {
        return refused(ErrorCode::InvalidRegularExpression);
    };
    let (known, unknown_state_filters): (Vec<_>, Vec<_>) =
        request.state_filters.into_iter().partition(|name| state(name).is_some());
    let states: Vec<State> = known.iter().filter_map(|name| state(name)).collect();
    let producer_ids: BTreeSet<i64> = request.producer_id_filters.into_iter().collect();
    let now_ms = transactions.now_ms();
    let is_wanted = |transaction: &Transaction| {
        let age_ms = now_ms.saturating_sub(transaction.started_ms);
        transaction.state != State::Dead
            && (states.is_empty() || states.contains(&transaction.state))
            && (producer_ids.is_empty() || producer_ids.contains(&transaction.producer_id))
            && (request.duration_filter < 0 || age_ms > request.duration_filter)
    };
    let found = transactions
        .list()
        .into_iter()
        .filter(|(id, transaction)| {
            is_wanted(transaction)
                && pattern.as_ref().is_none_or(|pattern| pattern.matches(id))
                && context.access.allows(Operation::Describe, ResourceType::TransactionalId, id)
        })
        .map(|(id, transaction)| TransactionState {
            transactional_id: id.to_string(),
            producer_id: transaction.producer_id,
            transaction_state: transaction.state.name().to_owned(),
        });
    ListTransactionsResponse {
        unknown_state_filters,
        transaction_states: found.collect(),
        ..Default::default()
    }
}

fn state(name: &str) -> Option<State> {
    State::ALL.into_iter().find(|state| state.name() == name)
}
