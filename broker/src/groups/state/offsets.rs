//! What a group's members have to say about its offsets.

use bytes::Buf;

use super::{Group, Identity, Member, Moment, State};
use crate::protocol::messages::ConsumerProtocolSubscription;
use crate::protocol::{ErrorCode, Message};

/// The protocol type of consumers.
const CONSUMER: &str = "consumer";

impl Group {
    /// Whether `identity` may commit in `generation`; -1 without a member id is an administrator or a simple consumer.
    /// A commit keeps the session alive.
    pub(crate) fn check_commit(
        &mut self,
        identity: &Identity,
        generation: i32,
        now: Moment,
    ) -> Result<(), ErrorCode> {
        if self.state == State::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        if generation < 0 && self.state == State::Empty {
            return Ok(());
        }
        if generation < 0 && identity.member_id.is_empty() && identity.instance_id.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.check_member(identity)?;
        if generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        if let Some(member) = self.members.get_mut(&identity.member_id) {
            member.touch(now.tick_ms);
        }
        match self.state {
            State::CompletingRebalance => Err(ErrorCode::RebalanceInProgress),
            State::PreparingRebalance | State::Stable => Ok(()),
            State::Empty | State::Dead => Err(ErrorCode::UnknownMemberId),
        }
    }

    /// As [`check_commit`](Self::check_commit), for offsets of a transaction: clients before `TxnOffsetCommit` 3 do not say who
    /// they are and are trusted, and a rebalance is no obstacle.
    pub(crate) fn check_transactional_commit(
        &mut self,
        identity: &Identity,
        generation: i32,
        now: Moment,
    ) -> Result<(), ErrorCode> {
        let anonymous = identity.member_id.is_empty() && identity.instance_id.is_none();
        match self.state {
            State::Dead => return Err(ErrorCode::CoordinatorNotAvailable),
            State::Empty if generation < 0 => return Ok(()),
            _ if generation < 0 && anonymous => return Ok(()),
            _ => {}
        }
        self.check_member(identity)?;
        if generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        if let Some(member) = self.members.get_mut(&identity.member_id) {
            member.touch(now.tick_ms);
        }
        Ok(())
    }

    /// Whether the members speak the consumer protocol.
    pub(crate) fn is_consumer_group(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// Whether a member subscribes to `topic`. A subscription that cannot be read counts as one to every topic.
    pub(crate) fn subscribes(&self, topic: &str) -> bool {
        self.is_consumer_group() && self.members.values().any(|member| self.member_subscribes(member, topic))
    }

    fn member_subscribes(&self, member: &Member, topic: &str) -> bool {
        let mut metadata = match &self.protocol {
            Some(protocol) => member.metadata(protocol),
            None => member.protocols.first().map(|first| first.metadata.clone()).unwrap_or_default(),
        };
        if metadata.remaining() < 2 {
            return true;
        }
        let version = metadata.get_i16().clamp(0, ConsumerProtocolSubscription::VERSION_MAX);
        match ConsumerProtocolSubscription::from_bytes(metadata, version) {
            Ok(subscription) => subscription.topics.iter().any(|subscribed| subscribed == topic),
            Err(_) => true,
        }
    }
}
