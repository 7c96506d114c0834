//! Settings made while running, for this broker, for all brokers and for groups (`AlterConfigs`, `IncrementalAlterConfigs`).
//!
//! They live in `assay-configs.json` of the data folder. A change replaces the file whole; it is durable before it is in force
//! and acknowledged.
//!
//! ```text
//! {"version":0,"brokers":{"log.retention.ms":"1000"},"broker":{},"groups":{"g":{"consumer.session.timeout.ms":"6000"}}}
//! ```
//!
//! A broker setting that topics inherit takes effect at once; this broker's outweighs that of all brokers, and both what was
//! given at start. What is only read at start is refused. Any other setting, of Kafka or of its plug-ins, is kept and listed and
//! has no effect, which the log says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use serde_json::{Map, Value, json};

use crate::config::{BrokerKey, KEYS};
use crate::groups::{GroupSettings, GroupsConfig};
use crate::log::storage::Storage;
use crate::state_file::{self, StateFileError, VERSION};
use crate::topics::config::{ConfigSource, TopicDefaults};

#[cfg(test)]
mod tests;

const FILE: &str = "assay-configs.json";
/// Most settings of one resource.
const SETTINGS_MAX: usize = 1000;
/// Longest name or value, in bytes.
const TEXT_BYTES_MAX: usize = 32_767;
/// Most groups with settings.
const GROUPS_MAX: usize = 100_000;
/// How long a member of the consumer protocol may be silent.
pub(crate) const SESSION_TIMEOUT: &str = "consumer.session.timeout.ms";
/// How often such a member sends a heartbeat.
pub(crate) const HEARTBEAT_INTERVAL: &str = "consumer.heartbeat.interval.ms";
/// Longest session or interval of a group: Kafka's `group.max.session.timeout.ms`.
const GROUP_MS_MAX: i64 = 1_800_000;

/// What settings are made on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// All brokers.
    Brokers,
    /// This broker.
    Broker,
    /// A group, which need not exist.
    Group(String),
}

/// Settings by name.
pub(crate) type Settings = BTreeMap<String, String>;

/// Why settings are refused; the text is for the client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Only read at start.
    #[error("Cannot update these configs dynamically: Set({0})")]
    Static(String),
    /// A value, a name or a number of them that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The disk failed; the settings in force are those before.
    #[error("the settings cannot be stored: {0}")]
    Io(#[from] io::Error),
}

/// The settings of a data folder.
#[derive(Debug)]
pub(crate) struct DynamicConfigs {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    current: ArcSwap<BTreeMap<Scope, Settings>>,
    changing: Mutex<()>,
}

impl DynamicConfigs {
    /// Reads the settings of the folder; a missing file has none.
    pub(crate) fn open(storage: Arc<dyn Storage>, dir: &Path) -> Result<Self, StateFileError> {
        let content = state_file::read(storage.as_ref(), dir, FILE)?;
        let malformed = StateFileError::Malformed { file: FILE };
        let current = content.as_ref().map_or_else(|| Some(BTreeMap::new()), read).ok_or(malformed)?;
        let (current, changing) = (ArcSwap::from_pointee(current), Mutex::default());
        Ok(Self { storage, dir: dir.to_owned(), current, changing })
    }

    /// What was set on a resource.
    pub(crate) fn settings(&self, scope: &Scope) -> Settings {
        self.current.load().get(scope).cloned().unwrap_or_default()
    }

    /// The groups with settings, in order.
    pub(crate) fn groups(&self) -> Vec<String> {
        let current = self.current.load();
        let names = current.keys().filter_map(|scope| match scope {
            Scope::Group(name) => Some(name.clone()),
            Scope::Brokers | Scope::Broker => None,
        });
        names.collect()
    }

    /// Puts `settings` in the place of those that were set on a resource. Durable and in [`settings`](Self::settings) on
    /// return. Blocks.
    pub(crate) fn replace(&self, scope: Scope, settings: Settings) -> Result<(), Refused> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = BTreeMap::clone(&self.current.load());
        if settings.is_empty() {
            next.remove(&scope);
        } else {
            next.insert(scope, settings);
        }
        if next.len() > GROUPS_MAX {
            return Err(Refused::Invalid("Too many groups have settings.".to_owned()));
        }
        state_file::replace(self.storage.as_ref(), &self.dir, FILE, &written(&next))?;
        self.current.store(Arc::new(next));
        Ok(())
    }

    /// What topics inherit, over what was given at start.
    pub(crate) fn topic_defaults(&self, given: &TopicDefaults) -> TopicDefaults {
        let current = self.current.load();
        let layers = [
            (Scope::Brokers, ConfigSource::DynamicDefaultBroker),
            (Scope::Broker, ConfigSource::DynamicBroker),
        ];
        layers.into_iter().fold(given.clone(), |below, (scope, source)| {
            let settings = current.get(&scope).into_iter().flatten();
            let pairs = settings.map(|(name, value)| (name.as_str(), value.as_str()));
            // they were checked when they were made; what a newer broker knew is not known here
            TopicDefaults::from_settings(pairs, source).map_or(below.clone(), |above| below.with(above))
        })
    }

    /// What the group coordinator has to know.
    pub(crate) fn group_settings(&self) -> BTreeMap<String, GroupSettings> {
        let current = self.current.load();
        let of_groups = current.iter().filter_map(|(scope, settings)| {
            let Scope::Group(name) = scope else { return None };
            let session = settings.get(SESSION_TIMEOUT).and_then(|value| value.parse().ok());
            let interval = settings.get(HEARTBEAT_INTERVAL).and_then(|value| value.parse().ok());
            let settings = GroupSettings { session_timeout_ms: session, heartbeat_interval_ms: interval };
            Some((name.clone(), settings))
        });
        of_groups.collect()
    }
}

/// Whether these settings may be made on a resource.
pub(crate) fn check(scope: &Scope, settings: &Settings, groups: &GroupsConfig) -> Result<(), Refused> {
    let too_long = |text: &String| text.is_empty() || text.len() > TEXT_BYTES_MAX;
    if settings.len() > SETTINGS_MAX || settings.keys().any(too_long) {
        return Err(Refused::Invalid("too many settings, or one without a name".to_owned()));
    }
    if settings.values().any(|value| value.len() > TEXT_BYTES_MAX) {
        return Err(Refused::Invalid("a value is too long".to_owned()));
    }
    match scope {
        Scope::Brokers | Scope::Broker => check_broker(settings),
        Scope::Group(name) => {
            if name.len() > TEXT_BYTES_MAX {
                return Err(Refused::Invalid("the name of the group is too long".to_owned()));
            }
            check_group(settings, groups)
        }
    }
}

fn check_broker(settings: &Settings) -> Result<(), Refused> {
    let at_start: Vec<&str> = settings
        .keys()
        .map(String::as_str)
        .filter(|name| KEYS.iter().any(|key| key.name == *name) || BrokerKey::is_sensitive(name))
        .collect();
    if !at_start.is_empty() {
        return Err(Refused::Static(at_start.join(", ")));
    }
    let pairs = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    TopicDefaults::from_settings(pairs, ConfigSource::DynamicBroker)
        .map(drop)
        .map_err(|error| Refused::Invalid(error.to_string()))
}

fn check_group(settings: &Settings, groups: &GroupsConfig) -> Result<(), Refused> {
    let number = |name: &str, default: i64| match settings.get(name) {
        None => Ok(default),
        Some(value) => match value.trim().parse() {
            Ok(number) if (1..=GROUP_MS_MAX).contains(&number) => Ok(number),
            _ => Err(Refused::Invalid(format!(
                "Invalid value {value} for configuration {name}: a number from 1 to {GROUP_MS_MAX} is expected"
            ))),
        },
    };
    if let Some(name) =
        settings.keys().find(|name| ![SESSION_TIMEOUT, HEARTBEAT_INTERVAL].contains(&name.as_str()))
    {
        return Err(Refused::Invalid(format!("Unknown group config name: {name}")));
    }
    let (session, interval) = group_defaults(groups);
    if number(HEARTBEAT_INTERVAL, interval)? >= number(SESSION_TIMEOUT, session)? {
        let text = format!("{SESSION_TIMEOUT} must be greater than {HEARTBEAT_INTERVAL}");
        return Err(Refused::Invalid(text));
    }
    Ok(())
}

/// Session time-out and heartbeat interval of groups without settings.
pub(crate) fn group_defaults(groups: &GroupsConfig) -> (i64, i64) {
    let session = i64::try_from(groups.consumer_session_timeout_ms).unwrap_or(i64::MAX);
    (session, groups.consumer_heartbeat_interval_ms.into())
}

/// The settings that are kept without any effect.
pub(crate) fn without_effect<'a>(scope: &Scope, settings: &'a Settings) -> Vec<&'a str> {
    if matches!(scope, Scope::Group(_)) {
        return Vec::new();
    }
    settings.keys().map(String::as_str).filter(|name| !TopicDefaults::is_broker_key(name)).collect()
}

fn read(content: &Value) -> Option<BTreeMap<Scope, Settings>> {
    let settings = |value: &Value| -> Option<Settings> {
        let pairs = value.as_object()?.iter();
        pairs.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    let mut all = BTreeMap::from([
        (Scope::Brokers, settings(content.get("brokers")?)?),
        (Scope::Broker, settings(content.get("broker")?)?),
    ]);
    for (name, value) in content.get("groups")?.as_object()? {
        all.insert(Scope::Group(name.clone()), settings(value)?);
    }
    all.retain(|_, settings| !settings.is_empty());
    Some(all)
}

fn written(all: &BTreeMap<Scope, Settings>) -> Value {
    let of = |scope: &Scope| json!(all.get(scope).cloned().unwrap_or_default());
    let groups: Map<String, Value> = all
        .iter()
        .filter_map(|(scope, settings)| match scope {
            Scope::Group(name) => Some((name.clone(), json!(settings))),
            Scope::Brokers | Scope::Broker => None,
        })
        .collect();
    json!({"version": VERSION, "brokers": of(&Scope::Brokers), "broker": of(&Scope::Broker), "groups": groups})
}
