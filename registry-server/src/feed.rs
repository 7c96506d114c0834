//! What other nodes changed: keeps this node's memory true.
//!
//! The database reports every committed event in commit order. While the report is interrupted, only what is immutable is served
//! from memory; when it is back, everything remembered is dropped, because what happened in between is unknown.

use assay_schema_core::SchemaId;
use serde_json::Value;

use crate::registry::Registry;
use crate::store::{Change, Event, StoreError};

/// Pause before listening again after a failure.
const RETRY: std::time::Duration = std::time::Duration::from_millis(200);

/// Follows the change feed until it is dropped. Ends at once on a store that only this process writes.
pub(crate) async fn follow(registry: Registry) {
    loop {
        match follow_once(&registry).await {
            Ok(Ended::NobodyElse) => return,
            Ok(Ended::Interrupted) => tracing::debug!("the change feed was interrupted"),
            Err(error) => tracing::debug!(%error, "the change feed was interrupted"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Why following ended.
enum Ended {
    /// No other process writes this store.
    NobodyElse,
    /// Changes may have been missed. What is remembered stays until the feed is back: ids that are known are served meanwhile.
    Interrupted,
}

async fn follow_once(registry: &Registry) -> Result<Ended, StoreError> {
    let Some(mut changes) = registry.store().changes().await? else { return Ok(Ended::NobodyElse) };
    resync(registry).await;
    loop {
        match changes.next().await? {
            Change::Event(event) => apply(registry, &event).await,
            Change::Interrupted => return Ok(Ended::Interrupted),
        }
    }
}

async fn resync(registry: &Registry) {
    registry.caches().forget_everything();
    if let Err(error) = registry.refresh_aliases().await {
        tracing::debug!(%error, "aliases were not read again");
    }
}

async fn apply(registry: &Registry, event: &Event) {
    let mut ids: Vec<SchemaId> = event.id.into_iter().collect();
    ids.extend(event.before.as_deref().map(ids_before).unwrap_or_default());
    let purges = event.action.rsplit('.').next() == Some("purge");
    let gone = if purges { ids.as_slice() } else { &[] };
    registry.caches().forget(&event.subject.context, &ids, gone);
    let settings = event.action.starts_with("config.") || event.action.starts_with("context.");
    if (settings || purges)
        && let Err(error) = registry.refresh_aliases().await
    {
        tracing::debug!(%error, "aliases were not read again");
    }
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
