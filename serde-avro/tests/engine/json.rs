//! Both JSON forms.

use assay_serde_avro::JsonForm;
use serde_json::{Value, json};

use super::{plan, record};

fn round(schema: &str, json: &Value, form: JsonForm) -> Value {
    let plan = plan(schema);
    let mut bytes = Vec::new();
    plan.encode_json(json, form, &mut bytes).unwrap_or_else(|e| panic!("{schema} {json}: {e}"));
    plan.decode_json(&bytes, form).unwrap()
}

const UNION: &str = r#"["null","int","string","double",{"type":"array","items":"int"},{"type":"map","values":"int"},
    {"type":"record","name":"ns.P","fields":[{"name":"x","type":"int"}]},
    {"type":"enum","name":"ns.E","symbols":["A"]},{"type":"fixed","name":"ns.F","size":2}]"#;

#[test]
fn the_avro_form_names_branches() {
    for json in [
        json!(null),
        json!({"int": 1}),
        json!({"string": "s"}),
        json!({"double": 1.5}),
        json!({"array": [1]}),
        json!({"map": {"k": 1}}),
        json!({"ns.P": {"x": 1}}),
        json!({"ns.E": "A"}),
        json!({"ns.F": "\u{0}\u{ff}"}),
    ] {
        assert_eq!(round(UNION, &json, JsonForm::Avro), json);
    }
    for bad in [json!(1), json!({"long": 1}), json!({"int": 1, "string": "s"}), json!({})] {
        assert!(plan(UNION).encode_json(&bad, JsonForm::Avro, &mut Vec::new()).is_err(), "{bad}");
    }
}

#[test]
fn the_plain_form_stands_bare() {
    for json in [json!(null), json!(1), json!("s"), json!(1.5), json!([1]), json!({"k": 1})] {
        assert_eq!(round(UNION, &json, JsonForm::Plain), json);
    }
    let records = r#"[{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]},
                      {"type":"record","name":"Q","fields":[{"name":"y","type":"int"},{"name":"z","type":"int","default":5}]}]"#;
    assert_eq!(round(records, &json!({"y": 1}), JsonForm::Plain), json!({"y": 1, "z": 5}));
    assert_eq!(round(records, &json!({"x": 1}), JsonForm::Plain), json!({"x": 1}));
    assert!(plan(records).encode_json(&json!({"w": 1}), JsonForm::Plain, &mut Vec::new()).is_err());
}

#[test]
fn numbers_are_exact() {
    let long = json!(9_007_199_254_740_993_i64);
    assert_eq!(round(r#""long""#, &long, JsonForm::Avro), long);
    assert_eq!(round(r#""float""#, &json!(0.1), JsonForm::Avro).to_string(), "0.1");
    assert_eq!(round(r#""double""#, &json!(1), JsonForm::Avro).to_string(), "1.0");
    for text in ["NaN", "Infinity", "-Infinity"] {
        assert_eq!(round(r#""double""#, &json!(text), JsonForm::Avro), json!(text));
        assert_eq!(round(r#""float""#, &json!(text), JsonForm::Avro), json!(text));
    }
    for (schema, bad) in [
        (r#""int""#, json!(2_147_483_648_i64)),
        (r#""int""#, json!(1.5)),
        (r#""double""#, json!("x")),
        (r#""bytes""#, json!("\u{100}")),
        (r#""string""#, json!(1)),
    ] {
        assert!(plan(schema).encode_json(&bad, JsonForm::Avro, &mut Vec::new()).is_err(), "{schema} {bad}");
    }
    let huge: Value = serde_json::from_str("1e999").unwrap();
    assert!(plan(r#""double""#).encode_json(&huge, JsonForm::Avro, &mut Vec::new()).is_err());
}

#[test]
fn members_come_in_any_order_and_default() {
    let text = record(r#"{"name":"a","type":"int"},{"name":"b","type":"string","default":"d"}"#);
    assert_eq!(round(&text, &json!({"b": "x", "a": 1}), JsonForm::Avro), json!({"a": 1, "b": "x"}));
    assert_eq!(round(&text, &json!({"a": 1}), JsonForm::Avro), json!({"a": 1, "b": "d"}));
    assert!(plan(&text).encode_json(&json!({"a": 1, "c": 1}), JsonForm::Avro, &mut Vec::new()).is_err());
}
