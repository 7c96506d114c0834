use proptest::prelude::*;

use super::*;
use crate::record_batch::BatchBuilder;

fn batch(producer_id: i64, epoch: i16, sequence: i32, count: i32, base_offset: i64) -> BatchHeader {
    let mut builder = BatchBuilder::new().producer(producer_id, epoch, sequence);
    for _ in 0..count {
        builder = builder.record(1000, None, Some(b"v"));
    }
    let mut header = BatchHeader::parse(&builder.build()).unwrap();
    header.base_offset = base_offset;
    header
}

fn state(batches: &[BatchHeader]) -> ProducerState {
    let mut state = ProducerState::default();
    for batch in batches {
        state.apply(batch, None);
    }
    state
}

type Expect = Box<dyn Fn(Result<Verdict, SequenceError>) -> bool>;

#[test]
fn sequences_follow_kafkas_rules() {
    let known = state(&[batch(1, 2, 0, 3, 100), batch(1, 2, 3, 2, 103)]);
    let duplicate = |base: i64, last: i64| move |verdict: Result<Verdict, SequenceError>| matches!(verdict, Ok(Verdict::Duplicate(mark)) if (mark.base_offset(), mark.last_offset) == (base, last));
    let fresh = |verdict| verdict == Ok(Verdict::Fresh);
    let out_of_order = |verdict| matches!(verdict, Err(SequenceError::OutOfOrder { .. }));
    let stale = |verdict| matches!(verdict, Err(SequenceError::StaleEpoch { .. }));
    let cases: Vec<(&str, BatchHeader, Expect)> = vec![
        ("next", batch(1, 2, 5, 1, 0), Box::new(fresh)),
        ("repeat of the last", batch(1, 2, 3, 2, 0), Box::new(duplicate(103, 104))),
        ("repeat of an earlier one", batch(1, 2, 0, 3, 0), Box::new(duplicate(100, 102))),
        ("same start, other end", batch(1, 2, 3, 1, 0), Box::new(out_of_order)),
        ("gap", batch(1, 2, 6, 1, 0), Box::new(out_of_order)),
        ("old epoch", batch(1, 1, 5, 1, 0), Box::new(stale)),
        ("new epoch from 0", batch(1, 3, 0, 1, 0), Box::new(fresh)),
        ("new epoch from elsewhere", batch(1, 3, 5, 1, 0), Box::new(out_of_order)),
        ("unknown producer, any sequence", batch(9, 0, 77, 1, 0), Box::new(fresh)),
        ("no producer", batch(-1, -1, -1, 1, 0), Box::new(fresh)),
    ];
    for (name, batch, expect) in cases {
        let verdict = known.check(&batch);
        assert!(expect(verdict), "{name}: {verdict:?}");
    }
}

#[test]
fn a_repeat_older_than_five_batches_is_out_of_order() {
    let known = state(&(0..6).map(|n| batch(1, 0, n, 1, n.into())).collect::<Vec<_>>());
    assert!(matches!(known.check(&batch(1, 0, 1, 1, 0)), Ok(Verdict::Duplicate(_))));
    assert!(matches!(known.check(&batch(1, 0, 0, 1, 0)), Err(SequenceError::OutOfOrder { .. })));
}

#[test]
fn sequences_wrap() {
    let known = state(&[batch(1, 0, i32::MAX - 1, 3, 10)]);
    assert_eq!(known.check(&batch(1, 0, 1, 1, 0)), Ok(Verdict::Fresh));
    assert!(matches!(known.check(&batch(1, 0, i32::MAX - 1, 3, 0)), Ok(Verdict::Duplicate(_))));
}

#[test]
fn an_append_can_be_taken_back() {
    let mut known = state(&[batch(1, 0, 0, 1, 0)]);
    let before = known.clone();
    let mut undo = Undo::default();
    known.apply_with_undo(&batch(1, 0, 1, 1, 1), None, &mut undo);
    known.apply_with_undo(&batch(1, 1, 0, 1, 2), None, &mut undo);
    known.apply_with_undo(&batch(2, 0, 0, 1, 3), None, &mut undo);
    assert_ne!(known, before);
    known.undo(undo);
    assert_eq!(known, before);
}

#[test]
fn idle_producers_expire() {
    let mut known = state(&[batch(1, 0, 0, 1, 0)]);
    known.expire(1000);
    assert!(!known.is_empty());
    known.expire(1001);
    assert!(known.is_empty());
}

#[test]
fn a_snapshot_keeps_the_last_batch_and_the_log_gives_back_the_window() {
    let full = state(&(0..7).map(|n| batch(1, 3, n * 2, 2, i64::from(n) * 2)).collect::<Vec<_>>());
    let mut read = ProducerState::decode(&full.encode()).unwrap();
    assert!(matches!(read.check(&batch(1, 3, 12, 2, 0)), Ok(Verdict::Duplicate(_))));
    assert!(read.check(&batch(1, 3, 10, 2, 0)).is_err());
    read.adopt_windows(&full);
    assert_eq!(read, full);
}

#[test]
fn a_damaged_snapshot_is_refused_at_every_byte() {
    let bytes = state(&[batch(1, 0, 0, 1, 0)]).encode();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        // The version's low bit turns 1 into 0, which is older and the same layout.
        assert!(at == 1 || ProducerState::decode(&damaged).is_err(), "byte {at}");
        assert!(ProducerState::decode(&bytes[..at]).is_err());
    }
}

proptest! {
    #[test]
    fn arbitrary_snapshots_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = ProducerState::decode(&bytes);
    }
}
