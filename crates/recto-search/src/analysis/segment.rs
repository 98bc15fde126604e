//! Where one piece of text ends and the next begins.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use unicode_normalization::char::is_combining_mark;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// A piece of text that has a position of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// Its position, counted from the first piece of the text.
    ///
    /// After a character of a script without spaces, a sign that is none takes a position, too: else `東。京` were `東京`.
    pub position: u32,
    /// Is it a character of a script that is written without spaces?
    pub is_character: bool,
}

/// The pieces of a text, in its order.
///
/// A piece is what stands between two characters that are neither letter, digit nor mark: `l'amour` and `Staats-Anzeiger` are two
/// pieces each. In the scripts that are written without spaces (Han, Kana, Thai, Lao, Khmer, Burmese) each character is one, with its marks.
/// So is each symbol of a word without letters and digits: `🎉`, `(♫)`, but neither `Foo®` nor `—`.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece> + '_ {
    let mut positions = Positions::default();
    positions.pieces(text)
}

/// Counts positions over several texts that follow each other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Positions {
    next: u32,
    after_character: bool,
}

impl Positions {
    /// The next position that is free.
    pub(crate) const fn next(self) -> u32 {
        self.next
    }

    /// The pieces of the next text. The count goes on when the iterator has ended.
    pub(crate) fn pieces<'a>(&mut self, text: &'a str) -> Pieces<'a> {
        Pieces { text, characters: text.char_indices().peekable(), positions: *self, symbols: (0, false) }
    }

    /// Calls `each` with every piece of the next text.
    pub(crate) fn each(&mut self, text: &str, mut each: impl FnMut(Piece)) {
        let mut pieces = self.pieces(text);
        pieces.by_ref().for_each(&mut each);
        *self = pieces.positions;
    }
}

pub(crate) struct Pieces<'a> {
    text: &'a str,
    characters: Peekable<CharIndices<'a>>,
    positions: Positions,
    /// Up to where it is known whether symbols are pieces, and whether they are.
    symbols: (usize, bool),
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let (start, first) = loop {
            let (at, character) = self.characters.next()?;
            if begins_piece(character) {
                break (at, character);
            }
            // Most of what is read: nothing of it is a mark, a symbol or unseen.
            if character.is_ascii() && !self.positions.after_character {
                continue;
            }
            if is_symbol(character) && self.has_symbols_alone(at) {
                return Some(self.symbol(at, character));
            }
            let is_sign = !character.is_whitespace() && !is_ignorable(character) && !is_mark(character);
            if is_sign && self.positions.after_character {
                self.positions.after_character = false;
                self.positions.next = self.positions.next.saturating_add(1);
            }
        };
        let is_character = is_unsegmented(first);
        while let Some((_, next)) = self.characters.peek() {
            if next.is_ascii() {
                if is_character || !next.is_ascii_alphanumeric() {
                    break;
                }
                self.characters.next();
                continue;
            }
            let is_letter = !is_character && begins_piece(*next) && !is_unsegmented(*next);
            let goes_on = is_mark(*next) || is_ignorable(*next) || is_letter;
            if !goes_on {
                break;
            }
            self.characters.next();
        }
        Some(self.piece_from(start, is_character))
    }
}

impl Pieces<'_> {
    /// The piece that begins there and ends here.
    fn piece_from(&mut self, start: usize, is_character: bool) -> Piece {
        let end = self.characters.peek().map_or(self.text.len(), |(at, _)| *at);
        let position = self.positions.next;
        self.positions.next = position.saturating_add(1);
        self.positions.after_character = is_character;
        Piece { range: start..end, position, is_character }
    }

    /// Has the word around a symbol neither letters nor digits? Characters of scripts without spaces are words of their own.
    fn has_symbols_alone(&mut self, at: usize) -> bool {
        if at < self.symbols.0 {
            return self.symbols.1;
        }
        let is_lettered = |character: char| begins_piece(character) && !is_unsegmented(character);
        let (before, after) = self.text.split_at_checked(at).unwrap_or_default();
        let is_space = |character: &char| character.is_whitespace();
        let end = at + after.find(char::is_whitespace).unwrap_or(after.len());
        let before = before.chars().rev().take_while(|character| !is_space(character)).any(is_lettered);
        let is_alone = !before && !self.text.get(at..end).unwrap_or_default().contains(is_lettered);
        self.symbols = (end, is_alone);
        is_alone
    }

    /// A symbol with what changes it: its colours, the symbols joined to it, the second letter of a flag.
    fn symbol(&mut self, start: usize, first: char) -> Piece {
        let mut needs_second = is_regional(first);
        let mut is_joined = false;
        while let Some((_, next)) = self.characters.peek() {
            let goes_on = is_mark(*next)
                || is_ignorable(*next)
                || is_skin_tone(*next)
                || (is_joined && is_symbol(*next))
                || (std::mem::take(&mut needs_second) && is_regional(*next));
            if !goes_on {
                break;
            }
            is_joined = *next == JOINER;
            self.characters.next();
        }
        self.piece_from(start, false)
    }
}

/// What makes one symbol of two.
pub(super) const JOINER: char = '\u{200d}';

/// Symbols that are no words, as Unicode has them (`So`), and emoji that it counts among the mathematical.
pub(super) fn is_symbol(character: char) -> bool {
    u32::from(character) >= 0xa6
        && !is_word_character(character)
        && !is_mark(character)
        && !is_ignorable(character)
        && (matches!(u32::from(character), 0x2194 | 0x25fb..=0x25fe)
            || character.general_category() == GeneralCategory::OtherSymbol)
}

/// Letters that are flags in pairs.
fn is_regional(character: char) -> bool {
    matches!(character, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_skin_tone(character: char) -> bool {
    matches!(character, '\u{1f3fb}'..='\u{1f3ff}')
}

fn begins_piece(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric();
    }
    is_word_character(character) && !is_mark(character) && !is_ignorable(character)
}

/// Letters, digits, radicals, and the characters for private use that medievalists write with.
pub(super) fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(u32::from(character), 0xe000..=0xf8ff | 0x2e80..=0x2fdf)
}

/// What is not seen and divides nothing: soft hyphens, joiners, marks of direction, the stroke that stretches Arabic words.
pub(super) fn is_ignorable(character: char) -> bool {
    matches!(u32::from(character),
        0xad | 0x640 | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xe0000..=0xe0fff)
}

/// Marks, and what is one in all but its class: half-width voicing, signs of vowels standing alone.
pub(crate) fn is_mark(character: char) -> bool {
    is_combining_mark(character)
        || matches!(u32::from(character),
            0x37a | 0xfc5e..=0xfc63 | 0xfcf2..=0xfcf4 | 0xfe70..=0xfe72 | 0xfe74 | 0xfe76..=0xfe7f | 0xff9e..=0xff9f)
}

/// The scripts that are written without spaces: Thai, Lao, Burmese, Khmer, Kana, Bopomofo and Han.
pub(crate) fn is_unsegmented(character: char) -> bool {
    let code = u32::from(character);
    code >= 0xe00
        && matches!(code,
            0xe00..=0xeff | 0x1000..=0x109f | 0xaa60..=0xaa7f | 0xa9e0..=0xa9ff | 0x1780..=0x17ff | 0x19e0..=0x19ff
            | 0x2e80..=0x2fdf | 0x3005..=0x3007 | 0x3021..=0x3029 | 0x3031..=0x3035 | 0x3038..=0x303c
            | 0x3041..=0x312f | 0x3190..=0x31bf | 0x31f0..=0x33ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
            | 0xf900..=0xfaff | 0xff66..=0xff9f | 0x16ff0..=0x18d8f | 0x1aff0..=0x1b16f | 0x1f200..=0x1f2ff
            | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(u32, &str)> {
        pieces(text).map(|piece| (piece.position, &text[piece.range])).collect()
    }

    #[test]
    fn pieces_of_words_have_a_position_each() {
        assert_eq!(shown("„l'amour,“"), [(0, "l"), (1, "amour")]);
        assert_eq!(shown("Staats-Anzeiger 1,000"), [(0, "Staats"), (1, "Anzeiger"), (2, "1"), (3, "000")]);
        assert_eq!(shown("— * …"), []);
        assert_eq!(shown("Wör\u{ad}ter"), [(0, "Wör\u{ad}ter")]);
    }

    #[test]
    fn symbols_are_pieces_in_words_without_letters() {
        for (text, want) in [
            ("👍", vec![(0, "👍")]),
            ("a 👍🏽, b", vec![(0, "a"), (1, "👍🏽"), (2, "b")]),
            ("a👍 ®b 3° Foo™", vec![(0, "a"), (1, "b"), (2, "3"), (3, "Foo")]),
            ("(♫—♫)", vec![(0, "♫"), (1, "♫")]),
            ("❤\u{fe0f}❤", vec![(0, "❤\u{fe0f}"), (1, "❤")]),
            ("👩🏽\u{200d}💻🎉", vec![(0, "👩🏽\u{200d}💻"), (1, "🎉")]),
            ("🏴\u{e0067}\u{e0062}\u{e007f}", vec![(0, "🏴\u{e0067}\u{e0062}\u{e007f}")]),
            ("🇩🇪🇫🇷🇪", vec![(0, "🇩🇪"), (1, "🇫🇷"), (2, "🇪")]),
            ("🙂\u{200d}↔\u{fe0f}", vec![(0, "🙂\u{200d}↔\u{fe0f}")]),
            ("東👍京 東👍a", vec![(0, "東"), (1, "👍"), (2, "京"), (3, "東"), (5, "a")]),
            ("— * … «» § + = $ ^ 🏽 \u{200d}", vec![]),
        ] {
            assert_eq!(shown(text), want, "{text}");
        }
    }

    #[test]
    fn t7_characters_without_spaces_are_pieces_and_signs_between_them_keep_them_apart() {
        assert_eq!(shown("東京IIIF"), [(0, "東"), (1, "京"), (2, "IIIF")]);
        assert_eq!(shown("東、。京"), [(0, "東"), (2, "京")]);
        assert_eq!(shown("東 京"), [(0, "東"), (1, "京")]);
        assert_eq!(shown("น้ำใจ"), [(0, "น้"), (1, "ำ"), (2, "ใ"), (3, "จ")]);
        assert_eq!(shown("ｶﾞ"), [(0, "ｶﾞ")]);
    }

    #[test]
    fn counting_goes_on_over_texts() {
        let mut positions = Positions::default();
        let mut seen = Vec::new();
        for text in ["東。", "京", "Haus,", "hof"] {
            positions.each(text, |piece| seen.push(piece.position));
        }
        assert_eq!((seen, positions.next()), (vec![0, 2, 3, 4], 5));
    }
}
