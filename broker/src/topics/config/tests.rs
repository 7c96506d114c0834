use super::*;

fn parse(settings: &[(&str, &str)]) -> Result<TopicConfig, ConfigError> {
    TopicConfig::from_map(settings.iter().copied(), &TopicDefaults::default())
}

#[test]
fn every_default_passes_its_own_check_and_names_are_sorted() {
    for key in KEYS {
        key.check(key.default).unwrap();
    }
    assert!(KEYS.is_sorted_by_key(|key| key.name));
    let config = TopicConfig::default();
    assert!(config.delete && !config.compact);
    assert_eq!(config.retention_ms, 604_800_000);
    assert_eq!(config.max_message_bytes, 1_048_588);
    assert_eq!(config.value_validation_level, ValidationLevel::Decode);
}

#[test]
fn bad_settings_are_refused_with_a_text() {
    for (name, value, text) in [
        ("no.such.key", "1", "Unknown topic config name: no.such.key"),
        (
            "retention.ms",
            "soon",
            "Invalid value soon for configuration retention.ms: Not a number of type LONG",
        ),
        ("retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"),
        ("max.message.bytes", "4294967296", "Not a number of type INT"),
        ("cleanup.policy", "shred", "String must be one of: compact, delete"),
        ("min.cleanable.dirty.ratio", "1.5", "Value must be between 0 and 1"),
        ("confluent.value.schema.validation", "yes", "Expected value to be either true or false"),
        ("confluent.value.subject.name.strategy", "Mine", "String must be one of: TopicNameStrategy"),
        ("assay.value.schema.validation.level", "deep", "String must be one of: off, framing, id, decode"),
        ("compression.type", "brotli", "gzip"),
    ] {
        let error = parse(&[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(text), "{name}={value}: {error}");
    }
}

#[test]
fn entries_name_their_source() {
    let defaults =
        TopicDefaults::from_broker([("log.retention.hours", "2"), ("message.max.bytes", "99")]).unwrap();
    let config =
        TopicConfig::from_map([("max.message.bytes", "5"), ("cleanup.policy", "compact,delete")], &defaults)
            .unwrap();
    let entries = config.entries();
    let row = |name: &str| {
        let entry = entries.iter().find(|entry| entry.key.name == name).unwrap();
        (entry.value.as_str(), entry.source)
    };
    assert_eq!(row("max.message.bytes"), ("5", ConfigSource::DynamicTopic));
    assert_eq!(row("retention.ms"), ("7200000", ConfigSource::StaticBroker));
    assert_eq!(row("segment.bytes"), ("1073741824", ConfigSource::Default));
    assert!(config.compact && config.delete);
    assert_eq!((config.max_message_bytes, config.retention_ms), (5, 7_200_000));
}

#[test]
fn the_finest_unit_wins() {
    let defaults =
        TopicDefaults::from_broker([("log.retention.hours", "2"), ("log.retention.ms", "10")]).unwrap();
    assert_eq!(TopicConfig::from_map([], &defaults).unwrap().retention_ms, 10);
}

#[test]
fn flush_settings_map_onto_durability() {
    let interval = |ms| Durability::Interval(Duration::from_millis(ms));
    for (settings, expected) in [
        (&[][..], Durability::Os),
        (&[("flush.messages", "1")], Durability::Fsync),
        (&[("flush.ms", "250")], interval(250)),
        (&[("flush.ms", "0")], Durability::Fsync),
        (&[("assay.durability", "fsync"), ("flush.ms", "250")], Durability::Fsync),
        (&[("assay.durability", "interval"), ("flush.ms", "250")], interval(250)),
        (&[("assay.durability", "interval")], interval(1000)),
        (&[("assay.durability", "os"), ("flush.messages", "1")], Durability::Os),
    ] {
        assert_eq!(parse(settings).unwrap().durability(Durability::Os), expected, "{settings:?}");
    }
}
