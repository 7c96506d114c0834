//! One task per group: the pure machine, its timers, its offsets, and the answers that wait.
//!
//! A group is the single writer of its records: it appends in the order of its decisions and takes the outcomes in that
//! same order, so memory never runs ahead of the log. Commits of one group overlap in their wait for the disk.

mod commands;
mod consumer;
mod transaction;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use commands::{Command, CommitEntry, Description, FetchedOffset};
use consumer::Beat;
pub(crate) use consumer::ConsumerDescription;
pub(crate) use transaction::TransactionalCommit;

use super::consumer::{Catalog, ConsumerGroup, ConsumerLimits, StoredConsumer};
use super::offsets::{Committed, Offsets, PendingOffsets, Place, end_transaction, place_in_log};
use super::records::{GroupMetadataValue, Key};
use super::state::{Answer, Effect, Event, Group, Limits, Moment, State, Ticket};
use crate::clock::Clock;
use crate::journal::{Entry, Journal, JournalError};
use crate::protocol::ErrorCode;

/// Writes of one group that may wait for the disk; further requests wait in the mailbox.
const WRITES_MAX: usize = 512;

/// What `ListGroups` shows, kept outside the mailbox so that listing disturbs no group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    /// State by Kafka's name.
    pub(crate) state: &'static str,
    /// Protocol type; empty for a group that only stores offsets.
    pub(crate) protocol_type: String,
    /// "classic" or "consumer".
    pub(crate) kind: &'static str,
}

/// How to reach a group.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    /// The group's mailbox.
    pub(crate) mailbox: mpsc::Sender<Command>,
    /// See [`Summary`].
    pub(crate) summary: Arc<Mutex<Summary>>,
}

impl Handle {
    /// The group as of its last event.
    pub(crate) fn summary(&self) -> Summary {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a group needs from its surroundings.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// Where records go.
    pub(crate) journal: Arc<dyn Journal>,
    /// Wall time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The zero of machine time.
    pub(crate) started: Instant,
    /// The topics, for assignors.
    pub(crate) catalog: Arc<dyn Catalog>,
    /// Bounds.
    pub(crate) limits: Limits,
    /// Bounds of the consumer protocol.
    pub(crate) consumer_limits: ConsumerLimits,
    /// How long offsets outlive their group.
    pub(crate) retention_ms: i64,
    /// Cancelled on shutdown.
    pub(crate) shutdown: CancellationToken,
    /// Called when the group is about to end, so that nobody sends to it any more.
    pub(crate) forget: Arc<dyn Fn(&str) + Send + Sync>,
}

/// A write under way.
enum Write {
    /// The machine's own.
    Group { sequence: u64 },
    /// Offsets; each code is answered, those of `committed` were written.
    Commit {
        committed: Vec<(Place, Committed)>,
        codes: Vec<ErrorCode>,
        reply: oneshot::Sender<Vec<ErrorCode>>,
    },
    /// Offsets of a transaction, which stay pending.
    TransactionalCommit { codes: Vec<ErrorCode>, reply: oneshot::Sender<Vec<ErrorCode>> },
    /// No write: the end of a transaction, in order with those before.
    EndTransaction { producer_id: i64, commit: bool, reply: oneshot::Sender<()> },
    /// Tombstones of offsets.
    Removal { places: Vec<Place>, waiter: Waiter },
    /// Tombstones of the whole group.
    Deletion { waiter: Waiter },
    /// Records of the consumer protocol, and the heartbeat that they answer.
    Beat(Option<Beat>),
}

/// Who is told about a removal.
enum Waiter {
    /// Nobody asked for it.
    Nobody,
    /// One code for all.
    Code(oneshot::Sender<ErrorCode>),
    /// A code for each place.
    Codes { codes: Vec<ErrorCode>, reply: oneshot::Sender<Result<Vec<ErrorCode>, ErrorCode>> },
}

impl Waiter {
    /// Answers; the connection may be gone.
    fn tell(self, error: Option<ErrorCode>) {
        match self {
            Self::Nobody => {}
            Self::Code(reply) => {
                let _ = reply.send(error.unwrap_or(ErrorCode::None));
            }
            Self::Codes { mut codes, reply } => {
                if let Some(error) = error {
                    fail(&mut codes, error);
                }
                let _ = reply.send(Ok(codes));
            }
        }
    }
}

/// A group as the log has it.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// The classic group.
    pub(crate) metadata: Option<GroupMetadataValue>,
    /// The consumer group.
    pub(crate) consumer: StoredConsumer,
    /// Its offsets.
    pub(crate) offsets: Offsets,
    /// Those of open transactions.
    pub(crate) pending: PendingOffsets,
}

impl Stored {
    /// Whether there is anything of the group.
    pub(crate) fn exists(&self) -> bool {
        self.metadata.is_some()
            || self.consumer.exists()
            || !self.offsets.is_empty()
            || !self.pending.is_empty()
    }

    /// See [`end_transaction`].
    pub(crate) fn end_transaction(&mut self, producer_id: i64, commit: bool) {
        end_transaction(&mut self.offsets, &mut self.pending, producer_id, commit);
    }
}

/// A group at work.
pub(crate) struct Actor {
    id: Arc<str>,
    partition: i32,
    /// The classic protocol; empty while `consumer` is there.
    group: Group,
    /// The consumer protocol, once a member of it came.
    consumer: Option<ConsumerGroup>,
    offsets: Offsets,
    pending: PendingOffsets,
    surroundings: Surroundings,
    mailbox: mpsc::Receiver<Command>,
    summary: Arc<Mutex<Summary>>,
    waiting: HashMap<Ticket, oneshot::Sender<Answer>>,
    writes: FuturesOrdered<BoxFuture<'static, (Write, Result<(), JournalError>)>>,
}

impl Actor {
    /// A group with its mailbox, new or as read from the log.
    pub(crate) fn new(
        id: Arc<str>,
        stored: Stored,
        mailbox_requests_max: usize,
        surroundings: Surroundings,
    ) -> (Self, Handle) {
        let now = moment(&surroundings);
        let Stored { metadata, consumer, offsets, pending } = stored;
        let consumer =
            consumer.exists().then(|| ConsumerGroup::restore(consumer, surroundings.consumer_limits, now));
        let group = match metadata.filter(|_| consumer.is_none()) {
            Some(value) => Group::restore(value, surroundings.limits, now),
            None => Group::new(surroundings.limits, now),
        };
        let (sender, mailbox) = mpsc::channel(mailbox_requests_max.max(1));
        let summary = Arc::new(Mutex::new(summarize(&group, consumer.as_ref())));
        let partition = super::partition_for(&id, surroundings.journal.partitions());
        let handle = Handle { mailbox: sender, summary: Arc::clone(&summary) };
        let waiting = HashMap::new();
        let writes = FuturesOrdered::new();
        let actor = Self {
            id,
            partition,
            group,
            consumer,
            offsets,
            pending,
            surroundings,
            mailbox,
            summary,
            waiting,
            writes,
        };
        (actor, handle)
    }

    /// Runs until the group is deleted, forgotten or shut down; then waits for its writes.
    pub(crate) async fn run(mut self) {
        let shutdown = self.surroundings.shutdown.clone();
        loop {
            let tick = self.next_tick();
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some((write, outcome)) = self.writes.next(), if !self.writes.is_empty() => {
                    self.written(write, outcome).await;
                }
                command = self.mailbox.recv(), if self.writes.len() < WRITES_MAX => match command {
                    Some(command) => self.take(command).await,
                    None => break,
                },
                () = tokio::time::sleep_until(tick.unwrap_or_else(Instant::now)), if tick.is_some() => {
                    self.apply(Event::Tick).await;
                    self.tick_consumer().await;
                }
            }
            self.publish();
            if self.group.state() == State::Dead || self.is_forgettable() {
                break;
            }
        }
        (self.surroundings.forget)(&self.id);
        self.mailbox.close();
        self.apply(Event::Close).await;
        self.publish();
        while let Some((write, outcome)) = self.writes.next().await {
            self.written(write, outcome).await;
        }
    }

    fn next_tick(&self) -> Option<Instant> {
        let consumer = self.consumer.as_ref().and_then(ConsumerGroup::deadline);
        let deadline = self.group.deadline().into_iter().chain(consumer).min()?;
        Some(self.surroundings.started + Duration::from_millis(deadline))
    }

    /// Nothing on record and nothing expected: the group came from a join that went nowhere.
    fn is_forgettable(&self) -> bool {
        self.group.is_untouched()
            && self.consumer.is_none()
            && self.offsets.is_empty()
            && self.pending.is_empty()
            && self.group.protocol_type().is_none()
            && self.writes.is_empty()
            && self.mailbox.is_empty()
    }

    /// Feeds the machine and carries out what it wants; a write that fails at once is fed back.
    async fn apply(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for effect in self.group.apply(event, moment(&self.surroundings)) {
                match effect {
                    Effect::Reply(ticket, answer) => {
                        if let Some(reply) = self.waiting.remove(&ticket) {
                            // The connection may be gone; the member times out then.
                            let _ = reply.send(answer);
                        }
                    }
                    Effect::Store { sequence, value } => {
                        let key = Key::Group { group: self.id.to_string() }.encode();
                        let entry = (key, Some(value.to_value()));
                        if let Err((_, error)) = self.write(vec![entry], Write::Group { sequence }).await {
                            events.push(Event::Stored { sequence, error: Some(error.code()) });
                        }
                    }
                }
            }
        }
    }

    /// Appends; the outcome arrives at [`Self::written`] in the order of the appends.
    async fn write(&mut self, entries: Vec<Entry>, write: Write) -> Result<(), (Write, JournalError)> {
        match self.surroundings.journal.append(self.partition, entries, None).await {
            Ok(written) => {
                let mut write = write;
                if let Write::Commit { committed, .. } = &mut write {
                    place_in_log(committed, written.base_offset);
                }
                self.writes.push_back(Box::pin(async move { (write, written.durable.await) }));
                Ok(())
            }
            Err(error) => {
                tracing::warn!(group = %self.id, partition = self.partition, %error, "group record not written");
                Err((write, error))
            }
        }
    }

    /// Takes the outcome of a write.
    async fn written(&mut self, write: Write, outcome: Result<(), JournalError>) {
        if let Err(error) = &outcome {
            tracing::warn!(group = %self.id, partition = self.partition, %error, "group record not durable");
        }
        let error = outcome.err().map(|error| error.code());
        match write {
            Write::Group { sequence } => self.apply(Event::Stored { sequence, error }).await,
            Write::Commit { committed, mut codes, reply } => {
                match error {
                    None => {
                        for (place, committed) in committed {
                            self.pending.void(&place);
                            self.offsets.insert(place, committed);
                        }
                    }
                    Some(error) => fail(&mut codes, error),
                }
                let _ = reply.send(codes);
            }
            Write::TransactionalCommit { mut codes, reply } => {
                if let Some(error) = error {
                    fail(&mut codes, error);
                }
                let _ = reply.send(codes);
            }
            Write::EndTransaction { producer_id, commit, reply } => {
                self.transaction_ended(producer_id, commit);
                let _ = reply.send(());
            }
            Write::Removal { places, waiter } => {
                if error.is_none() {
                    for place in &places {
                        self.pending.void(place);
                        self.offsets.remove(place);
                    }
                }
                waiter.tell(error);
            }
            Write::Deletion { waiter } => waiter.tell(error),
            Write::Beat(beat) => self.beaten(beat, error),
        }
    }
}

/// Replaces success with `error`.
pub(crate) fn fail(codes: &mut [ErrorCode], error: ErrorCode) {
    for code in codes {
        if *code == ErrorCode::None {
            *code = error;
        }
    }
}

fn moment(surroundings: &Surroundings) -> Moment {
    let elapsed = surroundings.started.elapsed().as_millis();
    Moment { tick_ms: u64::try_from(elapsed).unwrap_or(u64::MAX), wall_ms: surroundings.clock.now_ms() }
}

fn summarize(group: &Group, consumer: Option<&ConsumerGroup>) -> Summary {
    match consumer {
        Some(consumer) if group.state() != State::Dead => {
            Summary { state: consumer.state_name(), protocol_type: "consumer".to_owned(), kind: "consumer" }
        }
        _ => Summary {
            state: group.state().name(),
            protocol_type: group.protocol_type().unwrap_or_default().to_owned(),
            kind: "classic",
        },
    }
}
