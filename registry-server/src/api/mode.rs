//! `/mode` (registry-api.md 4.6).

use assay_schema_core::{Context, Mode, QualifiedSubject};
use serde::Serialize;

use super::body;
use super::call::Call;
use super::error::ApiError;
use super::reply::{self, Reply};
use crate::registry::RegistryError;

#[derive(Serialize)]
struct ModeBody<T: Serialize> {
    mode: T,
}

fn global() -> QualifiedSubject {
    QualifiedSubject::new(Context::default_context(), "")
}

async fn read(call: &Call, scope: &QualifiedSubject) -> Reply {
    let inherited = call.query.flag("defaultToGlobal");
    let mode = match call.query.as_of()? {
        Some(moment) => call.registry().mode_as_of(scope, inherited, moment).await?,
        None => call.registry().get_mode(scope, inherited).await?,
    };
    reply::json(&ModeBody { mode: mode.as_str() })
}

async fn write(call: &Call, scope: &QualifiedSubject, argument: &'static str) -> Reply {
    let body = body::object(&call.body, argument)?;
    if !body.0.contains_key("mode") {
        return Err(ApiError::NullBody { argument: "mode" });
    }
    let text = body.text("mode")?;
    let mode = text.as_deref().map(Mode::parse).transpose().map_err(|_| RegistryError::InvalidMode)?;
    call.registry().put_mode(scope, mode, call.query.flag("force"), &call.origin).await?;
    reply::json(&ModeBody { mode: text })
}

async fn remove(call: &Call, scope: &QualifiedSubject) -> Reply {
    let before = call.registry().delete_mode(scope, call.query.flag("recursive"), &call.origin).await?;
    match before {
        Some(mode) => reply::json(&ModeBody { mode: mode.as_str() }),
        None => reply::json(&serde_json::Map::new()),
    }
}

pub(super) async fn get_global(call: Call) -> Reply {
    read(&call, &global()).await
}

pub(super) async fn put_global(call: Call) -> Reply {
    write(&call, &global(), "updateTopLevelMode.arg1").await
}

pub(super) async fn delete_global(call: Call) -> Reply {
    remove(&call, &global()).await
}

pub(super) async fn get(call: Call) -> Reply {
    read(&call, &call.subject()?).await
}

pub(super) async fn put(call: Call) -> Reply {
    write(&call, &call.subject()?, "updateMode.arg2").await
}

pub(super) async fn delete(call: Call) -> Reply {
    remove(&call, &call.subject()?).await
}
