//! `/contexts` (registry-api.md 4.7).

use assay_schema_core::Context;
use http::StatusCode;

use super::call::Call;
use super::error::ApiError;
use super::reply::{self, Reply};

pub(super) async fn list(call: Call) -> Reply {
    let contexts = call.registry().contexts(call.query.text("contextPrefix"), call.query.page()?).await?;
    let names: Vec<&str> = contexts.iter().map(Context::as_str).collect();
    reply::json(&names)
}

pub(super) async fn delete(call: Call) -> Reply {
    let context = Context::parse(call.parameter("context"));
    let context = context.map_err(|error| ApiError::BadRequest { message: error.to_string() })?;
    call.registry().delete_context(&context, &call.origin).await?;
    let mut response = reply::bytes(bytes::Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
