//! Programs of other people's clients, one per language below `tests/`, with what `scripts/setup` has installed.
//!
//! Each gets addresses as arguments, checks what it sees, and prints one JSON object as its last line or fails with
//! the reason on standard error. Where the language is missing the reason is printed and the value is `None`.

use std::{
    io::Read,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{missing, workspace};

/// Longest run of a program, on a busy machine.
const LIMIT: Duration = Duration::from_mins(4);

fn cache(path: &str) -> PathBuf {
    workspace().join(".cache").join(path)
}

/// Runs `tests/js/SCRIPT`.
pub fn javascript(script: &str, arguments: &[&str]) -> Result<Option<Value>> {
    let modules = cache("js/node_modules");
    if !modules.exists() {
        missing("the JavaScript clients of scripts/setup javascript");
        return Ok(None);
    }
    let mut command = Command::new("node");
    command.env("NODE_PATH", modules).arg(workspace().join("tests/js").join(script)).args(arguments);
    answer(&mut command, script).map(Some)
}

/// Runs the program of `tests/go/NAME`.
pub fn go(name: &str, arguments: &[&str]) -> Result<Option<Value>> {
    let program = cache("go/bin").join(name);
    if !program.exists() {
        missing("the Go programs of scripts/setup go");
        return Ok(None);
    }
    answer(Command::new(program).args(arguments), name).map(Some)
}

/// Runs the main class of `tests/java/CLASS.java`.
pub fn java(class: &str, arguments: &[&str]) -> Result<Option<Value>> {
    if !cache("java/classes").exists() {
        missing("the Java clients of scripts/setup java");
        return Ok(None);
    }
    let mut command = Command::new("java");
    command.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
    command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=off");
    command.arg("-cp").arg(format!("{}:{}/*", cache("java/classes").display(), cache("java/lib").display()));
    answer(command.arg(class).args(arguments), class).map(Some)
}

/// Runs `tests/python/SCRIPT` with the clients of today.
pub fn python(script: &str, arguments: &[&str]) -> Result<Option<Value>> {
    let interpreter =
        std::env::var_os("ASSAY_TEST_PYTHON").map_or_else(|| cache("venv/bin/python"), PathBuf::from);
    python_of(interpreter, script, arguments)
}

/// Runs `tests/python/SCRIPT` with an old confluent-kafka.
pub fn python_old(script: &str, arguments: &[&str]) -> Result<Option<Value>> {
    python_of(cache("venv-old/bin/python"), script, arguments)
}

fn python_of(interpreter: PathBuf, script: &str, arguments: &[&str]) -> Result<Option<Value>> {
    if !interpreter.exists() {
        missing("the Python environment of scripts/setup python");
        return Ok(None);
    }
    let mut command = Command::new(interpreter);
    command.arg(workspace().join("tests/python").join(script)).args(arguments);
    answer(&mut command, script).map(Some)
}

fn answer(command: &mut Command, name: &str) -> Result<Value> {
    let (stdout, stderr) = run(command, name, LIMIT)?;
    let last = stdout.lines().next_back().unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("{name} printed no JSON:\n{stdout}\n{stderr}"))
}

/// Runs a command to its end without input and gives standard output and error; one that fails or outlives `limit`
/// is an error with all it printed.
pub fn run(command: &mut Command, name: &str, limit: Duration) -> Result<(String, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot run {name}"))?;
    let stdout = follow(child.stdout.take().context("no standard output")?);
    let stderr = follow(child.stderr.take().context("no standard error")?);
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
    let Some(status) = status else { bail!("{name} did not end within {limit:?}:\n{stdout}\n{stderr}") };
    ensure!(status.success(), "{name}: {status}\n{stdout}\n{stderr}");
    Ok((stdout, stderr))
}

fn follow(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _closed = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
