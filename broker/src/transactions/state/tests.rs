use super::*;
use proptest::prelude::*;

const NOW: i64 = 1_000_000;

fn at(epoch: i16) -> Producer {
    Producer { id: 7, epoch }
}

fn partitions(names: &[&str]) -> TopicPartitions {
    names.iter().map(|name| ((*name).to_owned(), BTreeSet::from([0]))).collect()
}

fn in_state(state: State) -> Transaction {
    let open = matches!(state, State::Ongoing | State::PrepareCommit | State::PrepareAbort);
    Transaction {
        epoch: 3,
        state,
        partitions: if open { partitions(&["t"]) } else { TopicPartitions::new() },
        started_ms: NOW,
        ..Transaction::new(7, 1000, NOW)
    }
}

#[test]
fn init_follows_kafkas_table() {
    use ErrorCode::{ConcurrentTransactions as Concurrent, ProducerFenced as Fenced};
    use State::{CompleteAbort, CompleteCommit, Empty, Ongoing, PrepareAbort, PrepareCommit};
    let epoch = |expected: Option<Producer>, state: Transaction| match state.init(expected, 1000, NOW) {
        Ok(Init::Next(next)) => {
            assert_eq!((next.state, next.partitions.len()), (Empty, 0));
            Ok(next.epoch)
        }
        Ok(Init::Abort(next)) => {
            assert_eq!((next.state, next.epoch), (PrepareAbort, 4));
            Ok(-1)
        }
        Ok(Init::Rotate) => Ok(-2),
        Err(code) => Err(code),
    };
    for idle in [Empty, CompleteCommit, CompleteAbort] {
        assert_eq!(epoch(None, in_state(idle)), Ok(4));
        assert_eq!(epoch(Some(at(3)), in_state(idle)), Ok(4));
        assert_eq!(epoch(Some(at(2)), in_state(idle)), Err(Fenced));
        assert_eq!(epoch(Some(Producer { id: 8, epoch: 3 }), in_state(idle)), Err(Fenced));
        let exhausted = Transaction { epoch: EPOCH_EXHAUSTED, ..in_state(idle) };
        assert_eq!(epoch(None, exhausted.clone()), Ok(-2));
        assert_eq!(epoch(Some(at(EPOCH_EXHAUSTED)), exhausted), Ok(-2));
    }
    for prepared in [PrepareCommit, PrepareAbort] {
        assert_eq!(epoch(None, in_state(prepared)), Err(Concurrent));
    }
    assert_eq!(epoch(None, in_state(Ongoing)), Ok(-1));
    assert_eq!(epoch(Some(at(3)), in_state(Ongoing)), Ok(-1));
    assert_eq!(epoch(Some(at(2)), in_state(Ongoing)), Err(Fenced));
    assert_eq!(epoch(None, Transaction::new(7, 1000, NOW)), Ok(0));
}

#[test]
fn a_repeated_init_gets_the_same_answer() {
    let Ok(Init::Next(next)) = in_state(State::Empty).init(Some(at(3)), 1000, NOW) else { panic!() };
    let Ok(Init::Next(again)) = next.init(Some(at(3)), 1000, NOW) else { panic!() };
    assert_eq!((next.epoch, again.epoch), (4, 4));
    let exhausted = Transaction { epoch: EPOCH_EXHAUSTED, ..in_state(State::Empty) };
    let rotated = exhausted.rotated(9, true, 1000, NOW);
    assert_eq!(rotated.producer(), Producer { id: 9, epoch: 0 });
    let Ok(Init::Next(again)) = rotated.init(Some(at(EPOCH_EXHAUSTED)), 1000, NOW) else { panic!() };
    assert_eq!(again.producer(), Producer { id: 9, epoch: 0 });
}

#[test]
fn the_end_follows_kafkas_table() {
    use ErrorCode::{
        ConcurrentTransactions as Concurrent, InvalidProducerIdMapping as Mapping, InvalidTxnState as State_,
        ProducerFenced as Fenced,
    };
    use State::{CompleteAbort, CompleteCommit, Empty, Ongoing, PrepareAbort, PrepareCommit};
    // what the first protocol says to a commit and to an abort: 0 prepared, 1 done before
    let table = [
        (Empty, Err(State_), Err(State_)),
        (Ongoing, Ok(0), Ok(0)),
        (PrepareCommit, Err(Concurrent), Err(State_)),
        (PrepareAbort, Err(State_), Err(Concurrent)),
        (CompleteCommit, Ok(1), Err(State_)),
        (CompleteAbort, Err(State_), Ok(1)),
    ];
    let kind = |outcome: Result<End, ErrorCode>| {
        outcome.map(|end| match end {
            End::Prepare(next) => {
                assert_eq!(next.epoch, 3);
                0
            }
            End::Done(_) => 1,
            End::PrepareAndRotate(_) => 2,
        })
    };
    for (state, commit, abort) in table {
        let known = in_state(state);
        assert_eq!(kind(known.end(at(3), true, false, NOW)), commit, "{state:?}");
        assert_eq!(kind(known.end(at(3), false, false, NOW)), abort, "{state:?}");
        assert_eq!(kind(known.end(at(2), true, false, NOW)), Err(Fenced), "{state:?}");
        let other = Producer { id: 8, epoch: 3 };
        assert_eq!(kind(known.end(other, true, false, NOW)), Err(Mapping), "{state:?}");
    }
}

#[test]
fn the_second_protocol_bumps_with_every_end() {
    use ErrorCode::{ConcurrentTransactions, InvalidTxnState, ProducerFenced};
    let Ok(End::Prepare(prepared)) = in_state(State::Ongoing).end(at(3), true, true, NOW) else { panic!() };
    assert_eq!((prepared.epoch, prepared.state), (4, State::PrepareCommit));
    assert_eq!(prepared.end(at(3), true, true, NOW), Err(ConcurrentTransactions));
    assert_eq!(prepared.end(at(3), false, true, NOW), Err(InvalidTxnState));
    assert_eq!(prepared.end(at(4), true, true, NOW), Err(ProducerFenced));
    let done = prepared.complete(NOW);
    assert_eq!(done.end(at(3), true, true, NOW), Ok(End::Done(at(4))));
    assert_eq!(done.end(at(3), false, true, NOW), Err(InvalidTxnState));
    assert_eq!(done.end(at(4), true, true, NOW), Err(InvalidTxnState));
    assert_eq!(done.end(at(2), true, true, NOW), Err(ProducerFenced));
    // an abort without partitions
    let Ok(End::Prepare(empty)) = done.end(at(4), false, true, NOW) else { panic!() };
    assert_eq!((empty.epoch, empty.partitions.len()), (5, 0));
    // used up: the next one has a new id
    let last = Transaction { epoch: EPOCH_EXHAUSTED, ..in_state(State::Ongoing) };
    let Ok(End::PrepareAndRotate(prepared)) = last.end(at(EPOCH_EXHAUSTED), true, true, NOW) else {
        panic!()
    };
    let done = prepared.with_next_id(9).complete(NOW);
    let next = Producer { id: 9, epoch: 0 };
    assert_eq!((done.producer(), done.last_producer_id), (next, 7));
    assert_eq!(done.end(at(EPOCH_EXHAUSTED), true, true, NOW), Ok(End::Done(next)));
}

#[test]
fn partitions_are_added_and_verified() {
    let empty = in_state(State::Empty);
    assert_eq!(empty.verify(at(3), "t", 0), Err(ErrorCode::TransactionAbortable));
    let open = empty.add(at(3), &partitions(&["t"]), NOW).unwrap().unwrap();
    assert_eq!((open.state, open.started_ms), (State::Ongoing, NOW));
    assert_eq!(open.add(at(3), &partitions(&["t"]), NOW + 5), Ok(None));
    let more = open.add(at(3), &partitions(&["u"]), NOW + 5).unwrap().unwrap();
    assert_eq!((more.partitions.len(), more.started_ms), (2, NOW));
    assert_eq!(more.verify(at(3), "u", 0), Ok(()));
    assert_eq!(more.verify(at(3), "u", 1), Err(ErrorCode::TransactionAbortable));
    assert_eq!(more.verify(at(2), "u", 0), Err(ErrorCode::ProducerFenced));
    assert_eq!(more.add(at(2), &partitions(&["u"]), NOW), Err(ErrorCode::ProducerFenced));
    for prepared in [State::PrepareCommit, State::PrepareAbort] {
        let prepared = in_state(prepared);
        assert_eq!(prepared.add(at(3), &partitions(&["u"]), NOW), Err(ErrorCode::ConcurrentTransactions));
        assert_eq!(prepared.verify(at(3), "t", 0), Err(ErrorCode::ConcurrentTransactions));
    }
    assert!(!open.is_overdue(NOW + 1000) && open.is_overdue(NOW + 1001));
    assert!(!open.is_expired(i64::MAX) && in_state(State::CompleteAbort).is_expired(NOW));
}

#[derive(Clone, Debug)]
enum Op {
    Init(usize),
    InitAgain(usize),
    Add(usize),
    End(usize, bool, bool),
    Complete,
    Overdue,
}

fn op() -> impl Strategy<Value = Op> {
    let who = 0..3_usize;
    prop_oneof![
        1 => who.clone().prop_map(Op::Init),
        1 => who.clone().prop_map(Op::InitAgain),
        3 => who.clone().prop_map(Op::Add),
        4 => (who, any::<bool>(), any::<bool>()).prop_map(|(who, commit, bumps)| Op::End(who, commit, bumps)),
        4 => Just(Op::Complete),
        1 => Just(Op::Overdue),
    ]
}

proptest! {
    /// Whatever several instances do, producers never go back, and only the newest can do anything.
    #[test]
    fn only_the_newest_instance_works(start in prop_oneof![Just(0_i16), Just(i16::MAX - 4)], ops in proptest::collection::vec(op(), 1..60)) {
        let mut known = Transaction { epoch: start, ..Transaction::new(7, 1000, NOW) };
        let mut instances = [known.producer(); 3];
        let mut next_id = 100;
        let mut newest = known.producer();
        for op in ops {
            let before = known.clone();
            match op {
                Op::Init(who) | Op::InitAgain(who) => {
                    let expected = matches!(op, Op::InitAgain(_)).then_some(instances[who]);
                    match known.init(expected, 1000, NOW) {
                        Ok(Init::Next(next)) => { known = next; instances[who] = known.producer(); }
                        Ok(Init::Rotate) => {
                            next_id += 1;
                            known = known.rotated(next_id, expected.is_some(), 1000, NOW);
                            instances[who] = known.producer();
                        }
                        Ok(Init::Abort(next)) => known = next,
                        Err(_) => {}
                    }
                }
                Op::Add(who) => {
                    if let Ok(Some(next)) = known.add(instances[who], &partitions(&["t"]), NOW) {
                        prop_assert_eq!(instances[who], before.producer());
                        known = next;
                    }
                }
                Op::End(who, commit, bumps) => match known.end(instances[who], commit, bumps, NOW) {
                    Ok(End::Prepare(next)) => { instances[who] = next.complete(NOW).producer(); known = next; }
                    Ok(End::PrepareAndRotate(next)) => {
                        next_id += 1;
                        known = next.with_next_id(next_id);
                        instances[who] = known.complete(NOW).producer();
                    }
                    Ok(End::Done(producer)) => instances[who] = producer,
                    Err(_) => {}
                },
                Op::Complete => if known.state.prepared().is_some() { known = known.complete(NOW); },
                Op::Overdue => if known.state == State::Ongoing { known = known.fenced(NOW); },
            }
            let producer = known.producer();
            prop_assert!((producer.id, producer.epoch) >= (newest.id, newest.epoch) || producer.id != newest.id);
            prop_assert!(producer.epoch >= 0);
            newest = producer;
            // a decision stands
            if let Some(outcome) = before.state.prepared() {
                let now = known.state.prepared().or(known.state.completed());
                prop_assert_eq!(now, Some(outcome));
            }
        }
    }
}
