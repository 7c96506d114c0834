//! Natural types at the places of their logical types.

use crate::logical::Kind;
use crate::plan::logical::{decimal, floored, kind, name, nanos_per_unit};
use crate::plan::program::{FixedLogical, Op};
use crate::plan::{EncodeError, EncodeErrorKind};

use super::sink::Sink;
use super::wire::{put_bytes, put_long};

impl Sink<'_> {
    /// The place where a value of this kind goes: writes the index where that is a branch of a union.
    pub(crate) fn place(&mut self, op: Op, wanted: Kind) -> Result<Op, EncodeError> {
        let Op::Union(union) = op else {
            return if kind(self.tables, op) == Some(wanted) {
                Ok(op)
            } else {
                Err(self.no_place(op, wanted))
            };
        };
        let branches = &self.tables.union(union).branches;
        let fits = |op: &Op| kind(self.tables, *op) == Some(wanted);
        let mut fitting = (0i64..).zip(branches).filter(|(_, op)| fits(op));
        let found = || format!("a {}", wanted.name());
        match (fitting.next(), fitting.next()) {
            (Some((index, branch)), None) => {
                put_long(&mut self.out, index);
                Ok(*branch)
            }
            (None, _) => Err(EncodeError::new(EncodeErrorKind::NoBranch { found: found() })),
            (Some(_), Some(_)) => {
                let names = branches.iter().filter(|op| fits(op)).map(|op| name(self.tables, *op));
                let branches = names.collect::<Vec<_>>().join(", ");
                Err(EncodeError::new(EncodeErrorKind::AmbiguousBranch { found: found(), branches }))
            }
        }
    }

    fn no_place(&self, op: Op, wanted: Kind) -> EncodeError {
        EncodeError::mismatch(name(self.tables, op), format!("a {}", wanted.name()))
    }

    /// Writes days, or nanoseconds in the unit of the place.
    pub(crate) fn natural_number(&mut self, number: i128) -> Result<(), EncodeError> {
        let op = self.natural;
        let units = nanos_per_unit(op).map_or(number, |per_unit| floored(number, per_unit));
        let range = || EncodeError::out_of_range(number, if let Op::IntAs(_) = op { "int" } else { "long" });
        match op {
            Op::IntAs(_) => put_long(&mut self.out, i32::try_from(units).map_err(|_| range())?.into()),
            Op::LongAs(_) => put_long(&mut self.out, i64::try_from(units).map_err(|_| range())?),
            _ => return Err(EncodeError::mismatch(name(self.tables, op), "a number")),
        }
        Ok(())
    }

    /// Writes a uuid, or a scale and an unscaled value.
    pub(crate) fn natural_bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let op = self.natural;
        if kind(self.tables, op) == Some(Kind::Uuid) {
            return self.bytes(op, bytes);
        }
        let Some((scale, unscaled)) = bytes.split_first_chunk() else {
            return Err(EncodeError::mismatch(name(self.tables, op), "bytes that are no decimal"));
        };
        let scale = i32::from_le_bytes(*scale);
        let shape = match op {
            Op::BigDecimal => {
                put_bytes(&mut self.out, &decimal::big_content_of(unscaled, scale));
                return Ok(());
            }
            Op::Decimal(i) => *self.tables.decimal(i),
            Op::Fixed(i) => match self.tables.fixed(i).logical {
                Some(FixedLogical::Decimal(shape)) => shape,
                _ => return Err(self.no_place(op, Kind::Decimal)),
            },
            _ => return Err(self.no_place(op, Kind::Decimal)),
        };
        let written = decimal::rescaled(unscaled, scale, shape).and_then(|bytes| match op {
            Op::Fixed(i) => decimal::sign_extended(&bytes, self.tables.fixed(i).size),
            _ => Some(bytes),
        });
        match written {
            Some(bytes) if matches!(op, Op::Fixed(_)) => self.out.extend_from_slice(&bytes),
            Some(bytes) => put_bytes(&mut self.out, &bytes),
            None => {
                let text = u32::try_from(scale).ok().and_then(|scale| decimal::text(unscaled, scale));
                return Err(EncodeError::bad_logical("decimal", text.as_deref().unwrap_or("a number")));
            }
        }
        Ok(())
    }
}
