//! What Assay's registry alone answers, as types.

use assay_serde_avro::client::RegisterOptions;
use assay_serde_avro::schema::avro::edits;
use assay_serde_avro::schema::compatibility::Direction;
use assay_serde_avro::schema::rest::RegisterSchemaRequest;
use assay_serde_avro::schema::{CompatibilityLevel, Metadata, Version, VersionRef};
use assay_serde_avro::{Error, RegistryClient};

use crate::record::{ORDER, ORDER_V2, real};

fn request(text: &str) -> RegisterSchemaRequest {
    RegisterSchemaRequest { schema: Some(text.into()), ..RegisterSchemaRequest::default() }
}

fn first() -> VersionRef {
    VersionRef::Number(Version::FIRST)
}

/// Version 2 with an item that is no text and a quantity without default.
fn broken() -> String {
    ORDER_V2
        .replace(r#""name":"item","type":"string""#, r#""name":"item","type":"long""#)
        .replace(r#","default":1"#, "")
}

#[tokio::test]
async fn a_refusal_is_explained_with_rules_places_and_edits_that_help() {
    let (_server, client, _) = real().await;
    client.register_schema("s", &request(ORDER), false).await.unwrap();
    let broken = broken();
    let explained = client.explain_compatibility("s", &request(&broken), false).await.unwrap();
    assert!(!explained.is_compatible);
    assert_eq!(explained.level, Some(CompatibilityLevel::Backward));
    let rules: Vec<_> = explained.problems.iter().map(|problem| problem.rule.as_str()).collect();
    assert_eq!(rules, ["TYPE_MISMATCH", "READER_FIELD_MISSING_DEFAULT_VALUE"]);
    let mismatch = &explained.problems[0];
    assert_eq!((mismatch.direction, mismatch.version), (Direction::Backward, Version::FIRST));
    assert_eq!(mismatch.before.json, Some("string".into()));
    assert_eq!(mismatch.after.json, Some("long".into()));
    assert!(mismatch.after.pointer.starts_with("/fields/1"), "{mismatch:?}");
    assert!(!mismatch.why.is_empty());

    let edit = explained.edits.first().unwrap();
    assert!(!edit.description.is_empty() && !edit.steps.is_empty());
    // the patch leads from the posted text to the edited one, and that one is accepted
    let posted = serde_json::from_str(&broken).unwrap();
    let edited: serde_json::Value = serde_json::from_str(&edit.schema).unwrap();
    assert_eq!(edits::apply(&posted, &edit.patch), Some(edited));
    let again = client.explain_compatibility_with("s", first(), &request(&edit.schema), false).await.unwrap();
    assert!(again.is_compatible && again.problems.is_empty() && again.edits.is_empty(), "{again:?}");
}

async fn refusal(client: &RegistryClient, text: &str) -> Error {
    let options = RegisterOptions { explain: true, ..RegisterOptions::default() };
    client.register_schema_with("s", &request(text), &options).await.unwrap_err()
}

#[tokio::test]
async fn a_refused_registration_carries_its_explanation_and_an_invalid_text_its_place() {
    let (_server, client, _) = real().await;
    client.register_schema("s", &request(ORDER), false).await.unwrap();
    let error = refusal(&client, &broken()).await;
    let Error::Incompatible { response } = &error else { panic!("{error}") };
    let explanation = response.explanation.as_ref().unwrap();
    assert_eq!((explanation.is_compatible, explanation.problems.len()), (false, 2));
    assert!(!explanation.edits.is_empty() && response.place.is_none());
    // without the question there is none
    let error = client.register_schema("s", &request(&broken()), false).await.unwrap_err();
    assert!(error.response().unwrap().explanation.is_none());

    let error = refusal(
        &client,
        "{\"type\":\"record\",\n\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"Nope\"}]}",
    )
    .await;
    let Error::InvalidSchema { response } = &error else { panic!("{error}") };
    let place = response.place.as_ref().unwrap();
    assert_eq!((place.line, place.path.as_deref()), (2, Some("/fields/0/type")));
}

#[tokio::test]
async fn differences_are_listed_by_kind_and_place() {
    let (_server, client, _) = real().await;
    client.register_schema("s", &request(ORDER), false).await.unwrap();
    let metadata =
        serde_json::from_value::<Metadata>(serde_json::json!({"properties": {"owner": "a"}})).unwrap();
    let with = RegisterSchemaRequest { metadata: Some(metadata.clone()), ..request(ORDER_V2) };
    client.register_schema("s", &with, false).await.unwrap();

    let diff = client.diff_versions("s", first(), VersionRef::Latest, false).await.unwrap();
    assert_eq!((diff.subject.as_str(), diff.from, diff.to), ("s", Version::FIRST, Version::new(2)));
    assert!(!diff.identical && diff.references.is_none() && diff.rule_set.is_none());
    let [added] = diff.changes.as_slice() else { panic!("{diff:?}") };
    assert_eq!(
        (added.kind.as_str(), added.breaks_backward, added.breaks_forward),
        ("FIELD_ADDED", false, false)
    );
    assert_eq!(added.new.pointer, "/fields/3");
    assert!(added.old.json.is_none());
    let changed = diff.metadata.unwrap();
    assert_eq!((changed.before, changed.after), (None, Some(metadata)));

    let posted = client.diff_schema("s", first(), &request(&broken()), false, false).await.unwrap();
    assert_eq!(posted.to, None);
    let breaking: Vec<_> = posted.changes.iter().filter(|change| change.breaks_backward).collect();
    assert_eq!(breaking.len(), 2, "{posted:?}");
    assert!(client.diff_schema("s", first(), &request(ORDER), false, false).await.unwrap().identical);

    client.delete_version("s", first(), false).await.unwrap();
    let gone = client.diff_versions("s", first(), VersionRef::Latest, false).await.unwrap_err();
    assert!(matches!(gone, Error::VersionNotFound { .. }), "{gone}");
    client.diff_versions("s", first(), VersionRef::Latest, true).await.unwrap();
}
