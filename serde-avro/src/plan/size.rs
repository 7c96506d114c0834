//! The fewest bytes that a type's values take, to refuse impossible counts before reading an item.

use super::program::{Op, RecordShape, Tables};

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done(u32),
}

/// Fills `item_bytes_min` of every array and map with a lower bound that is 0 only for items that never take a byte.
///
/// A record met inside itself counts as one byte: a record without bytes holds neither a union nor a collection, so
/// it could contain itself only without end. Unions count as their index.
pub(super) fn fill(tables: &mut Tables) {
    let states = measure_records(tables);
    for i in 0..tables.collections.len() {
        let Some(entry) = tables.collections.get(i) else { continue };
        let bytes = bytes_min(tables, &states, entry.item).saturating_add(entry.key_bytes_min);
        if let Some(entry) = tables.collections.get_mut(i) {
            entry.item_bytes_min = bytes;
        }
    }
}

fn measure_records(tables: &Tables) -> Vec<State> {
    let mut states = vec![State::New; tables.records.len()];
    let mut stack: Vec<usize> = Vec::new();
    for root in 0..tables.records.len() {
        stack.push(root);
        while let Some(&index) = stack.last() {
            let (Some(record), Some(state)) = (tables.records.get(index), states.get_mut(index)) else {
                break;
            };
            match *state {
                State::Done(_) => {
                    stack.pop();
                }
                State::New => {
                    *state = State::Open;
                    stack.extend(inner_records(record).filter(|i| states.get(*i) == Some(&State::New)));
                }
                State::Open => {
                    let sum = record
                        .fields
                        .iter()
                        .fold(0u32, |sum, f| sum.saturating_add(bytes_min(tables, &states, f.op)));
                    if let Some(state) = states.get_mut(index) {
                        *state = State::Done(sum);
                    }
                    stack.pop();
                }
            }
        }
    }
    states
}

fn inner_records(record: &RecordShape) -> impl Iterator<Item = usize> + '_ {
    record.fields.iter().filter_map(|f| match f.op {
        Op::Record(i) => Some(i as usize),
        _ => None,
    })
}

fn bytes_min(tables: &Tables, states: &[State], op: Op) -> u32 {
    match op {
        Op::Null => 0,
        Op::Float => 4,
        Op::Double => 8,
        Op::Fixed(i) => u32::try_from(tables.fixed(i).size).unwrap_or(u32::MAX),
        Op::Record(i) => match states.get(i as usize) {
            Some(State::Done(bytes)) => *bytes,
            _ => 1,
        },
        _ => 1,
    }
}
