//! Validation on produce: what is refused, with which words, and what passes.

use harness::Assay;
use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};
use serde_json::json;

use crate::{
    fixtures::{flight, flight_schema, framed, string, zigzag},
    kafka::{create_topic, producer, read_all, send, watermarks},
    raw::{Connection, Produced, Record, batch},
};

const VALIDATED: (&str, &str) = ("confluent.value.schema.validation", "true");
const INVALID_RECORD: i16 = 87;

struct Case {
    assay: Assay,
    id: i32,
    other: i32,
}

/// A broker with a validated topic `flights`, its schema, and a schema of another subject.
async fn case() -> Case {
    let assay = Assay::start().unwrap();
    let id = assay.rest().register("flights-value", &flight_schema()).await.unwrap();
    let other = assay.rest().register("elsewhere-value", &json!("long")).await.unwrap();
    create_topic(&assay.broker, "flights", 1, &[VALIDATED]).await;
    Case { assay, id, other }
}

impl Case {
    fn produce_to(&self, topic: &str, records: &[Record<'_>]) -> Produced {
        Connection::open(&self.assay.broker).produce(topic, 0, -1, &batch(records)).unwrap()
    }

    /// Produces good records with `bad` at index 17, and gives the text of the one record error.
    fn refusal(&self, bad: &[u8]) -> String {
        let good = framed(self.id, &flight("N14228", 5));
        let mut records: Vec<Record<'_>> = vec![(None, Some(&good), &[]); 20];
        records[17].1 = Some(bad);
        let produced = self.produce_to("flights", &records);
        assert_eq!((produced.error, produced.base_offset), (INVALID_RECORD, -1), "{produced:?}");
        assert_eq!(produced.record_errors.len(), 1, "{produced:?}");
        assert_eq!(produced.record_errors[0].0, 17, "{produced:?}");
        assert_eq!(
            watermarks(&self.assay.broker, "flights", 0),
            (0, 0),
            "a refused batch leaves nothing behind"
        );
        produced.record_errors[0].1.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_record_schema_and_field() {
    let case = case().await;
    let id = case.id;
    let mut long_delay = string("N14228");
    long_delay.extend(zigzag(1 << 40));
    let mut bad_code = [string("N14228"), zigzag(5), zigzag(2)].concat();
    bad_code.extend([0xff, 0xfe]);
    let trailing = [flight("N14228", 5), vec![0]].concat();
    let hostile = [zigzag(i64::MAX), vec![0]].concat();
    let missing_end = flight("N14228", 5)[..6].to_vec();
    for (body, start) in [
        (long_delay, format!("record 17: schema id {id}: field delay: ")),
        (bad_code, format!("record 17: schema id {id}: field origin.code: ")),
        (trailing, format!("record 17: schema id {id}: ")),
        (hostile, format!("record 17: schema id {id}: field tailnum: ")),
        (missing_end, format!("record 17: schema id {id}: field tailnum: ")),
        (Vec::new(), format!("record 17: schema id {id}: field tailnum: ")),
    ] {
        let text = case.refusal(&framed(id, &body));
        assert!(text.starts_with(&start), "{text}");
    }
    assert_eq!(case.refusal(&framed(4711, b"x")), "record 17: schema id 4711: not registered");
    assert_eq!(
        case.refusal(&framed(case.other, &zigzag(1))),
        format!("record 17: schema id {}: not a schema of subject flights-value", case.other)
    );
    assert!(
        case.refusal(b"{\"tailnum\":\"N14228\"}").contains("the first byte is 123, not the magic byte 0")
    );
    assert!(case.refusal(&[0, 0]).contains("2 bytes are too few"));
    assert!(case.refusal(b"").contains("0 bytes are too few"));
}

#[tokio::test(flavor = "multi_thread")]
async fn good_records_and_tombstones_pass() {
    let case = case().await;
    let good = framed(case.id, &flight("N14228", -5));
    let produced = case.produce_to("flights", &[(Some(b"k"), Some(&good), &[]), (Some(b"k"), None, &[])]);
    assert_eq!((produced.error, produced.base_offset), (0, 0), "{produced:?}");
    let found = read_all(&case.assay.broker, "flights", 1);
    assert_eq!(found[0].value.as_deref(), Some(&good[..]), "stored as received");
    assert_eq!(found[1].value, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_compression_is_looked_into() {
    let case = case().await;
    let good = framed(case.id, &flight("N14228", 5));
    let bad = framed(case.id, b"\x02");
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("flights-{codec}");
        case.assay.rest().register(&format!("{topic}-value"), &flight_schema()).await.unwrap();
        create_topic(&case.assay.broker, &topic, 1, &[VALIDATED]).await;
        let producer = producer(&case.assay.broker, &[("compression.type", codec)]);
        send(&producer, &topic, Some(&[b'k'; 500]), Some(&good)).await.unwrap();
        let refused = send(&producer, &topic, Some(&[b'k'; 500]), Some(&bad)).await.unwrap_err();
        assert_eq!(refused, KafkaError::MessageProduction(RDKafkaErrorCode::InvalidRecord), "{codec}");
        assert_eq!(watermarks(&case.assay.broker, &topic, 0), (0, 1), "{codec}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_batch_without_acknowledgement_closes_the_connection() {
    let case = case().await;
    let mut connection = Connection::open(&case.assay.broker);
    let bad = framed(4711, b"");
    connection.produce("flights", 0, 0, &batch(&[(None, Some(&bad), &[])]));
    assert!(connection.is_closed());
    assert_eq!(watermarks(&case.assay.broker, "flights", 0), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_narrows_the_check() {
    let case = case().await;
    let level = |level: &'static str| [VALIDATED, ("assay.value.schema.validation.level", level)];
    for name in ["off", "framing", "id"] {
        create_topic(&case.assay.broker, name, 1, &level(name)).await;
    }
    let of_id = case.assay.rest().register("id-value", &flight_schema()).await.unwrap();
    let error = |topic: &str, value: &[u8]| case.produce_to(topic, &[(None, Some(value), &[])]).error;
    let (nonsense, undecodable) = (b"nonsense", framed(of_id, b""));
    assert_eq!(error("off", nonsense), 0);
    assert_eq!(error("framing", nonsense), INVALID_RECORD);
    assert_eq!(error("framing", &framed(4711, b"")), INVALID_RECORD);
    assert_eq!(error("framing", &framed(case.other, b"")), 0);
    assert_eq!(error("id", &framed(case.other, b"")), INVALID_RECORD);
    assert_eq!(error("id", &undecodable), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_checked_when_asked_for() {
    let case = case().await;
    let id = case.assay.rest().register("keyed-key", &json!("string")).await.unwrap();
    create_topic(&case.assay.broker, "keyed", 1, &[("confluent.key.schema.validation", "true")]).await;
    let good = framed(id, &string("N14228"));
    assert_eq!(
        case.produce_to("keyed", &[(Some(&good), Some(b"free"), &[]), (None, Some(b"free"), &[])]).error,
        0
    );
    let refused = case.produce_to("keyed", &[(Some(b"N14228"), Some(b"free"), &[])]);
    assert_eq!(refused.error, INVALID_RECORD);
    assert!(refused.record_errors[0].1.starts_with("record 0: key: "), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_follow_the_strategy() {
    let case = case().await;
    let strategy = |name: &str| format!("io.confluent.kafka.serializers.subject.{name}");
    let (record, both) = (strategy("RecordNameStrategy"), strategy("TopicRecordNameStrategy"));
    create_topic(
        &case.assay.broker,
        "r",
        1,
        &[VALIDATED, ("confluent.value.subject.name.strategy", &record)],
    )
    .await;
    create_topic(&case.assay.broker, "tr", 1, &[VALIDATED, ("confluent.value.subject.name.strategy", &both)])
        .await;
    let good = framed(case.id, &flight("N14228", 5));
    let produce = |topic: &str, value: &[u8]| case.produce_to(topic, &[(None, Some(value), &[])]);
    let refused = produce("r", &good);
    assert!(refused.record_errors[0].1.ends_with("not a schema of subject e2e.Flight"), "{refused:?}");
    case.assay.rest().register("e2e.Flight", &flight_schema()).await.unwrap();
    case.assay.rest().register("tr-e2e.Flight", &flight_schema()).await.unwrap();
    // what was not there is asked for again after a second
    let accepted =
        harness::eventually(crate::kafka::LIMIT, || async { (produce("r", &good).error == 0).then_some(()) });
    accepted.await.expect("a subject registered after the first refusal");
    assert_eq!(produce("tr", &good).error, 0);
    let nameless = produce("r", &framed(case.other, &zigzag(1)));
    assert!(nameless.record_errors[0].1.contains("must only be a record schema"), "{nameless:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn top_level_bytes_are_raw_and_references_resolve() {
    let case = case().await;
    let rest = case.assay.rest();
    create_topic(&case.assay.broker, "raw", 1, &[VALIDATED]).await;
    create_topic(&case.assay.broker, "referring", 1, &[VALIDATED]).await;
    let raw = rest.register("raw-value", &json!("bytes")).await.unwrap();
    assert_eq!(case.produce_to("raw", &[(None, Some(&framed(raw, b"\xff\xff\xff")), &[])]).error, 0);
    let airport = json!({"type": "record", "name": "Port", "namespace": "e2e", "fields": [{"name": "code", "type": "string"}]});
    rest.register("port", &airport).await.unwrap();
    let leg = json!({"type": "record", "name": "Leg", "fields": [{"name": "from", "type": "e2e.Port"}]});
    let references = json!([{"name": "e2e.Port", "subject": "port", "version": 1}]);
    let body = json!({"schema": leg.to_string(), "references": references});
    let answer = rest.post("/subjects/referring-value/versions", &body).await.unwrap();
    let id = i32::try_from(answer.body["id"].as_i64().expect("registered")).unwrap();
    assert_eq!(case.produce_to("referring", &[(None, Some(&framed(id, &string("JFK"))), &[])]).error, 0);
    let refused = case.produce_to("referring", &[(None, Some(&framed(id, &zigzag(9))), &[])]);
    assert!(refused.record_errors[0].1.contains("field from.code: "), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_named_by_guid_in_a_header_is_found() {
    let case = case().await;
    let answer = case.assay.rest().get("/subjects/flights-value/versions/1").await.unwrap();
    let Some(guid) = answer.body["guid"].as_str() else { panic!("no guid: {answer:?}") };
    let digits: String = guid.chars().filter(|c| *c != '-').collect();
    let mut header = vec![1];
    header.extend((0..16).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()));
    let (good, bad) = (flight("N14228", 5), b"\x02".to_vec());
    let headers: &[(&str, &[u8])] = &[("__value_schema_id", &header)];
    assert_eq!(case.produce_to("flights", &[(None, Some(&good), headers)]).error, 0);
    let refused = case.produce_to("flights", &[(None, Some(&bad), headers)]);
    assert_eq!(refused.error, INVALID_RECORD);
    assert!(
        refused.record_errors[0].1.starts_with(&format!("record 0: schema guid {guid}: field tailnum: ")),
        "{refused:?}"
    );
}
