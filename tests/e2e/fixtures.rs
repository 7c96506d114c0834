//! Schemas and bodies that several tests share. Bodies are written by hand, so that no Avro library agrees with itself.

use serde_json::{Value, json};

/// `{tailnum: string, delay: int, origin: {code: string}}`.
pub(crate) fn flight_schema() -> Value {
    json!({
        "type": "record",
        "name": "Flight",
        "namespace": "e2e",
        "fields": [
            {"name": "tailnum", "type": "string"},
            {"name": "delay", "type": "int"},
            {"name": "origin", "type": {"type": "record", "name": "Airport", "fields": [{"name": "code", "type": "string"}]}}
        ]
    })
}

/// A zigzag varint.
pub(crate) fn zigzag(number: i64) -> Vec<u8> {
    let mut left = number.cast_unsigned() << 1 ^ (number >> 63).cast_unsigned();
    let mut bytes = Vec::new();
    while left >= 0x80 {
        bytes.push(left.to_le_bytes()[0] | 0x80);
        left >>= 7;
    }
    bytes.push(left.to_le_bytes()[0]);
    bytes
}

/// An Avro string.
pub(crate) fn string(text: &str) -> Vec<u8> {
    let mut bytes = zigzag(i64::try_from(text.len()).unwrap());
    bytes.extend(text.as_bytes());
    bytes
}

/// A body of [`flight_schema`].
pub(crate) fn flight(tailnum: &str, delay: i32) -> Vec<u8> {
    [string(tailnum), zigzag(delay.into()), string("JFK")].concat()
}

/// Five-byte prefix and body.
pub(crate) fn framed(id: i32, body: &[u8]) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes(), body].concat()
}
