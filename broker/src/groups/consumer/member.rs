//! A member of a consumer group.

use std::collections::BTreeSet;

use super::{Assignment, Assignor, Heartbeat, JOIN_EPOCH};
use crate::groups::state::Moment;

/// How far a member has come towards its target; the numbers are those of Kafka's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberState {
    /// At the target epoch with everything that was free.
    Stable = 1,
    /// Asked to give partitions up, not heard that it has.
    Unrevoked = 2,
    /// Waits for partitions that others have not given up.
    Unreleased = 3,
}

impl MemberState {
    /// The state of a number.
    pub(crate) fn from_number(number: i8) -> Self {
        match number {
            2 => Self::Unrevoked,
            3 => Self::Unreleased,
            _ => Self::Stable,
        }
    }
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    /// Member id.
    pub(crate) id: String,
    /// Static id.
    pub(crate) instance_id: Option<String>,
    /// Rack.
    pub(crate) rack_id: Option<String>,
    /// The client's own name.
    pub(crate) client_id: String,
    /// The client's address.
    pub(crate) client_host: String,
    /// How long it may take to give partitions up.
    pub(crate) rebalance_timeout_ms: i32,
    /// Topics it subscribes to.
    pub(crate) topics: BTreeSet<String>,
    /// Pattern of further topics.
    pub(crate) pattern: Option<String>,
    /// The topics that match it.
    pub(super) matched: BTreeSet<String>,
    /// Wanted assignor.
    pub(crate) assignor: Option<Assignor>,
    /// Its epoch; -2 while a static member is away.
    pub(crate) epoch: i32,
    /// The epoch before.
    pub(crate) previous_epoch: i32,
    /// How far it has come.
    pub(crate) state: MemberState,
    /// What it may consume.
    pub(crate) assigned: Assignment,
    /// What it has to give up.
    pub(crate) revoking: Assignment,
    /// When its session ends.
    pub(super) session_until: u64,
    /// When it must have given up.
    pub(super) revoking_until: Option<u64>,
}

impl Registered {
    /// A member that joins.
    pub(super) fn new(beat: &Heartbeat) -> Self {
        Self {
            id: beat.member_id.clone(),
            instance_id: beat.instance_id.clone(),
            rack_id: beat.rack_id.clone(),
            client_id: beat.client_id.clone(),
            client_host: beat.client_host.clone(),
            rebalance_timeout_ms: beat.rebalance_timeout_ms,
            topics: beat.topics.clone().unwrap_or_default(),
            pattern: beat.pattern.clone().filter(|pattern| !pattern.is_empty()),
            matched: BTreeSet::new(),
            assignor: beat.assignor,
            epoch: JOIN_EPOCH,
            previous_epoch: JOIN_EPOCH,
            state: MemberState::Stable,
            assigned: Assignment::new(),
            revoking: Assignment::new(),
            session_until: 0,
            revoking_until: None,
        }
    }

    /// The member with what the heartbeat says.
    pub(super) fn updated(&self, beat: &Heartbeat) -> Self {
        let mut member = self.clone();
        if let Some(topics) = &beat.topics {
            member.topics.clone_from(topics);
        }
        if let Some(pattern) = &beat.pattern {
            member.pattern = Some(pattern.clone()).filter(|pattern| !pattern.is_empty());
        }
        if beat.rebalance_timeout_ms > 0 {
            member.rebalance_timeout_ms = beat.rebalance_timeout_ms;
        }
        if beat.assignor.is_some() {
            member.assignor = beat.assignor;
        }
        if beat.rack_id.is_some() {
            member.rack_id.clone_from(&beat.rack_id);
        }
        if beat.instance_id.is_some() {
            member.instance_id.clone_from(&beat.instance_id);
        }
        member.client_id.clone_from(&beat.client_id);
        member.client_host.clone_from(&beat.client_host);
        member
    }

    /// Whether both have the same subscription record.
    pub(super) fn same_record(&self, other: &Self) -> bool {
        self.instance_id == other.instance_id
            && self.rack_id == other.rack_id
            && self.client_id == other.client_id
            && self.client_host == other.client_host
            && self.rebalance_timeout_ms == other.rebalance_timeout_ms
            && self.topics == other.topics
            && self.pattern == other.pattern
            && self.assignor == other.assignor
    }

    /// Whether it subscribes to a topic, by name or pattern.
    pub(super) fn wants(&self, topic: &str) -> bool {
        self.topics.contains(topic) || self.matched.contains(topic)
    }

    /// Starts the session anew.
    pub(super) fn touch(&mut self, tick_ms: u64, session_ms: u64) {
        self.session_until = tick_ms.saturating_add(session_ms);
    }

    /// Starts or ends the time it has to give partitions up.
    pub(super) fn revoke_until(&mut self, now: Moment) {
        let timeout_ms = u64::try_from(self.rebalance_timeout_ms).unwrap_or(0).max(1);
        self.revoking_until.get_or_insert(now.tick_ms.saturating_add(timeout_ms));
    }

    /// When the member is given up.
    pub(super) fn deadline(&self) -> u64 {
        self.revoking_until.map_or(self.session_until, |until| until.min(self.session_until))
    }
}
