//! Why a schema is refused, in places and plain words. Beside the check itself, because it is only worked out when asked for.

use std::sync::Arc;

use assay_schema_core::avro::{self, Located, ParseMode};
use assay_schema_core::compatibility::{self, Explained, OldVersion};
use assay_schema_core::{CompatibilityLevel, QualifiedSubject, Version, VersionRef};

use super::check::{CheckAgainst, in_group};
use super::error::RegistryError;
use super::input::{Deleted, SchemaInput};
use super::settings::Settings;
use super::{Registry, StoredSchema};
use crate::store::VersionRow;

/// Why a schema may not follow a subject's versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The level in scope.
    pub level: CompatibilityLevel,
    /// Each problem once; empty when the schema may follow, or when what keeps it from following is no matter of types.
    pub problems: Vec<Explained>,
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
        let content = self.prepare(&mut *snapshot, subject, input, ParseMode::Lax, normalize).await?;
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
        let olds: Vec<OldVersion<'_>> = olds
            .iter()
            .map(|(version, stored, schema)| OldVersion { version: *version, schema, text: stored.text() })
            .collect();
        let text = if normalize { &content.text } else { &input.schema };
        let located = Located::in_text(&content.schema, text);
        Ok(Refusal { level, problems: compatibility::explain(level, &located, &olds) })
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
