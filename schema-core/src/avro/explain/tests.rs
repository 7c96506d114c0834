use super::*;
use crate::avro::{Located, ParseMode, Schema};

const WORDS: Words<'static> = Words { reader: "the new schema", writer: "version 3" };

fn parse(text: &str) -> Schema {
    Schema::parse(text, ParseMode::Strict).unwrap()
}

fn explained(reader: &str, writer: &str) -> Vec<Explanation> {
    let (reader, writer) = (parse(reader), parse(writer));
    explain(&Located::canonical(&reader), &Located::canonical(&writer), WORDS)
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","namespace":"n","fields":[{fields}]}}"#)
}

#[test]
fn each_rule_has_its_places_and_its_sentence() {
    let en = |symbols: &str| format!(r#"{{"type":"enum","name":"E","symbols":[{symbols}]}}"#);
    for (reader, writer, rule, at, was, why) in [
        (
            record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#),
            record(r#"{"name":"a","type":"int"}"#),
            "READER_FIELD_MISSING_DEFAULT_VALUE",
            "/fields/1",
            "/fields",
            "Data of version 3 has no field b of record n.R, and the new schema gives the field no default to read instead.",
        ),
        (
            record(r#"{"name":"a","type":"int"}"#),
            record(r#"{"name":"x","type":"int"},{"name":"a","type":"long"}"#),
            "TYPE_MISMATCH",
            "/fields/0/type",
            "/fields/1/type",
            "Version 3 writes a long here, which the new schema cannot read as an int.",
        ),
        (
            r#"{"type":"fixed","name":"G","size":1}"#.into(),
            r#"{"type":"fixed","name":"F","size":1}"#.into(),
            "NAME_MISMATCH",
            "/name",
            "/name",
            "Version 3 calls this fixed F, the new schema calls it G and has no alias for the old name.",
        ),
        (
            r#"{"type":"fixed","name":"F","size":2}"#.into(),
            r#"{"type":"fixed","name":"F","size":1}"#.into(),
            "FIXED_SIZE_MISMATCH",
            "/size",
            "/size",
            "A value of fixed F has another number of bytes in the new schema than in version 3.",
        ),
        (
            en(r#""A""#),
            en(r#""A","B","C""#),
            "MISSING_ENUM_SYMBOLS",
            "/symbols",
            "/symbols",
            "Data of version 3 may hold B, C of enum E, which the new schema does not know, and the enum has no default to read instead.",
        ),
        (
            r#"["null","int"]"#.into(),
            r#"["null","int","string"]"#.into(),
            "MISSING_UNION_BRANCH",
            "",
            "/2",
            "Version 3 may write a string here, and the union of the new schema has no branch for it.",
        ),
    ] {
        let found = explained(&reader, &writer);
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(one.rule.as_str(), rule);
        assert_eq!((one.reader.pointer.as_str(), one.writer.pointer.as_str()), (at, was), "{rule}");
        assert_eq!(one.why, why);
    }
}

#[test]
fn a_union_names_what_its_closest_branch_lacks() {
    let old = record(r#"{"name":"u","type":["null",{"type":"record","name":"I","fields":[]}]}"#);
    let new = record(
        r#"{"name":"u","type":["null",{"type":"record","name":"I","fields":[{"name":"a","type":"int"}]}]}"#,
    );
    let found = explained(&new, &old);
    assert_eq!(found[0].rule.as_str(), "MISSING_UNION_BRANCH");
    let cause = &found[0].causes[0];
    assert_eq!(cause.rule.as_str(), "READER_FIELD_MISSING_DEFAULT_VALUE");
    assert_eq!(cause.reader.pointer, "/fields/0/type/1/fields/0");
    assert_eq!(cause.writer.pointer, "/fields/0/type/1/fields");
    assert_eq!(cause.reader.json, Some(serde_json::json!({"name": "a", "type": "int"})));
}

#[test]
fn shared_and_recursive_types_have_the_place_of_their_definition() {
    let old = record(
        r#"{"name":"next","type":["null","R"]},{"name":"x","type":"string"},{"name":"y","type":["null","R"]}"#,
    );
    let new = old.replace("\"string\"", "\"int\"");
    let found = explained(&new, &old);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].reader.pointer, "/fields/1/type");
}

/// In a text a definition may stand anywhere; the canonical text moves it to its first use.
#[test]
fn places_are_those_of_the_text_that_was_posted() {
    let text = record(
        r#"{"name":"a","type":"n.I"},{"type":{"name":"I","fields":[{"name":"v","type":"int"}],"type":"record"},"name":"b"}"#,
    );
    let new = parse(&text);
    let old = parse(&text.replace("\"int\"", "\"string\""));
    let found = explain(&Located::in_text(&new, &text), &Located::canonical(&old), WORDS);
    assert_eq!(found[0].reader.pointer, "/fields/1/type/fields/0/type");
    assert_eq!(found[0].writer.pointer, "/fields/0/type/fields/0/type");
}

#[test]
fn a_place_in_a_reference_names_it() {
    let inner = |field: &str| {
        format!(r#"{{"type":"record","name":"n.I","fields":[{{"name":"v","type":"{field}"}}]}}"#)
    };
    let text = record(r#"{"name":"a","type":"n.I"}"#);
    let with = |field: &str| {
        Schema::parse_with_references(&text, &["\"int\"", &inner(field)], ParseMode::Strict).unwrap()
    };
    let (new, old) = (with("int"), with("string"));
    let found = explain(&Located::in_text(&new, &text), &Located::canonical(&old), WORDS);
    assert_eq!(found[0].reader.reference, Some(1));
    assert_eq!(found[0].reader.pointer, "/fields/0/type");
}

#[test]
fn quirks_are_told_apart() {
    let enum_field =
        record(r#"{"name":"e","type":{"type":"enum","name":"E","symbols":["A"],"default":"A"}}"#);
    let found = explained(&enum_field, &record(""));
    assert_eq!(found[0].rule.as_str(), "READER_FIELD_MISSING_DEFAULT_VALUE");
    assert_eq!(found[0].reader.pointer, "/fields/0");
    assert!(found[0].why.ends_with("The default of the enum does not stand in for one of the field."));
    let twice = record(r#"{"name":"a","type":"int","aliases":["b"]}"#);
    let found = explained(&twice, &record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#));
    assert_eq!(found[0].rule.as_str(), "AMBIGUOUS_FIELD");
    assert!(found[0].why.ends_with("by its name and aliases: a, b."), "{}", found[0].why);
}
