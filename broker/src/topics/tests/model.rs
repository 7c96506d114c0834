//! The log against a vector.

use proptest::prelude::*;

use super::*;
use crate::topics::config::Durability;

#[derive(Clone, Debug)]
enum Op {
    /// Batches of so many records.
    Append(Vec<u8>),
    Read {
        from: u8,
        max: u16,
        whole: bool,
    },
    LookUp(u8),
    DeleteBelow(u8),
    Retain,
    Stop,
    Kill,
    LosePower(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => proptest::collection::vec(1_u8..5, 1..8).prop_map(Op::Append),
        6 => (any::<u8>(), 0_u16..600, any::<bool>()).prop_map(|(from, max, whole)| Op::Read { from, max, whole }),
        3 => any::<u8>().prop_map(Op::LookUp),
        1 => any::<u8>().prop_map(Op::DeleteBelow),
        1 => Just(Op::Retain),
        1 => Just(Op::Stop),
        1 => Just(Op::Kill),
        1 => any::<u64>().prop_map(Op::LosePower),
    ]
}

/// The records as they should be: timestamp by offset, with the base of the batch.
#[derive(Default)]
struct Model {
    records: Vec<(i64, i64)>,
    start: i64,
}

impl Model {
    fn end(&self) -> i64 {
        i64::try_from(self.records.len()).unwrap()
    }

    fn offset(&self, fraction: u8) -> i64 {
        self.start + (self.end() - self.start) * i64::from(fraction) / 255
    }
}

async fn run(ops: Vec<Op>, tail_cache_bytes: usize, durability: Durability) {
    let config = || LogConfig { durability, tail_cache_bytes, ..quiet() };
    let mut memory = Memory::default();
    let mut topics = open_with(&memory, config()).unwrap();
    let small = [("segment.bytes", "700"), ("index.interval.bytes", "128"), ("retention.ms", "-1")];
    topics.create("t", 1, settings(&small)).await.unwrap();
    let mut model = Model::default();
    for op in ops {
        let partition = partition_of(&topics, "t", 0);
        match op {
            Op::Append(batches) => append(&partition, &mut model, &batches).await,
            Op::Read { from, max, whole } => {
                read(&partition, &model, model.offset(from), max.into(), whole).await;
            }
            Op::LookUp(fraction) => look_up(&partition, &model, model.offset(fraction)).await,
            Op::DeleteBelow(fraction) => {
                model.start = topics.delete_records(&partition, model.offset(fraction)).await.unwrap();
            }
            Op::Retain => topics.enforce_retention().await.unwrap(),
            Op::Stop => {
                topics.shutdown().await;
                topics = open_with(&memory, config()).unwrap();
            }
            Op::Kill | Op::LosePower(_) => {
                drop(topics);
                memory = match op {
                    // more was not promised
                    Op::LosePower(seed) if durability == Durability::Fsync => {
                        memory.after_power_loss(Loss::Random(seed))
                    }
                    _ => memory.after_kill(),
                };
                topics = open_with(&memory, config()).unwrap();
            }
        }
        let partition = partition_of(&topics, "t", 0);
        assert_eq!(partition.status(), Status::Online, "{:?}", partition.fault());
        assert_eq!(partition.log_start_offset(), model.start);
        assert_eq!(partition.log_end_offset(), model.end());
        assert_eq!(partition.high_watermark(), model.end());
    }
}

async fn append(partition: &Arc<Partition>, model: &mut Model, batches: &[u8]) {
    let mut tickets = Vec::new();
    for count in batches {
        let base = model.end();
        let mut builder = BatchBuilder::new();
        for _ in 0..*count {
            // Mostly growing, with steps back.
            let timestamp = NOW + model.end() * 10 - (model.end() % 3) * 25;
            builder = builder.record(timestamp, None, Some(&[b'v'; 20]));
            model.records.push((timestamp, base));
        }
        let appended = partition.append(builder.build(), CLIENT).await.unwrap();
        assert_eq!(appended.base_offset, base);
        assert_eq!(appended.last_offset, model.end() - 1);
        tickets.push(appended.ticket);
    }
    for ticket in tickets {
        ticket.durable().await.unwrap();
    }
}

async fn read(partition: &Arc<Partition>, model: &Model, from: i64, max: usize, whole: bool) {
    let slice = partition.read(from, max, whole, Isolation::ReadUncommitted).await.unwrap();
    let mut next = None;
    for (header, batch) in Batches::new(&slice.records) {
        header.check_crc(batch).unwrap();
        assert_eq!(
            header.base_offset,
            next.unwrap_or_else(|| model.records[usize::try_from(from).unwrap()].1)
        );
        next = Some(header.next_offset());
    }
    assert!(next.is_none_or(|next| next <= model.end() && next > from));
    let many = Batches::new(&slice.records).count() > 1;
    assert!(slice.records.len() <= max || (whole && !many), "{} of {max}", slice.records.len());
    if whole {
        assert_eq!(slice.records.is_empty(), from == model.end());
    }
    if max >= 400 && from < model.end() {
        assert!(!slice.records.is_empty());
    }
}

async fn look_up(partition: &Arc<Partition>, model: &Model, near: i64) {
    let Some((timestamp, _)) = model.records.get(usize::try_from(near).unwrap()) else { return };
    for wanted in [*timestamp, timestamp + 1, timestamp - 1] {
        let found = partition.offset_for_timestamp(wanted, Isolation::ReadUncommitted).await.unwrap();
        let expected = (model.start..model.end())
            .map(|offset| (offset, model.records[usize::try_from(offset).unwrap()].0))
            .find(|(_, timestamp)| *timestamp >= wanted);
        assert_eq!(found.map(|found| (found.offset, found.timestamp_ms)), expected, "timestamp {wanted}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_a_vector_that_survives(
        ops in proptest::collection::vec(op(), 1..40),
        cached in any::<bool>(),
        synced in any::<bool>(),
    ) {
        let durability = if synced { Durability::Fsync } else { Durability::Os };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(ops, if cached { 1 << 20 } else { 0 }, durability));
    }
}
