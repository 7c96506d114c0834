//! The servers that are compared: ours, Apache Kafka with one KRaft node, and the sink.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use harness::{Assay, Launch, workspace};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};
use tempfile::TempDir;

/// Heap of Kafka's JVM: what its own start script sets.
pub(crate) const KAFKA_HEAP: &str = "-Xms1G -Xmx1G";
const START_LIMIT: Duration = Duration::from_mins(3);

/// A running server; killed on drop.
#[derive(Debug)]
pub(crate) enum Server {
    Assay(Box<Assay>),
    Kafka { child: Child, address: String, folder: Arc<TempDir> },
    Sink { child: Child, address: String },
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Self::Kafka { child, .. } | Self::Sink { child, .. } = self {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

impl Server {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Assay(_) => "assay",
            Self::Kafka { .. } => "Kafka",
            Self::Sink { .. } => "sink",
        }
    }

    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Assay(assay) => &assay.broker,
            Self::Kafka { address, .. } | Self::Sink { address, .. } => address,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Assay(assay) => assay.pid(),
            Self::Kafka { child, .. } | Self::Sink { child, .. } => child.id(),
        }
    }

    /// Where it keeps its log.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Assay(assay) => Some(assay.data.path()),
            Self::Kafka { folder, .. } => Some(folder.path()),
            Self::Sink { .. } => None,
        }
    }

    /// Whether topics can be created.
    pub(crate) fn has_topics(&self) -> bool {
        !matches!(self, Self::Sink { .. })
    }

    /// Only the broker, on a fresh folder.
    pub(crate) fn assay() -> Result<Self> {
        Self::assay_as(Launch::default())
    }

    pub(crate) fn assay_as(launch: Launch) -> Result<Self> {
        let server = Self::Assay(Box::new(launch.start()?));
        await_metadata(server.address())?;
        Ok(server)
    }

    /// A KRaft node on a fresh folder.
    pub(crate) fn kafka() -> Result<Self> {
        let folder = Arc::new(tempfile::tempdir()?);
        let (broker, controller) = (free_port()?, free_port()?);
        let address = format!("127.0.0.1:{broker}");
        let settings = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://{address},CONTROLLER://127.0.0.1:{controller}\n\
             controller.listener.names=CONTROLLER\nlog.dirs={}\noffsets.topic.replication.factor=1\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\nlog.segment.delete.delay.ms=1000\n",
            folder.path().join("log").display()
        );
        let path = folder.path().join("server.properties");
        std::fs::write(&path, settings)?;
        let formatted = java(&["-cp", &jars()?, "kafka.tools.StorageTool", "format", "--standalone"])
            .args(["--ignore-formatted", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"])
            .arg(&path)
            .output()?;
        // static voters do not go with --standalone; older and newer tools differ
        if !formatted.status.success() {
            let formatted = java(&["-cp", &jars()?, "kafka.tools.StorageTool", "format"])
                .args(["--ignore-formatted", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"])
                .arg(&path)
                .output()?;
            ensure!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
        }
        Self::kafka_on(folder, address)
    }

    /// A KRaft node on the folder of one that was stopped.
    pub(crate) fn kafka_on(folder: Arc<TempDir>, address: String) -> Result<Self> {
        let jars = jars()?;
        let heap: Vec<&str> = KAFKA_HEAP.split(' ').collect();
        let child = java(&heap)
            .args(["-server", "-XX:+UseG1GC", "-cp", &jars, "kafka.Kafka"])
            .arg(folder.path().join("server.properties"))
            .spawn()?;
        let server = Self::Kafka { child, address, folder };
        await_metadata(server.address())?;
        Ok(server)
    }

    /// A server that acknowledges and keeps nothing.
    pub(crate) fn sink() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("--sink").stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().context("stdout")?).read_line(&mut address)?;
        Ok(Self::Sink { child, address: address.trim().to_owned() })
    }

    /// SIGKILL, then a new process on the same folder. Gives it with the seconds until it answered.
    pub(crate) fn kill_and_restart(mut self) -> Result<(Self, f64)> {
        if let Self::Kafka { child, address, folder } = &mut self {
            child.kill()?;
            child.wait()?;
            let (folder, address) = (Arc::clone(folder), address.clone());
            let began = Instant::now();
            return Ok((Self::kafka_on(folder, address)?, began.elapsed().as_secs_f64()));
        }
        let Self::Assay(assay) = &self else { bail!("the sink keeps nothing") };
        let folder = Arc::clone(&assay.data);
        drop(self);
        let began = Instant::now();
        let again = Self::assay_as(Launch::default().on(folder))?;
        Ok((again, began.elapsed().as_secs_f64()))
    }
}

fn java(words: &[&str]) -> Command {
    let mut command = Command::new("java");
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The class path of Kafka.
fn jars() -> Result<String> {
    let folder: PathBuf = workspace().join(".cache/java/lib");
    ensure!(folder.exists(), "Kafka's jars are missing: scripts/setup java");
    Ok(format!("{}/*", folder.display()))
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn await_metadata(address: &str) -> Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    // asks often itself: a client's own back-off would be measured as the server's start
    while std::net::TcpStream::connect(address).is_err() {
        ensure!(Instant::now() < deadline, "nobody listens at {address}");
        std::thread::sleep(Duration::from_millis(2));
    }
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", address).set("reconnect.backoff.ms", "5").create()?;
    while client.fetch_metadata(None, Duration::from_secs(5)).is_err() {
        ensure!(Instant::now() < deadline, "no metadata from {address}");
    }
    Ok(())
}
