//! serde values in, bytes out.

use std::collections::BTreeMap;

use assay_serde_avro::{EncodeError, EncodeErrorKind as Kind};
use serde::Serialize;
use serde_json::json;

use super::{plan, record};

fn encode<T: Serialize>(schema: &str, value: &T) -> Result<Vec<u8>, EncodeError> {
    plan(schema).encode_to_vec(value)
}

const ABC: &str =
    r#"{"name":"a","type":"int"},{"name":"b","type":"string","default":"d"},{"name":"c","type":"boolean"}"#;

#[derive(Serialize)]
struct Ordered {
    a: i32,
    b: &'static str,
    c: bool,
}

#[derive(Serialize)]
struct Scattered {
    c: bool,
    a: i32,
    b: &'static str,
}

#[derive(Serialize)]
struct WithoutB {
    c: bool,
    a: i32,
}

#[derive(Serialize)]
struct Skipping {
    a: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<&'static str>,
    c: bool,
}

#[test]
fn fields_go_to_their_places() {
    let expected = vec![2, 2, b'x', 1];
    let defaulted = vec![2, 2, b'd', 1];
    let text = record(ABC);
    assert_eq!(encode(&text, &Ordered { a: 1, b: "x", c: true }).as_ref(), Ok(&expected));
    assert_eq!(encode(&text, &Scattered { a: 1, b: "x", c: true }).as_ref(), Ok(&expected));
    assert_eq!(encode(&text, &json!({"c": true, "b": "x", "a": 1})).as_ref(), Ok(&expected));
    assert_eq!(encode(&text, &WithoutB { a: 1, c: true }).as_ref(), Ok(&defaulted));
    assert_eq!(encode(&text, &Skipping { a: 1, b: None, c: true }).as_ref(), Ok(&defaulted));
    assert_eq!(encode(&text, &json!({"a": 1, "c": true})).as_ref(), Ok(&defaulted));
}

#[test]
fn scattered_records_nest() {
    let text = record(
        r#"{"name":"x","type":"int","default":7},{"name":"y","type":{"type":"record","name":"Y","fields":[
            {"name":"p","type":"int"},{"name":"q","type":{"type":"array","items":"Y"}}]}},{"name":"z","type":"string"}"#,
    );
    let plan = plan(&text);
    let value = json!({"z": "end", "y": {"q": [{"q": [], "p": 2}, {"p": 3, "q": []}], "p": 1}});
    let bytes = plan.encode_to_vec(&value).unwrap();
    assert_eq!(bytes, [14, 2, 4, 4, 0, 6, 0, 0, 6, b'e', b'n', b'd']);
    // again on the same thread: buffers are reused
    assert_eq!(plan.encode_to_vec(&value).unwrap(), bytes);
}

#[test]
fn a_field_too_many_is_an_error_unless_asked_otherwise() {
    #[derive(Serialize)]
    struct More {
        a: i32,
        order_id: &'static str,
        c: bool,
    }
    let text = record(
        r#"{"name":"a","type":"int"},{"name":"orderId","type":"string","default":"d"},{"name":"c","type":"boolean"}"#,
    );
    let more = More { a: 1, order_id: "x", c: true };
    let fault = encode(&text, &more).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "record R has no field order_id; it has orderId: serde(rename) or rename_all"
    );
    let lenient = plan(&text).with_unknown_fields_ignored();
    assert_eq!(lenient.encode_to_vec(&more), Ok(vec![2, 2, b'd', 1]));
    assert_eq!(
        lenient.encode_to_vec(&json!({"z": [1, {"y": 2}], "c": true, "a": 1})),
        Ok(vec![2, 2, b'd', 1])
    );
}

#[test]
fn record_faults() {
    let text = record(ABC);
    let kind = |value: &serde_json::Value| encode(&text, value).unwrap_err();
    assert_eq!(kind(&json!({"a": 1})).kind(), &Kind::MissingField { name: "c".into() });
    assert_eq!(
        kind(&json!({"a": 1, "c": true, "d": 1})).kind(),
        &Kind::UnknownField { record: "R".into(), name: "d".into(), similar: None }
    );
    let fault = kind(&json!({"a": 1, "c": "no"}));
    assert_eq!(fault.path(), "c");
    assert!(matches!(fault.kind(), Kind::TypeMismatch { .. }), "{fault}");
    let mut out = vec![5, 5];
    assert!(plan(&text).encode(&json!({"a": 1, "b": "x", "c": 3}), &mut out).is_err());
    assert_eq!(out, [5, 5]);
}

#[test]
fn numbers_must_fit() {
    assert!(encode(r#""int""#, &i64::from(i32::MAX)).is_ok());
    assert!(encode(r#""int""#, &(i64::from(i32::MAX) + 1)).is_err());
    assert!(encode(r#""long""#, &u64::MAX).is_err());
    assert_eq!(encode(r#""double""#, &3i32), Ok(3.0f64.to_le_bytes().to_vec()));
    assert!(encode(r#""float""#, &0.1f64).is_err());
    assert_eq!(encode(r#""float""#, &0.5f64), Ok(0.5f32.to_le_bytes().to_vec()));
    assert!(encode(r#""float""#, &16_777_217i32).is_err());
}

#[derive(Serialize)]
enum Payment {
    Card {
        number: String,
    },
    Cash(i32),
    #[serde(rename = "null")]
    Nothing,
    Other(Transfer),
}

#[derive(Serialize)]
struct Transfer {
    iban: String,
}

const PAYMENT: &str = r#"["null","int",
    {"type":"record","name":"Card","namespace":"pay","fields":[{"name":"number","type":"string"}]},
    {"type":"record","name":"Transfer","namespace":"pay","fields":[{"name":"iban","type":"string"}]}]"#;

#[test]
fn unions_are_chosen_by_type_and_name() {
    let plan = plan(PAYMENT);
    let bytes = |value: &Payment| plan.encode_to_vec(value);
    assert_eq!(bytes(&Payment::Card { number: "1".into() }), Ok(vec![4, 2, b'1']));
    assert_eq!(bytes(&Payment::Cash(3)), Ok(vec![2, 6]));
    assert_eq!(bytes(&Payment::Nothing), Ok(vec![0]));
    assert_eq!(bytes(&Payment::Other(Transfer { iban: "I".into() })), Ok(vec![6, 2, b'I']));
    assert_eq!(plan.encode_to_vec(&Transfer { iban: "I".into() }), Ok(vec![6, 2, b'I']));
    assert_eq!(plan.encode_to_vec(&None::<i32>), Ok(vec![0]));
    assert_eq!(plan.encode_to_vec(&Some(3)), Ok(vec![2, 6]));
}

#[test]
fn ambiguity_is_an_error() {
    let fault = encode(PAYMENT, &BTreeMap::from([("iban", "I")])).unwrap_err();
    assert!(matches!(fault.kind(), Kind::AmbiguousBranch { .. }), "{fault}");
    let same_name = r#"[{"type":"record","name":"Transfer","namespace":"a","fields":[]},
                        {"type":"record","name":"Transfer","namespace":"b","fields":[]}]"#;
    let fault = encode(same_name, &Transfer { iban: String::new() }).unwrap_err();
    assert!(matches!(fault.kind(), Kind::AmbiguousBranch { .. }), "{fault}");
    assert!(matches!(encode(PAYMENT, &true).unwrap_err().kind(), Kind::NoBranch { .. }));
}

#[test]
fn numbers_in_unions_take_the_closest_branch() {
    let all = r#"["double","long","float","int"]"#;
    assert_eq!(encode(all, &1i32), Ok(vec![6, 2]));
    assert_eq!(encode(all, &1i64), Ok(vec![2, 2]));
    assert_eq!(encode(all, &1u32), Ok(vec![2, 2]));
    assert_eq!(encode(all, &1.5f32).unwrap()[0], 4);
    assert_eq!(encode(all, &1.5f64).unwrap()[0], 0);
    assert_eq!(encode(r#"["null","string","int"]"#, &1i64), Ok(vec![4, 2]));
    assert!(encode(r#"["string","int"]"#, &i64::MAX).is_err());
}

#[test]
fn enums_bytes_and_fixed() {
    #[derive(Serialize)]
    #[serde(rename_all = "UPPERCASE")]
    enum Colour {
        Red,
        Blue,
    }
    let colour = r#"{"type":"enum","name":"Colour","symbols":["BLUE","RED"]}"#;
    assert_eq!(encode(colour, &Colour::Red), Ok(vec![2]));
    assert_eq!(encode(colour, &"BLUE"), Ok(vec![0]));
    assert!(matches!(encode(colour, &"GREEN").unwrap_err().kind(), Kind::UnknownSymbol { .. }));
    assert_eq!(encode(&format!(r#"["null","string",{colour}]"#), &Colour::Blue), Ok(vec![4, 0]));
    assert_eq!(encode(r#""bytes""#, &vec![1u8, 2]), Ok(vec![4, 1, 2]));
    assert_eq!(encode(r#""bytes""#, &Vec::<u8>::new()), Ok(vec![0]));
    let fixed = r#"{"type":"fixed","name":"F","size":2}"#;
    assert_eq!(encode(fixed, &[1u8, 2]), Ok(vec![1, 2]));
    assert!(matches!(encode(fixed, &[1u8]).unwrap_err().kind(), Kind::FixedSize { size: 2, found: 1 }));
    assert_eq!(encode(&format!(r#"["null",{fixed}]"#), &Some([1u8, 2])), Ok(vec![2, 1, 2]));
}

#[test]
fn sequences_without_a_length_are_counted() {
    struct Unsized(usize);
    impl Serialize for Unsized {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut items = serializer.serialize_seq(if self.0 == 7 { Some(3) } else { None })?;
            for i in 0..self.0 {
                items.serialize_element(&i)?;
            }
            items.end()
        }
    }
    let array = r#"{"type":"array","items":"int"}"#;
    assert_eq!(encode(array, &Unsized(0)), Ok(vec![0]));
    assert_eq!(encode(array, &Unsized(2)), Ok(vec![4, 0, 2, 0]));
    // a wrong announcement is put right
    assert_eq!(encode(array, &Unsized(7)).unwrap()[0], 14);
    let long = encode(array, &Unsized(100)).unwrap();
    assert_eq!(plan(array).decode::<Vec<usize>>(&long).unwrap().len(), 100);
}

#[test]
fn maps_take_text_and_number_keys() {
    let map = r#"{"type":"map","values":"int"}"#;
    assert_eq!(encode(map, &BTreeMap::from([("k", 1)])), Ok(vec![2, 2, b'k', 2, 0]));
    let bytes = encode(map, &BTreeMap::from([(7u8, 1)])).unwrap();
    assert_eq!(plan(map).decode::<BTreeMap<u8, i32>>(&bytes), Ok(BTreeMap::from([(7, 1)])));
    assert_eq!(encode(map, &BTreeMap::<String, i32>::new()), Ok(vec![0]));
}

#[test]
fn deep_values_are_refused() {
    #[derive(Serialize)]
    struct List {
        next: Option<Box<List>>,
    }
    let mut list = List { next: None };
    for _ in 0..300 {
        list = List { next: Some(Box::new(list)) };
    }
    let fault =
        encode(r#"{"type":"record","name":"List","fields":[{"name":"next","type":["null","List"]}]}"#, &list);
    assert!(matches!(fault.unwrap_err().kind(), Kind::TooDeep { .. }));
}
