//! What tables and sidecars share: notes of findings with their place, names that were probably meant, language tags.

use crate::Finding;
use crate::finding::{Findings, Severity};

/// Findings about one file, as they come.
#[derive(Debug)]
pub(crate) struct Report {
    place: String,
    sheet: Option<String>,
    findings: Findings,
    searches_left: u32,
}

/// A line and a column of the file, from 1; 0 where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl At {
    pub(crate) const FILE: Self = Self { line: 0, column: 0 };

    pub(crate) const fn new(line: u32, column: u32) -> Self {
        Self { line, column }
    }

    pub(crate) const fn line(line: u32) -> Self {
        Self { line, column: 0 }
    }
}

impl Report {
    pub(crate) fn new(place: &str) -> Self {
        Self { place: place.to_owned(), sheet: None, findings: Findings::default(), searches_left: 50 }
    }

    /// What follows is about this sheet of a workbook.
    pub(crate) fn sheet(&mut self, name: Option<&str>) {
        self.sheet = name.map(str::to_owned);
    }

    pub(crate) fn error(&mut self, at: At, rule: &'static str, message: impl AsRef<str>, fix: impl Into<String>) {
        self.push(Severity::Error, at, rule, message.as_ref(), fix.into());
    }

    pub(crate) fn warning(&mut self, at: At, rule: &'static str, message: impl AsRef<str>, fix: impl Into<String>) {
        self.push(Severity::Warning, at, rule, message.as_ref(), fix.into());
    }

    pub(crate) fn note(&mut self, at: At, rule: &'static str, message: impl AsRef<str>, fix: impl Into<String>) {
        self.push(Severity::Note, at, rule, message.as_ref(), fix.into());
    }

    fn push(&mut self, severity: Severity, at: At, rule: &'static str, message: &str, fix: String) {
        let message = match &self.sheet {
            Some(sheet) => format!("sheet `{}`: {message}", shown(sheet)),
            None => message.to_owned(),
        };
        let mut finding = Finding::new(severity, rule, self.place.clone(), message, fix);
        if at.line > 0 {
            finding = finding.at_line(at.line);
        }
        if at.column > 0 {
            finding = finding.at_column(at.column);
        }
        self.findings.push(finding);
    }

    /// The name that was probably meant, as a sentence's end. Only a few are looked for: a thousand wrong names among a
    /// thousand right ones would take long, and have one cause.
    pub(crate) fn did_you_mean<'a>(
        &mut self,
        given: &str,
        known: impl IntoIterator<Item = &'a str>,
        otherwise: &str,
    ) -> String {
        if self.searches_left == 0 {
            return otherwise.to_owned();
        }
        self.searches_left -= 1;
        match nearest(given, known) {
            Some(name) => format!("did you mean `{}`?", shown(name)),
            None => otherwise.to_owned(),
        }
    }

    pub(crate) fn into_list(self) -> Vec<Finding> {
        self.findings.into_list()
    }
}

/// A text for a message: one line, and not too long.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let mut short: String =
        text.chars().take(MOST).map(|character| if character.is_control() { ' ' } else { character }).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

/// The one of these names that is near enough to be meant.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > 100 {
        return None;
    }
    let wanted = folded(given);
    if wanted.is_empty() {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for name in known.into_iter().filter(|name| name.len() <= 100) {
        let other = folded(name);
        // One letter in names of up to six, two in names of up to ten.
        let most = (wanted.chars().count().max(other.chars().count()) + 1) / 4;
        let distance = strsim::damerau_levenshtein(&wanted, &other);
        if distance <= most && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// A name without what people write now so, now so: case, spaces, underscores, hyphens.
pub(crate) fn folded(name: &str) -> String {
    name.chars()
        .filter(|character| !character.is_whitespace() && !matches!(character, '_' | '-' | '\u{ad}'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Has it the form of a language tag (BCP 47), or is it `none`? Which subtags exist is not known here.
pub(crate) fn is_language_tag(tag: &str) -> bool {
    if tag == "none" {
        return true;
    }
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    letters(first)
        && ((2..=3).contains(&first.len()) || matches!(first, "x" | "i"))
        && (first.len() > 1 || tag.len() > 2)
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_not() {
        let known = ["label", "summary", "viewingDirection", "rights"];
        for (given, want) in [
            ("lable", Some("label")),
            ("Label", Some("label")),
            ("sumary", Some("summary")),
            ("viewing_direction", Some("viewingDirection")),
            ("right", Some("rights")),
            ("creator", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known), want, "{given}");
        }
    }

    #[test]
    fn language_tags_are_known_by_their_form() {
        for tag in ["de", "en-GB", "zh-Hant-TW", "none", "deu", "x-klingon", "sr-Latn", "de-1996", "NO"] {
            assert!(is_language_tag(tag), "{tag}");
        }
        for tag in ["", "german", "d", "x", "de_AT", "de-", "-de", "123", "Deutsch", "de-verylongsubtag"] {
            assert!(!is_language_tag(tag), "{tag}");
        }
    }

    #[test]
    fn a_text_in_a_message_is_one_short_line() {
        assert_eq!(shown("a\nb"), "a b");
        assert_eq!(shown(&"ä".repeat(81)).chars().count(), 81);
    }
}
