//! serde's view of one value in the input.
#![expect(
    clippy::inline_always,
    reason = "measured: results that stay in registers save a tenth of a decode"
)]

use std::marker::PhantomData;

use serde::de::{Deserializer, IntoDeserializer, Visitor};

use crate::logical::Kind;
use crate::plan::cursor::Cursor;
use crate::plan::program::{FixedLogical, Op, Read, RecordRead, Tables};
use crate::plan::{DecodeError, DecodeErrorKind};
use crate::validate::skip;

use super::access::{BytesAccess, ItemAccess, MapEntries, UnionVariant, WordsAccess};
use super::fields::{FieldsInOrder, RecordFields};
use super::scalar::{Scalar, read_symbol};

/// Whether a target may keep text and bytes of the buffer that is read.
pub(super) trait Lend<'b, 'de> {
    fn text<V: Visitor<'de>>(visitor: V, text: &'b str) -> Result<V::Value, DecodeError>;
    fn bytes<V: Visitor<'de>>(visitor: V, bytes: &'b [u8]) -> Result<V::Value, DecodeError>;
}

/// The buffer is the caller's input.
pub(super) enum Borrowed {}

impl<'de> Lend<'de, 'de> for Borrowed {
    #[inline(always)]
    fn text<V: Visitor<'de>>(visitor: V, text: &'de str) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(text)
    }

    #[inline]
    fn bytes<V: Visitor<'de>>(visitor: V, bytes: &'de [u8]) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_bytes(bytes)
    }
}

/// The buffer is a default inside the plan.
pub(super) enum Passing {}

impl<'b, 'de> Lend<'b, 'de> for Passing {
    fn text<V: Visitor<'de>>(visitor: V, text: &'b str) -> Result<V::Value, DecodeError> {
        if text.is_empty() { visitor.visit_borrowed_str("") } else { visitor.visit_str(text) }
    }

    fn bytes<V: Visitor<'de>>(visitor: V, bytes: &'b [u8]) -> Result<V::Value, DecodeError> {
        if bytes.is_empty() { visitor.visit_borrowed_bytes(&[]) } else { visitor.visit_bytes(bytes) }
    }
}

/// The input and what its reads point to: one pointer for all that a deserializer needs.
pub(super) struct Input<'t, 'b> {
    pub(super) tables: &'t Tables,
    pub(super) cursor: Cursor<'b>,
}

/// One value: where it lies and how it is read.
pub(super) struct ValueDeserializer<'a, 't, 'b, L> {
    pub(super) input: &'a mut Input<'t, 'b>,
    pub(super) read: Read,
    lend: PhantomData<L>,
}

impl<'a, 't, 'b, L> ValueDeserializer<'a, 't, 'b, L> {
    #[inline]
    pub(super) fn new(input: &'a mut Input<'t, 'b>, read: Read) -> Self {
        Self { input, read, lend: PhantomData }
    }

    /// Reads the index of a writer's union, then any wrapping in a reader's union, down to a value of its own.
    #[inline]
    pub(super) fn settle(mut self) -> Result<Self, DecodeError> {
        loop {
            match self.read {
                Read::Union(i) => {
                    let branches = &self.input.tables.union_read(i).branches;
                    let index = self.input.cursor.branch(branches.len())?;
                    self.read = branches.get(index).copied().unwrap_or(Read::Leaf(Op::Null));
                }
                Read::Branch(i) => self.read = self.input.tables.branch_read(i).read,
                Read::Fail(i) => {
                    let reason = self.input.tables.failure(i).reason.to_string();
                    return Err(self.input.cursor.fault(DecodeErrorKind::Unreadable { reason }));
                }
                _ => return Ok(self),
            }
        }
    }
}

impl<'t, 'b, 'de, L: Lend<'b, 'de>> ValueDeserializer<'_, 't, 'b, L> {
    /// The name of an enum's symbol for the reader.
    #[inline]
    fn symbol(&mut self, enumeration: u32) -> Result<&'t str, DecodeError> {
        read_symbol(self.input.tables, &mut self.input.cursor, enumeration).map(|(_, symbol)| symbol)
    }

    /// Gives the value in the form that suits it best; scalars of logical types as their numbers.
    #[inline]
    fn any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.read {
            Read::Leaf(op) => self.leaf(op, visitor),
            Read::Record(_) => self.record(visitor),
            Read::Array(_) => self.array(visitor),
            Read::Map(_) => self.map(visitor),
            Read::Enum(i) => {
                let symbol = self.symbol(i)?;
                visitor.visit_str(symbol)
            }
            Read::Promote(i) => self.promoted(i)?.visit::<L, V>(visitor),
            Read::Union(_) | Read::Branch(_) | Read::Fail(_) => self.settle()?.settled_any(visitor),
        }
    }

    /// `any` after a union: not inlined a second time.
    #[inline(never)]
    fn settled_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.read {
            Read::Union(_) | Read::Branch(_) | Read::Fail(_) => visitor.visit_unit(),
            _ => self.any(visitor),
        }
    }

    #[inline(always)]
    fn leaf<V: Visitor<'de>>(self, op: Op, visitor: V) -> Result<V::Value, DecodeError> {
        match op {
            Op::Null => visitor.visit_unit(),
            Op::Boolean => visitor.visit_bool(self.input.cursor.boolean()?),
            Op::Int | Op::IntAs(_) => visitor.visit_i32(self.input.cursor.int()?),
            Op::Long | Op::LongAs(_) => visitor.visit_i64(self.input.cursor.long()?),
            Op::Float => visitor.visit_f32(self.input.cursor.float()?),
            Op::Double => visitor.visit_f64(self.input.cursor.double()?),
            Op::String | Op::UuidString => L::text(visitor, self.input.cursor.string()?),
            Op::Bytes => L::bytes(visitor, self.input.cursor.bytes()?),
            _ => Scalar::read(self.input.tables, &mut self.input.cursor, op)?.visit::<L, V>(visitor),
        }
    }

    pub(super) fn promoted(&mut self, index: u32) -> Result<Scalar<'b>, DecodeError> {
        let promotion = self.input.tables.promotion(index);
        let at = self.input.cursor.offset();
        Scalar::read(self.input.tables, &mut self.input.cursor, promotion.wire)?
            .promote(self.input.tables, promotion.view)
            .map_err(|kind| DecodeError::new(kind, at))
    }

    #[inline]
    fn array<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Read::Array(i) = self.read else { return self.settled_any(visitor) };
        self.input.cursor.enter()?;
        let mut items = ItemAccess::<L>::new(self.input, i)?;
        let value = visitor.visit_seq(&mut items)?;
        items.finish()?;
        Ok(value)
    }

    #[inline]
    fn map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Read::Map(i) = self.read else { return self.settled_any(visitor) };
        self.input.cursor.enter()?;
        let mut entries = MapEntries::<L>::new(self.input, i)?;
        let value = visitor.visit_map(&mut entries)?;
        entries.finish()?;
        Ok(value)
    }

    #[inline(always)]
    fn record<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Read::Record(i) = self.read else { return self.settled_any(visitor) };
        self.input.cursor.enter()?;
        let mut fields = RecordFields::<L>::new(self.input, i);
        let value = visitor.visit_map(&mut fields)?;
        fields.finish()?;
        Ok(value)
    }

    #[inline(always)]
    fn record_in_order<V: Visitor<'de>>(
        self,
        record: &'t RecordRead,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.input.cursor.enter()?;
        let mut fields = FieldsInOrder::<L>::new(self.input, record);
        let value = visitor.visit_seq(&mut fields)?;
        fields.finish()?;
        Ok(value)
    }

    /// Reads a value that has a text, as text.
    #[inline(always)]
    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.read {
            Read::Leaf(Op::String | Op::UuidString) => L::text(visitor, self.input.cursor.string()?),
            _ => self.text_elsewhere(visitor),
        }
    }

    #[inline(never)]
    fn text_elsewhere<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let settled = self.settle()?;
        match settled.read {
            Read::Leaf(Op::String | Op::UuidString) => L::text(visitor, settled.input.cursor.string()?),
            Read::Leaf(op) => {
                let at = settled.input.cursor.offset();
                Scalar::read(settled.input.tables, &mut settled.input.cursor, op)?
                    .visit_text::<L, V>(visitor, at)
            }
            _ => settled.settled_any(visitor),
        }
    }
}

macro_rules! any {
    ($($method:ident)*) => {
        $(
            #[inline(always)]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                self.any(visitor)
            }
        )*
    };
}

/// Numbers of the matching primitive skip the general dispatch.
macro_rules! direct {
    ($($method:ident: $op:pat => $read:ident, $visit:ident;)*) => {
        $(
            #[inline(always)]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                match self.read {
                    Read::Leaf($op) => visitor.$visit(self.input.cursor.$read()?),
                    _ => self.settle()?.settled_any(visitor),
                }
            }
        )*
    };
}

impl<'b, 'de, L: Lend<'b, 'de>> Deserializer<'de> for ValueDeserializer<'_, '_, 'b, L> {
    type Error = DecodeError;

    direct! {
        deserialize_bool: Op::Boolean => boolean, visit_bool;
        deserialize_i32: Op::Int | Op::IntAs(_) => int, visit_i32;
        deserialize_i64: Op::Long | Op::LongAs(_) => long, visit_i64;
        deserialize_f32: Op::Float => float, visit_f32;
        deserialize_f64: Op::Double => double, visit_f64;
    }

    any!(
        deserialize_any deserialize_i8 deserialize_i16 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_i128 deserialize_u128 deserialize_unit deserialize_char deserialize_map
    );

    #[inline(always)]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.text(visitor)
    }

    #[inline(always)]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.text(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let settled = self.settle()?;
        match settled.read {
            Read::Leaf(Op::Decimal(_) | Op::BigDecimal) => L::bytes(visitor, settled.input.cursor.bytes()?),
            Read::Leaf(Op::Fixed(i)) => {
                L::bytes(visitor, settled.input.cursor.take(settled.input.tables.fixed(i).size)?)
            }
            _ => settled.settled_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_bytes(visitor)
    }

    #[inline(always)]
    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        if let Read::Union(i) = self.read {
            let branches = &self.input.tables.union_read(i).branches;
            let index = self.input.cursor.branch(branches.len())?;
            self.read = branches.get(index).copied().unwrap_or(Read::Leaf(Op::Null));
        }
        if let Read::Branch(i) = self.read {
            self.read = self.input.tables.branch_read(i).read;
        }
        match self.read {
            Read::Leaf(Op::Null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.read {
            // a record stands for a unit struct where its content does not matter
            Read::Record(i) => {
                skip(self.input.tables, &mut self.input.cursor, self.input.tables.record_read(i).wire)?;
                visitor.visit_unit()
            }
            _ => self.any(visitor),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if let Some(kind) = Kind::of(name) {
            return self.natural(kind, visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if let Read::Array(_) = self.read {
            return self.array(visitor);
        }
        let settled = self.settle()?;
        match settled.read {
            Read::Leaf(Op::Bytes | Op::Decimal(_) | Op::BigDecimal) => {
                visitor.visit_seq(BytesAccess::new(settled.input.cursor.bytes()?))
            }
            Read::Leaf(Op::Fixed(i)) => {
                let size = settled.input.tables.fixed(i).size;
                visitor.visit_seq(BytesAccess::new(settled.input.cursor.take(size)?))
            }
            _ => settled.settled_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        let settled = self.settle()?;
        if let Read::Leaf(Op::Fixed(i)) = settled.read
            && len == 3
            && settled.input.tables.fixed(i).logical == Some(FixedLogical::Duration)
        {
            return visitor.visit_seq(WordsAccess::new(settled.input.cursor.take(12)?));
        }
        settled.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_tuple(len, visitor)
    }

    #[inline(always)]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.read {
            Read::Record(i) => {
                let record = self.input.tables.record_read(i);
                if record.targets.take_in_order::<V>(&record.steps, names) {
                    self.record_in_order(record, visitor)
                } else {
                    self.record(visitor)
                }
            }
            _ => self.settle()?.settled_any(visitor),
        }
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.read {
            Read::Enum(i) => {
                let symbol = self.symbol(i)?;
                visitor.visit_enum(symbol.into_deserializer())
            }
            _ => self.variant(name, variants, visitor),
        }
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        skip(self.input.tables, &mut self.input.cursor, self.input.tables.wire(self.read))?;
        visitor.visit_unit()
    }
}

impl<'b, 'de, L: Lend<'b, 'de>> ValueDeserializer<'_, '_, 'b, L> {
    /// A Rust enum that is not an Avro enum: text is a unit variant, and the branch of a union names the variant.
    #[inline(never)]
    fn variant<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let mut settled = self.settle()?;
        let type_name = type_of(settled.input.tables, settled.read);
        if let Some(variant) = super::access::variant_for(settled.input.tables, type_name, variants) {
            return visitor.visit_enum(UnionVariant::<L>::new(variant, settled));
        }
        match settled.read {
            Read::Enum(i) => {
                let symbol = settled.symbol(i)?;
                visitor.visit_enum(symbol.into_deserializer())
            }
            Read::Leaf(Op::String) => visitor.visit_enum(settled.input.cursor.string()?.into_deserializer()),
            _ => {
                let found = settled.input.tables.type_name(type_name);
                let message = format!("no variant of enum {name} stands for {found}");
                Err(settled.input.cursor.fault(DecodeErrorKind::Refused { message }))
            }
        }
    }
}

/// The reader's type of a settled read.
pub(super) fn type_of(tables: &Tables, read: Read) -> Op {
    match read {
        Read::Leaf(op) => op,
        Read::Promote(i) => tables.promotion(i).view,
        Read::Enum(i) => Op::Enum(tables.enum_read(i).shape),
        Read::Record(i) => Op::Record(tables.record_read(i).shape),
        Read::Array(i) => Op::Array(i),
        Read::Map(i) => Op::Map(i),
        Read::Union(_) | Read::Branch(_) | Read::Fail(_) => Op::Null,
    }
}
