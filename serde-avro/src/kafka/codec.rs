//! How one part of a record becomes bytes, and back: with a schema, or as it is.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::deserializer::Deserializer;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::properties::ConfigError;
use crate::serializer::{Datum, OwnedDatum, Serializer};
use crate::wire::{Message, Part, SchemaHeader};

/// Writes keys, or values.
pub enum Encoder<T: ?Sized> {
    /// As an Avro datum, framed.
    Avro(Serializer<T>),
    /// The bytes that this gives, as Java's `StringSerializer` and `ByteArraySerializer` send them.
    Plain(fn(&T) -> &[u8]),
}

impl<T: AsRef<[u8]> + ?Sized> Encoder<T> {
    /// Text as UTF-8, and bytes as they are.
    pub fn plain() -> Self {
        Self::Plain(|value| value.as_ref())
    }
}

impl<T: ?Sized> From<Serializer<T>> for Encoder<T> {
    fn from(serializer: Serializer<T>) -> Self {
        Self::Avro(serializer)
    }
}

impl<T: ?Sized> Clone for Encoder<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Avro(serializer) => Self::Avro(serializer.clone()),
            Self::Plain(bytes) => Self::Plain(*bytes),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Encoder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Avro(serializer) => serializer.fmt(f),
            Self::Plain(_) => f.write_str("Plain"),
        }
    }
}

impl<T: ?Sized> Encoder<T> {
    /// A serializer made for keys writes no values, and the other way round: its subjects and headers would be wrong.
    pub(super) fn check_part(&self, part: Part) -> Result<(), ConfigError> {
        match self {
            Self::Avro(serializer) if serializer.settings().part != part => {
                Err(ConfigError::WrongPart { wanted: part })
            }
            Self::Avro(_) | Self::Plain(_) => Ok(()),
        }
    }

    /// Finds the schema for a topic ahead of time.
    pub(super) async fn prepare(&self, topic: &str) -> Result<(), Error> {
        match self {
            Self::Avro(serializer) => serializer.prepare(topic).await.map(drop),
            Self::Plain(_) => Ok(()),
        }
    }
}

impl<T: Datum + ?Sized> Encoder<T> {
    pub(super) async fn encode<'a>(
        &self,
        topic: &str,
        value: &'a T,
    ) -> Result<(Cow<'a, [u8]>, Option<SchemaHeader>), Error> {
        match self {
            Self::Avro(serializer) => {
                let framed = serializer.encode(topic, value).await?;
                Ok((Cow::Owned(framed.payload), framed.header))
            }
            Self::Plain(bytes) => Ok((Cow::Borrowed(bytes(value)), None)),
        }
    }
}

/// Reads keys, or values.
pub enum Decoder<T> {
    /// From a framed Avro datum.
    Avro(Deserializer<T>),
    /// From bytes, by a function that gives nothing for bytes it cannot read.
    Plain(fn(&[u8]) -> Option<T>),
}

impl Decoder<String> {
    /// UTF-8 text.
    pub fn text() -> Self {
        Self::Plain(|bytes| std::str::from_utf8(bytes).ok().map(str::to_owned))
    }
}

impl Decoder<Vec<u8>> {
    /// The bytes as they are.
    pub fn bytes() -> Self {
        Self::Plain(|bytes| Some(bytes.to_vec()))
    }
}

impl Decoder<()> {
    /// Passes over the part, whatever is in it.
    pub fn ignored() -> Self {
        Self::Plain(|_| Some(()))
    }
}

impl<T> From<Deserializer<T>> for Decoder<T> {
    fn from(deserializer: Deserializer<T>) -> Self {
        Self::Avro(deserializer)
    }
}

impl<T> Clone for Decoder<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Avro(deserializer) => Self::Avro(deserializer.clone()),
            Self::Plain(read) => Self::Plain(*read),
        }
    }
}

impl<T> fmt::Debug for Decoder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Avro(deserializer) => deserializer.fmt(f),
            Self::Plain(_) => f.write_str("Plain"),
        }
    }
}

impl<T> Decoder<T> {
    pub(super) fn check_part(&self, part: Part) -> Result<(), ConfigError> {
        match self {
            Self::Avro(deserializer) if deserializer.settings().part != part => {
                Err(ConfigError::WrongPart { wanted: part })
            }
            Self::Avro(_) | Self::Plain(_) => Ok(()),
        }
    }
}

impl<T> Decoder<T> {
    /// Who is told of dead letters.
    pub(super) fn metrics(&self) -> Option<&Arc<dyn Metrics>> {
        match self {
            Self::Avro(deserializer) => deserializer.metrics(),
            Self::Plain(_) => None,
        }
    }
}

impl<T: OwnedDatum> Decoder<T> {
    pub(super) async fn decode(&self, message: Message<'_>, part: Part) -> Result<T, Error> {
        match self {
            Self::Avro(deserializer) => deserializer.decode(message).await,
            Self::Plain(read) => read(message.payload())
                .ok_or_else(|| Error::NotReadable { part, len: message.payload().len() }),
        }
    }
}
