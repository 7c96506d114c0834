use bytes::Bytes;

use super::*;

fn bytes(hex: &str) -> Bytes {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect::<Vec<u8>>()
        .into()
}

#[test]
fn keys_have_kafkas_bytes() {
    let table = [
        (
            Key::Offset { group: "orders".into(), topic: "flights".into(), partition: 3 },
            "0001 0006 6f7264657273 0007 666c6967687473 00000003",
        ),
        (Key::Group { group: "orders".into() }, "0002 0006 6f7264657273"),
    ];
    for (key, hex) in table {
        assert_eq!(key.encode(), bytes(hex));
        assert_eq!(Key::decode(bytes(hex)).unwrap(), key);
    }
}

#[test]
fn old_and_foreign_keys_are_read() {
    let old = Key::decode(bytes("0000 0001 67 0001 74 00000000")).unwrap();
    assert_eq!(old, Key::Offset { group: "g".into(), topic: "t".into(), partition: 0 });
    assert_eq!(Key::decode(bytes("0004 0001 67")).unwrap(), Key::Other(4));
}

#[test]
fn keys_of_the_consumer_protocol_have_kafkas_bytes() {
    let table = [
        (ConsumerKey::Epoch, "0003 0001 67"),
        (ConsumerKey::Member("m".into()), "0005 0001 67 0001 6d"),
        (ConsumerKey::TargetEpoch, "0006 0001 67"),
        (ConsumerKey::Target("m".into()), "0007 0001 67 0001 6d"),
        (ConsumerKey::Current("m".into()), "0008 0001 67 0001 6d"),
    ];
    for (record, hex) in table {
        let key = Key::Consumer { group: "g".into(), record };
        assert_eq!(key.encode(), bytes(hex));
        assert_eq!(Key::decode(bytes(hex)).unwrap(), key);
    }
}

#[test]
fn values_of_the_consumer_protocol_have_kafkas_bytes() {
    use super::consumer::*;
    let epoch = ConsumerGroupMetadataValue { epoch: 7 };
    assert_eq!(to_value(&epoch), bytes("0000 00000007 00"));
    let member = ConsumerGroupMemberMetadataValue {
        client_id: "c".into(),
        client_host: "/h".into(),
        subscribed_topic_names: Some(vec!["t".into()]),
        rebalance_timeout_ms: 1000,
        server_assignor: Some("range".into()),
        ..Default::default()
    };
    let hex = "0000 00 00 02 63 03 2f68 02 02 74 00 000003e8 06 72616e6765 00";
    assert_eq!(to_value(&member), bytes(hex));
    let topic = TopicPartitions { topic_id: uuid::Uuid::from_u128(1), partitions: vec![2] };
    let current = ConsumerGroupCurrentMemberAssignmentValue {
        member_epoch: 3,
        previous_member_epoch: 2,
        state: 1,
        assigned_partitions: vec![topic],
        partitions_pending_revocation: vec![],
    };
    let hex = "0000 00000003 00000002 01 02 00000000000000000000000000000001 02 00000002 00 01 00";
    assert_eq!(to_value(&current), bytes(hex));
    assert_eq!(from_value::<ConsumerGroupCurrentMemberAssignmentValue>(bytes(hex)).unwrap(), current);
}

#[test]
fn offset_value_has_kafkas_bytes() {
    let value = OffsetCommitValue {
        offset: 42,
        leader_epoch: 7,
        metadata: "m".into(),
        commit_timestamp: 1_700_000_000_000,
        ..Default::default()
    };
    let hex = "0003 000000000000002a 00000007 0001 6d 0000018bcfe56800";
    assert_eq!(value.to_value(), bytes(hex));
    assert_eq!(OffsetCommitValue::from_value(bytes(hex)).unwrap(), value);
}

#[test]
fn every_version_of_an_offset_value_is_read() {
    let table = [
        ("0000 0000000000000005 0001 6d 0000000000000009", -1, -1),
        ("0001 0000000000000005 0001 6d 0000000000000009 000000000000000a", -1, 10),
        ("0002 0000000000000005 0001 6d 0000000000000009", -1, -1),
        ("0003 0000000000000005 00000002 0001 6d 0000000000000009", 2, -1),
        ("0004 0000000000000005 00000002 02 6d 0000000000000009 00", 2, -1),
    ];
    for (hex, leader_epoch, expire_timestamp) in table {
        let value = OffsetCommitValue::from_value(bytes(hex)).unwrap();
        let metadata = "m".to_owned();
        let expected = OffsetCommitValue {
            offset: 5,
            leader_epoch,
            metadata,
            commit_timestamp: 9,
            expire_timestamp,
            ..Default::default()
        };
        assert_eq!(value, expected, "{hex}");
    }
}

#[test]
fn group_value_has_kafkas_bytes() {
    let value = GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 2,
        protocol: Some("range".into()),
        leader: Some("m1".into()),
        current_state_timestamp: 1_700_000_000_000,
        members: vec![MemberMetadata {
            member_id: "m1".into(),
            group_instance_id: None,
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            rebalance_timeout: 300_000,
            session_timeout: 45_000,
            subscription: Bytes::from_static(b"\x00\x01"),
            assignment: Bytes::from_static(b"\x02"),
        }],
    };
    let hex = "0003 0008 636f6e73756d6572 00000002 0005 72616e6765 0002 6d31 0000018bcfe56800 00000001
        0002 6d31 ffff 0001 63 000a 2f3132372e302e302e31 000493e0 0000afc8 00000002 0001 00000001 02";
    assert_eq!(value.to_value(), bytes(hex));
    assert_eq!(GroupMetadataValue::from_value(bytes(hex)).unwrap(), value);

    let empty = GroupMetadataValue { protocol_type: "consumer".into(), generation: 3, ..Default::default() };
    let hex = "0003 0008 636f6e73756d6572 00000003 ffff ffff ffffffffffffffff 00000000";
    let empty = GroupMetadataValue { current_state_timestamp: -1, ..empty };
    assert_eq!(empty.to_value(), bytes(hex));
}

#[test]
fn every_version_of_a_group_value_is_read() {
    let table = [
        (
            "0000 0001 63 00000001 0001 72 0001 6d 00000001 0001 6d 0000 0000 00000064 00000000 00000000",
            -1,
            -1,
        ),
        (
            "0001 0001 63 00000001 0001 72 0001 6d 00000001 0001 6d 0000 0000 000000c8 00000064 00000000 00000000",
            -1,
            200,
        ),
        (
            "0002 0001 63 00000001 0001 72 0001 6d 0000000000000009 00000001
             0001 6d 0000 0000 000000c8 00000064 00000000 00000000",
            9,
            200,
        ),
        (
            "0004 02 63 00000001 02 72 02 6d 0000000000000009 02 02 6d 00 01 01 000000c8 00000064 01 01 00 00",
            9,
            200,
        ),
    ];
    for (hex, timestamp, rebalance_timeout) in table {
        let value = GroupMetadataValue::from_value(bytes(hex)).unwrap();
        assert_eq!(value.current_state_timestamp, timestamp, "{hex}");
        assert_eq!(value.members[0].rebalance_timeout, rebalance_timeout, "{hex}");
        assert_eq!(value.members[0].session_timeout, 100, "{hex}");
        assert_eq!(value.members[0].group_instance_id, None, "{hex}");
    }
}

#[test]
fn damaged_records_are_errors() {
    for hex in ["", "00", "0001", "0001 0005 67", "0002 ffff", "0001 0001 67 0001 74 0000"] {
        assert!(Key::decode(bytes(hex)).is_err(), "{hex}");
    }
    for hex in ["", "0003", "0005 0000000000000005", "0003 0000000000000005 00000002 7fff 6d"] {
        assert!(OffsetCommitValue::from_value(bytes(hex)).is_err(), "{hex}");
    }
    let hostile = "0003 0001 63 00000001 ffff ffff 0000000000000009 7fffffff";
    assert!(GroupMetadataValue::from_value(bytes(hostile)).is_err());
}
