//! `assay-boot-id`: under which run of the operating system a data folder was last opened.
//!
//! While that run goes on, everything that was written is there, synced or not: only a process ended. Then a producer snapshot,
//! which is written after the log and the indexes below it, says by itself up to where they are whole.
//!
//! ```text
//! 0                                      version
//! 2f0c1b5e-0d6a-4b55-a1f5-6f8f1f0a7d35   the run, as the operating system names it
//! ```

use std::io;
use std::path::Path;

use super::checkpoint::CheckpointError;
use super::storage::{Storage, read_file, replace_file_for_this_boot};

pub(crate) const FILE: &str = "assay-boot-id";

const VERSION: i32 = 0;
const FILE_BYTES_MAX: u64 = 4096;

/// Whether the operating system has been running since the data folder was last opened; false when nobody can tell.
pub(crate) fn is_same(storage: &dyn Storage, data_dir: &Path) -> Result<bool, CheckpointError> {
    let Some(bytes) = read_file(storage, &data_dir.join(FILE), FILE_BYTES_MAX)? else { return Ok(false) };
    let text = String::from_utf8_lossy(&bytes);
    // After a power loss the file may hold anything: it was never synced.
    let Some((version, id)) = text.split_once('\n') else { return Ok(false) };
    match version.parse::<i32>() {
        Ok(version) if version > VERSION => Err(CheckpointError::Newer { version }),
        Ok(VERSION) => Ok(storage.boot_id().is_some_and(|now| now == id.trim_end())),
        _ => Ok(false),
    }
}

/// Notes the present run; once every log is whole.
pub(crate) fn note(storage: &dyn Storage, data_dir: &Path) -> io::Result<()> {
    match storage.boot_id() {
        Some(id) => {
            replace_file_for_this_boot(storage, data_dir, FILE, format!("{VERSION}\n{id}\n").as_bytes())
        }
        None => Ok(()),
    }
}

/// Has the next start look everything over: something is wrong with a file.
pub(crate) fn forget(storage: &dyn Storage, data_dir: &Path) {
    // Where even this fails, the file is not what is wrong.
    let _ = storage.remove_file(&data_dir.join(FILE));
}

#[cfg(test)]
mod tests {
    use super::super::storage::memory::{Loss, Memory};
    use super::*;

    #[test]
    fn the_run_is_the_same_after_a_kill_and_another_after_a_power_loss() {
        let dir = Path::new("/data");
        let memory = Memory::with_folder(dir);
        assert!(!is_same(&memory, dir).unwrap());
        note(&memory, dir).unwrap();
        assert!(is_same(&memory.after_kill(), dir).unwrap());
        for loss in [Loss::All, Loss::Nothing] {
            assert!(!is_same(&memory.after_power_loss(loss), dir).unwrap());
        }
        for (content, same) in
            [("0\nboot 0\n", true), ("0\nboot 0", true), ("0\nboot 1\n", false), ("0\n", false), ("", false)]
        {
            memory.edit(&dir.join(FILE), |bytes| *bytes = content.into());
            assert_eq!(is_same(&memory, dir).unwrap(), same, "{content:?}");
        }
        memory.edit(&dir.join(FILE), |bytes| *bytes = "1\nboot 0\n".into());
        assert!(matches!(is_same(&memory, dir), Err(CheckpointError::Newer { version: 1 })));
    }
}
