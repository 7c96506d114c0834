//! Kafka's offset checkpoint files: one line per partition, for a whole data folder.
//!
//! ```text
//! 0                      version
//! 2                      entries
//! orders 0 1042          topic, partition, offset
//! orders 1 977
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

use super::storage::{Storage, read_file, replace_file};

/// Recovery points: up to here a log is synced and not looked at again.
pub(crate) const RECOVERY_POINT: &str = "recovery-point-offset-checkpoint";
/// Log start offsets that lie inside a segment.
pub(crate) const LOG_START: &str = "log-start-offset-checkpoint";
/// First offsets not compacted yet.
pub(crate) const CLEANER: &str = "cleaner-offset-checkpoint";
/// High watermarks, for tools that read the folder.
pub(crate) const HIGH_WATERMARK: &str = "replication-offset-checkpoint";

const VERSION: i32 = 0;
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Why a checkpoint file cannot be used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// Not readable.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Written by something newer.
    #[error("version {version} is newer than this binary knows (0)")]
    Newer {
        /// As read.
        version: i32,
    },
    /// Not in the format.
    #[error("line {line} is malformed")]
    Malformed {
        /// From 1.
        line: usize,
    },
}

/// Offsets by topic and partition.
pub(crate) type Offsets = BTreeMap<(String, i32), i64>;

/// Reads a checkpoint; a missing file is an empty one.
pub(crate) fn read(storage: &dyn Storage, data_dir: &Path, name: &str) -> Result<Offsets, CheckpointError> {
    let Some(bytes) = read_file(storage, &data_dir.join(name), FILE_BYTES_MAX)? else {
        return Ok(Offsets::new());
    };
    let text = String::from_utf8_lossy(&bytes);
    let rows = lines(&text, 3, |fields| {
        let [topic, partition, offset] = fields else { return None };
        Some((((*topic).to_owned(), number(partition)?), number(offset)?))
    })?;
    Ok(rows.into_iter().collect())
}

/// Replaces a checkpoint; durable on return. Writers of the same file exclude each other.
pub(crate) fn write(storage: &dyn Storage, data_dir: &Path, name: &str, offsets: &Offsets) -> io::Result<()> {
    let mut text = format!("{VERSION}\n{}\n", offsets.len());
    for ((topic, partition), offset) in offsets {
        let _ = writeln!(text, "{topic} {partition} {offset}");
    }
    replace_file(storage, data_dir, name, &format!("{name}.tmp"), text.as_bytes())
}

/// Parses version, count and rows of `columns` fields.
pub(crate) fn lines<T>(
    text: &str,
    columns: usize,
    row: impl Fn(&[&str]) -> Option<T>,
) -> Result<Vec<T>, CheckpointError> {
    let mut lines = text.lines().enumerate();
    let mut header = || lines.next().and_then(|(_, line)| number::<i32>(line.trim()));
    let version = header().ok_or(CheckpointError::Malformed { line: 1 })?;
    if version > VERSION {
        return Err(CheckpointError::Newer { version });
    }
    let count = header().ok_or(CheckpointError::Malformed { line: 2 })?;
    let mut rows = Vec::new();
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<_> = line.split_whitespace().collect();
        let parsed = (fields.len() == columns).then(|| row(&fields)).flatten();
        rows.push(parsed.ok_or(CheckpointError::Malformed { line: at + 1 })?);
    }
    if usize::try_from(count).is_ok_and(|count| count == rows.len()) {
        Ok(rows)
    } else {
        Err(CheckpointError::Malformed { line: 2 })
    }
}

/// A number without sign tricks.
pub(crate) fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}
