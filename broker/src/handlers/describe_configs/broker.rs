//! The settings of this broker, and those of all brokers.
//!
//! A setting that topics inherit can be set on this broker, on all brokers and at start, in this order; the rest is only
//! read at start. What else was set is listed as it is.

use super::{DEFAULT, synonym};
use crate::config::{BrokerConfigSource, BrokerKey, KEYS};
use crate::dispatch::Context;
use crate::dynamic_config::{Scope, Settings};
use crate::protocol::messages::describe_configs::{DescribeConfigsResourceResult, DescribeConfigsSynonym};
use crate::topics::config::{self, ValueType};

/// Source of a value set on this broker while it runs, on the wire.
const DYNAMIC_BROKER: i8 = 2;
/// Source of a value set on all brokers while they run, on the wire.
const DYNAMIC_DEFAULT_BROKER: i8 = 3;
/// Source of a value given at start, on the wire.
const STATIC_BROKER: i8 = 4;
/// A value that nobody is shown, on the wire.
const PASSWORD: i8 = 9;
/// Settings in milliseconds whose default Kafka keeps in hours under another name.
const IN_HOURS: [(&str, &str); 3] = [
    ("log.retention.ms", "log.retention.hours"),
    ("log.roll.ms", "log.roll.hours"),
    ("log.roll.jitter.ms", "log.roll.jitter.hours"),
];
const HOUR_MS: i64 = 3_600_000;

/// Whether a broker's setting has no default of its own, because one in hours has it.
pub(super) fn is_default_in_hours(name: &str) -> bool {
    IN_HOURS.iter().any(|(fine, _)| *fine == name)
}

/// Values by their source, the strongest first.
struct Layers([(i8, Settings); 3]);

impl Layers {
    fn of(context: &Context) -> Self {
        let configs = context.broker.dynamic_configs();
        let given = context.broker.config().given();
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self([
            (DYNAMIC_BROKER, configs.settings(&Scope::Broker)),
            (DYNAMIC_DEFAULT_BROKER, configs.settings(&Scope::Brokers)),
            (STATIC_BROKER, given.collect()),
        ])
    }

    /// A setting with all its values; no default means that it may be without a value.
    fn entry(&self, name: &str, default: Option<&str>, kind: ValueType, documentation: &str) -> Entry {
        let layers = self.0.iter();
        let set = layers.filter_map(|(source, layer)| Some(synonym(name, layer.get(name)?, *source)));
        Entry {
            synonyms: set.chain(default.map(|value| synonym(name, value, DEFAULT))).collect(),
            ..Entry::new(name, kind, documentation)
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|(_, layer)| layer.keys().map(String::as_str))
    }
}

/// A row of the listing.
struct Entry {
    name: String,
    synonyms: Vec<DescribeConfigsSynonym>,
    kind: ValueType,
    documentation: String,
    read_only: bool,
}

impl Entry {
    fn new(name: &str, kind: ValueType, documentation: &str) -> Self {
        let (name, documentation) = (name.to_owned(), documentation.to_owned());
        Self { name, synonyms: Vec::new(), kind, documentation, read_only: false }
    }

    /// A setting that is read at start.
    fn fixed(name: &str, values: Vec<(&str, i8)>, kind: ValueType, documentation: &str) -> Self {
        let synonyms = values.into_iter().map(|(value, source)| synonym(name, value, source)).collect();
        Self { synonyms, read_only: true, ..Self::new(name, kind, documentation) }
    }

    fn described(mut self) -> DescribeConfigsResourceResult {
        let is_sensitive = BrokerKey::is_sensitive(&self.name);
        if is_sensitive {
            self.synonyms.iter_mut().for_each(|synonym| synonym.value = None);
        }
        let strongest = self.synonyms.first();
        DescribeConfigsResourceResult {
            value: strongest.and_then(|synonym| synonym.value.clone()),
            config_source: strongest.map_or(DEFAULT, |synonym| synonym.source),
            name: self.name,
            read_only: self.read_only,
            is_sensitive,
            synonyms: self.synonyms,
            config_type: if is_sensitive { PASSWORD } else { self.kind.code() },
            documentation: Some(self.documentation),
        }
    }
}

/// What topics inherit from brokers.
fn inherited() -> impl Iterator<Item = &'static config::Key> {
    config::KEYS.iter().filter(|key| config::TopicDefaults::is_broker_key(key.broker_name()))
}

/// What was set on all brokers while they run.
pub(super) fn of_all(context: &Context) -> Vec<DescribeConfigsResourceResult> {
    let settings = context.broker.dynamic_configs().settings(&Scope::Brokers);
    let rows = settings.iter().map(|(name, value)| {
        let key = inherited().find(|key| key.broker_name() == name);
        let (kind, documentation) =
            key.map_or((ValueType::String, "Set while running."), |key| (key.value_type, key.documentation));
        let synonyms = vec![synonym(name, value, DYNAMIC_DEFAULT_BROKER)];
        Entry { synonyms, ..Entry::new(name, kind, documentation) }.described()
    });
    rows.collect()
}

/// Every setting of this broker.
pub(super) fn of_this(context: &Context) -> Vec<DescribeConfigsResourceResult> {
    let config = context.broker.config();
    let mut entries: Vec<Entry> = KEYS
        .iter()
        .map(|key| {
            let (value, source) = config.value(key);
            let mut values = vec![(key.default, DEFAULT)];
            if source == BrokerConfigSource::Static {
                values.insert(0, (value, STATIC_BROKER));
            }
            Entry::fixed(key.name, values, key.value_type, key.documentation)
        })
        .collect();
    let layers = Layers::of(context);
    entries.extend(inherited_entries(&layers));
    for name in layers.names() {
        if !entries.iter().any(|entry| entry.name == name) {
            entries.push(layers.entry(
                name,
                None,
                ValueType::String,
                "Not known to this broker, or a default of topics.",
            ));
        }
    }
    told_by_the_connection(context, &mut entries);
    entries.into_iter().map(Entry::described).collect()
}

fn inherited_entries(layers: &Layers) -> Vec<Entry> {
    let mut entries = Vec::new();
    for key in inherited() {
        let name = key.broker_name();
        let in_hours = IN_HOURS.iter().find(|(fine, _)| *fine == name);
        if let Some((_, hours)) = in_hours {
            let default = key.default.parse::<i64>().ok().map(|number| (number / HOUR_MS).to_string());
            entries.push(layers.entry(hours, default.as_deref(), ValueType::Int, key.documentation));
        }
        let default = Some(key.default).filter(|_| in_hours.is_none());
        entries.push(layers.entry(name, default, key.value_type, key.documentation));
    }
    entries
}

/// What depends on where the client came in, and what tools guess the release by.
fn told_by_the_connection(context: &Context, entries: &mut Vec<Entry>) {
    let kind = ValueType::String;
    let advertised = context.connection.advertised();
    let listeners = format!("{}://{advertised}", context.connection.listener.name);
    if let Some(entry) = entries.iter_mut().find(|entry| entry.name == "advertised.listeners")
        && entry.synonyms.iter().all(|synonym| synonym.source == DEFAULT)
    {
        let values = vec![(listeners.as_str(), STATIC_BROKER)];
        *entry = Entry::fixed("advertised.listeners", values, kind, "Where this client came in.");
    }
    let node_id = context.broker.config().node_id.to_string();
    let values = vec![(node_id.as_str(), STATIC_BROKER)];
    entries.push(Entry::fixed("broker.id", values, ValueType::Int, "As node.id."));
    let values = vec![("4.1", DEFAULT)];
    let documentation = "Release whose protocol is spoken.";
    entries.push(Entry::fixed("inter.broker.protocol.version", values, kind, documentation));
}
