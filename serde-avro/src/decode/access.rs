//! serde's access to the parts of values.
#![expect(
    clippy::inline_always,
    reason = "measured: results that stay in registers save a tenth of a decode"
)]

use std::marker::PhantomData;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use crate::plan::cursor::{Block, Cursor};
use crate::plan::program::{CollectionRead, Op, Tables, word};
use crate::plan::{DecodeError, DecodeErrorKind};
use crate::validate::skip;

use super::deserializer::{Input, Lend, ValueDeserializer};

/// The items of an array or a map, block by block.
pub(crate) struct Blocks<'a> {
    pub(crate) shape: &'a CollectionRead,
    block: Block,
    /// Items left of the block; none and no more to come once the block has none.
    left: u64,
}

impl<'a> Blocks<'a> {
    /// Opens the first block.
    #[inline]
    pub(crate) fn new(shape: &'a CollectionRead, cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let mut blocks = Self { shape, block: Block::NONE, left: 0 };
        blocks.open(cursor)?;
        Ok(blocks)
    }

    /// Moves to the next item; false at the end.
    #[inline]
    pub(crate) fn advance(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, DecodeError> {
        if self.left == 0 {
            if self.block.count == 0 {
                return Ok(false);
            }
            cursor.close(&self.block)?;
            self.open(cursor)?;
            if self.left == 0 {
                return Ok(false);
            }
        }
        self.left -= 1;
        Ok(true)
    }

    fn open(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
        cursor.block(self.shape.item_bytes_min, &mut self.block)?;
        self.left = self.block.count;
        cursor.charge_items(&self.block)
    }

    /// Items left in the current block: what can be reserved for.
    fn size_hint(&self) -> Option<usize> {
        usize::try_from(self.left).ok()
    }

    /// Fails if the target stopped before the last item.
    #[inline]
    fn finish(&mut self, cursor: &mut Cursor<'_>, taken: u64) -> Result<(), DecodeError> {
        if self.advance(cursor)? {
            let message = format!("more than the {taken} items that the target takes");
            return Err(cursor.fault(DecodeErrorKind::Refused { message }));
        }
        Ok(())
    }
}

pub(super) struct ItemAccess<'a, 't, 'b, L> {
    input: &'a mut Input<'t, 'b>,
    blocks: Blocks<'t>,
    index: u64,
    lend: PhantomData<L>,
}

impl<'a, 't, 'b, L> ItemAccess<'a, 't, 'b, L> {
    #[inline]
    pub(super) fn new(input: &'a mut Input<'t, 'b>, array: u32) -> Result<Self, DecodeError> {
        let blocks = Blocks::new(input.tables.collection_read(array), &mut input.cursor)?;
        Ok(Self { input, blocks, index: 0, lend: PhantomData })
    }

    #[inline]
    pub(super) fn finish(mut self) -> Result<(), DecodeError> {
        self.blocks.finish(&mut self.input.cursor, self.index)?;
        self.input.cursor.leave();
        Ok(())
    }
}

impl<'b, 'de, L: Lend<'b, 'de>> SeqAccess<'de> for &mut ItemAccess<'_, '_, 'b, L> {
    type Error = DecodeError;

    #[inline(always)]
    fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>, DecodeError> {
        self.next_element_seed(PhantomData)
    }

    #[inline(always)]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        if !self.blocks.advance(&mut self.input.cursor)? {
            return Ok(None);
        }
        let read = self.blocks.shape.item;
        match seed.deserialize(ValueDeserializer::<L>::new(self.input, read)) {
            Ok(value) => {
                self.index += 1;
                Ok(Some(value))
            }
            Err(error) => Err(located(error, &self.input.cursor).in_item(self.index)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.blocks.size_hint()
    }
}

pub(super) struct MapEntries<'a, 't, 'b, L> {
    input: &'a mut Input<'t, 'b>,
    blocks: Blocks<'t>,
    key: &'b str,
    taken: u64,
    lend: PhantomData<L>,
}

impl<'a, 't, 'b, L> MapEntries<'a, 't, 'b, L> {
    #[inline]
    pub(super) fn new(input: &'a mut Input<'t, 'b>, map: u32) -> Result<Self, DecodeError> {
        let blocks = Blocks::new(input.tables.collection_read(map), &mut input.cursor)?;
        Ok(Self { input, blocks, key: "", taken: 0, lend: PhantomData })
    }

    #[inline]
    pub(super) fn finish(mut self) -> Result<(), DecodeError> {
        self.blocks.finish(&mut self.input.cursor, self.taken)?;
        self.input.cursor.leave();
        Ok(())
    }
}

impl<'b, 'de, L: Lend<'b, 'de>> MapAccess<'de> for &mut MapEntries<'_, '_, 'b, L> {
    type Error = DecodeError;

    #[inline(always)]
    fn next_entry<K: Deserialize<'de>, V: Deserialize<'de>>(
        &mut self,
    ) -> Result<Option<(K, V)>, DecodeError> {
        let Some(key) = self.next_key_seed(PhantomData)? else { return Ok(None) };
        Ok(Some((key, self.next_value_seed(PhantomData)?)))
    }

    #[inline(always)]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        if !self.blocks.advance(&mut self.input.cursor)? {
            return Ok(None);
        }
        self.key = self.input.cursor.string()?;
        match seed.deserialize(KeyDeserializer::<L> { text: self.key, lend: PhantomData }) {
            Ok(key) => Ok(Some(key)),
            Err(error) => Err(located(error, &self.input.cursor).in_key(self.key.as_bytes())),
        }
    }

    #[inline(always)]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        let read = self.blocks.shape.item;
        match seed.deserialize(ValueDeserializer::<L>::new(self.input, read)) {
            Ok(value) => {
                self.taken += 1;
                Ok(value)
            }
            Err(error) => Err(located(error, &self.input.cursor).in_key(self.key.as_bytes())),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.blocks.size_hint()
    }
}

/// The key of a map: text, or a number or boolean that the target reads from text.
struct KeyDeserializer<'b, L> {
    text: &'b str,
    lend: PhantomData<L>,
}

macro_rules! parsed {
    ($($method:ident => $visit:ident;)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                match self.text.parse() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => L::text(visitor, self.text),
                }
            }
        )*
    };
}

impl<'b, 'de, L: Lend<'b, 'de>> Deserializer<'de> for KeyDeserializer<'b, L> {
    type Error = DecodeError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        L::text(visitor, self.text)
    }

    parsed! {
        deserialize_bool => visit_bool;
        deserialize_i8 => visit_i8;
        deserialize_i16 => visit_i16;
        deserialize_i32 => visit_i32;
        deserialize_i64 => visit_i64;
        deserialize_i128 => visit_i128;
        deserialize_u8 => visit_u8;
        deserialize_u16 => visit_u16;
        deserialize_u32 => visit_u32;
        deserialize_u64 => visit_u64;
        deserialize_u128 => visit_u128;
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(self.text.into_deserializer())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

#[cold]
#[inline(never)]
fn located(error: DecodeError, cursor: &Cursor<'_>) -> DecodeError {
    error.located(cursor.offset())
}

/// The bytes of bytes or fixed, one by one.
pub(super) struct BytesAccess<'b>(std::slice::Iter<'b, u8>);

impl<'b> BytesAccess<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes.iter())
    }
}

impl<'de> SeqAccess<'de> for BytesAccess<'_> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        self.0.next().map(|byte| seed.deserialize((*byte).into_deserializer())).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// The three numbers of a duration.
pub(super) struct WordsAccess<'b>(std::slice::Iter<'b, [u8; 4]>);

impl<'b> WordsAccess<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes.as_chunks().0.iter())
    }
}

impl<'de> SeqAccess<'de> for WordsAccess<'_> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        self.0.next().map(|word| seed.deserialize(u32::from_le_bytes(*word).into_deserializer())).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// The variant of a Rust enum that stands for a type: by full name, simple name, or the type's word in any case.
pub(super) fn variant_for(tables: &Tables, op: Op, variants: &[&'static str]) -> Option<&'static str> {
    let find = |test: &dyn Fn(&str) -> bool| variants.iter().copied().find(|v| test(v));
    match tables.named(op) {
        Some(name) => find(&|v| *name.full == *v).or_else(|| find(&|v| name.simple() == v)),
        None => find(&|v| v.eq_ignore_ascii_case(word(op))),
    }
}

/// A branch of a union as the variant of a Rust enum.
pub(super) struct UnionVariant<'a, 't, 'b, L> {
    variant: &'static str,
    value: ValueDeserializer<'a, 't, 'b, L>,
}

impl<'a, 't, 'b, L> UnionVariant<'a, 't, 'b, L> {
    pub(super) fn new(variant: &'static str, value: ValueDeserializer<'a, 't, 'b, L>) -> Self {
        Self { variant, value }
    }
}

impl<'b, 'de, L: Lend<'b, 'de>> EnumAccess<'de> for UnionVariant<'_, '_, 'b, L> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), DecodeError> {
        let variant: StrDeserializer<'_, DecodeError> = self.variant.into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'b, 'de, L: Lend<'b, 'de>> VariantAccess<'de> for UnionVariant<'_, '_, 'b, L> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        let ValueDeserializer { input, read, .. } = self.value;
        skip(input.tables, &mut input.cursor, input.tables.wire(read))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DecodeError> {
        seed.deserialize(self.value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.value.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.value.deserialize_struct(self.variant, fields, visitor)
    }
}
