//! Keys and values of internal topics, in Kafka's form: a version or kind number, then a message in that version.

use bytes::{Buf, Bytes};

use crate::protocol::{DecodeError, Message, Writer};

/// Bytes of the frame prefix that [`Writer`] puts before a message.
const FRAME_PREFIX_BYTES: usize = 4;

/// The version number, then the message in that version.
pub(crate) fn versioned(message: &impl Message, version: i16) -> Bytes {
    let mut writer = Writer::new();
    writer.raw(&version.to_be_bytes());
    message.write(&mut writer, version);
    let mut bytes = writer.finish().to_bytes();
    bytes.split_off(FRAME_PREFIX_BYTES)
}

/// Splits the version number off.
pub(crate) fn version_of(mut bytes: Bytes) -> Result<(i16, Bytes), DecodeError> {
    if bytes.len() < 2 {
        return Err(DecodeError::Truncated { missing: 2 - bytes.len() });
    }
    let version = bytes.get_i16();
    Ok((version, bytes))
}
