//! Can a reader's schema read what a writer's schema wrote? Java's `SchemaCompatibility`, verdicts, order, places and all.
//!
//! Java recurses and remembers the result of every pair of nodes by identity; messages depend on what it remembers. Here
//! the recursion is a list of frames, because a pair of schemas can nest as deep as the product of their sizes, and only
//! pairs with a named type are remembered: a pair of unnamed occurrences has one way to be reached.

mod error;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::canonical;
use super::incompatibility::{Incompatibility, IncompatibilityKind};
use super::name::Name;
use super::node::{EnumNode, Field, FixedNode, Kind, Node, NodeId, RecordNode};
use super::parse::{Limits, printed_depth};
use super::schema::Schema;
use crate::json::java_order;

pub use error::{AmbiguousField, CheckError};

/// Pairs of nodes one check may visit.
pub(super) const PAIRS_MAX: usize = 1_000_000;
/// Incompatibilities one check may report: shared types repeat theirs, which can double with every level.
const ENTRIES_MAX: usize = 100_000;
/// Bytes of places and messages one check may write, found and reported each.
const TEXT_BYTES_MAX: usize = 32 << 20;

/// Everything that keeps `reader` from reading data of `writer`, in Java's order; empty when it can.
///
/// Visits at most 1,000,000 pairs of nodes and reports at most 100,000 incompatibilities with 32 MiB of text, else gives
/// up with [`CheckError::TooComplex`]. Stack use does not depend on the schemas.
pub fn check(reader: &Schema, writer: &Schema) -> Result<Vec<Incompatibility>, CheckError> {
    check_from((reader, reader.root()), (writer, writer.root()), &mut { PAIRS_MAX })
}

/// [`check`] of one type against another, places relative to the two; takes the pairs it visits off `pairs_left`.
pub(super) fn check_from(
    (reader, reader_root): (&Schema, NodeId),
    (writer, writer_root): (&Schema, NodeId),
    pairs_left: &mut usize,
) -> Result<Vec<Incompatibility>, CheckError> {
    let mut checker = Checker {
        reader,
        writer,
        memo: HashMap::new(),
        path: Vec::new(),
        base: 0,
        frames: Vec::new(),
        results: Vec::new(),
        pairs_left: *pairs_left,
        text_bytes_left: Cell::new(TEXT_BYTES_MAX),
    };
    let found = checker.run(reader_root, writer_root);
    *pairs_left = checker.pairs_left;
    let found = found?;
    checker.flatten(found)
}

#[derive(Debug, Clone, Copy)]
enum Token {
    Word(&'static str),
    Index(usize),
}

/// Which pairs a frame visits, one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    /// Items of arrays, values of maps.
    Inner(&'static str),
    /// Fields of records.
    Fields,
    /// Writer branches, each read by the whole reader union.
    UnionByUnion,
    /// Writer branches, each read by a plain reader.
    WriterBranches,
    /// Reader branches until one reads the plain writer.
    ReaderBranches,
}

struct Frame {
    reader: NodeId,
    writer: NodeId,
    visit: Visit,
    step: usize,
    /// A branch of the reader's union took the writer's type.
    read_by_branch: bool,
    found: Found,
    /// Length and base of the path to go back to.
    path_length: usize,
    path_base: usize,
}

/// The next pair of a frame.
struct Child {
    reader: NodeId,
    writer: NodeId,
    steps: [Option<Token>; 3],
    /// Whether the pair's places are relative to itself.
    fresh_path: bool,
}

enum Memo {
    InProgress,
    Done(Found),
}

/// What a pair was found to break: a rule, or all that a remembered pair broke.
#[derive(Clone)]
enum Entry {
    One(Box<Incompatibility>),
    Shared(usize),
}

struct Checker<'a> {
    reader: &'a Schema,
    writer: &'a Schema,
    memo: HashMap<(NodeId, NodeId), Memo>,
    path: Vec<Token>,
    /// Where the visible part of the path begins.
    base: usize,
    frames: Vec<Frame>,
    /// Findings of remembered pairs. They are referred to, not copied, until the end.
    results: Vec<Found>,
    pairs_left: usize,
    text_bytes_left: Cell<usize>,
}

type Found = Vec<Entry>;

impl Checker<'_> {
    fn run(&mut self, reader: NodeId, writer: NodeId) -> Result<Found, CheckError> {
        let root = Child { reader, writer, steps: [None; 3], fresh_path: false };
        let mut returned = self.enter(&root)?;
        while let Some(mut frame) = self.frames.pop() {
            if let Some(found) = returned.take() {
                self.absorb(&mut frame, found);
            }
            if let Some(child) = self.next(&mut frame)? {
                self.frames.push(frame);
                returned = self.enter(&child)?;
            } else {
                returned = Some(self.leave(frame));
            }
        }
        Ok(returned.unwrap_or_default())
    }

    /// Begins a pair: its result when that is known at once, else `None` with a frame to work through.
    fn enter(&mut self, child: &Child) -> Result<Option<Found>, CheckError> {
        self.pairs_left = self.pairs_left.checked_sub(1).ok_or(CheckError::TooComplex)?;
        if self.text_bytes_left.get() == 0 {
            return Err(CheckError::TooComplex);
        }
        let pair = (child.reader, child.writer);
        let (r, w) = (self.reader.node(child.reader), self.writer.node(child.writer));
        if r.kind() == w.kind() && r.kind().is_primitive() {
            return Ok(Some(Found::new()));
        }
        let remembered = r.name().is_some() || w.name().is_some();
        if remembered {
            match self.memo.get(&pair) {
                Some(Memo::InProgress) => return Ok(Some(Found::new())),
                Some(Memo::Done(found)) => return Ok(Some(found.clone())),
                None => {}
            }
        }
        let (path_length, path_base) = (self.path.len(), self.base);
        if child.fresh_path {
            self.base = path_length;
        }
        self.path.extend(child.steps.iter().flatten());
        let (visit, found) = self.begin(pair, r, w);
        let Some(visit) = visit else {
            self.path.truncate(path_length);
            self.base = path_base;
            let found = if remembered { self.remember(pair, found) } else { found };
            return Ok(Some(found));
        };
        if remembered {
            self.memo.insert(pair, Memo::InProgress);
        }
        let (reader, writer) = pair;
        self.frames.push(Frame {
            reader,
            writer,
            visit,
            step: 0,
            read_by_branch: false,
            found,
            path_length,
            path_base,
        });
        Ok(None)
    }

    /// The checks of the two nodes themselves, and what remains to be visited.
    fn begin(&self, pair: (NodeId, NodeId), r: &Node, w: &Node) -> (Option<Visit>, Found) {
        match (r, w) {
            (Node::Union { .. }, Node::Union { .. }) => (Some(Visit::UnionByUnion), Found::new()),
            (_, Node::Union { .. }) => (Some(Visit::WriterBranches), Found::new()),
            (Node::Union { .. }, _) => (Some(Visit::ReaderBranches), Found::new()),
            (Node::Array { .. }, Node::Array { .. }) => (Some(Visit::Inner("items")), Found::new()),
            (Node::Map { .. }, Node::Map { .. }) => (Some(Visit::Inner("values")), Found::new()),
            (Node::Record(a), Node::Record(b)) => {
                (Some(Visit::Fields), self.names(pair, &a.name, &a.aliases, &b.name))
            }
            (Node::Enum(a), Node::Enum(b)) => (None, self.enums(pair, a, b)),
            (Node::Fixed(a), Node::Fixed(b)) => (None, self.fixed(pair, a, b)),
            (r, w) if promotes(r.kind(), w.kind()) => (None, Found::new()),
            (r, w) => {
                let (r, w) = (r.kind().java_name(), w.kind().java_name());
                let message = format!("reader type: {r} not compatible with writer type: {w}");
                (None, vec![self.problem(IncompatibilityKind::TypeMismatch, pair, &[], message)])
            }
        }
    }

    fn names(&self, pair: (NodeId, NodeId), reader: &Name, aliases: &[Name], writer: &Name) -> Found {
        if reader.simple() == writer.simple() || aliases.contains(writer) {
            return Found::new();
        }
        let message = format!("expected: {writer}");
        vec![self.problem(IncompatibilityKind::NameMismatch, pair, &[Token::Word("name")], message)]
    }

    fn enums(&self, pair: (NodeId, NodeId), reader: &EnumNode, writer: &EnumNode) -> Found {
        let mut found = self.names(pair, &reader.name, &reader.aliases, &writer.name);
        if reader.default.is_some() || reader.symbols == writer.symbols {
            return found;
        }
        let known: HashSet<&String> = reader.symbols.iter().collect();
        let mut missing: Vec<&str> =
            writer.symbols.iter().filter(|symbol| !known.contains(symbol)).map(String::as_str).collect();
        if !missing.is_empty() {
            missing.sort_by(|a, b| java_order(a, b));
            let message = format!("[{}]", missing.join(", "));
            let kind = IncompatibilityKind::MissingEnumSymbols;
            found.push(self.problem(kind, pair, &[Token::Word("symbols")], message));
        }
        found
    }

    fn fixed(&self, pair: (NodeId, NodeId), reader: &FixedNode, writer: &FixedNode) -> Found {
        let mut found = self.names(pair, &reader.name, &reader.aliases, &writer.name);
        if reader.size != writer.size {
            let message = format!("expected: {}, found: {}", writer.size, reader.size);
            let kind = IncompatibilityKind::FixedSizeMismatch;
            found.push(self.problem(kind, pair, &[Token::Word("size")], message));
        }
        found
    }

    /// Whether a pair of unnamed nodes is readable at a glance: nothing to remember, nothing to report. A shortcut for
    /// wide records, most of whose fields did not change.
    fn reads_plainly(&self, r: NodeId, w: NodeId) -> bool {
        let plain = |r: NodeId, w: NodeId| {
            let (r, w) = (self.reader.node(r).kind(), self.writer.node(w).kind());
            r.is_primitive() && w.is_primitive() && (r == w || promotes(r, w))
        };
        match (self.reader.node(r), self.writer.node(w)) {
            (Node::Array { items: a, .. }, Node::Array { items: b, .. })
            | (Node::Map { values: a, .. }, Node::Map { values: b, .. }) => plain(*a, *b),
            (Node::Union { branches: a }, Node::Union { branches: b }) => {
                let primitive = |r: &&NodeId| self.reader.node(**r).kind().is_primitive();
                b.iter().all(|w| a.iter().take_while(primitive).any(|r| plain(*r, *w)))
            }
            _ => plain(r, w),
        }
    }

    /// The next pair a frame wants, or `None` when it is done.
    fn next(&mut self, frame: &mut Frame) -> Result<Option<Child>, CheckError> {
        let (r, w) = (self.reader.node(frame.reader), self.writer.node(frame.writer));
        let index = frame.step;
        let plain = |reader, writer, token, fresh_path| Child {
            reader,
            writer,
            steps: [token, None, None],
            fresh_path,
        };
        let child = match (frame.visit, r, w) {
            (Visit::Fields, Node::Record(r), Node::Record(w)) => return self.next_field(frame, r, w),
            (
                Visit::Inner(word),
                Node::Array { items: a, .. } | Node::Map { values: a, .. },
                Node::Array { items: b, .. } | Node::Map { values: b, .. },
            ) => (index == 0).then(|| plain(*a, *b, Some(Token::Word(word)), false)),
            (Visit::UnionByUnion, _, Node::Union { branches }) => {
                branches.get(index).map(|branch| plain(frame.reader, *branch, None, true))
            }
            (Visit::WriterBranches, _, Node::Union { branches }) => branches
                .get(index)
                .map(|branch| plain(frame.reader, *branch, Some(Token::Index(index)), false)),
            (Visit::ReaderBranches, Node::Union { branches }, _) if !frame.read_by_branch => {
                branches.get(index).map(|branch| plain(*branch, frame.writer, None, true))
            }
            _ => None,
        };
        frame.step += 1;
        Ok(child)
    }

    /// The next field pair; fields without a match are judged on the way.
    fn next_field(
        &mut self,
        frame: &mut Frame,
        reader: &RecordNode,
        writer: &RecordNode,
    ) -> Result<Option<Child>, CheckError> {
        while let Some(field) = reader.fields.get(frame.step) {
            let index = frame.step;
            frame.step += 1;
            let steps = [Some(Token::Word("fields")), Some(Token::Index(index)), Some(Token::Word("type"))];
            let matched = self.matching_field(frame, field, index, writer)?;
            let writer = match matched {
                Some(matched) => {
                    if self.reads_plainly(field.schema, matched) {
                        continue;
                    }
                    matched
                }
                None if field.default.is_some() => continue,
                // Java compares an enum that has a default with the writer's record
                None if self.enum_with_default(field) => frame.writer,
                None => {
                    let pair = (frame.reader, frame.writer);
                    let place = [Token::Word("fields"), Token::Index(index)];
                    let kind = IncompatibilityKind::ReaderFieldMissingDefaultValue;
                    frame.found.push(self.problem(kind, pair, &place, field.name.clone()));
                    continue;
                }
            };
            return Ok(Some(Child { reader: field.schema, writer, steps, fresh_path: false }));
        }
        Ok(None)
    }

    fn enum_with_default(&self, field: &Field) -> bool {
        matches!(self.reader.node(field.schema), Node::Enum(node) if node.default.is_some())
    }

    /// The type of the writer's field that a reader's field reads: by name or by one of the reader's aliases.
    fn matching_field(
        &self,
        frame: &Frame,
        field: &Field,
        index: usize,
        writer: &RecordNode,
    ) -> Result<Option<NodeId>, CheckError> {
        let same_place = writer.fields.get(index).filter(|candidate| candidate.name == field.name);
        let by_name = same_place.or_else(|| writer.field(&field.name).map(|(_, field)| field));
        let by_alias = field.aliases.iter().filter_map(|alias| writer.field(alias).map(|(_, field)| field));
        let mut matches = by_name.into_iter().chain(by_alias);
        let first = matches.next();
        if matches.next().is_none() {
            return Ok(first.map(|field| field.schema));
        }
        let nodes = &self.writer.0.nodes;
        let known = HashSet::new();
        let writer = if printed_depth(nodes, frame.writer, &known) > Limits::default().depth_max {
            writer.name.to_string()
        } else {
            canonical::print(nodes, frame.writer, &known)
        };
        let kind = self.reader.node(field.schema).kind().java_name();
        let pair = (frame.reader, frame.writer);
        Err(AmbiguousField { field: field.name.clone(), kind, position: index, writer, pair }.into())
    }

    /// Takes in the result of the pair a frame asked for last.
    fn absorb(&mut self, frame: &mut Frame, found: Found) {
        match frame.visit {
            Visit::Inner(_) | Visit::Fields | Visit::WriterBranches => frame.found.extend(found),
            Visit::UnionByUnion => {
                let index = frame.step - 1;
                if let (false, Node::Union { branches }) = (found.is_empty(), self.writer.node(frame.writer))
                {
                    let branch = branches.get(index).copied().unwrap_or(frame.writer);
                    let problem = self.missing_branch((frame.reader, branch), &[Token::Index(index)]);
                    frame.found.push(problem);
                }
            }
            Visit::ReaderBranches => frame.read_by_branch = found.is_empty(),
        }
    }

    fn missing_branch(&self, pair: (NodeId, NodeId), place: &[Token]) -> Entry {
        let writer = self.writer.node(pair.1).kind().java_name();
        let message = format!("reader union lacking writer type: {writer}");
        self.problem(IncompatibilityKind::MissingUnionBranch, pair, place, message)
    }

    fn leave(&mut self, mut frame: Frame) -> Found {
        let pair = (frame.reader, frame.writer);
        if frame.visit == Visit::ReaderBranches && !frame.read_by_branch {
            frame.found.push(self.missing_branch(pair, &[]));
        }
        self.path.truncate(frame.path_length);
        self.base = frame.path_base;
        if self.reader.node(pair.0).name().is_some() || self.writer.node(pair.1).name().is_some() {
            self.remember(pair, frame.found)
        } else {
            frame.found
        }
    }

    /// Keeps the findings of a pair and returns what refers to them.
    fn remember(&mut self, pair: (NodeId, NodeId), found: Found) -> Found {
        let found = match found.as_slice() {
            [] | [Entry::Shared(_)] => found,
            _ => {
                self.results.push(found);
                vec![Entry::Shared(self.results.len() - 1)]
            }
        };
        self.memo.insert(pair, Memo::Done(found.clone()));
        found
    }

    /// Spells out what was referred to.
    fn flatten(&self, found: Found) -> Result<Vec<Incompatibility>, CheckError> {
        let mut flat = Vec::new();
        let mut bytes_left = TEXT_BYTES_MAX;
        let mut steps_left = PAIRS_MAX;
        let mut open: Vec<Entry> = found.into_iter().rev().collect();
        while let Some(entry) = open.pop() {
            steps_left = steps_left.checked_sub(1).ok_or(CheckError::TooComplex)?;
            match entry {
                Entry::One(incompatibility) => {
                    let bytes = incompatibility.location.len() + incompatibility.message.len();
                    bytes_left = bytes_left.checked_sub(bytes).ok_or(CheckError::TooComplex)?;
                    if flat.len() == ENTRIES_MAX {
                        return Err(CheckError::TooComplex);
                    }
                    flat.push(*incompatibility);
                }
                Entry::Shared(index) => {
                    let shared = self.results.get(index).map(Vec::as_slice).unwrap_or_default();
                    open.extend(shared.iter().rev().cloned());
                }
            }
        }
        Ok(flat)
    }

    fn problem(
        &self,
        kind: IncompatibilityKind,
        pair: (NodeId, NodeId),
        place: &[Token],
        message: String,
    ) -> Entry {
        let mut location = String::new();
        for token in self.path.iter().skip(self.base).chain(place) {
            location.push('/');
            match token {
                Token::Word(word) => location.push_str(word),
                Token::Index(index) => location.push_str(&index.to_string()),
            }
        }
        if location.is_empty() {
            location.push('/');
        }
        let bytes = location.len() + message.len();
        self.text_bytes_left.set(self.text_bytes_left.get().saturating_sub(bytes));
        Entry::One(Box::new(Incompatibility { kind, location, message, reader: pair.0, writer: pair.1 }))
    }
}

/// Whether a reader of one type takes data of another by promotion.
pub(super) fn promotes(reader: Kind, writer: Kind) -> bool {
    match reader {
        Kind::Long => writer == Kind::Int,
        Kind::Float => matches!(writer, Kind::Int | Kind::Long),
        Kind::Double => matches!(writer, Kind::Int | Kind::Long | Kind::Float),
        Kind::Bytes => writer == Kind::String,
        Kind::String => writer == Kind::Bytes,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
