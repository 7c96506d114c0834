//! Numbers that name things: schema ids and version numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// The id of a schema within one context: zero or more, as written in the five-byte frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SchemaId(i32);

impl SchemaId {
    /// The id `value`, or `None` when it is negative.
    pub const fn new(value: i32) -> Option<Self> {
        if value < 0 { None } else { Some(Self(value)) }
    }

    /// The number.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SchemaId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().and_then(Self::new).ok_or_else(|| ParseIdError { text: text.to_owned() })
    }
}

impl<'de> Deserialize<'de> for SchemaId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = i32::deserialize(deserializer)?;
        Self::new(value).ok_or_else(|| serde::de::Error::custom("a schema id is not negative"))
    }
}

/// A text that is not a schema id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{text}' is not a schema id")]
pub struct ParseIdError {
    /// The refused text.
    pub text: String,
}

/// The number of a version within its subject: 1 to 2^31-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Version(i32);

impl Version {
    /// The first version of a subject.
    pub const FIRST: Self = Self(1);

    /// The version `value`, or `None` when it is below 1.
    pub const fn new(value: i32) -> Option<Self> {
        if value < 1 { None } else { Some(Self(value)) }
    }

    /// The number.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The following version, or `None` after 2^31-1.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = i32::deserialize(deserializer)?;
        Self::new(value).ok_or_else(|| serde::de::Error::custom("a version is at least 1"))
    }
}

/// A version as a path segment names it: a number, or the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionRef {
    /// Exactly this version.
    Number(Version),
    /// The highest live version: `latest` in any case, or `-1`.
    Latest,
}

impl VersionRef {
    /// Reads a path segment; everything outside `1..=2^31-1`, `-1` and `latest` is refused (42202).
    pub fn parse(text: &str) -> Result<Self, ParseVersionError> {
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("latest") {
            return Ok(Self::Latest);
        }
        match trimmed.parse::<i32>() {
            Ok(-1) => Some(Self::Latest),
            Ok(number) => Version::new(number).map(Self::Number),
            Err(_) => None,
        }
        .ok_or_else(|| ParseVersionError { text: text.to_owned() })
    }
}

impl FromStr for VersionRef {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(version) => version.fmt(f),
            Self::Latest => f.write_str("latest"),
        }
    }
}

/// A text that names no version: the message of error 42202.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "The specified version '{text}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""
)]
pub struct ParseVersionError {
    /// The refused text.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_references_follow_the_contract() {
        let number = |n| VersionRef::Number(Version::new(n).unwrap());
        for (text, expected) in [
            ("1", Some(number(1))),
            (" 7 ", Some(number(7))),
            ("2147483647", Some(number(i32::MAX))),
            ("-1", Some(VersionRef::Latest)),
            ("LaTest", Some(VersionRef::Latest)),
            ("0", None),
            ("-2", None),
            ("2147483648", None),
            ("one", None),
            ("", None),
        ] {
            assert_eq!(VersionRef::parse(text).ok(), expected, "{text}");
        }
        let message = VersionRef::parse("0").unwrap_err().to_string();
        assert!(message.starts_with("The specified version '0' is not a valid version id."));
    }

    #[test]
    fn ids_are_not_negative() {
        assert_eq!("12".parse::<SchemaId>().unwrap().get(), 12);
        assert!("-1".parse::<SchemaId>().is_err());
        assert!(serde_json::from_str::<SchemaId>("-1").is_err());
        assert_eq!(serde_json::to_string(&SchemaId::new(5)).unwrap(), "5");
        assert!(Version::new(i32::MAX).unwrap().next().is_none());
    }
}
