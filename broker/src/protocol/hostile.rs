//! Requests as an attacker would write them: cut at every byte, with absurd counts, or random. The answer is an error or
//! a message, never a panic, and never more memory than the frame allows.

#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seeds and noise")]

use bytes::Bytes;

use super::Message;
use super::arbitrary::{Arbitrary, Random};
use super::messages;
use super::reader::decoded_bytes_max;
use super::writer::Writer;

fn encoded<M: Message>(message: &M, version: i16) -> Bytes {
    let mut writer = Writer::new();
    message.write(&mut writer, version);
    writer.finish().to_bytes().slice(4..)
}

fn check<M: Message + Arbitrary>() {
    for version in M::VERSION_MIN..=M::VERSION_MAX {
        let mut random = Random(M::KEY as u64 * 1000 + version as u64);
        let body = (0..20)
            .map(|_| encoded(&M::arbitrary(&mut random, M::form(version)), version))
            .max_by_key(Bytes::len)
            .unwrap_or_default();
        for cut in 0..body.len() {
            assert!(
                M::from_bytes(body.slice(..cut), version).is_err(),
                "{} v{version} cut at {cut}",
                M::NAME
            );
        }
        for position in 0..body.len() {
            for run in [&[0x7f, 0xff, 0xff, 0xff][..], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0x80, 0, 0, 0]] {
                let mut hostile = body.to_vec();
                let end = (position + run.len()).min(hostile.len());
                hostile[position..end].copy_from_slice(&run[..end - position]);
                let _ = M::from_bytes(Bytes::from(hostile), version);
            }
        }
        for _ in 0..200 {
            let noise: Bytes = (0..random.below(64)).map(|_| random.next() as u8).collect();
            let _ = M::from_bytes(noise, version);
        }
        assert!(M::from_bytes(body, M::VERSION_MAX + 1).is_err());
    }
}

macro_rules! every_request {
    ($($test:ident: $request:ident, $response:ident;)*) => {
        $(
            #[test]
            fn $test() {
                check::<messages::$request>();
            }
        )*
    };
}

every_request! {
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
fn decoded_size_is_bounded_by_the_frame() {
    assert_eq!(decoded_bytes_max(0), 1 << 20);
    assert_eq!(decoded_bytes_max(1 << 20), 17 << 20);
    assert_eq!(decoded_bytes_max(usize::MAX), 64 << 20);
}
