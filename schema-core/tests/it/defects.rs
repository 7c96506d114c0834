//! What other parsers, printers and checkers get wrong, each by name, and what is right here. Where nothing else is said
//! the defect is apache-avro's (0.22); the expectation is what Java's Avro 1.12.1 does.

use assay_schema_core::avro::{IncompatibilityKind, ParseMode, Schema, check};

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

fn field(name: &str, schema: &str) -> String {
    format!(r#"{{"name":"{name}","type":{schema}}}"#)
}

fn parsed(defect: &str, text: &str) -> Schema {
    Schema::parse(text, ParseMode::Strict).unwrap_or_else(|error| panic!("{defect}: {text}: {error}"))
}

#[test]
fn what_others_accept_is_refused() {
    let fixed = |name: &str, size: &str| format!(r#"{{"type":"fixed","name":"{name}","size":{size}}}"#);
    let two = |first: &str, second: &str| record(&[field("a", first), field("b", second)].join(","));
    for (defect, text, message) in [
        ("a type is named after a primitive", fixed("int", "1"), "Schemas may not be named after primitives"),
        ("an object as type that is not inside a field", r#"{"type":{"type":"string"}}"#.into(), "No type"),
        ("a union under a top-level type", r#"{"type":["null","int"]}"#.into(), "No type"),
        (
            "a name defined twice in different ways",
            two(&fixed("F", "1"), &fixed("F", "2")),
            "Can't redefine: F",
        ),
        (
            "a record inside one of the same name becomes a recursion (Java 1.12.0)",
            record(&field("a", &record(""))),
            "Can't redefine: R",
        ),
        ("something other than an object among the fields", record("5"), "No field name: 5"),
        ("an unknown order of a field", record(r#"{"name":"a","type":"int","order":"up"}"#), "Order.UP"),
        (
            "aliases that are no array",
            r#"{"type":"fixed","name":"F","size":1,"aliases":"x"}"#.into(),
            "aliases not an array",
        ),
        (
            "aliases that are no text",
            r#"{"type":"fixed","name":"F","size":1,"aliases":[1]}"#.into(),
            "alias not a string",
        ),
        ("a fixed larger than Java can hold", fixed("F", "2147483640"), "Cannot read arrays longer than"),
        ("a fixed larger than an int", fixed("F", "2147483648"), "Invalid or no size"),
        ("bad names (serde_avro_fast)", fixed("a-b", "1"), "Illegal character in: a-b"),
        (
            "bad symbols (serde_avro_fast)",
            r#"{"type":"enum","name":"E","symbols":["A-B"]}"#.into(),
            "Illegal character in: A-B",
        ),
        (
            "one field twice (serde_avro_fast)",
            record(&[field("a", "\"int\""), field("a", "\"int\"")].join(",")),
            "Duplicate field a in record R",
        ),
        ("one branch twice (serde_avro_fast)", r#"["int","int"]"#.into(), "Duplicate in union:int"),
        (
            "any default (serde_avro_fast)",
            record(r#"{"name":"a","type":"int","default":"x"}"#),
            "Invalid default for field a",
        ),
        (
            "a nullable field whose default is of no branch",
            record(r#"{"name":"a","type":["null","int"],"default":"x"}"#),
            "Invalid default for field a",
        ),
    ] {
        let error = Schema::parse(&text, ParseMode::Strict).err();
        let error = error.unwrap_or_else(|| panic!("{defect}: accepted {text}")).to_string();
        assert!(error.contains(message), "{defect}: {error}");
    }
    // references in the wrong order
    let (leaf, middle) =
        (fixed("x.Leaf", "1"), record(&field("a", "\"x.Leaf\"")).replace("\"R\"", "\"x.Middle\""));
    let root = record(&field("m", "\"x.Middle\""));
    let with = |references: &[&str]| Schema::parse_with_references(&root, references, ParseMode::Strict);
    assert!(with(&[&leaf, &middle]).is_ok());
    assert!(with(&[&middle, &leaf]).is_err(), "references in the wrong order");
}

#[test]
fn what_others_refuse_is_accepted() {
    let fixed = r#"{"type":"fixed","name":"F","size":1}"#;
    for (defect, text) in [
        ("comments (serde_avro_fast too)", "/* a */ { // b\n\"type\": \"int\" }".into()),
        ("names before their definition", record(&[field("a", "\"F\""), field("b", fixed)].join(","))),
        (
            "an unqualified name found in the null namespace (serde_avro_fast too)",
            format!(r#"[{fixed},{{"type":"record","name":"n.R","fields":[{}]}}]"#, field("a", "\"F\"")),
        ),
        ("errors (serde_avro_fast too)", r#"{"type":"error","name":"E","fields":[]}"#.into()),
        ("a text as default of a float", record(r#"{"name":"a","type":"float","default":"1.5"}"#)),
        (
            "a field default outside the symbols",
            record(r#"{"name":"a","type":{"type":"enum","name":"E","symbols":["A"]},"default":"Z"}"#),
        ),
        (
            "an enum default that is null",
            r#"{"type":"enum","name":"E","symbols":["A"],"default":null}"#.into(),
        ),
        (
            "an enum default that is no text",
            r#"{"type":"enum","name":"E","symbols":["A"],"default":1}"#.into(),
        ),
        ("a logical type that is no text (serde_avro_fast too)", r#"{"type":"int","logicalType":7}"#.into()),
        (
            "alias namespaces that are no names",
            r#"{"type":"fixed","name":"F","size":1,"aliases":["1-b.c"]}"#.into(),
        ),
        ("numbers beyond a double in properties", r#"{"type":"int","x":1e400}"#.into()),
        (
            "integers above 64 bits in properties",
            r#"{"type":"int","x":123456789012345678901234567890}"#.into(),
        ),
        ("repeated attributes (serde_avro_fast)", r#"{"type":"int","a":1,"a":2}"#.into()),
        ("a record that directly holds itself (serde_avro_fast)", record(&field("r", "\"R\""))),
        (
            "an equal definition again (serde_avro_fast)",
            record(&[field("a", fixed), field("b", fixed)].join(",")),
        ),
        (
            "a known name in an object (serde_avro_fast)",
            record(&[field("a", fixed), field("b", r#"{"type":"F"}"#)].join(",")),
        ),
        (
            "a decimal without scale (serde_avro_fast)",
            r#"{"type":"bytes","logicalType":"decimal","precision":4}"#.into(),
        ),
        ("empty unions (avsc)", "[]".into()),
        ("empty enums (avsc)", r#"{"type":"enum","name":"E","symbols":[]}"#.into()),
        (
            "a leading dot for the null namespace (fastavro)",
            r#"{"type":"fixed","name":".c","size":1}"#.into(),
        ),
    ] {
        let schema = parsed(defect, &text);
        let again = parsed(defect, schema.canonical());
        assert_eq!(again.canonical(), schema.canonical(), "{defect}");
    }
}

#[test]
fn printed_texts_keep_what_others_drop_or_rearrange() {
    for (defect, text, printed) in [
        (
            "namespace before name, doc after default, aliases before symbols",
            r#"{"aliases":["Old"],"default":"A","doc":"d","namespace":"n","name":"E","symbols":["A"],"type":"enum"}"#,
            r#"{"type":"enum","name":"E","namespace":"n","doc":"d","symbols":["A"],"default":"A","aliases":["Old"]}"#,
        ),
        (
            "aliases before fields",
            r#"{"type":"record","name":"R","aliases":["Old"],"fields":[]}"#,
            r#"{"type":"record","name":"R","fields":[],"aliases":["Old"]}"#,
        ),
        (
            "properties sorted",
            r#"{"type":"array","items":"int","zz":1,"aa":2}"#,
            r#"{"type":"array","items":"int","zz":1,"aa":2}"#,
        ),
        (
            "properties of primitives dropped",
            r#"{"type":"string","avro.java.string":"String"}"#,
            r#"{"type":"string","avro.java.string":"String"}"#,
        ),
        (
            "invalid logical types of primitives dropped",
            r#"{"type":"string","logicalType":"date","x":1}"#,
            r#"{"type":"string","logicalType":"date","x":1}"#,
        ),
        (
            "precision and scale of a fixed decimal twice",
            r#"{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":4,"scale":1}"#,
            r#"{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":4,"scale":1}"#,
        ),
        (
            "references and aliases always by full name, the inner namespace repeated",
            r#"{"type":"record","name":"n.R","fields":[{"name":"a","type":{"type":"fixed","name":"n.F","size":1,"aliases":["n.G"]}},{"name":"b","type":"n.F"}]}"#,
            r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1,"aliases":["G"]}},{"name":"b","type":"F"}]}"#,
        ),
        (
            "the ascending order kept",
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","order":"ascending"}]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        ),
        (
            "doubles in another spelling",
            r#"{"type":"int","x":1e-7,"y":1.0}"#,
            r#"{"type":"int","x":1.0E-7,"y":1.0}"#,
        ),
        (
            "the original text kept (serde_avro_fast)",
            r#"{"name":"F","size":1,"type":"fixed"}"#,
            r#"{"type":"fixed","name":"F","size":1}"#,
        ),
    ] {
        assert_eq!(parsed(defect, text).canonical(), printed, "{defect}");
    }
}

#[test]
fn the_parsing_canonical_form_is_the_specifications() {
    for (defect, text, form) in [
        (
            "the order of a field is kept",
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","order":"descending"}]}"#,
            r#"{"name":"R","type":"record","fields":[{"name":"a","type":"int"}]}"#,
        ),
        (
            "logical primitives stay objects, and fingerprints with them differ",
            r#"{"type":"int","logicalType":"date"}"#,
            r#""int""#,
        ),
        (
            "precision and scale are kept",
            r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":1}"#,
            r#""bytes""#,
        ),
        (
            "an enum with items among its properties panics",
            r#"{"type":"enum","name":"E","symbols":["A"],"items":"int","fields":[]}"#,
            r#"{"name":"E","type":"enum","symbols":["A"]}"#,
        ),
        (
            "a record with symbols among its properties panics",
            r#"{"type":"record","name":"R","fields":[],"symbols":{"a":1},"size":"x"}"#,
            r#"{"name":"R","type":"record","fields":[]}"#,
        ),
        (
            "a leading dot is not the null namespace (fastavro)",
            r#"{"type":"fixed","name":".c","size":1}"#,
            r#"{"name":"c","type":"fixed","size":1}"#,
        ),
        (
            "names stay relative",
            r#"{"type":"record","name":"n.R","fields":[{"name":"a","type":["null","R"]}]}"#,
            r#"{"name":"n.R","type":"record","fields":[{"name":"a","type":["null","n.R"]}]}"#,
        ),
    ] {
        let schema = parsed(defect, text);
        assert_eq!(schema.parsing_canonical_form(), form, "{defect}");
        let plain = parsed(defect, form);
        assert_eq!(schema.fingerprint_rabin(), plain.fingerprint_rabin(), "{defect}");
    }
}

/// The rules that keep `reader` from reading `writer`.
fn problems(defect: &str, reader: &str, writer: &str) -> Vec<IncompatibilityKind> {
    let (reader, writer) = (parsed(defect, reader), parsed(defect, writer));
    check(&reader, &writer).unwrap().into_iter().map(|found| found.kind).collect()
}

/// A record, enum or fixed with this name, and `more` at its end.
fn named(kind: &str, name: &str, more: &str) -> String {
    let rest = match kind {
        "enum" => r#""symbols":["A"]"#,
        "fixed" => r#""size":2"#,
        _ => r#""fields":[]"#,
    };
    format!(r#"{{"type":"{kind}","name":"{name}",{rest}{more}}}"#)
}

#[test]
fn verdicts_are_javas_where_others_differ() {
    use IncompatibilityKind::{MissingEnumSymbols, MissingUnionBranch, NameMismatch, TypeMismatch};
    let decimal = |precision: u32, scale: u32| {
        format!(r#"{{"type":"bytes","logicalType":"decimal","precision":{precision},"scale":{scale}}}"#)
    };
    let fixed = |name: &str, size: u32, more: &str| {
        format!(r#"{{"type":"fixed","name":"{name}","size":{size}{more}}}"#)
    };
    let symbols = |list: &str| format!(r#"{{"type":"enum","name":"E","symbols":[{list}]}}"#);
    let cases = [
        // partly readable is not readable
        (
            "a missing symbol counts as readable",
            symbols(r#""A""#),
            symbols(r#""A","B""#),
            vec![MissingEnumSymbols],
        ),
        (
            "a missing branch counts as readable",
            r#"["null","int"]"#.into(),
            r#"["null","int","string"]"#.into(),
            vec![MissingUnionBranch],
        ),
        (
            "a nullable writer counts as readable",
            r#""string""#.into(),
            r#"["null","string"]"#.into(),
            vec![TypeMismatch],
        ),
        ("precision decides", decimal(4, 2), decimal(9, 2), vec![]),
        ("scale decides", decimal(4, 2), decimal(4, 1), vec![]),
        (
            "scale decides in a nullable union",
            format!(r#"["null",{}]"#, decimal(4, 2)),
            format!(r#"["null",{}]"#, decimal(4, 1)),
            vec![],
        ),
        (
            "a uuid of text reads one of sixteen bytes",
            r#"{"type":"string","logicalType":"uuid"}"#.into(),
            fixed("U", 16, r#","logicalType":"uuid""#),
            vec![TypeMismatch],
        ),
        (
            "a decimal of bytes reads one of a fixed",
            decimal(4, 2),
            fixed("D", 4, r#","logicalType":"decimal","precision":4,"scale":2"#),
            vec![TypeMismatch],
        ),
        ("error is no type", named("error", "R", ""), named("record", "R", ""), vec![]),
        ("the namespace decides (avsc)", named("fixed", "a.F", ""), named("fixed", "b.F", ""), vec![]),
        (
            "an alias without namespace is not qualified (PyPI avro)",
            named("record", "n.New", r#","aliases":["Old"]"#),
            named("record", "n.Old", ""),
            vec![],
        ),
        (
            "an alias without namespace means any (PyPI avro)",
            named("record", "n.New", r#","aliases":["Old"]"#),
            named("record", "m.Old", ""),
            vec![NameMismatch],
        ),
    ];
    for (defect, reader, writer, expected) in cases {
        assert_eq!(problems(defect, &reader, &writer), expected, "{defect}: {reader} <- {writer}");
    }
}

#[test]
fn aliases_of_types_count_wherever_the_type_stands() {
    for kind in ["record", "enum", "fixed"] {
        let (old, new) = (named(kind, "Old", ""), named(kind, "New", r#","aliases":["Old"]"#));
        let union = |branch: &str| format!(r#"["null",{branch}]"#);
        let holder = |of: &str| record(&field("a", of));
        assert_eq!(problems(kind, &new, &old), [], "{kind} at the root");
        assert_eq!(problems(kind, &holder(&new), &holder(&old)), [], "{kind} in a field");
        assert_eq!(problems(kind, &union(&new), &union(&old)), [], "{kind} in a union");
        let without = named(kind, "New", "");
        assert_eq!(problems(kind, &without, &old), [IncompatibilityKind::NameMismatch], "{kind}");
    }
}

#[test]
fn a_reader_alias_that_names_two_fields_is_an_error_and_no_guess() {
    // apache-avro accepts it, PyPI avro takes the first
    let reader = parsed("", &record(r#"{"name":"b","type":"int","aliases":["a"]}"#));
    let writer = parsed("", &record(&[field("a", "\"int\""), field("b", "\"int\"")].join(",")));
    assert!(check(&reader, &writer).is_err());
}

#[test]
fn every_problem_is_listed_with_its_place() {
    // apache-avro stops at the first and has no places
    let reader = record(&[field("a", "\"int\""), field("b", "\"int\""), field("c", "\"int\"")].join(","));
    let writer = record(&[field("a", "\"string\""), field("b", "\"string\"")].join(","));
    let found = check(&parsed("", &reader), &parsed("", &writer)).unwrap();
    let places: Vec<&str> = found.iter().map(|one| one.location.as_str()).collect();
    assert_eq!(places, ["/fields/0/type", "/fields/1/type", "/fields/2"]);
}
