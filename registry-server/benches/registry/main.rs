//! What the registry costs, against named peers: each row prints the ratio to a peer that ran in turns with it, for requests per
//! second and for the server's own CPU time per request (the load generator shares the machine's cores).
//!
//! `cargo bench -p assay-registry-server` runs all; `-- reads`, `-- writes`, `-- nodes`, `-- scale` run one part. Servers run as
//! child processes of this one.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and its numbers are far below 2^52"
)]

mod load;
mod nodes;
mod peers;
#[path = "../../tests/it/postgres.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "the server of the tests, of which a benchmark needs a part"
)]
mod postgres;
mod reads;
mod scale;
mod writes;

use std::error::Error;

/// Any failure ends the benchmark.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if words.first().is_some_and(|word| word == "--serve") {
        return runtime.block_on(peers::serve(words.get(1..).unwrap_or_default()));
    }
    let asked = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    if asked("reads") {
        runtime.block_on(reads::run())?;
    }
    if asked("writes") {
        runtime.block_on(writes::run())?;
    }
    if asked("nodes") {
        runtime.block_on(nodes::run())?;
    }
    if asked("scale") {
        runtime.block_on(scale::run())?;
    }
    Ok(())
}
