//! Arrays, maps, and bytes that come one by one.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use crate::plan::program::{FixedLogical, Op};
use crate::plan::{EncodeError, EncodeErrorKind};

use super::key::KeySerializer;
use super::record::RecordWriter;
use super::serializer::ValueSerializer;
use super::sink::Sink;
use super::union::Found;
use super::wire::{put_bytes, put_long};

/// A run of items with their count before them.
///
/// The count that the value announces is written first and put right at the end if it was wrong or missing.
pub(crate) struct Items<'s, 'p> {
    pub(crate) sink: &'s mut Sink<'p>,
    pub(crate) item: Op,
    start: usize,
    announced: usize,
    written: usize,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Blocks of an array or map.
    Blocks,
    /// The content of bytes.
    Bytes,
    /// The content of a fixed with this many items of one or four bytes.
    Fixed(usize),
}

impl<'s, 'p> Items<'s, 'p> {
    #[inline]
    fn blocks(sink: &'s mut Sink<'p>, item: Op, len: Option<usize>) -> Result<Self, EncodeError> {
        sink.enter()?;
        Ok(Self::announce(sink, item, len, Form::Blocks))
    }

    #[inline]
    fn announce(sink: &'s mut Sink<'p>, item: Op, len: Option<usize>, form: Form) -> Self {
        let start = sink.out.len();
        let announced = len.unwrap_or(0);
        if announced > 0 {
            put_long(&mut sink.out, announced.cast_signed() as i64);
        }
        Self { sink, item, start, announced, written: 0, form }
    }

    /// Items of a sequence: an array, or bytes and fixed that are written byte by byte.
    pub(crate) fn of_sequence(
        sink: &'s mut Sink<'p>,
        op: Op,
        len: Option<usize>,
        found: Found<'_>,
    ) -> Result<Self, EncodeError> {
        match op {
            Op::Array(i) => {
                let item = sink.tables.collection(i).item;
                Self::blocks(sink, item, len)
            }
            Op::Bytes => Ok(Self::announce(sink, Op::RawByte, len, Form::Bytes)),
            Op::Fixed(i) => {
                let fixed = sink.tables.fixed(i);
                let words = fixed.logical == Some(FixedLogical::Duration) && len == Some(3);
                let (item, items) = if words { (Op::RawWord, 3) } else { (Op::RawByte, fixed.size) };
                let start = sink.out.len();
                Ok(Self { sink, item, start, announced: 0, written: 0, form: Form::Fixed(items) })
            }
            Op::Union(i) => match sink.choose(i, found)? {
                Op::Union(_) => Err(sink.mismatch(op, found)),
                branch => Self::of_sequence(sink, branch, len, found),
            },
            _ => Err(sink.mismatch(op, found)),
        }
    }

    #[inline]
    pub(crate) fn of_map(sink: &'s mut Sink<'p>, map: u32, len: Option<usize>) -> Result<Self, EncodeError> {
        let item = sink.tables.collection(map).item;
        Self::blocks(sink, item, len)
    }

    #[inline]
    pub(crate) fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        match value.serialize(ValueSerializer { sink: self.sink, op: self.item }) {
            Ok(()) => {
                self.written += 1;
                Ok(())
            }
            Err(error) => Err(error.in_item(self.written as u64)),
        }
    }

    #[inline]
    pub(crate) fn finish(mut self) -> Result<(), EncodeError> {
        match self.form {
            Form::Blocks => {
                if self.written != self.announced {
                    self.correct();
                }
                self.sink.out.push(0);
                self.sink.leave();
            }
            Form::Bytes => {
                if self.written != self.announced {
                    self.correct();
                }
                if self.written == 0 {
                    self.sink.out.push(0);
                }
            }
            Form::Fixed(items) if items != self.written => {
                let kind = EncodeErrorKind::FixedSize { size: items, found: self.written };
                return Err(EncodeError::new(kind));
            }
            Form::Fixed(_) => {}
        }
        Ok(())
    }

    /// Replaces a count that turned out wrong.
    #[cold]
    fn correct(&mut self) {
        if self.announced > 0 {
            let mut header = Vec::with_capacity(10);
            put_long(&mut header, self.announced.cast_signed() as i64);
            self.sink.out.drain(self.start..self.start + header.len());
        }
        if self.written > 0 {
            self.sink.insert_long(self.start, self.written.cast_signed() as i64);
        }
    }
}

impl SerializeSeq for Items<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}

macro_rules! tuples {
    ($($trait:ident::$method:ident),*) => {$(
        impl $trait for Items<'_, '_> {
            type Ok = ();
            type Error = EncodeError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.item(value)
            }

            #[inline]
            fn end(self) -> Result<(), EncodeError> {
                self.finish()
            }
        }
    )*};
}

tuples!(
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// A serde map or struct: an Avro map, or a record that is filled by name.
pub(crate) enum Members<'s, 'p> {
    Map {
        items: Items<'s, 'p>,
        /// Where the current key lies in the output.
        key: (usize, usize),
    },
    Record {
        record: RecordWriter<'s, 'p>,
        /// The current field.
        field: usize,
    },
    /// A number of `serde_json`, which comes as a struct that holds its text.
    Number { sink: &'s mut Sink<'p>, op: Op },
}

/// The name of that struct.
const JSON_NUMBER: &str = "$serde_json::private::Number";

impl<'s, 'p> Members<'s, 'p> {
    /// The members of a serde map.
    pub(crate) fn of_map(sink: &'s mut Sink<'p>, op: Op, len: Option<usize>) -> Result<Self, EncodeError> {
        Self::new(sink, op, len, Found::Map)
    }

    /// The members of a serde struct.
    #[inline]
    pub(crate) fn of_struct(
        sink: &'s mut Sink<'p>,
        op: Op,
        name: &'static str,
        len: usize,
    ) -> Result<Self, EncodeError> {
        match op {
            Op::Record(i) => Ok(Self::Record { record: RecordWriter::new(sink, i)?, field: 0 }),
            _ if name == JSON_NUMBER => Ok(Self::Number { sink, op }),
            _ => Self::new(sink, op, Some(len), Found::Struct(name)),
        }
    }

    fn new(
        sink: &'s mut Sink<'p>,
        op: Op,
        len: Option<usize>,
        found: Found<'_>,
    ) -> Result<Self, EncodeError> {
        match op {
            Op::Map(i) => Ok(Self::Map { items: Items::of_map(sink, i, len)?, key: (0, 0) }),
            Op::Record(i) => Ok(Self::Record { record: RecordWriter::new(sink, i)?, field: 0 }),
            Op::Union(i) => match sink.choose(i, found)? {
                Op::Union(_) => Err(sink.mismatch(op, found)),
                branch => Self::new(sink, branch, len, found),
            },
            _ => Err(sink.mismatch(op, found)),
        }
    }

    /// Writes a map's key, or finds the record's field.
    pub(crate) fn key(&mut self, text: &str) -> Result<(), EncodeError> {
        match self {
            Self::Map { items, key } => {
                put_bytes(&mut items.sink.out, text.as_bytes());
                let end = items.sink.out.len();
                *key = (end - text.len(), end);
            }
            Self::Record { record, field } => *field = record.find(text)?,
            Self::Number { sink, op } => sink.number(*op, text)?,
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        match self {
            Self::Map { items, key } => {
                match value.serialize(ValueSerializer { sink: items.sink, op: items.item }) {
                    Ok(()) => {
                        items.written += 1;
                        Ok(())
                    }
                    Err(error) => {
                        let key = items.sink.out.get(key.0..key.1).unwrap_or_default();
                        Err(error.in_key(&String::from_utf8_lossy(key)))
                    }
                }
            }
            Self::Record { record, field } => {
                record.field(*field, |sink, field| value.serialize(ValueSerializer { sink, op: field.op }))
            }
            Self::Number { .. } => value.serialize(KeySerializer { members: self }),
        }
    }

    #[inline]
    pub(crate) fn finish(self) -> Result<(), EncodeError> {
        match self {
            Self::Map { items, .. } => items.finish(),
            Self::Record { record, .. } => record.finish(),
            Self::Number { .. } => Ok(()),
        }
    }
}

impl SerializeMap for Members<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        key.serialize(KeySerializer { members: self })
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}

impl SerializeStruct for Members<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Record { record, .. } => record.named_field(key, value),
            Self::Number { .. } => self.value(value),
            Self::Map { .. } => {
                self.key(key)?;
                self.value(value)
            }
        }
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), EncodeError> {
        match self {
            Self::Record { record, .. } => record.skip_named(key),
            Self::Map { .. } | Self::Number { .. } => Ok(()),
        }
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}

impl SerializeStructVariant for Members<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        SerializeStruct::serialize_field(self, key, value)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}
