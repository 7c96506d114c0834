//! `OffsetCommit` (key 8, versions 2 to 10).
//!
//! 2 to 4 carry a retention time, which the broker's own setting replaces; 6 the leader epoch, 7 static members, 9 the
//! code 69 for a generation of a group that does not exist (22 before), 10 topic ids. Answered once the offsets are durable.

use uuid::Uuid;

use crate::authorizer::Operation;
use crate::groups::actor::{Command, CommitEntry, fail};
use crate::groups::state::Identity;
use crate::groups::{ClientInfo, Groups, NAME_BYTES_MAX};
use crate::protocol::ErrorCode;
use crate::protocol::messages::offset_commit::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
};
use crate::protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

/// First version that names topics by id.
const TOPIC_IDS_SINCE: i16 = 10;
/// First version that may be told that the group does not exist.
const GROUP_NOT_FOUND_SINCE: i16 = 9;

impl Groups {
    /// Stores offsets. Without a generation the group is created if need be, for consumers that assign partitions
    /// themselves and for administrators.
    pub async fn offset_commit(
        &self,
        request: OffsetCommitRequest,
        version: i16,
        client: &ClientInfo,
    ) -> OffsetCommitResponse {
        let OffsetCommitRequest { group_id, member_id, group_instance_id, topics, .. } = request;
        let generation = request.generation_id_or_member_epoch;
        let shape: Vec<Asked> = topics
            .iter()
            .map(|topic| {
                let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
                (topic.name.clone(), topic.topic_id, partitions.collect())
            })
            .collect();
        let entries: Vec<CommitEntry> =
            topics.into_iter().flat_map(|topic| self.entries(topic, version, client)).collect();
        let mut codes: Vec<ErrorCode> = entries.iter().map(|entry| entry.code).collect();
        if let Err(denied) = client.check_group(Operation::Read, &group_id) {
            codes.fill(denied);
        }
        if codes.contains(&ErrorCode::None) {
            let identity = Identity { member_id, instance_id: group_instance_id };
            let make = |reply| Command::Commit { identity, generation, entries, reply };
            let outcome = if group_id.len() > NAME_BYTES_MAX {
                Err(ErrorCode::InvalidGroupId)
            } else if generation < 0 {
                self.ask_or_create(&group_id, make).await
            } else {
                let unknown = if version >= GROUP_NOT_FOUND_SINCE {
                    ErrorCode::GroupIdNotFound
                } else {
                    ErrorCode::IllegalGeneration
                };
                self.ask(&group_id, make).await.and_then(|codes| codes.ok_or(unknown))
            };
            match outcome {
                Ok(answered) => codes = answered,
                Err(error) => fail(&mut codes, error),
            }
        }
        answer(shape, codes)
    }

    /// The offsets of one topic, each with the code that refuses it already.
    fn entries(
        &self,
        topic: OffsetCommitRequestTopic,
        version: i16,
        client: &ClientInfo,
    ) -> Vec<CommitEntry> {
        let OffsetCommitRequestTopic { name, topic_id, partitions } = topic;
        let by_id = version >= TOPIC_IDS_SINCE;
        let found = if by_id { self.catalog().name_of(topic_id) } else { Some(name) };
        let entry = |partition| match &found {
            Some(name) => match client.check_topic(Operation::Read, name) {
                Ok(()) => self.entry(name, partition),
                Err(code) => CommitEntry { code, ..self.entry(name, partition) },
            },
            None => CommitEntry { code: ErrorCode::UnknownTopicId, ..self.entry("", partition) },
        };
        partitions.into_iter().map(entry).collect()
    }

    /// One offset to store, with the code that refuses it already.
    pub(crate) fn entry(&self, topic: &str, partition: OffsetCommitRequestPartition) -> CommitEntry {
        let metadata = partition.committed_metadata.unwrap_or_default();
        let bytes_max = self.config().offset_metadata_bytes_max.min(usize::from(i16::MAX.unsigned_abs()));
        let code = if !self.has_partition(topic, partition.partition_index) {
            ErrorCode::UnknownTopicOrPartition
        } else if metadata.len() > bytes_max {
            ErrorCode::OffsetMetadataTooLarge
        } else {
            ErrorCode::None
        };
        CommitEntry {
            place: (topic.to_owned(), partition.partition_index),
            offset: partition.committed_offset,
            leader_epoch: partition.committed_leader_epoch,
            metadata,
            code,
        }
    }
}

/// A topic as asked for: name or id, and partitions.
type Asked = (String, Uuid, Vec<i32>);

/// The codes in the shape of the request.
fn answer(shape: Vec<Asked>, codes: Vec<ErrorCode>) -> OffsetCommitResponse {
    let mut codes = codes.into_iter();
    let topics = shape.into_iter().map(|(name, topic_id, partitions)| {
        let partitions = partitions.into_iter().map(|partition_index| OffsetCommitResponsePartition {
            partition_index,
            error_code: codes.next().unwrap_or(ErrorCode::UnknownServerError).into(),
        });
        OffsetCommitResponseTopic { name, topic_id, partitions: partitions.collect() }
    });
    OffsetCommitResponse { topics: topics.collect(), ..OffsetCommitResponse::default() }
}
