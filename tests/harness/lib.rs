//! Starts the binary as a user starts it, with everything around it that the end-to-end tests need.
//!
//! [`Assay`] is a running process on free ports and a temporary folder; [`PostgresServer`] a database server of its
//! own; [`foreign`] and [`python`] run programs of other people's clients; [`Rest`] speaks to the registry in plain JSON;
//! [`machine`] tells what a process costs.

pub mod foreign;
pub mod machine;
mod postgres;
mod process;
pub mod python;
mod rest;
mod wait;

pub use postgres::PostgresServer;
pub use process::{Assay, Launch, binary, faults_binary, workspace};
pub use rest::{Answer, Rest};
pub use wait::{eventually, missing};
