//! The configuration: flags over environment over file over defaults, settled into typed values.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use assay_broker::{BrokerConfig, ListenerConfig, tls::ClientAuth};
use assay_schema_core::CompatibilityLevel;

mod address;
mod environment;
mod file;
mod flags;
mod layer;
mod properties;
mod role;
#[cfg(test)]
mod tests;

pub(crate) use address::{Address, NamedAddress};
pub(crate) use environment::Ignored;
pub(crate) use layer::LogFormat;
use layer::{Layer, Source};
pub(crate) use role::Roles;

use crate::cli::ServeArgs;

/// Time for requests in flight after the first signal, unless configured.
pub(crate) const SHUTDOWN_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// The data folder, unless configured.
const DATA_DIR_DEFAULT: &str = "assay-data";

/// Why the configuration cannot be used. Each is one line that names where the value was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{source_name}: {reason}")]
    Value { source_name: Source, reason: String },
    #[error("cannot use {path}: {reason}", path = path.display())]
    File { path: PathBuf, reason: String },
    #[error("{reason}")]
    Toml { reason: String },
    #[error("--broker-advertise: there is no listener called {0}; --broker-listen names them")]
    AdvertisedUnknown(String),
    #[error("broker setting {0}")]
    Broker(#[from] assay_broker::config::ConfigError),
    #[error(
        "--roles broker keeps no schemas, so --database-url has no use; --registry-url names the registry to ask"
    )]
    DatabaseWithoutRegistry,
    #[error("--registry-url is for --roles broker; this process asks its own registry")]
    RegistryUrlWithRegistry,
}

/// Everything that `assay serve` was told, with defaults filled in.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) roles: Roles,
    pub(crate) data_dir: PathBuf,
    pub(crate) registry_listen: Address,
    /// Empty without the broker role.
    pub(crate) broker_listeners: Vec<ListenerConfig>,
    /// `None`: the SQLite file in the data folder.
    pub(crate) database_url: Option<String>,
    pub(crate) registry_url: Option<String>,
    pub(crate) broker_settings: BTreeMap<String, String>,
    pub(crate) compatibility: Option<CompatibilityLevel>,
    pub(crate) mode_mutability: bool,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) log_format: LogFormat,
    pub(crate) log_filter: Option<String>,
    /// Variables that were not used.
    pub(crate) ignored: Ignored,
}

impl Config {
    /// Settles the layers. The file is the one of `--config`, else of `ASSAY_CONFIG`.
    pub(crate) fn load(
        arguments: &ServeArgs,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let flags = flags::read(arguments)?;
        let (environment, ignored) = environment::read(variables)?;
        let path = arguments.config.as_ref().or_else(|| variables.get("ASSAY_CONFIG"));
        let file = path.map(|path| file::read(Path::new(path))).transpose()?.unwrap_or_default();
        let layer = flags.over(environment).over(file);
        let path = layer.server_properties.clone();
        let kafkas = path.map(|path| properties::read(&path)).transpose()?.unwrap_or_default();
        Self::settle(layer.over(kafkas), ignored)
    }

    /// The data folder alone, for commands that need nothing else.
    pub(crate) fn data_dir_of(
        arguments: &ServeArgs,
        variables: &BTreeMap<String, String>,
    ) -> Result<PathBuf, ConfigError> {
        let (environment, _ignored) = environment::read(variables)?;
        let path = arguments.config.as_ref().or_else(|| variables.get("ASSAY_CONFIG"));
        let file = path.map(|path| file::read(Path::new(path))).transpose()?.unwrap_or_default();
        let layer = flags::read(arguments)?.over(environment).over(file);
        Ok(layer.data_dir.unwrap_or_else(|| PathBuf::from(DATA_DIR_DEFAULT)))
    }

    fn settle(layer: Layer, ignored: Ignored) -> Result<Self, ConfigError> {
        let roles = layer.roles.unwrap_or(Roles::Both);
        if layer.database_url.is_some() && !roles.registry() {
            return Err(ConfigError::DatabaseWithoutRegistry);
        }
        if layer.registry_url.is_some() && roles.registry() {
            return Err(ConfigError::RegistryUrlWithRegistry);
        }
        let (broker_settings, broker_listeners) = if roles.broker() {
            settle_broker(layer.broker_listen, layer.broker_advertise, layer.broker_config)?
        } else {
            (layer.broker_config, Vec::new())
        };
        Ok(Self {
            roles,
            data_dir: layer.data_dir.unwrap_or_else(|| PathBuf::from(DATA_DIR_DEFAULT)),
            registry_listen: layer
                .registry_listen
                .unwrap_or(Address { host: "127.0.0.1".into(), port: 8081 }),
            broker_listeners,
            database_url: layer.database_url,
            registry_url: layer.registry_url,
            broker_settings,
            compatibility: layer.compatibility,
            mode_mutability: layer.mode_mutability.unwrap_or(true),
            shutdown_timeout: layer.shutdown_timeout.unwrap_or(SHUTDOWN_TIMEOUT_DEFAULT),
            log_format: layer.log_format.unwrap_or_default(),
            log_filter: layer.log_filter,
            ignored,
        })
    }

    /// Whether this process keeps anything in its data folder: a registry on Postgres alone does not.
    pub(crate) fn needs_data_dir(&self) -> bool {
        self.roles.broker() || self.database_url.is_none()
    }

    /// Listen addresses where other machines can come in without saying who they are, with what they serve.
    pub(crate) fn exposed(&self) -> Vec<String> {
        let registry = self.roles.registry().then(|| ("registry".to_owned(), self.registry_listen.clone()));
        let brokers = self
            .broker_listeners
            .iter()
            .filter(|one| {
                let tls = one.security.tls.as_ref();
                !one.security.protocol.has_sasl()
                    && tls.is_none_or(|tls| tls.client_auth != ClientAuth::Required)
            })
            .map(|one| {
                let bind = Address { host: one.bind.host.clone(), port: one.bind.port };
                (format!("broker listener {}", one.name), bind)
            });
        registry
            .into_iter()
            .chain(brokers)
            .filter(|(_, address)| !address.is_loopback())
            .map(|(what, address)| format!("{what} on {address}"))
            .collect()
    }
}

/// Puts the listeners of the flags in the place of Kafka's settings, and reads the listeners that come of it.
fn settle_broker(
    listen: Option<Vec<NamedAddress>>,
    advertise: Option<Vec<NamedAddress>>,
    mut settings: BTreeMap<String, String>,
) -> Result<(BTreeMap<String, String>, Vec<ListenerConfig>), ConfigError> {
    let joined =
        |list: &[NamedAddress]| list.iter().map(NamedAddress::to_string).collect::<Vec<_>>().join(",");
    let by_default =
        || (!settings.contains_key("listeners")).then(|| vec![NamedAddress::plaintext("127.0.0.1", 9092)]);
    if let Some(listen) = listen.or_else(by_default) {
        if let Some(unknown) =
            advertise.iter().flatten().find(|one| listen.iter().all(|other| other.name != one.name))
        {
            return Err(ConfigError::AdvertisedUnknown(unknown.name.clone()));
        }
        settings.insert("listeners".to_owned(), joined(&listen));
        settings.remove("advertised.listeners");
    }
    if let Some(advertise) = advertise {
        settings.insert("advertised.listeners".to_owned(), joined(&advertise));
    }
    let (config, _unused) = BrokerConfig::from_settings("", settings.clone())?;
    Ok((settings, config.listeners()?.unwrap_or_default()))
}
