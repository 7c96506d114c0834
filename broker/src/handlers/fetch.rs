//! `Fetch` (key 1): long polls.
//!
//! Partitions are filled in request order until the response's bytes are used up; the first that has data gives at least
//! one whole batch whatever the limits (KIP-74). A request waits for `min_bytes` up to `max_wait_ms`, waking on every
//! watermark; it does not wait when a partition has an error. Sessions (KIP-227) are declined: a full fetch is answered with
//! session id 0, which makes clients keep sending full fetches, and any other session id with 70.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::dispatch::Context;
use crate::error::read_error_code;
use crate::partition::{Isolation, Partition};
use crate::protocol::messages::fetch::{
    AbortedTransaction, FetchPartition, FetchTopic, FetchableTopicResponse, PartitionData,
};
use crate::protocol::messages::{FetchRequest, FetchResponse};
use crate::protocol::{ErrorCode, Records};

/// First version that names topics by id.
const TOPIC_IDS_SINCE: i16 = 13;
/// Longest wait accepted.
const MAX_WAIT_MAX: Duration = Duration::from_mins(5);

/// A partition as asked for.
struct Wanted {
    request: FetchPartition,
    partition: Result<Arc<Partition>, ErrorCode>,
}

struct Poll {
    topics: Vec<(FetchableTopicResponse, Vec<Wanted>)>,
    isolation: Isolation,
    max_bytes: usize,
    min_bytes: u64,
}

pub(crate) async fn handle(context: &Context, request: FetchRequest) -> FetchResponse {
    if request.session_id != 0 {
        let code = ErrorCode::FetchSessionIdNotFound.code();
        return FetchResponse { error_code: code, ..Default::default() };
    }
    let max_bytes =
        usize::try_from(request.max_bytes).unwrap_or(0).min(context.broker.config().fetch_max_bytes);
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(MAX_WAIT_MAX);
    let deadline = Instant::now() + max_wait;
    let poll = Poll {
        isolation: if request.isolation_level == 1 {
            Isolation::ReadCommitted
        } else {
            Isolation::ReadUncommitted
        },
        max_bytes,
        min_bytes: u64::try_from(request.min_bytes).unwrap_or(0).min(max_bytes as u64),
        topics: request.topics.into_iter().map(|topic| resolve(context, topic)).collect(),
    };
    if !max_wait.is_zero() {
        poll.wait(context, deadline).await;
    }
    poll.read().await
}

fn resolve(context: &Context, topic: FetchTopic) -> (FetchableTopicResponse, Vec<Wanted>) {
    let by_id = context.version >= TOPIC_IDS_SINCE;
    let topics = context.broker.topics();
    let (found, unknown) = if by_id {
        (topics.get_by_id(topic.topic_id.into_bytes()), ErrorCode::UnknownTopicId)
    } else {
        (topics.get(&topic.topic), ErrorCode::UnknownTopicOrPartition)
    };
    let wanted = topic.partitions.into_iter().map(|request| {
        let partition = match &found {
            None => Err(unknown),
            Some(found) => found.partition(request.partition).ok_or(ErrorCode::UnknownTopicOrPartition),
        };
        let partition = partition.and_then(|partition| {
            check_epoch(&partition, request.current_leader_epoch)?;
            Ok(partition)
        });
        Wanted { request, partition }
    });
    let wanted = wanted.collect();
    (FetchableTopicResponse { topic: topic.topic, topic_id: topic.topic_id, ..Default::default() }, wanted)
}

/// Refuses a client that knows another leader epoch; -1 knows none.
pub(crate) fn check_epoch(partition: &Partition, epoch: i32) -> Result<(), ErrorCode> {
    let current = partition.leader_epoch();
    match epoch {
        epoch if epoch < 0 || epoch == current => Ok(()),
        epoch if epoch < current => Err(ErrorCode::FencedLeaderEpoch),
        _ => Err(ErrorCode::UnknownLeaderEpoch),
    }
}

impl Poll {
    fn wanted(&self) -> impl Iterator<Item = &Wanted> {
        self.topics.iter().flat_map(|(_, wanted)| wanted)
    }

    /// Returns when there are `min_bytes`, a partition has an error, the deadline is over or the peer is gone.
    async fn wait(&self, context: &Context, deadline: Instant) {
        // watched before the first look, so that nothing between the two is missed
        let mut watches: FuturesUnordered<_> = self
            .wanted()
            .filter_map(|wanted| wanted.partition.as_ref().ok())
            .map(|partition| Self::changed(partition.watch()))
            .collect();
        if watches.is_empty() {
            return;
        }
        while !self.is_enough() {
            tokio::select! {
                changed = watches.next() => match changed.flatten() {
                    Some(watch) => watches.push(Self::changed(watch)),
                    None => return,
                },
                () = tokio::time::sleep_until(deadline) => return,
                () = context.connection.closed.cancelled() => return,
            }
        }
    }

    async fn changed<T>(
        mut watch: tokio::sync::watch::Receiver<T>,
    ) -> Option<tokio::sync::watch::Receiver<T>> {
        watch.changed().await.ok()?;
        Some(watch)
    }

    /// Whether the answer is due: cheap, from positions alone.
    fn is_enough(&self) -> bool {
        let mut available = 0_u64;
        for wanted in self.wanted() {
            let Ok(partition) = &wanted.partition else { return true };
            let offset = wanted.request.fetch_offset;
            let readable = partition.log_start_offset()..=partition.log_end_offset();
            if !readable.contains(&offset) || diverges(partition, &wanted.request).is_some() {
                return true;
            }
            if partition.status() == crate::partition::Status::Deleted {
                return true;
            }
            let limit = u64::try_from(wanted.request.partition_max_bytes).unwrap_or(0).max(1);
            available =
                available.saturating_add(partition.available_bytes(offset, self.isolation).min(limit));
            if available >= self.min_bytes {
                return true;
            }
        }
        false
    }

    async fn read(self) -> FetchResponse {
        let mut left = self.max_bytes;
        let mut first = true;
        let mut responses = Vec::with_capacity(self.topics.len());
        for (mut response, wanted) in self.topics {
            for Wanted { request, partition } in wanted {
                let data = match partition {
                    Ok(partition) => read_partition(&partition, &request, left, first, self.isolation).await,
                    Err(code) => refused(request.partition, code),
                };
                let bytes = data.records.as_ref().map_or(0, Records::len);
                left = left.saturating_sub(bytes);
                first &= bytes == 0;
                response.partitions.push(data);
            }
            responses.push(response);
        }
        FetchResponse { responses, ..Default::default() }
    }
}

/// The epoch and end offset that the log has instead, when the client's last epoch does not fit the log (KIP-595).
fn diverges(partition: &Partition, request: &FetchPartition) -> Option<(i32, i64)> {
    if request.last_fetched_epoch < 0 {
        return None;
    }
    let (epoch, end_offset) = partition.epoch_end_offset(request.last_fetched_epoch)?;
    (epoch < request.last_fetched_epoch || end_offset < request.fetch_offset).then_some((epoch, end_offset))
}

async fn read_partition(
    partition: &Arc<Partition>,
    request: &FetchPartition,
    left: usize,
    first: bool,
    isolation: Isolation,
) -> PartitionData {
    let index = request.partition;
    if let Some((epoch, end_offset)) = diverges(partition, request) {
        let mut data = PartitionData {
            partition_index: index,
            high_watermark: partition.high_watermark(),
            last_stable_offset: partition.last_stable_offset(),
            log_start_offset: partition.log_start_offset(),
            records: Some(Records::empty()),
            ..Default::default()
        };
        data.diverging_epoch.epoch = epoch;
        data.diverging_epoch.end_offset = end_offset;
        return data;
    }
    let max_bytes = usize::try_from(request.partition_max_bytes).unwrap_or(0).min(left);
    match partition.read(request.fetch_offset, max_bytes, first, isolation).await {
        Ok(slice) => PartitionData {
            partition_index: index,
            high_watermark: slice.high_watermark,
            last_stable_offset: slice.last_stable_offset,
            log_start_offset: slice.log_start_offset,
            aborted_transactions: (isolation == Isolation::ReadCommitted).then(|| {
                let aborted = slice.aborted.iter().map(|aborted| AbortedTransaction {
                    producer_id: aborted.producer_id,
                    first_offset: aborted.first_offset,
                });
                aborted.collect()
            }),
            records: Some(Records::from(slice.records)),
            ..Default::default()
        },
        Err(error) => {
            let code = read_error_code(&error);
            if code == ErrorCode::KafkaStorageError {
                tracing::warn!(topic = &**partition.topic(), partition = index, %error, "fetch failed");
            }
            refused(index, code)
        }
    }
}

fn refused(partition_index: i32, code: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: code.code(),
        high_watermark: -1,
        records: Some(Records::empty()),
        ..Default::default()
    }
}
