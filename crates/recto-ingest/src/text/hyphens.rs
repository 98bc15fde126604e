//! Words that are broken at the ends of lines, and compounds whose hyphen happens to stand there.

use std::collections::HashSet;

use recto_iiif::text::WordPart;

use super::script;
use super::sheet::{Line, Part, Word};

/// Joins words broken at the ends of lines.
pub(super) fn join_broken(lines: &mut [&mut Line], language: Option<&str>) {
    let written = if lines.iter().any(|line| line.words.last().is_some_and(ends_with_hyphen)) {
        compounds(lines)
    } else {
        HashSet::new()
    };
    for at in 0..lines.len() {
        let (before, after) = lines.split_at_mut(at + 1);
        let Some(line) = before.last_mut() else { continue };
        let language = line.line.language.as_deref().or(language);
        let Some(first) = line.words.last_mut() else { continue };
        let second = after.first_mut().and_then(|line| line.words.first_mut());
        if let Some(second) = &second
            && ends_with_hyphen(first)
            && keeps_hyphen(first, &second.word.text, language, &written)
        {
            continue;
        }
        join(first, second);
    }
    // A second part without a first is a word, unless it begins the page: then the first is on the page before.
    let words = lines.iter_mut().flat_map(|line| &mut line.words);
    let mut is_expected = true;
    for word in words {
        match &word.word.part {
            None if word.part == Some(Part::Second) && is_expected => word.word.part = Some(WordPart::Second),
            _ => {}
        }
        is_expected = matches!(word.word.part, Some(WordPart::First { .. }));
    }
}

/// Does a word end with a hyphen that may be one of a compound? The source does not say what the whole word is.
fn ends_with_hyphen(word: &Word) -> bool {
    match word.part {
        Some(Part::Hyphened(_)) => true,
        Some(Part::First(Some(_))) => false,
        _ => script::without_hyphen(&word.word.text).is_some_and(|(_, is_certain)| !is_certain),
    }
}

/// The compounds of a page and what they begin with: of `mother-in-law` also `mother-in`.
fn compounds(lines: &[&mut Line]) -> HashSet<String> {
    let mut written = HashSet::new();
    for compound in lines.iter().flat_map(|line| &line.words).filter_map(|word| script::compound(&word.word.text)) {
        let second = compound.match_indices('-').skip(1);
        written.extend(second.map(|(at, _)| compound[..at].to_owned()));
        written.insert(compound);
    }
    written
}

/// Leaves the hyphen where it is one of a compound: there is no space behind it, and each part is a word that is found alone.
fn keeps_hyphen(first: &mut Word, second: &str, language: Option<&str>, written: &HashSet<String>) -> bool {
    let start = script::without_hyphen(&first.word.text).map_or(first.word.text.as_str(), |(start, _)| start);
    if !script::keeps_hyphen(start, second, language, |compound| written.contains(compound)) {
        return false;
    }
    if let Some(Part::Hyphened(hyphen)) = first.part
        && start.len() == first.word.text.len()
    {
        first.word.text.push(hyphen);
    }
    first.word.joined_to_next = true;
    true
}

fn join(first: &mut Word, second: Option<&mut Word>) {
    let hyphened = script::without_hyphen(&first.word.text);
    let is_said = matches!(first.part, Some(Part::First(_) | Part::Hyphened(_)));
    let start = match hyphened {
        Some((rest, _)) => rest,
        None if is_said => first.word.text.as_str(),
        None => return,
    };
    let said = match &first.part {
        Some(Part::First(Some(whole))) => {
            Some(whole.trim_matches(script::is_space).to_owned()).filter(|whole| !whole.is_empty())
        }
        _ => None,
    };
    let is_certain = is_said || hyphened.is_some_and(|(_, is_certain)| is_certain);
    let fitting = second
        .filter(|second| second.part == Some(Part::Second) || script::continues(start, &second.word.text, is_certain));
    let whole = match (said, &fitting) {
        (Some(said), Some(second)) => with_punctuation(start, &said, &second.word.text),
        (Some(said), None) => said,
        (None, Some(second)) => format!("{start}{}", second.word.text),
        (None, None) => return,
    };
    if let Some(second) = fitting {
        second.word.part = Some(WordPart::Second);
    }
    first.word.text.truncate(start.len());
    first.word.part = Some(WordPart::First { whole });
}

/// The whole word as it is said, with the punctuation around its parts that is not said.
fn with_punctuation(first: &str, whole: &str, second: &str) -> String {
    let before = first.find(char::is_alphanumeric).map_or("", |at| &first[..at]);
    let after = second.trim_end_matches(|c: char| !c.is_alphanumeric());
    let after = &second[after.len()..];
    let before = if whole.starts_with(before) { "" } else { before };
    let after = if whole.ends_with(after) { "" } else { after };
    format!("{before}{whole}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_around_a_broken_word_is_kept() {
        assert_eq!(with_punctuation("(ver", "verbunden", "bunden,"), "(verbunden,");
        assert_eq!(with_punctuation("ver", "verbunden,", "bunden,"), "verbunden,");
    }
}
