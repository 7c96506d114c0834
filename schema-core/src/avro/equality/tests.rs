use crate::avro::{ParseMode, Schema};

#[test]
fn equivalence_looks_at_structure_and_prose_but_not_at_spelling() {
    let record = |rest: &str, field: &str| {
        format!(r#"{{"type":"record","name":"n.R"{rest},"fields":[{{"name":"f","type":"int"{field}}}]}}"#)
    };
    let base = record("", "");
    for (left, right, equivalent) in [
        (base.clone(), base.replace(r#""int""#, r#"{"type":"int"}"#), true),
        (record(r#","x":1,"y":2"#, ""), record(r#","y":2,"x":1"#, ""), true),
        (record(r#","aliases":["a","b"]"#, ""), record(r#","aliases":["n.b","a"]"#, ""), true),
        (record("", r#","aliases":["a","b"]"#), record("", r#","aliases":["b","a"]"#), true),
        (base.clone(), base.replace(r#""type":"record""#, r#""type":"error""#), true),
        (record("", r#","default":1.0"#), record("", r#","default":1.00"#), true),
        (record("", r#","x":{"a":1,"b":2}"#), record("", r#","x":{"b":2,"a":1}"#), true),
        (base.clone(), record(r#","doc":"d""#, ""), false),
        (base.clone(), record("", r#","doc":"d""#), false),
        (base.clone(), record(r#","aliases":["a"]"#, ""), false),
        (base.clone(), record("", r#","default":1"#), false),
        (base.clone(), record("", r#","order":"ignore""#), false),
        (base.clone(), record("", r#","x":1"#), false),
        (base.clone(), base.replace("n.R", "m.R"), false),
        (r#"["null","int"]"#.into(), r#"["int","null"]"#.into(), false),
        (
            r#"{"type":"enum","name":"E","symbols":["A"]}"#.into(),
            r#"{"type":"enum","name":"E","symbols":["A"],"default":"A"}"#.into(),
            false,
        ),
    ] {
        let parse = |text: &str| Schema::parse(text, ParseMode::Lax).unwrap();
        assert_eq!(parse(&left).equivalent(&parse(&right)), equivalent, "{left} {right}");
        assert_eq!(parse(&right).equivalent(&parse(&left)), equivalent, "{left} {right}");
    }
}
