//! Any damage to any file: the start refuses, the partition is offline, or it works. Nothing panics or hangs.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::log::storage::Storage as _;
use crate::partition::ReadError;

#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Append(Vec<u8>),
    Zero(Index, u8),
    Overwrite(Index, Vec<u8>),
    Remove,
}

fn damage() -> impl Strategy<Value = (Index, Damage)> {
    let bytes = || proptest::collection::vec(any::<u8>(), 1..80);
    let kind = prop_oneof![
        (any::<Index>(), 1..=255_u8).prop_map(|(at, mask)| Damage::Flip(at, mask)),
        any::<Index>().prop_map(Damage::Cut),
        bytes().prop_map(Damage::Append),
        (any::<Index>(), any::<u8>()).prop_map(|(at, count)| Damage::Zero(at, count)),
        (any::<Index>(), bytes()).prop_map(|(at, bytes)| Damage::Overwrite(at, bytes)),
        Just(Damage::Remove),
    ];
    (any::<Index>(), kind)
}

async fn written(clean: bool) -> Memory {
    let memory = Memory::default();
    let topics = open(&memory);
    let small = settings(&[("segment.bytes", "400"), ("index.interval.bytes", "100")]);
    topics.create("t", 1, small).await.unwrap();
    for n in 0..20 {
        produce(&partition_of(&topics, "t", 0), idempotent(3, n, &n.to_string())).await;
    }
    if clean {
        topics.shutdown().await;
        return memory;
    }
    topics.0.write_checkpoints().unwrap();
    for n in 20..30 {
        produce(&partition_of(&topics, "t", 0), idempotent(3, n, &n.to_string())).await;
    }
    kill(&memory, topics)
}

fn apply(memory: &Memory, which: Index, damage: &Damage) {
    let mut files = Vec::new();
    for dir in [PathBuf::from(DIR), Path::new(DIR).join("t-0")] {
        let entries = memory.list(&dir).unwrap();
        files.extend(entries.into_iter().filter(|entry| !entry.is_dir).map(|entry| dir.join(entry.name)));
    }
    let path = which.get(&files);
    if matches!(damage, Damage::Remove) {
        return memory.remove_file(path).unwrap();
    }
    memory.edit(path, |content| match damage {
        Damage::Append(bytes) => content.extend(bytes),
        _ if content.is_empty() => {}
        Damage::Flip(at, mask) => {
            let at = at.index(content.len());
            content[at] ^= mask;
        }
        Damage::Cut(at) => content.truncate(at.index(content.len())),
        Damage::Zero(at, count) => {
            let at = at.index(content.len());
            let end = (at + usize::from(*count)).min(content.len());
            content[at..end].fill(0);
        }
        Damage::Overwrite(at, bytes) => {
            let at = at.index(content.len());
            let count = bytes.len().min(content.len() - at);
            content[at..at + count].copy_from_slice(&bytes[..count]);
        }
        Damage::Remove => {}
    });
}

async fn run(clean: bool, damages: Vec<(Index, Damage)>) {
    let memory = written(clean).await;
    for (which, damage) in &damages {
        apply(&memory, *which, damage);
    }
    let Ok(topics) = open_with(&memory, LogConfig { tail_cache_bytes: 0, ..quiet() }) else { return };
    let Some(partition) = topics.get("t").and_then(|topic| topic.partition(0)) else { return };
    if partition.status() != Status::Online {
        assert!(partition.fault().is_some());
        return;
    }
    // The checksum does not cover a batch's base offset: damage there can leave a gap of 2^31 offsets, too many to visit.
    let (start, end) = (partition.log_start_offset(), partition.log_end_offset());
    for offset in (start..=end).take(64).chain(end.saturating_sub(64).max(start)..=end) {
        let read = partition.read(offset, 150, true, Isolation::ReadUncommitted).await;
        // A reader that panicked would answer like an offline partition.
        assert!(!matches!(read, Err(ReadError::Offline)), "{read:?}");
    }
    for timestamp in [0, NOW, NOW + 1] {
        let found = partition.offset_for_timestamp(timestamp, Isolation::ReadUncommitted).await;
        assert!(!matches!(found, Err(ReadError::Offline)), "{found:?}");
    }
    let end = partition.log_end_offset();
    assert_eq!(produce(&partition, batch("next")).await.base_offset, end);
    topics.compact().await.unwrap();
    topics.enforce_retention().await.unwrap();
    topics.shutdown().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_damage_is_survived(clean in any::<bool>(), damages in proptest::collection::vec(damage(), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            tokio::time::timeout(Duration::from_mins(1), run(clean, damages)).await.expect("nothing hangs");
        });
    }
}
