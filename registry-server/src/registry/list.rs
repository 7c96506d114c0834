//! Lists: subjects, versions of a subject, and schemas across subjects.

use assay_schema_core::{Context, QualifiedSubject};

use super::Registry;
use super::error::RegistryError;
use super::input::{Deleted, Page, SubjectVersion};
use crate::store::{Snapshot, VersionCursor, VersionRow};

/// Rows read from the store at a time while listing schemas.
const ROWS_PER_READ: u32 = 1000;

/// Which subjects a list takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectFilter {
    /// The one context, or all.
    pub context: Option<Context>,
    /// Start of the name.
    pub prefix: String,
}

impl SubjectFilter {
    /// Reads a `subjectPrefix`: `:*:` all contexts, `:.ctx:` one, else the default one; what follows is the start of the name.
    pub fn parse(text: &str) -> Self {
        if let Some(prefix) = text.strip_prefix(":*:") {
            return Self { context: None, prefix: prefix.to_owned() };
        }
        let QualifiedSubject { context, subject } = QualifiedSubject::parse(text);
        Self { context: Some(context), prefix: subject }
    }
}

/// Which schemas a list takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFilter {
    /// Of which subjects.
    pub subjects: SubjectFilter,
    /// Live ones, or all.
    pub deleted: Deleted,
    /// Only the last matching version of each subject.
    pub latest_only: bool,
    /// Only those with a rule of this type; empty for all.
    pub rule_type: String,
    /// Which part of the list.
    pub page: Page,
}

impl Registry {
    /// Names of subjects, the default context first. `Only` takes subjects whose versions are all soft-deleted.
    ///
    /// # Errors
    /// Store errors.
    pub async fn subjects(
        &self,
        filter: &SubjectFilter,
        deleted: Deleted,
        page: Page,
    ) -> Result<Vec<QualifiedSubject>, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let rows = snapshot.subjects(filter.context.as_ref(), &filter.prefix).await?;
        Ok(page.of(rows.into_iter().filter(|row| deleted.takes(!row.live)).map(|row| row.subject)))
    }

    /// Version numbers of a subject, ascending. With `as_negative` soft-deleted ones are in the list as negative numbers.
    ///
    /// # Errors
    /// 40401 if no version counts.
    pub async fn versions(
        &self,
        subject: &QualifiedSubject,
        deleted: Deleted,
        as_negative: bool,
        page: Page,
    ) -> Result<Vec<i32>, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let view = self.view(&mut *snapshot, subject).await?;
        if !view.has(deleted) {
            return Err(RegistryError::SubjectNotFound { subject: subject.to_string() });
        }
        let counted = view.versions().iter().filter(|row| as_negative || deleted.takes(row.deleted));
        let number = |row: &VersionRow| {
            let version = row.version.get();
            if as_negative && row.deleted { -version } else { version }
        };
        Ok(page.of(counted.map(number)))
    }

    /// Schemas by subject, then version.
    ///
    /// # Errors
    /// Store errors.
    pub async fn schemas(&self, filter: &SchemaFilter) -> Result<Vec<SubjectVersion>, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let mut list = Listing { filter, skipped: 0, found: Vec::new() };
        let mut cursor: Option<VersionCursor> = None;
        let mut pending: Option<VersionRow> = None;
        loop {
            let context = filter.subjects.context.as_ref();
            let rows = snapshot
                .versions_after(context, &filter.subjects.prefix, cursor.as_ref(), ROWS_PER_READ)
                .await?;
            let Some(end) = rows.last() else { break };
            cursor = Some(VersionCursor::from(end));
            for row in rows.into_iter().filter(|row| filter.deleted.takes(row.deleted)) {
                let passed = pending.replace(row);
                let Some(passed) = passed else { continue };
                let newer_follows = pending.as_ref().is_some_and(|row| row.subject == passed.subject);
                if !(filter.latest_only && newer_follows) {
                    list.take(self, &mut *snapshot, passed).await?;
                }
                if list.is_full() {
                    return Ok(list.found);
                }
            }
        }
        if let Some(row) = pending {
            list.take(self, &mut *snapshot, row).await?;
        }
        Ok(list.found)
    }
}

/// A page of schemas being filled.
struct Listing<'f> {
    filter: &'f SchemaFilter,
    skipped: usize,
    found: Vec<SubjectVersion>,
}

impl Listing<'_> {
    fn is_full(&self) -> bool {
        self.found.len() >= self.filter.page.limit
    }

    async fn take(
        &mut self,
        registry: &Registry,
        snapshot: &mut dyn Snapshot,
        row: VersionRow,
    ) -> Result<(), RegistryError> {
        if self.is_full() {
            return Ok(());
        }
        if self.filter.rule_type.is_empty() && self.skipped < self.filter.page.offset {
            self.skipped += 1;
            return Ok(());
        }
        let Some(schema) = registry.content(snapshot, &row.subject.context, row.id).await? else {
            return Ok(());
        };
        if !self.filter.rule_type.is_empty() {
            let rules = schema.row().rule_set.as_ref();
            if !rules.is_some_and(|rules| rules.has_type(&self.filter.rule_type)) {
                return Ok(());
            }
            if self.skipped < self.filter.page.offset {
                self.skipped += 1;
                return Ok(());
            }
        }
        self.found.push(SubjectVersion {
            subject: row.subject,
            version: row.version,
            ts_ms: row.ts_ms,
            deleted: row.deleted,
            schema,
        });
        Ok(())
    }
}
