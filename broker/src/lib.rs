//! A durable, single-node broker that speaks the Kafka protocol.
//!
//! A produce request travels `connection` (frames) → `dispatch` → `handlers` → validator → `partition` → `log`; nothing
//! flows back up. The [`protocol`] module is a leaf: messages declared once for all versions.
//!
//! [`Broker::open`] opens a data folder, [`serve`] serves it on bound [`Listener`]s until told to stop, and
//! [`Broker::close`] leaves the folder clean. Schemas are judged by a [`RecordValidator`] from outside.

pub mod authorizer;
pub mod clock;
pub mod compression;
pub mod config;
pub mod connection;
pub mod credentials;
pub mod dispatch;
pub mod durability;
pub mod error;
pub mod groups;
pub mod handlers;
mod journal;
pub mod listeners;
pub mod log;
pub mod partition;
pub mod producer_ids;
pub mod producer_state;
pub mod protocol;
pub mod record_batch;
pub mod sasl;
pub mod server;
pub mod tls;
pub mod topics;
pub mod transactions;
pub mod validator;

mod broker;
mod buffers;
mod dynamic_config;
mod sessions;
mod state_file;
mod validation;

pub use broker::Broker;
pub use config::{BrokerConfig, Endpoint, ListenerConfig};
pub use credentials::Credentials;
pub use error::OpenError;
pub use server::{Drained, ListenError, Listener, serve};
pub use state_file::StateFileError;
pub use validator::{
    AcceptAll, Outcome, PrepareError, RecordValidator, RecordView, SchemaKey, ValidationContext,
};
