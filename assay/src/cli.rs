//! The command line: `assay [serve] [FLAGS]`.
//!
//! Flags are taken as text and settled in [`crate::config`], so that a bad value is one line that names
//! where the value came from, whether that was a flag, the environment or the file.

use std::{collections::BTreeMap, ffi::OsString, process::ExitCode};

use clap::{Args, Parser, Subcommand};

mod history;
mod serve;
mod user;

/// What `--version` prints. A build with fault injection says so; a release must not be one.
const VERSION: &str = if cfg!(feature = "faults") {
    concat!(env!("CARGO_PKG_VERSION"), " with fault injection")
} else {
    env!("CARGO_PKG_VERSION")
};

/// A Confluent-compatible schema registry and a Kafka-protocol broker in one process.
#[derive(Debug, Parser)]
#[command(name = "assay", version = VERSION, args_conflicts_with_subcommands = true, max_term_width = 110)]
#[command(after_help = "\
Precedence: flags, ASSAY_* variables, SCHEMA_REGISTRY_* variables, --config FILE, defaults.
Every flag has a variable: --data-dir is ASSAY_DATA_DIR. ASSAY_LOG=debug logs more.

Try:
  assay                                   registry on port 8081, broker on port 9092
  assay serve --data-dir /var/lib/assay   the same, with the data elsewhere
  assay serve --roles registry --database-url postgres://user@host/db   one of several nodes")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the registry and the broker (the default when no command is given)
    Serve(Box<ServeArgs>),
    /// Say who may log in to the broker's SASL listeners
    User(user::UserArgs),
    /// Look at the registry's history
    #[command(subcommand)]
    History(history::HistoryCommand),
}

/// The flags of `assay serve`, as text.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Folder for everything that is kept; created when missing [default: ./assay-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<String>,

    /// What this process does: registry, broker, or both [default: registry,broker]
    #[arg(long, value_name = "ROLES")]
    pub(crate) roles: Option<String>,

    /// Address of the REST interface; port 0 picks a free one [default: 127.0.0.1:8081]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) registry_listen: Option<String>,

    /// Address of the Kafka protocol; may be given several times, each with its own NAME
    /// [default: 127.0.0.1:9092]
    #[arg(long, value_name = "[NAME://]HOST:PORT")]
    pub(crate) broker_listen: Vec<String>,

    /// Address that clients are told to use for the listener of that NAME; port 0 means the bound port
    /// [default: the listen address]
    #[arg(long, value_name = "[NAME://]HOST:PORT")]
    pub(crate) broker_advertise: Vec<String>,

    /// Registry database, sqlite:PATH or postgres://... [default: a SQLite file in the data folder]
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,

    /// Registry that a process with the broker role alone asks about schemas
    #[arg(long, value_name = "URL")]
    pub(crate) registry_url: Option<String>,

    /// Kafka's server.properties, as broker settings below all others
    #[arg(long, value_name = "FILE")]
    pub(crate) server_properties: Option<String>,

    /// A Kafka broker setting, such as num.partitions=3; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) broker_config: Vec<String>,

    /// Compatibility level where neither subject, context nor global level was set [default: BACKWARD]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) compatibility: Option<String>,

    /// Whether modes may be changed over REST, true or false [default: true]
    #[arg(long, value_name = "BOOL")]
    pub(crate) mode_mutability: Option<String>,

    /// Seconds for requests in flight to finish after the first signal [default: 10]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) shutdown_timeout: Option<String>,

    /// Form of the log on standard error: text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,

    /// TOML file with the same settings (docs/configuration.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
}

/// Runs the command and reports a failure as one line on standard error.
///
/// Exit codes: 0 after a drained stop, 1 when something could not be started or kept running, 2 when the
/// command line, the environment or the file makes no sense.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return report_usage(&error),
    };
    let arguments = match cli.command {
        Some(Command::Serve(arguments)) => *arguments,
        Some(Command::User(arguments)) => return user::run(arguments),
        Some(Command::History(command)) => return history::run(&command),
        None => cli.serve,
    };
    serve::run(&arguments)
}

/// The environment, as far as it is UTF-8.
fn variables() -> BTreeMap<String, String> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// Prints clap's answer: help and version as they are, an error cut to its first line.
fn report_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    eprintln!("assay: {}; `assay --help` lists what there is", first.trim_start_matches("error: "));
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_the_default_command() {
        let bare = Cli::try_parse_from(["assay", "--data-dir", "x"]).unwrap();
        assert!(bare.command.is_none());
        assert_eq!(bare.serve.data_dir.as_deref(), Some("x"));
        let named = Cli::try_parse_from(["assay", "serve", "--data-dir", "x"]).unwrap();
        let Some(Command::Serve(arguments)) = named.command else { panic!("serve was not taken") };
        assert_eq!(arguments.data_dir.as_deref(), Some("x"));
    }

    #[test]
    fn listener_flags_repeat() {
        let cli = Cli::try_parse_from(["assay", "--broker-listen", "A://h:1", "--broker-listen", "B://h:2"])
            .unwrap();
        assert_eq!(cli.serve.broker_listen, ["A://h:1", "B://h:2"]);
    }

    #[test]
    fn help_fits_a_terminal() {
        let help = Cli::command().render_help().to_string();
        assert!(help.contains("--broker-advertise"), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 112), "{help}");
    }
}
