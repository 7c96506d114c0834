//! A transactional id as a pure machine: what each request makes of it. No clock, no I/O; Kafka's rules (KIP-98, KIP-360,
//! KIP-890).
//!
//! ```text
//!            init                 add                  end                     markers written
//!  (new) ──▶ Empty ──▶ Ongoing ──▶ PrepareCommit | PrepareAbort ──▶ CompleteCommit | CompleteAbort ──▶ Ongoing …
//! ```
//!
//! Once a prepared state is durable the outcome is decided and will be carried out, whatever happens.
//!
//! Two protocols share it. In the first (`client_version` below 2) a producer keeps its epoch from transaction to
//! transaction; in the second each end of a transaction bumps it, so that nothing late of one transaction can get into
//! the next.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::ErrorCode;

#[cfg(test)]
mod tests;

/// Client versions from here on have the epoch bumped with each transaction (`transaction.version` 2).
pub(crate) const BUMPING_VERSION: i16 = 2;
/// An epoch from which a producer is only fenced any more; the next one gets a new producer id.
const EPOCH_EXHAUSTED: i16 = i16::MAX - 1;

/// States, by their numbers in `__transaction_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub(crate) enum State {
    Empty = 0,
    Ongoing = 1,
    PrepareCommit = 2,
    PrepareAbort = 3,
    CompleteCommit = 4,
    CompleteAbort = 5,
    Dead = 6,
    PrepareEpochFence = 7,
}

impl State {
    /// All, by number.
    pub(crate) const ALL: [Self; 8] = [
        Self::Empty,
        Self::Ongoing,
        Self::PrepareCommit,
        Self::PrepareAbort,
        Self::CompleteCommit,
        Self::CompleteAbort,
        Self::Dead,
        Self::PrepareEpochFence,
    ];

    pub(crate) fn code(self) -> i8 {
        self as i8
    }

    pub(crate) fn from_code(code: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Kafka's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::PrepareCommit => "PrepareCommit",
            Self::PrepareAbort => "PrepareAbort",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
            Self::Dead => "Dead",
            Self::PrepareEpochFence => "PrepareEpochFence",
        }
    }

    /// The outcome that is being carried out.
    pub(crate) fn prepared(self) -> Option<bool> {
        match self {
            Self::PrepareCommit => Some(true),
            Self::PrepareAbort | Self::PrepareEpochFence => Some(false),
            _ => None,
        }
    }

    fn completed(self) -> Option<bool> {
        match self {
            Self::CompleteCommit => Some(true),
            Self::CompleteAbort => Some(false),
            _ => None,
        }
    }
}

/// Partitions by topic.
pub(crate) type TopicPartitions = BTreeMap<String, BTreeSet<i32>>;

/// A producer as it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

/// What is known of a transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) producer_id: i64,
    /// Before the last rotation; -1 without one.
    pub(crate) last_producer_id: i64,
    /// After the transaction that is being ended; -1 when it stays.
    pub(crate) next_producer_id: i64,
    /// -1 before the first producer.
    pub(crate) epoch: i16,
    /// The epoch that a retry of the last request still carries; -1 for none.
    pub(crate) last_epoch: i16,
    pub(crate) timeout_ms: i32,
    pub(crate) state: State,
    pub(crate) partitions: TopicPartitions,
    pub(crate) updated_ms: i64,
    /// -1 before the first transaction of a producer.
    pub(crate) started_ms: i64,
    /// Protocol of the last end of a transaction.
    pub(crate) client_version: i16,
}

/// What `InitProducerId` comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Init {
    /// The producer goes on with this.
    Next(Transaction),
    /// It needs a new producer id: see [`Transaction::rotated`].
    Rotate,
    /// Another instance has a transaction open: this aborts it, and shuts that instance out.
    Abort(Transaction),
}

/// What `EndTxn` comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// To be stored and carried out.
    Prepare(Transaction),
    /// As `Prepare`, and the producer id is used up: see [`Transaction::with_next_id`].
    PrepareAndRotate(Transaction),
    /// Done before: this is the producer from now on.
    Done(Producer),
}

impl Transaction {
    /// A transactional id that nobody used before.
    pub(crate) fn new(producer_id: i64, timeout_ms: i32, now_ms: i64) -> Self {
        Self {
            producer_id,
            last_producer_id: -1,
            next_producer_id: -1,
            epoch: -1,
            last_epoch: -1,
            timeout_ms,
            state: State::Empty,
            partitions: BTreeMap::new(),
            updated_ms: now_ms,
            started_ms: -1,
            client_version: 0,
        }
    }

    /// The producer as it is now.
    pub(crate) fn producer(&self) -> Producer {
        Producer { id: self.producer_id, epoch: self.epoch }
    }

    fn exhausted(&self) -> bool {
        self.epoch >= EPOCH_EXHAUSTED
    }

    /// A producer begins. `expected` is what it was before, when it goes on after an error (KIP-360); anything but the
    /// present producer, or a repetition of the last such request, is fenced.
    pub(crate) fn init(
        &self,
        expected: Option<Producer>,
        timeout_ms: i32,
        now_ms: i64,
    ) -> Result<Init, ErrorCode> {
        if let Some(expected) = expected {
            let same = self.epoch < 0 || expected.id == self.producer_id;
            let rotated = expected.id == self.last_producer_id && expected.epoch >= EPOCH_EXHAUSTED;
            if !same && !rotated {
                return Err(ErrorCode::ProducerFenced);
            }
        }
        match self.state {
            State::PrepareCommit | State::PrepareAbort | State::PrepareEpochFence => {
                Err(ErrorCode::ConcurrentTransactions)
            }
            State::Dead => Err(ErrorCode::InvalidProducerIdMapping),
            State::Ongoing if expected.is_some_and(|expected| expected != self.producer()) => {
                Err(ErrorCode::ProducerFenced)
            }
            // The one whose transaction this is may repeat its request once the abort is done.
            State::Ongoing => {
                let last_epoch = expected.map_or(-1, |expected| expected.epoch);
                Ok(Init::Abort(Self { last_epoch, ..self.fenced(now_ms) }))
            }
            State::Empty | State::CompleteCommit | State::CompleteAbort => {
                if self.exhausted() && expected.is_none_or(|expected| expected.epoch == self.epoch) {
                    return Ok(Init::Rotate);
                }
                let (epoch, last_epoch) = match expected {
                    None => (self.epoch + 1, -1),
                    Some(expected) if self.epoch < 0 || expected.epoch == self.epoch => {
                        (self.epoch + 1, self.epoch)
                    }
                    // The answer to the last such request was lost.
                    Some(expected) if expected.epoch == self.last_epoch => (self.epoch, self.last_epoch),
                    Some(_) => return Err(ErrorCode::ProducerFenced),
                };
                Ok(Init::Next(Self { epoch, last_epoch, ..self.emptied(timeout_ms, now_ms) }))
            }
        }
    }

    fn emptied(&self, timeout_ms: i32, now_ms: i64) -> Self {
        Self {
            timeout_ms,
            state: State::Empty,
            partitions: BTreeMap::new(),
            started_ms: -1,
            updated_ms: now_ms,
            next_producer_id: -1,
            ..self.clone()
        }
    }

    /// The producer goes on with a new id, epoch 0; `keeps_last` for one that may repeat its request.
    pub(crate) fn rotated(&self, producer_id: i64, keeps_last: bool, timeout_ms: i32, now_ms: i64) -> Self {
        Self {
            producer_id,
            last_producer_id: self.producer_id,
            epoch: 0,
            last_epoch: if keeps_last { self.epoch } else { -1 },
            ..self.emptied(timeout_ms, now_ms)
        }
    }

    /// Aborts an open transaction and shuts its producer out.
    pub(crate) fn fenced(&self, now_ms: i64) -> Self {
        Self {
            epoch: self.epoch.saturating_add(1),
            last_epoch: -1,
            state: State::PrepareAbort,
            updated_ms: now_ms,
            ..self.clone()
        }
    }

    fn check(&self, producer: Producer) -> Result<(), ErrorCode> {
        if producer.id != self.producer_id {
            return Err(ErrorCode::InvalidProducerIdMapping);
        }
        if producer.epoch != self.epoch {
            return Err(ErrorCode::ProducerFenced);
        }
        Ok(())
    }

    /// Adds partitions, beginning a transaction if none is open; `None` when all are there already.
    pub(crate) fn add(
        &self,
        producer: Producer,
        partitions: &TopicPartitions,
        now_ms: i64,
    ) -> Result<Option<Self>, ErrorCode> {
        self.check(producer)?;
        if self.state.prepared().is_some() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        if self.state == State::Dead {
            return Err(ErrorCode::InvalidProducerIdMapping);
        }
        let ongoing = self.state == State::Ongoing;
        if ongoing && self.holds(partitions) {
            return Ok(None);
        }
        let mut next = Self { state: State::Ongoing, updated_ms: now_ms, ..self.clone() };
        if !ongoing {
            next.partitions.clear();
            next.started_ms = now_ms;
        }
        for (topic, partitions) in partitions {
            next.partitions.entry(topic.clone()).or_default().extend(partitions);
        }
        Ok(Some(next))
    }

    fn holds(&self, partitions: &TopicPartitions) -> bool {
        partitions
            .iter()
            .all(|(topic, wanted)| self.partitions.get(topic).is_some_and(|known| known.is_superset(wanted)))
    }

    /// Whether the producer has a transaction open that a partition is part of.
    pub(crate) fn verify(&self, producer: Producer, topic: &str, partition: i32) -> Result<(), ErrorCode> {
        self.check(producer)?;
        if self.state.prepared().is_some() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        let known = self.partitions.get(topic).is_some_and(|known| known.contains(&partition));
        if self.state == State::Ongoing && known { Ok(()) } else { Err(ErrorCode::TransactionAbortable) }
    }

    /// Ends the transaction as the producer wants it; `bumps` in the second protocol.
    pub(crate) fn end(
        &self,
        producer: Producer,
        commit: bool,
        bumps: bool,
        now_ms: i64,
    ) -> Result<End, ErrorCode> {
        if bumps {
            self.end_bumping(producer, commit, now_ms)
        } else {
            self.end_keeping(producer, commit, now_ms)
        }
    }

    fn end_keeping(&self, producer: Producer, commit: bool, now_ms: i64) -> Result<End, ErrorCode> {
        self.check(producer)?;
        if self.state == State::Ongoing {
            return Ok(End::Prepare(Self { client_version: 0, ..self.prepare(commit, now_ms) }));
        }
        match (self.state.prepared(), self.state.completed()) {
            (Some(prepared), _) if prepared == commit => Err(ErrorCode::ConcurrentTransactions),
            (_, Some(completed)) if completed == commit => Ok(End::Done(self.producer())),
            _ => Err(ErrorCode::InvalidTxnState),
        }
    }

    fn end_bumping(&self, producer: Producer, commit: bool, now_ms: i64) -> Result<End, ErrorCode> {
        // The answer was lost: the producer still has what it had before the bump.
        let repeated = match self.state {
            State::PrepareCommit | State::PrepareAbort | State::CompleteCommit | State::CompleteAbort => {
                (producer.id == self.producer_id && producer.epoch.checked_add(1) == Some(self.epoch))
                    || (producer.id == self.last_producer_id
                        && producer.epoch == EPOCH_EXHAUSTED
                        && self.epoch == 0)
            }
            _ => false,
        };
        if let Some(prepared) = self.state.prepared() {
            return match (repeated, prepared == commit) {
                (true, true) => Err(ErrorCode::ConcurrentTransactions),
                (true, false) => Err(ErrorCode::InvalidTxnState),
                (false, _) => Err(self.check(producer).err().unwrap_or(ErrorCode::ProducerFenced)),
            };
        }
        if repeated {
            let same = self.state.completed() == Some(commit);
            return if same { Ok(End::Done(self.producer())) } else { Err(ErrorCode::InvalidTxnState) };
        }
        self.check(producer)?;
        match self.state {
            State::Ongoing => {}
            // An abort without a partition bumps the epoch, too.
            State::Empty | State::CompleteCommit | State::CompleteAbort if !commit => {}
            _ => return Err(ErrorCode::InvalidTxnState),
        }
        let mut next = Self {
            client_version: BUMPING_VERSION,
            epoch: self.epoch.saturating_add(1),
            last_epoch: self.epoch,
            ..self.prepare(commit, now_ms)
        };
        if self.state != State::Ongoing {
            next.partitions.clear();
            next.started_ms = now_ms;
        }
        Ok(if self.exhausted() { End::PrepareAndRotate(next) } else { End::Prepare(next) })
    }

    fn prepare(&self, commit: bool, now_ms: i64) -> Self {
        let state = if commit { State::PrepareCommit } else { State::PrepareAbort };
        Self { state, updated_ms: now_ms, ..self.clone() }
    }

    /// The producer has `producer_id`, epoch 0, once the transaction has ended.
    pub(crate) fn with_next_id(self, producer_id: i64) -> Self {
        Self { next_producer_id: producer_id, ..self }
    }

    /// All markers are written.
    pub(crate) fn complete(&self, now_ms: i64) -> Self {
        let commit = self.state.prepared() == Some(true);
        let mut next = Self {
            state: if commit { State::CompleteCommit } else { State::CompleteAbort },
            partitions: BTreeMap::new(),
            updated_ms: now_ms,
            ..self.clone()
        };
        if self.next_producer_id >= 0 {
            next.last_producer_id = self.producer_id;
            next.producer_id = self.next_producer_id;
            next.next_producer_id = -1;
            next.epoch = 0;
        }
        next
    }

    /// Whether an open transaction is over its time.
    pub(crate) fn is_overdue(&self, now_ms: i64) -> bool {
        self.state == State::Ongoing && self.started_ms.saturating_add(self.timeout_ms.into()) < now_ms
    }

    /// Whether the transactional id may be forgotten: nothing is open, and nothing happened since `before_ms`.
    pub(crate) fn is_expired(&self, before_ms: i64) -> bool {
        let idle = matches!(self.state, State::Empty | State::CompleteCommit | State::CompleteAbort);
        idle && self.updated_ms <= before_ms
    }
}
