//! Bytes that no writer wrote.

use assay_serde_avro::{DecodeErrorKind, JsonForm, Limits};
use proptest::prelude::*;

use super::generate::typed_value;
use super::{plan, record};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes_never_panic((of, _) in typed_value(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        check(&of.json().to_string(), &bytes)?;
    }

    #[test]
    fn changed_bytes_never_panic(
        (of, value) in typed_value(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let text = of.json().to_string();
        let mut bytes = Vec::new();
        plan(&text).encode_value(&value, &mut bytes).unwrap();
        let end = cut.index(bytes.len() + 1);
        check(&text, &bytes[..end])?;
        if !bytes.is_empty() {
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            check(&text, &bytes)?;
        }
    }
}

/// All ways to read agree on whether the bytes are a datum.
fn check(schema: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let limits = {
        let mut limits = Limits::default();
        limits.allocation_bytes_max = 1 << 16;
        limits.empty_items_max = 1 << 10;
        limits
    };
    let plan = plan(schema).with_limits(limits);
    let valid = plan.validate(bytes);
    let ignored = plan.decode::<serde::de::IgnoredAny>(bytes);
    prop_assert_eq!(valid.is_ok(), ignored.is_ok());
    let value = plan.decode_value(bytes);
    let json = plan.decode_json(bytes, JsonForm::Plain);
    if let Err(fault) = &valid {
        prop_assert!(fault.offset().is_some_and(|at| at <= bytes.len()), "{}", fault);
        prop_assert!(value.is_err() && json.is_err());
    } else {
        let over = |kind: &DecodeErrorKind| matches!(kind, DecodeErrorKind::AllocationLimit { .. });
        prop_assert!(value.is_ok() || value.is_err_and(|e| over(e.kind())));
        prop_assert!(json.is_ok() || json.is_err_and(|e| over(e.kind())));
    }
    Ok(())
}

#[test]
fn counts_without_bytes_do_not_spin() {
    // 2^40 items of null
    let bytes = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00];
    for items in [r#""null""#, r#"{"type":"fixed","name":"F","size":0}"#, &record("").replace('R', "Q")] {
        let plan = plan(&format!(r#"{{"type":"array","items":{items}}}"#));
        let fault = plan.validate(&bytes).unwrap_err();
        assert!(matches!(fault.kind(), DecodeErrorKind::EmptyItems { .. }), "{fault}");
        assert!(plan.decode::<Vec<serde::de::IgnoredAny>>(&bytes).is_err());
        assert!(plan.decode_value(&bytes).is_err());
    }
    let plan = plan(r#"{"type":"array","items":"int"}"#);
    assert!(matches!(plan.validate(&bytes).unwrap_err().kind(), DecodeErrorKind::CountBeyondInput { .. }));
}

#[test]
fn many_small_blocks_of_nothing_add_up() {
    let mut bytes: Vec<u8> = std::iter::repeat_n([0xfe, 0xff, 0x03], 100_000).flatten().collect();
    bytes.push(0);
    let plan = plan(r#"{"type":"array","items":"null"}"#);
    assert!(matches!(plan.validate(&bytes).unwrap_err().kind(), DecodeErrorKind::EmptyItems { .. }));
}

#[test]
fn deep_recursion_is_a_fault() {
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    let plan = plan(list);
    let mut bytes = vec![2u8; 100_000];
    bytes.push(0);
    for fault in [
        plan.validate(&bytes).unwrap_err(),
        plan.decode::<serde::de::IgnoredAny>(&bytes).unwrap_err(),
        plan.decode_value(&bytes).unwrap_err(),
        plan.decode_json(&bytes, JsonForm::Avro).unwrap_err(),
    ] {
        assert!(matches!(fault.kind(), DecodeErrorKind::TooDeep { limit: 256 }), "{fault}");
    }
    let shallow: Vec<u8> = std::iter::repeat_n(2u8, 255).chain([0]).collect();
    assert_eq!(plan.validate(&shallow), Ok(()));
    assert!(plan.decode_value(&shallow).is_ok());
}

#[test]
fn a_reader_cannot_multiply_the_input() {
    // a million empty records of the writer, each of which gives the reader a long default
    let writer = r#"{"type":"array","items":{"type":"record","name":"E","fields":[]}}"#;
    let long = "x".repeat(4096);
    let reader = format!(
        r#"{{"type":"array","items":{{"type":"record","name":"E","fields":[
            {{"name":"s","type":"string","default":"{long}"}}]}}}}"#
    );
    let plan = super::pair(writer, &reader);
    let bytes = [0x80, 0x80, 0x40, 0x00];
    assert_eq!(plan.validate(&bytes), Ok(()));
    let fault = plan.decode_value(&bytes).unwrap_err();
    assert!(matches!(fault.kind(), DecodeErrorKind::AllocationLimit { .. }), "{fault}");
}

#[test]
fn defaults_that_explode_are_refused_not_built() {
    // each type's default holds the one before ten times
    let mut fields = r#"{"name":"a0","type":{"type":"record","name":"T0","fields":[{"name":"x","type":"int","default":1}]},"default":{}}"#.to_owned();
    for level in 1..9 {
        let inner: Vec<String> =
            (0..10).map(|i| format!(r#"{{"name":"b{i}","type":"T{}","default":{{}}}}"#, level - 1)).collect();
        fields = format!(
            r#"{fields},{{"name":"a{level}","type":{{"type":"record","name":"T{level}","fields":[{}]}},"default":{{}}}}"#,
            inner.join(",")
        );
    }
    let text = record(&fields);
    // compiling goes on without the defaults that cost too much
    let _ = plan(&text);
    let resolved = assay_serde_avro::Plan::resolve(&super::schema(&record("")), &super::schema(&text));
    assert!(resolved.is_err());
}

#[test]
fn names_and_symbols_count_as_often_as_they_are_copied() {
    let long = "n".repeat(4096);
    let empty = format!(r#"{{"type":"record","name":"E","fields":[{{"name":"{long}","type":"null"}}]}}"#);
    let symbols = format!(r#"{{"type":"enum","name":"S","symbols":["{long}"]}}"#);
    let mut many = vec![0x80, 0x80, 0x10];
    many.extend(vec![0; 1 << 17]);
    many.push(0);
    // 2^17 records of nothing in four bytes, and as many symbols of a byte each
    for (items, bytes) in [(empty, vec![0x80, 0x80, 0x10, 0]), (symbols, many)] {
        let plan = plan(&format!(r#"{{"type":"array","items":{items}}}"#));
        assert_eq!(plan.validate(&bytes), Ok(()));
        for fault in
            [plan.decode_value(&bytes).unwrap_err(), plan.decode_json(&bytes, JsonForm::Plain).unwrap_err()]
        {
            assert!(matches!(fault.kind(), DecodeErrorKind::AllocationLimit { .. }), "{fault}");
        }
    }
}
