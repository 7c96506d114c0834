//! Transaction markers: the control batches that end a transaction in a partition.
//!
//! ```text
//! key    version i16 = 0, type i16 (0 abort, 1 commit)
//! value  version i16 = 0, coordinator epoch i32
//! ```
//!
//! Source: KIP-98. Control records of other types (leader changes, snapshots) are not markers.

use bytes::{Buf, BufMut, Bytes};

use super::{BatchBuilder, BatchHeader, RecordLimits, records};

const VERSION: i16 = 0;
const ABORT: i16 = 0;
const COMMIT: i16 = 1;

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Its records count; otherwise nobody may see them.
    pub commit: bool,
    /// Epoch of the coordinator that decided.
    pub coordinator_epoch: i32,
}

impl Marker {
    /// The marker in a control batch; `None` for any other batch.
    pub fn read(header: &BatchHeader, batch: &[u8]) -> Option<Self> {
        if !header.is_control() {
            return None;
        }
        let opened = records(batch, &RecordLimits::default()).ok()?;
        let record = opened.iter().next()?.ok()?;
        let (mut key, mut value) = (record.key?, record.value?);
        if key.len() < 4 || value.len() < 6 {
            return None;
        }
        let (_, kind) = (key.get_i16(), key.get_i16());
        let _ = value.get_i16();
        let commit = match kind {
            ABORT => false,
            COMMIT => true,
            _ => return None,
        };
        Some(Self { commit, coordinator_epoch: value.get_i32() })
    }

    /// The control batch for a producer's transaction.
    pub fn batch(self, producer_id: i64, producer_epoch: i16, now_ms: i64) -> Bytes {
        let (mut key, mut value) = (Vec::with_capacity(4), Vec::with_capacity(6));
        key.put_i16(VERSION);
        key.put_i16(if self.commit { COMMIT } else { ABORT });
        value.put_i16(VERSION);
        value.put_i32(self.coordinator_epoch);
        BatchBuilder::new()
            .producer(producer_id, producer_epoch, -1)
            .transactional()
            .control()
            .record(now_ms, Some(&key), Some(&value))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_read_as_written() {
        for commit in [false, true] {
            let marker = Marker { commit, coordinator_epoch: 7 };
            let batch = marker.batch(1000, 3, 5);
            let (header, whole) = BatchHeader::split(&batch).unwrap();
            assert!(header.is_control() && header.is_transactional());
            assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (1000, 3, -1));
            assert_eq!(Marker::read(&header, whole), Some(marker));
        }
    }

    #[test]
    fn other_control_records_are_no_markers() {
        for (key, value) in [(&[0, 0, 0, 2][..], &[0; 6][..]), (&[0, 0], &[0; 6]), (&[0, 0, 0, 1], &[0; 2])] {
            let batch = BatchBuilder::new().control().record(5, Some(key), Some(value)).build();
            let (header, whole) = BatchHeader::split(&batch).unwrap();
            assert_eq!(Marker::read(&header, whole), None);
        }
        let data = BatchBuilder::new().record(5, Some(&[0, 0, 0, 1]), Some(&[0; 6])).build();
        let (header, whole) = BatchHeader::split(&data).unwrap();
        assert_eq!(Marker::read(&header, whole), None);
    }
}
