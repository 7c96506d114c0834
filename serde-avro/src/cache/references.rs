//! Collects the texts that a schema refers to, in the order in which they have to be parsed.

use std::collections::{HashSet, VecDeque};

use assay_schema_core::{QualifiedSubject, SchemaReference, Version, VersionRef};

use super::CachedClient;
use crate::error::Error;
use crate::wire::SchemaKey;

/// Most schemas that one schema may refer to, directly or not.
pub(super) const REFERENCES_MAX: usize = 1000;
/// Longest chain of references.
pub(super) const REFERENCE_DEPTH_MAX: usize = 64;

struct Level {
    left: VecDeque<SchemaReference>,
    /// Text of the schema whose references these are; nothing for the root.
    text: Option<String>,
    /// Subject whose context unqualified subjects of these references belong to.
    owner: Option<String>,
}

impl CachedClient {
    /// Texts of all schemas that `references` name, directly or not: those referred to before those that refer, each
    /// name once.
    pub(super) async fn reference_texts(
        &self,
        key: SchemaKey,
        owner: Option<&str>,
        references: &[SchemaReference],
    ) -> Result<Vec<String>, Error> {
        let mut seen = HashSet::new();
        let mut texts = Vec::new();
        let root =
            Level { left: references.iter().cloned().collect(), text: None, owner: owner.map(str::to_owned) };
        let mut levels = vec![root];
        while let Some(level) = levels.last_mut() {
            let Some(reference) = level.left.pop_front() else {
                texts.extend(levels.pop().and_then(|level| level.text));
                continue;
            };
            if !seen.insert(reference.name.clone()) {
                continue;
            }
            if seen.len() > REFERENCES_MAX {
                return Err(Error::References { key, what: "schemas", limit: REFERENCES_MAX });
            }
            if levels.len() > REFERENCE_DEPTH_MAX {
                return Err(Error::References { key, what: "levels", limit: REFERENCE_DEPTH_MAX });
            }
            let owner = levels.last().and_then(|level| level.owner.as_deref());
            let subject = in_context_of(owner, &reference.subject);
            let version = Version::new(reference.version).map_or(VersionRef::Latest, VersionRef::Number);
            let schema = self.version(&subject, version).await?;
            levels.push(Level {
                left: schema.references.clone().into(),
                text: schema.text.clone(),
                owner: Some(subject),
            });
        }
        Ok(texts)
    }
}

/// An unqualified subject belongs to the context of the schema that refers to it.
fn in_context_of(owner: Option<&str>, subject: &str) -> String {
    match owner {
        Some(owner) if QualifiedSubject::is_qualified(owner) && !QualifiedSubject::is_qualified(subject) => {
            QualifiedSubject::new(QualifiedSubject::parse(owner).context, subject).to_string()
        }
        _ => subject.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_context_of;

    #[test]
    fn unqualified_references_stay_in_the_context_of_their_owner() {
        assert_eq!(in_context_of(None, "a"), "a");
        assert_eq!(in_context_of(Some("b"), "a"), "a");
        assert_eq!(in_context_of(Some(":.ctx:b"), "a"), ":.ctx:a");
        assert_eq!(in_context_of(Some(":.ctx:"), ":.other:a"), ":.other:a");
    }
}
