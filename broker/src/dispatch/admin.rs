//! The handlers of administration: topics, settings, rules, users and the cluster.

use super::{Context, Refusal};
use crate::connection::Reply;
use crate::handlers;
use crate::protocol::messages;
use crate::protocol::{ApiKey, Message, Reader};

/// Runs a request of administration.
pub(super) async fn run(context: &Context, mut reader: Reader) -> Result<Reply, Refusal> {
    match context.api {
        ApiKey::CreateTopics => call!(context, reader, CreateTopicsRequest, handlers::create_topics::handle),
        ApiKey::DeleteTopics => call!(context, reader, DeleteTopicsRequest, handlers::delete_topics::handle),
        ApiKey::DeleteRecords => {
            call!(context, reader, DeleteRecordsRequest, handlers::delete_records::handle)
        }
        ApiKey::DescribeConfigs => {
            call!(context, reader, DescribeConfigsRequest, handlers::describe_configs::handle)
        }
        ApiKey::AlterConfigs => call!(context, reader, AlterConfigsRequest, handlers::alter_configs::handle),
        ApiKey::IncrementalAlterConfigs => {
            call!(
                context,
                reader,
                IncrementalAlterConfigsRequest,
                handlers::incremental_alter_configs::handle
            )
        }
        ApiKey::DescribeLogDirs => {
            call!(context, reader, DescribeLogDirsRequest, handlers::describe_log_dirs::handle)
        }
        ApiKey::CreatePartitions => {
            call!(context, reader, CreatePartitionsRequest, handlers::create_partitions::handle)
        }
        ApiKey::AlterReplicaLogDirs => {
            call!(context, reader, AlterReplicaLogDirsRequest, handlers::alter_replica_log_dirs::handle)
        }
        ApiKey::ListConfigResources => {
            call!(context, reader, ListConfigResourcesRequest, handlers::list_config_resources::handle)
        }
        ApiKey::DescribeTopicPartitions => {
            call!(
                context,
                reader,
                DescribeTopicPartitionsRequest,
                handlers::describe_topic_partitions::handle
            )
        }
        _ => run_cluster(context, reader).await,
    }
}

/// Rules, users, and what there is to say and to change about the cluster.
async fn run_cluster(context: &Context, mut reader: Reader) -> Result<Reply, Refusal> {
    match context.api {
        ApiKey::DescribeAcls => call!(context, reader, DescribeAclsRequest, handlers::acls::describe),
        ApiKey::CreateAcls => call!(context, reader, CreateAclsRequest, handlers::acls::create),
        ApiKey::DeleteAcls => call!(context, reader, DeleteAclsRequest, handlers::acls::delete),
        ApiKey::ElectLeaders => call!(context, reader, ElectLeadersRequest, handlers::elect_leaders::handle),
        ApiKey::AlterPartitionReassignments => {
            call!(
                context,
                reader,
                AlterPartitionReassignmentsRequest,
                handlers::alter_partition_reassignments::handle
            )
        }
        ApiKey::UpdateFeatures => {
            call!(context, reader, UpdateFeaturesRequest, handlers::update_features::handle)
        }
        ApiKey::ListPartitionReassignments => {
            call!(
                context,
                reader,
                ListPartitionReassignmentsRequest,
                handlers::list_partition_reassignments::handle
            )
        }
        ApiKey::DescribeClientQuotas => {
            call!(context, reader, DescribeClientQuotasRequest, handlers::describe_client_quotas::handle)
        }
        ApiKey::DescribeUserScramCredentials => {
            call!(
                context,
                reader,
                DescribeUserScramCredentialsRequest,
                handlers::user_scram_credentials::describe
            )
        }
        ApiKey::AlterUserScramCredentials => {
            call!(context, reader, AlterUserScramCredentialsRequest, handlers::user_scram_credentials::alter)
        }
        ApiKey::DescribeQuorum => {
            call!(context, reader, DescribeQuorumRequest, handlers::describe_quorum::handle)
        }
        ApiKey::DescribeCluster => {
            call!(context, reader, DescribeClusterRequest, handlers::describe_cluster::handle)
        }
        _ => Err(context.not_served()),
    }
}
