//! Config: what a scope stores, what applies to a subject, and how a PUT changes it (registry-api.md section 8).

use assay_schema_core::{CompatibilityLevel, Context, Metadata, Mode, QualifiedSubject, RuleSet};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::RegistryError;
use super::origin::Origin;
use super::{Registry, mode, subjects};
use crate::store::{Lock, ScopeSettings, Snapshot, StoreError, StoreTx};

/// The config of one scope. Absent fields are not set there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the fields are those of registry-api.md section 8.1")]
pub struct StoredConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_for_deks: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_fields: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_new_schemas: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_rules: Option<bool>,
    /// Upper case name of the level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_rule_set: Option<RuleSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_rule_set: Option<RuleSet>,
}

impl StoredConfig {
    /// The level, if set here.
    pub fn level(&self) -> Option<CompatibilityLevel> {
        self.compatibility.as_deref().and_then(|text| text.parse().ok())
    }

    /// Whether registrations are merged with config, so that a schema can change on its way in.
    pub(super) fn changes_contracts(&self) -> bool {
        self.default_metadata.is_some()
            || self.override_metadata.is_some()
            || self.default_rule_set.is_some()
            || self.override_rule_set.is_some()
    }

    /// The metadata a registration stores: defaults, then what is given or inherited, then overrides.
    pub(super) fn merged_metadata(&self, specific: Option<&Metadata>) -> Option<Metadata> {
        Metadata::at_registration(self.default_metadata.as_ref(), specific, self.override_metadata.as_ref())
    }

    /// The rules a registration stores, merged like the metadata.
    pub(super) fn merged_rule_set(&self, specific: Option<&RuleSet>) -> Option<RuleSet> {
        RuleSet::at_registration(self.default_rule_set.as_ref(), specific, self.override_rule_set.as_ref())
    }

    /// Applies a PUT body: an absent field keeps, `null` clears, a value replaces whole.
    ///
    /// # Errors
    /// 42203 for an unknown level, 42210 for an invalid rule set, [`RegistryError::InvalidBody`] for a wrong type.
    fn apply(&mut self, change: &Map<String, Value>) -> Result<(), RegistryError> {
        if let Some(value) = change.get("compatibility") {
            let text: Option<String> = typed("compatibility", value)?;
            self.compatibility = text
                .map(|text| text.parse::<CompatibilityLevel>().map(|level| level.as_str().to_owned()))
                .transpose()
                .map_err(|_| RegistryError::InvalidCompatibilityLevel)?;
        }
        if let Some(value) = change.get("compatibilityPolicy") {
            let text: Option<String> = typed("compatibilityPolicy", value)?;
            self.compatibility_policy = text
                .map(|text| text.to_uppercase())
                .filter(|text| matches!(text.as_str(), "STRICT" | "LENIENT" | "LOGICAL"));
        }
        set(&mut self.alias, change, "alias")?;
        set(&mut self.alias_for_deks, change, "aliasForDeks")?;
        set(&mut self.normalize, change, "normalize")?;
        set(&mut self.validate_fields, change, "validateFields")?;
        set(&mut self.validate_new_schemas, change, "validateNewSchemas")?;
        set(&mut self.validate_rules, change, "validateRules")?;
        set(&mut self.compatibility_group, change, "compatibilityGroup")?;
        set(&mut self.default_metadata, change, "defaultMetadata")?;
        set(&mut self.override_metadata, change, "overrideMetadata")?;
        set(&mut self.default_rule_set, change, "defaultRuleSet")?;
        set(&mut self.override_rule_set, change, "overrideRuleSet")?;
        self.alias = self.alias.take().filter(|alias| !alias.is_empty());
        for rules in [&self.default_rule_set, &self.override_rule_set].into_iter().flatten() {
            rules.validate().map_err(|error| RegistryError::InvalidRuleSet { message: error.to_string() })?;
        }
        Ok(())
    }
}

fn typed<T: for<'de> Deserialize<'de>>(name: &str, value: &Value) -> Result<Option<T>, RegistryError> {
    serde_json::from_value(value.clone()).map_err(|error| RegistryError::InvalidBody {
        message: format!("Cannot deserialize field {name}: {error}"),
    })
}

fn set<T: for<'de> Deserialize<'de>>(
    field: &mut Option<T>,
    change: &Map<String, Value>,
    name: &str,
) -> Result<(), RegistryError> {
    if let Some(value) = change.get(name) {
        *field = typed(name, value)?;
    }
    Ok(())
}

/// What is stored at the scopes that can apply to a subject, and what follows from it.
#[derive(Debug)]
pub(super) struct Settings {
    subject: QualifiedSubject,
    stored: Vec<(QualifiedSubject, Option<StoredConfig>, Option<Mode>)>,
}

impl Settings {
    /// The settings in scope of a subject, from what the scopes store.
    pub(super) fn new(
        subject: &QualifiedSubject,
        stored: Vec<(QualifiedSubject, Option<StoredConfig>, Option<Mode>)>,
    ) -> Self {
        Self { subject: subject.clone(), stored }
    }

    pub(super) async fn read(
        snapshot: &mut dyn Snapshot,
        subject: &QualifiedSubject,
    ) -> Result<Self, StoreError> {
        Self::from_rows(subject, snapshot.settings(subject).await?)
    }

    pub(super) fn from_rows(
        subject: &QualifiedSubject,
        rows: Vec<ScopeSettings>,
    ) -> Result<Self, StoreError> {
        let stored = rows.into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { subject: subject.clone(), stored })
    }

    /// The same for a subject of the same context that stores nothing itself.
    pub(super) fn for_subject(&self, subject: &QualifiedSubject) -> Self {
        Self { subject: subject.clone(), stored: self.stored.clone() }
    }

    fn scope(
        &self,
        context: &str,
        subject: &str,
    ) -> Option<&(QualifiedSubject, Option<StoredConfig>, Option<Mode>)> {
        self.stored.iter().find(|(scope, ..)| scope.context.as_str() == context && scope.subject == subject)
    }

    fn config_at(&self, context: &str, subject: &str) -> Option<&StoredConfig> {
        self.scope(context, subject).and_then(|(_, config, _)| config.as_ref())
    }

    fn mode_at(&self, context: &str, subject: &str) -> Option<Mode> {
        self.scope(context, subject).and_then(|(.., mode)| *mode)
    }

    /// The config stored at the subject itself.
    pub(super) fn own_config(&self) -> Option<&StoredConfig> {
        self.config_at(self.subject.context.as_str(), &self.subject.subject)
    }

    /// The mode stored at the subject itself.
    pub(super) fn own_mode(&self) -> Option<Mode> {
        self.mode_at(self.subject.context.as_str(), &self.subject.subject)
    }

    /// The config in scope: the subject's own (with a few fields filled from the global one), else its context's, else that of all
    /// contexts, else empty.
    pub(super) fn config(&self) -> StoredConfig {
        let context = self.subject.context.as_str();
        let default = Context::default_context();
        let global = self.config_at(default.as_str(), "");
        if !self.subject.subject.is_empty()
            && let Some(own) = self.own_config()
        {
            return filled(own, global);
        }
        let wider = self.config_at(context, "").or_else(|| self.config_at(Context::GLOBAL, ""));
        wider.cloned().unwrap_or_default()
    }

    /// The mode in scope: the subject's own, else its context's, else that of all contexts, else read-write.
    pub(super) fn mode(&self) -> Mode {
        self.own_mode()
            .or_else(|| self.mode_at(self.subject.context.as_str(), ""))
            .or_else(|| self.mode_at(Context::GLOBAL, ""))
            .unwrap_or(Mode::ReadWrite)
    }
}

fn filled(own: &StoredConfig, global: Option<&StoredConfig>) -> StoredConfig {
    let mut config = own.clone();
    if let Some(global) = global {
        config.normalize = config.normalize.or(global.normalize);
        config.validate_fields = config.validate_fields.or(global.validate_fields);
        config.validate_new_schemas = config.validate_new_schemas.or(global.validate_new_schemas);
        config.validate_rules = config.validate_rules.or(global.validate_rules);
        config.compatibility_policy =
            config.compatibility_policy.or_else(|| global.compatibility_policy.clone());
        config.compatibility_group =
            config.compatibility_group.or_else(|| global.compatibility_group.clone());
    }
    config
}

fn parse(row: ScopeSettings) -> Result<(QualifiedSubject, Option<StoredConfig>, Option<Mode>), StoreError> {
    let config = row.config.as_deref().map(serde_json::from_str).transpose();
    let config = config.map_err(|_| StoreError::CorruptRow { table: "settings", column: "config" })?;
    Ok((row.scope, config, row.mode))
}

impl Registry {
    /// The level that applies where no config sets one.
    fn with_default_level(&self, mut config: StoredConfig) -> StoredConfig {
        if config.compatibility.is_none() {
            config.compatibility = Some(self.config().compatibility_level.as_str().to_owned());
        }
        config
    }

    /// The level of a config in scope.
    pub(super) fn level(&self, config: &StoredConfig) -> CompatibilityLevel {
        config.level().unwrap_or(self.config().compatibility_level)
    }

    /// GET config. The global scope always answers, with the server's level if none is stored; any other scope answers its own
    /// config, or with `inherited` the one in scope.
    ///
    /// # Errors
    /// 40408 if nothing is stored and nothing is inherited.
    pub async fn get_config(
        &self,
        scope: &QualifiedSubject,
        inherited: bool,
    ) -> Result<StoredConfig, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let settings = Settings::read(&mut *snapshot, scope).await?;
        self.config_of(scope, inherited, &settings)
    }

    /// What GET config answers, given what is stored.
    pub(super) fn config_of(
        &self,
        scope: &QualifiedSubject,
        inherited: bool,
        settings: &Settings,
    ) -> Result<StoredConfig, RegistryError> {
        if mode::is_global(scope) {
            return Ok(self.with_default_level(settings.own_config().cloned().unwrap_or_default()));
        }
        if inherited {
            return Ok(self.with_default_level(settings.config()));
        }
        settings
            .own_config()
            .cloned()
            .ok_or_else(|| RegistryError::ConfigNotSet { subject: scope.to_string() })
    }

    /// PUT config: merges the change into what is stored and answers the stored result.
    ///
    /// # Errors
    /// 42203, 42205 (read-only), 42208, 42210.
    pub async fn put_config(
        &self,
        scope: &QualifiedSubject,
        change: &Map<String, Value>,
        origin: &Origin,
    ) -> Result<StoredConfig, RegistryError> {
        subjects::check_scope(scope)?;
        StoredConfig::default().apply(change)?;
        self.retrying("Update config", || self.try_put_config(scope, change, origin)).await
    }

    async fn try_put_config(
        &self,
        scope: &QualifiedSubject,
        change: &Map<String, Value>,
        origin: &Origin,
    ) -> Result<StoredConfig, RegistryError> {
        let mut tx = self.store().begin(&[Lock::Change(scope.clone())]).await?;
        let settings = Settings::read(&mut *tx, scope).await?;
        mode::check_writable(&settings, scope)?;
        let before = settings.own_config().cloned();
        let mut config = before.clone().unwrap_or_default();
        config.apply(change)?;
        self.store_config(&mut *tx, scope, before.as_ref(), Some(&config), origin).await?;
        tx.commit().await?;
        if config.alias.is_some() || before.is_some_and(|before| before.alias.is_some()) {
            self.settings_changed().await;
        }
        Ok(config)
    }

    /// Removes what a scope stores, because the scope itself goes. Each removal is an event of its own.
    pub(super) async fn clear_settings(
        &self,
        tx: &mut dyn StoreTx,
        scope: &QualifiedSubject,
        origin: &Origin,
    ) -> Result<(), RegistryError> {
        let settings = Settings::read(tx, scope).await?;
        if let Some(before) = settings.own_config() {
            self.store_config(tx, scope, Some(before), None, origin).await?;
        }
        if let Some(before) = settings.own_mode() {
            self.store_mode(tx, scope, Some(before), None, origin).await?;
        }
        Ok(())
    }

    /// Writes a config and its event.
    async fn store_config(
        &self,
        tx: &mut dyn StoreTx,
        scope: &QualifiedSubject,
        before: Option<&StoredConfig>,
        after: Option<&StoredConfig>,
        origin: &Origin,
    ) -> Result<(), RegistryError> {
        let text = |config: Option<&StoredConfig>| {
            config.map(serde_json::to_string).transpose().map_err(|error| StoreError::Failed(Box::new(error)))
        };
        let (before, after) = (text(before)?, text(after)?);
        tx.put_config(scope, after.as_deref()).await?;
        let action = if after.is_some() { "config.put" } else { "config.delete" };
        let mut event = self.event(action, scope, origin);
        (event.before, event.after) = (before, after);
        tx.append_event(&event).await?;
        Ok(())
    }

    /// DELETE config: answers what was stored. The global scope is idempotent and answers the server's level if nothing was.
    ///
    /// # Errors
    /// 40401 if another scope has nothing stored, 42205 (read-only).
    pub async fn delete_config(
        &self,
        scope: &QualifiedSubject,
        origin: &Origin,
    ) -> Result<StoredConfig, RegistryError> {
        self.retrying("Delete config", || self.try_delete_config(scope, origin)).await
    }

    async fn try_delete_config(
        &self,
        scope: &QualifiedSubject,
        origin: &Origin,
    ) -> Result<StoredConfig, RegistryError> {
        let mut tx = self.store().begin(&[Lock::Change(scope.clone())]).await?;
        let settings = Settings::read(&mut *tx, scope).await?;
        let before = settings.own_config().cloned();
        match &before {
            None if mode::is_global(scope) => {
                tx.rollback().await?;
                return Ok(self.with_default_level(StoredConfig::default()));
            }
            None => return Err(RegistryError::SubjectNotFound { subject: scope.to_string() }),
            Some(_) => {}
        }
        mode::check_writable(&settings, scope)?;
        self.store_config(&mut *tx, scope, before.as_ref(), None, origin).await?;
        tx.commit().await?;
        self.settings_changed().await;
        let before = before.unwrap_or_default();
        Ok(if mode::is_global(scope) { self.with_default_level(before) } else { before })
    }
}
