//! A Postgres server of its own: data in a temporary folder, reached over a Unix socket.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::missing;

/// Longest start of the server.
const START_LIMIT: Duration = Duration::from_mins(2);

/// Run by a shell that outlives this process only until its standard input closes: however a test ends, the server
/// and its folder go.
const SCRIPT: &str = r#"
    cd / || exit 1
    "$1/initdb" -D "$2/data" -U assay -A trust -E UTF8 --no-sync >"$2/initdb.log" 2>&1 || exit 1
    "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=200 >"$2/log" 2>&1 &
    server=$!
    cat >/dev/null
    kill -QUIT $server
    wait $server
    rm -rf "$2""#;

/// A running server; stopped on drop.
#[derive(Debug)]
pub struct PostgresServer {
    shell: Child,
    folder: PathBuf,
}

impl PostgresServer {
    /// Starts a server; `None`, with the reason printed, where its binaries are missing.
    pub fn start() -> Result<Option<Self>> {
        let Some(binaries) = binaries() else {
            missing("the Postgres server (initdb and postgres)");
            return Ok(None);
        };
        let folder = std::env::temp_dir().join(format!("assay-e2e-pg-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder)?;
        let mut command = if rustix::process::geteuid().is_root() {
            // Postgres refuses to run as root
            let handed = Command::new("chown").arg("postgres").arg(&folder).status()?;
            ensure!(handed.success(), "cannot hand {} to the user postgres", folder.display());
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        command.args(["-c", SCRIPT, "sh"]).arg(&binaries).arg(&folder).stdin(Stdio::piped());
        let mut server = Self { shell: command.spawn()?, folder };
        server.create_database(&binaries)?;
        Ok(Some(server))
    }

    /// URL of the server's database.
    pub fn url(&self) -> String {
        format!("postgres://assay@localhost/registry?host={}", self.folder.display())
    }

    /// Waits for the server by creating the database until that works.
    fn create_database(&mut self, binaries: &Path) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let mut command = Command::new(binaries.join("createdb"));
            command.args(["-U", "assay", "-h"]).arg(&self.folder).arg("registry").stderr(Stdio::null());
            if command.status().context("cannot run createdb")?.success() {
                return Ok(());
            }
            ensure!(self.shell.try_wait()?.is_none(), "Postgres ended; see {}", self.folder.display());
            ensure!(Instant::now() < deadline, "Postgres does not answer; see {}", self.folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _reaped = self.shell.wait();
    }
}

/// The newest server under Debian's folder, else the one in `PATH`.
fn binaries() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}
