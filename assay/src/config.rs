//! The configuration: flags over environment over file over defaults, settled into typed values.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use assay_schema_core::CompatibilityLevel;

mod address;
mod environment;
mod file;
mod flags;
mod layer;
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
    #[error(
        "--roles broker keeps no schemas, so --database-url has no use; --registry-url names the registry to ask"
    )]
    DatabaseWithoutRegistry,
    #[error("--registry-url is for --roles broker; this process asks its own registry")]
    RegistryUrlWithRegistry,
}

/// A broker listener: where it binds, and what clients are told. Port 0 in either is replaced by the bound port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrokerListener {
    pub(crate) listen: NamedAddress,
    pub(crate) advertise: Option<Address>,
}

/// Everything that `assay serve` was told, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    pub(crate) roles: Roles,
    pub(crate) data_dir: PathBuf,
    pub(crate) registry_listen: Address,
    pub(crate) broker_listeners: Vec<BrokerListener>,
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
        Self::settle(flags.over(environment).over(file), ignored)
    }

    fn settle(layer: Layer, ignored: Ignored) -> Result<Self, ConfigError> {
        let roles = layer.roles.unwrap_or(Roles::Both);
        if layer.database_url.is_some() && !roles.registry() {
            return Err(ConfigError::DatabaseWithoutRegistry);
        }
        if layer.registry_url.is_some() && roles.registry() {
            return Err(ConfigError::RegistryUrlWithRegistry);
        }
        let listen = layer.broker_listen.unwrap_or_else(|| vec![NamedAddress::plaintext("127.0.0.1", 9092)]);
        Ok(Self {
            roles,
            data_dir: layer.data_dir.unwrap_or_else(|| PathBuf::from("assay-data")),
            registry_listen: layer
                .registry_listen
                .unwrap_or(Address { host: "127.0.0.1".into(), port: 8081 }),
            broker_listeners: listeners(listen, layer.broker_advertise.unwrap_or_default())?,
            database_url: layer.database_url,
            registry_url: layer.registry_url,
            broker_settings: layer.broker_config,
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

    /// Listen addresses that other machines can reach, with what they serve.
    pub(crate) fn exposed(&self) -> Vec<String> {
        let registry = self.roles.registry().then(|| ("registry".to_owned(), &self.registry_listen));
        let brokers = self
            .broker_listeners
            .iter()
            .filter(|_| self.roles.broker())
            .map(|one| (format!("broker listener {}", one.listen.name), &one.listen.address));
        registry
            .into_iter()
            .chain(brokers)
            .filter(|(_, address)| !address.is_loopback())
            .map(|(what, address)| format!("{what} on {address}"))
            .collect()
    }
}

/// Joins each listener with what is advertised under its name.
fn listeners(
    listen: Vec<NamedAddress>,
    mut advertise: Vec<NamedAddress>,
) -> Result<Vec<BrokerListener>, ConfigError> {
    let joined = listen
        .into_iter()
        .map(|listen| {
            let at = advertise.iter().position(|one| one.name == listen.name);
            BrokerListener { advertise: at.map(|at| advertise.swap_remove(at).address), listen }
        })
        .collect();
    match advertise.pop() {
        Some(unknown) => Err(ConfigError::AdvertisedUnknown(unknown.name)),
        None => Ok(joined),
    }
}
