//! Every message in every version against the `kafka-protocol` crate: what one encodes the other decodes, with the
//! same fields under the same names, and encodes to the same bytes.

#![expect(clippy::cast_sign_loss, reason = "seeds and lengths")]

use bytes::{Buf, Bytes};
use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, Encodable};

use super::Message;
use super::arbitrary::{Arbitrary, Random};
use super::messages as ours;
use super::writer::Writer;

const ROUNDS: u64 = 40;

/// The debug text without what only one side has: the other crate's unknown tags, and the difference between an absent
/// nullable field that defaults to null here and to empty there. A field newer than the crate (`is_cordoned`) is left out; one that
/// is a keyword there, and structures that share a name there, have other names here.
fn neutral(debug: &str) -> String {
    debug
        .replace(", unknown_tagged_fields: {}", "")
        .replace("unknown_tagged_fields: {}", "")
        .replace(" {  }", "")
        .replace("Some(\"\")", "None")
        .replace("Some([])", "None")
        .replace("Some(b\"\")", "None")
        .replace(", is_cordoned: false", "")
        .replace("_match: ", "match_text: ")
        .replace("QuorumTopic {", "TopicData {")
        .replace("QuorumPartition {", "PartitionData {")
}

fn check<Ours, Theirs>(seed: u64, theirs_max: i16)
where
    Ours: Message + Arbitrary + PartialEq + std::fmt::Debug,
    Theirs: Encodable + Decodable + std::fmt::Debug,
{
    for version in Ours::VERSION_MIN..=Ours::VERSION_MAX.min(theirs_max) {
        for round in 0..ROUNDS {
            let mut random = Random(seed << 32 | (version as u64) << 16 | round);
            let message = Ours::arbitrary(&mut random, Ours::form(version));
            let mut writer = Writer::new();
            message.write(&mut writer, version);
            let frame = writer.finish().to_bytes();
            let body = frame.slice(4..);
            assert_eq!((&frame[..4]).get_i32() as usize, body.len(), "length prefix");

            let label = format!("{} v{version} round {round}", Ours::NAME);
            let mut rest = body.clone();
            let other = Theirs::decode(&mut rest, version).unwrap_or_else(|error| panic!("{label}: {error}"));
            assert!(rest.is_empty(), "{label}: {} bytes left", rest.len());
            assert_eq!(neutral(&format!("{message:?}")), neutral(&format!("{other:?}")), "{label}");

            let mut again = bytes::BytesMut::new();
            other.encode(&mut again, version).unwrap_or_else(|error| panic!("{label}: {error}"));
            let again: Bytes = again.freeze();
            assert_eq!(again, body, "{label}");
            let mut reader = super::Reader::new(again);
            let back = Ours::read(&mut reader, version).unwrap_or_else(|error| panic!("{label}: {error}"));
            assert_eq!(reader.remaining(), 0, "{label}");
            assert_eq!(back, message, "{label}");
        }
    }
}

macro_rules! differential {
    ($($test:ident: $request:ident, $response:ident;)*) => {$(
        #[test]
        fn $test() {
            use kafka_protocol::protocol::Message as _;
            let seed = ours::$request::KEY as u64;
            check::<ours::$request, theirs::$request>(seed, theirs::$request::VERSIONS.max);
            check::<ours::$response, theirs::$response>(seed + 1000, theirs::$response::VERSIONS.max);
        }
    )*};
}

differential! {
    add_offsets_to_txn: AddOffsetsToTxnRequest, AddOffsetsToTxnResponse;
    add_partitions_to_txn: AddPartitionsToTxnRequest, AddPartitionsToTxnResponse;
    alter_configs: AlterConfigsRequest, AlterConfigsResponse;
    alter_partition_reassignments: AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse;
    alter_replica_log_dirs: AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse;
    alter_user_scram_credentials: AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse;
    api_versions: ApiVersionsRequest, ApiVersionsResponse;
    consumer_group_describe: ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse;
    consumer_group_heartbeat: ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse;
    create_acls: CreateAclsRequest, CreateAclsResponse;
    create_partitions: CreatePartitionsRequest, CreatePartitionsResponse;
    create_topics: CreateTopicsRequest, CreateTopicsResponse;
    delete_acls: DeleteAclsRequest, DeleteAclsResponse;
    delete_groups: DeleteGroupsRequest, DeleteGroupsResponse;
    delete_records: DeleteRecordsRequest, DeleteRecordsResponse;
    delete_topics: DeleteTopicsRequest, DeleteTopicsResponse;
    describe_acls: DescribeAclsRequest, DescribeAclsResponse;
    describe_client_quotas: DescribeClientQuotasRequest, DescribeClientQuotasResponse;
    describe_quorum: DescribeQuorumRequest, DescribeQuorumResponse;
    list_config_resources: ListConfigResourcesRequest, ListConfigResourcesResponse;
    describe_cluster: DescribeClusterRequest, DescribeClusterResponse;
    describe_configs: DescribeConfigsRequest, DescribeConfigsResponse;
    describe_groups: DescribeGroupsRequest, DescribeGroupsResponse;
    describe_log_dirs: DescribeLogDirsRequest, DescribeLogDirsResponse;
    describe_producers: DescribeProducersRequest, DescribeProducersResponse;
    describe_topic_partitions: DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse;
    describe_transactions: DescribeTransactionsRequest, DescribeTransactionsResponse;
    describe_user_scram_credentials: DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse;
    elect_leaders: ElectLeadersRequest, ElectLeadersResponse;
    end_txn: EndTxnRequest, EndTxnResponse;
    fetch: FetchRequest, FetchResponse;
    find_coordinator: FindCoordinatorRequest, FindCoordinatorResponse;
    heartbeat: HeartbeatRequest, HeartbeatResponse;
    incremental_alter_configs: IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse;
    init_producer_id: InitProducerIdRequest, InitProducerIdResponse;
    join_group: JoinGroupRequest, JoinGroupResponse;
    leave_group: LeaveGroupRequest, LeaveGroupResponse;
    list_groups: ListGroupsRequest, ListGroupsResponse;
    list_offsets: ListOffsetsRequest, ListOffsetsResponse;
    list_partition_reassignments: ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse;
    list_transactions: ListTransactionsRequest, ListTransactionsResponse;
    metadata: MetadataRequest, MetadataResponse;
    offset_commit: OffsetCommitRequest, OffsetCommitResponse;
    offset_delete: OffsetDeleteRequest, OffsetDeleteResponse;
    offset_fetch: OffsetFetchRequest, OffsetFetchResponse;
    offset_for_leader_epoch: OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse;
    produce: ProduceRequest, ProduceResponse;
    sasl_authenticate: SaslAuthenticateRequest, SaslAuthenticateResponse;
    sasl_handshake: SaslHandshakeRequest, SaslHandshakeResponse;
    sync_group: SyncGroupRequest, SyncGroupResponse;
    txn_offset_commit: TxnOffsetCommitRequest, TxnOffsetCommitResponse;
    update_features: UpdateFeaturesRequest, UpdateFeaturesResponse;
    write_txn_markers: WriteTxnMarkersRequest, WriteTxnMarkersResponse;
}

#[test]
fn consumer_protocol() {
    check::<ours::ConsumerProtocolSubscription, theirs::ConsumerProtocolSubscription>(2000, 3);
    check::<ours::ConsumerProtocolAssignment, theirs::ConsumerProtocolAssignment>(2001, 3);
}
