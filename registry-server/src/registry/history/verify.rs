//! Whether the record is whole: the hash chain, the contents, and the present state against what the events made of it.
//!
//! An edited, removed or inserted event breaks the chain or contradicts the state; an edited content no longer has its hash; an
//! edited, removed or inserted version or setting is not what its events left. Who rewrites all of them consistently, with the
//! hashes of every later event, is not found: compare the chain's end with a copy kept elsewhere.

use std::collections::BTreeMap;

use assay_schema_core::{Context, Mode, QualifiedSubject, SchemaId, Version, content_guid};
use serde::Serialize;

use super::super::Registry;
use super::super::error::RegistryError;
use super::super::settings::StoredConfig;
use super::as_of::AsOf;
use super::past::{Past, PastVersion};
use super::{EVENTS_PER_READ, Walk};
use crate::store::{Snapshot, StoreError, VersionCursor, VersionRow};

/// Rows read from the store at a time.
const ROWS_PER_READ: u32 = 1000;
/// Findings listed; a check that reaches it stops.
pub(super) const FINDINGS_MAX: usize = 100;

/// What is wrong with the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// The event does not follow from the one before: it was edited, or one before it was removed or inserted.
    EventDoesNotFollow {
        /// Its revision.
        revision: i64,
    },
    /// The chain ends before, or other than, where it was last extended: the newest events were removed or edited.
    ChainEndsEarly {
        /// Events in the chain when it was last extended.
        expected: i64,
        /// Events in the chain now.
        found: i64,
    },
    /// A subject's or scope's event cannot be read.
    EventUnreadable {
        /// Its revision.
        revision: i64,
    },
    /// A stored content is not the one its hash names.
    ContentChanged {
        /// Context of the id.
        context: String,
        /// The id.
        id: SchemaId,
    },
    /// A stored version is not what its events left: another id or soft state, no event at all, or another content.
    VersionChanged {
        /// The subject.
        subject: String,
        /// The version.
        version: Version,
    },
    /// A version that its events left is not stored.
    VersionMissing {
        /// The subject.
        subject: String,
        /// The version.
        version: Version,
    },
    /// The stored config of a scope is not what its events left.
    ConfigChanged {
        /// The scope.
        scope: String,
    },
    /// The stored mode of a scope is not what its events left.
    ModeChanged {
        /// The scope.
        scope: String,
    },
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryCheck {
    /// Whether nothing was found.
    pub ok: bool,
    /// Events in the hash chain.
    pub sealed: i64,
    /// Events not in the chain yet; the newest ones are sealed within a second while a node runs.
    pub unsealed: i64,
    /// Hash of the chain's last event, hexadecimal. Keep it elsewhere to notice a rewritten chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_end: Option<String>,
    /// Contents compared with their hash.
    pub contents: u64,
    /// Versions compared with their events.
    pub versions: u64,
    /// What is wrong, at most 100 findings.
    pub findings: Vec<Finding>,
}

impl HistoryCheck {
    fn found(&mut self, finding: Finding) {
        if !self.is_full() {
            self.findings.push(finding);
        }
    }

    fn is_full(&self) -> bool {
        self.findings.len() >= FINDINGS_MAX
    }
}

impl Registry {
    /// Verifies the whole record at one moment. Takes time in proportion to the database, and memory in proportion to the stored settings.
    ///
    /// # Errors
    /// Store errors; what is wrong with the record is a finding, not an error.
    pub async fn verify_history(&self) -> Result<HistoryCheck, RegistryError> {
        let mut snapshot = self.store().read_at_once().await?;
        let mut check =
            HistoryCheck { unsealed: snapshot.unsealed_events().await?, ..HistoryCheck::default() };
        verify_chain(&mut *snapshot, &mut check).await?;
        verify_contents(&mut *snapshot, &mut check).await?;
        verify_state(&mut *snapshot, &mut check).await?;
        check.ok = check.findings.is_empty();
        Ok(check)
    }
}

async fn verify_chain(snapshot: &mut dyn Snapshot, check: &mut HistoryCheck) -> Result<(), StoreError> {
    let (mut seal, mut previous) = (0, Vec::new());
    let (mut followed, mut last) = (0, None);
    loop {
        let events = snapshot.sealed_after(seal, EVENTS_PER_READ).await?;
        if events.is_empty() {
            break;
        }
        for event in events {
            let hash = event.chained_hash(&previous).to_vec();
            let follows = event.seal == Some(seal + 1)
                && event.prev_hash.as_deref() == Some(previous.as_slice())
                && event.hash.as_deref() == Some(hash.as_slice());
            if !follows {
                check.found(Finding::EventDoesNotFollow { revision: event.revision });
            }
            seal = event.seal.unwrap_or(seal + 1);
            previous = event.hash.clone().unwrap_or_default();
            followed += 1;
            last = event.hash;
        }
    }
    check.sealed = followed;
    let end = snapshot.chain_end().await?;
    if let Some(end) = end
        && (end.seal != seal || Some(&end.hash) != last.as_ref())
    {
        check.found(Finding::ChainEndsEarly { expected: end.seal, found: followed });
    }
    check.chain_end = last.map(hex::encode);
    Ok(())
}

async fn verify_contents(snapshot: &mut dyn Snapshot, check: &mut HistoryCheck) -> Result<(), StoreError> {
    let mut after: Option<(Context, SchemaId)> = None;
    while !check.is_full() {
        let contents = snapshot.contents_after(after.as_ref(), ROWS_PER_READ).await?;
        let Some(last) = contents.last() else { break };
        after = Some((last.context.clone(), last.id));
        for content in contents {
            check.contents += 1;
            let whole = content.row.is_some_and(|row| {
                row.hash
                    == content_guid(&row.text, &row.references, row.metadata.as_ref(), row.rule_set.as_ref())
            });
            if !whole {
                check.found(Finding::ContentChanged { context: content.context.to_string(), id: content.id });
            }
        }
    }
    Ok(())
}

type StoredSettings = BTreeMap<QualifiedSubject, (Option<String>, Option<Mode>)>;

async fn verify_state(snapshot: &mut dyn Snapshot, check: &mut HistoryCheck) -> Result<(), StoreError> {
    let settings = snapshot.settings_in(None).await?;
    let mut settings: StoredSettings =
        settings.into_iter().map(|row| (row.scope, (row.config, row.mode))).collect();
    let mut walk = Walk::new(None, "");
    let mut stored = StoredVersions::default();
    while !check.is_full()
        && let Some((subject, past)) = walk.next(snapshot, AsOf::NOW).await?
    {
        // Versions of subjects that no event names come before.
        while let Some(row) = stored.peek(snapshot).await?
            && row.subject < subject
        {
            check.found(changed(row));
            stored.take();
        }
        if let Some(revision) = past.unreadable {
            check.found(Finding::EventUnreadable { revision });
        }
        verify_versions(snapshot, check, &mut stored, &subject, &past).await?;
        verify_settings(check, &mut settings, &subject, &past);
    }
    while !check.is_full()
        && let Some(row) = stored.peek(snapshot).await?
    {
        check.found(changed(row));
        stored.take();
    }
    for (scope, _) in settings {
        check.found(Finding::ConfigChanged { scope: scope.to_string() });
    }
    Ok(())
}

fn changed(row: &VersionRow) -> Finding {
    Finding::VersionChanged { subject: row.subject.to_string(), version: row.version }
}

async fn verify_versions(
    snapshot: &mut dyn Snapshot,
    check: &mut HistoryCheck,
    stored: &mut StoredVersions,
    subject: &QualifiedSubject,
    past: &Past,
) -> Result<(), StoreError> {
    let mut expected = past.versions.clone();
    while let Some(row) = stored.peek(snapshot).await?
        && row.subject == *subject
    {
        check.versions += 1;
        let row = row.clone();
        stored.take();
        let left = expected.remove(&row.version);
        let same_row = left.as_ref().is_some_and(|left| left.id == row.id && left.deleted == row.deleted);
        if !same_row || !has_content(snapshot, subject, left.as_ref()).await? {
            check.found(changed(&row));
        }
    }
    for version in expected.into_keys() {
        check.found(Finding::VersionMissing { subject: subject.to_string(), version });
    }
    Ok(())
}

/// Whether the content that the version was registered with is stored under its id.
async fn has_content(
    snapshot: &mut dyn Snapshot,
    subject: &QualifiedSubject,
    left: Option<&PastVersion>,
) -> Result<bool, StoreError> {
    let Some(left) = left else { return Ok(false) };
    match snapshot.schema(&subject.context, left.id).await {
        Ok(row) => Ok(row.is_some_and(|row| row.hash == left.guid)),
        Err(StoreError::CorruptRow { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn verify_settings(
    check: &mut HistoryCheck,
    settings: &mut StoredSettings,
    scope: &QualifiedSubject,
    past: &Past,
) {
    let (config, mode) = settings.remove(scope).unwrap_or_default();
    let parse = |text: Option<&str>| text.map(serde_json::from_str::<StoredConfig>).transpose();
    let same = match (parse(config.as_deref()), parse(past.config.as_deref())) {
        (Ok(stored), Ok(left)) => stored == left,
        _ => false,
    };
    if !same {
        check.found(Finding::ConfigChanged { scope: scope.to_string() });
    }
    if !past.mode().is_ok_and(|left| left == mode) {
        check.found(Finding::ModeChanged { scope: scope.to_string() });
    }
}

/// A walk over all stored versions.
#[derive(Default)]
struct StoredVersions {
    page: std::collections::VecDeque<VersionRow>,
    cursor: Option<VersionCursor>,
    ended: bool,
}

impl StoredVersions {
    async fn peek(&mut self, snapshot: &mut dyn Snapshot) -> Result<Option<&VersionRow>, StoreError> {
        if self.page.is_empty() && !self.ended {
            let rows = snapshot.versions_after(None, "", self.cursor.as_ref(), ROWS_PER_READ).await?;
            self.page = rows.into();
            self.cursor = self.page.back().map(VersionCursor::from);
            self.ended = self.page.is_empty();
        }
        Ok(self.page.front())
    }

    fn take(&mut self) {
        self.page.pop_front();
    }
}
