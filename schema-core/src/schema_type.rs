//! Schema languages.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The language of a schema text; absent in a request means Avro.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum SchemaType {
    /// Apache Avro.
    #[default]
    #[serde(rename = "AVRO")]
    Avro,
}

impl SchemaType {
    /// Every language that works, as `/schemas/types` lists them.
    pub const ALL: [Self; 1] = [Self::Avro];

    /// The spelling of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
        }
    }

    /// Reads a language; case matters.
    pub fn parse(text: &str) -> Result<Self, SchemaTypeError> {
        match text {
            "AVRO" => Ok(Self::Avro),
            "JSON" | "PROTOBUF" => Err(SchemaTypeError::Unbuilt { name: text.to_owned() }),
            _ => Err(SchemaTypeError::Unknown { name: text.to_owned() }),
        }
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A language that cannot be served (42201).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemaTypeError {
    /// A language of the contract that this registry does not speak.
    #[error("Invalid schema type {name}")]
    Unbuilt {
        /// The language.
        name: String,
    },
    /// No language at all.
    #[error("Invalid schema type {name}")]
    Unknown {
        /// The text given.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_case_sensitive() {
        assert_eq!(SchemaType::parse("AVRO"), Ok(SchemaType::Avro));
        assert!(matches!(SchemaType::parse("JSON"), Err(SchemaTypeError::Unbuilt { .. })));
        assert_eq!(SchemaType::parse("avro").unwrap_err().to_string(), "Invalid schema type avro");
    }
}
