//! `bigdecimal::BigDecimal`.

use bigdecimal::BigDecimal;
use num_bigint::BigInt;

use super::{Kind, Logical, Raw, decimal_parts, decimal_raw, not_a};

impl Logical for BigDecimal {
    const KIND: Kind = Kind::Decimal;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        let (unscaled, scale) = self.as_bigint_and_exponent();
        let scale = i32::try_from(scale).map_err(|_| format!("scale {scale} is beyond 32 bits"))?;
        Ok(decimal_raw(scale, &unscaled.to_signed_bytes_be()))
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        let (scale, unscaled) = decimal_parts(&raw).ok_or_else(|| not_a(Self::KIND))?;
        Ok(Self::new(BigInt::from_signed_bytes_be(unscaled), scale.into()))
    }
}
