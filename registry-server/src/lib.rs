//! A Confluent-compatible schema registry over `SQLite` or Postgres.
//!
//! A request goes `api` (HTTP in, no rules) → [`registry`] (the rules, no HTTP and no SQL) → `assay_schema_core` (parsing, identity,
//! compatibility: pure) and [`store`] (SQL, no rules). [`open`] a database, then [`serve`] it on a bound listener, or use the
//! [`Registry`] in process.

mod api;
mod cache;
mod config;
mod feed;
mod metrics;
pub mod registry;
mod server;
pub mod store;
pub mod testing;

pub use api::ROUTES;
pub use config::RegistryConfig;
pub use registry::Registry;
pub use server::{RestService, ServeOptions, open, serve, service};
pub use store::error::OpenError;
