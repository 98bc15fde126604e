//! Moments in UTC, as `xsd:dateTime` has them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC to the nanosecond. Reads any `xsd:dateTime` with a zone, displays with `Z`.
///
/// ```
/// use recto_iiif::discovery::Timestamp;
///
/// let moment: Timestamp = "2017-09-20T02:00:00.500+02:00".parse().unwrap();
/// assert_eq!(moment.to_string(), "2017-09-20T00:00:00.5Z");
/// assert!(moment > "2017-09-20T00:00:00Z".parse().unwrap());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    seconds: i64,
    /// Nanoseconds beyond that, below 1,000,000,000.
    nanoseconds: u32,
}

/// A text that is no `xsd:dateTime` with a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a date and time with a zone, for example `2017-09-20T00:00:00Z`")]
pub struct TimestampError;

/// Years outside these are no dates of changes, and would not be written with four digits.
const YEARS: std::ops::RangeInclusive<i64> = 1..=9999;

impl Timestamp {
    /// So many seconds after 1970 began; `None` outside the years 1 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        let (year, _, _) = civil_from_days(seconds.div_euclid(86_400));
        YEARS.contains(&year).then_some(Self { seconds, nanoseconds: 0 })
    }

    /// So many milliseconds after 1970 began; `None` outside the years 1 to 9999.
    pub fn from_unix_milliseconds(milliseconds: i64) -> Option<Self> {
        let moment = Self::from_unix_seconds(milliseconds.div_euclid(1000))?;
        Some(Self { nanoseconds: milliseconds.rem_euclid(1000) as u32 * 1_000_000, ..moment })
    }

    /// Whole seconds since 1970 began.
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        parse(text.trim()).ok_or(TimestampError)
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let (year, month_and_day) = date.split_once('-')?;
    let (month, day) = month_and_day.split_once('-')?;
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let (time, offset_minutes) = zone(time)?;
    let (clock, fraction) = time.split_once('.').map_or((time, None), |(clock, fraction)| (clock, Some(fraction)));
    let (hour, rest) = clock.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    let nanoseconds = fraction.map_or(Some(0), nanoseconds)?;
    // 24:00:00 is the end of the day in xsd:dateTime; second 60 is a leap second, which counts as the next one.
    let end_of_day = hour == 24 && minute == 0 && second == 0 && nanoseconds == 0;
    let sound = YEARS.contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && (hour < 24 || end_of_day)
        && minute < 60
        && second <= 60;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset_minutes * 60;
    let (written, _, _) = civil_from_days(seconds.div_euclid(86_400));
    (sound && YEARS.contains(&written)).then_some(Timestamp { seconds, nanoseconds })
}

/// The time without its zone, and the zone in minutes east of UTC.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(plain) = time.strip_suffix('Z') {
        return Some((plain, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (plain, offset) = time.split_at(at);
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let minutes = digits(hours, 2)? * 60 + digits(minutes, 2)?;
    (minutes <= 14 * 60).then_some((plain, if offset.starts_with('-') { -minutes } else { minutes }))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nine: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    nine.parse().ok()
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.seconds.div_euclid(86_400));
        let second = self.seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanoseconds > 0 {
            let fraction = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_are_read_with_their_zone_and_written_in_utc() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z")),
            ("2017-09-20T00:00:00.120Z", Some("2017-09-20T00:00:00.12Z")),
            ("2020-02-29T23:59:59+00:00", Some("2020-02-29T23:59:59Z")),
            ("2020-01-01T01:00:00+02:00", Some("2019-12-31T23:00:00Z")),
            ("2019-12-31T22:30:00-05:30", Some("2020-01-01T04:00:00Z")),
            ("2020-12-31T24:00:00Z", Some("2021-01-01T00:00:00Z")),
            ("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00Z")),
            ("2020-01-01T00:00:00.1234567899Z", Some("2020-01-01T00:00:00.123456789Z")),
            ("2021-02-29T00:00:00Z", None),
            ("2020-01-01T00:00:00", None),
            ("2020-01-01", None),
            ("2020-1-1T00:00:00Z", None),
            ("2020-13-01T00:00:00Z", None),
            ("2020-01-01T24:00:01Z", None),
            ("2020-01-01T00:00:00.Z", None),
            ("2020-01-01T00:00:00+15:00", None),
            ("99999-01-01T00:00:00Z", None),
            ("0001-01-01T00:00:00+01:00", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Timestamp>().ok().map(|time| time.to_string()).as_deref(), want, "{text}");
        }
        assert_eq!("2000-03-01T00:00:00Z".parse::<Timestamp>().unwrap().unix_seconds(), 951_868_800);
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX), None);
        assert_eq!(Timestamp::from_unix_seconds(i64::MIN), None);
    }

    proptest! {
        #[test]
        fn moments_come_back_and_keep_their_order(a in -60_000_000_000_i64..250_000_000_000, b in -60_000_000_000_i64..250_000_000_000) {
            let moment = |seconds| Timestamp::from_unix_seconds(seconds).unwrap();
            prop_assert_eq!(moment(a).to_string().parse(), Ok(moment(a)));
            prop_assert_eq!(moment(a).cmp(&moment(b)), a.cmp(&b));
            prop_assert_eq!(moment(a).to_string().cmp(&moment(b).to_string()), a.cmp(&b));
        }

        #[test]
        fn reading_never_panics(text in any::<String>()) {
            let _ = text.parse::<Timestamp>();
        }
    }
}
