use super::*;
use crate::CompatibilityLevel as Level;
use crate::avro::check;

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","namespace":"n","fields":[{fields}]}}"#)
}

fn edits(level: Level, new: &str, olds: &[&str]) -> Vec<Edit> {
    let olds: Vec<Schema> = olds.iter().map(|old| Schema::parse(old, ParseMode::Strict).unwrap()).collect();
    let olds: Vec<&Schema> = olds.iter().collect();
    suggest(&Posted { text: new, references: &[], mode: ParseMode::Strict }, &olds, level)
}

/// The first edit's actions and the edited text.
fn first(level: Level, new: &str, old: &str) -> (Vec<Action>, String) {
    let found = edits(level, new, &[old]);
    let Some(edit) = found.first() else { panic!("no edit for {new}") };
    (edit.steps.iter().map(|step| step.action).collect(), edit.schema.clone())
}

/// Level, new schema, old schema, the one step of the first edit, and the edited text.
type Case = (Level, String, String, Action, String);

fn each_gets_its_edit(cases: impl IntoIterator<Item = Case>) {
    for (level, new, old, action, edited) in cases {
        assert_eq!(first(level, &new, &old), (vec![action], edited), "{level} {new} {old}");
    }
}

#[test]
fn fields_are_mended_by_the_smallest_edit() {
    let a = r#"{"name":"a","type":"int"}"#;
    each_gets_its_edit([
        (
            Level::Backward,
            record(&format!(r#"{a},{{"name":"b","type":"string"}}"#)),
            record(a),
            Action::AddDefault,
            record(&format!(r#"{a},{{"name":"b","type":"string","default":""}}"#)),
        ),
        (
            Level::Backward,
            record(r#"{"name":"amount_cents","type":"long"}"#),
            record(r#"{"name":"amount","type":"int"},{"name":"x","type":"int"}"#),
            Action::AddFieldAlias,
            record(r#"{"name":"amount_cents","type":"long","aliases":["amount"]}"#),
        ),
        (
            Level::Forward,
            record(a),
            record(&format!(r#"{{"name":"b","type":"string"}},{a}"#)),
            Action::RestoreField,
            record(&format!(r#"{{"name":"b","type":"string"}},{a}"#)),
        ),
        (
            Level::Full,
            record(r#"{"name":"b","type":"int","aliases":["a"]}"#),
            record(a),
            Action::RenameFieldBack,
            record(a),
        ),
        (
            Level::Backward,
            record(r#"{"name":"a","type":"int","aliases":["b"]}"#),
            record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#),
            Action::RemoveAlias,
            record(r#"{"name":"a","type":"int","aliases":[]}"#),
        ),
    ]);
    let (float, long) = (record(r#"{"name":"a","type":"float"}"#), record(r#"{"name":"a","type":"long"}"#));
    assert_eq!(edits(Level::Backward, &float, &[&long]), [], "compatible as it is");
}

#[test]
fn named_types_are_mended_by_the_smallest_edit() {
    let fixed = |size: u32| format!(r#"{{"type":"fixed","name":"F","size":{size}}}"#);
    let en = |rest: &str| format!(r#"{{"type":"enum","name":"E","symbols":{rest}}}"#);
    let empty = |name: &str, rest: &str| format!(r#"{{"type":"record","name":"{name}","fields":[]{rest}}}"#);
    each_gets_its_edit([
        (Level::Full, fixed(8), fixed(4), Action::RestoreSize, fixed(4)),
        (Level::Backward, en(r#"["A"]"#), en(r#"["A","B"]"#), Action::RestoreSymbols, en(r#"["A","B"]"#)),
        (
            Level::Forward,
            en(r#"["A","C"],"default":"C""#),
            en(r#"["A"]"#),
            Action::RemoveSymbols,
            en(r#"["A"]"#),
        ),
        (
            Level::Backward,
            empty("x.B", ""),
            empty("y.A", ""),
            Action::AddTypeAlias,
            empty("x.B", r#","aliases":["y.A"]"#),
        ),
        // the stored text would read an alias without namespace as one of the type's namespace
        (Level::Backward, empty("x.B", ""), empty("A", ""), Action::RenameTypeBack, empty("x.A", "")),
    ]);
}

#[test]
fn types_and_unions_are_mended_by_the_smallest_edit() {
    let a = |rest: &str| record(&format!(r#"{{"name":"a","type":{rest}}}"#));
    each_gets_its_edit([
        (Level::Backward, a("\"int\""), a("\"double\""), Action::WidenType, a("\"double\"")),
        (
            Level::Backward,
            a("\"string\""),
            a(r#"["null","string"]"#),
            Action::AddBranch,
            a(r#"["null","string"]"#),
        ),
        (
            Level::Forward,
            a(r#"["null","string"],"default":null"#),
            a("\"string\""),
            Action::RemoveBranch,
            a("\"string\""),
        ),
        (
            Level::Backward,
            r#"["null","int"]"#.into(),
            r#"["null","long"]"#.into(),
            Action::WidenType,
            r#"["null","long"]"#.into(),
        ),
        (
            Level::Backward,
            r#"["null"]"#.into(),
            r#"["null","string"]"#.into(),
            Action::AddBranch,
            r#"["null","string"]"#.into(),
        ),
    ]);
}

#[test]
fn alternatives_are_offered_after_it() {
    let new =
        record(r#"{"name":"a","type":"int"},{"name":"b","type":{"type":"enum","name":"E","symbols":["A"]}}"#);
    let found = edits(Level::Backward, &new, &[&record(r#"{"name":"a","type":"int"}"#)]);
    let actions: Vec<Action> = found.iter().map(|edit| edit.steps[0].action).collect();
    assert_eq!(actions, [Action::AddDefault, Action::MakeOptional]);
    assert_eq!(found[0].description, r#"Give field b of record n.R a default, such as "A"."#);
    let posted = serde_json::from_str(&new).unwrap();
    for edit in &found {
        assert_eq!(apply(&posted, &edit.patch).unwrap().to_string(), edit.schema);
    }
}

/// An alias makes data of one field appear in another: it comes first only when the names are alike.
#[test]
fn unlike_names_are_not_taken_for_a_rename() {
    let old = record(r#"{"name":"weight","type":"int"}"#);
    let found = edits(Level::Backward, &record(r#"{"name":"count","type":"int"}"#), &[&old]);
    let actions: Vec<Action> = found.iter().map(|edit| edit.steps[0].action).collect();
    assert_eq!(actions, [Action::AddDefault, Action::MakeOptional, Action::AddFieldAlias]);
}

/// Under FULL a renamed field needs its old name, or both fields with defaults.
#[test]
fn a_rename_without_alias_is_taken_back() {
    let (old, new) =
        (record(r#"{"name":"user_id","type":"int"}"#), record(r#"{"name":"userId","type":"int"}"#));
    let found = edits(Level::Full, &new, &[&old]);
    assert_eq!(found[0].steps.len(), 1);
    assert_eq!((found[0].steps[0].action, &found[0].schema), (Action::RenameFieldBack, &old));
    let both = found.iter().find(|edit| edit.steps.len() == 2).unwrap();
    assert_eq!(both.steps[0].action, Action::RestoreField);
}

#[test]
fn several_problems_get_one_combined_edit() {
    let old = record(
        r#"{"name":"a","type":"long"},{"name":"c","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"u","type":["null",{"type":"record","name":"I","fields":[]}]}"#,
    );
    let new = record(
        r#"{"name":"a","type":"int"},{"name":"b","type":"bytes"},{"name":"c","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"u","type":["null",{"type":"record","name":"I","fields":[{"name":"v","type":"float"}]}]}"#,
    );
    let (actions, text) = first(Level::Backward, &new, &old);
    let expected = [Action::WidenType, Action::AddDefault, Action::RestoreSymbols, Action::AddDefault];
    assert_eq!(actions, expected);
    let (edited, old) =
        (Schema::parse(&text, ParseMode::Strict).unwrap(), Schema::parse(&old, ParseMode::Strict).unwrap());
    assert_eq!(check(&edited, &old), Ok(Vec::new()));
}

#[test]
fn every_version_of_a_transitive_level_is_satisfied() {
    let olds = [
        record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#),
        record(r#"{"name":"a","type":"long"}"#),
        record(r#"{"name":"a","type":["null","int"]}"#),
    ];
    let olds: Vec<&str> = olds.iter().map(String::as_str).collect();
    let new = record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#);
    assert_eq!(edits(Level::Backward, &new, &olds), []);
    let found = edits(Level::BackwardTransitive, &new, &olds);
    let edited = Schema::parse(&found[0].schema, ParseMode::Strict).unwrap();
    for old in olds {
        assert_eq!(check(&edited, &Schema::parse(old, ParseMode::Strict).unwrap()), Ok(Vec::new()));
    }
}

#[test]
fn what_cannot_be_mended_in_the_text_gets_no_edit() {
    let inner =
        |word: &str| format!(r#"{{"type":"record","name":"n.I","fields":[{{"name":"v","type":"{word}"}}]}}"#);
    let text = record(r#"{"name":"a","type":"n.I"}"#);
    let old = Schema::parse_with_references(&text, &[&inner("string")], ParseMode::Strict).unwrap();
    let reference = inner("int");
    let posted = Posted { text: &text, references: &[&reference], mode: ParseMode::Strict };
    assert_eq!(suggest(&posted, &[&old], Level::Backward), []);
    assert_eq!(edits(Level::Backward, "not json", &["\"int\""]), []);
    assert_eq!(edits(Level::None, "\"int\"", &["\"string\""]), []);
}

#[test]
fn a_removed_field_comes_back_with_its_types() {
    let old =
        record(r#"{"name":"a","type":{"type":"fixed","name":"m.F","size":2}},{"name":"b","type":"m.F"}"#);
    for new in [record(r#"{"name":"b","type":{"type":"fixed","name":"m.F","size":2}}"#), record("")] {
        let found = edits(Level::Forward, &new, &[&old]);
        assert_eq!(found[0].steps[0].action, Action::RestoreField, "{new}");
    }
}
