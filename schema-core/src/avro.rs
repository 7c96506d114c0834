//! Avro schemas: parsing, printing, identity and comparison as Java's Avro 1.12.1 does them.

mod canonical;
mod check;
mod default_value;
pub mod diff;
mod equality;

pub mod edits;
pub mod explain;
mod fingerprint;
mod incompatibility;
mod located;
mod logical;
mod name;
mod node;
mod normalize;
mod parse;
mod schema;
mod tags;

#[cfg(test)]
mod property_tests;

pub use check::{AmbiguousField, CheckError, check};
pub use incompatibility::{Incompatibility, IncompatibilityKind};
pub use located::{Located, Side};
pub use logical::LogicalType;
pub use name::Name;
pub use node::{EnumNode, Field, FixedNode, Kind, Node, NodeId, Order, Props, RecordNode};
pub use parse::{Limits, ParseMode, ParseOptions};
pub use schema::Schema;
pub use tags::{EntityKind, EntityTags, edit_tags, inline_tags};

pub use crate::error::{Position, SchemaError, SchemaProblem};
