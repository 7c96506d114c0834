//! The replay of `__transaction_state` at start.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Transaction, Transactions, records};
use crate::journal::Replayed;
use crate::log::lock;

#[derive(Debug, Default)]
struct Replay {
    states: HashMap<String, Transaction>,
    /// Records nobody could read.
    damaged: u64,
}

impl Replay {
    fn take(&mut self, replayed: Replayed) {
        let Replayed::Record { key, value, .. } = replayed else { return };
        let Ok(id) = records::id_of(key) else {
            self.damaged += 1;
            return;
        };
        let Some(id) = id else { return };
        match value.map(records::state_of) {
            None => {
                self.states.remove(&id);
            }
            Some(Ok(Some(state))) => {
                self.states.insert(id, state);
            }
            Some(_) => self.damaged += 1,
        }
    }
}

impl Transactions {
    /// Reads every partition; returns those that cannot be read. The transactional ids of one are unknown until it can: their
    /// producers are answered with 15, their open transactions stay open.
    pub(super) async fn load(&self) -> BTreeSet<i32> {
        let journal = Arc::clone(&self.inner.journal);
        let mut unreadable = BTreeSet::new();
        for partition in 0..journal.partitions() {
            let mut replay = Replay::default();
            if let Err(error) = journal.replay(partition, &mut |replayed| replay.take(replayed)).await {
                tracing::error!(partition, %error, "transactional ids of this partition are not available");
                unreadable.insert(partition);
                continue;
            }
            if replay.damaged > 0 {
                let records = replay.damaged;
                tracing::warn!(partition, records, "transaction records not understood were skipped");
            }
            for (name, state) in replay.states {
                let Ok(id) = self.find_or_create(&name) else {
                    // No room, which was said: what is not known must not be made up.
                    unreadable.insert(partition);
                    break;
                };
                *lock(&id.state) = Some(Arc::new(state));
            }
        }
        unreadable
    }
}
