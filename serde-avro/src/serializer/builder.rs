//! Settings of a serializer.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use assay_schema_core::SchemaReference;
use assay_schema_core::avro::{ParseMode, Schema};
use tokio::sync::OnceCell;

use super::{Core, OwnSchema, Serializer, TOPICS_MAX};
use crate::cache::{CachedClient, Table};
use crate::client::NewSchema;
use crate::error::Error;
use crate::properties::ConfigError;
use crate::subject::SubjectStrategy;
use crate::wire::{Framing, Part, SchemaKey};

/// How the schema that records are written with is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The program's own schema, which is registered if it is not yet. `auto.register.schemas=true`.
    Register {
        /// Copies the tags of the subject's previous version. `propagate.schema.tags`.
        propagate_tags: bool,
    },
    /// The program's own schema, which has to be registered. `auto.register.schemas=false`.
    Lookup,
    /// This schema. `use.schema.id`, `use.schema.guid`.
    Fixed(SchemaKey),
    /// The latest version whose metadata has these properties. `use.latest.with.metadata`.
    LatestWithMetadata(BTreeMap<String, String>),
    /// The latest version of the subject. `use.latest.version`.
    Latest,
}

/// Everything a serializer can be told, but for its registry and schema.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one documented property")]
pub struct SerializerSettings {
    /// Key or value. Default value.
    pub part: Part,
    /// Where the schema goes. Default prefix.
    pub framing: Framing,
    /// How subjects are named. Default by association, else by topic.
    pub strategy: SubjectStrategy,
    /// How the schema is found. Default [`Selection::Register`].
    pub selection: Selection,
    /// Asks the registry to normalize the program's schema. `normalize.schemas`, default off.
    pub normalize: bool,
    /// With [`Selection::Fixed`]: that schema has to be able to read the program's own. `id.compatibility.strict`, default on.
    pub id_compatibility_strict: bool,
    /// With the latest version: it has to be able to read the program's own schema. `latest.compatibility.strict`, default on.
    pub latest_compatibility_strict: bool,
    /// Uses schemas in spite of rules that cannot be run here. `rule.executors._default_.disabled`, default off.
    pub ignore_rules: bool,
    /// Leaves out what a value has beyond the schema's fields, which is an error otherwise. Default off; no property of Java's.
    pub ignore_unknown_fields: bool,
}

impl Default for SerializerSettings {
    fn default() -> Self {
        Self {
            part: Part::Value,
            framing: Framing::default(),
            strategy: SubjectStrategy::default(),
            selection: Selection::Register { propagate_tags: false },
            normalize: false,
            id_compatibility_strict: true,
            latest_compatibility_strict: true,
            ignore_rules: false,
            ignore_unknown_fields: false,
        }
    }
}

/// Settings of a [`Serializer`].
///
/// ```
/// # use assay_serde_avro::{CachedClient, RegistryClient};
/// # let registry = CachedClient::new(RegistryClient::new("http://localhost:8081")?);
/// use assay_serde_avro::{Framing, Part, Selection, Serializer, SubjectStrategy};
///
/// // writes with the latest version that someone else registered, and registers nothing
/// let orders = Serializer::<serde_json::Value>::builder(&registry)
///     .selection(Selection::Latest)
///     .subject(SubjectStrategy::TOPIC_RECORD)
///     .framing(Framing::Header)
///     .build()?;
/// let keys = Serializer::<str>::builder(&registry).part(Part::Key).schema(r#""string""#).build()?;
/// # Ok::<(), assay_serde_avro::Error>(())
/// ```
#[must_use]
pub struct SerializerBuilder<T: ?Sized> {
    registry: CachedClient,
    settings: SerializerSettings,
    schema: Option<NewSchema>,
    value: PhantomData<fn(&T)>,
}

impl<T: ?Sized> std::fmt::Debug for SerializerBuilder<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SerializerBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<T: ?Sized> SerializerBuilder<T> {
    pub(super) fn new(registry: CachedClient) -> Self {
        Self { registry, settings: SerializerSettings::default(), schema: None, value: PhantomData }
    }

    /// Replaces all settings.
    pub fn settings(mut self, settings: SerializerSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The program's own schema, as Avro schema text.
    pub fn schema(mut self, text: impl Into<String>) -> Self {
        self.schema = Some(NewSchema { text: text.into(), ..NewSchema::default() });
        self
    }

    /// The program's own schema, with types that are registered under other subjects. Those are fetched when the schema is
    /// first used.
    pub fn schema_with_references(
        mut self,
        text: impl Into<String>,
        references: Vec<SchemaReference>,
    ) -> Self {
        self.schema = Some(NewSchema { text: text.into(), references, ..NewSchema::default() });
        self
    }

    /// Serializes keys, or values.
    pub fn part(mut self, part: Part) -> Self {
        self.settings.part = part;
        self
    }

    /// Where the schema goes.
    pub fn framing(mut self, framing: Framing) -> Self {
        self.settings.framing = framing;
        self
    }

    /// How subjects are named.
    pub fn subject(mut self, strategy: impl Into<SubjectStrategy>) -> Self {
        self.settings.strategy = strategy.into();
        self
    }

    /// How the schema is found.
    pub fn selection(mut self, selection: Selection) -> Self {
        self.settings.selection = selection;
        self
    }

    /// Asks the registry to normalize the program's schema.
    pub fn normalize(mut self, normalize: bool) -> Self {
        self.settings.normalize = normalize;
        self
    }

    /// Whether a schema selected by id or GUID has to be able to read the program's own.
    pub fn id_compatibility_strict(mut self, strict: bool) -> Self {
        self.settings.id_compatibility_strict = strict;
        self
    }

    /// Whether the latest version has to be able to read the program's own schema.
    pub fn latest_compatibility_strict(mut self, strict: bool) -> Self {
        self.settings.latest_compatibility_strict = strict;
        self
    }

    /// Uses schemas in spite of rules that cannot be run here.
    pub fn ignore_rules(mut self, ignore: bool) -> Self {
        self.settings.ignore_rules = ignore;
        self
    }

    /// Leaves out what a value has beyond the schema's fields, as a program does that writes with an older version than its
    /// own. Otherwise such a field is an error: it is more often a misspelt name, whose data would be lost.
    pub fn ignore_unknown_fields(mut self, ignore: bool) -> Self {
        self.settings.ignore_unknown_fields = ignore;
        self
    }

    /// Checks the settings and the schema. Sends nothing.
    pub fn build(self) -> Result<Serializer<T>, Error> {
        let Self { registry, settings, schema, value } = self;
        let registers = matches!(settings.selection, Selection::Register { .. } | Selection::Lookup);
        if registers && schema.is_none() {
            return Err(ConfigError::SchemaNeeded {
                reason: "it is registered or looked up; select a schema of the registry to do without",
            }
            .into());
        }
        let own = schema.map(|mut text| {
            text.propagate_tags = settings.selection == Selection::Register { propagate_tags: true };
            own_schema(text)
        });
        Ok(Serializer {
            core: Arc::new(Core {
                registry,
                settings,
                own: own.transpose()?,
                targets: Table::<_, _, RandomState>::new(TOPICS_MAX),
                compiling: Mutex::new(()),
            }),
            value,
        })
    }
}

/// A schema without references is parsed at once, so that a mistake in it shows at start-up.
fn own_schema(text: NewSchema) -> Result<OwnSchema, ConfigError> {
    let parsed = if text.references.is_empty() {
        let schema = Schema::parse(&text.text, ParseMode::Lax)
            .map_err(|error| ConfigError::Invalid { key: "schema".into(), reason: error.to_string() })?;
        OnceCell::new_with(Some(schema))
    } else {
        OnceCell::new()
    };
    Ok(OwnSchema { text, parsed })
}
