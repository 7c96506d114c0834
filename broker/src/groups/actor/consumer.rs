//! The consumer group protocol inside a group's task.
//!
//! A group speaks one protocol at a time and may change while it has no members: a first `ConsumerGroupHeartbeat` turns an
//! empty classic group, and a `JoinGroup` an empty consumer group, with tombstones for what the other left behind.

use std::sync::PoisonError;

use tokio::sync::oneshot;

use super::{Actor, Answer, Event, Group, State, Waiter, Write, moment};
use crate::groups::consumer::{ConsumerGroup, Heartbeat, JOIN_EPOCH, Registered, Told};
use crate::groups::offsets::Committed;
use crate::groups::records::Key;
use crate::groups::records::consumer::ConsumerKey;
use crate::groups::state::{Identity, JoinAnswer, SyncAnswer};
use crate::journal::Entry;
use crate::protocol::ErrorCode;

/// An answer that waits for what it says to be durable, and where it goes.
pub(super) enum Beat {
    /// To a heartbeat.
    Told { reply: oneshot::Sender<Result<Told, ErrorCode>>, outcome: Result<Told, ErrorCode> },
    /// To a `LeaveGroup`, one code per leaver.
    Left { reply: oneshot::Sender<Answer>, codes: Vec<ErrorCode> },
}

impl Beat {
    /// Answers; `error` is that of the write. The connection may be gone.
    pub(super) fn tell(self, error: Option<ErrorCode>) {
        match self {
            Self::Told { reply, outcome } => {
                let _ = reply.send(error.map_or(outcome, Err));
            }
            Self::Left { reply, codes } => {
                let _ = reply.send(Answer::Leave(error.map_or(Ok(codes), Err)));
            }
        }
    }
}

/// What `ConsumerGroupDescribe` shows.
#[derive(Debug, Clone)]
pub(crate) struct ConsumerDescription {
    /// State.
    pub(crate) state: &'static str,
    /// Group epoch.
    pub(crate) epoch: i32,
    /// Epoch of the target assignment.
    pub(crate) target_epoch: i32,
    /// Name of the assignor.
    pub(crate) assignor: &'static str,
    /// Members with their targets.
    pub(crate) members: Vec<(Registered, crate::groups::consumer::Assignment)>,
}

impl Actor {
    pub(super) async fn beat(&mut self, beat: Heartbeat, reply: oneshot::Sender<Result<Told, ErrorCode>>) {
        let now = moment(&self.surroundings);
        if self.consumer.is_none() {
            if self.group.state() != State::Empty || self.group.is_awaited() {
                let _ = reply.send(Err(ErrorCode::GroupIdNotFound));
                return;
            }
            if beat.member_epoch != JOIN_EPOCH {
                let _ = reply.send(Err(ErrorCode::UnknownMemberId));
                return;
            }
        }
        let mut records = Vec::new();
        if self.consumer.is_none() {
            if self.group.protocol_type().is_some() {
                records.push((Key::Group { group: self.id.to_string() }.encode(), None));
                self.group = Group::new(self.surroundings.limits, now);
            }
            self.consumer = Some(ConsumerGroup::new(self.surroundings.consumer_limits, now));
        }
        let Some(consumer) = self.consumer.as_mut() else { return };
        let outcome = consumer.heartbeat(&beat, &*self.surroundings.catalog, now);
        records.extend(self.consumer_records());
        self.write_beat(records, Some(Beat::Told { reply, outcome })).await;
    }

    /// Takes members out for an administrator, by member id or instance id.
    pub(super) async fn take_out_consumers(&mut self, leavers: &[Identity], reply: oneshot::Sender<Answer>) {
        let now = moment(&self.surroundings);
        let Some(consumer) = self.consumer.as_mut() else { return };
        let codes = consumer.take_out(leavers, now);
        let records = self.consumer_records();
        self.write_beat(records, Some(Beat::Left { reply, codes })).await;
    }

    /// Ends sessions that are over.
    pub(super) async fn tick_consumer(&mut self) {
        let now = moment(&self.surroundings);
        if let Some(consumer) = self.consumer.as_mut() {
            consumer.expire(now);
            let records = self.consumer_records();
            if !records.is_empty() {
                self.write_beat(records, None).await;
            }
        }
    }

    /// Writes and answers behind all earlier writes; after a failure the next write repeats everything.
    async fn write_beat(&mut self, records: Vec<Entry>, beat: Option<Beat>) {
        if records.is_empty() {
            self.writes.push_back(Box::pin(async move { (Write::Beat(beat), Ok(())) }));
            return;
        }
        if let Err((Write::Beat(beat), error)) = self.write(records, Write::Beat(beat)).await {
            self.beaten(beat, Some(error.code()));
        }
    }

    pub(super) fn beaten(&mut self, beat: Option<Beat>, error: Option<ErrorCode>) {
        if error.is_some()
            && let Some(consumer) = self.consumer.as_mut()
        {
            consumer.mark_all();
        }
        if let Some(beat) = beat {
            beat.tell(error);
        }
    }

    fn consumer_records(&mut self) -> Vec<Entry> {
        let Some(consumer) = self.consumer.as_mut() else { return Vec::new() };
        let changes = consumer.take_changes();
        let group = self.id.to_string();
        let record = |change| {
            let (record, value) = consumer.record(change);
            (Key::Consumer { group: group.clone(), record }.encode(), value)
        };
        changes.iter().map(record).collect()
    }

    /// Tombstones for the records that an empty consumer group has.
    pub(super) fn consumer_tombstones(&self) -> Vec<Entry> {
        if self.consumer.is_none() {
            return Vec::new();
        }
        let tombstone = |record| (Key::Consumer { group: self.id.to_string(), record }.encode(), None);
        vec![tombstone(ConsumerKey::Epoch), tombstone(ConsumerKey::TargetEpoch)]
    }

    /// Lets an event of the classic protocol through, or hands back its answer.
    pub(super) async fn admit_classic(&mut self, event: Event) -> Result<Event, Answer> {
        let Some(consumer) = &self.consumer else { return Ok(event) };
        let unknown = ErrorCode::UnknownMemberId;
        match event {
            Event::Join(join) if consumer.is_empty() && join.identity.member_id.is_empty() => {
                let tombstones = self.consumer_tombstones();
                if let Err((_, error)) = self
                    .write(tombstones, Write::Removal { places: Vec::new(), waiter: Waiter::Nobody })
                    .await
                {
                    let refused = JoinAnswer::refused(error.code(), join.identity.member_id);
                    return Err(Answer::Join(refused));
                }
                self.consumer = None;
                Ok(Event::Join(join))
            }
            Event::Join(join) => {
                let error = ErrorCode::InconsistentGroupProtocol;
                Err(Answer::Join(JoinAnswer::refused(error, join.identity.member_id)))
            }
            Event::Sync(_) => Err(Answer::Sync(SyncAnswer::refused(unknown))),
            Event::Heartbeat { .. } => Err(Answer::Heartbeat(unknown)),
            Event::Leave { .. } | Event::Stored { .. } | Event::Tick | Event::Close => Ok(event),
        }
    }

    pub(super) fn describe_consumer(&self) -> Option<ConsumerDescription> {
        let consumer = self.consumer.as_ref()?;
        let (epoch, target_epoch) = consumer.epochs();
        let members = consumer
            .members()
            .map(|(member, target)| (member.clone(), target.cloned().unwrap_or_default()))
            .collect();
        let assignor = consumer.assignor().name();
        Some(ConsumerDescription { state: consumer.state_name(), epoch, target_epoch, assignor, members })
    }

    /// Whether a member of the consumer protocol is there.
    pub(super) fn has_consumers(&self) -> bool {
        self.consumer.as_ref().is_some_and(|consumer| !consumer.is_empty())
    }

    /// Whether an offset of a consumer group is over, given what is over by age.
    pub(super) fn consumer_offset_is_over(
        consumer: &ConsumerGroup,
        topic: &str,
        committed: &Committed,
        over: impl Fn(i64) -> bool,
    ) -> bool {
        if consumer.is_empty() {
            over(consumer.since_wall_ms().max(committed.commit_ms))
        } else {
            over(committed.commit_ms) && !consumer.subscribes(topic)
        }
    }

    pub(super) fn publish(&self) {
        let now = super::summarize(&self.group, self.consumer.as_ref());
        let mut summary = self.summary.lock().unwrap_or_else(PoisonError::into_inner);
        if *summary != now {
            *summary = now;
        }
    }
}
