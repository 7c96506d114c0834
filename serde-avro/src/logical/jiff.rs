//! Types of `jiff`.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ToSpan};

use super::{Kind, Logical, NANOS_PER_DAY, NANOS_PER_SECOND, Raw, not_a};

const EPOCH: Date = Date::constant(1970, 1, 1);

impl Logical for Date {
    const KIND: Kind = Kind::Date;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        let span = self.since(EPOCH).map_err(|e| e.to_string())?;
        Ok(Raw::Number(span.get_days().into()))
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        let Raw::Number(days) = raw else { return Err(not_a(Self::KIND)) };
        // more days than a span takes are more than a date takes
        let days = i64::try_from(days).ok().filter(|days| days.unsigned_abs() < 7_000_000);
        let days = days.ok_or("outside the range of jiff's type")?;
        EPOCH.checked_add(days.days()).map_err(|e| e.to_string())
    }
}

impl Logical for Time {
    const KIND: Kind = Kind::Time;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        let seconds =
            (i128::from(self.hour()) * 60 + i128::from(self.minute())) * 60 + i128::from(self.second());
        Ok(Raw::Number(seconds * NANOS_PER_SECOND + i128::from(self.subsec_nanosecond())))
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        let Raw::Number(nanos) = raw else { return Err(not_a(Self::KIND)) };
        let nanos = i64::try_from(nanos).ok().filter(|n| (0..NANOS_PER_DAY).contains(&i128::from(*n)));
        let nanos = nanos.ok_or("not a time of the day")?;
        Self::midnight().checked_add(nanos.nanoseconds()).map_err(|e| e.to_string())
    }
}

impl Logical for Timestamp {
    const KIND: Kind = Kind::Timestamp;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        Ok(Raw::Number(self.as_nanosecond()))
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        let Raw::Number(nanos) = raw else { return Err(not_a(Self::KIND)) };
        Self::from_nanosecond(nanos).map_err(|e| e.to_string())
    }
}

impl Logical for DateTime {
    const KIND: Kind = Kind::LocalTimestamp;

    fn to_raw(&self) -> Result<Raw<'_>, String> {
        match (self.date().to_raw()?, self.time().to_raw()?) {
            (Raw::Number(days), Raw::Number(nanos)) => Ok(Raw::Number(days * NANOS_PER_DAY + nanos)),
            _ => Err(not_a(Self::KIND)),
        }
    }

    fn from_raw(raw: Raw<'_>) -> Result<Self, String> {
        let Raw::Number(nanos) = raw else { return Err(not_a(Self::KIND)) };
        let date = Date::from_raw(Raw::Number(nanos.div_euclid(NANOS_PER_DAY)))?;
        let time = Time::from_raw(Raw::Number(nanos.rem_euclid(NANOS_PER_DAY)))?;
        Ok(Self::from_parts(date, time))
    }
}
