//! Building a tree of values: one walk for every kind of tree.

use crate::plan::cursor::Cursor;
use crate::plan::program::{Op, Read, RecordRead, Step, Tables};
use crate::plan::{DecodeError, DecodeErrorKind};
use crate::validate::skip;

use super::access::Blocks;
use super::scalar::{Scalar, read_symbol};

/// What a tree is built from. The operations are the reader's.
pub(crate) trait Tree: Sized {
    /// A value without parts.
    fn scalar(
        &self,
        tables: &Tables,
        op: Op,
        scalar: Scalar<'_>,
        at: usize,
    ) -> Result<Self::Node, DecodeError>;
    /// An enum's symbol.
    fn symbol(&self, number: u32, symbol: &str) -> Self::Node;
    /// A value in a branch of the reader's union.
    fn branch(&self, tables: &Tables, union: u32, index: u32, node: Self::Node) -> Self::Node;
    /// An array.
    fn array(&self, items: Vec<Self::Node>) -> Self::Node;
    /// A map.
    fn map(&self, entries: Vec<(String, Self::Node)>) -> Self::Node;
    /// A record, its fields in the reader's order.
    fn record(&self, fields: Vec<(String, Self::Node)>) -> Self::Node;
    /// A node of the tree.
    type Node;
}

/// What a field of a tree counts against the allocation limit, beside the bytes of its name.
const FIELD_BYTES: u64 = 64;

/// Reads one value.
pub(crate) fn walk<T: Tree>(
    tree: &T,
    tables: &Tables,
    cursor: &mut Cursor<'_>,
    read: Read,
) -> Result<T::Node, DecodeError> {
    match read {
        Read::Leaf(op) => {
            let at = cursor.offset();
            let scalar = Scalar::read(tables, cursor, op)?;
            tree.scalar(tables, op, scalar, at)
        }
        Read::Promote(i) => {
            let promotion = tables.promotion(i);
            let at = cursor.offset();
            let scalar = Scalar::read(tables, cursor, promotion.wire)?.promote(tables, promotion.view);
            tree.scalar(tables, promotion.view, scalar.map_err(|kind| DecodeError::new(kind, at))?, at)
        }
        Read::Enum(i) => {
            let (number, symbol) = read_symbol(tables, cursor, i)?;
            cursor.charge(symbol.len() as u64)?;
            Ok(tree.symbol(number, symbol))
        }
        Read::Array(i) => array(tree, tables, cursor, i),
        Read::Map(i) => map(tree, tables, cursor, i),
        Read::Record(i) => record(tree, tables, cursor, tables.record_read(i)),
        Read::Union(i) => {
            let branches = &tables.union_read(i).branches;
            let index = cursor.branch(branches.len())?;
            match branches.get(index) {
                // a union never holds a union
                Some(Read::Union(_)) | None => Err(cursor.fault(DecodeErrorKind::UnexpectedEnd)),
                Some(branch) => walk(tree, tables, cursor, *branch),
            }
        }
        Read::Branch(i) => {
            let branch = tables.branch_read(i);
            let node = walk(tree, tables, cursor, branch.read)?;
            Ok(tree.branch(tables, branch.union, branch.index, node))
        }
        Read::Fail(i) => {
            let reason = tables.failure(i).reason.to_string();
            Err(cursor.fault(DecodeErrorKind::Unreadable { reason }))
        }
    }
}

fn array<T: Tree>(
    tree: &T,
    tables: &Tables,
    cursor: &mut Cursor<'_>,
    index: u32,
) -> Result<T::Node, DecodeError> {
    cursor.enter()?;
    let mut blocks = Blocks::new(tables.collection_read(index), cursor)?;
    let mut items = Vec::new();
    while blocks.advance(cursor)? {
        let item = walk(tree, tables, cursor, blocks.shape.item);
        items.push(item.map_err(|e| e.in_item(items.len() as u64))?);
    }
    cursor.leave();
    Ok(tree.array(items))
}

fn map<T: Tree>(
    tree: &T,
    tables: &Tables,
    cursor: &mut Cursor<'_>,
    index: u32,
) -> Result<T::Node, DecodeError> {
    cursor.enter()?;
    let mut blocks = Blocks::new(tables.collection_read(index), cursor)?;
    let mut entries = Vec::new();
    while blocks.advance(cursor)? {
        let key = cursor.string()?;
        let value = walk(tree, tables, cursor, blocks.shape.item).map_err(|e| e.in_key(key.as_bytes()))?;
        entries.push((key.to_owned(), value));
    }
    cursor.leave();
    Ok(tree.map(entries))
}

fn record<T: Tree>(
    tree: &T,
    tables: &Tables,
    cursor: &mut Cursor<'_>,
    record: &RecordRead,
) -> Result<T::Node, DecodeError> {
    cursor.enter()?;
    let fields = tables.record(record.shape).fields.len();
    cursor.charge(FIELD_BYTES.saturating_mul(fields as u64))?;
    let mut slots: Vec<Option<(String, T::Node)>> = Vec::new();
    slots.resize_with(fields, || None);
    for step in &record.steps {
        let (field, name, node) = match step {
            Step::Skip { name, wire } => {
                skip(tables, cursor, *wire).map_err(|e| e.in_field(name))?;
                continue;
            }
            Step::Read { field, name, read } => {
                (field, name, walk(tree, tables, cursor, *read).map_err(|e| e.in_field(name))?)
            }
            Step::Default { field, name, read, bytes } => {
                cursor.charge(32u64.saturating_mul(bytes.len() as u64))?;
                let mut inside = cursor.over(bytes);
                let node = walk(tree, tables, &mut inside, *read);
                (field, name, node.map_err(|e| e.without_offset().in_field(name))?)
            }
        };
        cursor.charge(name.len() as u64)?;
        if let Some(slot) = slots.get_mut(*field as usize) {
            *slot = Some((name.to_string(), node));
        }
    }
    cursor.leave();
    Ok(tree.record(slots.into_iter().flatten().collect()))
}
