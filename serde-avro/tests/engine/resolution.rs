//! Readers that differ from the writer, by Java's rules.

use std::borrow::Cow;

use assay_serde_avro::{DecodeErrorKind as Kind, Plan, PlanError};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{pair, record, schema};

/// Decodes as plain JSON what `writer` wrote, with `reader`.
fn read(writer: &str, reader: &str, value: &Json) -> Json {
    let bytes = super::plan(writer).encode_to_vec(value).unwrap_or_else(|e| panic!("{writer} {value}: {e}"));
    let plan = pair(writer, reader);
    let by_tree = plan.decode_json(&bytes, assay_serde_avro::JsonForm::Plain).unwrap();
    let by_serde: Json = plan.decode(&bytes).unwrap();
    assert_eq!(by_tree, by_serde, "{writer} -> {reader}");
    by_tree
}

#[test]
fn promotions() {
    for (writer, reader, value, seen) in [
        ("int", "long", json!(3), json!(3)),
        ("int", "float", json!(3), json!(3.0)),
        ("int", "double", json!(3), json!(3.0)),
        ("long", "float", json!(3), json!(3.0)),
        ("long", "double", json!(3), json!(3.0)),
        ("float", "double", json!(1.5), json!(1.5)),
    ] {
        assert_eq!(read(&json!(writer).to_string(), &json!(reader).to_string(), &value), seen);
    }
    let text: String = pair(r#""bytes""#, r#""string""#).decode(&[2, b'x']).unwrap();
    assert_eq!(text, "x");
    assert!(pair(r#""bytes""#, r#""string""#).decode::<String>(&[2, 0xff]).is_err());
    for (writer, reader) in
        [("long", "int"), ("double", "float"), ("string", "int"), ("null", "int"), ("int", "string")]
    {
        let resolved =
            Plan::resolve(&schema(&json!(writer).to_string()), &schema(&json!(reader).to_string()));
        assert!(matches!(resolved, Err(PlanError::Unreadable { .. })), "{writer} {reader}");
    }
}

#[test]
fn fields_are_added_dropped_renamed_and_reordered() {
    let writer = record(
        r#"{"name":"a","type":"int"},{"name":"gone","type":{"type":"map","values":"string"}},{"name":"old","type":"string"}"#,
    );
    let reader = record(
        r#"{"name":"new","type":"string","aliases":["old"]},
           {"name":"added","type":{"type":"record","name":"D","fields":[{"name":"n","type":["null","int"],"default":null},
               {"name":"l","type":{"type":"array","items":"double"}}]},"default":{"l":[1,2.5]}},
           {"name":"a","type":"long"}"#,
    );
    let value = json!({"a": 1, "gone": {"k": "v"}, "old": "text"});
    assert_eq!(
        read(&writer, &reader, &value),
        json!({"new": "text", "a": 1, "added": {"n": null, "l": [1.0, 2.5]}})
    );
}

#[test]
fn union_defaults_take_any_branch() {
    let reader = record(
        r#"{"name":"u","type":["null","string","double"],"default":"x"},{"name":"v","type":["int","null"],"default":null}"#,
    );
    assert_eq!(read(&record(""), &reader, &json!({})), json!({"u": "x", "v": null}));
}

#[test]
fn type_aliases_apply_to_records_enums_and_fixed() {
    let old = |kind: &str| match kind {
        "enum" => r#"{"type":"enum","name":"ns.Old","symbols":["A","B"]}"#.to_owned(),
        "fixed" => r#"{"type":"fixed","name":"ns.Old","size":2}"#.to_owned(),
        _ => r#"{"type":"record","name":"ns.Old","fields":[{"name":"f","type":"int"}]}"#.to_owned(),
    };
    for kind in ["record", "enum", "fixed"] {
        let new = old(kind).replace(r#""name":"ns.Old""#, r#""name":"ns.New","aliases":["Old"]"#);
        let unaliased = old(kind).replace("ns.Old", "ns.New");
        // inside a reader's union, names decide
        let union = format!(r#"["null",{new}]"#);
        assert!(Plan::resolve(&schema(&old(kind)), &schema(&new)).is_ok(), "{kind}");
        assert!(Plan::resolve(&schema(&old(kind)), &schema(&union)).is_ok(), "{kind}");
        let without = Plan::resolve(&schema(&old(kind)), &schema(&unaliased));
        assert_eq!(without.is_ok(), kind == "record", "{kind}");
    }
    let writer = r#"{"type":"record","name":"Old","fields":[{"name":"x","type":"int"}]}"#;
    let reader = r#"{"type":"record","name":"New","aliases":["Old"],"fields":[{"name":"y","type":"int","aliases":["x"]}]}"#;
    assert_eq!(read(writer, reader, &json!({"x": 4})), json!({"y": 4}));
}

#[test]
fn an_alias_that_makes_two_fields_one_is_refused() {
    let writer = record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#);
    let reader = record(r#"{"name":"b","type":"int","aliases":["a"]}"#);
    assert!(matches!(
        Plan::resolve(&schema(&writer), &schema(&reader)),
        Err(PlanError::AmbiguousAlias { .. })
    ));
}

#[test]
fn enums_fall_back_to_the_readers_default() {
    let writer = r#"{"type":"enum","name":"E","symbols":["A","B","C"]}"#;
    let with = pair(writer, r#"{"type":"enum","name":"E","symbols":["C","X"],"default":"X"}"#);
    assert_eq!(with.decode::<String>(&[4]), Ok("C".into()));
    assert_eq!(with.decode::<String>(&[2]), Ok("X".into()));
    let without = pair(writer, r#"{"type":"enum","name":"E","symbols":["C"]}"#);
    assert_eq!(without.decode::<String>(&[4]), Ok("C".into()));
    let fault = without.decode::<String>(&[2]).unwrap_err();
    assert!(matches!(fault.kind(), Kind::Unreadable { .. }), "{fault}");
    // the bytes themselves are fine
    assert_eq!(without.validate(&[2]), Ok(()));
}

#[test]
fn unions_on_either_side() {
    assert_eq!(read(r#""int""#, r#"["null","long"]"#, &json!(3)), json!(3));
    assert_eq!(read(r#"["null","int"]"#, r#"["string","null","long"]"#, &json!(3)), json!(3));
    assert_eq!(read(r#"["null","int"]"#, r#"["string","null","long"]"#, &Json::Null), Json::Null);
    // the same type comes before a promotion, wherever it stands
    let value = pair(r#""int""#, r#"["double","int"]"#).decode_value(&[2]).unwrap();
    assert_eq!(value, apache_avro::types::Value::Union(1, Box::new(apache_avro::types::Value::Int(1))));
    // one branch of the writer has no place: only its values fail
    let narrowed = pair(r#"["null","int"]"#, r#""long""#);
    assert_eq!(narrowed.decode::<i64>(&[2, 6]), Ok(3));
    assert!(matches!(narrowed.decode::<i64>(&[0]).unwrap_err().kind(), Kind::Unreadable { .. }));
    let none = Plan::resolve(&schema(r#""string""#), &schema(r#"["null","int"]"#));
    assert!(matches!(none, Err(PlanError::Unreadable { .. })));
}

#[test]
fn records_in_unions_are_told_apart_by_name_then_shape() {
    let branch = |name: &str, field: &str| {
        format!(r#"{{"type":"record","name":"{name}","fields":[{{"name":"{field}","type":"int"}}]}}"#)
    };
    let index = |writer: &str, reader: &str| match pair(writer, reader).decode_value(&[2]).unwrap() {
        apache_avro::types::Value::Union(index, _) => index,
        other => panic!("{other:?}"),
    };
    let both = format!("[{},{}]", branch("a.X", "f"), branch("b.X", "f"));
    assert_eq!(index(&branch("b.X", "f"), &both), 1);
    // neither full name: the last of equal simple name that fits
    assert_eq!(index(&branch("c.X", "f"), &both), 1);
    // another simple name: the first that fits
    assert_eq!(index(&branch("c.Y", "f"), &both), 0);
    let second = format!("[{},{}]", branch("a.P", "other"), branch("a.Q", "f"));
    assert_eq!(index(&branch("c.Y", "f"), &second), 1);
}

#[test]
fn equivalent_unions_pair_their_branches() {
    // an enum of another namespace: by branch, not by full name
    let union = |ns: &str| format!(r#"["null",{{"type":"enum","name":"{ns}.E","symbols":["A"]}}]"#);
    assert_eq!(read(&union("a"), &union("b"), &json!("A")), json!("A"));
    assert_eq!(read(&union("a"), &union("b"), &Json::Null), Json::Null);
}

#[test]
fn recursive_types_resolve() {
    let list = |value: &str, extra: &str| {
        format!(
            r#"{{"type":"record","name":"L","fields":[{{"name":"v","type":"{value}"}},{{"name":"next","type":["null","L"],"default":null}}{extra}]}}"#
        )
    };
    let reader = list("double", r#",{"name":"tag","type":"string","default":"t"}"#);
    let value = json!({"v": 1, "next": {"v": 2, "next": null}});
    let seen = json!({"v": 1.0, "next": {"v": 2.0, "next": null, "tag": "t"}, "tag": "t"});
    assert_eq!(read(&list("int", ""), &reader, &value), seen);
}

#[test]
fn borrowed_targets_take_empty_defaults() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct View<'a> {
        a: &'a str,
        b: &'a str,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct Either<'a> {
        #[serde(borrow)]
        a: Cow<'a, str>,
        #[serde(borrow)]
        b: Cow<'a, str>,
    }
    let writer = record(r#"{"name":"a","type":"string"}"#);
    let empty = record(r#"{"name":"a","type":"string"},{"name":"b","type":"string","default":""}"#);
    let bytes = [2, b'x'];
    assert_eq!(pair(&writer, &empty).decode::<View<'_>>(&bytes), Ok(View { a: "x", b: "" }));
    let full = empty.replace(r#""default":"""#, r#""default":"d""#);
    let fault = pair(&writer, &full).decode::<View<'_>>(&bytes).unwrap_err();
    assert_eq!((fault.path().as_str(), fault.offset()), ("b", Some(2)));
    assert!(fault.to_string().contains("this is the reader's default"), "{fault}");
    let either: Either<'_> = pair(&writer, &full).decode(&bytes).unwrap();
    assert!(matches!(either, Either { a: Cow::Borrowed("x"), b: Cow::Owned(b) } if b == "d"));
}

#[test]
fn a_missing_default_is_an_error_where_it_is_needed() {
    let writer = record("");
    let reader = record(r#"{"name":"a","type":"int"}"#);
    assert!(matches!(Plan::resolve(&schema(&writer), &schema(&reader)), Err(PlanError::Unreadable { .. })));
    let nested = |inner: &str| format!(r#"["null",{inner}]"#);
    let plan = pair(&nested(&writer), &nested(&reader));
    assert_eq!(plan.decode::<Option<()>>(&[0]), Ok(None));
    assert!(plan.decode::<Json>(&[2]).is_err());
}
