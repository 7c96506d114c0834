//! The broker's settings under Kafka's own names, typed and checked once.
//!
//! The table in [`keys`](KEYS) is the single list of broker keys: parsing, defaults and `DescribeConfigs` read it. Keys that
//! only set topic defaults (`log.retention.hours`, `message.max.bytes`, ...) belong to
//! [`TopicDefaults`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::groups::GroupsConfig;
use crate::listeners::{self, DEFAULT_NAME, LISTENER_KEYS, ListenerSecurity};
use crate::tls::BadRule;
use crate::topics::config::TopicDefaults;
use crate::transactions::TransactionsConfig;

mod keys;

pub use keys::{BrokerKey, KEYS};

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value of the wrong type or out of range.
    #[error("{key}={value}: {reason}")]
    Invalid {
        /// The key.
        key: String,
        /// The value as given.
        value: String,
        /// What is expected.
        reason: &'static str,
    },
    /// Something else makes this setting necessary.
    #[error("{key}: needed by {for_what}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What needs it.
        for_what: String,
    },
    /// A rule of `ssl.principal.mapping.rules`.
    #[error("ssl.principal.mapping.rules: {0}")]
    PrincipalRules(BadRule),
    /// The map of protocols leaves a listener out.
    #[error("listener.security.protocol.map does not say what listener {listener} speaks")]
    NoProtocol {
        /// Its name.
        listener: String,
    },
    /// Not `[NAME://]HOST:PORT`.
    #[error("listener \"{text}\" is not of the form [NAME://]HOST:PORT")]
    Listener {
        /// As given.
        text: String,
    },
}

/// Host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Endpoint {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let error = || ConfigError::Listener { text: text.to_owned() };
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().map_err(|_| error())?;
        if host.is_empty() { Err(error()) } else { Ok(Self { host: host.to_owned(), port }) }
    }
}

/// A listener: its name, where it binds, and what clients are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Name that pairs it with its advertised address; `PLAINTEXT` when not given.
    pub name: String,
    /// Where it binds; port 0 picks a free one.
    pub bind: Endpoint,
    /// What clients are told. Port 0 stands for the bound one. Without it clients are told the bound address, or, for an
    /// unspecified address such as 0.0.0.0, the one they came in on.
    pub advertise: Option<Endpoint>,
    /// What protects it.
    pub security: ListenerSecurity,
}

impl ListenerConfig {
    /// A plain listener that advertises where it binds.
    pub fn plain(name: impl Into<String>, bind: Endpoint) -> Self {
        Self { name: name.into(), bind, advertise: None, security: ListenerSecurity::default() }
    }

    /// Splits `[NAME://]HOST:PORT` into name and endpoint.
    pub fn parse_endpoint(text: &str) -> Result<(String, Endpoint), ConfigError> {
        match text.split_once("://") {
            Some((name, endpoint)) if !name.is_empty() => Ok((name.to_ascii_uppercase(), endpoint.parse()?)),
            Some(_) => Err(ConfigError::Listener { text: text.to_owned() }),
            None => Ok((DEFAULT_NAME.to_owned(), text.parse()?)),
        }
    }
}

/// All settings of a broker.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Folder that holds everything, created when missing.
    pub data_dir: PathBuf,
    /// `node.id`.
    pub node_id: i32,
    /// `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    /// `num.partitions`.
    pub num_partitions: i32,
    /// `default.replication.factor`.
    pub default_replication_factor: i16,
    /// `assay.replication.factor.clamp`: a replication factor above 1 is taken as 1 instead of refused.
    pub replication_factor_clamp: bool,
    /// `delete.topic.enable`.
    pub delete_topics: bool,
    /// `socket.request.max.bytes`.
    pub socket_request_max_bytes: usize,
    /// `queued.max.request.bytes`: request bytes in memory over all connections.
    pub queued_max_request_bytes: usize,
    /// `connections.max.idle.ms`; also how long a peer may take to read one response.
    pub connections_max_idle: Duration,
    /// `max.connections`.
    pub max_connections: usize,
    /// `max.connections.per.ip`, and `max.connections.per.ip.overrides` for some.
    pub max_connections_per_ip: PerAddress,
    /// `connection.failed.authentication.delay.ms`.
    pub failed_authentication_delay: Duration,
    /// `sasl.server.max.receive.size`: longest request of a connection that has not authenticated.
    pub sasl_receive_max_bytes: usize,
    /// `authorizer.class.name` and what goes with it; `None` when everybody may do everything.
    pub authorizer: Option<AuthorizerSettings>,
    /// `fetch.max.bytes`.
    pub fetch_max_bytes: usize,
    /// `assay.drain.timeout.ms`.
    pub drain_timeout: Duration,
    /// `assay.validation.timeout.ms`: how long a produce request waits for unknown schemas.
    pub validation_timeout: Duration,
    /// `assay.validation.decompressed.max.bytes`: what the records of one batch may decompress to.
    pub validation_decompressed_max_bytes: usize,
    /// `assay.schema.context`: the registry context that ids on this broker belong to.
    pub schema_context: String,
    /// `assay.durability`: `fsync`, `interval` or `os`.
    pub durability: String,
    /// `assay.durability.interval.ms`.
    pub durability_interval: Duration,
    /// `num.recovery.threads.per.data.dir`.
    pub recovery_threads: usize,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval: Duration,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: i64,
    /// Settings of the group coordinator.
    pub groups: GroupsConfig,
    /// Settings of the transaction coordinator.
    pub transactions: TransactionsConfig,
    given: BTreeMap<String, String>,
}

/// `super.users` and `allow.everyone.if.no.acl.found`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizerSettings {
    /// Principals, as `User:NAME`, that may do everything.
    pub super_users: BTreeSet<String>,
    /// Whether a resource that no rule mentions is open to everybody.
    pub allow_everyone_if_no_acl_found: bool,
}

/// A bound on something per address of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerAddress {
    most: usize,
    overrides: BTreeMap<IpAddr, usize>,
}

impl PerAddress {
    /// The bound for one address.
    pub fn of(&self, address: IpAddr) -> usize {
        self.overrides.get(&address.to_canonical()).copied().unwrap_or(self.most)
    }
}

/// Settings that were given and have no effect, for one line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unused {
    /// Keys of Kafka that mean nothing for this broker, with the reason.
    pub inapplicable: Vec<(String, &'static str)>,
    /// Keys that nobody knows.
    pub unknown: Vec<String>,
}

impl Unused {
    /// Whether every setting had an effect.
    pub fn is_empty(&self) -> bool {
        self.inapplicable.is_empty() && self.unknown.is_empty()
    }
}

impl fmt::Display for Unused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = self.unknown.iter().map(|key| format!("{key} (not known)"));
        let inapplicable = self.inapplicable.iter().map(|(key, reason)| format!("{key} ({reason})"));
        f.write_str(&unknown.chain(inapplicable).collect::<Vec<_>>().join(", "))
    }
}

/// Where a broker setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerConfigSource {
    /// Given at start.
    Static,
    /// Nobody set it.
    Default,
}

impl BrokerConfig {
    /// The defaults, over a data folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        let (config, _) = Self::parse(data_dir.into(), BTreeMap::new()).unwrap_or_else(|error| {
            unreachable!("the defaults of the table are valid: {error}");
        });
        config
    }

    /// Reads `settings` over the defaults. Also returns the settings without effect.
    pub fn from_settings(
        data_dir: impl Into<PathBuf>,
        settings: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Unused), ConfigError> {
        Self::parse(data_dir.into(), settings.into_iter().collect())
    }

    fn parse(data_dir: PathBuf, mut given: BTreeMap<String, String>) -> Result<(Self, Unused), ConfigError> {
        if let Some(id) = given.remove("broker.id") {
            given.entry("node.id".to_owned()).or_insert(id);
        }
        let mut unused = Unused::default();
        for (key, value) in given.iter().filter(|(key, value)| !is_known(key, value)) {
            match keys::inapplicable(key) {
                Some(reason) => unused.inapplicable.push((key.clone(), reason)),
                None => unused.unknown.push(key.clone()),
            }
            tracing::trace!(key, value, "setting without effect");
        }
        let values = Values(&given);
        let groups = GroupsConfig {
            offsets_partitions: values.number("offsets.topic.num.partitions")?,
            offsets_segment_bytes: values.number("offsets.topic.segment.bytes")?,
            offset_metadata_bytes_max: values.number("offset.metadata.max.bytes")?,
            offsets_retention_ms: values.number::<i64>("offsets.retention.minutes")?.saturating_mul(60_000),
            offsets_retention_check_ms: values.number("offsets.retention.check.interval.ms")?,
            session_timeout_ms_min: values.number("group.min.session.timeout.ms")?,
            session_timeout_ms_max: values.number("group.max.session.timeout.ms")?,
            initial_rebalance_delay_ms: values.number("group.initial.rebalance.delay.ms")?,
            members_max: values.number("group.max.size")?,
            ..GroupsConfig::default()
        };
        let transactions = TransactionsConfig {
            state_partitions: values.number("transaction.state.log.num.partitions")?,
            state_segment_bytes: values.number("transaction.state.log.segment.bytes")?,
            timeout_ms_max: values.number("transaction.max.timeout.ms")?,
            abort_interval_ms: values
                .number("transaction.abort.timed.out.transaction.cleanup.interval.ms")?,
            id_expiration_ms: values.number("transactional.id.expiration.ms")?,
            expiration_interval_ms: values
                .number("transaction.remove.expired.transaction.cleanup.interval.ms")?,
            ..TransactionsConfig::default()
        };
        let config = Self {
            data_dir,
            node_id: values.number("node.id")?,
            auto_create_topics: values.boolean("auto.create.topics.enable")?,
            num_partitions: values.number("num.partitions")?,
            default_replication_factor: values.number("default.replication.factor")?,
            replication_factor_clamp: values.boolean("assay.replication.factor.clamp")?,
            delete_topics: values.boolean("delete.topic.enable")?,
            socket_request_max_bytes: values.number("socket.request.max.bytes")?,
            queued_max_request_bytes: values.number("queued.max.request.bytes")?,
            connections_max_idle: values.milliseconds("connections.max.idle.ms")?,
            max_connections: values.number("max.connections")?,
            max_connections_per_ip: values.per_address()?,
            failed_authentication_delay: values.milliseconds("connection.failed.authentication.delay.ms")?,
            sasl_receive_max_bytes: values.number("sasl.server.max.receive.size")?,
            authorizer: values.authorizer()?,
            fetch_max_bytes: values.number("fetch.max.bytes")?,
            drain_timeout: values.milliseconds("assay.drain.timeout.ms")?,
            validation_timeout: values.milliseconds("assay.validation.timeout.ms")?,
            validation_decompressed_max_bytes: values.number("assay.validation.decompressed.max.bytes")?,
            schema_context: values.text("assay.schema.context").to_owned(),
            durability: values.one_of("assay.durability", &["fsync", "interval", "os"])?,
            durability_interval: values.milliseconds("assay.durability.interval.ms")?,
            recovery_threads: values.number("num.recovery.threads.per.data.dir")?,
            retention_check_interval: values.milliseconds("log.retention.check.interval.ms")?,
            producer_id_expiration_ms: values.number("producer.id.expiration.ms")?,
            groups,
            transactions,
            given,
        };
        config.listeners()?;
        Ok((config, unused))
    }

    /// The listeners of `listeners`; `None` when that is not given.
    pub fn listeners(&self) -> Result<Option<Vec<ListenerConfig>>, ConfigError> {
        listeners::listeners(&self.given)
    }

    /// What protects the listener of this name.
    pub fn listener_security(&self, name: &str) -> Result<ListenerSecurity, ConfigError> {
        listeners::security(&self.given, name)
    }

    /// The settings as given, by Kafka's names.
    pub fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a broker key and where it comes from.
    pub fn value<'a>(&'a self, key: &'a BrokerKey) -> (&'a str, BrokerConfigSource) {
        match self.given.get(key.name) {
            Some(value) => (value, BrokerConfigSource::Static),
            None => (key.default, BrokerConfigSource::Default),
        }
    }
}

/// Whether a key is a broker key or sets a topic default; a wrong value of the latter is reported when topics open.
fn is_known(name: &str, value: &str) -> bool {
    let sets_default = |defaults| defaults != TopicDefaults::default();
    let of_listener = || {
        let (_, key) = name.strip_prefix("listener.name.")?.split_once('.')?;
        Some(LISTENER_KEYS.contains(&key))
    };
    KEYS.iter().any(|key| key.name == name)
        || of_listener() == Some(true)
        || TopicDefaults::from_broker([(name, value)]).map_or(true, sets_default)
}

struct Values<'a>(&'a BTreeMap<String, String>);

impl Values<'_> {
    fn text(&self, name: &'static str) -> &str {
        let default = || KEYS.iter().find(|key| key.name == name).map_or("", |key| key.default);
        self.0.get(name).map_or_else(default, |value| value.trim())
    }

    fn invalid(&self, name: &'static str, reason: &'static str) -> ConfigError {
        ConfigError::Invalid { key: name.to_owned(), value: self.text(name).to_owned(), reason }
    }

    /// A whole number within the table's range and the type's.
    fn number<T: TryFrom<i64>>(&self, name: &'static str) -> Result<T, ConfigError> {
        let number: i64 =
            self.text(name).parse().map_err(|_| self.invalid(name, "a whole number is expected"))?;
        let least = KEYS.iter().find(|key| key.name == name).map_or(i64::MIN, |key| key.least);
        if number < least {
            return Err(self.invalid(name, "the number is too small"));
        }
        T::try_from(number).map_err(|_| self.invalid(name, "the number is too large"))
    }

    fn milliseconds(&self, name: &'static str) -> Result<Duration, ConfigError> {
        self.number(name).map(Duration::from_millis)
    }

    fn one_of(&self, name: &'static str, choices: &[&str]) -> Result<String, ConfigError> {
        let text = self.text(name);
        if choices.contains(&text) {
            Ok(text.to_owned())
        } else {
            Err(self.invalid(name, "fsync, interval or os is expected"))
        }
    }

    fn per_address(&self) -> Result<PerAddress, ConfigError> {
        const OVERRIDES: &str = "max.connections.per.ip.overrides";
        let mut overrides = BTreeMap::new();
        for pair in self.text(OVERRIDES).split(',').filter(|pair| !pair.trim().is_empty()) {
            let parsed = pair.rsplit_once(':').and_then(|(address, most)| {
                let address: IpAddr = address.trim().trim_matches(['[', ']']).parse().ok()?;
                Some((address.to_canonical(), most.trim().parse().ok()?))
            });
            let (address, most) =
                parsed.ok_or_else(|| self.invalid(OVERRIDES, "ADDRESS:NUMBER, ... is expected"))?;
            overrides.insert(address, most);
        }
        Ok(PerAddress { most: self.number("max.connections.per.ip")?, overrides })
    }

    fn authorizer(&self) -> Result<Option<AuthorizerSettings>, ConfigError> {
        const CLASS: &str = "authorizer.class.name";
        let name = self.text(CLASS).rsplit('.').next().unwrap_or_default();
        if name.is_empty() {
            return Ok(None);
        }
        if !matches!(name, "StandardAuthorizer" | "AclAuthorizer") {
            return Err(
                self.invalid(CLASS, "org.apache.kafka.metadata.authorizer.StandardAuthorizer is expected")
            );
        }
        let super_users = self.text("super.users").split(';').map(str::trim).filter(|user| !user.is_empty());
        let super_users: BTreeSet<String> = super_users.map(str::to_owned).collect();
        if super_users.iter().any(|user| !user.starts_with("User:")) {
            return Err(self.invalid("super.users", "User:NAME;User:NAME is expected"));
        }
        let allow_everyone_if_no_acl_found = self.boolean("allow.everyone.if.no.acl.found")?;
        Ok(Some(AuthorizerSettings { super_users, allow_everyone_if_no_acl_found }))
    }

    fn boolean(&self, name: &'static str) -> Result<bool, ConfigError> {
        match self.text(name).to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.invalid(name, "true or false is expected")),
        }
    }
}

#[cfg(test)]
mod tests;
