//! ISO 8601 in the proleptic Gregorian calendar.

/// Whether a timestamp is an instant or a reading of some local clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    Utc,
    Local,
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// `2026-01-31` for days since 1970; years outside 0 to 9999 carry a sign.
pub(crate) fn date_text(days: i64) -> String {
    let (year, month, day) = civil(days);
    if (0..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:+05}-{month:02}-{day:02}")
    }
}

/// `13:05:09` with as many digits of the second as needed (0, 3, 6 or 9); none outside the day.
pub(crate) fn time_text(nanos: i64) -> Option<String> {
    if !(0..NANOS_PER_DAY).contains(&nanos) {
        return None;
    }
    let (seconds, fraction) = (nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(match fraction {
        0 => clock,
        f if f % 1_000_000 == 0 => format!("{clock}.{:03}", f / 1_000_000),
        f if f % 1_000 == 0 => format!("{clock}.{:06}", f / 1_000),
        f => format!("{clock}.{f:09}"),
    })
}

/// `2026-01-31T13:05:09.5Z`, without the `Z` for a local clock.
pub(crate) fn timestamp_text(nanos: i128, zone: Zone) -> String {
    let days = nanos.div_euclid(NANOS_PER_DAY.into());
    let of_day = nanos.rem_euclid(NANOS_PER_DAY.into());
    // 64 bits of milliseconds are fewer than 2^38 days, and a remainder is less than a day
    let date = date_text(i64::try_from(days).unwrap_or_default());
    let time = i64::try_from(of_day).ok().and_then(time_text).unwrap_or_default();
    let mark = if zone == Zone::Utc { "Z" } else { "" };
    format!("{date}T{time}{mark}")
}

/// Days since 1970 of a date.
pub(crate) fn date_value(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let mut parts = digits.splitn(3, '-');
    let year = parts.next().filter(|y| (4..=9).contains(&y.len()))?;
    let (year, month, day) = (number(year)? * sign, number(parts.next()?)?, number(parts.next()?)?);
    let days = days(year, month, day);
    // a day outside its month comes back as another one
    (civil(days) == (year, month, day)).then_some(days)
}

/// Nanoseconds since midnight of `hh:mm[:ss[.fraction]]`. A leap second counts as the last nanosecond before it ends
/// would: second 60 is taken as the one after 59.
pub(crate) fn time_value(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute) = (two_digits(parts.next()?, 23)?, two_digits(parts.next()?, 59)?);
    let (second, nanos) = match parts.next() {
        None => (0, 0),
        Some(rest) => match rest.split_once('.') {
            None => (two_digits(rest, 60)?, 0),
            Some((second, fraction)) => (two_digits(second, 60)?, fraction_nanos(fraction)?),
        },
    };
    let value = ((hour * 60 + minute) * 60 + second) * NANOS_PER_SECOND + nanos;
    Some(value.min(NANOS_PER_DAY - 1))
}

/// Nanoseconds since 1970. An instant needs `Z` or an offset; a local time must not have one.
pub(crate) fn timestamp_value(text: &str, zone: Zone) -> Option<i128> {
    let split = text.find(['T', 't', ' '])?;
    let (date, time) = (text.get(..split)?, text.get(split + 1..)?);
    let zone_at = time.find(['Z', 'z', '+', '-']);
    let (time, offset_seconds) = match (zone, zone_at) {
        (Zone::Local, None) => (time, 0),
        (Zone::Utc, Some(at)) => (time.get(..at)?, offset(time.get(at..)?)?),
        _ => return None,
    };
    let nanos = i128::from(date_value(date)?) * i128::from(NANOS_PER_DAY) + i128::from(time_value(time)?);
    Some(nanos - i128::from(offset_seconds) * i128::from(NANOS_PER_SECOND))
}

/// Seconds east of UTC.
fn offset(text: &str) -> Option<i64> {
    let sign = match text {
        "Z" | "z" => return Some(0),
        _ if text.starts_with('-') => -1,
        _ => 1,
    };
    // jiff and Java add the zone's name in brackets
    let digits = text.get(1..)?.split('[').next()?;
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        _ => digits.split_once(':')?,
    };
    Some(sign * (two_digits(hours, 23)? * 3600 + two_digits(minutes, 59)? * 60))
}

fn number(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) { None } else { digits.parse().ok() }
}

fn two_digits(digits: &str, max: i64) -> Option<i64> {
    number(digits).filter(|n| digits.len() == 2 && *n <= max)
}

fn fraction_nanos(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some(padded.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

/// Days since 1970 of a date, counted in eras of 400 years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of days since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip_across_eras() {
        for day in (-800_000..800_000).step_by(37) {
            assert_eq!(date_value(&date_text(day)), Some(day), "{}", date_text(day));
        }
    }

    #[test]
    fn known_texts() {
        let cases = [
            (0i128, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (1_781_234_567_890_000_000, "2026-06-12T03:22:47.890Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
        ];
        for (nanos, text) in cases {
            assert_eq!(timestamp_text(nanos, Zone::Utc), text);
            assert_eq!(timestamp_value(text, Zone::Utc), Some(nanos), "{text}");
        }
    }

    #[test]
    fn offsets_and_refusals() {
        let with_offset = timestamp_value("2026-06-12T05:22:47.890+02:00", Zone::Utc);
        assert_eq!(with_offset, Some(1_781_234_567_890_000_000));
        for text in [
            "2026-02-29T00:00:00Z",
            "2026-06-12T24:00:00Z",
            "2026-06-12",
            "T",
            "",
            "é-é-é",
            "2026-06-12T05:22:47",
        ] {
            assert_eq!(timestamp_value(text, Zone::Utc), None, "{text}");
        }
        assert_eq!(timestamp_value("2026-06-12T05:22:47Z", Zone::Local), None);
    }
}
