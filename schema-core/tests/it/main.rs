//! What must hold for every schema, on generated ones, and Java's Avro as the judge of verdicts.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail where it stands")]

mod defects;
mod generate;
mod java;
mod oracle;
mod properties;
