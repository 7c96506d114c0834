//! Offsets as part of a transaction: pending until its marker.

use tokio::sync::oneshot;

use super::{Actor, CommitEntry, Write, commands, fail, moment};
use crate::groups::consumer::ConsumerGroup;
use crate::groups::offsets::{self, end_transaction};
use crate::groups::state::Identity;
use crate::journal::{InTransaction, JournalError};
use crate::protocol::ErrorCode;

/// Offsets to commit with a transaction.
pub(crate) struct TransactionalCommit {
    /// Who the consumer says it is; empty from clients before `TxnOffsetCommit` 3.
    pub(crate) identity: Identity,
    /// Generation or member epoch; -1 with an empty identity.
    pub(crate) generation: i32,
    /// The transaction, which the coordinator knows to be open.
    pub(crate) transaction: InTransaction,
    /// What to store.
    pub(crate) entries: Vec<CommitEntry>,
}

impl Actor {
    pub(super) async fn commit_in_transaction(
        &mut self,
        commit: TransactionalCommit,
        reply: oneshot::Sender<Vec<ErrorCode>>,
    ) {
        let TransactionalCommit { identity, generation, transaction, entries } = commit;
        let now = moment(&self.surroundings);
        let mut codes: Vec<ErrorCode> = entries.iter().map(|entry| entry.code).collect();
        let allowed = match &self.consumer {
            Some(consumer) => check_consumer(consumer, &identity, generation),
            None => self.group.check_transactional_commit(&identity, generation, now),
        };
        if let Err(error) = allowed {
            fail(&mut codes, error);
            let _ = reply.send(codes);
            return;
        }
        let mut committed = commands::accepted(entries, now.wall_ms);
        if committed.is_empty() {
            let _ = reply.send(codes);
            return;
        }
        let records = commands::records(&self.id, &committed);
        match self.surroundings.journal.append(self.partition, records, Some(transaction)).await {
            Ok(written) => {
                offsets::place_in_log(&mut committed, written.base_offset);
                for (place, committed) in committed {
                    self.pending.insert(transaction.producer_id, place, committed);
                }
                let write = Write::TransactionalCommit { codes, reply };
                self.writes.push_back(Box::pin(async move { (write, written.durable.await) }));
            }
            Err(error) => {
                tracing::debug!(group = %self.id, %error, "offsets of a transaction not written");
                let code = match error {
                    JournalError::TooLarge { .. } => ErrorCode::InvalidCommitOffsetSize,
                    other => other.code(),
                };
                fail(&mut codes, code);
                let _ = reply.send(codes);
            }
        }
    }

    /// Ends a producer's transaction behind all earlier writes; its marker is durable.
    pub(super) fn end_transaction(&mut self, producer_id: i64, commit: bool, reply: oneshot::Sender<()>) {
        let write = Write::EndTransaction { producer_id, commit, reply };
        self.writes.push_back(Box::pin(async move { (write, Ok(())) }));
    }

    pub(super) fn transaction_ended(&mut self, producer_id: i64, commit: bool) {
        end_transaction(&mut self.offsets, &mut self.pending, producer_id, commit);
    }
}

/// A member's epoch may have moved on: the client rejoins as after a rebalance.
fn check_consumer(consumer: &ConsumerGroup, identity: &Identity, epoch: i32) -> Result<(), ErrorCode> {
    if epoch < 0 && identity.member_id.is_empty() {
        return Ok(());
    }
    consumer.check_offsets(&identity.member_id, epoch, false).map_err(|code| match code {
        ErrorCode::StaleMemberEpoch => ErrorCode::IllegalGeneration,
        other => other,
    })
}
