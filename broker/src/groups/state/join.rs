//! `JoinGroup`.

use super::member::{Member, Protocol, positive};
use super::{Answer, Effect, Group, Initial, Join, JoinAnswer, JoinedMember, Moment, State, Storing, Ticket};
use crate::protocol::ErrorCode;

impl Group {
    pub(super) fn join(&mut self, join: Join, now: Moment, effects: &mut Vec<Effect>) {
        let ticket = join.ticket;
        if let Err((error, member_id)) = self.admit(join, now, effects) {
            effects.push(Effect::Reply(ticket, Answer::Join(JoinAnswer::refused(error, member_id))));
        }
        self.complete_join_if_ready(now, effects);
    }

    /// The checks in Kafka's order; an error comes with the member id to answer.
    fn admit(
        &mut self,
        join: Join,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), (ErrorCode, String)> {
        let member_id = join.identity.member_id.clone();
        if self.state == State::Dead {
            return Err((ErrorCode::CoordinatorNotAvailable, member_id));
        }
        if !self.has_room(&member_id) {
            if self.members.contains_key(&member_id) {
                self.remove_member(&member_id, ErrorCode::GroupMaxSizeReached, now, effects);
            }
            return Err((ErrorCode::GroupMaxSizeReached, String::new()));
        }
        if !self.can_follow(&join) {
            return Err((ErrorCode::InconsistentGroupProtocol, member_id));
        }
        if !member_id.is_empty() {
            return self.join_known(join, now, effects).map_err(|error| (error, member_id));
        }
        if let Some(instance) = join.identity.instance_id.clone() {
            if let Some(old) = self.statics.get(&instance).cloned() {
                self.replace_static(&old, join, now, effects);
            } else {
                self.add_member(join, now, effects);
            }
        } else if join.member_id_required {
            if self.pending.len() >= self.limits.members_max {
                return Err((ErrorCode::GroupMaxSizeReached, String::new()));
            }
            let deadline = now.tick_ms.saturating_add(positive(join.session_timeout_ms));
            self.pending.insert(join.fresh_member_id.clone(), deadline);
            return Err((ErrorCode::MemberIdRequired, join.fresh_member_id));
        } else {
            self.add_member(join, now, effects);
        }
        Ok(())
    }

    /// `group.max.size`. While members rejoin, those that already wait count, so that a lowered limit sheds the last.
    fn has_room(&self, member_id: &str) -> bool {
        let known = self.members.get(member_id);
        match self.state {
            State::Empty | State::Dead => true,
            State::PreparingRebalance => {
                let waiting = self.members.values().filter(|member| member.joining.is_some()).count();
                known.is_some_and(|member| member.joining.is_some()) || waiting < self.limits.members_max
            }
            State::CompletingRebalance | State::Stable => {
                known.is_some() || self.members.len() < self.limits.members_max
            }
        }
    }

    /// The protocol type is the group's, and one of the protocols is common to all members.
    fn can_follow(&self, join: &Join) -> bool {
        if self.state == State::Empty {
            return !join.protocol_type.is_empty() && !join.protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(&join.protocol_type)
            && join
                .protocols
                .iter()
                .any(|wanted| self.members.values().all(|member| member.follows(&wanted.name)))
    }

    fn join_known(&mut self, join: Join, now: Moment, effects: &mut Vec<Effect>) -> Result<(), ErrorCode> {
        let member_id = join.identity.member_id.clone();
        if join.identity.instance_id.is_none() && self.pending.contains_key(&member_id) {
            self.add_member(join, now, effects);
            return Ok(());
        }
        self.check_member(&join.identity)?;
        let unchanged = self.members.get(&member_id).is_some_and(|member| member.protocols == join.protocols);
        match self.state {
            State::PreparingRebalance => self.update_member(join, now, effects),
            State::CompletingRebalance if unchanged => self.answer_current(&join, now, effects),
            State::Stable if unchanged && self.leader.as_ref() != Some(&member_id) => {
                self.answer_current(&join, now, effects);
            }
            State::CompletingRebalance | State::Stable => {
                self.update_member(join, now, effects);
                self.prepare_rebalance(now, effects);
            }
            State::Empty | State::Dead => return Err(ErrorCode::UnknownMemberId),
        }
        Ok(())
    }

    /// Lets a new member in and starts a rebalance.
    fn add_member(&mut self, join: Join, now: Moment, effects: &mut Vec<Effect>) {
        let known = join.identity.member_id;
        let id = if known.is_empty() { join.fresh_member_id } else { known };
        self.pending.remove(&id);
        if self.members.is_empty() {
            self.protocol_type = Some(join.protocol_type);
        }
        if self.leader.is_none() {
            self.leader = Some(id.clone());
        }
        if let Some(instance) = &join.identity.instance_id {
            self.statics.insert(instance.clone(), id.clone());
        }
        let mut member = Member {
            id: id.clone(),
            instance_id: join.identity.instance_id,
            client_id: join.client_id,
            client_host: join.client_host,
            session_timeout_ms: join.session_timeout_ms,
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            protocols: join.protocols,
            assignment: bytes::Bytes::new(),
            order: self.next_join,
            joining: Some(join.ticket),
            syncing: None,
            owes_sync: false,
            new_until: Some(now.tick_ms.saturating_add(self.limits.new_member_join_timeout_ms)),
            session_until: 0,
        };
        member.touch(now.tick_ms);
        self.next_join += 1;
        self.members.insert(id, member);
        if let Some(Initial { member_added, .. }) =
            self.rebalance.as_mut().and_then(|rebalance| rebalance.initial.as_mut())
        {
            *member_added = true;
        }
        self.prepare_rebalance(now, effects);
    }

    /// Parks the `JoinGroup` of a member and takes over what it says.
    fn update_member(&mut self, join: Join, now: Moment, effects: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(&join.identity.member_id) else { return };
        member.protocols = join.protocols;
        member.session_timeout_ms = join.session_timeout_ms;
        member.rebalance_timeout_ms = join.rebalance_timeout_ms;
        member.touch(now.tick_ms);
        if let Some(earlier) = member.joining.replace(join.ticket) {
            supersede(earlier, &join.identity.member_id, effects);
        }
    }

    /// Answers with the generation that stands.
    fn answer_current(&mut self, join: &Join, now: Moment, effects: &mut Vec<Effect>) {
        let member_id = &join.identity.member_id;
        if let Some(member) = self.members.get_mut(member_id) {
            member.touch(now.tick_ms);
        }
        effects.push(Effect::Reply(join.ticket, Answer::Join(self.joined(member_id))));
    }

    /// A static member came back under a new member id.
    fn replace_static(&mut self, old: &str, join: Join, now: Moment, effects: &mut Vec<Effect>) {
        let Some(mut member) = self.members.remove(old) else { return };
        let fenced = ErrorCode::FencedInstanceId;
        if let Some(ticket) = member.joining.take() {
            effects.push(Effect::Reply(ticket, Answer::Join(JoinAnswer::refused(fenced, old))));
        }
        if let Some(ticket) = member.syncing.take() {
            effects.push(Effect::Reply(ticket, Answer::Sync(super::SyncAnswer::refused(fenced))));
        }
        let id = join.fresh_member_id;
        let ticket = join.ticket;
        let led = self.leader.as_deref() == Some(old);
        member.id.clone_from(&id);
        member.client_id = join.client_id;
        member.client_host = join.client_host;
        member.protocols = join.protocols;
        member.session_timeout_ms = join.session_timeout_ms;
        member.rebalance_timeout_ms = join.rebalance_timeout_ms;
        member.touch(now.tick_ms);
        member.joining = Some(ticket);
        if let Some(instance) = join.identity.instance_id {
            self.statics.insert(instance, id.clone());
        }
        self.members.insert(id.clone(), member);
        if led {
            self.leader = Some(id.clone());
        }
        match self.state {
            State::Stable if self.protocol.is_some() && self.choose_protocol() == self.protocol => {
                if let Some(member) = self.members.get_mut(&id) {
                    member.joining = None;
                    member.new_until = None;
                }
                let mut answer = self.joined(&id);
                if join.skip_assignment {
                    answer.skip_assignment = led;
                } else {
                    // Before v9 the only way to keep the leader from assigning anew is to name its predecessor.
                    answer.members.clear();
                    if led {
                        old.clone_into(&mut answer.leader);
                    }
                }
                self.store(Storing::Replacement { ticket, answer }, effects);
            }
            State::Stable | State::CompletingRebalance => self.prepare_rebalance(now, effects),
            State::PreparingRebalance | State::Empty | State::Dead => {}
        }
    }

    /// The success answer for a member in the generation that stands.
    pub(super) fn joined(&self, member_id: &str) -> JoinAnswer {
        let leader = self.leader.clone().unwrap_or_default();
        let protocol = self.protocol.clone().unwrap_or_default();
        let members = if leader == member_id {
            let seen = self.members.values().map(|member| JoinedMember {
                member_id: member.id.clone(),
                instance_id: member.instance_id.clone(),
                metadata: member.metadata(&protocol),
            });
            seen.collect()
        } else {
            Vec::new()
        };
        JoinAnswer {
            error: ErrorCode::None,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader,
            skip_assignment: false,
            member_id: member_id.to_owned(),
            members,
        }
    }

    /// The vote: among the protocols common to all, each member's first counts; most votes win, a tie goes to the
    /// protocol the earliest member prefers.
    pub(super) fn choose_protocol(&self) -> Option<String> {
        let common = |protocol: &Protocol| self.members.values().all(|member| member.follows(&protocol.name));
        let first = self.earliest(|_| true)?;
        let mut tally: Vec<(&str, usize)> = self
            .members
            .get(&first)?
            .protocols
            .iter()
            .filter(|protocol| common(protocol))
            .map(|protocol| (protocol.name.as_str(), 0))
            .collect();
        for member in self.members.values() {
            let vote = member.protocols.iter().find(|protocol| common(protocol));
            if let Some(entry) = vote.and_then(|vote| tally.iter_mut().find(|(name, _)| *name == vote.name)) {
                entry.1 += 1;
            }
        }
        let best = tally.iter().map(|(_, votes)| *votes).max()?;
        tally.iter().find(|(_, votes)| *votes == best).map(|(name, _)| (*name).to_owned())
    }
}

/// Answers a `JoinGroup` that the same member has repeated.
fn supersede(earlier: Ticket, member_id: &str, effects: &mut Vec<Effect>) {
    let answer = JoinAnswer::refused(ErrorCode::RebalanceInProgress, member_id);
    effects.push(Effect::Reply(earlier, Answer::Join(answer)));
}
