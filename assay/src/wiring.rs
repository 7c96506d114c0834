//! Joins the parts: opens the data folder, binds every address, opens the registry and the broker with the validator
//! between them, and runs both until they are told to stop.

use std::{io, sync::Arc, time::Duration};

use assay_broker::{Broker, BrokerConfig, Drained, ListenError, Listener, ListenerConfig, RecordValidator};
use assay_registry_server::{Registry, RegistryConfig, ServeOptions};
use assay_schema_core::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    banner::{Banner, without_password},
    config::{Address, Config, LogFormat},
    data_folder::{DataFolder, DataFolderError},
    validator::{HttpLookup, InProcessLookup, NoRegistry, SchemaValidator},
};

/// Of the shutdown timeout, what is kept for syncing and closing files after connections were drained.
const CLOSING_RESERVE: Duration = Duration::from_secs(2);

/// Why the process did not start. Each is one line that names the part.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    #[error("cannot listen on {address} for the {part}: {reason}")]
    Listen { part: String, address: Address, reason: String },
    #[error("cannot open the registry database: {0}")]
    Registry(#[from] assay_registry_server::OpenError),
    #[error("broker listener {listener}: {source}")]
    Tls { listener: String, source: assay_broker::tls::TlsError },
    #[error("broker setting {0}")]
    BrokerConfig(#[from] assay_broker::config::ConfigError),
    #[error("cannot open the broker's log in {path}: {source}")]
    Broker { path: String, source: assay_broker::OpenError },
    #[error("--registry-url: {0}")]
    RegistryUrl(Box<assay_serde_avro::Error>),
}

/// Everything opened and bound, ready to serve.
pub(crate) struct Parts {
    folder: Option<DataFolder>,
    registry: Option<RegistryPart>,
    broker: Option<BrokerPart>,
}

struct RegistryPart {
    registry: Registry,
    listener: TcpListener,
    options: ServeOptions,
    url: String,
}

struct BrokerPart {
    broker: Broker,
    listeners: Vec<Listener>,
    /// `NAME://HOST:PORT` as advertised.
    shown: Vec<String>,
    /// `HOST:PORT` of the first listener.
    address: String,
}

impl Parts {
    /// Opens everything; what was opened before a failure is closed by dropping it. The order makes the refusal that
    /// explains most come first: another instance, then a taken port, then what the files say.
    pub(crate) async fn open(config: &Config) -> Result<Self, StartError> {
        warn_about(config);
        let folder = config.needs_data_dir().then(|| DataFolder::open(&config.data_dir)).transpose()?;
        let mut registry_listener = None;
        if config.roles.registry() {
            registry_listener = Some(bind_registry(&config.registry_listen).await?);
        }
        let mut listeners = Vec::new();
        if config.roles.broker() {
            listeners = bind_broker(&config.broker_listeners).await?;
        }
        let registry = match registry_listener {
            Some(listener) => Some(open_registry(config, folder.as_ref(), listener).await?),
            None => None,
        };
        let broker = match &folder {
            Some(folder) if config.roles.broker() => {
                Some(open_broker(config, folder, listeners, registry.as_ref()).await?)
            }
            _ => None,
        };
        Ok(Self { folder, registry, broker })
    }

    /// Says what is up: the screen for people, then the ready line for machines.
    pub(crate) fn announce(&self, config: &Config) {
        let database = config.database_url.as_deref().map(without_password);
        let banner = Banner {
            registry: self.registry.as_ref().map(|part| part.url.as_str()),
            broker: self.broker.as_ref().map(|part| part.address.as_str()),
            listeners: self.broker.as_ref().map_or(&[], |part| part.shown.as_slice()),
            data: self.folder.as_ref().map(DataFolder::path),
            database: database.as_deref(),
        };
        banner.print(config.log_format == LogFormat::Text);
    }

    /// Serves until `stop`, then drains both servers side by side and closes what they wrote to. The data folder is
    /// free when this returns.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let registry = async {
            if let Some(RegistryPart { registry, listener, options, .. }) = self.registry {
                assay_registry_server::serve(listener, registry, options, stop.cancelled()).await;
            }
        };
        let broker = async {
            if let Some(BrokerPart { broker, listeners, .. }) = self.broker {
                let drained = assay_broker::serve(listeners, broker.clone(), stop.cancelled()).await;
                if let Drained::CutOff { connections } = drained {
                    tracing::warn!(connections, "connections were cut off");
                }
                broker.close().await;
            }
        };
        tokio::join!(registry, broker);
        drop(self.folder);
        tracing::info!("stopped");
    }
}

/// Says once what an operator should know about these settings.
fn warn_about(config: &Config) {
    if let Some(line) = config.ignored.line() {
        tracing::info!("{line}");
    }
    let exposed = config.exposed();
    if !exposed.is_empty() {
        tracing::warn!(
            "other machines can reach the {} and authentication is off: anyone there can read and write everything",
            exposed.join(", the ")
        );
    }
    if config.roles.broker() && !config.roles.registry() && config.registry_url.is_none() {
        tracing::warn!("without --registry-url, topics with schema validation refuse every record for now");
    }
}

fn listen_error(part: String, address: &Address, error: &io::Error) -> StartError {
    let reason = match error.kind() {
        io::ErrorKind::AddrInUse => "the address is already in use by another process".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        io::ErrorKind::PermissionDenied => "not permitted; ports below 1024 need privileges".to_owned(),
        _ => error.to_string(),
    };
    StartError::Listen { part, address: address.clone(), reason }
}

async fn bind_registry(address: &Address) -> Result<TcpListener, StartError> {
    TcpListener::bind((address.host.as_str(), address.port))
        .await
        .map_err(|error| listen_error("registry".to_owned(), address, &error))
}

async fn bind_broker(listeners: &[ListenerConfig]) -> Result<Vec<Listener>, StartError> {
    let mut bound = Vec::new();
    for config in listeners {
        let listener = Listener::bind(config).await.map_err(|error| match error {
            ListenError::Bind(error) => {
                let address = Address { host: config.bind.host.clone(), port: config.bind.port };
                listen_error(format!("broker (listener {})", config.name), &address, &error)
            }
            ListenError::Tls(source) => StartError::Tls { listener: config.name.clone(), source },
        })?;
        bound.push(listener);
    }
    Ok(bound)
}

async fn open_registry(
    config: &Config,
    folder: Option<&DataFolder>,
    listener: TcpListener,
) -> Result<RegistryPart, StartError> {
    let defaults = RegistryConfig::default();
    let rules = RegistryConfig {
        compatibility_level: config.compatibility.unwrap_or(defaults.compatibility_level),
        mode_mutability: config.mode_mutability,
        ..defaults
    };
    let database = match (&config.database_url, folder) {
        (Some(url), _) => url.clone(),
        (None, Some(folder)) => folder.database_url(),
        (None, None) => String::new(),
    };
    let registry = assay_registry_server::open(&database, rules).await?;
    let port = listener.local_addr().map_or(config.registry_listen.port, |local| local.port());
    let host = if config.registry_listen.is_wildcard() { "localhost" } else { &config.registry_listen.host };
    let options = ServeOptions {
        drain_timeout: drain_timeout(config),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..ServeOptions::default()
    };
    let url = format!("http://{}", Address { host: host.to_owned(), port });
    Ok(RegistryPart { registry, listener, options, url })
}

/// The connections' share of the shutdown timeout.
fn drain_timeout(config: &Config) -> Duration {
    config.shutdown_timeout.saturating_sub(CLOSING_RESERVE).max(config.shutdown_timeout / 2)
}

/// The check of records against the registry of this process, else against the one at `--registry-url`.
fn validator(
    config: &Config,
    registry: Option<&RegistryPart>,
    context: &str,
) -> Result<Arc<dyn RecordValidator>, StartError> {
    Ok(match (registry, &config.registry_url) {
        (Some(part), _) => Arc::new(SchemaValidator::new(InProcessLookup(part.registry.clone()))),
        (None, Some(url)) => {
            let context = Context::parse(context).unwrap_or_else(|_invalid| Context::default_context());
            let lookup =
                HttpLookup::new(url, &context).map_err(|source| StartError::RegistryUrl(Box::new(source)))?;
            Arc::new(SchemaValidator::new(lookup))
        }
        (None, None) => Arc::new(SchemaValidator::new(NoRegistry)),
    })
}

async fn open_broker(
    config: &Config,
    folder: &DataFolder,
    listeners: Vec<Listener>,
    registry: Option<&RegistryPart>,
) -> Result<BrokerPart, StartError> {
    let settings = config.broker_settings.clone();
    let drain_given = settings.contains_key("assay.drain.timeout.ms");
    let (mut broker_config, unused) = BrokerConfig::from_settings(folder.broker(), settings)?;
    if !drain_given {
        broker_config.drain_timeout = drain_timeout(config);
    }
    if !unused.is_empty() {
        tracing::info!("broker settings without effect: {unused}");
    }
    let validator = validator(config, registry, &broker_config.schema_context)?;
    let broker = open_on_disk(broker_config, validator)
        .await
        .map_err(|source| StartError::Broker { path: folder.broker().display().to_string(), source })?;
    let addresses: Vec<(String, String)> = listeners.iter().map(shown_address).collect();
    let address = addresses.first().map(|(_, address)| address.clone()).unwrap_or_default();
    let shown = addresses.iter().map(|(name, address)| format!("{name}://{address}")).collect();
    Ok(BrokerPart { broker, listeners, shown, address })
}

#[cfg(not(feature = "faults"))]
async fn open_on_disk(
    config: BrokerConfig,
    validator: Arc<dyn RecordValidator>,
) -> Result<Broker, assay_broker::OpenError> {
    Broker::open(config, validator).await
}

#[cfg(feature = "faults")]
async fn open_on_disk(
    config: BrokerConfig,
    validator: Arc<dyn RecordValidator>,
) -> Result<Broker, assay_broker::OpenError> {
    let disk = Arc::new(crate::faults::FaultyFs::from_environment());
    Broker::open_on(config, validator, disk, Arc::new(assay_broker::clock::SystemClock)).await
}

/// A listener's name, and the address to use from this machine: the advertised one, or `localhost` where clients are told
/// the address they came in on.
fn shown_address(listener: &Listener) -> (String, String) {
    let address = match listener.advertised() {
        Some(endpoint) => endpoint.to_string(),
        None => format!("localhost:{}", listener.local_addr().map_or(0, |local| local.port())),
    };
    (listener.name().to_owned(), address)
}
