//! Carrying out what was decided: a marker in every partition of the transaction.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{Id, TopicPartitions, Transaction, Transactions, not_stored, records};
use crate::groups::OFFSETS_TOPIC;
use crate::log::lock;
use crate::partition::{AppendError, AppendOrigin, Partition};
use crate::protocol::ErrorCode;
use crate::record_batch::Marker;

/// A marker for one partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartitionMarker {
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) marker: Marker,
}

impl Transactions {
    /// Writes the markers of a prepared transaction and completes it. The caller has the id's turn.
    ///
    /// When a partition cannot take its marker, the others have theirs and the rest is tried again in the background.
    pub(super) async fn carry_out(&self, id: &Arc<Id>) -> Result<(), ErrorCode> {
        let Err(code) = self.write_markers(id).await else { return Ok(()) };
        let (this, id) = (self.clone(), Arc::clone(id));
        self.inner.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = this.inner.shutdown.cancelled() => return,
                    () = tokio::time::sleep(Self::RETRY) => {}
                }
                let _turn = id.turn.lock().await;
                if this.write_markers(&id).await.is_ok() {
                    return;
                }
            }
        });
        Err(code)
    }

    async fn write_markers(&self, id: &Arc<Id>) -> Result<(), ErrorCode> {
        let Some(prepared) = id.state() else { return Ok(()) };
        let Some(commit) = prepared.state.prepared() else { return Ok(()) };
        let marker = PartitionMarker {
            producer_id: prepared.producer_id,
            producer_epoch: prepared.epoch,
            marker: Marker { commit, coordinator_epoch: self.coordinator_epoch(&id.name) },
        };
        let partitions = prepared
            .partitions
            .iter()
            .flat_map(|(topic, partitions)| partitions.iter().map(move |partition| (topic, *partition)));
        let writes = partitions.map(|(topic, partition)| async move {
            (topic, partition, self.write_marker(topic, partition, marker).await)
        });
        let mut left = Transaction { partitions: TopicPartitions::new(), ..Transaction::clone(&prepared) };
        let mut failure = None;
        for (topic, partition, outcome) in join_all(writes).await {
            if let Err(code) = outcome {
                tracing::warn!(transactional_id = &*id.name, topic, partition, ?code, "marker not written");
                left.partitions.entry(topic.clone()).or_default().insert(partition);
                failure = Some(code);
            }
        }
        if let Some(code) = failure {
            // In memory only: after a restart all markers are written again, which changes nothing.
            *lock(&id.state) = Some(Arc::new(left));
            return Err(code);
        }
        self.completed(id, &prepared).await
    }

    /// Notes that all is done. Nothing waits for this to be durable: without it the markers are written once more.
    async fn completed(&self, id: &Arc<Id>, prepared: &Transaction) -> Result<(), ErrorCode> {
        let next = prepared.complete(self.now_ms());
        let entry = (records::key(&id.name), Some(records::value(&next)));
        let appended = self.inner.journal.append(self.partition_of(&id.name), vec![entry], None).await;
        appended.map_err(|error| not_stored(id, &error))?;
        *lock(&id.state) = Some(Arc::new(next));
        Ok(())
    }

    /// Writes a marker and waits until it is durable; for a partition of offsets also until the groups have taken note. A
    /// partition that is gone needs none.
    pub(crate) async fn write_marker(
        &self,
        topic: &str,
        index: i32,
        marker: PartitionMarker,
    ) -> Result<(), ErrorCode> {
        let found = self.inner.topics.get(topic).and_then(|topic| topic.partition(index));
        let Some(partition) = found else { return Ok(()) };
        match append(&partition, marker, self.now_ms()).await {
            Ok(()) => {}
            Err(AppendError::Deleted) => return Ok(()),
            Err(error) => return Err(crate::error::append_error_code(&error)),
        }
        if topic == OFFSETS_TOPIC {
            let commit = marker.marker.commit;
            self.inner.groups.end_transaction(index, marker.producer_id, commit).await?;
        }
        Ok(())
    }
}

async fn append(partition: &Arc<Partition>, marker: PartitionMarker, now_ms: i64) -> Result<(), AppendError> {
    let batch = marker.marker.batch(marker.producer_id, marker.producer_epoch, now_ms);
    let appended = partition.append(batch, AppendOrigin::Coordinator).await?;
    appended.ticket.durable().await
}
