//! A type against a file, in a user's test.

use std::fmt::Write as _;
use std::path::Path;

use assay_schema_core::avro::diff::{ChangeKind, diff};
use assay_schema_core::avro::{Located, ParseMode, Schema};

use super::AvroSchema;

/// Fails the test, with a line for each difference, unless the type's schema is that of the file. For tests.
///
/// A relative path starts where the test runs: at the package. Documentation and attributes without a meaning of their own
/// are not compared; names, fields and their order, types, logical types, defaults, aliases and symbols are.
///
/// ```no_run
/// # use assay_serde_avro::{AvroSchema, assert_schema_matches};
/// # #[derive(AvroSchema)] struct Order { id: i64 }
/// assert_schema_matches::<Order>("schemas/order.avsc");
/// ```
///
/// # Panics
///
/// When the schemas differ, when the file cannot be read or holds no schema, and when the type has none.
#[track_caller]
#[expect(clippy::panic, reason = "an assertion")]
pub fn assert_schema_matches<T: AvroSchema>(path: impl AsRef<Path>) {
    let path = path.as_ref();
    let shown = path.display();
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{shown}: {e}"));
    let file = Schema::parse(&text, ParseMode::Lax).unwrap_or_else(|e| panic!("{shown}: {e}"));
    let own = T::avro_schema().unwrap_or_else(|e| panic!("{}: {e}", std::any::type_name::<T>()));
    let report = differences(&file, &own);
    assert!(
        report.is_empty(),
        "{} does not match {shown}:\n{report}the type's schema is\n  {}",
        std::any::type_name::<T>(),
        own.canonical()
    );
}

/// A line for each difference that matters to data.
fn differences(file: &Schema, own: &Schema) -> String {
    let mut report = String::new();
    for change in diff(&Located::canonical(file), &Located::canonical(own)) {
        let ignored = [
            ChangeKind::DocChanged,
            ChangeKind::PropertiesChanged,
            ChangeKind::TagsChanged,
            ChangeKind::OrderChanged,
        ];
        if ignored.contains(&change.kind) {
            continue;
        }
        let kind = change.kind.as_str().to_lowercase().replace('_', " ");
        let effect = match (change.breaks_backward, change.breaks_forward) {
            (true, true) => " (neither reads data of the other)",
            (true, false) => " (the type cannot read data of the file's schema)",
            (false, true) => " (the file's schema cannot read data of the type)",
            (false, false) => "",
        };
        let side = |side: &assay_schema_core::avro::Side| match serde_json::to_value(side) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        };
        let _ = writeln!(
            report,
            "  {kind}{effect}\n    file: {}\n    type: {}",
            side(&change.old),
            side(&change.new)
        );
    }
    report
}
