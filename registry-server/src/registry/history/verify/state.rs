//! The stored versions, configs and modes against what the events made of them.

use std::collections::BTreeMap;

use assay_schema_core::{Mode, QualifiedSubject};

use super::super::super::settings::StoredConfig;
use super::super::Walk;
use super::super::as_of::AsOf;
use super::super::past::{Past, PastVersion};
use super::associations::Associations;
use super::{Finding, HistoryCheck, ROWS_PER_READ};
use crate::store::{Snapshot, StoreError, VersionCursor, VersionRow};

type StoredSettings = BTreeMap<QualifiedSubject, (Option<String>, Option<Mode>)>;

pub(super) async fn verify_state(
    snapshot: &mut dyn Snapshot,
    check: &mut HistoryCheck,
) -> Result<(), StoreError> {
    let settings = snapshot.settings_in(None).await?;
    let mut settings: StoredSettings =
        settings.into_iter().map(|row| (row.scope, (row.config, row.mode))).collect();
    let mut walk = Walk::new(None, "");
    let mut stored = StoredVersions::default();
    let mut associations = Associations::default();
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
        for event in &past.associations {
            if !associations.take(event) {
                check.found(Finding::EventUnreadable { revision: event.revision });
            }
        }
        verify_versions(snapshot, check, &mut stored, &subject, &past).await?;
        verify_purged(snapshot, check, &subject, &past).await?;
        verify_settings(check, &mut settings, &subject, &past);
    }
    while !check.is_full()
        && let Some(row) = stored.peek(snapshot).await?
    {
        check.found(changed(row));
        stored.take();
    }
    if check.is_full() {
        // Not all events were read.
        return Ok(());
    }
    associations.verify(snapshot, check).await?;
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

/// Looks for the contents of versions that hard deletes removed.
async fn verify_purged(
    snapshot: &mut dyn Snapshot,
    check: &mut HistoryCheck,
    subject: &QualifiedSubject,
    past: &Past,
) -> Result<(), StoreError> {
    for version in &past.purged {
        match snapshot.content_ever(&subject.context, version.id, &version.guid).await {
            // One that cannot be read is found with the contents.
            Ok(Some(_)) | Err(StoreError::CorruptRow { .. }) => {}
            Ok(None) => {
                let context = subject.context.to_string();
                check.found(Finding::ContentMissing { context, id: version.id });
            }
            Err(error) => return Err(error),
        }
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
