//! The same bytes and values as `apache_avro`, where that crate is right; evolution against a model.

use apache_avro::types::Value;
use assay_serde_avro::JsonForm;
use proptest::prelude::*;

use super::generate::{evolve, typed_value};
use super::{pair, plan};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn bytes_and_values_agree((of, value) in typed_value()) {
        let text = of.json().to_string();
        let theirs = apache_avro::Schema::parse_str(&text).unwrap();
        let ours = plan(&text);
        let expected = apache_avro::to_avro_datum(&theirs, value.clone()).unwrap();
        let mut bytes = Vec::new();
        ours.encode_value(&value, &mut bytes).unwrap();
        prop_assert_eq!(&bytes, &expected);
        prop_assert_eq!(ours.validate(&bytes), Ok(()));
        prop_assert_eq!(&ours.decode_value(&bytes).unwrap(), &value);
        let back = apache_avro::from_avro_datum(&theirs, &mut bytes.as_slice(), None).unwrap();
        prop_assert_eq!(&back, &value);
    }

    #[test]
    fn avro_json_round_trips((of, value) in typed_value()) {
        let ours = plan(&of.json().to_string());
        let mut bytes = Vec::new();
        ours.encode_value(&value, &mut bytes).unwrap();
        let json = ours.decode_json(&bytes, JsonForm::Avro).unwrap();
        let mut again = Vec::new();
        ours.encode_json(&json, JsonForm::Avro, &mut again).unwrap();
        prop_assert_eq!(ours.decode_value(&again).unwrap(), value);
    }

    #[test]
    fn serde_trees_agree_with_json((of, value) in typed_value()) {
        // a tree that knows nothing of the schema: every value must arrive, and none may be left over
        let ours = plan(&of.json().to_string());
        let mut bytes = Vec::new();
        ours.encode_value(&value, &mut bytes).unwrap();
        prop_assert!(ours.decode::<serde::de::IgnoredAny>(&bytes).is_ok());
    }

    #[test]
    fn evolved_readers_see_the_converted_value(
        (of, value) in typed_value(),
        dice in prop::collection::vec(any::<usize>(), 64),
    ) {
        let mut rolls = dice.iter().cycle();
        let (reader, convert) = evolve(&of, &mut |sides| rolls.next().unwrap() % sides);
        let writer_plan = plan(&of.json().to_string());
        let mut bytes = Vec::new();
        writer_plan.encode_value(&value, &mut bytes).unwrap();
        let resolved = pair(&of.json().to_string(), &reader.json().to_string());
        prop_assert_eq!(resolved.decode_value(&bytes).unwrap(), convert(&value));
        prop_assert_eq!(resolved.validate(&bytes), Ok(()));
        prop_assert!(resolved.decode::<serde::de::IgnoredAny>(&bytes).is_ok());
    }
}

#[test]
fn a_wrong_index_is_refused() {
    let ours = plan(r#"["null","int"]"#);
    let mut bytes = vec![9];
    assert!(ours.encode_value(&Value::Union(2, Box::new(Value::Int(1))), &mut bytes).is_err());
    assert_eq!(bytes, [9]);
}
