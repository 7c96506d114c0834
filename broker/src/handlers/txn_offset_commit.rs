//! `TxnOffsetCommit` (key 28): a group's offsets as part of a transaction, pending until its marker.
//!
//! 2 brings leader epochs, 3 the consumer's membership, which is checked as in `OffsetCommit`; 5 adds the group to the transaction
//! by itself (KIP-890). Answered once the offsets are durable.

use std::collections::BTreeSet;

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::groups::OFFSETS_TOPIC;
use crate::groups::actor::{CommitEntry, TransactionalCommit, fail};
use crate::groups::state::Identity;
use crate::journal::InTransaction;
use crate::protocol::ErrorCode;
use crate::protocol::messages::offset_commit::OffsetCommitRequestPartition;
use crate::protocol::messages::txn_offset_commit::{
    TxnOffsetCommitRequestTopic, TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use crate::protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};
use crate::transactions::{Producer, TopicPartitions, unverified_code};

/// First version that adds the group to the transaction.
const ADDS_SINCE: i16 = 5;
/// First version whose clients know that they can go on after an abort.
const ABORTABLE_SINCE: i16 = 4;

pub(crate) async fn handle(
    context: &Context,
    mut request: TxnOffsetCommitRequest,
) -> TxnOffsetCommitResponse {
    let topics = std::mem::take(&mut request.topics);
    let shape: Vec<(String, Vec<i32>)> = topics
        .iter()
        .map(|topic| (topic.name.clone(), topic.partitions.iter().map(|it| it.partition_index).collect()))
        .collect();
    let entries: Vec<CommitEntry> = topics.into_iter().flat_map(|topic| entries(context, topic)).collect();
    let mut codes: Vec<ErrorCode> = entries.iter().map(|entry| entry.code).collect();
    if codes.contains(&ErrorCode::None) {
        match commit(context, &request, entries).await {
            Ok(answered) => codes = answered,
            Err(code) => fail(&mut codes, code),
        }
    }
    let mut codes = codes.into_iter();
    let topics = shape.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|partition_index| TxnOffsetCommitResponsePartition {
            partition_index,
            error_code: codes.next().unwrap_or(ErrorCode::UnknownServerError).code(),
        });
        TxnOffsetCommitResponseTopic { name, partitions: partitions.collect() }
    });
    TxnOffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}

fn entries(context: &Context, topic: TxnOffsetCommitRequestTopic) -> Vec<CommitEntry> {
    let TxnOffsetCommitRequestTopic { name, partitions } = topic;
    let allowed = context.access.allows(Operation::Read, ResourceType::Topic, &name);
    let entry = |partition: crate::protocol::messages::txn_offset_commit::TxnOffsetCommitRequestPartition| {
        let partition = OffsetCommitRequestPartition {
            partition_index: partition.partition_index,
            committed_offset: partition.committed_offset,
            committed_leader_epoch: partition.committed_leader_epoch,
            committed_metadata: partition.committed_metadata,
        };
        let entry = context.broker.groups().entry(&name, partition);
        if allowed { entry } else { CommitEntry { code: ErrorCode::TopicAuthorizationFailed, ..entry } }
    };
    partitions.into_iter().map(entry).collect()
}

async fn commit(
    context: &Context,
    request: &TxnOffsetCommitRequest,
    entries: Vec<CommitEntry>,
) -> Result<Vec<ErrorCode>, ErrorCode> {
    let (id, group) = (&request.transactional_id, &request.group_id);
    if !context.access.allows(Operation::Write, ResourceType::TransactionalId, id) {
        return Err(ErrorCode::TransactionalIdAuthorizationFailed);
    }
    if !context.access.allows(Operation::Read, ResourceType::Group, group) {
        return Err(ErrorCode::GroupAuthorizationFailed);
    }
    let groups = context.broker.groups();
    groups.ensure_topic().await?;
    let producer = Producer { id: request.producer_id, epoch: request.producer_epoch };
    let index = groups.partition_of(group);
    let found = context.broker.topics().get(OFFSETS_TOPIC).and_then(|topic| topic.partition(index));
    // The count first: what the coordinator says then holds until the next marker.
    let verified = found.ok_or(ErrorCode::CoordinatorNotAvailable)?.markers();
    let transactions = context.broker.transactions();
    let known = if context.version >= ADDS_SINCE {
        let partitions = TopicPartitions::from([(OFFSETS_TOPIC.to_owned(), BTreeSet::from([index]))]);
        transactions.add(id, producer, partitions).await
    } else {
        transactions.verify(id, producer, OFFSETS_TOPIC, index)
    };
    known.map_err(|code| match unverified_code(code, context.version >= ABORTABLE_SINCE) {
        // What a producer retries; a group's client looks for its coordinator again.
        ErrorCode::NotEnoughReplicas => ErrorCode::CoordinatorNotAvailable,
        other => other,
    })?;
    let commit = TransactionalCommit {
        identity: Identity {
            member_id: request.member_id.clone(),
            instance_id: request.group_instance_id.clone(),
        },
        generation: request.generation_id,
        transaction: InTransaction { producer_id: producer.id, producer_epoch: producer.epoch, verified },
        entries,
    };
    groups.commit_in_transaction(group, commit).await
}
