//! Creating, deleting and changing topics. All of it runs on the one administrative thread.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use super::config::TopicDefaults;
use super::open::in_parallel;
use super::{
    Inner, NAME_BYTES_MAX, OpenError, PARTITIONS_MAX, Topic, TopicConfig, TopicError, TopicId, Topics, read,
    write,
};
use crate::log::epochs::Epochs;
use crate::log::recovery::Recovered;
use crate::log::segment::Segment;
use crate::log::storage::{OpenMode, Storage, read_file};
use crate::log::{PartitionDir, lock, partition_dir};
use crate::partition::{Identity, Partition};
use crate::producer_state::ProducerState;

/// Ends the names of folders that wait for removal.
pub(super) const DELETED_SUFFIX: &str = "-delete";
const PARTITION_METADATA: &str = "partition.metadata";
const PARTITION_METADATA_VERSION: i64 = 0;
/// Bytes a folder name may have.
const DIR_NAME_BYTES_MAX: usize = 255;

impl Topics {
    /// Creates a topic; durable and open on return.
    pub async fn create(
        &self,
        name: &str,
        partitions: i32,
        config: TopicConfig,
    ) -> Result<Arc<Topic>, TopicError> {
        let name = name.to_owned();
        self.admin(move |inner| inner.create(&name, partitions, config)).await
    }

    /// Checks what [`create`](Self::create) checks, and creates nothing.
    pub fn check_create(&self, name: &str, partitions: i32) -> Result<(), TopicError> {
        self.0.check_create(name, partitions)
    }

    /// Deletes a topic: gone for everybody on return, its files soon after.
    pub async fn delete(&self, name: &str) -> Result<(), TopicError> {
        let name = name.to_owned();
        self.admin(move |inner| inner.delete(&name)).await
    }

    /// Adds partitions up to `count` in all; durable and open on return.
    pub async fn create_partitions(&self, name: &str, count: i32) -> Result<(), TopicError> {
        let name = name.to_owned();
        self.admin(move |inner| inner.grow(&name, count)).await
    }

    /// Replaces a topic's own settings; durable and in effect on return.
    pub async fn alter_config(
        &self,
        name: &str,
        settings: BTreeMap<String, String>,
    ) -> Result<Arc<TopicConfig>, TopicError> {
        let name = name.to_owned();
        self.admin(move |inner| inner.alter_config(&name, &settings)).await
    }

    /// Parses settings over the broker's defaults, as [`create`](Self::create) takes them.
    pub fn topic_config<'a>(
        &self,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<TopicConfig, TopicError> {
        Ok(TopicConfig::from_map(settings, &self.0.defaults.load())?)
    }

    /// What topics inherit becomes what `defaults` says, after all changes before; in effect on return, not kept.
    pub async fn inherit(
        &self,
        defaults: impl FnOnce() -> TopicDefaults + Send + 'static,
    ) -> Result<(), TopicError> {
        self.admin(move |inner| {
            inner.inherit(defaults());
            Ok(())
        })
        .await
    }

    async fn admin<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Arc<Inner>) -> Result<T, TopicError> + Send + 'static,
    ) -> Result<T, TopicError> {
        let inner = Arc::clone(&self.0);
        self.0.engine.admin.run(move || job(&inner)).await.ok_or(TopicError::Closed)?
    }
}

impl Topic {
    fn set_config(&self, config: &Arc<TopicConfig>) {
        *lock(&self.config) = Arc::clone(config);
        self.partitions().iter().for_each(|partition| partition.set_config(Arc::clone(config)));
    }
}

impl Inner {
    fn check_create(&self, name: &str, partitions: i32) -> Result<(), TopicError> {
        check_name(name)?;
        if !(1..=PARTITIONS_MAX).contains(&partitions) {
            let reason = "Number of partitions must be larger than 0.";
            let reason = if partitions < 1 {
                reason.to_owned()
            } else {
                format!("At most {PARTITIONS_MAX} partitions.")
            };
            return Err(TopicError::InvalidPartitions { reason });
        }
        let registry = read(&self.registry);
        // Kafka's metrics cannot tell '.' from '_', so that its tools expect such names to collide.
        let folded = name.replace('.', "_");
        match registry.by_name.keys().find(|known| ***known == *name || known.replace('.', "_") == folded) {
            Some(known) if **known == *name => Err(TopicError::AlreadyExists { name: known.to_string() }),
            Some(known) => Err(TopicError::InvalidName {
                reason: format!(
                    "'{name}' collides with existing topic '{known}': '.' and '_' are the same to metrics"
                ),
            }),
            None => Ok(()),
        }
    }

    fn create(
        self: &Arc<Self>,
        name: &str,
        partitions: i32,
        config: TopicConfig,
    ) -> Result<Arc<Topic>, TopicError> {
        self.check_create(name, partitions)?;
        let (id, name) = (TopicId::random(), Arc::<str>::from(name));
        let settings = config.overrides().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        lock(&self.journal).creating(id, &name, partitions, &settings)?;
        let config = Arc::new(config);
        let made = self.make_partitions(&name, id, &config, 0..partitions).and_then(|made| {
            lock(&self.journal).created(id)?;
            Ok(made)
        });
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                let discarded = discard_dirs(&*self.engine.storage, &self.dir, &name, id, 0..partitions);
                let _ = discarded.and_then(|()| lock(&self.journal).deleted(id));
                return Err(error.into());
            }
        };
        let topic = Arc::new(Topic { name, id, config: Mutex::new(config), partitions: RwLock::new(made) });
        write(&self.registry).insert(&topic);
        Ok(topic)
    }

    fn make_partitions(
        &self,
        name: &Arc<str>,
        id: TopicId,
        config: &Arc<TopicConfig>,
        range: Range<i32>,
    ) -> io::Result<Vec<Arc<Partition>>> {
        let identities = range.map(|index| Identity {
            topic: Arc::clone(name),
            index,
            engine: Arc::clone(&self.engine),
            dir: Arc::new(PartitionDir {
                storage: Arc::clone(&self.engine.storage),
                path: partition_dir(&self.dir, name, index),
            }),
            config: Arc::clone(config),
        });
        let threads = self.engine.config.sync_threads;
        let made = in_parallel(threads, identities.collect(), |identity| make_partition(identity, id));
        let made = made.into_iter().collect::<io::Result<Vec<_>>>()?;
        self.engine.storage.sync_dir(&self.dir)?;
        Ok(made)
    }

    fn delete(&self, name: &str) -> Result<(), TopicError> {
        let topic = read(&self.registry).by_name.get(name).cloned().ok_or(TopicError::Unknown)?;
        lock(&self.journal).deleting(topic.id)?;
        write(&self.registry).remove(&topic);
        topic.partitions().iter().for_each(|partition| partition.delete());
        let discarded =
            discard_dirs(&*self.engine.storage, &self.dir, name, topic.id, 0..topic.partition_count())
                .and_then(|()| lock(&self.journal).deleted(topic.id))
                .and_then(|()| self.write_checkpoints());
        if let Err(error) = discarded {
            // The topic is gone all the same; the next start takes up where this stopped.
            tracing::warn!(topic = name, %error, "files of a deleted topic remain");
        }
        Ok(())
    }

    fn grow(&self, name: &str, count: i32) -> Result<(), TopicError> {
        let topic = read(&self.registry).by_name.get(name).cloned().ok_or(TopicError::Unknown)?;
        let now = topic.partition_count();
        if count <= now || count > PARTITIONS_MAX {
            let reason = if count > PARTITIONS_MAX {
                format!("At most {PARTITIONS_MAX} partitions.")
            } else {
                format!(
                    "The topic {name} currently has {now} partition(s); {count} would not be an increase."
                )
            };
            return Err(TopicError::InvalidPartitions { reason });
        }
        let made =
            self.make_partitions(&topic.name, topic.id, &topic.config(), now..count).and_then(|made| {
                lock(&self.journal).partitions(topic.id, count)?;
                Ok(made)
            });
        match made {
            Ok(made) => {
                write(&topic.partitions).extend(made);
                Ok(())
            }
            Err(error) => {
                let _ = discard_dirs(&*self.engine.storage, &self.dir, name, topic.id, now..count);
                Err(error.into())
            }
        }
    }

    fn alter_config(
        &self,
        name: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Arc<TopicConfig>, TopicError> {
        let topic = read(&self.registry).by_name.get(name).cloned().ok_or(TopicError::Unknown)?;
        let pairs = settings.iter().map(|(name, value)| (&**name, &**value));
        let config = Arc::new(TopicConfig::from_map(pairs, &self.defaults.load())?);
        lock(&self.journal).config(topic.id, settings)?;
        topic.set_config(&config);
        Ok(config)
    }

    fn inherit(&self, defaults: TopicDefaults) {
        let topics: Vec<_> = read(&self.registry).by_name.values().cloned().collect();
        for topic in topics {
            let present = topic.config();
            let settings = present.overrides().map(|(name, value)| -> (&str, &str) { (name, value) });
            match TopicConfig::from_map(settings, &defaults) {
                Ok(config) => topic.set_config(&Arc::new(config)),
                Err(error) => {
                    tracing::error!(topic = &**topic.name(), %error, "settings of the topic stay as they are");
                }
            }
        }
        self.defaults.store(Arc::new(defaults));
    }
}

/// Kafka's rules for topic names.
fn check_name(name: &str) -> Result<(), TopicError> {
    let reason = if name.is_empty() {
        "the empty string is not allowed".to_owned()
    } else if name == "." || name == ".." {
        "'.' or '..' is not allowed".to_owned()
    } else if name.len() > NAME_BYTES_MAX {
        format!("the length of '{name}' is longer than the max allowed length {NAME_BYTES_MAX}")
    } else if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Ok(());
    } else {
        format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
    };
    Err(TopicError::InvalidName { reason })
}

/// Makes an empty partition; its folder's own name is still to be synced.
fn make_partition(identity: Identity, id: TopicId) -> io::Result<Arc<Partition>> {
    let dir = Arc::clone(&identity.dir);
    match dir.storage.list(&dir.path) {
        Ok(left) if !left.is_empty() => {
            let text = format!("{} exists and is not empty", dir.path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        _ => dir.storage.create_dir(&dir.path)?,
    }
    let metadata = dir.open(PARTITION_METADATA, OpenMode::Truncate)?;
    metadata.write_at(0, format!("version: {PARTITION_METADATA_VERSION}\ntopic_id: {id}\n").as_bytes())?;
    metadata.sync_data()?;
    let segment = Segment::create(Arc::clone(&dir), 0).map_err(|(error, _)| error)?;
    segment.close_idle();
    let epochs = Epochs::first(0);
    // Syncs the folder, and with it all of the above.
    epochs.write(&dir)?;
    let log = Recovered {
        segments: vec![Arc::new(segment)],
        next_offset: 0,
        recovery_point: 0,
        log_start: 0,
        producers: ProducerState::default(),
        epochs,
        truncated_bytes: 0,
    };
    Ok(Partition::online(identity, log))
}

/// The topic id in a partition's folder.
pub(super) fn read_topic_id(storage: &dyn Storage, dir: &Path) -> Result<Option<TopicId>, OpenError> {
    let io = |source| OpenError::Io { dir: dir.to_owned(), source };
    let Some(bytes) = read_file(storage, &dir.join(PARTITION_METADATA), 4096).map_err(io)? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes);
    let value =
        |name: &str| text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()));
    match value("version").and_then(|version| version.parse().ok()) {
        Some(version) if version > PARTITION_METADATA_VERSION => {
            Err(OpenError::Newer { file: PARTITION_METADATA, version, known: PARTITION_METADATA_VERSION })
        }
        _ => Ok(value("topic_id").and_then(|id| id.parse().ok())),
    }
}

/// Renames partition folders out of the way, durably, and then removes them.
pub(super) fn discard_dirs(
    storage: &dyn Storage,
    data_dir: &Path,
    topic: &str,
    id: TopicId,
    range: Range<i32>,
) -> io::Result<()> {
    let unique = uuid::Uuid::from_bytes(id.bytes()).simple();
    let mut renamed = Vec::new();
    for index in range {
        let from = partition_dir(data_dir, topic, index);
        // Kafka's form, cut to what a file system takes.
        let end = format!("-{index}.{unique}{DELETED_SUFFIX}");
        let start = topic.get(..topic.len().min(DIR_NAME_BYTES_MAX - end.len())).unwrap_or_default();
        let to = data_dir.join(format!("{start}{end}"));
        match storage.rename(&from, &to) {
            Ok(()) => renamed.push(to),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    storage.sync_dir(data_dir)?;
    renamed.iter().try_for_each(|dir| storage.remove_dir(dir))
}
