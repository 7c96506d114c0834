//! What `__transaction_state` holds, in Kafka's formats byte for byte.
//!
//! ```text
//! key    i16 version = 0, transactional id string
//! value  i16 version, then the message in that version; null removes the transactional id
//! ```
//!
//! Values are written in version 0, as every Kafka with transactions reads, and in version 1 where one of its tagged fields
//! has a value; both are read.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::state::{State, Transaction};
use crate::journal::{version_of, versioned};
use crate::protocol::declare::{NEVER, bound_or, default_value, message, structure};
use crate::protocol::{DecodeError, Message};

const KEY_VERSION: i16 = 0;

message! {
    /// Names one transactional id.
    TransactionLogKey: key -1, versions 0..=0, flexible NEVER;
    transactional_id: String;
}

message! {
    /// A transactional id's state. Timestamps are milliseconds since the epoch.
    TransactionLogValue: key -1, versions 0..=1, flexible 1;
    producer_id: i64;
    producer_epoch: i16;
    transaction_timeout_ms: i32;
    transaction_status: i8;
    transaction_partitions: Option<Vec<PartitionsSchema>>;
    transaction_last_update_timestamp_ms: i64;
    transaction_start_timestamp_ms: i64;
    previous_producer_id: i64, since 1, tag 0, default -1;
    next_producer_id: i64, since 1, tag 1, default -1;
    client_transaction_version: i16, since 1, tag 2;
}

structure! {
    /// Partitions of one topic inside [`TransactionLogValue`].
    PartitionsSchema;
    topic: String;
    partition_ids: Vec<i32>;
}

/// The key of a transactional id.
pub(crate) fn key(transactional_id: &str) -> Bytes {
    versioned(&TransactionLogKey { transactional_id: transactional_id.to_owned() }, KEY_VERSION)
}

/// The transactional id of a key; `None` for records of another kind.
pub(crate) fn id_of(key: Bytes) -> Result<Option<String>, DecodeError> {
    let (version, rest) = version_of(key)?;
    if version != KEY_VERSION {
        return Ok(None);
    }
    Ok(Some(TransactionLogKey::from_bytes(rest, version)?.transactional_id))
}

/// The value for a state.
pub(crate) fn value(transaction: &Transaction) -> Bytes {
    let partitions = transaction.partitions.iter().map(|(topic, partitions)| PartitionsSchema {
        topic: topic.clone(),
        partition_ids: partitions.iter().copied().collect(),
    });
    let value = TransactionLogValue {
        producer_id: transaction.producer_id,
        producer_epoch: transaction.epoch,
        transaction_timeout_ms: transaction.timeout_ms,
        transaction_status: transaction.state.code(),
        transaction_partitions: (transaction.state != State::Empty).then(|| partitions.collect()),
        transaction_last_update_timestamp_ms: transaction.updated_ms,
        transaction_start_timestamp_ms: transaction.started_ms,
        previous_producer_id: transaction.last_producer_id,
        next_producer_id: transaction.next_producer_id,
        client_transaction_version: transaction.client_version,
    };
    let tagged = transaction.last_producer_id >= 0
        || transaction.next_producer_id >= 0
        || transaction.client_version > 0;
    versioned(&value, i16::from(tagged))
}

/// The state in a value; `None` for a status that no version knows.
pub(crate) fn state_of(value: Bytes) -> Result<Option<Transaction>, DecodeError> {
    let (version, rest) = version_of(value)?;
    let value = TransactionLogValue::from_bytes(rest, version)?;
    let Some(state) = State::from_code(value.transaction_status) else { return Ok(None) };
    let mut partitions = BTreeMap::<String, BTreeSet<i32>>::new();
    for schema in value.transaction_partitions.unwrap_or_default() {
        partitions.entry(schema.topic).or_default().extend(schema.partition_ids);
    }
    Ok(Some(Transaction {
        producer_id: value.producer_id,
        last_producer_id: value.previous_producer_id,
        next_producer_id: value.next_producer_id,
        epoch: value.producer_epoch,
        last_epoch: -1,
        timeout_ms: value.transaction_timeout_ms,
        state,
        partitions,
        updated_ms: value.transaction_last_update_timestamp_ms,
        started_ms: value.transaction_start_timestamp_ms,
        client_version: value.client_transaction_version,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_kafkas() {
        assert_eq!(key("tx")[..], [0, 0, 0, 2, b't', b'x']);
        assert_eq!(id_of(key("tx")).unwrap().as_deref(), Some("tx"));
        let partitions = BTreeMap::from([("a".to_owned(), BTreeSet::from([1]))]);
        let ongoing =
            Transaction { state: State::Ongoing, partitions, epoch: 3, ..Transaction::new(258, 60_000, 5) };
        let bytes = value(&ongoing);
        let expected: Vec<u8> = [
            &0_i16.to_be_bytes()[..],
            &258_i64.to_be_bytes(),
            &3_i16.to_be_bytes(),
            &60_000_i32.to_be_bytes(),
            &[1],
            &1_i32.to_be_bytes(),
            &[0, 1, b'a'],
            &1_i32.to_be_bytes(),
            &1_i32.to_be_bytes(),
            &5_i64.to_be_bytes(),
            &(-1_i64).to_be_bytes(),
        ]
        .concat();
        assert_eq!(bytes[..], expected[..]);
        assert_eq!(state_of(bytes).unwrap(), Some(ongoing.clone()));
        let rotated = Transaction { last_producer_id: 7, next_producer_id: 9, client_version: 2, ..ongoing };
        let bytes = value(&rotated);
        assert_eq!(bytes[..2], [0, 1]);
        assert_eq!(state_of(bytes).unwrap(), Some(rotated));
    }

    #[test]
    fn an_empty_state_names_no_partitions() {
        let empty = Transaction { epoch: 0, ..Transaction::new(1, 1, 1) };
        assert_eq!(value(&empty)[17..21], (-1_i32).to_be_bytes());
        assert_eq!(state_of(value(&empty)).unwrap(), Some(empty));
    }
}
