use std::io::Write;

use super::*;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn xerial(data: &[u8]) -> Vec<u8> {
    let mut out = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for chunk in data.chunks(1000) {
        let block = raw_snappy(chunk);
        out.extend(i32::try_from(block.len()).unwrap().to_be_bytes());
        out.extend(block);
    }
    out
}

fn raw_snappy(data: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(data).unwrap()
}

fn lz4(data: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::encode_all(data, 3).unwrap()
}

type Case = (Codec, fn(&[u8]) -> Vec<u8>);

const CASES: [Case; 5] = [
    (Codec::Gzip, gzip),
    (Codec::Snappy, xerial),
    (Codec::Snappy, raw_snappy),
    (Codec::Lz4, lz4),
    (Codec::Zstd, zstd),
];

#[test]
fn every_codec_gives_back_what_was_compressed() {
    let data: Vec<u8> = (0..50_000_u32).flat_map(|i| (i / 7).to_be_bytes()).collect();
    for (codec, compress) in CASES {
        let packed = compress(&data);
        assert_eq!(decompress(codec, &packed, data.len()).unwrap(), data, "{codec:?}");
    }
}

#[test]
fn output_past_the_limit_is_refused() {
    let data = vec![0; 4 << 20];
    for (codec, compress) in CASES {
        let packed = compress(&data);
        let error = decompress(codec, &packed, data.len() - 1).unwrap_err();
        assert!(matches!(error, DecompressError::TooLarge { .. }), "{codec:?}: {error}");
    }
}

#[test]
fn truncated_input_is_refused_at_every_byte() {
    let data: Vec<u8> = (0..600_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    for (codec, compress) in CASES {
        let packed = compress(&data);
        for cut in 0..packed.len() {
            let out = decompress(codec, &packed[..cut], 1 << 20);
            // Cut between two blocks or before an end mark, what came so far is right.
            assert!(out.is_err() || out.is_ok_and(|out| data.starts_with(&out)), "{codec:?} at {cut}");
        }
    }
}

#[test]
fn two_gzip_members_are_one_payload() {
    let packed = [gzip(b"one "), gzip(b"two")].concat();
    assert_eq!(decompress(Codec::Gzip, &packed, 100).unwrap().as_ref(), b"one two");
}

#[test]
fn a_snappy_block_that_declares_an_impossible_size_is_corrupt() {
    // Varint 2^31, then nothing to fill it with.
    let error = decompress(Codec::Snappy, &[0x80, 0x80, 0x80, 0x80, 0x08, 0], usize::MAX).unwrap_err();
    assert!(matches!(error, DecompressError::Corrupt { .. }));
}
