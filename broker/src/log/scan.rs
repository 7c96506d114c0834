//! Walking the batches of a `.log` file.

use std::io;

use super::storage::StorageFile;
use super::to_usize;
use crate::record_batch::{BatchError, BatchHeader, HEADER_BYTES};

/// Bytes read at once.
const WINDOW_BYTES: u64 = 128 << 10;
/// Bytes read at once where the payloads are of no interest: about what lies between two rows of an index.
const HEADERS_WINDOW_BYTES: u64 = 4 << 10;

/// What a step found.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// A batch at a position; its bytes only when asked for or of a control batch, else its header alone.
    Batch { header: BatchHeader, position: u64, bytes: &'a [u8] },
    /// The end, exactly behind a batch.
    End,
    /// Something that is not a whole batch.
    Broken(BatchError),
}

/// Reads batches front to back from a position to an end.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    file: &'a dyn StorageFile,
    position: u64,
    end: u64,
    window: Vec<u8>,
    window_at: u64,
    window_bytes: u64,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(file: &'a dyn StorageFile, position: u64, end: u64) -> Self {
        Self { file, position, end, window: Vec::new(), window_at: 0, window_bytes: WINDOW_BYTES }
    }

    /// As [`new`](Self::new), for finding a batch by its header.
    pub(crate) fn of_headers(file: &'a dyn StorageFile, position: u64, end: u64) -> Self {
        Self { window_bytes: HEADERS_WINDOW_BYTES, ..Self::new(file, position, end) }
    }

    /// The next batch, with its header checked and nothing else; the payload is skipped over, but for control batches.
    pub(crate) fn next_header(&mut self) -> io::Result<Step<'_>> {
        self.step(false)
    }

    /// The next batch with all its bytes. Memory is bounded by the size of the batch, which lies in the file.
    pub(crate) fn next_batch(&mut self) -> io::Result<Step<'_>> {
        self.step(true)
    }

    fn step(&mut self, whole: bool) -> io::Result<Step<'_>> {
        let position = self.position;
        let left = self.end.saturating_sub(position);
        if left == 0 {
            return Ok(Step::End);
        }
        let head = self.bytes(position, left.min(HEADER_BYTES as u64))?;
        let header = match BatchHeader::parse(head) {
            Ok(header) => header,
            Err(error) => return Ok(Step::Broken(error)),
        };
        let total = header.total_bytes() as u64;
        if total > left {
            let error = BatchError::Truncated { needed: header.total_bytes(), available: to_usize(left) };
            return Ok(Step::Broken(error));
        }
        self.position += total;
        let whole = whole || header.is_control();
        let bytes = self.bytes(position, if whole { total } else { HEADER_BYTES as u64 })?;
        Ok(Step::Batch { header, position, bytes })
    }

    fn bytes(&mut self, position: u64, count: u64) -> io::Result<&[u8]> {
        let inside =
            position >= self.window_at && position + count <= self.window_at + self.window.len() as u64;
        if !inside {
            let wanted = count.max(self.window_bytes).min(self.end.saturating_sub(position));
            self.window.resize(to_usize(wanted), 0);
            self.window_at = position;
            let read = self.file.read_at(position, &mut self.window)?;
            self.window.truncate(read);
            if (read as u64) < count {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let start = to_usize(position - self.window_at);
        self.window.get(start..start + to_usize(count)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
