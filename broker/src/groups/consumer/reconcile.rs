//! One step of a member towards its target.

use super::{Assignment, Change, ConsumerGroup, LEAVE_STATIC_EPOCH, MemberState, Registered};
use crate::groups::state::Moment;

impl ConsumerGroup {
    /// Takes `id` a step further, given what it says it owns; true when its assignment changed.
    pub(super) fn reconcile(&mut self, id: &str, owned: Option<&Assignment>, now: Moment) -> bool {
        let Some(before) = self.members.get(id) else { return false };
        let target = self.target.get(id).cloned().unwrap_or_default();
        let moves = match before.state {
            MemberState::Stable => before.epoch != self.target_epoch,
            MemberState::Unrevoked => owned.is_some_and(|owned| !overlaps(owned, &before.revoking)),
            MemberState::Unreleased => true,
        };
        if !moves {
            return false;
        }
        let after = self.next_step(before, &target, owned, now);
        let assigned = after.assigned != before.assigned;
        let recorded = after.epoch == before.epoch
            && after.previous_epoch == before.previous_epoch
            && after.state == before.state
            && after.revoking == before.revoking
            && !assigned;
        if !recorded {
            self.changes.insert(Change::Current(id.to_owned()));
        }
        self.members.insert(id.to_owned(), after);
        assigned
    }

    fn next_step(
        &self,
        before: &Registered,
        target: &Assignment,
        owned: Option<&Assignment>,
        now: Moment,
    ) -> Registered {
        let kept = intersection(&before.assigned, target);
        let revoking = difference(&before.assigned, target);
        let mut member = before.clone();
        let may_still_own = owned.is_none_or(|owned| overlaps(owned, &revoking));
        if !revoking.is_empty() && may_still_own {
            member.assigned = kept;
            member.revoking = revoking;
            member.state = MemberState::Unrevoked;
            member.revoking_until = None;
            member.revoke_until(now);
            return member;
        }
        let wanted = difference(target, &kept);
        let free = self.free(&before.id, &wanted);
        let complete = free == wanted;
        member.assigned = union(kept, free);
        member.revoking = Assignment::new();
        member.revoking_until = None;
        member.state = if complete { MemberState::Stable } else { MemberState::Unreleased };
        if member.epoch != self.target_epoch {
            member.previous_epoch = member.epoch;
            member.epoch = self.target_epoch;
        }
        member
    }

    /// The partitions of `wanted` that nobody else owns or is giving up.
    fn free(&self, id: &str, wanted: &Assignment) -> Assignment {
        let others: Vec<&Registered> = self.members.values().filter(|member| member.id != id).collect();
        filtered(wanted, |topic, partition| {
            !others.iter().any(|member| {
                contains(&member.assigned, topic, partition) || contains(&member.revoking, topic, partition)
            })
        })
    }

    /// Whether every member is where it should be.
    pub(crate) fn is_settled(&self) -> bool {
        self.epoch == self.target_epoch
            && self.members.values().all(|member| {
                member.epoch == LEAVE_STATIC_EPOCH
                    || (member.state == MemberState::Stable && member.epoch == self.target_epoch)
            })
    }
}

fn contains(assignment: &Assignment, topic: uuid::Uuid, partition: i32) -> bool {
    assignment.get(&topic).is_some_and(|partitions| partitions.contains(&partition))
}

/// The partitions for which `keep` holds; no empty topics.
fn filtered(assignment: &Assignment, keep: impl Fn(uuid::Uuid, i32) -> bool) -> Assignment {
    let mut kept = Assignment::new();
    for (topic, partitions) in assignment {
        let partitions: std::collections::BTreeSet<i32> =
            partitions.iter().copied().filter(|partition| keep(*topic, *partition)).collect();
        if !partitions.is_empty() {
            kept.insert(*topic, partitions);
        }
    }
    kept
}

fn intersection(left: &Assignment, right: &Assignment) -> Assignment {
    filtered(left, |topic, partition| contains(right, topic, partition))
}

fn difference(left: &Assignment, right: &Assignment) -> Assignment {
    filtered(left, |topic, partition| !contains(right, topic, partition))
}

fn union(mut left: Assignment, right: Assignment) -> Assignment {
    for (topic, partitions) in right {
        left.entry(topic).or_default().extend(partitions);
    }
    left
}

fn overlaps(left: &Assignment, right: &Assignment) -> bool {
    !intersection(left, right).is_empty()
}
