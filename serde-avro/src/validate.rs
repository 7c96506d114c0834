//! Checking bytes without building values.

use crate::plan::cursor::{Block, Cursor};
use crate::plan::program::{Op, Tables};
use crate::plan::{DecodeError, DecodeErrorKind, Plan};

impl Plan {
    /// Checks that `bytes` are exactly one datum of the writer's schema.
    ///
    /// Nothing is allocated unless a fault is found; the first fault is reported with its path and offset. Beyond
    /// what every decoder needs, the check refuses booleans other than 0 and 1, numbers that overflow their type,
    /// strings that are not UTF-8, blocks whose declared size is wrong, and bytes after the datum. Counts are compared
    /// with the rest of the input before the first item, and [`crate::Limits`] bound the nesting and the items that
    /// take no bytes.
    pub fn validate(&self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut cursor = Cursor::new(bytes, self.limits);
        skip(&self.tables, &mut cursor, self.wire)?;
        cursor.expect_end()
    }
}

/// Checks and steps over one value.
#[inline]
pub(crate) fn skip(tables: &Tables, cursor: &mut Cursor<'_>, op: Op) -> Result<(), DecodeError> {
    match op {
        Op::Null | Op::RawByte | Op::RawWord | Op::Natural => Ok(()),
        Op::Boolean => cursor.boolean().map(drop),
        Op::Int | Op::IntAs(_) => cursor.int().map(drop),
        Op::Long | Op::LongAs(_) => cursor.long().map(drop),
        Op::Float => cursor.float().map(drop),
        Op::Double => cursor.double().map(drop),
        Op::Bytes | Op::BigDecimal | Op::Decimal(_) => cursor.bytes().map(drop),
        Op::String | Op::UuidString => cursor.skip_string().map(drop),
        Op::Fixed(i) => cursor.take(tables.fixed(i).size).map(drop),
        Op::Enum(i) => cursor.symbol(tables.enumeration(i).symbols.len()).map(drop),
        Op::Union(i) => skip_union(tables, cursor, i),
        Op::Record(i) => skip_record(tables, cursor, i),
        Op::Array(i) => skip_array(tables, cursor, i),
        Op::Map(i) => skip_map(tables, cursor, i),
    }
}

fn skip_record(tables: &Tables, cursor: &mut Cursor<'_>, index: u32) -> Result<(), DecodeError> {
    cursor.enter()?;
    let record = tables.record(index);
    for (field, op) in record.ops.iter().enumerate() {
        if let Err(error) = skip(tables, cursor, *op) {
            return Err(error.in_field(record.field_name(field)));
        }
    }
    cursor.leave();
    Ok(())
}

fn skip_union(tables: &Tables, cursor: &mut Cursor<'_>, index: u32) -> Result<(), DecodeError> {
    let branches = &tables.union(index).branches;
    let branch = cursor.branch(branches.len())?;
    match branches.get(branch) {
        // a union never holds a union
        Some(Op::Union(_)) | None => Err(cursor.fault(DecodeErrorKind::UnexpectedEnd)),
        Some(op) => skip(tables, cursor, *op),
    }
}

fn skip_array(tables: &Tables, cursor: &mut Cursor<'_>, index: u32) -> Result<(), DecodeError> {
    cursor.enter()?;
    let array = tables.collection(index);
    let mut item = 0u64;
    let mut block = Block::NONE;
    loop {
        cursor.block(array.item_bytes_min, &mut block)?;
        if block.count == 0 {
            break;
        }
        // items without bytes have nothing to check
        if array.item_bytes_min > 0 {
            for _ in 0..block.count {
                if let Err(error) = skip(tables, cursor, array.item) {
                    return Err(error.in_item(item));
                }
                item += 1;
            }
        }
        cursor.close(&block)?;
    }
    cursor.leave();
    Ok(())
}

fn skip_map(tables: &Tables, cursor: &mut Cursor<'_>, index: u32) -> Result<(), DecodeError> {
    cursor.enter()?;
    let map = tables.collection(index);
    let mut block = Block::NONE;
    loop {
        cursor.block(map.item_bytes_min, &mut block)?;
        if block.count == 0 {
            break;
        }
        for _ in 0..block.count {
            let key = cursor.skip_string()?;
            if let Err(error) = skip(tables, cursor, map.item) {
                return Err(error.in_key(key));
            }
        }
        cursor.close(&block)?;
    }
    cursor.leave();
    Ok(())
}
