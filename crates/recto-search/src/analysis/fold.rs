//! Folding: one term for all ways to write a word, whatever the case, the accents, the ligatures and the century.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::segment::{JOINER, is_ignorable, is_symbol, is_unsegmented, is_word_character};

/// The term of a piece: lower case, compatibility forms resolved, marks gone where they are no letters of their own.
///
/// Marks are stripped in Latin, Greek, Cyrillic, Hebrew and Arabic only; in Thai and the scripts of India they are vowels. The term
/// of a term is itself.
pub fn fold(piece: &str) -> Cow<'_, str> {
    if piece.is_ascii() {
        return if piece.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(piece.to_ascii_lowercase())
        } else {
            Cow::Borrowed(piece)
        };
    }
    if piece.chars().next().is_some_and(is_symbol) {
        return Cow::Owned(fold_symbol(piece));
    }
    if piece.chars().next().is_some_and(is_unsegmented) {
        return Cow::Owned(fold_character(piece));
    }
    Cow::Owned(fold_word(piece))
}

/// Symbols have no colours: what chooses their look or their skin is gone, and what joins them stays.
fn fold_symbol(piece: &str) -> String {
    let mut out = String::new();
    let mut is_joined = false;
    for character in piece.nfd() {
        if is_symbol(character) {
            if std::mem::take(&mut is_joined) && !out.is_empty() {
                out.push(JOINER);
            }
            out.push(character);
        } else {
            is_joined |= character == JOINER;
        }
    }
    out
}

/// A character of a script without spaces stays one: what would fall apart into several keeps its form.
fn fold_character(piece: &str) -> String {
    let visible = || piece.chars().filter(|character| !is_ignorable(*character));
    let folded: String = visible().nfkd().nfc().collect();
    let mut characters = folded.chars();
    let is_one = characters.next().is_some_and(is_unsegmented) && characters.all(is_combining_mark);
    if is_one { folded } else { visible().nfc().collect() }
}

fn fold_word(piece: &str) -> String {
    let mut out = String::with_capacity(piece.len());
    let mut strips = false;
    let mut last = ' ';
    let mut keep = |character: char| {
        if is_combining_mark(character) {
            // The short i of Cyrillic is a letter; dictionaries and stemmers tell it from i.
            if last == ' ' {
                return;
            }
            if !strips || (character == '\u{306}' && last == 'и') {
                out.push(character);
                last = character;
            }
            return;
        }
        if is_ignorable(character) || !is_word_character(character) {
            return;
        }
        for lower in character.to_lowercase() {
            if is_combining_mark(lower) {
                continue;
            }
            strips = is_stripped_of_marks(lower);
            last = lower;
            match replacement(lower) {
                Some(text) => out.push_str(text),
                None => out.push(lower),
            }
        }
    };
    piece.chars().nfkd().for_each(&mut keep);
    if out.is_ascii() { out } else { out.nfc().collect() }
}

/// The scripts in which a mark only tells how to say a letter.
fn is_stripped_of_marks(character: char) -> bool {
    matches!(u32::from(character),
        0x41..=0x24f | 0x250..=0x2af | 0x1e00..=0x1eff | 0x2c60..=0x2c7f | 0xa720..=0xa7ff | 0xab30..=0xab6f
        | 0x370..=0x3ff | 0x1f00..=0x1fff
        | 0x400..=0x52f | 0x1c80..=0x1c8f | 0x2de0..=0x2dff | 0xa640..=0xa69f
        | 0x590..=0x5ff | 0xfb1d..=0xfb4f
        | 0x600..=0x6ff | 0x750..=0x77f | 0x8a0..=0x8ff | 0xfb50..=0xfdff | 0xfe70..=0xfeff
        // Letters for private use are those of medieval Latin, where there are any.
        | 0xe000..=0xf8ff)
}

/// What stands for a lower-case letter that no decomposition takes apart.
fn replacement(character: char) -> Option<&'static str> {
    Some(match character {
        'ſ' => "s",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' | 'ꝺ' => "d",
        'ħ' => "h",
        'ı' => "i",
        'þ' => "th",
        'ŋ' => "n",
        'ŧ' | 'ꞇ' => "t",
        'ꝛ' => "r",
        'ꝼ' => "f",
        'ꝝ' => "rum",
        'ꜳ' => "aa",
        'ꜵ' => "ao",
        'ꜷ' => "au",
        'ꝏ' => "oo",
        'ς' => "σ",
        // Hebrew letters at the end of a word.
        'ך' => "כ",
        'ם' => "מ",
        'ן' => "נ",
        'ף' => "פ",
        'ץ' => "צ",
        // Arabic: alef wasla, alef maksura, teh marbuta; Persian yeh and kaf.
        'ٱ' => "ا",
        'ى' | 'ی' => "ي",
        'ة' => "ه",
        'ک' => "ك",
        '٠' | '۰' => "0",
        '١' | '۱' => "1",
        '٢' | '۲' => "2",
        '٣' | '۳' => "3",
        '٤' | '۴' => "4",
        '٥' | '۵' => "5",
        '٦' | '۶' => "6",
        '٧' | '۷' => "7",
        '٨' | '۸' => "8",
        '٩' | '۹' => "9",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::pieces;
    use super::*;

    #[test]
    fn t5_ways_to_write_a_word_have_one_term() {
        for (given, want) in [
            ("Haus", "haus"),
            ("ſtraſſe", "strasse"),
            ("STRAẞE", "strasse"),
            ("Straße", "strasse"),
            ("Cæſar", "caesar"),
            ("œuvre", "oeuvre"),
            ("Smørrebrød", "smorrebrod"),
            ("Łódź", "lodz"),
            ("ﬁnden", "finden"),
            ("waꝛen", "waren"),
            ("guͤter", "guter"),
            ("Ｆｕｌｌ", "full"),
            ("é", "e"),
            ("e\u{301}", "e"),
            ("Ὀδυσσεύς", "οδυσσευσ"),
            ("Ёлка", "елка"),
            ("Йод", "йод"),
            ("İstanbul", "istanbul"),
            ("Wör\u{ad}ter", "worter"),
            ("שָׁלוֹם", "שלומ"),
            ("مُحَمَّد", "محمد"),
            ("أحـــمد", "احمد"),
            ("إلى", "الي"),
            ("سنة", "سنه"),
            ("۱۲۳", "123"),
            ("हिन्दी", "हिन्दी"),
            ("ﷺ", "صلياللهعليهوسلم"),
            ("Ⅻ", "xii"),
            ("한국어", "한국어"),
            ("ｶﾞ", "ガ"),
            ("ヿ", "ヿ"),
            ("👍🏽", "👍"),
            ("❤\u{fe0f}", "❤"),
            ("👩🏽\u{200d}💻\u{200d}", "👩\u{200d}💻"),
            ("❤\u{fe0f}\u{200d}🔥", "❤\u{200d}🔥"),
            ("🇩🇪", "🇩🇪"),
            ("℃", "℃"),
        ] {
            assert_eq!(fold(given), want, "{given}");
        }
    }

    #[test]
    fn each_character_has_a_term_that_is_one_piece_and_its_own_term() {
        let mut wrong = Vec::new();
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            for text in ["{}", "a{}b", "क{}", "🎉{}", "🎉\u{200d}{}", "東{}"]
                .map(|text| text.replace("{}", &character.to_string()))
            {
                for piece in pieces(&text) {
                    let term = fold(&text[piece.range.clone()]).into_owned();
                    let again: Vec<_> = pieces(&term).map(|piece| piece.range).collect();
                    if again != std::slice::from_ref(&(0..term.len())) || fold(&term) != term {
                        wrong.push(format!("U+{:04X} in {text:?}: {term:?}", u32::from(character)));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} such as {:#?}", wrong.len(), &wrong[..wrong.len().min(60)]);
    }
}
