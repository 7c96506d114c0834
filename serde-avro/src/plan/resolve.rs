//! From a writer's and a reader's operations to reads.
//!
//! The rules are those of Java's resolver (1.12). Every pair of types becomes one read and is resolved once, from a
//! list of open pairs, so recursive types end and deep ones cost no stack.

use std::collections::HashMap;

use assay_schema_core::avro::{Node, NodeId, Schema};

use super::PLAN_ENTRIES_MAX;
use super::compile::Lowered;
use super::error::PlanError;
use super::names::{Equivalence, Renames, simple};
use super::program::{
    BranchRead, CollectionRead, EnumRead, Failure, Op, Promotion, Read, RecordRead, Step, Tables, UnionRead,
    word,
};
use super::targets::Targets;

mod matching;

/// Reads for data that is written and read with one schema.
pub(super) fn own(schema: &Lowered<'_>, tables: &mut Tables) -> Result<Read, PlanError> {
    let renames = Renames::default();
    Resolver::new(schema, schema, &renames, tables).run(Pair::Own(schema.schema.root()))
}

/// Reads for data of `writer` as `reader` describes it.
pub(super) fn pair(
    writer: &Lowered<'_>,
    reader: &Lowered<'_>,
    tables: &mut Tables,
) -> Result<Read, PlanError> {
    let renames = Renames::of(reader.schema);
    let root = Pair::Both(writer.schema.root(), reader.schema.root());
    Resolver::new(writer, reader, &renames, tables).run(root)
}

/// What one read is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Pair {
    /// Bytes of the reader's own schema: its defaults.
    Own(NodeId),
    Both(NodeId, NodeId),
}

struct Resolver<'a, 's, 't> {
    writer: &'a Lowered<'s>,
    reader: &'a Lowered<'s>,
    renames: &'a Renames,
    tables: &'t mut Tables,
    reads: HashMap<Pair, Read>,
    open: Vec<(Pair, Read)>,
}

impl<'a, 's, 't> Resolver<'a, 's, 't> {
    fn new(
        writer: &'a Lowered<'s>,
        reader: &'a Lowered<'s>,
        renames: &'a Renames,
        tables: &'t mut Tables,
    ) -> Self {
        Self { writer, reader, renames, tables, reads: HashMap::new(), open: Vec::new() }
    }

    fn run(&mut self, root: Pair) -> Result<Read, PlanError> {
        let read = self.read(root)?;
        while let Some((pair, read)) = self.open.pop() {
            self.fill(pair, read)?;
        }
        Ok(read)
    }

    fn nodes(&self, pair: Pair) -> ((&'s Schema, NodeId), (&'s Schema, NodeId)) {
        match pair {
            Pair::Own(node) => ((self.reader.schema, node), (self.reader.schema, node)),
            Pair::Both(w, r) => ((self.writer.schema, w), (self.reader.schema, r)),
        }
    }

    fn wire(&self, pair: Pair) -> Op {
        match pair {
            Pair::Own(node) => self.reader.op(node),
            Pair::Both(writer, _) => self.writer.op(writer),
        }
    }

    fn view(&self, pair: Pair) -> Op {
        match pair {
            Pair::Own(node) | Pair::Both(_, node) => self.reader.op(node),
        }
    }

    /// The read of a pair; makes the entry of a new composite read and leaves it to be filled.
    fn read(&mut self, pair: Pair) -> Result<Read, PlanError> {
        if let Some(read) = self.reads.get(&pair) {
            return Ok(*read);
        }
        if self.reads.len() >= PLAN_ENTRIES_MAX {
            return Err(PlanError::TooLarge { what: "pairs of types", limit: PLAN_ENTRIES_MAX });
        }
        let (wire, view) = (self.wire(pair), self.view(pair));
        let read = match (wire, view) {
            (Op::Union(_), _) => {
                Read::Union(push(&mut self.tables.union_reads, UnionRead { branches: Box::default(), wire }))
            }
            (_, Op::Union(_)) => self.branch(pair)?,
            (Op::Array(_), Op::Array(_)) => Read::Array(self.new_collection(wire)),
            (Op::Map(_), Op::Map(_)) => Read::Map(self.new_collection(wire)),
            (Op::Record(_), Op::Record(shape)) => match self.missing_default(pair)? {
                None => {
                    let entry =
                        RecordRead { shape, steps: Box::default(), wire, targets: Targets::default() };
                    Read::Record(push(&mut self.tables.record_reads, entry))
                }
                Some(reason) => self.fail(reason, wire),
            },
            (Op::Enum(writer), Op::Enum(shape)) => self.enumeration(pair, writer, shape),
            (Op::Fixed(_), Op::Fixed(_)) => self.fixed(pair, wire, view),
            _ if self.rescales(wire, view) => self.promotion(wire, view),
            _ if word(wire) == word(view) => Read::Leaf(if is_plain(wire) { view } else { wire }),
            _ if matching::promotes(wire, view) => self.promotion(wire, view),
            _ => {
                let reason = format!(
                    "{} cannot be read as {}",
                    self.tables.type_name(wire),
                    self.tables.type_name(view)
                );
                self.fail(reason, wire)
            }
        };
        self.reads.insert(pair, read);
        if matches!(read, Read::Array(_) | Read::Map(_) | Read::Record(_) | Read::Union(_) | Read::Branch(_))
        {
            self.open.push((pair, read));
        }
        Ok(read)
    }

    fn promotion(&mut self, wire: Op, view: Op) -> Read {
        Read::Promote(push(&mut self.tables.promotions, Promotion { wire, view }))
    }

    /// Whether two decimals differ in scale: their unscaled values then mean different numbers.
    fn rescales(&self, wire: Op, view: Op) -> bool {
        let scale = |op| self.tables.decimal_shape(op).map(|shape| shape.scale);
        scale(wire).zip(scale(view)).is_some_and(|(wire, view)| wire != view)
    }

    fn new_collection(&mut self, wire: Op) -> u32 {
        let item_bytes_min = match wire {
            Op::Array(i) | Op::Map(i) => self.tables.collection(i).item_bytes_min,
            _ => 0,
        };
        push(
            &mut self.tables.collection_reads,
            CollectionRead { item: Read::Leaf(Op::Null), item_bytes_min, wire },
        )
    }

    fn fail(&mut self, reason: String, wire: Op) -> Read {
        Read::Fail(push(&mut self.tables.failures, Failure { reason: reason.into(), wire }))
    }

    /// A value that is no union for the writer, and one for the reader.
    fn branch(&mut self, pair: Pair) -> Result<Read, PlanError> {
        let (wire, view) = (self.wire(pair), self.view(pair));
        let Op::Union(union) = view else { return Ok(self.fail(String::new(), wire)) };
        let Some(index) = self.matching_branch(pair)? else {
            let reason = format!("no branch of the reader's union takes {}", self.tables.type_name(wire));
            return Ok(self.fail(reason, wire));
        };
        let entry = BranchRead { union, index, read: Read::Leaf(Op::Null) };
        Ok(Read::Branch(push(&mut self.tables.branch_reads, entry)))
    }

    fn enumeration(&mut self, pair: Pair, writer: u32, shape: u32) -> Read {
        let ((ws, w), (rs, r)) = self.nodes(pair);
        let (Node::Enum(from), Node::Enum(to)) = (ws.node(w), rs.node(r)) else {
            return self.fail(String::new(), Op::Enum(writer));
        };
        if let Pair::Both(..) = pair
            && simple(&self.renames.type_name(&from.name)) != simple(to.name.full())
        {
            return self.fail(names_differ("enum", from.name.full(), to.name.full()), Op::Enum(writer));
        }
        let position = |symbol: &str| to.symbols.iter().position(|s| s.as_str() == symbol);
        let default = to.default.as_deref().and_then(position);
        let number = |found: Option<usize>| found.and_then(|i| u32::try_from(i).ok());
        let symbols = from.symbols.iter().map(|s| number(position(s.as_str()).or(default))).collect();
        Read::Enum(push(&mut self.tables.enum_reads, EnumRead { shape, symbols, writer }))
    }

    fn fixed(&mut self, pair: Pair, wire: Op, view: Op) -> Read {
        let ((ws, w), (rs, r)) = self.nodes(pair);
        let (Node::Fixed(from), Node::Fixed(to)) = (ws.node(w), rs.node(r)) else {
            return self.fail(String::new(), wire);
        };
        if let Pair::Both(..) = pair {
            if simple(&self.renames.type_name(&from.name)) != simple(to.name.full()) {
                return self.fail(names_differ("fixed", from.name.full(), to.name.full()), wire);
            }
            if from.size != to.size {
                let reason = format!(
                    "fixed {} has {} bytes for the writer and {} for the reader",
                    to.name.full(),
                    from.size,
                    to.size
                );
                return self.fail(reason, wire);
            }
        }
        if self.rescales(wire, view) {
            return self.promotion(wire, view);
        }
        let plain = matches!(wire, Op::Fixed(i) if self.tables.fixed(i).logical.is_none());
        Read::Leaf(if plain { view } else { wire })
    }

    /// Fills a composite read once its parts have reads.
    fn fill(&mut self, pair: Pair, read: Read) -> Result<(), PlanError> {
        let ((from, writer), (to, reader)) = self.nodes(pair);
        match read {
            Read::Array(i) | Read::Map(i) => {
                let item = match (from.node(writer), to.node(reader)) {
                    (Node::Array { items: a, .. }, Node::Array { items: b, .. })
                    | (Node::Map { values: a, .. }, Node::Map { values: b, .. }) => {
                        self.read(inner(pair, *a, *b))?
                    }
                    _ => return Ok(()),
                };
                if let Some(entry) = self.tables.collection_reads.get_mut(i as usize) {
                    entry.item = item;
                }
            }
            Read::Record(i) => {
                let steps = self.steps(pair)?;
                if let Some(entry) = self.tables.record_reads.get_mut(i as usize) {
                    entry.targets = Targets::of(&steps);
                    entry.steps = steps.into();
                }
            }
            Read::Union(i) => {
                let branches = self.union(pair)?;
                if let Some(entry) = self.tables.union_reads.get_mut(i as usize) {
                    entry.branches = branches;
                }
            }
            Read::Branch(i) => {
                let Node::Union { branches, .. } = to.node(reader) else { return Ok(()) };
                let index = self.tables.branch_read(i).index;
                let Some(branch) = branches.get(index as usize) else { return Ok(()) };
                let read = self.read(inner(pair, writer, *branch))?;
                if let Some(entry) = self.tables.branch_reads.get_mut(i as usize) {
                    entry.read = read;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn union(&mut self, pair: Pair) -> Result<Box<[Read]>, PlanError> {
        let ((ws, w), (rs, r)) = self.nodes(pair);
        let Node::Union { branches: from, .. } = ws.node(w) else { return Ok(Box::default()) };
        let to = match rs.node(r) {
            Node::Union { branches, .. } if self.equivalent(pair)? => Some(branches),
            _ => None,
        };
        let Op::Union(view) = self.view(pair) else {
            return from.iter().map(|branch| self.read(inner(pair, *branch, r))).collect();
        };
        let mut reads = Vec::with_capacity(from.len());
        for (index, branch) in (0u32..).zip(from) {
            reads.push(match to.and_then(|to| to.get(index as usize)) {
                Some(target) => {
                    let read = self.read(inner(pair, *branch, *target))?;
                    let entry = BranchRead { union: view, index, read };
                    Read::Branch(push(&mut self.tables.branch_reads, entry))
                }
                None => self.read(inner(pair, *branch, r))?,
            });
        }
        Ok(reads.into())
    }

    fn equivalent(&self, pair: Pair) -> Result<bool, PlanError> {
        match pair {
            Pair::Own(_) => Ok(true),
            Pair::Both(w, r) => {
                let (writer, reader) = (self.writer.schema, self.reader.schema);
                Equivalence { writer, reader, renames: self.renames }.holds(w, r)
            }
        }
    }

    fn steps(&mut self, pair: Pair) -> Result<Vec<Step>, PlanError> {
        let ((ws, w), (rs, r)) = self.nodes(pair);
        let (Node::Record(from), Node::Record(to)) = (ws.node(w), rs.node(r)) else { return Ok(Vec::new()) };
        let names = self.field_names(pair)?;
        let mut steps = Vec::with_capacity(from.fields.len().max(to.fields.len()));
        for (field, name) in from.fields.iter().zip(&names) {
            let target = to.fields.iter().position(|f| f.name.as_str() == name);
            steps.push(match target.and_then(|i| Some((u32::try_from(i).ok()?, to.fields.get(i)?))) {
                Some((index, target)) => Step::Read {
                    field: index,
                    name: name.as_str().into(),
                    read: self.read(inner(pair, field.schema, target.schema))?,
                },
                None => Step::Skip { name: name.as_str().into(), wire: self.writer.op(field.schema) },
            });
        }
        let Op::Record(shape) = self.view(pair) else { return Ok(steps) };
        for (index, field) in (0u32..).zip(&to.fields) {
            if names.iter().any(|name| *name == field.name.as_str()) {
                continue;
            }
            let default =
                self.tables.record(shape).fields.get(index as usize).and_then(|f| f.default.clone());
            let Some(bytes) = default else {
                return Err(PlanError::BadDefault { field: format!("{}.{}", to.name.full(), field.name) });
            };
            let read = self.read(Pair::Own(field.schema))?;
            let step = Step::Default { field: index, name: field.name.as_str().into(), read, bytes };
            steps.insert(place_of(&steps, index), step);
        }
        Ok(steps)
    }

    /// The writer's field names as the reader knows them.
    fn field_names(&self, pair: Pair) -> Result<Vec<String>, PlanError> {
        let ((ws, w), _) = self.nodes(pair);
        match (ws.node(w), pair) {
            (Node::Record(record), Pair::Both(..)) => self.renames.field_names(record),
            (Node::Record(record), Pair::Own(_)) => {
                Ok(record.fields.iter().map(|f| f.name.clone()).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Why a writer's record can never be read as the reader's: a field that neither data nor a default gives.
    fn missing_default(&self, pair: Pair) -> Result<Option<String>, PlanError> {
        let (_, (rs, r)) = self.nodes(pair);
        let Node::Record(to) = rs.node(r) else { return Ok(None) };
        let names = self.field_names(pair)?;
        let missing = |f: &&assay_schema_core::avro::Field| {
            f.default.is_none() && !names.iter().any(|name| *name == f.name.as_str())
        };
        Ok(to.fields.iter().find(missing).map(|field| {
            format!(
                "field {} of record {} has no default and the writer does not have it",
                field.name,
                to.name.full()
            )
        }))
    }
}

/// Where the default of the reader's field with this number comes: before the first field that follows it, so that a
/// reader who only added and dropped fields gets them in its own order.
fn place_of(steps: &[Step], index: u32) -> usize {
    let follows = |step: &Step| matches!(step, Step::Read { field, .. } | Step::Default { field, .. } if *field > index);
    steps.iter().position(follows).unwrap_or(steps.len())
}

/// The pair of two parts of a pair.
fn inner(pair: Pair, writer: NodeId, reader: NodeId) -> Pair {
    match pair {
        Pair::Own(_) => Pair::Own(reader),
        Pair::Both(..) => Pair::Both(writer, reader),
    }
}

fn names_differ(kind: &str, writer: &str, reader: &str) -> String {
    format!("{kind} {writer} is not {kind} {reader}")
}

/// Whether an operation has no logical meaning of its own.
fn is_plain(op: Op) -> bool {
    matches!(op, Op::Int | Op::Long | Op::Bytes | Op::String)
}

fn push<T>(table: &mut Vec<T>, entry: T) -> u32 {
    table.push(entry);
    // pairs are bounded by PLAN_ENTRIES_MAX
    u32::try_from(table.len() - 1).unwrap_or(u32::MAX)
}
