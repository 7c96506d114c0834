//! `OffsetFetch` (key 9, versions 1 to 10).
//!
//! 2 brings "all topics" (null) and a code for the group, 3 the throttle time, 5 leader epochs, 7 `require_stable`
//! (88 while a transaction is about to change the offset), 8 several groups in one request, 9 member id and epoch, which only
//! groups of the consumer protocol check (25, 113). 10 topic ids (100 for an unknown one). A partition without an offset, and an unknown group, answer offset -1 without an error.

use crate::authorizer::Operation;
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
/// First version that names topics by id.
const TOPIC_IDS_SINCE: i16 = 10;
/// First version with a code for the whole answer.
const TOP_LEVEL_ERROR_SINCE: i16 = 2;

impl Groups {
    /// Reads committed offsets.
    pub async fn offset_fetch(
        &self,
        request: OffsetFetchRequest,
        version: i16,
        client: &ClientInfo,
    ) -> OffsetFetchResponse {
        if version >= BATCHED_SINCE {
            let mut groups = Vec::with_capacity(request.groups.len());
            for group in request.groups {
                let fetched = match version {
                    TOPIC_IDS_SINCE.. => self.fetch_group_by_id(group, request.require_stable, client).await,
                    _ => self.fetch_group(group, request.require_stable, client).await,
                };
                groups.push(fetched);
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
        single(self.fetch_group(group, request.require_stable, client).await, version)
    }

    /// As [`fetch_group`](Self::fetch_group), with topics named by id. Offsets of a topic that is gone are left out.
    async fn fetch_group_by_id(
        &self,
        mut request: OffsetFetchRequestGroup,
        require_stable: bool,
        client: &ClientInfo,
    ) -> OffsetFetchResponseGroup {
        let mut unknown = Vec::new();
        if let Some(topics) = request.topics.take() {
            let mut known = Vec::with_capacity(topics.len());
            for topic in topics {
                match self.catalog().name_of(topic.topic_id) {
                    Some(name) => known.push(OffsetFetchRequestTopics { name, ..topic }),
                    None => unknown.push(unknown_topic(topic)),
                }
            }
            request.topics = Some(known);
        }
        let mut response = self.fetch_group(request, require_stable, client).await;
        response.topics.retain_mut(|topic| {
            let shape = self.catalog().shape(&topic.name);
            topic.topic_id = shape.map_or(topic.topic_id, |shape| shape.id);
            shape.is_some()
        });
        response.topics.extend(unknown);
        response
    }

    async fn fetch_group(
        &self,
        request: OffsetFetchRequestGroup,
        require_stable: bool,
        client: &ClientInfo,
    ) -> OffsetFetchResponseGroup {
        let OffsetFetchRequestGroup { group_id, member_id, member_epoch, topics } = request;
        let member = member_id.unwrap_or_default();
        let places = topics.map(|topics| topics.into_iter().flat_map(places).collect::<Vec<Place>>());
        let wanted = places.clone();
        let fetch = |reply| Command::Fetch { member, epoch: member_epoch, places: wanted, reply };
        let asked = match client.check_group(Operation::Describe, &group_id) {
            Ok(()) => self.ask(&group_id, fetch).await,
            Err(code) => Err(code),
        };
        let all = places.is_none();
        let (fetched, error) = match asked {
            Ok(Some(Ok(fetched))) => (fetched, ErrorCode::None),
            Ok(None) => (absent(places), ErrorCode::None),
            Ok(Some(Err(error))) | Err(error) => (absent(places), error),
        };
        let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
        for offset in fetched {
            let allowed = client.check_topic(Operation::Describe, &offset.place.0);
            if allowed.is_err() && all {
                continue;
            }
            let (offset, error) = match allowed {
                Err(code) if error == ErrorCode::None => (FetchedOffset { committed: None, ..offset }, code),
                _ => (offset, error),
            };
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

fn unknown_topic(topic: OffsetFetchRequestTopics) -> OffsetFetchResponseTopics {
    let refused = |partition_index| OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(String::new()),
        error_code: ErrorCode::UnknownTopicId.into(),
    };
    let partitions = topic.partition_indexes.into_iter().map(refused).collect();
    OffsetFetchResponseTopics { name: topic.name, topic_id: topic.topic_id, partitions }
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
