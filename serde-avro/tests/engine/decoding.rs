//! Bytes in, serde values out.

use std::borrow::Cow;
use std::collections::HashMap;

use assay_serde_avro::DecodeErrorKind as Kind;
use serde::{Deserialize, Serialize};

use super::{plan, record};

#[derive(Deserialize, Serialize, Debug, PartialEq)]
struct Everything {
    null: (),
    boolean: bool,
    int: i32,
    long: i64,
    float: f32,
    double: f64,
    #[serde(with = "serde_bytes_like")]
    bytes: Vec<u8>,
    string: String,
    fixed: [u8; 4],
    symbol: Suit,
    array: Vec<i64>,
    map: HashMap<String, f64>,
    optional: Option<Box<Everything>>,
    choice: Choice,
}

mod serde_bytes_like {
    pub(super) fn serialize<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

#[derive(Deserialize, Serialize, Debug, PartialEq)]
enum Suit {
    Hearts,
    Spades,
}

#[derive(Deserialize, Serialize, Debug, PartialEq)]
enum Choice {
    Null,
    Int(i32),
    Point { x: i32, y: i32 },
    String(String),
}

const EVERYTHING: &str = r#"{"type":"record","name":"Everything","fields":[
    {"name":"null","type":"null"},{"name":"boolean","type":"boolean"},{"name":"int","type":"int"},
    {"name":"long","type":"long"},{"name":"float","type":"float"},{"name":"double","type":"double"},
    {"name":"bytes","type":"bytes"},{"name":"string","type":"string"},
    {"name":"fixed","type":{"type":"fixed","name":"F","size":4}},
    {"name":"symbol","type":{"type":"enum","name":"Suit","symbols":["Spades","Hearts"]}},
    {"name":"array","type":{"type":"array","items":"long"}},{"name":"map","type":{"type":"map","values":"double"}},
    {"name":"optional","type":["null","Everything"]},
    {"name":"choice","type":["null","int","string",{"type":"record","name":"Point","fields":[
        {"name":"x","type":"int"},{"name":"y","type":"int"}]}]}]}"#;

fn everything(optional: Option<Box<Everything>>, choice: Choice) -> Everything {
    Everything {
        null: (),
        boolean: true,
        int: -5,
        long: 1 << 40,
        float: 1.5,
        double: -2.25,
        bytes: vec![0, 255, 7],
        string: "häßlich".into(),
        fixed: [1, 2, 3, 4],
        symbol: Suit::Hearts,
        array: vec![1, -1, i64::MAX],
        map: HashMap::from([("a".into(), 0.5)]),
        optional,
        choice,
    }
}

#[test]
fn all_types_round_trip() {
    let plan = plan(EVERYTHING);
    let inner = everything(None, Choice::Point { x: 1, y: -2 });
    let mut value = everything(Some(Box::new(inner)), Choice::String("s".into()));
    for choice in [Choice::Null, Choice::Int(7)] {
        let bytes = plan.encode_to_vec(&value).unwrap();
        assert_eq!(plan.validate(&bytes), Ok(()));
        assert_eq!(plan.decode::<Everything>(&bytes).unwrap(), value);
        value.choice = choice;
    }
}

#[test]
fn borrows_from_the_input() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct View<'a> {
        s: &'a str,
        b: &'a [u8],
        #[serde(borrow)]
        c: Cow<'a, str>,
    }
    let text =
        record(r#"{"name":"s","type":"string"},{"name":"b","type":"bytes"},{"name":"c","type":"string"}"#);
    let bytes = [2, b'x', 4, 1, 2, 2, b'y'];
    let plan = plan(&text);
    let view: View<'_> = plan.decode(&bytes).unwrap();
    assert_eq!(view, View { s: "x", b: &[1, 2], c: Cow::Borrowed("y") });
    assert!(matches!(view.c, Cow::Borrowed(_)));
}

#[test]
fn target_faults_have_a_place() {
    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "never built")]
    struct Small {
        list: Vec<Item>,
    }
    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "never built")]
    struct Item {
        n: u8,
    }
    let text = record(
        r#"{"name":"list","type":{"type":"array","items":{"type":"record","name":"I","fields":[{"name":"n","type":"int"}]}}}"#,
    );
    let fault = plan(&text).decode::<Small>(&[4, 2, 0x80, 0x10, 0]).unwrap_err();
    assert_eq!(fault.path(), "list[1].n");
    assert_eq!(fault.offset(), Some(4));
    assert!(matches!(fault.kind(), Kind::Refused { .. }), "{fault}");
}

#[test]
fn unknown_fields_are_skipped_and_missing_ones_named() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct OnlyB {
        b: i32,
    }
    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "never built")]
    struct WithC {
        c: i32,
    }
    let text = record(r#"{"name":"a","type":{"type":"array","items":"string"}},{"name":"b","type":"int"}"#);
    let plan = plan(&text);
    let bytes = [2, 2, b'x', 0, 6];
    assert_eq!(plan.decode::<OnlyB>(&bytes), Ok(OnlyB { b: 3 }));
    assert!(plan.decode::<WithC>(&bytes).unwrap_err().to_string().contains("missing field `c`"));
    // what is skipped is checked all the same
    assert!(plan.decode::<OnlyB>(&[2, 2, 0xff, 0, 6]).is_err());
}

#[test]
fn tuples_take_exactly_their_items() {
    let plan = plan(r#"{"type":"array","items":"int"}"#);
    assert_eq!(plan.decode::<(i32, i32)>(&[4, 2, 4, 0]), Ok((1, 2)));
    assert_eq!(plan.decode::<(i32, i32)>(&[2, 2, 2, 4, 0]), Ok((1, 2)));
    assert!(plan.decode::<(i32, i32)>(&[6, 2, 4, 6, 0]).is_err());
    assert!(plan.decode::<(i32, i32)>(&[2, 2, 0]).is_err());
    let (first, rest) = plan.decode_prefix::<Vec<i32>>(&[2, 2, 0, 9, 9]).unwrap();
    assert_eq!((first, rest), (vec![1], &[9u8, 9][..]));
}

#[test]
fn flattened_and_untagged_targets_work() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Flat {
        a: i32,
        #[serde(flatten)]
        rest: HashMap<String, String>,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(untagged)]
    enum Loose {
        Number(i64),
        Text(String),
    }
    let text = record(r#"{"name":"a","type":"int"},{"name":"x","type":"string"}"#);
    let flat = plan(&text).decode::<Flat>(&[2, 2, b'v']).unwrap();
    assert_eq!(flat, Flat { a: 1, rest: HashMap::from([("x".into(), "v".into())]) });
    let union = plan(r#"["string","long"]"#);
    assert_eq!(union.decode::<Loose>(&[2, 2]), Ok(Loose::Number(1)));
    assert_eq!(union.decode::<Loose>(&[0, 2, b'v']), Ok(Loose::Text("v".into())));
}
