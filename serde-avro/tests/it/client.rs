//! The endpoints against the real registry.

use assay_serde_avro::client::{
    AsOf, HistoryQuery, ListQuery, RegisterOptions, SchemaQuery, SchemasQuery, Verdict,
};
use assay_serde_avro::schema::rest::{ConfigUpdateRequest, Patch, RegisterSchemaRequest};
use assay_serde_avro::schema::{Context, Mode, SchemaId, Version, VersionRef};
use assay_serde_avro::{CacheSettings, CachedClient, Deserializer, Error, Serializer};

use crate::record::{ORDER, ORDER_V2, Order, order, real};

fn request(text: &str) -> RegisterSchemaRequest {
    RegisterSchemaRequest { schema: Some(text.into()), ..RegisterSchemaRequest::default() }
}

fn first() -> VersionRef {
    VersionRef::Number(Version::FIRST)
}

#[tokio::test]
async fn a_schema_is_registered_found_and_deleted() {
    let (_server, client, _registry) = real().await;
    client.ping().await.unwrap();
    let registered = client.register_schema("s", &request(ORDER), false).await.unwrap();
    let id = SchemaId::new(registered.id).unwrap();
    assert_eq!(client.register_schema("s", &request(ORDER), true).await.unwrap().id, registered.id);
    let found = client.lookup_schema("s", &request(ORDER), false, false).await.unwrap();
    assert_eq!((found.id, found.version, found.schema.as_str()), (id.get(), 1, ORDER));

    let query = SchemaQuery::default();
    let by_id = client.schema_by_id(id, &query).await.unwrap();
    assert_eq!(by_id.schema.as_deref(), Some(ORDER));
    let guid = assay_serde_avro::schema::Guid::parse(by_id.guid.as_deref().unwrap()).unwrap();
    assert_eq!(client.schema_by_guid(guid, &query).await.unwrap().schema.as_deref(), Some(ORDER));
    assert_eq!(client.ids_by_guid(guid).await.unwrap()[0].id, id.get());
    assert_eq!(client.schema_text_by_id(id, &query).await.unwrap(), ORDER);
    assert_eq!(client.subjects_by_id(id, &ListQuery::default()).await.unwrap(), ["s"]);
    assert_eq!(client.versions_by_id(id, &ListQuery::default()).await.unwrap()[0].version, 1);
    assert_eq!(client.schema_version("s", VersionRef::Latest, &query).await.unwrap().id, id.get());
    assert_eq!(client.schema_version_text("s", first(), &query).await.unwrap(), ORDER);
    assert!(client.referenced_by("s", first(), &ListQuery::default()).await.unwrap().is_empty());
    assert_eq!(client.schemas(&SchemasQuery::default()).await.unwrap().len(), 1);
    assert!(client.schema_types().await.unwrap().contains(&"AVRO".to_owned()));
    assert_eq!(client.versions("s", &ListQuery::default()).await.unwrap(), [Version::FIRST]);

    assert_eq!(client.delete_version("s", first(), false).await.unwrap(), Version::FIRST);
    let gone = client.schema_version("s", first(), &query).await.unwrap_err();
    assert!(matches!(gone, Error::SubjectNotFound { .. } | Error::VersionNotFound { .. }), "{gone}");
    let deleted = SchemaQuery { deleted: true, ..query };
    client.schema_version("s", first(), &deleted).await.unwrap();
    assert_eq!(client.delete_subject("s", true).await.unwrap(), [Version::FIRST]);
    assert!(client.subjects(&ListQuery { deleted: true, ..ListQuery::default() }).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_does_not_exist_has_its_own_error() {
    let (_server, client, registry) = real().await;
    let query = SchemaQuery::default();
    let error = client.schema_version("s", VersionRef::Latest, &query).await.unwrap_err();
    assert!(matches!(error, Error::SubjectNotFound { .. }), "{error}");
    client.register_schema("s", &request(ORDER), false).await.unwrap();
    let nine = VersionRef::Number(Version::new(9).unwrap());
    let error = client.schema_version("s", nine, &query).await.unwrap_err();
    assert!(matches!(error, Error::VersionNotFound { .. }), "{error}");
    let error = client.schema_by_id(SchemaId::new(999).unwrap(), &query).await.unwrap_err();
    assert!(matches!(error, Error::SchemaNotFound { .. }), "{error}");
    assert_eq!(error.error_code(), Some(40403));
    let error = client.lookup_schema("s", &request(ORDER_V2), false, false).await.unwrap_err();
    assert!(matches!(error, Error::SchemaNotRegistered { .. }), "{error}");
    let error = client.register_schema("s", &request("{"), false).await.unwrap_err();
    assert!(matches!(error, Error::InvalidSchema { .. }), "{error}");
    let error = client.config(Some("s"), false).await.unwrap_err();
    assert_eq!(error.error_code(), Some(40408));
    assert_eq!(registry.associated_subject("-", "t", assay_serde_avro::Part::Value).await.unwrap(), None);
}

#[tokio::test]
async fn settings_are_read_changed_and_removed() {
    let (_server, client, _registry) = real().await;
    let level =
        |text: &str| ConfigUpdateRequest { compatibility: Patch::Set(text.into()), ..Default::default() };
    client.update_config(None, &level("FULL")).await.unwrap();
    assert_eq!(client.config(None, false).await.unwrap().compatibility_level.as_deref(), Some("FULL"));
    client.update_config(Some("s"), &level("NONE")).await.unwrap();
    assert_eq!(client.config(Some("s"), false).await.unwrap().compatibility_level.as_deref(), Some("NONE"));
    client.delete_config(Some("s")).await.unwrap();
    let inherited = client.config(Some("s"), true).await.unwrap();
    assert_eq!(inherited.compatibility_level.as_deref(), Some("FULL"));

    assert_eq!(client.mode(None, false).await.unwrap(), Mode::ReadWrite);
    assert_eq!(client.update_mode(Some("s"), Mode::ReadOnly, false).await.unwrap(), Mode::ReadOnly);
    let error = client.register_schema("s", &request(ORDER), false).await.unwrap_err();
    assert_eq!(error.error_code(), Some(42205));
    assert_eq!(client.delete_mode(Some("s"), false).await.unwrap(), Some(Mode::ReadOnly));
}

#[tokio::test]
async fn compatibility_is_checked_without_registering() {
    let (_server, client, _registry) = real().await;
    client.register_schema("s", &request(ORDER), false).await.unwrap();
    let check = |text: String| {
        let client = client.clone();
        async move {
            let latest = VersionRef::Latest;
            client.check_compatibility("s", latest, &request(&text), false, Verdict::Verbose).await.unwrap()
        }
    };
    assert!(check(ORDER_V2.into()).await.is_compatible);
    let refused = check(ORDER_V2.replace(r#","default":1"#, "")).await;
    assert!(!refused.is_compatible);
    assert!(refused.messages.unwrap()[0].contains("READER_FIELD_MISSING_DEFAULT_VALUE"));
    let short =
        client.check_compatibility_with_all("s", &request(ORDER_V2), false, Verdict::Short).await.unwrap();
    assert!(short.is_compatible && short.messages.is_none());
}

#[tokio::test]
async fn a_client_of_one_context_stays_in_it() {
    let (_server, client, _) = real().await;
    let settings = CacheSettings { context: Context::parse(".blue").unwrap(), ..CacheSettings::default() };
    let registry = CachedClient::with_settings(client.clone(), settings.clone());
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    client.register_schema("other", &request(r#""string""#), false).await.unwrap();
    let framed = serializer.encode("orders", &order()).await.unwrap();
    assert_eq!(client.subjects_of(":.blue:").await, [":.blue:orders-value"]);
    // the same number means another schema in the default context
    let cold = CachedClient::with_settings(client.clone(), settings);
    assert_eq!(Deserializer::<Order>::new(&cold).decode(&framed.payload).await.unwrap(), order());
    assert!(client.contexts(&ListQuery::default()).await.unwrap().contains(&".blue".to_owned()));
}

#[tokio::test]
async fn what_only_this_registry_serves_is_asked_for_by_its_parameters() {
    let (_server, client, _registry) = real().await;
    client.live().await.unwrap();
    client.ready().await.unwrap();
    let options = RegisterOptions { dry_run: true, ..RegisterOptions::default() };
    client.register_schema_with("s", &request(ORDER), &options).await.unwrap();
    assert!(client.subjects(&ListQuery::default()).await.unwrap().is_empty());
    client.register_schema("s", &request(ORDER), false).await.unwrap();
    let events = client.history(&HistoryQuery::default()).await.unwrap();
    let last = events.last().unwrap();
    assert_eq!((last.subject.as_str(), last.version, last.id.is_some()), ("s", Some(Version::FIRST), true));
    let revision = last.revision;
    client.register_schema("s", &request(ORDER_V2), false).await.unwrap();

    let before = Some(AsOf::Revision(revision));
    let query = ListQuery { as_of: before.clone(), ..ListQuery::default() };
    assert_eq!(client.versions("s", &query).await.unwrap(), [Version::FIRST]);
    let query = SchemaQuery { as_of: before.clone(), ..SchemaQuery::default() };
    assert_eq!(client.schema_version("s", VersionRef::Latest, &query).await.unwrap().version, 1);
    let config = client.config_as_of(Some("s"), &AsOf::Revision(revision)).await.unwrap();
    assert_eq!(config.compatibility_level.as_deref(), Some("BACKWARD"));
    assert_eq!(client.mode_as_of(None, &AsOf::Revision(revision)).await.unwrap(), Mode::ReadWrite);
    let later = HistoryQuery { after: Some(revision), subject: Some("s".into()), ..HistoryQuery::default() };
    assert_eq!(client.history(&later).await.unwrap().len(), 1);
    let check = client.verify_history().await.unwrap();
    assert!(check.ok && check.findings.is_empty(), "{check:?}");
    assert_eq!(check.versions, 2);

    client.delete_version("s", first(), false).await.unwrap();
    let second = Version::new(2).unwrap();
    assert_eq!(client.versions_with_deleted("s").await.unwrap(), [(Version::FIRST, true), (second, false)]);
    assert!(client.contexts_with_prefix(".none").await.unwrap().is_empty());
}

trait SubjectsOf {
    async fn subjects_of(&self, prefix: &str) -> Vec<String>;
}

impl SubjectsOf for assay_serde_avro::RegistryClient {
    async fn subjects_of(&self, prefix: &str) -> Vec<String> {
        let query = ListQuery { subject_prefix: Some(prefix.into()), ..ListQuery::default() };
        self.subjects(&query).await.unwrap()
    }
}
