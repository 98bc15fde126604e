//! Making a page's blob.

use recto_iiif::Rect;
use recto_iiif::text::{Area, PageText, TextBlock, TextLine, TextWord, WordPart};

use super::decode::Packed;
use super::{LIMIT, MAGIC, MAX_BYTES, MOST_ITEMS, VERSION, WHAT, boxes, line_bits, word_bits};
use crate::SearchError;
use crate::layout::Layout;
use crate::varint::{put, put_bytes, put_signed};

const LEVEL: i32 = 3;

/// The blob of a page whose areas are in whole units of its canvas ([`PageText::placed_on`]).
///
/// # Errors
/// When it has more than 524,288 words, lines or alternatives, or is longer than 16 MiB before compression.
pub fn encode(page: &PageText) -> Result<Vec<u8>, SearchError> {
    let too_large = SearchError::TooLarge { what: WHAT, limit: LIMIT };
    let alternatives = page.words().map(|word| word.alternatives.len()).sum();
    if [page.words().count(), page.lines().count(), alternatives].iter().any(|items| *items > MOST_ITEMS) {
        return Err(too_large);
    }
    // The same without the places of lines: from that they are known.
    let (head, lines) = (head(page), lines(page));
    let count = page.lines().count();
    let without = [head.as_slice(), &vec![0; count], &lines].concat();
    if without.len() > MAX_BYTES {
        return Err(too_large);
    }
    let read = Packed::read(without).and_then(|packed| packed.page(0..count)).ok_or_else(|| too_large.clone())?;
    let mut raw = head;
    let mut last = 0;
    for before in Layout::of(&read).positions_before_lines(&read) {
        put(&mut raw, before.map_or(0, |before| u64::from(before - last) + 1));
        last = before.unwrap_or(last);
    }
    raw.extend_from_slice(&lines);
    let mut compressor = zstd::bulk::Compressor::new(LEVEL).map_err(|_| too_large.clone())?;
    compressor.include_checksum(true).map_err(|_| too_large.clone())?;
    let compressed = compressor.compress(&raw).map_err(|_| too_large)?;
    let mut out = Vec::with_capacity(compressed.len() + 8);
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    put(&mut out, raw.len() as u64);
    out.extend_from_slice(&compressed);
    Ok(out)
}

/// Languages, number of lines, words and the width of a character.
fn head(page: &PageText) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, page.language.as_deref().unwrap_or_default().as_bytes());
    let languages = languages(page);
    put(&mut out, languages.len() as u64);
    languages.iter().for_each(|language| put_bytes(&mut out, language.as_bytes()));
    put(&mut out, page.lines().count() as u64);
    put_bytes(&mut out, &text(page));
    put(&mut out, mean_width(page));
    out
}

fn lines(page: &PageText) -> Vec<u8> {
    let (languages, mean) = (languages(page), mean_width(page));
    let mut out = Vec::new();
    let mut last = boxes::Last::default();
    let mut last_ms = 0;
    for block in &page.blocks {
        for line in &block.lines {
            put_line(&mut out, block, line, &languages, mean, &mut last, &mut last_ms);
        }
    }
    out
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

/// All words, each with the one character behind it that none may hold.
fn text(page: &PageText) -> Vec<u8> {
    let mut text = Vec::new();
    for word in page.words() {
        text.extend(word.text.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte }));
        text.push(b'\n');
    }
    text
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

fn put_line(
    out: &mut Vec<u8>,
    block: &TextBlock,
    line: &TextLine,
    languages: &[&str],
    mean: u64,
    last: &mut boxes::Last,
    last_ms: &mut i64,
) {
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
        let milliseconds = |seconds: f64| (seconds.max(0.0) * 1000.0).round() as i64 & (i64::MAX >> 8);
        let (from, until) = (milliseconds(from), milliseconds(until.max(from)));
        put_signed(out, from - *last_ms);
        put_signed(out, until - from);
        *last_ms = until;
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
    boxes::put_line(out, &placed, last, mean);
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
