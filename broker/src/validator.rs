//! What a broker asks of whoever knows the schemas, in two phases.
//!
//! [`RecordValidator::prepare`] is async and deadline-bounded and runs outside the partition's lock, for the batches of one
//! connection in arrival order: afterwards every schema the batch names is known, or known not to exist.
//! [`RecordValidator::check`] then judges each record without waiting. The broker owns the trait; whoever composes it with
//! a registry implements it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::connection::Principal;
pub use crate::record_batch::Headers;
use crate::topics::config::TopicConfig;
pub use crate::topics::config::{SubjectStrategy, ValidationLevel};

/// How a schema is named by a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SchemaKey {
    /// The number in a five-byte prefix.
    Id(i32),
    /// The identifier in a record header.
    Guid([u8; 16]),
}

/// Which half of a record a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordSide {
    /// The key.
    Key,
    /// The value.
    Value,
}

impl RecordSide {
    /// `key` or `value`, as in subject names and configuration keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }

    /// The record header that names this side's schema by identifier.
    pub fn schema_header(self) -> &'static str {
        match self {
            Self::Key => "__key_schema_id",
            Self::Value => "__value_schema_id",
        }
    }
}

/// The rules for one half of a topic's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SideRules {
    /// How far to look.
    pub level: ValidationLevel,
    /// How the subject is named.
    pub strategy: SubjectStrategy,
}

/// The validation part of a topic's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidationRules {
    /// For keys.
    pub key: SideRules,
    /// For values.
    pub value: SideRules,
}

impl ValidationRules {
    /// The rules in a topic's configuration: `confluent.{key,value}.schema.validation` turns validation on,
    /// `confluent.{key,value}.subject.name.strategy` names the strategy, and `assay.{key,value}.schema.validation.level`
    /// narrows the check.
    pub fn from_config(config: &TopicConfig) -> Self {
        let side = |on, level, strategy| SideRules {
            level: if on { level } else { ValidationLevel::Off },
            strategy,
        };
        Self {
            key: side(config.key_validation, config.key_validation_level, config.key_subject_strategy),
            value: side(
                config.value_validation,
                config.value_validation_level,
                config.value_subject_strategy,
            ),
        }
    }

    /// The rules for one half.
    pub fn side(&self, side: RecordSide) -> SideRules {
        match side {
            RecordSide::Key => self.key,
            RecordSide::Value => self.value,
        }
    }

    /// Whether records have to be looked at.
    pub fn is_on(&self) -> bool {
        self.key.level > ValidationLevel::Off || self.value.level > ValidationLevel::Off
    }
}

/// What is known about the batch whose records are checked.
#[derive(Debug, Clone)]
pub struct ValidationContext {
    /// Identifier of the topic.
    pub topic_id: Uuid,
    /// Name of the topic.
    pub topic: Arc<str>,
    /// The topic's validation rules.
    pub rules: ValidationRules,
    /// Who produces.
    pub principal: Principal,
    /// The name the client gave itself.
    pub client_id: Arc<str>,
    /// Registry context that ids and subjects belong to; `.` is the default.
    pub schema_context: Arc<str>,
    /// How long `prepare` may take at most.
    pub prepare_timeout: Duration,
}

/// One record, borrowed from its batch.
#[derive(Debug, Clone)]
pub struct RecordView<'a> {
    /// Position in the batch, from 0.
    pub index: usize,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, walked lazily; names may repeat.
    pub headers: Headers<'a>,
}

/// The verdict on one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Store it.
    Accept,
    /// Refuse the batch; the text names what is wrong and ends up in the producer's error.
    Reject(String),
    /// Refuse the batch for now: the verdict needs something that is away.
    Retriable(String),
    /// Keep the record out of the topic and set it aside.
    Divert(String),
}

/// Why the schemas of a batch could not be made known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The registry cannot be asked now; the producer should try again.
    #[error("schema registry is not available: {reason}")]
    Retriable {
        /// For the log and the producer.
        reason: String,
    },
}

/// Judges records before they are stored. See the module head for the two phases.
#[async_trait]
pub trait RecordValidator: fmt::Debug + Send + Sync + 'static {
    /// Makes every schema in `keys` known: fetched, compiled, or found not to exist. Returns within
    /// [`ValidationContext::prepare_timeout`]; the broker stops waiting then. Must be cancel-safe.
    async fn prepare(&self, context: &ValidationContext, keys: &[SchemaKey]) -> Result<(), PrepareError>;

    /// Judges one record. Does not wait; a schema that `prepare` did not see answers [`Outcome::Retriable`].
    fn check(&self, context: &ValidationContext, record: RecordView<'_>) -> Outcome;
}

/// Accepts everything: a broker that knows no registry.
#[derive(Debug, Clone, Copy, Default)]
pub struct AcceptAll;

#[async_trait]
impl RecordValidator for AcceptAll {
    async fn prepare(&self, _: &ValidationContext, _: &[SchemaKey]) -> Result<(), PrepareError> {
        Ok(())
    }

    fn check(&self, _: &ValidationContext, _: RecordView<'_>) -> Outcome {
        Outcome::Accept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::config::TopicDefaults;

    fn rules(pairs: &[(&str, &str)]) -> ValidationRules {
        let config = TopicConfig::from_map(pairs.iter().copied(), &TopicDefaults::default()).unwrap();
        ValidationRules::from_config(&config)
    }

    #[test]
    fn true_means_the_whole_check_and_a_level_narrows_it() {
        assert!(!rules(&[]).is_on());
        assert!(!rules(&[("assay.value.schema.validation.level", "id")]).is_on());
        let whole = rules(&[("confluent.value.schema.validation", "true")]);
        assert_eq!((whole.value.level, whole.key.level), (ValidationLevel::Decode, ValidationLevel::Off));
        let narrowed = rules(&[
            ("confluent.key.schema.validation", "true"),
            ("assay.key.schema.validation.level", "framing"),
            (
                "confluent.key.subject.name.strategy",
                "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
            ),
        ]);
        assert_eq!(
            narrowed.key,
            SideRules { level: ValidationLevel::Framing, strategy: SubjectStrategy::TopicRecordName }
        );
    }
}
