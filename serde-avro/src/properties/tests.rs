use super::*;
use crate::deserializer::ReaderSchema;
use crate::serializer::Selection;
use crate::subject::SubjectStrategy;
use crate::wire::{Framing, Part, Unframing};

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().copied().collect()
}

#[test]
fn unknown_keys_are_refused_with_a_suggestion() {
    let error = properties(&[("auto.register.schema", "false")]).check_keys().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown configuration key auto.register.schema; did you mean auto.register.schemas?"
    );
    let error = properties(&[("ssl.ca.location", "/x")]).check_keys().unwrap_err();
    assert_eq!(
        error,
        ConfigError::UnknownKey {
            key: "ssl.ca.location".into(),
            suggestion: Some("schema.registry.ssl.ca.location")
        }
        .clone_suggestion(&error)
    );
    for key in ["rule.executors", "encrypt.kek.name", "schema.registry.ssl.truststore.location"] {
        assert!(
            matches!(properties(&[(key, "x")]).check_keys(), Err(ConfigError::Unsupported { .. })),
            "{key}"
        );
    }
}

impl ConfigError {
    /// The expectation about an unprefixed TLS key is that it is refused; which key is suggested is a nicety.
    fn clone_suggestion(self, other: &Self) -> Self {
        match (self, other) {
            (Self::UnknownKey { key, .. }, Self::UnknownKey { suggestion, .. }) => {
                Self::UnknownKey { key, suggestion: *suggestion }
            }
            (error, _) => error,
        }
    }
}

#[test]
fn keys_may_carry_the_prefix_and_java_only_keys_are_ignored() {
    let given = properties(&[
        ("schema.registry.url", "http://host"),
        ("schema.registry.basic.auth.user.info", "user:pass:word"),
        ("schema.registry.max.retries", "0"),
        ("specific.avro.reader", "true"),
        ("schema.registry.request.header.X-Team", "a"),
    ]);
    given.check_keys().unwrap();
    assert_eq!(given.get("max.retries"), Some("0"));
    assert_eq!(given.get("basic.auth.user.info"), Some("user:pass:word"));
    given.registry().unwrap();
}

#[test]
fn the_way_to_choose_the_schema_follows_javas_order() {
    let select = |pairs: &[(&str, &str)]| {
        let mut all = vec![("auto.register.schemas", "false")];
        all.extend(pairs);
        SerdeProperties::serializer(&properties(&all), Part::Value).unwrap().selection
    };
    assert_eq!(select(&[]), Selection::Lookup);
    assert_eq!(select(&[("use.latest.version", "true")]), Selection::Latest);
    let with = [("use.latest.version", "true"), ("use.latest.with.metadata", "app=x,'note=a,b'")];
    let Selection::LatestWithMetadata(metadata) = select(&with) else { panic!("metadata goes first") };
    assert_eq!(metadata.get("note").map(String::as_str), Some("a,b"));
    let fixed = select(&[("use.schema.id", "7"), ("use.latest.version", "true")]);
    assert!(matches!(fixed, Selection::Fixed(_)));
    let default = SerdeProperties::serializer(&Properties::new(), Part::Value).unwrap();
    assert_eq!(default.selection, Selection::Register { propagate_tags: false });
}

#[test]
fn latest_without_turning_registration_off_is_an_error() {
    for second in ["use.latest.version", "use.schema.id"] {
        let value = if second == "use.schema.id" { "3" } else { "true" };
        let error = SerdeProperties::serializer(&properties(&[(second, value)]), Part::Value).unwrap_err();
        assert!(matches!(error, ConfigError::Conflict { .. }), "{error}");
    }
}

#[test]
fn framing_and_strategies_take_short_and_java_names() {
    let given = properties(&[
        ("value.schema.id.serializer", "io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer"),
        ("key.schema.id.deserializer", "prefix"),
        ("value.subject.name.strategy", "associated"),
        ("subject.name.strategy.fallback.type", "NONE"),
        ("subject.name.strategy.kafka.cluster.id", "lkc-1"),
        ("use.latest.version", "true"),
        ("auto.register.schemas", "false"),
    ]);
    let serializer = SerdeProperties::serializer(&given, Part::Value).unwrap();
    assert_eq!(serializer.framing, Framing::Header);
    let expected = SubjectStrategy::Associated { namespace: "lkc-1".into(), fallback: None };
    assert_eq!(serializer.strategy, expected);
    let deserializer = SerdeProperties::deserializer(&given, Part::Key).unwrap();
    assert_eq!(deserializer.unframing, Unframing::Prefix);
    assert!(matches!(deserializer.reader, ReaderSchema::Latest));
}

#[test]
fn values_of_the_wrong_form_name_their_key() {
    for (key, value) in [
        ("auto.register.schemas", "yes"),
        ("use.schema.id", "x"),
        ("use.schema.guid", "x"),
        ("use.latest.with.metadata", "x"),
        ("value.subject.name.strategy", "com.example.Mine"),
        ("value.schema.id.serializer", "com.example.Mine"),
    ] {
        let error = SerdeProperties::serializer(&properties(&[(key, value)]), Part::Value).unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
    }
    for (key, value) in [
        ("max.retries", "-1"),
        ("http.read.timeout.ms", "10s"),
        ("max.schemas.per.subject", "0"),
        ("latest.cache.ttl.sec", "-2"),
        ("basic.auth.user.info", "nocolon"),
        ("bearer.auth.credentials.source", "OAUTHBEARER"),
        ("basic.auth.credentials.source", "SASL_INHERIT"),
        ("context.name.strategy", "com.example.Mine"),
    ] {
        let given = properties(&[("schema.registry.url", "http://host"), (key, value)]);
        assert!(given.registry().is_err(), "{key}");
    }
    assert!(Properties::new().registry().is_err());
}

#[test]
fn properties_files_are_read() {
    let given =
        Properties::parse("# comment\n! too\n\nschema.registry.url = http://a,http://b\nmax.retries: 2\n")
            .unwrap();
    assert_eq!(given.get("schema.registry.url"), Some("http://a,http://b"));
    assert_eq!(given.get("max.retries"), Some("2"));
    let error = Properties::parse("max.retries=1\nnonsense\n").unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
    assert!(!format!("{:?}", properties(&[("bearer.auth.token", "secret")])).contains("secret"));
}
