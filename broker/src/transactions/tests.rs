//! The coordinator over topics in memory.

use std::collections::BTreeSet;

use super::state::End;
use super::*;
use crate::clock::ManualClock;
use crate::groups::{GroupsConfig, OFFSETS_TOPIC};
use crate::log::storage::memory::{Loss, Memory};
use crate::log::storage::{OpenMode, Storage as _};
use crate::partition::{Isolation, Partition};
use crate::topics::tests::transactions::{committed, data, write};
use crate::topics::tests::{CLIENT, NOW, open_with, partition_of, quiet, settings};

pub(crate) struct Bench {
    memory: Memory,
    topics: Topics,
    groups: Groups,
    pub(crate) transactions: Transactions,
    clock: Arc<ManualClock>,
}

fn config() -> TransactionsConfig {
    TransactionsConfig { state_partitions: 2, ..TransactionsConfig::default() }
}

impl Bench {
    async fn on(memory: Memory) -> Self {
        let topics = open_with(&memory, quiet()).unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let groups_config = GroupsConfig { offsets_partitions: 2, ..GroupsConfig::default() };
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let groups = Groups::open(&topics, groups_config, Arc::clone(&shared));
        let producer_ids = ProducerIds::open(&topics).unwrap();
        let transactions = Transactions::open(&topics, &groups, producer_ids, config(), shared);
        transactions.loaded().await;
        Self { memory, topics, groups, transactions, clock }
    }

    async fn new() -> Self {
        let bench = Self::on(Memory::default()).await;
        bench.topics.create("t", 2, settings(&[("segment.bytes", "600")])).await.unwrap();
        bench
    }

    /// The process ends without a word and starts again.
    async fn killed(self, loss: Loss) -> Self {
        let Self { memory, topics, groups, transactions, .. } = self;
        drop((topics, groups, transactions));
        Self::on(memory.after_power_loss(loss)).await
    }

    fn partition(&self, index: i32) -> Arc<Partition> {
        partition_of(&self.topics, "t", index)
    }

    async fn add(&self, id: &str, producer: Producer, partitions: &[i32]) -> Result<(), ErrorCode> {
        let wanted = TopicPartitions::from([("t".to_owned(), partitions.iter().copied().collect())]);
        self.transactions.add(id, producer, wanted).await
    }

    async fn write(&self, index: i32, producer: Producer, sequence: i32, value: &str) {
        write(&self.partition(index), data(producer.id, producer.epoch, sequence, value)).await;
    }

    async fn settled(&self, id: &str) -> State {
        loop {
            let state = self.transactions.state_of(id).unwrap().state;
            if state.prepared().is_none() {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_transaction_over_two_partitions_commits_and_aborts() {
    let bench = Bench::new().await;
    let producer = bench.transactions.init("tx", 60_000, None).await.unwrap();
    assert_eq!(producer.epoch, 0);
    for (round, commit) in [(0, true), (1, false)] {
        bench.add("tx", producer, &[0, 1]).await.unwrap();
        for index in 0..2 {
            bench.write(index, producer, round, &format!("{round} {index}")).await;
            assert!(bench.partition(index).last_stable_offset() < bench.partition(index).high_watermark());
        }
        assert_eq!(bench.transactions.end("tx", producer, commit, false).await, Ok(producer));
        for index in 0..2 {
            assert_eq!(bench.partition(index).last_stable_offset(), bench.partition(index).high_watermark());
            assert_eq!(committed(&bench.partition(index)).await, [format!("0 {index}")]);
        }
    }
    assert_eq!(bench.transactions.end("tx", producer, false, false).await, Ok(producer));
    assert_eq!(bench.transactions.end("tx", producer, true, false).await, Err(ErrorCode::InvalidTxnState));
}

#[tokio::test]
async fn a_second_instance_fences_the_first_and_aborts_what_it_left() {
    let bench = Bench::new().await;
    let first = bench.transactions.init("tx", 60_000, None).await.unwrap();
    bench.add("tx", first, &[0]).await.unwrap();
    bench.write(0, first, 0, "left").await;
    // the first answer is that something is going on, and ends it
    let busy = bench.transactions.init("tx", 60_000, None).await;
    assert_eq!(busy, Err(ErrorCode::ConcurrentTransactions));
    let second = bench.transactions.init("tx", 60_000, None).await.unwrap();
    assert!(second.id == first.id && second.epoch == first.epoch + 2, "{second:?}");
    assert_eq!(committed(&bench.partition(0)).await, [""; 0]);
    assert_eq!(bench.partition(0).last_stable_offset(), bench.partition(0).high_watermark());
    let fenced = Err(ErrorCode::ProducerFenced);
    assert_eq!(bench.add("tx", first, &[0]).await, fenced);
    assert_eq!(bench.transactions.end("tx", first, true, false).await.map(|_| ()), fenced);
    assert_eq!(bench.transactions.init("tx", 60_000, Some(first)).await.map(|_| ()), fenced);
    bench.add("tx", second, &[0]).await.unwrap();
}

#[tokio::test]
async fn a_producer_that_goes_on_after_an_error_ends_its_own_transaction() {
    let bench = Bench::new().await;
    let before = bench.transactions.init("tx", 60_000, None).await.unwrap();
    bench.add("tx", before, &[0]).await.unwrap();
    bench.write(0, before, 0, "left").await;
    let busy = bench.transactions.init("tx", 60_000, Some(before)).await;
    assert_eq!(busy, Err(ErrorCode::ConcurrentTransactions));
    let after = bench.transactions.init("tx", 60_000, Some(before)).await.unwrap();
    assert_eq!(after, Producer { epoch: before.epoch + 1, ..before });
    bench.add("tx", after, &[0]).await.unwrap();
    bench.write(0, after, 0, "new").await;
    bench.transactions.end("tx", after, true, false).await.unwrap();
    assert_eq!(committed(&bench.partition(0)).await, ["new"]);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let bench = Bench::new().await;
    let init = |id: &'static str, timeout| bench.transactions.init(id, timeout, None);
    assert_eq!(init("", 1000).await, Err(ErrorCode::InvalidRequest));
    for timeout in [0, -1, 900_001] {
        assert_eq!(init("tx", timeout).await, Err(ErrorCode::InvalidTransactionTimeout));
    }
    let nobody = Producer { id: 5, epoch: 0 };
    assert_eq!(bench.add("tx", nobody, &[0]).await, Err(ErrorCode::InvalidProducerIdMapping));
    let mapping = Err(ErrorCode::InvalidProducerIdMapping);
    assert_eq!(bench.transactions.end("tx", nobody, true, false).await.map(|_| ()), mapping);
    assert_eq!(bench.transactions.verify("tx", nobody, "t", 0), mapping);
}

#[tokio::test]
async fn a_transaction_over_its_time_is_aborted_and_its_producer_fenced() {
    let bench = Bench::new().await;
    let producer = bench.transactions.init("tx", 1000, None).await.unwrap();
    bench.add("tx", producer, &[0]).await.unwrap();
    bench.write(0, producer, 0, "slow").await;
    bench.clock.advance(900);
    bench.transactions.abort_overdue().await;
    assert_eq!(bench.settled("tx").await, State::Ongoing);
    bench.clock.advance(200);
    bench.transactions.abort_overdue().await;
    assert_eq!(bench.settled("tx").await, State::CompleteAbort);
    assert_eq!(committed(&bench.partition(0)).await, [""; 0]);
    assert_eq!(bench.partition(0).last_stable_offset(), bench.partition(0).high_watermark());
    let fenced = bench.transactions.end("tx", producer, true, false).await;
    assert_eq!(fenced, Err(ErrorCode::ProducerFenced));
}

#[tokio::test]
async fn idle_ids_are_forgotten() {
    let bench = Bench::new().await;
    bench.transactions.init("idle", 1000, None).await.unwrap();
    let open = bench.transactions.init("open", 1000, None).await.unwrap();
    bench.add("open", open, &[0]).await.unwrap();
    bench.clock.advance(config().id_expiration_ms);
    bench.transactions.expire_ids().await;
    let names = |bench: &Bench| bench.transactions.list().into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(names(&bench), ["open".into()]);
    let bench = bench.killed(Loss::Nothing).await;
    assert_eq!(names(&bench), ["open".into()]);
}

#[tokio::test]
async fn an_unreadable_partition_takes_only_its_ids_away_and_makes_nothing_up() {
    let bench = Bench::new().await;
    let lost = bench.transactions.init("tx", 60_000, None).await.unwrap();
    bench.add("tx", lost, &[0]).await.unwrap();
    bench.write(0, lost, 0, "open").await;
    let partition = bench.transactions.partition_of("tx");
    let mut names = (0..).map(|number| format!("other-{number}"));
    let other = names.find(|name| bench.transactions.partition_of(name) != partition).unwrap();
    let known = bench.transactions.init(&other, 60_000, None).await.unwrap();
    let Bench { memory, topics, groups, transactions, .. } = bench;
    transactions.shutdown().await;
    groups.shutdown().await;
    topics.shutdown().await;
    let log = format!("{STATE_TOPIC}-{partition}/00000000000000000000.log");
    let file = memory.open(&topics.data_dir().join(log), OpenMode::ReadWrite).unwrap();
    // the format of the first batch
    file.write_at(16, &[9]).unwrap();
    drop((topics, groups, transactions));
    let bench = Bench::on(memory).await;
    let unknown = Err(ErrorCode::CoordinatorNotAvailable);
    assert_eq!(bench.transactions.init("tx", 60_000, None).await, unknown);
    assert_eq!(bench.add("tx", lost, &[0]).await.map(|()| lost), unknown);
    assert_eq!(bench.transactions.end("tx", lost, true, false).await, unknown);
    assert_eq!(bench.transactions.verify("tx", lost, "t", 0).map(|()| lost), unknown);
    assert_eq!(bench.partition(0).last_stable_offset(), 0, "the transaction stays open");
    let next = bench.transactions.init(&other, 60_000, None).await.unwrap();
    assert_eq!(next, Producer { epoch: known.epoch + 1, ..known });
}

#[tokio::test]
async fn an_open_transaction_goes_on_after_a_restart_and_a_prepared_one_is_carried_out() {
    for commit in [true, false] {
        let bench = Bench::new().await;
        let open = bench.transactions.init("open", 60_000, None).await.unwrap();
        bench.add("open", open, &[0]).await.unwrap();
        bench.write(0, open, 0, "open").await;
        let decided = bench.transactions.init("decided", 60_000, None).await.unwrap();
        bench.add("decided", decided, &[0, 1]).await.unwrap();
        bench.write(0, decided, 0, "a").await;
        bench.write(1, decided, 0, "b").await;
        // the power goes between the decision and the first marker
        let id = bench.transactions.find("decided").unwrap();
        let End::Prepare(prepared) = id.state().unwrap().end(decided, commit, false, NOW).unwrap() else {
            panic!()
        };
        bench.transactions.store(&id, prepared).await.unwrap();
        drop(id);
        let bench = bench.killed(Loss::All).await;
        let outcome = if commit { State::CompleteCommit } else { State::CompleteAbort };
        assert_eq!(bench.settled("decided").await, outcome);
        let expected: &[&str] = if commit { &["b"] } else { &[] };
        assert_eq!(committed(&bench.partition(1)).await, expected);
        assert_eq!(bench.partition(0).last_stable_offset(), 0);
        bench.write(0, open, 1, "more").await;
        bench.transactions.end("open", open, true, false).await.unwrap();
        let expected: &[&str] = if commit { &["open", "a", "more"] } else { &["open", "more"] };
        assert_eq!(committed(&bench.partition(0)).await, expected);
    }
}

#[tokio::test]
async fn a_full_disk_delays_markers_and_changes_no_outcome() {
    let bench = Bench::new().await;
    let producer = bench.transactions.init("tx", 60_000, None).await.unwrap();
    bench.add("tx", producer, &[0]).await.unwrap();
    bench.write(0, producer, 0, "a").await;
    bench.topics.create("gone", 1, settings(&[])).await.unwrap();
    let gone = TopicPartitions::from([("gone".to_owned(), BTreeSet::from([0]))]);
    bench.transactions.add("tx", producer, gone).await.unwrap();
    // a topic that is deleted meanwhile needs no marker
    bench.topics.delete("gone").await.unwrap();
    let id = bench.transactions.find("tx").unwrap();
    let End::Prepare(prepared) = id.state().unwrap().end(producer, true, false, NOW).unwrap() else {
        panic!()
    };
    bench.transactions.store(&id, prepared).await.unwrap();
    bench.memory.fail_writes(Some(std::io::ErrorKind::StorageFull));
    assert!(bench.transactions.carry_out(&id).await.is_err());
    assert_eq!(bench.add("tx", producer, &[0]).await, Err(ErrorCode::ConcurrentTransactions));
    bench.memory.fail_writes(None);
    assert_eq!(bench.settled("tx").await, State::CompleteCommit);
    assert_eq!(committed(&bench.partition(0)).await, ["a"]);
}

#[tokio::test]
async fn offsets_of_a_transaction_count_once_it_is_committed() {
    let bench = Bench::new().await;
    let producer = bench.transactions.init("tx", 60_000, None).await.unwrap();
    bench.groups.ensure_topic().await.unwrap();
    let index = bench.groups.partition_of("g");
    let offsets = TopicPartitions::from([(OFFSETS_TOPIC.to_owned(), BTreeSet::from([index]))]);
    bench.transactions.add("tx", producer, offsets).await.unwrap();
    let partition = partition_of(&bench.topics, OFFSETS_TOPIC, index);
    assert_eq!(partition.last_stable_offset(), 0);
    bench.transactions.end("tx", producer, true, false).await.unwrap();
    // the marker is there although nothing was written
    assert_eq!(partition.high_watermark(), 1);
    assert!(partition.read(0, 1000, true, Isolation::ReadCommitted).await.unwrap().aborted.is_empty());
}

/// Writes to one partition of an open transaction; `None` when the power is gone.
async fn try_write(bench: &Bench, index: i32, producer: Producer, sequence: i32, value: &str) -> Option<()> {
    let partition = bench.partition(index);
    let (seen, records) = (partition.markers(), data(producer.id, producer.epoch, sequence, value));
    let appended = partition.append_verified(records, CLIENT, Some(seen)).await.ok()?;
    appended.ticket.durable().await.ok()
}

/// Four transactions over both partitions, every second one committed; notes which ends were acknowledged.
async fn script(bench: &Bench, acknowledged: &mut Vec<(String, bool)>) -> Option<()> {
    let producer = bench.transactions.init("tx", 60_000, None).await.ok()?;
    for round in 0..4 {
        let commit = round % 2 == 0;
        bench.add("tx", producer, &[0, 1]).await.ok()?;
        for index in 0..2 {
            try_write(bench, index, producer, round, &round.to_string()).await?;
        }
        bench.transactions.end("tx", producer, commit, false).await.ok()?;
        acknowledged.push((round.to_string(), commit));
    }
    Some(())
}

#[tokio::test]
async fn a_transaction_is_whole_in_both_partitions_whenever_the_power_goes() {
    let bench = Bench::new().await;
    let before = bench.memory.steps();
    script(&bench, &mut Vec::new()).await.expect("the uncut script runs to its end");
    let steps = bench.memory.steps() - before;
    assert!(steps > 30, "{steps}");
    for step in 1..=steps + 1 {
        let bench = Bench::new().await;
        bench.memory.cut_at(bench.memory.steps() + step);
        let mut acknowledged = Vec::new();
        script(&bench, &mut acknowledged).await;
        bench.transactions.shutdown().await;
        bench.groups.shutdown().await;
        for loss in [Loss::All, Loss::Nothing, Loss::Random(step.wrapping_mul(0x9e37_79b9))] {
            let after = Bench::on(bench.memory.after_power_loss(loss)).await;
            after.clock.advance(60_001);
            after.transactions.abort_overdue().await;
            if after.transactions.state_of("tx").is_some() {
                after.settled("tx").await;
            }
            let found = committed(&after.partition(0)).await;
            let label = format!("step {step}, {loss:?}: {found:?}, acknowledged {acknowledged:?}");
            assert_eq!(found, committed(&after.partition(1)).await, "{label}");
            for (value, commit) in &acknowledged {
                assert_eq!(found.contains(value), *commit, "{label}");
            }
            for index in 0..2 {
                let partition = after.partition(index);
                assert_eq!(partition.last_stable_offset(), partition.high_watermark(), "{label}");
            }
            after.transactions.shutdown().await;
        }
    }
}
