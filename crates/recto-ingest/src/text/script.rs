//! What has to be known of scripts to put words together: which are written without spaces, and which from right to left.

/// A character that stands between words.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || character.is_control() || matches!(character, '\u{200b}' | '\u{feff}')
}

/// A character of a script that has no spaces between words, punctuation of it included.
pub(super) fn is_unspaced(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x19E0..=0x19FF | 0x1A20..=0x1AAF)
        || is_ideograph(character)
}

/// A character of Chinese or Japanese, each of which can stand for itself; Korean has spaces.
pub(super) fn is_ideograph(character: char) -> bool {
    matches!(u32::from(character),
        0x2E80..=0x2FDF | 0x3001..=0x312F | 0x31A0..=0x31BF | 0x31C0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF01..=0xFF9F | 0x1B000..=0x1B16F | 0x20000..=0x3FFFF)
}

/// A letter that is written from right to left.
pub(super) fn is_right_to_left(character: char) -> bool {
    matches!(u32::from(character),
        0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFE | 0x10800..=0x10FFF | 0x1E800..=0x1EFFF)
        && (character.is_alphabetic() || unicode_normalization::char::is_combining_mark(character))
}

/// Is this text, without regard to digits and punctuation, written from right to left?
pub(super) fn runs_right_to_left(text: &str) -> bool {
    let mut has_letters = false;
    for character in text.chars() {
        if is_right_to_left(character) {
            has_letters = true;
        } else if character.is_alphabetic() {
            return false;
        }
    }
    has_letters
}

/// How many places a text takes: marks on letters take none.
pub(super) fn places(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().filter(|character| !unicode_normalization::char::is_combining_mark(*character)).count()
}

/// How many letters a text has, up to two.
fn letters(text: &str) -> usize {
    text.chars().filter(|character| character.is_alphabetic()).take(2).count()
}

/// A hyphen that words are broken at and that compounds are written with, too.
pub(super) fn is_hyphen(character: char) -> bool {
    matches!(character, '-' | '\u{2010}' | '\u{2011}' | '⸗' | '\u{2e40}' | '゠' | '\u{58a}' | '\u{5be}')
}

/// The first part of a word without the hyphen that it ends with, and whether that always means a broken word.
pub(super) fn without_hyphen(text: &str) -> Option<(&str, bool)> {
    let last = text.chars().next_back()?;
    let is_certain = match last {
        '\u{ad}' | '¬' => true,
        last if is_hyphen(last) => false,
        _ => return None,
    };
    let rest = text.trim_end_matches(last);
    (letters(rest) > 0
        && rest
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphabetic() || unicode_normalization::char::is_combining_mark(c)))
    .then_some((rest, is_certain))
}

/// May this be the second part of a word of which `first` is the first?
pub(super) fn continues(first: &str, second: &str, is_certain: bool) -> bool {
    let Some(begin) = second.chars().next() else { return false };
    if is_certain {
        return begin.is_alphanumeric();
    }
    // In `Nord- und Südwind` the hyphen stands for what follows later.
    if matches!(trimmed(second), "und" | "oder") {
        return false;
    }
    // `Nord-` and `Süd` are two words; so are `INTRO-` and `Peter`.
    begin.is_alphabetic() && (!begin.is_uppercase() || is_capital(first) && is_capital(second))
}

/// All letters, of which there are several, are capitals.
fn is_capital(text: &str) -> bool {
    letters(text) == 2 && !text.chars().any(char::is_lowercase) && text.chars().any(char::is_uppercase)
}

/// A word without the punctuation around it.
fn trimmed(word: &str) -> &str {
    word.trim_matches(|character: char| !character.is_alphanumeric())
}

/// Is the hyphen between these parts one of a compound, so that it would stand there within a line, too? Nobody can tell for certain:
/// `first` is without it, `is_written` tells whether a compound as [`compound`] gives it is on the page.
pub(super) fn keeps_hyphen(
    first: &str,
    second: &str,
    language: Option<&str>,
    is_written: impl FnOnce(&str) -> bool,
) -> bool {
    let (first, second) = (trimmed(first), trimmed(second));
    let Some(begin) = second.chars().next().filter(|begin| begin.is_alphabetic()) else { return false };
    // `Berlin-Brandenburg`
    if begin.is_uppercase() && !(is_capital(first) && is_capital(second)) {
        return true;
    }
    // `mother-in-law`, broken at the first hyphen. German rather breaks a word in the midst: `Reichs-tags-Abgeordneter`.
    let is_german = language.is_some_and(|tag| tag.split('-').next().is_some_and(|code| code == "de"));
    if let Some((_, behind)) = second.split_once(is_hyphen)
        && !(is_german && behind.starts_with(char::is_uppercase))
    {
        return true;
    }
    // `mother-in-law`, broken at the second; but `Staats-Anzei-ger`.
    if first.rsplit_once(is_hyphen).is_some_and(|(_, last)| last.starts_with(char::is_lowercase)) {
        return true;
    }
    compound(&format!("{first}-{second}")).is_some_and(|compound| is_written(&compound))
}

/// How a compound is remembered; `None` for words without a hyphen between letters.
pub(super) fn compound(word: &str) -> Option<String> {
    let word = trimmed(word);
    if !word.contains(is_hyphen) {
        return None;
    }
    Some(
        word.chars()
            .map(|character| if is_hyphen(character) { '-' } else { character })
            .collect::<String>()
            .to_lowercase(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hyphens_at_the_end_of_lines_are_known() {
        for (first, second, whole) in [
            ("ver-", "bunden", Some("verbunden")),
            ("ver\u{ad}", "bunden", Some("verbunden")),
            ("ver¬", "Bunden", Some("verBunden")),
            ("Un⸗", "mündigkeit", Some("Unmündigkeit")),
            ("(ver-", "bunden)", Some("(verbunden)")),
            ("Nord-", "Süd", None),
            ("VER-", "BUNDEN", Some("VERBUNDEN")),
            ("Nord-", "und", None),
            ("Nord-", "oder,", None),
            ("Nord¬", "und", Some("Nordund")),
            ("1914-", "18", None),
            ("-", "a", None),
            ("ver", "bunden", None),
        ] {
            let joined = without_hyphen(first).filter(|(rest, is_certain)| continues(rest, second, *is_certain));
            assert_eq!(joined.map(|(rest, _)| format!("{rest}{second}")).as_deref(), whole, "{first} {second}");
        }
    }

    #[test]
    fn hyphens_of_compounds_are_told_from_those_of_broken_words() {
        for (first, second, language, want) in [
            ("mother", "in-law", None, true),
            ("mother", "in-law,\"", None, true),
            ("mother-in", "law", None, true),
            ("(vis-à", "vis)", Some("fr"), true),
            ("Berlin", "Brandenburg", None, true),
            ("Wort", "teil", None, false),
            ("Wort", "teil-", None, false),
            ("Wort", "teil—", None, false),
            ("Staats-Anzei", "ger", None, false),
            ("VER", "BUNDEN", None, false),
            ("BERLIN", "BRAN-DENBURG", None, true),
            ("Reichs", "tags-Abgeordneter", Some("de"), false),
            ("Reichs", "tags-Abgeordneter", None, true),
            ("well", "known.", None, true),
            ("Well", "Known", None, true),
            ("well", "knowing", None, false),
            ("19", "20er", None, false),
        ] {
            let is_written = |compound: &str| compound == "well-known";
            assert_eq!(keeps_hyphen(first, second, language, is_written), want, "{first}-{second}");
        }
        assert_eq!(compound("(Mother‐in\u{2010}Law),").as_deref(), Some("mother-in-law"));
        assert_eq!((compound("word-"), compound("word")), (None, None));
    }

    #[test]
    fn scripts_are_told_apart() {
        assert!("漢字かなカナ、ไทย".chars().all(is_unspaced) && !"한국 latin".chars().any(is_unspaced));
        assert!(
            runs_right_to_left("שלום,")
                && runs_right_to_left("العَرَبِيّة")
                && !runs_right_to_left("12")
                && !runs_right_to_left("aש")
        );
        assert_eq!((places("e\u{301}a"), places("abc")), (2, 3));
    }
}
