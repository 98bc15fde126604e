//! Dates as catalogues write them, and the moment for `navDate` where there is surely one. [`crate::dates`] is for what people write into
//! tables to sort by; records of catalogues say what is uncertain, and that stays without a moment.

/// `xsd:dateTime` with a time zone (Presentation API 3.0 §3.1 `navDate`) for the beginning of what was written, or `None` where the
/// beginning is not certain.
///
/// Read are ISO 8601 and W3CDTF (`1890`, `1890-05`, `1890-05-03`, with time), the certain parts of EDTF (`1890/1895`), spans
/// (`1890–1895`, `1890-95`), dates of catalogue cards (`[1890]`, `1890.`, `© 1890`), and German and English dates (`3.5.1890`, `3. Mai 1890`,
/// `May 3, 1890`). Uncertain are `ca. 1890`, `1890?`, `1890~`, `189-`, `18XX`, `before 1890`, `19th century`, and several single dates.
pub(super) fn nav_date(text: &str) -> Option<String> {
    let text =
        text.trim().trim_start_matches(['[', '(', '{']).trim_end_matches([']', ')', '}', '.', ',', ';', ':', ' ']);
    let text = text.trim_start_matches(['©', '℗']).trim();
    if text.is_empty() || text.len() > 60 {
        return None;
    }
    date_time(text).or_else(|| Some(start(text)?.to_string()))
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Day {
    year: i32,
    month: u32,
    day: u32,
}

impl Day {
    fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        (1..=days).contains(&day).then_some(Self { year, month, day })
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.year < 0 { "-" } else { "" };
        write!(f, "{sign}{:04}-{:02}-{:02}T00:00:00Z", self.year.unsigned_abs(), self.month, self.day)
    }
}

/// The same moment as `xsd:dateTime`, where the text is a day with a time.
fn date_time(text: &str) -> Option<String> {
    let (day, time) = text.split_once('T').or_else(|| text.split_once(' '))?;
    let day = iso_day(day)?;
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let mut parts = clock.splitn(3, ':');
    let number = |part: &str| (part.len() == 2).then(|| part.parse::<u32>().ok()).flatten();
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let (second, fraction) = match parts.next() {
        Some(part) => part.split_once('.').map_or((part, ""), |(second, fraction)| (second, fraction)),
        None => ("00", ""),
    };
    let second = number(second)?;
    let zone = match zone {
        "" | "Z" => "Z".to_owned(),
        zone => {
            let digits: String = zone.get(1..)?.chars().filter(|c| *c != ':').collect();
            (digits.len() == 4).then_some(())?;
            let (hours, minutes): (u32, u32) = (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?);
            (hours <= 14 && minutes < 60).then(|| format!("{}{hours:02}:{minutes:02}", &zone[..1]))?
        }
    };
    let is_fraction = fraction.bytes().all(|b| b.is_ascii_digit());
    (hour < 24 && minute < 60 && second < 60 && is_fraction).then_some(())?;
    let date = day.to_string();
    Some(format!("{}T{hour:02}:{minute:02}:{second:02}{zone}", date.split('T').next()?))
}

/// The first day of what is meant.
fn start(text: &str) -> Option<Day> {
    if let Some(day) = iso(text).or_else(|| written(text)) {
        return Some(day);
    }
    // A span: its first part must be a date of itself, and so must its last, so that `1890-?` or `1890–ca. 1895` stay what they are.
    let separator = ["/", " - ", " – ", "–", "—", " bis ", " to ", "-"].iter().find(|s| text.contains(**s))?;
    let (first, last) = text.split_once(separator)?;
    let (first, last) = (first.trim(), last.trim());
    let first = iso(first).or_else(|| written(first))?;
    let is_short = last.len() == 2 && last.bytes().all(|b| b.is_ascii_digit());
    let is_open = matches!(last, "" | "..") && *separator == "/";
    let ends_later = iso(last)
        .or_else(|| written(last))
        .is_some_and(|day| (day.year, day.month, day.day) >= (first.year, first.month, first.day));
    (is_short || is_open || ends_later).then_some(first)
}

/// `1890`, `1890-05`, `1890-05-03`, `18900503`, `-0323`.
fn iso(text: &str) -> Option<Day> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    if digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()) && sign == 1 {
        return Day::new(
            digits.get(..4)?.parse().ok()?,
            digits.get(4..6)?.parse().ok()?,
            digits.get(6..)?.parse().ok()?,
        );
    }
    let mut parts = digits.split('-');
    let year = parts.next().filter(|year| year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()))?;
    let mut two = || match parts.next() {
        None => Some(1),
        Some(part) => (part.len() == 2).then(|| part.parse().ok()).flatten(),
    };
    let (month, day) = (two()?, two()?);
    parts.next().is_none().then(|| Day::new(sign * year.parse::<i32>().ok()?, month, day)).flatten()
}

fn iso_day(text: &str) -> Option<Day> {
    iso(text).filter(|_| text.len() >= 8)
}

#[rustfmt::skip]
const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "jan", "jänner"], &["february", "februar", "feb", "febr"], &["march", "märz", "mar", "mär", "mrz"],
    &["april", "apr"], &["may", "mai"], &["june", "juni", "jun"], &["july", "juli", "jul"], &["august", "aug"],
    &["september", "sept", "sep"], &["october", "oktober", "oct", "okt"], &["november", "nov"], &["december", "dezember", "dec", "dez"],
];

/// `3.5.1890`, `3. Mai 1890`, `May 3, 1890`, `Mai 1890`, `1890 May 3`.
fn written(text: &str) -> Option<Day> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || matches!(c, '.' | ',')).filter(|word| !word.is_empty()).collect();
    let number = |word: &str| word.bytes().all(|b| b.is_ascii_digit()).then(|| word.parse::<u32>().ok()).flatten();
    let year = |word: &str| (word.len() == 4).then(|| number(word)).flatten().and_then(|year| i32::try_from(year).ok());
    let short = |word: &str| (word.len() <= 2).then(|| number(word)).flatten();
    let month = |word: &str| {
        let word = word.to_lowercase();
        MONTHS.iter().position(|names| names.contains(&word.as_str())).and_then(|at| u32::try_from(at + 1).ok())
    };
    match words.as_slice() {
        [y] if !text.contains('-') && text == *y => Day::new(year(y)?, 1, 1),
        [m, y] => Day::new(year(y)?, month(m)?, 1).or_else(|| Day::new(year(m)?, month(y)?, 1)),
        [a, b, c] => {
            if let Some(y) = year(c) {
                let (day, month) = match (month(a), month(b)) {
                    (Some(month), _) => (short(b)?, month),
                    (_, Some(month)) => (short(a)?, month),
                    // `3.5.1890` is German; `5/3/1890` may be either and has no full stops.
                    _ => (short(a)?, short(b).filter(|_| text.contains('.'))?),
                };
                return Day::new(y, month, day);
            }
            Day::new(year(a)?, month(b)?, short(c)?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certain_beginning_is_a_moment() {
        for (given, want) in [
            ("1890", "1890-01-01T00:00:00Z"),
            ("[1890]", "1890-01-01T00:00:00Z"),
            ("1890.", "1890-01-01T00:00:00Z"),
            ("© 1890", "1890-01-01T00:00:00Z"),
            ("1890-05", "1890-05-01T00:00:00Z"),
            ("1890-05-03", "1890-05-03T00:00:00Z"),
            ("18900503", "1890-05-03T00:00:00Z"),
            ("1890–1895", "1890-01-01T00:00:00Z"),
            ("1890-1895", "1890-01-01T00:00:00Z"),
            ("1890-95", "1890-01-01T00:00:00Z"),
            ("[1759-1800]", "1759-01-01T00:00:00Z"),
            ("1890/1895", "1890-01-01T00:00:00Z"),
            ("1890-05/..", "1890-05-01T00:00:00Z"),
            ("1950-01-01/1953-12-31", "1950-01-01T00:00:00Z"),
            ("1. Januar 1950 - 31. Dezember 1953", "1950-01-01T00:00:00Z"),
            ("3.5.1890", "1890-05-03T00:00:00Z"),
            ("31. Dezember 1953", "1953-12-31T00:00:00Z"),
            ("May 3, 1890", "1890-05-03T00:00:00Z"),
            ("Mai 1890", "1890-05-01T00:00:00Z"),
            ("1890 May 3", "1890-05-03T00:00:00Z"),
            ("-0323", "-0323-01-01T00:00:00Z"),
            ("2023-03-15T10:07:45Z", "2023-03-15T10:07:45Z"),
            ("2023-03-15T10:07:45.120+0100", "2023-03-15T10:07:45+01:00"),
            ("2023-03-15T10:07", "2023-03-15T10:07:00Z"),
            ("0312", "0312-01-01T00:00:00Z"),
        ] {
            assert_eq!(nav_date(given).as_deref(), Some(want), "{given}");
        }
    }

    #[test]
    fn an_uncertain_beginning_is_none() {
        for given in [
            "",
            "ca. 1890",
            "[ca. 1890]",
            "um 1890",
            "c1890",
            "1890?",
            "[1890?]",
            "1890~",
            "189-",
            "[189-?]",
            "18XX",
            "189X",
            "18uu",
            "before 1890",
            "19th century",
            "19. Jahrhundert",
            "1890, 1892",
            "1890 [i.e. 1891]",
            "undated, 1955",
            "../1890",
            "1890-?",
            "1895-1890",
            "1890-02-30",
            "5/3/1890",
            "1890–ca. 1895",
            "1985-12-13a",
            "12345",
            "T",
            "é-",
            "1999-12-31T99:00",
        ] {
            assert_eq!(nav_date(given), None, "{given}");
        }
    }
}
