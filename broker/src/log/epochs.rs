//! Leader epochs: a number that grows whenever the end of the log may have changed behind a client's back.
//!
//! `leader-epoch-checkpoint` holds version 0, a count, and lines of `epoch startOffset`.

use std::fmt::Write as _;
use std::io;

use super::PartitionDir;
use super::checkpoint::{CheckpointError, lines, number};

const FILE: &str = "leader-epoch-checkpoint";
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The epochs of a partition with the offset each starts at, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Epochs(Vec<(i32, i64)>);

impl Epochs {
    /// Epoch 0 from `start_offset`.
    pub(crate) fn first(start_offset: i64) -> Self {
        Self(vec![(0, start_offset)])
    }

    /// Reads the file; `None` when there is none or it names no epoch.
    pub(crate) fn read(dir: &PartitionDir) -> Result<Option<Self>, CheckpointError> {
        let Some(bytes) = dir.read(FILE, FILE_BYTES_MAX)? else { return Ok(None) };
        let rows = lines(&String::from_utf8_lossy(&bytes), 2, |fields| {
            let [epoch, start] = fields else { return None };
            Some((number(epoch)?, number(start)?))
        })?;
        Ok((!rows.is_empty()).then_some(Self(rows)))
    }

    /// Replaces the file; durable on return.
    pub(crate) fn write(&self, dir: &PartitionDir) -> io::Result<()> {
        let mut text = format!("0\n{}\n", self.0.len());
        for (epoch, start) in &self.0 {
            let _ = writeln!(text, "{epoch} {start}");
        }
        dir.replace(FILE, text.as_bytes())
    }

    /// The current epoch.
    pub(crate) fn current(&self) -> i32 {
        self.0.last().map_or(0, |(epoch, _)| *epoch)
    }

    /// Starts `epoch` at `start_offset`; epochs that would start at or after it held nothing and go.
    pub(crate) fn start(&mut self, epoch: i32, start_offset: i64) {
        self.0.retain(|(old, start)| *old < epoch && *start < start_offset);
        self.0.push((epoch, start_offset));
    }

    /// Largest known epoch at or below `epoch`, with its end: the next epoch's start, or the end of the log.
    ///
    /// `None` for an epoch above the current one, or below all known ones.
    pub(crate) fn end_offset(&self, epoch: i32, log_end_offset: i64) -> Option<(i32, i64)> {
        if epoch > self.current() {
            return None;
        }
        let after = self.0.partition_point(|(known, _)| *known <= epoch);
        let (known, _) = self.0.get(after.checked_sub(1)?)?;
        Some((*known, self.0.get(after).map_or(log_end_offset, |(_, start)| *start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let mut epochs = Epochs::first(0);
        epochs.start(2, 10);
        epochs.start(5, 30);
        for (epoch, expected) in [
            (0, Some((0, 10))),
            (1, Some((0, 10))),
            (2, Some((2, 30))),
            (4, Some((2, 30))),
            (5, Some((5, 99))),
            (6, None),
            (-1, None),
        ] {
            assert_eq!(epochs.end_offset(epoch, 99), expected, "epoch {epoch}");
        }
    }

    #[test]
    fn an_epoch_in_which_nothing_was_written_is_replaced() {
        let mut epochs = Epochs::first(0);
        epochs.start(1, 0);
        epochs.start(2, 7);
        epochs.start(3, 7);
        assert_eq!(epochs, Epochs(vec![(1, 0), (3, 7)]));
        assert_eq!(epochs.current(), 3);
    }
}
