//! Logical types: recognised when valid, plain attributes when not.

use serde_json::Value;

use super::node::{Node, Props};
use crate::json::is_integer;

/// A valid logical type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the logical types of the specification")]
pub enum LogicalType {
    /// On bytes or fixed: an unscaled two's complement integer; `scale` is at most `precision`.
    Decimal {
        precision: u32,
        scale: u32,
    },
    BigDecimal,
    Uuid,
    Date,
    TimeMillis,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    LocalTimestampMillis,
    LocalTimestampMicros,
    LocalTimestampNanos,
    Duration,
}

/// The logical type of a node, when its attributes make a valid one.
pub(super) fn of(node: &Node) -> Option<LogicalType> {
    let Some(Value::String(word)) = node.props()?.get("logicalType") else { return None };
    let logical = match (node, word.as_str()) {
        (Node::Bytes(props), "decimal") => decimal(props, None)?,
        (Node::Fixed(fixed), "decimal") => decimal(&fixed.props, Some(fixed.size))?,
        (Node::Bytes(_), "big-decimal") => LogicalType::BigDecimal,
        (Node::String(_), "uuid") => LogicalType::Uuid,
        (Node::Fixed(fixed), "uuid") if fixed.size == 16 => LogicalType::Uuid,
        (Node::Fixed(fixed), "duration") if fixed.size == 12 => LogicalType::Duration,
        (Node::Int(_), "date") => LogicalType::Date,
        (Node::Int(_), "time-millis") => LogicalType::TimeMillis,
        (Node::Long(_), "time-micros") => LogicalType::TimeMicros,
        (Node::Long(_), "timestamp-millis") => LogicalType::TimestampMillis,
        (Node::Long(_), "timestamp-micros") => LogicalType::TimestampMicros,
        (Node::Long(_), "timestamp-nanos") => LogicalType::TimestampNanos,
        (Node::Long(_), "local-timestamp-millis") => LogicalType::LocalTimestampMillis,
        (Node::Long(_), "local-timestamp-micros") => LogicalType::LocalTimestampMicros,
        (Node::Long(_), "local-timestamp-nanos") => LogicalType::LocalTimestampNanos,
        _ => return None,
    };
    Some(logical)
}

fn decimal(props: &Props, size: Option<u32>) -> Option<LogicalType> {
    let precision = small_integer(props.get("precision")?).filter(|&precision| precision > 0)?;
    let scale = props.get("scale").map_or(Some(0), small_integer)?;
    if scale > precision || size.is_some_and(|size| u64::from(precision) > digits_in(size)) {
        return None;
    }
    Some(LogicalType::Decimal { precision, scale })
}

fn small_integer(value: &Value) -> Option<u32> {
    let Value::Number(number) = value else { return None };
    let number = number.as_i64().filter(|_| is_integer(number))?;
    i32::try_from(number).ok().and_then(|number| u32::try_from(number).ok())
}

/// Decimal digits that always fit in a signed integer of `size` bytes: floor(log10(2) * (8 * size - 1)).
fn digits_in(size: u32) -> u64 {
    // log10(2) to 18 digits as a ratio: exact for every size an int32 can hold
    const LOG10_2: u128 = 301_029_995_663_981_195;
    let bits = (u128::from(size) * 8).saturating_sub(1);
    u64::try_from(bits * LOG10_2 / 1_000_000_000_000_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{LogicalType, ParseMode, Schema};

    fn logical(text: &str) -> Option<LogicalType> {
        let schema = Schema::parse(text, ParseMode::Strict).unwrap();
        schema.node(schema.root()).logical()
    }

    #[test]
    fn logical_types_attach_only_when_valid() {
        let decimal = |precision, scale| Some(LogicalType::Decimal { precision, scale });
        for (text, expected) in [
            (r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#, decimal(4, 2)),
            (r#"{"type":"bytes","logicalType":"decimal","precision":4}"#, decimal(4, 0)),
            (r#"{"type":"bytes","logicalType":"decimal","precision":"4"}"#, None),
            (r#"{"type":"bytes","logicalType":"decimal","precision":4.0}"#, None),
            (r#"{"type":"bytes","logicalType":"decimal"}"#, None),
            (r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":5}"#, None),
            (r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":-1}"#, None),
            (r#"{"type":"string","logicalType":"decimal","precision":4}"#, None),
            (r#"{"type":"string","logicalType":"uuid"}"#, Some(LogicalType::Uuid)),
            (r#"{"type":"int","logicalType":"date"}"#, Some(LogicalType::Date)),
            (r#"{"type":"long","logicalType":"date"}"#, None),
            (r#"{"type":"long","logicalType":"timestamp-nanos"}"#, Some(LogicalType::TimestampNanos)),
            (r#"{"type":"int","logicalType":5}"#, None),
            (r#"{"type":"int","logicalType":"unheard-of"}"#, None),
        ] {
            assert_eq!(logical(text), expected, "{text}");
        }
    }

    #[test]
    fn fixed_decimals_are_bounded_by_their_size() {
        for (size, precision, valid) in [
            (0, 1, false),
            (1, 2, true),
            (1, 3, false),
            (4, 9, true),
            (4, 10, false),
            (8, 18, true),
            (8, 19, false),
            (16, 38, true),
            (16, 39, false),
        ] {
            let text = format!(
                r#"{{"type":"fixed","name":"F","size":{size},"logicalType":"decimal","precision":{precision}}}"#
            );
            assert_eq!(logical(&text).is_some(), valid, "{text}");
        }
        for (size, name, valid) in [(16, "uuid", true), (15, "uuid", false), (12, "duration", true)] {
            let text = format!(r#"{{"type":"fixed","name":"F","size":{size},"logicalType":"{name}"}}"#);
            assert_eq!(logical(&text).is_some(), valid, "{text}");
        }
    }
}
