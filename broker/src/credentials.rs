//! Users and what proves them: salted hashes as SCRAM defines them (RFC 5802), one per user and mechanism. No password is
//! kept. A password sent in the clear (SASL PLAIN) is judged by the same hashes.
//!
//! They live in `assay-users.json` of the data folder:
//!
//! ```text
//! {"version":0,"users":{"ann":{"SCRAM-SHA-256":
//!   {"salt":"...","stored_key":"...","server_key":"...","iterations":8192}}}}
//! ```
//!
//! A change replaces the file whole and is durable before it is acknowledged. Changes exclude each other by
//! `assay-users.lock`, across processes, and a running broker sees the changes of others at its next authentication.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::log::storage::{OpenMode, Storage};
use crate::state_file::{self, StateFileError};

mod file;
mod scram;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use scram::client_proof;
pub(crate) use scram::fill_random;
pub use scram::{ITERATIONS_DEFAULT, ITERATIONS_MAX, ITERATIONS_MIN, ScramCredential, ScramMechanism};

/// Name of the file.
pub(crate) const FILE: &str = "assay-users.json";
const LOCK: &str = "assay-users.lock";
/// Longest name of a user, in bytes.
pub const USER_BYTES_MAX: usize = 255;
/// Tries to get the lock, and the pause between them.
const LOCK_ATTEMPTS: usize = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Why users cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The disk failed.
    #[error("{FILE}: {0}")]
    Io(#[from] io::Error),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] StateFileError),
    /// Another process is changing them and does not come to an end.
    #[error("{LOCK} is held by another process")]
    Busy,
}

/// A user's credentials by mechanism.
pub type OfUser = BTreeMap<ScramMechanism, ScramCredential>;
/// All users by name.
pub type Users = BTreeMap<String, OfUser>;

/// One change of one user and mechanism.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds or replaces.
    Put(String, ScramMechanism, ScramCredential),
    /// Removes; nothing happens when there is none.
    Remove(String, ScramMechanism),
}

/// The users of a data folder. Calls block.
#[derive(Debug)]
pub struct Credentials {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    loaded: Mutex<Loaded>,
    /// Makes up salts for users that do not exist, the same each time, so that they look like the others.
    decoy_secret: [u8; 32],
}

#[derive(Debug, Default)]
struct Loaded {
    users: Arc<Users>,
    stamp: Option<(i64, u64)>,
}

impl Credentials {
    /// Reads the users of the folder; a missing file has none.
    pub fn open(storage: Arc<dyn Storage>, dir: &Path) -> Result<Self, CredentialsError> {
        let mut decoy_secret = [0; 32];
        fill_random(&mut decoy_secret)?;
        let credentials = Self { storage, dir: dir.to_owned(), loaded: Mutex::default(), decoy_secret };
        let mut loaded = credentials.lock();
        credentials.refresh(&mut loaded)?;
        drop(loaded);
        Ok(credentials)
    }

    /// All users as of now.
    pub fn users(&self) -> Result<Arc<Users>, CredentialsError> {
        let mut loaded = self.lock();
        self.refresh(&mut loaded)?;
        Ok(Arc::clone(&loaded.users))
    }

    /// All users as of now, or as of the last time that they could be read.
    fn last_users(&self) -> Arc<Users> {
        self.users().unwrap_or_else(|error| {
            tracing::error!(%error, "users cannot be read again, the ones before stay");
            Arc::clone(&self.lock().users)
        })
    }

    /// The credential of a user, or one made up that nothing proves. The flag tells which.
    pub(crate) fn find(&self, user: &str, mechanism: ScramMechanism) -> (ScramCredential, bool) {
        let users = self.last_users();
        match users.get(user).and_then(|of_user| of_user.get(&mechanism)) {
            Some(credential) => (credential.clone(), true),
            None => (ScramCredential::decoy(mechanism, user, &self.decoy_secret), false),
        }
    }

    /// Whether `password` is the user's, by the strongest mechanism the user has. One password is hashed, also for users that
    /// do not exist.
    pub(crate) fn verify(&self, user: &str, password: &str) -> bool {
        let users = self.last_users();
        if let Some((mechanism, credential)) = users.get(user).and_then(OfUser::last_key_value) {
            return credential.is_proved_by(*mechanism, password);
        }
        // as costly as for those who exist
        let strongest = users.values().filter_map(|of_user| of_user.keys().next_back().copied()).max();
        let mechanism = strongest.unwrap_or(ScramMechanism::Sha256);
        let decoy = ScramCredential::decoy(mechanism, user, &self.decoy_secret);
        let _never = decoy.is_proved_by(mechanism, password);
        false
    }

    /// Makes all `changes` at once; durable on return.
    pub fn apply(&self, changes: Vec<Change>) -> Result<(), CredentialsError> {
        let _exclusive = self.exclude_others()?;
        let mut loaded = self.lock();
        self.refresh(&mut loaded)?;
        let mut users = Users::clone(&loaded.users);
        for change in changes {
            match change {
                Change::Put(user, mechanism, credential) => {
                    users.entry(user).or_default().insert(mechanism, credential);
                }
                Change::Remove(user, mechanism) => {
                    if let Some(of_user) = users.get_mut(&user) {
                        of_user.remove(&mechanism);
                        if of_user.is_empty() {
                            users.remove(&user);
                        }
                    }
                }
            }
        }
        state_file::replace(self.storage.as_ref(), &self.dir, FILE, &file::write(&users))?;
        loaded.stamp = self.stamp()?;
        loaded.users = Arc::new(users);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exclude_others(&self) -> Result<impl Sized, CredentialsError> {
        for _ in 0..LOCK_ATTEMPTS {
            if let Some(lock) = self.storage.lock(&self.dir.join(LOCK))? {
                return Ok(lock);
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        Err(CredentialsError::Busy)
    }

    /// Reads the file again when it has changed.
    fn refresh(&self, loaded: &mut Loaded) -> Result<(), CredentialsError> {
        let stamp = self.stamp()?;
        if stamp == loaded.stamp {
            return Ok(());
        }
        let content = state_file::read(self.storage.as_ref(), &self.dir, FILE)?;
        let users = content.as_ref().map_or_else(|| Ok(Users::new()), file::read)?;
        *loaded = Loaded { users: Arc::new(users), stamp };
        Ok(())
    }

    fn stamp(&self) -> Result<Option<(i64, u64)>, CredentialsError> {
        match self.storage.open(&self.dir.join(FILE), OpenMode::Read) {
            Ok(file) => Ok(Some((file.modified_ms()?, file.size()?))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
