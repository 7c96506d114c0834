use super::*;
use crate::avro::{Located, ParseMode, Schema};

fn changes(old: &str, new: &str) -> Vec<Change> {
    let parse = |text: &str| Schema::parse(text, ParseMode::Strict).unwrap();
    let (old, new) = (parse(old), parse(new));
    diff(&Located::canonical(&old), &Located::canonical(&new))
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","namespace":"n","fields":[{fields}]}}"#)
}

/// Kind, pointers, and the letters of the directions that break.
fn shown<'c>(changes: &'c [Change]) -> Vec<(&'c str, &'c str, &'c str, &'c str)> {
    let breaks = |change: &Change| match (change.breaks_backward, change.breaks_forward) {
        (true, true) => "BF",
        (true, false) => "B",
        (false, true) => "F",
        (false, false) => "",
    };
    let one = |change: &'c Change| {
        let Change { kind, old, new, .. } = change;
        (kind.as_str(), old.pointer.as_str(), new.pointer.as_str(), breaks(change))
    };
    changes.iter().map(one).collect()
}

#[test]
fn fields_are_added_removed_renamed_and_moved() {
    let old = record(
        r#"{"name":"a","type":"int"},{"name":"b","type":"int","default":1},{"name":"c","type":"int"},{"name":"d","type":"int"}"#,
    );
    let new = record(
        r#"{"name":"d","type":"int"},{"name":"a","type":"long"},{"name":"c2","type":"int","aliases":["c"]},{"name":"e","type":"int"}"#,
    );
    assert_eq!(
        shown(&changes(&old, &new)),
        [
            ("FIELD_MOVED", "/fields/3", "/fields/0", ""),
            ("FIELD_RENAMED", "/fields/2/name", "/fields/2/name", "F"),
            ("ALIASES_CHANGED", "/fields/2/aliases", "/fields/2/aliases", ""),
            ("FIELD_ADDED", "/fields", "/fields/3", "B"),
            ("FIELD_REMOVED", "/fields/1", "/fields", ""),
            ("TYPE_CHANGED", "/fields/0/type", "/fields/1/type", "F"),
        ]
    );
}

#[test]
fn attributes_of_fields_and_types_do_not_break() {
    let old = record(
        r#"{"name":"a","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"x","default":1,"order":"ignore","confluent:tags":["PII"],"p":1}"#,
    );
    let new =
        record(r#"{"name":"a","type":{"type":"long","logicalType":"timestamp-micros"},"default":2,"q":1}"#);
    let found = changes(&old, &new);
    assert_eq!(
        shown(&found),
        [
            ("DEFAULT_CHANGED", "/fields/0/default", "/fields/0/default", ""),
            ("ORDER_CHANGED", "/fields/0/order", "/fields/0/order", ""),
            ("DOC_CHANGED", "/fields/0/doc", "/fields/0/doc", ""),
            ("TAGS_CHANGED", "/fields/0", "/fields/0", ""),
            ("PROPERTIES_CHANGED", "/fields/0", "/fields/0", ""),
            ("LOGICAL_TYPE_CHANGED", "/fields/0/type", "/fields/0/type", ""),
        ]
    );
    assert_eq!(found[4].old.json, Some(serde_json::json!({"p": 1})));
    assert_eq!(found[4].new.json, Some(serde_json::json!({"q": 1})));
}

#[test]
fn named_types_and_unions() {
    for (old, new, expected) in [
        (
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
            r#"{"type":"enum","name":"x.E","symbols":["C","A"],"default":"A"}"#,
            &[
                ("NAME_CHANGED", "/name", "/name", ""),
                ("SYMBOLS_REMOVED", "/symbols", "/symbols", ""),
                ("SYMBOLS_ADDED", "/symbols", "/symbols", "F"),
                ("ENUM_DEFAULT_CHANGED", "/default", "/default", ""),
            ][..],
        ),
        (
            r#"{"type":"fixed","name":"F","size":1}"#,
            r#"{"type":"fixed","name":"G","size":2,"aliases":["F"]}"#,
            &[
                ("NAME_CHANGED", "/name", "/name", "F"),
                ("ALIASES_CHANGED", "/aliases", "/aliases", ""),
                ("SIZE_CHANGED", "/size", "/size", "BF"),
            ],
        ),
        (
            r#"["null","int","string"]"#,
            r#"["string","null","boolean"]"#,
            &[
                ("BRANCH_ADDED", "", "/2", "F"),
                ("BRANCH_REMOVED", "/1", "", "B"),
                ("BRANCHES_MOVED", "", "", ""),
            ],
        ),
        (r#""string""#, r#"["null","string"]"#, &[("TYPE_CHANGED", "", "", "F")]),
        (
            r#"{"type":"error","name":"R","fields":[]}"#,
            r#"{"type":"record","name":"R","fields":[],"doc":"d"}"#,
            &[("DOC_CHANGED", "/doc", "/doc", ""), ("ERROR_FLAG_CHANGED", "/type", "/type", "")],
        ),
    ] {
        assert_eq!(shown(&changes(old, new)), expected, "{old} {new}");
    }
}

/// The same record inside a union that another branch rescues and, later, on its own.
#[test]
fn a_type_met_twice_breaks_if_it_breaks_anywhere() {
    let wide = |field: &str, extra: &str| {
        format!(
            r#"{{"name":"u","type":[{{"type":"record","name":"a.S","fields":[{{"name":"v","type":"{field}"}}]}}{extra}]}},{{"name":"s","type":"a.S"}}"#
        )
    };
    let rescue = r#",{"type":"record","name":"b.S","fields":[]}"#;
    let found = changes(&record(&wide("int", "")), &record(&wide("boolean", rescue)));
    let typed: Vec<_> = found.iter().filter(|change| change.kind == ChangeKind::TypeChanged).collect();
    assert_eq!(typed.len(), 1);
    assert!(typed[0].breaks_backward && typed[0].breaks_forward);
}

#[test]
fn wide_unions_and_records_are_compared_in_full() {
    let union = |changed: &str| {
        let branches: Vec<String> = (0..3_000)
            .map(|index| {
                let size = if index == 2_999 { changed } else { "1" };
                format!(r#"{{"type":"fixed","name":"F{index}","size":{size}}}"#)
            })
            .collect();
        format!("[{}]", branches.join(","))
    };
    assert_eq!(shown(&changes(&union("1"), &union("2")))[0].0, "SIZE_CHANGED");
    let fields = |last: &str| {
        let fields: Vec<String> =
            (0..20_000).map(|index| format!(r#"{{"name":"f{index}","type":"int"}}"#)).collect();
        record(&format!(r#"{},{{"name":"last","type":"{last}"}}"#, fields.join(",")))
    };
    assert_eq!(shown(&changes(&fields("int"), &fields("string")))[0].0, "TYPE_CHANGED");
}
