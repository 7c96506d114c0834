//! The classic group protocol as a pure machine: an event and a moment in, effects out.
//!
//! No clock, no channel, no I/O. The caller keeps one [`Group`] per group id, feeds it events one at a time, carries
//! out the [`Effect`]s in order, and comes back with [`Event::Tick`] no later than [`Group::deadline`].
//!
//! ```text
//!            first join                 all rejoined, or time is up
//!   Empty ───────────▶ PreparingRebalance ───────────▶ CompletingRebalance
//!     ▲                  ▲    │ nobody left                │ leader's assignment stored
//!     └──────────────────┼────┘                            ▼
//!                        └──────── join, leave, time-out ── Stable          (any) ─ close ▶ Dead
//! ```
//!
//! Rules (Kafka's group coordinator; KIP-62, KIP-345, KIP-394, KIP-814):
//! - Every ticket is answered exactly once; a request repeated while its first copy is parked answers the first with 27.
//! - Answers of one generation carry the assignment of that generation's leader only, and only after it was stored.
//! - A member that waits for an answer does not time out; its session starts anew when the answer leaves.
//!
//! Bounds: members and pending ids by [`Limits`]; everything else follows from those and the size of a frame.

mod join;
mod member;
mod offsets;
mod rebalance;
mod sync;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;

pub(crate) use member::{Member, Protocol};

use super::records::{GroupMetadataValue, MemberMetadata};
use crate::protocol::ErrorCode;

/// A moment as the caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Milliseconds on a clock that never goes back; deadlines are on this one.
    pub(crate) tick_ms: u64,
    /// Milliseconds since the epoch; only written into records.
    pub(crate) wall_ms: i64,
}

/// Names a request that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// Bounds and delays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Most members of one group (`group.max.size`).
    pub(crate) members_max: usize,
    /// How long the first rebalance of an empty group waits for more members, extended while they keep coming.
    pub(crate) initial_rebalance_delay_ms: u64,
    /// How long a member's first, parked `JoinGroup` is kept.
    pub(crate) new_member_join_timeout_ms: u64,
}

/// Where a group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No members; offsets may exist.
    Empty,
    /// Members are rejoining.
    PreparingRebalance,
    /// Members have joined, the leader's assignment is awaited.
    CompletingRebalance,
    /// Every member has, or can fetch, its assignment.
    Stable,
    /// Closed; nothing is accepted any more.
    Dead,
}

impl State {
    /// Kafka's name, as `DescribeGroups` and `ListGroups` show it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

/// What happens to a group.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// `JoinGroup`.
    Join(Join),
    /// `SyncGroup`.
    Sync(Sync),
    /// Heartbeat.
    Heartbeat { ticket: Ticket, identity: Identity, generation: i32 },
    /// `LeaveGroup`; identities in request order.
    Leave { ticket: Ticket, leavers: Vec<Identity> },
    /// The outcome of an [`Effect::Store`].
    Stored { sequence: u64, error: Option<ErrorCode> },
    /// Time has passed.
    Tick,
    /// The group goes away: everything parked is answered with 15.
    Close,
}

/// A member as it names itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Member id; empty when it has none yet, or when an administrator removes a static member.
    pub(crate) member_id: String,
    /// Static member id.
    pub(crate) instance_id: Option<String>,
}

/// A `JoinGroup` request.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    /// Whom to answer.
    pub(crate) ticket: Ticket,
    /// Who joins.
    pub(crate) identity: Identity,
    /// The id a new member gets.
    pub(crate) fresh_member_id: String,
    /// The client's own name.
    pub(crate) client_id: String,
    /// The client's address.
    pub(crate) client_host: String,
    /// Session timeout, in the configured range.
    pub(crate) session_timeout_ms: i32,
    /// Rebalance timeout.
    pub(crate) rebalance_timeout_ms: i32,
    /// Protocol type, "consumer" for consumers.
    pub(crate) protocol_type: String,
    /// Protocols the member can follow, most wanted first.
    pub(crate) protocols: Vec<Protocol>,
    /// The version tells a new dynamic member its id first (v4, KIP-394).
    pub(crate) member_id_required: bool,
    /// The version knows `skip_assignment` (v9, KIP-814).
    pub(crate) skip_assignment: bool,
}

/// A `SyncGroup` request.
#[derive(Debug, Clone)]
pub(crate) struct Sync {
    /// Whom to answer.
    pub(crate) ticket: Ticket,
    /// Who asks.
    pub(crate) identity: Identity,
    /// The generation it joined.
    pub(crate) generation: i32,
    /// Protocol type, when the version carries it.
    pub(crate) protocol_type: Option<String>,
    /// Protocol name, when the version carries it.
    pub(crate) protocol_name: Option<String>,
    /// The leader's assignment; empty from followers.
    pub(crate) assignments: Vec<(String, Bytes)>,
}

/// What the caller has to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Answer a request.
    Reply(Ticket, Answer),
    /// Append the group's metadata, make it durable, and report with [`Event::Stored`].
    Store {
        /// Names the write.
        sequence: u64,
        /// What to write.
        value: GroupMetadataValue,
    },
}

/// An answer to a parked or immediate request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// To `JoinGroup`.
    Join(JoinAnswer),
    /// To `SyncGroup`.
    Sync(SyncAnswer),
    /// To Heartbeat.
    Heartbeat(ErrorCode),
    /// To `LeaveGroup`: one code per leaver, or one for the group.
    Leave(Result<Vec<ErrorCode>, ErrorCode>),
}

/// The answer to `JoinGroup`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JoinAnswer {
    /// `None` on success.
    pub(crate) error: ErrorCode,
    /// Generation joined; -1 with an error.
    pub(crate) generation: i32,
    /// The group's protocol type.
    pub(crate) protocol_type: Option<String>,
    /// The protocol chosen.
    pub(crate) protocol_name: Option<String>,
    /// The leader's member id.
    pub(crate) leader: String,
    /// The leader keeps the assignment that stands.
    pub(crate) skip_assignment: bool,
    /// The id of the member that asked.
    pub(crate) member_id: String,
    /// For the leader: all members with their metadata for the chosen protocol.
    pub(crate) members: Vec<JoinedMember>,
}

impl JoinAnswer {
    /// A refusal.
    pub(crate) fn refused(error: ErrorCode, member_id: impl Into<String>) -> Self {
        Self {
            error,
            generation: -1,
            protocol_type: None,
            protocol_name: None,
            leader: String::new(),
            skip_assignment: false,
            member_id: member_id.into(),
            members: Vec::new(),
        }
    }
}

/// A member as the leader sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JoinedMember {
    /// Member id.
    pub(crate) member_id: String,
    /// Static id.
    pub(crate) instance_id: Option<String>,
    /// Metadata for the chosen protocol.
    pub(crate) metadata: Bytes,
}

/// The answer to `SyncGroup`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SyncAnswer {
    /// `None` on success.
    pub(crate) error: ErrorCode,
    /// The group's protocol type.
    pub(crate) protocol_type: Option<String>,
    /// The protocol chosen.
    pub(crate) protocol_name: Option<String>,
    /// The member's assignment.
    pub(crate) assignment: Bytes,
}

impl SyncAnswer {
    /// A refusal.
    pub(crate) fn refused(error: ErrorCode) -> Self {
        Self { error, protocol_type: None, protocol_name: None, assignment: Bytes::new() }
    }
}

/// A classic group.
#[derive(Debug)]
pub(crate) struct Group {
    limits: Limits,
    state: State,
    /// Wall time of the last change of state.
    since_wall_ms: i64,
    generation: i32,
    protocol_type: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
    members: BTreeMap<String, Member>,
    /// Instance id to member id.
    statics: BTreeMap<String, String>,
    /// Ids handed out with 79 and not yet used, each with its deadline.
    pending: BTreeMap<String, u64>,
    /// Present exactly in `PreparingRebalance`.
    rebalance: Option<Rebalance>,
    /// When members that did not sync are removed.
    sync_deadline: Option<u64>,
    /// Writes under way.
    storing: BTreeMap<u64, Storing>,
    next_store: u64,
    next_join: u64,
}

/// A rebalance that waits for members.
#[derive(Debug, Clone, Copy)]
struct Rebalance {
    deadline: u64,
    /// Set while the first rebalance of an empty group collects members.
    initial: Option<Initial>,
}

/// The collecting phase of a group's first rebalance.
#[derive(Debug, Clone, Copy)]
struct Initial {
    /// By how much it may still be extended.
    remaining_ms: u64,
    /// A member came since the deadline was set.
    member_added: bool,
}

/// Why a write is under way.
#[derive(Debug)]
enum Storing {
    /// The leader's assignment for a generation.
    Assignment { generation: i32, assignments: BTreeMap<String, Bytes> },
    /// A static member took its predecessor's place; the answer waits.
    Replacement { ticket: Ticket, answer: JoinAnswer },
    /// The group became empty; nobody waits.
    Emptied,
}

impl Group {
    /// A group nobody has joined.
    pub(crate) fn new(limits: Limits, now: Moment) -> Self {
        Self {
            limits,
            state: State::Empty,
            since_wall_ms: now.wall_ms,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            statics: BTreeMap::new(),
            pending: BTreeMap::new(),
            rebalance: None,
            sync_deadline: None,
            storing: BTreeMap::new(),
            next_store: 0,
            next_join: 0,
        }
    }

    /// A group as it was stored; the sessions of its members start now.
    pub(crate) fn restore(value: GroupMetadataValue, limits: Limits, now: Moment) -> Self {
        let mut group = Self::new(limits, now);
        group.generation = value.generation.max(0);
        group.protocol_type = Some(value.protocol_type).filter(|name| !name.is_empty());
        if value.current_state_timestamp >= 0 {
            group.since_wall_ms = value.current_state_timestamp;
        }
        if value.members.is_empty() {
            return group;
        }
        group.state = State::Stable;
        let protocol = value.protocol.unwrap_or_default();
        for stored in value.members {
            let order = group.next_join;
            group.next_join += 1;
            let member = Member::restored(stored, &protocol, order, now.tick_ms);
            if let Some(instance) = &member.instance_id {
                group.statics.insert(instance.clone(), member.id.clone());
            }
            group.members.insert(member.id.clone(), member);
        }
        group.protocol = Some(protocol);
        group.leader = value.leader.filter(|leader| group.members.contains_key(leader));
        if group.leader.is_none() {
            group.leader = group.earliest(|_| true);
        }
        group
    }

    /// Takes one event.
    pub(crate) fn apply(&mut self, event: Event, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Join(join) => self.join(join, now, &mut effects),
            Event::Sync(sync) => self.sync(sync, now, &mut effects),
            Event::Heartbeat { ticket, identity, generation } => {
                let code = self.heartbeat(&identity, generation, now);
                effects.push(Effect::Reply(ticket, Answer::Heartbeat(code)));
            }
            Event::Leave { ticket, leavers } => self.leave(ticket, &leavers, now, &mut effects),
            Event::Stored { sequence, error } => self.stored(sequence, error, now, &mut effects),
            Event::Tick => {}
            Event::Close => self.close(now, &mut effects),
        }
        self.expire(now, &mut effects);
        effects
    }

    /// Where the group stands.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Wall time of the last change of state, milliseconds since the epoch.
    pub(crate) fn since_wall_ms(&self) -> i64 {
        self.since_wall_ms
    }

    /// The current generation; 0 before the first.
    #[cfg(test)]
    pub(crate) fn generation(&self) -> i32 {
        self.generation
    }

    /// The protocol type; none for a group that only ever stored offsets.
    pub(crate) fn protocol_type(&self) -> Option<&str> {
        self.protocol_type.as_deref()
    }

    /// The protocol of the current generation.
    pub(crate) fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Members in order of their ids.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// A member id was handed out and may come back.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Nothing was ever stored and nobody is about to join: the group can be forgotten without a trace.
    pub(crate) fn is_untouched(&self) -> bool {
        self.state == State::Empty
            && self.generation == 0
            && self.pending.is_empty()
            && self.storing.is_empty()
    }

    /// The record of the group as it stands, with `assignments` in place of the members' own.
    fn value(&self, assignments: Option<&BTreeMap<String, Bytes>>) -> GroupMetadataValue {
        let protocol = self.protocol.clone().unwrap_or_default();
        let members = self.members.values().map(|member| MemberMetadata {
            member_id: member.id.clone(),
            group_instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout: member.rebalance_timeout_ms,
            session_timeout: member.session_timeout_ms,
            subscription: member.metadata(&protocol),
            assignment: match assignments {
                Some(assignments) => assignments.get(&member.id).cloned().unwrap_or_default(),
                None => member.assignment.clone(),
            },
        });
        GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            current_state_timestamp: self.since_wall_ms,
            members: members.collect(),
        }
    }

    /// Starts a write.
    fn store(&mut self, reason: Storing, effects: &mut Vec<Effect>) {
        let value = match &reason {
            Storing::Assignment { assignments, .. } => self.value(Some(assignments)),
            Storing::Replacement { .. } | Storing::Emptied => self.value(None),
        };
        let sequence = self.next_store;
        self.next_store += 1;
        self.storing.insert(sequence, reason);
        effects.push(Effect::Store { sequence, value });
    }

    /// Changes the state.
    fn enter(&mut self, state: State, now: Moment) {
        self.state = state;
        self.since_wall_ms = now.wall_ms;
    }

    /// The member that joined first among those that fit.
    fn earliest(&self, fits: impl Fn(&Member) -> bool) -> Option<String> {
        self.members
            .values()
            .filter(|member| fits(member))
            .min_by_key(|member| member.order)
            .map(|member| member.id.clone())
    }

    /// Who may speak as `identity`: 25 for a stranger, 82 for one whose place another took.
    fn check_member(&self, identity: &Identity) -> Result<(), ErrorCode> {
        if let Some(instance) = &identity.instance_id {
            match self.statics.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(holder) if *holder != identity.member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(&identity.member_id) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }
}
