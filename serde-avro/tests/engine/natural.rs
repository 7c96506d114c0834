//! Fields of natural Rust types for logical types.

use std::fmt::Debug;

use assay_serde_avro::DecodeErrorKind;
use assay_serde_avro::logical::{self, Logical};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{pair, plan, record};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(bound = "T: Logical")]
struct Field<T> {
    #[serde(with = "logical")]
    f: T,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(bound = "T: Logical")]
struct Maybe<T> {
    #[serde(with = "logical::option")]
    f: Option<T>,
}

fn field(of: &str) -> String {
    record(&format!(r#"{{"name":"f","type":{of}}}"#))
}

fn logical_type(base: &str, name: &str) -> String {
    format!(r#"{{"type":"{base}","logicalType":"{name}"}}"#)
}

const DECIMAL: &str = r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#;
const FIXED_DECIMAL: &str =
    r#"{"type":"fixed","name":"D","size":5,"logicalType":"decimal","precision":9,"scale":3}"#;
const FIXED_UUID: &str = r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#;

/// The value goes to the bytes that its text goes to, and comes back, bare and in a union, and as JSON.
fn check<T: Logical + Debug + PartialEq>(of: &str, value: T, text: &str) {
    let bare = plan(&field(of));
    let value = Field { f: value };
    let bytes = bare.encode_to_vec(&value).unwrap_or_else(|e| panic!("{of} {value:?}: {e}"));
    assert_eq!(bytes, bare.encode_to_vec(&json!({ "f": text })).unwrap(), "{of}");
    assert_eq!(bare.decode::<Field<T>>(&bytes).as_ref(), Ok(&value), "{of}");
    let json = serde_json::to_string(&value).unwrap();
    assert_eq!(serde_json::from_str::<Field<T>>(&json).unwrap(), value);

    // between other types, which do not take it
    let union = plan(&field(&format!(r#"["null",{{"type":"fixed","name":"Z","size":16}},{of},"double"]"#)));
    let some = Maybe { f: Some(value.f) };
    let bytes = union.encode_to_vec(&some).unwrap_or_else(|e| panic!("{of} {some:?}: {e}"));
    assert_eq!(bytes[0], 4, "{of}");
    assert_eq!(union.decode::<Maybe<T>>(&bytes), Ok(some), "{of}");
    let none = union.encode_to_vec(&Maybe::<T> { f: None }).unwrap();
    assert_eq!((union.decode::<Maybe<T>>(&none), none), (Ok(Maybe { f: None }), vec![0]));

    // another type at that place
    for other in [r#""long""#, r#""bytes""#, r#"{"type":"fixed","name":"N","size":3}"#] {
        let other = plan(&field(other));
        let fault = other.encode_to_vec(&Field { f: T::from_raw(some_raw::<T>()).unwrap() }).unwrap_err();
        assert!(fault.to_string().contains("a "), "{fault}");
        let fault = other.decode::<Field<T>>(&[6, 1, 2, 3]).unwrap_err();
        assert_eq!((fault.path().as_str(), fault.offset()), ("f", Some(0)));
        assert!(matches!(fault.kind(), DecodeErrorKind::Refused { .. }), "{fault}");
        assert!(fault.to_string().contains("the schema has"), "{fault}");
    }
}

fn some_raw<T: Logical>() -> logical::Raw<'static> {
    match T::KIND {
        logical::Kind::Uuid | logical::Kind::Decimal => logical::Raw::Bytes(vec![0; 16].into()),
        _ => logical::Raw::Number(0),
    }
}

#[test]
fn chrono_types() {
    use chrono::{DateTime, NaiveDate, NaiveTime};
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    for text in ["1970-01-01", "2026-01-31", "1583-02-03"] {
        check(&logical_type("int", "date"), date(text), text);
    }
    let time = |text: &str| text.parse::<NaiveTime>().unwrap();
    check(&logical_type("int", "time-millis"), time("13:05:09.250"), "13:05:09.250");
    check(&logical_type("long", "time-micros"), time("23:59:59.999999"), "23:59:59.999999");
    for (name, text) in [
        ("timestamp-millis", "2026-06-12T03:22:47.890Z"),
        ("timestamp-micros", "1969-12-31T23:59:59.999999Z"),
        ("timestamp-nanos", "1970-01-01T00:00:00.000000002Z"),
    ] {
        let stamp = DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        check(&logical_type("long", name), stamp, text);
        let local = text.trim_end_matches('Z');
        check(&logical_type("long", &format!("local-{name}")), stamp.naive_utc(), local);
    }
}

#[test]
fn jiff_types() {
    use jiff::Timestamp;
    use jiff::civil::{Date, DateTime, Time};
    for text in ["1970-01-01", "2026-01-31", "1583-02-03"] {
        check(&logical_type("int", "date"), text.parse::<Date>().unwrap(), text);
    }
    check(&logical_type("int", "time-millis"), "13:05:09.250".parse::<Time>().unwrap(), "13:05:09.250");
    check(
        &logical_type("long", "time-micros"),
        "23:59:59.999999".parse::<Time>().unwrap(),
        "23:59:59.999999",
    );
    for (name, text) in [
        ("timestamp-millis", "2026-06-12T03:22:47.890Z"),
        ("timestamp-micros", "1969-12-31T23:59:59.999999Z"),
        ("timestamp-nanos", "1970-01-01T00:00:00.000000002Z"),
    ] {
        check(&logical_type("long", name), text.parse::<Timestamp>().unwrap(), text);
        let local = text.trim_end_matches('Z');
        check(&logical_type("long", &format!("local-{name}")), local.parse::<DateTime>().unwrap(), local);
    }
}

#[test]
fn decimals_and_uuids() {
    for text in ["12.30", "-0.01", "0.00", "9999999.99"] {
        check(DECIMAL, text.parse::<rust_decimal::Decimal>().unwrap(), text);
    }
    for text in ["12.345", "-0.001", "0.000"] {
        check(FIXED_DECIMAL, text.parse::<bigdecimal::BigDecimal>().unwrap(), text);
    }
    let big = logical_type("bytes", "big-decimal");
    check(
        &big,
        "-12345678901234567890123456789.25".parse::<bigdecimal::BigDecimal>().unwrap(),
        "-12345678901234567890123456789.25",
    );
    let text = "00010203-0405-0607-0809-0a0b0c0d0e0f";
    let uuid: uuid::Uuid = text.parse().unwrap();
    check(&logical_type("string", "uuid"), uuid, text);
}

#[test]
fn a_uuid_in_a_fixed() {
    let uuid = uuid::Uuid::from_u128(7);
    let plan = plan(&field(FIXED_UUID));
    let bytes = plan.encode_to_vec(&Field { f: uuid }).unwrap();
    assert_eq!(bytes, uuid.as_bytes());
    assert_eq!(plan.decode(&bytes), Ok(Field { f: uuid }));
}

#[test]
fn what_would_lose_digits_is_refused_and_fine_times_are_cut() {
    use rust_decimal::Decimal;
    let decimal = plan(&field(DECIMAL));
    let of = |text: &str| Field { f: text.parse::<Decimal>().unwrap() };
    assert_eq!(decimal.encode_to_vec(&of("1.500")), decimal.encode_to_vec(&of("1.5")));
    for text in ["1.234", "10000000.00"] {
        assert!(decimal.encode_to_vec(&of(text)).unwrap_err().to_string().contains(text));
    }
    // beyond what 96 bits hold
    let wide = plan(&field(r#"{"type":"bytes","logicalType":"decimal","precision":60,"scale":0}"#));
    let bytes = wide.encode_to_vec(&json!({"f": "9".repeat(40)})).unwrap();
    let fault = wide.decode::<Field<Decimal>>(&bytes).unwrap_err();
    assert!(fault.to_string().contains("96 bits"), "{fault}");
    assert!(wide.decode::<Field<bigdecimal::BigDecimal>>(&bytes).is_ok());

    let millis = plan(&field(&logical_type("long", "timestamp-millis")));
    let early = Field { f: chrono::DateTime::from_timestamp_nanos(-1) };
    assert_eq!(millis.encode_to_vec(&early).unwrap(), [1]);
    // 292 billion years are more than a calendar has
    let far = plan(r#""long""#).encode_to_vec(&i64::MAX).unwrap();
    assert!(millis.decode::<Field<chrono::DateTime<chrono::Utc>>>(&far).is_err());
    assert!(millis.decode::<Field<jiff::Timestamp>>(&far).is_err());
    assert_eq!(millis.decode::<Field<jiff::Timestamp>>(&[1]).unwrap().f.as_millisecond(), -1);
}

#[test]
fn natural_types_come_through_promotions_and_readers_unions() {
    let int = field(r#""int""#);
    let stamp = field(&format!(r#"["null",{}]"#, logical_type("long", "timestamp-micros")));
    let seen: Maybe<jiff::Timestamp> = pair(&int, &stamp).decode(&[6]).unwrap();
    assert_eq!(seen.f, Some(jiff::Timestamp::from_microsecond(3).unwrap()));
}

#[test]
fn natural_types_work_by_their_texts_without_the_functions() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Bare {
        date: chrono::NaiveDate,
        stamp: jiff::Timestamp,
        price: rust_decimal::Decimal,
        id: uuid::Uuid,
        name: uuid::Uuid,
    }
    let text = record(&format!(
        r#"{{"name":"date","type":{}}},{{"name":"stamp","type":{}}},{{"name":"price","type":{DECIMAL}}},
           {{"name":"id","type":{FIXED_UUID}}},{{"name":"name","type":"string"}}"#,
        logical_type("int", "date"),
        logical_type("long", "timestamp-nanos"),
    ));
    let value = Bare {
        date: "2026-01-31".parse().unwrap(),
        stamp: "2026-06-12T03:22:47.890Z".parse().unwrap(),
        price: "12.30".parse().unwrap(),
        id: uuid::Uuid::from_u128(7),
        name: uuid::Uuid::from_u128(8),
    };
    let plan = plan(&text);
    let bytes = plan.encode_to_vec(&value).unwrap();
    assert_eq!(plan.decode::<Bare>(&bytes), Ok(value));
}
