//! The bytes that tie a record to its schema: magic byte and id in front of the payload, or a GUID in a header.

use thiserror::Error;

use crate::{Guid, SchemaId};

/// First byte of a framed payload.
pub const MAGIC: u8 = 0;
/// First byte of a header value that carries a GUID.
pub const HEADER_MAGIC: u8 = 1;
/// Bytes in front of a framed payload: magic and id, the id big-endian.
pub const PREFIX_BYTES: usize = 5;
/// Bytes of a header value: magic and GUID.
pub const HEADER_VALUE_BYTES: usize = 17;
/// Header that names the key's schema.
pub const KEY_HEADER: &str = "__key_schema_id";
/// Header that names the value's schema.
pub const VALUE_HEADER: &str = "__value_schema_id";

/// The five bytes in front of a payload written with schema `id`.
pub const fn prefix(id: SchemaId) -> [u8; PREFIX_BYTES] {
    let [a, b, c, d] = id.get().to_be_bytes();
    [MAGIC, a, b, c, d]
}

/// Splits a framed payload into id and body without copying.
pub fn split(payload: &[u8]) -> Result<(SchemaId, &[u8]), WireError> {
    let Some((header, body)) = payload.split_first_chunk::<PREFIX_BYTES>() else {
        return match payload.first() {
            Some(&magic) if magic != MAGIC => Err(WireError::UnknownMagic { magic }),
            _ => Err(WireError::TooShort { bytes: payload.len() }),
        };
    };
    let [magic, a, b, c, d] = *header;
    if magic != MAGIC {
        return Err(WireError::UnknownMagic { magic });
    }
    let id = i32::from_be_bytes([a, b, c, d]);
    SchemaId::new(id).map(|id| (id, body)).ok_or(WireError::NegativeId { id })
}

/// The header value that names a schema by its GUID.
pub fn header_value(guid: Guid) -> [u8; HEADER_VALUE_BYTES] {
    let mut value = [HEADER_MAGIC; HEADER_VALUE_BYTES];
    for (to, from) in value.iter_mut().skip(1).zip(guid.as_bytes()) {
        *to = *from;
    }
    value
}

/// Reads a header value. The form with a plain id (magic 0) is a framed prefix: use [`split`] on it.
pub fn split_header(value: &[u8]) -> Result<Guid, WireError> {
    match value.split_first() {
        Some((&HEADER_MAGIC, guid)) => {
            let guid: [u8; 16] =
                guid.try_into().map_err(|_| WireError::HeaderLength { bytes: value.len() })?;
            Ok(Guid::from_bytes(guid))
        }
        Some((&magic, _)) => Err(WireError::UnknownMagic { magic }),
        None => Err(WireError::TooShort { bytes: 0 }),
    }
}

/// Bytes that are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WireError {
    /// Fewer than five bytes.
    #[error("payload of {bytes} bytes is too short for the magic byte and a schema id")]
    TooShort {
        /// Bytes present.
        bytes: usize,
    },
    /// The first byte is not the magic byte.
    #[error("unknown magic byte {magic}")]
    UnknownMagic {
        /// The byte found.
        magic: u8,
    },
    /// The id is below zero.
    #[error("schema id {id} is negative")]
    NegativeId {
        /// The id found.
        id: i32,
    },
    /// A header value that is not 17 bytes.
    #[error("schema header of {bytes} bytes is not a magic byte and 16 bytes of guid")]
    HeaderLength {
        /// Bytes present.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_round_trip_and_bad_ones_are_told_apart() {
        let id = SchemaId::new(0x0102_0304).unwrap();
        let mut framed = prefix(id).to_vec();
        framed.extend(b"body");
        assert_eq!(split(&framed), Ok((id, &b"body"[..])));
        for (bytes, error) in [
            (&b""[..], WireError::TooShort { bytes: 0 }),
            (&[0, 0, 0, 1], WireError::TooShort { bytes: 4 }),
            (&[9, 0, 0, 0, 1], WireError::UnknownMagic { magic: 9 }),
            (b"{", WireError::UnknownMagic { magic: b'{' }),
            (&[0, 0xff, 0xff, 0xff, 0xff], WireError::NegativeId { id: -1 }),
        ] {
            assert_eq!(split(bytes), Err(error));
        }
    }

    #[test]
    fn header_values_round_trip() {
        let guid = Guid::from_bytes([7; 16]);
        let value = header_value(guid);
        assert_eq!(value.first(), Some(&HEADER_MAGIC));
        assert_eq!(split_header(&value), Ok(guid));
        assert_eq!(split_header(&value[..16]), Err(WireError::HeaderLength { bytes: 16 }));
    }
}
