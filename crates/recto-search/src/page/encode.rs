//! Making a page's blob.

use recto_iiif::Rect;
use recto_iiif::text::{Area, PageText, TextBlock, TextLine, TextWord, WordPart};

use super::{LIMIT, MAGIC, MAX_BYTES, MOST_ITEMS, Page, VERSION, WHAT, boxes, line_bits, word_bits};
use crate::layout::Layout;
use crate::varint::{put, put_bytes};
use crate::{SearchError, head};

/// The blob of a page whose areas are in whole units of its canvas ([`PageText::placed_on`]).
///
/// # Errors
/// When it has more than 524,288 words, lines or alternatives, or its blob would be longer than 16 MiB.
pub fn encode(page: &PageText) -> Result<Vec<u8>, SearchError> {
    let too_large = SearchError::TooLarge { what: WHAT, limit: LIMIT };
    let alternatives = page.words().map(|word| word.alternatives.len()).sum();
    if [page.words().count(), page.lines().count(), alternatives].iter().any(|items| *items > MOST_ITEMS) {
        return Err(too_large);
    }
    let lines = Lines::of(page);
    // The places of lines are known from the same without them.
    let without = blob(page, &lines, &vec![None; lines.ends.len()])?;
    let read = Page::decode(&without).map_err(|_| too_large)?;
    blob(page, &lines, &Layout::of(&read).positions_before_lines(&read))
}

/// Languages, the table of lines, all words, all that is said of them.
fn blob(page: &PageText, lines: &Lines, positions: &[Option<u32>]) -> Result<Vec<u8>, SearchError> {
    let mut body = Vec::with_capacity(64 + 8 * lines.ends.len() + lines.words.len() + lines.records.len());
    put_bytes(&mut body, page.language.as_deref().unwrap_or_default().as_bytes());
    let languages = languages(page);
    put(&mut body, languages.len() as u64);
    languages.iter().for_each(|language| put_bytes(&mut body, language.as_bytes()));
    put(&mut body, mean_width(page));
    put(&mut body, lines.ends.len() as u64);
    let (mut last, mut words, mut records) = (0, 0, 0);
    for (end, before) in lines.ends.iter().zip(positions) {
        put(&mut body, before.map_or(0, |before| u64::from(before - last) + 1));
        put(&mut body, (end.words - words) as u64);
        put(&mut body, (end.records - records) as u64);
        put(&mut body, end.tokens as u64);
        last = before.unwrap_or(last);
        (words, records) = (end.words, end.records);
    }
    body.extend_from_slice(&lines.words);
    body.extend_from_slice(&lines.records);
    let blob = head::put_before(&body, MAGIC, VERSION, 0);
    if blob.len() > MAX_BYTES { Err(SearchError::TooLarge { what: WHAT, limit: LIMIT }) } else { Ok(blob) }
}

/// The lines of a page.
#[derive(Default)]
struct Lines {
    /// Their words, each with the one character behind it that none may hold.
    words: Vec<u8>,
    /// All else that is said of each line.
    records: Vec<u8>,
    ends: Vec<End>,
}

/// Where a line ends.
struct End {
    words: usize,
    records: usize,
    /// Its words with a space before them.
    tokens: usize,
}

impl Lines {
    fn of(page: &PageText) -> Self {
        let (languages, mean) = (languages(page), mean_width(page));
        let mut lines = Self::default();
        for block in &page.blocks {
            for line in &block.lines {
                lines.add(block, line, &languages, mean);
            }
        }
        lines
    }

    fn add(&mut self, block: &TextBlock, line: &TextLine, languages: &[&str], mean: u64) {
        let is_token = |word: &&TextWord| !word.joined_to_next && word.part != Some(WordPart::Second);
        let tokens = line.words.iter().filter(is_token).count();
        for word in &line.words {
            self.words.extend(word.text.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte }));
            self.words.push(b'\n');
        }
        put_line(&mut self.records, block, line, languages, mean);
        self.ends.push(End { words: self.words.len(), records: self.records.len(), tokens });
    }
}

fn mean_width(page: &PageText) -> u64 {
    boxes::mean_width(page.words().filter_map(|word| Some((whole_units(word.area?)?, characters(word)))))
}

/// The languages of lines, where they are not that of the page.
fn languages(page: &PageText) -> Vec<&str> {
    let mut found = Vec::new();
    for language in page.lines().filter_map(|line| line.language.as_deref()) {
        if Some(language) != page.language.as_deref() && !found.contains(&language) {
            found.push(language);
        }
    }
    found
}

fn characters(word: &TextWord) -> usize {
    word.text.chars().count()
}

fn whole_units(area: Area) -> Option<Rect> {
    let unit = |number: f64| (number.is_finite() && number > -0.5).then(|| number.round() as u32);
    Some(Rect::new(unit(area.x)?, unit(area.y)?, unit(area.w)?, unit(area.h)?))
}

fn bits(word: &TextWord) -> u8 {
    let part = match word.part {
        Some(WordPart::First { .. }) => word_bits::FIRST,
        Some(WordPart::Second) => word_bits::SECOND,
        None => 0,
    };
    let when = |condition: bool, bit: u8| if condition { bit } else { 0 };
    part | when(word.joined_to_next, word_bits::JOINED)
        | when(!word.alternatives.is_empty(), word_bits::ALTERNATIVES)
        | when(word.area.and_then(whole_units).is_none(), word_bits::NO_AREA)
}

fn put_line(out: &mut Vec<u8>, block: &TextBlock, line: &TextLine, languages: &[&str], mean: u64) {
    let words: Vec<_> = line.words.iter().map(bits).collect();
    let placed: Vec<_> =
        line.words.iter().filter_map(|word| Some((whole_units(word.area?)?, characters(word)))).collect();
    let area = if placed.len() < words.len() { line.area.or(block.area).and_then(whole_units) } else { None };
    let language = line.language.as_deref().and_then(|own| languages.iter().position(|known| *known == own));
    let is_marked =
        words.iter().any(|bits| *bits & !word_bits::NO_AREA != 0) || (!placed.is_empty() && placed.len() < words.len());
    let when = |condition: bool, bit: u64| if condition { bit } else { 0 };
    let time = line.time_s.filter(|(from, until)| from.is_finite() && until.is_finite());
    let bits = when(time.is_some(), line_bits::TIME)
        | when(language.is_some(), line_bits::LANGUAGE)
        | when(is_marked, line_bits::MARKED)
        | when(!placed.is_empty(), line_bits::BOXES)
        | when(area.is_some(), line_bits::AREA);
    put(out, (words.len() as u64) << line_bits::COUNT | bits);
    if let Some((from, until)) = time {
        let milliseconds = |seconds: f64| (seconds.max(0.0) * 1000.0).round() as u64 & (u64::MAX >> 8);
        let (from, until) = (milliseconds(from), milliseconds(until.max(from)));
        put(out, from);
        put(out, until - from);
    }
    if let Some(language) = language {
        put(out, language as u64);
    }
    if let Some(area) = area {
        [area.x, area.y, area.w, area.h].iter().for_each(|side| put(out, u64::from(*side)));
    }
    if is_marked {
        out.extend_from_slice(&words);
        line.words.iter().for_each(|word| put_readings(out, word));
    }
    boxes::put_line(out, &placed, mean);
}

/// What a word is besides what is written.
fn put_readings(out: &mut Vec<u8>, word: &TextWord) {
    if let Some(WordPart::First { whole }) = &word.part {
        put_bytes(out, whole.as_bytes());
    }
    if !word.alternatives.is_empty() {
        put(out, word.alternatives.len() as u64);
        word.alternatives.iter().for_each(|text| put_bytes(out, text.as_bytes()));
    }
}
