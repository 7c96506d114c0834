//! `assay serve`: settles the configuration, runs the parts, and tells how it ended.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::ServeArgs;
use crate::{
    config::{Config, ConfigError},
    lifecycle::{Ending, Signals},
    telemetry,
    wiring::{Parts, StartError},
};

/// Exit code when the command line, the environment or the file makes no sense.
const BAD_CONFIGURATION: u8 = 2;

/// Why `serve` ended badly. Each is one line.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("ASSAY_LOG: {0}")]
    Log(#[from] tracing_subscriber::filter::ParseError),
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("requests were still under way when the shutdown timeout passed")]
    DeadlinePassed,
}

/// Runs until a signal. Prints a failure as one line on standard error.
pub(super) fn run(arguments: &ServeArgs) -> ExitCode {
    match try_run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = error.to_string();
            let line: Vec<&str> = text.split_whitespace().collect();
            eprintln!("assay: {}", line.join(" "));
            match error {
                ServeError::Config(_) | ServeError::Log(_) => ExitCode::from(BAD_CONFIGURATION),
                ServeError::Runtime(_) | ServeError::Start(_) | ServeError::DeadlinePassed => {
                    ExitCode::FAILURE
                }
            }
        }
    }
}

fn try_run(arguments: &ServeArgs) -> Result<(), ServeError> {
    let config = Config::load(arguments, &super::variables())?;
    telemetry::start(config.log_format, config.log_filter.as_deref())?;
    raise_file_limit();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    let ended = runtime.block_on(serve(config));
    // blocking work that outlived its deadline must not hold up the exit
    runtime.shutdown_background();
    ended
}

/// Takes as many file descriptors as the system lets this process have: connections and segments need them.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::debug!(before = current, now = maximum, "file descriptors"),
        Err(error) => tracing::warn!(%error, limit = current, "cannot raise the limit of file descriptors"),
    }
}

async fn serve(config: Config) -> Result<(), ServeError> {
    let signals = Signals::take().map_err(ServeError::Runtime)?;
    let stop = CancellationToken::new();
    let deadline = config.shutdown_timeout;
    match signals.drive(open_and_run(config, stop.clone()), &stop, deadline).await {
        Ending::Ended(result) => result.map_err(ServeError::from),
        Ending::DeadlinePassed => Err(ServeError::DeadlinePassed),
    }
}

/// Opens everything, says so, and serves until `stop`. A signal while opening ends it before anything is served.
async fn open_and_run(config: Config, stop: CancellationToken) -> Result<(), StartError> {
    let parts = Parts::open(&config).await?;
    parts.announce(&config);
    parts.run(stop).await;
    Ok(())
}
