//! The broker as one handle: topics, groups, producer ids and the validator behind them.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::authorizer::{Access, Authorizer};
use crate::clock::{Clock, SystemClock};
use crate::config::BrokerConfig;
use crate::connection::{ByteLimit, Connection};
use crate::credentials::Credentials;
use crate::durability::LogConfig;
use crate::dynamic_config::{self, DynamicConfigs, Refused, Scope, Settings};
use crate::error::OpenError;
use crate::groups::Groups;
use crate::log::storage::{Fs, Storage};
use crate::producer_ids::ProducerIds;
use crate::sessions::FetchSessions;
use crate::topics::Topics;
use crate::topics::config::{Durability, TopicDefaults};
use crate::transactions::Transactions;
use crate::validator::RecordValidator;

/// Passwords hashed at a time: a flood of logins must not take every thread.
const LOGINS_AT_ONCE: usize = 4;

/// A running broker. Cheap to clone; all clones are the same broker.
#[derive(Debug, Clone)]
pub struct Broker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: BrokerConfig,
    topics: Topics,
    groups: Groups,
    producer_ids: ProducerIds,
    transactions: Transactions,
    validator: Arc<dyn RecordValidator>,
    schema_context: Arc<str>,
    sessions: FetchSessions,
    request_bytes: ByteLimit,
    authorizer: Option<Arc<Authorizer>>,
    credentials: Credentials,
    dynamic_configs: Arc<DynamicConfigs>,
    logins: Semaphore,
}

impl Broker {
    /// Opens the data folder, recovering what needs it. Nothing is served before [`serve`](crate::server::serve).
    pub async fn open(config: BrokerConfig, validator: Arc<dyn RecordValidator>) -> Result<Self, OpenError> {
        Self::open_on(config, validator, Arc::new(Fs), Arc::new(SystemClock)).await
    }

    /// As [`open`](Self::open), on a given file system and clock.
    pub async fn open_on(
        config: BrokerConfig,
        validator: Arc<dyn RecordValidator>,
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let (dir, on) = (config.data_dir.clone(), Arc::clone(&storage));
        let reading = tokio::task::spawn_blocking(move || DynamicConfigs::open(on, &dir));
        let dynamic_configs = Arc::new(reading.await.map_err(OpenError::Interrupted)??);
        let given = TopicDefaults::from_broker(config.given())?;
        let log_config = LogConfig {
            node_id: config.node_id,
            durability: match config.durability.as_str() {
                "interval" => Durability::Interval(config.durability_interval),
                "os" => Durability::Os,
                _ => Durability::Fsync,
            },
            topic_defaults: dynamic_configs.topic_defaults(&given),
            recovery_threads: config.recovery_threads,
            retention_check_interval: config.retention_check_interval,
            producer_id_expiration_ms: config.producer_id_expiration_ms,
            ..LogConfig::default()
        };
        let dir = config.data_dir.clone();
        let topics_clock = Arc::clone(&clock);
        let authorizer = config.authorizer.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let topics = Topics::open(&dir, log_config, Arc::clone(&storage), topics_clock)?;
            let producer_ids = ProducerIds::open(&topics)?;
            let credentials = Credentials::open(Arc::clone(&storage), &dir)?;
            let authorizer = authorizer
                .map(|settings| Authorizer::open(storage, &dir, settings))
                .transpose()?
                .map(Arc::new);
            Ok::<_, OpenError>((topics, producer_ids, credentials, authorizer))
        });
        let (topics, producer_ids, credentials, authorizer) =
            opening.await.map_err(OpenError::Interrupted)??;
        let groups = Groups::open(&topics, config.groups.clone(), Arc::clone(&clock));
        groups.configure(dynamic_configs.group_settings());
        let settings = config.transactions.clone();
        let transactions = Transactions::open(&topics, &groups, producer_ids.clone(), settings, clock);
        let schema_context = Arc::from(config.schema_context.as_str());
        let request_bytes = ByteLimit::new(config.queued_max_request_bytes);
        let inner = Inner {
            config,
            topics,
            groups,
            producer_ids,
            transactions,
            validator,
            schema_context,
            sessions: FetchSessions::default(),
            request_bytes,
            authorizer,
            credentials,
            dynamic_configs,
            logins: Semaphore::new(LOGINS_AT_ONCE),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Stops the coordinators, syncs and closes every log and leaves the clean-shutdown mark. Requests that come
    /// later fail. Call it after [`serve`](crate::server::serve) has returned.
    pub async fn close(&self) {
        self.inner.transactions.shutdown().await;
        self.inner.groups.shutdown().await;
        self.inner.topics.shutdown().await;
    }

    /// The settings.
    pub fn config(&self) -> &BrokerConfig {
        &self.inner.config
    }

    /// The topics.
    pub fn topics(&self) -> &Topics {
        &self.inner.topics
    }

    /// The group coordinator.
    pub fn groups(&self) -> &Groups {
        &self.inner.groups
    }

    /// The transaction coordinator.
    pub fn transactions(&self) -> &Transactions {
        &self.inner.transactions
    }

    pub(crate) fn producer_ids(&self) -> &ProducerIds {
        &self.inner.producer_ids
    }

    pub(crate) fn validator(&self) -> &Arc<dyn RecordValidator> {
        &self.inner.validator
    }

    pub(crate) fn sessions(&self) -> &FetchSessions {
        &self.inner.sessions
    }

    /// Request bytes in memory over all connections.
    pub(crate) fn request_bytes(&self) -> &ByteLimit {
        &self.inner.request_bytes
    }

    /// What the peer of a connection may do, as of now.
    pub(crate) fn access(&self, connection: &Connection) -> Access {
        Access::new(self.inner.authorizer.clone(), connection.principal().clone(), connection.host())
    }

    /// The access rules; `None` when everybody may do everything.
    pub fn authorizer(&self) -> Option<&Arc<Authorizer>> {
        self.inner.authorizer.as_ref()
    }

    /// The users.
    pub fn credentials(&self) -> &Credentials {
        &self.inner.credentials
    }

    /// The settings made while running.
    pub(crate) fn dynamic_configs(&self) -> &DynamicConfigs {
        &self.inner.dynamic_configs
    }

    /// Puts `settings` in the place of those made on a resource while running: durable and in force on return.
    pub(crate) async fn configure(&self, scope: Scope, settings: Settings) -> Result<(), Refused> {
        dynamic_config::check(&scope, &settings, self.groups().config())?;
        let idle = dynamic_config::without_effect(&scope, &settings).join(", ");
        if !idle.is_empty() {
            tracing::warn!(settings = idle, "settings are kept and have no effect on this broker");
        }
        let configs = Arc::clone(&self.inner.dynamic_configs);
        let replacing = tokio::task::spawn_blocking(move || configs.replace(scope, settings));
        replacing.await.map_err(std::io::Error::other)??;
        self.groups().configure(self.inner.dynamic_configs.group_settings());
        let this = self.clone();
        let inheriting = self.topics().inherit(move || {
            // they were read at start
            let given = TopicDefaults::from_broker(this.config().given()).unwrap_or_default();
            this.inner.dynamic_configs.topic_defaults(&given)
        });
        inheriting.await.map_err(|error| std::io::Error::other(error).into())
    }

    /// Turns to hash a password.
    pub(crate) fn logins(&self) -> &Semaphore {
        &self.inner.logins
    }

    pub(crate) fn schema_context(&self) -> Arc<str> {
        Arc::clone(&self.inner.schema_context)
    }
}
