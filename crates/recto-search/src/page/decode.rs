//! Reading a page's blob, whatever its bytes are.

use std::cell::RefCell;

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
        SCRATCH.with_borrow_mut(|scratch| {
            let raw = scratch.decompress(frame, length).ok_or(CORRUPT)?;
            read(&mut Reader::new(raw)).ok_or(CORRUPT)
        })
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What a thread decompresses with: to set it up anew takes as long as the page itself.
#[derive(Default)]
struct Scratch {
    decompressor: Option<Decompressor<'static>>,
    raw: Vec<u8>,
}

impl Scratch {
    /// A buffer that is kept for the next page is no longer.
    const KEPT_BYTES: usize = 256 << 10;

    fn decompress(&mut self, frame: &[u8], length: usize) -> Option<&[u8]> {
        let decompressor = match &mut self.decompressor {
            Some(known) => known,
            none => none.insert(Decompressor::new().ok()?),
        };
        if self.raw.capacity() > Self::KEPT_BYTES {
            self.raw = Vec::new();
        }
        self.raw.clear();
        self.raw.reserve(length);
        decompressor.decompress_to_buffer(frame, &mut self.raw).ok()?;
        (self.raw.len() == length).then_some(&self.raw)
    }
}

fn read(reader: &mut Reader<'_>) -> Option<Page> {
    let language = reader.text()?;
    let mut page = Page { language: (!language.is_empty()).then(|| language.to_owned()), ..Page::default() };
    for _ in 0..reader.length().filter(|languages| *languages <= MOST_ITEMS)? {
        page.languages.push(reader.text()?.to_owned());
    }
    let lines = reader.length().filter(|lines| *lines <= MOST_ITEMS)?;
    let words = reader.text()?;
    let count = words.bytes().filter(|byte| *byte == b'\n').count();
    if count > MOST_ITEMS {
        return None;
    }
    let mean = reader.number()?;
    page.text.reserve(words.len());
    page.entries.reserve(count);
    let mut words = words.split_terminator('\n');
    let mut last = boxes::Last::default();
    let mut last_ms = 0;
    for _ in 0..lines {
        read_line(reader, &mut page, &mut words, mean, &mut last, &mut last_ms)?;
    }
    (words.next().is_none() && reader.left() == 0).then_some(page)
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
