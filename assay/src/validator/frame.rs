//! How a record names its schema: a header, or a prefix of the payload.
//!
//! A header `__key_schema_id` or `__value_schema_id`, the first of that name, holds magic 1 and a GUID; then the payload is the
//! body whole. Without one the payload begins with magic 0 and a four-byte id. The broker reads the keys for
//! [`RecordValidator::prepare`](assay_broker::validator::RecordValidator::prepare) in the same order.

use assay_broker::validator::{Headers, RecordSide, SchemaKey};
use assay_schema_core::{
    Guid,
    wire::{self, WireError},
};

/// A payload with its schema named.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Framed<'a> {
    pub(super) key: SchemaKey,
    pub(super) body: &'a [u8],
}

/// Why a payload names no schema. The text ends up in the producer's error.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("names no schema: {bytes} bytes are too few for the magic byte and a schema id")]
    TooShort { bytes: usize },
    #[error("names no schema: the first byte is {magic}, not the magic byte 0")]
    Magic { magic: u8 },
    #[error("schema id {id}: negative")]
    NegativeId { id: i32 },
    #[error(
        "header {name} does not name a schema: magic byte 1 and 16 bytes are expected, not {bytes} bytes"
    )]
    Header { name: &'static str, bytes: usize },
    #[error("malformed headers")]
    Headers,
}

/// Reads the schema's name off one half of a record.
pub(super) fn read<'a>(
    side: RecordSide,
    payload: &'a [u8],
    headers: Headers<'_>,
) -> Result<Framed<'a>, FrameError> {
    let name = side.schema_header();
    for header in headers {
        let (header, value) = header.map_err(|_malformed| FrameError::Headers)?;
        if header == name.as_bytes() {
            let value = value.unwrap_or_default();
            return match wire::split_header(value) {
                Ok(guid) => Ok(Framed { key: SchemaKey::Guid(*guid.as_bytes()), body: payload }),
                Err(_other) => Err(FrameError::Header { name, bytes: value.len() }),
            };
        }
    }
    match wire::split(payload) {
        Ok((id, body)) => Ok(Framed { key: SchemaKey::Id(id.get()), body }),
        Err(WireError::UnknownMagic { magic }) => Err(FrameError::Magic { magic }),
        Err(WireError::NegativeId { id }) => Err(FrameError::NegativeId { id }),
        Err(WireError::TooShort { bytes } | WireError::HeaderLength { bytes }) => {
            Err(FrameError::TooShort { bytes })
        }
    }
}

/// How a schema is called in messages.
pub(super) fn name_of(key: SchemaKey) -> String {
    match key {
        SchemaKey::Id(id) => format!("schema id {id}"),
        SchemaKey::Guid(guid) => format!("schema guid {}", Guid::from_bytes(guid)),
    }
}
