//! Why a schema text was refused.

use std::fmt;

use thiserror::Error;

/// A place in a text; both numbers count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a schema text was refused. The display text is the message Java's parser gives, where it has one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The text is not JSON.
    #[error("{message}")]
    Json {
        /// What the reader expected.
        message: String,
        /// JSON pointer to the value that was being read, or to the container that could not go on.
        path: String,
        /// Where it stopped.
        position: Position,
        /// Index of the referenced text it happened in; `None` is the main text.
        reference: Option<usize>,
    },
    /// The text is JSON and not a schema.
    #[error("{problem}")]
    Schema {
        /// What is wrong.
        problem: Box<SchemaProblem>,
        /// JSON pointer into the text; empty for the whole.
        path: String,
        /// Where that is.
        position: Position,
        /// Index of the referenced text it happened in; `None` is the main text.
        reference: Option<usize>,
    },
    /// The texts together are longer than allowed.
    #[error("schema text of {bytes} bytes exceeds the limit of {max}")]
    TooLong {
        /// Bytes of main and referenced texts.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The text, or what it expands to, nests deeper than allowed.
    #[error("schema is nested deeper than {max} levels")]
    TooDeep {
        /// The limit, in JSON levels.
        max: usize,
        /// Where the text goes too deep; `None` when only what it expands to does.
        position: Option<Position>,
    },
    /// Full names longer than allowed: a long namespace that many types inherit.
    #[error("full names of the schema's types exceed {max} bytes together")]
    NamesTooLong {
        /// The limit.
        max: usize,
    },
    /// More types than allowed.
    #[error("schema has more than {max} types")]
    TooManyNodes {
        /// The limit.
        max: usize,
    },
}

impl SchemaError {
    /// Where in the text, when the problem has a place.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Json { position, .. } | Self::Schema { position, .. } => Some(*position),
            Self::TooDeep { position, .. } => *position,
            Self::TooLong { .. } | Self::NamesTooLong { .. } | Self::TooManyNodes { .. } => None,
        }
    }

    /// JSON pointer (RFC 6901) to the refused part; for a text that is not JSON to where the reader was.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Json { path, .. } | Self::Schema { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Index of the referenced text the problem is in; `None` is the main text.
    pub fn reference(&self) -> Option<usize> {
        match self {
            Self::Json { reference, .. } | Self::Schema { reference, .. } => *reference,
            Self::TooLong { .. }
            | Self::TooDeep { .. }
            | Self::NamesTooLong { .. }
            | Self::TooManyNodes { .. } => None,
        }
    }
}

/// What is wrong with a JSON value that should be a schema. Texts are Java's; `json` is the offending value, compact.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "each variant's message states it, and its fields are what the message shows"
)]
pub enum SchemaProblem {
    #[error("Schema not yet supported: {json}")]
    NotASchema { json: String },
    #[error("No type: {json}")]
    NoType { json: String },
    #[error("No name in schema: {json}")]
    NoName { json: String },
    #[error("Empty name")]
    EmptyName,
    #[error("Null name")]
    NullName,
    #[error("Illegal initial character: {name}")]
    IllegalInitialCharacter { name: String },
    #[error("Illegal character in: {name}")]
    IllegalCharacter { name: String },
    #[error("Namespace part \"{part}\" is invalid: {problem}")]
    NamespacePart { part: String, problem: Box<SchemaProblem> },
    #[error("Schemas may not be named after primitives: {name}")]
    PrimitiveName { name: String },
    #[error("Undefined schema: {name}")]
    Undefined { name: String },
    #[error("Can't redefine: {name}")]
    Redefined { name: String },
    #[error("Record has no fields: {json}")]
    NoFields { json: String },
    #[error("No field name: {json}")]
    NoFieldName { json: String },
    #[error("No field type: {json}")]
    NoFieldType { json: String },
    #[error(
        "Duplicate field {name} in record {record}: {name} type:{new_type} pos:{new_index} and {name} type:{old_type} pos:{old_index}."
    )]
    DuplicateField {
        name: String,
        record: String,
        new_type: &'static str,
        new_index: usize,
        old_type: &'static str,
        old_index: usize,
    },
    #[error("No enum constant org.apache.avro.Schema.Field.Order.{order}")]
    UnknownOrder { order: String },
    #[error("Field order is not a string: {json}")]
    OrderNotString { json: String },
    #[error("Enum has no symbols: {json}")]
    NoSymbols { json: String },
    #[error("Duplicate enum symbol: {symbol}")]
    DuplicateSymbol { symbol: String },
    #[error("The Enum Default: {default} is not in the enum symbol set: [{}]", symbols.join(", "))]
    EnumDefault { default: String, symbols: Vec<String> },
    #[error("Array has no items type: {json}")]
    NoItems { json: String },
    #[error("Map has no values type: {json}")]
    NoValues { json: String },
    #[error("Invalid or no size: {json}")]
    InvalidSize { json: String },
    #[error("Malformed data. Length is negative: {size}")]
    NegativeSize { size: i32 },
    #[error("Cannot read arrays longer than 2147483639 bytes in Java library")]
    SizeTooLarge { size: i32 },
    #[error("aliases not an array: {json}")]
    AliasesNotArray { json: String },
    #[error("alias not a string: {json}")]
    AliasNotString { json: String },
    #[error("Nested union: {json}")]
    NestedUnion { json: String },
    #[error("Duplicate in union:{name}")]
    DuplicateBranch { name: String },
    #[error("For input string: \"{text}\"")]
    DefaultNotNumber { text: String },
    #[error("Invalid default for field {field}: {default} not a {schema}")]
    InvalidDefault { field: String, default: String, schema: String },
    #[error("no type or field at {path}")]
    UnresolvedEntity { path: String },
}
