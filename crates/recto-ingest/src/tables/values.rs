//! What stands in one cell: several values, rectangles, links, numbers.

use recto_iiif::presentation::LanguageMap;

use crate::description::{Link, Region};

/// The values of a cell. `\` before the separator makes it a letter, and `\\` before it a backslash.
pub(super) fn split(cell: &str, separator: char) -> Vec<String> {
    let mut values = split_all(cell, separator);
    values.retain(|value| !value.is_empty());
    values
}

/// The same, with empty values.
pub(super) fn split_all(cell: &str, separator: char) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut backslashes = 0_usize;
    for character in cell.chars() {
        if character == '\\' {
            backslashes += 1;
            continue;
        }
        let value = values.last_mut();
        let Some(value) = value else { break };
        if character == separator {
            value.extend(std::iter::repeat_n('\\', backslashes / 2));
            if backslashes % 2 == 1 {
                value.push(separator);
            } else {
                values.push(String::new());
            }
        } else {
            value.extend(std::iter::repeat_n('\\', backslashes));
            value.push(character);
        }
        backslashes = 0;
    }
    if let Some(value) = values.last_mut() {
        value.extend(std::iter::repeat_n('\\', backslashes));
    }
    values.into_iter().map(|value| super::trimmed(&value).to_owned()).collect()
}

/// The cell that [`split`] takes apart into these values.
pub(super) fn join<'a>(values: impl IntoIterator<Item = &'a str>, separator: char) -> String {
    let mut cell = String::new();
    let mut first = true;
    for value in values {
        if !std::mem::take(&mut first) {
            // A value that ends with backslashes must not hide the separator.
            let trailing = cell.len() - cell.trim_end_matches('\\').len();
            cell.extend(std::iter::repeat_n('\\', trailing));
            cell.push(separator);
        }
        let mut backslashes = 0;
        for character in value.chars() {
            if character == separator {
                cell.extend(std::iter::repeat_n('\\', backslashes + 1));
            }
            backslashes = if character == '\\' { backslashes + 1 } else { 0 };
            cell.push(character);
        }
    }
    cell
}

/// A rectangle `x,y,w,h`, also with `xywh=` before it.
pub(crate) fn region(text: &str) -> Option<Region> {
    let text = text.trim();
    let text = text.strip_prefix("xywh=").unwrap_or(text);
    let text = text.strip_prefix("pixel:").unwrap_or(text);
    let numbers: Vec<u32> = text.split([',', ';']).map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    match numbers[..] {
        [x, y, w, h] if w > 0 && h > 0 => Some(Region { x, y, w, h }),
        _ => None,
    }
}

/// A number of people: `52.52`, and `52,52` where the comma is the decimal point.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = text.parse().ok().or_else(|| {
        let comma = text.matches(',').count() == 1 && !text.contains('.');
        comma.then(|| text.replace(',', ".").parse().ok())?
    });
    number.filter(|number: &f64| number.is_finite())
}

/// Seconds, or `minutes:seconds`, or `hours:minutes:seconds`.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.trim().split(':').collect();
    let (last, whole) = parts.split_last()?;
    let whole: Vec<u32> = whole.iter().map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let last = number(last).filter(|seconds| *seconds >= 0.0 && (whole.is_empty() || *seconds < 60.0))?;
    match whole[..] {
        [] => Some(last),
        [minutes] => Some(f64::from(minutes) * 60.0 + last),
        [hours, minutes @ 0..=59] => Some(f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + last),
        _ => None,
    }
}

/// An address and, after a space, its name.
pub(super) fn link(value: &str, language: &str) -> Link {
    let (id, name) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    let name = name.trim();
    let label = if name.is_empty() { LanguageMap::default() } else { LanguageMap::one(language, name) };
    Link { id: id.to_owned(), label, ..Link::default() }
}

/// A cell as written where it would be run as a formula when a spreadsheet opens the file: `'` in front makes it text.
pub(super) fn guarded(cell: String) -> String {
    if would_run(&cell) { format!("'{cell}") } else { cell }
}

/// The cell without the mark that [`guarded`] gave it.
pub(super) fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| would_run(rest)).unwrap_or(cell)
}

fn would_run(cell: &str) -> bool {
    let text = cell.trim_start_matches('\'');
    text.starts_with(['=', '+', '@', '-']) && text.parse::<f64>().is_err() && text != "-"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_divided_by_the_separator_alone() {
        for (cell, want) in [
            ("a | b|c", &["a", "b", "c"][..]),
            ("a||b|", &["a", "b"]),
            ("a\\|b|c", &["a|b", "c"]),
            ("a\\\\|b", &["a\\", "b"]),
            ("C:\\scans|b\\", &["C:\\scans", "b\\"]),
            ("", &[]),
            (" | ", &[]),
        ] {
            assert_eq!(split(cell, '|'), want, "{cell}");
        }
        assert_eq!(split("a; b;c", ';'), ["a", "b", "c"]);
    }

    #[test]
    fn rectangles_numbers_and_times_are_read_strictly() {
        let rect = |x, y, w, h| Some(Region { x, y, w, h });
        for (text, want) in [
            ("1,2,3,4", rect(1, 2, 3, 4)),
            (" 1, 2, 3, 4 ", rect(1, 2, 3, 4)),
            ("xywh=1,2,3,4", rect(1, 2, 3, 4)),
            ("xywh=pixel:0,0,1,1", rect(0, 0, 1, 1)),
            ("1,2,0,4", None),
            ("1,2,3", None),
            ("-1,2,3,4", None),
            ("1.5,2,3,4", None),
            ("percent:1,2,3,4", None),
        ] {
            assert_eq!(region(text), want, "{text}");
        }
        for (text, want) in [
            ("52.52", Some(52.52)),
            ("52,52", Some(52.52)),
            ("-117", Some(-117.0)),
            ("1.000,5", None),
            ("NaN", None),
            ("", None),
        ] {
            assert_eq!(number(text), want, "{text}");
        }
        for (text, want) in [
            ("90", Some(90.0)),
            ("1.5", Some(1.5)),
            ("1:30", Some(90.0)),
            ("01:00:02.5", Some(3602.5)),
            ("1:60", None),
            ("-3", None),
            ("1:2:3:4", None),
            ("x", None),
        ] {
            assert_eq!(seconds(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn values_that_were_joined_are_divided_again(values in proptest::collection::vec("[a|\\\\ ;]{0,4}[a|\\\\]", 0..4)) {
            let values: Vec<String> = values.iter().map(|value| value.trim().to_owned()).collect();
            let cell = join(values.iter().map(String::as_str), '|');
            prop_assert_eq!(split(&cell, '|'), values);
        }

        #[test]
        fn a_guarded_cell_is_itself_again(cell in "'{0,2}[=+@-]?[a1'=]{0,3}") {
            let written = guarded(cell.clone());
            prop_assert_eq!(unguarded(&written), cell);
        }
    }
}
