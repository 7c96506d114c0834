//! Assay: a Confluent-compatible schema registry and a Kafka-protocol broker in one process.
//!
//! [`cli`] reads the command line, [`config`] settles flags, environment and file into one typed
//! configuration, [`wiring`] joins the registry, the broker and the [`validator`] between them, and
//! [`lifecycle`] turns signals into a bounded stop.

use std::process::ExitCode;

mod banner;
mod cli;
mod config;
mod data_folder;
#[cfg(feature = "faults")]
mod faults;
mod lifecycle;
mod telemetry;
mod validator;
mod wiring;

fn main() -> ExitCode {
    cli::run()
}
