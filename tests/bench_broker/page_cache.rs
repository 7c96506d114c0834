//! Making a server read from the disk.

use std::{fs, path::Path};

use anyhow::Result;
use rustix::fs::{Advice, fadvise};

/// Writes every file below a folder to the disk and drops it from the page cache. Gives their bytes.
pub(crate) fn evict(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            bytes += evict(&entry.path())?;
            continue;
        }
        let file = fs::File::open(entry.path())?;
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
        bytes += file.metadata()?.len();
    }
    Ok(bytes)
}
