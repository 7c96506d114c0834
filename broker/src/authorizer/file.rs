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
use crate::log::storage::Storage;
use crate::state_file::{self, StateFileError};

const FILE: &str = "assay-acls.json";

pub(super) fn read(storage: &dyn Storage, dir: &Path) -> Result<BTreeSet<Acl>, StateFileError> {
    let Some(value) = state_file::read(storage, dir, FILE)? else { return Ok(BTreeSet::new()) };
    let malformed = || StateFileError::Malformed { file: FILE };
    let acls = value.get("acls").and_then(Value::as_array).ok_or_else(malformed)?;
    acls.iter().map(|acl| read_acl(acl).ok_or_else(malformed)).collect()
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
    state_file::replace(storage, dir, FILE, &json!({"version": state_file::VERSION, "acls": rows}))
}
