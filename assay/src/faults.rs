//! Fault injection of a build with the feature `faults`: a disk that is slow, full, read-only, or fails to sync. Not part of
//! a release.
//!
//! | variable | effect |
//! |---|---|
//! | `ASSAY_FAULT_SYNC_DELAY_MS` | every sync of a file takes that many milliseconds longer |
//! | `ASSAY_FAULT_SYNC_FAIL_AFTER` | after that many syncs of files every further one fails |
//! | `ASSAY_FAULT_CONTROL` | a file whose text is read before every change: while it says `full`, what would take space fails with `ENOSPC`; while it says `read-only`, every change fails with `EROFS`; anything else is no fault |

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use assay_broker::log::storage::{Entry, Fs, OpenMode, Storage, StorageFile};
use rustix::io::Errno;

/// The real file system with faults.
#[derive(Debug)]
pub(crate) struct FaultyFs {
    faults: Arc<Faults>,
}

#[derive(Debug)]
struct Faults {
    delay: Duration,
    /// Syncs that still succeed.
    syncs_left: AtomicU64,
    /// The file that switches faults on and off while the process runs.
    control: Option<PathBuf>,
}

/// What a change does to the space on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Takes some, as a write or a new file does.
    Takes,
    /// Takes none, as removing, renaming and cutting short do.
    Frees,
}

impl FaultyFs {
    /// Reads the faults from the environment; what is absent or no number is no fault.
    pub(crate) fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Self::new(
            Duration::from_millis(number("ASSAY_FAULT_SYNC_DELAY_MS").unwrap_or(0)),
            number("ASSAY_FAULT_SYNC_FAIL_AFTER").unwrap_or(u64::MAX),
            std::env::var_os("ASSAY_FAULT_CONTROL").map(PathBuf::from),
        )
    }

    fn new(delay: Duration, syncs: u64, control: Option<PathBuf>) -> Self {
        Self { faults: Arc::new(Faults { delay, syncs_left: AtomicU64::new(syncs), control }) }
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

    /// Refuses a change while the control file says so.
    fn allow(&self, change: Change) -> io::Result<()> {
        let Some(control) = &self.control else { return Ok(()) };
        match std::fs::read_to_string(control).unwrap_or_default().trim() {
            "full" if change == Change::Takes => Err(io::Error::from(Errno::NOSPC)),
            "read-only" => Err(io::Error::from(Errno::ROFS)),
            _ => Ok(()),
        }
    }
}

impl Storage for FaultyFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        let takes = match mode {
            OpenMode::Read => false,
            OpenMode::ReadWrite => !path.exists(),
            OpenMode::Truncate | OpenMode::TruncatePrivate => true,
        };
        if takes {
            self.faults.allow(Change::Takes)?;
        }
        let file = Fs.open(path, mode)?;
        Ok(Arc::new(FaultyFile { file, faults: Arc::clone(&self.faults) }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.faults.allow(Change::Takes)?;
        Fs.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        Fs.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.allow(Change::Frees)?;
        Fs.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.faults.allow(Change::Frees)?;
        Fs.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.faults.allow(Change::Frees)?;
        Fs.remove_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Fs.sync_dir(dir)
    }

    fn boot_id(&self) -> Option<String> {
        Fs.boot_id()
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
        self.faults.allow(Change::Takes)?;
        self.file.write_at(position, bytes)
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(position, buffer)
    }

    fn read_cached(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_cached(position, buffer)
    }

    fn will_need(&self, position: u64, bytes: u64) {
        self.file.will_need(position, bytes);
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.faults.allow(if size > self.file.size()? { Change::Takes } else { Change::Frees })?;
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
        let disk = FaultyFs::new(Duration::ZERO, 2, None);
        let file = disk.open(&folder.path().join("f"), OpenMode::ReadWrite).unwrap();
        for outcome in [true, true, false, false] {
            file.write_at(0, b"x").unwrap();
            assert_eq!(file.sync_data().is_ok(), outcome);
        }
    }

    #[test]
    fn a_delayed_sync_takes_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let disk = FaultyFs::new(Duration::from_millis(20), u64::MAX, None);
        let file = disk.open(&folder.path().join("f"), OpenMode::ReadWrite).unwrap();
        let began = std::time::Instant::now();
        file.sync_data().unwrap();
        assert!(began.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn the_control_file_fills_the_disk_and_makes_it_read_only() {
        let folder = tempfile::tempdir().unwrap();
        let (control, path) = (folder.path().join("control"), folder.path().join("f"));
        let disk = FaultyFs::new(Duration::ZERO, u64::MAX, Some(control.clone()));
        let file = disk.open(&path, OpenMode::ReadWrite).unwrap();
        file.write_at(0, b"xy").unwrap();
        for (word, writes, cuts) in [("full", false, true), ("read-only", false, false), ("", true, true)] {
            std::fs::write(&control, word).unwrap();
            assert_eq!(file.write_at(0, b"xy").is_ok(), writes, "{word}");
            assert_eq!(file.set_size(1).is_ok(), cuts, "{word}");
            assert_eq!(disk.create_dir(&folder.path().join(format!("d{word}"))).is_ok(), writes, "{word}");
            assert_eq!(file.read_at(0, &mut [0]).unwrap(), 1, "reads go on");
        }
    }
}
