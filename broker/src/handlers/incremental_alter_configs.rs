//! `IncrementalAlterConfigs` (key 44): sets, deletes, or edits lists among the settings of a topic, of this broker or all brokers,
//! or of a group.

use std::collections::{BTreeMap, BTreeSet};

use crate::dispatch::Context;
use crate::handlers::alter_configs::{Refusal, Target, apply, find, split};
use crate::protocol::ErrorCode;
use crate::protocol::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig,
};
use crate::protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
use crate::topics::config::{KEYS, ValueType};

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
    let target = find(context, resource.resource_type, &resource.resource_name)?;
    let names: BTreeSet<&str> = resource.configs.iter().map(|config| config.name.as_str()).collect();
    if names.len() < resource.configs.len() {
        return Err((ErrorCode::InvalidRequest, "A configuration key is given twice.".to_owned()));
    }
    let mut settings: BTreeMap<String, String> = match &target {
        Target::Topic(topic) => {
            let present = topic.config();
            present.overrides().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        }
        Target::Kept(scope) => context.broker.dynamic_configs().settings(scope),
    };
    for change in &resource.configs {
        edit(&mut settings, |name| inherited(&target, name), change)?;
    }
    apply(context, &target, settings, validate_only).await
}

/// The list in effect when none is set on the resource itself; none for a name that is not one of a list.
fn inherited(target: &Target, name: &str) -> Option<String> {
    let lists = KEYS.iter().filter(|key| key.value_type == ValueType::List);
    match target {
        Target::Topic(topic) => {
            let key = lists.into_iter().find(|key| key.name == name)?;
            topic.config().entries().into_iter().find(|entry| entry.key == key).map(|entry| entry.value)
        }
        Target::Kept(_) => {
            lists.into_iter().find(|key| key.broker_name() == name).map(|key| key.default.to_owned())
        }
    }
}

fn edit(
    settings: &mut BTreeMap<String, String>,
    inherited: impl Fn(&str) -> Option<String>,
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
            let Some(inherited) = inherited(name) else {
                let message =
                    format!("Config value append or subtract is not allowed for config key: {name}");
                return Err((ErrorCode::InvalidConfig, message));
            };
            let current = settings.get(name).cloned().unwrap_or(inherited);
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
