//! Logical types: raw values, and the texts that serde types ask for.

use apache_avro::types::Value;
use assay_serde_avro::JsonForm;
use serde_json::json;

use super::plan;

/// Schema, the text, the raw form, and the bytes.
fn cases() -> Vec<(&'static str, &'static str, Value, Vec<u8>)> {
    vec![
        (r#"{"type":"int","logicalType":"date"}"#, "2026-01-31", Value::Date(20484), vec![0x88, 0xc0, 0x02]),
        (
            r#"{"type":"int","logicalType":"time-millis"}"#,
            "00:00:01.500",
            Value::TimeMillis(1500),
            vec![0xb8, 0x17],
        ),
        (r#"{"type":"long","logicalType":"time-micros"}"#, "00:00:00.000003", Value::TimeMicros(3), vec![6]),
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            "1970-01-01T00:00:00.001Z",
            Value::TimestampMillis(1),
            vec![2],
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-micros"}"#,
            "1969-12-31T23:59:59.999999Z",
            Value::TimestampMicros(-1),
            vec![1],
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-nanos"}"#,
            "1970-01-01T00:00:00.000000002Z",
            Value::TimestampNanos(2),
            vec![4],
        ),
        (
            r#"{"type":"long","logicalType":"local-timestamp-millis"}"#,
            "1970-01-01T00:00:01",
            Value::LocalTimestampMillis(1000),
            vec![0xd0, 0x0f],
        ),
        (
            r#"{"type":"long","logicalType":"local-timestamp-micros"}"#,
            "1970-01-01T00:00:00.000001",
            Value::LocalTimestampMicros(1),
            vec![2],
        ),
        (
            r#"{"type":"long","logicalType":"local-timestamp-nanos"}"#,
            "1970-01-01T00:00:00.000000001",
            Value::LocalTimestampNanos(1),
            vec![2],
        ),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}"#,
            "-1.28",
            Value::Decimal(vec![0x80].into()),
            vec![2, 0x80],
        ),
        (
            r#"{"type":"fixed","name":"D","size":3,"logicalType":"decimal","precision":6,"scale":2}"#,
            "-1.28",
            Value::Decimal(vec![0xff, 0xff, 0x80].into()),
            vec![0xff, 0xff, 0x80],
        ),
        (
            r#"{"type":"bytes","logicalType":"big-decimal"}"#,
            "-1.28",
            Value::BigDecimal("-1.28".parse().unwrap()),
            vec![6, 2, 0x80, 4],
        ),
        (
            r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#,
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
            Value::Uuid(apache_avro::Uuid::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f)),
            (0..16).collect(),
        ),
    ]
}

#[test]
fn texts_and_values_both_ways() {
    for (schema, text, value, bytes) in cases() {
        let plan = plan(schema);
        assert_eq!(plan.encode_to_vec(text).as_ref(), Ok(&bytes), "{schema}");
        assert_eq!(plan.decode::<String>(&bytes).as_deref(), Ok(text), "{schema}");
        assert_eq!(plan.decode_value(&bytes).as_ref(), Ok(&value), "{schema}");
        let mut out = Vec::new();
        plan.encode_value(&value, &mut out).unwrap();
        assert_eq!(out, bytes, "{schema}");
        assert_eq!(plan.decode_json(&bytes, JsonForm::Plain), Ok(json!(text)), "{schema}");
        let mut out = Vec::new();
        plan.encode_json(&json!(text), JsonForm::Plain, &mut out).unwrap();
        assert_eq!(out, bytes, "{schema}");
        let avro = plan.decode_json(&bytes, JsonForm::Avro).unwrap();
        let mut out = Vec::new();
        plan.encode_json(&avro, JsonForm::Avro, &mut out).unwrap();
        assert_eq!(out, bytes, "{schema}");
    }
}

#[test]
fn numbers_stay_numbers() {
    let stamp = plan(r#"{"type":"long","logicalType":"timestamp-millis"}"#);
    let bytes = stamp.encode_to_vec(&1_781_234_567_890i64).unwrap();
    assert_eq!(stamp.decode::<i64>(&bytes), Ok(1_781_234_567_890));
    assert_eq!(stamp.decode::<String>(&bytes).as_deref(), Ok("2026-06-12T03:22:47.890Z"));
    let optional = plan(r#"["null",{"type":"long","logicalType":"timestamp-millis"}]"#);
    let bytes = optional.encode_to_vec(&Some("2026-06-12T05:22:47.890+02:00")).unwrap();
    assert_eq!(optional.decode::<Option<i64>>(&bytes), Ok(Some(1_781_234_567_890)));
}

#[test]
fn uuids_as_text_and_bytes() {
    let uuid = apache_avro::Uuid::from_u128(7);
    let text = plan(r#"{"type":"string","logicalType":"uuid"}"#);
    let bytes = text.encode_to_vec(&uuid.to_string()).unwrap();
    assert_eq!(text.decode_value(&bytes), Ok(Value::Uuid(uuid)));
    let mut out = Vec::new();
    text.encode_value(&Value::Uuid(uuid), &mut out).unwrap();
    assert_eq!(out, bytes);
    // other text in a uuid is still a string
    assert_eq!(text.decode_value(&[2, b'x']), Ok(Value::String("x".into())));
}

#[test]
fn durations_are_three_numbers() {
    let plan = plan(r#"{"type":"fixed","name":"D","size":12,"logicalType":"duration"}"#);
    let bytes = plan.encode_to_vec(&(1u32, 2u32, 3u32)).unwrap();
    assert_eq!(bytes, [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
    assert_eq!(plan.decode::<(u32, u32, u32)>(&bytes), Ok((1, 2, 3)));
    assert_eq!(plan.decode::<[u8; 12]>(&bytes).unwrap().to_vec(), bytes);
    assert!(matches!(plan.decode_value(&bytes), Ok(Value::Duration(_))));
}

#[test]
fn decimals_keep_scale_and_precision() {
    let plan = plan(r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#);
    for (text, fits) in [("12.3", true), ("12.300", true), ("12.345", false), ("100.00", false), ("x", false)]
    {
        assert_eq!(plan.encode_to_vec(text).is_ok(), fits, "{text}");
    }
    assert_eq!(plan.encode_to_vec(&12i32), plan.encode_to_vec("12.00"));
    let mut out = Vec::new();
    assert!(plan.encode_value(&Value::Decimal(vec![0x7f, 0xff, 0xff].into()), &mut out).is_err());
    assert!(plan.encode_value(&Value::Decimal(vec![0x27, 0x0f].into()), &mut out).is_ok());
}
