//! `assay-topics.journal`: which topics exist.
//!
//! ```text
//! {"version":0}
//! {"op":"creating","id":"...","name":"orders","partitions":3,"config":{"retention.ms":"1000"}}
//! {"op":"created","id":"..."}                  the topic exists from here
//! {"op":"partitions","id":"...","partitions":6}
//! {"op":"config","id":"...","config":{}}
//! {"op":"deleting","id":"..."}                 and no longer from here
//! {"op":"deleted","id":"..."}                  its folders are renamed
//! ```
//!
//! A line is durable before its effect is acknowledged. The file is rewritten on every start, which also takes off a
//! torn last line.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{OpenError, TopicId};
use crate::log::storage::{OpenMode, Storage, StorageFile, read_file, replace_file};

pub(super) const FILE: &str = "assay-topics.journal";
const VERSION: i64 = 0;
const FILE_BYTES_MAX: u64 = 1 << 30;

/// How far a topic's creation or deletion has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Creating,
    Ready,
    Deleting,
}

/// A topic as the journal tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) partitions: i32,
    pub(super) config: BTreeMap<String, String>,
    pub(super) stage: Stage,
}

/// All topics of a journal.
pub(super) type Entries = BTreeMap<TopicId, Entry>;

/// The open journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<dyn StorageFile>,
    size: u64,
}

impl Journal {
    /// Reads what the journal says; `None` when there is none.
    pub(super) fn load(storage: &dyn Storage, dir: &Path) -> Result<Option<Entries>, OpenError> {
        let io = |source| OpenError::Io { dir: dir.to_owned(), source };
        let Some(bytes) = read_file(storage, &dir.join(FILE), FILE_BYTES_MAX).map_err(io)? else {
            return Ok(None);
        };
        let mut entries = Entries::new();
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().peekable();
        while let Some((at, line)) = lines.next() {
            let torn = lines.peek().is_none();
            let parsed = serde_json::from_slice::<Value>(line).ok();
            let applied = match parsed {
                Some(value) if at == 0 => Some(check_version(&value)?),
                Some(value) => apply(&mut entries, &value),
                None => None,
            };
            if applied.is_none() && !torn {
                return Err(OpenError::Malformed { file: FILE, reason: format!("line {}", at + 1) });
            }
        }
        Ok(Some(entries))
    }

    /// Replaces the journal with one that says the same in fewer lines, and opens it.
    pub(super) fn rewrite(storage: &dyn Storage, dir: &Path, entries: &Entries) -> io::Result<Self> {
        let mut text = line(&json!({"version": VERSION}));
        for (id, entry) in entries {
            text += &line(&creating(*id, &entry.name, entry.partitions, &entry.config));
            text += &line(&json!({"op": "created", "id": id.to_string()}));
        }
        replace_file(storage, dir, FILE, "assay-topics.journal.tmp", text.as_bytes())?;
        let file = storage.open(&dir.join(FILE), OpenMode::ReadWrite)?;
        Ok(Self { file, size: text.len() as u64 })
    }

    pub(super) fn creating(
        &mut self,
        id: TopicId,
        name: &str,
        partitions: i32,
        config: &BTreeMap<String, String>,
    ) -> io::Result<()> {
        self.append(&creating(id, name, partitions, config))
    }

    pub(super) fn created(&mut self, id: TopicId) -> io::Result<()> {
        self.append(&json!({"op": "created", "id": id.to_string()}))
    }

    pub(super) fn deleting(&mut self, id: TopicId) -> io::Result<()> {
        self.append(&json!({"op": "deleting", "id": id.to_string()}))
    }

    pub(super) fn deleted(&mut self, id: TopicId) -> io::Result<()> {
        self.append(&json!({"op": "deleted", "id": id.to_string()}))
    }

    pub(super) fn partitions(&mut self, id: TopicId, partitions: i32) -> io::Result<()> {
        self.append(&json!({"op": "partitions", "id": id.to_string(), "partitions": partitions}))
    }

    pub(super) fn config(&mut self, id: TopicId, config: &BTreeMap<String, String>) -> io::Result<()> {
        self.append(&json!({"op": "config", "id": id.to_string(), "config": config}))
    }

    /// Appends one line, durable on return; after an error the line is not there, or is taken off at the next start.
    fn append(&mut self, value: &Value) -> io::Result<()> {
        let text = line(value);
        let written = self.file.write_at(self.size, text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            let _ = self.file.set_size(self.size);
            return Err(error);
        }
        self.size += text.len() as u64;
        Ok(())
    }
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

fn creating(id: TopicId, name: &str, partitions: i32, config: &BTreeMap<String, String>) -> Value {
    json!({"op": "creating", "id": id.to_string(), "name": name, "partitions": partitions, "config": config})
}

fn check_version(value: &Value) -> Result<(), OpenError> {
    match value.get("version").and_then(Value::as_i64) {
        Some(version) if version > VERSION => Err(OpenError::Newer { file: FILE, version, known: VERSION }),
        Some(_) => Ok(()),
        None => Err(OpenError::Malformed { file: FILE, reason: "no version".to_owned() }),
    }
}

/// Applies one line; `None` when it makes no sense.
fn apply(entries: &mut Entries, value: &Value) -> Option<()> {
    let id: TopicId = value.get("id")?.as_str()?.parse().ok()?;
    let partitions = || i32::try_from(value.get("partitions")?.as_i64()?).ok();
    let config = || settings(value.get("config")?.as_object()?);
    match value.get("op")?.as_str()? {
        "creating" => {
            let name = value.get("name")?.as_str()?.to_owned();
            let entry = Entry { name, partitions: partitions()?, config: config()?, stage: Stage::Creating };
            entries.insert(id, entry);
        }
        "created" => entries.get_mut(&id)?.stage = Stage::Ready,
        "deleting" => entries.get_mut(&id)?.stage = Stage::Deleting,
        "deleted" => {
            entries.remove(&id)?;
        }
        "partitions" => entries.get_mut(&id)?.partitions = partitions()?,
        "config" => entries.get_mut(&id)?.config = config()?,
        _ => return None,
    }
    Some(())
}

fn settings(map: &Map<String, Value>) -> Option<BTreeMap<String, String>> {
    map.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
