//! Registry modes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// What a subject, context or registry lets its users write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Reads and writes. The default.
    ReadWrite,
    /// Reads only.
    ReadOnly,
    /// Deprecated spelling of [`Mode::ReadOnly`].
    ReadOnlyOverride,
    /// Schemas come with the id they had elsewhere; no compatibility check.
    Import,
    /// As [`Mode::Import`], settable only for all contexts.
    Forward,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 5] =
        [Self::ReadWrite, Self::ReadOnly, Self::ReadOnlyOverride, Self::Import, Self::Forward];

    /// The spelling of the contract, upper case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadWrite => "READWRITE",
            Self::ReadOnly => "READONLY",
            Self::ReadOnlyOverride => "READONLY_OVERRIDE",
            Self::Import => "IMPORT",
            Self::Forward => "FORWARD",
        }
    }

    /// Reads a mode in any case.
    pub fn parse(text: &str) -> Result<Self, ParseModeError> {
        Self::ALL.into_iter().find(|mode| mode.as_str().eq_ignore_ascii_case(text)).ok_or(ParseModeError)
    }

    /// Whether nothing may be written.
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly | Self::ReadOnlyOverride)
    }

    /// Whether schemas come with their ids and are taken as they are.
    pub const fn is_import_or_forward(self) -> bool {
        matches!(self, Self::Import | Self::Forward)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = ParseModeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A text that is no mode: the message of error 42204.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.")]
pub struct ParseModeError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_round_trip() {
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.as_str()), Ok(mode));
            assert_eq!(serde_json::from_value::<Mode>(mode.as_str().into()).unwrap(), mode);
        }
        assert_eq!(Mode::parse("WRITE"), Err(ParseModeError));
    }
}
