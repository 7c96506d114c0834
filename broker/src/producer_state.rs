//! What a partition remembers of its idempotent producers: epochs and the last five batches of each.
//!
//! Source: Kafka's producer state rules (KIP-98, KIP-360) and its snapshot format:
//!
//! ```text
//! 0  version i16 = 1
//! 2  crc u32            CRC-32C of all that follows
//! 6  entries i32, then per entry:
//!    producerId i64, epoch i16, lastSequence i32, lastOffset i64, offsetDelta i32, timestamp i64,
//!    coordinatorEpoch i32, currentTxnFirstOffset i64
//! ```
//!
//! A snapshot holds one batch per producer. The other four come back from the log itself: see
//! [`adopt_windows`](ProducerState::adopt_windows).

use std::collections::{HashMap, VecDeque};

use bytes::{Buf, BufMut};
use thiserror::Error;

use crate::record_batch::{BatchHeader, Marker, crc32c, sequence_after};

/// Batches remembered per producer, which is what limits a producer to five in flight.
pub const WINDOW: usize = 5;

const SNAPSHOT_VERSION: i16 = 1;
const SNAPSHOT_HEAD_BYTES: usize = 10;
const SNAPSHOT_ENTRY_BYTES: usize = 46;

/// A producer's batch that does not follow its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SequenceError {
    /// The epoch was replaced by a newer one.
    #[error("producer {producer_id} has epoch {current}, the batch has {got}")]
    StaleEpoch {
        /// Of the batch.
        producer_id: i64,
        /// Known.
        current: i16,
        /// Of the batch.
        got: i16,
    },
    /// A gap, or a repeat older than the window.
    #[error("producer {producer_id} sent sequence {got} where {expected} follows")]
    OutOfOrder {
        /// Of the batch.
        producer_id: i64,
        /// That would follow.
        expected: i32,
        /// Of the batch.
        got: i32,
    },
    /// A batch outside of the transaction the producer has open.
    #[error("producer {producer_id} has a transaction open, the batch is not part of one")]
    OpenTransaction {
        /// Of the batch.
        producer_id: i64,
    },
}

/// Why snapshot bytes are not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// Not the length its count asks for, or too short.
    #[error("snapshot is truncated")]
    Truncated,
    /// Written by something newer.
    #[error("snapshot version {0} is newer than this binary knows (1)")]
    Newer(i16),
    /// The checksum does not fit.
    #[error("snapshot checksum does not match")]
    Crc,
}

/// A batch as the window remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMark {
    /// Sequence of the last record.
    pub last_sequence: i32,
    /// Offset of the last record.
    pub last_offset: i64,
    /// Last offset minus first.
    pub offset_delta: i32,
    /// Largest timestamp of the batch.
    pub timestamp_ms: i64,
}

impl BatchMark {
    fn of(header: &BatchHeader) -> Self {
        Self {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp_ms: header.max_timestamp,
        }
    }

    /// Offset of the first record.
    pub fn base_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }

    fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        let wrapped = if first < 0 { first + i64::from(i32::MAX) + 1 } else { first };
        i32::try_from(wrapped).unwrap_or(0)
    }
}

/// One producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Producer {
    /// Current epoch.
    pub epoch: i16,
    /// Newest last, at most [`WINDOW`].
    pub window: VecDeque<BatchMark>,
    /// Of the last append.
    pub last_timestamp_ms: i64,
    /// Of the last transaction marker; -1 before one.
    pub coordinator_epoch: i32,
    /// First offset of the open transaction.
    pub transaction_first_offset: Option<i64>,
}

/// What a batch did to its producer's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The first batch of a transaction.
    Began {
        /// Where.
        first_offset: i64,
    },
    /// Its marker.
    Ended {
        /// Whose.
        producer_id: i64,
        /// Where it began.
        first_offset: i64,
        /// Where the marker is.
        last_offset: i64,
        /// Committed, or aborted.
        commit: bool,
    },
}

/// What a batch is to its producer's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To be appended.
    Fresh,
    /// Appended already, as this batch.
    Duplicate(BatchMark),
}

/// All producers of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerState {
    producers: HashMap<i64, Producer>,
}

/// Producers as they were before an append that may have to be taken back.
#[derive(Debug, Default)]
pub struct Undo(HashMap<i64, Option<Producer>>);

impl ProducerState {
    /// Judges a client's batch; one without a producer id is always fresh.
    pub fn check(&self, batch: &BatchHeader) -> Result<Verdict, SequenceError> {
        if batch.producer_id < 0 || batch.is_control() {
            return Ok(Verdict::Fresh);
        }
        let Some(known) = self.producers.get(&batch.producer_id) else { return Ok(Verdict::Fresh) };
        let producer_id = batch.producer_id;
        if batch.producer_epoch < known.epoch {
            return Err(SequenceError::StaleEpoch {
                producer_id,
                current: known.epoch,
                got: batch.producer_epoch,
            });
        }
        let mut expected = 0;
        if batch.producer_epoch == known.epoch {
            let same = known.window.iter().find(|mark| {
                mark.first_sequence() == batch.base_sequence && mark.last_sequence == batch.last_sequence()
            });
            if let Some(mark) = same {
                return Ok(Verdict::Duplicate(*mark));
            }
            expected = known.window.back().map_or(0, |mark| sequence_after(mark.last_sequence, 1));
        }
        if batch.base_sequence != expected {
            return Err(SequenceError::OutOfOrder { producer_id, expected, got: batch.base_sequence });
        }
        if known.transaction_first_offset.is_some() && !batch.is_transactional() {
            return Err(SequenceError::OpenTransaction { producer_id });
        }
        Ok(Verdict::Fresh)
    }

    /// Refuses a producer whose epoch was replaced; the one check for the broker's own transactional records.
    pub fn check_epoch(&self, batch: &BatchHeader) -> Result<(), SequenceError> {
        match self.producers.get(&batch.producer_id) {
            Some(known) if batch.producer_epoch < known.epoch => Err(SequenceError::StaleEpoch {
                producer_id: batch.producer_id,
                current: known.epoch,
                got: batch.producer_epoch,
            }),
            _ => Ok(()),
        }
    }

    /// Whether the producer has a transaction open here.
    pub fn in_transaction(&self, producer_id: i64) -> bool {
        self.producers.get(&producer_id).is_some_and(|known| known.transaction_first_offset.is_some())
    }

    /// Records an appended batch, which carries its final offsets; `marker` is what a control batch holds.
    ///
    /// Returns what it changed about the producer's transaction.
    pub fn apply(&mut self, batch: &BatchHeader, marker: Option<Marker>) -> Option<Change> {
        if batch.producer_id < 0 {
            return None;
        }
        let producer = self.producers.entry(batch.producer_id).or_insert_with(|| Producer {
            epoch: batch.producer_epoch,
            window: VecDeque::new(),
            last_timestamp_ms: batch.max_timestamp,
            coordinator_epoch: -1,
            transaction_first_offset: None,
        });
        if producer.epoch != batch.producer_epoch {
            producer.epoch = batch.producer_epoch;
            producer.window.clear();
        }
        producer.last_timestamp_ms = batch.max_timestamp;
        if batch.is_control() {
            let marker = marker?;
            producer.coordinator_epoch = marker.coordinator_epoch;
            let first_offset = producer.transaction_first_offset.take()?;
            return Some(Change::Ended {
                producer_id: batch.producer_id,
                first_offset,
                last_offset: batch.last_offset(),
                commit: marker.commit,
            });
        }
        if batch.base_sequence >= 0 {
            if producer.window.len() == WINDOW {
                producer.window.pop_front();
            }
            producer.window.push_back(BatchMark::of(batch));
        }
        if batch.is_transactional() && producer.transaction_first_offset.is_none() {
            producer.transaction_first_offset = Some(batch.base_offset);
            return Some(Change::Began { first_offset: batch.base_offset });
        }
        None
    }

    /// As [`apply`](Self::apply), and remembers how to take it back.
    pub fn apply_with_undo(
        &mut self,
        batch: &BatchHeader,
        marker: Option<Marker>,
        undo: &mut Undo,
    ) -> Option<Change> {
        if batch.producer_id < 0 {
            return None;
        }
        let before = || self.producers.get(&batch.producer_id).cloned();
        undo.0.entry(batch.producer_id).or_insert_with(before);
        self.apply(batch, marker)
    }

    /// Takes appends back.
    pub fn undo(&mut self, undo: Undo) {
        for (producer_id, before) in undo.0 {
            match before {
                Some(producer) => self.producers.insert(producer_id, producer),
                None => self.producers.remove(&producer_id),
            };
        }
    }

    /// Forgets producers without an append since `before_ms`, but for those with an open transaction.
    pub fn expire(&mut self, before_ms: i64) {
        self.producers.retain(|_, producer| {
            producer.transaction_first_offset.is_some() || producer.last_timestamp_ms >= before_ms
        });
    }

    /// First offset of the oldest open transaction.
    pub fn first_open_offset(&self) -> Option<i64> {
        self.producers.values().filter_map(|producer| producer.transaction_first_offset).min()
    }

    /// The producers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Producer)> {
        self.producers.iter().map(|(id, producer)| (*id, producer))
    }

    /// Without any producer.
    pub fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }

    /// Fills up windows from a state replayed over the log just before a snapshot.
    ///
    /// A producer's window is taken over when it ends in the batch the snapshot names.
    pub fn adopt_windows(&mut self, replayed: &ProducerState) {
        for (id, producer) in &mut self.producers {
            if let Some(other) = replayed.producers.get(id)
                && other.epoch == producer.epoch
                && other.window.len() > producer.window.len()
                && other.window.back() == producer.window.back()
            {
                producer.window.clone_from(&other.window);
            }
        }
    }

    /// The snapshot file's content.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(4 + self.producers.len() * SNAPSHOT_ENTRY_BYTES);
        body.put_i32(i32::try_from(self.producers.len()).unwrap_or(i32::MAX));
        let mut ids: Vec<_> = self.producers.iter().collect();
        ids.sort_by_key(|(id, _)| **id);
        for (id, producer) in ids {
            let last = producer.window.back();
            body.put_i64(*id);
            body.put_i16(producer.epoch);
            body.put_i32(last.map_or(-1, |mark| mark.last_sequence));
            body.put_i64(last.map_or(-1, |mark| mark.last_offset));
            body.put_i32(last.map_or(0, |mark| mark.offset_delta));
            body.put_i64(producer.last_timestamp_ms);
            body.put_i32(producer.coordinator_epoch);
            body.put_i64(producer.transaction_first_offset.unwrap_or(-1));
        }
        let mut out = Vec::with_capacity(6 + body.len());
        out.put_i16(SNAPSHOT_VERSION);
        out.put_u32(crc32c(&body));
        out.extend(body);
        out
    }

    /// Reads a snapshot file's content.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut head = bytes.get(..SNAPSHOT_HEAD_BYTES).ok_or(SnapshotError::Truncated)?;
        let version = head.get_i16();
        if version > SNAPSHOT_VERSION {
            return Err(SnapshotError::Newer(version));
        }
        let (crc, count) = (head.get_u32(), head.get_i32());
        if crc != crc32c(bytes.get(6..).unwrap_or_default()) {
            return Err(SnapshotError::Crc);
        }
        let mut rest = bytes.get(SNAPSHOT_HEAD_BYTES..).unwrap_or_default();
        if usize::try_from(count).ok().and_then(|count| count.checked_mul(SNAPSHOT_ENTRY_BYTES))
            != Some(rest.len())
        {
            return Err(SnapshotError::Truncated);
        }
        let mut producers = HashMap::new();
        while !rest.is_empty() {
            let (id, epoch) = (rest.get_i64(), rest.get_i16());
            let (last_sequence, last_offset, offset_delta) = (rest.get_i32(), rest.get_i64(), rest.get_i32());
            let (timestamp_ms, coordinator_epoch, first) = (rest.get_i64(), rest.get_i32(), rest.get_i64());
            let mark = BatchMark { last_sequence, last_offset, offset_delta, timestamp_ms };
            let producer = Producer {
                epoch,
                window: (last_sequence >= 0).then_some(mark).into_iter().collect(),
                last_timestamp_ms: timestamp_ms,
                coordinator_epoch,
                transaction_first_offset: (first >= 0).then_some(first),
            };
            producers.insert(id, producer);
        }
        Ok(Self { producers })
    }
}

#[cfg(test)]
mod tests;
