//! A bounded reader over one frame.
//!
//! Every length and count is compared with the bytes that remain before anything is allocated, an array never reserves
//! more bytes than the frame still holds, and all decoded values of one frame together stay within
//! [`decoded_bytes_max`]. Declarations cannot nest themselves, so the depth is fixed at compile time.

use bytes::{Buf, Bytes};

use super::primitives::Fixed;

/// Why a frame could not be decoded. The connection it came from is closed, as Kafka does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame ends inside a value.
    #[error("frame ends {missing} bytes early")]
    Truncated {
        /// Bytes that the value still needed.
        missing: usize,
    },
    /// A negative length or count that does not mean null.
    #[error("negative length {length}")]
    NegativeLength {
        /// The length as sent.
        length: i32,
    },
    /// More elements than the rest of the frame could hold.
    #[error("array of {count} elements in {remaining} remaining bytes")]
    CountTooLarge {
        /// The count as sent.
        count: usize,
        /// Bytes left in the frame.
        remaining: usize,
    },
    /// Null where the version does not allow it.
    #[error("null in a field that is not nullable")]
    UnexpectedNull,
    /// A string that is not UTF-8.
    #[error("string is not UTF-8")]
    InvalidUtf8,
    /// A variable-length integer of more than five bytes or 32 bits.
    #[error("variable-length integer is too long")]
    VarintTooLong,
    /// The presence byte of a nullable structure is neither -1 nor 1.
    #[error("presence byte {byte} of a nullable structure")]
    InvalidPresence {
        /// The byte as sent.
        byte: i8,
    },
    /// Tags of a tag buffer do not ascend.
    #[error("tag {tag} out of order")]
    TagOrder {
        /// The offending tag.
        tag: u32,
    },
    /// The frame would decode into more memory than [`decoded_bytes_max`].
    #[error("frame decodes into more than {limit} bytes")]
    TooManyElements {
        /// The limit that applied.
        limit: usize,
    },
    /// The version lies outside the message's declaration.
    #[error("{message} has no version {version}")]
    UnknownVersion {
        /// Message name.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
}

/// The most memory, in bytes, that the decoded form of a frame of `frame_length` bytes may take: sixteen times the
/// frame plus 1 MiB, and never more than 64 MiB. Record batches and `bytes` fields are slices of the frame and do
/// not count.
pub fn decoded_bytes_max(frame_length: usize) -> usize {
    const CEILING: usize = 64 << 20;
    frame_length.saturating_mul(16).saturating_add(1 << 20).min(CEILING)
}

/// Reads one frame; the module head states the bounds.
#[derive(Debug)]
pub struct Reader {
    pub(super) buf: Bytes,
    budget: usize,
    limit: usize,
}

impl Reader {
    /// Starts at the first byte of `frame`.
    pub fn new(frame: Bytes) -> Self {
        let limit = decoded_bytes_max(frame.len());
        Self { buf: frame, budget: limit, limit }
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.buf.len()
    }

    pub(super) fn need(&self, count: usize) -> Result<(), DecodeError> {
        match count.checked_sub(self.buf.len()) {
            None | Some(0) => Ok(()),
            Some(missing) => Err(DecodeError::Truncated { missing }),
        }
    }

    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        match self.budget.checked_sub(bytes) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => Err(DecodeError::TooManyElements { limit: self.limit }),
        }
    }

    /// The next `count` bytes, as a slice of the frame.
    pub fn take(&mut self, count: usize) -> Result<Bytes, DecodeError> {
        self.need(count)?;
        Ok(self.buf.split_to(count))
    }

    /// An unsigned variable-length integer of at most 32 bits.
    pub fn unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0_u32;
        for shift in [0_u32, 7, 14, 21, 28] {
            self.need(1)?;
            let byte = self.buf.get_u8();
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0x0f {
                return Err(DecodeError::VarintTooLong);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::VarintTooLong)
    }

    /// A length or count in compact form: `None` is null.
    pub(super) fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(self.unsigned_varint()?.checked_sub(1).map(|length| length as usize))
    }

    fn fixed_length(length: i32) -> Result<Option<usize>, DecodeError> {
        match length {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| DecodeError::NegativeLength { length }),
        }
    }

    pub(super) fn string_length(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        if flexible { self.compact_length() } else { Self::fixed_length(i32::from(i16::decode_raw(self)?)) }
    }

    pub(super) fn long_length(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        if flexible { self.compact_length() } else { Self::fixed_length(i32::decode_raw(self)?) }
    }

    pub(super) fn utf8(&mut self, length: usize) -> Result<String, DecodeError> {
        self.need(length)?;
        self.charge(length)?;
        let bytes = self.buf.split_to(length);
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| DecodeError::InvalidUtf8)
    }

    /// A nullable string with a 16-bit length in every header version, invalid UTF-8 replaced.
    pub fn client_id(&mut self) -> Result<Option<String>, DecodeError> {
        let Some(length) = self.string_length(false)? else { return Ok(None) };
        let bytes = self.take(length)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Walks a tag buffer. `known` decodes the tags it knows from a reader over that tag's bytes; others are skipped.
    pub fn tag_buffer(
        &mut self,
        mut known: impl FnMut(u32, &mut Reader) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let count = self.unsigned_varint()?;
        let mut previous = None;
        for _ in 0..count {
            let tag = self.unsigned_varint()?;
            if previous.is_some_and(|previous| tag <= previous) {
                return Err(DecodeError::TagOrder { tag });
            }
            previous = Some(tag);
            let size = self.unsigned_varint()? as usize;
            let mut field = Reader { buf: self.take(size)?, budget: self.budget, limit: self.limit };
            known(tag, &mut field)?;
            self.budget = field.budget;
        }
        Ok(())
    }
}
