//! Fields of natural Rust types for Avro's logical types.
//!
//! ```
//! # #[cfg(feature = "chrono")] {
//! # use assay_serde_avro::{Plan, schema::avro::{ParseMode, Schema}};
//! use chrono::{DateTime, Utc};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Order {
//!     #[serde(with = "assay_serde_avro::logical")]
//!     placed: DateTime<Utc>,
//!     #[serde(with = "assay_serde_avro::logical::option")]
//!     shipped: Option<DateTime<Utc>>,
//! }
//! # let schema = Schema::parse(r#"{"type":"record","name":"Order","fields":[
//! #     {"name":"placed","type":{"type":"long","logicalType":"timestamp-millis"}},
//! #     {"name":"shipped","type":["null",{"type":"long","logicalType":"timestamp-micros"}]}]}"#, ParseMode::Strict).unwrap();
//! # let plan = Plan::compile(&schema).unwrap();
//! # let order = Order { placed: DateTime::from_timestamp_millis(1500).unwrap(), shipped: None };
//! # assert_eq!(plan.encode_to_vec(&order).unwrap(), [0xb8, 0x17, 0]);
//! # assert_eq!(plan.decode::<Order>(&[0xb8, 0x17, 0]).unwrap().placed, order.placed);
//! # }
//! ```
//!
//! The unit comes from the schema, no text is made, and a schema with another type at that place is an error that says so.
//! With other formats such as JSON these functions do what the type's own serde implementation does.
//!
//! | logical type | feature `chrono` | feature `jiff` | others |
//! |---|---|---|---|
//! | date | `NaiveDate` | `civil::Date` | |
//! | time-millis, time-micros | `NaiveTime` | `civil::Time` | |
//! | timestamp-millis, -micros, -nanos | `DateTime<Utc>` | `Timestamp` | |
//! | local-timestamp-millis, -micros, -nanos | `NaiveDateTime` | `civil::DateTime` | |
//! | decimal on bytes or fixed, big-decimal | | | `rust_decimal::Decimal`, `bigdecimal::BigDecimal` |
//! | uuid on string or fixed | | | `uuid::Uuid` |
//!
//! Digits of a time finer than the schema's unit are cut, towards the past. A decimal is brought to the schema's scale; where
//! that would cut digits, or the precision does not suffice, writing is an error.
//!
//! Without these functions the same types work by way of their texts, in any field that asks for text, and then also where
//! the schema has a plain string.

#[cfg(feature = "bigdecimal")]
mod bigdecimal;
#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "rust_decimal")]
mod rust_decimal;
#[cfg(feature = "uuid")]
mod uuid;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A family of logical types that one Rust type can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A calendar day: [`Raw::Number`] of days since 1970-01-01.
    Date,
    /// A time of the day: [`Raw::Number`] of nanoseconds since midnight.
    Time,
    /// An instant: [`Raw::Number`] of nanoseconds since 1970-01-01 UTC.
    Timestamp,
    /// A date and time of some clock: [`Raw::Number`] of nanoseconds since 1970-01-01 of that clock.
    LocalTimestamp,
    /// [`Raw::Bytes`]: 16, the first is the first of the text.
    Uuid,
    /// [`Raw::Bytes`]: the scale as a little-endian `i32`, then the unscaled value in two's complement, big-endian.
    Decimal,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::LocalTimestamp => "local timestamp",
            Self::Uuid => "uuid",
            Self::Decimal => "decimal",
        }
    }

    /// What this crate's serializer and deserializer know the kind by; every other format passes over it.
    fn token(self) -> &'static str {
        match self {
            Self::Date => "$avro::date",
            Self::Time => "$avro::time",
            Self::Timestamp => "$avro::timestamp",
            Self::LocalTimestamp => "$avro::local-timestamp",
            Self::Uuid => "$avro::uuid",
            Self::Decimal => "$avro::decimal",
        }
    }

    /// The kind that the name of a newtype struct stands for.
    #[inline]
    pub(crate) fn of(name: &'static str) -> Option<Self> {
        if !name.starts_with('$') {
            return None;
        }
        let all = [Self::Date, Self::Time, Self::Timestamp, Self::LocalTimestamp, Self::Uuid, Self::Decimal];
        all.into_iter().find(|kind| kind.token() == name)
    }
}

/// A value between a Rust type and the wire; see [`Kind`] for what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw<'a> {
    /// Of dates and times.
    Number(i128),
    /// Of uuids and decimals.
    Bytes(Cow<'a, [u8]>),
}

/// A Rust type that stands for a family of logical types. Implement it for a type of your own to use it with
/// [`serialize`] and [`deserialize`].
pub trait Logical: Serialize + DeserializeOwned {
    /// Which family.
    const KIND: Kind;

    /// The value on its way to the wire; the error says why it has none.
    fn to_raw(&self) -> Result<Raw<'_>, String>;

    /// The value that came from the wire; the error says why it is not one of this type.
    fn from_raw(raw: Raw<'_>) -> Result<Self, String>;
}

/// Writes a field: the first half of `#[serde(with = "assay_serde_avro::logical")]`.
pub fn serialize<T: Logical, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(T::KIND.token(), &Outgoing(value))
}

/// Reads a field: the second half of `#[serde(with = "assay_serde_avro::logical")]`.
pub fn deserialize<'de, T: Logical, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_newtype_struct(T::KIND.token(), Incoming(PhantomData))
}

/// The same for fields that are `Option`s: `#[serde(with = "assay_serde_avro::logical::option")]`.
pub mod option {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Logical, Owned, Referred};

    /// Writes an optional field.
    pub fn serialize<T: Logical, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_some(&Referred(value)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads an optional field.
    pub fn deserialize<'de, T: Logical, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(Option::<Owned<T>>::deserialize(deserializer)?.map(|owned| owned.0))
    }
}

struct Referred<'a, T>(&'a T);

impl<T: Logical> Serialize for Referred<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, serializer)
    }
}

struct Owned<T>(T);

impl<'de, T: Logical> Deserialize<'de> for Owned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}

/// A value inside its token: raw for formats that are not text, this crate's serializer among them, the type's own form
/// for the others.
struct Outgoing<'a, T>(&'a T);

impl<T: Logical> Serialize for Outgoing<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.0.serialize(serializer);
        }
        match self.0.to_raw().map_err(serde::ser::Error::custom)? {
            Raw::Number(number) => serializer.serialize_i128(number),
            Raw::Bytes(bytes) => serializer.serialize_bytes(&bytes),
        }
    }
}

struct Incoming<T>(PhantomData<T>);

impl<'de, T: Logical> Visitor<'de> for Incoming<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", T::KIND.name())
    }

    fn visit_i128<E: serde::de::Error>(self, number: i128) -> Result<T, E> {
        T::from_raw(Raw::Number(number)).map_err(E::custom)
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<T, E> {
        T::from_raw(Raw::Bytes(bytes.into())).map_err(E::custom)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        if deserializer.is_human_readable() {
            return T::deserialize(deserializer);
        }
        match T::KIND {
            Kind::Uuid | Kind::Decimal => deserializer.deserialize_byte_buf(self),
            _ => deserializer.deserialize_i128(self),
        }
    }
}

/// What a type says about a raw value of another kind.
#[cfg(any(
    feature = "bigdecimal",
    feature = "chrono",
    feature = "jiff",
    feature = "rust_decimal",
    feature = "uuid"
))]
pub(crate) fn not_a(kind: Kind) -> String {
    format!("not a {}", kind.name())
}

#[cfg(any(feature = "chrono", feature = "jiff"))]
const NANOS_PER_SECOND: i128 = 1_000_000_000;
#[cfg(any(feature = "chrono", feature = "jiff"))]
const NANOS_PER_DAY: i128 = 86_400 * NANOS_PER_SECOND;

/// The scale and the unscaled bytes of a decimal.
#[cfg(any(feature = "bigdecimal", feature = "rust_decimal"))]
fn decimal_parts<'a>(raw: &'a Raw<'_>) -> Option<(i32, &'a [u8])> {
    match raw {
        Raw::Bytes(bytes) => {
            let (scale, unscaled) = bytes.split_first_chunk()?;
            Some((i32::from_le_bytes(*scale), unscaled))
        }
        Raw::Number(_) => None,
    }
}

#[cfg(any(feature = "bigdecimal", feature = "rust_decimal"))]
fn decimal_raw(scale: i32, unscaled: &[u8]) -> Raw<'static> {
    let mut bytes = scale.to_le_bytes().to_vec();
    bytes.extend_from_slice(unscaled);
    Raw::Bytes(bytes.into())
}
