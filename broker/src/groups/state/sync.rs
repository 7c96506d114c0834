//! `SyncGroup`, Heartbeat, `LeaveGroup`, and the outcome of writes.

use std::collections::BTreeMap;

use super::{Answer, Effect, Group, Identity, JoinAnswer, Moment, State, Storing, Sync, SyncAnswer, Ticket};
use crate::protocol::ErrorCode;

impl Group {
    pub(super) fn sync(&mut self, sync: Sync, now: Moment, effects: &mut Vec<Effect>) {
        let ticket = sync.ticket;
        let answer = match self.check_sync(&sync) {
            Ok(State::CompletingRebalance) => {
                self.park_sync(sync, effects);
                return;
            }
            Ok(_) => self.synced(&sync.identity.member_id, now),
            Err(error) => SyncAnswer::refused(error),
        };
        effects.push(Effect::Reply(ticket, Answer::Sync(answer)));
    }

    /// The checks in Kafka's order; on success the state, completing or stable.
    fn check_sync(&self, sync: &Sync) -> Result<State, ErrorCode> {
        if self.state == State::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        self.check_member(&sync.identity)?;
        if sync.generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        let differs = |told: &Option<String>, own: &Option<String>| told.is_some() && told != own;
        if differs(&sync.protocol_type, &self.protocol_type) || differs(&sync.protocol_name, &self.protocol) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match self.state {
            State::CompletingRebalance | State::Stable => Ok(self.state),
            State::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            State::Empty | State::Dead => Err(ErrorCode::UnknownMemberId),
        }
    }

    /// Parks a `SyncGroup`; the leader's starts the write of the generation.
    fn park_sync(&mut self, sync: Sync, effects: &mut Vec<Effect>) {
        let id = sync.identity.member_id;
        let Some(member) = self.members.get_mut(&id) else { return };
        member.owes_sync = false;
        if let Some(earlier) = member.syncing.replace(sync.ticket) {
            let answer = SyncAnswer::refused(ErrorCode::RebalanceInProgress);
            effects.push(Effect::Reply(earlier, Answer::Sync(answer)));
        }
        self.settle_sync_deadline();
        let current = self.generation;
        let under_way = self.storing.values().any(
            |storing| matches!(storing, Storing::Assignment { generation, .. } if *generation == current),
        );
        if self.leader.as_ref() == Some(&id) && !under_way {
            let mut assignments: BTreeMap<String, bytes::Bytes> = sync.assignments.into_iter().collect();
            assignments.retain(|member, _| self.members.contains_key(member));
            self.store(Storing::Assignment { generation: current, assignments }, effects);
        }
    }

    /// The assignment of a member in a stable generation.
    fn synced(&mut self, id: &str, now: Moment) -> SyncAnswer {
        let Some(member) = self.members.get_mut(id) else {
            return SyncAnswer::refused(ErrorCode::UnknownMemberId);
        };
        member.owes_sync = false;
        member.touch(now.tick_ms);
        let assignment = member.assignment.clone();
        self.settle_sync_deadline();
        self.assigned(assignment)
    }

    fn assigned(&self, assignment: bytes::Bytes) -> SyncAnswer {
        SyncAnswer {
            error: ErrorCode::None,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment,
        }
    }

    /// Nobody owes a `SyncGroup` any more: nothing to wait for.
    fn settle_sync_deadline(&mut self) {
        if !self.members.values().any(|member| member.owes_sync) {
            self.sync_deadline = None;
        }
    }

    pub(super) fn stored(
        &mut self,
        sequence: u64,
        error: Option<ErrorCode>,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        match self.storing.remove(&sequence) {
            Some(Storing::Assignment { generation, assignments })
                if self.state == State::CompletingRebalance && generation == self.generation =>
            {
                match error {
                    None => self.become_stable(&assignments, now, effects),
                    Some(error) => {
                        self.answer_syncs(error, now, effects);
                        self.prepare_rebalance(now, effects);
                    }
                }
            }
            Some(Storing::Replacement { ticket, answer }) => {
                let answer = match error {
                    None if answer.generation == self.generation => answer,
                    // A rebalance has overtaken the answer: the member asks again.
                    None => JoinAnswer::refused(ErrorCode::RebalanceInProgress, answer.member_id),
                    Some(error) => JoinAnswer::refused(error, String::new()),
                };
                effects.push(Effect::Reply(ticket, Answer::Join(answer)));
            }
            Some(Storing::Assignment { .. } | Storing::Emptied) | None => {}
        }
    }

    fn become_stable(
        &mut self,
        assignments: &BTreeMap<String, bytes::Bytes>,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        self.enter(State::Stable, now);
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let assignment = assignments.get(&id).cloned().unwrap_or_default();
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.assignment = assignment.clone();
            if let Some(ticket) = member.syncing.take() {
                member.touch(now.tick_ms);
                effects.push(Effect::Reply(ticket, Answer::Sync(self.assigned(assignment))));
            }
        }
    }

    pub(super) fn heartbeat(&mut self, identity: &Identity, generation: i32, now: Moment) -> ErrorCode {
        if self.state == State::Dead {
            return ErrorCode::CoordinatorNotAvailable;
        }
        if let Err(error) = self.check_member(identity) {
            return error;
        }
        if generation != self.generation {
            return ErrorCode::IllegalGeneration;
        }
        if let Some(member) = self.members.get_mut(&identity.member_id) {
            member.touch(now.tick_ms);
        }
        match self.state {
            State::PreparingRebalance => ErrorCode::RebalanceInProgress,
            State::CompletingRebalance | State::Stable => ErrorCode::None,
            State::Empty | State::Dead => ErrorCode::UnknownMemberId,
        }
    }

    pub(super) fn leave(
        &mut self,
        ticket: Ticket,
        leavers: &[Identity],
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        if self.state == State::Dead {
            let answer = Answer::Leave(Err(ErrorCode::CoordinatorNotAvailable));
            effects.push(Effect::Reply(ticket, answer));
            return;
        }
        let before = self.members.len();
        let mut codes = Vec::with_capacity(leavers.len());
        for leaver in leavers {
            codes.push(self.take_out(leaver, effects).err().unwrap_or(ErrorCode::None));
        }
        effects.push(Effect::Reply(ticket, Answer::Leave(Ok(codes))));
        if self.members.len() < before {
            self.members_changed(now, effects);
        } else {
            self.complete_join_if_ready(now, effects);
        }
    }

    /// Removes one leaver, without yet letting the group react.
    fn take_out(&mut self, leaver: &Identity, effects: &mut Vec<Effect>) -> Result<(), ErrorCode> {
        let id = if leaver.member_id.is_empty() {
            let instance = leaver.instance_id.as_ref().ok_or(ErrorCode::UnknownMemberId)?;
            self.statics.get(instance).cloned().ok_or(ErrorCode::UnknownMemberId)?
        } else if self.pending.remove(&leaver.member_id).is_some() {
            return Ok(());
        } else {
            self.check_member(leaver)?;
            leaver.member_id.clone()
        };
        self.drop_member(&id, ErrorCode::UnknownMemberId, effects);
        Ok(())
    }
}
