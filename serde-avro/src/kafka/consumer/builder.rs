//! Settings of a consumer.

use std::sync::Arc;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use tokio::sync::{Mutex, watch};

use super::super::producer::{Outlet, defaults};
use super::{Consumer, Decoder, Error, Waiting};
use crate::dead_letter::Style;
use crate::properties::ConfigError;
use crate::retry_topics::RetryTopics;
use crate::wire::Part;

/// What [`Consumer::run`] does with a record that cannot be decoded or handled.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum OnFailure {
    /// Ends with the error. The record is read again after a restart.
    #[default]
    Stop,
    /// Puts poison aside into a dead-letter topic and goes on. A failure that another attempt can cure keeps its partition
    /// waiting, a second at first and half a minute at most, until the record passes.
    DeadLetter {
        /// Whose convention the headers follow.
        style: Style,
        /// The topic to put it into; `<topic>-dlt` of each topic when absent.
        topic: Option<String>,
    },
    /// Sends failed records through retry topics, which are consumed too, to a dead-letter topic.
    RetryTopics(RetryTopics),
}

/// Prefixes and names of properties that a consumer shares with the producer it forwards with.
const SHARED: &[&str] =
    &["bootstrap.servers", "client.", "security.", "sasl.", "ssl.", "socket.", "broker.", "metadata."];

/// Settings of a [`Consumer`].
#[derive(Debug)]
#[must_use]
pub struct ConsumerBuilder<K, V> {
    config: ClientConfig,
    group: String,
    topics: Vec<String>,
    keys: Decoder<K>,
    values: Decoder<V>,
    on_failure: OnFailure,
}

impl<K, V> ConsumerBuilder<K, V> {
    pub(super) fn new(
        brokers: &str,
        group: &str,
        topics: &[&str],
        keys: Decoder<K>,
        values: Decoder<V>,
    ) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("client.id", "assay")
            .set("group.id", group)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.offset.store", "false");
        Self {
            config,
            group: group.to_owned(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            keys,
            values,
            on_failure: OnFailure::Stop,
        }
    }

    /// Sets one of librdkafka's configuration properties.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.config.set(key, value);
        self
    }

    /// What [`Consumer::run`] does with records that fail. Default [`OnFailure::Stop`].
    pub fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// Checks the settings, starts librdkafka's threads, and subscribes. Connects in the background. Has to be called inside
    /// a tokio runtime.
    pub fn build(self) -> Result<Consumer<K, V>, Error> {
        let Self { config, group, mut topics, keys, values, on_failure } = self;
        keys.check_part(Part::Key)?;
        values.check_part(Part::Value)?;
        tokio::runtime::Handle::try_current().map_err(|_| ConfigError::RuntimeNeeded)?;
        if let OnFailure::RetryTopics(retries) = &on_failure {
            topics.extend(retries.consumed());
            topics.sort_unstable();
            topics.dedup();
        }
        let outlet = match on_failure {
            OnFailure::Stop => None,
            OnFailure::DeadLetter { .. } | OnFailure::RetryTopics(_) => {
                Some(Outlet::new(&forwarding(&config))?)
            }
        };
        let client: StreamConsumer = config.create()?;
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        client.subscribe(&names)?;
        Ok(Consumer {
            keys,
            values,
            client: Arc::new(client),
            group,
            waiting: Mutex::new(Waiting::default()),
            stop: watch::Sender::new(false),
            on_failure,
            outlet,
        })
    }
}

/// The configuration of a producer for the same cluster.
fn forwarding(config: &ClientConfig) -> ClientConfig {
    let mut own = defaults("");
    for (key, value) in config.config_map() {
        if SHARED.iter().any(|shared| key.starts_with(shared)) {
            own.set(key, value);
        }
    }
    own
}
