//! The operating system's files.

use std::fmt::Debug;
use std::fs::{File, OpenOptions, Permissions};
use std::io;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use rustix::fs::FlockOperation;

use super::{Entry, OpenMode, Storage, StorageFile};

/// Readable and writable by the owner, nobody else.
const OWNER_ALONE: u32 = 0o600;

/// Where Linux tells its run, the same in all containers.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// [`Storage`] on the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fs;

impl Storage for Fs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        let private = mode == OpenMode::TruncatePrivate;
        if mode != OpenMode::Read {
            options.write(true).create(true).truncate(private || mode == OpenMode::Truncate);
        }
        if private {
            options.mode(OWNER_ALONE);
        }
        let file = options.open(path)?;
        if private {
            // one that was there already has the mode it was made with
            file.set_permissions(Permissions::from_mode(OWNER_ALONE))?;
        }
        Ok(Arc::new(FsFile(file)))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string() {
                entries.push(Entry { name, is_dir: entry.file_type()?.is_dir() });
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn boot_id(&self) -> Option<String> {
        let id = std::fs::read_to_string(BOOT_ID).ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Debug + Send + Sync>>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        // Record locks are what Java's FileLock takes, flock keeps out a second open in this process.
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::ACCESS) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(Debug)]
struct FsFile(File);

/// Bytes of one write call.
///
/// The kernel makes the blocks of its page cache as large as a write. Large blocks are often memory that a virtual machine's host
/// has taken back, and their first use costs several times the copy; small ones are mostly at hand.
const WRITE_BYTES: u64 = 32 << 10;

/// The parts of a write at `position`, ending where blocks do.
fn parts(mut position: u64, mut bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        let fits = usize::try_from(WRITE_BYTES - position % WRITE_BYTES).unwrap_or(usize::MAX);
        let (part, rest) = bytes.split_at(fits.min(bytes.len()));
        let at = position;
        position += part.len() as u64;
        bytes = rest;
        (!part.is_empty()).then_some((at, part))
    })
}

impl StorageFile for FsFile {
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        parts(position, bytes).try_for_each(|(at, part)| self.0.write_all_at(part, at))
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, position + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    #[cfg(target_os = "linux")]
    fn read_cached(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = position + filled as u64;
            match preadv2(&self.0, &mut [io::IoSliceMut::new(rest)], at, ReadWriteFlags::NOWAIT) {
                // not there, or a file system that cannot tell
                Ok(0) | Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => break,
                Ok(count) => filled += count,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    }

    #[cfg(target_os = "linux")]
    fn will_need(&self, position: u64, bytes: u64) {
        // without it the read takes longer
        let _ = rustix::fs::fadvise(&self.0, position, NonZeroU64::new(bytes), rustix::fs::Advice::WillNeed);
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn modified_ms(&self) -> io::Result<i64> {
        let modified = self.0.metadata()?.modified()?;
        let elapsed = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_in_parts_is_the_write() {
        let block = WRITE_BYTES;
        for (position, length, expected) in [
            (0, 0, vec![]),
            (0, 1, vec![(0, 1)]),
            (0, block, vec![(0, block)]),
            (10, block, vec![(10, block - 10), (block, 10)]),
            (block - 1, 2 * block + 1, vec![(block - 1, 1), (block, block), (2 * block, block)]),
        ] {
            let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let found: Vec<_> = parts(position, &bytes).map(|(at, part)| (at, part.len() as u64)).collect();
            assert_eq!(found, expected);
            let folder = tempfile::tempdir().unwrap();
            let file = Fs.open(&folder.path().join("f"), OpenMode::Truncate).unwrap();
            file.write_at(position, &bytes).unwrap();
            let mut read = vec![0; bytes.len() + 1];
            assert_eq!(file.read_at(position, &mut read).unwrap(), bytes.len());
            assert_eq!(read[..bytes.len()], bytes);
            // just written, so nothing waits for a disk; a file system that cannot tell says 0
            let cached = file.read_cached(position, &mut read).unwrap();
            assert!(cached == bytes.len() || cached == 0, "{cached}");
            file.will_need(position, length);
        }
    }
}
