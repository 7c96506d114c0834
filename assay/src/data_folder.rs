//! The data folder: created when missing, writable, and used by one process at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// File whose lock says that a process uses the folder. It stays when the process ends; only the lock counts.
const LOCK_FILE: &str = "assay.lock";
/// Folder of the broker's log, in Kafka's layout.
pub(crate) const BROKER_FOLDER: &str = "broker";
/// Registry database, unless `--database-url` names another.
const REGISTRY_FILE: &str = "registry.db";

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataFolderError {
    #[error("cannot create the data folder {path}: {source}", path = path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot write to the data folder {path}: {source}", path = path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("the data folder {path} is in use by another assay (process {holder}); one process at a time", path = path.display())]
    InUse { path: PathBuf, holder: String },
}

/// A folder that this process has to itself until the value is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Creates the folder when missing and takes its lock. Never waits for another process.
    pub(crate) fn open(path: &Path) -> Result<Self, DataFolderError> {
        fs::create_dir_all(path)
            .map_err(|source| DataFolderError::Create { path: path.to_owned(), source })?;
        let path = fs::canonicalize(path)
            .map_err(|source| DataFolderError::Create { path: path.to_owned(), source })?;
        let unwritable = |source| DataFolderError::Unwritable { path: path.clone(), source };
        let lock_path = path.join(LOCK_FILE);
        let mut lock = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&lock_path).unwrap_or_default();
                let holder = holder.lines().next().unwrap_or("unknown").to_owned();
                return Err(DataFolderError::InUse { path, holder });
            }
            Err(TryLockError::Error(source)) => return Err(unwritable(source)),
        }
        lock.set_len(0).map_err(unwritable)?;
        writeln!(lock, "{}", std::process::id()).map_err(unwritable)?;
        probe(&path).map_err(unwritable)?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder's absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the broker keeps its log.
    pub(crate) fn broker(&self) -> PathBuf {
        self.path.join(BROKER_FOLDER)
    }

    /// URL of the registry's SQLite file.
    pub(crate) fn database_url(&self) -> String {
        database_url(&self.path)
    }
}

/// URL of the registry's SQLite file in a data folder.
pub(crate) fn database_url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join(REGISTRY_FILE).display())
}

/// Creates and removes a file: a lock file that exists already may be writable in a folder that is not.
fn probe(path: &Path) -> io::Result<()> {
    let probe = path.join(format!(".assay-probe-{}", std::process::id()));
    File::create(&probe)?;
    fs::remove_file(&probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_holder_and_is_free_again_afterwards() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("deep/data");
        let first = DataFolder::open(&path).unwrap();
        let refusal = DataFolder::open(&path).unwrap_err().to_string();
        assert!(refusal.contains("in use by another assay"), "{refusal}");
        assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
        drop(first);
        DataFolder::open(&path).unwrap();
    }

    #[test]
    fn a_file_is_no_data_folder() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        File::create(&path).unwrap();
        let refusal = DataFolder::open(&path).unwrap_err().to_string();
        assert!(refusal.starts_with("cannot create the data folder"), "{refusal}");
    }
}
