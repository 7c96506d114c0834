use crate::avro::{ParseMode, Schema};

fn normalized(text: &str) -> String {
    let schema = Schema::parse(text, ParseMode::Strict).unwrap().normalized().unwrap();
    let printed = schema.canonical().to_owned();
    let again = Schema::parse(&printed, ParseMode::Strict).unwrap().normalized().unwrap();
    assert_eq!(again.canonical(), printed, "normalising is a fixed point");
    printed
}

fn field(rest: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{{"name":"f",{rest}}}]}}"#)
}

#[test]
fn attributes_and_aliases_are_sorted() {
    for (text, expected) in [
        (
            r#"{"type":"int","b":{"z":1,"a":[{"y":1,"x":2}]},"a":[2,1]}"#,
            r#"{"type":"int","a":[2,1],"b":{"a":[{"x":2,"y":1}],"z":1}}"#,
        ),
        (
            r#"{"scale":2,"type":"bytes","precision":5,"a":1,"logicalType":"decimal"}"#,
            r#"{"type":"bytes","logicalType":"decimal","precision":5,"scale":2,"a":1}"#,
        ),
        (
            r#"{"scale":0,"type":"bytes","precision":5,"a":1,"logicalType":"decimal"}"#,
            r#"{"type":"bytes","logicalType":"decimal","precision":5,"a":1,"scale":0}"#,
        ),
        (
            r#"{"type":"bytes","scale":9,"precision":5,"logicalType":"decimal"}"#,
            r#"{"type":"bytes","logicalType":"decimal","precision":5,"scale":9}"#,
        ),
        (
            r#"{"type":"bytes","z":9,"precision":0,"logicalType":"decimal"}"#,
            r#"{"type":"bytes","logicalType":"decimal","precision":0,"z":9}"#,
        ),
        (r#"{"type":"int","a":1,"logicalType":"date"}"#, r#"{"type":"int","logicalType":"date","a":1}"#),
        (
            r#"{"type":"error","name":"n.E","doc":"","fields":[],"aliases":["b.A","Z","C"]}"#,
            r#"{"type":"record","name":"E","namespace":"n","fields":[],"aliases":["b.A","C","Z"]}"#,
        ),
    ] {
        assert_eq!(normalized(text), expected, "{text}");
    }
}

#[test]
fn defaults_take_the_spelling_of_their_type() {
    for (given, expected) in [
        (r#""type":"double","default":1"#, r#""type":"double","default":1.0"#),
        (r#""type":"float","default":0.1"#, r#""type":"float","default":0.1"#),
        (r#""type":"long","default":9223372036854775807"#, r#""type":"long","default":9223372036854775807"#),
        (r#""type":"bytes","default":"aÿĀ"#, ""),
        (
            r#""type":{"type":"map","values":"int"},"default":{"b":1,"a":2}"#,
            r#""type":{"type":"map","values":"int"},"default":{"a":2,"b":1}"#,
        ),
        (r#""type":["null","double"],"default":1"#, r#""type":["null","double"],"default":1.0"#),
        (
            r#""type":"int","doc":"","order":"ignore","z":1,"a":1,"aliases":["b","a"]"#,
            r#""type":"int","doc":"","order":"ignore","aliases":["a","b"],"a":1,"z":1"#,
        ),
    ] {
        if expected.is_empty() {
            assert!(normalized(&field(&format!("{given}\""))).contains(r#""default":"aÿ?""#));
        } else {
            assert_eq!(normalized(&field(given)), field(expected));
        }
    }
}
