//! Reading a page's blob, whatever its bytes are.

use std::ops::Range;

use recto_iiif::Rect;

use super::{Entry, LineEntry, MAGIC, MAX_BYTES, MOST_ITEMS, Page, VERSION, WHAT, boxes, line_bits, word_bits};
use crate::varint::Reader;
use crate::{SearchError, head};

const CORRUPT: SearchError = SearchError::Corrupt { what: WHAT };

impl Page {
    /// Reads a blob of [`super::encode`].
    ///
    /// # Errors
    /// When it is none, is damaged, or was written by another version.
    pub fn decode(blob: &[u8]) -> Result<Self, SearchError> {
        let packed = Packed::open(blob)?;
        packed.page(0..packed.line_count()).ok_or(CORRUPT)
    }
}

/// A page's blob, opened: each of its lines can be read without the others.
pub(crate) struct Packed<D> {
    blob: D,
    language: Option<String>,
    languages: Vec<String>,
    /// Sixteenths of a unit that a character is wide.
    mean: u64,
    /// Where the words of the first line begin in the blob.
    words_at: usize,
    /// Where the record of the first line begins in the blob.
    records_at: usize,
    lines: Vec<PackedLine>,
}

/// Where a line ends, and what has to be known of those before it.
struct PackedLine {
    /// Behind its last word, from the first word of the page; each word has a line feed behind it.
    words_end: usize,
    /// Behind its record, from the first record.
    record_end: usize,
    /// Words with a space before them; there are at least so many.
    tokens: usize,
    /// Positions of the page before it; `None` where what is read as one piece of text goes on over its beginning.
    positions_before: Option<u32>,
}

impl<D: AsRef<[u8]>> Packed<D> {
    /// Reads a blob of [`super::encode`] as far as it is needed to find the lines.
    pub(crate) fn open(blob: D) -> Result<Self, SearchError> {
        let (_, body) = head::check(blob.as_ref(), MAGIC, VERSION, WHAT)?;
        let mut reader = Reader::new(body);
        let (language, languages) = read_languages(&mut reader).ok_or(CORRUPT)?;
        let mean = reader.number().ok_or(CORRUPT)?;
        let lines = read_table(&mut reader).ok_or(CORRUPT)?;
        let words_at = blob.as_ref().len() - reader.left();
        let ends = lines.last().map_or((0, 0), |last| (last.words_end, last.record_end));
        if blob.as_ref().len() > MAX_BYTES || ends.0.checked_add(ends.1) != Some(reader.left()) {
            return Err(CORRUPT);
        }
        Ok(Self { blob, language, languages, mean, words_at, records_at: words_at + ends.0, lines })
    }

    pub(crate) fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The lines up to the one with the first word.
    pub(crate) fn beginning(&self) -> Range<usize> {
        let first = self.lines.iter().position(|line| line.words_end > 0);
        0..first.map_or(self.lines.len(), |first| first + 1)
    }

    /// The lines of a page as a page of their own, whose first line is the first of these.
    pub(crate) fn page(&self, lines: Range<usize>) -> Option<Page> {
        let mut page = Page { language: self.language.clone(), languages: self.languages.clone(), ..Page::default() };
        let all = self.lines.get(lines.clone())?;
        let before = lines.start.checked_sub(1).and_then(|before| self.lines.get(before));
        let (mut words, mut record) = before.map_or((0, 0), |before| (before.words_end, before.record_end));
        let most = all.last().map_or(0, |last| last.words_end - words);
        page.text.reserve(most);
        page.entries.reserve(all.iter().map(|line| line.tokens).sum::<usize>().min(most));
        page.lines.reserve(all.len());
        for line in all {
            let bytes = self.blob.as_ref();
            let text = bytes.get(self.words_at + words..self.words_at + line.words_end)?;
            let said = bytes.get(self.records_at + record..self.records_at + line.record_end)?;
            read_line(&mut Reader::new(said), std::str::from_utf8(text).ok()?, &mut page, self.mean)?;
            (words, record) = (line.words_end, line.record_end);
        }
        Some(page)
    }

    /// The lines that have to be read for these positions of the page with about `words` more before and after them, and the
    /// positions of the page before these lines.
    pub(crate) fn lines_around(&self, positions: Range<u32>, words: usize) -> (Range<usize>, u32) {
        let before = |line: usize| self.lines.get(line).and_then(|line| line.positions_before);
        let is_behind = |line: &PackedLine| line.positions_before.is_some_and(|before| before >= positions.end.max(1));
        let last = |until: usize, is: &dyn Fn(u32) -> bool| (0..until).rev().find(|line| before(*line).is_some_and(is));
        let found = last(self.lines.len(), &|before| before <= positions.start).unwrap_or_default();
        let mut start = found;
        while start > 0 && self.tokens(start..found) < words {
            start = last(start, &|_| true).unwrap_or_default();
        }
        let behind = self.lines.iter().skip(found).position(is_behind).map_or(self.lines.len(), |line| found + line);
        let mut end = behind;
        while end < self.lines.len() && (end == behind || self.tokens(behind..end) < words) {
            end = (end + 1..self.lines.len()).find(|line| before(*line).is_some()).unwrap_or(self.lines.len());
        }
        (start..end, before(start).unwrap_or_default())
    }

    fn tokens(&self, lines: Range<usize>) -> usize {
        self.lines.get(lines).unwrap_or_default().iter().map(|line| line.tokens).sum()
    }
}

fn read_languages(reader: &mut Reader<'_>) -> Option<(Option<String>, Vec<String>)> {
    let language = reader.text()?;
    let mut languages = Vec::new();
    for _ in 0..reader.length().filter(|languages| *languages <= MOST_ITEMS)? {
        languages.push(reader.text()?.to_owned());
    }
    Some(((!language.is_empty()).then(|| language.to_owned()), languages))
}

fn read_table(reader: &mut Reader<'_>) -> Option<Vec<PackedLine>> {
    let count = reader.length().filter(|lines| *lines <= MOST_ITEMS)?;
    let mut lines = Vec::with_capacity(count.min(reader.left()));
    let (mut words_end, mut record_end, mut positions) = (0_usize, 0_usize, 0_u32);
    for _ in 0..count {
        let positions_before = match reader.small()? {
            0 => None,
            more => {
                positions = positions.checked_add(more - 1)?;
                Some(positions)
            }
        };
        let words = reader.length()?;
        words_end = words_end.checked_add(words)?;
        record_end = record_end.checked_add(reader.length()?)?;
        let tokens = reader.length().filter(|tokens| *tokens <= words)?;
        lines.push(PackedLine { words_end, record_end, tokens, positions_before });
    }
    Some(lines)
}

fn read_line(reader: &mut Reader<'_>, text: &str, page: &mut Page, mean: u64) -> Option<()> {
    let head = reader.number()?;
    let has = |bit: u64| head & bit != 0;
    let count = usize::try_from(head >> line_bits::COUNT).ok()?;
    let line = u32::try_from(page.lines.len()).ok()?;
    let time_ms = if has(line_bits::TIME) { Some(read_time(reader)?) } else { None };
    let language = if has(line_bits::LANGUAGE) { Some(reader.small()?) } else { None };
    let area = if has(line_bits::AREA) {
        Some(Rect::new(reader.small()?, reader.small()?, reader.small()?, reader.small()?))
    } else {
        None
    };
    let bits = if has(line_bits::MARKED) { Some(reader.take(count)?) } else { None };
    let first = page.entries.len();
    let (mut ends, mut start) = (memchr::memchr_iter(b'\n', text.as_bytes()), 0);
    for at in 0..count {
        let end = ends.next()?;
        page.text.push_str(text.get(start..end)?);
        start = end + 1;
        let end = u32::try_from(page.text.len()).ok()?;
        let bits = bits.map_or(0, |bits| bits[at]);
        page.entries.push(Entry { end, line, area: None, bits });
        read_readings(reader, page, bits)?;
    }
    if has(line_bits::BOXES) {
        read_boxes(reader, page, first, mean)?;
    }
    if start < text.len() || reader.left() > 0 || page.entries.len() > MOST_ITEMS {
        return None;
    }
    let (first, end) = (u32::try_from(first).ok()?, u32::try_from(page.entries.len()).ok()?);
    page.lines.push(LineEntry { first, end, area, time_ms, language });
    Some(())
}

fn read_time(reader: &mut Reader<'_>) -> Option<(u64, u64)> {
    let from = reader.number()?;
    Some((from, from.checked_add(reader.number()?)?))
}

/// What the last word is besides what is written.
fn read_readings(reader: &mut Reader<'_>, page: &mut Page, bits: u8) -> Option<()> {
    let word = u32::try_from(page.entries.len()).ok()?.checked_sub(1)?;
    if bits & word_bits::FIRST != 0 {
        page.wholes.push((word, reader.text()?.to_owned()));
    }
    if bits & word_bits::ALTERNATIVES != 0 {
        for _ in 0..reader.length()? {
            if page.alternatives.len() == MOST_ITEMS {
                return None;
            }
            page.alternatives.push((word, reader.text()?.to_owned()));
        }
    }
    Some(())
}

/// The boxes of the words from this one on.
fn read_boxes(reader: &mut Reader<'_>, page: &mut Page, first: usize, mean: u64) -> Option<()> {
    let mut line = boxes::Line::begin(reader, mean)?;
    let mut start = first.checked_sub(1).and_then(|before| page.entries.get(before)).map_or(0, |before| before.end);
    for entry in page.entries.get_mut(first..)? {
        if entry.bits & word_bits::NO_AREA == 0 {
            let characters = page.text.get(start as usize..entry.end as usize)?.chars().count();
            entry.area = Some(line.next(reader, characters)?);
        }
        start = entry.end;
    }
    Some(())
}
