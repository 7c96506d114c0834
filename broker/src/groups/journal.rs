//! Where groups are kept: `__consumer_offsets`, seen as appends that become durable and a replay.
//!
//! The seam between the coordinator and the log; tests put a journal in its place that fails on demand.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::protocol::ErrorCode;

/// A record: key, and value or tombstone.
pub(crate) type Entry = (Bytes, Option<Bytes>);

/// Why records were not written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JournalError {
    /// The topic is not there and could not be created.
    #[error("__consumer_offsets is not available: {0}")]
    Unavailable(String),
    /// The log refused or failed.
    #[error("__consumer_offsets cannot be written or read: {0}")]
    Storage(String),
    /// The records are larger than a batch may be.
    #[error("records of {bytes} bytes are too large for __consumer_offsets")]
    TooLarge {
        /// Their size.
        bytes: usize,
    },
}

impl JournalError {
    /// What a member is told.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) => ErrorCode::CoordinatorNotAvailable,
            Self::Storage(_) => ErrorCode::NotCoordinator,
            Self::TooLarge { .. } => ErrorCode::UnknownServerError,
        }
    }
}

/// Resolves when the append it came from is on disk, or never will be.
pub(crate) type Durable = BoxFuture<'static, Result<(), JournalError>>;

/// Takes records of one partition in log order.
pub(crate) type Visit<'a> = dyn FnMut(Bytes, Option<Bytes>) + Send + 'a;

/// The journal.
#[async_trait]
pub(crate) trait Journal: Send + Sync + 'static {
    /// Makes sure the topic exists. Cheap when it does.
    async fn ensure(&self) -> Result<(), JournalError>;

    /// Partitions of the topic, or those it would get.
    fn partitions(&self) -> i32;

    /// Appends `entries` as one batch. Appends to one partition have the order of their calls, and become durable
    /// in that order; the answer comes before they are.
    async fn append(&self, partition: i32, entries: Vec<Entry>) -> Result<Durable, JournalError>;

    /// Hands every record of the partition to `visit`. Nothing when the topic does not exist.
    async fn replay(&self, partition: i32, visit: &mut Visit<'_>) -> Result<(), JournalError>;
}
