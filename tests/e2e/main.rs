//! End-to-end tests: the whole binary over real sockets, with real clients.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod bad_input;
mod compatibility_property;
mod crash_rounds;
mod dependencies;
mod evolution;
mod faults;
mod fixtures;
mod foreign_broker;
mod foreign_kcat;
mod foreign_registry;
mod foreign_rust;
mod groups;
mod history;
mod interop;
mod kafka;
mod lifecycle;
mod many_partitions;
mod postgres_nodes;
mod produce_consume;
mod raw;
mod registry_nodes;
mod registry_rest;
mod release_binary;
mod security;
mod soak;
mod tidy;
mod transactions;
mod typed_kafka;
mod validation;
