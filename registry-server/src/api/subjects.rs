//! `/subjects`: lists, lookup, registration, versions, deletes, tags (registry-api.md 4.3).

use assay_schema_core::QualifiedSubject;

use super::body;
use super::call::Call;
use super::error::ApiError;
use super::reply::{self, RegisterSchemaResponse, Reply, Schema, Tags};
use super::schemas::{find_tags, qualified_references, text};
use crate::registry::{
    CheckAgainst, RegisterOptions, RegistryError, SchemaInput, SubjectFilter, SubjectVersion,
};

const RESOLVED: &str = "resolved";

pub(super) async fn list(call: Call) -> Reply {
    let filter = SubjectFilter::parse(call.query.find("subjectPrefix").unwrap_or(":*:"));
    let (deleted, page) = (call.query.deleted_or_only(), call.query.page()?);
    let subjects = match call.query.as_of()? {
        Some(moment) => call.registry().subjects_as_of(&filter, deleted, page, moment).await?,
        None => call.registry().subjects(&filter, deleted, page).await?,
    };
    let names: Vec<String> = subjects.iter().map(ToString::to_string).collect();
    reply::json(&names)
}

pub(super) async fn lookup(call: Call) -> Reply {
    let input = body::object(&call.body, "lookUpSchemaUnderSubject.arg5")?.schema_input()?;
    let normalize = call.query.flag("normalize");
    let found = call.registry().lookup(&call.subject()?, &input, normalize, call.query.deleted()).await?;
    let text = text(&call, &found.version.schema, call.query.text("format") == RESOLVED).await?;
    let mut body = Schema::new(&found.version);
    body.schema = &text;
    if !found.by_equivalence {
        body.ts = None;
        body.deleted = None;
    }
    reply::settled(&body, found.settled)
}

pub(super) async fn delete(call: Call) -> Reply {
    let permanent = call.query.flag("permanent");
    reply::json(&call.registry().delete_subject(&call.subject()?, permanent, &call.origin).await?)
}

pub(super) async fn by_metadata(call: Call) -> Reply {
    let pairs: Vec<_> = call.query.list("key").into_iter().zip(call.query.list("value")).collect();
    let found = call.registry().version_by_metadata(&call.subject()?, &pairs, call.query.deleted()).await?;
    schema(&call, &found).await
}

pub(super) async fn versions(call: Call) -> Reply {
    let (deleted, as_negative) = (call.query.deleted_or_only(), call.query.flag("deletedAsNegative"));
    let (subject, page) = (call.subject()?, call.query.page()?);
    reply::json(&match call.query.as_of()? {
        Some(moment) => call.registry().versions_as_of(&subject, deleted, as_negative, page, moment).await?,
        None => call.registry().versions(&subject, deleted, as_negative, page).await?,
    })
}

pub(super) async fn register(call: Call) -> Reply {
    let input = body::object(&call.body, "register.arg6")?.schema_input()?;
    let options = RegisterOptions {
        normalize: call.query.flag("normalize"),
        force: call.query.flag("force"),
        dry_run: call.query.flag("dryRun"),
    };
    let subject = call.subject()?;
    match call.registry().register(&subject, &input, options, &call.origin).await {
        Ok(registered) => reply::settled(&RegisterSchemaResponse::from(&registered), registered.settled),
        Err(error @ RegistryError::Incompatible { .. }) => {
            call.api.metrics().verdict(false);
            Err(refused(&call, &subject, &input, error).await)
        }
        Err(error) => Err(error.into()),
    }
}

/// The refusal of a registration, explained if that was asked for. What the request leaves to the latest version (an empty text)
/// cannot be explained; the refusal stands all the same.
async fn refused(
    call: &Call,
    subject: &QualifiedSubject,
    input: &SchemaInput,
    error: RegistryError,
) -> ApiError {
    if !call.query.flag("explain") {
        return error.into();
    }
    let normalize = call.query.flag("normalize");
    match call.registry().explain(subject, CheckAgainst::Level, input, normalize).await {
        Ok(refusal) => ApiError::Explained { error, refusal: Box::new(refusal.into()) },
        Err(cause) => {
            tracing::debug!(%cause, "a refusal could not be explained");
            error.into()
        }
    }
}

pub(super) async fn version(call: Call) -> Reply {
    schema(&call, &find(&call).await?).await
}

pub(super) async fn version_text(call: Call) -> Reply {
    let found = find(&call).await?;
    let text = text(&call, &found.schema, call.query.text("format") == RESOLVED).await?;
    Ok(reply::bytes(text.into_bytes().into()))
}

async fn find(call: &Call) -> Result<SubjectVersion, ApiError> {
    let (subject, version, deleted) = (call.subject()?, call.version()?, call.query.deleted());
    Ok(match call.query.as_of()? {
        Some(moment) => call.registry().version_as_of(&subject, version, deleted, moment).await?,
        None => call.registry().version(&subject, version, deleted).await?,
    })
}

async fn schema(call: &Call, found: &SubjectVersion) -> Reply {
    let text = text(call, &found.schema, call.query.text("format") == RESOLVED).await?;
    let references = qualified_references(&found.schema, call.query.text("referenceFormat") == "qualified");
    let tags = find_tags(call, &found.schema).await?;
    let mut body = Schema::new(found);
    body.schema = &text;
    body.schema_tags = tags.iter().map(Tags::from).collect();
    if let Some(references) = &references {
        body = body.with_references(references);
    }
    reply::json(&body)
}

pub(super) async fn referenced_by(call: Call) -> Reply {
    let page = call.query.page()?;
    let (subject, version) = (call.subject()?, call.version()?);
    reply::json(&call.registry().referenced_by(&subject, version, call.query.deleted(), page).await?)
}

pub(super) async fn delete_version(call: Call) -> Reply {
    let permanent = call.query.flag("permanent");
    let (subject, version) = (call.subject()?, call.version()?);
    reply::json(&call.registry().delete_version(&subject, version, permanent, &call.origin).await?)
}

pub(super) async fn change_tags(call: Call) -> Reply {
    let change = body::object(&call.body, "modifyTags.arg4")?.tag_change()?;
    let (subject, version) = (call.subject()?, call.version()?);
    let registered = call.registry().change_tags(&subject, version, change, &call.origin).await?;
    reply::json(&RegisterSchemaResponse::from(&registered))
}
