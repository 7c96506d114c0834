//! Derived schemas, and data that fit them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use assay_serde_avro::{AvroSchema, AvroSchemaError, Plan, assert_schema_matches};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

fn derived<T: AvroSchema>() -> Json {
    serde_json::from_str(T::avro_schema().unwrap_or_else(|e| panic!("{e}")).canonical()).unwrap()
}

fn round_trip<T: AvroSchema + Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let plan = Plan::compile(&T::avro_schema().unwrap()).unwrap();
    let bytes = plan.encode_to_vec(&value).unwrap_or_else(|e| panic!("{value:?}: {e}"));
    plan.validate(&bytes).unwrap();
    assert_eq!(plan.decode::<T>(&bytes), Ok(value));
}

/// An order.
///
/// With lines.
#[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
#[avro(namespace = "shop.events", alias = "OrderPlaced")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Order {
    /// Its number.
    #[serde(alias = "id", alias = "number")]
    shop_number: i64,
    r#type: Status,
    #[serde(rename = "when")]
    #[avro(logical = "timestamp-millis")]
    placed: Option<i64>,
    lines: Vec<Line>,
    #[serde(skip)]
    cache: usize,
    #[avro(default = "5")]
    #[serde(default)]
    priority: Option<i32>,
    labels: HashMap<String, Box<str>>,
    #[avro(schema = r#"{"type":"fixed","name":"Hash","size":2}"#)]
    hash: [u8; 2],
    replaced: Option<Box<Order>>,
    /// Where to.
    target: Target,
    #[serde(flatten)]
    audit: Audit,
}

#[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    #[avro(default)]
    VeryNew,
    #[serde(rename = "paid")]
    Paid,
}

#[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
struct Line {
    sku: Sku,
    price: f64,
    status: Status,
}

#[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
struct Sku(String);

#[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
enum Target {
    Null,
    String(String),
    Pickup { shop: i32 },
    Nowhere,
    Address(Address),
}

#[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
struct Address {
    city: String,
}

#[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
struct Audit {
    by: String,
}

fn order(target: Target) -> Order {
    Order {
        shop_number: 7,
        r#type: Status::VeryNew,
        placed: Some(12),
        lines: vec![Line { sku: Sku("s".into()), price: 0.5, status: Status::Paid }],
        cache: 0,
        priority: None,
        labels: HashMap::from([("k".into(), "v".into())]),
        hash: [1, 2],
        replaced: None,
        target,
        audit: Audit { by: "me".into() },
    }
}

#[test]
fn a_struct_has_the_schema_that_its_attributes_say() {
    let expected = json!({"type": "record", "name": "Order", "namespace": "shop.events", "doc": "An order.\n\nWith lines.",
        "fields": [
            {"name": "shopNumber", "type": "long", "doc": "Its number.", "aliases": ["id", "number"]},
            {"name": "type", "type": {"type": "enum", "name": "Status", "symbols": ["VERY_NEW", "paid"], "default": "VERY_NEW"}},
            {"name": "when", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": null},
            {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
                {"name": "sku", "type": "string"}, {"name": "price", "type": "double"}, {"name": "status", "type": "Status"}]}}},
            {"name": "priority", "type": ["int", "null"], "default": 5},
            {"name": "labels", "type": {"type": "map", "values": "string"}},
            {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 2}},
            {"name": "replaced", "type": ["null", "Order"], "default": null},
            {"name": "target", "doc": "Where to.", "type": ["null", "string",
                {"type": "record", "name": "Pickup", "fields": [{"name": "shop", "type": "int"}]},
                {"type": "record", "name": "Nowhere", "fields": []},
                {"type": "record", "name": "Address", "fields": [{"name": "city", "type": "string"}]}], "default": null},
            {"name": "by", "type": "string"}],
        "aliases": ["OrderPlaced"]});
    assert_eq!(derived::<Order>(), expected);
}

#[test]
fn what_serde_writes_fits_the_derived_schema() {
    for target in [
        Target::Null,
        Target::String("s".into()),
        Target::Pickup { shop: 3 },
        Target::Nowhere,
        Target::Address(Address { city: "c".into() }),
    ] {
        let mut value = order(target);
        value.replaced = Some(Box::new(order(Target::Nowhere)));
        round_trip(value);
    }
}

#[test]
fn types_of_the_standard_library_and_of_features() {
    #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
    struct All<T> {
        unsigned: (),
        small: u16,
        large: u32,
        letter: char,
        list: [T; 2],
        map: BTreeMap<String, Option<T>>,
        #[serde(with = "assay_serde_avro::logical")]
        stamp: jiff::Timestamp,
        #[serde(with = "assay_serde_avro::logical::option")]
        day: Option<chrono::NaiveDate>,
        id: uuid::Uuid,
        exact: bigdecimal::BigDecimal,
        #[serde(with = "assay_serde_avro::logical::option")]
        #[avro(logical = "decimal", precision = 9, scale = 2)]
        price: Option<rust_decimal::Decimal>,
    }
    let fields = derived::<All<f32>>()["fields"].clone();
    assert_eq!(fields[4]["type"], json!({"type": "array", "items": "float"}));
    assert_eq!(fields[5]["type"], json!({"type": "map", "values": ["null", "float"]}));
    let decimal = json!({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2});
    assert_eq!(fields[10]["type"], json!(["null", decimal]));
    round_trip(All {
        unsigned: (),
        small: 65_535,
        large: u32::MAX,
        letter: 'é',
        list: [0.5f32, 1.5],
        map: BTreeMap::from([("a".into(), None), ("b".into(), Some(2.5))]),
        stamp: jiff::Timestamp::from_microsecond(-5).unwrap(),
        day: chrono::NaiveDate::from_ymd_opt(2026, 1, 31),
        id: uuid::Uuid::from_u128(9),
        exact: "12.345".parse().unwrap(),
        price: Some("12.30".parse().unwrap()),
    });
}

#[test]
fn untagged_and_transparent_types() {
    #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
    #[serde(untagged)]
    enum Loose {
        Whole(i64),
        Words(String),
    }
    #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
    #[serde(transparent)]
    struct Wrapper {
        inner: Vec<Loose>,
    }
    assert_eq!(derived::<Wrapper>(), json!({"type": "array", "items": ["long", "string"]}));
    round_trip(Wrapper { inner: vec![Loose::Whole(3), Loose::Words("w".into())] });
}

#[test]
fn tuples_of_one_type_are_arrays() {
    #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
    struct Point(f64, f64);
    #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
    enum Shape {
        Null,
        Array(Point, Point),
    }
    #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
    struct Drawing {
        at: Point,
        size: (i32, i32, i32),
        shape: Shape,
        cached: Cached,
    }
    #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
    struct Cached(i64, i64, #[serde(skip)] usize);
    let fields = derived::<Drawing>()["fields"].clone();
    let point = json!({"type": "array", "items": "double"});
    assert_eq!(fields[0]["type"], point);
    assert_eq!(fields[1]["type"], json!({"type": "array", "items": "int"}));
    assert_eq!(fields[2]["type"], json!(["null", {"type": "array", "items": point}]));
    assert_eq!(fields[3]["type"], json!({"type": "array", "items": "long"}));
    for shape in [Shape::Null, Shape::Array(Point(0.0, 1.0), Point(2.0, 3.0))] {
        round_trip(Drawing { at: Point(0.5, -0.5), size: (1, 2, 3), shape, cached: Cached(4, 5, 0) });
    }
}

#[test]
fn variants_that_hold_records_are_renamed_after_them() {
    #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
    enum Event {
        #[serde(rename = "Line")]
        Bought(Line),
        #[serde(rename = "long")]
        Count(i64),
        Moved {
            to: Address,
        },
        Gone,
    }
    #[derive(AvroSchema)]
    #[expect(dead_code, reason = "only described")]
    enum Misnamed {
        Bought(Line),
    }
    let line = Line { sku: Sku("s".into()), price: 1.0, status: Status::Paid };
    let moved = Event::Moved { to: Address { city: "c".into() } };
    for event in [Event::Bought(line), Event::Count(3), moved, Event::Gone] {
        round_trip(event);
    }
    let said = Misnamed::avro_schema().unwrap_err().to_string();
    assert!(said.contains(r#"put #[serde(rename = "Line")] on the variant"#), "{said}");
}

#[test]
fn what_has_no_schema_says_why() {
    mod other {
        #[derive(assay_serde_avro::AvroSchema)]
        #[expect(dead_code, reason = "only described")]
        pub(super) struct Address {
            street: String,
        }
    }
    #[derive(AvroSchema)]
    #[expect(dead_code, reason = "only described")]
    struct TwoOfOneName {
        a: Address,
        b: other::Address,
    }
    #[derive(AvroSchema)]
    #[expect(dead_code, reason = "only described")]
    enum Misnamed {
        Home(Address),
        Int(i32),
    }
    #[derive(AvroSchema)]
    #[expect(dead_code, reason = "only described")]
    struct BadDefault {
        #[avro(default = "\"x\"")]
        a: i32,
    }
    #[derive(AvroSchema)]
    #[expect(dead_code, reason = "only described")]
    struct NoSuchType {
        #[avro(logical = "timestamp-seconds")]
        a: i64,
    }
    assert!(matches!(TwoOfOneName::avro_schema(), Err(AvroSchemaError::SameName { .. })));
    assert!(matches!(Misnamed::avro_schema(), Err(AvroSchemaError::VariantName { .. })));
    assert!(matches!(BadDefault::avro_schema(), Err(AvroSchemaError::Invalid { .. })));
    assert!(matches!(NoSuchType::avro_schema(), Err(AvroSchemaError::Attribute { .. })));
}

fn at_home(name: &str) -> String {
    format!("{}/tests/engine/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_type_that_matches_its_file_passes() {
    assert_schema_matches::<Line>(at_home("line.avsc"));
}

#[test]
fn a_type_that_left_its_file_is_told_how() {
    #[derive(AvroSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Line {
        sku: String,
        price: f32,
        note: String,
    }
    let panic = std::panic::catch_unwind(|| assert_schema_matches::<Line>(at_home("line.avsc"))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    for part in [
        "line.avsc",
        "type changed (the type cannot read data of the file's schema)",
        "field removed",
        "field added",
        "/fields/1/type",
        r#""note""#,
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
}
