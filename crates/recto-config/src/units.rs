//! Amounts with their unit: bytes and time, as people write them.

use std::borrow::Cow;
use std::{fmt, str::FromStr, time};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of bytes. Reads `200 GiB`, `512MB`, `1.5 TiB` and plain numbers of bytes; prints the shortest exact form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// A span of time, in whole nanoseconds. Reads `30 s`, `2 min`, `1.5 h`; prints the shortest exact form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(time::Duration);

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// There is no number at the start, or it is not one: `GiB`, `-1 s`, `1.2.3 MB`.
    #[error("`{given}` does not start with a number; write it like `{example}`")]
    Number {
        /// What was written.
        given: String,
        /// One that would do.
        example: &'static str,
    },
    /// The unit is missing or unknown.
    #[error("`{given}` needs one of the units {units}; write it like `{example}`")]
    Unit {
        /// What was written.
        given: String,
        /// All units, for reading.
        units: &'static str,
        /// One that would do.
        example: &'static str,
    },
    /// More than fits.
    #[error("`{given}` is too large; the most is {most}")]
    TooLarge {
        /// What was written.
        given: String,
        /// The limit, with its unit.
        most: &'static str,
    },
    /// Less than one byte or nanosecond would be lost.
    #[error("`{given}` is not a whole number of {smallest}")]
    Fraction {
        /// What was written.
        given: String,
        /// The smallest unit, in the plural.
        smallest: &'static str,
    },
}

const BYTE_UNITS: [(&str, u64); 11] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
];
const BYTE_UNIT_NAMES: &str = "B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB, PB";
const BYTE_EXAMPLE: &str = "200 GiB";

const TIME_UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
const TIME_UNIT_NAMES: &str = "ns, us, ms, s, min, h, d";
const TIME_EXAMPLE: &str = "30 s";

impl ByteSize {
    /// So many bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many KiB (1024 bytes); the most that fits if it is more.
    pub const fn kib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 10))
    }

    /// So many MiB; the most that fits if it is more.
    pub const fn mib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 20))
    }

    /// So many GiB; the most that fits if it is more.
    pub const fn gib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 30))
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl Duration {
    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(time::Duration::from_secs(seconds))
    }

    /// So many milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(time::Duration::from_millis(milliseconds))
    }

    /// As the standard library has it.
    pub const fn get(self) -> time::Duration {
        self.0
    }
}

impl From<time::Duration> for Duration {
    fn from(span: time::Duration) -> Self {
        Self(span)
    }
}

impl From<Duration> for time::Duration {
    fn from(span: Duration) -> Self {
        span.0
    }
}

/// Splits `1.5 GiB` into its digits, its decimals and its unit.
fn split<'t>(text: &'t str, example: &'static str) -> Result<(&'t str, &'t str, &'t str), UnitError> {
    let text = text.trim();
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let trailing_point = number.ends_with('.');
    if whole.is_empty() || decimals.contains('.') || trailing_point {
        return Err(UnitError::Number { given: text.to_owned(), example });
    }
    Ok((whole, decimals, unit.trim_start()))
}

/// Why `whole.decimals × factor` is no amount.
enum Misfit {
    Fraction,
    TooLarge,
}

/// `whole.decimals × factor`, exactly.
fn scaled(whole: &str, decimals: &str, factor: u64) -> Result<u64, Misfit> {
    let decimals = decimals.trim_end_matches('0');
    // More decimals than this are a whole number of nothing here.
    if decimals.len() > 18 {
        return Err(Misfit::Fraction);
    }
    let mut number: u128 = 0;
    for digit in whole.bytes().chain(decimals.bytes()) {
        number = number.checked_mul(10).and_then(|n| n.checked_add((digit - b'0') as u128)).ok_or(Misfit::TooLarge)?;
    }
    let product = number.checked_mul(factor as u128).ok_or(Misfit::TooLarge)?;
    let divisor = 10_u128.pow(decimals.len() as u32);
    if !product.is_multiple_of(divisor) {
        return Err(Misfit::Fraction);
    }
    u64::try_from(product / divisor).map_err(|_| Misfit::TooLarge)
}

/// The shortest exact form: the unit that leaves the smallest number, the first such unit of the table.
fn shortest(amount: u64, units: &[(&'static str, u64)]) -> (u64, &'static str) {
    let mut best = (amount, units.first().map_or("", |(name, _)| name));
    for (name, factor) in units {
        if amount > 0 && amount.is_multiple_of(*factor) && amount / factor < best.0 {
            best = (amount / factor, name);
        }
    }
    best
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (whole, decimals, unit) = split(text, BYTE_EXAMPLE)?;
        let given = || text.trim().to_owned();
        // `kB` and `KB` are the only pair that people mix; `Mb` would be bits and is refused.
        let factor = match unit {
            "" | "bytes" | "byte" => Some(1),
            "KB" => Some(1_000),
            unit => BYTE_UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor),
        };
        let factor =
            factor.ok_or_else(|| UnitError::Unit { given: given(), units: BYTE_UNIT_NAMES, example: BYTE_EXAMPLE })?;
        match scaled(whole, decimals, factor) {
            Ok(bytes) => Ok(Self(bytes)),
            Err(Misfit::Fraction) => Err(UnitError::Fraction { given: given(), smallest: "bytes" }),
            Err(Misfit::TooLarge) => Err(UnitError::TooLarge { given: given(), most: "18446744073709551615 bytes" }),
        }
    }
}

impl FromStr for Duration {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (whole, decimals, unit) = split(text, TIME_EXAMPLE)?;
        let given = || text.trim().to_owned();
        let factor = match unit {
            // Nothing is nothing in every unit.
            "" if whole.bytes().chain(decimals.bytes()).all(|b| b == b'0') => Some(1),
            "sec" | "second" | "seconds" => Some(1_000_000_000),
            "minute" | "minutes" => Some(60_000_000_000),
            "hour" | "hours" => Some(3_600_000_000_000),
            "day" | "days" => Some(86_400_000_000_000),
            unit => TIME_UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor),
        };
        let factor =
            factor.ok_or_else(|| UnitError::Unit { given: given(), units: TIME_UNIT_NAMES, example: TIME_EXAMPLE })?;
        match scaled(whole, decimals, factor) {
            Ok(nanoseconds) => Ok(Self(time::Duration::from_nanos(nanoseconds))),
            Err(Misfit::Fraction) => Err(UnitError::Fraction { given: given(), smallest: "nanoseconds" }),
            Err(Misfit::TooLarge) => Err(UnitError::TooLarge { given: given(), most: "213503 d" }),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = shortest(self.0, &BYTE_UNITS);
        write!(f, "{number} {unit}")
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            return f.write_str("0 s");
        }
        let (number, unit) = shortest(u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX), &TIME_UNITS);
        write!(f, "{number} {unit}")
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

struct ByteSizeVisitor;

impl de::Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number of bytes like `{BYTE_EXAMPLE}`")
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
        Ok(ByteSize(bytes))
    }

    fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
        u64::try_from(bytes).map(ByteSize).map_err(|_| E::invalid_value(de::Unexpected::Signed(bytes), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes: `200 GiB`, `512 MB`, or a plain number.",
            "type": ["string", "integer"],
            "minimum": 0,
            "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(B|bytes?|[KMGTP]iB|[kKMGTP]B)?\s*$",
        })
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A span of time: `30 s`, `2 min`, `1 h`.",
            "type": "string",
            "pattern": r"^\s*(0+(\.0+)?|[0-9]+(\.[0-9]+)?\s*(ns|us|ms|s|min|h|d|sec|seconds?|minutes?|hours?|days?))\s*$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_people_write_them_and_printed_in_the_shortest_exact_form() {
        for (given, bytes, printed) in [
            ("0", 0, "0 B"),
            ("1", 1, "1 B"),
            ("1023", 1023, "1023 B"),
            ("1024", 1024, "1 KiB"),
            ("200 GiB", 200 << 30, "200 GiB"),
            ("200GiB", 200 << 30, "200 GiB"),
            ("  512MB ", 512_000_000, "512 MB"),
            ("1.5 TiB", 3 << 39, "1536 GiB"),
            ("1.50 kB", 1500, "1500 B"),
            ("2 KB", 2000, "2 kB"),
            ("7 bytes", 7, "7 B"),
            ("18446744073709551615", u64::MAX, "18446744073709551615 B"),
            ("000000000000000000000000000000000000000001 B", 1, "1 B"),
        ] {
            let size: ByteSize = given.parse().unwrap();
            assert_eq!(size.bytes(), bytes, "{given}");
            assert_eq!(size.to_string(), printed, "{given}");
            assert_eq!(printed.parse(), Ok(size), "{given}");
        }
    }

    #[test]
    fn what_is_no_number_of_bytes_is_explained() {
        for (given, message) in [
            ("", "`` does not start with a number; write it like `200 GiB`"),
            ("GiB", "`GiB` does not start with a number; write it like `200 GiB`"),
            ("-1", "`-1` does not start with a number; write it like `200 GiB`"),
            ("1.", "`1.` does not start with a number; write it like `200 GiB`"),
            ("1.2.3 MB", "`1.2.3 MB` does not start with a number; write it like `200 GiB`"),
            (
                "1 Mb",
                "`1 Mb` needs one of the units B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB, PB; write it like `200 GiB`",
            ),
            (
                "1e3",
                "`1e3` needs one of the units B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB, PB; write it like `200 GiB`",
            ),
            ("1.5 B", "`1.5 B` is not a whole number of bytes"),
            ("0.0001 kB", "`0.0001 kB` is not a whole number of bytes"),
            ("18446744073709551616", "`18446744073709551616` is too large; the most is 18446744073709551615 bytes"),
            (
                "99999999999999999999999999999999999999999999 PiB",
                "`99999999999999999999999999999999999999999999 PiB` is too large; the most is 18446744073709551615 bytes",
            ),
        ] {
            assert_eq!(given.parse::<ByteSize>().unwrap_err().to_string(), message, "{given}");
        }
    }

    #[test]
    fn time_is_read_as_people_write_it_and_printed_in_the_shortest_exact_form() {
        for (given, milliseconds, printed) in [
            ("0", 0, "0 s"),
            ("0 s", 0, "0 s"),
            ("30 s", 30_000, "30 s"),
            ("90s", 90_000, "90 s"),
            ("2 min", 120_000, "2 min"),
            ("1.5 h", 5_400_000, "90 min"),
            ("24 hours", 86_400_000, "1 d"),
            ("250ms", 250, "250 ms"),
        ] {
            let span: Duration = given.parse().unwrap();
            assert_eq!(span.get().as_millis(), milliseconds, "{given}");
            assert_eq!(span.to_string(), printed, "{given}");
            assert_eq!(printed.parse(), Ok(span), "{given}");
        }
        for (given, message) in [
            ("30", "`30` needs one of the units ns, us, ms, s, min, h, d; write it like `30 s`"),
            ("2 m", "`2 m` needs one of the units ns, us, ms, s, min, h, d; write it like `30 s`"),
            ("soon", "`soon` does not start with a number; write it like `30 s`"),
            ("999999 d", "`999999 d` is too large; the most is 213503 d"),
            ("0.1 ns", "`0.1 ns` is not a whole number of nanoseconds"),
        ] {
            assert_eq!(given.parse::<Duration>().unwrap_err().to_string(), message, "{given}");
        }
    }
}
