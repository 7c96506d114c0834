//! Versions of a subject: the latest, and numbered ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_schema_core::VersionRef;

use super::{CachedClient, RegisteredSchema, remember};
use crate::client::SourceSchema;
use crate::error::Error;
use crate::metrics::CacheLookup;

/// Which version of a subject counts as its latest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct LatestKey {
    subject: String,
    /// Metadata properties the version must have.
    properties: BTreeMap<String, String>,
}

impl CachedClient {
    /// The latest version of a subject; with `properties`, the latest whose metadata has all of them.
    pub async fn latest(
        &self,
        subject: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        let key = Arc::new(LatestKey { subject: self.qualify(subject), properties: properties.clone() });
        let fetched = async {
            let found = if key.properties.is_empty() {
                self.inner.source.by_version(&key.subject, VersionRef::Latest).await?
            } else {
                self.inner.source.latest_with_metadata(&key.subject, &key.properties).await?
            };
            let latest = self.parse(found, None).await?;
            self.learn(&key.subject, &latest);
            self.inner.stale.insert(key.clone(), latest.clone()).await;
            Ok(latest)
        };
        match self.inner.coalesced(&self.inner.latest, key.clone(), fetched).await {
            Err(error) if error.is_retriable() => match self.inner.stale.get(&key).await {
                Some(latest) => {
                    self.inner.count(CacheLookup::Stale);
                    tracing::warn!(subject = key.subject, %error, "the latest version known before goes on being used");
                    Ok(latest)
                }
                None => Err(error),
            },
            latest => latest,
        }
    }

    /// A version of a subject as the source hands it out.
    pub(crate) async fn version(
        &self,
        subject: &str,
        version: VersionRef,
    ) -> Result<Arc<SourceSchema>, Error> {
        let VersionRef::Number(number) = version else {
            return self.inner.source.by_version(subject, version).await.map(Arc::new);
        };
        let key = (subject.to_owned(), number);
        if let Some(error) = self.inner.missing_versions.get(&key).await {
            self.inner.count(CacheLookup::Missing);
            return Err(error);
        }
        let fetched = async { self.inner.source.by_version(subject, version).await.map(Arc::new) };
        let found = self.inner.coalesced(&self.inner.versions, key.clone(), fetched).await;
        if let Err(error @ (Error::VersionNotFound { .. } | Error::SubjectNotFound { .. })) = &found {
            remember(&self.inner.missing_versions, self.inner.settings.missing_version_ttl, key, error).await;
        }
        found
    }
}
