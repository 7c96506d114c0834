//! `OffsetDelete` (key 47, version 0).
//!
//! 69 for an unknown group, 68 for one with members of another kind than consumers, 86 for a topic that a member
//! subscribes to, 3 for a partition that does not exist. Answered once the tombstones are durable.

use crate::authorizer::Operation;
use crate::groups::actor::Command;
use crate::groups::offsets::Place;
use crate::groups::{ClientInfo, Groups};
use crate::protocol::ErrorCode;
use crate::protocol::messages::offset_delete::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use crate::protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

impl Groups {
    /// Deletes committed offsets.
    pub async fn offset_delete(
        &self,
        request: OffsetDeleteRequest,
        _version: i16,
        client: &ClientInfo,
    ) -> OffsetDeleteResponse {
        let OffsetDeleteRequest { group_id, topics } = request;
        if let Err(code) = client.check_group(Operation::Delete, &group_id) {
            return refused(code);
        }
        let mut places: Vec<Place> = Vec::new();
        let mut answered: Vec<OffsetDeleteResponseTopic> = Vec::new();
        for topic in topics {
            let allowed = client.check_topic(Operation::Read, &topic.name);
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in topic.partitions {
                let partition_index = partition.partition_index;
                let code = match allowed {
                    Err(code) => code,
                    Ok(()) if self.has_partition(&topic.name, partition_index) => ErrorCode::None,
                    Ok(()) => ErrorCode::UnknownTopicOrPartition,
                };
                if code == ErrorCode::None {
                    places.push((topic.name.clone(), partition_index));
                }
                partitions.push(OffsetDeleteResponsePartition { partition_index, error_code: code.into() });
            }
            answered.push(OffsetDeleteResponseTopic { name: topic.name, partitions });
        }
        let codes = match self.ask(&group_id, |reply| Command::DeleteOffsets { places, reply }).await {
            Ok(Some(Ok(codes))) => codes,
            Ok(None) => return refused(ErrorCode::GroupIdNotFound),
            Ok(Some(Err(error))) | Err(error) => return refused(error),
        };
        let asked = answered.iter_mut().flat_map(|topic| topic.partitions.iter_mut());
        for (partition, code) in asked.filter(|partition| partition.error_code == 0).zip(codes) {
            partition.error_code = code.into();
        }
        OffsetDeleteResponse { topics: answered, ..OffsetDeleteResponse::default() }
    }
}

fn refused(code: ErrorCode) -> OffsetDeleteResponse {
    OffsetDeleteResponse { error_code: code.into(), ..OffsetDeleteResponse::default() }
}
