//! Which schema a serializer writes with.

use assay_serde_avro::client::{ListQuery, SchemaQuery};
use assay_serde_avro::schema::rest::RegisterSchemaRequest;
use assay_serde_avro::schema::{SchemaId, SchemaReference};
use assay_serde_avro::{
    CachedClient, ConfigError, Deserializer, Disposition, Error, Framing, RegistryClient, SchemaKey,
    Selection, Serializer, SubjectStrategy,
};
use serde::{Deserialize, Serialize};

use crate::faulty::{Answer, Faulty};
use crate::record::{ORDER, ORDER_DATUM, ORDER_V2, Order, OrderV2, order, real};

fn request(text: &str) -> RegisterSchemaRequest {
    RegisterSchemaRequest { schema: Some(text.into()), ..RegisterSchemaRequest::default() }
}

async fn register(client: &RegistryClient, subject: &str, text: &str) -> SchemaId {
    let found = client.register_schema(subject, &request(text), false).await.unwrap();
    SchemaId::new(found.id).unwrap()
}

#[tokio::test]
async fn a_schema_that_must_be_registered_already_is_not_registered() {
    let (_server, client, registry) = real().await;
    let serializer = || {
        Serializer::<Order>::builder(&registry).schema(ORDER).selection(Selection::Lookup).build().unwrap()
    };
    let error = serializer().encode("orders", &order()).await.unwrap_err();
    assert!(matches!(error, Error::SubjectNotFound { .. }), "{error}");
    assert_eq!(error.disposition(), Disposition::Fatal);
    register(&client, "orders-value", ORDER_V2).await;
    let error = serializer().encode("orders", &order()).await.unwrap_err();
    assert!(matches!(error, Error::SchemaNotRegistered { .. }), "{error}");
    let id = register(&client, "orders-value", ORDER).await;
    let prepared = serializer().prepare("orders").await.unwrap();
    assert_eq!(prepared.schema().id, Some(id));
}

#[tokio::test]
async fn the_latest_version_has_to_read_what_the_program_writes() {
    let (_server, client, registry) = real().await;
    let latest = |own: Option<&str>| {
        let builder = Serializer::<Order>::builder(&registry).selection(Selection::Latest);
        match own {
            Some(own) => builder.schema(own),
            None => builder,
        }
        .build()
        .unwrap()
    };
    let v2 = {
        register(&client, "orders-value", ORDER).await;
        register(&client, "orders-value", ORDER_V2).await
    };
    let prepared = latest(Some(ORDER)).prepare("orders").await.unwrap();
    assert_eq!(prepared.schema().id, Some(v2));
    // the field that the struct does not have comes from its default
    let framed = prepared.encode(&order()).unwrap();
    let read = Deserializer::<OrderV2>::new(&registry).decode(&framed.payload).await.unwrap();
    assert_eq!(read.quantity, 1);
    latest(None).prepare("orders").await.unwrap();
    let incompatible =
        ORDER.replace(r#"{"name":"item","type":"string"}"#, r#"{"name":"item","type":"long"}"#);
    let error = latest(Some(&incompatible)).prepare("orders").await.unwrap_err();
    let Error::IncompatibleSelection { property, .. } = &error else { panic!("{error}") };
    assert_eq!(*property, "latest.compatibility.strict");
}

#[tokio::test]
async fn a_fixed_schema_is_used_whatever_the_subject_says() {
    let (_server, client, registry) = real().await;
    let id = register(&client, "elsewhere", ORDER).await;
    let fixed = Selection::Fixed(SchemaKey::Id(id));
    let serializer = Serializer::<Order>::builder(&registry).selection(fixed).build().unwrap();
    let framed = serializer.encode("orders", &order()).await.unwrap();
    assert_eq!(framed.payload[1..5], id.get().to_be_bytes());
    assert_eq!(client.subjects(&ListQuery::default()).await.unwrap(), ["elsewhere"]);

    let guid = client.schema_by_id(id, &SchemaQuery::default()).await.unwrap().guid.unwrap();
    let key = SchemaKey::Guid(assay_serde_avro::schema::Guid::parse(&guid).unwrap());
    let builder = || Serializer::<Order>::builder(&registry).selection(Selection::Fixed(key));
    let error = builder().build().unwrap().prepare("orders").await.unwrap_err();
    assert!(matches!(error, Error::Config(ConfigError::IdMissing)), "{error}");
    let serializer = builder().framing(Framing::Header).build().unwrap();
    serializer.prepare("orders").await.unwrap();
}

#[tokio::test]
async fn the_check_of_a_selected_schema_can_be_turned_off() {
    let (_server, client, registry) = real().await;
    let id = register(&client, "orders-value", ORDER).await;
    // the program's item is a number, and that of the selected schema a text
    let own = ORDER.replace(r#""name":"item","type":"string""#, r#""name":"item","type":"long""#);
    for (selection, property) in [
        (Selection::Fixed(SchemaKey::Id(id)), "id.compatibility.strict"),
        (Selection::Latest, "latest.compatibility.strict"),
    ] {
        let builder = || {
            let builder = Serializer::<Order>::builder(&registry).schema(own.as_str());
            builder.selection(selection.clone())
        };
        let error = builder().build().unwrap().prepare("orders").await.unwrap_err();
        let Error::IncompatibleSelection { property: named, .. } = &error else { panic!("{error}") };
        assert_eq!(*named, property);
        let off =
            builder().id_compatibility_strict(false).latest_compatibility_strict(false).build().unwrap();
        assert_eq!(off.prepare("orders").await.unwrap().schema().id, Some(id));
    }
}

#[tokio::test]
async fn fields_that_the_selected_version_lacks_are_left_out_when_asked_for() {
    let (_server, client, registry) = real().await;
    register(&client, "orders-value", ORDER).await;
    let later = OrderV2 { id: 7, item: "tea".into(), note: None, quantity: 2 };
    let builder = || Serializer::<OrderV2>::builder(&registry).selection(Selection::Latest);
    let error = builder().build().unwrap().encode("orders", &later).await.unwrap_err();
    assert!(matches!(error, Error::Encode { .. }) && error.to_string().contains("quantity"), "{error}");
    let lenient = builder().ignore_unknown_fields(true).build().unwrap();
    assert_eq!(lenient.encode("orders", &later).await.unwrap().payload[5..], *ORDER_DATUM);
}

#[tokio::test]
async fn an_incompatible_schema_is_refused_with_the_registrys_reasons() {
    let (_server, client, registry) = real().await;
    register(&client, "orders-value", ORDER).await;
    let text = ORDER.replace(r#""name":"item","type":"string""#, r#""name":"item","type":"long""#);
    let serializer = Serializer::<Order>::builder(&registry).schema(text).build().unwrap();
    let error = serializer.prepare("orders").await.unwrap_err();
    assert!(matches!(error, Error::Incompatible { .. }), "{error}");
    assert_eq!(error.http_status(), Some(409));
    assert!(error.to_string().contains("TYPE_MISMATCH"), "{error}");
}

#[tokio::test]
async fn a_schema_with_rules_that_cannot_be_run_is_refused() {
    let rule = |mode: &str, disabled: bool| {
        serde_json::json!({
            "name": "secret", "kind": "TRANSFORM", "mode": mode, "type": "ENCRYPT", "tags": ["PII"], "disabled": disabled
        })
    };
    let check = |rules: serde_json::Value| async move {
        let body =
            serde_json::json!({"subject": "s", "version": 1, "id": 4, "schema": ORDER, "ruleSet": rules});
        let server = Faulty::start([Answer::new(200, body.to_string())]).await;
        let registry = CachedClient::new(RegistryClient::new(&server.url()).unwrap());
        let builder = Serializer::<Order>::builder(&registry).selection(Selection::Latest);
        let serializer = builder.subject(SubjectStrategy::TOPIC).build().unwrap();
        let written = serializer.prepare("orders").await.map(drop);
        let payload = [&[0, 0, 0, 0, 4], ORDER_DATUM].concat();
        let read = Deserializer::<Order>::new(&registry).decode(&payload).await.map(drop);
        let refused = |outcome| matches!(outcome, Err(Error::UnsupportedRule { .. }));
        (refused(written), refused(read))
    };
    let domain = |rule| serde_json::json!({"domainRules": [rule]});
    assert_eq!(check(domain(rule("WRITEREAD", false))).await, (true, true));
    assert_eq!(check(domain(rule("WRITE", false))).await, (true, false));
    assert_eq!(check(domain(rule("READ", false))).await, (false, true));
    assert_eq!(check(domain(rule("WRITEREAD", true))).await, (false, false));
    assert_eq!(check(serde_json::json!({"encodingRules": [rule("WRITEREAD", false)]})).await, (true, true));
    assert_eq!(check(serde_json::json!({"migrationRules": [rule("UPGRADE", false)]})).await, (false, false));
}

#[tokio::test]
async fn the_latest_version_with_metadata_is_asked_for_by_its_properties() {
    let body = serde_json::json!({"subject": "orders-value", "version": 3, "id": 4, "schema": ORDER});
    let server = Faulty::start([Answer::new(200, body.to_string())]).await;
    let registry = CachedClient::new(RegistryClient::new(&server.url()).unwrap());
    let properties = [("app".to_owned(), "a b".to_owned()), ("major".to_owned(), "1".to_owned())].into();
    let serializer = Serializer::<Order>::builder(&registry)
        .selection(Selection::LatestWithMetadata(properties))
        .subject(SubjectStrategy::TOPIC)
        .build()
        .unwrap();
    let framed = serializer.encode("orders", &order()).await.unwrap();
    assert_eq!(framed.payload[..5], [0, 0, 0, 0, 4]);
    let expected = "/subjects/orders-value/metadata?key=app&value=a%20b&key=major&value=1";
    assert_eq!(server.asked()[0].target, expected);
}

#[tokio::test]
async fn an_association_names_the_subject_and_two_are_an_error() {
    let association = |subject: &str| serde_json::json!({"subject": subject, "associationType": "value"});
    let one = serde_json::json!([association("blessed")]).to_string();
    let registered = serde_json::json!({"id": 9, "version": 1, "schema": ORDER}).to_string();
    let server = Faulty::start([Answer::new(200, one), Answer::new(200, registered)]).await;
    let registry = CachedClient::new(RegistryClient::new(&server.url()).unwrap());
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    assert_eq!(serializer.prepare("orders").await.unwrap().subject(), "blessed");
    let asked = server.asked();
    let look_up = "/associations/resources/-/orders?resourceType=topic&associationType=value";
    assert_eq!(asked[0].target, look_up);
    assert_eq!(asked[1].target, "/subjects/blessed/versions");

    let two = serde_json::json!([association("a"), association("b")]).to_string();
    let server = Faulty::start([Answer::new(200, two)]).await;
    let registry = CachedClient::new(RegistryClient::new(&server.url()).unwrap());
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let error = serializer.prepare("orders").await.unwrap_err();
    assert!(matches!(error, Error::AmbiguousAssociation { .. }), "{error}");
}

#[tokio::test]
async fn references_are_fetched_in_the_order_they_are_needed() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Leaf {
        n: i32,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Middle {
        leaf: Leaf,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Root {
        middle: Middle,
        leaf: Leaf,
    }
    let (_server, client, registry) = real().await;
    let leaf = r#"{"type":"record","name":"Leaf","namespace":"a","fields":[{"name":"n","type":"int"}]}"#;
    let middle =
        r#"{"type":"record","name":"Middle","namespace":"a","fields":[{"name":"leaf","type":"a.Leaf"}]}"#;
    let root = r#"{"type":"record","name":"Root","namespace":"a","fields":[
        {"name":"middle","type":"a.Middle"},{"name":"leaf","type":"a.Leaf"}]}"#;
    let refer = |name: &str, subject: &str| SchemaReference {
        name: name.into(),
        subject: subject.into(),
        version: 1,
    };
    register(&client, "leaf", leaf).await;
    let body = RegisterSchemaRequest { references: vec![refer("a.Leaf", "leaf")], ..request(middle) };
    client.register_schema("middle", &body, false).await.unwrap();
    let references = vec![refer("a.Middle", "middle"), refer("a.Leaf", "leaf")];
    let serializer =
        Serializer::<Root>::builder(&registry).schema_with_references(root, references).build().unwrap();
    let value = Root { middle: Middle { leaf: Leaf { n: 1 } }, leaf: Leaf { n: -1 } };
    let framed = serializer.encode("trees", &value).await.unwrap();
    assert_eq!(framed.payload[5..], [2, 1]);
    let cold = assay_serde_avro::CachedClient::new(client);
    assert_eq!(Deserializer::<Root>::new(&cold).decode(&framed.payload).await.unwrap(), value);
}

#[tokio::test]
async fn mistakes_show_before_the_first_request() {
    let (_server, client, registry) = real().await;
    let without = Serializer::<Order>::builder(&registry).build();
    assert!(matches!(without, Err(Error::Config(ConfigError::SchemaNeeded { .. }))));
    assert!(Serializer::<Order>::builder(&registry).schema("{").build().is_err());
    assert!(Deserializer::<Order>::builder(&registry).reader_schema("{").build().is_err());
    assert!(client.subjects(&ListQuery::default()).await.unwrap().is_empty());
}
