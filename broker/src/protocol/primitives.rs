//! The codec's basic types: a bounded reader over one frame, a writer that keeps record batches as they are, and
//! the wire form of every type a declaration may use (Kafka protocol guide, "Protocol Primitive Types"; KIP-482
//! for the compact forms).
//!
//! Bounds. Every length and count is compared with the bytes that remain before anything is allocated, an array
//! never reserves more bytes than the frame still holds, and all decoded values of one frame together stay
//! within [`decoded_bytes_max`]. Declarations cannot nest themselves, so the depth is fixed at compile time.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::records::Records;

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

/// How one field travels: the message version, whether compact forms and tag buffers are in use, and whether null
/// is allowed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Message version.
    pub version: i16,
    /// Compact lengths and tag buffers (KIP-482).
    pub flexible: bool,
    /// Null is allowed for this field in this version.
    pub nullable: bool,
}

/// Reads one frame; see the module head for its bounds.
#[derive(Debug)]
pub struct Reader {
    buf: Bytes,
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

    fn need(&self, count: usize) -> Result<(), DecodeError> {
        match count.checked_sub(self.buf.len()) {
            None | Some(0) => Ok(()),
            Some(missing) => Err(DecodeError::Truncated { missing }),
        }
    }

    fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
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
    fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(self.unsigned_varint()?.checked_sub(1).map(|length| length as usize))
    }

    fn fixed_length(length: i32) -> Result<Option<usize>, DecodeError> {
        match length {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| DecodeError::NegativeLength { length }),
        }
    }

    fn string_length(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        if flexible { self.compact_length() } else { Self::fixed_length(i32::from(i16::decode_raw(self)?)) }
    }

    fn long_length(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        if flexible { self.compact_length() } else { Self::fixed_length(i32::decode_raw(self)?) }
    }

    fn utf8(&mut self, length: usize) -> Result<String, DecodeError> {
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

/// Builds one frame: four length bytes, then what is written. Large record batches are kept as separate segments
/// and never copied.
#[derive(Debug)]
pub struct Writer {
    buf: BytesMut,
    cuts: Vec<(usize, Bytes)>,
    cut_bytes: usize,
}

/// Records shorter than this are copied into the surrounding bytes: one more segment would cost more.
const SEGMENT_BYTES_MIN: usize = 1024;

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An empty frame.
    pub fn new() -> Self {
        let mut buf = BytesMut::with_capacity(256);
        buf.put_i32(0);
        Self { buf, cuts: Vec::new(), cut_bytes: 0 }
    }

    /// Appends raw bytes.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buf.put_slice(bytes);
    }

    /// Appends an unsigned variable-length integer.
    pub fn unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.buf.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.buf.put_u8((value & 0x7f) as u8);
    }

    fn compact_length(&mut self, length: usize) {
        self.unsigned_varint(u32::try_from(length).unwrap_or(u32::MAX).saturating_add(1));
    }

    fn string_length(&mut self, length: usize, flexible: bool) {
        if flexible {
            self.compact_length(length);
        } else {
            self.buf.put_i16(i16::try_from(length).unwrap_or(i16::MAX));
        }
    }

    fn long_length(&mut self, length: usize, flexible: bool) {
        if flexible {
            self.compact_length(length);
        } else {
            self.buf.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
        }
    }

    fn segment(&mut self, bytes: &Bytes) {
        if bytes.len() < SEGMENT_BYTES_MIN {
            self.buf.put_slice(bytes);
        } else {
            self.cut_bytes += bytes.len();
            self.cuts.push((self.buf.len(), bytes.clone()));
        }
    }

    /// Appends one tagged field whose value `write` produces. Record batches do not occur in tagged fields.
    pub fn tagged(&mut self, tag: u32, write: impl FnOnce(&mut Writer)) {
        let mut value = Writer { buf: BytesMut::new(), cuts: Vec::new(), cut_bytes: 0 };
        write(&mut value);
        debug_assert!(value.cuts.is_empty(), "record batches do not occur in tagged fields");
        self.unsigned_varint(tag);
        self.unsigned_varint(u32::try_from(value.buf.len()).unwrap_or(u32::MAX));
        self.buf.put_slice(&value.buf);
    }

    /// Sets the length bytes and hands the frame over as segments in wire order.
    pub fn finish(mut self) -> Frame {
        let length = self.buf.len() + self.cut_bytes;
        let prefix = i32::try_from(length - 4).unwrap_or(i32::MAX);
        if let Some(head) = self.buf.get_mut(..4) {
            head.copy_from_slice(&prefix.to_be_bytes());
        }
        let mut rest = self.buf.freeze();
        let mut segments = Vec::with_capacity(self.cuts.len() * 2 + 1);
        let mut written = 0;
        for (position, bytes) in self.cuts {
            let head = rest.split_to(position - written);
            written = position;
            if !head.is_empty() {
                segments.push(head);
            }
            segments.push(bytes);
        }
        if !rest.is_empty() {
            segments.push(rest);
        }
        Frame { segments, length }
    }
}

/// One encoded frame, length prefix included.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    segments: Vec<Bytes>,
    length: usize,
}

impl Frame {
    /// Bytes on the wire, prefix included.
    pub fn len(&self) -> usize {
        self.length
    }

    /// True when nothing is to be sent.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The segments in wire order.
    pub fn into_segments(self) -> Vec<Bytes> {
        self.segments
    }

    /// All bytes in one piece; copies.
    pub fn to_bytes(&self) -> Bytes {
        let mut all = BytesMut::with_capacity(self.length);
        for segment in &self.segments {
            all.put_slice(segment);
        }
        all.freeze()
    }
}

/// A type that a declaration may use for a field.
pub trait Field: Sized {
    /// Reads the value.
    fn decode(reader: &mut Reader, form: Form) -> Result<Self, DecodeError>;
    /// Writes the value.
    fn encode(&self, writer: &mut Writer, form: Form);
}

/// A type that has a null form on the wire.
pub trait Nullable: Field + Default {
    /// Reads the value or null.
    fn decode_nullable(reader: &mut Reader, form: Form) -> Result<Option<Self>, DecodeError>;
    /// Writes null.
    fn encode_null(writer: &mut Writer, form: Form);
    /// Writes the value where null would be allowed.
    fn encode_present(&self, writer: &mut Writer, form: Form) {
        self.encode(writer, form);
    }
}

/// Fixed-width numbers, whose form never changes.
trait Fixed: Sized {
    fn decode_raw(reader: &mut Reader) -> Result<Self, DecodeError>;
}

macro_rules! fixed_width {
    ($($ty:ty, $get:ident, $put:ident;)*) => {$(
        impl Fixed for $ty {
            fn decode_raw(reader: &mut Reader) -> Result<Self, DecodeError> {
                reader.need(size_of::<$ty>())?;
                Ok(reader.buf.$get())
            }
        }

        impl Field for $ty {
            fn decode(reader: &mut Reader, _: Form) -> Result<Self, DecodeError> {
                Self::decode_raw(reader)
            }

            fn encode(&self, writer: &mut Writer, _: Form) {
                writer.buf.$put(*self);
            }
        }
    )*};
}

fixed_width! {
    i8, get_i8, put_i8;
    i16, get_i16, put_i16;
    i32, get_i32, put_i32;
    i64, get_i64, put_i64;
}

impl Field for bool {
    fn decode(reader: &mut Reader, _: Form) -> Result<Self, DecodeError> {
        Ok(i8::decode_raw(reader)? != 0)
    }

    fn encode(&self, writer: &mut Writer, _: Form) {
        writer.buf.put_u8(u8::from(*self));
    }
}

impl Field for Uuid {
    fn decode(reader: &mut Reader, _: Form) -> Result<Self, DecodeError> {
        reader.need(16)?;
        Ok(Uuid::from_u128(reader.buf.get_u128()))
    }

    fn encode(&self, writer: &mut Writer, _: Form) {
        writer.buf.put_u128(self.as_u128());
    }
}

impl Field for String {
    fn decode(reader: &mut Reader, form: Form) -> Result<Self, DecodeError> {
        Self::decode_nullable(reader, form)?.ok_or(DecodeError::UnexpectedNull)
    }

    /// A string of more than 32,767 bytes is cut at a character boundary where the length has only 16 bits.
    fn encode(&self, writer: &mut Writer, form: Form) {
        let text = if form.flexible { self } else { &self[..self.floor_char_boundary(i16::MAX as usize)] };
        writer.string_length(text.len(), form.flexible);
        writer.raw(text.as_bytes());
    }
}

impl Nullable for String {
    fn decode_nullable(reader: &mut Reader, form: Form) -> Result<Option<Self>, DecodeError> {
        reader.string_length(form.flexible)?.map(|length| reader.utf8(length)).transpose()
    }

    fn encode_null(writer: &mut Writer, form: Form) {
        if form.flexible { writer.unsigned_varint(0) } else { writer.buf.put_i16(-1) }
    }
}

fn encode_long_null(writer: &mut Writer, form: Form) {
    if form.flexible { writer.unsigned_varint(0) } else { writer.buf.put_i32(-1) }
}

impl Field for Bytes {
    fn decode(reader: &mut Reader, form: Form) -> Result<Self, DecodeError> {
        Self::decode_nullable(reader, form)?.ok_or(DecodeError::UnexpectedNull)
    }

    fn encode(&self, writer: &mut Writer, form: Form) {
        writer.long_length(self.len(), form.flexible);
        writer.raw(self);
    }
}

impl Nullable for Bytes {
    fn decode_nullable(reader: &mut Reader, form: Form) -> Result<Option<Self>, DecodeError> {
        reader.long_length(form.flexible)?.map(|length| reader.take(length)).transpose()
    }

    fn encode_null(writer: &mut Writer, form: Form) {
        encode_long_null(writer, form);
    }
}

impl Field for Records {
    fn decode(reader: &mut Reader, form: Form) -> Result<Self, DecodeError> {
        Bytes::decode(reader, form).map(Records::from)
    }

    fn encode(&self, writer: &mut Writer, form: Form) {
        writer.long_length(self.len(), form.flexible);
        for segment in self.segments() {
            writer.segment(segment);
        }
    }
}

impl Nullable for Records {
    fn decode_nullable(reader: &mut Reader, form: Form) -> Result<Option<Self>, DecodeError> {
        Ok(Bytes::decode_nullable(reader, form)?.map(Records::from))
    }

    fn encode_null(writer: &mut Writer, form: Form) {
        encode_long_null(writer, form);
    }
}

impl<T: Field> Field for Vec<T> {
    fn decode(reader: &mut Reader, form: Form) -> Result<Self, DecodeError> {
        Self::decode_nullable(reader, form)?.ok_or(DecodeError::UnexpectedNull)
    }

    fn encode(&self, writer: &mut Writer, form: Form) {
        writer.long_length(self.len(), form.flexible);
        for element in self {
            element.encode(writer, Form { nullable: false, ..form });
        }
    }
}

impl<T: Field> Nullable for Vec<T> {
    /// Every element takes at least one byte, so a count above the remaining bytes is refused before allocating.
    fn decode_nullable(reader: &mut Reader, form: Form) -> Result<Option<Self>, DecodeError> {
        let Some(count) = reader.long_length(form.flexible)? else { return Ok(None) };
        let remaining = reader.remaining();
        if count > remaining {
            return Err(DecodeError::CountTooLarge { count, remaining });
        }
        reader.charge(count.saturating_mul(size_of::<T>()))?;
        let mut elements = Vec::with_capacity(count.min(remaining / size_of::<T>().max(1)));
        for _ in 0..count {
            elements.push(T::decode(reader, Form { nullable: false, ..form })?);
        }
        Ok(Some(elements))
    }

    fn encode_null(writer: &mut Writer, form: Form) {
        encode_long_null(writer, form);
    }
}

impl<T: Nullable> Field for Option<T> {
    fn decode(reader: &mut Reader, form: Form) -> Result<Self, DecodeError> {
        if form.nullable { T::decode_nullable(reader, form) } else { T::decode(reader, form).map(Some) }
    }

    /// `None` in a version without null is written as the type's empty value.
    fn encode(&self, writer: &mut Writer, form: Form) {
        match self {
            Some(value) if form.nullable => value.encode_present(writer, form),
            Some(value) => value.encode(writer, form),
            None if form.nullable => T::encode_null(writer, form),
            None => T::default().encode(writer, form),
        }
    }
}

/// Reads the presence byte of a nullable structure.
pub(super) fn presence(reader: &mut Reader) -> Result<bool, DecodeError> {
    match i8::decode_raw(reader)? {
        -1 => Ok(false),
        1 => Ok(true),
        byte => Err(DecodeError::InvalidPresence { byte }),
    }
}

#[cfg(test)]
mod tests;
