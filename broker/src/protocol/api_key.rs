//! API keys, and what the declarations say about each.

use super::Message;

macro_rules! api_keys {
    ($($name:ident = $key:literal, $request:ident;)*) => {
        use super::messages::{$($request),*};

        /// An API that has a declaration here; being declared does not mean being served.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i16)]
        pub enum ApiKey {
            $(
                #[doc = concat!("Key ", $key, ".")]
                $name = $key,
            )*
        }

        impl ApiKey {
            /// Every declared API, by ascending key.
            pub const ALL: &'static [ApiKey] = &[$(ApiKey::$name),*];

            /// The API with this key.
            pub fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($key => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Kafka's name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// First version with compact forms and tag buffers.
            pub fn flexible_since(self) -> i16 {
                match self {
                    $(Self::$name => <$request as Message>::FLEXIBLE_SINCE,)*
                }
            }

            /// Lowest and highest version that has a declaration.
            pub fn declared_versions(self) -> (i16, i16) {
                match self {
                    $(Self::$name => (<$request as Message>::VERSION_MIN, <$request as Message>::VERSION_MAX),)*
                }
            }
        }
    };
}

api_keys! {
    Produce = 0, ProduceRequest;
    Fetch = 1, FetchRequest;
    ListOffsets = 2, ListOffsetsRequest;
    Metadata = 3, MetadataRequest;
    OffsetCommit = 8, OffsetCommitRequest;
    OffsetFetch = 9, OffsetFetchRequest;
    FindCoordinator = 10, FindCoordinatorRequest;
    JoinGroup = 11, JoinGroupRequest;
    Heartbeat = 12, HeartbeatRequest;
    LeaveGroup = 13, LeaveGroupRequest;
    SyncGroup = 14, SyncGroupRequest;
    DescribeGroups = 15, DescribeGroupsRequest;
    ListGroups = 16, ListGroupsRequest;
    SaslHandshake = 17, SaslHandshakeRequest;
    ApiVersions = 18, ApiVersionsRequest;
    CreateTopics = 19, CreateTopicsRequest;
    DeleteTopics = 20, DeleteTopicsRequest;
    DeleteRecords = 21, DeleteRecordsRequest;
    InitProducerId = 22, InitProducerIdRequest;
    OffsetForLeaderEpoch = 23, OffsetForLeaderEpochRequest;
    AddPartitionsToTxn = 24, AddPartitionsToTxnRequest;
    AddOffsetsToTxn = 25, AddOffsetsToTxnRequest;
    EndTxn = 26, EndTxnRequest;
    WriteTxnMarkers = 27, WriteTxnMarkersRequest;
    TxnOffsetCommit = 28, TxnOffsetCommitRequest;
    DescribeAcls = 29, DescribeAclsRequest;
    CreateAcls = 30, CreateAclsRequest;
    DeleteAcls = 31, DeleteAclsRequest;
    DescribeConfigs = 32, DescribeConfigsRequest;
    AlterConfigs = 33, AlterConfigsRequest;
    AlterReplicaLogDirs = 34, AlterReplicaLogDirsRequest;
    DescribeLogDirs = 35, DescribeLogDirsRequest;
    SaslAuthenticate = 36, SaslAuthenticateRequest;
    CreatePartitions = 37, CreatePartitionsRequest;
    DeleteGroups = 42, DeleteGroupsRequest;
    ElectLeaders = 43, ElectLeadersRequest;
    IncrementalAlterConfigs = 44, IncrementalAlterConfigsRequest;
    AlterPartitionReassignments = 45, AlterPartitionReassignmentsRequest;
    ListPartitionReassignments = 46, ListPartitionReassignmentsRequest;
    OffsetDelete = 47, OffsetDeleteRequest;
    DescribeClientQuotas = 48, DescribeClientQuotasRequest;
    DescribeUserScramCredentials = 50, DescribeUserScramCredentialsRequest;
    AlterUserScramCredentials = 51, AlterUserScramCredentialsRequest;
    DescribeQuorum = 55, DescribeQuorumRequest;
    UpdateFeatures = 57, UpdateFeaturesRequest;
    DescribeCluster = 60, DescribeClusterRequest;
    DescribeProducers = 61, DescribeProducersRequest;
    DescribeTransactions = 65, DescribeTransactionsRequest;
    ListTransactions = 66, ListTransactionsRequest;
    ConsumerGroupHeartbeat = 68, ConsumerGroupHeartbeatRequest;
    ConsumerGroupDescribe = 69, ConsumerGroupDescribeRequest;
    ListConfigResources = 74, ListConfigResourcesRequest;
    DescribeTopicPartitions = 75, DescribeTopicPartitionsRequest;
}

impl ApiKey {
    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether `version` of this API uses compact forms and a tag buffer in the request header.
    pub fn is_flexible(self, version: i16) -> bool {
        version >= self.flexible_since()
    }
}
