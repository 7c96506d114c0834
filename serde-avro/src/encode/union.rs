//! Which branch of a union takes a value.

use crate::plan::logical::{decimal, int_value, long_value};
use crate::plan::program::{FixedLogical, Op, Tables, word};
use crate::plan::{EncodeError, EncodeErrorKind};

use super::sink::Sink;
use super::wire::put_long;

/// What a value is before its branch is known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'v> {
    Null,
    Boolean,
    /// An integer and the width of its Rust type.
    Integer(i64, Width),
    Float(f32),
    Double(f64),
    Text(&'v str),
    Bytes(usize),
    Sequence,
    Tuple(usize),
    Map,
    Struct(&'v str),
    /// A unit variant: the Rust enum's name and the variant.
    Symbol(&'v str, &'v str),
}

/// Which Avro type an integer type corresponds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Int,
    Long,
}

impl Sink<'_> {
    /// Writes the index of the branch that takes `found` and returns the branch.
    pub(crate) fn choose(&mut self, union: u32, found: Found<'_>) -> Result<Op, EncodeError> {
        let (index, op) = self.tables.choose(union, found)?;
        put_long(&mut self.out, index);
        Ok(op)
    }

    /// Writes the index of the branch named by a variant, if there is one.
    pub(crate) fn choose_named(&mut self, union: u32, tag: &str) -> Result<Option<Op>, EncodeError> {
        let branch = self.tables.branch_named(union, tag)?;
        Ok(branch.map(|(index, op)| {
            put_long(&mut self.out, index);
            op
        }))
    }
}

impl Tables {
    /// The branch that takes `found` best.
    pub(crate) fn choose(&self, union: u32, found: Found<'_>) -> Result<(i64, Op), EncodeError> {
        let branches = &self.union(union).branches;
        let mut best: Option<(u8, i64, Op)> = None;
        let mut tied = false;
        for (index, op) in (0i64..).zip(branches) {
            let Some(rank) = self.rank(*op, found) else { continue };
            if best.is_none_or(|(least, ..)| rank < least) {
                best = Some((rank, index, *op));
                tied = false;
            } else if best.is_some_and(|(least, ..)| rank == least) {
                tied = true;
            }
        }
        match best {
            Some((_, index, op)) if !tied => Ok((index, op)),
            Some((least, ..)) => {
                let equal = branches.iter().filter(|op| self.rank(**op, found) == Some(least));
                Err(self.ambiguous(describe(found), equal))
            }
            None => Err(EncodeError::new(EncodeErrorKind::NoBranch { found: describe(found) })),
        }
    }

    fn ambiguous<'o>(&self, found: String, branches: impl Iterator<Item = &'o Op>) -> EncodeError {
        let branches = branches.map(|op| self.type_name(*op)).collect::<Vec<_>>().join(", ");
        EncodeError::new(EncodeErrorKind::AmbiguousBranch { found, branches })
    }

    /// The branch with a name: a full name, a simple name, or the word of a type in any case.
    pub(crate) fn branch_named(&self, union: u32, tag: &str) -> Result<Option<(i64, Op)>, EncodeError> {
        let branches = &self.union(union).branches;
        let by = |test: &dyn Fn(Op) -> bool| -> Vec<(i64, Op)> {
            (0i64..).zip(branches.iter().copied()).filter(|(_, op)| test(*op)).collect()
        };
        let position =
            |test: &dyn Fn(Op) -> bool| (0i64..).zip(branches.iter().copied()).find(|(_, op)| test(*op));
        if let Some(found) = position(&|op| self.named(op).is_some_and(|n| *n.full == *tag)) {
            return Ok(Some(found));
        }
        if let Some(found) = position(&|op| self.named(op).is_some_and(|n| n.simple() == tag)) {
            let all = by(&|op| self.named(op).is_some_and(|n| n.simple() == tag));
            if all.len() > 1 {
                return Err(self.ambiguous(format!("variant {tag}"), all.iter().map(|(_, op)| op)));
            }
            return Ok(Some(found));
        }
        Ok(position(&|op| self.named(op).is_none() && word(op).eq_ignore_ascii_case(tag)))
    }

    /// How well a branch takes a value; less is better, none is not at all.
    fn rank(&self, op: Op, found: Found<'_>) -> Option<u8> {
        match found {
            Found::Null => (op == Op::Null).then_some(0),
            Found::Boolean => (op == Op::Boolean).then_some(0),
            Found::Integer(value, width) => integer_rank(op, value, width),
            Found::Float(_) => match op {
                Op::Float => Some(0),
                Op::Double => Some(1),
                _ => None,
            },
            Found::Double(value) => match op {
                Op::Double => Some(0),
                Op::Float if narrows(value).is_some() => Some(1),
                _ => None,
            },
            Found::Text(text) => self.text_rank(op, text),
            Found::Bytes(size) => match op {
                Op::Bytes | Op::Decimal(_) | Op::BigDecimal => Some(0),
                Op::Fixed(i) if self.fixed(i).size == size => Some(1),
                Op::UuidString if size == 16 => Some(2),
                _ => None,
            },
            Found::Sequence => match op {
                Op::Array(_) => Some(0),
                Op::Bytes => Some(1),
                _ => None,
            },
            Found::Tuple(size) => match op {
                Op::Array(_) => Some(0),
                Op::Fixed(i) => {
                    let fixed = self.fixed(i);
                    let words = fixed.logical == Some(FixedLogical::Duration) && size == 3;
                    (fixed.size == size || words).then_some(1)
                }
                Op::Bytes => Some(2),
                _ => None,
            },
            Found::Map => match op {
                Op::Map(_) => Some(0),
                Op::Record(_) => Some(1),
                _ => None,
            },
            Found::Struct(name) => match op {
                Op::Record(i) => Some(self.name_rank(Op::Record(i), name).unwrap_or(2)),
                Op::Map(_) => Some(3),
                _ => None,
            },
            Found::Symbol(name, symbol) => match op {
                Op::Enum(i) if self.symbol(i, symbol).is_some() => {
                    Some(self.name_rank(op, name).unwrap_or(2))
                }
                Op::Null if symbol.eq_ignore_ascii_case("null") => Some(3),
                Op::Record(_) if self.name_rank(op, symbol).is_some() => Some(3),
                Op::String => Some(4),
                _ => None,
            },
        }
    }

    fn name_rank(&self, op: Op, name: &str) -> Option<u8> {
        let own = self.named(op)?;
        if *own.full == *name { Some(0) } else { (own.simple() == name).then_some(1) }
    }

    fn text_rank(&self, op: Op, text: &str) -> Option<u8> {
        let fits = match op {
            Op::String | Op::UuidString => return Some(0),
            Op::Enum(i) => return self.symbol(i, text).map(|_| 1),
            Op::IntAs(logical) => int_value(logical, text).is_some(),
            Op::LongAs(logical) => long_value(logical, text).is_some(),
            Op::Decimal(i) => decimal::unscaled(text, *self.decimal(i)).is_some(),
            Op::BigDecimal => decimal::big_content(text).is_some(),
            Op::Fixed(i) => match self.fixed(i).logical {
                Some(FixedLogical::Uuid) => uuid::Uuid::try_parse(text).is_ok(),
                Some(FixedLogical::Decimal(shape)) => decimal::unscaled(text, shape).is_some(),
                _ => false,
            },
            _ => false,
        };
        fits.then_some(2)
    }

    /// The number of an enum's symbol.
    pub(crate) fn symbol(&self, enumeration: u32, symbol: &str) -> Option<usize> {
        self.enumeration(enumeration).symbols.iter().position(|s| **s == *symbol)
    }
}

fn integer_rank(op: Op, value: i64, width: Width) -> Option<u8> {
    match op {
        Op::Int | Op::IntAs(_) => i32::try_from(value).ok().map(|_| u8::from(width == Width::Long)),
        Op::Long | Op::LongAs(_) => Some(u8::from(width == Width::Int)),
        Op::Double => (value.unsigned_abs() <= 1 << 53).then_some(2),
        Op::Float => (value.unsigned_abs() <= 1 << 24).then_some(3),
        Op::Decimal(_) | Op::BigDecimal => Some(4),
        _ => None,
    }
}

/// A double as a float, if that loses nothing.
pub(crate) fn narrows(value: f64) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "compared with the original below")]
    let narrow = value as f32;
    (value.is_nan() || f64::from(narrow).to_bits() == value.to_bits()).then_some(narrow)
}

/// What an error calls a value.
pub(crate) fn describe(found: Found<'_>) -> String {
    match found {
        Found::Null => "null".to_owned(),
        Found::Boolean => "a boolean".to_owned(),
        Found::Integer(value, _) => format!("integer {value}"),
        Found::Float(value) => format!("float {value}"),
        Found::Double(value) => format!("double {value}"),
        Found::Text(_) => "text".to_owned(),
        Found::Bytes(size) => format!("{size} bytes"),
        Found::Sequence => "a sequence".to_owned(),
        Found::Tuple(size) => format!("a tuple of {size}"),
        Found::Map => "a map".to_owned(),
        Found::Struct(name) => format!("struct {name}"),
        Found::Symbol(name, symbol) => format!("variant {name}::{symbol}"),
    }
}
