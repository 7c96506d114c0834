//! The newest batches of a partition in memory, where most consumers read.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};

use crate::buffers::Buffers;
use crate::record_batch::Batches;

/// Most bytes of one partition, as a share of the budget of all.
const SHARE: usize = 8;

/// Whole batches that lie together in memory.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) base_offset: i64,
    pub(super) next_offset: i64,
    pub(super) bytes: Bytes,
}

/// Consecutive chunks up to the end of the log.
#[derive(Debug, Default)]
pub(super) struct Tail {
    chunks: VecDeque<Chunk>,
    bytes: usize,
}

impl Tail {
    /// Adds what was just written, and drops the oldest of this partition while a limit is exceeded: those are returned to
    /// `buffers`.
    pub(super) fn push(&mut self, written: Vec<Chunk>, used: &AtomicUsize, budget: usize, buffers: &Buffers) {
        for chunk in written {
            self.bytes += chunk.bytes.len();
            used.fetch_add(chunk.bytes.len(), Ordering::Relaxed);
            self.chunks.push_back(chunk);
        }
        while self.bytes > budget / SHARE || (used.load(Ordering::Relaxed) > budget && self.bytes > 0) {
            let Some(oldest) = self.chunks.pop_front() else { break };
            self.forget(oldest, used, buffers);
        }
        if self.chunks.is_empty() {
            self.chunks.shrink_to_fit();
        }
    }

    /// Drops what nobody may read any more.
    pub(super) fn drop_below(&mut self, log_start: i64, used: &AtomicUsize, buffers: &Buffers) {
        while let Some(oldest) = self.chunks.pop_front_if(|chunk| chunk.next_offset <= log_start) {
            self.forget(oldest, used, buffers);
        }
    }

    fn forget(&mut self, chunk: Chunk, used: &AtomicUsize, buffers: &Buffers) {
        self.bytes -= chunk.bytes.len();
        used.fetch_sub(chunk.bytes.len(), Ordering::Relaxed);
        buffers.give_back(chunk.bytes);
    }

    /// Drops everything.
    pub(super) fn clear(&mut self, used: &AtomicUsize) {
        used.fetch_sub(self.bytes, Ordering::Relaxed);
        *self = Self::default();
    }

    fn position(&self, offset: i64) -> Option<usize> {
        let first = self.chunks.front()?;
        if offset < first.base_offset {
            return None;
        }
        Some(self.chunks.partition_point(|chunk| chunk.next_offset <= offset))
    }

    /// Bytes of the batches that hold `[offset, limit)`; `None` when the tail does not reach back that far.
    pub(super) fn bytes_between(&self, offset: i64, limit: i64) -> Option<u64> {
        let at = self.position(offset)?;
        let mut total = 0;
        for chunk in self.chunks.iter().skip(at).take_while(|chunk| chunk.base_offset < limit) {
            if chunk.base_offset >= offset && chunk.next_offset <= limit {
                total += chunk.bytes.len() as u64;
                continue;
            }
            for (header, batch) in Batches::new(&chunk.bytes) {
                if header.last_offset() >= offset && header.last_offset() < limit {
                    total += batch.len() as u64;
                }
            }
        }
        Some(total)
    }

    /// As [`Partition::read`](super::Partition::read); `None` when the tail does not reach back that far.
    pub(super) fn read(&self, offset: i64, limit: i64, max_bytes: usize, whole_first: bool) -> Option<Bytes> {
        let at = self.position(offset)?;
        let mut parts: Vec<Bytes> = Vec::new();
        let mut total = 0;
        'chunks: for chunk in self.chunks.iter().skip(at) {
            let (mut from, mut to, mut position) = (None, 0, 0);
            let mut full = false;
            for (header, batch) in Batches::new(&chunk.bytes) {
                let start = position;
                position += batch.len();
                if header.last_offset() < offset {
                    continue;
                }
                let first = total == 0 && from.is_none();
                let taken = total + (start - from.unwrap_or(start)) + batch.len();
                if header.last_offset() >= limit || (taken > max_bytes && !(first && whole_first)) {
                    full = true;
                    break;
                }
                from.get_or_insert(start);
                to = position;
            }
            if let Some(from) = from {
                total += to - from;
                parts.push(chunk.bytes.slice(from..to));
            }
            if full {
                break 'chunks;
            }
        }
        Some(join(parts, total))
    }
}

/// One run of bytes; copies only when there are several parts.
fn join(mut parts: Vec<Bytes>, total: usize) -> Bytes {
    if parts.len() <= 1 {
        return parts.pop().unwrap_or_default();
    }
    let mut out = BytesMut::with_capacity(total);
    for part in parts {
        out.extend_from_slice(&part);
    }
    out.freeze()
}
