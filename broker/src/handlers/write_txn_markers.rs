//! `WriteTxnMarkers` (key 27): ends transactions in single partitions, past the coordinator. Brokers of a cluster speak it; here it
//! serves the tool that aborts a transaction whose producer nobody knows any more.

use crate::authorizer::Operation;
use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerPartitionResult, WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
};
use crate::protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};
use crate::record_batch::Marker;
use crate::transactions::PartitionMarker;

pub(crate) async fn handle(context: &Context, request: WriteTxnMarkersRequest) -> WriteTxnMarkersResponse {
    let allowed = context.access.allows_cluster(Operation::ClusterAction);
    let mut markers = Vec::with_capacity(request.markers.len());
    for marker in request.markers {
        markers.push(write(context, marker, allowed).await);
    }
    WriteTxnMarkersResponse { markers }
}

async fn write(context: &Context, wanted: WritableTxnMarker, allowed: bool) -> WritableTxnMarkerResult {
    let marker = PartitionMarker {
        producer_id: wanted.producer_id,
        producer_epoch: wanted.producer_epoch,
        marker: Marker { commit: wanted.transaction_result, coordinator_epoch: wanted.coordinator_epoch },
    };
    let mut topics = Vec::with_capacity(wanted.topics.len());
    for topic in wanted.topics {
        let mut partitions = Vec::with_capacity(topic.partition_indexes.len());
        for partition_index in topic.partition_indexes {
            let known = context.broker.topics().get(&topic.name).and_then(|it| it.partition(partition_index));
            let code = if !allowed {
                ErrorCode::ClusterAuthorizationFailed
            } else if known.is_none() {
                ErrorCode::UnknownTopicOrPartition
            } else {
                let transactions = context.broker.transactions();
                let written = transactions.write_marker(&topic.name, partition_index, marker).await;
                written.err().unwrap_or(ErrorCode::None)
            };
            partitions.push(WritableTxnMarkerPartitionResult { partition_index, error_code: code.code() });
        }
        topics.push(WritableTxnMarkerTopicResult { name: topic.name, partitions });
    }
    WritableTxnMarkerResult { producer_id: wanted.producer_id, topics }
}
