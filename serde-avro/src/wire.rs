//! How a schema travels with a record: as a prefix of the payload, or in a record header.
//!
//! | place | bytes | written by |
//! |---|---|---|
//! | prefix | `00`, id as 4 bytes big-endian, datum | [`Framing::Prefix`], the default everywhere |
//! | header `__key_schema_id` / `__value_schema_id` | `01`, GUID as 16 bytes | [`Framing::Header`]; the payload is the bare datum |
//!
//! Readers accept both magic bytes in both places. A prefix must be whole; the datum after it may be empty, so the
//! shortest framed payload has five bytes.

use std::fmt;

use assay_schema_core::{Guid, SchemaId};

pub use assay_schema_core::naming::RecordPart as Part;
pub use assay_schema_core::wire::{
    HEADER_MAGIC, HEADER_VALUE_BYTES, KEY_HEADER, MAGIC, PREFIX_BYTES, VALUE_HEADER, header_value, prefix,
};

/// Name of the header that carries the schema of `part`.
pub fn header_name(part: Part) -> &'static str {
    match part {
        Part::Key => KEY_HEADER,
        Part::Value => VALUE_HEADER,
    }
}

/// Names one schema: by its number in a registry context, or by its content.
///
/// A GUID follows from the schema's content, so it is the same in every context and cluster; an id is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchemaKey {
    /// The number the registry gave.
    Id(SchemaId),
    /// The hash of the content.
    Guid(Guid),
}

impl fmt::Display for SchemaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Guid(guid) => guid.fmt(f),
        }
    }
}

/// Where a serializer puts the schema. Spelled `key.schema.id.serializer` and `value.schema.id.serializer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Five bytes before the datum. Java: `PrefixSchemaIdSerializer`.
    #[default]
    Prefix,
    /// A header with the GUID, and the datum alone as payload. Java: `HeaderSchemaIdSerializer`. Every consumer must read
    /// headers before producers switch to it.
    Header,
}

/// Where a deserializer looks for the schema. Spelled `key.schema.id.deserializer` and `value.schema.id.deserializer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unframing {
    /// In the header, and when there is none in the prefix. Java: `DualSchemaIdDeserializer`.
    #[default]
    Dual,
    /// In the prefix alone. Java: `PrefixSchemaIdDeserializer`.
    Prefix,
    /// Nowhere: every payload is a bare datum of this schema. Java: `ConfigSchemaIdDeserializer`.
    Fixed(SchemaKey),
}

/// A payload or header that does not name a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The payload is too short, or starts with no magic byte.
    #[error("the payload of {len} bytes does not start with a schema id (first byte {first_byte:?})")]
    Payload {
        /// First byte, if there is one.
        first_byte: Option<u8>,
        /// Length in bytes.
        len: usize,
    },
    /// The header is too short, or starts with no magic byte.
    #[error("schema header of {len} bytes is malformed (first byte {first_byte:?})")]
    Header {
        /// First byte, if there is one.
        first_byte: Option<u8>,
        /// Length in bytes.
        len: usize,
    },
}

/// Splits a payload into the schema it names and its datum. Reads no more than the first 17 bytes.
///
/// ```
/// use assay_serde_avro::wire::{SchemaKey, split_prefix};
///
/// let (key, datum) = split_prefix(&[0, 0, 0, 0, 7, 14])?;
/// assert_eq!((key.to_string().as_str(), datum), ("7", &[14][..]));
/// assert!(split_prefix(b"{\"id\":7}").is_err());
/// # Ok::<(), assay_serde_avro::wire::FrameError>(())
/// ```
pub fn split_prefix(payload: &[u8]) -> Result<(SchemaKey, &[u8]), FrameError> {
    split(payload).ok_or(FrameError::Payload { first_byte: payload.first().copied(), len: payload.len() })
}

/// Reads a header value. Bytes after the id are allowed: other formats put message indexes there.
pub fn parse_header(value: &[u8]) -> Result<SchemaKey, FrameError> {
    split(value)
        .map(|(key, _)| key)
        .ok_or(FrameError::Header { first_byte: value.first().copied(), len: value.len() })
}

/// Finds the schema and the datum of a payload, the way `unframing` says. `header` is the value of the part's schema
/// header, if the record has one; a malformed header is an error, as in Java, and never falls back to the prefix.
pub fn unframe<'a>(
    unframing: Unframing,
    header: Option<&[u8]>,
    payload: &'a [u8],
) -> Result<(SchemaKey, &'a [u8]), FrameError> {
    match (unframing, header) {
        (Unframing::Fixed(key), _) => Ok((key, payload)),
        (Unframing::Dual, Some(value)) => Ok((parse_header(value)?, payload)),
        (Unframing::Dual, None) | (Unframing::Prefix, _) => split_prefix(payload),
    }
}

#[inline]
fn split(bytes: &[u8]) -> Option<(SchemaKey, &[u8])> {
    let (&magic, rest) = bytes.split_first()?;
    match magic {
        MAGIC => {
            let (id, datum) = rest.split_first_chunk::<4>()?;
            Some((SchemaKey::Id(SchemaId::new(i32::from_be_bytes(*id))?), datum))
        }
        HEADER_MAGIC => {
            let (guid, datum) = rest.split_first_chunk::<16>()?;
            Some((SchemaKey::Guid(Guid::from_bytes(*guid)), datum))
        }
        _ => None,
    }
}

/// A record's part as a deserializer takes it: payload, topic, and the schema header if there is one.
///
/// A bare byte slice converts into one without topic and header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    topic: &'a str,
    header: Option<&'a [u8]>,
    payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// A payload read from `topic`, without headers.
    pub fn new(topic: &'a str, payload: &'a [u8]) -> Self {
        Self { topic, header: None, payload }
    }

    /// Looks for the schema of `part` among the record's headers. The last header of that name counts, as in Java; a
    /// header without a value is no header.
    #[must_use]
    pub fn with_headers(
        mut self,
        part: Part,
        headers: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
    ) -> Self {
        let name = header_name(part);
        self.header = headers
            .into_iter()
            .filter(|(found, value)| *found == name && value.is_some())
            .last()
            .and_then(|h| h.1);
        self
    }

    /// Sets the value of the schema header.
    #[must_use]
    pub fn with_schema_header(mut self, value: Option<&'a [u8]>) -> Self {
        self.header = value;
        self
    }

    /// The topic; empty when it is not known.
    pub fn topic(&self) -> &'a str {
        self.topic
    }

    /// The value of the schema header.
    pub fn schema_header(&self) -> Option<&'a [u8]> {
        self.header
    }

    /// The payload as it was read.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

impl<'a> From<&'a [u8]> for Message<'a> {
    fn from(payload: &'a [u8]) -> Self {
        Self::new("", payload)
    }
}

impl<'a> From<&'a Vec<u8>> for Message<'a> {
    fn from(payload: &'a Vec<u8>) -> Self {
        Self::new("", payload)
    }
}

/// What a serializer makes of a value: the payload, and under [`Framing::Header`] the header to send with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framed {
    /// Key or value bytes of the record.
    pub payload: Vec<u8>,
    /// Name and value of the header to add to the record.
    pub header: Option<SchemaHeader>,
}

/// A record header that names a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaHeader {
    /// [`KEY_HEADER`] or [`VALUE_HEADER`].
    pub name: &'static str,
    /// `01` and the GUID.
    pub value: [u8; HEADER_VALUE_BYTES],
}

impl Framed {
    /// The same bytes as a consumer of `topic` meets them.
    pub fn as_message<'a>(&'a self, topic: &'a str) -> Message<'a> {
        Message::new(topic, &self.payload)
            .with_schema_header(self.header.as_ref().map(|header| &header.value[..]))
    }
}

#[cfg(test)]
mod tests;
