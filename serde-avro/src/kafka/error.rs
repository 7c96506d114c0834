//! What can go wrong between a program and Kafka.

use std::sync::Arc;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::received::Raw;
use crate::dead_letter::{Failure, SourceRecord};
use crate::error::Disposition;
use crate::properties::ConfigError;
use crate::wire::Part;

/// An error of a producer or consumer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value could not be encoded, or its schema not found.
    #[error(transparent)]
    Serde(#[from] crate::Error),
    /// A record was read that cannot be decoded.
    #[error(transparent)]
    Record(#[from] Box<RecordError>),
    /// Kafka refused, or could not be reached.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// The handler of [`Consumer::run`](super::Consumer::run) failed, and the record was neither forwarded nor put aside.
    #[error("record {topic}-{partition} at offset {offset} was not handled: {failure}")]
    Handler {
        /// Topic of the record.
        topic: String,
        /// Partition of the record.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// What the handler said.
        #[source]
        failure: Box<Failure>,
    },
    /// The producer was dropped before the record was acknowledged.
    #[error("the producer ended before the record was acknowledged")]
    Abandoned,
}

impl Error {
    /// What to do about it.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Serde(error) => error.disposition(),
            Self::Record(error) => error.disposition(),
            Self::Handler { failure, .. } => failure.disposition,
            // a subscription waits for a topic that is not there yet
            Self::Abandoned
            | Self::Kafka(KafkaError::MessageConsumption(
                Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicOrPartition,
            )) => Disposition::Retry,
            Self::Kafka(error) => error.rdkafka_error_code().map_or(Disposition::Fatal, of_code),
        }
    }

    /// Whether the same call can succeed later without any change.
    pub fn is_retriable(&self) -> bool {
        self.disposition() == Disposition::Retry
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Serde(error.into())
    }
}

/// What the broker's answer, or librdkafka's own, means for a record.
fn of_code(code: Code) -> Disposition {
    match code {
        // this record is refused, others are not
        Code::InvalidMessage
        | Code::InvalidMessageSize
        | Code::MessageSizeTooLarge
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::BadMessage => Disposition::DeadLetter,
        Code::MessageTimedOut
        | Code::QueueFull
        | Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::OperationTimedOut
        | Code::TimedOutQueue
        | Code::Resolve
        | Code::NodeUpdate
        | Code::WaitingForCoordinator
        | Code::InProgress
        | Code::PreviousInProgress
        | Code::Retry
        | Code::PurgeQueue
        | Code::PurgeInflight
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::RequestTimedOut
        | Code::BrokerNotAvailable
        | Code::ReplicaNotAvailable
        | Code::NetworkException
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::NotEnoughReplicas
        | Code::NotEnoughReplicasAfterAppend
        | Code::RebalanceInProgress
        | Code::KafkaStorageError
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::ThrottlingQuotaExceeded
        | Code::OffsetNotAvailable => Disposition::Retry,
        _ => Disposition::Fatal,
    }
}

/// A record that was read and cannot be decoded, with everything that was read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{} of record {}-{} at offset {}: {source}", part.as_str(), raw.topic(), raw.partition(), raw.offset())]
pub struct RecordError {
    /// The part that failed.
    pub part: Part,
    /// Why.
    pub source: crate::Error,
    pub(super) raw: Arc<Raw>,
}

impl RecordError {
    /// What to do about it.
    pub fn disposition(&self) -> Disposition {
        self.source.disposition()
    }

    /// The record as it was read, for [`DeadLetter`](crate::DeadLetter) and
    /// [`RetryTopics::forward`](crate::RetryTopics::forward).
    pub fn record(&self) -> SourceRecord<'_> {
        self.raw.record()
    }

    pub(super) fn raw(&self) -> &Arc<Raw> {
        &self.raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brokers_answers_have_dispositions() {
        let of = |code| Error::from(KafkaError::MessageProduction(code)).disposition();
        assert_eq!(of(Code::InvalidRecord), Disposition::DeadLetter);
        assert_eq!(of(Code::MessageSizeTooLarge), Disposition::DeadLetter);
        assert_eq!(of(Code::NotEnoughReplicas), Disposition::Retry);
        assert_eq!(of(Code::QueueFull), Disposition::Retry);
        assert_eq!(of(Code::TopicAuthorizationFailed), Disposition::Fatal);
        assert_eq!(of(Code::Fatal), Disposition::Fatal);
        assert_eq!(of(Code::UnknownTopicOrPartition), Disposition::Fatal);
        let consumed = Error::from(KafkaError::MessageConsumption(Code::UnknownTopicOrPartition));
        assert_eq!(consumed.disposition(), Disposition::Retry);
        assert!(Error::Abandoned.is_retriable());
    }
}
