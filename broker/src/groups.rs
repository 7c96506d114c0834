//! Consumer groups and their offsets: the coordinator for every group, on one node.
//!
//! Every group is one task (`actor`) around a pure machine (`state` for the classic protocol, `consumer` for KIP-848);
//! [`Groups`] finds the task by group id and turns requests into what it understands (the handlers named after the
//! APIs). What must survive is in
//! `__consumer_offsets` in Kafka's formats ([`records`]), appended and durable before the answer that depends on it:
//! the assignment before `SyncGroup`, offsets before `OffsetCommit`, the replaced member id before a static member's
//! `JoinGroup`, tombstones before `DeleteGroups` and `OffsetDelete`.
//!
//! At start the topic is replayed; until then every request is answered with 14. Members come back with their
//! sessions starting anew, so consumers that heartbeat in time notice nothing. A partition of the topic that cannot be
//! read answers 15 for the groups in it.
//!
//! Bounds are in [`GroupsConfig`]: groups, members, requests that wait for a group, metadata.

pub(crate) mod actor;
mod catalog;
mod config;
pub(crate) mod consumer;
mod load;
pub(crate) mod offsets;
mod partitioner;
mod pattern;
pub mod records;
pub(crate) mod state;
mod transactions;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use actor::{Actor, Command, Handle, Stored, Surroundings};
use catalog::TopicCatalog;
pub use config::GroupsConfig;
use consumer::{Catalog, ConsumerLimits};
pub use partitioner::partition_for;
pub(crate) use pattern::Pattern;
use state::{Answer, Event, Limits, Ticket};
use transactions::Expected;

use crate::authorizer::{Access, Operation, ResourceType};
use crate::clock::Clock;
use crate::journal::{InternalTopic, Journal, TopicJournal};
use crate::protocol::ErrorCode;
use crate::topics::Topics;

/// Name of the topic that holds groups and offsets.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// Longest group id, instance id, protocol type and protocol name in bytes; records hold strings with 16-bit lengths.
pub(crate) const NAME_BYTES_MAX: usize = 4096;

/// How long a new member's parked `JoinGroup` is kept; Kafka's constant.
const NEW_MEMBER_JOIN_TIMEOUT_MS: u64 = 300_000;

/// How often a request looks for its group again when the group ended just then.
const FIND_ATTEMPTS: usize = 3;

/// Who sends a request, as far as groups care.
#[derive(Debug, Clone, Default)]
pub struct ClientInfo {
    /// The client id of the request header; empty for null.
    pub client_id: String,
    /// The peer's address, shown as `/address` as Kafka does.
    pub host: String,
    /// What the peer may do.
    pub access: Access,
}

impl ClientInfo {
    /// 30 unless the client may do this to a group.
    pub(crate) fn check_group(&self, operation: Operation, group: &str) -> Result<(), ErrorCode> {
        let allowed = self.access.allows(operation, ResourceType::Group, group);
        if allowed { Ok(()) } else { Err(ErrorCode::GroupAuthorizationFailed) }
    }

    /// Whether the client may describe all of these topics.
    pub(crate) fn sees_topics<'a>(&self, mut topics: impl Iterator<Item = &'a str>) -> bool {
        topics.all(|topic| self.check_topic(Operation::Describe, topic).is_ok())
    }

    /// 29 unless the client may do this to a topic.
    pub(crate) fn check_topic(&self, operation: Operation, topic: &str) -> Result<(), ErrorCode> {
        let allowed = self.access.allows(operation, ResourceType::Topic, topic);
        if allowed { Ok(()) } else { Err(ErrorCode::TopicAuthorizationFailed) }
    }
}

/// The group coordinator. Cheap to clone.
#[derive(Clone)]
pub struct Groups {
    inner: Arc<Inner>,
}

/// What was set on a group; what is not set is as for all groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct GroupSettings {
    /// `consumer.session.timeout.ms`.
    pub(crate) session_timeout_ms: Option<u64>,
    /// `consumer.heartbeat.interval.ms`.
    pub(crate) heartbeat_interval_ms: Option<i32>,
}

struct Inner {
    config: GroupsConfig,
    settings: ArcSwap<BTreeMap<String, GroupSettings>>,
    directory: Arc<Directory>,
    surroundings: Surroundings,
    tickets: AtomicU64,
    loaded: watch::Receiver<Loading>,
    expected: Mutex<Expected>,
    tasks: TaskTracker,
}

/// Group id to task. Locked for look-ups only, never across an await.
type Directory = Mutex<HashMap<Arc<str>, Handle>>;

/// How far the replay has come.
#[derive(Debug, Clone)]
enum Loading {
    /// Still reading.
    Reading,
    /// Done, but for the partitions named.
    Done { unreadable: Arc<BTreeSet<i32>> },
}

impl Groups {
    /// The coordinator over the topics of a broker. Must be called inside a runtime; returns at once, and answers 14 until
    /// the replay that runs in the background is done ([`Self::loaded`]).
    pub fn open(topics: &Topics, config: GroupsConfig, clock: Arc<dyn Clock>) -> Self {
        let topic = InternalTopic {
            name: OFFSETS_TOPIC,
            partitions: config.offsets_partitions,
            segment_bytes: config.offsets_segment_bytes,
        };
        let journal = TopicJournal::new(topics.clone(), Arc::clone(&clock), topic);
        Self::start(Arc::new(journal), Arc::new(TopicCatalog(topics.clone())), config, clock)
    }

    /// The coordinator over `journal`. Returns at once; the replay runs in the background.
    pub(crate) fn start(
        journal: Arc<dyn Journal>,
        catalog: Arc<dyn Catalog>,
        config: GroupsConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let directory: Arc<Directory> = Arc::default();
        let forget = {
            let directory = Arc::clone(&directory);
            move |id: &str| {
                directory.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
            }
        };
        let surroundings = Surroundings {
            journal,
            clock,
            started: Instant::now(),
            catalog,
            consumer_limits: ConsumerLimits {
                members_max: config.members_max,
                session_ms: config.consumer_session_timeout_ms,
            },
            limits: Limits {
                members_max: config.members_max,
                initial_rebalance_delay_ms: config.initial_rebalance_delay_ms,
                new_member_join_timeout_ms: NEW_MEMBER_JOIN_TIMEOUT_MS,
            },
            retention_ms: config.offsets_retention_ms,
            shutdown: CancellationToken::new(),
            forget: Arc::new(forget),
        };
        let (progress, loaded) = watch::channel(Loading::Reading);
        let tasks = TaskTracker::new();
        let tickets = AtomicU64::new(0);
        let expected = Mutex::default();
        let settings = ArcSwap::default();
        let inner = Inner { config, settings, directory, surroundings, tickets, loaded, expected, tasks };
        let groups = Self { inner: Arc::new(inner) };
        let worker = groups.clone();
        groups.inner.tasks.spawn(async move {
            let shutdown = worker.inner.surroundings.shutdown.clone();
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = worker.run(progress) => {}
            }
        });
        groups
    }

    /// Replays the topic, then looks for expired offsets for as long as the broker runs.
    async fn run(&self, progress: watch::Sender<Loading>) {
        let unreadable = self.load().await;
        progress.send_replace(Loading::Done { unreadable: Arc::new(unreadable) });
        let period = Duration::from_millis(self.inner.config.offsets_retention_check_ms.max(1));
        let mut interval = tokio::time::interval_at(Instant::now() + period, period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.expire_offsets().await;
        }
    }

    /// Waits until the replay is done.
    pub async fn loaded(&self) {
        let mut loaded = self.inner.loaded.clone();
        // An error means that the coordinator was shut down; there is nothing to wait for then.
        let _ = loaded.wait_for(|loading| matches!(loading, Loading::Done { .. })).await;
    }

    /// Stops accepting, answers every parked request with 15 and returns when all writes have ended. Members keep
    /// their place: they are in the log.
    pub async fn shutdown(&self) {
        self.inner.surroundings.shutdown.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// A topic was deleted: its offsets go with it, in every group. Returns when the tombstones are durable; a group
    /// whose record cannot be written keeps its offsets until they expire, which is logged.
    pub async fn topic_deleted(&self, topic: &str) {
        for group in self.ids() {
            let make = |reply| Command::TopicDeleted { topic: topic.to_owned(), reply };
            match self.ask(&group, make).await {
                Ok(Some(ErrorCode::None) | None) => {}
                Ok(Some(code)) | Err(code) => {
                    tracing::warn!(%group, topic, ?code, "offsets of a deleted topic not removed");
                }
            }
        }
    }

    /// Makes every group look for expired offsets now.
    pub(crate) async fn expire_offsets(&self) {
        for group in self.ids() {
            if let Some(handle) = self.find(&group) {
                // A full or closed mailbox means that the group is in use or gone: the next round will do.
                let _ = handle.mailbox.try_send(Command::Clean);
                tokio::task::yield_now().await;
            }
        }
    }

    /// What is set on single groups, from each member's next heartbeat on.
    pub(crate) fn configure(&self, settings: BTreeMap<String, GroupSettings>) {
        self.inner.settings.store(Arc::new(settings));
    }

    /// What is set on a group.
    pub(crate) fn settings_of(&self, group: &str) -> GroupSettings {
        self.inner.settings.load().get(group).copied().unwrap_or_default()
    }

    /// The coordinator's settings.
    pub fn config(&self) -> &GroupsConfig {
        &self.inner.config
    }

    /// The topics.
    pub(crate) fn catalog(&self) -> &dyn Catalog {
        &*self.inner.surroundings.catalog
    }

    /// Whether a partition of a topic exists.
    pub(crate) fn has_partition(&self, topic: &str, partition: i32) -> bool {
        self.catalog().shape(topic).is_some_and(|shape| (0..shape.partitions).contains(&partition))
    }

    /// Makes sure that the topic exists.
    pub(crate) async fn ensure_topic(&self) -> Result<(), ErrorCode> {
        self.inner.surroundings.journal.ensure().await.map_err(|error| {
            tracing::warn!(%error, "group coordinator not available");
            error.code()
        })
    }

    /// All group ids, in order.
    pub(crate) fn ids(&self) -> Vec<Arc<str>> {
        let mut ids: Vec<Arc<str>> = self.directory().keys().cloned().collect();
        ids.sort_unstable();
        ids
    }

    /// All groups with their handles, in order of their ids.
    pub(crate) fn handles(&self) -> Vec<(Arc<str>, Handle)> {
        let mut handles: Vec<_> =
            self.directory().iter().map(|(id, handle)| (Arc::clone(id), handle.clone())).collect();
        handles.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        handles
    }

    /// 14 while the replay runs, 15 on shutdown.
    pub(crate) fn check_loaded(&self) -> Result<(), ErrorCode> {
        if self.inner.surroundings.shutdown.is_cancelled() {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        match &*self.inner.loaded.borrow() {
            Loading::Reading => Err(ErrorCode::CoordinatorLoadInProgress),
            Loading::Done { .. } => Ok(()),
        }
    }

    /// 14 while the replay runs, 15 on shutdown and for groups of an unreadable partition.
    pub(crate) fn check_available(&self, group: &str) -> Result<(), ErrorCode> {
        if self.inner.surroundings.shutdown.is_cancelled() {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        match &*self.inner.loaded.borrow() {
            Loading::Reading => Err(ErrorCode::CoordinatorLoadInProgress),
            Loading::Done { unreadable } => {
                let partition = partition_for(group, self.inner.surroundings.journal.partitions());
                if unreadable.contains(&partition) {
                    return Err(ErrorCode::CoordinatorNotAvailable);
                }
                Ok(())
            }
        }
    }

    /// Asks a group; `None` when it does not exist.
    pub(crate) async fn ask<T>(
        &self,
        group: &str,
        make: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<Option<T>, ErrorCode> {
        self.check_available(group)?;
        let (reply, answer) = oneshot::channel();
        let mut command = make(reply);
        for _ in 0..FIND_ATTEMPTS {
            let Some(handle) = self.find(group) else { return Ok(None) };
            match handle.mailbox.send(command).await {
                Ok(()) => return answer.await.map(Some).map_err(|_| ErrorCode::CoordinatorNotAvailable),
                Err(returned) => command = returned.0,
            }
            tokio::task::yield_now().await;
        }
        Err(ErrorCode::CoordinatorNotAvailable)
    }

    /// Asks a group, which is created when it does not exist.
    pub(crate) async fn ask_or_create<T>(
        &self,
        group: &str,
        make: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, ErrorCode> {
        self.check_available(group)?;
        self.ensure_topic().await?;
        let (reply, answer) = oneshot::channel();
        let mut command = make(reply);
        for _ in 0..FIND_ATTEMPTS {
            let handle = self.find_or_create(group)?;
            match handle.mailbox.send(command).await {
                Ok(()) => return answer.await.map_err(|_| ErrorCode::CoordinatorNotAvailable),
                Err(returned) => command = returned.0,
            }
            tokio::task::yield_now().await;
        }
        Err(ErrorCode::CoordinatorNotAvailable)
    }

    /// Sends an event to a group's machine; `create` makes the group if need be, otherwise an unknown group is `None`.
    pub(crate) async fn member(
        &self,
        group: &str,
        create: bool,
        event: impl FnOnce(Ticket) -> Event,
    ) -> Result<Option<Answer>, ErrorCode> {
        let ticket = Ticket(self.inner.tickets.fetch_add(1, Ordering::Relaxed));
        let event = event(ticket);
        let make = |reply| Command::Member { ticket, event, reply };
        if create { self.ask_or_create(group, make).await.map(Some) } else { self.ask(group, make).await }
    }

    pub(crate) fn find(&self, group: &str) -> Option<Handle> {
        self.directory().get(group).cloned()
    }

    fn find_or_create(&self, group: &str) -> Result<Handle, ErrorCode> {
        let mut directory = self.directory();
        if let Some(handle) = directory.get(group) {
            return Ok(handle.clone());
        }
        if directory.len() >= self.inner.config.groups_max {
            tracing::warn!(group, groups_max = self.inner.config.groups_max, "no room for another group");
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        Ok(self.spawn(&mut directory, group.into(), Stored::default()))
    }

    /// Starts the task of a group.
    fn spawn(&self, directory: &mut HashMap<Arc<str>, Handle>, id: Arc<str>, stored: Stored) -> Handle {
        let surroundings = self.inner.surroundings.clone();
        let (actor, handle) =
            Actor::new(Arc::clone(&id), stored, self.inner.config.mailbox_requests_max, surroundings);
        directory.insert(id, handle.clone());
        self.inner.tasks.spawn(actor.run());
        handle
    }

    fn directory(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, Handle>> {
        self.inner.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").field("groups", &self.directory().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
