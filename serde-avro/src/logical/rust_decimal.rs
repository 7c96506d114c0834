//! `rust_decimal::Decimal`: 96 bits, at most 28 digits after the point.

use num_bigint::BigInt;
use rust_decimal::Decimal;

use super::{Kind, Logical, Raw, decimal_parts, decimal_raw, not_a};

impl Logical for Decimal {
    const KIND: Kind = Kind::Decimal;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        // never more than 28
        let scale = i32::try_from(self.scale()).unwrap_or_default();
        Ok(decimal_raw(scale, &self.mantissa().to_be_bytes()))
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        let (scale, unscaled) = decimal_parts(&raw).ok_or_else(|| not_a(Self::KIND))?;
        let mut value = BigInt::from_signed_bytes_be(unscaled);
        let mut scale = i64::from(scale);
        let ten = BigInt::from(10);
        // zeros at the end of the fraction are no part of the value
        while scale > 28 && &value % &ten == BigInt::ZERO {
            value /= &ten;
            scale -= 1;
        }
        if (-28..0).contains(&scale) {
            value *= ten.pow(u32::try_from(-scale).unwrap_or_default());
            scale = 0;
        }
        let value = i128::try_from(value).ok();
        let number = value.zip(u32::try_from(scale).ok());
        number
            .and_then(|(value, scale)| Self::try_from_i128_with_scale(value, scale).ok())
            .ok_or_else(|| "a decimal beyond 96 bits or 28 digits after the point".to_owned())
    }
}
