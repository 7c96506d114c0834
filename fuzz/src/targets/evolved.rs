//! Data of one schema read with another: no panic, and no more memory than the limit says.

use assay_schema_core::avro::Schema;
use assay_serde_avro::{DecodeErrorKind, JsonForm, Limits, Plan};
use serde::de::IgnoredAny;

use super::{Run, cases, parse};

/// What one datum may allocate beyond copies of the input.
const ALLOCATION_BYTES_MAX: u64 = 1 << 16;
/// Bytes of memory for each byte that the limits count: trees are held twice while vectors grow and fields are put in order.
const OVERHEAD: u64 = 8;
/// Bytes of memory for each byte of the input: a tree of values for every byte.
const BYTES_PER_INPUT_BYTE: u64 = 512;

/// Writers and readers that differ in every way that resolution knows.
const PAIRS: [(&str, &str); 9] = [
    (
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"gone","type":{"type":"map","values":["null","bytes"]}},
            {"name":"old","type":{"type":"array","items":"string"}},{"name":"n","type":["null","R"]}]}"#,
        r#"{"type":"record","name":"Q","aliases":["R"],"fields":[{"name":"new","aliases":["old"],"type":{"type":"array","items":"bytes"}},
            {"name":"a","type":["string","double"]},{"name":"n","type":["Q","null"]},
            {"name":"d","type":{"type":"map","values":{"type":"array","items":"long"}},"default":{"k":[1,2,3]}}]}"#,
    ),
    (
        r#"{"type":"array","items":{"type":"record","name":"E","fields":[]}}"#,
        r#"{"type":"array","items":{"type":"record","name":"E","fields":[{"name":"a_field_with_a_long_name","type":"string","default":"and a default that is not short either"},
            {"name":"n","type":["null","E"],"default":null}]}}"#,
    ),
    (
        r#"{"type":"enum","name":"E","symbols":["A","B","C","D"]}"#,
        r#"{"type":"enum","name":"E","symbols":["D","X"],"default":"X"}"#,
    ),
    (
        r#"["null","int","string",{"type":"fixed","name":"F","size":3}]"#,
        r#"["double",{"type":"fixed","name":"F","size":3},"bytes"]"#,
    ),
    (
        r#"{"type":"bytes","logicalType":"decimal","precision":40,"scale":4}"#,
        r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#,
    ),
    (
        r#"{"type":"array","items":{"type":"long","logicalType":"timestamp-millis"}}"#,
        r#"{"type":"array","items":{"type":"long","logicalType":"timestamp-nanos"}}"#,
    ),
    (
        r#"{"type":"map","values":{"type":"array","items":"null"}}"#,
        r#"{"type":"map","values":{"type":"array","items":["int","null"]}}"#,
    ),
    (
        r#"{"type":"array","items":{"type":"enum","name":"S","symbols":["A","B"]}}"#,
        r#"{"type":"array","items":{"type":"enum","name":"S","symbols":["a_symbol_that_is_much_longer_than_its_one_byte"],"default":"a_symbol_that_is_much_longer_than_its_one_byte"}}"#,
    ),
    (
        r#"{"type":"record","name":"L","fields":[{"name":"v","type":["int","string"]},{"name":"next","type":["null","L"]}]}"#,
        r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]},{"name":"v","type":["bytes","long"]},{"name":"u","type":{"type":"bytes","logicalType":"big-decimal"},"default":"\u0002\u0005\u0002"}]}"#,
    ),
];

/// The first byte picks a pair; beyond the pairs the writer's text, the reader's and the datum follow, with zeros between.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let fixed = DATA.iter().enumerate().map(|(pair, datum)| [&[pair as u8][..], datum].concat());
    let free =
        cases().map(|(reader, writer)| [&[0xff][..], &writer, &[0], &reader, &[0, 2, 2, 2, 2, 2]].concat());
    fixed.chain(free).collect()
}

/// A datum of each pair's writer.
const DATA: [&[u8]; 9] = [
    &[6, 2, 2, b'k', 2, 2, 9, 0, 4, 2, b'x', 2, b'y', 0, 0],
    &[0x80, 0x20, 0],
    &[2],
    &[6, 1, 2, 3],
    &[4, 0x7f, 0xff],
    &[6, 1, 3, 0x80, 0x80, 4, 0],
    &[2, 2, b'k', 0x80, 4, 0, 0],
    &[8, 0, 2, 0, 2, 0],
    &[0, 4, 2, 2, 2, b'z', 0],
];

struct Pair {
    writer: Plan,
    evolved: Plan,
}

fn pair(writer: &Schema, reader: &Schema) -> Option<Pair> {
    let mut limits = Limits::default();
    limits.allocation_bytes_max = ALLOCATION_BYTES_MAX;
    limits.empty_items_max = 1 << 12;
    let plan = |plan: Plan| plan.with_limits(limits);
    Some(Pair {
        writer: plan(Plan::compile(writer).ok()?),
        evolved: plan(Plan::resolve(writer, reader).ok()?),
    })
}

pub(super) fn prepare() -> Run {
    let fixed: Vec<Pair> = PAIRS
        .iter()
        .map(|(writer, reader)| {
            let schema = |text: &str| parse(text.as_bytes()).expect("the pairs parse");
            pair(&schema(writer), &schema(reader)).expect("the pairs resolve")
        })
        .collect();
    for (pair, datum) in fixed.iter().zip(DATA) {
        pair.writer.validate(datum).expect("the data are the writers'");
    }
    Box::new(move |input| {
        let Some((choice, rest)) = input.split_first() else { return };
        if let Some(pair) = fixed.get(usize::from(*choice)) {
            return read(pair, rest);
        }
        let mut parts = rest.splitn(3, |byte| *byte == 0);
        let (Some(writer), Some(reader)) = (parts.next().and_then(parse), parts.next().and_then(parse))
        else {
            return;
        };
        if let Some(pair) = pair(&writer, &reader) {
            read(&pair, parts.next().unwrap_or_default());
        }
    })
}

/// All ways to read agree: what the writer could not have written is refused by all, and what it could have is refused only
/// for what the reader lacks.
fn read(pair: &Pair, bytes: &[u8]) {
    let valid = pair.writer.validate(bytes);
    assert_eq!(pair.evolved.validate(bytes), valid);
    let mut value = None;
    let measured = allocation_counter::measure(|| value = Some(pair.evolved.decode_value(bytes)));
    let most = ALLOCATION_BYTES_MAX * OVERHEAD + bytes.len() as u64 * BYTES_PER_INPUT_BYTE + (1 << 14);
    assert!(measured.bytes_max <= most, "{} bytes allocated for {}", measured.bytes_max, bytes.len());
    let Some(value) = value else { return };
    let json = pair.evolved.decode_json(bytes, JsonForm::Plain);
    let ignored = pair.evolved.decode::<IgnoredAny>(bytes);
    match (&valid, &value) {
        (Err(_), _) => assert!(value.is_err() && json.is_err() && ignored.is_err(), "{valid:?} {value:?}"),
        (Ok(()), Ok(_)) => assert!(json.is_ok() && ignored.is_ok(), "{json:?} {ignored:?}"),
        (Ok(()), Err(fault)) => assert!(is_the_readers(fault.kind()), "{fault:?}"),
    }
}

fn is_the_readers(kind: &DecodeErrorKind) -> bool {
    matches!(
        kind,
        DecodeErrorKind::Unreadable { .. }
            | DecodeErrorKind::AllocationLimit { .. }
            | DecodeErrorKind::BadLogical { .. }
            | DecodeErrorKind::InvalidUtf8
            | DecodeErrorKind::TooDeep { .. }
    )
}
