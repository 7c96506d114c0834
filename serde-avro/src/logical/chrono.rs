//! Types of `chrono`.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use super::{Kind, Logical, NANOS_PER_DAY, NANOS_PER_SECOND, Raw, not_a};

/// Days from the first day of year 1 to 1970-01-01, counted as chrono counts them.
const EPOCH_DAYS: i32 = 719_163;

impl Logical for NaiveDate {
    const KIND: Kind = Kind::Date;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        Ok(Raw::Number((self.num_days_from_ce() - EPOCH_DAYS).into()))
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        let Raw::Number(days) = raw else { return Err(not_a(Self::KIND)) };
        let days = i32::try_from(days).ok().and_then(|days| days.checked_add(EPOCH_DAYS));
        days.and_then(Self::from_num_days_from_ce_opt).ok_or_else(beyond)
    }
}

impl Logical for NaiveTime {
    const KIND: Kind = Kind::Time;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        let nanos =
            i128::from(self.num_seconds_from_midnight()) * NANOS_PER_SECOND + i128::from(self.nanosecond());
        // a leap second at the end of the day would be the next day's first
        Ok(Raw::Number(nanos.min(NANOS_PER_DAY - 1)))
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        let Raw::Number(nanos) = raw else { return Err(not_a(Self::KIND)) };
        let (seconds, nanos) = split(nanos).ok_or_else(beyond)?;
        let seconds = u32::try_from(seconds).map_err(|_| beyond())?;
        Self::from_num_seconds_from_midnight_opt(seconds, nanos).ok_or_else(beyond)
    }
}

impl Logical for DateTime<Utc> {
    const KIND: Kind = Kind::Timestamp;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        Ok(Raw::Number(
            i128::from(self.timestamp()) * NANOS_PER_SECOND + i128::from(self.timestamp_subsec_nanos()),
        ))
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        let Raw::Number(nanos) = raw else { return Err(not_a(Self::KIND)) };
        let (seconds, nanos) = split(nanos).ok_or_else(beyond)?;
        Self::from_timestamp(seconds, nanos).ok_or_else(beyond)
    }
}

impl Logical for NaiveDateTime {
    const KIND: Kind = Kind::LocalTimestamp;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        let utc = self.and_utc();
        Ok(Raw::Number(
            i128::from(utc.timestamp()) * NANOS_PER_SECOND + i128::from(utc.timestamp_subsec_nanos()),
        ))
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        DateTime::<Utc>::from_raw(raw).map(|utc| utc.naive_utc())
    }
}

fn split(nanos: i128) -> Option<(i64, u32)> {
    let seconds = i64::try_from(nanos.div_euclid(NANOS_PER_SECOND)).ok()?;
    Some((seconds, u32::try_from(nanos.rem_euclid(NANOS_PER_SECOND)).ok()?))
}

fn beyond() -> String {
    "outside the range of chrono's type".to_owned()
}
