//! Settings of the group coordinator.

/// Bounds and times. Kafka's setting is named where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupsConfig {
    /// Partitions of `__consumer_offsets` when it is created (`offsets.topic.num.partitions`); 50.
    pub offsets_partitions: i32,
    /// Segment size of `__consumer_offsets` in bytes (`offsets.topic.segment.bytes`); 104 857 600.
    pub offsets_segment_bytes: i32,
    /// Longest offset metadata in bytes (`offset.metadata.max.bytes`); 4096, at most 32 767.
    pub offset_metadata_bytes_max: usize,
    /// How long offsets outlive their group's last member (`offsets.retention.minutes`); 7 days.
    pub offsets_retention_ms: i64,
    /// How often expired offsets are looked for (`offsets.retention.check.interval.ms`); 10 minutes.
    pub offsets_retention_check_ms: u64,
    /// Shortest session timeout (`group.min.session.timeout.ms`); 6 s.
    pub session_timeout_ms_min: i32,
    /// Longest session timeout (`group.max.session.timeout.ms`); 30 min.
    pub session_timeout_ms_max: i32,
    /// How long the first rebalance of an empty group waits for more members
    /// (`group.initial.rebalance.delay.ms`, where Kafka's 3 s suit a fleet); 50 ms.
    pub initial_rebalance_delay_ms: u64,
    /// Most members of one group (`group.max.size`, unbounded in Kafka); 10 000.
    pub members_max: usize,
    /// Most protocols a member may offer; 64.
    pub protocols_max: usize,
    /// Most bytes of metadata a member may send over all its protocols; 1 MiB.
    pub member_metadata_bytes_max: usize,
    /// Most groups; 100 000. Beyond it new groups are answered with 15.
    pub groups_max: usize,
    /// How long a member of the consumer protocol may be silent (`group.consumer.session.timeout.ms`); 45 s.
    pub consumer_session_timeout_ms: u64,
    /// How often members of the consumer protocol are told to send heartbeats
    /// (`group.consumer.heartbeat.interval.ms`, 5 s in Kafka); 1 s, so that partitions move without a long wait.
    pub consumer_heartbeat_interval_ms: i32,
    /// Requests that wait for one group's turn; 256. Beyond it the connection that asks waits.
    pub mailbox_requests_max: usize,
}

impl Default for GroupsConfig {
    fn default() -> Self {
        Self {
            offsets_partitions: 50,
            offsets_segment_bytes: 104_857_600,
            offset_metadata_bytes_max: 4096,
            offsets_retention_ms: 7 * 24 * 60 * 60 * 1000,
            offsets_retention_check_ms: 600_000,
            session_timeout_ms_min: 6_000,
            session_timeout_ms_max: 1_800_000,
            initial_rebalance_delay_ms: 50,
            members_max: 10_000,
            protocols_max: 64,
            member_metadata_bytes_max: 1 << 20,
            groups_max: 100_000,
            consumer_session_timeout_ms: 45_000,
            consumer_heartbeat_interval_ms: 1_000,
            mailbox_requests_max: 256,
        }
    }
}
