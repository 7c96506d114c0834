//! What validation accepts and where it places faults.

use assay_serde_avro::DecodeErrorKind as Kind;

use super::{plan, record};

#[test]
fn faults_have_a_path_and_an_offset() {
    let text = record(
        r#"{"name":"id","type":"long"},
           {"name":"items","type":{"type":"array","items":{"type":"record","name":"I","fields":[
               {"name":"ok","type":"boolean"},{"name":"tags","type":{"type":"map","values":"string"}}]}}}"#,
    );
    let plan = plan(&text);
    // id 1, a block of two items: true and no tags; true and {"k": not UTF-8}
    let bytes = [0x02, 0x04, 1, 0, 1, 0x02, 0x02, b'k', 0x02, 0xff, 0, 0];
    let fault = plan.validate(&bytes).unwrap_err();
    assert_eq!(fault.path(), r#"items[1].tags["k"]"#);
    assert_eq!(fault.offset(), Some(8));
    assert_eq!(fault.kind(), &Kind::InvalidUtf8);
    assert_eq!(fault.to_string(), r#"a string is not valid UTF-8 in items[1].tags["k"] at byte 8"#);

    let fault = plan.validate(&[0x02, 0x04, 1, 0, 2, 0, 0]).unwrap_err();
    assert_eq!((fault.path().as_str(), fault.offset()), ("items[1].ok", Some(4)));
    assert_eq!(fault.kind(), &Kind::BadBoolean { found: 2 });
}

#[test]
fn every_type_has_its_faults() {
    let end = Kind::UnexpectedEnd;
    let fixed = r#"{"type":"fixed","name":"F","size":3}"#;
    let symbols = r#"{"type":"enum","name":"E","symbols":["A","B"]}"#;
    let ints = r#"{"type":"array","items":"int"}"#;
    let cases: [(&str, &[u8], Kind); 20] = [
        (r#""null""#, &[0], Kind::TrailingData { left: 1 }),
        (r#""boolean""#, &[], end.clone()),
        (r#""int""#, &[0x80], end.clone()),
        (r#""int""#, &[0xff, 0xff, 0xff, 0xff, 0x1f], Kind::VarintOverflow { bits: 32 }),
        (r#""int""#, &[0x80, 0x80, 0x80, 0x80, 0x80, 0], Kind::VarintOverflow { bits: 32 }),
        (r#""long""#, &[0xff; 10], Kind::VarintOverflow { bits: 64 }),
        (
            r#""long""#,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            Kind::VarintOverflow { bits: 64 },
        ),
        (r#""float""#, &[0; 3], end.clone()),
        (r#""double""#, &[0; 9], Kind::TrailingData { left: 1 }),
        (r#""bytes""#, &[1], Kind::NegativeLength { found: -1 }),
        (r#""bytes""#, &[6, 0, 0], Kind::LengthBeyondInput { length: 3, left: 2 }),
        (r#""string""#, &[4, 0xc3, 0x28], Kind::InvalidUtf8),
        (fixed, &[0, 0], end),
        (symbols, &[4], Kind::EnumIndex { index: 2, symbols: 2 }),
        (symbols, &[1], Kind::EnumIndex { index: -1, symbols: 2 }),
        (r#"["null","int"]"#, &[4], Kind::UnionIndex { index: 2, branches: 2 }),
        (ints, &[2, 2], Kind::UnexpectedEnd),
        (ints, &[8, 0, 0], Kind::CountBeyondInput { count: 4, left: 2 }),
        (ints, &[3, 2, 0, 0, 0], Kind::BlockSizeMismatch { declared: 1, taken: 2 }),
        (ints, &[1, 1, 0, 0], Kind::NegativeLength { found: -1 }),
    ];
    for (schema, bytes, kind) in cases {
        let plan = plan(schema);
        assert_eq!(plan.validate(bytes).unwrap_err().kind(), &kind, "{schema} {bytes:?}");
        assert!(plan.decode_value(bytes).is_err(), "{schema} {bytes:?}");
    }
}

#[test]
fn what_other_writers_write_is_accepted() {
    let ints = plan(r#"{"type":"array","items":"int"}"#);
    // two blocks, one with its size; a number longer than it needs to be
    for bytes in [&[4u8, 2, 4, 2, 6, 0][..], &[3, 4, 2, 4, 2, 6, 0], &[2, 0x82, 0x00, 0]] {
        assert_eq!(ints.validate(bytes), Ok(()), "{bytes:?}");
    }
    assert_eq!(ints.decode::<Vec<i32>>(&[3, 4, 2, 4, 2, 6, 0]), Ok(vec![1, 2, 3]));
    let extremes = plan(r#"{"type":"array","items":"long"}"#);
    let mut bytes = Vec::new();
    extremes.encode(&[i64::MIN, i64::MAX, 0, -1], &mut bytes).unwrap();
    assert_eq!(extremes.decode::<Vec<i64>>(&bytes), Ok(vec![i64::MIN, i64::MAX, 0, -1]));
    let ints = plan(r#"{"type":"array","items":"int"}"#);
    let mut bytes = Vec::new();
    ints.encode(&[i32::MIN, i32::MAX], &mut bytes).unwrap();
    assert_eq!(ints.decode::<Vec<i32>>(&bytes), Ok(vec![i32::MIN, i32::MAX]));
}

#[test]
fn plans_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&plan(r#""int""#));
}

#[test]
fn a_record_that_holds_itself_has_no_data() {
    let plan = plan(r#"{"type":"record","name":"S","fields":[{"name":"s","type":"S"}]}"#);
    assert!(matches!(plan.validate(&[]).unwrap_err().kind(), Kind::TooDeep { .. }));
}
