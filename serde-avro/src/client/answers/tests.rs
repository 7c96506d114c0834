use serde_json::json;

use super::*;

#[test]
fn what_a_later_registry_adds_is_passed_over_and_what_an_earlier_one_leaves_out_is_empty() {
    let explained: CompatibilityExplanation = serde_json::from_value(json!({
        "is_compatible": false, "level": "FULL", "tomorrow": 1,
        "problems": [{"rule": "NEW_RULE", "direction": "FORWARD", "version": 2, "score": 3,
            "before": {"pointer": "/fields/0", "colour": "red"}}],
        "edits": [{"schema": "\"int\"", "steps": [{"action": "NEW_ACTION"}],
            "patch": [{"op": "add", "path": "/fields/-", "value": 1}, {"op": "remove", "path": "/x"}]}]}))
    .unwrap();
    let problem = &explained.problems[0];
    assert_eq!((problem.rule.as_str(), problem.before.pointer.as_str()), ("NEW_RULE", "/fields/0"));
    assert!(problem.after.json.is_none() && problem.causes.is_empty() && problem.why.is_empty());
    assert_eq!((explained.edits[0].steps.len(), explained.edits[0].patch.len()), (1, 2));
    let empty: CompatibilityExplanation = serde_json::from_str("{}").unwrap();
    assert_eq!(empty, CompatibilityExplanation::default());

    let diff: SchemaDiff = serde_json::from_value(json!({"subject": "s", "from": 1, "identical": false, "more": [],
        "changes": [{"kind": "NEW_KIND"}], "metadata": {"before": null, "after": {"properties": {"a": "b"}}}}))
    .unwrap();
    assert_eq!((diff.to, diff.changes[0].kind.as_str()), (None, "NEW_KIND"));
    let metadata = diff.metadata.unwrap();
    assert!(metadata.before.is_none() && metadata.after.is_some());

    let check: HistoryCheck =
        serde_json::from_value(json!({"ok": false, "findings": [{"finding": "new", "x": 1}]})).unwrap();
    assert_eq!(check.findings[0].finding, "new");
}
