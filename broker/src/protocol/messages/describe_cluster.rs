//! Describes the cluster (key 60).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeCluster` request.
    DescribeClusterRequest: key 60, versions 0..=2, flexible 0;
    include_cluster_authorized_operations: bool;
    endpoint_type: i8, since 1, default 1;
    include_fenced_brokers: bool, since 2;
}

message! {
    /// The `DescribeCluster` response.
    DescribeClusterResponse: key 60, versions 0..=2, flexible 0;
    throttle_time_ms: i32;
    error_code: i16;
    error_message: Option<String>;
    endpoint_type: i8, since 1, default 1;
    cluster_id: String;
    controller_id: i32, default -1;
    brokers: Vec<DescribeClusterBroker>;
    cluster_authorized_operations: i32, default i32::MIN;
}

structure! {
    /// A `DescribeClusterBroker` of [`DescribeClusterResponse`].
    DescribeClusterBroker;
    broker_id: i32;
    host: String;
    port: i32;
    rack: Option<String>;
    is_fenced: bool, since 2;
}
