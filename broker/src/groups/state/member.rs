//! A member of a classic group.

use bytes::Bytes;

use super::{MemberMetadata, Ticket};

/// A protocol a member can follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protocol {
    /// Name, for consumers the assignor's.
    pub(crate) name: String,
    /// Opaque to the broker; for consumers a subscription.
    pub(crate) metadata: Bytes,
}

/// A member.
#[derive(Debug)]
pub(crate) struct Member {
    /// Member id.
    pub(crate) id: String,
    /// Static id, which outlives the member id.
    pub(crate) instance_id: Option<String>,
    /// The client's own name.
    pub(crate) client_id: String,
    /// The client's address.
    pub(crate) client_host: String,
    /// Session timeout.
    pub(crate) session_timeout_ms: i32,
    /// Rebalance timeout.
    pub(crate) rebalance_timeout_ms: i32,
    /// Most wanted first.
    pub(crate) protocols: Vec<Protocol>,
    /// The assignment of the stable generation; empty outside it.
    pub(crate) assignment: Bytes,
    /// When it came, relative to the others.
    pub(super) order: u64,
    /// The parked `JoinGroup`.
    pub(super) joining: Option<Ticket>,
    /// The parked `SyncGroup`.
    pub(super) syncing: Option<Ticket>,
    /// It was told the current generation and has not asked for its assignment yet.
    pub(super) owes_sync: bool,
    /// Set until its first `JoinGroup` is answered.
    pub(super) new_until: Option<u64>,
    /// When its session ends unless it is heard of.
    pub(super) session_until: u64,
}

impl Member {
    /// A member read back from the log, whose session starts at `tick_ms`.
    pub(super) fn restored(stored: MemberMetadata, protocol: &str, order: u64, tick_ms: u64) -> Self {
        let mut member = Self {
            id: stored.member_id,
            instance_id: stored.group_instance_id,
            client_id: stored.client_id,
            client_host: stored.client_host,
            session_timeout_ms: stored.session_timeout,
            rebalance_timeout_ms: if stored.rebalance_timeout > 0 {
                stored.rebalance_timeout
            } else {
                stored.session_timeout
            },
            protocols: vec![Protocol { name: protocol.to_owned(), metadata: stored.subscription }],
            assignment: stored.assignment,
            order,
            joining: None,
            syncing: None,
            owes_sync: false,
            new_until: None,
            session_until: 0,
        };
        member.touch(tick_ms);
        member
    }

    /// Session timeout, at least 1 ms.
    pub(super) fn session_ms(&self) -> u64 {
        positive(self.session_timeout_ms)
    }

    /// Rebalance timeout, at least 1 ms.
    pub(super) fn rebalance_ms(&self) -> u64 {
        positive(self.rebalance_timeout_ms)
    }

    /// Starts the session anew.
    pub(super) fn touch(&mut self, tick_ms: u64) {
        self.session_until = tick_ms.saturating_add(self.session_ms());
    }

    /// When the member is given up; `None` while it waits for an answer it is owed.
    pub(super) fn deadline(&self) -> Option<u64> {
        if self.joining.is_some() {
            self.new_until
        } else if self.syncing.is_some() {
            None
        } else {
            Some(self.session_until)
        }
    }

    /// The metadata for `protocol`, empty when it does not follow it.
    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|candidate| candidate.name == protocol)
            .map(|found| found.metadata.clone())
            .unwrap_or_default()
    }

    /// Whether it follows `protocol`.
    pub(super) fn follows(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|candidate| candidate.name == protocol)
    }
}

/// A timeout in milliseconds; what is not positive counts as 1.
pub(super) fn positive(timeout_ms: i32) -> u64 {
    u64::try_from(timeout_ms).unwrap_or(0).max(1)
}
