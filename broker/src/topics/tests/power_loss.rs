//! The power goes at every step of a run; afterwards everything acknowledged is there.

use std::collections::BTreeMap;

use super::*;
use crate::topics::config::Durability;

/// What the outside world was promised.
#[derive(Debug, Default)]
struct Acknowledged {
    /// By topic and partition: the value at each offset.
    records: BTreeMap<(&'static str, i32), BTreeMap<i64, String>>,
    created: BTreeMap<&'static str, i32>,
    deleted: Vec<&'static str>,
    started_deleting: Vec<&'static str>,
    started_adding: bool,
    epochs: BTreeMap<(&'static str, i32), i32>,
    log_start: i64,
    asked_log_start: i64,
}

fn config(durability: Durability) -> LogConfig {
    LogConfig { durability, ..quiet() }
}

async fn append(
    topics: &Topics,
    topic: &'static str,
    index: i32,
    value: String,
    acked: &mut Acknowledged,
) -> Option<()> {
    let partition = topics.get(topic)?.partition(index)?;
    let appended = partition.append(batch(&value), CLIENT).await.ok()?;
    appended.ticket.durable().await.ok()?;
    acked.records.entry((topic, index)).or_default().insert(appended.base_offset, value);
    acked.epochs.insert((topic, index), partition.leader_epoch());
    Some(())
}

async fn create(
    topics: &Topics,
    name: &'static str,
    partitions: i32,
    acked: &mut Acknowledged,
) -> Option<()> {
    let small = settings(&[("segment.bytes", "250"), ("index.interval.bytes", "80"), ("retention.ms", "-1")]);
    topics.create(name, partitions, small).await.ok()?;
    acked.created.insert(name, partitions);
    Some(())
}

/// Creates, writes, rolls, checkpoints, stops cleanly, starts again, deletes; ends at the first refusal.
async fn script(memory: &Memory, durability: Durability, acked: &mut Acknowledged) -> Option<()> {
    let topics = open_with(memory, config(durability)).ok()?;
    create(&topics, "a", 2, acked).await?;
    create(&topics, "b", 1, acked).await?;
    for n in 0..6 {
        append(&topics, "a", n % 2, format!("first {n}"), acked).await?;
        append(&topics, "b", 0, format!("b {n}"), acked).await?;
    }
    topics.0.write_checkpoints().ok()?;
    append(&topics, "a", 0, "after the checkpoint".into(), acked).await?;
    topics.shutdown().await;
    let topics = open_with(memory, config(durability)).ok()?;
    for n in 0..5 {
        append(&topics, "a", 0, format!("second {n}"), acked).await?;
    }
    acked.started_deleting.push("b");
    topics.delete("b").await.ok()?;
    acked.deleted.push("b");
    acked.started_adding = true;
    topics.create_partitions("a", 3).await.ok()?;
    acked.created.insert("a", 3);
    append(&topics, "a", 2, "in a new partition".into(), acked).await?;
    let partition = partition_of(&topics, "a", 0);
    acked.asked_log_start = 4;
    acked.log_start = topics.delete_records(&partition, 4).await.ok()?;
    topics.enforce_retention().await.ok()?;
    append(&topics, "a", 0, "after retention".into(), acked).await
}

macro_rules! ensure {
    ($holds:expr, $($text:tt)*) => { if !$holds { return Err(format!($($text)*)); } };
}

/// Starts on what the power loss left and looks for everything promised.
async fn check(memory: &Memory, acked: &Acknowledged) -> Result<(), String> {
    let clean = memory.content(&Path::new(DIR).join(".kafka_cleanshutdown")).is_some();
    let topics = open_with(memory, quiet()).map_err(|error| error.to_string())?;
    for name in &acked.deleted {
        ensure!(topics.get(name).is_none(), "deleted topic {name} is back");
    }
    for (name, count) in &acked.created {
        if acked.started_deleting.contains(name) {
            continue;
        }
        let topic = topics.get(name).ok_or(format!("topic {name} is gone"))?;
        let now = topic.partition_count();
        ensure!(now == *count || acked.started_adding && now == 3, "topic {name} has {now} partitions");
    }
    for topic in topics.list() {
        for partition in topic.partitions() {
            let key = (&**topic.name(), partition.index());
            ensure!(partition.status() == Status::Online, "{key:?} is offline: {:?}", partition.fault());
            let found = try_values(&partition).await?;
            let start = partition.log_start_offset();
            ensure!(start <= acked.asked_log_start, "{key:?} starts at {start}");
            for (at, (offset, _)) in found.iter().enumerate() {
                ensure!(*offset == start + i64::try_from(at).unwrap(), "{key:?} has a gap at {offset}");
            }
            let Some(expected) = acked.records.get(&key) else { continue };
            let deleted = if key == ("a", 0) { acked.asked_log_start } else { 0 };
            let found: BTreeMap<_, _> = found.into_iter().collect();
            for (offset, value) in expected.iter().filter(|(offset, _)| **offset >= deleted) {
                ensure!(found.get(offset) == Some(value), "{key:?} lost offset {offset}: {value}");
            }
            if key == ("a", 0) {
                ensure!(start >= acked.log_start, "deleted records are back");
            }
            let epoch = acked.epochs.get(&key).copied().unwrap_or(if clean { 0 } else { -1 });
            let now = partition.leader_epoch();
            ensure!(now > epoch || clean && now == epoch, "epoch {now} of {key:?} follows {epoch}");
            let next = partition.log_end_offset();
            let appended =
                partition.append(batch("later"), CLIENT).await.map_err(|error| error.to_string())?;
            appended.ticket.durable().await.map_err(|error| error.to_string())?;
            ensure!(appended.base_offset == next, "{key:?} continues at {}", appended.base_offset);
        }
    }
    topics.shutdown().await;
    let topics = open_with(memory, quiet()).map_err(|error| error.to_string())?;
    let offline =
        topics.list().iter().flat_map(|topic| topic.partitions()).any(|p| p.status() != Status::Online);
    ensure!(!offline, "offline after a clean stop");
    Ok(())
}

const LOSSES: [Loss; 4] = [Loss::All, Loss::Nothing, Loss::Random(0x9e37_79b9), Loss::Random(0x1234_5677)];

/// Runs the script with the power going at `step` and checks what each kind of loss leaves.
async fn cut_and_check(step: u64, durability: Durability, prepare: impl Fn(&Memory)) -> Result<(), String> {
    let memory = Memory::default();
    prepare(&memory);
    memory.cut_at(step);
    let mut acked = Acknowledged::default();
    script(&memory, durability, &mut acked).await;
    for loss in LOSSES {
        let seed = match loss {
            Loss::Random(seed) => Loss::Random(seed.wrapping_mul(step * 2 + 1)),
            other => other,
        };
        check(&memory.after_power_loss(seed), &acked)
            .await
            .map_err(|text| format!("step {step}, {loss:?}: {text}"))?;
    }
    Ok(())
}

async fn steps() -> u64 {
    let memory = Memory::default();
    let mut acked = Acknowledged::default();
    script(&memory, Durability::Fsync, &mut acked).await.expect("the uncut script runs to its end");
    memory.steps()
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_whenever_the_power_goes() {
    let steps = steps().await;
    assert!(steps > 100, "{steps}");
    for step in 1..=steps + 1 {
        cut_and_check(step, Durability::Fsync, |_| {}).await.unwrap();
    }
}

/// The check itself is checked: without the sync before the acknowledgement it must find a loss.
async fn finds_a_loss(durability: Durability, prepare: impl Fn(&Memory)) -> bool {
    for step in (1..=steps().await).rev() {
        if cut_and_check(step, durability, &prepare).await.is_err() {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn the_check_notices_when_the_log_is_not_synced() {
    assert!(finds_a_loss(Durability::Fsync, |memory| memory.ignore_syncs_of(".log")).await);
}

#[tokio::test]
async fn the_check_notices_when_the_acknowledgement_does_not_wait_for_the_sync() {
    assert!(finds_a_loss(Durability::Os, |_| {}).await);
}

#[tokio::test]
async fn the_check_notices_when_folders_are_not_synced() {
    assert!(finds_a_loss(Durability::Fsync, Memory::ignore_dir_syncs).await);
}
