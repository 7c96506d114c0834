//! Contexts.

use assay_schema_core::{Context, QualifiedSubject};

use super::Registry;
use super::error::RegistryError;
use super::input::Page;
use super::origin::Origin;
use crate::store::Lock;

impl Registry {
    /// Names of contexts that start with the prefix, the default one first; it is there even when empty.
    ///
    /// # Errors
    /// Store errors.
    pub async fn contexts(&self, prefix: &str, page: Page) -> Result<Vec<Context>, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let mut contexts = snapshot.contexts().await?;
        contexts.retain(|context| !context.is_default());
        contexts.insert(0, Context::default_context());
        Ok(page.of(contexts.into_iter().filter(|context| context.as_str().starts_with(prefix))))
    }

    /// Forgets a context without subjects, with its settings. Its ids are not issued again if it comes back.
    ///
    /// # Errors
    /// 42211 if it has a subject, soft-deleted ones included.
    pub async fn delete_context(&self, context: &Context, origin: &Origin) -> Result<(), RegistryError> {
        self.retrying("Delete Context", || self.try_delete_context(context, origin)).await
    }

    async fn try_delete_context(&self, context: &Context, origin: &Origin) -> Result<(), RegistryError> {
        let mut tx = self.store().begin(&[Lock::Everything]).await?;
        if !tx.subjects(Some(context), "").await?.is_empty() {
            return Err(RegistryError::ContextNotEmpty { context: context.clone() });
        }
        for row in tx.settings_in(Some(context)).await? {
            self.clear_settings(&mut *tx, &row.scope, origin).await?;
        }
        tx.remove_context(context).await?;
        let scope = QualifiedSubject::new(context.clone(), "");
        tx.append_event(&self.event("context.delete", &scope, origin)).await?;
        tx.commit().await?;
        self.settings_changed().await;
        Ok(())
    }
}
