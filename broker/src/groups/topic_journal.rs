//! The journal in the log: `__consumer_offsets` as a topic.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::consumer::{Catalog, TopicShape};
use super::journal::{Durable, Entry, Journal, JournalError, Visit};
use super::{GroupsConfig, OFFSETS_TOPIC};
use crate::clock::Clock;
use crate::partition::{AppendError, AppendOrigin, Isolation, Partition};
use crate::record_batch::{BatchBuilder, Batches, RecordLimits, records};
use crate::topics::{Topic, TopicError, Topics};

/// Bytes read at once during the replay.
const READ_BYTES: usize = 1 << 20;

/// See the module.
pub(super) struct TopicJournal {
    topics: Topics,
    clock: Arc<dyn Clock>,
    config: GroupsConfig,
    /// Held while the topic is created, so that it is created once.
    creation: Mutex<()>,
}

impl TopicJournal {
    pub(super) fn new(topics: Topics, clock: Arc<dyn Clock>, config: GroupsConfig) -> Self {
        Self { topics, clock, config, creation: Mutex::new(()) }
    }

    async fn create(&self) -> Result<Arc<Topic>, JournalError> {
        let unavailable = |error: TopicError| JournalError::Unavailable(error.to_string());
        let segment_bytes = self.config.offsets_segment_bytes.to_string();
        let settings = [
            ("cleanup.policy", "compact"),
            ("compression.type", "producer"),
            ("segment.bytes", segment_bytes.as_str()),
        ];
        let config = self.topics.topic_config(settings).map_err(unavailable)?;
        match self.topics.create(OFFSETS_TOPIC, self.config.offsets_partitions, config).await {
            Ok(topic) => Ok(topic),
            Err(TopicError::AlreadyExists { .. }) => self
                .topics
                .get(OFFSETS_TOPIC)
                .ok_or_else(|| JournalError::Unavailable("its name is taken".to_owned())),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn partition(&self, index: i32) -> Result<Arc<Partition>, JournalError> {
        let topic = self.topics.get(OFFSETS_TOPIC);
        topic
            .and_then(|topic| topic.partition(index))
            .ok_or_else(|| JournalError::Unavailable(format!("there is no partition {index}")))
    }
}

#[async_trait]
impl Journal for TopicJournal {
    async fn ensure(&self) -> Result<(), JournalError> {
        if self.topics.get(OFFSETS_TOPIC).is_some() {
            return Ok(());
        }
        let _creation = self.creation.lock().await;
        if self.topics.get(OFFSETS_TOPIC).is_none() {
            self.create().await?;
        }
        Ok(())
    }

    fn partitions(&self) -> i32 {
        self.topics.get(OFFSETS_TOPIC).map_or(self.config.offsets_partitions, |topic| topic.partition_count())
    }

    async fn append(&self, partition: i32, entries: Vec<Entry>) -> Result<Durable, JournalError> {
        let partition = self.partition(partition)?;
        let now_ms = self.clock.now_ms();
        let bytes = entries.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Bytes::len)).sum();
        if bytes > usize::try_from(self.config.offsets_segment_bytes).unwrap_or(0) {
            return Err(JournalError::TooLarge { bytes });
        }
        let batch = entries.iter().fold(BatchBuilder::new(), |batch, (key, value)| {
            batch.record(now_ms, Some(key), value.as_deref())
        });
        let appended =
            partition.append(batch.build(), AppendOrigin::Coordinator).await.map_err(
                |error| match error {
                    AppendError::TooLarge { bytes, .. } | AppendError::LargerThanSegment { bytes, .. } => {
                        JournalError::TooLarge { bytes }
                    }
                    other => JournalError::Storage(other.to_string()),
                },
            )?;
        let ticket = appended.ticket;
        Ok(Box::pin(async move {
            ticket.durable().await.map_err(|error| JournalError::Storage(error.to_string()))
        }))
    }

    async fn replay(&self, partition: i32, visit: &mut Visit<'_>) -> Result<(), JournalError> {
        if self.topics.get(OFFSETS_TOPIC).is_none() {
            return Ok(());
        }
        let partition = self.partition(partition)?;
        let mut offset = partition.log_start_offset();
        loop {
            let slice = partition
                .read(offset, READ_BYTES, true, Isolation::ReadUncommitted)
                .await
                .map_err(|error| JournalError::Storage(error.to_string()))?;
            let next = visit_batches(&slice.records, visit)?;
            match next {
                Some(next) if next > offset => offset = next,
                _ => return Ok(()),
            }
        }
    }
}

/// The topics of the broker, for assignors and commits.
pub(super) struct TopicCatalog(pub(super) Topics);

impl Catalog for TopicCatalog {
    fn shape(&self, topic: &str) -> Option<TopicShape> {
        let topic = self.0.get(topic)?;
        Some(TopicShape { id: Uuid::from_bytes(topic.id().bytes()), partitions: topic.partition_count() })
    }

    fn name_of(&self, id: Uuid) -> Option<String> {
        self.0.get_by_id(id.into_bytes()).map(|topic| topic.name().to_string())
    }
}

/// Hands over the records of whole batches; the offset after them, if there are any.
fn visit_batches(bytes: &[u8], visit: &mut Visit<'_>) -> Result<Option<i64>, JournalError> {
    let storage = |error: &dyn std::fmt::Display| JournalError::Storage(error.to_string());
    let mut next = None;
    for (header, batch) in Batches::new(bytes) {
        next = Some(header.next_offset());
        if header.is_control() {
            continue;
        }
        let opened = records(batch, &RecordLimits::default()).map_err(|error| storage(&error))?;
        for record in &opened {
            let record = record.map_err(|error| storage(&error))?;
            if let Some(key) = record.key {
                visit(Bytes::copy_from_slice(key), record.value.map(Bytes::copy_from_slice));
            }
        }
    }
    Ok(next)
}
