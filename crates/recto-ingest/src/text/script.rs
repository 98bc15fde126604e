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

/// The first part of a word without the hyphen that it ends with, and whether that always means a broken word.
pub(super) fn without_hyphen(text: &str) -> Option<(&str, bool)> {
    let last = text.chars().next_back()?;
    let is_certain = match last {
        '\u{ad}' | '¬' => true,
        '-' | '\u{2010}' | '\u{2011}' | '⸗' | '\u{2e40}' | '゠' | '\u{58a}' | '\u{5be}' => false,
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
    let is_capital = |text: &str| {
        letters(text) == 2 && !text.chars().any(char::is_lowercase) && text.chars().any(char::is_uppercase)
    };
    // `Nord-` and `Süd` are two words; so are `INTRO-` and `Peter`.
    begin.is_alphabetic() && (!begin.is_uppercase() || is_capital(first) && is_capital(second))
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
            ("1914-", "18", None),
            ("-", "a", None),
            ("ver", "bunden", None),
        ] {
            let joined = without_hyphen(first).filter(|(rest, is_certain)| continues(rest, second, *is_certain));
            assert_eq!(joined.map(|(rest, _)| format!("{rest}{second}")).as_deref(), whole, "{first} {second}");
        }
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
