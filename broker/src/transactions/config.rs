//! Settings of the transaction coordinator.

/// Bounds and times. Kafka's setting is named where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionsConfig {
    /// Partitions of `__transaction_state` when it is created (`transaction.state.log.num.partitions`); 50.
    pub state_partitions: i32,
    /// Segment size of `__transaction_state` in bytes (`transaction.state.log.segment.bytes`); 104 857 600.
    pub state_segment_bytes: i32,
    /// Longest time-out a producer may ask for (`transaction.max.timeout.ms`); 15 min.
    pub timeout_ms_max: i32,
    /// How often transactions over their time are looked for
    /// (`transaction.abort.timed.out.transaction.cleanup.interval.ms`); 10 s.
    pub abort_interval_ms: u64,
    /// Idle time after which a transactional id is forgotten (`transactional.id.expiration.ms`); 7 days.
    pub id_expiration_ms: i64,
    /// How often such ids are looked for (`transaction.remove.expired.transaction.cleanup.interval.ms`); 1 h.
    pub expiration_interval_ms: u64,
    /// Most transactional ids; 1 000 000. Beyond it new ones are answered with 15.
    pub ids_max: usize,
}

impl Default for TransactionsConfig {
    fn default() -> Self {
        Self {
            state_partitions: 50,
            state_segment_bytes: 104_857_600,
            timeout_ms_max: 900_000,
            abort_interval_ms: 10_000,
            id_expiration_ms: 604_800_000,
            expiration_interval_ms: 3_600_000,
            ids_max: 1_000_000,
        }
    }
}
