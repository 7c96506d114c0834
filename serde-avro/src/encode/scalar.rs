//! Values without parts.

use std::fmt::Write as _;

use crate::plan::logical::{decimal, int_name, int_value, long_name, long_value};
use crate::plan::program::{FixedLogical, Op, word};
use crate::plan::{EncodeError, EncodeErrorKind};

use super::sink::Sink;
use super::union::{Found, Width, describe, narrows};
use super::wire::{put_bytes, put_long};

impl Sink<'_> {
    #[cold]
    #[inline(never)]
    pub(crate) fn mismatch(&self, op: Op, found: Found<'_>) -> EncodeError {
        EncodeError::mismatch(self.tables.type_name(op), describe(found))
    }

    pub(crate) fn null(&mut self, op: Op) -> Result<(), EncodeError> {
        match op {
            Op::Null => Ok(()),
            Op::Union(i) => match self.tables.union(i).null {
                Some(index) => {
                    put_long(&mut self.out, index.into());
                    Ok(())
                }
                None => Err(EncodeError::new(EncodeErrorKind::NoBranch { found: describe(Found::Null) })),
            },
            _ => Err(self.mismatch(op, Found::Null)),
        }
    }

    #[inline]
    pub(crate) fn boolean(&mut self, op: Op, value: bool) -> Result<(), EncodeError> {
        match op {
            Op::Boolean => {
                self.out.push(u8::from(value));
                Ok(())
            }
            Op::Union(i) => {
                self.choose(i, Found::Boolean)?;
                self.out.push(u8::from(value));
                Ok(())
            }
            _ => Err(self.mismatch(op, Found::Boolean)),
        }
    }

    #[inline]
    pub(crate) fn int(&mut self, op: Op, value: i32) -> Result<(), EncodeError> {
        match op {
            Op::Int | Op::IntAs(_) | Op::Long | Op::LongAs(_) => {
                put_long(&mut self.out, value.into());
                Ok(())
            }
            _ => self.integer(op, value.into(), Width::Int),
        }
    }

    #[inline]
    pub(crate) fn long(&mut self, op: Op, value: i64) -> Result<(), EncodeError> {
        match op {
            Op::Long | Op::LongAs(_) => {
                put_long(&mut self.out, value);
                Ok(())
            }
            _ => self.integer(op, value, Width::Long),
        }
    }

    #[inline(never)]
    pub(crate) fn integer(&mut self, op: Op, value: i64, width: Width) -> Result<(), EncodeError> {
        match op {
            Op::Int | Op::IntAs(_) => match i32::try_from(value) {
                Ok(value) => put_long(&mut self.out, value.into()),
                Err(_) => return Err(EncodeError::out_of_range(value, "int")),
            },
            Op::Long | Op::LongAs(_) => put_long(&mut self.out, value),
            #[expect(clippy::cast_precision_loss, reason = "24 bits are kept exactly")]
            Op::Float if value.unsigned_abs() <= 1 << 24 => {
                self.out.extend_from_slice(&(value as f32).to_le_bytes());
            }
            Op::Float => return Err(EncodeError::out_of_range(value, "float")),
            #[expect(clippy::cast_precision_loss, reason = "53 bits are kept exactly")]
            Op::Double if value.unsigned_abs() <= 1 << 53 => {
                self.out.extend_from_slice(&(value as f64).to_le_bytes());
            }
            Op::Double => return Err(EncodeError::out_of_range(value, "double")),
            Op::RawByte => match u8::try_from(value) {
                Ok(byte) => self.out.push(byte),
                Err(_) => return Err(EncodeError::out_of_range(value, "byte")),
            },
            Op::RawWord => match u32::try_from(value) {
                Ok(word) => self.out.extend_from_slice(&word.to_le_bytes()),
                Err(_) => return Err(EncodeError::out_of_range(value, "32-bit number")),
            },
            Op::Union(i) => {
                let branch = self.choose(i, Found::Integer(value, width))?;
                return self.integer(branch, value, width);
            }
            Op::Decimal(_) | Op::BigDecimal => return self.text(op, &value.to_string()),
            Op::Fixed(i) if matches!(self.tables.fixed(i).logical, Some(FixedLogical::Decimal(_))) => {
                return self.text(op, &value.to_string());
            }
            _ => return Err(self.mismatch(op, Found::Integer(value, width))),
        }
        Ok(())
    }

    /// A number in JSON's text: floats are rounded to their type, integers and decimals are kept exactly.
    pub(crate) fn number(&mut self, op: Op, text: &str) -> Result<(), EncodeError> {
        match op {
            Op::Float => match text.parse::<f32>() {
                Ok(value) if value.is_finite() => self.float(op, value),
                _ => Err(EncodeError::out_of_range(text, "float")),
            },
            Op::Double => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => self.double(op, value),
                _ => Err(EncodeError::out_of_range(text, "double")),
            },
            Op::Decimal(_) | Op::BigDecimal => self.text(op, text),
            Op::Fixed(i) if matches!(self.tables.fixed(i).logical, Some(FixedLogical::Decimal(_))) => {
                self.text(op, text)
            }
            Op::Union(i) => {
                let branch = match self.tables.union(i).other {
                    Some((index, branch)) => {
                        put_long(&mut self.out, index.into());
                        branch
                    }
                    None => self.choose(i, found_number(text))?,
                };
                // a union never holds a union
                if let Op::Union(_) = branch {
                    Err(self.mismatch(op, Found::Null))
                } else {
                    self.number(branch, text)
                }
            }
            _ => match text.parse() {
                Ok(value) => self.integer(op, value, Width::Long),
                Err(_) => Err(EncodeError::mismatch(self.tables.type_name(op), format!("number {text}"))),
            },
        }
    }

    /// An integer beyond 64 bits, as its digits: only decimals hold one.
    pub(crate) fn wide(&mut self, op: Op, digits: &str) -> Result<(), EncodeError> {
        match op {
            Op::Decimal(_) | Op::BigDecimal => self.text(op, digits),
            Op::Fixed(i) if matches!(self.tables.fixed(i).logical, Some(FixedLogical::Decimal(_))) => {
                self.text(op, digits)
            }
            Op::Union(i) => match self.tables.union(i).other {
                Some((index, inner @ (Op::Decimal(_) | Op::BigDecimal))) => {
                    put_long(&mut self.out, index.into());
                    self.text(inner, digits)
                }
                _ => Err(EncodeError::out_of_range(digits, "any branch of the union")),
            },
            _ => Err(EncodeError::out_of_range(digits, word(op))),
        }
    }

    #[inline]
    pub(crate) fn float(&mut self, op: Op, value: f32) -> Result<(), EncodeError> {
        match op {
            Op::Float => self.out.extend_from_slice(&value.to_le_bytes()),
            Op::Double => self.out.extend_from_slice(&f64::from(value).to_le_bytes()),
            Op::Union(i) => {
                let branch = self.choose(i, Found::Float(value))?;
                if branch == Op::Float {
                    self.out.extend_from_slice(&value.to_le_bytes());
                } else {
                    self.out.extend_from_slice(&f64::from(value).to_le_bytes());
                }
            }
            _ => return Err(self.mismatch(op, Found::Float(value))),
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn double(&mut self, op: Op, value: f64) -> Result<(), EncodeError> {
        match op {
            Op::Double => {
                self.out.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }
            _ => self.double_elsewhere(op, value),
        }
    }

    #[inline(never)]
    fn double_elsewhere(&mut self, op: Op, value: f64) -> Result<(), EncodeError> {
        match op {
            Op::Double => self.out.extend_from_slice(&value.to_le_bytes()),
            Op::Float => match narrows(value) {
                Some(narrow) => self.out.extend_from_slice(&narrow.to_le_bytes()),
                None => return Err(EncodeError::out_of_range(value, "float")),
            },
            Op::Union(i) => {
                let branch = self.choose(i, Found::Double(value))?;
                return self.double_elsewhere(branch, value);
            }
            _ => return Err(self.mismatch(op, Found::Double(value))),
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn text(&mut self, op: Op, text: &str) -> Result<(), EncodeError> {
        match op {
            Op::String | Op::UuidString => {
                put_bytes(&mut self.out, text.as_bytes());
                Ok(())
            }
            _ => self.text_elsewhere(op, text),
        }
    }

    #[inline(never)]
    fn text_elsewhere(&mut self, op: Op, text: &str) -> Result<(), EncodeError> {
        match op {
            Op::String | Op::UuidString => put_bytes(&mut self.out, text.as_bytes()),
            Op::Enum(i) => return self.symbol(i, text),
            Op::Union(i) => {
                let branch = self.choose(i, Found::Text(text))?;
                return self.text_elsewhere(branch, text);
            }
            Op::IntAs(logical) => match int_value(logical, text) {
                Some(value) => put_long(&mut self.out, value.into()),
                None => return Err(EncodeError::bad_logical(int_name(logical), text)),
            },
            Op::LongAs(logical) => match long_value(logical, text) {
                Some(value) => put_long(&mut self.out, value),
                None => return Err(EncodeError::bad_logical(long_name(logical), text)),
            },
            Op::Decimal(i) => match decimal::unscaled(text, *self.tables.decimal(i)) {
                Some(unscaled) => put_bytes(&mut self.out, &unscaled),
                None => return Err(EncodeError::bad_logical("decimal", text)),
            },
            Op::BigDecimal => match decimal::big_content(text) {
                Some(content) => put_bytes(&mut self.out, &content),
                None => return Err(EncodeError::bad_logical("big-decimal", text)),
            },
            Op::Fixed(i) => return self.fixed_text(i, text),
            _ => return Err(self.mismatch(op, Found::Text(text))),
        }
        Ok(())
    }

    fn fixed_text(&mut self, index: u32, text: &str) -> Result<(), EncodeError> {
        let fixed = self.tables.fixed(index);
        match fixed.logical {
            Some(FixedLogical::Uuid) => match uuid::Uuid::try_parse(text) {
                Ok(uuid) => self.out.extend_from_slice(uuid.as_bytes()),
                Err(_) => return Err(EncodeError::bad_logical("uuid", text)),
            },
            Some(FixedLogical::Decimal(shape)) => {
                let wide =
                    decimal::unscaled(text, shape).and_then(|b| decimal::sign_extended(&b, fixed.size));
                match wide {
                    Some(bytes) => self.out.extend_from_slice(&bytes),
                    None => return Err(EncodeError::bad_logical("decimal", text)),
                }
            }
            _ => return Err(self.mismatch(Op::Fixed(index), Found::Text(text))),
        }
        Ok(())
    }

    /// An enum's symbol.
    #[inline]
    pub(crate) fn symbol(&mut self, enumeration: u32, symbol: &str) -> Result<(), EncodeError> {
        match self.tables.symbol(enumeration, symbol) {
            Some(index) => {
                put_long(&mut self.out, index.cast_signed() as i64);
                Ok(())
            }
            None => Err(EncodeError::new(EncodeErrorKind::UnknownSymbol {
                name: self.tables.enumeration(enumeration).name.full.to_string(),
                symbol: symbol.to_owned(),
            })),
        }
    }

    pub(crate) fn variant(&mut self, op: Op, name: &str, variant: &str) -> Result<(), EncodeError> {
        match op {
            Op::Enum(i) => self.symbol(i, variant),
            Op::String => self.text(op, variant),
            Op::Union(i) => match self.choose(i, Found::Symbol(name, variant))? {
                Op::Null => Ok(()),
                Op::Record(record) => self.empty_record(record),
                branch => self.variant(branch, name, variant),
            },
            Op::Record(record) if self.tables.record(record).name.is(variant) => self.empty_record(record),
            Op::Null => Ok(()),
            _ => Err(self.mismatch(op, Found::Symbol(name, variant))),
        }
    }

    pub(crate) fn bytes(&mut self, op: Op, bytes: &[u8]) -> Result<(), EncodeError> {
        match op {
            Op::Bytes => put_bytes(&mut self.out, bytes),
            Op::Decimal(i) if decimal::fits(bytes, *self.tables.decimal(i)) => {
                put_bytes(&mut self.out, bytes);
            }
            Op::Decimal(_) => return Err(EncodeError::bad_logical("decimal", Hex(bytes))),
            Op::BigDecimal if decimal::is_big_content(bytes) => put_bytes(&mut self.out, bytes),
            Op::BigDecimal => return Err(EncodeError::bad_logical("big-decimal", Hex(bytes))),
            Op::UuidString => match uuid::Uuid::from_slice(bytes) {
                Ok(uuid) => {
                    let mut buffer = uuid::Uuid::encode_buffer();
                    put_bytes(&mut self.out, uuid.hyphenated().encode_lower(&mut buffer).as_bytes());
                }
                Err(_) => return Err(EncodeError::bad_logical("uuid", Hex(bytes))),
            },
            Op::Fixed(i) => {
                let fixed = self.tables.fixed(i);
                if bytes.len() != fixed.size {
                    let kind = EncodeErrorKind::FixedSize { size: fixed.size, found: bytes.len() };
                    return Err(EncodeError::new(kind));
                }
                if let Some(FixedLogical::Decimal(shape)) = fixed.logical
                    && !decimal::fits(bytes, shape)
                {
                    return Err(EncodeError::bad_logical("decimal", Hex(bytes)));
                }
                self.out.extend_from_slice(bytes);
            }
            Op::Union(i) => {
                let branch = self.choose(i, Found::Bytes(bytes.len()))?;
                return self.bytes(branch, bytes);
            }
            _ => return Err(self.mismatch(op, Found::Bytes(bytes.len()))),
        }
        Ok(())
    }
}

/// What a number in JSON's text is before its branch is known: an integer of the smallest type, or a double.
pub(crate) fn found_number(text: &str) -> Found<'static> {
    match text.parse::<i64>() {
        Ok(value) if i32::try_from(value).is_ok() => Found::Integer(value, Width::Int),
        Ok(value) => Found::Integer(value, Width::Long),
        Err(_) => Found::Double(text.parse().unwrap_or(f64::NAN)),
    }
}

/// The first bytes of a value that an error shows.
struct Hex<'b>(&'b [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0.iter().take(16) {
            write!(f, "{byte:02x}")?;
        }
        if self.0.len() > 16 { f.write_char('…') } else { Ok(()) }
    }
}
