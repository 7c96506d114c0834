//! Start-up and idle memory of the whole process. Prints a table.
//!
//! Usage: `cargo run --release -p e2e --bin bench-server`, with the binary of `ASSAY_BIN` or the release build.

use std::{io::Write, time::Instant};

use anyhow::{Context, Result};
use harness::{Assay, Launch, machine::resident_mib};
use serde_json::json;

const STARTS: usize = 10;
const VERSIONS: usize = 10_000;

fn say(text: &str) {
    let mut out = std::io::stdout();
    let _closed = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Start of the process to the first answered request, the median of several, in milliseconds; and the last process.
async fn start_up(mut assay: Assay) -> Result<(f64, Assay)> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let (_, _, _, data) = assay.terminate()?;
        let began = Instant::now();
        assay = Launch::default().on(data).start()?;
        assay.rest().get("/subjects").await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok((*times.get(STARTS / 2).context("times")?, assay))
}

/// Registers [`VERSIONS`] versions in 100 subjects.
async fn fill(assay: &Assay) -> Result<()> {
    assay.rest().put("/config", &json!({"compatibility": "NONE"})).await?;
    let rest = assay.rest();
    let mut tasks = Vec::new();
    for subject in 0..100 {
        let rest = rest.clone();
        tasks.push(tokio::spawn(async move {
            for version in 0..VERSIONS / 100 {
                let fields: Vec<_> =
                    (0..10).map(|at| json!({"name": format!("f{at}"), "type": "string"})).collect();
                let name = format!("R{subject}_{version}");
                let schema = json!({"type": "record", "name": name, "fields": fields});
                rest.register(&format!("s{subject}-value"), &schema).await?;
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    say("| measure | value |\n|---|---|");
    let (empty_ms, assay) = start_up(Assay::start()?).await?;
    say(&format!("| start to first answered request, empty (median of {STARTS}) | {empty_ms:.1} ms |"));
    say(&format!("| idle memory, empty | {:.1} MiB |", resident_mib(assay.pid())?));
    fill(&assay).await?;
    let (full_ms, assay) = start_up(assay).await?;
    say(&format!("| start to first answered request, {VERSIONS} versions | {full_ms:.1} ms |"));
    say(&format!("| idle memory, {VERSIONS} versions | {:.1} MiB |", resident_mib(assay.pid())?));
    Ok(())
}
