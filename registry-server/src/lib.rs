//! A Confluent-compatible schema registry over `SQLite` or Postgres.

pub mod store;
