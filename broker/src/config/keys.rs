//! The table of broker keys.

use crate::topics::config::ValueType;

/// A broker key: its type, default, lowest value and one line on what it does.
#[derive(Debug)]
pub struct BrokerKey {
    /// Kafka's name, or `assay.` and ours.
    pub name: &'static str,
    /// Type of the value.
    pub value_type: ValueType,
    /// Value when nobody sets it.
    pub default: &'static str,
    /// Lowest number allowed.
    pub least: i64,
    /// What it does, and where the default differs from Kafka's.
    pub documentation: &'static str,
}

const fn key(
    name: &'static str,
    value_type: ValueType,
    default: &'static str,
    least: i64,
    documentation: &'static str,
) -> BrokerKey {
    BrokerKey { name, value_type, default, least, documentation }
}

use ValueType::{Boolean, Int, Long, String};

/// Every broker key with a meaning here, by name.
pub const KEYS: &[BrokerKey] = &[
    key(
        "assay.drain.timeout.ms",
        Long,
        "5000",
        0,
        "How long connections may finish what they began after a stop signal.",
    ),
    key("assay.durability", String, "fsync", 0, "When appends become durable: fsync, interval or os."),
    key(
        "assay.durability.interval.ms",
        Long,
        "1000",
        1,
        "Longest time to a sync with assay.durability=interval.",
    ),
    key(
        "assay.replication.factor.clamp",
        Boolean,
        "false",
        0,
        "Take a replication factor above 1 as 1 instead of refusing it with 38.",
    ),
    key("assay.schema.context", String, ".", 0, "Registry context that schema ids on this broker belong to."),
    key(
        "assay.validation.decompressed.max.bytes",
        Long,
        "67108864",
        1,
        "What the records of one batch may decompress to while they are checked.",
    ),
    key(
        "assay.validation.timeout.ms",
        Long,
        "5000",
        1,
        "How long a produce request waits for schemas that are not known yet.",
    ),
    key(
        "auto.create.topics.enable",
        Boolean,
        "true",
        0,
        "Create a topic when a client asks for its metadata.",
    ),
    key(
        "connections.max.idle.ms",
        Long,
        "600000",
        1,
        "Close a connection after so long without a request, or without progress in a response.",
    ),
    key(
        "default.replication.factor",
        Int,
        "1",
        1,
        "Replication factor of topics created without one; one node holds one replica.",
    ),
    key("delete.topic.enable", Boolean, "true", 0, "Allow topics to be deleted."),
    key("fetch.max.bytes", Int, "57671680", 1024, "Most bytes of records in one fetch response."),
    key(
        "group.initial.rebalance.delay.ms",
        Int,
        "50",
        0,
        "How long the first rebalance of an empty group waits for more members. Kafka: 3000.",
    ),
    key("group.max.session.timeout.ms", Int, "1800000", 1, "Longest session timeout a member may ask for."),
    key("group.max.size", Int, "10000", 1, "Most members of one group. Kafka: unbounded."),
    key("group.min.session.timeout.ms", Int, "6000", 1, "Shortest session timeout a member may ask for."),
    key("log.retention.check.interval.ms", Long, "300000", 1, "How often expired segments are looked for."),
    key(
        "max.connections",
        Int,
        "10000",
        1,
        "Most connections at a time; more are refused. Kafka: unbounded.",
    ),
    key("node.id", Int, "1", 0, "Identifier of this node; also read as broker.id."),
    key("num.partitions", Int, "1", 1, "Partitions of topics created without a number."),
    key("num.recovery.threads.per.data.dir", Int, "2", 1, "Threads that open logs at start."),
    key("offset.metadata.max.bytes", Int, "4096", 0, "Longest metadata of a committed offset."),
    key(
        "offsets.retention.check.interval.ms",
        Long,
        "600000",
        1,
        "How often expired offsets are looked for.",
    ),
    key(
        "offsets.retention.minutes",
        Int,
        "10080",
        1,
        "How long offsets outlive the last member of their group.",
    ),
    key("offsets.topic.num.partitions", Int, "50", 1, "Partitions of __consumer_offsets when it is created."),
    key("offsets.topic.segment.bytes", Int, "104857600", 1, "Segment size of __consumer_offsets."),
    key("producer.id.expiration.ms", Int, "86400000", 1, "Idle time after which a producer is forgotten."),
    key(
        "queued.max.request.bytes",
        Long,
        "536870912",
        1024,
        "Most bytes of requests that are read and not yet processed, over all connections. Kafka: unbounded.",
    ),
    key("socket.request.max.bytes", Int, "104857600", 1024, "Longest request."),
];
