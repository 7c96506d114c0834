//! Keys of maps: text, or numbers and booleans as text.

use serde::ser::{Impossible, Serialize, Serializer};

use crate::plan::EncodeError;

use super::collection::Members;

pub(crate) struct KeySerializer<'m, 's, 'p> {
    pub(crate) members: &'m mut Members<'s, 'p>,
}

type No = Impossible<(), EncodeError>;

fn refused() -> EncodeError {
    EncodeError::mismatch("map key", "a value that is not text")
}

macro_rules! as_text {
    ($($method:ident($type:ty)),*) => {
        $(
            fn $method(self, value: $type) -> Result<(), EncodeError> {
                self.members.key(&value.to_string())
            }
        )*
    };
}

impl Serializer for KeySerializer<'_, '_, '_> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = No;
    type SerializeStructVariant = No;

    as_text!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128),
        serialize_char(char)
    );

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), EncodeError> {
        self.members.key(text)
    }

    fn serialize_f32(self, _: f32) -> Result<(), EncodeError> {
        Err(refused())
    }

    fn serialize_f64(self, _: f64) -> Result<(), EncodeError> {
        Err(refused())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), EncodeError> {
        Err(refused())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        Err(refused())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        Err(refused())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        Err(refused())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.members.key(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), EncodeError> {
        Err(refused())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<No, EncodeError> {
        Err(refused())
    }

    fn serialize_tuple(self, _: usize) -> Result<No, EncodeError> {
        Err(refused())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<No, EncodeError> {
        Err(refused())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<No, EncodeError> {
        Err(refused())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<No, EncodeError> {
        Err(refused())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<No, EncodeError> {
        Err(refused())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<No, EncodeError> {
        Err(refused())
    }
}
