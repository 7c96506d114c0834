//! Server-side assignors: which member should own which partition.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assignment, Registered, TopicShape};

/// An assignor by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assignor {
    /// Even over all topics; moves as little as it can.
    Uniform,
    /// Even per topic, in ranges, the same for topics with the same number of partitions.
    Range,
}

impl Assignor {
    /// The name in requests and descriptions.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// The assignor of a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Uniform, Self::Range].into_iter().find(|assignor| assignor.name() == name)
    }
}

/// The target of every member. Each partition of each topic that has a subscriber goes to exactly one of them.
pub(super) fn assign(
    assignor: Assignor,
    members: &BTreeMap<String, Registered>,
    topics: &BTreeMap<String, TopicShape>,
    before: &BTreeMap<String, Assignment>,
) -> BTreeMap<String, Assignment> {
    let subscribers: Vec<(TopicShape, Vec<&str>)> = topics
        .iter()
        .map(|(name, shape)| {
            let subscribers = members.values().filter(|member| member.wants(name));
            (*shape, subscribers.map(|member| member.id.as_str()).collect())
        })
        .collect();
    let mut target: BTreeMap<String, Assignment> =
        members.keys().map(|id| (id.clone(), Assignment::new())).collect();
    let owners = match assignor {
        Assignor::Uniform => uniform(&subscribers, before),
        Assignor::Range => range(&subscribers),
    };
    for (topic, partition, member) in owners {
        if let Some(assignment) = target.get_mut(member) {
            assignment.entry(topic).or_insert_with(BTreeSet::new).insert(partition);
        }
    }
    target
}

type Owners<'a> = Vec<(uuid::Uuid, i32, &'a str)>;

fn range<'a>(topics: &[(TopicShape, Vec<&'a str>)]) -> Owners<'a> {
    let mut owners = Vec::new();
    for (shape, subscribers) in topics {
        let partitions: Vec<i32> = shape.all().collect();
        let mut rest = partitions.as_slice();
        for (index, member) in subscribers.iter().enumerate() {
            let share = rest.len().div_ceil(subscribers.len() - index);
            let (own, others) = rest.split_at(share);
            owners.extend(own.iter().map(|partition| (shape.id, *partition, *member)));
            rest = others;
        }
    }
    owners
}

/// Owners stay where they may; free partitions go to the least loaded subscriber; then, in one pass, partitions move
/// from owners that have at least two more than the least loaded subscriber. One pass is enough when all subscribe to
/// the same topics: the smallest load never falls, and an owner grows only from it.
fn uniform<'a>(topics: &[(TopicShape, Vec<&'a str>)], before: &BTreeMap<String, Assignment>) -> Owners<'a> {
    let mut load: BTreeMap<&str, usize> = BTreeMap::new();
    let mut owners: Vec<(usize, i32, &'a str)> = Vec::new();
    let mut free: Vec<(usize, i32)> = Vec::new();
    for (index, (shape, subscribers)) in topics.iter().enumerate() {
        let mut kept: BTreeMap<i32, &'a str> = BTreeMap::new();
        for member in subscribers {
            load.entry(member).or_default();
            let own = before.get(*member).and_then(|assignment| assignment.get(&shape.id));
            for partition in own.into_iter().flatten().filter(|partition| **partition < shape.partitions) {
                kept.entry(*partition).or_insert(member);
            }
        }
        for partition in shape.all().filter(|_| !subscribers.is_empty()) {
            match kept.get(&partition) {
                Some(member) => {
                    *load.entry(member).or_default() += 1;
                    owners.push((index, partition, member));
                }
                None => free.push((index, partition)),
            }
        }
    }
    let least = |load: &BTreeMap<&str, usize>, index: usize| -> Option<(&'a str, usize)> {
        let (_, subscribers) = topics.get(index)?;
        subscribers
            .iter()
            .map(|member| (*member, load.get(member).copied().unwrap_or(0)))
            .min_by_key(|(_, count)| *count)
    };
    for (index, partition) in free {
        if let Some((member, _)) = least(&load, index) {
            *load.entry(member).or_default() += 1;
            owners.push((index, partition, member));
        }
    }
    for (index, _, owner) in &mut owners {
        let own = load.get(owner).copied().unwrap_or(0);
        if let Some((member, count)) = least(&load, *index)
            && own >= count + 2
        {
            load.entry(owner).and_modify(|count| *count -= 1);
            load.entry(member).and_modify(|count| *count += 1);
            *owner = member;
        }
    }
    let named = |(index, partition, owner): (usize, i32, &'a str)| {
        topics.get(index).map(|(shape, _)| (shape.id, partition, owner))
    };
    owners.into_iter().filter_map(named).collect()
}
