//! Logical types: raw values, and the texts that serde types ask for.

use apache_avro::types::Value;
use assay_serde_avro::JsonForm;
use serde_json::json;

use super::{pair, plan};

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
fn decimals_come_at_the_readers_scale() {
    let bytes_of = |precision: u32, scale: u32| {
        format!(r#"{{"type":"bytes","logicalType":"decimal","precision":{precision},"scale":{scale}}}"#)
    };
    let fixed_of = |scale: u32| {
        format!(
            r#"{{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":8,"scale":{scale}}}"#
        )
    };
    for (writer, reader) in [(bytes_of(6, 2), bytes_of(8, 4)), (fixed_of(2), fixed_of(4))] {
        let bytes = plan(&writer).encode_to_vec("-12.3").unwrap();
        let resolved = pair(&writer, &reader);
        assert_eq!(resolved.decode::<String>(&bytes).as_deref(), Ok("-12.3000"));
        assert_eq!(resolved.decode_json(&bytes, JsonForm::Plain), Ok(json!("-12.3000")));
        let unscaled = 123_000i32.wrapping_neg().to_be_bytes();
        assert_eq!(resolved.decode_value(&bytes), Ok(Value::Decimal(unscaled[1..].into())));
        // what is read, in whatever form, is what the reader's schema would have written
        let own = plan(&reader);
        let (avro, mut again) = (resolved.decode_json(&bytes, JsonForm::Avro).unwrap(), Vec::new());
        own.encode_json(&avro, JsonForm::Avro, &mut again).unwrap();
        assert_eq!(own.decode::<String>(&again).as_deref(), Ok("-12.3000"));
    }
    // fewer digits: only where they are zeros
    let (writer, reader) = (bytes_of(6, 4), bytes_of(6, 2));
    let of =
        |text: &str| pair(&writer, &reader).decode::<String>(&plan(&writer).encode_to_vec(text).unwrap());
    assert_eq!(of("1.2300").as_deref(), Ok("1.23"));
    let fault = of("1.2345").unwrap_err();
    assert!(
        fault.to_string().contains("decimal 1.2345 does not fit the reader's precision 6 and scale 2"),
        "{fault}"
    );
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
