//! Writes transaction markers (key 27): spoken between brokers, and by the tool that ends a transaction nobody owns.

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `WriteTxnMarkers` request.
    WriteTxnMarkersRequest: key 27, versions 1..=1, flexible 1;
    markers: Vec<WritableTxnMarker>;
}

structure! {
    /// A `WritableTxnMarker` of [`WriteTxnMarkersRequest`].
    WritableTxnMarker;
    producer_id: i64;
    producer_epoch: i16;
    transaction_result: bool;
    topics: Vec<WritableTxnMarkerTopic>;
    coordinator_epoch: i32;
}

structure! {
    /// A `WritableTxnMarkerTopic` of [`WriteTxnMarkersRequest`].
    WritableTxnMarkerTopic;
    name: String;
    partition_indexes: Vec<i32>;
}

message! {
    /// The `WriteTxnMarkers` response.
    WriteTxnMarkersResponse: key 27, versions 1..=1, flexible 1;
    markers: Vec<WritableTxnMarkerResult>;
}

structure! {
    /// A `WritableTxnMarkerResult` of [`WriteTxnMarkersResponse`].
    WritableTxnMarkerResult;
    producer_id: i64;
    topics: Vec<WritableTxnMarkerTopicResult>;
}

structure! {
    /// A `WritableTxnMarkerTopicResult` of [`WriteTxnMarkersResponse`].
    WritableTxnMarkerTopicResult;
    name: String;
    partitions: Vec<WritableTxnMarkerPartitionResult>;
}

structure! {
    /// A `WritableTxnMarkerPartitionResult` of [`WriteTxnMarkersResponse`].
    WritableTxnMarkerPartitionResult;
    partition_index: i32;
    error_code: i16;
}
