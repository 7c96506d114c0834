//! The subject of a certificate as text (RFC 2253), spelled as Java spells the name of an `X500Principal`.

use std::fmt::Write as _;

use super::der::{CONTEXT_0, Der, OBJECT_ID, SEQUENCE, SET};

/// Subject of an X.509 certificate in DER; `None` when it is not one.
pub(super) fn of_certificate(der: &[u8]) -> Option<String> {
    let mut subject = Der(names(der)?.subject);
    let mut names = Vec::new();
    while !subject.0.is_empty() {
        names.push(relative_name(subject.enter(SET)?)?);
    }
    names.reverse();
    Some(names.join(","))
}

/// The two names in a certificate, each as its DER without the tag and length around it.
pub(super) struct Names<'a> {
    /// Who signed it.
    pub(super) issuer: &'a [u8],
    /// Whom it is about.
    pub(super) subject: &'a [u8],
}

/// The names in an X.509 certificate in DER; `None` when it is not one.
pub(super) fn names(der: &[u8]) -> Option<Names<'_>> {
    let mut certificate = Der(der).enter(SEQUENCE)?;
    let mut fields = certificate.enter(SEQUENCE)?;
    if fields.0.first() == Some(&CONTEXT_0) {
        // the version, which may be left out
        fields.next()?;
    }
    // serial number, signature algorithm
    fields.next()?;
    fields.next()?;
    let issuer = fields.enter(SEQUENCE)?.0;
    // validity
    fields.next()?;
    let subject = fields.enter(SEQUENCE)?.0;
    Some(Names { issuer, subject })
}

fn relative_name(mut set: Der<'_>) -> Option<String> {
    let mut parts = Vec::new();
    while !set.0.is_empty() {
        let mut pair = set.enter(SEQUENCE)?;
        let (tag, _, object_id) = pair.next()?;
        let (value_tag, whole, value) = pair.next()?;
        if tag != OBJECT_ID {
            return None;
        }
        let text = match (keyword(object_id), text(value_tag, value)) {
            (Some(keyword), Some(text)) => format!("{keyword}={}", escaped(&text)),
            (keyword, _) => {
                let name = keyword.map_or_else(|| dotted(object_id), str::to_owned);
                let mut hex = format!("{name}=#");
                for byte in whole {
                    let _infallible = write!(hex, "{byte:02x}");
                }
                hex
            }
        };
        parts.push(text);
    }
    Some(parts.join("+"))
}

fn keyword(object_id: &[u8]) -> Option<&'static str> {
    Some(match object_id {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 9] => "STREET",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1] => "UID",
        _ => return None,
    })
}

fn dotted(object_id: &[u8]) -> String {
    let mut text = String::new();
    let mut arc: u64 = 0;
    for byte in object_id {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        let _infallible = if text.is_empty() {
            let first = (arc / 40).min(2);
            write!(text, "{first}.{}", arc - first * 40)
        } else {
            write!(text, ".{arc}")
        };
        arc = 0;
    }
    text
}

fn text(tag: u8, value: &[u8]) -> Option<String> {
    match tag {
        // UTF8String, PrintableString, IA5String
        0x0c | 0x13 | 0x16 => String::from_utf8(value.to_vec()).ok(),
        // TeletexString, in practice Latin-1
        0x14 => Some(value.iter().copied().map(char::from).collect()),
        // BMPString
        0x1e => {
            let units = value.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::new();
    for (at, letter) in text.chars().enumerate() {
        let special = matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
        let at_an_end = (letter == ' ' && (at == 0 || at == last)) || (letter == '#' && at == 0);
        if special || at_an_end {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
