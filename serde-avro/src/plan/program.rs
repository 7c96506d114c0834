//! The flat program of a plan: small copyable operations that point into tables by index.

use std::sync::atomic::AtomicUsize;

use super::targets::Targets;

/// How a value of one schema lies on the wire, and what it means. Numbers are indices into [`Tables`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    IntAs(IntLogical),
    LongAs(LongLogical),
    UuidString,
    BigDecimal,
    Decimal(u32),
    Fixed(u32),
    Enum(u32),
    Array(u32),
    Map(u32),
    Record(u32),
    Union(u32),
    /// One byte of bytes or fixed that are written item by item; no schema has this type.
    RawByte,
    /// One little-endian number of a duration; no schema has this type.
    RawWord,
    /// A place that waits for the raw value of a natural type; no schema has this type.
    Natural,
}

/// Logical types over int.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntLogical {
    Date,
    TimeMillis,
}

/// Logical types over long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LongLogical {
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    LocalTimestampMillis,
    LocalTimestampMicros,
    LocalTimestampNanos,
}

/// Digits of a decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DecimalShape {
    pub(crate) precision: u32,
    pub(crate) scale: u32,
}

/// Logical types over fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FixedLogical {
    Decimal(DecimalShape),
    Uuid,
    Duration,
}

#[derive(Debug)]
pub(crate) struct FixedShape {
    pub(crate) name: TypeName,
    pub(crate) size: usize,
    pub(crate) logical: Option<FixedLogical>,
}

#[derive(Debug)]
pub(crate) struct EnumShape {
    pub(crate) name: TypeName,
    pub(crate) symbols: Box<[Box<str>]>,
}

/// An array or a map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CollectionShape {
    pub(crate) item: Op,
    /// 1 for a map, whose keys take at least their length; 0 for an array.
    pub(crate) key_bytes_min: u32,
    /// Fewest bytes of an item, key included; 0 means that every item takes no bytes.
    pub(crate) item_bytes_min: u32,
}

#[derive(Debug)]
pub(crate) struct RecordShape {
    pub(crate) name: TypeName,
    pub(crate) fields: Box<[FieldShape]>,
    /// The operations of `fields`, close together for walks that need no names.
    pub(crate) ops: Box<[Op]>,
    /// Field numbers sorted by name.
    pub(crate) by_name: Box<[u32]>,
}

impl RecordShape {
    pub(crate) fn field_name(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", |f| &f.name)
    }

    /// The number of the field with this name.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let found = self.by_name.binary_search_by(|i| self.field_name(*i as usize).cmp(name)).ok()?;
        self.by_name.get(found).copied()
    }
}

#[derive(Debug)]
pub(crate) struct FieldShape {
    pub(crate) name: Box<str>,
    pub(crate) op: Op,
    /// The default in Avro binary; none when the schema has none or an unusable one.
    pub(crate) default: Option<Box<[u8]>>,
    /// Address of the last `&'static str` found equal to `name`: equal address and length then mean equal text.
    pub(crate) key: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct UnionShape {
    pub(crate) branches: Box<[Op]>,
    pub(crate) null: Option<u32>,
    /// The branch that is not null, in a union of null and one other.
    pub(crate) other: Option<(u32, Op)>,
}

/// Full and simple name of a named type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeName {
    pub(crate) full: Box<str>,
    simple_at: usize,
}

impl TypeName {
    pub(crate) fn new(full: &str) -> Self {
        Self { full: full.into(), simple_at: full.rfind('.').map_or(0, |dot| dot + 1) }
    }

    pub(crate) fn simple(&self) -> &str {
        self.full.get(self.simple_at..).unwrap_or(&self.full)
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        *self.full == *name || self.simple() == name
    }
}

/// How to read one value: bytes of the writer, meaning of the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// Never a composite type.
    Leaf(Op),
    Promote(u32),
    Enum(u32),
    Array(u32),
    Map(u32),
    Record(u32),
    Union(u32),
    /// A value that is no union for the writer and one for the reader.
    Branch(u32),
    /// Valid for the writer, without a place in the reader's schema.
    Fail(u32),
}

/// A value of one primitive type read as another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Promotion {
    pub(crate) wire: Op,
    pub(crate) view: Op,
}

#[derive(Debug)]
pub(crate) struct EnumRead {
    /// The reader's enum.
    pub(crate) shape: u32,
    /// The reader's symbol for each symbol of the writer.
    pub(crate) symbols: Box<[Option<u32>]>,
    /// The writer's enum, to name a symbol without a counterpart.
    pub(crate) writer: u32,
}

#[derive(Debug)]
pub(crate) struct CollectionRead {
    pub(crate) item: Read,
    pub(crate) item_bytes_min: u32,
    pub(crate) wire: Op,
}

#[derive(Debug)]
pub(crate) struct RecordRead {
    /// The reader's record.
    pub(crate) shape: u32,
    pub(crate) steps: Box<[Step]>,
    pub(crate) wire: Op,
    pub(crate) targets: Targets,
}

/// One field while a record is read: the writer's fields in the writer's order, and between them the reader's defaults,
/// each as near to its place in the reader's schema as that allows.
#[derive(Debug)]
pub(crate) enum Step {
    Read { field: u32, name: Box<str>, read: Read },
    Skip { name: Box<str>, wire: Op },
    Default { field: u32, name: Box<str>, read: Read, bytes: Box<[u8]> },
}

#[derive(Debug)]
pub(crate) struct UnionRead {
    pub(crate) branches: Box<[Read]>,
    pub(crate) wire: Op,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct BranchRead {
    /// The reader's union and its branch.
    pub(crate) union: u32,
    pub(crate) index: u32,
    pub(crate) read: Read,
}

#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) reason: Box<str>,
    pub(crate) wire: Op,
}

/// Everything that operations point to.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) decimals: Vec<DecimalShape>,
    pub(crate) fixeds: Vec<FixedShape>,
    pub(crate) enums: Vec<EnumShape>,
    pub(crate) collections: Vec<CollectionShape>,
    pub(crate) records: Vec<RecordShape>,
    pub(crate) unions: Vec<UnionShape>,
    pub(crate) promotions: Vec<Promotion>,
    pub(crate) enum_reads: Vec<EnumRead>,
    pub(crate) collection_reads: Vec<CollectionRead>,
    pub(crate) record_reads: Vec<RecordRead>,
    pub(crate) union_reads: Vec<UnionRead>,
    pub(crate) branch_reads: Vec<BranchRead>,
    pub(crate) failures: Vec<Failure>,
}

macro_rules! table {
    ($($method:ident: $field:ident -> $item:ty;)*) => {
        /// Look-ups by index. Compilation hands out only indices of entries that it fills.
        #[expect(clippy::indexing_slicing, reason = "an operation's index is made together with its entry")]
        impl Tables {
            $(
                #[inline]
                pub(crate) fn $method(&self, index: u32) -> &$item {
                    &self.$field[index as usize]
                }
            )*
        }
    };
}

table! {
    decimal: decimals -> DecimalShape;
    fixed: fixeds -> FixedShape;
    enumeration: enums -> EnumShape;
    collection: collections -> CollectionShape;
    record: records -> RecordShape;
    union: unions -> UnionShape;
    promotion: promotions -> Promotion;
    enum_read: enum_reads -> EnumRead;
    collection_read: collection_reads -> CollectionRead;
    record_read: record_reads -> RecordRead;
    union_read: union_reads -> UnionRead;
    branch_read: branch_reads -> BranchRead;
    failure: failures -> Failure;
}

impl Tables {
    /// The writer's view of a read, to step over its bytes.
    pub(crate) fn wire(&self, read: Read) -> Op {
        match read {
            Read::Leaf(op) => op,
            Read::Promote(i) => self.promotion(i).wire,
            Read::Enum(i) => Op::Enum(self.enum_read(i).writer),
            Read::Array(i) | Read::Map(i) => self.collection_read(i).wire,
            Read::Record(i) => self.record_read(i).wire,
            Read::Union(i) => self.union_read(i).wire,
            Read::Branch(i) => match self.branch_read(i).read {
                // a branch never holds another branch: Avro has no nested unions
                Read::Branch(_) => Op::Null,
                inner => self.wire(inner),
            },
            Read::Fail(i) => self.failure(i).wire,
        }
    }

    /// The digits of a decimal on bytes or fixed.
    pub(crate) fn decimal_shape(&self, op: Op) -> Option<DecimalShape> {
        match op {
            Op::Decimal(i) => Some(*self.decimal(i)),
            Op::Fixed(i) => match self.fixed(i).logical {
                Some(FixedLogical::Decimal(shape)) => Some(shape),
                _ => None,
            },
            _ => None,
        }
    }

    /// What errors call a type: the Avro word, or the full name of a named type.
    pub(crate) fn type_name(&self, op: Op) -> &str {
        match op {
            Op::Fixed(i) => &self.fixed(i).name.full,
            Op::Enum(i) => &self.enumeration(i).name.full,
            Op::Record(i) => &self.record(i).name.full,
            other => word(other),
        }
    }

    /// The named type's name, if `op` is one.
    pub(crate) fn named(&self, op: Op) -> Option<&TypeName> {
        match op {
            Op::Fixed(i) => Some(&self.fixed(i).name),
            Op::Enum(i) => Some(&self.enumeration(i).name),
            Op::Record(i) => Some(&self.record(i).name),
            _ => None,
        }
    }
}

/// The Avro word of a type.
pub(crate) fn word(op: Op) -> &'static str {
    match op {
        Op::Null => "null",
        Op::Boolean => "boolean",
        Op::Int | Op::IntAs(_) => "int",
        Op::Long | Op::LongAs(_) => "long",
        Op::Float => "float",
        Op::Double => "double",
        Op::Bytes | Op::BigDecimal | Op::Decimal(_) => "bytes",
        Op::String | Op::UuidString => "string",
        Op::Fixed(_) => "fixed",
        Op::Enum(_) => "enum",
        Op::Array(_) => "array",
        Op::Map(_) => "map",
        Op::Record(_) => "record",
        Op::Union(_) => "union",
        Op::RawByte => "byte",
        Op::RawWord => "32-bit number",
        Op::Natural => "logical value",
    }
}
