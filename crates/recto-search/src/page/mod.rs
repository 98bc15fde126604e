//! The blob of a page: its words as they are written, with their places and times, in a few bytes a word.

mod boxes;
mod decode;
mod encode;

use std::ops::Range;

use recto_iiif::Rect;

pub(crate) use decode::Packed;
pub use encode::encode;

/// The kind of blob that errors speak of.
const WHAT: &str = "page of text";
/// What every blob begins with.
const MAGIC: [u8; 2] = *b"Rp";
/// The version of the format that is written and read: blobs of another have to be made anew.
pub const VERSION: u8 = 3;
/// The most bytes of a page.
const MAX_BYTES: usize = 16 << 20;
/// The most words of a page; also the most lines, and the most alternatives. What is short in a blob is long in memory.
const MOST_ITEMS: usize = 1 << 19;
/// What of a page fits, as errors say it.
const LIMIT: &str = "524,288 words of 16 MiB";

/// Bits of what is said of a line.
mod line_bits {
    pub(super) const TIME: u64 = 1;
    pub(super) const LANGUAGE: u64 = 2;
    pub(super) const MARKED: u64 = 4;
    pub(super) const BOXES: u64 = 8;
    pub(super) const AREA: u64 = 16;
    pub(super) const COUNT: u32 = 5;
}

/// Bits of what is said of a word of a line that has any.
mod word_bits {
    pub(super) const JOINED: u8 = 1;
    pub(super) const FIRST: u8 = 2;
    pub(super) const SECOND: u8 = 4;
    pub(super) const ALTERNATIVES: u8 = 8;
    pub(super) const NO_AREA: u8 = 16;
}

/// The text of a page, read from its blob.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    language: Option<String>,
    languages: Vec<String>,
    text: String,
    entries: Vec<Entry>,
    lines: Vec<LineEntry>,
    wholes: Vec<(u32, String)>,
    alternatives: Vec<(u32, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    end: u32,
    line: u32,
    area: Option<Rect>,
    bits: u8,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct LineEntry {
    first: u32,
    end: u32,
    area: Option<Rect>,
    time_ms: Option<(u64, u64)>,
    language: Option<u32>,
}

/// A line of a page, or a cue of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'a> {
    /// Its words, as ordinals on the page.
    pub words: Range<usize>,
    /// Where it is: kept only where not all of its words say where they are.
    pub area: Option<Rect>,
    /// When it is heard, in seconds: from and until.
    pub time_s: Option<(f64, f64)>,
    /// Its language, BCP 47; that of the page where it has none of its own.
    pub language: Option<&'a str>,
}

/// A word of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Word<'a> {
    /// What is written.
    pub text: &'a str,
    /// The number of its line on the page.
    pub line: usize,
    /// Where it is, in whole units of the canvas.
    pub area: Option<Rect>,
    /// The part that it is of a word broken at the end of a line.
    pub part: Option<Part<'a>>,
    /// Does the next word follow without a space?
    pub joined_to_next: bool,
}

/// A part of a word broken at the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// The first part.
    First {
        /// The whole word.
        whole: &'a str,
    },
    /// The second part.
    Second,
}

impl Page {
    /// The language of the page, BCP 47.
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// Bytes of all words.
    pub(crate) fn text_len(&self) -> usize {
        self.text.len()
    }

    /// The number of its words.
    pub fn word_count(&self) -> usize {
        self.entries.len()
    }

    /// The number of its lines.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The word with this ordinal.
    pub fn word(&self, ordinal: usize) -> Option<Word<'_>> {
        let entry = self.entries.get(ordinal)?;
        let start = ordinal.checked_sub(1).and_then(|before| self.entries.get(before)).map_or(0, |before| before.end);
        let part = if entry.bits & word_bits::FIRST != 0 {
            let at = self.wholes.binary_search_by_key(&(ordinal as u32), |(word, _)| *word).ok()?;
            Some(Part::First { whole: &self.wholes.get(at)?.1 })
        } else {
            (entry.bits & word_bits::SECOND != 0).then_some(Part::Second)
        };
        Some(Word {
            text: self.text.get(start as usize..entry.end as usize)?,
            line: entry.line as usize,
            area: entry.area,
            part,
            joined_to_next: entry.bits & word_bits::JOINED != 0,
        })
    }

    /// All words, in reading order.
    pub fn words(&self) -> impl Iterator<Item = Word<'_>> {
        (0..self.entries.len()).filter_map(|ordinal| self.word(ordinal))
    }

    /// What else a word may be.
    pub fn alternatives(&self, ordinal: usize) -> impl Iterator<Item = &str> {
        let from = self.alternatives.partition_point(|(word, _)| (*word as usize) < ordinal);
        let of_word = self.alternatives.iter().skip(from).take_while(move |(word, _)| *word as usize == ordinal);
        of_word.map(|(_, text)| text.as_str())
    }

    /// The line with this number.
    pub fn line(&self, number: usize) -> Option<Line<'_>> {
        let line = self.lines.get(number)?;
        let language = line.language.and_then(|at| self.languages.get(at as usize));
        Some(Line {
            words: line.first as usize..line.end as usize,
            area: line.area,
            time_s: line.time_ms.map(|(from, until)| (from as f64 / 1000.0, until as f64 / 1000.0)),
            language: language.or(self.language.as_ref()).map(String::as_str),
        })
    }

    /// All lines, in reading order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        (0..self.lines.len()).filter_map(|number| self.line(number))
    }

    /// The text in one line, as people read it: words that are broken joined, and no spaces where the script has none. It is what
    /// the `before`, `exact` and `after` of hits are taken from.
    ///
    /// The second part of a word whose first is on the page before is not in it.
    pub fn reading_text(&self) -> String {
        crate::layout::Layout::of(self).text
    }
}
