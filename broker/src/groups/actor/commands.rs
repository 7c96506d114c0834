//! What a group can be asked.

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    Actor, Answer, ConsumerDescription, Event, Group, State, Ticket, TransactionalCommit, Waiter, Write,
    fail, moment,
};
use crate::groups::consumer::{Heartbeat, Told};
use crate::groups::offsets::{self, Committed, Place};
use crate::groups::records::Key;
use crate::groups::state::Identity;
use crate::journal::{Entry, JournalError};
use crate::protocol::ErrorCode;

/// A request to a group. The answer is dropped when the group ends first.
pub(crate) enum Command {
    /// For the machine; `ticket` is the event's.
    Member { ticket: Ticket, event: Event, reply: oneshot::Sender<Answer> },
    /// Store offsets; one code per entry.
    Commit {
        identity: Identity,
        generation: i32,
        entries: Vec<CommitEntry>,
        reply: oneshot::Sender<Vec<ErrorCode>>,
    },
    /// Store offsets with a transaction; one code per entry.
    CommitInTransaction { commit: TransactionalCommit, reply: oneshot::Sender<Vec<ErrorCode>> },
    /// A transaction ended, and its marker is durable.
    EndTransaction { producer_id: i64, commit: bool, reply: oneshot::Sender<()> },
    /// Read offsets, all without `places`; `member` and `epoch` are those of the consumer protocol, or empty and -1.
    Fetch {
        member: String,
        epoch: i32,
        places: Option<Vec<Place>>,
        reply: oneshot::Sender<Result<Vec<FetchedOffset>, ErrorCode>>,
    },
    /// A heartbeat of the consumer protocol.
    Beat { beat: Heartbeat, reply: oneshot::Sender<Result<Told, ErrorCode>> },
    /// Describe a group of the consumer protocol; none for a classic one.
    DescribeConsumer { reply: oneshot::Sender<Option<ConsumerDescription>> },
    /// Describe a classic group; none for one of the consumer protocol.
    Describe { reply: oneshot::Sender<Option<Description>> },
    /// Delete the group with its offsets.
    Delete { reply: oneshot::Sender<ErrorCode> },
    /// Delete offsets; one code per place, or one for the group.
    DeleteOffsets { places: Vec<Place>, reply: oneshot::Sender<Result<Vec<ErrorCode>, ErrorCode>> },
    /// A topic is gone: so are its offsets.
    TopicDeleted { topic: String, reply: oneshot::Sender<ErrorCode> },
    /// Look for expired offsets.
    Clean,
}

/// One offset to store.
#[derive(Debug, Clone)]
pub(crate) struct CommitEntry {
    /// Where.
    pub(crate) place: Place,
    /// Next offset to read.
    pub(crate) offset: i64,
    /// Leader epoch; -1 unknown.
    pub(crate) leader_epoch: i32,
    /// The client's own note.
    pub(crate) metadata: String,
    /// Anything but `None` was refused before it got here and is only carried along.
    pub(crate) code: ErrorCode,
}

/// One offset read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FetchedOffset {
    /// Where.
    pub(crate) place: Place,
    /// What was committed, if anything.
    pub(crate) committed: Option<Committed>,
    /// A transaction is about to change it.
    pub(crate) unstable: bool,
}

/// What `DescribeGroups` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    /// State.
    pub(crate) state: State,
    /// Protocol type.
    pub(crate) protocol_type: String,
    /// Protocol of a stable generation.
    pub(crate) protocol: String,
    /// Members in order of their ids.
    pub(crate) members: Vec<MemberDescription>,
}

/// A member in [`Description`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberDescription {
    /// Member id.
    pub(crate) member_id: String,
    /// Static id.
    pub(crate) instance_id: Option<String>,
    /// The client's own name.
    pub(crate) client_id: String,
    /// The client's address.
    pub(crate) client_host: String,
    /// Metadata for the chosen protocol; empty unless stable.
    pub(crate) metadata: Bytes,
    /// Assignment; empty unless stable.
    pub(crate) assignment: Bytes,
}

impl Actor {
    pub(super) async fn take(&mut self, command: Command) {
        match command {
            Command::Member { event: Event::Leave { leavers, .. }, reply, .. } if self.consumer.is_some() => {
                self.take_out_consumers(&leavers, reply).await;
            }
            Command::Member { ticket, event, reply } => match self.admit_classic(event).await {
                Ok(event) => {
                    self.waiting.insert(ticket, reply);
                    self.apply(event).await;
                }
                Err(answer) => {
                    let _ = reply.send(answer);
                }
            },
            Command::Commit { identity, generation, entries, reply } => {
                self.commit(&identity, generation, entries, reply).await;
            }
            Command::CommitInTransaction { commit, reply } => self.commit_in_transaction(commit, reply).await,
            Command::EndTransaction { producer_id, commit, reply } => {
                self.end_transaction(producer_id, commit, reply);
            }
            Command::Fetch { member, epoch, places, reply } => {
                let allowed =
                    self.consumer.as_ref().map_or(Ok(()), |it| it.check_offsets(&member, epoch, true));
                let _ = reply.send(allowed.map(|()| self.fetch(places)));
            }
            Command::Beat { beat, reply } => self.beat(beat, reply).await,
            Command::DescribeConsumer { reply } => {
                let _ = reply.send(self.describe_consumer());
            }
            Command::Describe { reply } => {
                let _ = reply.send(self.consumer.is_none().then(|| describe(&self.group)));
            }
            Command::Delete { reply } => self.delete(reply).await,
            Command::DeleteOffsets { places, reply } => self.delete_offsets(places, reply).await,
            Command::TopicDeleted { topic, reply } => {
                let mut places = self.offsets.places(|name, _| name == topic);
                places.extend(self.pending.places().filter(|(name, _)| *name == topic).cloned());
                self.remove(places, Waiter::Code(reply)).await;
            }
            Command::Clean => self.clean().await,
        }
    }

    async fn commit(
        &mut self,
        identity: &Identity,
        generation: i32,
        entries: Vec<CommitEntry>,
        reply: oneshot::Sender<Vec<ErrorCode>>,
    ) {
        let now = moment(&self.surroundings);
        let mut codes: Vec<ErrorCode> = entries.iter().map(|entry| entry.code).collect();
        let allowed = match &self.consumer {
            Some(consumer) => consumer.check_offsets(&identity.member_id, generation, false),
            None => self.group.check_commit(identity, generation, now),
        };
        if let Err(error) = allowed {
            fail(&mut codes, error);
            let _ = reply.send(codes);
            return;
        }
        let committed = accepted(entries, now.wall_ms);
        if committed.is_empty() {
            let _ = reply.send(codes);
            return;
        }
        let records = records(&self.id, &committed);
        let write = Write::Commit { committed, codes, reply };
        if let Err((Write::Commit { mut codes, reply, .. }, error)) = self.write(records, write).await {
            let code = match error {
                JournalError::TooLarge { .. } => ErrorCode::InvalidCommitOffsetSize,
                other => other.code(),
            };
            fail(&mut codes, code);
            let _ = reply.send(codes);
        }
    }

    fn fetch(&self, places: Option<Vec<Place>>) -> Vec<FetchedOffset> {
        match places {
            None => self
                .offsets
                .iter()
                .map(|(topic, partition, committed)| {
                    let place = (topic.to_owned(), partition);
                    let unstable = self.pending.contains(&place);
                    FetchedOffset { place, committed: Some(committed.clone()), unstable }
                })
                .collect(),
            Some(places) => places
                .into_iter()
                .map(|place| {
                    let committed = self.offsets.get(&place.0, place.1).cloned();
                    let unstable = self.pending.contains(&place);
                    FetchedOffset { place, committed, unstable }
                })
                .collect(),
        }
    }

    /// Tombstones for the group and all its offsets. Whoever asks next finds a new group.
    async fn delete(&mut self, reply: oneshot::Sender<ErrorCode>) {
        match self.group.state() {
            State::Empty if self.has_consumers() => {
                let _ = reply.send(ErrorCode::NonEmptyGroup);
            }
            State::Empty => self.bury(Waiter::Code(reply)).await,
            State::Dead => {
                let _ = reply.send(ErrorCode::GroupIdNotFound);
            }
            State::PreparingRebalance | State::CompletingRebalance | State::Stable => {
                let _ = reply.send(ErrorCode::NonEmptyGroup);
            }
        }
    }

    async fn bury(&mut self, waiter: Waiter) {
        let mut places = self.offsets.places(|_, _| true);
        places.extend(self.pending.places().cloned());
        let mut records = self.tombstones(&places);
        if self.consumer.is_none() {
            records.push((Key::Group { group: self.id.to_string() }.encode(), None));
        }
        records.extend(self.consumer_tombstones());
        match self.write(records, Write::Deletion { waiter }).await {
            Ok(()) => self.apply(Event::Close).await,
            Err((Write::Deletion { waiter }, error)) => waiter.tell(Some(error.code())),
            Err(_) => {}
        }
    }

    fn tombstones(&self, places: &[Place]) -> Vec<Entry> {
        places.iter().map(|place| (offsets::key(&self.id, place).encode(), None)).collect()
    }

    async fn delete_offsets(
        &mut self,
        places: Vec<Place>,
        reply: oneshot::Sender<Result<Vec<ErrorCode>, ErrorCode>>,
    ) {
        let active = match self.group.state() {
            State::Dead => {
                let _ = reply.send(Err(ErrorCode::GroupIdNotFound));
                return;
            }
            State::Empty => self.has_consumers(),
            State::PreparingRebalance | State::CompletingRebalance | State::Stable => true,
        };
        if active && !self.has_consumers() && !self.group.is_consumer_group() {
            let _ = reply.send(Err(ErrorCode::NonEmptyGroup));
            return;
        }
        let mut codes = Vec::with_capacity(places.len());
        let mut removed = Vec::new();
        for place in places {
            let subscribed = match &self.consumer {
                Some(consumer) => consumer.subscribes(&place.0),
                None => self.group.subscribes(&place.0),
            };
            if active && subscribed {
                codes.push(ErrorCode::GroupSubscribedToTopic);
                continue;
            }
            codes.push(ErrorCode::None);
            if self.offsets.get(&place.0, place.1).is_some() || self.pending.contains(&place) {
                removed.push(place);
            }
        }
        self.remove(removed, Waiter::Codes { codes, reply }).await;
    }

    /// Tombstones for `places`; forgotten in memory once they are durable, which is when `waiter` is told.
    async fn remove(&mut self, places: Vec<Place>, waiter: Waiter) {
        if places.is_empty() {
            waiter.tell(None);
            return;
        }
        let records = self.tombstones(&places);
        if let Err((Write::Removal { waiter, .. }, error)) =
            self.write(records, Write::Removal { places, waiter }).await
        {
            waiter.tell(Some(error.code()));
        }
    }

    /// Removes expired offsets, and the group when it is empty and nothing is left.
    async fn clean(&mut self) {
        let expired = self.expired();
        let left = self.offsets.iter().count().saturating_sub(expired.len());
        if self.group.state() == State::Empty
            && left == 0
            && self.pending.is_empty()
            && self.writes.is_empty()
            && !self.group.is_awaited()
        {
            self.bury(Waiter::Nobody).await;
        } else {
            self.remove(expired, Waiter::Nobody).await;
        }
    }

    /// Kafka's rules: an emptied group keeps its offsets for the retention time from then on; a live consumer group
    /// those of topics it no longer subscribes to, a group without members' protocol all of them, each from its commit.
    fn expired(&self) -> Vec<Place> {
        let now_ms = self.surroundings.clock.now_ms();
        let retention_ms = self.surroundings.retention_ms;
        let over = |since_ms: i64| now_ms.saturating_sub(since_ms) >= retention_ms;
        if let Some(consumer) = &self.consumer {
            let is_over = |topic: &str, committed: &Committed| {
                Self::consumer_offset_is_over(consumer, topic, committed, over)
            };
            return self.offsets.places(is_over);
        }
        let group = &self.group;
        match (group.protocol_type(), group.state()) {
            (None, State::Empty) => self.offsets.places(|_, committed| over(committed.commit_ms)),
            (Some(_), State::Empty) => {
                let since_ms = group.since_wall_ms();
                self.offsets.places(|_, committed| over(since_ms.max(committed.commit_ms)))
            }
            (Some(_), State::Stable) if group.is_consumer_group() => {
                self.offsets.places(|topic, committed| over(committed.commit_ms) && !group.subscribes(topic))
            }
            _ => Vec::new(),
        }
    }
}

/// What was not refused before, as of now.
pub(super) fn accepted(entries: Vec<CommitEntry>, now_ms: i64) -> Vec<(Place, Committed)> {
    let accepted = entries.into_iter().filter(|entry| entry.code == ErrorCode::None);
    let committed = accepted.map(|entry| {
        let committed = Committed {
            offset: entry.offset,
            leader_epoch: entry.leader_epoch,
            metadata: entry.metadata,
            commit_ms: now_ms,
            log_offset: -1,
        };
        (entry.place, committed)
    });
    committed.collect()
}

/// The records of committed offsets.
pub(super) fn records(group: &str, committed: &[(Place, Committed)]) -> Vec<Entry> {
    let record = |(place, committed): &(Place, Committed)| {
        (offsets::key(group, place).encode(), Some(committed.to_value().to_value()))
    };
    committed.iter().map(record).collect()
}

fn describe(group: &Group) -> Description {
    let stable = group.state() == State::Stable;
    let protocol = group.protocol().filter(|_| stable).unwrap_or_default();
    let members = group.members().map(|member| MemberDescription {
        member_id: member.id.clone(),
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        metadata: if stable { member.metadata(protocol) } else { Bytes::new() },
        assignment: if stable { member.assignment.clone() } else { Bytes::new() },
    });
    Description {
        state: group.state(),
        protocol_type: group.protocol_type().unwrap_or_default().to_owned(),
        protocol: protocol.to_owned(),
        members: members.collect(),
    }
}
