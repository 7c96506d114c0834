//! The arena's contents: what the author wrote, resolved but not reduced.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::logical::{self, LogicalType};
use super::name::Name;

/// The key of a node within its [`Schema`](super::Schema). Every named type is one node; every occurrence of another type
/// is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// The position in the arena, below [`Schema::node_count`](super::Schema::node_count).
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The arena.
#[derive(Debug, Clone, Default)]
pub(super) struct Nodes(pub(super) Vec<Node>);

impl Nodes {
    #[expect(clippy::indexing_slicing, reason = "ids are only made while filling the arena")]
    pub(super) fn get(&self, id: NodeId) -> &Node {
        &self.0[id.index()]
    }
}

/// Attributes that mean nothing to Avro itself, in input order. Numbers are exact integers or doubles in Java's text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Props(Option<Box<Map<String, Value>>>);

impl Props {
    pub(super) fn from_map(map: Map<String, Value>) -> Self {
        Self((!map.is_empty()).then(|| Box::new(map)))
    }

    /// The value of an attribute.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.as_ref()?.get(key)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The attributes in input order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().flat_map(|map| map.iter()).map(|(key, value)| (key.as_str(), value))
    }
}

/// A type.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the variants are the types of the specification")]
pub enum Node {
    Null(Props),
    Boolean(Props),
    Int(Props),
    Long(Props),
    Float(Props),
    Double(Props),
    Bytes(Props),
    String(Props),
    Array { items: NodeId, props: Props },
    Map { values: NodeId, props: Props },
    Union { branches: Vec<NodeId> },
    Record(Box<RecordNode>),
    Enum(Box<EnumNode>),
    Fixed(Box<FixedNode>),
}

/// A type without its parts. A record declared `error` is a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the types of the specification")]
pub enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array,
    Map,
    Union,
    Record,
    Enum,
    Fixed,
}

impl Kind {
    /// The word for the type in a schema text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Array => "array",
            Self::Map => "map",
            Self::Union => "union",
            Self::Record => "record",
            Self::Enum => "enum",
            Self::Fixed => "fixed",
        }
    }

    /// The word for the type in messages: upper case.
    pub const fn java_name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean => "BOOLEAN",
            Self::Int => "INT",
            Self::Long => "LONG",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Bytes => "BYTES",
            Self::String => "STRING",
            Self::Array => "ARRAY",
            Self::Map => "MAP",
            Self::Union => "UNION",
            Self::Record => "RECORD",
            Self::Enum => "ENUM",
            Self::Fixed => "FIXED",
        }
    }

    /// Whether the type has no parts.
    pub const fn is_primitive(self) -> bool {
        !matches!(self, Self::Array | Self::Map | Self::Union | Self::Record | Self::Enum | Self::Fixed)
    }
}

/// A record or error.
#[derive(Debug, Clone)]
pub struct RecordNode {
    /// Full name.
    pub name: Name,
    /// Documentation, when given as a string.
    pub doc: Option<String>,
    /// Fields in order.
    pub fields: Vec<Field>,
    /// Other names, without repetitions.
    pub aliases: Vec<Name>,
    /// Other attributes.
    pub props: Props,
    /// Declared as `error`.
    pub is_error: bool,
    pub(super) by_name: HashMap<Box<str>, u32>,
}

impl RecordNode {
    /// The field of that name and its position.
    pub fn field(&self, name: &str) -> Option<(usize, &Field)> {
        let index = *self.by_name.get(name)? as usize;
        self.fields.get(index).map(|field| (index, field))
    }
}

/// A field of a record.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name.
    pub name: String,
    /// Type.
    pub schema: NodeId,
    /// Documentation, when given as a string.
    pub doc: Option<String>,
    /// Default; `Some(Null)` differs from `None`. Integers are exact; other numbers are doubles in Java's text.
    pub default: Option<Value>,
    /// Sort order.
    pub order: Order,
    /// Other names, without repetitions.
    pub aliases: Vec<String>,
    /// Other attributes.
    pub props: Props,
}

/// The sort order of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "the variants are the words of the specification")]
pub enum Order {
    #[default]
    Ascending,
    Descending,
    Ignore,
}

impl Order {
    /// The word in a schema text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ascending => "ascending",
            Self::Descending => "descending",
            Self::Ignore => "ignore",
        }
    }
}

/// An enum.
#[derive(Debug, Clone)]
pub struct EnumNode {
    /// Full name.
    pub name: Name,
    /// Documentation, when given as a string.
    pub doc: Option<String>,
    /// Symbols in order, without repetitions.
    pub symbols: Vec<String>,
    /// The symbol a reader falls back to; always one of the symbols.
    pub default: Option<String>,
    /// Other names, without repetitions.
    pub aliases: Vec<Name>,
    /// Other attributes.
    pub props: Props,
}

/// A fixed.
#[derive(Debug, Clone)]
pub struct FixedNode {
    /// Full name.
    pub name: Name,
    /// Documentation, when given as a string.
    pub doc: Option<String>,
    /// Bytes of a value.
    pub size: u32,
    /// Other names, without repetitions.
    pub aliases: Vec<Name>,
    /// Other attributes.
    pub props: Props,
}

impl Node {
    /// The type without its parts.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null(_) => Kind::Null,
            Self::Boolean(_) => Kind::Boolean,
            Self::Int(_) => Kind::Int,
            Self::Long(_) => Kind::Long,
            Self::Float(_) => Kind::Float,
            Self::Double(_) => Kind::Double,
            Self::Bytes(_) => Kind::Bytes,
            Self::String(_) => Kind::String,
            Self::Array { .. } => Kind::Array,
            Self::Map { .. } => Kind::Map,
            Self::Union { .. } => Kind::Union,
            Self::Record(_) => Kind::Record,
            Self::Enum(_) => Kind::Enum,
            Self::Fixed(_) => Kind::Fixed,
        }
    }

    /// The logical type, when the attributes make a valid one for this type.
    pub fn logical(&self) -> Option<LogicalType> {
        logical::of(self)
    }

    /// The name of a record, enum or fixed.
    pub fn name(&self) -> Option<&Name> {
        match self {
            Self::Record(record) => Some(&record.name),
            Self::Enum(node) => Some(&node.name),
            Self::Fixed(fixed) => Some(&fixed.name),
            _ => None,
        }
    }

    /// The other names of a record, enum or fixed.
    pub fn aliases(&self) -> &[Name] {
        match self {
            Self::Record(record) => &record.aliases,
            Self::Enum(node) => &node.aliases,
            Self::Fixed(fixed) => &fixed.aliases,
            _ => &[],
        }
    }

    /// The documentation of a record, enum or fixed.
    pub fn doc(&self) -> Option<&str> {
        match self {
            Self::Record(record) => record.doc.as_deref(),
            Self::Enum(node) => node.doc.as_deref(),
            Self::Fixed(fixed) => fixed.doc.as_deref(),
            _ => None,
        }
    }

    /// The attributes; `None` for a union, which cannot carry any.
    pub fn props(&self) -> Option<&Props> {
        match self {
            Self::Null(props)
            | Self::Boolean(props)
            | Self::Int(props)
            | Self::Long(props)
            | Self::Float(props)
            | Self::Double(props)
            | Self::Bytes(props)
            | Self::String(props)
            | Self::Array { props, .. }
            | Self::Map { props, .. } => Some(props),
            Self::Union { .. } => None,
            Self::Record(record) => Some(&record.props),
            Self::Enum(node) => Some(&node.props),
            Self::Fixed(fixed) => Some(&fixed.props),
        }
    }

    pub(super) fn primitive(word: &str, props: Props) -> Option<Self> {
        Some(match word {
            "null" => Self::Null(props),
            "boolean" => Self::Boolean(props),
            "int" => Self::Int(props),
            "long" => Self::Long(props),
            "float" => Self::Float(props),
            "double" => Self::Double(props),
            "bytes" => Self::Bytes(props),
            "string" => Self::String(props),
            _ => return None,
        })
    }
}
