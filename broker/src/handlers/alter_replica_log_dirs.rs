//! `AlterReplicaLogDirs` (key 34): there is one data folder, and every replica is in it.

use std::path::Path;

use crate::authorizer::Operation;
use crate::dispatch::Context;
use crate::handlers::describe_log_dirs::data_folder;
use crate::protocol::ErrorCode;
use crate::protocol::messages::alter_replica_log_dirs::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use crate::protocol::messages::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse};

pub(crate) async fn handle(
    context: &Context,
    request: AlterReplicaLogDirsRequest,
) -> AlterReplicaLogDirsResponse {
    let allowed = context.access.allows_cluster(Operation::Alter);
    let folder = data_folder(context);
    let mut results = Vec::new();
    for dir in request.dirs {
        let known = Path::new(&dir.path) == folder;
        for topic in dir.topics {
            let found = context.broker.topics().get(&topic.name);
            let partitions = topic.partitions.into_iter().map(|partition_index| {
                let exists =
                    || found.as_ref().is_some_and(|found| found.partition(partition_index).is_some());
                let code = match known {
                    _ if !allowed => ErrorCode::ClusterAuthorizationFailed,
                    false => ErrorCode::LogDirNotFound,
                    true if exists() => ErrorCode::None,
                    true => ErrorCode::UnknownTopicOrPartition,
                };
                AlterReplicaLogDirPartitionResult { partition_index, error_code: code.code() }
            });
            let partitions = partitions.collect();
            results.push(AlterReplicaLogDirTopicResult { topic_name: topic.name, partitions });
        }
    }
    AlterReplicaLogDirsResponse { results, ..Default::default() }
}
