//! Top-level `bytes`, which stand in a payload without their length.

use serde::de::value::SeqDeserializer;
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::plan::DecodeError;

/// Hands a payload to serde as bytes, as a sequence of `u8`, or as text, whichever the target asks for.
pub(crate) struct RawBytes<'de>(pub(crate) &'de [u8]);

impl<'de> Deserializer<'de> for RawBytes<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_bytes(self.0)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(SeqDeserializer::new(self.0.iter().copied()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match std::str::from_utf8(self.0) {
            Ok(text) => visitor.visit_borrowed_str(text),
            Err(_) => visitor.visit_borrowed_bytes(self.0),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
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

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple_struct
        map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, DecodeError> for RawBytes<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn the_target_decides_the_form() {
        let bytes = b"ab";
        assert_eq!(Vec::<u8>::deserialize(RawBytes(bytes)).unwrap(), b"ab");
        assert_eq!(<&[u8]>::deserialize(RawBytes(bytes)).unwrap(), b"ab");
        assert_eq!(<&str>::deserialize(RawBytes(bytes)).unwrap(), "ab");
        assert_eq!(Option::<String>::deserialize(RawBytes(bytes)).unwrap().as_deref(), Some("ab"));
        assert_eq!(<[u8; 2]>::deserialize(RawBytes(bytes)).unwrap(), *b"ab");
        assert!(String::deserialize(RawBytes(&[0xFF])).is_err());
        assert!(i64::deserialize(RawBytes(bytes)).is_err());
    }
}
