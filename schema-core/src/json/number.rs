//! Numbers: integers exact, everything else a Java double.

use serde_json::{Number, Value};

/// The value of a JSON number token, in the text Java would print for it.
///
/// Integers keep their digits (`-0` becomes `0`); other tokens become doubles, and those beyond the range of a double the
/// string Java's writer puts in their place.
pub(crate) fn number_from_text(text: &str, integer: bool) -> Value {
    if integer {
        let text = if text == "-0" { "0" } else { text };
        return number(text);
    }
    text.parse::<f64>().map_or(Value::Null, double_value)
}

/// A double as a JSON value: a number, or the string `NaN`, `Infinity` or `-Infinity`.
pub(crate) fn double_value(value: f64) -> Value {
    let text = java_double(value);
    if value.is_finite() { number(&text) } else { Value::String(text) }
}

fn number(text: &str) -> Value {
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// Whether a number was written without fraction and exponent.
pub(crate) fn is_integer(number: &Number) -> bool {
    !number.as_str().bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// `Double.toString` of Java.
pub(crate) fn java_double(value: f64) -> String {
    if value.is_finite() {
        java_digits(&format!("{value:e}"), value.abs() >= 1e-3 && value.abs() < 1e7)
    } else {
        non_finite(value)
    }
}

/// `Float.toString` of Java.
pub(crate) fn java_float(value: f32) -> String {
    if value.is_finite() {
        java_digits(&format!("{value:e}"), value.abs() >= 1e-3 && value.abs() < 1e7)
    } else {
        non_finite(f64::from(value))
    }
}

fn non_finite(value: f64) -> String {
    let text = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    text.to_owned()
}

/// Turns the shortest digits in Rust's `d.ddde-x` form into Java's form.
fn java_digits(scientific: &str, plain: bool) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole == "0" {
        return format!("{sign}0.0");
    }
    if !plain {
        let fraction = if fraction.is_empty() { "0" } else { fraction };
        return format!("{sign}{whole}.{fraction}E{exponent}");
    }
    let digits = format!("{whole}{fraction}");
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let Ok(places) = usize::try_from(exponent) else {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
        return format!("{sign}0.{zeros}{digits}");
    };
    let point = places + 1;
    if digits.len() <= point {
        return format!("{sign}{digits}{}.0", "0".repeat(point - digits.len()));
    }
    let (before, after) = digits.split_at(point);
    format!("{sign}{before}.{after}")
}

/// `Double.valueOf` of Java for decimal texts: surrounding blanks, a sign, a type suffix, `NaN` and `Infinity` are fine.
pub(crate) fn parse_java_double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let (negative, magnitude) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let value = match magnitude {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        digits => {
            let digits = digits.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(digits);
            let decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
            if !decimal {
                return None;
            }
            digits.parse().ok()?
        }
    };
    Some(if negative { -value } else { value })
}
