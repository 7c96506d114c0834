//! Errors of the layers below as the protocol's codes: one exhaustive match each.

use crate::credentials::CredentialsError;
use crate::partition::{AppendError, ReadError};
use crate::producer_ids::ProducerIdError;
use crate::producer_state::SequenceError;
use crate::protocol::ErrorCode;
use crate::state_file::StateFileError;
use crate::topics::config::ConfigError as TopicConfigError;
use crate::topics::{OpenError as TopicsOpenError, TopicError};

/// Why a broker does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder cannot be opened.
    #[error(transparent)]
    Topics(#[from] TopicsOpenError),
    /// The producer ids cannot be read.
    #[error(transparent)]
    ProducerIds(#[from] ProducerIdError),
    /// The users cannot be read.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The access rules cannot be read.
    #[error(transparent)]
    Acls(#[from] StateFileError),
    /// A setting that topics inherit is wrong.
    #[error(transparent)]
    Setting(#[from] TopicConfigError),
    /// The runtime stopped meanwhile.
    #[error("opening was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
}

/// The code for a refused append.
pub(crate) fn append_error_code(error: &AppendError) -> ErrorCode {
    match error {
        AppendError::Empty
        | AppendError::SeveralBatches { .. }
        | AppendError::Magic { .. }
        | AppendError::Invalid(_)
        | AppendError::Records(_)
        | AppendError::InvalidRecords { .. } => ErrorCode::InvalidRecord,
        AppendError::Corrupt(_) => ErrorCode::CorruptMessage,
        AppendError::TooLarge { .. } => ErrorCode::MessageTooLarge,
        AppendError::LargerThanSegment { .. } => ErrorCode::RecordListTooLarge,
        AppendError::Timestamp(_) => ErrorCode::InvalidTimestamp,
        AppendError::Compression => ErrorCode::UnsupportedCompressionType,
        AppendError::NotEnoughReplicas { .. } => ErrorCode::NotEnoughReplicas,
        AppendError::Sequence(SequenceError::StaleEpoch { .. }) => ErrorCode::InvalidProducerEpoch,
        AppendError::Sequence(SequenceError::OutOfOrder { .. }) => ErrorCode::OutOfOrderSequenceNumber,
        AppendError::Sequence(SequenceError::OpenTransaction { .. }) | AppendError::Unverified => {
            ErrorCode::InvalidTxnState
        }
        AppendError::Write(_) | AppendError::Offline => ErrorCode::KafkaStorageError,
        AppendError::Deleted => ErrorCode::UnknownTopicOrPartition,
    }
}

/// The text for the producer; what failed inside is logged where it failed.
pub(crate) fn append_error_message(error: &AppendError) -> String {
    match error {
        AppendError::Write(_) => "the write failed".to_owned(),
        other => other.to_string(),
    }
}

/// The code for a failed read.
pub(crate) fn read_error_code(error: &ReadError) -> ErrorCode {
    match error {
        ReadError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        ReadError::Offline | ReadError::Io(_) => ErrorCode::KafkaStorageError,
        ReadError::Deleted => ErrorCode::UnknownTopicOrPartition,
    }
}

/// The code as a client of this version knows it: a failing disk has a code of its own from `known_since` on, before, clients
/// are sent to look for another leader.
pub(crate) fn storage_code(code: ErrorCode, version: i16, known_since: i16) -> ErrorCode {
    match code {
        ErrorCode::KafkaStorageError if version < known_since => ErrorCode::NotLeaderOrFollower,
        other => other,
    }
}

/// The text that goes with a code of a denied operation.
pub(crate) fn denied(code: ErrorCode) -> (ErrorCode, String) {
    let text = match code {
        ErrorCode::TopicAuthorizationFailed => "Topic authorization failed.",
        ErrorCode::GroupAuthorizationFailed => "Group authorization failed.",
        ErrorCode::TransactionalIdAuthorizationFailed => "Transactional id authorization failed.",
        _ => "Cluster authorization failed.",
    };
    (code, text.to_owned())
}

/// The code and text for a change of topics that was refused.
pub(crate) fn topic_error(error: &TopicError) -> (ErrorCode, String) {
    let code = match error {
        TopicError::InvalidName { .. } => ErrorCode::InvalidTopicException,
        TopicError::AlreadyExists { .. } => ErrorCode::TopicAlreadyExists,
        TopicError::Unknown => ErrorCode::UnknownTopicOrPartition,
        TopicError::InvalidPartitions { .. } => ErrorCode::InvalidPartitions,
        TopicError::Config(_) => ErrorCode::InvalidConfig,
        TopicError::Io(_) => ErrorCode::KafkaStorageError,
        TopicError::Closed => ErrorCode::BrokerNotAvailable,
    };
    if let TopicError::Io(cause) = error {
        tracing::error!(error = %cause, "topic change failed");
        return (code, "disk error".to_owned());
    }
    (code, error.to_string())
}
