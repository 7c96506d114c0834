//! Rebalances and everything that time does to a group.

use super::{Answer, Effect, Group, Initial, JoinAnswer, Moment, Rebalance, State, Storing, SyncAnswer};
use crate::protocol::ErrorCode;

impl Group {
    /// Asks all members to rejoin. Waiting `SyncGroup`s are answered with 27.
    pub(super) fn prepare_rebalance(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if matches!(self.state, State::PreparingRebalance | State::Dead) {
            return;
        }
        if self.state == State::CompletingRebalance {
            self.answer_syncs(ErrorCode::RebalanceInProgress, now, effects);
        }
        self.sync_deadline = None;
        let timeout_ms = self.rebalance_timeout_ms();
        let rebalance = if self.state == State::Empty && self.limits.initial_rebalance_delay_ms > 0 {
            let delay_ms = self.limits.initial_rebalance_delay_ms;
            let initial = Initial { remaining_ms: timeout_ms.saturating_sub(delay_ms), member_added: false };
            Rebalance { deadline: now.tick_ms.saturating_add(delay_ms), initial: Some(initial) }
        } else {
            Rebalance { deadline: now.tick_ms.saturating_add(timeout_ms), initial: None }
        };
        self.rebalance = Some(rebalance);
        self.enter(State::PreparingRebalance, now);
        self.complete_join_if_ready(now, effects);
    }

    /// Completes the join when everybody is there. The first rebalance always waits its delay out.
    pub(super) fn complete_join_if_ready(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(Rebalance { initial: None, .. }) = self.rebalance else { return };
        if self.pending.is_empty() && self.members.values().all(|member| member.joining.is_some()) {
            self.complete_join(now, effects);
        }
    }

    /// Ends the waiting: who has not rejoined is out, unless static; the others form the next generation.
    fn complete_join(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let absent = |member: &&super::Member| member.joining.is_none() && member.instance_id.is_none();
        let gone: Vec<String> =
            self.members.values().filter(absent).map(|member| member.id.clone()).collect();
        for id in gone {
            self.drop_member(&id, ErrorCode::UnknownMemberId, effects);
        }
        if self.members.is_empty() {
            self.rebalance = None;
            self.next_generation();
            self.protocol = None;
            self.leader = None;
            self.enter(State::Empty, now);
            self.store(Storing::Emptied, effects);
            return;
        }
        let rejoined = |id: &String| self.members.get(id).is_some_and(|member| member.joining.is_some());
        let leader =
            self.leader.clone().filter(rejoined).or_else(|| self.earliest(|member| member.joining.is_some()));
        if leader.is_none() {
            // Only static members are left and none has come back yet.
            let deadline = now.tick_ms.saturating_add(self.rebalance_timeout_ms());
            self.rebalance = Some(Rebalance { deadline, initial: None });
            return;
        }
        self.leader = leader;
        self.rebalance = None;
        self.next_generation();
        self.protocol = self.choose_protocol();
        self.sync_deadline = Some(now.tick_ms.saturating_add(self.rebalance_timeout_ms()));
        self.enter(State::CompletingRebalance, now);
        let waiting: Vec<String> = self.members.keys().cloned().collect();
        for id in waiting {
            let answer = self.joined(&id);
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.assignment = bytes::Bytes::new();
            member.new_until = None;
            member.owes_sync = member.joining.is_some();
            if let Some(ticket) = member.joining.take() {
                member.touch(now.tick_ms);
                effects.push(Effect::Reply(ticket, Answer::Join(answer)));
            }
        }
    }

    /// Generations count from 1 and start again when the number is used up.
    fn next_generation(&mut self) {
        self.generation = self.generation.checked_add(1).unwrap_or(1);
    }

    /// The longest rebalance timeout of the members, at least 1 ms.
    fn rebalance_timeout_ms(&self) -> u64 {
        self.members.values().map(super::Member::rebalance_ms).max().unwrap_or(1)
    }

    /// Answers all parked `SyncGroup`s with `error` and forgets assignments.
    pub(super) fn answer_syncs(&mut self, error: ErrorCode, now: Moment, effects: &mut Vec<Effect>) {
        for member in self.members.values_mut() {
            member.assignment = bytes::Bytes::new();
            if let Some(ticket) = member.syncing.take() {
                member.touch(now.tick_ms);
                effects.push(Effect::Reply(ticket, Answer::Sync(SyncAnswer::refused(error))));
            }
        }
    }

    /// Takes a member out and lets the group react.
    pub(super) fn remove_member(
        &mut self,
        id: &str,
        reason: ErrorCode,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        self.drop_member(id, reason, effects);
        self.members_changed(now, effects);
    }

    /// After members were taken out: rebalance, or complete the one that waited for them.
    pub(super) fn members_changed(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        match self.state {
            State::Stable | State::CompletingRebalance => self.prepare_rebalance(now, effects),
            State::PreparingRebalance => self.complete_join_if_ready(now, effects),
            State::Empty | State::Dead => {}
        }
    }

    /// Takes a member out; what it waits for is answered with `reason`. The leader's part goes to the earliest left.
    pub(super) fn drop_member(&mut self, id: &str, reason: ErrorCode, effects: &mut Vec<Effect>) {
        let Some(member) = self.members.remove(id) else { return };
        if let Some(instance) = &member.instance_id
            && self.statics.get(instance).is_some_and(|holder| holder == id)
        {
            self.statics.remove(instance);
        }
        if let Some(ticket) = member.joining {
            effects.push(Effect::Reply(ticket, Answer::Join(JoinAnswer::refused(reason, id))));
        }
        if let Some(ticket) = member.syncing {
            effects.push(Effect::Reply(ticket, Answer::Sync(SyncAnswer::refused(reason))));
        }
        if self.leader.as_deref() == Some(id) {
            self.leader = self.earliest(|_| true);
        }
    }

    /// When [`super::Event::Tick`] is due; after every event it lies in the future.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let members = self.members.values().filter_map(super::Member::deadline);
        let pending = self.pending.values().copied();
        let rebalance = self.rebalance.map(|rebalance| rebalance.deadline);
        members.chain(pending).chain(rebalance).chain(self.sync_deadline).min()
    }

    /// Does what is due. Every round removes a deadline or moves it into the future, so the loop ends.
    pub(super) fn expire(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        while self.deadline().is_some_and(|deadline| deadline <= now.tick_ms) {
            self.expire_pending(now, effects);
            self.expire_sessions(now, effects);
            self.expire_rebalance(now, effects);
            self.expire_sync(now, effects);
        }
    }

    fn expire_pending(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let before = self.pending.len();
        self.pending.retain(|_, deadline| *deadline > now.tick_ms);
        if self.pending.len() < before {
            self.complete_join_if_ready(now, effects);
        }
    }

    fn expire_sessions(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let due = |member: &&super::Member| member.deadline().is_some_and(|deadline| deadline <= now.tick_ms);
        let gone: Vec<String> = self.members.values().filter(due).map(|member| member.id.clone()).collect();
        if gone.is_empty() {
            return;
        }
        for id in gone {
            self.drop_member(&id, ErrorCode::UnknownMemberId, effects);
        }
        self.members_changed(now, effects);
    }

    fn expire_rebalance(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(rebalance) = self.rebalance else { return };
        if rebalance.deadline > now.tick_ms {
            return;
        }
        match rebalance.initial {
            Some(Initial { remaining_ms, member_added: true }) if remaining_ms > 0 => {
                let delay_ms = self.limits.initial_rebalance_delay_ms.min(remaining_ms);
                let initial = Initial { remaining_ms: remaining_ms - delay_ms, member_added: false };
                let deadline = now.tick_ms.saturating_add(delay_ms);
                self.rebalance = Some(Rebalance { deadline, initial: Some(initial) });
            }
            _ => self.complete_join(now, effects),
        }
    }

    /// Members that were told the generation and never asked for their assignment are removed.
    fn expire_sync(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if self.sync_deadline.is_none_or(|deadline| deadline > now.tick_ms) {
            return;
        }
        self.sync_deadline = None;
        let silent: Vec<String> =
            self.members.values().filter(|member| member.owes_sync).map(|member| member.id.clone()).collect();
        if silent.is_empty() {
            return;
        }
        for id in silent {
            self.drop_member(&id, ErrorCode::UnknownMemberId, effects);
        }
        self.members_changed(now, effects);
    }

    /// Answers everything that waits with 15 and accepts nothing any more.
    pub(super) fn close(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let reason = ErrorCode::CoordinatorNotAvailable;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            self.drop_member(&id, reason, effects);
        }
        for (_, storing) in std::mem::take(&mut self.storing) {
            if let Storing::Replacement { ticket, answer } = storing {
                let refused = JoinAnswer::refused(reason, answer.member_id);
                effects.push(Effect::Reply(ticket, Answer::Join(refused)));
            }
        }
        self.pending.clear();
        self.rebalance = None;
        self.sync_deadline = None;
        self.enter(State::Dead, now);
    }
}
