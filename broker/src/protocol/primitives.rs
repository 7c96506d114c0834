//! The wire form of every type a declaration may use (Kafka protocol guide, "Protocol Primitive Types"; KIP-482 for
//! the compact forms).

use bytes::{Buf, BufMut, Bytes};
use uuid::Uuid;

use super::reader::{DecodeError, Reader};
use super::records::Records;
use super::writer::Writer;

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
pub(super) trait Fixed: Sized {
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
    u16, get_u16, put_u16;
    i32, get_i32, put_i32;
    i64, get_i64, put_i64;
    f64, get_f64, put_f64;
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
pub(crate) fn presence(reader: &mut Reader) -> Result<bool, DecodeError> {
    match i8::decode_raw(reader)? {
        -1 => Ok(false),
        1 => Ok(true),
        byte => Err(DecodeError::InvalidPresence { byte }),
    }
}

#[cfg(test)]
mod tests;
