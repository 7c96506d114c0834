//! The topics of a data folder: opening them all, finding them, changing them.
//!
//! The folder has Kafka's layout. What Kafka keeps in its metadata log (which topics exist, their ids, partition counts
//! and settings) is kept in `assay-topics.journal`, one JSON object a line; see `docs/log-format.md`. A folder written by Kafka
//! is taken over: its topics get default settings.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use thiserror::Error;

pub mod config;

mod admin;
mod housekeeping;
mod id;
mod journal;
mod meta;
mod open;

#[cfg(test)]
pub(crate) mod tests;

pub use id::TopicId;

use crate::buffers::Buffers;
use crate::durability::Engine;
use crate::log::checkpoint::CheckpointError;
use crate::log::lock;
use crate::partition::Partition;
use config::{ConfigError, TopicConfig, TopicDefaults};
use journal::Journal;
use meta::Meta;

/// Partitions a topic may have.
pub const PARTITIONS_MAX: i32 = 100_000;
/// Bytes a topic name may have.
pub const NAME_BYTES_MAX: usize = 249;

/// Why a data folder is not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process uses it.
    #[error("data folder {} is in use by another process", .dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("data folder {}: {source}", .dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Written by something newer than this binary.
    #[error("{file} has version {version}, which is newer than this binary knows ({known})")]
    Newer {
        /// Which file.
        file: &'static str,
        /// As read.
        version: i64,
        /// Newest known.
        known: i64,
    },
    /// A file that must be right is not.
    #[error("{file} is malformed: {reason}")]
    Malformed {
        /// Which file.
        file: &'static str,
        /// In words.
        reason: String,
    },
    /// The folder belongs to another node or cluster.
    #[error("data folder belongs to {key}={found}, this broker is configured with {wanted}")]
    Identity {
        /// `node.id` or `cluster.id`.
        key: &'static str,
        /// In the folder.
        found: String,
        /// Configured.
        wanted: String,
    },
    /// A checkpoint cannot be used.
    #[error("{file}: {source}")]
    Checkpoint {
        /// Which file.
        file: &'static str,
        /// Why.
        source: CheckpointError,
    },
}

/// Why topics are not changed.
#[derive(Debug, Error)]
pub enum TopicError {
    /// Not a topic name; the text says why.
    #[error("Topic name is invalid: {reason}")]
    InvalidName {
        /// In words.
        reason: String,
    },
    /// There is one of this name, or one that differs from it in '.' and '_' only.
    #[error("Topic '{name}' already exists.")]
    AlreadyExists {
        /// The existing one.
        name: String,
    },
    /// No topic of this name.
    #[error("This server does not host this topic-partition.")]
    Unknown,
    /// A count below 1, above [`PARTITIONS_MAX`], or not above the present one.
    #[error("{reason}")]
    InvalidPartitions {
        /// In words.
        reason: String,
    },
    /// The settings are not valid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file cannot be written.
    #[error("Disk error: {0}")]
    Io(#[from] io::Error),
    /// The broker stops.
    #[error("The broker is shutting down.")]
    Closed,
}

/// A topic. Dropping it does nothing to the data.
#[derive(Debug)]
pub struct Topic {
    name: Arc<str>,
    id: TopicId,
    config: Mutex<Arc<TopicConfig>>,
    partitions: RwLock<Vec<Arc<Partition>>>,
}

impl Topic {
    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its id, which a topic made again under the same name does not share.
    pub fn id(&self) -> TopicId {
        self.id
    }

    /// The settings in effect.
    pub fn config(&self) -> Arc<TopicConfig> {
        Arc::clone(&lock(&self.config))
    }

    /// A partition by number.
    pub fn partition(&self, index: i32) -> Option<Arc<Partition>> {
        read(&self.partitions).get(usize::try_from(index).ok()?).cloned()
    }

    /// All partitions, in order.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        read(&self.partitions).clone()
    }

    /// How many partitions there are.
    pub fn partition_count(&self) -> i32 {
        i32::try_from(read(&self.partitions).len()).unwrap_or(i32::MAX)
    }

    /// One of the topics the broker keeps for itself.
    pub fn is_internal(&self) -> bool {
        is_internal(&self.name)
    }
}

/// Whether a name is that of a topic the broker keeps for itself.
pub fn is_internal(name: &str) -> bool {
    matches!(name, "__consumer_offsets" | "__transaction_state")
}

/// The topics of a data folder. Cheap to clone; all clones are the same.
///
/// Dropped without [`shutdown`](Self::shutdown), the next start is an unclean one.
#[derive(Clone, Debug)]
pub struct Topics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Arc<Engine>,
    dir: PathBuf,
    meta: Meta,
    registry: RwLock<Registry>,
    journal: Mutex<Journal>,
    /// What topics inherit; changed on the administrative thread.
    defaults: ArcSwap<TopicDefaults>,
    housekeeper: Mutex<Option<JoinHandle<()>>>,
    closed: AtomicBool,
    lock_file: Mutex<Option<Box<dyn Debug + Send + Sync>>>,
}

#[derive(Debug, Default)]
struct Registry {
    by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    by_id: BTreeMap<TopicId, Arc<Topic>>,
}

impl Registry {
    fn insert(&mut self, topic: &Arc<Topic>) {
        self.by_name.insert(Arc::clone(&topic.name), Arc::clone(topic));
        self.by_id.insert(topic.id, Arc::clone(topic));
    }

    fn remove(&mut self, topic: &Topic) {
        self.by_name.remove(&topic.name);
        self.by_id.remove(&topic.id);
    }
}

impl Topics {
    /// The cluster's id: 22 characters of base64url.
    pub fn cluster_id(&self) -> &str {
        &self.0.meta.cluster_id
    }

    /// The node's number.
    pub fn node_id(&self) -> i32 {
        self.0.meta.node_id
    }

    /// The data folder's own id.
    pub fn directory_id(&self) -> TopicId {
        self.0.meta.directory_id
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        &self.0.dir
    }

    /// All topics in order of name, internal ones included.
    pub fn list(&self) -> Vec<Arc<Topic>> {
        read(&self.0.registry).by_name.values().cloned().collect()
    }

    /// A topic by name.
    pub fn get(&self, name: &str) -> Option<Arc<Topic>> {
        read(&self.0.registry).by_name.get(name).cloned()
    }

    /// A topic by id.
    pub fn get_by_id(&self, id: [u8; 16]) -> Option<Arc<Topic>> {
        read(&self.0.registry).by_id.get(&TopicId::from_bytes(id)).cloned()
    }

    /// Buffers for large frames, which come back from the partitions' tails.
    pub(crate) fn buffers(&self) -> &Arc<Buffers> {
        &self.0.engine.buffers
    }

    pub(crate) fn engine_and_dir(&self) -> (Arc<Engine>, PathBuf) {
        (Arc::clone(&self.0.engine), self.0.dir.clone())
    }
}

impl Inner {
    fn partitions(&self) -> Vec<Arc<Partition>> {
        read(&self.registry).by_name.values().flat_map(|topic| topic.partitions()).collect()
    }
}

fn read<T>(rw: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    rw.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(rw: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    rw.write().unwrap_or_else(PoisonError::into_inner)
}
