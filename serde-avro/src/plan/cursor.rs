//! Bounded reading of Avro's primitive encodings.

use ascii::AsAsciiStr;

use super::Limits;
use super::error::{DecodeError, DecodeErrorKind as Kind};

/// What is left of an input, and of the limits on one datum.
#[derive(Debug)]
pub(crate) struct Cursor<'b> {
    rest: &'b [u8],
    len: usize,
    depth_left: u32,
    empty_items_left: u64,
    allocation_left: u64,
    limits: Limits,
    /// The fault of the last call that returned nothing. An `Option` of a slice or a number travels in registers, a
    /// `Result` of one does not: hot calls that are too large to be inlined leave their fault here.
    fault: Option<DecodeError>,
}

/// The current block of an array or a map. It is filled in place: copies of it would cost more than reading it.
#[derive(Debug)]
pub(crate) struct Block {
    /// Items; 0 at the end of the collection.
    pub(crate) count: u64,
    declared_bytes: Option<u64>,
    /// What was left of the input where the items began.
    left: usize,
}

impl Block {
    pub(crate) const NONE: Self = Self { count: 0, declared_bytes: None, left: 0 };
}

/// What one item of a collection counts against the allocation limit.
const ITEM_BYTES: u64 = 32;

impl<'b> Cursor<'b> {
    pub(crate) fn new(bytes: &'b [u8], limits: Limits) -> Self {
        Self {
            rest: bytes,
            len: bytes.len(),
            depth_left: limits.depth_max,
            empty_items_left: limits.empty_items_max,
            allocation_left: limits.allocation_bytes_max,
            limits,
            fault: None,
        }
    }

    /// A cursor over a default that goes on with this one's limits.
    pub(crate) fn over<'d>(&self, bytes: &'d [u8]) -> Cursor<'d> {
        Cursor {
            rest: bytes,
            len: bytes.len(),
            depth_left: self.depth_left,
            empty_items_left: self.empty_items_left,
            allocation_left: self.allocation_left,
            limits: self.limits,
            fault: None,
        }
    }

    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.len - self.rest.len()
    }

    pub(crate) fn rest(&self) -> &'b [u8] {
        self.rest
    }

    /// A fault at the current place.
    #[cold]
    #[inline(never)]
    pub(crate) fn fault(&self, kind: Kind) -> DecodeError {
        DecodeError::new(kind, self.offset())
    }

    #[cold]
    #[inline(never)]
    fn fault_from(&self, kind: Kind, left: usize) -> DecodeError {
        DecodeError::new(kind, self.len - left)
    }

    /// Steps into a composite value.
    #[inline]
    pub(crate) fn enter(&mut self) -> Result<(), DecodeError> {
        match self.depth_left.checked_sub(1) {
            Some(left) => {
                self.depth_left = left;
                Ok(())
            }
            None => Err(self.fault(Kind::TooDeep { limit: self.limits.depth_max })),
        }
    }

    #[inline]
    pub(crate) fn leave(&mut self) {
        self.depth_left += 1;
    }

    /// Counts bytes that a reader allocates without taking them from the input.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), DecodeError> {
        match self.allocation_left.checked_sub(bytes) {
            Some(left) => {
                self.allocation_left = left;
                Ok(())
            }
            None => Err(self.fault(Kind::AllocationLimit { limit: self.limits.allocation_bytes_max })),
        }
    }

    pub(crate) fn expect_end(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.fault(Kind::TrailingData { left: self.rest.len() }))
        }
    }

    #[inline]
    pub(crate) fn boolean(&mut self) -> Result<bool, DecodeError> {
        match self.rest {
            [byte @ (0 | 1), tail @ ..] => {
                self.rest = tail;
                Ok(*byte == 1)
            }
            [found, ..] => Err(self.fault(Kind::BadBoolean { found: *found })),
            [] => Err(self.fault(Kind::UnexpectedEnd)),
        }
    }

    #[inline]
    pub(crate) fn long(&mut self) -> Result<i64, DecodeError> {
        match self.rest {
            [byte, tail @ ..] if *byte < 0x80 => {
                self.rest = tail;
                Ok(unzigzag(u64::from(*byte)))
            }
            _ => match self.varint::<10, 64>() {
                Some(raw) => Ok(unzigzag(raw)),
                None => Err(self.left_fault()),
            },
        }
    }

    #[inline]
    pub(crate) fn int(&mut self) -> Result<i32, DecodeError> {
        match self.rest {
            [byte, tail @ ..] if *byte < 0x80 => {
                self.rest = tail;
                #[expect(clippy::cast_possible_truncation, reason = "at most seven bits")]
                Ok(unzigzag(u64::from(*byte)) as i32)
            }
            _ => match self.varint::<5, 32>() {
                // 32 bits of zig-zag are 32 bits of number
                #[expect(clippy::cast_possible_truncation, reason = "varint checks for 32 bits")]
                Some(raw) => Ok(unzigzag(raw) as i32),
                None => Err(self.left_fault()),
            },
        }
    }

    /// A variable-length number of at most `BYTES` bytes and `BITS` bits.
    #[inline(never)]
    fn varint<const BYTES: usize, const BITS: u32>(&mut self) -> Option<u64> {
        let mut value = 0u64;
        let mut shift = 0u32;
        for (used, byte) in self.rest.iter().take(BYTES).enumerate() {
            let bits = u64::from(*byte & 0x7f);
            value |= bits << shift;
            if *byte < 0x80 {
                if shift + 7 > BITS && bits >> (BITS - shift) != 0 {
                    break;
                }
                self.rest = self.rest.get(used + 1..).unwrap_or_default();
                return Some(value);
            }
            shift += 7;
        }
        self.fault = Some(self.bad_varint(BYTES, BITS));
        None
    }

    #[cold]
    #[inline(never)]
    fn left_fault(&mut self) -> DecodeError {
        match self.fault.take() {
            Some(fault) => fault,
            None => self.fault(Kind::UnexpectedEnd),
        }
    }

    #[cold]
    #[inline(never)]
    fn bad_varint(&self, bytes_max: usize, bits: u32) -> DecodeError {
        let unfinished = self.rest.len() < bytes_max && self.rest.iter().all(|b| *b >= 0x80);
        self.fault(if unfinished {
            Kind::UnexpectedEnd
        } else {
            Kind::VarintOverflow { bits: if bits == 32 { 32 } else { 64 } }
        })
    }

    #[inline]
    pub(crate) fn float(&mut self) -> Result<f32, DecodeError> {
        self.chunk().map(f32::from_le_bytes)
    }

    #[inline]
    pub(crate) fn double(&mut self) -> Result<f64, DecodeError> {
        self.chunk().map(f64::from_le_bytes)
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk() {
            Some((chunk, tail)) => {
                self.rest = tail;
                Ok(*chunk)
            }
            None => Err(self.fault(Kind::UnexpectedEnd)),
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, size: usize) -> Result<&'b [u8], DecodeError> {
        match self.rest.split_at_checked(size) {
            Some((bytes, tail)) => {
                self.rest = tail;
                Ok(bytes)
            }
            None => Err(self.fault(Kind::UnexpectedEnd)),
        }
    }

    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], DecodeError> {
        let left = self.rest.len();
        let length = self.long()?;
        match usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length)) {
            Some((bytes, tail)) => {
                self.rest = tail;
                Ok(bytes)
            }
            None => Err(self.bad_length(length, left)),
        }
    }

    #[cold]
    #[inline(never)]
    fn bad_length(&self, length: i64, left: usize) -> DecodeError {
        let kind = match u64::try_from(length) {
            Ok(length) => Kind::LengthBeyondInput { length, left: self.rest.len() },
            Err(_) => Kind::NegativeLength { found: length },
        };
        self.fault_from(kind, left)
    }

    #[inline]
    pub(crate) fn string(&mut self) -> Result<&'b str, DecodeError> {
        match self.text() {
            Some(text) => Ok(text),
            None => Err(self.left_fault()),
        }
    }

    #[inline(never)]
    fn text(&mut self) -> Option<&'b str> {
        let left = self.rest.len();
        match self.bytes() {
            // most text is ASCII, and short: telling so takes a third of the time that a check for UTF-8 takes
            Ok(bytes) => match bytes.as_ascii_str() {
                Ok(text) => return Some(text.as_str()),
                Err(_) => match std::str::from_utf8(bytes) {
                    Ok(text) => return Some(text),
                    Err(_) => self.fault = Some(self.fault_from(Kind::InvalidUtf8, left)),
                },
            },
            Err(fault) => self.fault = Some(fault),
        }
        None
    }

    /// Steps over a string, which must be UTF-8 all the same.
    #[inline]
    pub(crate) fn skip_string(&mut self) -> Result<&'b [u8], DecodeError> {
        let left = self.rest.len();
        let bytes = self.bytes()?;
        if bytes.is_ascii() || std::str::from_utf8(bytes).is_ok() {
            Ok(bytes)
        } else {
            Err(self.fault_from(Kind::InvalidUtf8, left))
        }
    }

    /// An index below `count`, of a union's branch or an enum's symbol.
    #[inline]
    pub(crate) fn index(&mut self, count: usize, kind: fn(i64, usize) -> Kind) -> Result<usize, DecodeError> {
        let left = self.rest.len();
        let index = self.int()?;
        match usize::try_from(index) {
            Ok(index) if index < count => Ok(index),
            _ => Err(self.fault_from(kind(index.into(), count), left)),
        }
    }

    #[inline]
    pub(crate) fn branch(&mut self, branches: usize) -> Result<usize, DecodeError> {
        self.index(branches, |index, branches| Kind::UnionIndex { index, branches })
    }

    #[inline]
    pub(crate) fn symbol(&mut self, symbols: usize) -> Result<usize, DecodeError> {
        self.index(symbols, |index, symbols| Kind::EnumIndex { index, symbols })
    }

    /// Opens the next block, or finds the end of the collection. The count is checked against the rest of the input.
    #[inline]
    pub(crate) fn block(&mut self, item_bytes_min: u32, block: &mut Block) -> Result<(), DecodeError> {
        let left = self.rest.len();
        let count = self.long()?;
        block.declared_bytes = None;
        if count < 0 {
            let at = self.rest.len();
            let size = self.long()?;
            match u64::try_from(size) {
                Ok(size) if size <= self.rest.len() as u64 => block.declared_bytes = Some(size),
                _ => return Err(self.bad_length(size, at)),
            }
        }
        let count = count.unsigned_abs();
        block.count = count;
        block.left = self.rest.len();
        if item_bytes_min == 0 {
            self.count_empty(count, left)?;
        } else if count.saturating_mul(item_bytes_min.into()) > self.rest.len() as u64 {
            return Err(self.fault_from(Kind::CountBeyondInput { count, left: self.rest.len() }, left));
        }
        Ok(())
    }

    fn count_empty(&mut self, count: u64, left: usize) -> Result<(), DecodeError> {
        match self.empty_items_left.checked_sub(count) {
            Some(items) => {
                self.empty_items_left = items;
                Ok(())
            }
            None => Err(self.fault_from(Kind::EmptyItems { limit: self.limits.empty_items_max }, left)),
        }
    }

    /// Counts a block's items against the allocation limit.
    #[inline]
    pub(crate) fn charge_items(&mut self, block: &Block) -> Result<(), DecodeError> {
        self.charge(block.count.saturating_mul(ITEM_BYTES))
    }

    /// Checks that the items of a block took the bytes it declared.
    #[inline]
    pub(crate) fn close(&self, block: &Block) -> Result<(), DecodeError> {
        match block.declared_bytes {
            None => Ok(()),
            Some(declared) => self.compare_sizes(declared, block.left),
        }
    }

    fn compare_sizes(&self, declared: u64, left: usize) -> Result<(), DecodeError> {
        let taken = (left - self.rest.len()) as u64;
        if taken == declared {
            Ok(())
        } else {
            Err(self.fault_from(Kind::BlockSizeMismatch { declared, taken }, left))
        }
    }
}

#[inline]
fn unzigzag(raw: u64) -> i64 {
    (raw >> 1).cast_signed() ^ -((raw & 1).cast_signed())
}
