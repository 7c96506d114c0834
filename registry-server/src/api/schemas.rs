//! `/schemas`: by id, by GUID, lists (registry-api.md 4.2).

use std::sync::Arc;

use assay_schema_core::{QualifiedSubject, SchemaId, SchemaReference, SchemaType};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;

use super::call::Call;
use super::error::ApiError;
use super::query::Query;
use super::reply::{self, Reply, Schema, SchemaString, SubjectAndVersion, Tags};
use crate::cache::Variant;
use crate::registry::{RegistryError, SchemaFilter, SchemaTags, StoredSchema, SubjectFilter};

const RESOLVED: &str = "resolved";

pub(super) async fn list(call: Call) -> Reply {
    let config = call.registry().config();
    let page = call.query.page_within(config.schema_search_limit_default, config.schema_search_limit_max)?;
    let lifecycles = call.query.list("lifecycle");
    if lifecycles.iter().any(|lifecycle| !lifecycle.is_empty())
        && !lifecycles.iter().any(|lifecycle| lifecycle == "NONE")
    {
        // No subject is associated with anything, so only subjects without association can match.
        return reply::json(&[(); 0]);
    }
    let filter = SchemaFilter {
        subjects: SubjectFilter::parse(call.query.text("subjectPrefix")),
        deleted: call.query.deleted(),
        latest_only: call.query.flag("latestOnly"),
        rule_type: call.query.text("ruleType").to_owned(),
        page,
    };
    let found = call.registry().schemas(&filter).await?;
    let mut bodies: Vec<Schema<'_>> = found.iter().map(Schema::new).collect();
    if call.query.flag("aliases") {
        let aliases = call.registry().aliases();
        for (body, version) in bodies.iter_mut().zip(&found) {
            body.aliases = aliases
                .get(&version.subject)
                .into_iter()
                .flatten()
                .map(QualifiedSubject::to_string)
                .collect();
        }
    }
    reply::json(&bodies)
}

pub(super) async fn types(_: Call) -> Reply {
    reply::json(&SchemaType::ALL)
}

pub(super) async fn by_id(call: Call) -> Reply {
    cached(&call, false).await
}

pub(super) async fn text_by_id(call: Call) -> Reply {
    cached(&call, true).await
}

/// What a by-id request asks for.
fn variant(query: &Query, raw: bool) -> Variant {
    Variant {
        subject: query.text("subject").to_owned(),
        resolved: query.text("format") == RESOLVED,
        qualified: query.text("referenceFormat") == "qualified",
        raw,
    }
}

/// What a by-id request asks for, if it is of the kind whose answers are kept.
pub(super) fn kept_variant(query: &Query, raw: bool) -> Option<Variant> {
    let kept = !query.flag("fetchMaxId") && query.find("findTags").is_none();
    kept.then(|| variant(query, raw))
}

/// Answers from finished bytes if the request is of the kind that is kept, else renders.
async fn cached(call: &Call, raw: bool) -> Reply {
    let id = call.id()?;
    let Some(variant) = kept_variant(&call.query, raw) else {
        return Ok(reply::bytes(render(call, id, &variant(&call.query, raw)).await?.0));
    };
    let key = (QualifiedSubject::parse(&variant.subject).context, id);
    let caches = call.registry().caches();
    if let Some(body) = caches.body(&key, &variant) {
        call.api.metrics().cache(true);
        return Ok(reply::bytes(body));
    }
    call.api.metrics().cache(false);
    let generation = caches.generation();
    let (body, settled) = render(call, id, &variant).await?;
    if settled {
        caches.remember_body(&key, variant, body.clone(), generation);
    }
    Ok(reply::bytes(body))
}

async fn render(call: &Call, id: SchemaId, variant: &Variant) -> Result<(Bytes, bool), ApiError> {
    let registry = call.registry();
    let found = registry.schema_of_subject(id, &variant.subject).await?;
    let stored = &found.schema;
    let text = text(call, stored, variant.resolved).await?;
    if variant.raw {
        return Ok((Bytes::from(text.into_bytes()), found.settled));
    }
    let mut body = SchemaString::new(stored);
    body.schema = &text;
    let qualified = qualified_references(stored, variant.qualified);
    if let Some(references) = &qualified {
        body.references = references;
    }
    if let Some(version) = &found.version {
        body.subject = Some(version.subject.to_string());
        body.version = Some(version.version);
        body.ts = Some(version.ts_ms);
        body.deleted = Some(version.deleted);
    }
    if call.query.flag("fetchMaxId") {
        body.max_id = Some(registry.max_id(&variant.subject).await?);
    }
    let tags = find_tags(call, stored).await?;
    body.schema_tags = tags.iter().map(Tags::from).collect();
    Ok((reply::render(&body)?, found.settled))
}

/// The stored text, or with `format=resolved` the one with references inlined. Unknown formats are the default.
pub(super) async fn text(
    call: &Call,
    stored: &Arc<StoredSchema>,
    resolved: bool,
) -> Result<String, ApiError> {
    if resolved && !stored.row().references.is_empty() {
        return Ok(call.registry().resolved_text(stored).await?);
    }
    Ok(stored.text().to_owned())
}

/// With `referenceFormat=qualified`, the references of a schema outside the default context with their context spelt out.
pub(super) fn qualified_references(stored: &StoredSchema, asked: bool) -> Option<Vec<SchemaReference>> {
    let row = stored.row();
    if !asked || row.context.is_default() || row.references.is_empty() {
        return None;
    }
    let qualify = |reference: &SchemaReference| {
        let subject = QualifiedSubject::parse_in(&reference.subject, &row.context).to_string();
        SchemaReference { subject, ..reference.clone() }
    };
    Some(row.references.iter().map(qualify).collect())
}

/// What `findTags` asks for.
pub(super) async fn find_tags(call: &Call, stored: &StoredSchema) -> Result<Vec<SchemaTags>, ApiError> {
    let asked = call.query.list("findTags");
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    Ok(call.registry().tags_of(stored, &asked).await?)
}

pub(super) async fn subjects_of_id(call: Call) -> Reply {
    let versions = versions_with_id(&call).await?;
    let subjects: Vec<String> = versions.into_iter().map(|(subject, _)| subject.to_string()).collect();
    reply::json(&subjects)
}

pub(super) async fn versions_of_id(call: Call) -> Reply {
    let versions = versions_with_id(&call).await?;
    let bodies: Vec<SubjectAndVersion> = versions.into_iter().map(SubjectAndVersion::from).collect();
    reply::json(&bodies)
}

async fn versions_with_id(
    call: &Call,
) -> Result<Vec<(QualifiedSubject, assay_schema_core::Version)>, ApiError> {
    let id = call.id()?;
    let page = call.query.page()?;
    Ok(call.registry().versions_with_id(id, call.query.text("subject"), call.query.deleted(), page).await?)
}

pub(super) async fn by_guid(call: Call) -> Result<Response, ApiError> {
    let registry = call.registry();
    let stored = registry.schema_by_guid(call.parameter("guid")).await?;
    let text = text(&call, &stored, call.query.text("format") == RESOLVED).await?;
    let mut body = SchemaString::new(&stored);
    body.schema = &text;
    let tags = find_tags(&call, &stored).await?;
    body.schema_tags = tags.iter().map(Tags::from).collect();
    let context = format!(":{}:", stored.row().context);
    match registry.schema_of_subject(stored.id(), &context).await {
        Ok(found) => {
            body.ts = found.version.as_ref().map(|version| version.ts_ms);
            body.deleted = found.version.as_ref().map(|version| version.deleted);
        }
        Err(RegistryError::SchemaKeyNotFound { .. }) => {
            return Err(RegistryError::SchemaKeyNotFound { key: call.parameter("guid").to_owned() }.into());
        }
        Err(error) => return Err(error.into()),
    }
    reply::json(&body)
}

pub(super) async fn ids_of_guid(call: Call) -> Reply {
    #[derive(Serialize)]
    struct ContextId {
        context: String,
        id: SchemaId,
    }
    let ids = call.registry().ids_of_guid(call.parameter("guid")).await?;
    let bodies: Vec<ContextId> =
        ids.into_iter().map(|(context, id)| ContextId { context: context.to_string(), id }).collect();
    reply::json(&bodies)
}
