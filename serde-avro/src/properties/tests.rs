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

/// Keys of the Java serializers, by what becomes of them here.
const WITH_EFFECT: &str = "schema.registry.url auto.register.schemas use.latest.version use.schema.id use.schema.guid \
    id.compatibility.strict latest.compatibility.strict normalize.schemas latest.cache.ttl.sec latest.cache.size \
    max.schemas.per.subject key.subject.name.strategy value.subject.name.strategy key.schema.id.serializer \
    value.schema.id.serializer key.schema.id.deserializer value.schema.id.deserializer basic.auth.credentials.source \
    basic.auth.user.info bearer.auth.credentials.source bearer.auth.token http.connect.timeout.ms http.read.timeout.ms \
    max.retries retries.wait.ms retries.max.wait.ms missing.id.cache.ttl.sec missing.version.cache.ttl.sec \
    missing.schema.cache.ttl.sec missing.cache.size avro.fail.on.trailing.data request.header.X-Any \
    schema.registry.ssl.ca.location schema.registry.ssl.certificate.location schema.registry.ssl.key.location \
    schema.registry.ssl.key.password use.latest.with.metadata context.name.strategy subject.name.strategy.fallback.type \
    subject.name.strategy.kafka.cluster.id subject.name.strategy.cache.expiry.secs subject.name.strategy.cache.size \
    schema.registry.url.randomize propagate.schema.tags proxy.host proxy.port bearer.auth.issuer.endpoint.url \
    bearer.auth.client.id bearer.auth.client.secret bearer.auth.scope bearer.auth.logical.cluster \
    bearer.auth.identity.pool.id bearer.auth.cache.expiry.buffer.seconds rule.executors._default_.disabled";
const IGNORED: &str = "specific.avro.reader specific.avro.key.type specific.avro.value.type schema.reflection \
    avro.reflection.allow.null avro.remove.java.properties avro.use.logical.type.converters rule.service.loader.enable";
const REFUSED: &str = "rule.executors rule.executors.r.class rule.actions execution.environment \
    validation.rules.execution dlq.topic encrypt.kek.name";

#[test]
fn every_key_of_the_java_serializers_is_known_ignored_or_refused_with_a_reason() {
    for (keys, accepted) in [(WITH_EFFECT, true), (IGNORED, true), (REFUSED, false)] {
        for key in keys.split_whitespace() {
            let checked = properties(&[(key, "1")]).check_keys();
            match checked {
                Ok(()) => assert!(accepted, "{key}"),
                Err(ConfigError::Unsupported { .. }) => assert!(!accepted, "{key}"),
                Err(error) => panic!("{key}: {error}"),
            }
            let prefixed = format!("schema.registry.{}", key.trim_start_matches("schema.registry."));
            assert_eq!(properties(&[(&prefixed, "1")]).check_keys().is_ok(), accepted, "{prefixed}");
        }
    }
}

#[test]
fn caches_are_set_as_their_keys_say() {
    use std::time::Duration;
    let given = properties(&[
        ("schema.registry.url", "http://host"),
        ("max.schemas.per.subject", "11"),
        ("latest.cache.size", "12"),
        ("latest.cache.ttl.sec", "-1"),
        ("missing.id.cache.ttl.sec", "13"),
        ("missing.version.cache.ttl.sec", "14"),
        ("missing.schema.cache.ttl.sec", "15"),
        ("missing.cache.size", "16"),
        ("subject.name.strategy.cache.size", "17"),
        ("subject.name.strategy.cache.expiry.secs", "18"),
        ("context.name.strategy", ".staging"),
    ]);
    let expected = crate::CacheSettings {
        context: assay_schema_core::Context::parse(".staging").unwrap(),
        entries_max: 11,
        latest_entries_max: 12,
        latest_ttl: None,
        missing_id_ttl: Duration::from_secs(13),
        missing_version_ttl: Duration::from_secs(14),
        missing_schema_ttl: Duration::from_secs(15),
        missing_entries_max: 16,
        association_entries_max: 17,
        association_ttl: Some(Duration::from_secs(18)),
    };
    assert_eq!(*given.registry().unwrap().settings(), expected);
}

#[test]
fn settings_by_name_equal_those_of_the_builder() {
    let registry = crate::CachedClient::new(crate::RegistryClient::new("http://host").unwrap());
    let by_name = SerdeProperties::serializer(
        &properties(&[
            ("auto.register.schemas", "false"),
            ("use.latest.version", "true"),
            ("normalize.schemas", "true"),
            ("id.compatibility.strict", "false"),
            ("latest.compatibility.strict", "false"),
            ("rule.executors._default_.disabled", "true"),
            ("key.subject.name.strategy", "record"),
            ("key.schema.id.serializer", "header"),
        ]),
        Part::Key,
    )
    .unwrap();
    let typed = crate::Serializer::<i64>::builder(&registry)
        .part(Part::Key)
        .selection(Selection::Latest)
        .normalize(true)
        .id_compatibility_strict(false)
        .latest_compatibility_strict(false)
        .ignore_rules(true)
        .subject(SubjectStrategy::RECORD)
        .framing(Framing::Header)
        .build()
        .unwrap();
    assert_eq!(*typed.settings(), by_name);
    let by_name = SerdeProperties::deserializer(
        &properties(&[
            ("use.latest.version", "true"),
            ("avro.fail.on.trailing.data", "true"),
            ("rule.executors._default_.disabled", "true"),
            ("value.subject.name.strategy", "topic"),
            ("value.schema.id.deserializer", "prefix"),
        ]),
        Part::Value,
    )
    .unwrap();
    let typed = crate::Deserializer::<i64>::builder(&registry)
        .reader(ReaderSchema::Latest)
        .fail_on_trailing_data(true)
        .ignore_rules(true)
        .subject(SubjectStrategy::TOPIC)
        .unframing(Unframing::Prefix)
        .build()
        .unwrap();
    assert_eq!(format!("{:?}", typed.settings()), format!("{by_name:?}"));
}
