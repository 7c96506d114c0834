//! Moments: a revision, or a time in RFC 3339.

use crate::store::Event;

/// A moment to look back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// After the event with this revision.
    Revision(i64),
    /// At this time, epoch milliseconds.
    Time(i64),
}

impl AsOf {
    /// The present.
    pub(super) const NOW: Self = Self::Revision(i64::MAX);

    /// Reads a revision (a whole number) or an RFC 3339 time.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.parse() {
            Ok(revision) => Some(Self::Revision(revision)),
            Err(_) => parse_time(text).map(Self::Time),
        }
    }

    /// Whether the event had happened.
    pub(super) fn includes(self, event: &Event) -> bool {
        match self {
            Self::Revision(revision) => event.revision <= revision,
            Self::Time(time) => event.ts_ms <= time,
        }
    }
}

/// Epoch milliseconds of an RFC 3339 time. A blank before the offset stands for the `+` that a query string turned into it.
pub fn parse_time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    if !matches!(bytes.get(10)?, b'T' | b't' | b' ')
        || bytes.get(13) != Some(&b':')
        || bytes.get(16) != Some(&b':')
    {
        return None;
    }
    let (year, month, day) = (number(text, 0, 4)?, number(text, 5, 2)?, number(text, 8, 2)?);
    let (hour, minute, second) = (number(text, 11, 2)?, number(text, 14, 2)?, number(text, 17, 2)?);
    let in_range = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range {
        return None;
    }
    let (millis, rest) = fraction(text.get(19..)?)?;
    let seconds = days_from_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some((seconds - offset(rest)?) * 1000 + millis)
}

fn number(text: &str, start: usize, length: usize) -> Option<i64> {
    let digits = text.get(start..start + length)?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// The milliseconds of `.123456`, and what follows.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = rest.find(|character: char| !character.is_ascii_digit())?;
    let (digits, rest) = rest.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let millis: String = digits.chars().chain("000".chars()).take(3).collect();
    Some((millis.parse().ok()?, rest))
}

/// The seconds an offset is ahead of UTC.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' | b' ' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(text, 1, 2)?, number(text, 4, 2)?);
    let well_formed = text.len() == 6 && text.as_bytes().get(3) == Some(&b':') && hours < 24 && minutes < 60;
    well_formed.then_some(sign * (hours * 3600 + minutes * 60))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let whole_years = before * 365 + before / 4 - before / 100 + before / 400 - 719_162;
    whole_years + (1..month).map(|month| days_in(year, month)).sum::<i64>() + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_rfc_3339_writes_them() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-03-01T00:00:00Z", Some(951_868_800_000)),
            ("2026-11-21T07:00:00.25+01:00", Some(1_795_240_800_250)),
            ("2026-11-21T07:00:00 01:00", Some(1_795_240_800_000)),
            ("2024-02-29t23:59:60-00:30", Some(1_709_253_000_000)),
            ("0001-01-01T00:00:00Z", Some(-62_135_596_800_000)),
            ("2023-02-29T00:00:00Z", None),
            ("2026-11-21T24:00:00Z", None),
            ("2026-11-21T07:00:00", None),
            ("2026-11-21T07:00:00.Z", None),
            ("2026-11-21T07:00:00+1:00", None),
            ("2026-11-21", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        assert_eq!(AsOf::parse(" 17 "), Some(AsOf::Revision(17)));
        assert_eq!(AsOf::parse("1970-01-01T00:00:01Z"), Some(AsOf::Time(1000)));
        assert_eq!(AsOf::parse("soon"), None);
    }
}
