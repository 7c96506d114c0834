//! Of each key the newest record stays, whatever happens meanwhile.

use std::collections::BTreeMap;

use super::*;

const SMALL: [(&str, &str); 4] = [
    ("cleanup.policy", "compact"),
    ("segment.bytes", "400"),
    ("index.interval.bytes", "100"),
    ("delete.retention.ms", "1000"),
];

fn keyed(key: &str, value: Option<&str>) -> Bytes {
    BatchBuilder::new().record(NOW, Some(key.as_bytes()), value.map(str::as_bytes)).build()
}

/// Key and value by offset.
async fn rows(partition: &Arc<Partition>) -> BTreeMap<i64, (String, Option<String>)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut out = BTreeMap::new();
    let mut offset = partition.log_start_offset();
    while offset < partition.high_watermark() {
        let slice = partition.read(offset, 300, true, Isolation::ReadUncommitted).await.unwrap();
        assert!(!slice.records.is_empty(), "reading ends at {offset}");
        for (header, batch) in Batches::new(&slice.records) {
            header.check_crc(batch).unwrap();
            assert!(header.last_offset() >= offset);
            for record in &records(batch, &RecordLimits::default()).unwrap() {
                let record = record.unwrap();
                let at = header.base_offset + i64::from(record.offset_delta);
                out.insert(at, (text(record.key.unwrap()), record.value.map(text)));
            }
            offset = header.next_offset();
        }
    }
    out
}

/// What a reader who starts at the beginning ends up with.
fn newest(rows: &BTreeMap<i64, (String, Option<String>)>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (key, value) in rows.values() {
        match value {
            Some(value) => out.insert(key.clone(), value.clone()),
            None => out.remove(key),
        };
    }
    out
}

/// No tail cache: everything is read from the files.
fn uncached() -> LogConfig {
    LogConfig { tail_cache_bytes: 0, ..quiet() }
}

#[tokio::test]
async fn only_the_newest_record_of_a_key_stays_at_its_offset() {
    let memory = Memory::default();
    let topics = open_with(&memory, uncached()).unwrap();
    topics.create("t", 1, settings(&SMALL)).await.unwrap();
    let partition = partition_of(&topics, "t", 0);
    for n in 0..40 {
        produce(&partition, keyed(&format!("k{}", n % 4), Some(&n.to_string()))).await;
    }
    let (before, size) = (rows(&partition).await, partition.size_bytes());
    topics.compact().await.unwrap();
    let after = rows(&partition).await;
    assert_eq!(newest(&after), newest(&before));
    assert!(partition.size_bytes() < size / 2, "{} of {size}", partition.size_bytes());
    assert!(after.len() < 12, "{after:?}");
    assert!(after.iter().all(|(offset, row)| before.get(offset) == Some(row)));
    assert_eq!(partition.log_end_offset(), 40);
    // Again, nothing is dirty.
    topics.compact().await.unwrap();
    assert_eq!(rows(&partition).await, after);
    for stop in [true, false] {
        if stop {
            topics.shutdown().await;
        }
        let memory = memory.after_power_loss(Loss::All);
        let topics = open_with(&memory, uncached()).unwrap();
        let partition = partition_of(&topics, "t", 0);
        assert_eq!(rows(&partition).await, after);
        assert_eq!(produce(&partition, keyed("k0", Some("next"))).await.base_offset, 40);
    }
}

#[tokio::test]
async fn tombstones_stay_for_their_time_and_then_go() {
    let memory = Memory::default();
    let clock = Arc::new(ManualClock::at(NOW));
    let open = || {
        Topics::open(Path::new(DIR), uncached(), Arc::new(memory.clone()), Arc::clone(&clock) as _).unwrap()
    };
    let topics = open();
    topics.create("t", 1, settings(&SMALL)).await.unwrap();
    let partition = partition_of(&topics, "t", 0);
    let fill = async |round: i32| {
        for n in 0..12 {
            produce(&partition, keyed("filler", Some(&format!("{round} {n}")))).await;
        }
    };
    produce(&partition, keyed("gone", Some("v"))).await;
    produce(&partition, keyed("gone", None)).await;
    let tombstone = |rows: &BTreeMap<i64, (String, Option<String>)>| rows.get(&1).cloned();
    for (round, advance, stays) in [(0, 0, true), (1, 900, true), (2, 101, false)] {
        fill(round).await;
        clock.advance(advance);
        topics.compact().await.unwrap();
        let now = rows(&partition).await;
        assert!(!now.contains_key(&0));
        assert_eq!(tombstone(&now), stays.then(|| ("gone".to_owned(), None)), "round {round}");
    }
}

#[tokio::test]
async fn compressed_batches_keep_their_codec_and_lose_their_old_records() {
    let memory = Memory::default();
    let topics = open_with(&memory, uncached()).unwrap();
    topics
        .create("t", 1, settings(&[("cleanup.policy", "compact"), ("segment.bytes", "700")]))
        .await
        .unwrap();
    let partition = partition_of(&topics, "t", 0);
    for n in 0..40_i16 {
        let codec = n % 5;
        let records = BatchBuilder::new()
            .record_with_headers(NOW, Some(b"same"), Some(format!("{n}").as_bytes()), &[(b"h", Some(b"1"))])
            .record_with_headers(NOW + 5, Some(format!("own {n}").as_bytes()), Some(b"v"), &[(b"h", None)]);
        let packed = records.build_compressed(codec, |raw| {
            crate::compression::compress(crate::compression::Codec::from_attribute(codec).unwrap(), raw)
                .unwrap()
        });
        produce(&partition, packed).await;
    }
    topics.compact().await.unwrap();
    let after = rows(&partition).await;
    assert_eq!(after.values().filter(|(key, _)| key.starts_with("own")).count(), 40);
    assert!(after.values().filter(|(key, _)| key == "same").count() < 10);
    let slice = partition.read(0, 1 << 20, true, Isolation::ReadUncommitted).await.unwrap();
    for (header, batch) in Batches::new(&slice.records) {
        assert_eq!(i64::from(header.attributes & 7), header.base_offset / 2 % 5);
        assert_eq!((header.last_offset_delta, header.base_offset % 2), (1, 0));
        for record in &records(batch, &RecordLimits::default()).unwrap() {
            assert_eq!(record.unwrap().headers.count(), 1);
        }
    }
}

#[tokio::test]
async fn a_producers_last_batch_is_known_after_its_records_are_gone() {
    let memory = Memory::default();
    let topics = open_with(&memory, uncached()).unwrap();
    topics.create("t", 1, settings(&SMALL)).await.unwrap();
    let partition = partition_of(&topics, "t", 0);
    let mine = |n| BatchBuilder::new().producer(9, 0, n).record(NOW, Some(b"k"), Some(b"mine")).build();
    for n in 0..3 {
        produce(&partition, mine(n)).await;
    }
    for n in 0..20 {
        produce(&partition, keyed("k", Some(&n.to_string()))).await;
    }
    topics.compact().await.unwrap();
    let slice = partition.read(0, 1 << 20, true, Isolation::ReadUncommitted).await.unwrap();
    let kept: Vec<_> = Batches::new(&slice.records).filter(|(header, _)| header.producer_id == 9).collect();
    assert_eq!(
        kept.iter().map(|(header, _)| (header.base_offset, header.records_count)).collect::<Vec<_>>(),
        [(2, 0)]
    );
    // Without the snapshots, the log alone must tell.
    let memory = memory.after_power_loss(Loss::All);
    for entry in crate::log::storage::Storage::list(&memory, &Path::new(DIR).join("t-0")).unwrap() {
        if entry.name.ends_with("snapshot") {
            let path = Path::new(DIR).join("t-0").join(&entry.name);
            crate::log::storage::Storage::remove_file(&memory, &path).unwrap();
        }
    }
    let partition = partition_of(&open_with(&memory, uncached()).unwrap(), "t", 0);
    assert!(produce(&partition, mine(2)).await.duplicate);
    assert!(!produce(&partition, mine(3)).await.duplicate);
}

#[tokio::test]
async fn young_or_mostly_clean_logs_are_left_alone() {
    for (key, value) in [("min.compaction.lag.ms", "100000"), ("min.cleanable.dirty.ratio", "1.0")] {
        let topics = open_with(&Memory::default(), uncached()).unwrap();
        let config: Vec<_> = SMALL.into_iter().chain([(key, value)]).collect();
        topics.create("t", 1, settings(&config)).await.unwrap();
        let partition = partition_of(&topics, "t", 0);
        let produce_some = async || {
            for n in 0..20 {
                produce(&partition, keyed("k", Some(&n.to_string()))).await;
            }
        };
        produce_some().await;
        topics.compact().await.unwrap();
        produce_some().await;
        let size = partition.size_bytes();
        topics.compact().await.unwrap();
        assert_eq!(partition.size_bytes(), size, "{key}");
    }
}

#[derive(Default)]
struct Told {
    values: BTreeMap<i64, (String, Option<String>)>,
}

async fn script(memory: &Memory, told: &mut Told) -> Option<()> {
    let topics = open_with(memory, uncached()).ok()?;
    topics.create("t", 1, settings(&SMALL)).await.ok()?;
    let partition = partition_of(&topics, "t", 0);
    for round in 0..3 {
        for n in 0..11 {
            let (key, value) = (format!("k{}", n % 3), format!("{round} {n}"));
            let value = (n % 7 != 6).then_some(value);
            let appended = partition.append(keyed(&key, value.as_deref()), CLIENT).await.ok()?;
            appended.ticket.durable().await.ok()?;
            told.values.insert(appended.base_offset, (key, value));
        }
        topics.0.write_checkpoints().ok()?;
        topics.compact().await.ok()?;
        if partition.status() != Status::Online {
            return None;
        }
    }
    Some(())
}

#[tokio::test]
async fn compaction_survives_a_power_loss_at_every_step() {
    let whole = Memory::default();
    script(&whole, &mut Told::default()).await.unwrap();
    for step in 1..=whole.steps() + 1 {
        let memory = Memory::default();
        memory.cut_at(step);
        let mut told = Told::default();
        script(&memory, &mut told).await;
        for loss in [Loss::All, Loss::Nothing, Loss::Random(step * 77 + 1), Loss::Random(step * 1001 + 3)] {
            let after = memory.after_power_loss(loss);
            let topics = open_with(&after, uncached()).unwrap();
            let Some(topic) = topics.get("t") else {
                assert!(told.values.is_empty());
                continue;
            };
            let partition = topic.partition(0).unwrap();
            let context = format!("step {step}, {loss:?}");
            assert_eq!(partition.status(), Status::Online, "{context}: {:?}", partition.fault());
            let mut found = rows(&partition).await;
            // Written and not acknowledged is allowed, at the end.
            let end = told.values.keys().last().map_or(0, |last| last + 1);
            found.retain(|offset, _| *offset < end);
            assert!(found.iter().all(|(offset, row)| told.values.get(offset) == Some(row)), "{context}");
            assert_eq!(newest(&found), newest(&told.values), "{context}");
            assert!(partition.log_end_offset() >= end, "{context}");
            topics.compact().await.unwrap();
            assert_eq!(partition.status(), Status::Online, "{context}");
        }
    }
}
