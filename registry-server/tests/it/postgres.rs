//! A Postgres server for the tests: its own data in a temporary folder, reached over a Unix socket, gone when the test process is.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A running server. A shell holds it and stops it when its standard input closes: on drop, or when this process dies.
pub struct PostgresServer {
    shell: Option<Child>,
    folder: PathBuf,
}

static SHARED: OnceLock<Option<PostgresServer>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// URL of a fresh, empty database on the server that all tests share; `None`, with the reason printed, if this machine has no
/// Postgres binaries. With `CI=true` that is a failure.
pub fn fresh_database() -> Option<String> {
    let server = SHARED.get_or_init(|| {
        let binaries = binaries();
        if binaries.is_none() {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "no Postgres server binaries found, and CI=true"
            );
            eprintln!("skipped: no initdb and postgres under /usr/lib/postgresql or in PATH");
        }
        binaries.map(|binaries| PostgresServer::start(&binaries))
    });
    server.as_ref().map(PostgresServer::create_database)
}

/// A server of one test's own, which it may stop and start again.
pub fn own_server() -> Option<PostgresServer> {
    fresh_database()?;
    Some(PostgresServer::start(&binaries()?))
}

fn binaries() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

impl PostgresServer {
    fn start(binaries: &Path) -> Self {
        let folder = std::env::temp_dir().join(format!("assay-pg-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(&folder).status().unwrap().success());
        }
        let mut server = Self { shell: None, folder };
        server.run(binaries);
        server
    }

    /// Starts the process over the folder's data. Its last line removes the folder once this process is gone without a drop.
    fn run(&mut self, binaries: &Path) {
        let mut command = Command::new(if is_root() { "runuser" } else { "sh" });
        if is_root() {
            command.args(["-u", "postgres", "--", "sh"]);
        }
        let script = r#"
            cd / || exit 1
            test -d "$2/data" ||
                "$1/initdb" -D "$2/data" -U assay -A trust -E UTF8 --no-sync >"$2/initdb.log" 2>&1 || exit 1
            "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=400 >"$2/log" 2>&1 &
            server=$!
            keep=$(cat)
            kill -QUIT $server
            wait $server
            test "$keep" || rm -rf "$2""#;
        let mut command = command.args(["-c", script, "sh"]);
        command = command.arg(binaries).arg(&self.folder).stdin(Stdio::piped());
        self.shell = Some(command.spawn().unwrap());
        self.wait_until_it_answers(binaries);
    }

    /// Stops the process at once and keeps its data.
    pub fn stop(&mut self) {
        let mut shell = self.shell.take().unwrap();
        shell.stdin.take().unwrap().write_all(b"keep").unwrap();
        shell.wait().unwrap();
    }

    /// Starts it again.
    pub fn restart(&mut self) {
        self.run(&binaries().unwrap());
    }

    fn wait_until_it_answers(&mut self, binaries: &Path) {
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            let ready = Command::new(binaries.join("pg_isready"))
                .args(["-q", "-U", "assay", "-h"])
                .arg(&self.folder)
                .status()
                .unwrap();
            if ready.success() {
                return;
            }
            assert!(
                self.shell.as_mut().unwrap().try_wait().unwrap().is_none(),
                "Postgres ended; see {}",
                self.folder.display()
            );
            assert!(Instant::now() < deadline, "Postgres does not answer; see {}", self.folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn create_database(&self) -> String {
        let name = format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let created = Command::new(binaries().unwrap().join("createdb"))
            .args(["-U", "assay", "-h"])
            .arg(&self.folder)
            .arg(&name)
            .status()
            .unwrap();
        assert!(created.success());
        format!("postgres://assay@localhost/{name}?host={}", self.folder.display())
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            shell.wait().unwrap();
        }
        // Left behind when the server was stopped to be started again.
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
