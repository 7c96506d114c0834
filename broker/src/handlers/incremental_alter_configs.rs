//! `IncrementalAlterConfigs` (key 44): sets, deletes, or edits lists among a topic's settings.

use std::collections::{BTreeMap, BTreeSet};

use crate::dispatch::Context;
use crate::handlers::alter_configs::{Refusal, apply, find, split};
use crate::protocol::ErrorCode;
use crate::protocol::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig,
};
use crate::protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
use crate::topics::config::{KEYS, TopicConfig, ValueType};

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

pub(crate) async fn handle(
    context: &Context,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let (code, error_message) = split(alter(context, &resource, request.validate_only).await);
        responses.push(AlterConfigsResourceResponse {
            error_code: code.code(),
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
        });
    }
    IncrementalAlterConfigsResponse { responses, ..Default::default() }
}

async fn alter(
    context: &Context,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Refusal> {
    let topic = find(context, resource.resource_type, &resource.resource_name)?;
    let names: BTreeSet<&str> = resource.configs.iter().map(|config| config.name.as_str()).collect();
    if names.len() < resource.configs.len() {
        return Err((ErrorCode::InvalidRequest, "A configuration key is given twice.".to_owned()));
    }
    let present = topic.config();
    let own = present.overrides().map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut settings: BTreeMap<String, String> = own.collect();
    for change in &resource.configs {
        edit(&mut settings, &present, change)?;
    }
    apply(context, &topic, settings, validate_only).await
}

fn edit(
    settings: &mut BTreeMap<String, String>,
    present: &TopicConfig,
    change: &AlterableConfig,
) -> Result<(), Refusal> {
    let name = change.name.as_str();
    let value = || {
        let missing = || (ErrorCode::InvalidRequest, format!("Null value not supported for {name}"));
        change.value.clone().ok_or_else(missing)
    };
    match change.config_operation {
        SET => {
            settings.insert(name.to_owned(), value()?);
        }
        DELETE => {
            settings.remove(name);
        }
        operation @ (APPEND | SUBTRACT) => {
            let list = KEYS.iter().any(|key| key.name == name && key.value_type == ValueType::List);
            if !list {
                let message =
                    format!("Config value append or subtract is not allowed for config key: {name}");
                return Err((ErrorCode::InvalidConfig, message));
            }
            let entries = present.entries();
            let current = entries.into_iter().find(|entry| entry.key.name == name).map(|entry| entry.value);
            let current = settings.get(name).cloned().or(current).unwrap_or_default();
            let edited = edit_list(&current, &value()?, operation == APPEND);
            settings.insert(name.to_owned(), edited);
        }
        other => return Err((ErrorCode::InvalidRequest, format!("Unknown operation {other}"))),
    }
    Ok(())
}

fn edit_list(current: &str, change: &str, append: bool) -> String {
    let items = |text: &str| {
        text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    };
    let mut list: Vec<String> = items(current);
    let changed: Vec<String> = items(change);
    if append {
        for item in changed {
            if !list.contains(&item) {
                list.push(item);
            }
        }
    } else {
        list.retain(|item| !changed.contains(item));
    }
    list.join(",")
}

#[cfg(test)]
mod tests {
    use super::edit_list;

    #[test]
    fn lists_are_edited_without_repeats() {
        assert_eq!(edit_list("delete", "compact", true), "delete,compact");
        assert_eq!(edit_list("delete,compact", "compact", true), "delete,compact");
        assert_eq!(edit_list("delete, compact", "delete", false), "compact");
        assert_eq!(edit_list("", "compact", true), "compact");
    }
}
