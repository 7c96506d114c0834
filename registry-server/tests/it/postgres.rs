//! A Postgres server for the tests: its own data in a temporary folder, reached over a Unix socket, gone when the test process is.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A running server. A shell holds it and stops it when its standard input closes: on drop, or when this process dies.
pub struct PostgresServer {
    shell: Child,
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
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no Postgres server binaries found, and CI=true");
            eprintln!("skipped: no initdb and postgres under /usr/lib/postgresql or in PATH");
        }
        binaries.map(|binaries| PostgresServer::start(&binaries))
    });
    server.as_ref().map(PostgresServer::create_database)
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
        let mut command = if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(&folder).status().unwrap().success());
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let script = r#"
            cd / || exit 1
            "$1/initdb" -D "$2/data" -U assay -A trust -E UTF8 --no-sync >"$2/initdb.log" 2>&1 || exit 1
            "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=400 >"$2/log" 2>&1 &
            server=$!
            cat >/dev/null
            kill -QUIT $server
            wait $server
            rm -rf "$2""#;
        let shell = command
            .args(["-c", script, "sh"])
            .arg(binaries)
            .arg(&folder)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self { shell, folder };
        server.wait_until_it_answers(binaries);
        server
    }

    fn wait_until_it_answers(&mut self, binaries: &Path) {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let ready = Command::new(binaries.join("pg_isready"))
                .args(["-q", "-U", "assay", "-h"])
                .arg(&self.folder)
                .status()
                .unwrap();
            if ready.success() {
                return;
            }
            assert!(self.shell.try_wait().unwrap().is_none(), "Postgres ended; see {}", self.folder.display());
            assert!(Instant::now() < deadline, "Postgres does not answer; see {}", self.folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn create_database(&self) -> String {
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
        drop(self.shell.stdin.take());
        self.shell.wait().unwrap();
    }
}
