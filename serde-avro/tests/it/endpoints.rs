//! The client knows every operation and every parameter that `openapi.yaml` describes, and no other.

use std::collections::{BTreeMap, BTreeSet};

use assay_serde_avro::RegistryClient;
use assay_serde_avro::client::{
    AsOf, AssociationInput, AssociationOptions, AssociationQuery, AssociationRequest, HistoryQuery,
    ListQuery, LookupOptions, RegisterOptions, SchemaQuery, SchemasQuery, Verdict,
};
use assay_serde_avro::schema::rest::{ConfigUpdateRequest, RegisterSchemaRequest, TagSchemaRequest};
use assay_serde_avro::schema::{Context, Guid, Mode, SchemaId, Version, VersionRef};

use crate::faulty::{Answer, Faulty};

/// Parameters by operation, such as `get /subjects`.
type Operations = BTreeMap<String, BTreeSet<String>>;

/// Parameters that the original registry takes and ours ignores.
const BEYOND: [(&str, &str); 2] =
    [("get /schemas", "resourceType"), ("get /schemas/ids/{id}/schema", "fetchMaxId")];

/// The value of `key` in a flow mapping such as `{ name: asOf, in: query }`.
fn member<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let rest = line.split_once(&format!("{key}: "))?.1;
    Some(rest.split([',', ' ', '}']).next()?.trim_matches('\''))
}

fn query_parameter(line: &str) -> Option<String> {
    (member(line, "in") == Some("query")).then(|| member(line, "name").map(str::to_owned)).flatten()
}

/// What the file describes, by its indentation: paths by two, methods by four, parameters of a path by six, of an operation
/// by eight; shared parameters by four under `components:`, on their own line or the next.
fn described(text: &str) -> Operations {
    let mut shared: BTreeMap<&str, Option<String>> = BTreeMap::new();
    let mut section = "";
    let mut name = "";
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        match indent {
            0 => section = line,
            2 if section.starts_with("components") => {
                section = if line == "  parameters:" { "components:p" } else { "components:" }
            }
            4 | 6 if section == "components:p" => {
                if indent == 4 {
                    name = line.trim().split(':').next().unwrap();
                }
                if line.contains("name: ") {
                    shared.insert(name, query_parameter(line));
                }
            }
            _ => {}
        }
    }
    let mut operations = Operations::new();
    let (mut in_paths, mut path, mut operation) = (false, "", None);
    let mut of_path: Vec<String> = Vec::new();
    for line in text.lines() {
        let (indent, line) = (line.len() - line.trim_start().len(), line.trim());
        let parameter =
            line.strip_prefix("- ").and_then(|item| match item.split_once("#/components/parameters/") {
                Some((_, name)) => shared
                    .get(name.trim_end_matches(['\'', ' ', '}']))
                    .unwrap_or_else(|| panic!("{name}"))
                    .clone(),
                None => query_parameter(item),
            });
        match indent {
            0 => in_paths = line == "paths:",
            2 if in_paths => {
                (path, operation) = (line.trim_end_matches(':'), None);
                of_path.clear();
            }
            4 if in_paths && line != "parameters:" => {
                let key = format!("{} {path}", line.trim_end_matches(':'));
                operations.insert(key.clone(), of_path.iter().cloned().collect());
                operation = Some(key);
            }
            6 if in_paths && operation.is_none() => of_path.extend(parameter),
            8 if in_paths => {
                let known = operation.as_ref().and_then(|operation| operations.get_mut(operation));
                known.unwrap().extend(parameter);
            }
            _ => {}
        }
    }
    operations
}

/// Whether a request's path is one of a template such as `/schemas/ids/{id}`. Test values never equal a fixed segment.
fn matches(template: &str, path: &str) -> bool {
    let (mut left, mut right) = (template.split('/'), path.split('/'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(left), Some(right))
                if left == right || (left.starts_with('{') && right.starts_with('v')) => {}
            _ => return false,
        }
    }
}

fn list() -> ListQuery {
    ListQuery {
        deleted: true,
        deleted_only: true,
        subject_prefix: Some("p".to_owned()),
        subject: Some("s".to_owned()),
        offset: Some(1),
        limit: Some(2),
        as_of: Some(AsOf::Revision(3)),
    }
}

fn schema_query() -> SchemaQuery {
    SchemaQuery {
        subject: Some("s".to_owned()),
        format: Some("resolved".to_owned()),
        deleted: true,
        fetch_max_id: true,
        reference_format: Some("qualified".to_owned()),
        find_tags: vec!["t".into()],
        as_of: Some(AsOf::Revision(3)),
    }
}

/// Paths of the client's requests have `v…` where a template has a parameter, but for numbers, contexts and the like.
async fn ask_schemas(client: &RegistryClient) {
    let id = SchemaId::new(7).unwrap();
    let guid = Guid::from_bytes([0x11; 16]);
    client.ping().await.unwrap();
    client.ping_with_body().await.unwrap();
    client.cluster_id().await.ok();
    client.server_version().await.ok();
    client.deployment().await.ok();
    let all = SchemasQuery {
        list: list(),
        latest_only: true,
        aliases: true,
        rule_type: Some("CEL".to_owned()),
        resource_type: Some("topic".to_owned()),
        association_types: vec!["key".into()],
        lifecycles: vec!["WEAK".into()],
    };
    client.schemas(&all).await.ok();
    client.schema_types().await.ok();
    client.schema_by_id(id, &schema_query()).await.ok();
    client.schema_text_by_id(id, &schema_query()).await.ok();
    client.subjects_by_id(id, &list()).await.ok();
    client.versions_by_id(id, &list()).await.ok();
    client.schema_by_guid(guid, &schema_query()).await.ok();
    client.ids_by_guid(guid).await.ok();
}

async fn ask_subjects(client: &RegistryClient) {
    let (latest, schema) = (VersionRef::Latest, RegisterSchemaRequest::default());
    client.subjects(&list()).await.ok();
    let look_up = LookupOptions { normalize: true, deleted: true, format: Some("resolved".to_owned()) };
    client.lookup_schema_with("v", &schema, &look_up).await.ok();
    client.delete_subject("v", true).await.ok();
    let properties = [("k".to_owned(), "v".to_owned())].into();
    client.latest_schema_with_metadata("v", &properties, &schema_query()).await.ok();
    client.versions("v", &list()).await.ok();
    client.versions_with_deleted("v").await.ok();
    let options = RegisterOptions {
        normalize: true,
        format: Some("resolved".to_owned()),
        force: true,
        dry_run: true,
        explain: true,
    };
    client.register_schema_with("v", &schema, &options).await.ok();
    client.schema_version("v", latest, &schema_query()).await.ok();
    client.schema_version_text("v", latest, &schema_query()).await.ok();
    client.referenced_by("v", latest, &list()).await.ok();
    client.delete_version("v", VersionRef::Number(Version::FIRST), true).await.ok();
    client.tag_schema("v", latest, &TagSchemaRequest::default()).await.ok();
    client.diff_versions("v", latest, latest, true).await.ok();
    client.diff_schema("v", latest, &schema, true, true).await.ok();
    client.check_compatibility("v", latest, &schema, true, Verdict::Verbose).await.ok();
    client.check_compatibility_with_all("v", &schema, true, Verdict::Verbose).await.ok();
    client.explain_compatibility("v", &schema, true).await.ok();
    client.explain_compatibility_with("v", latest, &schema, true).await.ok();
}

async fn ask_settings(client: &RegistryClient) {
    for subject in [None, Some("v")] {
        client.config(subject, true).await.ok();
        client.config_as_of(subject, &AsOf::Revision(1)).await.ok();
        client.update_config(subject, &ConfigUpdateRequest::default()).await.ok();
        client.delete_config(subject).await.ok();
        client.mode(subject, true).await.ok();
        client.mode_as_of(subject, &AsOf::Revision(1)).await.ok();
        client.update_mode(subject, Mode::Import, true).await.ok();
        client.delete_mode(subject, true).await.ok();
    }
    client.contexts(&list()).await.ok();
    client.contexts_with_prefix(".p").await.ok();
    client.delete_context(&Context::parse(".v").unwrap()).await.ok();
    let history = HistoryQuery {
        subject: Some("s".to_owned()),
        after: Some(1),
        from: Some("1".to_owned()),
        until: Some("2".to_owned()),
        limit: Some(3),
    };
    client.history(&history).await.ok();
    client.verify_history().await.ok();
    client.live().await.unwrap();
    client.ready().await.unwrap();
    client.server_metrics().await.unwrap();
}

async fn ask_associations(client: &RegistryClient) {
    let query = AssociationQuery {
        resource_type: Some("topic".to_owned()),
        association_types: vec!["key".into()],
        lifecycle: Some("WEAK".to_owned()),
        offset: Some(1),
        limit: Some(2),
    };
    let options = AssociationOptions { context: Some(".c".to_owned()), dry_run: true };
    let request = AssociationRequest::topic("c", "t", "i", vec![AssociationInput::weak("value")]);
    client.associations_by_name("v", "v", &query).await.ok();
    client.associations_by_id("v", &query).await.ok();
    client.associations_by_subject("v", &query).await.ok();
    client.create_association(&request, &options).await.ok();
    client.update_association("v", &request, &options).await.ok();
    client.delete_associations("v", &query, true, true).await.ok();
    client.batch_get_associations(&[], true).await.ok();
    client.batch_mutate_associations(&[request], &options).await.ok();
}

#[tokio::test]
async fn every_described_operation_has_a_method_and_every_parameter_a_place() {
    let server = Faulty::start([Answer::new(200, "{}")]).await;
    let client = RegistryClient::new(&server.url()).unwrap();
    ask_schemas(&client).await;
    ask_subjects(&client).await;
    ask_settings(&client).await;
    ask_associations(&client).await;

    let described = described(include_str!("../../../openapi.yaml"));
    let mut asked = Operations::new();
    for request in server.asked() {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        // the values of path parameters, which are not all free text, become the mark that templates match
        let path = path.replace("/7", "/v").replace(&Guid::from_bytes([0x11; 16]).to_string(), "v");
        let path = path.replace("/latest", "/v").replace("/versions/1", "/versions/v").replace("/.v", "/v");
        let method = request.method.to_lowercase();
        let same = |key: &&String| {
            key.strip_prefix(&method)
                .and_then(|rest| rest.strip_prefix(' '))
                .is_some_and(|rest| matches(rest, &path))
        };
        let operation =
            described.keys().find(same).unwrap_or_else(|| panic!("not described: {method} {path}"));
        let names =
            query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty());
        asked.entry(operation.clone()).or_default().extend(names.map(str::to_owned));
    }
    for (operation, name) in BEYOND {
        asked.get_mut(operation).unwrap().remove(name);
    }
    let missing: Vec<_> = described.keys().filter(|operation| !asked.contains_key(*operation)).collect();
    assert!(missing.is_empty(), "no method for {missing:?}");
    for (operation, parameters) in &described {
        let unknown: Vec<_> = parameters.difference(&asked[operation]).collect();
        assert!(unknown.is_empty(), "{operation}: the client cannot give {unknown:?}");
    }
}
