//! The registry's REST interface in process: a request may be refused, it may not fail.

use assay_registry_server::{RegistryConfig, ServeOptions, open, service};
use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt as _;

use super::Run;

/// Requests as text: method, path, and the body from the second line on.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let record = r#"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}"#;
    let schema = format!(r#"{{"schema":"{record}"}}"#);
    let full = format!(
        r#"{{"schema":"{record}","schemaType":"AVRO","version":-1,"id":7,"references":[{{"name":"R","subject":"s","version":1}}],
            "metadata":{{"tags":{{"R.a":["PII"]}},"properties":{{"k":"v"}},"sensitive":["k"]}},
            "ruleSet":{{"domainRules":[{{"name":"r","kind":"CONDITION","type":"CEL","mode":"WRITE","expr":"true"}}]}},
            "schemaTagsToAdd":[{{"schemaEntity":{{"entityPath":"R.a","entityType":"sr_field"}},"tags":["PII"]}}]}}"#
    );
    let tags = r#"{"newVersion":2,"tagsToAdd":[{"schemaEntity":{"entityPath":"R","entityType":"sr_record"},"tags":["x"]}],
        "rulesToMerge":{"migrationRules":[{"name":"m","type":"JSONATA","mode":"UPGRADE"}]},"rulesToRemove":["r"]}"#;
    let config = r#"{"compatibility":"FULL","alias":"s","normalize":true,"compatibilityGroup":"k","defaultMetadata":{"properties":{}},
        "overrideRuleSet":null}"#;
    let association = format!(
        r#"{{"resourceName":"t","resourceNamespace":"n","resourceId":"i","associations":[{{"associationType":"value",
            "lifecycle":"STRONG","schema":{schema},"opType":"CREATE"}}]}}"#
    );
    let batch = format!(r#"{{"requests":[{association}]}}"#);
    let with_body = [
        ("POST /subjects/s/versions", &schema),
        ("POST /subjects/s/versions?normalize=true&explain=true", &full),
        ("POST /subjects/:.c:s/versions?dryRun=true", &full),
        ("POST /subjects/s", &schema),
        ("POST /compatibility/subjects/s/versions?verbose=true&explain=true", &full),
        ("POST /compatibility/subjects/s/versions/latest", &schema),
        ("POST /subjects/s/versions/1/tags", &tags.to_owned()),
        ("POST /subjects/s/versions/latest/diff", &full),
        ("PUT /config/s", &config.to_owned()),
        ("PUT /config", &config.to_owned()),
        ("PUT /mode/:.c:", &r#"{"mode":"IMPORT"}"#.to_owned()),
        ("POST /associations", &association),
        ("PUT /associations/resources/i", &association),
        ("POST /associations:batchMutate", &batch),
        ("POST /associations:batchGet", &batch),
    ];
    let without = [
        "GET /schemas?subjectPrefix=:*:&latestOnly=true&aliases=true&limit=3",
        "GET /schemas/ids/1?subject=s&format=resolved&findTags=*&fetchMaxId=true",
        "GET /schemas/guids/095d71cf-1255-6b9d-5e33-0ad575b3df5d/ids",
        "GET /contexts/.c/subjects/s/versions/-1?deleted=true",
        "GET /subjects/s/versions/1/referencedby",
        "GET /subjects/s/metadata?key=k&value=v",
        "GET /subjects/s/versions?asOf=2026-01-01T00:00:00Z",
        "GET /config/s?defaultToGlobal=true&asOf=3",
        "GET /history?subject=s&from=0&until=2999-01-01T00:00:00%2B01:00",
        "DELETE /subjects/s?permanent=true",
        "DELETE /subjects/s/versions/latest",
        "DELETE /associations/resources/i?cascadeLifecycle=true",
        "DELETE /mode/:.c:?recursive=true",
        "DELETE /contexts/.c",
    ];
    let bodies = with_body.iter().map(|(line, body)| format!("{line}\n{body}"));
    bodies.chain(without.map(|line| format!("{line}\n"))).map(String::into_bytes).collect()
}

/// A registry over a temporary file, which lives as long as the process.
pub(super) fn prepare() -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("registry.db").display());
    let registry = runtime.block_on(open(&url, RegistryConfig::default())).expect("a registry");
    let service = service(registry, &ServeOptions::default());
    Box::new(move |input| {
        let _kept = &folder;
        let (line, body) = match input.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&input[..end], &input[end + 1..]),
            None => (input, &[][..]),
        };
        let Ok(line) = std::str::from_utf8(line) else { return };
        let Some((method, path)) = line.split_once(' ') else { return };
        let request = Request::builder().method(method).uri(path).header("content-length", body.len());
        let Ok(request) = request.body(Body::from(body.to_vec())) else { return };
        let Ok(response) = runtime.block_on(service.clone().oneshot(request));
        assert!(!response.status().is_server_error(), "{}", response.status());
    })
}
