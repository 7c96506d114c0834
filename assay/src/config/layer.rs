//! One layer of settings: what a single source (flags, environment, file) said, each value parsed and
//! remembering where it came from.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr, time::Duration};

use assay_schema_core::CompatibilityLevel;

use super::{
    ConfigError,
    address::{Address, NamedAddress},
    role::Roles,
};

/// Longest drain that may be asked for.
pub(crate) const SHUTDOWN_TIMEOUT_MAX: Duration = Duration::from_hours(1);

/// Where a value was written, for messages: `--data-dir`, `ASSAY_DATA_DIR`, `assay.toml: data_dir`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source(pub(crate) String);

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Form of the log on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// What one source said. Absent means: not said there.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Layer {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) roles: Option<Roles>,
    pub(crate) registry_listen: Option<Address>,
    pub(crate) broker_listen: Option<Vec<NamedAddress>>,
    pub(crate) broker_advertise: Option<Vec<NamedAddress>>,
    pub(crate) database_url: Option<String>,
    pub(crate) registry_url: Option<String>,
    pub(crate) broker_config: BTreeMap<String, String>,
    pub(crate) server_properties: Option<PathBuf>,
    pub(crate) compatibility: Option<CompatibilityLevel>,
    pub(crate) mode_mutability: Option<bool>,
    pub(crate) shutdown_timeout: Option<Duration>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) log_filter: Option<String>,
}

impl Layer {
    /// Sets one setting from its text. `None` when there is no setting of that name.
    pub(crate) fn set(&mut self, name: &str, text: &str, source: &Source) -> Option<Result<(), ConfigError>> {
        Some(match name {
            "data_dir" => not_empty(text, source).map(|text| self.data_dir = Some(PathBuf::from(text))),
            "roles" => parsed(text, source, Roles::parse).map(|roles| self.roles = Some(roles)),
            "registry_listen" => {
                parsed(text, source, Address::parse).map(|address| self.registry_listen = Some(address))
            }
            "broker_listen" => named_addresses(text, source).map(|list| self.broker_listen = Some(list)),
            "broker_advertise" => {
                named_addresses(text, source).map(|list| self.broker_advertise = Some(list))
            }
            "database_url" => database_url(text, source).map(|url| self.database_url = Some(url)),
            "registry_url" => http_url(text, source).map(|url| self.registry_url = Some(url)),
            "broker_config" => self.set_broker_config(text, source),
            "server_properties" => {
                not_empty(text, source).map(|text| self.server_properties = Some(PathBuf::from(text)))
            }
            "compatibility" => parsed(text, source, CompatibilityLevel::from_str)
                .map(|level| self.compatibility = Some(level)),
            "mode_mutability" => boolean(text, source).map(|flag| self.mode_mutability = Some(flag)),
            "shutdown_timeout" => seconds(text, source).map(|limit| self.shutdown_timeout = Some(limit)),
            "log_format" => log_format(text, source).map(|format| self.log_format = Some(format)),
            "log" => not_empty(text, source).map(|text| self.log_filter = Some(text.to_owned())),
            _ => return None,
        })
    }

    /// Puts this layer over `below`: what is said here wins, what is not said here comes from below.
    /// Broker settings are merged key by key.
    pub(crate) fn over(self, below: Self) -> Self {
        let mut broker_config = below.broker_config;
        broker_config.extend(self.broker_config);
        Self {
            data_dir: self.data_dir.or(below.data_dir),
            roles: self.roles.or(below.roles),
            registry_listen: self.registry_listen.or(below.registry_listen),
            broker_listen: self.broker_listen.or(below.broker_listen),
            broker_advertise: self.broker_advertise.or(below.broker_advertise),
            database_url: self.database_url.or(below.database_url),
            registry_url: self.registry_url.or(below.registry_url),
            broker_config,
            server_properties: self.server_properties.or(below.server_properties),
            compatibility: self.compatibility.or(below.compatibility),
            mode_mutability: self.mode_mutability.or(below.mode_mutability),
            shutdown_timeout: self.shutdown_timeout.or(below.shutdown_timeout),
            log_format: self.log_format.or(below.log_format),
            log_filter: self.log_filter.or(below.log_filter),
        }
    }

    /// `KEY=VALUE[,KEY=VALUE...]`; a part that does not begin with a key of Kafka belongs to the value before it.
    fn set_broker_config(&mut self, text: &str, source: &Source) -> Result<(), ConfigError> {
        let mut last: Option<String> = None;
        for part in text.split(',') {
            match (part.split_once('='), &last) {
                (Some((key, _)), Some(last)) if !is_broker_key(key.trim()) => self.add_to_value(last, part),
                (Some((key, value)), _) if !key.trim().is_empty() => {
                    let key = key.trim().to_owned();
                    self.broker_config.insert(key.clone(), value.trim().to_owned());
                    last = Some(key);
                }
                (None, Some(last)) => self.add_to_value(last, part),
                _ => return Err(bad(source, format!("`{part}` is not KEY=VALUE"))),
            }
        }
        Ok(())
    }

    fn add_to_value(&mut self, key: &str, part: &str) {
        let value = self.broker_config.entry(key.to_owned()).or_default();
        value.push(',');
        value.push_str(part.trim());
    }

    /// One `KEY=VALUE`, whatever the value holds.
    pub(crate) fn set_one_broker_config(&mut self, text: &str, source: &Source) -> Result<(), ConfigError> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                self.broker_config.insert(key.trim().to_owned(), value.trim().to_owned());
                Ok(())
            }
            _ => Err(bad(source, format!("`{text}` is not KEY=VALUE"))),
        }
    }
}

/// Whether it looks like a key of Kafka's broker, unlike `O` in `User:CN=ann,O=x`.
fn is_broker_key(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.chars().all(letters) && (text == "listeners" || text.contains('.'))
}

/// A value that makes no sense, with its source.
pub(crate) fn bad(source: &Source, reason: String) -> ConfigError {
    ConfigError::Value { source_name: source.clone(), reason }
}

fn parsed<T, E: fmt::Display>(
    text: &str,
    source: &Source,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, ConfigError> {
    parse(text.trim()).map_err(|error| bad(source, error.to_string()))
}

fn not_empty<'a>(text: &'a str, source: &Source) -> Result<&'a str, ConfigError> {
    let text = text.trim();
    if text.is_empty() { Err(bad(source, "the value is empty".to_owned())) } else { Ok(text) }
}

fn named_addresses(text: &str, source: &Source) -> Result<Vec<NamedAddress>, ConfigError> {
    let list = text
        .split(',')
        .map(|part| parsed(part, source, NamedAddress::parse))
        .collect::<Result<Vec<_>, _>>()?;
    let repeated =
        list.iter().enumerate().find(|(at, one)| list.iter().take(*at).any(|o| o.name == one.name));
    match repeated {
        Some((_, one)) => Err(bad(source, format!("the listener name {} is given twice", one.name))),
        None => Ok(list),
    }
}

fn database_url(text: &str, source: &Source) -> Result<String, ConfigError> {
    let text = not_empty(text, source)?;
    let known = ["sqlite:", "postgres://", "postgresql://"];
    if known.iter().any(|scheme| text.starts_with(scheme)) {
        Ok(text.to_owned())
    } else {
        Err(bad(source, "the URL must begin with sqlite: or postgres://".to_owned()))
    }
}

fn http_url(text: &str, source: &Source) -> Result<String, ConfigError> {
    let text = not_empty(text, source)?.trim_end_matches('/');
    if text.starts_with("http://") || text.starts_with("https://") {
        Ok(text.to_owned())
    } else {
        Err(bad(source, format!("`{text}` must begin with http:// or https://")))
    }
}

fn boolean(text: &str, source: &Source) -> Result<bool, ConfigError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(bad(source, format!("`{other}` is neither true nor false"))),
    }
}

fn seconds(text: &str, source: &Source) -> Result<Duration, ConfigError> {
    let number = text.trim().parse::<f64>().unwrap_or(f64::NAN);
    match Duration::try_from_secs_f64(number) {
        Ok(limit) if limit <= SHUTDOWN_TIMEOUT_MAX => Ok(limit),
        _ => Err(bad(
            source,
            format!("`{text}` is not a number of seconds from 0 to {}", SHUTDOWN_TIMEOUT_MAX.as_secs()),
        )),
    }
}

fn log_format(text: &str, source: &Source) -> Result<LogFormat, ConfigError> {
    match text.trim() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(bad(source, format!("`{other}` is neither text nor json"))),
    }
}
