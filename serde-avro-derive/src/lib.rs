//! Derives the Avro schema of a Rust type from its serde attributes.
