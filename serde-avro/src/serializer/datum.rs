//! What can be written and read: serde types, and generic values.

use apache_avro::types::Value;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::deserializer::RawBytes;
use crate::plan::{DecodeError, EncodeError, Plan};

/// A generic value of `apache-avro`, for programs that learn their schemas at run time.
///
/// [`Value`] implements no serde traits, so `Serializer<Generic>` and `Deserializer<Generic>` take it in this wrapper.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = assay_registry_server::testing::Registry::start().await?;
/// # use assay_serde_avro::{CachedClient, RegistryClient};
/// # let registry = CachedClient::new(RegistryClient::new(&server.url())?);
/// use assay_serde_avro::{Deserializer, Generic, Serializer, apache_avro::types::Value};
///
/// let text = r#"{"type":"record","name":"R","fields":[{"name":"id","type":"long"},{"name":"n","type":"int","default":1}]}"#;
/// let serializer = Serializer::<Generic>::builder(&registry).schema(text).build()?;
/// // a field that is left out gets its default
/// let framed = serializer.encode("t", &Generic(Value::Record(vec![("id".into(), Value::Long(7))]))).await?;
/// let Generic(read) = Deserializer::<Generic>::new(&registry).decode(framed.as_message("t")).await?;
/// assert_eq!(read, Value::Record(vec![("id".into(), Value::Long(7)), ("n".into(), Value::Int(1))]));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Generic(pub Value);

impl From<Value> for Generic {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

/// A value that can be written as an Avro datum: every [`Serialize`] type, and [`Generic`]. Not to be implemented elsewhere.
pub trait Datum: private::Write {
    /// Appends the value to `out` as `plan`'s writer schema describes it.
    fn encode_datum(&self, plan: &Plan, out: &mut Vec<u8>) -> Result<(), EncodeError>;
}

/// A value that can be read from an Avro datum: every [`Deserialize`] type, and [`Generic`]. Not to be implemented elsewhere.
pub trait ReadDatum<'de>: Sized + private::Read<'de> {
    /// Reads the value from the start of `bytes`. Bytes after it are an error if `whole`, else they are ignored.
    fn decode_datum(plan: &Plan, bytes: &'de [u8], whole: bool) -> Result<Self, DecodeError>;

    /// Reads top-level `bytes`, which stand in the payload without their length.
    fn decode_raw(plan: &Plan, bytes: &'de [u8]) -> Result<Self, DecodeError>;
}

/// A value that owns everything it was read from.
pub trait OwnedDatum: for<'de> ReadDatum<'de> {}

impl<T: for<'de> ReadDatum<'de>> OwnedDatum for T {}

impl<T: Serialize + ?Sized> Datum for T {
    #[inline]
    fn encode_datum(&self, plan: &Plan, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        plan.encode(self, out)
    }
}

impl Datum for Generic {
    fn encode_datum(&self, plan: &Plan, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        plan.encode_value(&self.0, out)
    }
}

impl<'de, T: Deserialize<'de>> ReadDatum<'de> for T {
    #[inline]
    fn decode_datum(plan: &Plan, bytes: &'de [u8], whole: bool) -> Result<Self, DecodeError> {
        if whole { plan.decode(bytes) } else { plan.decode_prefix(bytes).map(|(value, _)| value) }
    }

    fn decode_raw(_: &Plan, bytes: &'de [u8]) -> Result<Self, DecodeError> {
        T::deserialize(RawBytes(bytes))
    }
}

impl ReadDatum<'_> for Generic {
    fn decode_datum(plan: &Plan, bytes: &[u8], whole: bool) -> Result<Self, DecodeError> {
        if whole {
            return plan.decode_value(bytes).map(Self);
        }
        let (IgnoredAny, rest) = plan.decode_prefix(bytes)?;
        let (datum, _) = bytes.split_at(bytes.len() - rest.len());
        plan.decode_value(datum).map(Self)
    }

    fn decode_raw(plan: &Plan, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut framed = Vec::with_capacity(bytes.len() + 10);
        let mut length = (bytes.len() as u64) << 1;
        while length >= 0x80 {
            framed.push(length.to_le_bytes()[0] | 0x80);
            length >>= 7;
        }
        framed.push(length.to_le_bytes()[0]);
        framed.extend_from_slice(bytes);
        plan.decode_value(&framed).map(Self)
    }
}

mod private {
    use super::{Deserialize, Generic, Serialize};

    pub trait Write {}
    pub trait Read<'de> {}

    impl<T: Serialize + ?Sized> Write for T {}
    impl Write for Generic {}
    impl<'de, T: Deserialize<'de>> Read<'de> for T {}
    impl Read<'_> for Generic {}
}
