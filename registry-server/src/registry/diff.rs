//! What differs between two versions of a subject, or between a version and a posted schema.

use assay_schema_core::avro::diff::{Change, diff};
use assay_schema_core::avro::{Located, ParseMode};
use assay_schema_core::{Metadata, QualifiedSubject, RuleSet, SchemaReference, VersionRef};

use super::Registry;
use super::error::RegistryError;
use super::input::{Deleted, SchemaInput, StoredContent, SubjectVersion};

/// What differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Changes of the schema, each with its place in both texts.
    pub changes: Vec<Change>,
    /// References, where they differ.
    pub references: Option<BeforeAfter<Vec<SchemaReference>>>,
    /// Metadata, where it differs.
    pub metadata: Option<BeforeAfter<Option<Metadata>>>,
    /// Rules, where they differ.
    pub rule_set: Option<BeforeAfter<Option<RuleSet>>>,
}

/// A part in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeforeAfter<T> {
    /// In the first.
    pub before: T,
    /// In the second.
    pub after: T,
}

impl<T: PartialEq> BeforeAfter<T> {
    fn of(before: T, after: T) -> Option<Self> {
        (before != after).then_some(Self { before, after })
    }
}

/// One of the two, with the schema it holds.
struct Version<'a> {
    located: Located<'a>,
    content: StoredContent,
}

fn difference(before: Version<'_>, after: Version<'_>) -> Difference {
    Difference {
        changes: diff(&before.located, &after.located),
        references: BeforeAfter::of(before.content.references, after.content.references),
        metadata: BeforeAfter::of(before.content.metadata, after.content.metadata),
        rule_set: BeforeAfter::of(before.content.rule_set, after.content.rule_set),
    }
}

impl Registry {
    /// What changed from one version to another, which may be the older one. Places are in the stored texts.
    ///
    /// # Errors
    /// 40401, 40402.
    pub async fn diff_versions(
        &self,
        subject: &QualifiedSubject,
        from: VersionRef,
        to: VersionRef,
        deleted: Deleted,
    ) -> Result<(SubjectVersion, SubjectVersion, Difference), RegistryError> {
        let before = self.version(subject, from, deleted).await?;
        let after = self.version(subject, to, deleted).await?;
        let mut snapshot = self.store().read().await?;
        let old = self.parsed(&mut *snapshot, &before.schema).await?;
        let new = self.parsed(&mut *snapshot, &after.schema).await?;
        let side =
            |located, version: &SubjectVersion| Version { located, content: version.schema.to_content() };
        let difference = difference(
            side(Located::in_text(&old, before.schema.text()), &before),
            side(Located::in_text(&new, after.schema.text()), &after),
        );
        Ok((before, after, difference))
    }

    /// What would change from a version to a posted schema. Places of the new one are in the posted text, or in the normal form
    /// when it is normalised. Metadata and rules that the request leaves out are not compared.
    ///
    /// # Errors
    /// 40401, 40402, 42201.
    pub async fn diff_posted(
        &self,
        subject: &QualifiedSubject,
        from: VersionRef,
        input: &SchemaInput,
        normalize: bool,
        deleted: Deleted,
    ) -> Result<(SubjectVersion, Difference), RegistryError> {
        let before = self.version(subject, from, deleted).await?;
        let mut snapshot = self.store().read().await?;
        let old = self.parsed(&mut *snapshot, &before.schema).await?;
        let content =
            self.prepare(&mut *snapshot, &before.subject, input, ParseMode::Strict, normalize).await?;
        let schema = content.schema.clone();
        let text = if normalize { content.text.clone() } else { input.schema.clone() };
        let stored = before.schema.to_content();
        let mut posted = content.into_stored();
        posted.metadata = posted.metadata.or_else(|| stored.metadata.clone());
        posted.rule_set = posted.rule_set.or_else(|| stored.rule_set.clone());
        let difference = difference(
            Version { located: Located::in_text(&old, before.schema.text()), content: stored },
            Version { located: Located::in_text(&schema, &text), content: posted },
        );
        Ok((before, difference))
    }
}
