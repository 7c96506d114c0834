//! `/subjects/{subject}/versions/{version}/diff`: what differs between versions, or from a version to a posted schema.

use assay_schema_core::avro::diff::Change;
use assay_schema_core::{Metadata, RuleSet, SchemaReference, Version, VersionRef};
use serde::Serialize;

use super::body;
use super::call::Call;
use super::reply::{self, Reply};
use crate::registry::{BeforeAfter, Difference, RegistryError};

#[derive(Serialize)]
struct Pair<T: Serialize> {
    before: T,
    after: T,
}

impl<T: Serialize> From<BeforeAfter<T>> for Pair<T> {
    fn from(pair: BeforeAfter<T>) -> Self {
        Self { before: pair.before, after: pair.after }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SchemaDiff {
    subject: String,
    from: Version,
    /// Absent for a posted schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Version>,
    identical: bool,
    changes: Vec<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    references: Option<Pair<Vec<SchemaReference>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Pair<Option<Metadata>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<Pair<Option<RuleSet>>>,
}

impl SchemaDiff {
    fn new(subject: String, from: Version, to: Option<Version>, found: Difference) -> Self {
        let Difference { changes, references, metadata, rule_set } = found;
        Self {
            subject,
            from,
            to,
            identical: changes.is_empty() && references.is_none() && metadata.is_none() && rule_set.is_none(),
            changes,
            references: references.map(Pair::from),
            metadata: metadata.map(Pair::from),
            rule_set: rule_set.map(Pair::from),
        }
    }
}

pub(super) async fn versions(call: Call) -> Reply {
    let text = call.parameter("other");
    let to = VersionRef::parse(text).map_err(|_| RegistryError::InvalidVersion { text: text.to_owned() })?;
    let (subject, from) = (call.subject()?, call.version()?);
    let (before, after, found) =
        call.registry().diff_versions(&subject, from, to, call.query.deleted()).await?;
    let subject = before.subject.to_string();
    reply::json(&SchemaDiff::new(subject, before.version, Some(after.version), found))
}

pub(super) async fn posted(call: Call) -> Reply {
    let input = body::object(&call.body, "diff.arg3")?.schema_input()?;
    let (subject, from) = (call.subject()?, call.version()?);
    let (normalize, deleted) = (call.query.flag("normalize"), call.query.deleted());
    let (before, found) = call.registry().diff_posted(&subject, from, &input, normalize, deleted).await?;
    reply::json(&SchemaDiff::new(before.subject.to_string(), before.version, None, found))
}
