//! The data engine against its specification, its peers, and hostile input.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop at the first fault")]

mod allocations;
mod decoding;
mod defects;
mod derive;
mod differential;
mod encoding;
mod foreign;
mod generate;
mod hostile;
mod json;
mod logical;
mod natural;
mod resolution;
mod targets;
mod validation;

use assay_schema_core::avro::{ParseMode, Schema};
use assay_serde_avro::Plan;

fn schema(text: &str) -> Schema {
    Schema::parse(text, ParseMode::Strict).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn plan(text: &str) -> Plan {
    Plan::compile(&schema(text)).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn pair(writer: &str, reader: &str) -> Plan {
    Plan::resolve(&schema(writer), &schema(reader)).unwrap_or_else(|e| panic!("{writer} -> {reader}: {e}"))
}

/// A record `R` with fields given as JSON.
fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}
