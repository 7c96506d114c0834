//! Opening a data folder.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use super::journal::{Entries, Entry, Journal, Stage};
use super::meta::Meta;
use super::{Inner, OpenError, Registry, Topic, TopicConfig, TopicId, Topics, admin, housekeeping};
use crate::clock::Clock;
use crate::durability::{Engine, LogConfig};
use crate::log::boot;
use crate::log::checkpoint::{self, CLEANER, LOG_START, Offsets, RECOVERY_POINT};
use crate::log::recovery::{self, RecoveryError, recover};
use arc_swap::ArcSwap;

use crate::log::storage::{OpenMode, Storage, read_file};
use crate::log::{PartitionDir, offset_of_file, partition_dir};
use crate::partition::{Identity, Partition, Status, segment_limits};
use crate::topics::config::Durability;

/// Exists between a clean stop and the next start.
pub(super) const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
const CLEAN_SHUTDOWN_VERSION: i64 = 0;
const LOCK: &str = ".lock";
/// Kafka's own metadata, which this broker does not read.
const KRAFT_TOPIC: &str = "__cluster_metadata";

/// What the checkpoints say.
struct Known {
    points: Offsets,
    starts: Offsets,
    dirty: Offsets,
    /// The last stop was orderly.
    clean: bool,
    /// The operating system has been running since.
    same_boot: bool,
}

impl Topics {
    /// Opens a data folder, making it if need be: locks it, recovers every partition and starts the file threads.
    ///
    /// Blocks. A partition that cannot be recovered is offline; the others work.
    pub fn open(
        dir: &Path,
        config: LogConfig,
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let io = |source: io::Error| OpenError::Io { dir: dir.to_owned(), source };
        storage.create_dir(dir).map_err(io)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            storage.sync_dir(parent).map_err(io)?;
        }
        let lock_file = storage
            .lock(&dir.join(LOCK))
            .map_err(io)?
            .ok_or_else(|| OpenError::Locked { dir: dir.to_owned() })?;
        let meta = Meta::open(&*storage, dir, &config)?;
        let clean = take_clean_mark(&*storage, dir)?;
        let read = |file| {
            checkpoint::read(&*storage, dir, file).map_err(|source| OpenError::Checkpoint { file, source })
        };
        let same_boot = boot::is_same(&*storage, dir)
            .map_err(|source| OpenError::Checkpoint { file: boot::FILE, source })?;
        let offsets = Known {
            points: read(RECOVERY_POINT)?,
            starts: read(LOG_START)?,
            dirty: read(CLEANER)?,
            clean,
            same_boot,
        };
        let entries = settle(&*storage, dir)?;
        let journal = Journal::rewrite(&*storage, dir, &entries).map_err(io)?;
        let engine = Arc::new(Engine::new(storage, clock, config).map_err(io)?);
        let registry = load(&engine, dir, &entries, &offsets)?;
        let inner = Arc::new(Inner {
            defaults: ArcSwap::from_pointee(engine.config.topic_defaults.clone()),
            engine,
            dir: dir.to_owned(),
            meta,
            registry: RwLock::new(registry),
            journal: Mutex::new(journal),
            housekeeper: Mutex::default(),
            closed: AtomicBool::new(false),
            lock_file: Mutex::new(Some(lock_file)),
        });
        // From here on the checkpoints name only what exists: a new topic cannot inherit an old one's offsets.
        inner.write_checkpoints().map_err(io)?;
        // A damaged log must not look whole the next time.
        if inner.partitions().iter().all(|partition| partition.status() == Status::Online) {
            boot::note(&*inner.engine.storage, dir).map_err(io)?;
        }
        housekeeping::start(&inner).map_err(io)?;
        Ok(Self(inner))
    }
}

/// Whether the last stop was clean; the mark is gone for good on return.
fn take_clean_mark(storage: &dyn Storage, dir: &Path) -> Result<bool, OpenError> {
    let io = |source| OpenError::Io { dir: dir.to_owned(), source };
    let path = dir.join(CLEAN_SHUTDOWN);
    let Some(bytes) = read_file(storage, &path, 4096).map_err(io)? else { return Ok(false) };
    let version = serde_json::from_slice::<serde_json::Value>(&bytes)
        .ok()
        .and_then(|value| value.get("version")?.as_i64())
        .unwrap_or(0);
    if version > CLEAN_SHUTDOWN_VERSION {
        return Err(OpenError::Newer { file: CLEAN_SHUTDOWN, version, known: CLEAN_SHUTDOWN_VERSION });
    }
    storage.remove_file(&path).map_err(io)?;
    storage.sync_dir(dir).map_err(io)?;
    Ok(true)
}

/// Finishes what a crash interrupted and returns the topics that exist.
fn settle(storage: &dyn Storage, dir: &Path) -> Result<Entries, OpenError> {
    let io = |source| OpenError::Io { dir: dir.to_owned(), source };
    let mut entries = Journal::load(storage, dir)?.unwrap_or_default();
    let unfinished: Vec<_> = entries.iter().filter(|(_, entry)| entry.stage != Stage::Ready).collect();
    for (id, entry) in unfinished {
        admin::discard_dirs(storage, dir, &entry.name, *id, 0..entry.partitions).map_err(io)?;
    }
    entries.retain(|_, entry| entry.stage == Stage::Ready);
    let mut foreign = BTreeMap::<String, i32>::new();
    for found in storage.list(dir).map_err(io)?.into_iter().filter(|found| found.is_dir) {
        if found.name.ends_with(admin::DELETED_SUFFIX) {
            storage.remove_dir(&dir.join(&found.name)).map_err(io)?;
            continue;
        }
        let Some((topic, partition)) = found.name.rsplit_once('-') else { continue };
        let Ok(partition) = partition.parse::<i32>() else { continue };
        match entries.iter().find(|(_, entry)| entry.name == topic) {
            Some((_, entry))
                if partition >= entry.partitions && has_records(storage, &dir.join(&found.name)) =>
            {
                tracing::error!(dir = found.name, "folder of an unknown partition is left alone");
            }
            Some((id, entry)) if partition >= entry.partitions => {
                // Partitions being added when the power went: nobody was told of them.
                admin::discard_dirs(storage, dir, topic, *id, partition..partition.saturating_add(1))
                    .map_err(io)?;
            }
            None if topic != KRAFT_TOPIC => {
                let count = foreign.entry(topic.to_owned()).or_default();
                *count = partition.saturating_add(1).max(*count);
            }
            _ => {}
        }
    }
    for (name, partitions) in foreign {
        let id =
            admin::read_topic_id(storage, &partition_dir(dir, &name, 0))?.unwrap_or_else(TopicId::random);
        tracing::info!(topic = name, partitions, "topic is taken over with default settings");
        let policy = ("cleanup.policy".to_owned(), "compact".to_owned());
        let config = super::is_internal(&name).then_some(policy).into_iter().collect();
        entries.insert(id, Entry { name, partitions, config, stage: Stage::Ready });
    }
    Ok(entries)
}

/// Whether any segment in a partition's folder holds something; an unreadable one counts.
fn has_records(storage: &dyn Storage, dir: &Path) -> bool {
    let empty = |name: &str| {
        let file = storage.open(&dir.join(name), OpenMode::Read);
        file.and_then(|file| file.size()).is_ok_and(|size| size == 0)
    };
    storage.list(dir).map_or(true, |entries| {
        entries.iter().any(|entry| offset_of_file(&entry.name, "log").is_some() && !empty(&entry.name))
    })
}

/// Recovers all partitions, several at a time.
fn load(engine: &Arc<Engine>, dir: &Path, entries: &Entries, known: &Known) -> Result<Registry, OpenError> {
    let mut jobs = Vec::new();
    let mut topics = Vec::new();
    for (id, entry) in entries {
        let settings = entry.config.iter().map(|(name, value)| (&**name, &**value));
        let config = TopicConfig::from_map(settings, &engine.config.topic_defaults).map_err(|error| {
            OpenError::Malformed {
                file: super::journal::FILE,
                reason: format!("topic {}: {error}", entry.name),
            }
        })?;
        let (name, config) = (Arc::<str>::from(&*entry.name), Arc::new(config));
        for index in 0..entry.partitions {
            let path = partition_dir(dir, &name, index);
            let dir = Arc::new(PartitionDir { storage: Arc::clone(&engine.storage), path });
            let (topic, engine, config) = (Arc::clone(&name), Arc::clone(engine), Arc::clone(&config));
            jobs.push(Identity { topic, index, engine, dir, config });
        }
        topics.push((name, *id, config, entry.partitions));
    }
    let started = std::time::Instant::now();
    let count = jobs.len();
    let mut partitions =
        in_parallel(engine.config.recovery_threads, jobs, |identity| open_partition(identity, known))
            .into_iter();
    let mut registry = Registry::default();
    for (name, id, config, count) in topics {
        let own = partitions.by_ref().take(usize::try_from(count).unwrap_or(0)).collect();
        registry.insert(&Arc::new(Topic {
            name,
            id,
            config: Mutex::new(config),
            partitions: RwLock::new(own),
        }));
    }
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(partitions = count, clean = known.clean, ms, "logs are open");
    Ok(registry)
}

fn open_partition(identity: Identity, known: &Known) -> Arc<Partition> {
    let key = (identity.topic.to_string(), identity.index);
    let recovery_point = known.points.get(&key).copied().unwrap_or(0);
    let durability = identity.config.durability(identity.engine.config.durability);
    let log = recovery::Known {
        dir: Arc::clone(&identity.dir),
        limits: segment_limits(&identity.config),
        recovery_point,
        log_start: known.starts.get(&key).copied().unwrap_or(0),
        clean: known.clean,
        compacted: identity.config.compact || known.dirty.contains_key(&key),
        same_boot: known.same_boot && !known.clean && durability != Durability::Fsync,
    };
    match recover(&log) {
        Ok(log) => {
            if log.truncated_bytes > 0 {
                let (topic, partition) = (&*identity.topic, identity.index);
                let (bytes, end) = (log.truncated_bytes, log.next_offset);
                tracing::warn!(topic, partition, bytes, end, "cut a torn tail above the recovery point");
            }
            let end = log.next_offset;
            let partition = Partition::online(identity, log);
            // A mark beyond the end is of records that are gone.
            let dirty = known.dirty.get(&key).copied().filter(|dirty| *dirty <= end);
            partition.set_first_dirty_offset(dirty.unwrap_or(0));
            partition
        }
        Err(error) => {
            let error: RecoveryError = error;
            Partition::offline(identity, &error, recovery_point)
        }
    }
}

/// Maps in order on up to `threads` threads.
pub(super) fn in_parallel<T: Send, R: Send>(
    threads: usize,
    jobs: Vec<T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    if jobs.len() < 2 || threads < 2 {
        return jobs.into_iter().map(work).collect();
    }
    let slots: Vec<_> = jobs.into_iter().map(|job| Mutex::new((Some(job), None))).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(slots.len()) {
            scope.spawn(|| {
                while let Some(slot) = slots.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let job = crate::log::lock(slot).0.take();
                    let done = job.map(&work);
                    crate::log::lock(slot).1 = done;
                }
            });
        }
    });
    slots
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).1)
        .collect()
}
