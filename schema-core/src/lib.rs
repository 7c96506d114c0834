//! The pure rules of a schema registry: no I/O, no clock, no runtime.
//!
//! Schemas here mean what they mean to Java's Avro 1.12.1 and to the Confluent registry: [`avro`] parses a text, prints
//! the stored form and compares two schemas with the same verdicts, messages and locations; [`compatibility`] applies a
//! level to a subject's history. Beside them live the identities ([`SchemaId`], [`Version`], [`Guid`]), the names
//! ([`Context`], [`QualifiedSubject`]), data contracts ([`Metadata`], [`RuleSet`]), the REST bodies ([`rest`]), the error
//! table ([`error_code`]), and the five bytes in front of a framed record ([`wire`]).
//!
//! Every entry that takes text from a peer is bounded in size and depth and returns an error, never a panic.

pub mod avro;
pub mod compatibility;
pub mod error_code;
pub mod naming;
pub mod rest;
pub mod wire;

mod error;
mod guid;
mod ids;
mod json;
mod level;
mod metadata;
mod mode;
mod reference;
mod rule;
mod schema_type;
mod subject;

pub use error::{Position, SchemaError, SchemaProblem};
pub use guid::{Guid, ParseGuidError, content_guid};
pub use ids::{ParseIdError, ParseVersionError, SchemaId, Version, VersionRef};
pub use level::{CompatibilityLevel, ParseLevelError};
pub use metadata::{CONFLUENT_VERSION, Metadata, RESERVED_FIELDS};
pub use mode::{Mode, ParseModeError};
pub use reference::{InvalidReference, SchemaReference};
pub use rule::{ExecutionEnvironment, Rule, RuleError, RuleKind, RuleMode, RuleSet};
pub use schema_type::{SchemaType, SchemaTypeError};
pub use subject::{Context, ContextError, QualifiedSubject};
