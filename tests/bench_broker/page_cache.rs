//! The state of the page cache before something is measured.

use std::{fs, io::Write as _, path::Path};

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

/// Writes a file of this size beside the servers' folders and removes it, so that free pages are at hand for what follows.
///
/// A virtual machine may give free memory back to its host after a moment; then the first use of a page costs several times
/// what is done with it, and would be counted as the server's time.
pub(crate) fn provide(bytes: u64) -> Result<()> {
    let block = vec![1; 1 << 20];
    let mut file = tempfile::tempfile()?;
    for _ in 0..bytes.div_ceil(block.len() as u64) {
        file.write_all(&block)?;
    }
    Ok(())
}
