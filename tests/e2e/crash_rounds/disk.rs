//! The files of a topic as they lie on disk: batches follow one another without a gap, and every index entry names one.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Bytes before a batch's length ends: base offset and length.
const PREFIX_BYTES: usize = 12;

/// What the indexes may say of a batch.
struct Batch {
    position: u64,
    last_offset: i64,
    max_timestamp: i64,
}

/// Checks every partition of a topic that no one writes to at the moment; gives the number of batches.
pub(super) fn check_disk(data: &Path, topic: &str) -> usize {
    let folders = partition_folders(data, topic);
    assert!(!folders.is_empty(), "no folder of {topic} below {}", data.display());
    folders.iter().map(|folder| check_partition(folder)).sum()
}

fn partition_folders(below: &Path, topic: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let index = name.strip_prefix(topic).and_then(|rest| rest.strip_prefix('-'));
        if index.is_some_and(|index| index.parse::<u32>().is_ok()) {
            found.push(path);
        } else {
            found.extend(partition_folders(&path, topic));
        }
    }
    found
}

fn check_partition(folder: &Path) -> usize {
    let mut segments: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
        .collect();
    segments.sort();
    let (mut next, mut count) = (0, 0);
    for log in segments {
        let base: i64 = log.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        assert_eq!(base, next, "{} starts where the one before ends", log.display());
        let batches = read_batches(&log, &mut next);
        check_offset_index(&log, base, &batches);
        check_time_index(&log, base, &batches);
        count += batches.len();
    }
    count
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap()
}

/// Batches by base offset, with lengths and checksums checked.
fn read_batches(log: &Path, next: &mut i64) -> BTreeMap<i64, Batch> {
    let (bytes, mut at) = (fs::read(log).unwrap(), 0);
    let mut found = BTreeMap::new();
    while at < bytes.len() {
        let shown = format!("{} at {at}", log.display());
        let batch = &bytes[at..];
        let base_offset = i64::from_be_bytes(number(batch, 0));
        let length = usize::try_from(i32::from_be_bytes(number(batch, 8))).unwrap() + PREFIX_BYTES;
        assert!(length <= batch.len(), "{shown}: a torn batch");
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &batch[21..length]);
        assert_eq!(u64::from(u32::from_be_bytes(number(batch, 17))), crc, "{shown}: checksum");
        assert_eq!(base_offset, *next, "{shown}: offsets follow one another");
        let last_offset = base_offset + i64::from(i32::from_be_bytes(number(batch, 23)));
        let max_timestamp = i64::from_be_bytes(number(batch, 35));
        *next = last_offset + 1;
        found.insert(base_offset, Batch { position: at as u64, last_offset, max_timestamp });
        at += length;
    }
    found
}

/// The batch that has an offset.
fn with_offset(batches: &BTreeMap<i64, Batch>, offset: i64) -> Option<&Batch> {
    batches.range(..=offset).next_back().map(|(_, batch)| batch).filter(|batch| offset <= batch.last_offset)
}

fn check_offset_index(log: &Path, base: i64, batches: &BTreeMap<i64, Batch>) {
    let mut before = None;
    for entry in fs::read(log.with_extension("index")).unwrap().chunks_exact(8) {
        let offset = base + i64::from(u32::from_be_bytes(number(entry, 0)));
        let position = u64::from(u32::from_be_bytes(number(entry, 4)));
        if (offset, position) == (base, 0) && before.is_some() {
            break; // room that is not yet used
        }
        assert!(before.is_none_or(|before| before < (offset, position)), "{}: entries grow", log.display());
        before = Some((offset, position));
        let batch = with_offset(batches, offset).expect("an entry names an offset of the segment");
        assert_eq!(batch.position, position, "{}: the position of offset {offset}", log.display());
    }
}

fn check_time_index(log: &Path, base: i64, batches: &BTreeMap<i64, Batch>) {
    let mut before = None;
    for entry in fs::read(log.with_extension("timeindex")).unwrap().chunks_exact(12) {
        let time = i64::from_be_bytes(number(entry, 0));
        let offset = base + i64::from(u32::from_be_bytes(number(entry, 8)));
        if (time, offset) == (0, base) {
            break; // room that is not yet used
        }
        assert!(before.is_none_or(|before| before < (time, offset)), "{}: entries grow", log.display());
        before = Some((time, offset));
        let named = with_offset(batches, offset).expect("an entry names an offset of the segment");
        assert_eq!(named.max_timestamp, time, "{}: the time of offset {offset}", log.display());
        let later = batches.range(..=offset).any(|(_, batch)| batch.max_timestamp > time);
        assert!(!later, "{}: a record up to {offset} is later than {time}", log.display());
    }
}
