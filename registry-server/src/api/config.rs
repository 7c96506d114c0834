//! `/config` (registry-api.md 4.5).

use assay_schema_core::{Context, QualifiedSubject};
use serde_json::{Map, Value};

use super::body;
use super::call::Call;
use super::error::ApiError;
use super::reply::{self, Reply};
use crate::registry::StoredConfig;

fn global() -> QualifiedSubject {
    QualifiedSubject::new(Context::default_context(), "")
}

/// `Config`: as stored, but the level is called `compatibilityLevel`.
fn config(stored: &StoredConfig) -> Reply {
    let Value::Object(fields) = serde_json::to_value(stored).map_err(ApiError::Render)? else {
        return reply::json(&Map::new());
    };
    let renamed = fields.into_iter().map(|(name, value)| match name.as_str() {
        "compatibility" => ("compatibilityLevel".to_owned(), value),
        _ => (name, value),
    });
    reply::json(&renamed.collect::<Map<_, _>>())
}

async fn read(call: &Call, scope: &QualifiedSubject) -> Reply {
    let inherited = call.query.flag("defaultToGlobal");
    config(&match call.query.as_of()? {
        Some(moment) => call.registry().config_as_of(scope, inherited, moment).await?,
        None => call.registry().get_config(scope, inherited).await?,
    })
}

async fn write(call: &Call, scope: &QualifiedSubject, argument: &'static str) -> Reply {
    let change = body::object(&call.body, argument)?.0;
    reply::json(&call.registry().put_config(scope, &change, &call.origin).await?)
}

async fn remove(call: &Call, scope: &QualifiedSubject) -> Reply {
    config(&call.registry().delete_config(scope, &call.origin).await?)
}

pub(super) async fn get_global(call: Call) -> Reply {
    read(&call, &global()).await
}

pub(super) async fn put_global(call: Call) -> Reply {
    write(&call, &global(), "updateTopLevelConfig.arg1").await
}

pub(super) async fn delete_global(call: Call) -> Reply {
    remove(&call, &global()).await
}

pub(super) async fn get(call: Call) -> Reply {
    read(&call, &call.subject()?).await
}

pub(super) async fn put(call: Call) -> Reply {
    write(&call, &call.subject()?, "updateSubjectLevelConfig.arg2").await
}

pub(super) async fn delete(call: Call) -> Reply {
    remove(&call, &call.subject()?).await
}
