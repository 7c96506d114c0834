//! What other Rust crates get wrong, and this engine must not.

use apache_avro::types::Value;

use super::{pair, plan, record};

#[test]
fn a_bare_value_in_a_union_has_its_index() {
    let mut out = Vec::new();
    plan(r#"["null","int"]"#).encode_value(&Value::Int(7), &mut out).unwrap();
    assert_eq!(out, [2, 14]);
}

#[test]
fn field_aliases_are_applied_and_not_replaced_by_the_default() {
    let writer = record(r#"{"name":"old","type":"int"}"#);
    let reader = record(r#"{"name":"new","type":"int","aliases":["old"],"default":9}"#);
    let value = pair(&writer, &reader).decode_value(&[6]).unwrap();
    assert_eq!(value, Value::Record(vec![("new".into(), Value::Int(3))]));
}

#[test]
fn a_default_of_the_second_branch_is_kept() {
    let reader = record(r#"{"name":"u","type":["null","int"],"default":4}"#);
    let value = pair(&record(""), &reader).decode_value(&[]).unwrap();
    assert_eq!(value, Value::Record(vec![("u".into(), Value::Union(1, Box::new(Value::Int(4))))]));
}

#[test]
fn long_is_never_narrowed_to_int() {
    let plan = assay_serde_avro::Plan::resolve(&super::schema(r#""long""#), &super::schema(r#""int""#));
    assert!(plan.is_err());
}

#[test]
fn records_of_equal_shape_keep_their_branch() {
    let branch =
        |n: &str| format!(r#"{{"type":"record","name":"{n}","fields":[{{"name":"f","type":"int"}}]}}"#);
    let union = format!("[{},{}]", branch("A"), branch("B"));
    let value = pair(&branch("B"), &union).decode_value(&[2]).unwrap();
    assert!(matches!(value, Value::Union(1, _)), "{value:?}");
}

#[test]
fn a_missing_field_with_a_default_is_written() {
    let text = record(r#"{"name":"a","type":"int"},{"name":"b","type":"int","default":2}"#);
    let mut out = Vec::new();
    plan(&text).encode_value(&Value::Record(vec![("a".into(), Value::Int(1))]), &mut out).unwrap();
    assert_eq!(out, [2, 4]);
}

#[test]
fn a_struct_need_not_bear_the_records_name() {
    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Other {
        a: i32,
    }
    let plan = plan(&record(r#"{"name":"a","type":"int"}"#));
    let bytes = plan.encode_to_vec(&Other { a: 1 }).unwrap();
    assert_eq!(plan.decode::<Other>(&bytes), Ok(Other { a: 1 }));
}

#[test]
fn decimals_beyond_sixteen_bytes_work() {
    let plan = plan(r#"{"type":"bytes","logicalType":"decimal","precision":60,"scale":1}"#);
    let text = "-12345678901234567890123456789012345678901234567890.5";
    let bytes = plan.encode_to_vec(text).unwrap();
    assert_eq!(plan.decode::<String>(&bytes).as_deref(), Ok(text));
}

#[test]
fn a_decimal_with_few_bytes_reads_at_a_larger_precision() {
    let of = |precision: u32| {
        format!(r#"{{"type":"bytes","logicalType":"decimal","precision":{precision},"scale":2}}"#)
    };
    let text: String = pair(&of(4), &of(30)).decode(&[2, 5]).unwrap();
    assert_eq!(text, "0.05");
}

#[test]
fn null_need_not_be_the_first_branch_of_an_option() {
    let plan = plan(r#"["string","null"]"#);
    for (value, bytes) in [(None, vec![2]), (Some("x".to_owned()), vec![0, 2, b'x'])] {
        assert_eq!(plan.encode_to_vec(&value), Ok(bytes.clone()));
        assert_eq!(plan.decode::<Option<String>>(&bytes), Ok(value));
    }
}

#[test]
fn an_evolved_reader_keeps_doubles_and_long_integers() {
    let writer = record(r#"{"name":"n","type":"long"},{"name":"d","type":"double"}"#);
    let reader = record(
        r#"{"name":"d","type":"double"},{"name":"n","type":"long"},{"name":"x","type":"int","default":1}"#,
    );
    let value = (i64::MAX - 1, 0.1 + 0.2);
    let mut bytes = Vec::new();
    let fields = vec![("n".into(), Value::Long(value.0)), ("d".into(), Value::Double(value.1))];
    plan(&writer).encode_value(&Value::Record(fields), &mut bytes).unwrap();
    let seen = pair(&writer, &reader).decode_value(&bytes).unwrap();
    let expected = vec![
        ("d".into(), Value::Double(value.1)),
        ("n".into(), Value::Long(value.0)),
        ("x".into(), Value::Int(1)),
    ];
    assert_eq!(seen, Value::Record(expected));
}

#[test]
fn bytes_that_are_no_text_are_not_read_as_text() {
    assert!(pair(r#""bytes""#, r#""string""#).decode_value(&[2, 0xff]).is_err());
}

#[test]
fn a_record_that_holds_itself_only_through_a_default_compiles() {
    let text = record(
        r#"{"name":"next","type":["null","R"],"default":null},{"name":"d","type":"string","default":"s"}"#,
    );
    let mut out = Vec::new();
    plan(&text).encode_value(&Value::Record(Vec::new()), &mut out).unwrap();
    assert_eq!(out, [0, 2, b's']);
}

#[test]
fn an_evolved_reader_decodes_straight_into_a_struct() {
    // apache-avro's direct reader panics on a reader's schema, serde_avro_fast has none: aliases and defaults of the schema do not
    // count there
    #[derive(serde::Deserialize, PartialEq, Debug)]
    struct Target<'a> {
        renamed: &'a str,
        wider: f64,
        added: i32,
    }
    let writer = record(r#"{"name":"old","type":"string"},{"name":"wider","type":"int"}"#);
    let reader = record(
        r#"{"name":"added","type":"int","default":5},{"name":"renamed","aliases":["old"],"type":"string"},{"name":"wider","type":"double"}"#,
    );
    let plan = pair(&writer, &reader);
    assert_eq!(plan.decode(&[2, b'x', 6]), Ok(Target { renamed: "x", wider: 3.0, added: 5 }));
}

#[test]
fn an_enums_default_stands_in_and_a_field_default_outside_the_symbols_is_no_symbol() {
    let of = |rest: &str| format!(r#"{{"type":"enum","name":"E","symbols":{rest}}}"#);
    let plan = pair(&of(r#"["A","B"]"#), &of(r#"["B","Z"],"default":"Z""#));
    assert_eq!(plan.decode::<String>(&[0]).as_deref(), Ok("Z"));
    let reader = record(&format!(r#"{{"name":"e","type":{},"default":"Q"}}"#, of(r#"["A"]"#)));
    assert!(assay_serde_avro::Plan::resolve(&super::schema(&record("")), &super::schema(&reader)).is_err());
}

#[test]
fn limits_belong_to_a_plan_and_not_to_the_process() {
    // apache-avro has one limit for all, set once
    let mut limits = assay_serde_avro::Limits::default();
    limits.allocation_bytes_max = 64;
    let text = r#"{"type":"array","items":"int"}"#;
    let (small, usual) = (plan(text).with_limits(limits), plan(text));
    let bytes = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert!(small.decode::<Vec<i32>>(&bytes).is_err());
    assert_eq!(usual.decode::<Vec<i32>>(&bytes).map(|items| items.len()), Ok(10));
}

#[test]
fn decimals_are_checked_against_their_precision_and_scale() {
    let plan = plan(r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#);
    assert!(plan.encode_to_vec("12.34").is_ok());
    for refused in ["123.45", "1.234", "x"] {
        assert!(plan.encode_to_vec(refused).is_err(), "{refused}");
    }
}

#[test]
fn odd_attributes_do_not_stop_a_plan() {
    // apache-avro's canonical form panics on them, and its datum readers need that form
    for text in [
        r#"{"type":"enum","name":"E","symbols":["A"],"items":"int","fields":[]}"#,
        r#"{"type":"record","name":"R","fields":[],"symbols":{"a":1},"size":"x"}"#,
        r#"{"type":"int","logicalType":"no such","precision":-1}"#,
    ] {
        plan(text);
    }
}
