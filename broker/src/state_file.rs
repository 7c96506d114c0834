//! Small files in the data folder that hold what was set while running: one JSON object with a `version`, replaced whole.

use std::io;
use std::path::Path;

use serde_json::Value;

use crate::log::storage::{OpenMode, Storage, read_file, replace_file_as};

/// The one version so far.
pub(crate) const VERSION: i64 = 0;
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Why such a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The disk failed.
    #[error("{file}: {source}")]
    Io {
        /// Name of the file.
        file: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Written by something newer.
    #[error("{file}: version {version} is newer than this binary knows ({VERSION})")]
    Newer {
        /// Name of the file.
        file: &'static str,
        /// As read.
        version: i64,
    },
    /// Not in the format. Going on without its content would open what it closes.
    #[error("{file} is damaged")]
    Malformed {
        /// Name of the file.
        file: &'static str,
    },
}

/// Reads `dir/file`; `None` when there is none.
pub(crate) fn read(
    storage: &dyn Storage,
    dir: &Path,
    file: &'static str,
) -> Result<Option<Value>, StateFileError> {
    let bytes = read_file(storage, &dir.join(file), FILE_BYTES_MAX)
        .map_err(|source| StateFileError::Io { file, source })?;
    let Some(bytes) = bytes else { return Ok(None) };
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| StateFileError::Malformed { file })?;
    match value.get("version").and_then(Value::as_i64) {
        Some(version) if version > VERSION => Err(StateFileError::Newer { file, version }),
        Some(_) => Ok(Some(value)),
        None => Err(StateFileError::Malformed { file }),
    }
}

/// Replaces `dir/file` whole; durable on return. No other user of the machine can read it at any time.
pub(crate) fn replace(storage: &dyn Storage, dir: &Path, file: &str, content: &Value) -> io::Result<()> {
    let (temporary, content) = (format!("{file}.tmp"), format!("{content}\n"));
    replace_file_as(OpenMode::TruncatePrivate, storage, dir, file, &temporary, content.as_bytes())
}
