//! Large buffers that are used again instead of given back: a megabyte that the allocator maps anew costs more in page faults
//! than in reading into it.
//!
//! A produced frame is read into one, its batch is stamped and written from there, stays in it as the tail of its partition,
//! and the buffer comes back when the tail lets go of it. What is read from a file for a consumer lies in another kind, which
//! comes back by itself once it is sent.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};

use crate::log::lock;

/// Smaller buffers are left to the allocator.
pub(crate) const LARGE_BYTES_MIN: usize = 64 << 10;
/// Largest buffer kept.
const KEPT_BYTES_MAX: usize = 4 << 20;
/// Bytes of all unused buffers together.
const UNUSED_BYTES_MAX: usize = 8 << 20;
/// Capacities are multiples, so that buffers of nearly the same size can stand in for each other.
const GRAIN: usize = 64 << 10;

/// Unused buffers of both kinds.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    frames: Mutex<Unused<BytesMut>>,
    reads: Mutex<Unused<Vec<u8>>>,
}

trait Capacity {
    fn capacity(&self) -> usize;
}

impl Capacity for BytesMut {
    fn capacity(&self) -> usize {
        self.capacity()
    }
}

/// All of it is initialized.
impl Capacity for Vec<u8> {
    fn capacity(&self) -> usize {
        self.len()
    }
}

#[derive(Debug)]
struct Unused<T> {
    /// The one given back last is at the front: it is the one most likely in the processor's caches.
    buffers: VecDeque<T>,
    bytes: usize,
}

impl<T> Default for Unused<T> {
    fn default() -> Self {
        Self { buffers: VecDeque::new(), bytes: 0 }
    }
}

impl<T: Capacity> Unused<T> {
    /// One that holds `bytes` and at most twice as many.
    fn take(&mut self, bytes: usize) -> Option<T> {
        let fits = |buffer: &T| (bytes..=bytes.saturating_mul(2)).contains(&buffer.capacity());
        let found = self.buffers.remove(self.buffers.iter().position(fits)?)?;
        self.bytes -= found.capacity();
        Some(found)
    }

    fn keep(&mut self, buffer: T) {
        if !(LARGE_BYTES_MIN..=KEPT_BYTES_MAX).contains(&buffer.capacity()) {
            return;
        }
        self.bytes += buffer.capacity();
        self.buffers.push_front(buffer);
        while self.bytes > UNUSED_BYTES_MAX
            && let Some(oldest) = self.buffers.pop_back()
        {
            self.bytes -= oldest.capacity();
        }
    }
}

fn rounded(bytes: usize) -> usize {
    bytes.div_ceil(GRAIN).saturating_mul(GRAIN)
}

impl Buffers {
    /// An empty buffer for `bytes` bytes that takes up at most twice as much, but for what small ones are rounded up by.
    pub(crate) fn take(&self, bytes: usize) -> BytesMut {
        if bytes < LARGE_BYTES_MIN {
            return BytesMut::with_capacity(bytes);
        }
        let found = lock(&self.frames).take(bytes);
        found.unwrap_or_else(|| BytesMut::with_capacity(rounded(bytes)))
    }

    /// Keeps the buffer behind `bytes` for later, if nobody else holds a part of it and there is room.
    pub(crate) fn give_back(&self, bytes: Bytes) {
        if bytes.len() < LARGE_BYTES_MIN / 2 {
            return;
        }
        let Ok(mut buffer) = bytes.try_into_mut() else { return };
        buffer.clear();
        // brings back what lay before the part
        let _nothing_before = buffer.try_reclaim(buffer.capacity() + 1);
        lock(&self.frames).keep(buffer);
    }

    /// The bytes that `fill` writes to the front of a buffer of `bytes` bytes, which holds anything before; `fill` returns
    /// their number.
    pub(crate) fn filled(
        self: &Arc<Self>,
        bytes: usize,
        fill: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Bytes> {
        if bytes < LARGE_BYTES_MIN {
            let mut buffer = vec![0; bytes];
            let used = fill(&mut buffer)?;
            buffer.truncate(used);
            return Ok(buffer.into());
        }
        let found = lock(&self.reads).take(bytes);
        let buffer = found.unwrap_or_else(|| vec![0; rounded(bytes)]);
        let mut read = Read { buffer, used: 0, home: Arc::clone(self) };
        read.used = fill(read.buffer.get_mut(..bytes).unwrap_or_default())?.min(bytes);
        Ok(Bytes::from_owner(read))
    }

    /// Lets go of all unused buffers.
    pub(crate) fn clear(&self) {
        *lock(&self.frames) = Unused::default();
        *lock(&self.reads) = Unused::default();
    }
}

/// What was read from a file. The buffer goes home when nobody holds a part of it any more.
struct Read {
    buffer: Vec<u8>,
    used: usize,
    home: Arc<Buffers>,
}

impl AsRef<[u8]> for Read {
    fn as_ref(&self) -> &[u8] {
        self.buffer.get(..self.used).unwrap_or_default()
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        lock(&self.home.reads).keep(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(buffers: &Buffers, bytes: usize) -> Bytes {
        let mut buffer = buffers.take(bytes);
        buffer.resize(bytes, 7);
        buffer.freeze()
    }

    #[test]
    fn a_buffer_comes_back_whole_from_a_part_of_it() {
        let buffers = Buffers::default();
        let mut frame = filled(&buffers, 1_000_000);
        let (address, batch) = (frame.as_ptr(), frame.split_off(60));
        buffers.give_back(frame.clone());
        drop(frame);
        buffers.give_back(batch);
        let again = buffers.take(1_000_040);
        assert_eq!(again.as_ptr(), address);
        assert!(again.is_empty() && again.capacity() >= 1_000_040);
        assert_eq!(lock(&buffers.frames).bytes, 0);
    }

    #[test]
    fn what_somebody_else_holds_is_not_used_again() {
        let buffers = Buffers::default();
        let frame = filled(&buffers, 100_000);
        let held = frame.slice(50_000..);
        buffers.give_back(frame);
        assert_eq!(lock(&buffers.frames).bytes, 0);
        assert!(held.iter().all(|byte| *byte == 7));
    }

    #[test]
    fn what_was_read_comes_back_with_the_last_part() {
        let buffers = Arc::new(Buffers::default());
        let read = |byte: u8, bytes: usize| {
            let filled = buffers.filled(bytes, |buffer| {
                buffer.fill(byte);
                Ok(bytes - 1)
            });
            filled.unwrap()
        };
        let first = read(1, 100_000);
        assert_eq!((first.len(), first.iter().all(|byte| *byte == 1)), (99_999, true));
        let (address, part) = (first.as_ptr(), first.slice(10..20));
        drop(first);
        assert_ne!(read(2, 100_000).as_ptr(), address);
        assert_eq!(part, [1; 10].as_slice());
        drop(part);
        assert_eq!(read(3, 99_000).as_ptr(), address);
        assert_eq!(read(4, 100), [4; 99].as_slice());
        assert!(buffers.filled(100_000, |_| Err(io::ErrorKind::Other.into())).is_err());
    }

    #[test]
    fn unused_buffers_are_bounded_and_not_wasted_on_small_frames() {
        let buffers = Buffers::default();
        let frames: Vec<_> = (0..20).map(|_| filled(&buffers, 1 << 20)).collect();
        for frame in frames {
            buffers.give_back(frame);
        }
        assert!(lock(&buffers.frames).bytes <= UNUSED_BYTES_MAX);
        assert!(!lock(&buffers.frames).buffers.is_empty());
        assert!(buffers.take(100_000).capacity() <= 200_000);
        buffers.give_back(filled(&buffers, KEPT_BYTES_MAX + GRAIN));
        let unused = lock(&buffers.frames);
        assert!(unused.buffers.iter().all(|buffer| buffer.capacity() <= KEPT_BYTES_MAX));
        assert_eq!(unused.bytes, unused.buffers.iter().map(BytesMut::capacity).sum::<usize>());
    }
}
