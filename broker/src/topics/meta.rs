//! `meta.properties`: whose data folder this is.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::{OpenError, TopicId};
use crate::durability::LogConfig;
use crate::log::storage::{Storage, read_file, replace_file};

const FILE: &str = "meta.properties";
const VERSION: i64 = 1;
const FILE_BYTES_MAX: u64 = 64 << 10;

/// The identity of a data folder.
#[expect(clippy::struct_field_names, reason = "as the file calls them")]
#[derive(Clone, Debug)]
pub(super) struct Meta {
    pub(super) cluster_id: String,
    pub(super) node_id: i32,
    pub(super) directory_id: TopicId,
}

impl Meta {
    /// Reads the file, or makes one for a new folder.
    pub(super) fn open(storage: &dyn Storage, dir: &Path, config: &LogConfig) -> Result<Self, OpenError> {
        let io = |source: io::Error| OpenError::Io { dir: dir.to_owned(), source };
        let Some(bytes) = read_file(storage, &dir.join(FILE), FILE_BYTES_MAX).map_err(io)? else {
            let meta = Self {
                cluster_id: config.cluster_id.clone().unwrap_or_else(|| TopicId::random().to_string()),
                node_id: config.node_id,
                directory_id: TopicId::random(),
            };
            meta.write(storage, dir).map_err(io)?;
            return Ok(meta);
        };
        let text = String::from_utf8_lossy(&bytes);
        let values: BTreeMap<_, _> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.trim(), value.trim()))
            .collect();
        let meta = Self::parse(&values)?;
        if meta.node_id != config.node_id {
            return Err(mismatch("node.id", &meta.node_id.to_string(), &config.node_id.to_string()));
        }
        match &config.cluster_id {
            Some(wanted) if *wanted != meta.cluster_id => {
                Err(mismatch("cluster.id", &meta.cluster_id, wanted))
            }
            _ => Ok(meta),
        }
    }

    fn parse(values: &BTreeMap<&str, &str>) -> Result<Self, OpenError> {
        let malformed = |reason: &str| OpenError::Malformed { file: FILE, reason: reason.to_owned() };
        let version = values
            .get("version")
            .and_then(|version| version.parse().ok())
            .ok_or_else(|| malformed("no version"))?;
        if version > VERSION {
            return Err(OpenError::Newer { file: FILE, version, known: VERSION });
        }
        // Version 0, from before KRaft, calls it broker.id.
        let node_id = values.get("node.id").or_else(|| values.get("broker.id"));
        let directory_id = values.get("directory.id").and_then(|id| id.parse().ok());
        Ok(Self {
            cluster_id: (*values.get("cluster.id").ok_or_else(|| malformed("no cluster.id"))?).to_owned(),
            node_id: node_id.and_then(|id| id.parse().ok()).ok_or_else(|| malformed("no node.id"))?,
            directory_id: directory_id.unwrap_or_else(TopicId::random),
        })
    }

    fn write(&self, storage: &dyn Storage, dir: &Path) -> io::Result<()> {
        let text = format!(
            "#\nversion={VERSION}\ncluster.id={}\nnode.id={}\ndirectory.id={}\n",
            self.cluster_id, self.node_id, self.directory_id
        );
        replace_file(storage, dir, FILE, "meta.properties.tmp", text.as_bytes())
    }
}

fn mismatch(key: &'static str, found: &str, wanted: &str) -> OpenError {
    OpenError::Identity { key, found: found.to_owned(), wanted: wanted.to_owned() }
}
