//! Schemas that this program registers or looks up.

use std::sync::Arc;

use super::{CachedClient, RegisteredSchema, remember};
use crate::client::NewSchema;
use crate::error::Error;
use crate::metrics::CacheLookup;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RegistrationKey {
    pub(super) subject: String,
    pub(super) schema: NewSchema,
    normalize: bool,
    /// Registered if missing, or only looked up.
    register: bool,
}

impl CachedClient {
    /// Registers a schema under a subject, or finds it there.
    pub async fn register(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        self.registration(subject, schema, normalize, true).await
    }

    /// Finds a schema under a subject.
    pub async fn lookup(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        self.registration(subject, schema, normalize, false).await
    }

    async fn registration(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
        register: bool,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        let subject = self.qualify(subject);
        let key = Arc::new(RegistrationKey { subject, schema: schema.clone(), normalize, register });
        if let Some(error) = self.inner.missing_registrations.get(&key).await {
            self.inner.count(CacheLookup::Missing);
            return Err(error);
        }
        let fetched = async {
            let source = &self.inner.source;
            let found = if register {
                source.register(&key.subject, &key.schema, normalize).await?
            } else {
                source.lookup(&key.subject, &key.schema, normalize).await?
            };
            let registered = self.parse(found, Some(&key)).await?;
            self.learn(&key.subject, &registered);
            Ok(registered)
        };
        let registered = self.inner.coalesced(&self.inner.registrations, key.clone(), fetched).await;
        if let Err(error @ (Error::SchemaNotRegistered { .. } | Error::SubjectNotFound { .. })) = &registered
        {
            remember(&self.inner.missing_registrations, self.inner.settings.missing_schema_ttl, key, error)
                .await;
        }
        registered
    }
}
