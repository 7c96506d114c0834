use super::*;
use crate::avro::{ParseMode, Schema};
use CompatibilityLevel as Level;

const F1: &str = r#"{"type":"record","name":"myrecord","fields":[{"name":"f1","type":"string"}]}"#;
const F2: &str = r#"{"type":"record","name":"myrecord","fields":[{"name":"f1","type":"string"},{"name":"f2","type":"string"}]}"#;
const F2_DEFAULT: &str = r#"{"type":"record","name":"myrecord","fields":[{"name":"f1","type":"string"},{"name":"f2","type":"string","default":"x"}]}"#;

fn parse(text: &str) -> Schema {
    Schema::parse(text, ParseMode::Strict).unwrap()
}

fn verdict(level: Level, new: &str, olds: &[&str]) -> Verdict {
    let schemas: Vec<Schema> = olds.iter().map(|text| parse(text)).collect();
    let total = i32::try_from(olds.len()).unwrap();
    let versions: Vec<OldVersion<'_>> = (0..)
        .zip(&schemas)
        .map(|(index, schema)| OldVersion {
            version: Version::new(total - index).unwrap(),
            schema,
            text: schema.canonical(),
        })
        .collect();
    check_against(level, &parse(new), &versions)
}

#[test]
fn backward_messages_are_the_contracts() {
    assert_eq!(
        verdict(Level::Backward, F2, &[F1]).messages,
        [
            "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'f2' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'f2'}",
            "{oldSchemaVersion: 1}",
            r#"{oldSchema: '{"type":"record","name":"myrecord","fields":[{"name":"f1","type":"string"}]}'}"#,
            "{validateFields: 'false', compatibility: 'BACKWARD'}",
        ]
    );
}

#[test]
fn levels_choose_versions_and_directions() {
    // newest first
    for (level, new, olds, compatible) in [
        (Level::None, "\"int\"", &["\"string\""][..], true),
        (Level::Backward, F1, &[], true),
        (Level::Backward, F2, &[F2_DEFAULT, F1], true),
        (Level::BackwardTransitive, F2, &[F2_DEFAULT, F1], false),
        (Level::Forward, F2, &[F1], true),
        (Level::Forward, F1, &[F2], false),
        (Level::Forward, F1, &[F2_DEFAULT, F2], true),
        (Level::ForwardTransitive, F1, &[F2_DEFAULT, F2], false),
        (Level::Full, F2_DEFAULT, &[F1], true),
        (Level::Full, F2, &[F1], false),
        (Level::FullTransitive, F2_DEFAULT, &[F1, F2], true),
    ] {
        let verdict = verdict(level, new, olds);
        assert_eq!(verdict.compatible, compatible, "{level} {new}");
        assert_eq!(verdict.messages.is_empty(), compatible);
    }
}

#[test]
fn full_reports_forward_first_and_names_the_version_only_for_backward() {
    let forward_only = verdict(Level::Full, F1, &[F2]);
    assert_eq!(
        forward_only.messages,
        [
            "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'f2' at path '/fields/1' in the old schema has no default value and is missing in the new schema', additionalInfo:'f2'}",
            "{validateFields: 'false', compatibility: 'FULL'}",
        ]
    );
    let both = verdict(Level::Full, "\"int\"", &["\"string\""]);
    assert_eq!(both.messages.len(), 5);
    assert_eq!(both.problems[0].direction, Direction::Forward);
    assert_eq!(both.problems[1].direction, Direction::Backward);
    assert!(both.messages[1].contains("reader type: INT not compatible with writer type: STRING"));
    assert_eq!(both.messages[2], "{oldSchemaVersion: 1}");
    assert_eq!(both.messages[3], "{oldSchema: '\"string\"'}");
}

#[test]
fn a_transitive_check_stops_at_the_newest_failing_version() {
    let verdict = verdict(Level::BackwardTransitive, "\"int\"", &["\"string\"", "\"bytes\""]);
    assert_eq!(verdict.problems.len(), 1);
    assert_eq!(verdict.problems[0].version.get(), 2);
    assert_eq!(verdict.messages[1], "{oldSchemaVersion: 2}");
}

#[test]
fn long_old_schemas_are_cut() {
    let doc = "é".repeat(11_000);
    let old = format!(r#"{{"type":"enum","name":"E","doc":"{doc}","symbols":["A"]}}"#);
    let messages = verdict(Level::Backward, "\"int\"", &[&old]).messages;
    let shown = messages[2].strip_prefix("{oldSchema: <truncated> '").unwrap().strip_suffix("...'}").unwrap();
    assert_eq!(shown.chars().count(), 10_240);
}

#[test]
fn ambiguous_fields_are_a_message_with_trailers() {
    let new = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int","aliases":["b"]}]}"#;
    let old =
        r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}"#;
    let verdict = verdict(Level::Backward, new, &[old]);
    assert!(verdict.problems.is_empty());
    assert!(verdict.messages[0].starts_with(
        "Unexpected exception during compatibility check: Reader record field a type:INT pos:0 matches multiple fields"
    ));
    assert_eq!(verdict.messages.len(), 4);
}

#[test]
fn reserved_fields_come_first_and_count() {
    let metadata = |names: &str| {
        let mut metadata = Metadata::default();
        metadata.properties.insert(crate::RESERVED_FIELDS.into(), names.into());
        metadata
    };
    let (new, old) = (metadata("f1, g"), metadata("x,g"));
    let rules = FieldRules { validate_fields: true, metadata: Some(&new), old_metadata: Some(&old) };
    let verdict = check_with_fields(Level::Backward, &parse(F1), &[], rules);
    assert_eq!(
        verdict.messages,
        [
            "The new schema has reserved field x removed from its metadata which is present in the old schema's metadata.",
            "The new schema has field that conflicts with the reserved field f1.",
            "{validateFields: 'true', compatibility: 'BACKWARD'}",
        ]
    );
}

#[test]
fn groups_hold_versions_with_the_same_property() {
    let with = |major: &str| {
        let mut metadata = Metadata::default();
        metadata.properties.insert("major".into(), major.into());
        Some(metadata)
    };
    let versions = [(1, None), (2, with("1")), (3, with("2")), (4, with("1"))];
    let chosen = |new: Option<&Metadata>, group| -> Vec<i32> {
        in_group(group, new, versions.iter(), |version| version.1.as_ref()).map(|version| version.0).collect()
    };
    assert_eq!(chosen(with("1").as_ref(), Some("major")), [2, 4]);
    assert_eq!(chosen(None, Some("major")), [1]);
    assert_eq!(chosen(None, None), [1, 2, 3, 4]);
}

#[test]
fn the_conflict_message_lists_the_messages() {
    let messages = ["a".to_owned(), "b".to_owned()];
    assert_eq!(
        conflict_message("s", &messages),
        "Schema being registered is incompatible with an earlier schema for subject \"s\", details: [a, b]"
    );
}

#[test]
fn explanations_follow_the_verdict() {
    let new = parse(F2);
    let olds = [parse(F2_DEFAULT), parse(F1)];
    let versions: Vec<OldVersion<'_>> = (1..)
        .zip(&olds)
        .map(|(number, schema)| OldVersion {
            version: Version::new(3 - number).unwrap(),
            schema,
            text: schema.canonical(),
        })
        .collect();
    let located = avro::Located::canonical(&new);
    for level in Level::ALL {
        let found = explain(level, &located, &versions);
        assert_eq!(found.is_empty(), check_against(level, &new, &versions).compatible, "{level}");
    }
    let [one] = &explain(Level::FullTransitive, &located, &versions)[..] else { panic!() };
    assert_eq!((one.version.get(), one.direction), (1, Direction::Backward));
    assert_eq!((one.before.pointer.as_str(), one.after.pointer.as_str()), ("/fields", "/fields/1"));
    assert_eq!(
        serde_json::to_value(one).unwrap(),
        serde_json::json!({
            "rule": "READER_FIELD_MISSING_DEFAULT_VALUE",
            "direction": "BACKWARD",
            "version": 1,
            "before": { "pointer": "/fields" },
            "after": { "pointer": "/fields/1", "json": { "name": "f2", "type": "string" } },
            "why": "Data of version 1 has no field f2 of record myrecord, and the new schema gives the field no default to read instead.",
        })
    );
}
