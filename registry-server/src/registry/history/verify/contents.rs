//! Contents against their hashes, and references against the contents they belong to.

use std::collections::VecDeque;

use assay_schema_core::{Context, QualifiedSubject, SchemaId, content_guid};

use super::super::super::references::target;
use super::{Finding, HistoryCheck, ROWS_PER_READ};
use crate::store::{ReferenceRow, SchemaRow, Snapshot, StoreError};

pub(super) async fn verify_contents(
    snapshot: &mut dyn Snapshot,
    check: &mut HistoryCheck,
) -> Result<(), StoreError> {
    let mut after: Option<(Context, SchemaId)> = None;
    let mut references = StoredReferences::default();
    while !check.is_full() {
        let contents = snapshot.contents_after(after.as_ref(), ROWS_PER_READ).await?;
        let Some(last) = contents.last() else { break };
        after = Some((last.context.clone(), last.id));
        for content in contents {
            check.contents += 1;
            let (context, id) = (content.context.to_string(), content.id);
            let stored = references.of(snapshot, &content.context, id).await?;
            let Some(row) = content.row.filter(is_whole) else {
                check.found(Finding::ContentChanged { context, id });
                continue;
            };
            let meant = row
                .references
                .iter()
                .map(|reference| (target(&content.context, reference), i64::from(reference.version)));
            if !meant.eq(stored) {
                check.found(Finding::ReferencesChanged { context, id });
            }
        }
    }
    Ok(())
}

/// The contents that hard deletes took out.
pub(super) async fn verify_archive(
    snapshot: &mut dyn Snapshot,
    check: &mut HistoryCheck,
) -> Result<(), StoreError> {
    let mut after = None;
    while !check.is_full() {
        let contents = snapshot.archived_after(after.as_ref(), ROWS_PER_READ).await?;
        let Some((last, _)) = contents.last() else { break };
        after = Some(last.clone());
        for (_, content) in contents {
            check.contents += 1;
            if !content.row.as_ref().is_some_and(is_whole) {
                check.found(Finding::ContentChanged { context: content.context.to_string(), id: content.id });
            }
        }
    }
    Ok(())
}

fn is_whole(row: &SchemaRow) -> bool {
    row.hash == content_guid(&row.text, &row.references, row.metadata.as_ref(), row.rule_set.as_ref())
}

/// A walk over all stored references, beside that over the contents.
#[derive(Default)]
struct StoredReferences {
    page: VecDeque<ReferenceRow>,
    last: Option<ReferenceRow>,
    ended: bool,
}

impl StoredReferences {
    async fn peek(&mut self, snapshot: &mut dyn Snapshot) -> Result<Option<&ReferenceRow>, StoreError> {
        if self.page.is_empty() && !self.ended {
            self.page = snapshot.references_after(self.last.as_ref(), ROWS_PER_READ).await?.into();
            self.last = self.page.back().cloned().or(self.last.take());
            self.ended = self.page.is_empty();
        }
        Ok(self.page.front())
    }

    /// Those of the next content, in order. A foreign key keeps any from belonging to none.
    async fn of(
        &mut self,
        snapshot: &mut dyn Snapshot,
        context: &Context,
        id: SchemaId,
    ) -> Result<Vec<(QualifiedSubject, i64)>, StoreError> {
        let mut found = Vec::new();
        while let Some(row) = self.peek(snapshot).await?
            && (row.context == *context && row.id == id)
        {
            found.push((row.target.clone(), row.version));
            self.page.pop_front();
        }
        Ok(found)
    }
}
