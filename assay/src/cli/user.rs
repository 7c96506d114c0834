//! `assay user`: who may log in to the broker's SASL listeners. Works on the data folder, while the broker runs or not.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use assay_broker::{
    Credentials,
    credentials::{
        Change, CredentialsError, ITERATIONS_DEFAULT, ScramCredential, ScramMechanism, USER_BYTES_MAX,
    },
    log::storage::{Fs, Storage as _},
};
use clap::{Args, Subcommand};

use super::ServeArgs;
use crate::{
    config::{Config, ConfigError},
    data_folder::BROKER_FOLDER,
};

/// Longest password that is read.
const PASSWORD_BYTES_MAX: u64 = 4096;

/// `assay user ...`.
#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a user, or change the password; it is asked for, or is the first line of standard input
    Add {
        /// Name of the user
        name: String,
        /// File whose first line is the password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Remove a user
    Remove {
        /// Name of the user
        name: String,
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// List the users and their mechanisms
    List {
        #[command(flatten)]
        folder: FolderArgs,
    },
}

/// Where the data folder is.
#[derive(Debug, Args)]
struct FolderArgs {
    /// The data folder [default: ./assay-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,

    /// TOML file that names it
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
}

/// Why it did not work. Each is one line.
#[derive(Debug, thiserror::Error)]
enum UserError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("cannot use {path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("cannot read the password: {0}")]
    Password(io::Error),
    #[error("the two passwords differ")]
    Differ,
    #[error("the password is empty")]
    Empty,
    #[error("a user's name has 1 to {USER_BYTES_MAX} bytes, none of them a control character")]
    Name,
    #[error("there is no user called {0}")]
    Unknown(String),
}

/// Does it. Prints a failure as one line on standard error.
pub(super) fn run(arguments: UserArgs) -> ExitCode {
    match act(arguments.action) {
        Ok(text) => {
            let mut out = io::stdout();
            let _closed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("assay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn act(action: Action) -> Result<String, UserError> {
    match action {
        Action::Add { name, password_file, folder } => {
            if name.is_empty() || name.len() > USER_BYTES_MAX || name.chars().any(char::is_control) {
                return Err(UserError::Name);
            }
            let users = open(folder)?;
            let password = password(password_file)?;
            let changes = ScramMechanism::ALL.map(|mechanism| {
                let credential = ScramCredential::from_password(mechanism, &password, ITERATIONS_DEFAULT)?;
                Ok(Change::Put(name.clone(), mechanism, credential))
            });
            let changes =
                changes.into_iter().collect::<Result<_, io::Error>>().map_err(UserError::Password)?;
            users.apply(changes)?;
            Ok(format!("user {name} can log in\n"))
        }
        Action::Remove { name, folder } => {
            let users = open(folder)?;
            if !users.users()?.contains_key(&name) {
                return Err(UserError::Unknown(name));
            }
            users.apply(ScramMechanism::ALL.map(|one| Change::Remove(name.clone(), one)).to_vec())?;
            Ok(format!("user {name} is gone; its open connections stay until they end\n"))
        }
        Action::List { folder } => {
            let users = open(folder)?.users()?;
            let row = |(name, of_user): (&String, &BTreeMap<ScramMechanism, ScramCredential>)| {
                let mechanisms: Vec<_> = of_user.keys().map(|mechanism| mechanism.name()).collect();
                format!("{name} {}\n", mechanisms.join(","))
            };
            Ok(users.iter().map(row).collect())
        }
    }
}

fn open(folder: FolderArgs) -> Result<Credentials, UserError> {
    let arguments = ServeArgs { data_dir: folder.data_dir, config: folder.config, ..ServeArgs::default() };
    let dir = Config::data_dir_of(&arguments, &super::variables())?.join(BROKER_FOLDER);
    Fs.create_dir(&dir).map_err(|source| UserError::File { path: dir.clone(), source })?;
    Ok(Credentials::open(Arc::new(Fs), &dir)?)
}

fn password(file: Option<PathBuf>) -> Result<String, UserError> {
    let password = match file {
        Some(path) => {
            let failed = |source| UserError::File { path: path.clone(), source };
            let mut text = String::new();
            let opened = std::fs::File::open(&path).map_err(failed)?;
            opened.take(PASSWORD_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        None if io::stdin().is_terminal() => {
            let first = ask("password: ").map_err(UserError::Password)?;
            let second = ask("again: ").map_err(UserError::Password)?;
            if first != second {
                return Err(UserError::Differ);
            }
            first
        }
        None => read_line().map_err(UserError::Password)?,
    };
    if password.is_empty() { Err(UserError::Empty) } else { Ok(password) }
}

fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(PASSWORD_BYTES_MAX).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks on the terminal without showing what is typed.
fn ask(prompt: &str) -> io::Result<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    eprint!("{prompt}");
    let before = tcgetattr(io::stdin())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
    let line = read_line();
    let restored = tcsetattr(io::stdin(), OptionalActions::Flush, &before);
    eprintln!();
    restored?;
    line
}
