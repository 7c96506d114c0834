//! Content identity: the MD5 that decides whether two registrations are the same schema.

use std::fmt;
use std::str::FromStr;

use md5::{Digest, Md5};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::{Metadata, RuleSet, SchemaReference};

/// Sixteen bytes that name a schema's content in every context and registry; printed like a UUID, without version bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid([u8; 16]);

impl Guid {
    /// The GUID of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads UUID text (8-4-4-4-12) or 32 hexadecimal digits, in any case.
    pub fn parse(text: &str) -> Result<Self, ParseGuidError> {
        let refused = || ParseGuidError { text: text.to_owned() };
        let bytes = text.as_bytes();
        let dashed = bytes.len() == 36;
        if !dashed && bytes.len() != 32 {
            return Err(refused());
        }
        let mut digits = 0_usize;
        let mut value = 0_u128;
        for (position, &byte) in bytes.iter().enumerate() {
            if dashed && matches!(position, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(refused());
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or_else(refused)?;
            value = (value << 4) | u128::from(digit);
            digits += 1;
        }
        if digits == 32 { Ok(Self(value.to_be_bytes())) } else { Err(refused()) }
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Guid {
    type Err = ParseGuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A text that is not a GUID.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{text}' is not a guid")]
pub struct ParseGuidError {
    /// The refused text.
    pub text: String,
}

/// The identity of a schema: MD5 over canonical text, references in order, metadata and rules.
///
/// References carry resolved version numbers. Absent and empty metadata (or rules) differ. Type and subject take no part.
pub fn content_guid(
    canonical: &str,
    references: &[SchemaReference],
    metadata: Option<&Metadata>,
    rule_set: Option<&RuleSet>,
) -> Guid {
    let mut hash = Md5::new();
    hash.update(canonical);
    for reference in references {
        hash.update(&reference.name);
        hash.update(&reference.subject);
        hash.update(reference.version.to_be_bytes());
    }
    if let Some(metadata) = metadata {
        hash.update([1]);
        metadata.for_each_part(|part| hash.update(part));
    }
    if let Some(rule_set) = rule_set {
        hash.update([1]);
        rule_set.for_each_part(|part| hash.update(part));
    }
    Guid(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"type":"record","name":"R","fields":[{"name":"f","type":"string"}]}"#;

    #[test]
    fn content_guids_equal_the_reference_rows() {
        let mut owner = Metadata::default();
        owner.properties.insert("owner".into(), "a".into());
        let empty = Metadata::default();
        let reference = SchemaReference { name: "com.x.N".into(), subject: "n-value".into(), version: 1 };
        for (canonical, references, metadata, expected) in [
            ("\"string\"", vec![], None, "095d71cf-1255-6b9d-5e33-0ad575b3df5d"),
            ("\"string\"", vec![], Some(&owner), "46046676-4614-6889-dc22-1086e51ccc4f"),
            ("\"string\"", vec![], Some(&empty), "cecc02e2-232b-87f1-1b0c-aa0e70dbb74d"),
            (RECORD, vec![], None, "cdb6ff1b-d7cb-db54-8c8f-3f17d4742ece"),
            (RECORD, vec![reference], None, "c86c409b-220e-a42d-e8fb-ebcf78ae2af2"),
        ] {
            let guid = content_guid(canonical, &references, metadata, None);
            assert_eq!(guid.to_string(), expected);
            assert_eq!(Guid::parse(expected), Ok(guid));
            assert_eq!(Guid::parse(&expected.replace('-', "").to_uppercase()), Ok(guid));
        }
    }

    #[test]
    fn malformed_guids_are_refused() {
        for text in
            ["", "095d71cf", "095d71cf-1255-6b9d-5e33-0ad575b3df5g", "095d71cf+1255-6b9d-5e33-0ad575b3df5d"]
        {
            assert!(Guid::parse(text).is_err(), "{text}");
        }
    }
}
