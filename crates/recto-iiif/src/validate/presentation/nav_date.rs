//! P12: `navDate` is a date and time with a zone, where it has a place.

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P12",
    title: "`navDate` is a date and time with a zone, where it has a place",
    section: "Presentation 3.0 §3.1 navDate",
    kinds: THREE_AND_FOUR,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        let Some(date) = node.get("navDate") else { continue };
        if !matches!(node.class, Class::Collection | Class::Manifest | Class::Canvas | Class::Range) {
            findings.error(node.at("navDate"), format!("`navDate` has no place in a {:?}", node.class), "take it away");
        }
        if !date.as_str().is_some_and(is_date_time) {
            findings.error(
                node.at("navDate"),
                format!("`navDate` is {date}, which is no date and time with a zone"),
                "write it as `1776-07-04T00:00:00Z`",
            );
        }
    }
}

/// `-?YYYY-MM-DDThh:mm:ss(.s+)?(Z|±hh:mm)` with values that a calendar has. XML Schema 1.1, dateTime.
pub(in crate::validate) fn is_date_time(text: &str) -> bool {
    parse(text).is_some()
}

fn parse(text: &str) -> Option<()> {
    let (date, time) = text.split_once('T')?;
    let (years, rest) =
        date.strip_prefix('-').unwrap_or(date).split_at_checked(date.trim_start_matches('-').find('-')?)?;
    let mut parts = rest.get(1..)?.split('-');
    let number = |part: &str, digits: usize| (part.len() == digits).then(|| part.parse::<u32>().ok()).flatten();
    let (month, day) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let year: u32 = years.parse().ok().filter(|_| years.len() >= 4 && (years.len() == 4 || !years.starts_with('0')))?;
    let zone = time.find(['Z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone);
    let mut clock = clock.splitn(3, ':');
    let (hour, minute, second) = (number(clock.next()?, 2)?, number(clock.next()?, 2)?, clock.next()?);
    let (whole, fraction) = second.split_once('.').map_or((second, None), |(whole, fraction)| (whole, Some(fraction)));
    let second = number(whole, 2)?;
    let is_fraction = fraction.is_none_or(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let is_zone = zone == "Z" || {
        let (hours, minutes) = zone.get(1..)?.split_once(':')?;
        number(hours, 2)? <= 14 && number(minutes, 2)? < 60
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    let is_clock = hour < 24 && minute < 60 && second < 60 || hour == 24 && minute == 0 && second == 0;
    (parts.next().is_none() && (1..=days).contains(&day) && is_clock && is_fraction && is_zone).then_some(())
}
