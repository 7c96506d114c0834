use bytes::Bytes;

use super::*;

const PLAIN: Form = Form { version: 0, flexible: false, nullable: false };
const COMPACT: Form = Form { version: 0, flexible: true, nullable: false };

fn reader(bytes: &[u8]) -> Reader {
    Reader::new(Bytes::copy_from_slice(bytes))
}

#[test]
fn unsigned_varints_round_trip_and_are_bounded() {
    for value in [0, 1, 127, 128, 300, 16_383, 16_384, u32::MAX - 1, u32::MAX] {
        let mut writer = Writer::new();
        writer.unsigned_varint(value);
        let bytes = writer.finish().to_bytes().slice(4..);
        assert_eq!(reader(&bytes).unsigned_varint(), Ok(value));
    }
    assert_eq!(reader(&[0xff; 5]).unsigned_varint(), Err(DecodeError::VarintTooLong));
    assert_eq!(reader(&[0x80; 6]).unsigned_varint(), Err(DecodeError::VarintTooLong));
    assert_eq!(reader(&[0x80]).unsigned_varint(), Err(DecodeError::Truncated { missing: 1 }));
}

#[test]
fn a_count_above_the_remaining_bytes_is_refused() {
    let counts: [(&[u8], Form); 3] = [
        (&[0x7f, 0xff, 0xff, 0xff], PLAIN),
        (&[0xff, 0xff, 0xff, 0xff, 0x0f], COMPACT),
        (&[0x00, 0x00, 0x00, 0x02, 0x00], PLAIN),
    ];
    for (bytes, form) in counts {
        let error = Vec::<i32>::decode(&mut reader(bytes), form).unwrap_err();
        assert!(matches!(error, DecodeError::CountTooLarge { .. }), "{error}");
    }
}

#[test]
fn many_tiny_elements_stay_within_the_budget() {
    let mut bytes = vec![0; 20 << 20];
    bytes[..4].copy_from_slice(&((20 << 20) - 4_i32).to_be_bytes());
    // twenty million empty arrays: each a byte on the wire and 24 in memory
    let mut compact = vec![0xff, 0xff, 0xff, 0x07];
    compact.resize(20 << 20, 1);
    let error = Vec::<Vec<i32>>::decode(&mut reader(&compact), COMPACT).unwrap_err();
    assert_eq!(error, DecodeError::TooManyElements { limit: 64 << 20 });
}

#[test]
fn null_is_an_error_where_the_field_is_not_nullable() {
    assert_eq!(String::decode(&mut reader(&[0xff, 0xff]), PLAIN), Err(DecodeError::UnexpectedNull));
    assert_eq!(Bytes::decode(&mut reader(&[0]), COMPACT), Err(DecodeError::UnexpectedNull));
    assert_eq!(Vec::<i8>::decode(&mut reader(&[0xff; 4]), PLAIN), Err(DecodeError::UnexpectedNull));
    assert_eq!(
        String::decode(&mut reader(&[0xff, 0xfe]), PLAIN),
        Err(DecodeError::NegativeLength { length: -2 })
    );
}

#[test]
fn none_is_written_empty_where_null_is_not_allowed() {
    let mut writer = Writer::new();
    None::<String>.encode(&mut writer, PLAIN);
    assert_eq!(&writer.finish().to_bytes()[4..], &[0, 0]);
}

#[test]
fn long_strings_are_cut_at_a_character_where_the_length_is_short() {
    let mut writer = Writer::new();
    "é".repeat(20_000).encode(&mut writer, PLAIN);
    let bytes = writer.finish().to_bytes().slice(4..);
    let text = String::decode(&mut Reader::new(bytes), PLAIN).unwrap();
    assert_eq!(text.len(), 32_766);
}

#[test]
fn record_batches_are_neither_copied_in_nor_out() {
    let frame = Bytes::from([vec![0, 0, 8, 0], vec![7; 2048]].concat());
    let records = Records::decode(&mut Reader::new(frame.clone()), PLAIN).unwrap();
    let inside = records.clone().into_bytes();
    assert_eq!(inside.as_ptr(), frame[4..].as_ptr());

    let mut writer = Writer::new();
    1_i32.encode(&mut writer, PLAIN);
    records.encode(&mut writer, PLAIN);
    2_i32.encode(&mut writer, PLAIN);
    let frame = writer.finish();
    assert_eq!(frame.len(), 4 + 4 + 4 + 2048 + 4);
    let segments = frame.into_segments();
    assert_eq!(segments.len(), 3);
    assert_eq!(segments[1].as_ptr(), inside.as_ptr());
    assert_eq!(&segments[0][..4], &(2060_i32).to_be_bytes());
}

#[test]
fn tags_must_ascend_and_unknown_ones_are_skipped() {
    let mut seen = Vec::new();
    reader(&[2, 1, 1, 9, 5, 2, 8, 8])
        .tag_buffer(|tag, value| {
            seen.push((tag, value.remaining()));
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, [(1, 1), (5, 2)]);
    let error = reader(&[2, 5, 0, 5, 0]).tag_buffer(|_, _| Ok(())).unwrap_err();
    assert_eq!(error, DecodeError::TagOrder { tag: 5 });
}
