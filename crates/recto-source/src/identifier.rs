//! Which identifiers could name something at all, and which page they mean.

use recto_iiif::identifier::Identifier;

use crate::SourceError;

/// Longest identifier in bytes; what a path may have on Linux.
const MOST_BYTES: usize = 4095;
/// Longest segment in bytes; what a file name may have.
const MOST_SEGMENT_BYTES: usize = 255;

/// Checks that an identifier is a plain relative path: nothing in it climbs, starts over, hides or ends early.
pub(crate) fn check(identifier: &Identifier) -> Result<(), SourceError> {
    let text = identifier.as_str();
    let malformed = |rule| Err(SourceError::Malformed { identifier: text.escape_debug().to_string(), rule });
    if text.is_empty() {
        return malformed("it is empty");
    }
    if text.len() > MOST_BYTES {
        let shown: String = text.chars().take(60).collect();
        let rule = "it is longer than 4095 bytes";
        return Err(SourceError::Malformed { identifier: format!("{}…", shown.escape_debug()), rule });
    }
    if text.starts_with('/') {
        return malformed("it starts with `/`");
    }
    if text.chars().any(char::is_control) {
        return malformed("it holds a control character");
    }
    if text.contains('\\') {
        return malformed("it holds a backslash");
    }
    for segment in text.split('/') {
        match segment_rule(segment) {
            None => {}
            // That something is hidden is nobody's business.
            Some(HIDDEN) => return Err(SourceError::NotFound { identifier: text.to_owned() }),
            Some(rule) => return malformed(rule),
        }
    }
    Ok(())
}

const HIDDEN: &str = "it starts with `.`";

/// The rule that a segment breaks.
pub(crate) fn segment_rule(segment: &str) -> Option<&'static str> {
    match segment {
        "" => Some("it has an empty segment"),
        "." | ".." => Some("a segment is `.` or `..`"),
        _ if segment.starts_with('.') => Some(HIDDEN),
        _ if segment.len() > MOST_SEGMENT_BYTES => Some("a segment is longer than 255 bytes"),
        _ => None,
    }
}

/// Splits `name;N` into the name and the page. `None` when it names no page in the one normal way.
pub(crate) fn split_page(text: &str) -> Option<(&str, u32)> {
    let (name, digits) = text.rsplit_once(';')?;
    let is_plain = !digits.starts_with('0') && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let named = !name.is_empty() && !name.ends_with('/');
    (is_plain && named).then(|| digits.parse().ok().map(|page| (name, page))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_split_off_in_its_one_normal_form() {
        for (given, want) in [
            ("a.tif;2", Some(("a.tif", 2))),
            ("a;1", Some(("a", 1))),
            ("a;b;3", Some(("a;b", 3))),
            ("a;4294967295", Some(("a", u32::MAX))),
            ("a;4294967296", None),
            ("a", None),
            ("a;", None),
            ("a;0", None),
            ("a;02", None),
            ("a;+2", None),
            ("a;-2", None),
            ("a; 2", None),
            ("a;２", None),
            (";2", None),
            ("x/;2", None),
            ("a;2/b", None),
        ] {
            assert_eq!(split_page(given), want, "{given}");
        }
    }
}
