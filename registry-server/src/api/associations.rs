//! `/associations` (registry-api.md 4.8).

use std::collections::BTreeMap;

use assay_schema_core::{Context, QualifiedSubject, VersionRef};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::body::{self, Object};
use super::call::Call;
use super::error::ApiError;
use super::reply::{self, RegisterSchemaResponse, Reply, Schema};
use crate::registry::{
    Associated, AssociationFilter, AssociationRequest, Deleted, Lifecycle, Page, Registered, RegistryError,
    Write, association_type,
};
use crate::store::AssociationRow;

/// Requests in one batch.
const BATCH_MAX: usize = 1000;

/// `Association`. `frozen` is left out because it always follows from the lifecycle.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are those of the contract")]
pub(super) struct Association {
    subject: String,
    guid: String,
    resource_name: String,
    resource_namespace: String,
    resource_id: String,
    resource_type: String,
    association_type: String,
    lifecycle: String,
    create_ts: i64,
    update_ts: i64,
}

impl From<AssociationRow> for Association {
    fn from(row: AssociationRow) -> Self {
        Self {
            subject: row.subject.to_string(),
            guid: row.guid,
            resource_name: row.resource_name,
            resource_namespace: row.resource_namespace,
            resource_id: row.resource_id,
            resource_type: row.resource_type,
            association_type: row.association_type,
            lifecycle: row.lifecycle,
            create_ts: row.created_ms,
            update_ts: row.updated_ms,
        }
    }
}

/// `AssociationResponse`.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct AssociationResponse {
    #[serde(skip_serializing_if = "String::is_empty")]
    resource_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    resource_namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    resource_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    resource_type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    associations: Vec<AssociationInfo>,
}

/// `AssociationInfo`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssociationInfo {
    subject: String,
    association_type: String,
    lifecycle: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Value>,
}

impl AssociationInfo {
    fn new(row: AssociationRow, schema: Option<Value>) -> Self {
        Self {
            subject: row.subject.to_string(),
            association_type: row.association_type,
            lifecycle: row.lifecycle,
            schema,
        }
    }
}

/// What was registered, as a `Schema`.
fn registered_schema(subject: &QualifiedSubject, registered: &Registered) -> Result<Value, ApiError> {
    #[derive(Serialize)]
    struct Under<'a> {
        subject: String,
        #[serde(flatten)]
        schema: RegisterSchemaResponse<'a>,
    }
    let under = Under { subject: subject.to_string(), schema: registered.into() };
    serde_json::to_value(under).map_err(ApiError::Render)
}

impl AssociationResponse {
    fn of_request(request: &AssociationRequest) -> Self {
        Self {
            resource_name: request.resource_name.clone(),
            resource_namespace: request.resource_namespace.clone(),
            resource_id: request.resource_id.clone().unwrap_or_default(),
            resource_type: request.resource_type.clone(),
            associations: Vec::new(),
        }
    }

    fn add(&mut self, associated: Associated) -> Result<(), ApiError> {
        for (row, registered) in associated.written {
            let schema = registered.map(|schema| registered_schema(&row.subject, &schema)).transpose()?;
            self.associations.push(AssociationInfo::new(row, schema));
        }
        Ok(())
    }
}

/// `AssociationResult`: one of the two.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum AssociationResult {
    Error { error_code: u32, message: String },
    Result(AssociationResponse),
}

impl AssociationResult {
    fn new(outcome: Result<AssociationResponse, ApiError>) -> Self {
        match outcome {
            Ok(response) => Self::Result(response),
            Err(error) => Self::Error { error_code: error.codes().1, message: error.to_string() },
        }
    }
}

fn invalid(property: &'static str, detail: impl Into<String>) -> ApiError {
    RegistryError::InvalidAssociation { property, detail: detail.into() }.into()
}

fn filter(call: &Call) -> Result<AssociationFilter, ApiError> {
    let lifecycle = call.query.text("lifecycle");
    let lifecycle = if lifecycle.is_empty() {
        None
    } else {
        // As for any parameter that does not read as its type.
        Some(Lifecycle::parse(lifecycle).ok_or(ApiError::NotFound)?)
    };
    let mut association_types = call.query.list("associationType");
    association_types.retain(|name| !name.is_empty());
    Ok(AssociationFilter {
        resource_type: call.query.text("resourceType").to_owned(),
        association_types,
        lifecycle,
    })
}

fn page(call: &Call) -> Result<Page, ApiError> {
    let config = call.registry().config();
    call.query.page_within(config.schema_search_limit_default, config.schema_search_limit_max)
}

fn list(rows: Vec<AssociationRow>) -> Reply {
    reply::json(&rows.into_iter().map(Association::from).collect::<Vec<_>>())
}

pub(super) async fn by_subject(call: Call) -> Reply {
    let (subject, filter, page) = (call.subject()?, filter(&call)?, page(&call)?);
    list(call.registry().associations_of_subject(&subject, &filter, page).await?)
}

pub(super) async fn by_resource(call: Call) -> Reply {
    let (filter, page) = (filter(&call)?, page(&call)?);
    list(call.registry().associations_of_resource(&resource(&call)?, &filter, page).await?)
}

pub(super) async fn by_name(call: Call) -> Reply {
    let (filter, page) = (filter(&call)?, page(&call)?);
    let (namespace, name) = (call.parameter("namespace"), call.parameter("name"));
    if namespace.contains('\0') || name.contains('\0') {
        return list(Vec::new());
    }
    list(call.registry().associations_of_name(namespace, name, &filter, page).await?)
}

/// `{resource}`. A NUL cannot be stored, so nothing has such an id.
fn resource(call: &Call) -> Result<String, ApiError> {
    let id = call.parameter("resource");
    if id.contains('\0') {
        return Err(RegistryError::AssociationNotFound { resource: id.to_owned() }.into());
    }
    Ok(id.to_owned())
}

fn context(call: &Call) -> Result<Context, ApiError> {
    let text = call.query.text("context");
    if text.is_empty() {
        return Ok(Context::default_context());
    }
    Context::parse(text).map_err(|error| ApiError::BadRequest { message: error.to_string() })
}

async fn put(
    call: &Call,
    request: AssociationRequest,
    write: Write,
) -> Result<AssociationResponse, ApiError> {
    let dry_run = call.query.flag("dryRun");
    let mut response = AssociationResponse::of_request(&request);
    if response.resource_type.is_empty() {
        crate::registry::RESOURCE_TYPE.clone_into(&mut response.resource_type);
    }
    let written =
        call.registry().put_associations(&context(call)?, request, write, dry_run, &call.origin).await?;
    response.add(written)?;
    Ok(response)
}

pub(super) async fn create(call: Call) -> Reply {
    let request = body::object(&call.body, "createAssociation.arg4")?.association_request()?;
    reply::json(&put(&call, request, Write::Create).await?)
}

pub(super) async fn upsert(call: Call) -> Reply {
    let mut request = body::object(&call.body, "createOrUpdateAssociation.arg5")?.association_request()?;
    let id = resource(&call)?;
    if request.resource_id.get_or_insert_with(|| id.clone()) != &id {
        let detail = "Resource ID in the path parameter does not match the resource ID in the request body";
        return Err(invalid("resourceId", detail));
    }
    reply::json(&put(&call, request, Write::Upsert).await?)
}

pub(super) async fn delete(call: Call) -> Reply {
    let (cascade, dry_run) = (call.query.flag("cascadeLifecycle"), call.query.flag("dryRun"));
    let filter = AssociationFilter { lifecycle: None, ..filter(&call)? };
    let id = resource(&call)?;
    call.registry().delete_associations(&id, &filter, cascade, dry_run, &call.origin).await?;
    let mut response = reply::bytes(bytes::Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

fn requests(call: &Call, argument: &'static str) -> Result<Vec<Object>, ApiError> {
    let requests = body::object(&call.body, argument)?.objects("requests")?;
    if requests.is_empty() {
        return Err(invalid("requests", "cannot be null or empty"));
    }
    if requests.len() > BATCH_MAX {
        return Err(invalid("requests", format!("cannot be more than {BATCH_MAX}")));
    }
    Ok(requests)
}

fn multi_status(results: &[AssociationResult]) -> Reply {
    let mut response = reply::json(&BTreeMap::from([("results", results)]))?;
    *response.status_mut() = StatusCode::MULTI_STATUS;
    Ok(response)
}

pub(super) async fn batch_get(call: Call) -> Reply {
    let include_schemas = call.query.flag("includeSchemas");
    let mut results = Vec::new();
    for query in requests(&call, "batchGetAssociations.arg1")? {
        results.push(AssociationResult::new(get(&call, &query, include_schemas).await));
    }
    multi_status(&results)
}

async fn get(call: &Call, query: &Object, schemas: bool) -> Result<AssociationResponse, ApiError> {
    let text = |name| Ok::<String, ApiError>(query.text(name)?.unwrap_or_default());
    let (id, name, namespace) = (text("resourceId")?, text("resourceName")?, text("resourceNamespace")?);
    if id.is_empty() && name.is_empty() {
        return Err(invalid("resourceId", "either resourceId or resourceName must be specified"));
    }
    if !name.is_empty() && namespace.is_empty() {
        let detail = "resourceNamespace is required when resourceName is specified";
        return Err(invalid("resourceNamespace", detail));
    }
    let filter = AssociationFilter {
        resource_type: text("resourceType")?,
        association_types: query.texts("associationTypes")?,
        lifecycle: query.lifecycle()?,
    };
    let registry = call.registry();
    let rows = match (id.contains('\0') || name.contains('\0') || namespace.contains('\0'), id.is_empty()) {
        (true, _) => Vec::new(),
        (false, false) => registry.associations_of_resource(&id, &filter, Page::ALL).await?,
        (false, true) => registry.associations_of_name(&namespace, &name, &filter, Page::ALL).await?,
    };
    let first = rows.first();
    let or_first = |given: String, stored: fn(&AssociationRow) -> &String| {
        if given.is_empty() { first.map(|row| stored(row).clone()).unwrap_or_default() } else { given }
    };
    let mut response = AssociationResponse {
        resource_name: or_first(name, |row| &row.resource_name),
        resource_namespace: or_first(namespace, |row| &row.resource_namespace),
        resource_id: or_first(id, |row| &row.resource_id),
        resource_type: or_first(filter.resource_type, |row| &row.resource_type),
        associations: Vec::new(),
    };
    for row in rows {
        let schema = if schemas { latest(call, &row.subject).await? } else { None };
        response.associations.push(AssociationInfo::new(row, schema));
    }
    Ok(response)
}

async fn latest(call: &Call, subject: &QualifiedSubject) -> Result<Option<Value>, ApiError> {
    match call.registry().version(subject, VersionRef::Latest, Deleted::Exclude).await {
        Ok(found) => serde_json::to_value(Schema::new(&found)).map(Some).map_err(ApiError::Render),
        Err(RegistryError::SubjectNotFound { .. } | RegistryError::VersionNotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn batch_mutate(call: Call) -> Reply {
    let mut results = Vec::new();
    for request in requests(&call, "mutateAssociations.arg4")? {
        results.push(AssociationResult::new(mutate(&call, &request).await));
    }
    multi_status(&results)
}

/// What an operation of a batch does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Put(Write),
    Delete,
}

fn operation(op: &Object) -> Result<Operation, ApiError> {
    match op.text("opType")?.as_deref() {
        Some("CREATE") => Ok(Operation::Put(Write::Create)),
        Some("UPSERT") => Ok(Operation::Put(Write::Upsert)),
        Some("DELETE") => Ok(Operation::Delete),
        _ => Err(invalid("opType", "must be one of CREATE, UPSERT, DELETE")),
    }
}

/// Applies the operations of one resource in order; neighbours of one kind are one request.
async fn mutate(call: &Call, object: &Object) -> Result<AssociationResponse, ApiError> {
    let whole = object.association_request()?;
    let ops = object.objects("associations")?;
    let kinds = ops.iter().map(operation).collect::<Result<Vec<_>, _>>()?;
    if ops.is_empty() {
        return Err(invalid("associations", "cannot be null or empty"));
    }
    let dry_run = call.query.flag("dryRun");
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    let mut start = 0;
    while let Some(kind) = kinds.get(start).copied() {
        let same = kinds.iter().skip(start).take_while(|other| **other == kind).count();
        let run: Vec<_> = whole.associations.iter().skip(start).take(same).cloned().collect();
        match kind {
            Operation::Put(write) => {
                let request = AssociationRequest { associations: run, ..whole.clone() };
                for info in put(call, request, write).await?.associations {
                    schemas.extend(info.schema.map(|schema| (info.association_type, schema)));
                }
            }
            Operation::Delete => {
                for (op, input) in ops.iter().skip(start).zip(run) {
                    let filter = AssociationFilter {
                        association_types: vec![association_type(&input.association_type)?.to_owned()],
                        ..AssociationFilter::default()
                    };
                    let cascade = op.flag("cascadeLifecycle")?.unwrap_or(false);
                    let id = whole.resource_id.clone().unwrap_or_default();
                    let deleted =
                        call.registry().delete_associations(&id, &filter, cascade, dry_run, &call.origin);
                    match deleted.await {
                        Ok(()) | Err(RegistryError::AssociationNotFound { .. }) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
        start += same;
    }
    let mut response = AssociationResponse::of_request(&whole);
    if let Some(id) = whole.resource_id.as_deref().filter(|_| !dry_run) {
        let filter = AssociationFilter::default();
        for row in call.registry().associations_of_resource(id, &filter, Page::ALL).await? {
            let schema = schemas.remove(&row.association_type);
            response.associations.push(AssociationInfo::new(row, schema));
        }
    }
    Ok(response)
}
