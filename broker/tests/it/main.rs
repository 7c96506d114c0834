//! The broker over real sockets, spoken to frame by frame.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed step is a failed test"
)]

mod admin;
mod batches;
mod client;
mod configs;
mod docs;
mod fetch;
mod hostile;
mod offsets;
mod pipeline;
mod produce;
mod security;
mod transactions;
mod validation;
