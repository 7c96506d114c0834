//! A running `assay`.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::Rest;

/// Longest start until the ready line, on a busy machine and after a crash.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// Longest stop after a signal.
const STOP_LIMIT: Duration = Duration::from_mins(1);
/// Log that is kept for a failed test's report, bytes.
const LOG_BYTES_MAX: usize = 1 << 20;

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// The binary under test: `ASSAY_BIN`, else the release build, else the debug build of this workspace.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ASSAY_BIN") {
        return Ok(PathBuf::from(path));
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    ["release/assay", "debug/assay"]
        .iter()
        .map(|tail| target.join(tail))
        .find(|path| path.exists())
        .context("no binary: build it with `cargo build --release`, or set ASSAY_BIN")
}

/// The build with fault injection: `ASSAY_FAULTS_BIN`; `None` without it.
pub fn faults_binary() -> Option<PathBuf> {
    std::env::var_os("ASSAY_FAULTS_BIN").map(PathBuf::from)
}

/// How to start a process. Without further words: both roles, free ports, a fresh folder.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
    data: Option<Arc<TempDir>>,
    without_defaults: bool,
    program: Option<PathBuf>,
}

impl Launch {
    /// Starts another binary than [`binary`].
    #[must_use]
    pub fn program(mut self, path: PathBuf) -> Self {
        self.program = Some(path);
        self
    }

    /// Adds a flag or a value.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds an environment variable. Nothing else but `PATH` is inherited.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Uses the folder of an earlier process.
    #[must_use]
    pub fn on(mut self, data: Arc<TempDir>) -> Self {
        self.data = Some(data);
        self
    }

    /// Adds no listen addresses and no data folder: exactly the arguments given.
    #[must_use]
    pub fn exactly(mut self) -> Self {
        self.without_defaults = true;
        self
    }

    fn command(&self, data: &Path) -> Result<Command> {
        let mut command = Command::new(self.program.clone().map_or_else(binary, Ok)?);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(&self.variables).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.arg("serve");
        if !self.without_defaults {
            command.args([
                "--registry-listen",
                "127.0.0.1:0",
                "--broker-listen",
                "127.0.0.1:0",
                "--data-dir",
            ]);
            command.arg(data);
        }
        command.args(&self.arguments);
        Ok(command)
    }

    /// Starts the process and waits for its ready line.
    pub fn start(self) -> Result<Assay> {
        let data = match &self.data {
            Some(data) => Arc::clone(data),
            None => Arc::new(tempfile::tempdir()?),
        };
        let started = Instant::now();
        let mut child = self.command(data.path())?.spawn().context("cannot start the binary")?;
        let log = Log::follow(child.stderr.take().context("no standard error")?);
        let lines = Lines::follow(child.stdout.take().context("no standard output")?);
        let Some(ready) = lines.next(READY_LIMIT) else {
            let _gone = child.kill();
            let status = child.wait()?;
            bail!("not ready; {status}; log:\n{}", log.text());
        };
        let part = |name: &str| {
            ready.split_whitespace().find_map(|word| word.strip_prefix(name)).unwrap_or_default().to_owned()
        };
        let (registry, broker) = (part("registry="), part("broker="));
        Ok(Assay { child, registry, broker, ready, data, log, lines, start_up: started.elapsed() })
    }

    /// Runs the process to its end, for cases that must not start. Killed after a minute.
    pub fn run_to_end(self) -> Result<(ExitStatus, String, String)> {
        let data = tempfile::tempdir()?;
        let folder = self.data.as_ref().map_or(data.path(), |data| data.path()).to_owned();
        let mut child = self.command(&folder)?.spawn()?;
        let log = Log::follow(child.stderr.take().context("no standard error")?);
        let lines = Lines::follow(child.stdout.take().context("no standard output")?);
        let status = wait(&mut child, STOP_LIMIT)?;
        Ok((status, lines.rest(), log.at_end()))
    }
}

/// A running process; killed on drop. A test that fails prints its log.
#[derive(Debug)]
pub struct Assay {
    child: Child,
    /// `http://HOST:PORT` from the ready line; empty without that role.
    pub registry: String,
    /// `HOST:PORT` from the ready line; empty without that role.
    pub broker: String,
    /// The ready line.
    pub ready: String,
    /// The data folder; deleted with its last user.
    pub data: Arc<TempDir>,
    log: Log,
    lines: Lines,
    /// From the start of the process to its ready line.
    pub start_up: Duration,
}

impl Assay {
    /// Both roles on free ports and a fresh folder.
    pub fn start() -> Result<Self> {
        Launch::default().start()
    }

    /// Plain JSON to the registry.
    pub fn rest(&self) -> Rest {
        Rest::new(&self.registry)
    }

    /// What the process has logged so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The log once it contains `text`, which may reach us a moment after the ready line; an error with the log when it
    /// does not within ten seconds.
    pub fn logged(&self, text: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let log = self.log.text();
            if log.contains(text) {
                return Ok(log);
            }
            anyhow::ensure!(Instant::now() < deadline, "nothing about {text:?} in the log: {log}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("process id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// SIGKILL: the process gets no say. Returns its data folder for the next one.
    pub fn kill(mut self) -> Result<Arc<TempDir>> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(Arc::clone(&self.data))
    }

    /// SIGTERM, then waits for the end. Returns status, further lines on standard output, the log, and the folder.
    pub fn terminate(mut self) -> Result<(ExitStatus, String, String, Arc<TempDir>)> {
        self.signal(Signal::TERM)?;
        self.wait_for_end()
    }

    /// Waits for the end without a signal.
    pub fn wait_for_end(&mut self) -> Result<(ExitStatus, String, String, Arc<TempDir>)> {
        let status = wait(&mut self.child, STOP_LIMIT).with_context(|| self.log.text())?;
        Ok((status, self.lines.rest(), self.log.at_end(), Arc::clone(&self.data)))
    }
}

impl Drop for Assay {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
        if thread::panicking() {
            eprintln!("log of process {}:\n{}", self.child.id(), self.log.text());
        }
    }
}

fn wait(child: &mut Child, limit: Duration) -> Result<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("the process did not end within {limit:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Standard error, collected by a thread; its beginning goes when it grows too long.
#[derive(Debug)]
struct Log {
    text: Arc<Mutex<String>>,
    reader: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Log {
    fn follow(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&text);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let Ok(mut text) = sink.lock() else { return };
                if text.len() > LOG_BYTES_MAX {
                    let cut = text.find('\n').map_or(text.len(), |at| at + 1).max(LOG_BYTES_MAX / 2);
                    let cut = (cut..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                    text.drain(..cut);
                }
                text.push_str(&line);
                text.push('\n');
            }
        });
        Self { text, reader: Mutex::new(Some(reader)) }
    }

    fn text(&self) -> String {
        self.text.lock().map(|text| text.clone()).unwrap_or_default()
    }

    /// The whole log of a process that has ended.
    fn at_end(&self) -> String {
        if let Some(reader) = self.reader.lock().ok().and_then(|mut reader| reader.take()) {
            let _panicked = reader.join();
        }
        self.text()
    }
}

/// Standard output, line by line.
#[derive(Debug)]
struct Lines(mpsc::Receiver<String>);

impl Lines {
    fn follow(stream: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::sync_channel(1024);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    fn next(&self, limit: Duration) -> Option<String> {
        self.0.recv_timeout(limit).ok()
    }

    /// What is left, up to the end of the stream.
    fn rest(&self) -> String {
        let mut text = String::new();
        while let Some(line) = self.next(Duration::from_secs(5)) {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}
