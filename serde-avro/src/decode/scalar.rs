//! Values without parts, between the wire and their meaning.

use std::borrow::Cow;

use serde::de::Visitor;

use crate::plan::cursor::Cursor;
use crate::plan::logical::{decimal, int_name, int_text, long_name, long_text};
use crate::plan::program::{DecimalShape, FixedLogical, IntLogical, LongLogical, Op, Tables};
use crate::plan::{DecodeError, DecodeErrorKind};

use super::deserializer::Lend;

/// The number and the name of an enum's symbol for the reader.
#[inline]
pub(crate) fn read_symbol<'t>(
    tables: &'t Tables,
    cursor: &mut Cursor<'_>,
    enumeration: u32,
) -> Result<(u32, &'t str), DecodeError> {
    let read = tables.enum_read(enumeration);
    let at = cursor.offset();
    let index = cursor.symbol(read.symbols.len())?;
    let symbols = &tables.enumeration(read.shape).symbols;
    let found = read.symbols.get(index).copied().flatten();
    match found.and_then(|i| Some((i, symbols.get(i as usize)?))) {
        Some((number, symbol)) => Ok((number, symbol)),
        None => Err(unknown_symbol(tables, enumeration, index, at)),
    }
}

#[cold]
fn unknown_symbol(tables: &Tables, enumeration: u32, index: usize, at: usize) -> DecodeError {
    let read = tables.enum_read(enumeration);
    let symbol = tables.enumeration(read.writer).symbols.get(index).map_or("", |s| s);
    let reader = &tables.enumeration(read.shape).name.full;
    let reason = format!("symbol {symbol} is not in the reader's enum {reader}, which has no default");
    DecodeError::new(DecodeErrorKind::Unreadable { reason }, at)
}

/// One value without parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar<'b> {
    Null,
    Boolean(bool),
    Int(i32, Option<IntLogical>),
    Long(i64, Option<LongLogical>),
    Float(f32),
    Double(f64),
    Bytes(&'b [u8]),
    Text(&'b str),
    /// Unscaled bytes and the scale.
    Decimal(&'b [u8], u32),
    /// A writer's decimal, and the digits that the reader gives it.
    Rescaled(&'b [u8], u32, DecimalShape),
    BigDecimal(&'b [u8]),
    Uuid(&'b [u8]),
}

impl<'b> Scalar<'b> {
    /// Reads a value of any type without parts; composite types are null.
    pub(crate) fn read(tables: &Tables, cursor: &mut Cursor<'b>, op: Op) -> Result<Self, DecodeError> {
        Ok(match op {
            Op::Boolean => Self::Boolean(cursor.boolean()?),
            Op::Int => Self::Int(cursor.int()?, None),
            Op::IntAs(logical) => Self::Int(cursor.int()?, Some(logical)),
            Op::Long => Self::Long(cursor.long()?, None),
            Op::LongAs(logical) => Self::Long(cursor.long()?, Some(logical)),
            Op::Float => Self::Float(cursor.float()?),
            Op::Double => Self::Double(cursor.double()?),
            Op::Bytes => Self::Bytes(cursor.bytes()?),
            Op::String | Op::UuidString => Self::Text(cursor.string()?),
            Op::Decimal(i) => Self::Decimal(cursor.bytes()?, tables.decimal(i).scale),
            Op::BigDecimal => Self::BigDecimal(cursor.bytes()?),
            Op::Fixed(i) => {
                let fixed = tables.fixed(i);
                let bytes = cursor.take(fixed.size)?;
                match fixed.logical {
                    Some(FixedLogical::Decimal(shape)) => Self::Decimal(bytes, shape.scale),
                    Some(FixedLogical::Uuid) => Self::Uuid(bytes),
                    Some(FixedLogical::Duration) | None => Self::Bytes(bytes),
                }
            }
            _ => Self::Null,
        })
    }

    /// The value as another primitive type, or a decimal at the reader's scale. Bytes that are no text, and a decimal that
    /// would lose digits, have none.
    ///
    /// Java's conversions: an integer may lose low digits on the way to a float.
    #[expect(clippy::cast_precision_loss, reason = "Avro's promotion rounds")]
    pub(crate) fn promote(self, tables: &Tables, view: Op) -> Result<Self, DecodeErrorKind> {
        Ok(match (self, view) {
            (Self::Decimal(bytes, scale), Op::Decimal(_) | Op::Fixed(_)) => {
                match tables.decimal_shape(view) {
                    Some(shape) => Self::rescaled(bytes, scale, shape)?,
                    None => self,
                }
            }
            (Self::Int(value, _), Op::Long) => Self::Long(value.into(), None),
            (Self::Int(value, _), Op::LongAs(logical)) => Self::Long(value.into(), Some(logical)),
            (Self::Int(value, _), Op::Float) => Self::Float(value as f32),
            (Self::Int(value, _), Op::Double) => Self::Double(value.into()),
            (Self::Long(value, _), Op::Float) => Self::Float(value as f32),
            (Self::Long(value, _), Op::Double) => Self::Double(value as f64),
            (Self::Float(value), Op::Double) => Self::Double(value.into()),
            (
                Self::Bytes(bytes) | Self::Decimal(bytes, _) | Self::BigDecimal(bytes),
                Op::String | Op::UuidString,
            ) => Self::Text(std::str::from_utf8(bytes).map_err(|_| DecodeErrorKind::InvalidUtf8)?),
            (Self::Text(text), _) => Self::Bytes(text.as_bytes()),
            (other, _) => other,
        })
    }

    fn rescaled(bytes: &'b [u8], scale: u32, shape: DecimalShape) -> Result<Self, DecodeErrorKind> {
        let fits = i32::try_from(scale).ok().and_then(|scale| decimal::rescaled(bytes, scale, shape));
        if fits.is_some() {
            return Ok(Self::Rescaled(bytes, scale, shape));
        }
        let text = decimal::text(bytes, scale);
        let reason = format!(
            "decimal {} does not fit the reader's precision {} and scale {}",
            text.as_deref().unwrap_or("of the writer"),
            shape.precision,
            shape.scale
        );
        Err(DecodeErrorKind::Unreadable { reason })
    }

    /// The unscaled bytes of a decimal for the reader.
    pub(crate) fn unscaled(self) -> Option<(Cow<'b, [u8]>, u32)> {
        match self {
            Self::Decimal(bytes, scale) => Some((bytes.into(), scale)),
            Self::Rescaled(bytes, scale, shape) => {
                let scale = i32::try_from(scale).ok()?;
                Some((decimal::rescaled(bytes, scale, shape)?.into(), shape.scale))
            }
            _ => None,
        }
    }

    /// The text of a logical value; none for a value without one.
    pub(crate) fn text(self) -> Option<Result<String, &'static str>> {
        Some(match self {
            Self::Int(value, Some(logical)) => int_text(logical, value).ok_or(int_name(logical)),
            Self::Long(value, Some(logical)) => long_text(logical, value).ok_or(long_name(logical)),
            Self::Decimal(unscaled, scale) => decimal::text(unscaled, scale).ok_or("decimal"),
            Self::Rescaled(..) => {
                self.unscaled().and_then(|(unscaled, scale)| decimal::text(&unscaled, scale)).ok_or("decimal")
            }
            Self::BigDecimal(content) => decimal::big_text(content).ok_or("big-decimal"),
            Self::Uuid(bytes) => uuid::Uuid::from_slice(bytes).map(|u| u.to_string()).map_err(|_| "uuid"),
            _ => return None,
        })
    }

    /// Gives the value in the form that suits it best.
    pub(super) fn visit<'de, L: Lend<'b, 'de>, V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Boolean(value) => visitor.visit_bool(value),
            Self::Int(value, _) => visitor.visit_i32(value),
            Self::Long(value, _) => visitor.visit_i64(value),
            Self::Float(value) => visitor.visit_f32(value),
            Self::Double(value) => visitor.visit_f64(value),
            Self::Bytes(bytes) => L::bytes(visitor, bytes),
            Self::Text(text) => L::text(visitor, text),
            Self::Decimal(bytes, _)
            | Self::Rescaled(bytes, ..)
            | Self::BigDecimal(bytes)
            | Self::Uuid(bytes) => match self.text() {
                Some(Ok(text)) => visitor.visit_string(text),
                _ => L::bytes(visitor, bytes),
            },
        }
    }

    /// Gives the value as text where it has one.
    pub(super) fn visit_text<'de, L: Lend<'b, 'de>, V: Visitor<'de>>(
        self,
        visitor: V,
        at: usize,
    ) -> Result<V::Value, DecodeError> {
        match self.text() {
            Some(Ok(text)) => visitor.visit_string(text),
            Some(Err(logical)) => Err(DecodeError::new(DecodeErrorKind::BadLogical { logical }, at)),
            None => self.visit::<L, V>(visitor),
        }
    }
}
