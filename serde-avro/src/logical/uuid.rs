//! `uuid::Uuid`.

use uuid::Uuid;

use super::{Kind, Logical, Raw, not_a};

impl Logical for Uuid {
    const KIND: Kind = Kind::Uuid;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        Ok(Raw::Bytes(self.as_bytes().as_slice().into()))
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        match raw {
            Raw::Bytes(bytes) => Self::from_slice(&bytes).map_err(|e| e.to_string()),
            Raw::Number(_) => Err(not_a(Self::KIND)),
        }
    }
}
