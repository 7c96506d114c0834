//! `assay-acls.json` of the data folder: the rules. Replaced whole and durable before a change is acknowledged.
//!
//! ```text
//! {"version":0,"acls":[{"type":"TOPIC","pattern":"LITERAL","name":"orders","principal":"User:ann",
//!   "host":"*","operation":"READ","permission":"ALLOW"}]}
//! ```

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::acl::{Acl, Operation, PatternType, Permission, ResourceType};
use crate::log::storage::{Storage, read_file, replace_file};

const FILE: &str = "assay-acls.json";
const VERSION: i64 = 0;
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Why the rules cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AclFileError {
    /// The disk failed.
    #[error("{FILE}: {0}")]
    Io(#[from] io::Error),
    /// Written by something newer.
    #[error("{FILE}: version {version} is newer than this binary knows (0)")]
    Newer {
        /// As read.
        version: i64,
    },
    /// Not in the format. Starting without the rules would open what they close.
    #[error("{FILE} is damaged")]
    Malformed,
}

pub(super) fn read(storage: &dyn Storage, dir: &Path) -> Result<BTreeSet<Acl>, AclFileError> {
    let Some(bytes) = read_file(storage, &dir.join(FILE), FILE_BYTES_MAX)? else {
        return Ok(BTreeSet::new());
    };
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| AclFileError::Malformed)?;
    match value.get("version").and_then(Value::as_i64) {
        Some(version) if version > VERSION => return Err(AclFileError::Newer { version }),
        Some(_) => {}
        None => return Err(AclFileError::Malformed),
    }
    let acls = value.get("acls").and_then(Value::as_array).ok_or(AclFileError::Malformed)?;
    acls.iter().map(|acl| read_acl(acl).ok_or(AclFileError::Malformed)).collect()
}

fn read_acl(value: &Value) -> Option<Acl> {
    let text = |name: &str| value.get(name)?.as_str();
    Some(Acl {
        resource_type: ResourceType::from_name(text("type")?)?,
        pattern: PatternType::from_name(text("pattern")?)?,
        name: text("name")?.to_owned(),
        principal: text("principal")?.to_owned(),
        host: text("host")?.to_owned(),
        operation: Operation::from_name(text("operation")?)?,
        permission: Permission::from_name(text("permission")?)?,
    })
}

pub(super) fn write(storage: &dyn Storage, dir: &Path, acls: &BTreeSet<Acl>) -> io::Result<()> {
    let rows: Vec<Value> = acls
        .iter()
        .map(|acl| {
            json!({
                "type": acl.resource_type.name(), "pattern": acl.pattern.name(), "name": acl.name,
                "principal": acl.principal, "host": acl.host,
                "operation": acl.operation.name(), "permission": acl.permission.name(),
            })
        })
        .collect();
    let text = format!("{}\n", json!({"version": VERSION, "acls": rows}));
    replace_file(storage, dir, FILE, &format!("{FILE}.tmp"), text.as_bytes())
}
