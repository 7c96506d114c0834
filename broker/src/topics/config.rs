//! Topic configuration: Kafka's keys under Kafka's names, plus the ones of schema validation.

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

mod keys;

pub use keys::{KEYS, Key, ValueType};

use crate::record_batch::TimestampType;

/// When a partition's appends become durable, and what the high watermark waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The high watermark is the synced offset; syncs are grouped.
    #[default]
    Fsync,
    /// The high watermark is the log end; a sync follows within the interval.
    Interval(Duration),
    /// The high watermark is the log end; the operating system writes back.
    Os,
}

/// A refused configuration; the text is meant for the client (`INVALID_CONFIG`).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Not a topic key.
    #[error("Unknown topic config name: {key}")]
    UnknownKey {
        /// As given.
        key: String,
    },
    /// A known key with an impossible value.
    #[error("Invalid value {value} for configuration {key}: {reason}")]
    InvalidValue {
        /// The key.
        key: &'static str,
        /// As given.
        value: String,
        /// In words.
        reason: String,
    },
}

/// Where a value comes from, as `DescribeConfigs` reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConfigSource {
    /// Set on the topic.
    DynamicTopic,
    /// Set on this broker while it runs.
    DynamicBroker,
    /// Set on all brokers while they run.
    DynamicDefaultBroker,
    /// Set for the broker.
    StaticBroker,
    /// Nobody set it.
    Default,
}

impl ConfigSource {
    /// The number on the wire.
    pub fn code(self) -> i8 {
        match self {
            Self::DynamicTopic => 1,
            Self::DynamicBroker => 2,
            Self::DynamicDefaultBroker => 3,
            Self::StaticBroker => 4,
            Self::Default => 5,
        }
    }
}

/// One row of a configuration listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// What it is, its type, default and documentation.
    pub key: &'static Key,
    /// In effect.
    pub value: String,
    /// Who set it.
    pub source: ConfigSource,
}

/// Values that stand in for keys a topic does not set: the broker's configuration, by topic key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicDefaults(BTreeMap<&'static str, (String, ConfigSource)>);

impl TopicDefaults {
    /// Picks the topic defaults out of a broker's configuration (`log.retention.hours`, `message.max.bytes`, ...).
    ///
    /// Other keys are left alone; of several that mean the same the finest unit wins.
    pub fn from_broker<'a>(
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        Self::from_settings(settings, ConfigSource::StaticBroker)
    }

    /// As [`from_broker`](Self::from_broker), of settings made elsewhere.
    pub fn from_settings<'a>(
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
        source: ConfigSource,
    ) -> Result<Self, ConfigError> {
        let settings: BTreeMap<_, _> = settings.into_iter().collect();
        let mut values = BTreeMap::new();
        for key in KEYS {
            let found = key.broker_keys.iter().find_map(|(name, factor)| Some((settings.get(name)?, factor)));
            if let Some((value, factor)) = found {
                let value = scaled(key, value.trim(), *factor)?;
                key.check(&value)?;
                values.insert(key.name, (value, source));
            }
        }
        Ok(Self(values))
    }

    /// These, and above them `others`.
    #[must_use]
    pub fn with(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether a broker's key sets a default of topics.
    pub fn is_broker_key(name: &str) -> bool {
        KEYS.iter().any(|key| key.broker_keys.iter().any(|(known, _)| *known == name))
    }
}

fn scaled(key: &'static Key, value: &str, factor: i64) -> Result<String, ConfigError> {
    if factor == 1 {
        return Ok(value.to_owned());
    }
    let number: i64 = value.parse().map_err(|_| key.invalid(value, "Not a number"))?;
    let scaled = if number < 0 { number } else { number.saturating_mul(factor) };
    Ok(scaled.to_string())
}

/// A topic's configuration, parsed and valid.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    overrides: BTreeMap<&'static str, String>,
    defaults: TopicDefaults,
    /// `cleanup.policy` contains `compact`.
    pub compact: bool,
    /// `cleanup.policy` contains `delete`.
    pub delete: bool,
    /// Largest batch accepted, in bytes.
    pub max_message_bytes: i32,
    /// Whose timestamps count.
    pub timestamp_type: TimestampType,
    /// How far in the past a record's timestamp may lie.
    pub timestamp_before_max_ms: i64,
    /// How far in the future a record's timestamp may lie.
    pub timestamp_after_max_ms: i64,
    /// `min.insync.replicas`; above 1 no `acks=all` produce succeeds on one node.
    pub min_insync_replicas: i32,
    /// Bytes of log per partition to keep; -1 keeps all.
    pub retention_bytes: i64,
    /// Age of log to keep; -1 keeps all.
    pub retention_ms: i64,
    /// Size at which a segment is closed.
    pub segment_bytes: i32,
    /// Age at which a segment is closed.
    pub segment_ms: i64,
    /// Largest random part taken off `segment_ms`.
    pub segment_jitter_ms: i64,
    /// Largest offset index of a segment.
    pub segment_index_bytes: i32,
    /// Log bytes per index entry.
    pub index_interval_bytes: i32,
    /// Tombstones stay this long after compaction.
    pub delete_retention_ms: i64,
    /// Records younger than this are not compacted.
    pub min_compaction_lag_ms: i64,
    /// Records older than this must be compacted.
    pub max_compaction_lag_ms: i64,
    /// Share of uncompacted log that starts a compaction.
    pub min_cleanable_dirty_ratio: f64,
    /// `flush.messages`: sync after so many records.
    pub flush_messages: i64,
    durability: Option<Durability>,
    /// `confluent.key.schema.validation`.
    pub key_validation: bool,
    /// `confluent.value.schema.validation`.
    pub value_validation: bool,
    /// How keys map to subjects.
    pub key_subject_strategy: SubjectStrategy,
    /// How values map to subjects.
    pub value_subject_strategy: SubjectStrategy,
    /// How deep keys are checked when validation is on.
    pub key_validation_level: ValidationLevel,
    /// How deep values are checked when validation is on.
    pub value_validation_level: ValidationLevel,
}

/// Which subject a record's schema must belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubjectStrategy {
    /// `<topic>-key` or `<topic>-value`.
    TopicName,
    /// The record's full name.
    RecordName,
    /// `<topic>-<record's full name>`.
    TopicRecordName,
}

impl SubjectStrategy {
    fn parse(text: &str) -> Option<Self> {
        match text.rsplit('.').next()? {
            "TopicNameStrategy" => Some(Self::TopicName),
            "RecordNameStrategy" => Some(Self::RecordName),
            "TopicRecordNameStrategy" => Some(Self::TopicRecordName),
            _ => None,
        }
    }
}

/// How much of a record schema validation looks at; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValidationLevel {
    /// Nothing.
    Off,
    /// The frame is whole and its schema id is registered.
    Framing,
    /// The id belongs to the subject.
    Id,
    /// The body decodes under the schema.
    Decode,
}

impl ValidationLevel {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "framing" => Some(Self::Framing),
            "id" => Some(Self::Id),
            "decode" => Some(Self::Decode),
            _ => None,
        }
    }
}

impl TopicConfig {
    /// Parses a topic's own settings over the broker's defaults.
    pub fn from_map<'a>(
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
        defaults: &TopicDefaults,
    ) -> Result<Self, ConfigError> {
        let mut overrides = BTreeMap::new();
        for (name, value) in settings {
            let key = KEYS
                .iter()
                .find(|key| key.name == name)
                .ok_or_else(|| ConfigError::UnknownKey { key: name.to_owned() })?;
            key.check(value)?;
            overrides.insert(key.name, value.to_owned());
        }
        Self::parse(overrides, defaults.clone())
    }

    /// The settings made on the topic itself.
    pub fn overrides(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.overrides.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// All keys with their values in effect, in key order.
    pub fn entries(&self) -> Vec<ConfigEntry> {
        KEYS.iter()
            .map(|key| {
                let (value, source) = self.lookup(key);
                ConfigEntry { key, value: value.to_owned(), source }
            })
            .collect()
    }

    /// When this topic's appends become durable on a broker with the given default.
    pub fn durability(&self, broker: Durability) -> Durability {
        self.durability.unwrap_or(broker)
    }

    fn lookup(&self, key: &'static Key) -> (&str, ConfigSource) {
        if let Some(value) = self.overrides.get(key.name) {
            (value, ConfigSource::DynamicTopic)
        } else if let Some((value, source)) = self.defaults.0.get(key.name) {
            (value, *source)
        } else {
            (key.default, ConfigSource::Default)
        }
    }

    fn parse(
        overrides: BTreeMap<&'static str, String>,
        defaults: TopicDefaults,
    ) -> Result<Self, ConfigError> {
        let values = Values { overrides: &overrides, defaults: &defaults };
        let policies = values.text("cleanup.policy");
        let has_policy = |name| policies.split(',').any(|policy| policy.trim() == name);
        let timestamp_type = match values.text("message.timestamp.type") {
            "LogAppendTime" => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        };
        let flush_messages = values.parse("flush.messages")?;
        Ok(Self {
            compact: has_policy("compact"),
            delete: has_policy("delete"),
            max_message_bytes: values.parse("max.message.bytes")?,
            timestamp_type,
            timestamp_before_max_ms: values.parse("message.timestamp.before.max.ms")?,
            timestamp_after_max_ms: values.parse("message.timestamp.after.max.ms")?,
            min_insync_replicas: values.parse("min.insync.replicas")?,
            retention_bytes: values.parse("retention.bytes")?,
            retention_ms: values.parse("retention.ms")?,
            segment_bytes: values.parse("segment.bytes")?,
            segment_ms: values.parse("segment.ms")?,
            segment_jitter_ms: values.parse("segment.jitter.ms")?,
            segment_index_bytes: values.parse("segment.index.bytes")?,
            index_interval_bytes: values.parse("index.interval.bytes")?,
            delete_retention_ms: values.parse("delete.retention.ms")?,
            min_compaction_lag_ms: values.parse("min.compaction.lag.ms")?,
            max_compaction_lag_ms: values.parse("max.compaction.lag.ms")?,
            min_cleanable_dirty_ratio: values.parse("min.cleanable.dirty.ratio")?,
            flush_messages,
            durability: values.durability(flush_messages)?,
            key_validation: values.parse("confluent.key.schema.validation")?,
            value_validation: values.parse("confluent.value.schema.validation")?,
            key_subject_strategy: values
                .choice("confluent.key.subject.name.strategy", SubjectStrategy::parse)?,
            value_subject_strategy: values
                .choice("confluent.value.subject.name.strategy", SubjectStrategy::parse)?,
            key_validation_level: values
                .choice("assay.key.schema.validation.level", ValidationLevel::parse)?,
            value_validation_level: values
                .choice("assay.value.schema.validation.level", ValidationLevel::parse)?,
            overrides,
            defaults,
        })
    }
}

impl Default for TopicConfig {
    #[expect(clippy::expect_used, reason = "the defaults are constants, parsed by a test")]
    fn default() -> Self {
        Self::parse(BTreeMap::new(), TopicDefaults::default()).expect("the default configuration is valid")
    }
}

struct Values<'a> {
    overrides: &'a BTreeMap<&'static str, String>,
    defaults: &'a TopicDefaults,
}

impl Values<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let inherited = || self.defaults.0.get(name).map(|(value, _)| value);
        self.overrides.get(name).or_else(inherited).map(|value| value.trim())
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| key(name).default)
    }

    fn parse<T: std::str::FromStr>(&self, name: &str) -> Result<T, ConfigError> {
        let value = self.text(name);
        // Java reads booleans in any case.
        let lower = value.to_ascii_lowercase();
        lower.parse().map_err(|_| key(name).invalid(value, "Not a valid value"))
    }

    fn choice<T>(&self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, ConfigError> {
        let value = self.text(name);
        parse(value).ok_or_else(|| key(name).invalid(value, "Not one of the supported values"))
    }

    /// `assay.durability`, else what `flush.messages` and `flush.ms` ask for, else the broker's.
    fn durability(&self, flush_messages: i64) -> Result<Option<Durability>, ConfigError> {
        let flush_ms: i64 = self.parse("flush.ms")?;
        let interval = Duration::from_millis(flush_ms.max(1).cast_unsigned());
        let bounded = flush_ms != i64::MAX;
        Ok(match self.text("assay.durability") {
            "fsync" => Some(Durability::Fsync),
            "interval" => {
                Some(Durability::Interval(if bounded { interval } else { Durability::DEFAULT_INTERVAL }))
            }
            "os" => Some(Durability::Os),
            _ if flush_messages == 1 || (bounded && flush_ms == 0) => Some(Durability::Fsync),
            _ if bounded => Some(Durability::Interval(interval)),
            _ => None,
        })
    }
}

impl Durability {
    /// Longest time to a sync in `interval` mode when none is given.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
}

#[expect(clippy::expect_used, reason = "called with names from the table only, each of them by a test")]
fn key(name: &str) -> &'static Key {
    KEYS.iter().find(|key| key.name == name).expect("a key of the table")
}

#[cfg(test)]
mod tests;
