//! From a schema's nodes to operations.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;

use assay_schema_core::avro::{EnumNode, FixedNode, LogicalType, Node, NodeId, RecordNode, Schema};

use super::default::{Budget, encode_default};
use super::error::PlanError;
use super::program::{
    CollectionShape, DecimalShape, EnumShape, FieldShape, FixedLogical, FixedShape, IntLogical, LongLogical,
    Op, RecordShape, Tables, TypeName, UnionShape,
};
use super::{PLAN_ENTRIES_MAX, size};

/// The operation of every node that is reachable from a schema's root.
pub(super) struct Lowered<'s> {
    pub(super) schema: &'s Schema,
    ops: HashMap<NodeId, Op>,
    pub(super) root: Op,
}

impl Lowered<'_> {
    /// The operation of a reachable node.
    pub(super) fn op(&self, node: NodeId) -> Op {
        self.ops.get(&node).copied().unwrap_or(Op::Null)
    }
}

/// Adds a schema to the tables. Works off a list, so neither depth nor recursion of the schema costs stack.
pub(super) fn lower<'s>(schema: &'s Schema, tables: &mut Tables) -> Result<Lowered<'s>, PlanError> {
    let mut lowering = Lowering { schema, tables, ops: HashMap::new(), open: Vec::new() };
    let root = lowering.op(schema.root())?;
    while let Some((node, op)) = lowering.open.pop() {
        lowering.fill(node, op)?;
    }
    let Lowering { ops, .. } = lowering;
    size::fill(tables);
    fill_defaults(schema, &ops, tables);
    Ok(Lowered { schema, ops, root })
}

struct Lowering<'s, 't> {
    schema: &'s Schema,
    tables: &'t mut Tables,
    ops: HashMap<NodeId, Op>,
    open: Vec<(NodeId, Op)>,
}

impl Lowering<'_, '_> {
    /// The operation of a node; makes the entry of a new composite node and leaves it to be filled.
    fn op(&mut self, id: NodeId) -> Result<Op, PlanError> {
        if let Some(op) = self.ops.get(&id) {
            return Ok(*op);
        }
        if self.ops.len() >= PLAN_ENTRIES_MAX {
            return Err(PlanError::TooLarge { what: "types", limit: PLAN_ENTRIES_MAX });
        }
        let node = self.schema.node(id);
        let logical = node.logical();
        let op = match node {
            Node::Null(_) => Op::Null,
            Node::Boolean(_) => Op::Boolean,
            Node::Int(_) => int_op(logical),
            Node::Long(_) => long_op(logical),
            Node::Float(_) => Op::Float,
            Node::Double(_) => Op::Double,
            Node::String(_) if logical == Some(LogicalType::Uuid) => Op::UuidString,
            Node::String(_) => Op::String,
            Node::Bytes(_) => match logical {
                Some(LogicalType::BigDecimal) => Op::BigDecimal,
                Some(LogicalType::Decimal { precision, scale }) => {
                    Op::Decimal(push(&mut self.tables.decimals, decimal(precision, scale)))
                }
                _ => Op::Bytes,
            },
            Node::Fixed(fixed) => Op::Fixed(push(&mut self.tables.fixeds, fixed_shape(fixed, logical))),
            Node::Enum(node) => Op::Enum(push(&mut self.tables.enums, enum_shape(node))),
            Node::Array { .. } => Op::Array(push(&mut self.tables.collections, ARRAY)),
            Node::Map { .. } => Op::Map(push(&mut self.tables.collections, MAP)),
            Node::Record(record) => Op::Record(push(&mut self.tables.records, empty_record(record))),
            Node::Union { .. } => Op::Union(push(&mut self.tables.unions, empty_union())),
        };
        self.ops.insert(id, op);
        if matches!(op, Op::Array(_) | Op::Map(_) | Op::Record(_) | Op::Union(_)) {
            self.open.push((id, op));
        }
        Ok(op)
    }

    fn fill(&mut self, id: NodeId, op: Op) -> Result<(), PlanError> {
        match (self.schema.node(id), op) {
            (Node::Array { items: item, .. } | Node::Map { values: item, .. }, Op::Array(i) | Op::Map(i)) => {
                let item = self.op(*item)?;
                if let Some(entry) = self.tables.collections.get_mut(i as usize) {
                    entry.item = item;
                }
            }
            (Node::Union { branches, .. }, Op::Union(i)) => {
                let branches = branches.iter().map(|b| self.op(*b)).collect::<Result<Box<[Op]>, _>>()?;
                if let Some(entry) = self.tables.unions.get_mut(i as usize) {
                    *entry = union_shape(branches);
                }
            }
            (Node::Record(record), Op::Record(i)) => {
                let ops = record.fields.iter().map(|f| self.op(f.schema)).collect::<Result<Vec<Op>, _>>()?;
                if let Some(entry) = self.tables.records.get_mut(i as usize) {
                    fill_record(entry, record, &ops);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn push<T>(table: &mut Vec<T>, entry: T) -> u32 {
    table.push(entry);
    // tables are bounded by PLAN_ENTRIES_MAX
    u32::try_from(table.len() - 1).unwrap_or(u32::MAX)
}

const ARRAY: CollectionShape = CollectionShape { item: Op::Null, key_bytes_min: 0, item_bytes_min: 0 };
const MAP: CollectionShape = CollectionShape { item: Op::Null, key_bytes_min: 1, item_bytes_min: 1 };

fn empty_record(record: &RecordNode) -> RecordShape {
    RecordShape {
        name: TypeName::new(record.name.full()),
        fields: Box::default(),
        ops: Box::default(),
        by_name: Box::default(),
    }
}

fn empty_union() -> UnionShape {
    UnionShape { branches: Box::default(), null: None, other: None }
}

fn int_op(logical: Option<LogicalType>) -> Op {
    match logical {
        Some(LogicalType::Date) => Op::IntAs(IntLogical::Date),
        Some(LogicalType::TimeMillis) => Op::IntAs(IntLogical::TimeMillis),
        _ => Op::Int,
    }
}

fn long_op(logical: Option<LogicalType>) -> Op {
    Op::LongAs(match logical {
        Some(LogicalType::TimeMicros) => LongLogical::TimeMicros,
        Some(LogicalType::TimestampMillis) => LongLogical::TimestampMillis,
        Some(LogicalType::TimestampMicros) => LongLogical::TimestampMicros,
        Some(LogicalType::TimestampNanos) => LongLogical::TimestampNanos,
        Some(LogicalType::LocalTimestampMillis) => LongLogical::LocalTimestampMillis,
        Some(LogicalType::LocalTimestampMicros) => LongLogical::LocalTimestampMicros,
        Some(LogicalType::LocalTimestampNanos) => LongLogical::LocalTimestampNanos,
        _ => return Op::Long,
    })
}

fn decimal(precision: u32, scale: u32) -> DecimalShape {
    DecimalShape { precision, scale }
}

fn fixed_shape(fixed: &FixedNode, logical: Option<LogicalType>) -> FixedShape {
    let size = usize::try_from(fixed.size).unwrap_or(usize::MAX);
    let logical = match logical {
        Some(LogicalType::Decimal { precision, scale }) => {
            Some(FixedLogical::Decimal(decimal(precision, scale)))
        }
        Some(LogicalType::Uuid) if size == 16 => Some(FixedLogical::Uuid),
        Some(LogicalType::Duration) if size == 12 => Some(FixedLogical::Duration),
        _ => None,
    };
    FixedShape { name: TypeName::new(fixed.name.full()), size, logical }
}

fn enum_shape(node: &EnumNode) -> EnumShape {
    let symbols = node.symbols.iter().map(|s| s.as_str().into()).collect();
    EnumShape { name: TypeName::new(node.name.full()), symbols }
}

fn union_shape(branches: Box<[Op]>) -> UnionShape {
    let null = branches.iter().position(|b| *b == Op::Null).and_then(|i| u32::try_from(i).ok());
    let other = match (&*branches, null) {
        ([_, other], Some(0)) => Some((1, *other)),
        ([other, _], Some(1)) => Some((0, *other)),
        _ => None,
    };
    UnionShape { branches, null, other }
}

fn fill_record(entry: &mut RecordShape, record: &RecordNode, ops: &[Op]) {
    let field = |(field, op): (&assay_schema_core::avro::Field, &Op)| FieldShape {
        name: field.name.as_str().into(),
        op: *op,
        default: None,
        key: AtomicUsize::new(0),
    };
    entry.fields = record.fields.iter().zip(ops).map(field).collect();
    let mut by_name: Vec<(&str, u32)> = (0u32..).zip(&*entry.fields).map(|(i, f)| (&*f.name, i)).collect();
    by_name.sort_unstable();
    entry.ops = ops.into();
    entry.by_name = by_name.iter().map(|(_, i)| *i).collect();
}

/// Encodes the defaults of every record's fields. One that does not fit its type counts as absent: a schema that was
/// parsed without default checks still validates and decodes its data.
fn fill_defaults(schema: &Schema, ops: &HashMap<NodeId, Op>, tables: &mut Tables) {
    let mut budget = Budget::default();
    for (id, op) in ops {
        let (Node::Record(record), Op::Record(index)) = (schema.node(*id), *op) else { continue };
        let Some(entry) = tables.records.get_mut(index as usize) else { continue };
        for (field, shape) in record.fields.iter().zip(&mut entry.fields) {
            let Some(default) = &field.default else { continue };
            shape.default = encode_default(schema, field.schema, default, &mut budget);
        }
    }
}
