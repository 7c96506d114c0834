//! Why a schema is refused, in places and plain words. Beside the check itself, because it is only worked out when asked for.

use std::sync::Arc;

use assay_schema_core::avro::edits::{Edit, Posted, suggest};
use assay_schema_core::avro::{self, Located, ParseMode, Schema};
use assay_schema_core::compatibility::{self, Explained, OldVersion};
use assay_schema_core::{CompatibilityLevel, QualifiedSubject, Version, VersionRef};
use tokio::sync::Semaphore;

use super::check::{CheckAgainst, in_group};
use super::error::RegistryError;
use super::input::{Deleted, SchemaInput};
use super::references::{ReferenceFailure, Resolution, resolve};
use super::settings::Settings;
use super::{Registry, StoredSchema};
use crate::store::{StoreError, VersionRow};

/// Why a schema may not follow a subject's versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The level in scope.
    pub level: CompatibilityLevel,
    /// Each problem once; empty when the schema may follow, or when what keeps it from following is no matter of types.
    pub problems: Vec<Explained>,
    /// Edits of the posted text that would pass, the smallest first; each was checked against every version that counts.
    pub edits: Vec<Edit>,
}

/// Explanations worked out at the same time: a search for edits keeps a processor busy for a while.
const SEARCHES_MAX: usize = 2;
static SEARCHES: Semaphore = Semaphore::const_new(SEARCHES_MAX);

/// All that an explanation needs, apart from the store.
struct Case {
    level: CompatibilityLevel,
    schema: Schema,
    /// The text that the places of the new schema are in.
    text: String,
    posted: String,
    references: Vec<String>,
    mode: ParseMode,
    olds: Vec<(Version, Arc<StoredSchema>, avro::Schema)>,
}

impl Case {
    fn explain(&self) -> Refusal {
        let olds = self.olds.iter();
        let olds: Vec<OldVersion<'_>> = olds
            .map(|(version, stored, schema)| OldVersion { version: *version, schema, text: stored.text() })
            .collect();
        let located = Located::in_text(&self.schema, &self.text);
        let problems = compatibility::explain(self.level, &located, &olds);
        let edits = if problems.is_empty() {
            Vec::new()
        } else {
            let references: Vec<&str> = self.references.iter().map(String::as_str).collect();
            let posted = Posted { text: &self.posted, references: &references, mode: self.mode };
            let schemas: Vec<&Schema> = self.olds.iter().map(|(.., schema)| schema).collect();
            suggest(&posted, &schemas, self.level)
        };
        Refusal { level: self.level, problems, edits }
    }
}

impl Registry {
    /// Explains what [`Self::check`] says. Places of the new schema are in the posted text, or in the normal form when it is
    /// normalised; places of a version are in its stored text.
    ///
    /// # Errors
    /// Those of [`Self::check`].
    pub async fn explain(
        &self,
        subject: &QualifiedSubject,
        against: CheckAgainst,
        input: &SchemaInput,
        normalize: bool,
    ) -> Result<Refusal, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let config = Settings::read(&mut *snapshot, subject).await?.config();
        let level = self.level(&config);
        let normalize = normalize || config.normalize == Some(true);
        let strict = config.validate_new_schemas.unwrap_or(self.config().validate_new_schemas);
        let mode = if strict { ParseMode::Strict } else { ParseMode::Lax };
        let content = self.prepare(&mut *snapshot, subject, input, mode, normalize).await?;
        let mut olds: Vec<(Version, Arc<StoredSchema>, avro::Schema)> = Vec::new();
        let rows = snapshot.versions(subject).await?;
        for row in compared(&rows, against) {
            let stored = self.content_of(&mut *snapshot, &subject.context, row.id).await?;
            let takes_part =
                against != CheckAgainst::Level || in_group(&config, content.metadata.as_ref(), &stored);
            if takes_part {
                let parsed = self.parsed(&mut *snapshot, &stored).await?;
                olds.push((row.version, stored, parsed));
                if !level.is_transitive() {
                    break;
                }
            }
        }
        let referenced =
            resolve(self, &mut *snapshot, &subject.context, &content.references, Resolution::Stored).await;
        let referenced = match referenced {
            Ok(contents) => contents.iter().map(|stored| stored.text().to_owned()).collect(),
            // They did resolve; what went since takes the edits along, not the explanation.
            Err(ReferenceFailure::Detail(_)) => Vec::new(),
            Err(ReferenceFailure::Error(error)) => return Err(error),
        };
        drop(snapshot);
        let case = Case {
            level,
            text: if normalize { content.text } else { input.schema.clone() },
            schema: content.schema,
            posted: input.schema.clone(),
            references: referenced,
            mode,
            olds,
        };
        let turn = SEARCHES.acquire().await;
        let explained = tokio::task::spawn_blocking(move || case.explain()).await;
        drop(turn);
        explained.map_err(|error| RegistryError::Store(StoreError::Failed(Box::new(error))))
    }
}

/// The live versions that can take part, newest first.
fn compared(rows: &[VersionRow], against: CheckAgainst) -> impl Iterator<Item = &VersionRow> {
    let live = rows.iter().rev().filter(|row| Deleted::Exclude.takes(row.deleted));
    let (number, limit) = match against {
        CheckAgainst::Level => (None, usize::MAX),
        CheckAgainst::Version(VersionRef::Latest) => (None, 1),
        CheckAgainst::Version(VersionRef::Number(number)) => (Some(number), 1),
    };
    live.filter(move |row| number.is_none_or(|number| row.version == number)).take(limit)
}
