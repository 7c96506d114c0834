//! Groups and transactions: which groups wait for the end of which transaction.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};

use super::actor::{Command, TransactionalCommit};
use super::{Groups, NAME_BYTES_MAX, partition_for};
use crate::protocol::ErrorCode;

/// Groups with pending offsets, by partition of `__consumer_offsets` and producer id.
pub(super) type Expected = HashMap<(i32, i64), BTreeSet<Arc<str>>>;

impl Groups {
    /// The partition of `__consumer_offsets` that holds a group.
    pub(crate) fn partition_of(&self, group: &str) -> i32 {
        partition_for(group, self.inner.surroundings.journal.partitions())
    }

    /// Remembers that a group has, or is about to have, pending offsets of a transaction.
    pub(super) fn expect_end(&self, partition: i32, producer_id: i64, group: &Arc<str>) {
        let mut expected = self.inner.expected.lock().unwrap_or_else(PoisonError::into_inner);
        expected.entry((partition, producer_id)).or_default().insert(Arc::clone(group));
    }

    /// Stores offsets as part of a transaction; one code per entry. 22 when the group does not exist and the commit names a
    /// generation.
    pub(crate) async fn commit_in_transaction(
        &self,
        group: &str,
        commit: TransactionalCommit,
    ) -> Result<Vec<ErrorCode>, ErrorCode> {
        if group.len() > NAME_BYTES_MAX {
            return Err(ErrorCode::InvalidGroupId);
        }
        let create = commit.generation < 0;
        let id: Arc<str> = group.into();
        self.expect_end(self.partition_of(group), commit.transaction.producer_id, &id);
        let make = |reply| Command::CommitInTransaction { commit, reply };
        if create {
            self.ask_or_create(group, make).await
        } else {
            self.ask(group, make).await?.ok_or(ErrorCode::IllegalGeneration)
        }
    }

    /// Ends a producer's transaction in a partition of `__consumer_offsets`, whose marker is durable; returns once its offsets
    /// are to be read. An error means that it is to be asked again.
    pub(crate) async fn end_transaction(
        &self,
        partition: i32,
        producer_id: i64,
        commit: bool,
    ) -> Result<(), ErrorCode> {
        self.check_loaded()?;
        let key = (partition, producer_id);
        let groups = {
            let expected = self.inner.expected.lock().unwrap_or_else(PoisonError::into_inner);
            expected.get(&key).cloned().unwrap_or_default()
        };
        for group in &groups {
            let make = |reply| Command::EndTransaction { producer_id, commit, reply };
            self.ask(group, make).await?;
        }
        let mut expected = self.inner.expected.lock().unwrap_or_else(PoisonError::into_inner);
        expected.remove(&key);
        Ok(())
    }
}
