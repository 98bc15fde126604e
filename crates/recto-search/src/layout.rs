//! The text of a page in one line, and what of it stands in which word.

use crate::analysis::{Positions, is_unsegmented};
use crate::page::{Line, Page, Part};

/// The text of a page as people read it, with the words and the positions in it.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// The text; see [`Page::reading_text`].
    pub(crate) text: String,
    /// Words, in reading order: their bytes do not overlap.
    pub(crate) segments: Vec<Segment>,
    /// What has a position, in reading order.
    pub(crate) pieces: Vec<LaidPiece>,
    /// The number of positions on the page.
    pub(crate) positions: u32,
}

/// A word, or the two parts of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// Its first byte in the text.
    pub(crate) start: u32,
    /// Behind its last byte.
    pub(crate) end: u32,
    /// Its word on the page.
    pub(crate) word: u32,
    /// How it is written there.
    pub(crate) written: Written,
}

/// How what is read as one word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// As one word.
    Whole,
    /// As two parts, the second being the next word.
    InTwo,
    /// As two parts; if there is a second, it is the first word of the next page.
    OverPages,
}

/// A piece of text with a position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LaidPiece {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) position: u32,
}

impl Layout {
    pub(crate) fn of(page: &Page) -> Self {
        let mut layout = Self::default();
        let count = page.word_count();
        layout.text.reserve(page.text_len() + count);
        layout.segments.reserve(count);
        layout.pieces.reserve(count);
        let mut ordinal = usize::from(begins_with_second_part(page));
        let mut before: Option<(bool, usize)> = None;
        while let Some(word) = page.word(ordinal) {
            let is_second = |at: usize| page.word(at).is_some_and(|next| next.part == Some(Part::Second));
            let (text, written) = match word.part {
                Some(Part::First { whole }) if is_second(ordinal + 1) => (whole, Written::InTwo),
                Some(Part::First { whole }) if ordinal + 1 == count => (whole, Written::OverPages),
                Some(Part::First { whole }) => (whole, Written::Whole),
                _ => (word.text, Written::Whole),
            };
            if let Some((is_joined, line)) = before
                && !is_joined
                && !(line != word.line && has_no_space_between(&layout.text, text))
            {
                layout.text.push(' ');
            }
            let start = layout.text.len() as u32;
            layout.text.push_str(text);
            layout.segments.push(Segment { start, end: layout.text.len() as u32, word: ordinal as u32, written });
            let last = ordinal + usize::from(written == Written::InTwo);
            before = page.word(last).map(|word| (word.joined_to_next, word.line));
            ordinal = last + 1;
        }
        let mut positions = Positions::default();
        positions.each(&layout.text, |piece| {
            layout.pieces.push(LaidPiece {
                start: piece.range.start as u32,
                end: piece.range.end as u32,
                position: piece.position,
            });
        });
        layout.positions = positions.next();
        layout
    }

    /// How many positions there are before each line of the page; `None` where what is read as one piece goes on over its beginning,
    /// or what stands before it changes what it is.
    pub(crate) fn positions_before_lines(&self, page: &Page) -> Vec<Option<u32>> {
        let before = |line: Line<'_>| {
            let segment = self.segments.partition_point(|segment| (segment.word as usize) < line.words.start);
            let segment = self.segments.get(segment);
            // A second part that has no first is a word; as the first word of a page it would be none.
            let is_alone = segment.is_some_and(|segment| segment.word as usize == line.words.start);
            if is_alone && page.word(line.words.start).is_some_and(|word| word.part == Some(Part::Second)) {
                return None;
            }
            let at = segment.map_or(self.text.len() as u32, |segment| segment.start);
            let piece = self.pieces.partition_point(|piece| piece.start < at);
            let next = self.pieces.get(piece).map_or(self.positions, |piece| piece.position);
            let Some(last) = piece.checked_sub(1).and_then(|last| self.pieces.get(last)) else {
                return (next == 0).then_some(next);
            };
            let is_apart = self.text.get(..at as usize).is_some_and(|before| before.ends_with(' '));
            let is_character = self.slice(last.start, last.end).starts_with(is_unsegmented);
            (is_apart && !is_character).then_some(next)
        };
        page.lines().map(before).collect()
    }

    /// The pieces whose positions on the page are in this range.
    pub(crate) fn pieces_at(&self, from: u32, until: u32) -> &[LaidPiece] {
        let first = self.pieces.partition_point(|piece| piece.position < from);
        let end = self.pieces.partition_point(|piece| piece.position < until);
        self.pieces.get(first..end).unwrap_or_default()
    }

    /// The segments that share a byte with this range.
    pub(crate) fn segments_in(&self, from: u32, until: u32) -> &[Segment] {
        let first = self.segments.partition_point(|segment| segment.end <= from);
        let end = self.segments.partition_point(|segment| segment.start < until);
        self.segments.get(first..end.max(first)).unwrap_or_default()
    }

    /// The text of a range of bytes.
    pub(crate) fn slice(&self, from: u32, until: u32) -> &str {
        self.text.get(from as usize..until as usize).unwrap_or_default()
    }
}

/// Is the first word of a page the second part of one on the page before?
pub(crate) fn begins_with_second_part(page: &Page) -> bool {
    page.word(0).is_some_and(|word| word.part == Some(Part::Second))
}

/// Is a text that goes on in the next line written without a space here?
pub(crate) fn has_no_space_between(before: &str, after: &str) -> bool {
    before.chars().next_back().is_some_and(has_no_spaces) && after.chars().next().is_some_and(has_no_spaces)
}

/// Characters around which nobody writes spaces, their punctuation included.
pub(crate) fn has_no_spaces(character: char) -> bool {
    is_unsegmented(character) || matches!(u32::from(character), 0x3000..=0x303f | 0xff00..=0xff65)
}
