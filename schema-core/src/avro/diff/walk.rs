//! The walk over pairs of types that belong together.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::fields::{self, Reading};
use super::{CHANGES_MAX, Change, ChangeKind};
use crate::avro::check::{CheckError, PAIRS_MAX, check_from};
use crate::avro::explain::closest_branch;
use crate::avro::located::{Located, Side};
use crate::avro::node::{EnumNode, FixedNode, Kind, Node, NodeId, Props, RecordNode};

const TAGS: &str = "confluent:tags";
const LOGICAL: [&str; 3] = ["logicalType", "precision", "scale"];

pub(super) fn walk(old: &Located<'_>, new: &Located<'_>) -> Vec<Change> {
    let mut walk = Walk {
        old,
        new,
        changes: Vec::new(),
        known: HashMap::new(),
        visited: HashMap::new(),
        open: Vec::new(),
        pairs_left: PAIRS_MAX,
        steps_left: PAIRS_MAX,
    };
    let roots = (old.schema().root(), new.schema().root());
    walk.open.push((roots, Breaks { backward: true, forward: true }));
    while let Some((pair, live)) = walk.open.pop() {
        if walk.changes.len() >= CHANGES_MAX || walk.steps_left == 0 {
            break;
        }
        walk.steps_left -= 1;
        walk.pair(pair, live);
    }
    walk.changes
}

/// Two types that belong together: the old one and the new one.
pub(super) type Pair = (NodeId, NodeId);

/// In which directions something matters or breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Breaks {
    pub(super) backward: bool,
    pub(super) forward: bool,
}

impl Breaks {
    pub(super) const NONE: Self = Self { backward: false, forward: false };

    pub(super) fn and(self, other: Self) -> Self {
        Self { backward: self.backward && other.backward, forward: self.forward && other.forward }
    }
}

pub(super) struct Walk<'a> {
    pub(super) old: &'a Located<'a>,
    pub(super) new: &'a Located<'a>,
    changes: Vec<Change>,
    /// The changes by kind, pair and part: a type that is met again in a context where it matters more is walked again.
    known: HashMap<(ChangeKind, Pair, Part), usize>,
    visited: HashMap<Pair, Breaks>,
    pub(super) open: Vec<(Pair, Breaks)>,
    /// Pairs that checks may still visit; without any left nothing more is said to break.
    pairs_left: usize,
    /// Pairs that the walk itself may still visit.
    steps_left: usize,
}

/// The part of a pair that a change is about: positions in the old and the new type.
pub(super) type Part = (Option<usize>, Option<usize>);

const WHOLE: Part = (None, None);

impl Walk<'_> {
    pub(super) fn emit(
        &mut self,
        kind: ChangeKind,
        pair: Pair,
        part: Part,
        breaks: Breaks,
        sides: impl FnOnce(&Self) -> (Side, Side),
    ) {
        if let Some(change) = self.known.get(&(kind, pair, part)).and_then(|&at| self.changes.get_mut(at)) {
            change.breaks_backward |= breaks.backward;
            change.breaks_forward |= breaks.forward;
            return;
        }
        let (old, new) = sides(self);
        self.known.insert((kind, pair, part), self.changes.len());
        let Breaks { backward: breaks_backward, forward: breaks_forward } = breaks;
        self.changes.push(Change { kind, old, new, breaks_backward, breaks_forward });
    }

    /// Whether the new type `n` cannot read the old type `o`, and the other way round, where it matters.
    pub(super) fn breaks(&mut self, (o, n): Pair, live: Breaks) -> Breaks {
        let (old, new) = ((self.old.schema(), o), (self.new.schema(), n));
        let mut fails = |reader, writer| match check_from(reader, writer, &mut self.pairs_left) {
            Ok(found) => !found.is_empty(),
            Err(CheckError::Ambiguous(_)) => true,
            Err(CheckError::TooComplex) => false,
        };
        Breaks { backward: live.backward && fails(new, old), forward: live.forward && fails(old, new) }
    }

    fn pair(&mut self, pair: Pair, live: Breaks) {
        let (old, new) = (self.old, self.new);
        let (o, n) = (old.schema().node(pair.0), new.schema().node(pair.1));
        if o.name().is_some() && n.name().is_some() {
            if let Some(before) = self.visited.get(&pair) {
                let more = (live.backward && !before.backward) || (live.forward && !before.forward);
                if !more {
                    return;
                }
            }
            let before = self.visited.entry(pair).or_default();
            before.backward |= live.backward;
            before.forward |= live.forward;
        }
        match (o, n) {
            (Node::Union { branches: a }, Node::Union { branches: b }) => {
                return self.unions(pair, a, b, live);
            }
            (Node::Record(a), Node::Record(b)) => {
                self.named(pair, o, n, live);
                if a.is_error != b.is_error {
                    let part = |located: &Located<'_>, id, error| {
                        located.part(id, "type", Some(if error { "error" } else { "record" }.into()))
                    };
                    self.emit(ChangeKind::ErrorFlagChanged, pair, WHOLE, Breaks::NONE, |_| {
                        (part(old, pair.0, a.is_error), part(new, pair.1, b.is_error))
                    });
                }
                self.records(pair, a, b, live);
            }
            (Node::Enum(a), Node::Enum(b)) => {
                self.named(pair, o, n, live);
                self.enums(pair, a, b, live);
            }
            (Node::Fixed(a), Node::Fixed(b)) => {
                self.named(pair, o, n, live);
                self.fixed(pair, a, b, live);
            }
            (Node::Array { items: a, .. }, Node::Array { items: b, .. })
            | (Node::Map { values: a, .. }, Node::Map { values: b, .. }) => self.open.push(((*a, *b), live)),
            _ if o.kind() == n.kind() => {}
            _ => return self.type_changed(pair, o, n, live),
        }
        if let (Some(a), Some(b)) = (o.props(), n.props()) {
            self.props(pair, WHOLE, a, b, |walk| {
                (walk.old.part(pair.0, "", None), walk.new.part(pair.1, "", None))
            });
        }
    }

    fn type_changed(&mut self, pair: Pair, o: &Node, n: &Node, live: Breaks) {
        let breaks = self.breaks(pair, live);
        self.emit(ChangeKind::TypeChanged, pair, WHOLE, breaks, |walk| {
            (walk.old.side(pair.0), walk.new.side(pair.1))
        });
        // a type wrapped into a union, or taken out of one, may have changed itself
        match (o, n) {
            (_, Node::Union { branches }) => {
                if let Some(branch) = closest_branch(self.new.schema(), branches, o) {
                    self.open.push(((pair.0, branch), Breaks { backward: breaks.backward, ..live }));
                }
            }
            (Node::Union { branches }, _) => {
                if let Some(branch) = closest_branch(self.old.schema(), branches, n) {
                    self.open.push(((branch, pair.1), Breaks { forward: breaks.forward, ..live }));
                }
            }
            _ => {}
        }
    }

    fn unions(&mut self, pair: Pair, old: &[NodeId], new: &[NodeId], live: Breaks) {
        let matched = self.match_branches(old, new);
        let mut last = None;
        let mut moved = false;
        let mut children = Vec::new();
        for (index, branch) in new.iter().enumerate() {
            let Some(&at) = matched.get(&index) else {
                let breaks = self.breaks((pair.0, *branch), Breaks { backward: false, ..live });
                self.emit(ChangeKind::BranchAdded, pair, (None, Some(index)), breaks, |walk| {
                    (walk.old.part(pair.0, "", None), walk.new.side(*branch))
                });
                continue;
            };
            moved |= last.is_some_and(|last| last > at);
            last = Some(at);
            let Some(&partner) = old.get(at) else { continue };
            let backward = self.breaks((partner, pair.1), Breaks { forward: false, ..live }).backward;
            let forward = self.breaks((pair.0, *branch), Breaks { backward: false, ..live }).forward;
            children.push(((partner, *branch), Breaks { backward, forward }));
        }
        let partners: HashSet<usize> = matched.values().copied().collect();
        for (index, branch) in old.iter().enumerate() {
            if !partners.contains(&index) {
                let breaks = self.breaks((*branch, pair.1), Breaks { forward: false, ..live });
                self.emit(ChangeKind::BranchRemoved, pair, (Some(index), None), breaks, |walk| {
                    (walk.old.side(*branch), walk.new.part(pair.1, "", None))
                });
            }
        }
        if moved {
            self.emit(ChangeKind::BranchesMoved, pair, WHOLE, Breaks::NONE, |walk| {
                (walk.old.side(pair.0), walk.new.side(pair.1))
            });
        }
        self.open.extend(children.into_iter().rev());
    }

    /// Branches of the new union with their partners in the old one, by position: equal full names or types first; then, in
    /// unions of up to 500 branches, equal simple names and aliases, and the next one left of its type.
    fn match_branches(&self, old: &[NodeId], new: &[NodeId]) -> HashMap<usize, usize> {
        const LEFT_MAX: usize = 500;
        let (a, b) = (self.old.schema(), self.new.schema());
        let key =
            |node: &'_ Node| node.name().map_or_else(|| node.kind().as_str().to_owned(), ToString::to_string);
        let mut by_key: HashMap<(Kind, String), usize> = HashMap::with_capacity(old.len());
        for (at, id) in old.iter().enumerate() {
            by_key.insert((a.node(*id).kind(), key(a.node(*id))), at);
        }
        let mut matched = HashMap::new();
        for (index, id) in new.iter().enumerate() {
            let node = b.node(*id);
            matched.extend(by_key.remove(&(node.kind(), key(node))).map(|at| (index, at)));
        }
        let taken: HashSet<usize> = matched.values().copied().collect();
        let mut free: Vec<(usize, &Node)> =
            old.iter().map(|id| a.node(*id)).enumerate().filter(|(at, _)| !taken.contains(at)).collect();
        if free.len() > LEFT_MAX {
            return matched;
        }
        for by_name in [true, false] {
            for (index, id) in new.iter().enumerate() {
                let node = b.node(*id);
                let fits =
                    |other: &Node| other.kind() == node.kind() && (!by_name || same_simple_name(other, node));
                if matched.contains_key(&index) || node.name().is_none() {
                    continue;
                }
                if let Some(position) = free.iter().position(|(_, other)| fits(other)) {
                    matched.insert(index, free.remove(position).0);
                }
            }
        }
        matched
    }

    /// What all named types have: name, documentation, other names.
    fn named(&mut self, pair: Pair, o: &Node, n: &Node, live: Breaks) {
        let (Some(old_name), Some(new_name)) = (o.name(), n.name()) else { return };
        if old_name != new_name {
            let same = old_name.simple() == new_name.simple();
            let breaks = Breaks {
                backward: !same && !n.aliases().contains(old_name),
                forward: !same && !o.aliases().contains(new_name),
            };
            self.emit(ChangeKind::NameChanged, pair, WHOLE, live.and(breaks), |walk| {
                let (old, new) = (old_name.full().into(), new_name.full().into());
                (walk.old.part(pair.0, "name", Some(old)), walk.new.part(pair.1, "name", Some(new)))
            });
        }
        self.text(ChangeKind::DocChanged, pair, "doc", o.doc(), n.doc());
        if !fields::same_set(o.aliases(), n.aliases()) {
            let list = |node: &Node| {
                let aliases = node.aliases();
                let names = aliases.iter().map(|alias| Value::from(alias.full()));
                (!aliases.is_empty()).then(|| names.collect())
            };
            self.emit(ChangeKind::AliasesChanged, pair, WHOLE, Breaks::NONE, |walk| {
                (walk.old.part(pair.0, "aliases", list(o)), walk.new.part(pair.1, "aliases", list(n)))
            });
        }
    }

    fn text(&mut self, kind: ChangeKind, pair: Pair, key: &str, old: Option<&str>, new: Option<&str>) {
        if old != new {
            self.emit(kind, pair, WHOLE, Breaks::NONE, |walk| {
                let (old, new) = (old.map(Value::from), new.map(Value::from));
                (walk.old.part(pair.0, key, old), walk.new.part(pair.1, key, new))
            });
        }
    }

    fn enums(&mut self, pair: Pair, old: &EnumNode, new: &EnumNode, live: Breaks) {
        let lacking = |of: &[String], other: &[String]| -> Vec<String> {
            let known: HashSet<&String> = other.iter().collect();
            of.iter().filter(|symbol| !known.contains(symbol)).cloned().collect()
        };
        let removed = lacking(&old.symbols, &new.symbols);
        let added = lacking(&new.symbols, &old.symbols);
        let list = |symbols: &[String]| Some(symbols.iter().map(String::as_str).collect::<Value>());
        if !removed.is_empty() {
            let breaks = Breaks { backward: new.default.is_none(), forward: false };
            self.emit(ChangeKind::SymbolsRemoved, pair, WHOLE, live.and(breaks), |walk| {
                let old = walk.old.part(pair.0, "symbols", list(&removed));
                (old, walk.new.part(pair.1, "symbols", None))
            });
        }
        if !added.is_empty() {
            let breaks = Breaks { backward: false, forward: old.default.is_none() };
            self.emit(ChangeKind::SymbolsAdded, pair, WHOLE, live.and(breaks), |walk| {
                let new = walk.new.part(pair.1, "symbols", list(&added));
                (walk.old.part(pair.0, "symbols", None), new)
            });
        }
        if lacking(&old.symbols, &removed) != lacking(&new.symbols, &added) {
            self.emit(ChangeKind::SymbolsMoved, pair, WHOLE, Breaks::NONE, |walk| {
                let old = walk.old.part(pair.0, "symbols", list(&old.symbols));
                (old, walk.new.part(pair.1, "symbols", list(&new.symbols)))
            });
        }
        let (old, new) = (old.default.as_deref(), new.default.as_deref());
        self.text(ChangeKind::EnumDefaultChanged, pair, "default", old, new);
    }

    fn fixed(&mut self, pair: Pair, old: &FixedNode, new: &FixedNode, live: Breaks) {
        if old.size != new.size {
            self.emit(ChangeKind::SizeChanged, pair, WHOLE, live, |walk| {
                let old = walk.old.part(pair.0, "size", Some(old.size.into()));
                (old, walk.new.part(pair.1, "size", Some(new.size.into())))
            });
        }
    }

    /// Attributes of a type or field: the logical type, tags, and the others, each as one change.
    pub(super) fn props(
        &mut self,
        pair: Pair,
        part: Part,
        old: &Props,
        new: &Props,
        places: impl Fn(&Self) -> (Side, Side),
    ) {
        if old == new {
            return;
        }
        let class = |key: &str| match key {
            TAGS => ChangeKind::TagsChanged,
            key if part == WHOLE && LOGICAL.contains(&key) => ChangeKind::LogicalTypeChanged,
            _ => ChangeKind::PropertiesChanged,
        };
        let of = |props: &Props, other: &Props, kind| -> Option<Value> {
            let differing =
                props.iter().filter(|(key, value)| class(key) == kind && other.get(key) != Some(value));
            let object: Map<String, Value> = differing.map(|(k, v)| (k.to_owned(), v.clone())).collect();
            (!object.is_empty()).then_some(Value::Object(object))
        };
        for kind in [ChangeKind::LogicalTypeChanged, ChangeKind::TagsChanged, ChangeKind::PropertiesChanged] {
            let (before, after) = (of(old, new, kind), of(new, old, kind));
            if before.is_some() || after.is_some() {
                self.emit(kind, pair, part, Breaks::NONE, |walk| {
                    let (old, new) = places(walk);
                    (Side { json: before, ..old }, Side { json: after, ..new })
                });
            }
        }
    }

    fn records(&mut self, pair: Pair, old: &RecordNode, new: &RecordNode, live: Breaks) {
        let partners = fields::partners(old, new);
        let moved = fields::moved(&partners);
        let mut children = Vec::new();
        for (index, field) in new.fields.iter().enumerate() {
            let partner = partners.get(index).copied().flatten();
            let reading = Reading::of(field, old, partner);
            let Some((at, before)) = partner.and_then(|at| Some((at, old.fields.get(at)?))) else {
                let backward = live.backward && self.reading_breaks(&reading, field.schema, true);
                let breaks = Breaks { backward, forward: false };
                self.emit(ChangeKind::FieldAdded, pair, (None, Some(index)), breaks, |walk| {
                    (walk.old.part(pair.0, "fields", None), walk.new.field(pair.1, index))
                });
                continue;
            };
            let back = Reading::of(before, new, Some(index));
            let breaks = Breaks {
                backward: live.backward && self.reading_breaks(&reading, field.schema, true),
                forward: live.forward && self.reading_breaks(&back, before.schema, false),
            };
            self.field_pair(pair, (at, index), (before, field), breaks);
            if moved.contains(&index) {
                self.emit(ChangeKind::FieldMoved, pair, (Some(at), Some(index)), Breaks::NONE, |walk| {
                    (walk.old.field(pair.0, at), walk.new.field(pair.1, index))
                });
            }
            let through = Breaks { backward: reading.is_partner(), forward: back.is_partner() };
            children.push(((before.schema, field.schema), live.and(through)));
        }
        let taken: HashSet<usize> = partners.iter().copied().flatten().collect();
        for (index, field) in old.fields.iter().enumerate() {
            if taken.contains(&index) {
                continue;
            }
            let reading = Reading::of(field, new, None);
            let forward = live.forward && self.reading_breaks(&reading, field.schema, false);
            let breaks = Breaks { backward: false, forward };
            self.emit(ChangeKind::FieldRemoved, pair, (Some(index), None), breaks, |walk| {
                (walk.old.field(pair.0, index), walk.new.part(pair.1, "fields", None))
            });
        }
        self.open.extend(children.into_iter().rev());
    }

    /// Whether what a field reads, other than its partner, breaks the direction.
    fn reading_breaks(&mut self, reading: &Reading, reader: NodeId, backward: bool) -> bool {
        match reading {
            Reading::Partner => false,
            Reading::Nothing { has_default } => !has_default,
            Reading::Ambiguous => true,
            Reading::Other(writer) if backward => {
                self.breaks((*writer, reader), Breaks { backward: true, forward: false }).backward
            }
            Reading::Other(writer) => {
                self.breaks((reader, *writer), Breaks { backward: false, forward: true }).forward
            }
        }
    }
}

/// Whether the new type has the old one's simple name, or its full name as an alias.
fn same_simple_name(old: &Node, new: &Node) -> bool {
    match (old.name(), new.name()) {
        (Some(old), Some(own)) => old.simple() == own.simple() || new.aliases().contains(old),
        _ => false,
    }
}
