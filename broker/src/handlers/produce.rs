//! `Produce` (key 0): schema validation, then the append, then, for acks=all, the wait for durability.
//!
//! The handler returns once every batch is written or refused, so that requests of one connection append in arrival order; only
//! the wait for durability is left to the connection's writer. acks=1 is answered after the write, acks=0 never, and a
//! failed acks=0 request closes the connection, which makes the client refresh its metadata.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::authorizer::{Operation, ResourceType};
use crate::buffers::LARGE_BYTES_MIN;
use crate::connection::Reply;
use crate::dispatch::Context;
use crate::error::{append_error_code, append_error_message, storage_code};
use crate::partition::{AppendError, AppendOrigin, Appended, Partition, RecordFault, Ticket};
use crate::protocol::ErrorCode;
use crate::protocol::messages::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, TopicProduceData,
    TopicProduceResponse,
};
use crate::protocol::messages::{ProduceRequest, ProduceResponse};
use crate::record_batch::BatchHeader;
use crate::topics::Topic;
use crate::transactions::{Producer, TopicPartitions, unverified_code};
use crate::validation::{self, Refused};
use crate::validator::{ValidationContext, ValidationRules};

/// First version that names topics by id.
const TOPIC_IDS_SINCE: i16 = 13;
/// First version whose clients know the code of a failing disk.
const STORAGE_ERROR_SINCE: i16 = 4;

/// First version whose clients know that they can go on after an abort.
const ABORTABLE_SINCE: i16 = 11;
/// First version that makes a partition part of the transaction (KIP-890).
const ADDS_SINCE: i16 = 12;
/// Looks at the coordinator for one batch, each after a marker that came in between.
const VERIFICATIONS_MAX: usize = 8;

/// What a request asks of every partition, or why it is refused as a whole.
#[derive(Clone, Copy)]
struct Asked<'a> {
    acks: i16,
    /// For one partition only, whose batch is then all that holds the frame.
    is_alone: bool,
    transactional_id: Option<&'a str>,
    refusal: Option<(ErrorCode, &'static str)>,
}

/// A partition's part of the answer; the ticket is what acks=all waits for.
struct Part {
    response: PartitionProduceResponse,
    ticket: Option<Ticket>,
}

pub(crate) async fn handle(context: &Context, request: ProduceRequest) -> Reply {
    let acks = request.acks;
    let refusal = refusal(context, &request);
    let transactional_id = request.transactional_id.as_deref();
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let deadline = Instant::now() + timeout;
    let is_alone = request.topic_data.iter().map(|topic| topic.partition_data.len()).sum::<usize>() == 1;
    let asked = Asked { acks, is_alone, transactional_id, refusal };
    let topics = request.topic_data.into_iter().map(|data| produce_topic(context, data, asked));
    let mut topics = join_all(topics).await;
    match acks {
        0 => {
            let failed =
                topics.iter().flat_map(|(_, parts)| parts).find(|part| part.response.error_code != 0);
            let Some(part) = failed else { return Reply::Nothing };
            let (code, message) = (part.response.error_code, part.response.error_message.as_deref());
            tracing::warn!(peer = %context.connection.peer, client_id = %context.client_id, code, message,
                "produce with acks=0 failed, closing connection");
            Reply::Close
        }
        1 => Reply::Ready(context.respond(&answer(topics))),
        _ => {
            let context = context.clone();
            Reply::Later(Box::pin(async move {
                for (_, parts) in &mut topics {
                    for part in parts {
                        part.wait(context.version, deadline).await;
                    }
                }
                context.respond(&answer(topics))
            }))
        }
    }
}

/// What is wrong with the request as a whole.
fn refusal(context: &Context, request: &ProduceRequest) -> Option<(ErrorCode, &'static str)> {
    if !(-1..=1).contains(&request.acks) {
        return Some((ErrorCode::InvalidRequiredAcks, "acks must be -1, 0 or 1"));
    }
    if let Some(id) = &request.transactional_id
        && !context.access.allows(Operation::Write, ResourceType::TransactionalId, id)
    {
        return Some((ErrorCode::TransactionalIdAuthorizationFailed, "transactional id not allowed"));
    }
    None
}

async fn produce_topic(
    context: &Context,
    data: TopicProduceData,
    asked: Asked<'_>,
) -> (TopicProduceResponse, Vec<Part>) {
    let by_id = context.version >= TOPIC_IDS_SINCE;
    let topics = context.broker.topics();
    let topic = if by_id { topics.get_by_id(data.topic_id.into_bytes()) } else { topics.get(&data.name) };
    let head = TopicProduceResponse { name: data.name, topic_id: data.topic_id, ..Default::default() };
    let unknown = if by_id {
        ErrorCode::UnknownTopicId
    } else {
        let allowed =
            topic.is_some() || context.access.allows(Operation::Write, ResourceType::Topic, &head.name);
        if allowed { ErrorCode::UnknownTopicOrPartition } else { ErrorCode::TopicAuthorizationFailed }
    };
    let parts = data.partition_data.into_iter().map(|data| async {
        let (index, outcome) = (
            data.index,
            match (&topic, asked.refusal) {
                (_, Some((code, message))) => Err(Failure::new(code, message.to_owned())),
                (None, None) => Err(Failure::new(unknown, "unknown topic".to_owned())),
                (Some(topic), None) => append(context, topic, data, asked).await,
            },
        );
        part(context.version, index, outcome)
    });
    (head, join_all(parts).await)
}

/// Why a partition's batch is not in the log.
struct Failure {
    code: ErrorCode,
    message: String,
    faults: Vec<RecordFault>,
}

impl Failure {
    fn new(code: ErrorCode, message: String) -> Self {
        Self { code, message, faults: Vec::new() }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        let (code, message) = (append_error_code(&error), append_error_message(&error));
        let faults = match error {
            AppendError::InvalidRecords { faults, .. } => faults,
            _ => Vec::new(),
        };
        Self { code, message, faults }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self { code: refused.code, message: refused.message, faults: refused.faults }
    }
}

async fn append(
    context: &Context,
    topic: &Arc<Topic>,
    data: PartitionProduceData,
    asked: Asked<'_>,
) -> Result<Appended, Failure> {
    if !context.access.allows(Operation::Write, ResourceType::Topic, topic.name()) {
        return Err(Failure::new(ErrorCode::TopicAuthorizationFailed, "topic not allowed".to_owned()));
    }
    if topic.is_internal() {
        return Err(Failure::new(ErrorCode::InvalidTopicException, "the topic is internal".to_owned()));
    }
    let Some(partition) = topic.partition(data.index) else {
        return Err(Failure::new(ErrorCode::UnknownTopicOrPartition, "unknown partition".to_owned()));
    };
    let mut batch = data.records.unwrap_or_default().into_bytes();
    if batch.len() >= LARGE_BYTES_MIN && !asked.is_alone {
        // stays in memory for a while, and must not keep the others' batches there
        batch = Bytes::copy_from_slice(&batch);
    }
    let rules = ValidationRules::from_config(&topic.config());
    let mut walked = None;
    if rules.is_on() {
        let broker = &context.broker;
        let validation = ValidationContext {
            topic_id: uuid::Uuid::from_bytes(topic.id().bytes()),
            topic: Arc::clone(topic.name()),
            rules,
            principal: context.access.principal().clone(),
            client_id: Arc::clone(&context.client_id),
            schema_context: broker.schema_context(),
            prepare_timeout: broker.config().validation_timeout,
        };
        let limit = broker.config().validation_decompressed_max_bytes;
        walked = validation::validate(broker.validator(), &validation, &batch, limit).await?;
    }
    let origin = AppendOrigin::Client { acks: asked.acks, produce_version: context.version };
    if !BatchHeader::parse(&batch).is_ok_and(|header| header.is_transactional()) {
        // held by nobody else, it is written from where it is
        return Ok(partition.append_walked(batch, origin, None, walked).await?);
    }
    let mut verified = None;
    for _ in 0..VERIFICATIONS_MAX {
        match partition.append_walked(batch.clone(), origin, verified, walked).await {
            Err(AppendError::Unverified) => {
                verified = Some(verify(context, &partition, &batch, asked.transactional_id).await?);
            }
            outcome => return Ok(outcome?),
        }
    }
    Err(Failure::new(ErrorCode::NotEnoughReplicas, "transactions end too fast to tell".to_owned()))
}

/// Asks the coordinator whether the batch's producer has a transaction open that the partition is part of; from version 12 on
/// the partition is made part of it. The answer holds until the next marker.
async fn verify(
    context: &Context,
    partition: &Partition,
    batch: &[u8],
    transactional_id: Option<&str>,
) -> Result<u64, Failure> {
    let (markers, transactions) = (partition.markers(), context.broker.transactions());
    let header = BatchHeader::parse(batch).map_err(AppendError::Corrupt)?;
    let producer = Producer { id: header.producer_id, epoch: header.producer_epoch };
    let (topic, index) = (partition.topic(), partition.index());
    let outcome = match transactional_id {
        None => Err(ErrorCode::InvalidTxnState),
        Some(id) if context.version >= ADDS_SINCE => {
            let partitions = TopicPartitions::from([(topic.to_string(), [index].into())]);
            transactions.add(id, producer, partitions).await
        }
        Some(id) => transactions.verify(id, producer, topic, index),
    };
    match outcome.map_err(|code| unverified_code(code, context.version >= ABORTABLE_SINCE)) {
        Ok(()) => Ok(markers),
        Err(code) => {
            let message = "the partition is not known to be part of the producer's transaction";
            Err(Failure::new(code, message.to_owned()))
        }
    }
}

fn part(version: i16, index: i32, outcome: Result<Appended, Failure>) -> Part {
    match outcome {
        Ok(appended) => Part {
            response: PartitionProduceResponse {
                index,
                base_offset: appended.base_offset,
                log_append_time_ms: appended.log_append_time_ms,
                log_start_offset: appended.log_start_offset,
                ..Default::default()
            },
            ticket: Some(appended.ticket),
        },
        Err(failure) => Part { response: refused(version, index, failure), ticket: None },
    }
}

fn refused(version: i16, index: i32, failure: Failure) -> PartitionProduceResponse {
    tracing::debug!(partition = index, code = ?failure.code, message = failure.message, "produce refused");
    let record_errors = failure.faults.into_iter().map(|fault| BatchIndexAndErrorMessage {
        batch_index: i32::try_from(fault.index).unwrap_or(i32::MAX),
        batch_index_error_message: Some(fault.message),
    });
    PartitionProduceResponse {
        index,
        error_code: storage_code(failure.code, version, STORAGE_ERROR_SINCE).code(),
        base_offset: -1,
        record_errors: record_errors.collect(),
        error_message: Some(failure.message),
        ..Default::default()
    }
}

impl Part {
    async fn wait(&mut self, version: i16, deadline: Instant) {
        let Some(ticket) = self.ticket.take() else { return };
        let failure = match tokio::time::timeout_at(deadline, ticket.durable()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.into(),
            Err(_) => Failure::new(ErrorCode::RequestTimedOut, "not durable within the timeout".to_owned()),
        };
        self.response = refused(version, self.response.index, failure);
    }
}

fn answer(topics: Vec<(TopicProduceResponse, Vec<Part>)>) -> ProduceResponse {
    let responses = topics.into_iter().map(|(mut topic, parts)| {
        topic.partition_responses = parts.into_iter().map(|part| part.response).collect();
        topic
    });
    ProduceResponse { responses: responses.collect(), ..Default::default() }
}
