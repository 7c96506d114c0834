//! Aliases in memory: which subject names stand for another (registry-api.md 11.5).
//!
//! Read when the registry opens, after every change here that can touch one, and when another node reports a change; so following
//! an alias never waits for the database.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use assay_schema_core::QualifiedSubject;

use super::error::RegistryError;
use super::input::{Page, SubjectVersion};
use super::list::{SchemaFilter, SubjectFilter};
use super::settings::StoredConfig;
use super::{Registry, subjects};

type Map = HashMap<QualifiedSubject, QualifiedSubject>;

/// Alias to subject.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    current: RwLock<Arc<Map>>,
    /// One refresh at a time, so that an older read never replaces a newer one.
    refreshing: tokio::sync::Mutex<()>,
}

impl Registry {
    fn alias_map(&self) -> Arc<Map> {
        Arc::clone(&self.inner.aliases.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether any alias is known.
    pub(crate) fn has_aliases(&self) -> bool {
        !self.alias_map().is_empty()
    }

    /// The subject that a name stands for, if it is an alias. One hop.
    pub fn alias_target(&self, subject: &QualifiedSubject) -> Option<QualifiedSubject> {
        self.alias_map().get(subject).cloned()
    }

    /// Names that are aliases, by the subject they stand for.
    pub fn aliases(&self) -> BTreeMap<QualifiedSubject, Vec<QualifiedSubject>> {
        let mut by_target: BTreeMap<QualifiedSubject, Vec<QualifiedSubject>> = BTreeMap::new();
        for (alias, target) in self.alias_map().iter() {
            by_target.entry(target.clone()).or_default().push(alias.clone());
        }
        for aliases in by_target.values_mut() {
            aliases.sort();
        }
        by_target
    }

    /// [`Self::schemas`] with those that are reached through an alias whose name matches the filter after them.
    ///
    /// # Errors
    /// Store errors.
    pub async fn schemas_through_aliases(
        &self,
        filter: &SchemaFilter,
    ) -> Result<Vec<SubjectVersion>, RegistryError> {
        let SubjectFilter { context, prefix } = &filter.subjects;
        let matches = |subject: &QualifiedSubject| {
            context.as_ref().is_none_or(|context| subject.context == *context)
                && subject.subject.starts_with(prefix)
        };
        let mut elsewhere: Vec<QualifiedSubject> = self
            .alias_map()
            .iter()
            .filter(|(alias, target)| matches(alias) && !matches(target))
            .map(|(_, target)| target.clone())
            .collect();
        if elsewhere.is_empty() {
            return self.schemas(filter).await;
        }
        elsewhere.sort();
        elsewhere.dedup();
        let mut found = self.schemas(&SchemaFilter { page: Page::ALL, ..filter.clone() }).await?;
        for target in elsewhere {
            let subjects =
                SubjectFilter { context: Some(target.context.clone()), prefix: target.subject.clone() };
            let filter = SchemaFilter { subjects, page: Page::ALL, ..filter.clone() };
            let more = self.schemas(&filter).await?;
            found.extend(more.into_iter().filter(|version| version.subject == target));
        }
        Ok(filter.page.of(found))
    }

    /// Reads the aliases again.
    ///
    /// # Errors
    /// Store errors; the known aliases stay.
    pub async fn refresh_aliases(&self) -> Result<(), RegistryError> {
        let _turn = self.inner.aliases.refreshing.lock().await;
        let rows = self.store().read().await?.settings_in(None).await?;
        let mut map = Map::new();
        for row in rows.into_iter().filter(|row| !row.scope.is_context_only()) {
            let config =
                row.config.as_deref().and_then(|text| serde_json::from_str::<StoredConfig>(text).ok());
            if let Some(alias) = config.and_then(|config| config.alias) {
                let target = subjects::in_context(&row.scope.context, &alias);
                map.insert(row.scope, target);
            }
        }
        *self.inner.aliases.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(map);
        Ok(())
    }

    /// After a committed change of settings. The change stands even if the refresh fails, so a failure is only logged.
    pub(super) async fn settings_changed(&self) {
        if let Err(error) = self.refresh_aliases().await {
            tracing::warn!(%error, "aliases were not read again");
        }
    }
}
