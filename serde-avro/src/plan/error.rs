//! What can go wrong while compiling a plan and while using it.
//!
//! Faults in data carry the path of the value (`a.b[3].c`), and for bytes the offset. The path is built while the
//! error travels outwards, so data without faults never pays for it.

use std::fmt::{self, Display, Write as _};

/// Why a schema, or a pair of schemas, could not be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The schemas need more plan entries, or more bytes of defaults, than a plan may hold.
    #[error("the plan would exceed {limit} {what}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// The most that is allowed.
        limit: usize,
    },
    /// The writer's schema can never be read with the reader's schema.
    #[error("data written with this schema cannot be read: {reason}")]
    Unreadable {
        /// What does not fit, in the words of the schemas.
        reason: String,
    },
    /// A reader's alias makes two of the writer's fields one.
    #[error("aliases of the reader give two fields of writer record {record} the name {field}")]
    AmbiguousAlias {
        /// Full name of the writer's record.
        record: String,
        /// The name that both fields would have.
        field: String,
    },
    /// A default that a reader needs does not fit the type of its field.
    #[error("the default of field {field} does not fit its type")]
    BadDefault {
        /// `record.field`.
        field: String,
    },
}

/// One step from a value to a value inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Field(Box<str>),
    Index(u64),
    Key(Box<str>),
}

/// Longest part of a map key that a path repeats.
const KEY_CHARS_MAX: usize = 64;

/// The place of a fault, collected from the inside outwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Path(Vec<Segment>);

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().rev().enumerate() {
            match segment {
                Segment::Field(name) if i == 0 => f.write_str(name)?,
                Segment::Field(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => write!(f, "[\"{}\"]", key.escape_debug())?,
            }
        }
        Ok(())
    }
}

/// What is wrong with bytes, or with their fit to the type they are read into.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends inside a value.
    #[error("the input ends inside a value")]
    UnexpectedEnd,
    /// Bytes are left after the value.
    #[error("{left} bytes are left after the value")]
    TrailingData {
        /// How many.
        left: usize,
    },
    /// A variable-length number runs past its type.
    #[error("a variable-length number does not fit {bits} bits")]
    VarintOverflow {
        /// 32 or 64.
        bits: u8,
    },
    /// A boolean is neither 0 nor 1.
    #[error("byte {found} is not a boolean")]
    BadBoolean {
        /// The byte.
        found: u8,
    },
    /// A length or a block size is negative.
    #[error("length {found} is negative")]
    NegativeLength {
        /// The length.
        found: i64,
    },
    /// A length exceeds what is left of the input.
    #[error("length {length} exceeds the {left} bytes left")]
    LengthBeyondInput {
        /// The declared length.
        length: u64,
        /// What is left.
        left: usize,
    },
    /// A block holds more items than the rest of the input can.
    #[error("a block of {count} items cannot fit the {left} bytes left")]
    CountBeyondInput {
        /// The declared count.
        count: u64,
        /// What is left.
        left: usize,
    },
    /// A block takes another number of bytes than it declares.
    #[error("a block declares {declared} bytes and takes {taken}")]
    BlockSizeMismatch {
        /// The declared size.
        declared: u64,
        /// The size of its items.
        taken: u64,
    },
    /// A union has no branch with this index.
    #[error("index {index} is outside a union of {branches} branches")]
    UnionIndex {
        /// The index.
        index: i64,
        /// Branches of the union.
        branches: usize,
    },
    /// An enum has no symbol with this index.
    #[error("index {index} is outside an enum of {symbols} symbols")]
    EnumIndex {
        /// The index.
        index: i64,
        /// Symbols of the enum.
        symbols: usize,
    },
    /// A string is not UTF-8.
    #[error("a string is not valid UTF-8")]
    InvalidUtf8,
    /// Values are nested more deeply than the limit.
    #[error("values are nested more than {limit} deep")]
    TooDeep {
        /// See [`crate::Limits::depth_max`].
        limit: u32,
    },
    /// The data would make a reader allocate more than the limit.
    #[error("decoding would allocate more than {limit} bytes")]
    AllocationLimit {
        /// See [`crate::Limits::allocation_bytes_max`].
        limit: u64,
    },
    /// More items that take no bytes than the limit.
    #[error("more than {limit} items that take no bytes")]
    EmptyItems {
        /// See [`crate::Limits::empty_items_max`].
        limit: u64,
    },
    /// The value is valid for the writer and the reader's schema has no place for it.
    #[error("{reason}")]
    Unreadable {
        /// What does not fit.
        reason: String,
    },
    /// The bytes of a logical type do not hold one of its values.
    #[error("not a valid {logical}")]
    BadLogical {
        /// Name of the logical type.
        logical: &'static str,
    },
    /// The target type refuses the value.
    #[error("{message}")]
    Refused {
        /// The target's words.
        message: String,
    },
}

fn hint(similar: Option<&str>) -> String {
    similar.map_or_else(String::new, |name| format!("; it has {name}: serde(rename) or rename_all"))
}

/// What is wrong with a value that should be written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// The schema has another type at this place.
    #[error("{found} cannot be written as {expected}")]
    TypeMismatch {
        /// The schema's type.
        expected: String,
        /// The kind of value.
        found: String,
    },
    /// A number does not fit the schema's type without loss.
    #[error("{value} does not fit {expected}")]
    OutOfRange {
        /// The value.
        value: String,
        /// The schema's type.
        expected: &'static str,
    },
    /// A record's field is missing and has no default.
    #[error("field {name} is missing and has no default")]
    MissingField {
        /// The field.
        name: String,
    },
    /// The record has no such field.
    #[error("record {record} has no field {name}{}", hint(similar.as_deref()))]
    UnknownField {
        /// Full name of the record.
        record: String,
        /// The field.
        name: String,
        /// A field whose name differs only in case and in underscores.
        similar: Option<String>,
    },
    /// A field is given twice.
    #[error("field {name} is given twice")]
    DuplicateField {
        /// The field.
        name: String,
    },
    /// The enum has no such symbol.
    #[error("enum {name} has no symbol {symbol}")]
    UnknownSymbol {
        /// Full name of the enum.
        name: String,
        /// The symbol.
        symbol: String,
    },
    /// No branch of the union takes the value.
    #[error("no branch of the union takes {found}")]
    NoBranch {
        /// The kind of value, with its name where it has one.
        found: String,
    },
    /// Several branches of the union take the value, and nothing in it says which is meant.
    #[error("{found} fits several branches of the union: {branches}")]
    AmbiguousBranch {
        /// The kind of value.
        found: String,
        /// The branches that fit.
        branches: String,
    },
    /// The value has another size than the schema's fixed.
    #[error("{found} bytes cannot be written as fixed of {size}")]
    FixedSize {
        /// Size in the schema.
        size: usize,
        /// Size of the value.
        found: usize,
    },
    /// A text or number is not a value of the logical type.
    #[error("{value:?} is not a valid {logical}")]
    BadLogical {
        /// Name of the logical type.
        logical: &'static str,
        /// The value.
        value: String,
    },
    /// Values are nested more deeply than the limit.
    #[error("values are nested more than {limit} deep")]
    TooDeep {
        /// See [`crate::Limits::depth_max`].
        limit: u32,
    },
    /// The value refused to serialize itself.
    #[error("{message}")]
    Refused {
        /// The value's words.
        message: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
struct DecodeFault {
    kind: DecodeErrorKind,
    offset: Option<usize>,
    path: Path,
}

/// A fault in bytes: its kind, the byte offset and the path of the value.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodeError(Box<DecodeFault>);

impl DecodeError {
    #[cold]
    #[inline(never)]
    pub(crate) fn new(kind: DecodeErrorKind, offset: usize) -> Self {
        Self(Box::new(DecodeFault { kind, offset: Some(offset), path: Path::default() }))
    }

    #[cold]
    pub(crate) fn refused(message: String) -> Self {
        let kind = DecodeErrorKind::Refused { message };
        Self(Box::new(DecodeFault { kind, offset: None, path: Path::default() }))
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn in_field(mut self, name: &str) -> Self {
        self.0.path.0.push(Segment::Field(name.into()));
        self
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn in_item(mut self, index: u64) -> Self {
        self.0.path.0.push(Segment::Index(index));
        self
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn in_key(mut self, key: &[u8]) -> Self {
        self.0.path.0.push(Segment::Key(shortened(&String::from_utf8_lossy(key))));
        self
    }

    /// Sets the offset of an error that came from the target type.
    #[cold]
    #[inline(never)]
    pub(crate) fn located(mut self, offset: usize) -> Self {
        self.0.offset.get_or_insert(offset);
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.0.kind
    }

    /// Offset of the faulty element from the start of the body, where it is known. A fault inside a reader's default
    /// has the offset at which the default stands in.
    pub fn offset(&self) -> Option<usize> {
        self.0.offset
    }

    /// Path of the faulty value, such as `a.b[3].c`; empty for the whole datum. Map keys appear as `["key"]`, cut
    /// after 64 characters.
    pub fn path(&self) -> String {
        self.0.path.to_string()
    }

    #[cold]
    pub(crate) fn without_offset(mut self) -> Self {
        self.0.offset = None;
        self
    }
}

impl Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)?;
        write_place(f, &self.0.path)?;
        match self.0.offset {
            Some(offset) => write!(f, " at byte {offset}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::refused(message.to_string())
    }
}

#[derive(Debug, Clone, PartialEq)]
struct EncodeFault {
    kind: EncodeErrorKind,
    path: Path,
}

/// A value that the schema cannot take: the kind of fault and the path of the value.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodeError(Box<EncodeFault>);

impl EncodeError {
    #[cold]
    #[inline(never)]
    pub(crate) fn new(kind: EncodeErrorKind) -> Self {
        Self(Box::new(EncodeFault { kind, path: Path::default() }))
    }

    #[cold]
    pub(crate) fn mismatch(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(EncodeErrorKind::TypeMismatch { expected: expected.into(), found: found.into() })
    }

    #[cold]
    pub(crate) fn out_of_range(value: impl Display, expected: &'static str) -> Self {
        Self::new(EncodeErrorKind::OutOfRange { value: value.to_string(), expected })
    }

    #[cold]
    pub(crate) fn bad_logical(logical: &'static str, value: impl Display) -> Self {
        Self::new(EncodeErrorKind::BadLogical { logical, value: value.to_string() })
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn in_field(mut self, name: &str) -> Self {
        self.0.path.0.push(Segment::Field(name.into()));
        self
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn in_item(mut self, index: u64) -> Self {
        self.0.path.0.push(Segment::Index(index));
        self
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn in_key(mut self, key: &str) -> Self {
        self.0.path.0.push(Segment::Key(shortened(key)));
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> &EncodeErrorKind {
        &self.0.kind
    }

    /// Path of the faulty value, such as `a.b[3].c`; empty for the whole datum.
    pub fn path(&self) -> String {
        self.0.path.to_string()
    }
}

impl Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)?;
        write_place(f, &self.0.path)
    }
}

impl std::error::Error for EncodeError {}

impl serde::ser::Error for EncodeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(EncodeErrorKind::Refused { message: message.to_string() })
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, path: &Path) -> fmt::Result {
    if path.0.is_empty() { Ok(()) } else { write!(f, " in {path}") }
}

fn shortened(key: &str) -> Box<str> {
    let mut chars = key.chars();
    let mut short: String = chars.by_ref().take(KEY_CHARS_MAX).collect();
    if chars.next().is_some() {
        let _ = short.write_char('…');
    }
    short.into()
}
