use super::*;

#[test]
fn bodies_are_written_in_the_contracts_order_without_empty_parts() {
    let schema = Schema {
        subject: "s".into(),
        version: 1,
        id: 2,
        guid: Some("g".into()),
        schema_type: Some("AVRO".into()),
        schema: "\"int\"".into(),
        ts: Some(3),
        deleted: Some(false),
        metadata: Some(crate::Metadata::default()),
        rule_set: Some(crate::RuleSet::default()),
        ..Schema::default()
    };
    assert_eq!(
        serde_json::to_string(&schema).unwrap(),
        r#"{"subject":"s","version":1,"id":2,"guid":"g","schemaType":"AVRO","metadata":{},"schema":"\"int\"","ts":3,"deleted":false,"ruleSet":{}}"#
    );
    let registered = RegisterSchemaResponse { id: 1, ..RegisterSchemaResponse::default() };
    assert_eq!(serde_json::to_string(&registered).unwrap(), r#"{"id":1}"#);
}

#[test]
fn requests_take_nulls_unknown_fields_and_both_spellings_of_the_rules() {
    let request: RegisterSchemaRequest = serde_json::from_str(
        r#"{"schema":"x","references":null,"ruleset":{},"schemaType":null,"surprise":[1],"schemaTagsToAdd":[{"schemaEntity":{"entityPath":"R.f","entityType":"sr_field"},"tags":["T"]}]}"#,
    )
    .unwrap();
    assert_eq!(request.schema.as_deref(), Some("x"));
    assert!(request.references.is_empty() && request.rule_set.is_some());
    assert_eq!(request.schema_tags_to_add[0].schema_entity.entity_path, "R.f");
}

#[test]
fn updates_tell_absent_from_null() {
    let update: ConfigUpdateRequest =
        serde_json::from_str(r#"{"compatibility":"full","alias":null,"normalize":true}"#).unwrap();
    assert_eq!(update.alias, Patch::Clear);
    assert_eq!(update.normalize, Patch::Set(true));
    assert_eq!(update.compatibility_group, Patch::Keep);
    assert_eq!(
        serde_json::to_string(&update).unwrap(),
        r#"{"alias":null,"normalize":true,"compatibility":"full"}"#
    );
    let mut stored = Some("a".to_owned());
    update.alias.apply(&mut stored);
    assert_eq!(stored, None);
}
