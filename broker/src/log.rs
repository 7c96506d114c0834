//! One partition's log on disk, in Kafka's format: segments, indexes, checkpoints, recovery and retention.
//!
//! A log is a folder of segments, each named by the offset it starts at. Only the last segment is written to; the
//! others are sealed, synced and without an open handle. The byte layouts are drawn in `docs/log-format.md`.
//!
//! Everything here blocks and runs on the threads of [`durability`](crate::durability), never on a runtime worker.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) mod boot;
pub(crate) mod checkpoint;
pub(crate) mod compaction;
pub(crate) mod epochs;
pub(crate) mod index;
pub(crate) mod read_ahead;
pub(crate) mod recovery;
pub(crate) mod scan;
pub(crate) mod segment;
pub mod storage;
pub(crate) mod time_index;
pub(crate) mod txn_index;

use segment::Segment;
use storage::{OpenMode, Storage, StorageFile};

/// A partition's folder.
#[derive(Debug)]
pub(crate) struct PartitionDir {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) path: PathBuf,
}

impl PartitionDir {
    pub(crate) fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        self.storage.open(&self.path.join(name), mode)
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match self.storage.remove_file(&self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.storage.rename(&self.path.join(from), &self.path.join(to))
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.storage.sync_dir(&self.path)
    }

    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        storage::replace_file(&*self.storage, &self.path, name, &format!("{name}.tmp"), content)
    }

    pub(crate) fn read(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        storage::read_file(&*self.storage, &self.path.join(name), limit)
    }
}

/// `00000000000000000042` and a suffix.
pub(crate) fn file_name(offset: i64, suffix: &str) -> String {
    format!("{offset:020}.{suffix}")
}

/// The offset of a file name with the given suffix.
pub(crate) fn offset_of_file(name: &str, suffix: &str) -> Option<i64> {
    let digits = name.strip_suffix(suffix)?.strip_suffix('.')?;
    if digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

/// `<topic>-<partition>`.
pub(crate) fn partition_dir(data_dir: &Path, topic: &str, partition: i32) -> PathBuf {
    data_dir.join(format!("{topic}-{partition}"))
}

/// Takes a lock whose data is valid even after a panic of another holder.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A size that a file on this machine cannot exceed in memory anyway.
pub(crate) fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The segments of a log, shared with readers.
///
/// The list is replaced whole, so that a reader keeps the segments it started with; there is always a last one.
#[derive(Debug)]
pub(crate) struct Segments(Mutex<Arc<Vec<Arc<Segment>>>>);

impl Segments {
    /// # Panics
    /// Without a segment.
    pub(crate) fn new(segments: Vec<Arc<Segment>>) -> Self {
        assert!(!segments.is_empty(), "a log has an active segment");
        Self(Mutex::new(Arc::new(segments)))
    }

    pub(crate) fn all(&self) -> Arc<Vec<Arc<Segment>>> {
        Arc::clone(&lock(&self.0))
    }

    #[expect(clippy::expect_used, reason = "never empty: checked on construction and on removal")]
    pub(crate) fn active(&self) -> Arc<Segment> {
        Arc::clone(lock(&self.0).last().expect("a log has an active segment"))
    }

    pub(crate) fn push(&self, segment: Arc<Segment>) {
        let mut guard = lock(&self.0);
        let mut segments = Vec::clone(&guard);
        segments.push(segment);
        *guard = Arc::new(segments);
    }

    /// Takes out the sealed segments that end at or below `offset`.
    pub(crate) fn remove_below(&self, offset: i64) -> Vec<Arc<Segment>> {
        let mut guard = lock(&self.0);
        let count = guard.iter().skip(1).take_while(|next| next.base_offset() <= offset).count();
        if count == 0 {
            return Vec::new();
        }
        let mut segments = Vec::clone(&guard);
        let removed = segments.drain(..count).collect();
        *guard = Arc::new(segments);
        removed
    }

    /// Puts one sealed segment in the place of consecutive ones.
    pub(crate) fn replace(&self, old: &[Arc<Segment>], new: Segment) {
        let mut guard = lock(&self.0);
        let bases: Vec<_> = old.iter().map(|segment| segment.base_offset()).collect();
        let mut segments: Vec<_> =
            guard.iter().filter(|segment| !bases.contains(&segment.base_offset())).cloned().collect();
        let at = segments.partition_point(|segment| segment.base_offset() < new.base_offset());
        segments.insert(at, Arc::new(new));
        *guard = Arc::new(segments);
    }

    /// The segment that holds `offset`, or the first after a gap, with those behind it.
    pub(crate) fn from(&self, offset: i64) -> impl Iterator<Item = Arc<Segment>> + use<> {
        let all = self.all();
        let at = all.partition_point(|segment| segment.base_offset() <= offset).saturating_sub(1);
        (at..all.len()).filter_map(move |at| all.get(at).cloned())
    }

    /// Bytes of all `.log` files.
    pub(crate) fn bytes(&self) -> u64 {
        self.all().iter().map(|segment| segment.size()).sum()
    }
}
