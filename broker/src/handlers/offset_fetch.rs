//! `OffsetFetch` (key 9, versions 1 to 9).
//!
//! 2 brings "all topics" (null) and a code for the group, 3 the throttle time, 5 leader epochs, 7 `require_stable`
//! (88 while a transaction is about to change the offset), 8 several groups in one request, 9 member id and epoch, which only
//! groups of the consumer protocol check (25, 113). A partition without an offset, and an unknown group, answer offset -1 without an error.

use crate::groups::actor::{Command, FetchedOffset};
use crate::groups::offsets::Place;
use crate::groups::{ClientInfo, Groups};
use crate::protocol::ErrorCode;
use crate::protocol::messages::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponseGroup,
    OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use crate::protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};

/// First version that asks for several groups.
const BATCHED_SINCE: i16 = 8;
/// First version with a code for the whole answer.
const TOP_LEVEL_ERROR_SINCE: i16 = 2;

impl Groups {
    /// Reads committed offsets.
    pub async fn offset_fetch(
        &self,
        request: OffsetFetchRequest,
        version: i16,
        _client: &ClientInfo,
    ) -> OffsetFetchResponse {
        if version >= BATCHED_SINCE {
            let mut groups = Vec::with_capacity(request.groups.len());
            for group in request.groups {
                groups.push(self.fetch_group(group, request.require_stable).await);
            }
            return OffsetFetchResponse { groups, ..OffsetFetchResponse::default() };
        }
        let topics = request.topics.map(|topics| {
            let topics = topics.into_iter().map(|topic| OffsetFetchRequestTopics {
                name: topic.name,
                partition_indexes: topic.partition_indexes,
                ..OffsetFetchRequestTopics::default()
            });
            topics.collect()
        });
        let group = OffsetFetchRequestGroup {
            group_id: request.group_id,
            topics,
            ..OffsetFetchRequestGroup::default()
        };
        single(self.fetch_group(group, request.require_stable).await, version)
    }

    async fn fetch_group(
        &self,
        request: OffsetFetchRequestGroup,
        require_stable: bool,
    ) -> OffsetFetchResponseGroup {
        let OffsetFetchRequestGroup { group_id, member_id, member_epoch, topics } = request;
        let member = member_id.unwrap_or_default();
        let places = topics.map(|topics| topics.into_iter().flat_map(places).collect::<Vec<Place>>());
        let wanted = places.clone();
        let fetch = |reply| Command::Fetch { member, epoch: member_epoch, places: wanted, reply };
        let (fetched, error) = match self.ask(&group_id, fetch).await {
            Ok(Some(Ok(fetched))) => (fetched, ErrorCode::None),
            Ok(None) => (absent(places), ErrorCode::None),
            Ok(Some(Err(error))) | Err(error) => (absent(places), error),
        };
        let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
        for offset in fetched {
            let unstable = require_stable && offset.unstable && error == ErrorCode::None;
            let error = if unstable { ErrorCode::UnstableOffsetCommit } else { error };
            let (topic, partition) = respond(offset, error);
            match topics.last_mut() {
                Some(last) if last.name == topic => last.partitions.push(partition),
                _ => topics.push(OffsetFetchResponseTopics {
                    name: topic,
                    partitions: vec![partition],
                    ..OffsetFetchResponseTopics::default()
                }),
            }
        }
        OffsetFetchResponseGroup { group_id, topics, error_code: error.into() }
    }
}

fn places(topic: OffsetFetchRequestTopics) -> Vec<Place> {
    let OffsetFetchRequestTopics { name, partition_indexes, .. } = topic;
    partition_indexes.into_iter().map(|partition| (name.clone(), partition)).collect()
}

fn absent(places: Option<Vec<Place>>) -> Vec<FetchedOffset> {
    let absent = |place| FetchedOffset { place, committed: None, unstable: false };
    places.unwrap_or_default().into_iter().map(absent).collect()
}

fn respond(fetched: FetchedOffset, error: ErrorCode) -> (String, OffsetFetchResponsePartitions) {
    let (topic, partition_index) = fetched.place;
    let committed = fetched.committed.filter(|_| error != ErrorCode::UnstableOffsetCommit);
    let partition = match committed {
        Some(committed) => OffsetFetchResponsePartitions {
            partition_index,
            committed_offset: committed.offset,
            committed_leader_epoch: committed.leader_epoch,
            metadata: Some(committed.metadata),
            error_code: error.into(),
        },
        None => OffsetFetchResponsePartitions {
            partition_index,
            committed_offset: -1,
            committed_leader_epoch: -1,
            metadata: Some(String::new()),
            error_code: error.into(),
        },
    };
    (topic, partition)
}

/// The answer before version 8. A code for the group stands on top, and at every partition where there is no top.
fn single(group: OffsetFetchResponseGroup, version: i16) -> OffsetFetchResponse {
    let topics = group.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| OffsetFetchResponsePartition {
            partition_index: partition.partition_index,
            committed_offset: partition.committed_offset,
            committed_leader_epoch: partition.committed_leader_epoch,
            metadata: partition.metadata,
            error_code: partition.error_code,
        });
        OffsetFetchResponseTopic { name: topic.name, partitions: partitions.collect() }
    });
    let error_code = if version >= TOP_LEVEL_ERROR_SINCE { group.error_code } else { 0 };
    OffsetFetchResponse { topics: topics.collect(), error_code, ..OffsetFetchResponse::default() }
}
