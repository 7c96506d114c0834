//! Decimal numbers: two's complement big-endian digits on the wire, plain text for serde.

use num_bigint::BigInt;

use crate::encode::wire::{put_bytes, put_long};
use crate::plan::Limits;
use crate::plan::cursor::Cursor;
use crate::plan::program::DecimalShape;

/// Longest unscaled value that is given as text: the text of a number costs more than linear time.
const TEXT_BYTES_MAX: usize = 4096;
/// Most digits that a scale may add or an exponent may ask for.
const SCALE_MAX: u32 = 10_000;

/// The text of an unscaled value, such as `-12.30` for -1230 with scale 2; none beyond 4096 bytes.
pub(crate) fn text(unscaled: &[u8], scale: u32) -> Option<String> {
    if unscaled.len() > TEXT_BYTES_MAX || scale > SCALE_MAX {
        return None;
    }
    let digits = BigInt::from_signed_bytes_be(unscaled).to_string();
    Some(place_point(&digits, scale as usize))
}

fn place_point(digits: &str, scale: usize) -> String {
    if scale == 0 {
        return digits.to_owned();
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// The text of a big-decimal's content: Avro bytes, then the scale as an Avro int.
pub(crate) fn big_text(content: &[u8]) -> Option<String> {
    let (unscaled, scale) = big_parts(content)?;
    if let Ok(scale) = u32::try_from(scale) {
        return text(unscaled, scale);
    }
    let zeros = scale.checked_neg().and_then(|z| u32::try_from(z).ok()).filter(|z| *z <= SCALE_MAX)?;
    let digits = text(unscaled, 0)?;
    Some(if digits == "0" { digits } else { digits + &"0".repeat(zeros as usize) })
}

/// Whether bytes are the content of a big-decimal.
pub(crate) fn is_big_content(content: &[u8]) -> bool {
    big_parts(content).is_some()
}

/// An unscaled number and its scale, read from `-12.3`, `12`, `1.5e3`.
fn parse(text: &str) -> Option<(BigInt, u32)> {
    if text.len() > 3 * TEXT_BYTES_MAX {
        return None;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let bare = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(bare) || !digits(fraction) || (bare.is_empty() && fraction.is_empty()) {
        return None;
    }
    let joined = format!("{whole}{fraction}");
    let unscaled: BigInt = joined.strip_prefix('+').unwrap_or(&joined).parse().ok()?;
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if scale.unsigned_abs() > SCALE_MAX {
        return None;
    }
    match u32::try_from(scale) {
        Ok(scale) => Some((unscaled, scale)),
        Err(_) => Some((unscaled * power_of_ten(scale.unsigned_abs()), 0)),
    }
}

/// The unscaled bytes of a text at the schema's scale.
///
/// As in Java, a smaller scale is widened, a larger one is accepted only for trailing zeros, and more digits than the
/// precision are refused.
pub(crate) fn unscaled(text: &str, shape: DecimalShape) -> Option<Vec<u8>> {
    let (value, scale) = parse(text)?;
    at_scale(value, scale.into(), shape)
}

/// The unscaled bytes at the schema's scale of a value at another scale, by the same rules.
pub(crate) fn rescaled(unscaled: &[u8], scale: i32, shape: DecimalShape) -> Option<Vec<u8>> {
    if unscaled.len() > TEXT_BYTES_MAX || scale.unsigned_abs() > SCALE_MAX {
        return None;
    }
    at_scale(BigInt::from_signed_bytes_be(unscaled), scale.into(), shape)
}

fn at_scale(mut value: BigInt, scale: i64, shape: DecimalShape) -> Option<Vec<u8>> {
    let missing = i64::from(shape.scale) - scale;
    let factor = u32::try_from(missing.unsigned_abs()).ok().filter(|f| *f <= 2 * SCALE_MAX)?;
    let factor = power_of_ten(factor);
    if missing >= 0 {
        value *= factor;
    } else {
        if &value % &factor != BigInt::ZERO {
            return None;
        }
        value /= factor;
    }
    let digits = value.magnitude().to_string().len();
    (digits <= shape.precision as usize).then(|| value.to_signed_bytes_be())
}

/// A big-decimal's content for an unscaled value.
pub(crate) fn big_content_of(unscaled: &[u8], scale: i32) -> Vec<u8> {
    let mut content = Vec::new();
    put_bytes(&mut content, &BigInt::from_signed_bytes_be(unscaled).to_signed_bytes_be());
    put_long(&mut content, scale.into());
    content
}

/// The unscaled value and the scale of a big-decimal's content.
pub(crate) fn big_parts(content: &[u8]) -> Option<(&[u8], i32)> {
    let mut cursor = Cursor::new(content, Limits::default());
    let unscaled = cursor.bytes().ok()?;
    let scale = cursor.int().ok()?;
    cursor.expect_end().ok()?;
    Some((unscaled, scale))
}

/// A big-decimal's content for a text.
pub(crate) fn big_content(text: &str) -> Option<Vec<u8>> {
    let (value, scale) = parse(text)?;
    let mut content = Vec::new();
    put_bytes(&mut content, &value.to_signed_bytes_be());
    put_long(&mut content, scale.into());
    Some(content)
}

/// Whether unscaled bytes have no more digits than the precision; bytes too long for a text are taken at their word.
pub(crate) fn fits(unscaled: &[u8], shape: DecimalShape) -> bool {
    // 10^p has more than 3.32 p bits
    if unscaled.len() * 8 <= (shape.precision as usize) * 3 {
        return true;
    }
    let value = BigInt::from_signed_bytes_be(unscaled);
    value.bits() <= u64::from(shape.precision) * 3
        || value.magnitude() < power_of_ten(shape.precision).magnitude()
}

/// Widens two's complement bytes to `size`; none where they are longer and not just sign.
pub(crate) fn sign_extended(bytes: &[u8], size: usize) -> Option<Vec<u8>> {
    let fill = if bytes.first().is_some_and(|b| *b >= 0x80) { 0xff } else { 0 };
    if let Some(padding) = size.checked_sub(bytes.len()) {
        let mut wide = vec![fill; padding];
        wide.extend_from_slice(bytes);
        return Some(wide);
    }
    let (extra, rest) = bytes.split_at(bytes.len() - size);
    let sign_kept = rest.first().is_some_and(|b| (*b >= 0x80) == (fill == 0xff));
    (sign_kept && extra.iter().all(|b| *b == fill)).then(|| rest.to_vec())
}

fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: DecimalShape = DecimalShape { precision: 6, scale: 2 };

    #[test]
    fn texts_become_unscaled_bytes_and_back() {
        for (input, output) in [
            ("12.3", "12.30"),
            ("-0.01", "-0.01"),
            ("0", "0.00"),
            ("9999.99", "9999.99"),
            ("1.5e3", "1500.00"),
            ("1.2300", "1.23"),
        ] {
            let bytes = unscaled(input, SHAPE).unwrap_or_else(|| panic!("{input}"));
            assert_eq!(text(&bytes, SHAPE.scale).as_deref(), Some(output));
            assert!(fits(&bytes, SHAPE));
        }
    }

    #[test]
    fn what_would_lose_digits_is_refused() {
        for input in ["1.234", "10000.00", "1e9", "", ".", "-", "1.2.3", "١", "1e99999999999", "0x10", "NaN"]
        {
            assert_eq!(unscaled(input, SHAPE), None, "{input}");
        }
    }

    #[test]
    fn big_decimals_carry_their_scale() {
        for text in ["12.345", "-7", "0.00001"] {
            assert_eq!(big_content(text).and_then(|c| big_text(&c)).as_deref(), Some(text));
        }
        assert_eq!(big_text(&[2, 7, 5]).as_deref(), Some("7000"));
        assert_eq!(big_text(&[1, 2, 3]), None);
    }

    #[test]
    fn sign_extension_keeps_the_value() {
        assert_eq!(sign_extended(&[0x80], 3), Some(vec![0xff, 0xff, 0x80]));
        assert_eq!(sign_extended(&[0, 0, 0x7f], 1), Some(vec![0x7f]));
        assert_eq!(sign_extended(&[0, 0xff], 1), None);
        assert_eq!(sign_extended(&[], 2), Some(vec![0, 0]));
    }
}
