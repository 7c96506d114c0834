//! Registration (registry-api.md 6.4).

use std::sync::Arc;

use assay_schema_core::avro::ParseMode;
use assay_schema_core::{Context, Metadata, Mode, QualifiedSubject, SchemaId, Version};

use super::content::Content;
use super::error::{InvalidSchema, NotPermitted, RegistryError};
use super::group::Judgement;
use super::input::{Deleted, Registered, SchemaInput};
use super::origin::Origin;
use super::references::target;
use super::settings::StoredConfig;
use super::view::SubjectView;
use super::{Registry, mode, subjects, tags};
use crate::store::{Lock, Snapshot, StoreTx, VersionRow};

/// How to register.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegisterOptions {
    /// Store the normal form of the text.
    pub normalize: bool,
    /// Skip the compatibility check.
    pub force: bool,
    /// Answer what the real call would, and change nothing.
    pub dry_run: bool,
}

/// What a transaction came to.
enum Outcome {
    /// The schema was there already.
    Known(Registered),
    /// A version was written.
    Written(Registered),
}

/// A registration under way: what was asked and what is stored, read in the transaction.
pub(super) struct Attempt<'a> {
    subject: &'a QualifiedSubject,
    pub(super) mode: Mode,
    pub(super) config: StoredConfig,
    pub(super) view: Arc<SubjectView>,
    /// The version a new one would get.
    pub(super) next: i32,
    normalize: bool,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        subject: &'a QualifiedSubject,
        view: Arc<SubjectView>,
        options: RegisterOptions,
    ) -> Self {
        let (mode, config) = (view.settings().mode(), view.settings().config());
        let normalize = options.normalize || config.normalize == Some(true);
        Self { subject, mode, config, next: view.next(), view, normalize }
    }

    pub(super) fn importing(&self) -> bool {
        self.mode.is_import_or_forward()
    }

    /// Whether the normal form is what is stored.
    pub(super) fn normalizes(&self) -> bool {
        self.normalize && !self.importing()
    }

    /// The version number the request insists on: -1 means the next one.
    fn wanted(&self, input: &SchemaInput) -> Option<i32> {
        match input.version {
            0 => None,
            number if number < 0 => Some(self.next),
            number => Some(number),
        }
    }
}

impl Registry {
    /// Registers a schema under a subject, or finds it there. A known schema is answered without a change, in any mode.
    ///
    /// # Errors
    /// 40901, 42201, 42205, 42208, 42209, 42210; 50002 when concurrent changes keep getting in between.
    pub async fn register(
        &self,
        subject: &QualifiedSubject,
        input: &SchemaInput,
        options: RegisterOptions,
        origin: &Origin,
    ) -> Result<Registered, RegistryError> {
        if let Some(rules) = &input.rule_set {
            rules.validate().map_err(|error| RegistryError::InvalidRuleSet { message: error.to_string() })?;
        }
        subjects::check_registrable(subject)?;
        if let Some(new) = self.judge_untouched(subject, input, options, origin).await {
            let written = self.register_in_group(new).await?;
            self.subject_was_untouched(written.is_some());
            if let Some(written) = written {
                return Ok(written);
            }
        }
        match self.judge(subject, input, options, origin).await? {
            Judgement::Known(known) => return Ok(*known),
            Judgement::New(new) => {
                if let Some(written) = self.register_in_group(*new).await? {
                    return Ok(written);
                }
            }
            Judgement::Other => {}
        }
        self.retrying("Register", || self.try_register(subject, input, options, origin)).await
    }

    pub(super) async fn read_attempt<'a>(
        &self,
        snapshot: &mut dyn Snapshot,
        subject: &'a QualifiedSubject,
        options: RegisterOptions,
    ) -> Result<Attempt<'a>, RegistryError> {
        Ok(Attempt::new(subject, self.view(snapshot, subject).await?, options))
    }

    pub(super) async fn registered(
        &self,
        snapshot: &mut dyn Snapshot,
        subject: &QualifiedSubject,
        row: &VersionRow,
    ) -> Result<Registered, RegistryError> {
        let stored = self.content_of(snapshot, &subject.context, row.id).await?;
        Ok(Registered { id: row.id, version: row.version, content: stored.to_content(), settled: false })
    }

    async fn try_register(
        &self,
        subject: &QualifiedSubject,
        input: &SchemaInput,
        options: RegisterOptions,
        origin: &Origin,
    ) -> Result<Registered, RegistryError> {
        let mut locks = vec![Lock::Change(subject.clone())];
        locks.extend(
            input.references.iter().map(|reference| Lock::Reference(target(&subject.context, reference))),
        );
        let mut tx = self.store().begin(&locks).await?;
        match self.register_in(&mut *tx, subject, input, options, origin).await {
            Ok(Outcome::Known(known)) => {
                // Nothing was written, but what was found may belong to a change that shares this commit.
                tx.commit().await?;
                Ok(known)
            }
            Ok(Outcome::Written(written)) if options.dry_run => {
                tx.rollback().await?;
                Ok(written)
            }
            Ok(Outcome::Written(written)) => {
                tx.commit().await?;
                self.changed(&subject.context, &[written.id], &[]);
                Ok(written)
            }
            Err(error) => {
                tx.rollback().await?;
                Err(error)
            }
        }
    }

    async fn register_in(
        &self,
        tx: &mut dyn StoreTx,
        subject: &QualifiedSubject,
        input: &SchemaInput,
        options: RegisterOptions,
        origin: &Origin,
    ) -> Result<Outcome, RegistryError> {
        let attempt = self.read_attempt(tx, subject, options).await?;
        mode::check_register(attempt.mode, input.id.is_some(), subject)?;
        let input = self.complete_input(tx, &attempt, input).await?;
        let strict = attempt.config.validate_new_schemas.unwrap_or(self.config().validate_new_schemas);
        let parse_mode = if strict && input.id.is_none() { ParseMode::Strict } else { ParseMode::Lax };
        let content = self.prepare(tx, subject, &input, parse_mode, attempt.normalizes()).await?;
        if let Some(row) = self.find_known(tx, &attempt, &input, &content).await? {
            return Ok(Outcome::Known(self.registered(tx, subject, &row).await?));
        }
        if !attempt.importing() && !options.force {
            self.check_compatible(tx, subject, &attempt.config, &content, attempt.view.versions()).await?;
        }
        let version = new_version(&attempt, &input)?;
        let id = self.store_content(tx, &subject.context, input.id, &content, options.dry_run).await?;
        let now_ms = self.now_ms();
        let row = VersionRow { subject: subject.clone(), version, id, ts_ms: now_ms, deleted: false };
        tx.create_context(&subject.context, now_ms).await?;
        tx.insert_version(&row).await?;
        self.purge_older(tx, &attempt, id, origin).await?;
        let mut event = self.event("register", subject, origin);
        (event.ts_ms, event.version, event.id) = (now_ms, Some(version), Some(id));
        event.after = Some(format!("{{\"guid\":\"{}\"}}", content.guid));
        tx.append_event(&event).await?;
        Ok(Outcome::Written(Registered { id, version, content: content.into_stored(), settled: false }))
    }

    /// Fills in what a request leaves to the latest version and to config: text, metadata, rules, inline tags, version property.
    async fn complete_input(
        &self,
        tx: &mut dyn StoreTx,
        attempt: &Attempt<'_>,
        input: &SchemaInput,
    ) -> Result<SchemaInput, RegistryError> {
        let mut input = input.clone();
        if attempt.importing() {
            return Ok(input);
        }
        let latest = match attempt.view.latest_live() {
            Some(row) => Some(self.content_of(tx, &attempt.subject.context, row.id).await?),
            None => None,
        };
        if let Some(latest) = latest.as_deref().map(super::stored::StoredSchema::row) {
            if input.schema.trim().is_empty() {
                input.schema.clone_from(&latest.text);
                input.schema_type = None;
                input.references.clone_from(&latest.references);
            }
            input.metadata = input.metadata.or_else(|| latest.metadata.clone());
            input.rule_set = input.rule_set.or_else(|| latest.rule_set.clone());
        }
        if input.schema.trim().is_empty() {
            return Err(InvalidSchema::Empty.into());
        }
        if tags::changes_tags(&input) {
            self.edit_tags(tx, attempt.subject, &mut input, latest.as_deref()).await?;
        }
        input.metadata = attempt.config.merged_metadata(input.metadata.as_ref());
        input.rule_set = attempt.config.merged_rule_set(input.rule_set.as_ref());
        let numbered = input.metadata.as_ref().is_some_and(|metadata| metadata.confluent_version().is_some());
        if input.version != 0 || numbered {
            let number = attempt.wanted(&input).unwrap_or(attempt.next);
            input.metadata = Some(Metadata::with_confluent_version(input.metadata, number));
        }
        Ok(input)
    }

    /// The live version that already is what is being registered, if the request allows that answer.
    async fn find_known(
        &self,
        tx: &mut dyn StoreTx,
        attempt: &Attempt<'_>,
        input: &SchemaInput,
        content: &Content,
    ) -> Result<Option<VersionRow>, RegistryError> {
        let found = if input.version == 0 && input.id.is_none() {
            self.find(tx, &attempt.view, content, Deleted::Exclude).await?.map(|found| found.row)
        } else {
            attempt.view.find_by_hash(&content.guid, Deleted::Exclude)
        };
        let fits = |row: &&VersionRow| {
            input.id.is_none_or(|id| id == row.id)
                && (input.version <= 0 || input.version == row.version.get())
        };
        Ok(found.filter(fits).cloned())
    }

    /// The id of the content: the one it has in this context, else the explicit one, else a fresh one.
    async fn store_content(
        &self,
        tx: &mut dyn StoreTx,
        context: &Context,
        explicit: Option<SchemaId>,
        schema: &Content,
        dry_run: bool,
    ) -> Result<SchemaId, RegistryError> {
        let new = schema.to_new(context, self.now_ms());
        if let Some(id) = explicit {
            match tx.schema(context, id).await? {
                Some(row) if row.hash == schema.guid => {}
                Some(_) => return Err(NotPermitted::Overwrite { id, context: context.clone() }.into()),
                None => {
                    if !dry_run {
                        // On Postgres the allocator is no part of the transaction: what it issued cannot be taken back.
                        tx.raise_allocator(context, id).await?;
                    }
                    tx.insert_schema(id, &new, true).await?;
                }
            }
            return Ok(id);
        }
        if let Some(id) = tx.preferred_id(context, &schema.guid).await? {
            return Ok(id);
        }
        let id = if dry_run {
            // The id the next allocation would give; allocating could not be undone.
            let issued = tx.max_id(context).await?.map_or(0, SchemaId::get);
            SchemaId::new(issued.saturating_add(1)).unwrap_or_else(|| unreachable!("ids are not negative"))
        } else {
            tx.allocate_id(context).await?
        };
        tx.insert_schema(id, &new, false).await?;
        Ok(id)
    }

    /// Hard-deletes older soft-deleted versions with the same id, except ones that are still referenced.
    async fn purge_older(
        &self,
        tx: &mut dyn StoreTx,
        attempt: &Attempt<'_>,
        id: SchemaId,
        origin: &Origin,
    ) -> Result<(), RegistryError> {
        for row in attempt.view.versions().iter().filter(|row| row.deleted && row.id == id) {
            if tx.referrers(attempt.subject, Some(row.version)).await?.is_empty() {
                tx.remove_versions(attempt.subject, &[row.version]).await?;
                tx.append_event(&self.version_event("version.purge", row, origin)).await?;
            }
        }
        Ok(())
    }
}

/// The number of the version to write. Outside imports it must be the next one; an import may use any that is free.
fn new_version(attempt: &Attempt<'_>, input: &SchemaInput) -> Result<Version, RegistryError> {
    let number = attempt.wanted(input).unwrap_or(attempt.next);
    let in_use = attempt.view.versions().iter().any(|row| row.version.get() == number);
    if in_use || (number != attempt.next && !attempt.importing()) {
        return Err(InvalidSchema::VersionNotNext.into());
    }
    Version::new(number).ok_or_else(|| InvalidSchema::VersionNotNext.into())
}
