//! The table of topic keys.

use super::{ConfigError, SubjectStrategy, ValidationLevel};

/// How a value is written, as `DescribeConfigs` reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// `true` or `false`, any case.
    Boolean,
    /// One of a set, or free text.
    String,
    /// 32 bits.
    Int,
    /// 64 bits.
    Long,
    /// A floating-point number.
    Double,
    /// Comma-separated.
    List,
}

impl ValueType {
    /// The number on the wire.
    pub fn code(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
        }
    }
}

/// One topic key.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// As Kafka spells it.
    pub name: &'static str,
    /// Of the value.
    pub value_type: ValueType,
    /// In effect when nobody sets it.
    pub default: &'static str,
    /// One line for the listing.
    pub documentation: &'static str,
    /// Broker keys that set the default, finest unit first, with the factor to this key's unit.
    pub(super) broker_keys: &'static [(&'static str, i64)],
    rule: Rule,
}

#[derive(Debug, PartialEq, Eq)]
enum Rule {
    Any,
    AtLeast(i64),
    Ratio,
    OneOf(&'static [&'static str]),
    Policies,
    Strategy,
    Level,
    Fixed(&'static str, &'static str),
}

impl Key {
    /// The broker's key for the default, in the unit of this one; this key's own name where the broker has none.
    pub fn broker_name(&self) -> &'static str {
        self.broker_keys.first().map_or(self.name, |(name, _)| name)
    }

    pub(super) fn invalid(&'static self, value: &str, reason: impl Into<String>) -> ConfigError {
        ConfigError::InvalidValue { key: self.name, value: value.to_owned(), reason: reason.into() }
    }

    /// Checks type and range of a value.
    pub fn check(&'static self, value: &str) -> Result<(), ConfigError> {
        let value = value.trim();
        let number: Option<i64> = match self.value_type {
            ValueType::Boolean if !matches!(value.to_ascii_lowercase().as_str(), "true" | "false") => {
                return Err(self.invalid(value, "Expected value to be either true or false"));
            }
            ValueType::Int => {
                let number: i32 =
                    value.parse().map_err(|_| self.invalid(value, "Not a number of type INT"))?;
                Some(number.into())
            }
            ValueType::Long => {
                Some(value.parse().map_err(|_| self.invalid(value, "Not a number of type LONG"))?)
            }
            ValueType::Boolean | ValueType::String | ValueType::Double | ValueType::List => None,
        };
        match self.rule {
            Rule::AtLeast(least) => match number {
                Some(number) if number < least => {
                    Err(self.invalid(value, format!("Value must be at least {least}")))
                }
                _ => Ok(()),
            },
            Rule::Ratio => match value.parse::<f64>() {
                Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(()),
                Ok(_) => Err(self.invalid(value, "Value must be between 0 and 1")),
                Err(_) => Err(self.invalid(value, "Not a number of type DOUBLE")),
            },
            Rule::OneOf(choices) => self.one_of(value, choices.contains(&value), &choices.join(", ")),
            Rule::Policies => {
                let known = value.split(',').all(|policy| matches!(policy.trim(), "compact" | "delete"));
                self.one_of(value, known, "compact, delete")
            }
            Rule::Strategy => self.one_of(
                value,
                SubjectStrategy::parse(value).is_some(),
                "TopicNameStrategy, RecordNameStrategy, TopicRecordNameStrategy",
            ),
            Rule::Level => {
                self.one_of(value, ValidationLevel::parse(value).is_some(), "off, framing, id, decode")
            }
            Rule::Fixed(only, reason) if value != only => Err(self.invalid(value, reason)),
            Rule::Any | Rule::Fixed(..) => Ok(()),
        }
    }

    fn one_of(&'static self, value: &str, known: bool, choices: &str) -> Result<(), ConfigError> {
        if known { Ok(()) } else { Err(self.invalid(value, format!("String must be one of: {choices}"))) }
    }
}

const LONG_MAX: &str = "9223372036854775807";
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

macro_rules! keys {
    ($($name:literal $kind:ident = $default:expr, $rule:expr, [$($broker:literal * $factor:expr),*], $doc:literal;)*) => {
        /// Every topic key, in order of name.
        pub const KEYS: &[Key] = &[$(Key {
            name: $name,
            value_type: ValueType::$kind,
            default: $default,
            documentation: $doc,
            broker_keys: &[$(($broker, $factor)),*],
            rule: $rule,
        }),*];
    };
}

keys! {
    "assay.durability" String = "", Rule::OneOf(&["", "fsync", "interval", "os"]), [],
        "When appends become durable: fsync, interval or os; empty takes flush.messages, flush.ms, then the broker's.";
    "assay.key.schema.validation.level" String = "decode", Rule::Level, [],
        "How deep key validation looks when it is on: off, framing, id or decode.";
    "assay.value.schema.validation.level" String = "decode", Rule::Level, [],
        "How deep value validation looks when it is on: off, framing, id or decode.";
    "cleanup.policy" List = "delete", Rule::Policies, ["log.cleanup.policy" * 1],
        "What happens to old segments: delete, compact, or both.";
    "compression.gzip.level" Int = "-1", Rule::AtLeast(-1), [], "Accepted; batches are stored as received.";
    "compression.lz4.level" Int = "9", Rule::AtLeast(1), [], "Accepted; batches are stored as received.";
    "compression.type" String = "producer",
        Rule::OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        ["compression.type" * 1], "Accepted; batches are stored as received.";
    "compression.zstd.level" Int = "3", Rule::Any, [], "Accepted; batches are stored as received.";
    "confluent.key.schema.validation" Boolean = "false", Rule::Any, [],
        "Refuse records whose key does not carry a valid schema.";
    "confluent.key.subject.name.strategy" String = "io.confluent.kafka.serializers.subject.TopicNameStrategy",
        Rule::Strategy, [], "Which subject a key's schema must belong to.";
    "confluent.value.schema.validation" Boolean = "false", Rule::Any, [],
        "Refuse records whose value does not carry a valid schema.";
    "confluent.value.subject.name.strategy" String = "io.confluent.kafka.serializers.subject.TopicNameStrategy",
        Rule::Strategy, [], "Which subject a value's schema must belong to.";
    "delete.retention.ms" Long = "86400000", Rule::AtLeast(0), ["log.cleaner.delete.retention.ms" * 1],
        "How long tombstones stay after compaction.";
    "file.delete.delay.ms" Long = "60000", Rule::AtLeast(0), ["log.segment.delete.delay.ms" * 1],
        "Accepted; removed segments are unlinked at once, readers keep their handles.";
    "flush.messages" Long = LONG_MAX, Rule::AtLeast(1), ["log.flush.interval.messages" * 1],
        "Sync after so many records; 1 is the fsync durability.";
    "flush.ms" Long = LONG_MAX, Rule::AtLeast(0), ["log.flush.interval.ms" * 1],
        "Sync after so many milliseconds; asks for the interval durability.";
    "follower.replication.throttled.replicas" List = "", Rule::Any, [], "Accepted; there is no replication.";
    "index.interval.bytes" Int = "4096", Rule::AtLeast(0), ["log.index.interval.bytes" * 1],
        "Log bytes per index entry.";
    "leader.replication.throttled.replicas" List = "", Rule::Any, [], "Accepted; there is no replication.";
    "local.retention.bytes" Long = "-2", Rule::AtLeast(-2), [], "Accepted; there is no tiered storage.";
    "local.retention.ms" Long = "-2", Rule::AtLeast(-2), [], "Accepted; there is no tiered storage.";
    "max.compaction.lag.ms" Long = LONG_MAX, Rule::AtLeast(1), ["log.cleaner.max.compaction.lag.ms" * 1],
        "Age past which records must be compacted.";
    "max.message.bytes" Int = "1048588", Rule::AtLeast(0), ["message.max.bytes" * 1],
        "Largest record batch accepted.";
    "message.downconversion.enable" Boolean = "true", Rule::Any, [], "Accepted and ignored.";
    "message.format.version" String = "3.0-IV1", Rule::Any, [], "Accepted and ignored.";
    "message.timestamp.after.max.ms" Long = "3600000", Rule::AtLeast(0),
        ["log.message.timestamp.after.max.ms" * 1], "How far ahead of the broker's clock a timestamp may be.";
    "message.timestamp.before.max.ms" Long = LONG_MAX, Rule::AtLeast(0),
        ["log.message.timestamp.before.max.ms" * 1], "How far behind the broker's clock a timestamp may be.";
    "message.timestamp.difference.max.ms" Long = LONG_MAX, Rule::AtLeast(0), [], "Accepted and ignored.";
    "message.timestamp.type" String = "CreateTime", Rule::OneOf(&["CreateTime", "LogAppendTime"]),
        ["log.message.timestamp.type" * 1], "Whether records carry the producer's or the broker's time.";
    "min.cleanable.dirty.ratio" Double = "0.5", Rule::Ratio, ["log.cleaner.min.cleanable.ratio" * 1],
        "Share of uncompacted log that starts a compaction.";
    "min.compaction.lag.ms" Long = "0", Rule::AtLeast(0), ["log.cleaner.min.compaction.lag.ms" * 1],
        "Age below which records are not compacted.";
    "min.insync.replicas" Int = "1", Rule::AtLeast(1), ["min.insync.replicas" * 1],
        "Replicas acks=all asks for; one node has one, so that more refuses every such produce.";
    "preallocate" Boolean = "false", Rule::Any, ["log.preallocate" * 1], "Accepted; files grow as they are written.";
    "remote.storage.enable" Boolean = "false", Rule::Fixed("false", "there is no tiered storage"), [],
        "There is no tiered storage.";
    "retention.bytes" Long = "-1", Rule::AtLeast(-1), ["log.retention.bytes" * 1],
        "Bytes to keep per partition; -1 keeps all.";
    "retention.ms" Long = "604800000", Rule::AtLeast(-1),
        ["log.retention.ms" * 1, "log.retention.minutes" * MINUTE_MS, "log.retention.hours" * HOUR_MS],
        "Time to keep records; -1 keeps all.";
    "segment.bytes" Int = "1073741824", Rule::AtLeast(14), ["log.segment.bytes" * 1],
        "Size at which a segment is closed.";
    "segment.index.bytes" Int = "10485760", Rule::AtLeast(4), ["log.index.size.max.bytes" * 1],
        "Largest offset index of a segment.";
    "segment.jitter.ms" Long = "0", Rule::AtLeast(0),
        ["log.roll.jitter.ms" * 1, "log.roll.jitter.hours" * HOUR_MS], "Largest random part taken off segment.ms.";
    "segment.ms" Long = "604800000", Rule::AtLeast(1), ["log.roll.ms" * 1, "log.roll.hours" * HOUR_MS],
        "Age at which a segment is closed.";
    "unclean.leader.election.enable" Boolean = "false", Rule::Any, ["unclean.leader.election.enable" * 1],
        "Accepted; there is no replication.";
}
