//! Fields: which belong together, and what changed between two that do.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use serde_json::Value;

use super::ChangeKind;
use super::walk::{Breaks, Pair, Part, Walk};
use crate::avro::explain::matches;
use crate::avro::located::{Located, Side};
use crate::avro::node::{Field, NodeId, Order, RecordNode};

/// What a field of the reader reads of the writer's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// The field it belongs to.
    Partner,
    /// No field.
    Nothing { has_default: bool },
    /// Another field, of this type.
    Other(NodeId),
    /// Several fields.
    Ambiguous,
}

impl Reading {
    pub(super) fn of(field: &Field, writer: &RecordNode, partner: Option<usize>) -> Self {
        match matches(field, writer).as_slice() {
            [] => Self::Nothing { has_default: field.default.is_some() },
            [one] => match writer.field(one) {
                Some((index, _)) if Some(index) == partner => Self::Partner,
                Some((_, other)) => Self::Other(other.schema),
                None => Self::Nothing { has_default: field.default.is_some() },
            },
            _ => Self::Ambiguous,
        }
    }

    pub(super) fn is_partner(&self) -> bool {
        *self == Self::Partner
    }
}

/// For each new field the position of the old one it belongs to: of the same name, else named by one of its aliases, else
/// one with an alias that names it. No old field belongs to two.
pub(super) fn partners(old: &RecordNode, new: &RecordNode) -> Vec<Option<usize>> {
    let by_name = |field: &Field| old.field(&field.name).map(|(index, _)| index);
    let mut partners: Vec<Option<usize>> = new.fields.iter().map(by_name).collect();
    let mut taken: HashSet<usize> = partners.iter().copied().flatten().collect();
    let mut old_aliases: HashMap<&str, usize> = HashMap::new();
    for (index, field) in old.fields.iter().enumerate() {
        for alias in &field.aliases {
            old_aliases.entry(alias).or_insert(index);
        }
    }
    for (field, partner) in new.fields.iter().zip(&mut partners) {
        if partner.is_some() {
            continue;
        }
        let by_alias = field.aliases.iter().filter_map(|alias| old.field(alias).map(|(index, _)| index));
        let candidates = by_alias.chain(old_aliases.get(field.name.as_str()).copied());
        *partner = candidates.into_iter().find(|index| taken.insert(*index));
    }
    partners
}

/// The new fields that do not keep their place among those with a partner: all but a longest run in the old order.
pub(super) fn moved(partners: &[Option<usize>]) -> HashSet<usize> {
    let kept: Vec<(usize, usize)> =
        partners.iter().enumerate().filter_map(|(new, old)| old.map(|old| (new, old))).collect();
    // tails[n]: the entry of `kept` that ends the run of length n + 1 with the smallest old position
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(kept.len());
    let old_of = |entry: usize| kept.get(entry).map_or(0, |(_, old)| *old);
    for (entry, (_, old)) in kept.iter().enumerate() {
        let length = tails.partition_point(|tail| old_of(*tail) < *old);
        before.push(length.checked_sub(1).and_then(|shorter| tails.get(shorter).copied()));
        tails.truncate(length.max(tails.len()));
        match tails.get_mut(length) {
            Some(tail) => *tail = entry,
            None => tails.push(entry),
        }
    }
    let mut still: HashSet<usize> = HashSet::new();
    let mut at = tails.last().copied();
    while let Some(entry) = at {
        still.extend(kept.get(entry).map(|(new, _)| *new));
        at = before.get(entry).copied().flatten();
    }
    kept.iter().map(|(new, _)| *new).filter(|new| !still.contains(new)).collect()
}

/// Lists without repetitions, compared in any order.
pub(super) fn same_set<T: Eq + Hash>(left: &[T], right: &[T]) -> bool {
    left == right || left.iter().collect::<HashSet<_>>() == right.iter().collect::<HashSet<_>>()
}

impl Walk<'_> {
    /// What changed on a field itself. `breaks` is what the names and aliases alone do.
    pub(super) fn field_pair(
        &mut self,
        pair: Pair,
        (at, index): (usize, usize),
        (old, new): (&Field, &Field),
        breaks: Breaks,
    ) {
        let part: Part = (Some(at), Some(index));
        let in_field =
            |located: &Located<'_>, id: NodeId, index: usize, key: &str, json: Option<Value>| -> Side {
                located.part(id, &format!("fields/{index}/{key}"), json)
            };
        let sides = |walk: &Self, key: &str, before: Option<Value>, after: Option<Value>| {
            let old = in_field(walk.old, pair.0, at, key, before);
            (old, in_field(walk.new, pair.1, index, key, after))
        };
        let renamed = old.name != new.name;
        if renamed {
            self.emit(ChangeKind::FieldRenamed, pair, part, breaks, |walk| {
                sides(walk, "name", Some(old.name.as_str().into()), Some(new.name.as_str().into()))
            });
        }
        if old.default != new.default {
            let kind = match (&old.default, &new.default) {
                (None, _) => ChangeKind::DefaultAdded,
                (_, None) => ChangeKind::DefaultRemoved,
                _ => ChangeKind::DefaultChanged,
            };
            self.emit(kind, pair, part, Breaks::NONE, |walk| {
                sides(walk, "default", old.default.clone(), new.default.clone())
            });
        }
        if old.order != new.order {
            let word = |order: Order| (order != Order::Ascending).then(|| order.as_str().into());
            self.emit(ChangeKind::OrderChanged, pair, part, Breaks::NONE, |walk| {
                sides(walk, "order", word(old.order), word(new.order))
            });
        }
        if old.doc != new.doc {
            self.emit(ChangeKind::DocChanged, pair, part, Breaks::NONE, |walk| {
                let text = |doc: &Option<String>| doc.as_deref().map(Value::from);
                sides(walk, "doc", text(&old.doc), text(&new.doc))
            });
        }
        if !same_set(&old.aliases, &new.aliases) {
            let list = |aliases: &[String]| {
                (!aliases.is_empty()).then(|| aliases.iter().map(String::as_str).collect::<Value>())
            };
            // an alias may be what makes a field match twice
            let breaks = if renamed { Breaks::NONE } else { breaks };
            self.emit(ChangeKind::AliasesChanged, pair, part, breaks, |walk| {
                sides(walk, "aliases", list(&old.aliases), list(&new.aliases))
            });
        }
        self.props(pair, part, &old.props, &new.props, |walk| {
            let old = walk.old.part(pair.0, &format!("fields/{at}"), None);
            (old, walk.new.part(pair.1, &format!("fields/{index}"), None))
        });
    }
}
