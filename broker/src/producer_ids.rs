//! Producer ids: numbers that are never given out twice.
//!
//! Ids are reserved in blocks; a block is durable before its first id is used, so that a crash skips ids and never
//! repeats one. The file `assay-producer-ids` holds `version=0` and `next=<first id of the next block>`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use thiserror::Error;

use crate::durability::Engine;
use crate::log::lock;
use crate::log::storage::{Storage, read_file, replace_file};
use crate::topics::Topics;

/// Ids reserved at once.
pub const BLOCK: i64 = 1000;

const FILE: &str = "assay-producer-ids";
const VERSION: i32 = 0;
const FILE_BYTES_MAX: u64 = 4096;

/// Why there is no producer id.
#[derive(Debug, Error)]
pub enum ProducerIdError {
    /// The file cannot be read or written.
    #[error("{FILE} cannot be read or written")]
    Io(#[from] io::Error),
    /// Written by something newer.
    #[error("{FILE} has version {version}, this binary knows {VERSION}")]
    Newer {
        /// As read.
        version: i32,
    },
    /// Not in the format. Guessing would hand out an id twice.
    #[error("{FILE} is malformed")]
    Malformed,
    /// The broker stops.
    #[error("the broker stops")]
    Closed,
}

/// Hands out producer ids. Clones share the same block.
#[derive(Clone, Debug)]
pub struct ProducerIds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Arc<Engine>,
    dir: PathBuf,
    block: Mutex<Block>,
}

#[derive(Debug)]
struct Block {
    next: i64,
    end: i64,
}

impl ProducerIds {
    /// Opens the ids of the data folder behind `topics`; the first id asked for reserves a block.
    pub fn open(topics: &Topics) -> Result<Self, ProducerIdError> {
        let (engine, dir) = topics.engine_and_dir();
        let next = read(&*engine.storage, &dir)?;
        Ok(Self(Arc::new(Inner { engine, dir, block: Mutex::new(Block { next, end: next }) })))
    }

    /// An id that nobody had before. Waits for a sync once per [`BLOCK`] ids.
    pub async fn next(&self) -> Result<i64, ProducerIdError> {
        if let Some(id) = lock(&self.0.block).take() {
            return Ok(id);
        }
        let inner = Arc::clone(&self.0);
        // One administrative thread: two callers cannot both reserve.
        self.0.engine.admin.run(move || inner.reserve()).await.ok_or(ProducerIdError::Closed)?
    }
}

impl Block {
    fn take(&mut self) -> Option<i64> {
        (self.next < self.end).then(|| {
            self.next += 1;
            self.next - 1
        })
    }
}

impl Inner {
    fn reserve(&self) -> Result<i64, ProducerIdError> {
        let start = {
            let mut block = lock(&self.block);
            if let Some(id) = block.take() {
                return Ok(id);
            }
            block.end
        };
        let end = start + BLOCK;
        let text = format!("version={VERSION}\nnext={end}\n");
        replace_file(&*self.engine.storage, &self.dir, FILE, &format!("{FILE}.tmp"), text.as_bytes())?;
        *lock(&self.block) = Block { next: start + 1, end };
        Ok(start)
    }
}

fn read(storage: &dyn Storage, dir: &Path) -> Result<i64, ProducerIdError> {
    let Some(bytes) = read_file(storage, &dir.join(FILE), FILE_BYTES_MAX)? else { return Ok(0) };
    let text = String::from_utf8_lossy(&bytes);
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let version =
        value("version").and_then(|version| version.parse().ok()).ok_or(ProducerIdError::Malformed)?;
    if version > VERSION {
        return Err(ProducerIdError::Newer { version });
    }
    value("next")
        .and_then(|next| next.parse().ok())
        .filter(|next| *next >= 0)
        .ok_or(ProducerIdError::Malformed)
}
