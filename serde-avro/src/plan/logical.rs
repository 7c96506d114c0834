//! The texts of logical types: ISO 8601 dates and times, decimals, UUIDs.
//!
//! Numbers and bytes pass through the engine as they are on the wire. These texts are what serde types that speak
//! text ask for: dates and times of chrono, jiff and time, decimals of `rust_decimal` and `bigdecimal`, `Uuid`.

pub(crate) mod decimal;
pub(crate) mod time;

use super::program::{FixedLogical, IntLogical, LongLogical, Op, Tables};
use crate::logical::Kind;

pub(crate) fn int_name(logical: IntLogical) -> &'static str {
    match logical {
        IntLogical::Date => "date",
        IntLogical::TimeMillis => "time-millis",
    }
}

pub(crate) fn long_name(logical: LongLogical) -> &'static str {
    match logical {
        LongLogical::TimeMicros => "time-micros",
        LongLogical::TimestampMillis => "timestamp-millis",
        LongLogical::TimestampMicros => "timestamp-micros",
        LongLogical::TimestampNanos => "timestamp-nanos",
        LongLogical::LocalTimestampMillis => "local-timestamp-millis",
        LongLogical::LocalTimestampMicros => "local-timestamp-micros",
        LongLogical::LocalTimestampNanos => "local-timestamp-nanos",
    }
}

/// The text of an int; none outside the years that ISO 8601 writes with a sign and nine digits at most, or the day.
pub(crate) fn int_text(logical: IntLogical, value: i32) -> Option<String> {
    match logical {
        IntLogical::Date => Some(time::date_text(value.into())),
        IntLogical::TimeMillis => time::time_text(i64::from(value).checked_mul(1_000_000)?),
    }
}

/// The int that a text stands for.
pub(crate) fn int_value(logical: IntLogical, text: &str) -> Option<i32> {
    match logical {
        IntLogical::Date => time::date_value(text)?.try_into().ok(),
        IntLogical::TimeMillis => floored(time::time_value(text)?.into(), 1_000_000).try_into().ok(),
    }
}

/// The text of a long; none where a time lies outside the day.
pub(crate) fn long_text(logical: LongLogical, value: i64) -> Option<String> {
    let Some((nanos_per_unit, zone)) = unit(logical) else {
        return time::time_text(value.checked_mul(1_000)?);
    };
    Some(time::timestamp_text(i128::from(value) * i128::from(nanos_per_unit), zone))
}

/// The long that a text stands for; digits finer than the unit are cut.
pub(crate) fn long_value(logical: LongLogical, text: &str) -> Option<i64> {
    let Some((nanos_per_unit, zone)) = unit(logical) else {
        return floored(time::time_value(text)?.into(), 1_000).try_into().ok();
    };
    floored(time::timestamp_value(text, zone)?, nanos_per_unit).try_into().ok()
}

/// What a natural type stands for, where the schema has a logical type of that family here.
pub(crate) fn kind(tables: &Tables, op: Op) -> Option<Kind> {
    Some(match op {
        Op::IntAs(IntLogical::Date) => Kind::Date,
        Op::IntAs(IntLogical::TimeMillis) | Op::LongAs(LongLogical::TimeMicros) => Kind::Time,
        Op::LongAs(logical) => match unit(logical)?.1 {
            time::Zone::Utc => Kind::Timestamp,
            time::Zone::Local => Kind::LocalTimestamp,
        },
        Op::UuidString => Kind::Uuid,
        Op::Decimal(_) | Op::BigDecimal => Kind::Decimal,
        Op::Fixed(i) => match tables.fixed(i).logical? {
            FixedLogical::Uuid => Kind::Uuid,
            FixedLogical::Decimal(_) => Kind::Decimal,
            FixedLogical::Duration => return None,
        },
        _ => return None,
    })
}

/// What an error calls a type: its logical type, where it has one.
pub(crate) fn name(tables: &Tables, op: Op) -> &str {
    match op {
        Op::IntAs(logical) => int_name(logical),
        Op::LongAs(logical) => long_name(logical),
        Op::Decimal(_) => "decimal",
        Op::BigDecimal => "big-decimal",
        Op::UuidString => "uuid",
        _ => tables.type_name(op),
    }
}

/// Nanoseconds in one unit of a date or time; none for other types, and for dates, which count days.
pub(crate) fn nanos_per_unit(op: Op) -> Option<i64> {
    match op {
        Op::IntAs(IntLogical::TimeMillis) => Some(1_000_000),
        Op::LongAs(LongLogical::TimeMicros) => Some(1_000),
        Op::LongAs(logical) => unit(logical).map(|(nanos, _)| nanos),
        _ => None,
    }
}

fn unit(logical: LongLogical) -> Option<(i64, time::Zone)> {
    Some(match logical {
        LongLogical::TimeMicros => return None,
        LongLogical::TimestampMillis => (1_000_000, time::Zone::Utc),
        LongLogical::TimestampMicros => (1_000, time::Zone::Utc),
        LongLogical::TimestampNanos => (1, time::Zone::Utc),
        LongLogical::LocalTimestampMillis => (1_000_000, time::Zone::Local),
        LongLogical::LocalTimestampMicros => (1_000, time::Zone::Local),
        LongLogical::LocalTimestampNanos => (1, time::Zone::Local),
    })
}

/// Cuts what is finer than the unit, towards the past: clocks give more digits than a schema keeps.
pub(crate) fn floored(nanos: i128, per_unit: i64) -> i128 {
    nanos.div_euclid(per_unit.into())
}
