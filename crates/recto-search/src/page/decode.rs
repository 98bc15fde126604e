//! Reading a page's blob, whatever its bytes are.

use std::cell::RefCell;
use std::ops::Range;

use recto_iiif::Rect;
use zstd::bulk::Decompressor;

use super::{Entry, LineEntry, MAGIC, MAX_BYTES, MOST_ITEMS, Page, VERSION, WHAT, boxes, line_bits, word_bits};
use crate::SearchError;
use crate::varint::Reader;

const CORRUPT: SearchError = SearchError::Corrupt { what: WHAT };

impl Page {
    /// Reads a blob of [`super::encode`].
    ///
    /// # Errors
    /// When it is none, is damaged, or was written by another version.
    pub fn decode(blob: &[u8]) -> Result<Self, SearchError> {
        let packed = Packed::open(blob)?;
        packed.page(0..packed.lines.len()).ok_or(CORRUPT)
    }
}

/// A page's blob, decompressed: each of its lines can be read without the others.
pub(crate) struct Packed {
    raw: Vec<u8>,
    language: Option<String>,
    languages: Vec<String>,
    /// All words in `raw`, each with a line feed behind it.
    words: Range<usize>,
    /// Sixteenths of a unit that a character is wide.
    mean: u64,
    lines: Vec<PackedLine>,
}

/// Where a line is, and all that has to be known of the lines before it.
struct PackedLine {
    /// Where it begins in the blob.
    at: usize,
    /// Where its first word begins in it.
    words_at: usize,
    /// Words with a space before them; there are at least so many.
    tokens: usize,
    /// Positions of the page before it; `None` where what is read as one piece of text goes on over its beginning.
    positions_before: Option<u32>,
    last: boxes::Last,
    last_ms: i64,
}

impl Packed {
    /// Reads a blob of [`super::encode`] as far as it is needed to find the lines.
    pub(crate) fn open(blob: &[u8]) -> Result<Self, SearchError> {
        let mut reader = Reader::new(blob);
        let head = reader.take(MAGIC.len() + 1);
        if head.is_none_or(|head| !head.starts_with(&MAGIC) || !head.ends_with(&[VERSION])) {
            return Err(SearchError::Version { what: WHAT, version: VERSION });
        }
        let length = reader.length().filter(|length| *length <= MAX_BYTES).ok_or(CORRUPT)?;
        let frame = reader.take(reader.left()).ok_or(CORRUPT)?;
        // What the frame says of itself is held against what the head says, before anything is allocated.
        if zstd::zstd_safe::get_frame_content_size(frame).ok().flatten() != Some(length as u64) {
            return Err(CORRUPT);
        }
        Self::read(decompress(frame, length).ok_or(CORRUPT)?).ok_or(CORRUPT)
    }

    pub(super) fn read(raw: Vec<u8>) -> Option<Self> {
        let mut reader = Reader::new(&raw);
        let language = reader.text()?;
        let language = (!language.is_empty()).then(|| language.to_owned());
        let mut languages = Vec::new();
        for _ in 0..reader.length().filter(|languages| *languages <= MOST_ITEMS)? {
            languages.push(reader.text()?.to_owned());
        }
        let count = reader.length().filter(|lines| *lines <= MOST_ITEMS)?;
        // Those of a line are read as text with it.
        let words = reader.bytes()?;
        let words_end = raw.len() - reader.left();
        let words = words_end - words.len()..words_end;
        let mean = reader.number()?;
        let mut starts = reader;
        let mut lines = reader;
        for _ in 0..count {
            lines.number()?;
        }
        let lines = read_lines(&raw, count, &mut starts, &mut lines, words.clone())?;
        Some(Self { raw, language, languages, words, mean, lines })
    }

    pub(crate) fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The lines up to the one with the first word.
    pub(crate) fn beginning(&self) -> Range<usize> {
        let behind = self.lines.iter().position(|line| line.words_at > self.words.start);
        0..behind.unwrap_or(self.lines.len())
    }

    /// The lines of a page as a page of their own, whose first line is the first of these.
    pub(crate) fn page(&self, lines: Range<usize>) -> Option<Page> {
        let mut page = Page { language: self.language.clone(), languages: self.languages.clone(), ..Page::default() };
        for (at, line) in self.lines.get(lines.clone())?.iter().enumerate() {
            let mut reader = Reader::new(self.raw.get(line.at..)?);
            let words_end = self.lines.get(lines.start + at + 1).map_or(self.words.end, |next| next.words_at);
            let words = std::str::from_utf8(self.raw.get(line.words_at..words_end)?).ok()?;
            page.text.reserve(words.len());
            let mut words = words.split_terminator('\n');
            let (mut last, mut last_ms) = (line.last, line.last_ms);
            read_line(&mut reader, &mut page, &mut words, self.mean, &mut last, &mut last_ms)?;
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

thread_local! {
    /// What a thread decompresses with: to set it up anew takes as long as the page itself.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn decompress(frame: &[u8], length: usize) -> Option<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|known| {
        let decompressor = match known {
            Some(known) => known,
            none => none.insert(Decompressor::new().ok()?),
        };
        let mut raw = Vec::with_capacity(length);
        decompressor.decompress_to_buffer(frame, &mut raw).ok()?;
        (raw.len() == length).then_some(raw)
    })
}

/// Finds the lines; `None` where they are not as many as the words, or something is left behind them.
fn read_lines(
    raw: &[u8],
    count: usize,
    starts: &mut Reader<'_>,
    reader: &mut Reader<'_>,
    words: Range<usize>,
) -> Option<Vec<PackedLine>> {
    let mut ends = memchr::memchr_iter(b'\n', raw.get(words.clone())?);
    let mut lines = Vec::with_capacity(count.min(reader.left()));
    let (mut words_at, mut word_count, mut positions) = (words.start, 0, 0_u32);
    let (mut last, mut last_ms) = (boxes::Last::default(), 0);
    for _ in 0..count {
        let at = raw.len() - reader.left();
        let positions_before = match starts.small()? {
            0 => None,
            more => {
                positions = positions.checked_add(more - 1)?;
                Some(positions)
            }
        };
        let (before, before_ms) = (last, last_ms);
        let skipped = skip_line(reader, &mut last, &mut last_ms)?;
        lines.push(PackedLine {
            at,
            words_at,
            tokens: skipped.tokens,
            positions_before,
            last: before,
            last_ms: before_ms,
        });
        word_count += skipped.words;
        if word_count > MOST_ITEMS {
            return None;
        }
        if let Some(more) = skipped.words.checked_sub(1) {
            words_at = words.start + ends.nth(more)? + 1;
        }
    }
    (ends.next().is_none() && words_at == words.end && reader.left() == 0).then_some(lines)
}

struct Skipped {
    words: usize,
    tokens: usize,
}

fn skip_line(reader: &mut Reader<'_>, last: &mut boxes::Last, last_ms: &mut i64) -> Option<Skipped> {
    let head = reader.number()?;
    let has = |bit: u64| head & bit != 0;
    let words = usize::try_from(head >> line_bits::COUNT).ok()?;
    if has(line_bits::TIME) {
        read_time(reader, last_ms)?;
    }
    let numbers = usize::from(has(line_bits::LANGUAGE)) + 4 * usize::from(has(line_bits::AREA));
    for _ in 0..numbers {
        reader.number()?;
    }
    let (mut placed, mut tokens) = (words, words);
    if has(line_bits::MARKED) {
        for bits in reader.take(words)? {
            placed -= usize::from(bits & word_bits::NO_AREA != 0);
            tokens -= usize::from(bits & (word_bits::JOINED | word_bits::SECOND) != 0);
            if bits & word_bits::FIRST != 0 {
                reader.bytes()?;
            }
            if bits & word_bits::ALTERNATIVES != 0 {
                for _ in 0..reader.length()? {
                    reader.bytes()?;
                }
            }
        }
    }
    if has(line_bits::BOXES) {
        boxes::skip_line(reader, placed, last)?;
    }
    Some(Skipped { words, tokens })
}

fn read_line<'a>(
    reader: &mut Reader<'_>,
    page: &mut Page,
    words: &mut impl Iterator<Item = &'a str>,
    mean: u64,
    last: &mut boxes::Last,
    last_ms: &mut i64,
) -> Option<()> {
    let head = reader.number()?;
    let has = |bit: u64| head & bit != 0;
    let count = usize::try_from(head >> line_bits::COUNT).ok()?;
    let line = u32::try_from(page.lines.len()).ok()?;
    let time_ms = if has(line_bits::TIME) { Some(read_time(reader, last_ms)?) } else { None };
    let language = if has(line_bits::LANGUAGE) { Some(reader.small()?) } else { None };
    let area = if has(line_bits::AREA) {
        Some(Rect::new(reader.small()?, reader.small()?, reader.small()?, reader.small()?))
    } else {
        None
    };
    let bits = if has(line_bits::MARKED) { Some(reader.take(count)?) } else { None };
    let first = page.entries.len();
    for at in 0..count {
        page.text.push_str(words.next()?);
        let end = u32::try_from(page.text.len()).ok()?;
        let bits = bits.map_or(0, |bits| bits[at]);
        page.entries.push(Entry { end, line, area: None, bits });
        read_readings(reader, page, bits)?;
    }
    if has(line_bits::BOXES) {
        read_boxes(reader, page, first, mean, last)?;
    }
    let (first, end) = (u32::try_from(first).ok()?, u32::try_from(page.entries.len()).ok()?);
    page.lines.push(LineEntry { first, end, area, time_ms, language });
    Some(())
}

fn read_time(reader: &mut Reader<'_>, last_ms: &mut i64) -> Option<(u64, u64)> {
    let from = last_ms.checked_add(reader.signed()?)?;
    let until = from.checked_add(reader.signed()?)?;
    *last_ms = until;
    Some((u64::try_from(from).ok()?, u64::try_from(until).ok()?))
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

fn read_boxes(reader: &mut Reader<'_>, page: &mut Page, first: usize, mean: u64, last: &mut boxes::Last) -> Option<()> {
    let mut placed = Vec::new();
    let mut lengths = Vec::new();
    let mut start = first.checked_sub(1).and_then(|before| page.entries.get(before)).map_or(0, |before| before.end);
    for (at, entry) in page.entries.iter().enumerate().skip(first) {
        if entry.bits & word_bits::NO_AREA == 0 {
            placed.push(at);
            lengths.push(page.text.get(start as usize..entry.end as usize)?.chars().count());
        }
        start = entry.end;
    }
    let mut placed = placed.into_iter();
    boxes::read_line(reader, lengths.into_iter(), last, mean, |area| {
        if let Some(entry) = placed.next().and_then(|at| page.entries.get_mut(at)) {
            entry.area = Some(area);
        }
    })
}
