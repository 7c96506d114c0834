//! First measure of the server: start-up, idle memory, and GET by id against a bare axum handler that returns the same
//! bytes, in the same run. Prints a table.
//!
//! Usage: `cargo run --release -p e2e --bin bench-server`, with the binary of `ASSAY_BIN` or the release build.
//! The load generator shares the machine's cores with the server, which flattens requests per second; the server's own
//! CPU time per request does not suffer from that.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use harness::{Assay, Launch};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const STARTS: usize = 10;
const VERSIONS: usize = 10_000;
const CONNECTIONS: usize = 16;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(5);
/// Clock ticks per second of `/proc`, fixed on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

fn say(text: &str) {
    let mut out = std::io::stdout();
    let _closed = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// User and system CPU seconds of a process.
fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64> { Ok(fields.get(at).context("stat")?.parse::<f64>()?) };
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// Resident memory in MiB.
fn resident_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

/// One keep-alive connection that asks for the same path over and over.
async fn connection(address: String, path: String, count: Arc<AtomicU64>, until: Instant) -> Result<()> {
    let mut stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut buffer = vec![0; 64 * 1024];
    let mut expected = None;
    while Instant::now() < until {
        stream.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        loop {
            filled += stream.read(buffer.get_mut(filled..).context("answer too large")?).await?;
            let got = buffer.get(..filled).context("filled")?;
            let whole = match expected {
                Some(whole) => whole,
                None => match answer_bytes(got)? {
                    Some(whole) => *expected.insert(whole),
                    None => continue,
                },
            };
            if filled >= whole {
                break;
            }
        }
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Head and body of an answer with a content length, once the head is there.
fn answer_bytes(bytes: &[u8]) -> Result<Option<usize>> {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let Some(head) = text.find("\r\n\r\n") else { return Ok(None) };
    if !text.starts_with("http/1.1 200") {
        bail!("{text}");
    }
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:")).context("content-length")?;
    Ok(Some(head + 4 + length.trim().parse::<usize>()?))
}

/// Requests per second, and the server's CPU microseconds per request.
async fn load(address: &str, path: &str, pid: u32) -> Result<(f64, f64)> {
    run_for(address, path, WARM_UP).await?;
    let (before, began) = (cpu_seconds(pid)?, Instant::now());
    let requests = run_for(address, path, MEASURED).await?;
    let (cpu, seconds) = (cpu_seconds(pid)? - before, began.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let requests = requests as f64;
    Ok((requests / seconds, cpu * 1e6 / requests))
}

async fn run_for(address: &str, path: &str, time: Duration) -> Result<u64> {
    let (count, until) = (Arc::new(AtomicU64::new(0)), Instant::now() + time);
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::spawn(connection(address.to_owned(), path.to_owned(), Arc::clone(&count), until)))
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(count.load(Ordering::Relaxed))
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

/// Serves a fixed body until killed: the peer, in a process of its own so that its CPU time is its own.
async fn bare(body: String) -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    say(&listener.local_addr()?.to_string());
    let body = axum::body::Bytes::from(body);
    let handler = move || {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/vnd.schemaregistry.v1+json")], body) }
    };
    axum::serve(listener, Router::new().route("/schemas/ids/1", get(handler))).await?;
    Ok(())
}

struct Peer(std::process::Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn start_peer(body: &str) -> Result<(Peer, String)> {
    use std::io::BufRead;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    let mut peer = Peer(command.arg("--bare").arg(body).stdout(std::process::Stdio::piped()).spawn()?);
    let mut address = String::new();
    std::io::BufReader::new(peer.0.stdout.take().context("stdout")?).read_line(&mut address)?;
    Ok((peer, address.trim().to_owned()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, body] = words.as_slice()
        && flag == "--bare"
    {
        return bare(body.clone()).await;
    }
    say("| measure | value |\n|---|---|");
    let (empty_ms, assay) = start_up(Assay::start()?).await?;
    say(&format!("| start to first answered request, empty (median of {STARTS}) | {empty_ms:.1} ms |"));
    say(&format!("| idle memory, empty | {:.1} MiB |", resident_mib(assay.pid())?));
    fill(&assay).await?;
    let (full_ms, assay) = start_up(assay).await?;
    say(&format!("| start to first answered request, {VERSIONS} versions | {full_ms:.1} ms |"));
    say(&format!("| idle memory, {VERSIONS} versions | {:.1} MiB |", resident_mib(assay.pid())?));
    let body = assay.rest().get("/schemas/ids/1").await?.body.to_string();
    let (peer, peer_address) = start_peer(&body)?;
    let address = assay.registry.trim_start_matches("http://").to_owned();
    let (mut ours, mut theirs) = ((0.0, 0.0), (0.0, 0.0));
    // in turns, so that what else the machine does meets both
    for _ in 0..3 {
        let (rate, cpu) = load(&address, "/schemas/ids/1", assay.pid()).await?;
        ours = (f64::max(ours.0, rate), if ours.1 == 0.0 { cpu } else { f64::min(ours.1, cpu) });
        let (rate, cpu) = load(&peer_address, "/schemas/ids/1", peer.0.id()).await?;
        theirs = (f64::max(theirs.0, rate), if theirs.1 == 0.0 { cpu } else { f64::min(theirs.1, cpu) });
    }
    say(&format!(
        "| GET by id, assay (best of 3) | {:.0} requests/s, {:.1} µs server CPU per request |",
        ours.0, ours.1
    ));
    say(&format!(
        "| the same bytes from a bare axum handler | {:.0} requests/s, {:.1} µs |",
        theirs.0, theirs.1
    ));
    say(&format!(
        "| ratio assay / bare: requests, CPU | {:.2}, {:.2} |",
        ours.0 / theirs.0,
        ours.1 / theirs.1
    ));
    Ok(())
}
