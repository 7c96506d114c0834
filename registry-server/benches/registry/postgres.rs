//! A Postgres server of this benchmark's own, in a temporary folder, with its usual durability.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// The server ends, and its folder goes, when the shell's standard input closes: however this process ends.
const SCRIPT: &str = r#"
    cd / || exit 1
    "$1/initdb" -D "$2/data" -U assay -A trust -E UTF8 --no-sync >"$2/initdb.log" 2>&1 || exit 1
    "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=100 >"$2/log" 2>&1 &
    server=$!
    cat >/dev/null
    kill -QUIT $server
    wait $server
    rm -rf "$2""#;

pub(crate) struct PostgresServer {
    shell: Child,
    binaries: PathBuf,
    folder: PathBuf,
}

fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok();
    let mut folders: Vec<PathBuf> =
        versions.into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

impl PostgresServer {
    /// `None` where its binaries are missing.
    pub(crate) fn start() -> Outcome<Option<Self>> {
        let Some(binaries) = binaries() else { return Ok(None) };
        let name = format!("assay-bench-pg-{}-{}", std::process::id(), uuid::Uuid::new_v4().simple());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder)?;
        // Postgres refuses to run as root.
        let mut command = Command::new(if is_root() { "runuser" } else { "sh" });
        if is_root() {
            Command::new("chown").arg("postgres").arg(&folder).status()?;
            command.args(["-u", "postgres", "--", "sh"]);
        }
        let shell =
            command.args(["-c", SCRIPT, "sh"]).arg(&binaries).arg(&folder).stdin(Stdio::piped()).spawn()?;
        let server = Self { shell, binaries, folder };
        let deadline = Instant::now() + Duration::from_mins(2);
        while !server.run("pg_isready", &["-q"])? {
            if Instant::now() > deadline {
                return Err("Postgres does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Some(server))
    }

    fn run(&self, tool: &str, words: &[&str]) -> Outcome<bool> {
        let tool: &Path = &self.binaries.join(tool);
        let mut command = Command::new(tool);
        command.args(["-U", "assay", "-h"]).arg(&self.folder).args(words);
        Ok(command.stdout(Stdio::null()).status()?.success())
    }

    /// Creates a database and returns its URL.
    pub(crate) fn url(&self, database: &str) -> Outcome<String> {
        if !self.run("createdb", &[database])? {
            return Err(format!("cannot create the database {database}").into());
        }
        Ok(format!("postgres://assay@localhost/{database}?host={}", self.folder.display()))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ended = self.shell.wait();
    }
}
