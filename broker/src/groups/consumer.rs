//! The consumer group protocol (KIP-848) as a pure machine: the broker assigns, members converge by heartbeats alone.
//!
//! ```text
//! group epoch ── a change of members, subscriptions or topics bumps it
//!      └─▶ target assignment, computed for that epoch
//!               └─▶ each member: give up what is no longer its own, then take the target epoch, then receive what is free
//! ```
//!
//! A member gives partitions up first and stays at its epoch until it says that it has; a partition is handed to its new
//! owner only when no member owns or is still giving it up. So no partition has two owners at any time.
//!
//! As in `state`: no clock, no channel, no I/O. Every event leaves the records to write in [`ConsumerGroup::take_changes`];
//! answers go out once those are durable.
//!
//! Bounds: members by [`ConsumerLimits`]; names and partitions by the size of a frame and of the cluster.

mod assignor;
mod member;
mod patterns;
mod reconcile;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

pub(crate) use assignor::Assignor;
pub(crate) use member::{MemberState, Registered};
pub(crate) use stored::StoredConsumer;

use super::state::{Identity, Moment};
use crate::authorizer::Access;
use crate::protocol::ErrorCode;

/// Partitions by topic id.
pub(crate) type Assignment = BTreeMap<Uuid, BTreeSet<i32>>;

/// The member epoch with which a member joins.
pub(crate) const JOIN_EPOCH: i32 = 0;
/// The member epoch with which a member leaves.
pub(crate) const LEAVE_EPOCH: i32 = -1;
/// The member epoch with which a static member leaves for a while.
pub(crate) const LEAVE_STATIC_EPOCH: i32 = -2;

/// A topic as the assignors see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicShape {
    /// Topic id.
    pub(crate) id: Uuid,
    /// Number of partitions.
    pub(crate) partitions: i32,
}

/// The topics of the broker.
pub(crate) trait Catalog: Send + Sync + 'static {
    /// A topic by name.
    fn shape(&self, topic: &str) -> Option<TopicShape>;
    /// The name of a topic.
    fn name_of(&self, id: Uuid) -> Option<String>;
    /// The names of all topics, internal ones too: patterns match them, as in Kafka.
    fn names(&self) -> Vec<String>;
}

/// Bounds and times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConsumerLimits {
    /// Most members.
    pub(crate) members_max: usize,
    /// How long a member may be silent.
    pub(crate) session_ms: u64,
}

/// A heartbeat, translated.
#[derive(Debug, Clone)]
pub(crate) struct Heartbeat {
    /// Who; never empty.
    pub(crate) member_id: String,
    /// Its epoch, or one of the three special ones.
    pub(crate) member_epoch: i32,
    /// Static id.
    pub(crate) instance_id: Option<String>,
    /// Rack.
    pub(crate) rack_id: Option<String>,
    /// The client's own name.
    pub(crate) client_id: String,
    /// The client's address.
    pub(crate) client_host: String,
    /// What the client may do: its pattern matches what it may describe.
    pub(crate) access: Access,
    /// How long the member may be silent; none for as long as in all groups.
    pub(crate) session_ms: Option<u64>,
    /// How long it may take to give partitions up; not positive means unchanged.
    pub(crate) rebalance_timeout_ms: i32,
    /// Topics; none means unchanged.
    pub(crate) topics: Option<BTreeSet<String>>,
    /// Pattern of topics, valid; none means unchanged, empty that there is none.
    pub(crate) pattern: Option<String>,
    /// Wanted assignor.
    pub(crate) assignor: Option<Assignor>,
    /// What it owns; none means unchanged.
    pub(crate) owned: Option<Assignment>,
}

/// What a member is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its epoch.
    pub(crate) member_epoch: i32,
    /// Its assignment; none when nothing changed.
    pub(crate) assignment: Option<Assignment>,
}

/// A record to write: the state as it is now, or a tombstone when there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Group epoch.
    Epoch,
    /// Subscription of a member.
    Member(String),
    /// Epoch of the target assignment.
    TargetEpoch,
    /// Target assignment of a member.
    Target(String),
    /// Where a member stands.
    Current(String),
}

/// A group of the consumer protocol.
#[derive(Debug)]
pub(crate) struct ConsumerGroup {
    limits: ConsumerLimits,
    epoch: i32,
    target_epoch: i32,
    /// Wall time of the last change of the group epoch.
    since_wall_ms: i64,
    members: BTreeMap<String, Registered>,
    /// Instance id to member id.
    statics: BTreeMap<String, String>,
    target: BTreeMap<String, Assignment>,
    /// The subscribed topics that the group epoch saw.
    topics: BTreeMap<String, TopicShape>,
    changes: BTreeSet<Change>,
    patterns: patterns::Patterns,
}

impl TopicShape {
    /// All partition numbers.
    pub(crate) fn all(self) -> impl Iterator<Item = i32> {
        0..self.partitions.max(0)
    }
}

impl PartialOrd for TopicShape {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TopicShape {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.id, self.partitions).cmp(&(other.id, other.partitions))
    }
}

impl ConsumerGroup {
    /// A group without members.
    pub(crate) fn new(limits: ConsumerLimits, now: Moment) -> Self {
        Self {
            limits,
            epoch: 0,
            target_epoch: 0,
            since_wall_ms: now.wall_ms,
            members: BTreeMap::new(),
            statics: BTreeMap::new(),
            target: BTreeMap::new(),
            topics: BTreeMap::new(),
            changes: BTreeSet::new(),
            patterns: patterns::Patterns::default(),
        }
    }

    /// Takes a heartbeat of a member that joins, stays or leaves.
    pub(crate) fn heartbeat(
        &mut self,
        beat: &Heartbeat,
        catalog: &dyn Catalog,
        now: Moment,
    ) -> Result<Told, ErrorCode> {
        self.expire(now);
        match beat.member_epoch {
            LEAVE_EPOCH | LEAVE_STATIC_EPOCH => self.leave(beat, now),
            _ => self.stay(beat, catalog, now),
        }
    }

    fn stay(&mut self, beat: &Heartbeat, catalog: &dyn Catalog, now: Moment) -> Result<Told, ErrorCode> {
        let id = beat.member_id.clone();
        let joining = beat.member_epoch == JOIN_EPOCH;
        if joining {
            self.check_join(beat)?;
        } else {
            self.check_known(beat)?;
        }
        let registered = self.register(beat, now);
        let changed = self.patterns.resolve(&mut self.members, beat, catalog, now) || registered;
        let topics = self.subscribed(catalog);
        if changed || topics != self.topics {
            self.topics = topics;
            self.bump(now);
        }
        if self.epoch > self.target_epoch {
            self.compute_target();
        }
        let assigned = self.reconcile(&id, beat.owned.as_ref(), now);
        let member = self.members.get(&id).ok_or(ErrorCode::UnknownMemberId)?;
        let full = joining || (beat.owned.is_some() && beat.topics.is_some());
        // A member that reports less than it has may have missed the answer.
        let lacks = beat.owned.as_ref().is_some_and(|owned| !is_within(&member.assigned, owned));
        let assignment = (full || assigned || lacks).then(|| member.assigned.clone());
        Ok(Told { member_epoch: member.epoch, assignment })
    }

    /// A member joins, joins again, or takes the place of a static one.
    fn check_join(&mut self, beat: &Heartbeat) -> Result<(), ErrorCode> {
        let id = &beat.member_id;
        if !self.members.contains_key(id) && self.members.len() >= self.limits.members_max {
            let replaces =
                beat.instance_id.as_ref().is_some_and(|instance| self.statics.contains_key(instance));
            if !replaces {
                return Err(ErrorCode::GroupMaxSizeReached);
            }
        }
        let Some(instance) = &beat.instance_id else { return Ok(()) };
        let Some(holder) = self.statics.get(instance).filter(|holder| *holder != id).cloned() else {
            return Ok(());
        };
        let away = self.members.get(&holder).is_some_and(|member| member.epoch == LEAVE_STATIC_EPOCH);
        if !away {
            return Err(ErrorCode::UnreleasedInstanceId);
        }
        self.replace(&holder, id);
        Ok(())
    }

    /// A member at an epoch of its own.
    fn check_known(&self, beat: &Heartbeat) -> Result<(), ErrorCode> {
        if let Some(instance) = &beat.instance_id {
            let holder = self.statics.get(instance).ok_or(ErrorCode::UnknownMemberId)?;
            if *holder != beat.member_id {
                return Err(ErrorCode::FencedInstanceId);
            }
        }
        let member = self.members.get(&beat.member_id).ok_or(ErrorCode::UnknownMemberId)?;
        if beat.member_epoch == member.epoch {
            return Ok(());
        }
        // The answer with the newer epoch may have been lost.
        let holds_only_its_own = |owned: &Assignment| is_within(owned, &member.assigned);
        if beat.member_epoch == member.previous_epoch && beat.owned.as_ref().is_some_and(holds_only_its_own) {
            return Ok(());
        }
        Err(ErrorCode::FencedMemberEpoch)
    }

    /// Takes over what a member says; true when the group has to react.
    fn register(&mut self, beat: &Heartbeat, now: Moment) -> bool {
        let id = &beat.member_id;
        let before = self.members.get(id);
        let (member, new) = match before {
            Some(member) => (member.updated(beat), false),
            None => (Registered::new(beat), true),
        };
        let reacts = new
            || before.is_some_and(|before| {
                before.topics != member.topics
                    || before.pattern != member.pattern
                    || before.assignor != member.assignor
            });
        let recorded = before.is_some_and(|before| before.same_record(&member));
        let mut member = member;
        member.touch(now.tick_ms, beat.session_ms.unwrap_or(self.limits.session_ms));
        if beat.member_epoch == JOIN_EPOCH && member.epoch == LEAVE_STATIC_EPOCH {
            member.epoch = JOIN_EPOCH;
        }
        if let Some(instance) = &member.instance_id {
            self.statics.insert(instance.clone(), id.clone());
        }
        self.members.insert(id.clone(), member);
        if !recorded {
            self.changes.insert(Change::Member(id.clone()));
        }
        reacts
    }

    /// A static member is back under another member id: it inherits place, target and partitions.
    fn replace(&mut self, old: &str, new: &str) {
        let Some(mut member) = self.members.remove(old) else { return };
        new.clone_into(&mut member.id);
        if let Some(target) = self.target.remove(old) {
            self.target.insert(new.to_owned(), target);
        }
        for id in [old, new] {
            self.changes.insert(Change::Member(id.to_owned()));
            self.changes.insert(Change::Target(id.to_owned()));
            self.changes.insert(Change::Current(id.to_owned()));
        }
        self.members.insert(new.to_owned(), member);
    }

    fn leave(&mut self, beat: &Heartbeat, now: Moment) -> Result<Told, ErrorCode> {
        if let Some(instance) = &beat.instance_id {
            let holder = self.statics.get(instance).ok_or(ErrorCode::UnknownMemberId)?;
            if *holder != beat.member_id {
                return Err(ErrorCode::FencedInstanceId);
            }
        }
        let member = self.members.get_mut(&beat.member_id).ok_or(ErrorCode::UnknownMemberId)?;
        if beat.member_epoch == LEAVE_STATIC_EPOCH && member.instance_id.is_some() {
            member.previous_epoch = member.epoch;
            member.epoch = LEAVE_STATIC_EPOCH;
            member.revoking_until = None;
            member.touch(now.tick_ms, beat.session_ms.unwrap_or(self.limits.session_ms));
            self.changes.insert(Change::Current(beat.member_id.clone()));
        } else {
            self.remove(&beat.member_id);
            self.bump(now);
        }
        Ok(Told { member_epoch: beat.member_epoch, assignment: None })
    }

    /// Removes members that an administrator names by member id, by instance id, or by both; a code for each.
    pub(crate) fn take_out(&mut self, leavers: &[Identity], now: Moment) -> Vec<ErrorCode> {
        let before = self.members.len();
        let codes = leavers.iter().map(|leaver| match self.named(leaver) {
            Ok(id) => {
                self.remove(&id);
                ErrorCode::None
            }
            Err(code) => code,
        });
        let codes = codes.collect();
        if self.members.len() < before {
            self.bump(now);
        }
        codes
    }

    /// The id of the member that is meant.
    fn named(&self, leaver: &Identity) -> Result<String, ErrorCode> {
        let Some(instance) = &leaver.instance_id else {
            let known = self.members.contains_key(&leaver.member_id);
            return if known { Ok(leaver.member_id.clone()) } else { Err(ErrorCode::UnknownMemberId) };
        };
        let holder = self.statics.get(instance).ok_or(ErrorCode::UnknownMemberId)?;
        if !leaver.member_id.is_empty() && leaver.member_id != *holder {
            return Err(ErrorCode::FencedInstanceId);
        }
        Ok(holder.clone())
    }

    fn remove(&mut self, id: &str) {
        if let Some(member) = self.members.remove(id)
            && let Some(instance) = &member.instance_id
            && self.statics.get(instance).is_some_and(|holder| holder == id)
        {
            self.statics.remove(instance);
        }
        self.target.remove(id);
        self.changes.insert(Change::Member(id.to_owned()));
        self.changes.insert(Change::Target(id.to_owned()));
        self.changes.insert(Change::Current(id.to_owned()));
    }

    fn bump(&mut self, now: Moment) {
        self.epoch = self.epoch.saturating_add(1);
        self.since_wall_ms = now.wall_ms;
        self.changes.insert(Change::Epoch);
    }

    /// The topics that members subscribe to and that exist.
    fn subscribed(&self, catalog: &dyn Catalog) -> BTreeMap<String, TopicShape> {
        let names: BTreeSet<&String> =
            self.members.values().flat_map(|member| member.topics.union(&member.matched)).collect();
        names.into_iter().filter_map(|name| Some((name.clone(), catalog.shape(name)?))).collect()
    }

    fn compute_target(&mut self) {
        let target = assignor::assign(self.assignor(), &self.members, &self.topics, &self.target);
        for id in self.members.keys() {
            let (before, after) = (self.target.get(id), target.get(id));
            if before != after {
                self.changes.insert(Change::Target(id.clone()));
            }
        }
        self.target = target;
        self.target_epoch = self.epoch;
        self.changes.insert(Change::TargetEpoch);
    }

    /// Ends sessions and revocations whose time is up.
    pub(crate) fn expire(&mut self, now: Moment) {
        let due = |member: &&Registered| member.deadline() <= now.tick_ms;
        let gone: Vec<String> = self.members.values().filter(due).map(|member| member.id.clone()).collect();
        if gone.is_empty() {
            return;
        }
        for id in gone {
            self.remove(&id);
        }
        self.bump(now);
    }

    /// When [`Self::expire`] is due.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.members.values().map(Registered::deadline).min()
    }

    /// Whether `member` may commit and read offsets at `epoch`; without a member only while there is none, which is for
    /// administrators.
    pub(crate) fn check_offsets(&self, member: &str, epoch: i32, reads: bool) -> Result<(), ErrorCode> {
        if epoch < 0 && (reads || self.members.is_empty()) {
            return Ok(());
        }
        let known = self.members.get(member).ok_or(ErrorCode::UnknownMemberId)?;
        if known.epoch == epoch { Ok(()) } else { Err(ErrorCode::StaleMemberEpoch) }
    }

    /// Whether nobody is in the group.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether a member subscribes to `topic`.
    pub(crate) fn subscribes(&self, topic: &str) -> bool {
        self.members.values().any(|member| member.wants(topic))
    }

    /// Members in order of their ids, with their targets.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&Registered, Option<&Assignment>)> {
        self.members.values().map(|member| (member, self.target.get(&member.id)))
    }

    /// Group epoch and epoch of the target assignment.
    pub(crate) fn epochs(&self) -> (i32, i32) {
        (self.epoch, self.target_epoch)
    }

    /// Wall time of the last change of the group epoch, milliseconds since the epoch.
    pub(crate) fn since_wall_ms(&self) -> i64 {
        self.since_wall_ms
    }

    /// Kafka's name of the state.
    pub(crate) fn state_name(&self) -> &'static str {
        if self.members.is_empty() {
            "Empty"
        } else if self.epoch > self.target_epoch {
            "Assigning"
        } else if self.is_settled() {
            "Stable"
        } else {
            "Reconciling"
        }
    }

    /// The records to write since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes).into_iter().collect()
    }

    /// The assignor that most members ask for, the uniform one without a wish.
    pub(crate) fn assignor(&self) -> Assignor {
        let votes =
            |wanted: Assignor| self.members.values().filter(|member| member.assignor == Some(wanted)).count();
        if votes(Assignor::Range) > votes(Assignor::Uniform) { Assignor::Range } else { Assignor::Uniform }
    }
}

/// Whether every partition of `part` is in `whole`.
fn is_within(part: &Assignment, whole: &Assignment) -> bool {
    part.iter().all(|(topic, partitions)| {
        partitions.is_empty() || whole.get(topic).is_some_and(|wider| partitions.is_subset(wider))
    })
}
