//! One request for all that wait for the same answer.

use std::future::Future;
use std::hash::Hash;
use std::time::Duration;

use moka::future::Cache;

use super::Inner;
use crate::error::Error;
use crate::metrics::CacheLookup;

pub(super) fn bounded<K, V>(entries: usize, ttl: Option<Duration>) -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let builder = Cache::builder().max_capacity(entries as u64);
    match ttl {
        Some(ttl) => builder.time_to_live(ttl).build(),
        None => builder.build(),
    }
}

pub(super) async fn remember<K>(cache: &Cache<K, Error>, ttl: Duration, key: K, error: &Error)
where
    K: Hash + Eq + Send + Sync + 'static,
{
    if !ttl.is_zero() {
        cache.insert(key, error.clone()).await;
    }
}

impl Inner {
    pub(super) fn count(&self, lookup: CacheLookup) {
        if let Some(metrics) = &self.metrics {
            metrics.cache(lookup);
        }
    }

    /// Gets a value, with one initializer for all that wait for the same key. Failures reach all of them and are not kept.
    pub(super) async fn coalesced<K, V>(
        &self,
        cache: &Cache<K, V>,
        key: K,
        fetched: impl Future<Output = Result<V, Error>>,
    ) -> Result<V, Error>
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        if let Some(value) = cache.get(&key).await {
            self.count(CacheLookup::Hit);
            return Ok(value);
        }
        let mut asked = false;
        // in a box, so that the futures of encoding and decoding stay small: they seldom get here
        let fetched = Box::pin(async {
            asked = true;
            fetched.await
        });
        let outcome = cache.try_get_with(key, fetched).await.map_err(|error| Error::clone(&error));
        self.count(if asked { CacheLookup::Miss } else { CacheLookup::Coalesced });
        outcome
    }
}
