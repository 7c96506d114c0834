//! The buffer under construction.

use std::cell::Cell;

use crate::plan::program::{Op, Tables};
use crate::plan::{EncodeError, EncodeErrorKind, Limits, Plan};

use super::wire::put_long;

/// The bytes of a record's field that came out of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Segment {
    pub(crate) field: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Buffers for records whose fields come out of order.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    /// Segments of all open records, the innermost last.
    pub(crate) segments: Vec<Segment>,
    pub(crate) bytes: Vec<u8>,
}

thread_local! {
    static SPARE: Cell<Spare> = const { Cell::new(Spare { segments: Vec::new(), bytes: Vec::new() }) };
}

/// Largest buffer that a thread keeps for its next records.
const SPARE_BYTES_MAX: usize = 1 << 20;

pub(crate) struct Sink<'p> {
    pub(crate) tables: &'p Tables,
    pub(crate) out: Vec<u8>,
    pub(crate) spare: Spare,
    /// The place of the natural value that is being written.
    pub(crate) natural: Op,
    pub(crate) unknown_fields_ignored: bool,
    depth_left: u32,
    limits: Limits,
}

impl<'p> Sink<'p> {
    pub(crate) fn new(plan: &'p Plan, out: Vec<u8>) -> Self {
        Self {
            tables: &plan.tables,
            out,
            spare: Spare::default(),
            natural: Op::Null,
            unknown_fields_ignored: plan.unknown_fields_ignored,
            depth_left: plan.limits.depth_max,
            limits: plan.limits,
        }
    }

    /// Takes the thread's buffers when the first record out of order comes.
    #[cold]
    pub(crate) fn borrow_spare(&mut self) {
        if self.spare.segments.capacity() == 0 {
            self.spare = SPARE.take();
            self.spare.segments.clear();
        }
    }

    /// Gives back what was borrowed and returns the bytes.
    #[inline]
    pub(crate) fn finish(self) -> Vec<u8> {
        if self.spare.segments.capacity() > 0 {
            give_back(self.spare);
        }
        self.out
    }

    #[inline]
    pub(crate) fn enter(&mut self) -> Result<(), EncodeError> {
        match self.depth_left.checked_sub(1) {
            Some(left) => {
                self.depth_left = left;
                Ok(())
            }
            None => Err(EncodeError::new(EncodeErrorKind::TooDeep { limit: self.limits.depth_max })),
        }
    }

    #[inline]
    pub(crate) fn leave(&mut self) {
        self.depth_left += 1;
    }

    /// Puts a number before what was written since `start`.
    pub(crate) fn insert_long(&mut self, start: usize, value: i64) {
        let end = self.out.len();
        put_long(&mut self.out, value);
        let width = self.out.len() - end;
        if let Some(tail) = self.out.get_mut(start..) {
            tail.rotate_right(width);
        }
    }
}

fn give_back(mut spare: Spare) {
    if spare.bytes.capacity() > SPARE_BYTES_MAX {
        spare.bytes = Vec::new();
    }
    SPARE.set(spare);
}
