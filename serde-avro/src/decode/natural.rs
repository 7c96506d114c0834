//! Natural types from the places of their logical types.

use serde::de::Visitor;

use crate::logical::Kind;
use crate::plan::logical::{decimal, kind, name, nanos_per_unit};
use crate::plan::program::Read;
use crate::plan::{DecodeError, DecodeErrorKind};

use super::deserializer::{Lend, ValueDeserializer, type_of};
use super::scalar::Scalar;

impl<'b, 'de, L: Lend<'b, 'de>> ValueDeserializer<'_, '_, 'b, L> {
    /// Gives the raw value of a logical type of the kind that is wanted; any other type is an error.
    #[inline(never)]
    pub(super) fn natural<V: Visitor<'de>>(self, wanted: Kind, visitor: V) -> Result<V::Value, DecodeError> {
        let mut settled = self.settle()?;
        let at = settled.input.cursor.offset();
        let op = type_of(settled.input.tables, settled.read);
        if kind(settled.input.tables, op) != Some(wanted) {
            let found = name(settled.input.tables, op);
            let message = format!("the schema has {found} here, and the field is a {}", wanted.name());
            return Err(DecodeError::new(DecodeErrorKind::Refused { message }, at));
        }
        let scalar = match settled.read {
            Read::Promote(i) => settled.promoted(i)?,
            _ => Scalar::read(settled.input.tables, &mut settled.input.cursor, op)?,
        };
        let bad = |logical| DecodeError::new(DecodeErrorKind::BadLogical { logical }, at);
        let number = |value: i64| {
            nanos_per_unit(op).map_or(i128::from(value), |nanos| i128::from(value) * i128::from(nanos))
        };
        match scalar {
            Scalar::Int(value, _) => visitor.visit_i128(number(value.into())),
            Scalar::Long(value, _) => visitor.visit_i128(number(value)),
            Scalar::Text(text) => match uuid::Uuid::try_parse(text) {
                Ok(uuid) => visitor.visit_bytes(uuid.as_bytes()),
                Err(_) => Err(bad("uuid")),
            },
            Scalar::Uuid(bytes) => visitor.visit_bytes(bytes),
            Scalar::Decimal(unscaled, scale) | Scalar::Rescaled(unscaled, scale, _) => {
                match i32::try_from(scale) {
                    Ok(scale) => give_decimal(visitor, unscaled, scale),
                    Err(_) => Err(bad("decimal")),
                }
            }
            Scalar::BigDecimal(content) => match decimal::big_parts(content) {
                Some((unscaled, scale)) => give_decimal(visitor, unscaled, scale),
                None => Err(bad("big-decimal")),
            },
            _ => Err(bad(wanted.name())),
        }
    }
}

/// Most bytes of a decimal that need no memory of their own.
const SHORT: usize = 20;

fn give_decimal<'de, V: Visitor<'de>>(
    visitor: V,
    unscaled: &[u8],
    scale: i32,
) -> Result<V::Value, DecodeError> {
    let mut short = [0; 4 + SHORT];
    if let Some((head, tail)) = short.split_first_chunk_mut::<4>()
        && let Some(digits) = tail.get_mut(..unscaled.len())
    {
        *head = scale.to_le_bytes();
        digits.copy_from_slice(unscaled);
        return visitor.visit_bytes(short.get(..4 + unscaled.len()).unwrap_or(&short));
    }
    let mut long = scale.to_le_bytes().to_vec();
    long.extend_from_slice(unscaled);
    visitor.visit_bytes(&long)
}
