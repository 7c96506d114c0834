//! The broker beside Apache Kafka and beside a sink that stores nothing, driven by the same librdkafka client in turns.
//! Prints tables of medians and ratios.
//!
//! Usage: `cargo run --release -p e2e --bin bench-broker [--rounds N] [--seconds N] [--no-kafka] [--only TEXT]
//! [SECTION ...]`, sections `produce`, `consume`, `latency`, `start` and `sync`; all without one. `--no-kafka` leaves the sink as the
//! only peer, `--only` the rows of `produce` and `consume` whose label contains the text. The binary is that of `ASSAY_BIN` or the
//! release build; Kafka's jars come from `scripts/setup java`. Section `sync` needs `ASSAY_FAULTS_BIN`, a release build with the
//! feature `faults`.
//!
//! Clients and servers share the machine's cores, so throughput is bounded by the client where messages are small; the
//! server's own CPU time stands beside it.

mod load;
mod page_cache;
mod report;
mod sections;
mod servers;
mod sink;

use anyhow::{Context, Result, bail};

/// What to measure, and for how long.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    rounds: usize,
    seconds: u64,
    kafka: bool,
    only: String,
    sections: Vec<String>,
}

const SECTIONS: [&str; 5] = ["produce", "consume", "latency", "start", "sync"];

fn plan(words: Vec<String>) -> Result<Plan> {
    let mut plan = Plan { rounds: 3, seconds: 4, kafka: true, only: String::new(), sections: Vec::new() };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().context("a value is missing");
        let mut number = || value()?.parse().context("no number");
        match word.as_str() {
            "--rounds" => plan.rounds = usize::try_from(number()?)?,
            "--seconds" => plan.seconds = number()?,
            "--no-kafka" => plan.kafka = false,
            "--only" => plan.only = value()?,
            section if SECTIONS.contains(&section) => plan.sections.push(word),
            other => bail!("no such section: {other}"),
        }
    }
    if plan.sections.is_empty() {
        plan.sections = SECTIONS.map(str::to_owned).to_vec();
    }
    Ok(plan)
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "--sink") {
        return sink::serve();
    }
    let plan = plan(words)?;
    for section in &plan.sections {
        match section.as_str() {
            "produce" => sections::produce(&plan)?,
            "consume" => sections::consume(&plan)?,
            "latency" => sections::latency(&plan)?,
            "start" => sections::start(&plan)?,
            _ => sections::sync(&plan)?,
        }
    }
    Ok(())
}
