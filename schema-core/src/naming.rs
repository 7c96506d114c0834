//! Subject naming: from a topic, the part of the record, and the schema's name to a subject.

use std::str::FromStr;

use thiserror::Error;

/// Which half of a record a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordPart {
    /// The key.
    Key,
    /// The value.
    Value,
}

impl RecordPart {
    /// `key` or `value`, as subjects and configuration spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }
}

/// How the subject of a record's schema is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SubjectNameStrategy {
    /// `<topic>-key` or `<topic>-value`.
    #[default]
    TopicName,
    /// The record's full name.
    RecordName,
    /// `<topic>-<record's full name>`.
    TopicRecordName,
}

impl SubjectNameStrategy {
    /// Every strategy.
    pub const ALL: [Self; 3] = [Self::TopicName, Self::RecordName, Self::TopicRecordName];

    /// The class name the Java clients configure.
    pub const fn class_name(self) -> &'static str {
        match self {
            Self::TopicName => "io.confluent.kafka.serializers.subject.TopicNameStrategy",
            Self::RecordName => "io.confluent.kafka.serializers.subject.RecordNameStrategy",
            Self::TopicRecordName => "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
        }
    }

    /// The short name: `topic`, `record` or `topic_record`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TopicName => "topic",
            Self::RecordName => "record",
            Self::TopicRecordName => "topic_record",
        }
    }

    /// Reads a short name in any case (`-` for `_` is fine), or a Java class name with or without its package.
    pub fn parse(text: &str) -> Result<Self, NamingError> {
        let short = text.trim().replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|strategy| {
                let class = strategy.class_name();
                strategy.as_str().eq_ignore_ascii_case(&short)
                    || class == text.trim()
                    || class.rsplit('.').next() == Some(text.trim())
            })
            .ok_or_else(|| NamingError::UnknownStrategy { text: text.to_owned() })
    }

    /// The subject of a record half. `record_name` is the schema's full name when its root is a record.
    pub fn subject(
        self,
        topic: &str,
        part: RecordPart,
        record_name: Option<&str>,
    ) -> Result<String, NamingError> {
        match (self, record_name) {
            (Self::TopicName, _) => Ok(format!("{topic}-{}", part.as_str())),
            (Self::RecordName, Some(name)) => Ok(name.to_owned()),
            (Self::TopicRecordName, Some(name)) => Ok(format!("{topic}-{name}")),
            (Self::RecordName | Self::TopicRecordName, None) => {
                Err(NamingError::NotARecord { strategy: self, part: part.as_str() })
            }
        }
    }
}

impl FromStr for SubjectNameStrategy {
    type Err = NamingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why no subject can be named.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NamingError {
    /// Not a strategy.
    #[error("'{text}' is not a subject name strategy")]
    UnknownStrategy {
        /// The refused text.
        text: String,
    },
    /// The strategy needs a record's name and the schema's root is something else.
    #[error(
        "In configuration {part}.subject.name.strategy = {}, the message {part} must only be a record schema",
        strategy.class_name()
    )]
    NotARecord {
        /// The strategy asked for.
        strategy: SubjectNameStrategy,
        /// `key` or `value`.
        part: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_name_subjects() {
        use SubjectNameStrategy as S;
        for (strategy, part, record, subject) in [
            (S::TopicName, RecordPart::Key, None, Some("t-key")),
            (S::TopicName, RecordPart::Value, Some("a.R"), Some("t-value")),
            (S::RecordName, RecordPart::Value, Some("a.R"), Some("a.R")),
            (S::TopicRecordName, RecordPart::Value, Some("a.R"), Some("t-a.R")),
            (S::RecordName, RecordPart::Value, None, None),
        ] {
            assert_eq!(strategy.subject("t", part, record).ok().as_deref(), subject);
        }
        for strategy in S::ALL {
            assert_eq!(S::parse(strategy.class_name()), Ok(strategy));
            assert_eq!(S::parse(&strategy.as_str().to_uppercase()), Ok(strategy));
        }
        assert_eq!(S::parse("TopicRecordNameStrategy"), Ok(S::TopicRecordName));
        assert!(S::parse("associated").is_err());
    }
}
