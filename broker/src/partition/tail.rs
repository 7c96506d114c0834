//! The newest batches of a partition in memory, where most consumers read.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};

use crate::record_batch::Batches;

/// Most bytes of one partition, as a share of the budget of all.
const SHARE: usize = 8;

/// Whole batches of one write.
#[derive(Debug)]
struct Chunk {
    base_offset: i64,
    next_offset: i64,
    bytes: Bytes,
}

/// Consecutive chunks up to the end of the log.
#[derive(Debug, Default)]
pub(super) struct Tail {
    chunks: VecDeque<Chunk>,
    bytes: usize,
}

impl Tail {
    /// Adds what was just written, and drops the oldest of this partition while a limit is exceeded.
    pub(super) fn push(
        &mut self,
        base_offset: i64,
        next_offset: i64,
        bytes: Bytes,
        used: &AtomicUsize,
        budget: usize,
    ) {
        self.bytes += bytes.len();
        let mut all = used.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        self.chunks.push_back(Chunk { base_offset, next_offset, bytes });
        while self.bytes > budget / SHARE || (all > budget && self.bytes > 0) {
            let Some(oldest) = self.chunks.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
            all = used.fetch_sub(oldest.bytes.len(), Ordering::Relaxed) - oldest.bytes.len();
        }
        if self.chunks.is_empty() {
            self.chunks.shrink_to_fit();
        }
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
