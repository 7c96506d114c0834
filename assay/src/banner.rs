//! What a newcomer sees when everything is up: what listens where, where the data is, what to try next.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::Path,
};

/// What is up. A part that this process does not run is absent.
#[derive(Debug)]
pub(crate) struct Banner<'a> {
    /// `http://HOST:PORT` of the registry as a client on this machine reaches it.
    pub(crate) registry: Option<&'a str>,
    /// `HOST:PORT` of the first broker listener as advertised.
    pub(crate) broker: Option<&'a str>,
    /// All broker listeners, as `NAME://HOST:PORT`.
    pub(crate) listeners: &'a [String],
    pub(crate) data: Option<&'a Path>,
    /// The database where it is not in the data folder, without its password.
    pub(crate) database: Option<&'a str>,
}

impl Banner<'_> {
    /// The one line for machines, without its line end: `assay ready registry=URL broker=HOST:PORT`.
    /// A role that is not run has no part in it.
    pub(crate) fn ready_line(&self) -> String {
        let mut line = "assay ready".to_owned();
        if let Some(url) = self.registry {
            let _infallible = write!(line, " registry={url}");
        }
        if let Some(address) = self.broker {
            let _infallible = write!(line, " broker={address}");
        }
        line
    }

    /// The screen for people.
    pub(crate) fn screen(&self) -> String {
        let mut text = format!("\n  Assay {} is ready\n\n", env!("CARGO_PKG_VERSION"));
        let mut row = |name: &str, value: &str| {
            let _infallible = writeln!(text, "    {name:<10}{value}");
        };
        if let Some(url) = self.registry {
            row("registry", url);
        }
        for (at, listener) in self.listeners.iter().enumerate() {
            row(if at == 0 { "broker" } else { "" }, listener);
        }
        if let Some(data) = self.data {
            row("data", &data.display().to_string());
        }
        if let Some(database) = self.database {
            row("database", database);
        }
        let steps = self.steps();
        if !steps.is_empty() {
            text.push_str("\n  Try next:\n\n");
        }
        for (title, command) in steps {
            let _infallible = writeln!(text, "    # {title}\n    {command}\n");
        }
        text
    }

    fn steps(&self) -> Vec<(&'static str, String)> {
        let mut steps = Vec::new();
        if let Some(url) = self.registry {
            steps.push((
                "register a schema",
                format!(
                    "curl -X POST {url}/subjects/hello-value/versions -H 'Content-Type: application/json' \\\n      \
                     -d '{{\"schema\": \"\\\"string\\\"\"}}'"
                ),
            ));
            steps.push(("list the subjects", format!("curl {url}/subjects")));
        }
        if let Some(address) = self.broker {
            steps.push((
                "produce and consume",
                format!(
                    "echo hello | kcat -P -b {address} -t hello && kcat -C -b {address} -t hello -o beginning -e"
                ),
            ));
        }
        steps
    }

    /// Writes the screen to standard error when `screen` is set, then the ready line, and only that, to
    /// standard output. A closed output is no reason to stop.
    pub(crate) fn print(&self, screen: bool) {
        if screen {
            let _closed = io::stderr().write_all(self.screen().as_bytes());
        }
        let mut out = io::stdout();
        let _closed = writeln!(out, "{}", self.ready_line()).and_then(|()| out.flush());
    }
}

/// A database URL without its password, for the screen and the log.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let shown = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    let tail = tail.split('?').next().unwrap_or_default();
    format!("{scheme}://{shown}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_names_what_runs() {
        let mut banner = Banner {
            registry: Some("http://127.0.0.1:8081"),
            broker: Some("127.0.0.1:9092"),
            listeners: &["PLAINTEXT://127.0.0.1:9092".to_owned()],
            data: Some(Path::new("/data")),
            database: None,
        };
        assert_eq!(banner.ready_line(), "assay ready registry=http://127.0.0.1:8081 broker=127.0.0.1:9092");
        let screen = banner.screen();
        assert_eq!(screen.matches("    # ").count(), 3, "{screen}");
        assert!(screen.contains("/data") && screen.lines().count() <= 24, "{screen}");
        banner.broker = None;
        banner.listeners = &[];
        assert_eq!(banner.ready_line(), "assay ready registry=http://127.0.0.1:8081");
    }

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("postgres://assay:secret@db:5432/assay?sslmode=require", "postgres://assay@db:5432/assay"),
            ("postgres://db/assay?password=secret", "postgres://db/assay"),
            ("sqlite:/data/registry.db", "sqlite:/data/registry.db"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
