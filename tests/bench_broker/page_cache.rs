//! The state of the page cache before something is measured.

use std::{fs, path::Path, time::Duration};

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

/// Takes as much memory as this, waits until the kernel has done with giving free memory to its host, and lets go of it, so that
/// free pages are at hand for what follows.
///
/// A virtual machine may give free memory back some seconds after it became free; then the first use of a page costs several
/// times what is done with it, and would be counted as the server's time.
pub(crate) fn provide(bytes: u64) -> Result<()> {
    let held = vec![1_u8; usize::try_from(bytes)?];
    std::thread::sleep(SETTLING);
    drop(std::hint::black_box(held));
    Ok(())
}

/// Linux reports free pages two seconds after some were freed.
const SETTLING: Duration = Duration::from_secs(4);
