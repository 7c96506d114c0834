use crate::avro::{Limits, ParseMode, ParseOptions, Schema, SchemaError};

fn refused(text: &str, mode: ParseMode) -> SchemaError {
    match Schema::parse(text, mode) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error,
    }
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

/// Texts and what the refusal must contain.
const INVALID: &[(&str, &str)] = &[
    ("string", "Unrecognized token 'string'"),
    ("null", "Schema not yet supported: null"),
    ("5", "Schema not yet supported: 5"),
    (r#"{"type":{"type":"string"}}"#, r#"No type: {"type":{"type":"string"}}"#),
    (r#"{"type":["null","int"]}"#, "No type: "),
    ("{}", "No type: {}"),
    (r#"{"type":"Nope"}"#, "Undefined schema: Nope"),
    (r#""a.Nope""#, "Undefined schema: a.Nope"),
    (r#"{"type":"record","fields":[]}"#, "No name in schema: "),
    (r#"{"type":"record","name":5,"fields":[]}"#, "No name in schema: "),
    (r#"{"type":"record","name":"","fields":[]}"#, "Empty name"),
    (r#"{"type":"record","name":"1a","fields":[]}"#, "Illegal initial character: 1a"),
    (r#"{"type":"record","name":"a-b","fields":[]}"#, "Illegal character in: a-b"),
    (r#"{"type":"record","name":"a$","fields":[]}"#, "Illegal character in: a$"),
    (r#"{"type":"record","name":"é","fields":[]}"#, "Illegal initial character: é"),
    (
        r#"{"type":"record","name":"R","namespace":"a-b.c","fields":[]}"#,
        r#"Namespace part "a-b" is invalid: Illegal character in: a-b"#,
    ),
    (
        r#"{"type":"record","name":"R","namespace":"a..b","fields":[]}"#,
        r#"Namespace part "" is invalid: Empty name"#,
    ),
    (
        r#"{"type":"record","name":"R","namespace":".","fields":[]}"#,
        r#"Namespace part "" is invalid: Empty name"#,
    ),
    (r#"{"type":"fixed","name":"int","size":1}"#, "Schemas may not be named after primitives: int"),
    (r#"{"type":"record","name":"R"}"#, "Record has no fields: "),
    (r#"{"type":"record","name":"R","fields":{}}"#, "Record has no fields: "),
    (r#"{"type":"record","name":"R","fields":[5]}"#, "No field name: 5"),
    (r#"{"type":"record","name":"R","fields":[{"type":"int"}]}"#, r#"No field name: {"type":"int"}"#),
    (r#"{"type":"record","name":"R","fields":[{"name":"a"}]}"#, r#"No field type: {"name":"a"}"#),
    (
        r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"a","type":"string"}]}"#,
        "Duplicate field a in record r: a type:STRING pos:1 and a type:INT pos:0.",
    ),
    (r#"["int","int"]"#, "Duplicate in union:int"),
    (r#"["int",{"type":"int","logicalType":"date"}]"#, "Duplicate in union:int"),
    (r#"[{"type":"array","items":"int"},{"type":"array","items":"string"}]"#, "Duplicate in union:array"),
    (r#"["int",["null"]]"#, r#"Nested union: ["int",["null"]]"#),
    (r#"{"type":"enum","name":"E"}"#, "Enum has no symbols: "),
    (r#"{"type":"enum","name":"E","symbols":["A","A"]}"#, "Duplicate enum symbol: A"),
    (r#"{"type":"enum","name":"E","symbols":["A-B"]}"#, "Illegal character in: A-B"),
    (
        r#"{"type":"enum","name":"E","symbols":["A"],"default":"Z"}"#,
        "The Enum Default: Z is not in the enum symbol set: [A]",
    ),
    (r#"{"type":"fixed","name":"F"}"#, "Invalid or no size: "),
    (r#"{"type":"fixed","name":"F","size":4.0}"#, "Invalid or no size: "),
    (r#"{"type":"fixed","name":"F","size":"4"}"#, "Invalid or no size: "),
    (r#"{"type":"fixed","name":"F","size":2147483648}"#, "Invalid or no size: "),
    (r#"{"type":"fixed","name":"F","size":-1}"#, "Malformed data. Length is negative: -1"),
    (
        r#"{"type":"fixed","name":"F","size":2147483640}"#,
        "Cannot read arrays longer than 2147483639 bytes in Java library",
    ),
    (r#"{"type":"array"}"#, r#"Array has no items type: {"type":"array"}"#),
    (r#"{"type":"map"}"#, "Map has no values type: "),
    (r#"{"type":"fixed","name":"F","size":1,"aliases":"x"}"#, "aliases not an array: "),
    (r#"{"type":"fixed","name":"F","size":1,"aliases":[1]}"#, "alias not a string: 1"),
    (r#"{"type":"fixed","name":"F","size":1,"aliases":["1-b"]}"#, "Illegal initial character: 1-b"),
    (
        r#"[{"type":"fixed","name":"x.B","size":1},{"type":"array","items":{"type":"fixed","name":"x.B","size":2}}]"#,
        "Can't redefine: x.B",
    ),
    (
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"R","fields":[]}}]}"#,
        "Can't redefine: R",
    ),
    ("\"int\" x", "dangling content after end of schema: x"),
    ("\"int\" // x", "dangling content after end of schema: // x"),
    ("# x\n\"int\"", "Unexpected character ('#' (code 35))"),
    ("[\"int\",]", "Unexpected character (']' (code 93))"),
    ("{'type':'int'}", "Unexpected character"),
    (r#"{"type":"int","x":NaN}"#, "Unrecognized token 'NaN'"),
    (r#"{"type":"int","x":01}"#, "Leading zeroes"),
    ("\"in\nt\"", "Illegal unquoted character ((CTRL-CHAR, code 10))"),
    (r#""\ud800""#, "lone surrogate"),
    ("", "Unexpected end-of-input"),
    ("{\"type\"", "Unexpected end-of-input"),
    ("/* x", "Unexpected end-of-input in a comment"),
];

#[test]
fn invalid_schemas_get_javas_messages() {
    for (text, message) in INVALID {
        let shown = refused(text, ParseMode::Strict).to_string();
        assert!(shown.contains(message), "{text}: {shown}");
    }
}

#[test]
fn defaults_are_judged_by_the_type_when_strict() {
    for (field_type, default, valid) in [
        ("\"null\"", "null", true),
        ("\"null\"", "0", false),
        ("\"boolean\"", "true", true),
        ("\"boolean\"", "\"true\"", false),
        ("\"int\"", "2147483647", true),
        ("\"int\"", "2147483648", false),
        ("\"int\"", "1.0", false),
        ("\"int\"", "\"1\"", false),
        ("\"long\"", "9223372036854775807", true),
        ("\"long\"", "9223372036854775808", false),
        ("\"long\"", "1e3", false),
        ("\"float\"", "1", true),
        ("\"double\"", "\"1.5\"", true),
        ("\"string\"", "\"x\"", true),
        ("\"string\"", "1", false),
        ("\"bytes\"", "\"\\u1234\"", true),
        (r#"{"type":"fixed","name":"F","size":2}"#, "\"x\"", true),
        (r#"{"type":"enum","name":"E","symbols":["A"]}"#, "\"Z\"", true),
        (r#"{"type":"array","items":"int"}"#, "[1,2]", true),
        (r#"{"type":"array","items":"int"}"#, "[1,\"2\"]", false),
        (r#"{"type":"map","values":"int"}"#, "{\"a\":1}", true),
        (r#"{"type":"map","values":"int"}"#, "[]", false),
        (r#"["int","null"]"#, "null", true),
        (r#"["int","null"]"#, "\"x\"", false),
        (
            r#"{"type":"record","name":"S","fields":[{"name":"x","type":"int"}]}"#,
            "{\"x\":1,\"more\":2}",
            true,
        ),
        (r#"{"type":"record","name":"S","fields":[{"name":"x","type":"int"}]}"#, "{}", false),
        (r#"{"type":"record","name":"S","fields":[{"name":"x","type":"int","default":1}]}"#, "{}", true),
    ] {
        let text = record(&format!(r#"{{"name":"a","type":{field_type},"default":{default}}}"#));
        assert_eq!(Schema::parse(&text, ParseMode::Strict).is_ok(), valid, "{text}");
        assert!(Schema::parse(&text, ParseMode::Lax).is_ok(), "{text}");
    }
    let error = refused(&record(r#"{"name":"a","type":"int","default":"1"}"#), ParseMode::Strict);
    assert_eq!(error.to_string(), r#"Invalid default for field a: "1" not a "int""#);
    let not_a_number = record(r#"{"name":"a","type":"float","default":"abc"}"#);
    for mode in [ParseMode::Strict, ParseMode::Lax] {
        assert_eq!(refused(&not_a_number, mode).to_string(), "For input string: \"abc\"");
    }
}

#[test]
fn accepted_oddities_stay_accepted() {
    for text in [
        r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#,
        r#"{"type":"record","name":"x.int","fields":[]}"#,
        r#"{"type":"fixed","name":"record","size":0}"#,
        r#"{"type":"enum","name":"E","symbols":[]}"#,
        r#"{"type":"fixed","name":"F","size":1,"aliases":["1-b.c",".d"]}"#,
        r#"[{"type":"fixed","name":"a.F","size":1},{"type":"fixed","name":"b.F","size":1}]"#,
        r#"[{"type":"fixed","name":"B","size":1},{"type":"array","items":{"type":"fixed","name":"B","size":1,"doc":"other"}}]"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","order":"IGNORE","aliases":["1-b","1-b"]}]}"#,
        // a default that needs itself
        r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R","default":{}}]}"#,
    ] {
        assert!(Schema::parse(text, ParseMode::Strict).is_ok(), "{text}");
    }
    let order = record(r#"{"name":"a","type":"int","order":"up"}"#);
    assert!(refused(&order, ParseMode::Lax).to_string().ends_with("Order.UP"));
}

#[test]
fn lax_names_may_be_of_any_script_and_namespaces_of_any_shape() {
    for (text, strict, lax) in [
        (r#"{"type":"fixed","name":"Größe","size":1}"#, false, true),
        (r#"{"type":"fixed","name":"F","namespace":"foo-bar.x","size":1}"#, false, true),
        (r#"{"type":"fixed","name":"a-b","size":1}"#, false, false),
        (r#"{"type":"enum","name":"E","symbols":["1"]}"#, false, false),
    ] {
        assert_eq!(Schema::parse(text, ParseMode::Strict).is_ok(), strict, "{text}");
        assert_eq!(Schema::parse(text, ParseMode::Lax).is_ok(), lax, "{text}");
    }
}

#[test]
fn errors_say_where() {
    let text = "{\n  \"type\": \"record\", \"name\": \"R\",\n  \"fields\": [\n    {\"name\": \"a\", \"type\": \"int\"},\n    {\"name\": \"b\", \"type\": {\"type\": \"array\", \"items\": \"Nope\"}}\n  ]\n}";
    let error = refused(text, ParseMode::Strict);
    assert_eq!(error.path(), Some("/fields/1/type/items"));
    let position = error.position().unwrap();
    assert_eq!((position.line, position.column), (5, 54));
    let error = refused("{\"type\":\n\"int\",,}", ParseMode::Strict);
    assert_eq!(error.path(), Some(""));
    assert_eq!(error.position().unwrap().to_string(), "line 2, column 7");
    let error = refused(&record(r#"{"name":"a","type":"int","default":"1"}"#), ParseMode::Strict);
    assert_eq!(error.path(), Some("/fields/0/default"));
}

#[test]
fn errors_lead_to_the_part_that_is_wrong() {
    let inner = |rest: &str| record(&format!(r#"{{"name":"a","type":{rest}}}"#));
    for (text, path) in [
        (record(r#"{"name":"a","type":"Nope"}"#), "/fields/0/type"),
        (inner(r#"{"type":"Nope"}"#), "/fields/0/type/type"),
        (inner(r#"["null","Nope"]"#), "/fields/0/type/1"),
        (inner(r#"{"type":"map"}"#), "/fields/0/type"),
        (inner(r#"{"type":["int"]}"#), "/fields/0/type/type"),
        (inner(r#"{"type":"fixed","name":"F","size":"4"}"#), "/fields/0/type/size"),
        (inner(r#"{"type":"fixed","name":"F","size":-1}"#), "/fields/0/type/size"),
        (inner(r#"{"type":"fixed","name":"F"}"#), "/fields/0/type"),
        (inner(r#"{"type":"fixed","name":"F","namespace":"a-b","size":1}"#), "/fields/0/type/namespace"),
        (inner(r#"{"type":"fixed","name":"a-b.F","namespace":"c","size":1}"#), "/fields/0/type/name"),
        (inner(r#"{"type":"enum","name":"E","symbols":["A","b-"]}"#), "/fields/0/type/symbols/1"),
        (inner(r#"{"type":"enum","name":"E","symbols":{}}"#), "/fields/0/type/symbols"),
        (inner(r#"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#), "/fields/0/type/default"),
        (inner(r#"{"type":"record","name":"R","fields":[]}"#), "/fields/0/type/name"),
        (inner(r#"{"type":"record","name":"S","fields":1}"#), "/fields/0/type/fields"),
        (record(r#"{"name":"a","type":"int"},{"name":"a","type":"int"}"#), "/fields/1/name"),
        (record(r#"{"name":1,"type":"int"}"#), "/fields/0/name"),
        (record(r#"{"name":"a","type":"int","aliases":"x"}"#), "/fields/0/aliases"),
        (inner(r#"{"type":"map","values":"int"},"default":{"a/b":1,"~":"x"}"#), "/fields/0/default/~0"),
        (
            inner(
                r#"{"type":"record","name":"S","fields":[{"name":"x","type":{"type":"array","items":"int"}}]},"default":{"x":[1,"2"]}"#,
            ),
            "/fields/0/default/x/1",
        ),
        (r#"["int",{"type":"array","items" "int"}]"#.to_owned(), "/1"),
        (r#"{"type":"record","fields":[{"name":"a","type":}]}"#.to_owned(), "/fields/0/type"),
    ] {
        let error = refused(&text, ParseMode::Strict);
        assert_eq!(error.path(), Some(path), "{text}: {error}");
        let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        assert!(json.is_none_or(|json| json.pointer(path).is_some()), "{text}");
        assert!(error.position().is_some());
    }
    let deep = refused(&"[".repeat(600), ParseMode::Strict);
    assert_eq!(deep.position().unwrap().to_string(), "line 1, column 501");
}

/// Runs on a stack of 1 MiB, half of what threads of a server have.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

fn all_walks(schema: &Schema) {
    let printed = schema.canonical();
    assert!(Schema::parse(printed, ParseMode::Strict).unwrap().equivalent(schema));
    schema.resolved();
    schema.fingerprint_sha256();
    schema.normalized().unwrap();
    assert_eq!(crate::avro::check(schema, schema), Ok(Vec::new()));
}

#[test]
fn nesting_is_bounded_and_what_is_allowed_fits_a_small_stack() {
    on_a_small_stack(|| {
        let nested = |open: &str, close: &str, levels: usize| {
            format!("{}\"int\"{}", open.repeat(levels), close.repeat(levels))
        };
        let array = |levels| nested(r#"{"type":"array","items":"#, "}", levels);
        all_walks(&Schema::parse(&array(499), ParseMode::Strict).unwrap());
        for text in [
            array(501),
            nested("[", "]", 100_000),
            nested(r#"{"x":"#, "}", 100_000),
            format!(r#"{{"type":"int","x":{}}}"#, nested("[", "]", 100_000)),
        ] {
            assert!(matches!(
                Schema::parse(&text, ParseMode::Lax),
                Err(SchemaError::TooDeep { max: 500, .. })
            ));
        }
        let props = format!(r#"{{"type":"int","x":{}}}"#, nested("[", "]", 499));
        all_walks(&Schema::parse(&props, ParseMode::Strict).unwrap());
        let open = "[".repeat(200_000);
        assert!(Schema::parse(&open, ParseMode::Strict).is_err());
    });
}

/// Flat texts whose names, followed in order, nest without end: forward names, and definitions that a reference hides.
#[test]
fn nesting_by_name_is_bounded_too() {
    on_a_small_stack(|| {
        let chain = |forward: bool, length: usize| {
            let mut records: Vec<String> = (0..length)
                .map(|index| {
                    let next = if index + 1 == length { "int".to_owned() } else { format!("R{}", index + 1) };
                    format!(
                        r#"{{"type":"record","name":"R{index}","fields":[{{"name":"f","type":"{next}"}}]}}"#
                    )
                })
                .collect();
            if !forward {
                records.reverse();
            }
            format!("[{}]", records.join(","))
        };
        let deep = Schema::parse(&chain(true, 20_000), ParseMode::Strict);
        assert!(matches!(deep, Err(SchemaError::TooDeep { .. })));
        all_walks(&Schema::parse(&chain(true, 150), ParseMode::Strict).unwrap());
        all_walks(&Schema::parse(&chain(false, 500), ParseMode::Strict).unwrap());
        let hidden = format!(
            r#"{{"type":"record","name":"K","fields":[{{"name":"k","type":{}}}]}}"#,
            chain(false, 5_000)
        );
        let text = record(r#"{"name":"k","type":"K"},{"name":"r","type":"R0"}"#);
        let deep = Schema::parse_with_references(&text, &[&hidden], ParseMode::Strict);
        assert!(matches!(deep, Err(SchemaError::TooDeep { .. })));
    });
}

#[test]
fn sizes_are_bounded() {
    let options = ParseOptions {
        mode: ParseMode::Strict,
        limits: Limits { text_bytes_max: 100, depth_max: 10, nodes_max: 3 },
    };
    let parse = |text: &str, references: &[&str]| Schema::parse_with(text, references, &options);
    assert!(parse(r#"["int","string"]"#, &[]).is_ok());
    assert!(matches!(parse(r#"["int","string","null"]"#, &[]), Err(SchemaError::TooManyNodes { max: 3 })));
    let long = format!("\"int\"{}", " ".repeat(90));
    assert!(matches!(parse(&long, &["\"string\""]), Err(SchemaError::TooLong { bytes: 103, max: 100 })));
}

/// A megabyte of namespace that a thousand types inherit.
#[test]
fn inherited_namespaces_do_not_multiply_without_bound() {
    let namespace = "n".repeat(1 << 20);
    let fields: Vec<String> = (0..1_000)
        .map(|i| format!(r#"{{"name":"f{i}","type":{{"type":"fixed","name":"F{i}","size":1}}}}"#))
        .collect();
    let text = format!(
        r#"{{"type":"record","name":"R","namespace":"{namespace}","fields":[{}]}}"#,
        fields.join(",")
    );
    assert!(matches!(Schema::parse(&text, ParseMode::Strict), Err(SchemaError::NamesTooLong { .. })));
}

#[test]
fn wide_schemas_parse_without_quadratic_cost() {
    let fields: Vec<String> =
        (0..40_000).map(|i| format!(r#"{{"name":"f{i}","type":"int","aliases":["g{i}"]}}"#)).collect();
    let schema = Schema::parse(&record(&fields.join(",")), ParseMode::Strict).unwrap();
    assert_eq!(crate::avro::check(&schema, &schema), Ok(Vec::new()));
    let branches: Vec<String> =
        (0..30_000).map(|i| format!(r#"{{"type":"fixed","name":"F{i}","size":1}}"#)).collect();
    assert!(Schema::parse(&format!("[{}]", branches.join(",")), ParseMode::Strict).is_ok());
}
