use super::*;

fn record(value: &'static [u8]) -> SourceRecord<'static> {
    SourceRecord {
        topic: "orders",
        partition: 3,
        offset: 258,
        timestamp_ms: 1,
        key: Some(b"k"),
        value: Some(value),
        headers: vec![("trace".into(), Some(b"t".to_vec()))],
        consumer_group: Some("billing"),
        ..SourceRecord::default()
    }
}

fn header<'a>(record: &'a OutgoingRecord, name: &str) -> Option<&'a [u8]> {
    record.headers.iter().find(|(found, _)| found == name).and_then(|(_, value)| value.as_deref())
}

const NOT_FRAMED: Error = Error::NotFramed { first_byte: Some(b'{'), len: 2 };

#[test]
fn every_style_keeps_the_record_and_says_where_it_came_from() {
    let source = record(b"{}");
    let connect = Style::Connect { connector: "sink".into(), task: 7 };
    for (style, topic, partition, offset) in [
        (connect, "__connect.errors.topic", &b"3"[..], &b"258"[..]),
        (Style::Spring, "kafka_dlt-original-topic", &[0, 0, 0, 3], &[0, 0, 0, 0, 0, 0, 1, 2]),
        (Style::Streams, "__streams.errors.topic", b"3", b"258"),
    ] {
        let letter = DeadLetter::from_error(&source, &NOT_FRAMED).style(style).build();
        assert_eq!(letter.topic, "orders-dlt");
        assert_eq!(letter.key.as_deref(), Some(&b"k"[..]));
        assert_eq!(letter.value.as_deref(), Some(&b"{}"[..]));
        assert_eq!(header(&letter, "trace"), Some(&b"t"[..]));
        assert_eq!(header(&letter, topic), Some(&b"orders"[..]));
        assert_eq!(header(&letter, &topic.replace("topic", "partition")), Some(partition));
        assert_eq!(header(&letter, &topic.replace("topic", "offset")), Some(offset));
        assert_eq!(header(&letter, FIRST_BYTES_HEADER), Some(&b"7b7d"[..]));
    }
}

#[test]
fn failures_are_named_by_their_kind() {
    let source = record(b"{}");
    let letter = DeadLetter::from_error(&source, &NOT_FRAMED).build();
    let class = &b"assay_serde_avro::Error::NotFramed"[..];
    assert_eq!(header(&letter, "kafka_dlt-exception-fqcn"), Some(class));
    assert_eq!(header(&letter, "kafka_dlt-original-consumer-group"), Some(&b"billing"[..]));
    assert_eq!(letter.partition, Some(3));
    let letter = DeadLetter::from_error(&source, &NOT_FRAMED).part(Part::Key).topic("dead").build();
    assert_eq!(letter.topic, "dead");
    assert_eq!(header(&letter, "kafka_dlt-key-exception-fqcn"), Some(class));
    assert_eq!(header(&letter, "kafka_dlt-exception-fqcn"), None);
    let needs = Error::NeedsSchema(crate::wire::SchemaKey::Id(assay_schema_core::SchemaId::new(57).unwrap()));
    let letter = DeadLetter::from_error(&source, &needs).build();
    assert_eq!(header(&letter, SCHEMA_HEADER), Some(&b"57"[..]));
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let error = std::io::Error::other("ü".repeat(TEXT_BYTES_MAX));
    let failure = Failure::new("x", &error, Disposition::DeadLetter);
    assert_eq!(failure.message.len(), TEXT_BYTES_MAX);
}

fn broken() -> Failure {
    Failure {
        class: "app.Broken".into(),
        cause_class: Some("app.Cause".into()),
        message: "broken".into(),
        trace: "broken\nCaused by: cause".into(),
        disposition: Disposition::DeadLetter,
        schema: Some("57".into()),
    }
}

fn assert_headers(outgoing: &OutgoingRecord, expected: &[(&str, &[u8])]) {
    let found: Vec<(&str, &[u8])> = outgoing
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(found, expected);
}

/// Names and values as Connect 4.1 and Streams 4.2 write them.
#[test]
fn headers_are_those_of_the_tools_letter_by_letter() {
    let source = SourceRecord { headers: Vec::new(), ..record(b"{}") };
    let letter = |style: Style| DeadLetter::new(&source, broken()).style(style).build();
    assert_headers(
        &letter(Style::Connect { connector: "sink".into(), task: 7 }),
        &[
            ("__connect.errors.topic", b"orders"),
            ("__connect.errors.partition", b"3"),
            ("__connect.errors.offset", b"258"),
            ("__connect.errors.connector.name", b"sink"),
            ("__connect.errors.task.id", b"7"),
            ("__connect.errors.stage", b"VALUE_CONVERTER"),
            ("__connect.errors.class.name", b"assay_serde_avro::Deserializer"),
            ("__connect.errors.exception.class.name", b"app.Broken"),
            ("__connect.errors.exception.message", b"broken"),
            ("__connect.errors.exception.stacktrace", b"broken\nCaused by: cause"),
            (SCHEMA_HEADER, b"57"),
        ],
    );
    assert_headers(
        &letter(Style::Streams),
        &[
            ("__streams.errors.exception", b"app.Broken"),
            ("__streams.errors.message", b"broken"),
            ("__streams.errors.stacktrace", b"broken\nCaused by: cause"),
            ("__streams.errors.topic", b"orders"),
            ("__streams.errors.partition", b"3"),
            ("__streams.errors.offset", b"258"),
            (SCHEMA_HEADER, b"57"),
        ],
    );
}

/// Names and values as Spring for Apache Kafka 3.3 writes them: `DeadLetterPublishingRecoverer` alone, and in retry topics.
#[test]
fn headers_are_springs_letter_by_letter() {
    let source = SourceRecord { headers: Vec::new(), ..record(b"{}") };
    for (retried, part, prefix, key) in [
        (false, Part::Value, "kafka_dlt-", ""),
        (false, Part::Key, "kafka_dlt-", "key-"),
        (true, Part::Value, "kafka_", ""),
    ] {
        let letter = DeadLetter::new(&source, broken()).part(part);
        let outgoing = if retried { letter.retried() } else { letter }.build();
        let name = |name: &str| format!("{prefix}{name}");
        assert_headers(
            &outgoing,
            &[
                (&name(&format!("{key}exception-fqcn")), b"app.Broken"),
                (&name("exception-cause-fqcn"), b"app.Cause"),
                (&name(&format!("{key}exception-message")), b"broken"),
                (&name(&format!("{key}exception-stacktrace")), b"broken\nCaused by: cause"),
                (&name("original-topic"), b"orders"),
                (&name("original-partition"), &[0, 0, 0, 3]),
                (&name("original-offset"), &[0, 0, 0, 0, 0, 0, 1, 2]),
                (&name("original-timestamp"), &[0, 0, 0, 0, 0, 0, 0, 1]),
                (&name("original-timestamp-type"), b"CreateTime"),
                ("kafka_dlt-original-consumer-group", b"billing"),
                (SCHEMA_HEADER, b"57"),
            ],
        );
    }
}

#[test]
fn a_second_dead_letter_replaces_the_failure_and_adds_the_place() {
    let source = record(b"{}");
    let first = DeadLetter::from_error(&source, &NOT_FRAMED).build();
    let again = SourceRecord { topic: "orders-dlt", headers: first.headers.clone(), ..record(b"{}") };
    let second = DeadLetter::from_error(&again, &NOT_FRAMED).build();
    let count = |name: &str| second.headers.iter().filter(|(found, _)| found == name).count();
    assert_eq!(count("kafka_dlt-exception-fqcn"), 1);
    assert_eq!(count("kafka_dlt-original-topic"), 2);
    assert_eq!(count(FIRST_BYTES_HEADER), 1);
}

#[test]
fn partition_and_timestamp_are_kept_where_the_tools_keep_them() {
    let source = record(b"{}");
    let letter = |style: Style| DeadLetter::from_error(&source, &NOT_FRAMED).style(style).build();
    let connect = Style::Connect { connector: "sink".into(), task: 0 };
    for (style, partition, timestamp) in
        [(connect, None, Some(1)), (Style::Streams, None, Some(1)), (Style::Spring, Some(3), None)]
    {
        let outgoing = letter(style);
        assert_eq!((outgoing.partition, outgoing.timestamp_ms), (partition, timestamp));
    }
}
