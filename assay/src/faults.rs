//! Fault injection of a build with the feature `faults`: a disk whose syncs are slow or fail. Not part of a release.
//!
//! | variable | effect |
//! |---|---|
//! | `ASSAY_FAULT_SYNC_DELAY_MS` | every sync of a file takes that many milliseconds longer |
//! | `ASSAY_FAULT_SYNC_FAIL_AFTER` | after that many syncs of files every further one fails |

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use assay_broker::log::storage::{Entry, Fs, OpenMode, Storage, StorageFile};

/// The real file system with faulty syncs.
#[derive(Debug)]
pub(crate) struct FaultyFs {
    faults: Arc<Faults>,
}

#[derive(Debug)]
struct Faults {
    delay: Duration,
    /// Syncs that still succeed.
    syncs_left: AtomicU64,
}

impl FaultyFs {
    /// Reads the faults from the environment; what is absent or no number is no fault.
    pub(crate) fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Self::new(
            Duration::from_millis(number("ASSAY_FAULT_SYNC_DELAY_MS").unwrap_or(0)),
            number("ASSAY_FAULT_SYNC_FAIL_AFTER").unwrap_or(u64::MAX),
        )
    }

    fn new(delay: Duration, syncs: u64) -> Self {
        Self { faults: Arc::new(Faults { delay, syncs_left: AtomicU64::new(syncs) }) }
    }
}

impl Faults {
    fn strike(&self) -> io::Result<()> {
        thread::sleep(self.delay);
        let left = |left: u64| left.checked_sub(1);
        match self.syncs_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::other("injected sync failure")),
        }
    }
}

impl Storage for FaultyFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        let file = Fs.open(path, mode)?;
        Ok(Arc::new(FaultyFile { file, faults: Arc::clone(&self.faults) }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Fs.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        Fs.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Fs.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        Fs.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        Fs.remove_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Fs.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Debug + Send + Sync>>> {
        Fs.lock(path)
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Arc<dyn StorageFile>,
    faults: Arc<Faults>,
}

impl StorageFile for FaultyFile {
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(position, bytes)
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(position, buffer)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.strike()?;
        self.file.sync_data()
    }

    fn modified_ms(&self) -> io::Result<i64> {
        self.file.modified_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_fail_after_their_number_and_writes_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let disk = FaultyFs::new(Duration::ZERO, 2);
        let file = disk.open(&folder.path().join("f"), OpenMode::ReadWrite).unwrap();
        for outcome in [true, true, false, false] {
            file.write_at(0, b"x").unwrap();
            assert_eq!(file.sync_data().is_ok(), outcome);
        }
    }

    #[test]
    fn a_delayed_sync_takes_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let disk = FaultyFs::new(Duration::from_millis(20), u64::MAX);
        let file = disk.open(&folder.path().join("f"), OpenMode::ReadWrite).unwrap();
        let began = std::time::Instant::now();
        file.sync_data().unwrap();
        assert!(began.elapsed() >= Duration::from_millis(20));
    }
}
