//! A journal in memory that waits, fails or cannot be read when told to.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::groups::records::Key;
use crate::journal::{Entry, InTransaction, Journal, JournalError, Replayed, Visit, Written};

pub(super) struct MemoryJournal {
    state: Mutex<Contents>,
    /// Appends below this number are durable.
    durable: watch::Sender<u64>,
    readable: watch::Sender<bool>,
}

/// What a partition holds: a record with its producer, or a marker.
#[derive(Clone)]
enum Held {
    Record(Option<i64>, Entry),
    Marker(i64, bool),
}

#[derive(Default)]
struct Contents {
    partitions: Vec<Vec<Held>>,
    appends: u64,
    refuse: bool,
    fail_sync: bool,
    unreadable: BTreeSet<i32>,
    hold: bool,
}

impl MemoryJournal {
    pub(super) fn new(partitions: usize) -> Self {
        let contents = Contents { partitions: vec![Vec::new(); partitions], ..Contents::default() };
        Self {
            state: Mutex::new(contents),
            durable: watch::channel(u64::MAX).0,
            readable: watch::channel(true).0,
        }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.state.lock().unwrap()
    }

    /// From now on appends stay in flight until [`Self::release`].
    pub(super) fn hold(&self) {
        let mut contents = self.contents();
        contents.hold = true;
        self.durable.send_replace(contents.appends);
    }

    pub(super) fn release(&self) {
        self.contents().hold = false;
        self.durable.send_replace(u64::MAX);
    }

    pub(super) fn refuse(&self, refuse: bool) {
        self.contents().refuse = refuse;
    }

    pub(super) fn fail_sync(&self, fail: bool) {
        self.contents().fail_sync = fail;
    }

    pub(super) fn break_partition(&self, partition: i32) {
        self.contents().unreadable.insert(partition);
    }

    pub(super) fn block_reading(&self, block: bool) {
        self.readable.send_replace(!block);
    }

    pub(super) fn appends(&self) -> u64 {
        self.contents().appends
    }

    /// Writes the end of a transaction.
    pub(super) fn mark(&self, partition: i32, producer_id: i64, commit: bool) {
        let held = Held::Marker(producer_id, commit);
        self.contents().partitions[usize::try_from(partition).unwrap()].push(held);
    }

    /// The keys that have a value, as compaction would leave them.
    pub(super) fn live_keys(&self) -> Vec<Key> {
        let contents = self.contents();
        let mut live: Vec<Bytes> = Vec::new();
        for held in contents.partitions.iter().flatten() {
            let Held::Record(_, (key, value)) = held else { continue };
            live.retain(|known| known != key);
            if value.is_some() {
                live.push(key.clone());
            }
        }
        live.into_iter().map(|key| Key::decode(key).unwrap()).collect()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn ensure(&self) -> Result<(), JournalError> {
        if self.contents().refuse {
            return Err(JournalError::Unavailable("told to".to_owned()));
        }
        Ok(())
    }

    fn partitions(&self) -> i32 {
        i32::try_from(self.contents().partitions.len()).unwrap()
    }

    async fn append(
        &self,
        partition: i32,
        entries: Vec<Entry>,
        transaction: Option<InTransaction>,
    ) -> Result<Written, JournalError> {
        let mut contents = self.contents();
        if contents.refuse {
            return Err(JournalError::Storage("told to".to_owned()));
        }
        let number = contents.appends;
        contents.appends += 1;
        if contents.fail_sync {
            let durable = Box::pin(async { Err(JournalError::Storage("told to".to_owned())) });
            return Ok(Written { base_offset: 0, durable });
        }
        let held = &mut contents.partitions[usize::try_from(partition).unwrap()];
        let base_offset = i64::try_from(held.len()).unwrap();
        let producer_id = transaction.map(|it| it.producer_id);
        held.extend(entries.into_iter().map(|entry| Held::Record(producer_id, entry)));
        drop(contents);
        let mut durable = self.durable.subscribe();
        let durable = async move {
            durable.wait_for(|durable| *durable > number).await.unwrap();
            Ok(())
        };
        Ok(Written { base_offset, durable: Box::pin(durable) })
    }

    async fn replay(&self, partition: i32, visit: &mut Visit<'_>) -> Result<(), JournalError> {
        self.readable.subscribe().wait_for(|readable| *readable).await.unwrap();
        let contents = self.contents();
        if contents.unreadable.contains(&partition) {
            return Err(JournalError::Storage("told to".to_owned()));
        }
        for (offset, held) in (0..).zip(&contents.partitions[usize::try_from(partition).unwrap()]) {
            visit(match held.clone() {
                Held::Record(producer_id, (key, value)) => {
                    Replayed::Record { offset, producer_id, key, value }
                }
                Held::Marker(producer_id, commit) => Replayed::Marker { producer_id, commit },
            });
        }
        Ok(())
    }
}
