//! Reading ahead of consumers who come to where a log is not in memory.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::storage::StorageFile;

/// Bytes asked for ahead of a reader.
const WINDOW: u64 = 8 << 20;

/// A part of a file that will soon be read.
#[derive(Debug)]
pub(crate) struct Wish {
    file: Arc<dyn StorageFile>,
    position: u64,
    bytes: u64,
}

impl Wish {
    /// Tells the file; takes a moment, in which what was read already can be on its way.
    pub(crate) fn tell(&self) {
        self.file.will_need(self.position, self.bytes);
    }
}

/// How far a file was asked for ahead of its readers.
#[derive(Debug, Default)]
pub(crate) struct ReadAhead {
    /// Nothing beyond this position was. Readers at different places overwrite each other's: then each asks anew.
    end: AtomicU64,
}

impl ReadAhead {
    /// Reads at `position`, fewer bytes than asked for only at the end of the file. Where the disk is waited for, and from there
    /// on, `soon` gets what follows, which is to come while this is on its way to the consumer.
    pub(crate) fn read(
        &self,
        file: &Arc<dyn StorageFile>,
        position: u64,
        buffer: &mut [u8],
        soon: impl FnOnce(Wish),
    ) -> io::Result<usize> {
        let end = position + buffer.len() as u64;
        let mut read = file.read_cached(position, buffer)?;
        let asked = self.end.load(Ordering::Relaxed);
        let from = if read < buffer.len() {
            let missing = position + read as u64;
            file.will_need(missing, end - missing);
            read += file.read_at(missing, buffer.get_mut(read..).unwrap_or_default())?;
            end
        } else if (end..end + WINDOW / 2).contains(&asked) {
            asked
        } else {
            return Ok(read);
        };
        self.end.store(end + WINDOW, Ordering::Relaxed);
        soon(Wish { file: Arc::clone(file), position: from, bytes: end + WINDOW - from });
        Ok(read)
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

    fn read(ahead: &ReadAhead, disk: &Arc<Disk>, position: u64) {
        let mut buffer = vec![0; to_usize(STEP)];
        let file: Arc<dyn StorageFile> = Arc::<Disk>::clone(disk);
        let count = ahead.read(&file, position, &mut buffer, |wish| wish.tell()).unwrap();
        assert_eq!(count as u64, STEP.min(SIZE - position));
        let right = |(at, byte): (usize, &u8)| u64::from(*byte) == (position + at as u64) % 251;
        assert!(buffer[..count].iter().enumerate().all(right), "at {position}");
    }

    #[test]
    fn a_reader_from_the_disk_waits_for_its_first_bytes_only() {
        let (ahead, disk) = (ReadAhead::default(), Arc::new(Disk::default()));
        let mut position = 100;
        while position + STEP <= SIZE {
            read(&ahead, &disk, position);
            position += STEP;
        }
        assert_eq!(lock(&disk.asked)[..2], [(100, STEP), (100 + STEP, WINDOW)]);
        assert!((8..16).contains(&lock(&disk.asked).len()), "in steps of half a window");
        // the model has all that was asked for in memory at once
        assert_eq!(disk.waits.load(Ordering::Relaxed), 0);
        assert!(lock(&disk.asked).windows(2).all(|two| two[0].0 + two[0].1 == two[1].0), "{:?}", disk.asked);
    }

    #[test]
    fn nothing_is_asked_for_where_all_is_in_memory() {
        let (ahead, disk) = (ReadAhead::default(), Arc::new(Disk::default()));
        lock(&disk.cached).push(0..SIZE);
        for position in (0..SIZE).step_by(to_usize(STEP)) {
            read(&ahead, &disk, position);
        }
        assert!(lock(&disk.asked).is_empty());
    }

    #[test]
    fn what_is_partly_in_memory_is_completed() {
        let (ahead, disk) = (ReadAhead::default(), Arc::new(Disk::default()));
        lock(&disk.cached).push(0..STEP / 3);
        read(&ahead, &disk, 0);
        assert_eq!(*lock(&disk.asked), [(STEP / 3, STEP - STEP / 3), (STEP, WINDOW)]);
        read(&ahead, &disk, SIZE - 10);
    }
}
