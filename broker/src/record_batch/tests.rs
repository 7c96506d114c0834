use proptest::prelude::*;

use super::*;

const GOLDEN_A: &str = "00000000000000000000004b0000000002a9d10e4f0000000000010000018bcfe568000000018bcfe56805ffffffffffffffffffffffffffff0000000220000000026b027604026802310268023210000a02046b320100";
const GOLDEN_B: &str = "00000000000000000000003d0000000002fa92dd630000000000000000018bcfe568000000018bcfe5680000000000000003e80000000000070000000116000000010a68656c6c6f00";
const TS: i64 = 1_700_000_000_000;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn golden_a() -> BatchBuilder {
    BatchBuilder::new()
        .record_with_headers(TS, Some(b"k"), Some(b"v"), &[(b"h", Some(b"1")), (b"h", Some(b"2"))])
        .record(TS + 5, Some(b"k2"), None)
}

#[test]
fn the_builder_writes_the_golden_bytes() {
    assert_eq!(golden_a().build(), unhex(GOLDEN_A));
    let b = BatchBuilder::new().producer(1000, 0, 7).record(TS, None, Some(b"hello")).build();
    assert_eq!(b, unhex(GOLDEN_B));
}

#[test]
fn golden_headers_decode() {
    let bytes = unhex(GOLDEN_B);
    let (header, batch) = BatchHeader::split(&bytes).unwrap();
    header.check_crc(batch).unwrap();
    assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (1000, 0, 7));
    assert_eq!(header.last_sequence(), 7);
    assert_eq!(header.total_bytes(), bytes.len());
    assert_eq!(header.codec(), Some(Codec::None));
}

#[test]
fn golden_records_decode_with_repeated_headers_in_order() {
    let bytes = unhex(GOLDEN_A);
    let records = records(&bytes, &RecordLimits::default()).unwrap();
    let all: Vec<_> = records.iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].key, all[0].value, all[0].timestamp_ms), (Some(&b"k"[..]), Some(&b"v"[..]), TS));
    let headers: Vec<_> = all[0].headers.clone().collect::<Result<_, _>>().unwrap();
    assert_eq!(headers, [(&b"h"[..], Some(&b"1"[..])), (&b"h"[..], Some(&b"2"[..]))]);
    assert_eq!((all[1].key, all[1].value, all[1].timestamp_ms), (Some(&b"k2"[..]), None, TS + 5));
    assert_eq!(all[1].offset_delta, 1);
}

#[test]
fn assigning_an_offset_keeps_the_checksum_and_append_time_renews_it() {
    let mut bytes = unhex(GOLDEN_A);
    assign(&mut bytes, 77, 3);
    let (header, batch) = BatchHeader::split(&bytes).unwrap();
    header.check_crc(batch).unwrap();
    assert_eq!((header.base_offset, header.last_offset(), header.leader_epoch), (77, 78, 3));
    set_log_append_time(&mut bytes, header.attributes, TS + 1000);
    let (header, batch) = BatchHeader::split(&bytes).unwrap();
    header.check_crc(batch).unwrap();
    assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
    let records = records(batch, &RecordLimits::default()).unwrap();
    assert!(records.iter().all(|record| record.unwrap().timestamp_ms == TS + 1000));
}

#[test]
fn sequences_wrap_to_zero() {
    assert_eq!(sequence_after(i32::MAX, 0), i32::MAX);
    assert_eq!(sequence_after(i32::MAX, 1), 0);
    assert_eq!(sequence_after(i32::MAX - 1, 4), 2);
}

#[test]
fn compressed_records_decode() {
    let bytes = golden_a().build_compressed(4, |raw| zstd::encode_all(raw, 1).unwrap());
    let records = records(&bytes, &RecordLimits::default()).unwrap();
    assert_eq!(records.iter().flatten().count(), 2);
}

#[test]
fn every_cut_and_every_flipped_bit_is_noticed_or_harmless() {
    let whole = golden_a().build();
    for cut in 0..whole.len() {
        assert!(BatchHeader::split(&whole[..cut]).is_err());
    }
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let noticed = match BatchHeader::split(&bytes) {
            Ok((header, batch)) => header.check_crc(batch).is_err(),
            Err(_) => true,
        };
        // Outside of the checksum: base offset and leader epoch.
        let outside = bit / 8 < 8 || (12..16).contains(&(bit / 8));
        assert!(noticed || outside, "bit {bit}");
        if let Ok(records) = records(&bytes, &RecordLimits::default()) {
            for record in records.iter().flatten() {
                let _ = record.headers.check();
            }
        }
    }
}

#[test]
fn a_hostile_header_count_is_refused_without_walking() {
    // length, attributes, deltas, null key, null value, header count 2^31 - 1.
    let record = [0x14, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f];
    let mut bytes = unhex(GOLDEN_B)[..HEADER_BYTES].to_vec();
    bytes.extend(record);
    let length = i32::try_from(bytes.len() - LENGTH_PREFIX_BYTES).unwrap();
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    let records = records(&bytes, &RecordLimits::default()).unwrap();
    assert!(matches!(records.iter().next(), Some(Err(RecordError::Malformed { index: 0, .. }))));
}

proptest! {
    #[test]
    fn what_is_built_is_read_back(
        rows in proptest::collection::vec(
            (any::<i32>(), proptest::option::of(any::<Vec<u8>>()), proptest::option::of(any::<Vec<u8>>()),
             proptest::collection::vec((any::<Vec<u8>>(), proptest::option::of(any::<Vec<u8>>())), 0..3)),
            1..20)
    ) {
        let mut builder = BatchBuilder::new();
        for (ts, key, value, headers) in &rows {
            let headers: Vec<_> = headers.iter().map(|(n, v)| (n.as_slice(), v.as_deref())).collect();
            builder = builder.record_with_headers(i64::from(*ts), key.as_deref(), value.as_deref(), &headers);
        }
        let bytes = builder.build();
        let (header, batch) = BatchHeader::split(&bytes).unwrap();
        prop_assert!(header.check_crc(batch).is_ok());
        let records = records(batch, &RecordLimits::default()).unwrap();
        let read: Vec<_> = records.iter().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(read.len(), rows.len());
        for (record, (ts, key, value, headers)) in read.iter().zip(&rows) {
            prop_assert_eq!(record.timestamp_ms, i64::from(*ts));
            prop_assert_eq!(record.key, key.as_deref());
            prop_assert_eq!(record.value, value.as_deref());
            let walked: Vec<_> = record.headers.clone().map(Result::unwrap)
                .map(|(n, v)| (n.to_vec(), v.map(<[u8]>::to_vec))).collect();
            prop_assert_eq!(&walked, headers);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut batch = unhex(GOLDEN_A)[..HEADER_BYTES].to_vec();
        batch.extend(&bytes);
        let length = i32::try_from(batch.len() - LENGTH_PREFIX_BYTES).unwrap();
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        if let Ok(records) = records(&batch, &RecordLimits::default()) {
            for record in records.iter().flatten() {
                let _ = record.headers.check();
            }
        }
    }
}
