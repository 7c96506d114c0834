//! Answers of Assay's registry that other registries do not have. What a later registry adds to them is passed over.

mod diff;
mod explanation;
mod history;

pub use diff::{BeforeAfter, SchemaChange, SchemaDiff};
pub use explanation::{CompatibilityExplanation, Edit, EditStep, Problem, TextPlace};
pub use history::{HistoryCheck, HistoryEvent, HistoryFinding};

#[cfg(test)]
mod tests;
