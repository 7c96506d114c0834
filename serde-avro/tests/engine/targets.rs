//! Structs whose fields come in the record's order, and everything that only looks like one.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::{pair, plan, record};

const AB: &str = r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#;

#[test]
fn the_order_of_a_structs_fields_does_not_matter() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Same {
        a: i32,
        b: i32,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct Reversed {
        b: i32,
        a: i32,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct More {
        a: i32,
        #[serde(default)]
        c: i32,
        b: i32,
        #[serde(skip)]
        d: i32,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct Skipping<T> {
        a: T,
        #[serde(skip)]
        d: i32,
        b: T,
    }
    let plan = plan(&record(AB));
    // twice, and one after the other: what is remembered of one struct must not serve another
    for _ in 0..2 {
        assert_eq!(plan.decode::<Same>(&[2, 4]), Ok(Same { a: 1, b: 2 }));
        assert_eq!(plan.decode::<Reversed>(&[2, 4]), Ok(Reversed { a: 1, b: 2 }));
        assert_eq!(plan.decode::<More>(&[2, 4]), Ok(More { a: 1, b: 2, c: 0, d: 0 }));
        assert_eq!(plan.decode::<Skipping<i32>>(&[2, 4]), Ok(Skipping { a: 1, b: 2, d: 0 }));
        assert_eq!(plan.decode::<Skipping<i64>>(&[2, 4]), Ok(Skipping { a: 1, b: 2, d: 0 }));
        let fault = plan.decode::<Skipping<bool>>(&[2, 4]).unwrap_err();
        assert_eq!((fault.path().as_str(), fault.offset()), ("a", Some(1)));
    }
}

#[test]
fn an_alias_that_names_another_field_is_an_error() {
    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "never built")]
    struct Twice {
        #[serde(alias = "b")]
        a: i32,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct Renamed {
        #[serde(alias = "a")]
        old: i32,
        b: i32,
    }
    let plan = plan(&record(AB));
    assert!(plan.decode::<Twice>(&[2, 4]).is_err());
    assert_eq!(plan.decode::<Renamed>(&[2, 4]), Ok(Renamed { old: 1, b: 2 }));
}

/// Takes a map and nothing else, as visitors written by hand may.
#[derive(Debug, PartialEq)]
struct ByHand(Vec<(String, i32)>);

impl<'de> Deserialize<'de> for ByHand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = ByHand;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByHand, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(ByHand(fields))
            }
        }
        deserializer.deserialize_struct("ByHand", &["a", "b"], Fields)
    }
}

#[test]
fn a_visitor_that_takes_only_maps_gets_one() {
    let plan = plan(&record(AB));
    let expected = ByHand(vec![("a".into(), 1), ("b".into(), 2)]);
    assert_eq!(plan.decode::<ByHand>(&[2, 4]), Ok(expected));
}

#[test]
fn evolved_readers_get_their_own_order() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct New {
        first: String,
        a: i64,
        middle: Option<i32>,
        c: i32,
        last: Vec<i32>,
    }
    let writer = record(&format!(r#"{AB},{{"name":"c","type":"int"}},{{"name":"z","type":"string"}}"#));
    let reader = record(
        r#"{"name":"first","type":"string","default":"f"},{"name":"a","type":"long"},
           {"name":"middle","type":["null","int"],"default":null},{"name":"c","type":"int"},
           {"name":"last","type":{"type":"array","items":"int"},"default":[7]}"#,
    );
    let plan = pair(&writer, &reader);
    let expected = New { first: "f".into(), a: 1, middle: None, c: 3, last: vec![7] };
    assert_eq!(plan.decode::<New>(&[2, 4, 6, 2, b'z']), Ok(expected));
    // the last field of the writer is skipped, and checked
    let fault = plan.decode::<New>(&[2, 4, 6, 2, 0xff]).unwrap_err();
    assert_eq!((fault.path().as_str(), fault.offset()), ("z", Some(3)));
    assert!(plan.decode::<IgnoredAny>(&[2, 4, 6, 2, b'z']).is_ok());
}

#[test]
fn nested_structs_and_variants_go_by_order_too() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Shape {
        Circle { radius: f64 },
        Square { side: f64, name: String },
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Drawing {
        shapes: Vec<Shape>,
    }
    let text = record(
        r#"{"name":"shapes","type":{"type":"array","items":[
            {"type":"record","name":"Circle","fields":[{"name":"radius","type":"double"}]},
            {"type":"record","name":"Square","fields":[{"name":"side","type":"double"},{"name":"name","type":"string"}]}]}}"#,
    );
    let drawing = Drawing {
        shapes: vec![Shape::Circle { radius: 1.0 }, Shape::Square { side: 2.0, name: "é".into() }],
    };
    let plan = plan(&text);
    let bytes = plan.encode_to_vec(&drawing).unwrap();
    assert_eq!(plan.decode::<Drawing>(&bytes), Ok(drawing));
}
