//! Where coordinators keep their state: an internal topic, seen as appends that become durable and a replay.
//!
//! The seam between a coordinator and the log; tests put a journal in its place that fails on demand.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::protocol::ErrorCode;

mod topic;
mod versioned;

pub(crate) use topic::{InternalTopic, TopicJournal};
pub(crate) use versioned::{version_of, versioned};

/// A record: key, and value or tombstone.
pub(crate) type Entry = (Bytes, Option<Bytes>);

/// Why records were not written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JournalError {
    /// The topic is not there and could not be created.
    #[error("the internal topic is not available: {0}")]
    Unavailable(String),
    /// The log refused or failed.
    #[error("the internal topic cannot be written or read: {0}")]
    Storage(String),
    /// The records are larger than a batch may be.
    #[error("records of {bytes} bytes are too large for the internal topic")]
    TooLarge {
        /// Their size.
        bytes: usize,
    },
    /// The records belong to a producer whose epoch was replaced.
    #[error("the producer was fenced")]
    Fenced,
    /// The records belong to a transaction that is not known to be open.
    #[error("the transaction is not known to be open")]
    Unverified,
}

impl JournalError {
    /// What a client is told.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) | Self::Unverified => ErrorCode::CoordinatorNotAvailable,
            Self::Storage(_) => ErrorCode::NotCoordinator,
            Self::TooLarge { .. } => ErrorCode::UnknownServerError,
            Self::Fenced => ErrorCode::InvalidProducerEpoch,
        }
    }
}

/// The transaction that records are part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InTransaction {
    /// Whose.
    pub(crate) producer_id: i64,
    /// Its epoch.
    pub(crate) producer_epoch: i16,
    /// The partition's count of markers before the coordinator said that the partition is part of the transaction.
    pub(crate) verified: u64,
}

/// Resolves when the append it came from is on disk, or never will be.
pub(crate) type Durable = BoxFuture<'static, Result<(), JournalError>>;

/// An append that is written and on its way to the disk.
pub(crate) struct Written {
    /// Of the first record.
    pub(crate) base_offset: i64,
    /// See [`Durable`].
    pub(crate) durable: Durable,
}

/// What a replay finds.
#[derive(Debug)]
pub(crate) enum Replayed {
    /// A record.
    Record {
        /// Where.
        offset: i64,
        /// The producer, of a record that counts only once its transaction is committed.
        producer_id: Option<i64>,
        /// Key.
        key: Bytes,
        /// Value or tombstone.
        value: Option<Bytes>,
    },
    /// The end of a producer's transaction.
    Marker {
        /// Whose.
        producer_id: i64,
        /// Its records count.
        commit: bool,
    },
}

/// Takes what one partition holds, in log order.
pub(crate) type Visit<'a> = dyn FnMut(Replayed) + Send + 'a;

/// The journal.
#[async_trait]
pub(crate) trait Journal: Send + Sync + 'static {
    /// Makes sure the topic exists. Cheap when it does.
    async fn ensure(&self) -> Result<(), JournalError>;

    /// Partitions of the topic, or those it would get.
    fn partitions(&self) -> i32;

    /// Appends `entries` as one batch, of a transaction or not. Appends to one partition have the order of their calls, and
    /// become durable in that order; the answer comes before they are.
    async fn append(
        &self,
        partition: i32,
        entries: Vec<Entry>,
        transaction: Option<InTransaction>,
    ) -> Result<Written, JournalError>;

    /// Hands everything in the partition to `visit`. Nothing when the topic does not exist.
    async fn replay(&self, partition: i32, visit: &mut Visit<'_>) -> Result<(), JournalError>;
}
