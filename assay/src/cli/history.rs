//! `assay history verify`: follows the hash chain of a registry's database and compares the present state with it.

use std::{collections::BTreeMap, io::Write as _, path::Path, process::ExitCode};

use assay_registry_server::{OpenError, RegistryConfig, registry::HistoryCheck, registry::RegistryError};
use clap::{Args, Subcommand};

use super::ServeArgs;
use crate::config::{Config, ConfigError};
use crate::data_folder;

/// Exit code when something was found.
const FOUND: u8 = 3;
/// Exit code when the command line, the environment or the file makes no sense.
const BAD_CONFIGURATION: u8 = 2;

/// What to do with the history.
#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Find edited, removed or inserted rows. Reads everything, changes nothing, may run beside a server
    Verify(VerifyArgs),
}

/// Where the registry's database is; found as `assay serve` finds it.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Data folder with the registry's SQLite file [default: ./assay-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,

    /// Registry database, sqlite:PATH or postgres://... [default: a SQLite file in the data folder]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,

    /// TOML file with the settings of the server
    #[arg(long, value_name = "FILE")]
    config: Option<String>,

    /// Print the result as JSON, as `GET /history/verify` does
    #[arg(long)]
    json: bool,
}

/// Why nothing was verified. Each is one line.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("there is no registry database at {0}")]
    Missing(String),
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
    #[error("cannot open the registry database: {0}")]
    Open(#[from] OpenError),
    #[error("cannot read the registry database: {0}")]
    Read(#[from] RegistryError),
    #[error("cannot print the result: {0}")]
    Print(#[from] serde_json::Error),
}

/// Exit codes: 0 for a whole record, 3 when something was found, 1 when it could not be read, 2 for a bad command line.
pub(super) fn run(command: &HistoryCommand) -> ExitCode {
    let HistoryCommand::Verify(arguments) = command;
    match try_verify(arguments) {
        Ok((text, whole)) => {
            // a reader that went away wants no more
            let _closed = writeln!(std::io::stdout(), "{text}");
            if whole { ExitCode::SUCCESS } else { ExitCode::from(FOUND) }
        }
        Err(error) => {
            eprintln!("assay: {error}");
            match error {
                VerifyError::Config(_) => ExitCode::from(BAD_CONFIGURATION),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// The text to print, and whether the record is whole.
fn try_verify(arguments: &VerifyArgs) -> Result<(String, bool), VerifyError> {
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let serve = ServeArgs {
        data_dir: arguments.data_dir.clone(),
        database_url: arguments.database_url.clone(),
        config: arguments.config.clone(),
        ..ServeArgs::default()
    };
    let config = Config::load(&serve, &variables)?;
    let url = config.database_url.unwrap_or_else(|| data_folder::database_url(&config.data_dir));
    // Opening creates a missing file; verifying must not.
    if let Some(path) = url.strip_prefix("sqlite:")
        && !Path::new(path.strip_prefix("//").unwrap_or(path)).is_file()
    {
        return Err(VerifyError::Missing(path.to_owned()));
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(VerifyError::Runtime)?;
    let check = runtime.block_on(async {
        let registry = assay_registry_server::open(&url, RegistryConfig::default()).await?;
        let check = registry.verify_history().await;
        registry.store().close().await;
        Ok::<HistoryCheck, VerifyError>(check?)
    })?;
    let text = if arguments.json { serde_json::to_string(&check)? } else { report(&check)? };
    Ok((text, check.ok))
}

fn report(check: &HistoryCheck) -> Result<String, serde_json::Error> {
    let mut lines = vec![format!(
        "{} events in the chain, {} not in it yet; {} contents and {} versions compared",
        check.sealed, check.unsealed, check.contents, check.versions
    )];
    if let Some(end) = &check.chain_end {
        lines.push(format!("the chain ends with {end}"));
    }
    for finding in &check.findings {
        lines.push(serde_json::to_string(finding)?);
    }
    lines.push(if check.ok {
        "the record is whole".to_owned()
    } else {
        format!("{} findings", check.findings.len())
    });
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use assay_registry_server::registry::{Origin, RegisterOptions, SchemaInput};
    use assay_schema_core::QualifiedSubject;

    use super::*;

    fn at(folder: &Path) -> VerifyArgs {
        let data_dir = Some(folder.display().to_string());
        VerifyArgs { data_dir, database_url: None, config: None, json: false }
    }

    #[test]
    fn a_registry_that_was_closed_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let url = data_folder::database_url(folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let registry = assay_registry_server::open(&url, RegistryConfig::default()).await.unwrap();
            let input = SchemaInput { schema: "\"int\"".to_owned(), ..SchemaInput::default() };
            let (subject, options) = (QualifiedSubject::parse("s"), RegisterOptions::default());
            registry.register(&subject, &input, options, &Origin::anonymous()).await.unwrap();
            registry.store().seal_events(10).await.unwrap();
            registry.store().close().await;
        });
        let (text, whole) = try_verify(&at(folder.path())).unwrap();
        assert!(whole, "{text}");
        assert!(
            text.starts_with("1 events in the chain, 0 not in it yet; 1 contents and 1 versions compared\n")
        );
        assert!(text.ends_with("\nthe record is whole"), "{text}");
    }

    #[test]
    fn a_missing_database_is_not_created() {
        let folder = tempfile::tempdir().unwrap();
        let refused = try_verify(&at(folder.path())).unwrap_err();
        assert!(refused.to_string().starts_with("there is no registry database at "), "{refused}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
