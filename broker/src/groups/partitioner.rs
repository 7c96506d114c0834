//! Which partition of `__consumer_offsets` a group lives in: Java's string hash.

/// `String.hashCode` of Java: over UTF-16 units, wrapping at 32 bits.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// The partition of `key` (a group or transactional id) among `partitions`; 0 when there are none.
///
/// Kafka's `Utils.abs(hash) % partitions`, where the absolute value of the smallest number is 0.
pub fn partition_for(key: &str, partitions: i32) -> i32 {
    java_hash(key).checked_abs().unwrap_or(0).checked_rem(partitions.max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_live_where_kafka_puts_them() {
        for (group, partition) in [("my-group", 12), ("test", 48), ("orders", 31), ("a", 47), ("", 0)] {
            assert_eq!(partition_for(group, 50), partition, "{group}");
        }
    }

    #[test]
    fn the_hash_is_javas() {
        let table = [("abc", 96_354), ("polygenelubricants", i32::MIN), ("é", 233), ("😀", 1_772_899)];
        for (text, hash) in table {
            assert_eq!(java_hash(text), hash, "{text}");
        }
        assert_eq!(partition_for("polygenelubricants", 50), 0);
        assert_eq!(partition_for("a", 0), 0);
    }
}
