//! The log: on standard error, as text or JSON lines.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, filter::ParseError};

use crate::config::LogFormat;

/// What is logged unless `ASSAY_LOG` says otherwise.
const DEFAULT_FILTER: &str = "info,sqlx=warn,hyper=warn,reqwest=warn,h2=warn";

/// Starts the log. `filter` has the form of `RUST_LOG`: a level, or a list such as `info,assay_broker=debug`.
pub(crate) fn start(format: LogFormat, filter: Option<&str>) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(filter.unwrap_or(DEFAULT_FILTER))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
