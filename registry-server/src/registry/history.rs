//! History: what happened, how things were at an earlier moment, and whether the record of it is whole.
//!
//! Every change writes events in its own transaction. The state of a subject, or the settings of a scope, at a moment is what
//! its events up to then made of it; contents are found by the hash their events carry, also after a hard delete.

mod as_of;
mod past;
mod verify;

use assay_schema_core::{Context, Mode, QualifiedSubject, Version, VersionRef, content_guid};

pub use as_of::{AsOf, parse_time};
pub use verify::{Finding, HistoryCheck};

use super::error::RegistryError;
use super::input::{Deleted, Page, SubjectVersion};
use super::list::SubjectFilter;
use super::settings::{Settings, StoredConfig};
use super::stored::StoredSchema;
use super::{Registry, mode};
use crate::store::{Event, EventCursor, EventFilter, HistoryReads, Snapshot, StoreError};
use past::{Past, PastVersion};

/// Events read from the store at a time.
const EVENTS_PER_READ: u32 = 1000;

impl Registry {
    /// Recorded changes that match, oldest first.
    ///
    /// # Errors
    /// Store errors.
    pub async fn history(&self, filter: &EventFilter) -> Result<Vec<Event>, RegistryError> {
        let mut snapshot = self.store().read().await?;
        Ok(snapshot.events(filter).await?)
    }

    /// [`Self::subjects`] as it was.
    ///
    /// # Errors
    /// Store errors.
    pub async fn subjects_as_of(
        &self,
        filter: &SubjectFilter,
        deleted: Deleted,
        page: Page,
        moment: AsOf,
    ) -> Result<Vec<QualifiedSubject>, RegistryError> {
        let mut snapshot = self.store().read_at_once().await?;
        let mut subjects = Vec::new();
        let mut walk = Walk::new(filter.context.as_ref(), &filter.prefix);
        while let Some((subject, past)) = walk.next(&mut *snapshot, moment).await? {
            let past = past.whole()?;
            let stored = !past.versions.is_empty();
            let live = past.versions.values().any(|version| !version.deleted);
            if stored && deleted.takes(!live) {
                subjects.push(subject);
            }
        }
        Ok(page.of(subjects))
    }

    /// [`Self::versions`] as it was.
    ///
    /// # Errors
    /// 40401 if no version counted then.
    pub async fn versions_as_of(
        &self,
        subject: &QualifiedSubject,
        deleted: Deleted,
        as_negative: bool,
        page: Page,
        moment: AsOf,
    ) -> Result<Vec<i32>, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let past = past_of(&mut *snapshot, subject, moment).await?;
        if !past.versions.values().any(|version| deleted.takes(version.deleted)) {
            return Err(RegistryError::SubjectNotFound { subject: subject.to_string() });
        }
        let counted = past.versions.iter().filter(|(_, past)| as_negative || deleted.takes(past.deleted));
        Ok(page.of(counted.map(
            |(version, past)| {
                if as_negative && past.deleted { -version.get() } else { version.get() }
            },
        )))
    }

    /// [`Self::version`] as it was, with the content it had, also if that was hard-deleted since.
    ///
    /// # Errors
    /// 40401, 40402.
    pub async fn version_as_of(
        &self,
        subject: &QualifiedSubject,
        version: VersionRef,
        deleted: Deleted,
        moment: AsOf,
    ) -> Result<SubjectVersion, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let past = past_of(&mut *snapshot, subject, moment).await?;
        if !past.versions.values().any(|version| deleted.takes(version.deleted)) {
            return Err(RegistryError::SubjectNotFound { subject: subject.to_string() });
        }
        let found = match version {
            VersionRef::Latest => past.versions.iter().rev().find(|(_, past)| !past.deleted),
            VersionRef::Number(number) => {
                past.versions.get_key_value(&number).filter(|(_, past)| deleted.takes(past.deleted))
            }
        };
        let missing = match version {
            VersionRef::Latest => -1,
            VersionRef::Number(number) => number.get(),
        };
        let (version, past) = found.ok_or(RegistryError::VersionNotFound { version: missing })?;
        past_version(&mut *snapshot, subject, *version, past).await
    }

    /// [`Self::get_config`] as it was.
    ///
    /// # Errors
    /// 40408 if nothing was stored and nothing is inherited.
    pub async fn config_as_of(
        &self,
        scope: &QualifiedSubject,
        inherited: bool,
        moment: AsOf,
    ) -> Result<StoredConfig, RegistryError> {
        let settings = self.settings_as_of(scope, moment).await?;
        self.config_of(scope, inherited, &settings)
    }

    /// [`Self::get_mode`] as it was.
    ///
    /// # Errors
    /// 40409 if nothing was stored and nothing is inherited.
    pub async fn mode_as_of(
        &self,
        scope: &QualifiedSubject,
        inherited: bool,
        moment: AsOf,
    ) -> Result<Mode, RegistryError> {
        let settings = self.settings_as_of(scope, moment).await?;
        mode::mode_of(scope, inherited, &settings)
    }

    async fn settings_as_of(
        &self,
        scope: &QualifiedSubject,
        moment: AsOf,
    ) -> Result<Settings, RegistryError> {
        let mut scopes = vec![
            scope.clone(),
            QualifiedSubject::new(scope.context.clone(), ""),
            QualifiedSubject::new(Context::default_context(), ""),
            QualifiedSubject::new(Context::global(), ""),
        ];
        scopes.sort();
        scopes.dedup();
        let mut snapshot = self.store().read().await?;
        let mut stored = Vec::with_capacity(scopes.len());
        for scope in scopes {
            let past = past_of(&mut *snapshot, &scope, moment).await?;
            stored.push((scope, past.config()?, past.mode()?));
        }
        Ok(Settings::new(scope, stored))
    }
}

/// What the events of a subject or scope made of it until a moment.
async fn past_of(
    snapshot: &mut dyn Snapshot,
    subject: &QualifiedSubject,
    moment: AsOf,
) -> Result<Past, StoreError> {
    let mut past = Past::default();
    let mut filter =
        EventFilter { subject: Some(subject.clone()), limit: EVENTS_PER_READ, ..EventFilter::default() };
    loop {
        let events = snapshot.events(&filter).await?;
        let Some(last) = events.last() else { return past.whole() };
        filter.after_revision = last.revision;
        for event in &events {
            if !moment.includes(event) {
                return past.whole();
            }
            past.apply(event);
        }
    }
}

async fn past_version(
    snapshot: &mut dyn Snapshot,
    subject: &QualifiedSubject,
    version: Version,
    past: &PastVersion,
) -> Result<SubjectVersion, RegistryError> {
    let corrupt = |column| RegistryError::Store(StoreError::CorruptRow { table: "schemas", column });
    let content = snapshot.content_ever(&subject.context, past.id, &past.guid).await?;
    let row = content.ok_or_else(|| corrupt("id"))?;
    let guid = content_guid(&row.text, &row.references, row.metadata.as_ref(), row.rule_set.as_ref());
    if guid != past.guid {
        return Err(corrupt("text"));
    }
    Ok(SubjectVersion {
        subject: subject.clone(),
        version,
        ts_ms: past.ts_ms,
        deleted: past.deleted,
        schema: std::sync::Arc::new(StoredSchema::new(row)),
    })
}

/// A walk over all subjects and scopes that events name, in their order.
struct Walk<'f> {
    context: Option<&'f Context>,
    prefix: &'f str,
    cursor: Option<EventCursor>,
    page: std::collections::VecDeque<Event>,
    ended: bool,
}

impl<'f> Walk<'f> {
    fn new(context: Option<&'f Context>, prefix: &'f str) -> Self {
        Self { context, prefix, cursor: None, page: std::collections::VecDeque::new(), ended: false }
    }

    /// The next event, without taking it.
    async fn peek<S: HistoryReads + ?Sized>(
        &mut self,
        snapshot: &mut S,
    ) -> Result<Option<&Event>, StoreError> {
        if self.page.is_empty() && !self.ended {
            let read =
                snapshot.events_by_subject(self.context, self.prefix, self.cursor.as_ref(), EVENTS_PER_READ);
            self.page = read.await?.into();
            self.cursor = self.page.back().map(EventCursor::from);
            self.ended = self.page.is_empty();
        }
        Ok(self.page.front())
    }

    /// The next subject or scope with what its events made of it until a moment.
    async fn next<S: HistoryReads + ?Sized>(
        &mut self,
        snapshot: &mut S,
        moment: AsOf,
    ) -> Result<Option<(QualifiedSubject, Past)>, StoreError> {
        let Some(first) = self.peek(snapshot).await? else { return Ok(None) };
        let subject = first.subject.clone();
        let mut past = Past::default();
        let mut over = false;
        while let Some(event) = self.peek(snapshot).await? {
            if event.subject != subject {
                break;
            }
            over |= !moment.includes(event);
            if !over {
                past.apply(event);
            }
            self.page.pop_front();
        }
        Ok(Some((subject, past)))
    }
}
