//! Dates as catalogues write them, as the `xsd:dateTime` with time zone that `navDate` asks for.

/// The moment at which a date in a form for machines begins: ISO 8601, W3CDTF or EDTF (levels 0 and 1, and the usual part of
/// 2). Where the text says no time zone, UTC is taken. `None` for all else, and for days that no calendar has.
///
/// ```
/// use recto_ingest::dates;
/// assert_eq!(dates::nav_date("1890").as_deref(), Some("1890-01-01T00:00:00Z"));
/// assert_eq!(dates::nav_date("1914-07/1918-11").as_deref(), Some("1914-07-01T00:00:00Z"));
/// ```
pub fn nav_date(given: &str) -> Option<String> {
    let given = given.trim();
    let given = given.strip_prefix('[').map_or(given, |list| list.trim_end_matches(']'));
    let given = given.strip_prefix('{').map_or(given, |list| list.trim_end_matches('}'));
    // Of an interval or a list, the beginning counts.
    let given = given.split("..").next()?.split(',').next()?;
    let given = given.split_once('/').map_or(given, |(from, _)| from);
    let (date, time) = split_time(given.trim());
    // EDTF marks what is uncertain or approximate with a sign after it or before a part.
    let date: String = date.chars().filter(|character| !matches!(character, '?' | '~' | '%')).collect();
    let (year, month, day) = parts(&date)?;
    let time = match time {
        Some(time) => zoned(time)?,
        None => "00:00:00Z".to_owned(),
    };
    let sign = if year < 0 { "-" } else { "" };
    (year != 0 && day <= days_in(year, month))
        .then(|| format!("{sign}{:04}-{month:02}-{day:02}T{time}", year.unsigned_abs()))
}

/// The moment at which a date begins that people wrote, where only one is meant: besides what [`nav_date`] reads, `c. 1890`,
/// `[1890?]`, `um 1890`, `1890-1895`, `3.5.1890`, `3 May 1890`, `born 1930` is none. A guide for sorting, not a fact.
pub fn approximate(given: &str) -> Option<String> {
    nav_date(given).or_else(|| {
        let plain: String =
            given.chars().map(|c| if matches!(c, '[' | ']' | '(' | ')' | '?' | ',') { ' ' } else { c }).collect();
        let plain = plain.replace(['–', '—'], "-").to_lowercase();
        let words: Vec<&str> = plain.split_whitespace().collect();
        let words = match words[..] {
            [
                "c." | "ca." | "ca" | "c" | "circa" | "um" | "about" | "vers" | "nach" | "vor" | "after" | "before",
                ..,
            ] => &words[1..],
            _ => &words[..],
        };
        match words {
            [year] => year_or_years(year).or_else(|| numeric_day(year)),
            [from, "-" | "to" | "bis", until] if is_year(from) && is_year(until) => nav_date(from),
            [day, month, year] => named_day(day, month, year).or_else(|| named_day(month, day, year)),
            [month, year] => named_day("1", month, year),
            _ => None,
        }
    })
}

/// Date and time, divided by `T` or a space.
fn split_time(given: &str) -> (&str, Option<&str>) {
    match given.char_indices().find(|(_, character)| matches!(character, 'T' | 't' | ' ')) {
        Some((at, _)) => (&given[..at], Some(given[at + 1..].trim())),
        None => (given, None),
    }
}

fn parts(date: &str) -> Option<(i32, u32, u32)> {
    let (negative, date) = date.strip_prefix('-').map_or((false, date), |rest| (true, rest));
    if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) {
        return parts(&format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]));
    }
    let mut parts = date.split('-');
    let year = parts.next()?;
    let year = year.strip_prefix(['Y', 'y']).unwrap_or(year);
    let month = parts.next().map(two_digits);
    let day = parts.next().map(two_digits);
    if !(4..=7).contains(&year.len()) || parts.next().is_some() {
        return None;
    }
    // `189X` is the decade, `18XX` the century; both begin with their first year. The first century begins with 1.
    let unspecified = year.chars().rev().take_while(|c| matches!(c, 'X' | 'x' | 'u')).count();
    let known = year.get(..year.len() - unspecified)?;
    if known.is_empty() || !known.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year: i32 = format!("{known}{}", "0".repeat(unspecified)).parse().ok()?;
    let year = if year == 0 && unspecified > 0 { 1 } else { year };
    let month = match month {
        None => 1,
        Some(month) => month_or_season(month?)?,
    };
    let day = match day {
        None => 1,
        Some(day) => day?.max(1),
    };
    Some((if negative { -year } else { year }, month, day))
}

/// A number of two digits; `XX`, which is not specified, counts as 0.
fn two_digits(part: &str) -> Option<u32> {
    match part {
        "XX" | "xx" | "uu" => Some(0),
        _ if part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()) => {
            part.parse().ok().filter(|number| *number > 0)
        }
        _ => None,
    }
}

/// EDTF writes the seasons as months 21 to 24.
fn month_or_season(month: u32) -> Option<u32> {
    match month {
        0 => Some(1),
        1..=12 => Some(month),
        21 => Some(3),
        22 => Some(6),
        23 => Some(9),
        24 => Some(12),
        _ => None,
    }
}

fn days_in(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A time with its zone, as `xsd:dateTime` writes them.
fn zoned(time: &str) -> Option<String> {
    let split = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = (time[..split].trim(), time[split..].trim());
    let mut parts = clock.splitn(3, ':');
    let hour = clock_number(parts.next()?, 23)?;
    let minute = clock_number(parts.next()?, 59)?;
    let (second, fraction) = match parts.next() {
        None => (0, ""),
        Some(seconds) => {
            let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
            let fraction = fraction.get(..9).unwrap_or(fraction).trim_end_matches('0');
            (clock_number(second, 59)?, fraction)
        }
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(format!("{hour:02}:{minute:02}:{second:02}{dot}{fraction}{}", offset(zone)?))
}

fn clock_number(digits: &str, most: u32) -> Option<u32> {
    let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number <= most)
}

fn offset(zone: &str) -> Option<String> {
    let Some(sign) = zone.chars().next().filter(|sign| matches!(sign, '+' | '-')) else {
        return matches!(zone, "" | "Z" | "z").then(|| "Z".to_owned());
    };
    let digits: String = zone[1..].chars().filter(|character| *character != ':').collect();
    let (hour, minute) = match digits.len() {
        2 => (digits.as_str(), "00"),
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    let (hour, minute) = (clock_number(hour, 14)?, clock_number(minute, 59)?);
    (hour * 60 + minute <= 14 * 60).then(|| format!("{sign}{hour:02}:{minute:02}"))
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// `1890`, or `1890-1895`, which ISO 8601 would write with `/`.
fn year_or_years(word: &str) -> Option<String> {
    let from = match word.split_once('-') {
        Some((from, until)) => {
            let whole = is_year(until) || (until.len() == 2 && until.bytes().all(|byte| byte.is_ascii_digit()));
            from.get(..).filter(|_| whole)?
        }
        None => word,
    };
    is_year(from).then(|| nav_date(from))?
}

/// `3.5.1890`, and with slashes where day and month cannot be confused.
fn numeric_day(word: &str) -> Option<String> {
    let separator = word.chars().find(|c| matches!(c, '.' | '/'))?;
    let numbers: Vec<u32> = word.split(separator).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match numbers[..] {
        [day, month, year @ 1000..=9999] if separator == '.' || day > 12 || day == month => civil(year, month, day),
        [month, day, year @ 1000..=9999] if day > 12 => civil(year, month, day),
        [year @ 1000..=9999, month, day] => civil(year, month, day),
        _ => None,
    }
}

fn civil(year: u32, month: u32, day: u32) -> Option<String> {
    nav_date(&format!("{year:04}-{month:02}-{day:02}"))
}

fn named_day(day: &str, month: &str, year: &str) -> Option<String> {
    /// The beginnings by which months are told apart, in English, German and French.
    const MONTHS: [&[&str]; 12] = [
        &["jan", "jän"],
        &["feb", "fév", "fev"],
        &["mar", "mär"],
        &["apr", "avr"],
        &["may", "mai"],
        &["jun", "juin"],
        &["jul", "juil"],
        &["aug", "aoû", "aou"],
        &["sep"],
        &["oct", "okt"],
        &["nov"],
        &["dec", "dez", "déc"],
    ];
    let month = MONTHS.iter().position(|names| names.iter().any(|name| month.starts_with(name)))? as u32 + 1;
    let day: String = day.trim_end_matches(['.', 's', 't', 'n', 'd', 'r', 'h']).to_owned();
    is_year(year).then(|| civil(year.parse().ok()?, month, day.parse().ok()?))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_for_machines_become_the_moment_at_which_they_begin() {
        for (given, want) in [
            ("1890", "1890-01-01T00:00:00Z"),
            (" 1890-05 ", "1890-05-01T00:00:00Z"),
            ("1890-05-03", "1890-05-03T00:00:00Z"),
            ("18900503", "1890-05-03T00:00:00Z"),
            ("1890-05-03T10:20", "1890-05-03T10:20:00Z"),
            ("1890-05-03T10:20:30", "1890-05-03T10:20:30Z"),
            ("1890-05-03T10:20:30Z", "1890-05-03T10:20:30Z"),
            ("1890-05-03T10:20:30.250+01:00", "1890-05-03T10:20:30.25+01:00"),
            ("2021-09-22 00:00:00-04", "2021-09-22T00:00:00-04:00"),
            ("1890-05-03T10:20:30+0530", "1890-05-03T10:20:30+05:30"),
            ("2000-02-29", "2000-02-29T00:00:00Z"),
            ("0044-03-15", "0044-03-15T00:00:00Z"),
            ("-0043-03-15", "-0043-03-15T00:00:00Z"),
            ("1890?", "1890-01-01T00:00:00Z"),
            ("1890~", "1890-01-01T00:00:00Z"),
            ("?1890-05~", "1890-05-01T00:00:00Z"),
            ("189X", "1890-01-01T00:00:00Z"),
            ("18XX", "1800-01-01T00:00:00Z"),
            ("1890-XX-XX", "1890-01-01T00:00:00Z"),
            ("1890-05-XX", "1890-05-01T00:00:00Z"),
            ("1890-21", "1890-03-01T00:00:00Z"),
            ("1890/1895", "1890-01-01T00:00:00Z"),
            ("1890-05-03/..", "1890-05-03T00:00:00Z"),
            ("1890..1895", "1890-01-01T00:00:00Z"),
            ("[1890,1892]", "1890-01-01T00:00:00Z"),
            ("Y12000", "12000-01-01T00:00:00Z"),
        ] {
            assert_eq!(nav_date(given).as_deref(), Some(want), "{given}");
        }
    }

    #[test]
    fn what_is_no_date_for_machines_gives_none() {
        for given in [
            "",
            "90",
            "189",
            "0000",
            "XXXX",
            "1890-13",
            "1890-00",
            "1890-5-3",
            "1890-02-29",
            "1900-02-29",
            "1890-05-32",
            "1890-05-03T25:00",
            "1890-05-03T10",
            "1890-05-03T10:20+15:00",
            "1890-05-03T10:20:30.x",
            "c. 1890",
            "18th century",
            "../1890",
            "born 1930",
            "1890-05-03-01",
            "ä",
            "1890ä",
        ] {
            assert_eq!(nav_date(given), None, "{given}");
        }
    }

    #[test]
    fn dates_of_people_are_read_where_only_one_is_meant() {
        for (given, want) in [
            ("1890", Some("1890-01-01T00:00:00Z")),
            ("c. 1520-1541", Some("1520-01-01T00:00:00Z")),
            ("ca. 1890", Some("1890-01-01T00:00:00Z")),
            ("um 1890", Some("1890-01-01T00:00:00Z")),
            ("[1890?]", Some("1890-01-01T00:00:00Z")),
            ("[ca. 1890]", Some("1890-01-01T00:00:00Z")),
            ("1852–1911", Some("1852-01-01T00:00:00Z")),
            ("1890 - 1895", Some("1890-01-01T00:00:00Z")),
            ("3.5.1890", Some("1890-05-03T00:00:00Z")),
            ("03.05.1890", Some("1890-05-03T00:00:00Z")),
            ("25/12/1890", Some("1890-12-25T00:00:00Z")),
            ("12/25/1890", Some("1890-12-25T00:00:00Z")),
            ("3 May 1890", Some("1890-05-03T00:00:00Z")),
            ("May 3rd, 1890", Some("1890-05-03T00:00:00Z")),
            ("3. Mai 1890", Some("1890-05-03T00:00:00Z")),
            ("März 1890", Some("1890-03-01T00:00:00Z")),
            ("9/8/1912", None),
            ("18th century (?)", None),
            ("born 1930", None),
            ("1555 (after the file name)", None),
            ("s.d.", None),
            ("31.2.1890", None),
        ] {
            assert_eq!(approximate(given).as_deref(), want, "{given}");
        }
    }

    proptest! {
        #[test]
        fn a_result_is_read_as_itself(given in "[0-9XY?~/.:TZ+ -]{0,26}|\\PC{0,20}") {
            for found in [nav_date(&given), approximate(&given)].into_iter().flatten() {
                prop_assert_eq!(nav_date(&found), Some(found));
            }
        }
    }
}
