//! Servers as child processes, and keep-alive clients that ask them over and over.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Outcome;

/// Interleaved rounds; medians are printed.
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_millis(300);
const MEASURED: Duration = Duration::from_millis(1500);
/// Clock ticks per second of `/proc`, fixed on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A server in a process of its own; killed on drop.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts this program as a server and waits for the line with its address.
    pub(crate) fn start(words: &[&str]) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("--serve").args(words).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("stdout")?).read_line(&mut address)?;
        if address.trim().is_empty() {
            return Err(format!("{words:?} did not start").into());
        }
        Ok(Self { child, address: address.trim().to_owned() })
    }

    /// User and system CPU seconds so far.
    fn cpu_seconds(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit(')').next().ok_or("stat")?.split_whitespace().collect();
        let ticks = |at: usize| -> Outcome<f64> { Ok(fields.get(at).ok_or("stat")?.parse::<f64>()?) };
        Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
    }

    /// Resident memory, MiB.
    pub(crate) fn resident_mib(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Makes the n-th request as sent.
pub(crate) type Requests = Arc<dyn Fn(u64) -> String + Send + Sync>;

/// The same GET every time.
pub(crate) fn get(path: &str) -> Requests {
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
    Arc::new(move |_| request.clone())
}

/// A POST with a JSON body.
pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/vnd.schemaregistry.v1+json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// One keep-alive connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 256 * 1024] })
    }

    /// Sends a request and reads the whole answer, which must be a 200; returns its body.
    pub(crate) async fn ask(&mut self, request: &str) -> Outcome<&[u8]> {
        self.stream.write_all(request.as_bytes()).await?;
        let (mut filled, mut whole) = (0, None);
        loop {
            let free = self.buffer.get_mut(filled..).ok_or("answer too large")?;
            let read = self.stream.read(free).await?;
            filled += read;
            let got = self.buffer.get(..filled).ok_or("filled")?;
            if whole.is_none() {
                whole = ends(got)?;
            }
            match whole {
                Some((head, end)) if filled >= end => {
                    return Ok(self.buffer.get(head..end).ok_or("body")?);
                }
                _ if read == 0 => return Err("the server closed the connection".into()),
                _ => {}
            }
        }
    }
}

/// Where head and body of an answer end, once the head is there.
fn ends(bytes: &[u8]) -> Outcome<Option<(usize, usize)>> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(bytes.get(..head).ok_or("head")?).to_ascii_lowercase();
    if !text.starts_with("http/1.1 200") {
        return Err(String::from_utf8_lossy(bytes).into_owned().into());
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")).ok_or("length")?;
    Ok(Some((head + 4, head + 4 + length.trim().parse::<usize>()?)))
}

/// Requests per second, and the server's CPU microseconds per request.
#[derive(Clone, Copy)]
pub(crate) struct Speed {
    pub(crate) rate: f64,
    pub(crate) cpu: f64,
}

/// Loads a server; `counter` numbers the requests across calls, so that none is sent twice.
pub(crate) async fn load(
    server: &Server,
    requests: &Requests,
    clients: usize,
    counter: &Arc<AtomicU64>,
) -> Outcome<Speed> {
    run_for(server, requests, clients, counter, WARM_UP).await?;
    let (cpu, began, first) = (server.cpu_seconds()?, Instant::now(), counter.load(Ordering::Relaxed));
    run_for(server, requests, clients, counter, MEASURED).await?;
    let done = (counter.load(Ordering::Relaxed) - first) as f64;
    let seconds = began.elapsed().as_secs_f64();
    Ok(Speed { rate: done / seconds, cpu: (server.cpu_seconds()? - cpu) * 1e6 / done })
}

async fn run_for(
    server: &Server,
    requests: &Requests,
    clients: usize,
    counter: &Arc<AtomicU64>,
    time: Duration,
) -> Outcome {
    let until = Instant::now() + time;
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let (requests, counter, address) =
            (Arc::clone(requests), Arc::clone(counter), server.address.clone());
        tasks.push(tokio::spawn(async move {
            let mut client = Client::connect(&address).await?;
            while Instant::now() < until {
                let request = requests(counter.fetch_add(1, Ordering::Relaxed));
                client.ask(&request).await?;
            }
            Outcome::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// One side of a comparison.
pub(crate) struct Side<'s> {
    pub(crate) server: &'s Server,
    pub(crate) requests: Requests,
    pub(crate) counter: Arc<AtomicU64>,
}

impl<'s> Side<'s> {
    pub(crate) fn new(server: &'s Server, requests: Requests) -> Self {
        Self { server, requests, counter: Arc::default() }
    }
}

fn median(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values.get(values.len() * part / 4).copied().unwrap_or_default();
    (at(2), at(1), at(3))
}

/// Runs both sides in turns and prints one line; `goal` is the least part of the peer's requests per second, and of its CPU the other
/// way round.
pub(crate) async fn compare(
    name: &str,
    ours: &Side<'_>,
    peer: &Side<'_>,
    clients: usize,
    goal: f64,
) -> Outcome {
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(load(ours.server, &ours.requests, clients, &ours.counter).await?);
        other.push(load(peer.server, &peer.requests, clients, &peer.counter).await?);
    }
    let rates: Vec<f64> = own.iter().zip(&other).map(|(own, other)| own.rate / other.rate).collect();
    let cpus: Vec<f64> = own.iter().zip(&other).map(|(own, other)| other.cpu / own.cpu).collect();
    let (rate, low, high) = median(rates);
    let (cpu, cpu_low, cpu_high) = median(cpus);
    let speed = |speeds: &[Speed]| {
        let rate = median(speeds.iter().map(|speed| speed.rate).collect()).0;
        let cpu = median(speeds.iter().map(|speed| speed.cpu).collect()).0;
        format!("{rate:.0}/s {cpu:.1} µs")
    };
    println!(
        "| {name} | {} | {} | {rate:.2} ({low:.2}-{high:.2}) | {cpu:.2} ({cpu_low:.2}-{cpu_high:.2}) | {goal} |",
        speed(&own),
        speed(&other),
    );
    Ok(())
}

/// The head of a table of [`compare`] lines.
pub(crate) fn table(title: &str) {
    println!("\n{title}, medians of {ROUNDS} interleaved rounds (quartiles)\n");
    println!(
        "| | registry: requests, server CPU each | peer | ratio of requests | ratio of CPU | goal, both |"
    );
    println!("|---|---|---|---|---|---|");
}
