//! References from one schema to types registered under another subject.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A reference as sent and stored. In a request `version` may be -1 (latest); it is resolved before storing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SchemaReference {
    /// The key the reference is known by; for Avro only used to skip one already seen.
    #[serde(default)]
    pub name: String,
    /// The subject that holds the referenced schema; unqualified means the referrer's context.
    #[serde(default)]
    pub subject: String,
    /// Its version.
    #[serde(default)]
    pub version: i32,
}

impl SchemaReference {
    /// The version number that stands for the latest one in a request.
    pub const LATEST: i32 = -1;

    /// Checks that name, subject and version (a number from 1, or -1) are all given.
    pub fn validate(&self) -> Result<(), InvalidReference> {
        let version_given = self.version == Self::LATEST || self.version > 0;
        if self.name.is_empty() || self.subject.is_empty() || !version_given {
            return Err(InvalidReference { reference: self.clone() });
        }
        Ok(())
    }

    /// The list as normalisation leaves it: sorted by name, subject and version, without repetitions.
    pub fn normalized(mut references: Vec<Self>) -> Vec<Self> {
        references.sort();
        references.dedup();
        references
    }
}

impl fmt::Display for SchemaReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{name='{}', subject='{}', version={}}}", self.name, self.subject, self.version)
    }
}

/// A reference that lacks a part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Invalid reference: {reference}")]
pub struct InvalidReference {
    /// The reference as sent.
    pub reference: SchemaReference,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_references_are_named() {
        let reference = SchemaReference { name: "n".into(), subject: String::new(), version: 1 };
        let error = reference.validate().unwrap_err();
        assert_eq!(error.to_string(), "Invalid reference: {name='n', subject='', version=1}");
        let latest = SchemaReference { name: "n".into(), subject: "s".into(), version: -1 };
        assert!(latest.validate().is_ok());
    }
}
