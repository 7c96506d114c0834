//! Writing serde values straight to Avro binary.

mod collection;
mod key;
mod natural;
pub(crate) mod record;
pub(crate) mod scalar;
mod serializer;
pub(crate) mod sink;
pub(crate) mod union;
pub(crate) mod wire;

use serde::Serialize;

pub(crate) use crate::plan::EncodeError;
use crate::plan::Plan;
use serializer::ValueSerializer;
use sink::Sink;

impl Plan {
    /// Appends `value` to `out` as a datum of the writer's schema.
    ///
    /// | schema | serde values |
    /// | --- | --- |
    /// | `null` | `()`, `None`, unit structs |
    /// | `int`, `long` | every integer type, checked for range |
    /// | `float`, `double` | floats and integers that the type holds without loss |
    /// | `string` | text, `char`, unit variants |
    /// | `bytes` | bytes, sequences of `u8` |
    /// | `fixed` | bytes, sequences and arrays of `u8`, of exactly its size |
    /// | `enum` | text or a unit variant that is one of the symbols |
    /// | `array` | sequences and tuples |
    /// | `map` | maps with text or number keys, structs |
    /// | `record` | structs and maps; missing fields come from their defaults, unknown ones are errors |
    /// | decimal | text such as `-12.30`, integers, or the unscaled bytes |
    /// | big-decimal | text, or the content as bytes |
    /// | uuid | its text; 16 bytes |
    /// | date, times, timestamps | their numbers, or ISO 8601 text (digits finer than the unit are cut) |
    /// | duration | three `u32` (months, days, milliseconds), or the 12 bytes |
    /// | union | see below |
    ///
    /// A union takes the branch of exactly the value's type, then one of a wider type, then a named one. Structs and unit
    /// variants are matched with the full name, then the simple name of a branch, then with the only branch that could
    /// take them. The variant of a Rust enum with content selects the branch of its name (a type's full or simple name, or
    /// `Int`, `String` and so on in any case); where no branch has that name, the content selects. `None` is null. A value
    /// that several branches take equally well is an error, and a branch's index is always written.
    ///
    /// Allocates nothing but what `out` needs to grow, for structs whose fields come in the schema's order; fields in
    /// another order are put in order in a buffer that the thread keeps. On error `out` is as it was. If `value`
    /// panics, `out` is empty.
    pub fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let mut sink = Sink::new(self, std::mem::take(out));
        let result = value.serialize(ValueSerializer { sink: &mut sink, op: self.wire });
        *out = sink.finish();
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// [`encode`](Self::encode) into a new buffer.
    pub fn encode_to_vec<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        self.encode(value, &mut out).map(|()| out)
    }
}
