//! Reading Avro binary straight into serde values.

pub(crate) mod access;
mod deserializer;
mod fields;
mod natural;
pub(crate) mod scalar;
pub(crate) mod walk;

use serde::Deserialize;

pub(crate) use crate::plan::DecodeError;
use crate::plan::Plan;
use crate::plan::cursor::Cursor;
use deserializer::{Borrowed, Input, ValueDeserializer};

impl Plan {
    /// Reads exactly one datum from `bytes`.
    ///
    /// Values come as the reader's schema has them; the table of [`encode`](Self::encode) holds in this direction too, with these
    /// notes. A target that asks for text of a date, time, timestamp, decimal or fixed uuid gets its text, one that asks
    /// for anything else gets the number (date, times, timestamps), the text (decimals, uuid) or the bytes. Bytes and
    /// fixed are also given as sequences of `u8`, and a duration as three `u32`. Text and bytes are borrowed from the
    /// input where the target borrows; text of a reader's default cannot be, except when it is empty.
    ///
    /// A union's value is given bare, as `Option` (null is `None`), or as a Rust enum whose variant has the name of the
    /// branch: a full or simple name, or the word of the type in any case.
    ///
    /// Bytes are checked as [`validate`](Self::validate) does it, fields that the reader does not have included, and
    /// the plan's [`crate::Limits`] hold. Counts are checked before memory is reserved.
    pub fn decode<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8]) -> Result<T, DecodeError> {
        let mut input = self.input(bytes);
        let value = self.decode_from(&mut input)?;
        input.cursor.expect_end()?;
        Ok(value)
    }

    /// Reads one datum from the start of `bytes` and returns it with what follows.
    pub fn decode_prefix<'de, T: Deserialize<'de>>(
        &self,
        bytes: &'de [u8],
    ) -> Result<(T, &'de [u8]), DecodeError> {
        let mut input = self.input(bytes);
        let value = self.decode_from(&mut input)?;
        Ok((value, input.cursor.rest()))
    }

    fn input<'b>(&self, bytes: &'b [u8]) -> Input<'_, 'b> {
        Input { tables: &self.tables, cursor: Cursor::new(bytes, self.limits) }
    }

    fn decode_from<'de, T: Deserialize<'de>>(&self, input: &mut Input<'_, 'de>) -> Result<T, DecodeError> {
        match T::deserialize(ValueDeserializer::<Borrowed>::new(input, self.read)) {
            Ok(value) => Ok(value),
            Err(error) => Err(error.located(input.cursor.offset())),
        }
    }
}
