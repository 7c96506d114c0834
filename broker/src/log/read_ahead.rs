//! Reading ahead of consumers who come to where a log is not in memory.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::storage::StorageFile;

/// Bytes asked for ahead of a reader.
const WINDOW: u64 = 4 << 20;

/// How far a file was asked for ahead of its readers.
#[derive(Debug, Default)]
pub(crate) struct ReadAhead {
    /// Nothing beyond this position was. Readers at different places overwrite each other's: then each asks anew.
    end: AtomicU64,
}

impl ReadAhead {
    /// Reads at `position`, fewer bytes than asked for only at the end of the file. Where the disk is waited for, and from there
    /// on, what follows is asked for at once, so that it comes while this is on its way to the consumer.
    pub(crate) fn read(&self, file: &dyn StorageFile, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let end = position + buffer.len() as u64;
        let cached = file.read_cached(position, buffer)?;
        let asked = self.end.load(Ordering::Relaxed);
        let from = if cached < buffer.len() {
            position + cached as u64
        } else if (end..end + WINDOW / 2).contains(&asked) {
            asked
        } else {
            return Ok(cached);
        };
        file.will_need(from, end + WINDOW - from);
        self.end.store(end + WINDOW, Ordering::Relaxed);
        let rest = buffer.get_mut(cached..).unwrap_or_default();
        Ok(cached + file.read_at(position + cached as u64, rest)?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::log::{lock, to_usize};

    const SIZE: u64 = 40 << 20;
    const STEP: u64 = 1 << 20;

    /// A file of which some ranges are in memory.
    #[derive(Debug, Default)]
    struct Disk {
        cached: Mutex<Vec<std::ops::Range<u64>>>,
        asked: Mutex<Vec<(u64, u64)>>,
        waits: AtomicU64,
    }

    impl StorageFile for Disk {
        fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(to_usize(SIZE.saturating_sub(position)));
            if self.read_cached(position, &mut buffer[..count])? < count {
                self.waits.fetch_add(1, Ordering::Relaxed);
            }
            for (at, byte) in buffer[..count].iter_mut().enumerate() {
                *byte = u8::try_from((position + at as u64) % 251).unwrap();
            }
            Ok(count)
        }

        fn read_cached(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
            let cached = lock(&self.cached);
            let mut end = position;
            while let Some(range) = cached.iter().find(|range| range.contains(&end)) {
                end = range.end;
            }
            let count = buffer.len().min(to_usize(end - position));
            for (at, byte) in buffer[..count].iter_mut().enumerate() {
                *byte = u8::try_from((position + at as u64) % 251).unwrap();
            }
            Ok(count)
        }

        fn will_need(&self, position: u64, bytes: u64) {
            lock(&self.asked).push((position, bytes));
            lock(&self.cached).push(position..(position + bytes).min(SIZE));
        }

        fn size(&self) -> io::Result<u64> {
            Ok(SIZE)
        }

        fn set_size(&self, _: u64) -> io::Result<()> {
            Ok(())
        }

        fn sync_data(&self) -> io::Result<()> {
            Ok(())
        }

        fn modified_ms(&self) -> io::Result<i64> {
            Ok(0)
        }
    }

    fn read(ahead: &ReadAhead, disk: &Disk, position: u64) {
        let mut buffer = vec![0; to_usize(STEP)];
        let count = ahead.read(disk, position, &mut buffer).unwrap();
        assert_eq!(count as u64, STEP.min(SIZE - position));
        let right = |(at, byte): (usize, &u8)| u64::from(*byte) == (position + at as u64) % 251;
        assert!(buffer[..count].iter().enumerate().all(right), "at {position}");
    }

    #[test]
    fn a_reader_from_the_disk_waits_for_its_first_bytes_only() {
        let (ahead, disk) = (ReadAhead::default(), Disk::default());
        let mut position = 100;
        while position + STEP <= SIZE {
            read(&ahead, &disk, position);
            position += STEP;
        }
        assert_eq!(lock(&disk.asked).first(), Some(&(100, STEP + WINDOW)));
        assert!(lock(&disk.asked).len() < 25, "in steps of half a window");
        // the model has all that was asked for in memory at once
        assert_eq!(disk.waits.into_inner(), 0);
        assert!(lock(&disk.asked).windows(2).all(|two| two[0].0 + two[0].1 == two[1].0), "{:?}", disk.asked);
    }

    #[test]
    fn nothing_is_asked_for_where_all_is_in_memory() {
        let (ahead, disk) = (ReadAhead::default(), Disk::default());
        lock(&disk.cached).push(0..SIZE);
        for position in (0..SIZE).step_by(to_usize(STEP)) {
            read(&ahead, &disk, position);
        }
        assert!(lock(&disk.asked).is_empty());
    }

    #[test]
    fn what_is_partly_in_memory_is_completed() {
        let (ahead, disk) = (ReadAhead::default(), Disk::default());
        lock(&disk.cached).push(0..STEP / 3);
        read(&ahead, &disk, 0);
        assert_eq!(lock(&disk.asked).first(), Some(&(STEP / 3, STEP - STEP / 3 + WINDOW)));
        read(&ahead, &disk, SIZE - 10);
    }
}
