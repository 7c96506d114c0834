//! Tests of the registry through its public API: the store on both backends, the rules, and REST over the real router.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a failed expectation is a failed test"
)]

mod api_associations;
mod api_explained;
mod api_schemas;
mod api_settings;
mod api_transport;
mod append;
mod backend;
mod concurrency;
mod history;
mod memory;
mod nodes;
mod openapi;
mod postgres;
mod server;
mod store_contract;
