//! Configuration by name, with the spelling of the Java clients.
//!
//! Every key may be given with the prefix `schema.registry.`; TLS keys must have it. A key that is not known is an error
//! with a suggestion; keys that only make sense in Java are ignored with a warning. Where the defaults differ from Java's, the
//! tables of [`RegistryClientBuilder`](crate::client::RegistryClientBuilder) and [`CacheSettings`](crate::CacheSettings) say so.

mod client;
mod keys;
mod serde;

use std::collections::BTreeMap;
use std::time::Duration;

use assay_schema_core::naming::NamingError;

pub(crate) use self::serde::SerdeProperties;

/// What is wrong with a configuration, or with the way the crate is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No such key.
    #[error("unknown configuration key {key}{}", suggestion.map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    UnknownKey {
        /// The key as it was given.
        key: String,
        /// The known key that looks most like it, if one does.
        suggestion: Option<&'static str>,
    },
    /// The key exists in Java, and this crate does not do what it asks for.
    #[error("configuration key {key} is not supported: {reason}")]
    Unsupported {
        /// The key.
        key: String,
        /// Why not.
        reason: &'static str,
    },
    /// A key has to be given.
    #[error("configuration key {key} is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// The value of a key cannot be used.
    #[error("configuration key {key}: {reason}")]
    Invalid {
        /// The key.
        key: String,
        /// What is expected, or what went wrong.
        reason: String,
    },
    /// Two keys contradict each other.
    #[error("configuration keys {first} and {second} exclude each other: {reason}")]
    Conflict {
        /// One key.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The subject cannot be named.
    #[error(transparent)]
    Naming(#[from] NamingError),
    /// The chosen way to find the schema needs the program's own schema, and none was given.
    #[error("a schema has to be given: {reason}")]
    SchemaNeeded {
        /// What it is needed for.
        reason: &'static str,
    },
    /// The subject depends on the topic, and the message has none.
    #[error("the topic has to be given: the subject depends on it")]
    TopicNeeded,
    /// A serializer or deserializer of the other part was given.
    #[error("the serializer or deserializer for the {} is set up for the other part", wanted.as_str())]
    WrongPart {
        /// The part that was expected.
        wanted: crate::wire::Part,
    },
    /// Something that runs in the background was started outside an asynchronous runtime.
    #[error("an asynchronous runtime is needed: start this inside one")]
    RuntimeNeeded,
    /// A blocking call was made on a thread that runs asynchronous tasks, which it would stop.
    #[error("a blocking call was made inside an asynchronous task; use the asynchronous interface there")]
    BlockingInsideAsync,
    /// The operating system gave no thread to the blocking interface.
    #[error("no background thread for the blocking interface: {reason}")]
    NoThread {
        /// What the operating system said.
        reason: String,
    },
    /// The schema's header framing needs a GUID, and the registry (older than 8.0) sends none.
    #[error("schema GUID is missing: the registry does not send one, so header framing cannot be used")]
    GuidMissing,
    /// The schema's prefix framing needs an id, and the answer by GUID has none.
    #[error("schema id is missing: a schema that is selected by GUID needs header framing")]
    IdMissing,
}

/// Configuration keys and their values.
///
/// ```
/// use assay_serde_avro::Properties;
///
/// let properties: Properties =
///     [("schema.registry.url", "http://localhost:8081"), ("auto.register.schemas", "false")].into_iter().collect();
/// let registry = properties.registry()?;
/// # Ok::<(), assay_serde_avro::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Properties {
    values: BTreeMap<String, String>,
}

impl Properties {
    /// No keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key; the last value counts.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.values.insert(key.into(), value.into());
        self
    }

    /// Reads a Java properties file: `key=value` or `key: value` on each line, `#` and `!` for comments. Continuation lines and
    /// escapes other than `\\`, `\=`, `\:`, `\#` and `\!` are not supported and are an error.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut properties = Self::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with(['#', '!']) {
                continue;
            }
            let (key, value) = keys::split_line(line).ok_or_else(|| ConfigError::Invalid {
                key: format!("line {}", number + 1),
                reason: "expected key=value".into(),
            })?;
            properties.set(key, value);
        }
        Ok(properties)
    }

    /// The value of a key, by its name in `keys`, with or without the prefix `schema.registry.`.
    fn get(&self, key: &str) -> Option<&str> {
        let plain = || self.values.get(key.strip_prefix(keys::PREFIX).unwrap_or(key));
        let prefixed = || self.values.get(&format!("{}{}", keys::PREFIX, key));
        let value = if key.starts_with(keys::PREFIX) {
            self.values.get(key).or_else(|| (!key.starts_with(keys::TLS_PREFIX)).then(plain).flatten())
        } else {
            self.values.get(key).or_else(prefixed)
        };
        value.map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(invalid(key, "expected true or false")),
        }
    }

    /// A whole number of at least `least`.
    fn number(&self, key: &str, default: i64, least: i64) -> Result<i64, ConfigError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value
                .parse()
                .ok()
                .filter(|number| *number >= least)
                .ok_or_else(|| invalid(key, &format!("expected a whole number of at least {least}"))),
        }
    }

    fn size(&self, key: &str, default: usize) -> Result<usize, ConfigError> {
        let default = i64::try_from(default).unwrap_or(i64::MAX);
        Ok(usize::try_from(self.number(key, default, 1)?).unwrap_or(usize::MAX))
    }

    fn milliseconds(&self, key: &str, default: Duration) -> Result<Duration, ConfigError> {
        let default = i64::try_from(default.as_millis()).unwrap_or(i64::MAX);
        Ok(Duration::from_millis(self.number(key, default, 0)?.unsigned_abs()))
    }

    fn seconds(&self, key: &str, default: Duration) -> Result<Duration, ConfigError> {
        let default = i64::try_from(default.as_secs()).unwrap_or(i64::MAX);
        Ok(ttl(self.number(key, default, 0)?))
    }

    /// Seconds, where -1 stands for ever.
    fn seconds_or_ever(&self, key: &str, default: Option<Duration>) -> Result<Option<Duration>, ConfigError> {
        let default = default.map_or(-1, |default| i64::try_from(default.as_secs()).unwrap_or(i64::MAX));
        Ok(match self.number(key, default, -1)? {
            -1 => None,
            seconds => Some(ttl(seconds)),
        })
    }
}

/// Longer lives than this are cut: the caches count in nanoseconds.
const TTL_MAX: Duration = Duration::from_hours(365 * 24);

fn ttl(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs()).min(TTL_MAX)
}

fn invalid(key: &str, reason: &str) -> ConfigError {
    ConfigError::Invalid { key: key.to_owned(), reason: reason.to_owned() }
}

impl std::fmt::Debug for Properties {
    /// Names the keys alone; values can be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self { values: pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect() }
    }
}

#[cfg(test)]
mod tests;
