//! The file system as a parameter: what the log needs of one, and nothing more.
//!
//! The contract is POSIX's: written bytes survive a power loss only after [`StorageFile::sync_data`], a created,
//! renamed or removed name only after [`Storage::sync_dir`] of its folder.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

mod fs;
#[cfg(test)]
pub(crate) mod memory;

pub use fs::Fs;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, for reading.
    Read,
    /// An existing or new file, for reading and writing at positions.
    ReadWrite,
    /// As `ReadWrite`, emptied first.
    Truncate,
    /// As `Truncate`, and for the owner of the process alone from before the first byte is written.
    TruncatePrivate,
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Without the folder.
    pub name: String,
    /// A folder itself.
    pub is_dir: bool,
}

/// A file system. All calls block.
pub trait Storage: Debug + Send + Sync + 'static {
    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>>;
    /// Makes a folder and the missing ones above it; an existing one is fine.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder, sorted. Names that are not UTF-8 are left out.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;
    /// Renames a file or folder, replacing a file of the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with all it holds.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in `dir` survive a power loss.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Names this run of the operating system, in whose memory everything written stays until it ends, synced or not; `None`
    /// when it cannot tell one run from another.
    fn boot_id(&self) -> Option<String>;
    /// Takes an exclusive lock on a file, which is created; `None` when another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Debug + Send + Sync>>>;
}

/// An open file. All calls block.
pub trait StorageFile: Debug + Send + Sync {
    /// Writes all of `bytes` at `position`. After an error the range holds anything.
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()>;
    /// Reads up to `buffer.len()` bytes at `position`; fewer only at the end of the file.
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// As [`read_at`](Self::read_at), but only what needs no waiting for a disk: 0 where nothing does, or nobody can tell.
    fn read_cached(&self, _position: u64, _buffer: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
    /// A hint that these bytes will soon be read.
    fn will_need(&self, _position: u64, _bytes: u64) {}
    /// Size in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Cuts or extends the file.
    fn set_size(&self, size: u64) -> io::Result<()>;
    /// Makes content and size survive a power loss. After an error nothing is known about the file.
    fn sync_data(&self) -> io::Result<()>;
    /// Time of the last write in milliseconds since the epoch.
    fn modified_ms(&self) -> io::Result<i64>;
}

/// Reads a whole file; `None` when there is none.
///
/// # Errors
/// `FileTooLarge` past `limit` bytes.
pub fn read_file(storage: &dyn Storage, path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match storage.open(path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = file.size()?;
    if size > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("{size} bytes, at most {limit} expected"),
        ));
    }
    let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// Replaces `dir/name` so that after a crash it holds the old or the new content whole; durable on return.
///
/// The new content is staged beside it under `temporary`: two writers of one name must exclude each other.
pub fn replace_file(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
    temporary: &str,
    content: &[u8],
) -> io::Result<()> {
    replace_file_as(OpenMode::Truncate, storage, dir, name, temporary, content)
}

/// As [`replace_file`], but not durable: for what is of no use after a power loss.
pub(crate) fn replace_file_for_this_boot(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
    content: &[u8],
) -> io::Result<()> {
    let staged = dir.join(format!("{name}.tmp"));
    storage.open(&staged, OpenMode::Truncate)?.write_at(0, content)?;
    storage.rename(&staged, &dir.join(name))
}

/// As [`replace_file`], with how the new content is staged: [`OpenMode::Truncate`] or [`OpenMode::TruncatePrivate`].
pub fn replace_file_as(
    mode: OpenMode,
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
    temporary: &str,
    content: &[u8],
) -> io::Result<()> {
    let staged = dir.join(temporary);
    let file = storage.open(&staged, mode)?;
    file.write_at(0, content)?;
    file.sync_data()?;
    storage.rename(&staged, &dir.join(name))?;
    storage.sync_dir(dir)
}
