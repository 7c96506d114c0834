//! Request and response headers.
//!
//! A request starts with the API key, the version and the correlation id, then the client id with a 16-bit length in
//! every header version, then a tag buffer when the request version is flexible. A response starts with the
//! correlation id, then a tag buffer when flexible, which `ApiVersions` never has.

use super::primitives::{Field, Form};
use super::reader::{DecodeError, Reader};
use super::writer::Writer;

const PLAIN: Form = Form { version: 0, flexible: false, nullable: false };

/// What every request says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// API key, known or not.
    pub api_key: i16,
    /// Version of the request.
    pub api_version: i16,
    /// Echoed in the response.
    pub correlation_id: i32,
    /// Name the client gave itself; null reads as empty.
    pub client_id: String,
}

impl RequestHeader {
    /// Reads the part that every version shares: key, version and correlation id. The client id stays empty.
    pub fn read_start(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            api_key: i16::decode(reader, PLAIN)?,
            api_version: i16::decode(reader, PLAIN)?,
            correlation_id: i32::decode(reader, PLAIN)?,
            client_id: String::new(),
        })
    }

    /// Reads the rest: client id and, for a `flexible` request, the tag buffer.
    pub fn read_rest(&mut self, reader: &mut Reader, flexible: bool) -> Result<(), DecodeError> {
        self.client_id = reader.client_id()?.unwrap_or_default();
        if flexible {
            reader.tag_buffer(|_, _| Ok(()))?;
        }
        Ok(())
    }
}

/// Writes a response header; `tag_buffer` for flexible versions of everything but `ApiVersions`.
pub fn write_response_header(writer: &mut Writer, correlation_id: i32, tag_buffer: bool) {
    correlation_id.encode(writer, PLAIN);
    if tag_buffer {
        writer.unsigned_varint(0);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn client_id_keeps_its_short_length_in_flexible_headers() {
        let bytes = b"\x00\x12\x00\x03\x00\x00\x00\x07\x00\x02ab\x00rest";
        let mut reader = Reader::new(Bytes::from_static(bytes));
        let mut header = RequestHeader::read_start(&mut reader).unwrap();
        header.read_rest(&mut reader, true).unwrap();
        assert_eq!(
            header,
            RequestHeader { api_key: 18, api_version: 3, correlation_id: 7, client_id: "ab".to_owned() }
        );
        assert_eq!(reader.remaining(), 4);
    }

    #[test]
    fn a_null_client_id_reads_as_empty() {
        let mut reader = Reader::new(Bytes::from_static(b"\x00\x03\x00\x01\x00\x00\x00\x07\xff\xff"));
        let mut header = RequestHeader::read_start(&mut reader).unwrap();
        header.read_rest(&mut reader, false).unwrap();
        assert_eq!(header.client_id, "");
    }
}
