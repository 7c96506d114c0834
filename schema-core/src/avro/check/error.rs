//! Why a check can have no verdict.

use thiserror::Error;

use crate::avro::node::NodeId;

/// Why two schemas could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckError {
    /// A field of the reader matches several of the writer.
    #[error(transparent)]
    Ambiguous(#[from] AmbiguousField),
    /// The pair exceeds the limits of [`check`](fn@super::check).
    #[error("schemas are too complex to compare")]
    TooComplex,
}

/// A field of the reader that matches several of the writer by name and aliases. The display text is Java's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "Reader record field {field} type:{kind} pos:{position} matches multiple fields in writer record schema {writer}"
)]
pub struct AmbiguousField {
    /// The reader's field.
    pub field: String,
    /// Its type, upper case.
    pub kind: &'static str,
    /// Its position.
    pub position: usize,
    /// The writer's record: its canonical text with everything spelt out.
    pub writer: String,
    /// The nodes of the two records, reader's first.
    pub pair: (NodeId, NodeId),
}
