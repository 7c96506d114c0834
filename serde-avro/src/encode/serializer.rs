//! serde's view of one place in the schema.

use std::fmt::{self, Display, Write as _};

use serde::Serialize;
use serde::ser::Serializer;

use crate::logical::Kind;
use crate::plan::EncodeError;
use crate::plan::program::Op;

use super::collection::{Items, Members};
use super::sink::Sink;
use super::union::{Found, Width};
use super::wire::put_long;

/// Writes one value as `op`.
pub(crate) struct ValueSerializer<'s, 'p> {
    pub(crate) sink: &'s mut Sink<'p>,
    pub(crate) op: Op,
}

impl ValueSerializer<'_, '_> {
    /// The branch that the variant of a Rust enum names, with its index written; the place itself where none has that
    /// name, so that the content selects.
    fn branch_of_variant(&mut self, variant: &str) -> Result<Op, EncodeError> {
        match self.op {
            Op::Union(i) => Ok(self.sink.choose_named(i, variant)?.unwrap_or(self.op)),
            op => Ok(op),
        }
    }
}

impl<'s, 'p> Serializer for ValueSerializer<'s, 'p> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Items<'s, 'p>;
    type SerializeTuple = Items<'s, 'p>;
    type SerializeTupleStruct = Items<'s, 'p>;
    type SerializeTupleVariant = Items<'s, 'p>;
    type SerializeMap = Members<'s, 'p>;
    type SerializeStruct = Members<'s, 'p>;
    type SerializeStructVariant = Members<'s, 'p>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.sink.boolean(self.op, value)
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<(), EncodeError> {
        self.sink.int(self.op, value.into())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<(), EncodeError> {
        self.sink.int(self.op, value.into())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), EncodeError> {
        self.sink.int(self.op, value)
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), EncodeError> {
        self.sink.long(self.op, value)
    }

    fn is_human_readable(&self) -> bool {
        self.op != Op::Natural
    }

    fn serialize_i128(self, value: i128) -> Result<(), EncodeError> {
        if self.op == Op::Natural {
            return self.sink.natural_number(value);
        }
        match i64::try_from(value) {
            Ok(value) => self.sink.integer(self.op, value, Width::Long),
            Err(_) => self.sink.wide(self.op, &value.to_string()),
        }
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), EncodeError> {
        match self.op {
            Op::RawByte => {
                self.sink.out.push(value);
                Ok(())
            }
            op => self.sink.int(op, value.into()),
        }
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<(), EncodeError> {
        self.sink.int(self.op, value.into())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<(), EncodeError> {
        self.sink.long(self.op, value.into())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<(), EncodeError> {
        match i64::try_from(value) {
            Ok(value) => self.sink.long(self.op, value),
            Err(_) => self.sink.wide(self.op, &value.to_string()),
        }
    }

    fn serialize_u128(self, value: u128) -> Result<(), EncodeError> {
        match i64::try_from(value) {
            Ok(value) => self.sink.integer(self.op, value, Width::Long),
            Err(_) => self.sink.wide(self.op, &value.to_string()),
        }
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        self.sink.float(self.op, value)
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        self.sink.double(self.op, value)
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.sink.text(self.op, value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), EncodeError> {
        self.sink.text(self.op, text)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), EncodeError> {
        if self.op == Op::Natural {
            return self.sink.natural_bytes(bytes);
        }
        self.sink.bytes(self.op, bytes)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), EncodeError> {
        self.sink.null(self.op)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        if let Op::Union(i) = self.op
            && let Some((index, op)) = self.sink.tables.union(i).other
        {
            put_long(&mut self.sink.out, index.into());
            return value.serialize(ValueSerializer { sink: self.sink, op });
        }
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.sink.null(self.op)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), EncodeError> {
        match self.op {
            Op::Record(_) => Members::of_struct(self.sink, self.op, name, 0)?.finish(),
            Op::Union(i) if self.sink.tables.branch_named(i, name)?.is_some() => {
                Members::of_struct(self.sink, self.op, name, 0)?.finish()
            }
            op => self.sink.null(op),
        }
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        match self.op {
            Op::Enum(i) => self.sink.symbol(i, variant),
            op => self.sink.variant(op, name, variant),
        }
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        if let Some(kind) = Kind::of(name) {
            self.sink.natural = self.sink.place(self.op, kind)?;
            return value.serialize(ValueSerializer { sink: self.sink, op: Op::Natural });
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let op = self.branch_of_variant(variant)?;
        value.serialize(ValueSerializer { sink: self.sink, op })
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'s, 'p>, EncodeError> {
        Items::of_sequence(self.sink, self.op, len, Found::Sequence)
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'s, 'p>, EncodeError> {
        Items::of_sequence(self.sink, self.op, Some(len), Found::Tuple(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items<'s, 'p>, EncodeError> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items<'s, 'p>, EncodeError> {
        let op = self.branch_of_variant(variant)?;
        Items::of_sequence(self.sink, op, Some(len), Found::Tuple(len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Members<'s, 'p>, EncodeError> {
        Members::of_map(self.sink, self.op, len)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Members<'s, 'p>, EncodeError> {
        Members::of_struct(self.sink, self.op, name, len)
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Members<'s, 'p>, EncodeError> {
        let op = self.branch_of_variant(variant)?;
        Members::of_struct(self.sink, op, variant, len)
    }

    /// Formats straight into the output where the place takes any text.
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        if !matches!(self.op, Op::String | Op::UuidString) {
            return self.sink.text(self.op, &value.to_string());
        }
        let start = self.sink.out.len();
        if write!(Utf8(&mut self.sink.out), "{value}").is_err() {
            return Err(serde::ser::Error::custom("a value failed to format itself"));
        }
        let length = self.sink.out.len() - start;
        self.sink.insert_long(start, length.cast_signed() as i64);
        Ok(())
    }
}

struct Utf8<'o>(&'o mut Vec<u8>);

impl fmt::Write for Utf8<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
