//! `DescribeLogDirs` (key 35): the one data folder and what each partition takes in it.

use std::path::PathBuf;

use crate::authorizer::Operation;
use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use crate::protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use crate::topics::Topic;

pub(crate) async fn handle(context: &Context, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    if !context.access.allows_cluster(Operation::Describe) {
        let error_code = ErrorCode::ClusterAuthorizationFailed.code();
        return DescribeLogDirsResponse { error_code, ..Default::default() };
    }
    let all = context.broker.topics().list();
    let topics = all.iter().filter_map(|topic| described(topic, request.topics.as_deref()));
    let dir = data_folder(context);
    let (total_bytes, usable_bytes) = space(&dir);
    let result = DescribeLogDirsResult {
        log_dir: dir.display().to_string(),
        topics: topics.collect(),
        total_bytes,
        usable_bytes,
        ..Default::default()
    };
    DescribeLogDirsResponse { results: vec![result], ..Default::default() }
}

/// The one data folder, as it is told to clients.
pub(crate) fn data_folder(context: &Context) -> PathBuf {
    let dir = context.broker.topics().data_dir();
    std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned())
}

/// The topic's partitions, or those of them that are asked for.
fn described(topic: &Topic, wanted: Option<&[DescribableLogDirTopic]>) -> Option<DescribeLogDirsTopic> {
    let chosen = match wanted {
        None => None,
        Some(wanted) => Some(&wanted.iter().find(|wanted| *wanted.topic == **topic.name())?.partitions),
    };
    let partitions = topic.partitions().into_iter().filter_map(|partition| {
        let index = partition.index();
        let size = i64::try_from(partition.size_bytes()).unwrap_or(i64::MAX);
        chosen.is_none_or(|chosen| chosen.contains(&index)).then(|| DescribeLogDirsPartition {
            partition_index: index,
            partition_size: size,
            ..Default::default()
        })
    });
    Some(DescribeLogDirsTopic { name: topic.name().to_string(), partitions: partitions.collect() })
}

/// Total and usable bytes of the file system; -1 when it does not say.
fn space(dir: &std::path::Path) -> (i64, i64) {
    rustix::fs::statvfs(dir).map_or((-1, -1), |stat| {
        let bytes = |blocks: u64| i64::try_from(blocks.saturating_mul(stat.f_frsize)).unwrap_or(i64::MAX);
        (bytes(stat.f_blocks), bytes(stat.f_bavail))
    })
}
