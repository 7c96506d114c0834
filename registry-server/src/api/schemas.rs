//! `/schemas`: by id, by GUID, lists (registry-api.md 4.2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assay_schema_core::{QualifiedSubject, SchemaId, SchemaReference, SchemaType};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;

use super::associations::Association;
use super::call::Call;
use super::error::ApiError;
use super::query::Query;
use super::reply::{self, Reply, Schema, SchemaString, SubjectAndVersion, Tags};
use crate::cache::Variant;
use crate::registry::{
    AssociationFilter, Page, RegistryError, SchemaFilter, SchemaTags, StoredSchema, SubjectFilter,
};
use crate::store::AssociationRow;

const RESOLVED: &str = "resolved";

pub(super) async fn list(call: Call) -> Reply {
    let config = call.registry().config();
    let page = call.query.page_within(config.schema_search_limit_default, config.schema_search_limit_max)?;
    let associated = associated(&call).await?;
    let filter = SchemaFilter {
        subjects: SubjectFilter::parse(call.query.text("subjectPrefix")),
        deleted: call.query.deleted(),
        latest_only: call.query.flag("latestOnly"),
        rule_type: call.query.text("ruleType").to_owned(),
        page: if associated.is_some() { Page::ALL } else { page },
    };
    let with_aliases = call.query.flag("aliases");
    let mut found = if with_aliases {
        call.registry().schemas_through_aliases(&filter).await?
    } else {
        call.registry().schemas(&filter).await?
    };
    if let Some(associated) = &associated {
        found.retain(|version| associated.takes(&version.subject));
        found = page.of(found);
    }
    let aliases = if with_aliases { call.registry().aliases() } else { BTreeMap::new() };
    let names =
        |subject| aliases.get(subject).into_iter().flatten().map(QualifiedSubject::to_string).collect();
    let bodies = found.iter().map(|version| ExtendedSchema {
        aliases: names(&version.subject),
        associations: associated.as_ref().map(|known| known.of(&version.subject)).unwrap_or_default(),
        schema: Schema::new(version),
    });
    reply::json(&bodies.collect::<Vec<_>>())
}

/// `ExtendedSchema`.
#[derive(Serialize)]
struct ExtendedSchema<'a> {
    #[serde(flatten)]
    schema: Schema<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    associations: Vec<Association>,
}

/// What a list filtered by association takes.
struct Associated {
    by_subject: BTreeMap<QualifiedSubject, Vec<AssociationRow>>,
    /// Subjects without any association too (`lifecycle=NONE`).
    without: Option<BTreeSet<QualifiedSubject>>,
}

impl Associated {
    fn takes(&self, subject: &QualifiedSubject) -> bool {
        self.by_subject.contains_key(subject)
            || self.without.as_ref().is_some_and(|associated| !associated.contains(subject))
    }

    fn of(&self, subject: &QualifiedSubject) -> Vec<Association> {
        self.by_subject.get(subject).into_iter().flatten().cloned().map(Association::from).collect()
    }
}

/// The filter by association, if one was asked for.
async fn associated(call: &Call) -> Result<Option<Associated>, ApiError> {
    let values = |name| {
        let mut values = call.query.list(name);
        values.retain(|value| !value.is_empty());
        values
    };
    let (lifecycles, association_types) = (values("lifecycle"), values("associationType"));
    let resource_type = call.query.text("resourceType").to_owned();
    if lifecycles.is_empty() && association_types.is_empty() && resource_type.is_empty() {
        return Ok(None);
    }
    let registry = call.registry();
    let filter = AssociationFilter { resource_type, association_types, lifecycle: None };
    let mut by_subject = registry.associations_by_subject(&filter).await?;
    let without = if lifecycles.iter().any(|lifecycle| lifecycle == "NONE") {
        let all = registry.associations_by_subject(&AssociationFilter::default()).await?;
        Some(all.into_keys().collect())
    } else {
        None
    };
    if !lifecycles.is_empty() {
        for rows in by_subject.values_mut() {
            rows.retain(|row| lifecycles.contains(&row.lifecycle));
        }
        by_subject.retain(|_, rows| !rows.is_empty());
    }
    Ok(Some(Associated { by_subject, without }))
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
