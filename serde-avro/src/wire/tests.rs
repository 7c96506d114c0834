use assay_schema_core::content_guid;

use super::*;

/// GUID of the schema `"string"`.
const GUID_TEXT: &str = "095d71cf-1255-6b9d-5e33-0ad575b3df5d";

fn id(id: i32) -> SchemaKey {
    SchemaKey::Id(SchemaId::new(id).unwrap())
}

fn guid() -> Guid {
    Guid::parse(GUID_TEXT).unwrap()
}

fn guid_value() -> Vec<u8> {
    let mut value = vec![1];
    value.extend([
        9, 0x5d, 0x71, 0xcf, 0x12, 0x55, 0x6b, 0x9d, 0x5e, 0x33, 0x0a, 0xd5, 0x75, 0xb3, 0xdf, 0x5d,
    ]);
    value
}

#[test]
fn a_heartbeat_under_id_7_is_framed_as_documented() {
    let mut payload = prefix(SchemaId::new(7).unwrap()).to_vec();
    payload.push(0x06);
    assert_eq!(payload, [0, 0, 0, 0, 7, 6]);
    assert_eq!(split_prefix(&payload), Ok((id(7), &[6][..])));
}

#[test]
fn the_header_carries_the_guid_in_network_order() {
    assert_eq!(header_value(guid()).to_vec(), guid_value());
    assert_eq!(content_guid("\"string\"", &[], None, None), guid());
    assert_eq!(header_name(Part::Key), "__key_schema_id");
    assert_eq!(header_name(Part::Value), "__value_schema_id");
}

#[test]
fn a_prefix_needs_a_magic_byte_and_a_whole_id() {
    let mut long = guid_value();
    long.push(0xAA);
    for (payload, expected) in [
        (&[0, 0, 0, 0, 0][..], Some((id(0), &[][..]))),
        (&[0, 0x7F, 0xFF, 0xFF, 0xFF], Some((id(i32::MAX), &[]))),
        (&long, Some((SchemaKey::Guid(guid()), &[0xAA]))),
        (&[], None),
        (&[0], None),
        (&[0, 0, 0, 1], None),
        (&[0, 0x80, 0, 0, 0], None),
        (&[1, 0, 0, 0, 1], None),
        (&[2, 0, 0, 0, 1], None),
        (b"{\"a\":1}", None),
    ] {
        let expected =
            expected.ok_or(FrameError::Payload { first_byte: payload.first().copied(), len: payload.len() });
        assert_eq!(split_prefix(payload), expected, "{payload:?}");
    }
}

#[test]
fn readers_look_at_the_header_first_and_never_fall_back_from_a_bad_one() {
    let payload = [0, 0, 0, 0, 7, 6];
    let header = guid_value();
    let both = |unframing, header| unframe(unframing, header, &payload);
    assert_eq!(both(Unframing::Dual, Some(&header)), Ok((SchemaKey::Guid(guid()), &payload[..])));
    assert_eq!(both(Unframing::Dual, Some(&[0, 0, 0, 0, 9])), Ok((id(9), &payload[..])));
    assert_eq!(both(Unframing::Dual, None), Ok((id(7), &payload[5..])));
    assert_eq!(both(Unframing::Prefix, Some(&header)), Ok((id(7), &payload[5..])));
    assert_eq!(both(Unframing::Fixed(id(3)), Some(&header)), Ok((id(3), &payload[..])));
    for bad in [&[][..], &[1, 2, 3], &[5; 17]] {
        let error = FrameError::Header { first_byte: bad.first().copied(), len: bad.len() };
        assert_eq!(both(Unframing::Dual, Some(bad)), Err(error));
    }
}

#[test]
fn the_last_header_with_a_value_counts() {
    let headers = [
        ("__value_schema_id", Some(&[1][..])),
        ("__key_schema_id", Some(&[2])),
        ("__value_schema_id", Some(&[3])),
        ("__value_schema_id", None),
        ("other", Some(&[4])),
    ];
    let message = Message::new("t", &[]).with_headers(Part::Value, headers);
    assert_eq!(message.schema_header(), Some(&[3][..]));
    assert_eq!(Message::new("t", &[]).with_headers(Part::Key, headers).schema_header(), Some(&[2][..]));
    assert_eq!(Message::new("t", &[]).with_headers(Part::Key, []).schema_header(), None);
}

proptest::proptest! {
    #[test]
    fn splitting_any_bytes_never_panics_and_undoes_framing(bytes: Vec<u8>, number in 0..=i32::MAX) {
        let _ = split_prefix(&bytes);
        let _ = parse_header(&bytes);
        let mut framed = prefix(SchemaId::new(number).unwrap()).to_vec();
        framed.extend_from_slice(&bytes);
        proptest::prop_assert_eq!(split_prefix(&framed), Ok((id(number), &bytes[..])));
    }
}
