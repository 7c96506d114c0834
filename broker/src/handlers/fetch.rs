//! `Fetch` (key 1): long polls.
//!
//! Partitions are filled in request order until the response's bytes are used up; the first that has data gives at least
//! one whole batch whatever the limits (KIP-74). A request waits for `min_bytes` up to `max_wait_ms`, waking on every
//! watermark; it does not wait when a partition has an error. What a client with a session fetches, and what of the answer is
//! news to it, is up to [`sessions`](crate::sessions).

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::authorizer::{Operation, ResourceType};
use crate::compression::Codec;
use crate::dispatch::Context;
use crate::error::{read_error_code, storage_code};
use crate::partition::{Isolation, Partition};
use crate::protocol::messages::fetch::{
    AbortedTransaction, FetchPartition, FetchableTopicResponse, PartitionData,
};
use crate::protocol::messages::{FetchRequest, FetchResponse};
use crate::protocol::{ErrorCode, Records};
use crate::record_batch::Batches;
use crate::sessions::{Asked, Part, TopicKey};

/// First version that names topics by id.
const TOPIC_IDS_SINCE: i16 = 13;
/// First version that may carry zstd.
const ZSTD_SINCE: i16 = 10;
/// First version whose clients know the code of a failing disk.
const STORAGE_ERROR_SINCE: i16 = 6;
/// Longest wait accepted.
const MAX_WAIT_MAX: Duration = Duration::from_mins(5);

/// A partition as asked for.
struct Wanted {
    topic: TopicKey,
    request: FetchPartition,
    partition: Result<Arc<Partition>, ErrorCode>,
}

struct Poll {
    wanted: Vec<Wanted>,
    isolation: Isolation,
    max_bytes: usize,
    min_bytes: u64,
}

pub(crate) async fn handle(context: &Context, request: FetchRequest) -> FetchResponse {
    let max_bytes =
        usize::try_from(request.max_bytes).unwrap_or(0).min(context.broker.config().fetch_max_bytes);
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(MAX_WAIT_MAX);
    let (now, sessions) = (Instant::now(), context.broker.sessions());
    let isolation =
        if request.isolation_level == 1 { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    let min_bytes = u64::try_from(request.min_bytes).unwrap_or(0).min(max_bytes as u64);
    let mut fetching = match sessions.begin(asked(context, request), now) {
        Ok(fetching) => fetching,
        Err(code) => return FetchResponse { error_code: code.code(), ..Default::default() },
    };
    let parts = std::mem::take(&mut fetching.parts);
    let wanted = parts.into_iter().map(|part| resolve(context, part)).collect();
    let poll = Poll { wanted, isolation, max_bytes, min_bytes };
    if !max_wait.is_zero() {
        poll.wait(context, now + max_wait).await;
    }
    let mut answers = poll.read().await;
    if context.version < ZSTD_SINCE {
        refuse_zstd(&mut answers);
    }
    for (_, data) in
        answers.iter_mut().filter(|(_, data)| data.error_code == ErrorCode::KafkaStorageError.code())
    {
        let code = storage_code(ErrorCode::KafkaStorageError, context.version, STORAGE_ERROR_SINCE);
        data.error_code = code.code();
    }
    let answers = sessions.finish(&fetching, answers);
    FetchResponse { session_id: fetching.session_id, responses: by_topic(answers), ..Default::default() }
}

/// A client from before zstd is told so, instead of records that it cannot read.
fn refuse_zstd(answers: &mut [(TopicKey, PartitionData)]) {
    for (_, data) in answers {
        let records = data.records.clone().unwrap_or_default().into_bytes();
        if Batches::new(&records).any(|(header, _)| header.codec() == Some(Codec::Zstd)) {
            *data = refused(data.partition_index, ErrorCode::UnsupportedCompressionType);
        }
    }
}

/// The request as sessions see it. Before version 7 there are none, which is what the fields' defaults say.
fn asked(context: &Context, request: FetchRequest) -> Asked {
    let mut parts = Vec::new();
    for topic in request.topics {
        let key = TopicKey { name: topic.topic.into(), id: topic.topic_id };
        parts.extend(topic.partitions.into_iter().map(|request| Part { topic: key.clone(), request }));
    }
    let mut forgotten = Vec::new();
    for topic in request.forgotten_topics_data {
        let key = TopicKey { name: topic.topic.into(), id: topic.topic_id };
        forgotten.extend(topic.partitions.into_iter().map(|partition| (key.clone(), partition)));
    }
    Asked {
        session_id: request.session_id,
        epoch: request.session_epoch,
        by_id: context.version >= TOPIC_IDS_SINCE,
        parts,
        forgotten,
    }
}

fn resolve(context: &Context, part: Part) -> Wanted {
    let Part { topic, request } = part;
    let topics = context.broker.topics();
    let (found, unknown) = if context.version >= TOPIC_IDS_SINCE {
        (topics.get_by_id(topic.id.into_bytes()), ErrorCode::UnknownTopicId)
    } else {
        (topics.get(&topic.name), ErrorCode::UnknownTopicOrPartition)
    };
    let partition = found.ok_or(unknown).and_then(|found| {
        if !context.access.allows(Operation::Read, ResourceType::Topic, found.name()) {
            return Err(ErrorCode::TopicAuthorizationFailed);
        }
        let partition = found.partition(request.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        check_epoch(&partition, request.current_leader_epoch)?;
        Ok(partition)
    });
    Wanted { topic, request, partition }
}

/// Puts neighbours of one topic together.
fn by_topic(answers: Vec<(TopicKey, PartitionData)>) -> Vec<FetchableTopicResponse> {
    let mut responses: Vec<FetchableTopicResponse> = Vec::new();
    for (topic, data) in answers {
        match responses.last_mut() {
            Some(last) if *last.topic == *topic.name && last.topic_id == topic.id => {
                last.partitions.push(data);
            }
            _ => responses.push(FetchableTopicResponse {
                topic: topic.name.to_string(),
                topic_id: topic.id,
                partitions: vec![data],
            }),
        }
    }
    responses
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
    /// Returns when there are `min_bytes`, a partition has an error, the deadline is over or the peer is gone.
    async fn wait(&self, context: &Context, deadline: Instant) {
        // watched before the first look, so that nothing between the two is missed
        let mut watches: FuturesUnordered<_> = self
            .wanted
            .iter()
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
        for wanted in &self.wanted {
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

    async fn read(self) -> Vec<(TopicKey, PartitionData)> {
        let mut left = self.max_bytes;
        let mut first = true;
        let mut answers = Vec::with_capacity(self.wanted.len());
        for Wanted { topic, request, partition } in self.wanted {
            let data = match partition {
                Ok(partition) => read_partition(&partition, &request, left, first, self.isolation).await,
                Err(code) => refused(request.partition, code),
            };
            let bytes = data.records.as_ref().map_or(0, Records::len);
            left = left.saturating_sub(bytes);
            first &= bytes == 0;
            answers.push((topic, data));
        }
        answers
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
