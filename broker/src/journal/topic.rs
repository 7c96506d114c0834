//! The journal in the log: an internal, compacted topic.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;

use super::{Entry, InTransaction, Journal, JournalError, Replayed, Visit, Written};
use crate::clock::Clock;
use crate::partition::{AppendError, AppendOrigin, Isolation, Partition};
use crate::producer_state::SequenceError;
use crate::record_batch::{BatchBuilder, BatchHeader, Batches, Marker, RecordLimits, records};
use crate::topics::{Topic, TopicError, Topics};

/// Bytes read at once during the replay.
const READ_BYTES: usize = 1 << 20;

/// An internal topic as it is created.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InternalTopic {
    /// Name.
    pub(crate) name: &'static str,
    /// Partitions.
    pub(crate) partitions: i32,
    /// `segment.bytes`, which also bounds one append.
    pub(crate) segment_bytes: i32,
}

/// See the module.
pub(crate) struct TopicJournal {
    topics: Topics,
    clock: Arc<dyn Clock>,
    topic: InternalTopic,
    /// Held while the topic is created, so that it is created once.
    creation: Mutex<()>,
}

impl TopicJournal {
    pub(crate) fn new(topics: Topics, clock: Arc<dyn Clock>, topic: InternalTopic) -> Self {
        Self { topics, clock, topic, creation: Mutex::new(()) }
    }

    async fn create(&self) -> Result<Arc<Topic>, JournalError> {
        let unavailable = |error: TopicError| JournalError::Unavailable(error.to_string());
        let segment_bytes = self.topic.segment_bytes.to_string();
        let settings = [
            ("cleanup.policy", "compact"),
            ("compression.type", "producer"),
            ("segment.bytes", segment_bytes.as_str()),
        ];
        let config = self.topics.topic_config(settings).map_err(unavailable)?;
        match self.topics.create(self.topic.name, self.topic.partitions, config).await {
            Ok(topic) => Ok(topic),
            Err(TopicError::AlreadyExists { .. }) => self
                .topics
                .get(self.topic.name)
                .ok_or_else(|| JournalError::Unavailable("its name is taken".to_owned())),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn partition(&self, index: i32) -> Result<Arc<Partition>, JournalError> {
        let topic = self.topics.get(self.topic.name);
        topic
            .and_then(|topic| topic.partition(index))
            .ok_or_else(|| JournalError::Unavailable(format!("there is no partition {index}")))
    }
}

fn refused(error: AppendError) -> JournalError {
    match error {
        AppendError::TooLarge { bytes, .. } | AppendError::LargerThanSegment { bytes, .. } => {
            JournalError::TooLarge { bytes }
        }
        AppendError::Sequence(SequenceError::StaleEpoch { .. }) => JournalError::Fenced,
        AppendError::Unverified => JournalError::Unverified,
        other => JournalError::Storage(other.to_string()),
    }
}

#[async_trait]
impl Journal for TopicJournal {
    async fn ensure(&self) -> Result<(), JournalError> {
        if self.topics.get(self.topic.name).is_some() {
            return Ok(());
        }
        let _creation = self.creation.lock().await;
        if self.topics.get(self.topic.name).is_none() {
            self.create().await?;
        }
        Ok(())
    }

    fn partitions(&self) -> i32 {
        self.topics.get(self.topic.name).map_or(self.topic.partitions, |topic| topic.partition_count())
    }

    async fn append(
        &self,
        partition: i32,
        entries: Vec<Entry>,
        transaction: Option<InTransaction>,
    ) -> Result<Written, JournalError> {
        let partition = self.partition(partition)?;
        let now_ms = self.clock.now_ms();
        let bytes = entries.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Bytes::len)).sum();
        if bytes > usize::try_from(self.topic.segment_bytes).unwrap_or(0) {
            return Err(JournalError::TooLarge { bytes });
        }
        let batch = match &transaction {
            None => BatchBuilder::new(),
            Some(it) => BatchBuilder::new().producer(it.producer_id, it.producer_epoch, -1).transactional(),
        };
        let batch = entries
            .iter()
            .fold(batch, |batch, (key, value)| batch.record(now_ms, Some(key), value.as_deref()));
        let verified = transaction.map(|it| it.verified);
        let appending = partition.append_verified(batch.build(), AppendOrigin::Coordinator, verified);
        let appended = appending.await.map_err(refused)?;
        let ticket = appended.ticket;
        let durable =
            async move { ticket.durable().await.map_err(|error| JournalError::Storage(error.to_string())) };
        Ok(Written { base_offset: appended.base_offset, durable: Box::pin(durable) })
    }

    async fn replay(&self, partition: i32, visit: &mut Visit<'_>) -> Result<(), JournalError> {
        if self.topics.get(self.topic.name).is_none() {
            return Ok(());
        }
        let partition = self.partition(partition)?;
        let mut offset = partition.log_start_offset();
        loop {
            let slice = partition
                .read(offset, READ_BYTES, true, Isolation::ReadUncommitted)
                .await
                .map_err(|error| JournalError::Storage(error.to_string()))?;
            let mut next = None;
            for (header, batch) in Batches::new(&slice.records) {
                next = Some(header.next_offset());
                visit_batch(&header, batch, visit)?;
            }
            match next {
                Some(next) if next > offset => offset = next,
                _ if offset < partition.high_watermark() => {
                    return Err(JournalError::Storage(format!("nothing can be read at offset {offset}")));
                }
                _ => return Ok(()),
            }
        }
    }
}

/// Hands over what one batch holds.
fn visit_batch(header: &BatchHeader, batch: &[u8], visit: &mut Visit<'_>) -> Result<(), JournalError> {
    let storage = |error: &dyn std::fmt::Display| JournalError::Storage(error.to_string());
    if header.is_control() {
        if let Some(marker) = Marker::read(header, batch) {
            visit(Replayed::Marker { producer_id: header.producer_id, commit: marker.commit });
        }
        return Ok(());
    }
    let producer_id = header.is_transactional().then_some(header.producer_id);
    let opened = records(batch, &RecordLimits::default()).map_err(|error| storage(&error))?;
    for record in &opened {
        let record = record.map_err(|error| storage(&error))?;
        if let Some(key) = record.key {
            let offset = header.base_offset.saturating_add(record.offset_delta.into());
            let (key, value) = (Bytes::copy_from_slice(key), record.value.map(Bytes::copy_from_slice));
            visit(Replayed::Record { offset, producer_id, key, value });
        }
    }
    Ok(())
}
