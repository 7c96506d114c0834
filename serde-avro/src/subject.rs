//! Which subject a topic's schemas are registered under.

use assay_schema_core::naming::SubjectNameStrategy;

use crate::cache::CachedClient;
use crate::error::Error;
use crate::properties::ConfigError;
use crate::wire::Part;

/// How subjects are named. Spelled `key.subject.name.strategy` and `value.subject.name.strategy`.
///
/// ```
/// use assay_serde_avro::SubjectStrategy;
///
/// assert_eq!(SubjectStrategy::parse("topic_record"), Some(SubjectStrategy::TOPIC_RECORD));
/// let java = "io.confluent.kafka.serializers.subject.RecordNameStrategy";
/// assert_eq!(SubjectStrategy::parse(java), Some(SubjectStrategy::RECORD));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectStrategy {
    /// By topic, record, or both; the topic's and the record's name alone decide.
    Named(SubjectNameStrategy),
    /// What the registry associates with the topic, and where it associates nothing, the fallback. The first use of a
    /// topic costs one request, also when reading: the subject can belong to a context of its own, and the topic's ids with
    /// it. A registry that knows no associations answers 404, which counts as none.
    Associated {
        /// Kafka cluster id, or `-` for any. Spelled `subject.name.strategy.kafka.cluster.id`.
        namespace: String,
        /// Strategy where nothing is associated; without one that is an error. Spelled
        /// `subject.name.strategy.fallback.type`.
        fallback: Option<SubjectNameStrategy>,
    },
}

impl Default for SubjectStrategy {
    fn default() -> Self {
        Self::Associated { namespace: "-".into(), fallback: Some(SubjectNameStrategy::TopicName) }
    }
}

impl From<SubjectNameStrategy> for SubjectStrategy {
    fn from(strategy: SubjectNameStrategy) -> Self {
        Self::Named(strategy)
    }
}

impl SubjectStrategy {
    /// `<topic>-key` and `<topic>-value`.
    pub const TOPIC: Self = Self::Named(SubjectNameStrategy::TopicName);
    /// The record's full name.
    pub const RECORD: Self = Self::Named(SubjectNameStrategy::RecordName);
    /// `<topic>-<record's full name>`.
    pub const TOPIC_RECORD: Self = Self::Named(SubjectNameStrategy::TopicRecordName);

    /// Reads a short name (`topic`, `record`, `topic_record`, `associated`) or a Java class name.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let class = text.rsplit('.').next().unwrap_or(text);
        if text.eq_ignore_ascii_case("associated") || class == "AssociatedNameStrategy" {
            return Some(Self::default());
        }
        SubjectNameStrategy::parse(text).ok().map(Self::Named)
    }

    /// Names the subject for one part of `topic`. `record_name` is the schema's full name, if its root has one.
    pub(crate) async fn subject(
        &self,
        client: &CachedClient,
        topic: &str,
        part: Part,
        record_name: Option<&str>,
    ) -> Result<String, Error> {
        let named = |strategy: SubjectNameStrategy| {
            strategy.subject(topic, part, record_name).map_err(|error| ConfigError::Naming(error).into())
        };
        match self {
            Self::Named(strategy) => named(*strategy),
            Self::Associated { namespace, fallback } => {
                match (client.associated_subject(namespace, topic, part).await?, fallback) {
                    (Some(subject), _) => Ok(subject),
                    (None, Some(fallback)) => named(*fallback),
                    (None, None) => Err(Error::NoAssociation { topic: topic.to_owned() }),
                }
            }
        }
    }

    /// Whether the subject depends on the topic.
    pub(crate) fn needs_topic(&self) -> bool {
        *self != Self::RECORD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_have_short_names_and_class_names() {
        for (text, strategy) in [
            ("topic", SubjectStrategy::TOPIC),
            ("io.confluent.kafka.serializers.subject.RecordNameStrategy", SubjectStrategy::RECORD),
            ("topic_record", SubjectStrategy::TOPIC_RECORD),
            ("TopicRecordNameStrategy", SubjectStrategy::TOPIC_RECORD),
            ("Associated", SubjectStrategy::default()),
            ("io.confluent.kafka.serializers.subject.AssociatedNameStrategy", SubjectStrategy::default()),
        ] {
            assert_eq!(SubjectStrategy::parse(text), Some(strategy), "{text}");
        }
        assert_eq!(SubjectStrategy::parse("com.example.MyStrategy"), None);
    }
}
