//! Settings of a deserializer.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use assay_schema_core::avro::{ParseMode, Schema};

use super::Deserializer;
use crate::cache::CachedClient;
use crate::error::Error;
use crate::plan::Limits;
use crate::properties::ConfigError;
use crate::subject::SubjectStrategy;
use crate::wire::{Part, Unframing};

/// The schema that values are read as.
#[derive(Debug, Clone, Default)]
pub enum ReaderSchema {
    /// The one each record was written with.
    #[default]
    Writer,
    /// The program's own; records of other versions are resolved to it. Its defaults can be borrowed by no target, see
    /// [`Deserializer::try_decode_as`].
    Given(Schema),
    /// The latest version of the topic's subject. `use.latest.version`.
    Latest,
    /// The latest version whose metadata has these properties. `use.latest.with.metadata`.
    LatestWithMetadata(BTreeMap<String, String>),
}

impl ReaderSchema {
    pub(super) fn is_latest(&self) -> bool {
        matches!(self, Self::Latest | Self::LatestWithMetadata(_))
    }
}

/// Everything a deserializer can be told, but for its registry.
#[derive(Debug, Clone)]
pub struct DeserializerSettings {
    /// Key or value. Default value.
    pub part: Part,
    /// Where the schema is looked for. Default header, then prefix.
    pub unframing: Unframing,
    /// How subjects are named; matters for the latest version as reader. The default, by association, also decides the context
    /// of a topic's ids: each topic costs one request, unless the strategy is another.
    pub strategy: SubjectStrategy,
    /// The schema that values are read as. Default the one they were written with.
    pub reader: ReaderSchema,
    /// Refuses bytes after the datum. `avro.fail.on.trailing.data`, default off.
    pub fail_on_trailing_data: bool,
    /// Uses schemas in spite of rules that cannot be run here. `rule.executors._default_.disabled`, default off.
    pub ignore_rules: bool,
    /// Most compiled schemas that are kept, and most topics with the latest version as reader. Default 1000.
    pub plans_max: usize,
    /// What one datum may cost.
    pub limits: Limits,
}

impl Default for DeserializerSettings {
    fn default() -> Self {
        Self {
            part: Part::Value,
            unframing: Unframing::default(),
            strategy: SubjectStrategy::default(),
            reader: ReaderSchema::default(),
            fail_on_trailing_data: false,
            ignore_rules: false,
            plans_max: 1000,
            limits: Limits::default(),
        }
    }
}

/// Settings of a [`Deserializer`].
///
/// ```
/// # use assay_serde_avro::{CachedClient, RegistryClient};
/// # let registry = CachedClient::new(RegistryClient::new("http://localhost:8081")?);
/// use assay_serde_avro::{Deserializer, ReaderSchema, SubjectStrategy};
///
/// // every record as the latest version of its topic has it; bytes left over are an error
/// let orders = Deserializer::<serde_json::Value>::builder(&registry)
///     .reader(ReaderSchema::Latest)
///     .subject(SubjectStrategy::TOPIC)
///     .fail_on_trailing_data(true)
///     .build()?;
/// # Ok::<(), assay_serde_avro::Error>(())
/// ```
#[must_use]
pub struct DeserializerBuilder<T> {
    registry: CachedClient,
    settings: DeserializerSettings,
    reader: Option<String>,
    value: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for DeserializerBuilder<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeserializerBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<T> DeserializerBuilder<T> {
    pub(super) fn new(registry: CachedClient) -> Self {
        Self { registry, settings: DeserializerSettings::default(), reader: None, value: PhantomData }
    }

    /// Replaces all settings.
    pub fn settings(mut self, settings: DeserializerSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Deserializes keys, or values.
    pub fn part(mut self, part: Part) -> Self {
        self.settings.part = part;
        self
    }

    /// Where the schema is looked for.
    pub fn unframing(mut self, unframing: Unframing) -> Self {
        self.settings.unframing = unframing;
        self
    }

    /// How subjects are named.
    pub fn subject(mut self, strategy: impl Into<SubjectStrategy>) -> Self {
        self.settings.strategy = strategy.into();
        self
    }

    /// The schema that values are read as.
    pub fn reader(mut self, reader: ReaderSchema) -> Self {
        self.settings.reader = reader;
        self
    }

    /// Reads values as the program's own schema describes them, given as Avro schema text.
    pub fn reader_schema(mut self, text: impl Into<String>) -> Self {
        self.reader = Some(text.into());
        self
    }

    /// Refuses bytes after the datum.
    pub fn fail_on_trailing_data(mut self, fail: bool) -> Self {
        self.settings.fail_on_trailing_data = fail;
        self
    }

    /// Uses schemas in spite of rules that cannot be run here.
    pub fn ignore_rules(mut self, ignore: bool) -> Self {
        self.settings.ignore_rules = ignore;
        self
    }

    /// Most compiled schemas that are kept.
    pub fn plans_max(mut self, plans: usize) -> Self {
        self.settings.plans_max = plans;
        self
    }

    /// What one datum may cost.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Checks the settings and the schema. Sends nothing.
    pub fn build(self) -> Result<Deserializer<T>, Error> {
        let mut settings = self.settings;
        if let Some(text) = self.reader {
            let schema = Schema::parse(&text, ParseMode::Lax)
                .map_err(|error| ConfigError::Invalid { key: "schema".into(), reason: error.to_string() })?;
            settings.reader = ReaderSchema::Given(schema);
        }
        Ok(Deserializer::from_parts(self.registry, settings))
    }
}
