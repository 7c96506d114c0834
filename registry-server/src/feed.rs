//! What other nodes changed: keeps this node's memory true.
//!
//! The database tells every committed event, in whatever order transactions commit. While it does not, only what is immutable is
//! served from memory; when it is back, everything remembered is dropped, because what happened in between is unknown.

use std::time::Duration;

use assay_schema_core::SchemaId;
use serde_json::Value;

use crate::registry::Registry;
use crate::store::{Event, StoreError};

/// Pause between two looks: with the time that memory counts as true after a look, others' changes are seen within 100 ms.
const PAUSE: Duration = Duration::from_millis(40);
/// Pause before following again after a failure.
const RETRY: Duration = Duration::from_millis(200);

/// Follows the change feed until it is dropped. Ends at once on a store that only this process writes.
pub(crate) async fn follow(registry: Registry) {
    loop {
        match follow_once(&registry).await {
            Ok(()) => return,
            Err(error) => tracing::debug!(%error, "the change feed was interrupted"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Ends without an error if nobody else writes. After an error changes may have been missed; what is remembered by id stays until the
/// feed is back, so ids that are known are served meanwhile.
async fn follow_once(registry: &Registry) -> Result<(), StoreError> {
    let Some(mut changes) = registry.store().changes().await? else { return Ok(()) };
    resync(registry).await;
    loop {
        let news = changes.next(PAUSE).await?;
        if news.complete {
            for event in &news.events {
                apply(registry, event);
            }
            if news.events.iter().any(touches_aliases) {
                refresh_aliases(registry).await;
            }
        } else {
            resync(registry).await;
        }
        registry.caches().subjects().looked(news.as_of);
    }
}

async fn resync(registry: &Registry) {
    registry.caches().forget_everything();
    refresh_aliases(registry).await;
}

async fn refresh_aliases(registry: &Registry) {
    if let Err(error) = registry.refresh_aliases().await {
        tracing::debug!(%error, "aliases were not read again");
    }
}

fn is_purge(event: &Event) -> bool {
    event.action.rsplit('.').next() == Some("purge")
}

fn touches_aliases(event: &Event) -> bool {
    event.action.starts_with("config.") || event.action.starts_with("context.") || is_purge(event)
}

fn apply(registry: &Registry, event: &Event) {
    let caches = registry.caches();
    caches.subjects().touch_by_event(&event.subject, event.revision);
    let mut ids: Vec<SchemaId> = event.id.into_iter().collect();
    ids.extend(event.before.as_deref().map(ids_before).unwrap_or_default());
    let gone = if is_purge(event) { ids.as_slice() } else { &[] };
    caches.forget(&event.subject.context, &ids, gone);
}

/// Ids of the versions that a delete of a subject lists.
fn ids_before(text: &str) -> Vec<SchemaId> {
    let Ok(before) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let versions = before.get("versions").and_then(Value::as_array).into_iter().flatten();
    versions
        .filter_map(|version| version.get("id")?.as_i64())
        .filter_map(|id| i32::try_from(id).ok().and_then(SchemaId::new))
        .collect()
}
