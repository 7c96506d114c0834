//! The transaction coordinator, for every transactional id, on one node.
//!
//! What each request makes of a transactional id is decided by the pure machine in `state`; this module stores the decision
//! in `__transaction_state` and carries it out. A decision is durable before anything follows from it: partitions are added
//! before the producer may write to them, an outcome is prepared before its first marker is written. At start the topic is
//! replayed: open transactions go on where they were (and are aborted when their time is over), prepared ones are carried
//! out. Until then every request is answered with 14.
//!
//! `EndTxn` is answered once every marker is durable, so that what was committed can be read at once. A partition that cannot
//! take its marker (its disk is full, or it is offline) does not change the outcome: the answer is sent, and the marker is
//! tried again until it is written or the topic is gone; meanwhile the producer is told 51.
//!
//! Every transactional id is worked on by one task at a time, which no closed connection interrupts.

mod config;
mod load;
mod markers;
mod operations;
pub mod records;
pub(crate) mod state;
#[cfg(test)]
mod tests;
mod upkeep;

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::groups::{Groups, partition_for};
use crate::journal::{InternalTopic, Journal, JournalError, TopicJournal};
use crate::log::lock;
use crate::producer_ids::ProducerIds;
use crate::protocol::ErrorCode;
use crate::topics::Topics;

pub use config::TransactionsConfig;
pub(crate) use markers::PartitionMarker;
pub(crate) use state::{Producer, State, TopicPartitions, Transaction};

/// Name of the topic that holds the transactional ids.
pub const STATE_TOPIC: &str = "__transaction_state";

/// The code as a client of this version knows it: a fenced producer has a code of its own from `known_since` on.
pub(crate) fn fenced_code(code: ErrorCode, version: i16, known_since: i16) -> ErrorCode {
    match code {
        ErrorCode::ProducerFenced if version < known_since => ErrorCode::InvalidProducerEpoch,
        other => other,
    }
}

/// What a producer that writes is told when the coordinator does not know of its transaction; `abortable` for clients that
/// know that they can go on after an abort. What may pass becomes a code that every producer retries.
pub(crate) fn unverified_code(code: ErrorCode, abortable: bool) -> ErrorCode {
    match code {
        ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
        ErrorCode::TransactionAbortable if !abortable => ErrorCode::InvalidTxnState,
        ErrorCode::ConcurrentTransactions
        | ErrorCode::CoordinatorLoadInProgress
        | ErrorCode::CoordinatorNotAvailable
        | ErrorCode::NotCoordinator => ErrorCode::NotEnoughReplicas,
        other => other,
    }
}

/// Longest transactional id in bytes; records hold strings with 16-bit lengths.
pub(crate) const ID_BYTES_MAX: usize = 4096;

/// The coordinator. Cheap to clone.
#[derive(Clone)]
pub struct Transactions {
    inner: Arc<Inner>,
}

struct Inner {
    config: TransactionsConfig,
    topics: Topics,
    groups: Groups,
    producer_ids: ProducerIds,
    clock: Arc<dyn Clock>,
    journal: Arc<dyn Journal>,
    ids: Mutex<HashMap<Arc<str>, Arc<Id>>>,
    loaded: watch::Sender<bool>,
    /// Partitions of the topic that the replay could not read; set before `loaded`.
    unreadable: OnceLock<BTreeSet<i32>>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// A transactional id.
#[derive(Debug)]
struct Id {
    name: Arc<str>,
    /// Held by whoever works on it, across waits.
    turn: tokio::sync::Mutex<()>,
    /// As stored; none before the first producer.
    state: Mutex<Option<Arc<Transaction>>>,
}

impl Id {
    fn state(&self) -> Option<Arc<Transaction>> {
        lock(&self.state).clone()
    }
}

impl Transactions {
    /// The coordinator over the topics of a broker. Must be called inside a runtime; returns at once, and answers 14 until the
    /// replay that runs in the background is done ([`loaded`](Self::loaded)).
    pub fn open(
        topics: &Topics,
        groups: &Groups,
        producer_ids: ProducerIds,
        config: TransactionsConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let topic = InternalTopic {
            name: STATE_TOPIC,
            partitions: config.state_partitions,
            segment_bytes: config.state_segment_bytes,
        };
        let journal = Arc::new(TopicJournal::new(topics.clone(), Arc::clone(&clock), topic));
        let inner = Inner {
            config,
            topics: topics.clone(),
            groups: groups.clone(),
            producer_ids,
            clock,
            journal,
            ids: Mutex::default(),
            loaded: watch::Sender::new(false),
            unreadable: OnceLock::new(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let transactions = Self { inner: Arc::new(inner) };
        let worker = transactions.clone();
        transactions.inner.tasks.spawn(async move {
            let shutdown = worker.inner.shutdown.clone();
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = worker.keep() => {}
            }
        });
        transactions
    }

    /// Waits until the replay is done.
    pub async fn loaded(&self) {
        // An error would mean that the sender is gone, which lives as long as this.
        let _ = self.inner.loaded.subscribe().wait_for(|loaded| *loaded).await;
    }

    /// Stops accepting and returns when what is under way has been stored. What is prepared is carried out at the next start.
    pub async fn shutdown(&self) {
        self.inner.shutdown.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// The settings.
    pub fn config(&self) -> &TransactionsConfig {
        &self.inner.config
    }

    /// 14 while the replay runs, 15 on shutdown.
    pub(crate) fn check_available(&self) -> Result<(), ErrorCode> {
        if self.inner.shutdown.is_cancelled() {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        if *self.inner.loaded.borrow() { Ok(()) } else { Err(ErrorCode::CoordinatorLoadInProgress) }
    }

    /// As [`check_available`](Self::check_available), and 15 for an id of a partition that could not be read: what became of its
    /// transactions is not known, so that nothing may be made up for it.
    pub(crate) fn check_id(&self, transactional_id: &str) -> Result<(), ErrorCode> {
        self.check_available()?;
        let partition = self.partition_of(transactional_id);
        let unreadable = self.inner.unreadable.get().is_some_and(|all| all.contains(&partition));
        if unreadable { Err(ErrorCode::CoordinatorNotAvailable) } else { Ok(()) }
    }

    /// Makes sure that the topic exists.
    pub(crate) async fn ensure_topic(&self) -> Result<(), ErrorCode> {
        self.inner.journal.ensure().await.map_err(|error| {
            tracing::warn!(%error, "transaction coordinator not available");
            error.code()
        })
    }

    /// What is known of a transactional id.
    pub(crate) fn state_of(&self, transactional_id: &str) -> Option<Arc<Transaction>> {
        self.find(transactional_id)?.state()
    }

    /// Every transactional id with its state, in order.
    pub(crate) fn list(&self) -> Vec<(Arc<str>, Arc<Transaction>)> {
        let mut all: Vec<_> =
            self.ids().values().filter_map(|id| Some((Arc::clone(&id.name), id.state()?))).collect();
        all.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        all
    }

    /// Milliseconds since the epoch.
    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    fn ids(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Id>>> {
        self.inner.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, transactional_id: &str) -> Option<Arc<Id>> {
        self.ids().get(transactional_id).cloned()
    }

    fn find_or_create(&self, transactional_id: &str) -> Result<Arc<Id>, ErrorCode> {
        let mut ids = self.ids();
        if let Some(id) = ids.get(transactional_id) {
            return Ok(Arc::clone(id));
        }
        if ids.len() >= self.inner.config.ids_max {
            let ids_max = self.inner.config.ids_max;
            tracing::warn!(transactional_id, ids_max, "no room for another transactional id");
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        let name: Arc<str> = transactional_id.into();
        let id = Arc::new(Id {
            name: Arc::clone(&name),
            turn: tokio::sync::Mutex::new(()),
            state: Mutex::default(),
        });
        ids.insert(name, Arc::clone(&id));
        Ok(id)
    }

    /// Runs `work` to its end, whatever becomes of the caller.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ErrorCode>> + Send + 'static,
    ) -> Result<T, ErrorCode> {
        self.check_available()?;
        let outcome = self.inner.tasks.spawn(work).await;
        outcome.unwrap_or(Err(ErrorCode::CoordinatorNotAvailable))
    }

    /// The partition of the topic that holds a transactional id.
    fn partition_of(&self, transactional_id: &str) -> i32 {
        partition_for(transactional_id, self.inner.journal.partitions())
    }

    /// Stores a state and then shows it. The caller has the id's turn.
    async fn store(&self, id: &Id, next: Transaction) -> Result<Arc<Transaction>, ErrorCode> {
        let partition = self.partition_of(&id.name);
        let entry = (records::key(&id.name), Some(records::value(&next)));
        let outcome = match self.inner.journal.append(partition, vec![entry], None).await {
            Ok(written) => written.durable.await,
            Err(error) => Err(error),
        };
        outcome.map_err(|error| not_stored(id, &error))?;
        let next = Arc::new(next);
        *lock(&id.state) = Some(Arc::clone(&next));
        Ok(next)
    }

    /// Epoch of this coordinator for a transactional id, as markers carry it.
    fn coordinator_epoch(&self, transactional_id: &str) -> i32 {
        let topic = self.inner.topics.get(STATE_TOPIC);
        let partition = topic.and_then(|topic| topic.partition(self.partition_of(transactional_id)));
        partition.map_or(0, |partition| partition.leader_epoch())
    }

    /// Pause before something that failed is tried again.
    const RETRY: Duration = Duration::from_millis(500);
}

/// Says that a state is not stored, and what to tell the producer.
fn not_stored(id: &Id, error: &JournalError) -> ErrorCode {
    tracing::warn!(transactional_id = &*id.name, %error, "state of a transaction not stored");
    error.code()
}

impl std::fmt::Debug for Transactions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transactions").field("ids", &self.ids().len()).finish_non_exhaustive()
    }
}
