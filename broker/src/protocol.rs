//! The Kafka protocol: what a frame says, not what the broker does about it.
//!
//! Every message is declared once for all of its versions ([`messages`]); decoding, encoding and bounds follow from
//! the declaration ([`primitives`], [`reader`]). Pure over bytes: no I/O, no clock, nothing of the broker.

pub mod api_key;
#[cfg(test)]
pub(crate) mod arbitrary;
pub(crate) mod declare;
#[cfg(test)]
mod differential;
pub mod error_code;
pub mod header;
#[cfg(test)]
mod hostile;
pub mod messages;
pub mod primitives;
pub mod reader;
pub mod records;
pub mod writer;

use bytes::Bytes;

pub use api_key::ApiKey;
pub use error_code::ErrorCode;
pub use header::RequestHeader;
use primitives::{Field, Form};
pub use reader::{DecodeError, Reader};
pub use records::Records;
pub use writer::{Frame, Writer};

/// A request, a response, or another structure that travels on its own.
pub trait Message: Field + Default {
    /// Kafka's name.
    const NAME: &'static str;
    /// API key; -1 for a structure that is no request or response.
    const KEY: i16;
    /// Lowest version declared.
    const VERSION_MIN: i16;
    /// Highest version declared.
    const VERSION_MAX: i16;
    /// First version with compact forms and tag buffers; `i16::MAX` when none has them.
    const FLEXIBLE_SINCE: i16;

    /// The form of the whole message in `version`.
    fn form(version: i16) -> Form {
        Form { version, flexible: version >= Self::FLEXIBLE_SINCE, nullable: false }
    }

    /// Reads the message in `version`. Bytes after it are left to the caller.
    fn read(reader: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        if !(Self::VERSION_MIN..=Self::VERSION_MAX).contains(&version) {
            return Err(DecodeError::UnknownVersion { message: Self::NAME, version });
        }
        Self::decode(reader, Self::form(version))
    }

    /// Reads the message from the start of `bytes`.
    fn from_bytes(bytes: Bytes, version: i16) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new(bytes), version)
    }

    /// Appends the message in `version`, which the caller took from the declared range.
    fn write(&self, writer: &mut Writer, version: i16) {
        self.encode(writer, Self::form(version));
    }
}
