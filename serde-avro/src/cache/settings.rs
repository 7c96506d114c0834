//! Bounds of the caches.

use std::time::Duration;

use assay_schema_core::Context;

/// Bounds of the caches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// Context that ids and subjects without a context belong to. Default: the default context.
    pub context: Context,
    /// Most entries of each cache. Spelled `max.schemas.per.subject`. Default 1000.
    pub entries_max: usize,
    /// Most "latest" answers. Spelled `latest.cache.size`. Default 1000.
    pub latest_entries_max: usize,
    /// How long a "latest" answer is used; `None` for ever. Spelled `latest.cache.ttl.sec`. Default 60 s.
    pub latest_ttl: Option<Duration>,
    /// How long an unknown id or GUID is remembered; zero turns it off. Default 10 s.
    pub missing_id_ttl: Duration,
    /// How long an unknown numbered version is remembered; zero turns it off. Default off.
    pub missing_version_ttl: Duration,
    /// How long is remembered that a schema is not registered under a subject; zero turns it off. Default off.
    pub missing_schema_ttl: Duration,
    /// Most entries of each of the three. Spelled `missing.cache.size`. Default 10,000.
    pub missing_entries_max: usize,
    /// Most topics whose associated subject is remembered. Default 1000.
    pub association_entries_max: usize,
    /// How long an association, or that there is none, is remembered; `None` for ever, the default.
    pub association_ttl: Option<Duration>,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            context: Context::default_context(),
            entries_max: 1000,
            latest_entries_max: 1000,
            latest_ttl: Some(Duration::from_mins(1)),
            missing_id_ttl: Duration::from_secs(10),
            missing_version_ttl: Duration::ZERO,
            missing_schema_ttl: Duration::ZERO,
            missing_entries_max: 10_000,
            association_entries_max: 1000,
            association_ttl: None,
        }
    }
}
