//! Transactions as a pass over the log meets them: whose records were aborted, and which markers end nothing any more.

use std::collections::{HashMap, HashSet, VecDeque};

use super::super::txn_index::Aborted;
use crate::record_batch::{BatchHeader, Marker};

/// Follows the transactions of one pass, front to back.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Not begun yet, in order of where they begin.
    ahead: VecDeque<Aborted>,
    /// Begun, by producer, and whether a batch of them was met.
    aborting: HashMap<i64, (Aborted, bool)>,
    /// Producers of which a batch was met that is not aborted.
    committing: HashSet<i64>,
}

/// A marker at the end of what is left of its transaction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// No batch of the transaction is left.
    pub(crate) is_empty: bool,
    /// Belongs into the index of the segment that holds the marker.
    pub(crate) aborted: Option<Aborted>,
}

impl Walk {
    /// Over a log from `from` on; `aborted` are all transactions that were aborted in it.
    pub(crate) fn new(aborted: &[Aborted], from: i64) -> Self {
        let mut ahead: Vec<_> = aborted.iter().filter(|entry| entry.last_offset >= from).copied().collect();
        ahead.sort_unstable_by_key(|entry| entry.first_offset);
        Self { ahead: ahead.into(), aborting: HashMap::new(), committing: HashSet::new() }
    }

    fn advance(&mut self, offset: i64) {
        while let Some(entry) = self.ahead.pop_front_if(|entry| entry.first_offset <= offset) {
            self.aborting.entry(entry.producer_id).or_insert((entry, false));
        }
    }

    /// Takes a batch of records; returns whether they were aborted.
    pub(crate) fn records(&mut self, header: &BatchHeader) -> bool {
        self.advance(header.last_offset());
        if !header.is_transactional() {
            return false;
        }
        if let Some((_, met)) = self.aborting.get_mut(&header.producer_id) {
            *met = true;
            return true;
        }
        self.committing.insert(header.producer_id);
        false
    }

    /// Takes a marker.
    pub(crate) fn marker(&mut self, header: &BatchHeader, marker: Marker) -> Ended {
        self.advance(header.last_offset());
        let committed = self.committing.remove(&header.producer_id);
        if marker.commit {
            return Ended { is_empty: !committed, aborted: None };
        }
        match self.aborting.remove(&header.producer_id) {
            Some((entry, true)) => Ended { is_empty: false, aborted: Some(entry) },
            Some((_, false)) | None => Ended { is_empty: !committed, aborted: None },
        }
    }
}
