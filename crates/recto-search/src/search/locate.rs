//! The text around matches, and their places.

use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;
use recto_iiif::Rect;

use super::{Matches, Span};
use crate::analysis::{is_mark, is_unsegmented};
use crate::index::Index;
use crate::layout::{Layout, Segment, Written, begins_with_second_part, has_no_space_between, has_no_spaces};
use crate::page::{Packed, Page};

/// One match, to be shown.
///
/// `before`, `exact` and `after` follow each other without anything between them, spaces included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hit {
    /// Text before it on its first page.
    pub before: String,
    /// The text that was found; a word broken at the end of a line is whole.
    pub exact: String,
    /// Text after it on its last page.
    pub after: String,
    /// Where it is: one part a line. Empty when its page is not there.
    pub parts: Vec<Part>,
}

/// What of a match is on one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The page.
    pub page: u32,
    /// The line on the page, counted from 0.
    pub line: u32,
    /// The text that is written there.
    pub text: String,
    /// The smallest rectangle around its words, in whole units of the canvas; the line's where words have none.
    pub area: Option<Rect>,
    /// When it is heard, in seconds: from and until.
    pub time_s: Option<(f64, f64)>,
}

/// The hits of some of the matches, in their order, one for each.
///
/// `pages` gives the blob of a page; what it does not give, or what cannot be read, is left out of the hits. `context_words` is how
/// much text is wanted before and after; two characters count as a word where there are no spaces.
pub fn locate(
    index: &Index,
    matches: &Matches,
    range: Range<usize>,
    pages: &dyn Fn(u32) -> Option<Bytes>,
    context_words: usize,
) -> Vec<Hit> {
    let end = range.end.min(matches.total());
    let spans = matches.spans.get(range.start.min(end)..end).unwrap_or_default();
    let mut views = Views { pages, recent: Vec::new() };
    spans.iter().map(|span| hit(index, *span, &mut views, context_words)).collect()
}

/// Some lines of a page with their layout.
struct View {
    /// The page.
    number: u32,
    /// The number of its first line on the page.
    first_line: u32,
    /// Is its last line that of the page?
    is_to_end: bool,
    /// Positions of the page before it.
    positions_before: u32,
    page: Page,
    layout: Layout,
}

/// A page, and as much of it as was read.
struct Opened {
    number: u32,
    packed: Option<Packed<Bytes>>,
    /// Times that a part of it was read.
    parts: u32,
    whole: Option<Rc<View>>,
}

/// Pages that were read last: matches come in reading order, so few are enough.
struct Views<'a> {
    pages: &'a dyn Fn(u32) -> Option<Bytes>,
    recent: Vec<Opened>,
}

impl Views<'_> {
    const MOST: usize = 3;
    /// Parts of a page that take as long as the whole.
    const PARTS: u32 = 3;

    /// What stands at these positions of a page, with so many words around it.
    fn found(&mut self, number: u32, positions: Range<u32>, words: usize) -> Option<InView> {
        let view = self.around(number, positions.clone(), words)?;
        let found = InView::of(view, positions.clone(), words);
        if found.as_ref().is_some_and(|found| found.is_whole) {
            return found;
        }
        // Where two characters count as a word, more lines may be wanted than have so many words.
        InView::of(self.whole(number)?, positions, words)
    }

    /// A page with all of its lines.
    fn whole(&mut self, number: u32) -> Option<Rc<View>> {
        let opened = self.open(number);
        let packed = opened.packed.as_ref()?;
        if opened.whole.is_none() {
            opened.whole = View::of(packed, number, 0..packed.line_count(), 0).map(Rc::new);
        }
        opened.whole.clone()
    }

    /// The lines of a page with these positions, and with about so many words around them.
    fn around(&mut self, number: u32, positions: Range<u32>, words: usize) -> Option<Rc<View>> {
        let opened = self.open(number);
        if let Some(whole) = &opened.whole {
            return Some(Rc::clone(whole));
        }
        opened.parts += 1;
        if opened.parts > Self::PARTS {
            return self.whole(number);
        }
        let packed = opened.packed.as_ref()?;
        let (lines, before) = packed.lines_around(positions, words + 1);
        View::of(packed, number, lines, before).map(Rc::new)
    }

    /// The lines of a page up to its first word.
    fn beginning(&mut self, number: u32) -> Option<Rc<View>> {
        let packed = self.open(number).packed.as_ref()?;
        View::of(packed, number, packed.beginning(), 0).map(Rc::new)
    }

    fn open(&mut self, number: u32) -> &mut Opened {
        if let Some(at) = self.recent.iter().position(|known| known.number == number) {
            return &mut self.recent[at];
        }
        let packed = (self.pages)(number).and_then(|blob| Packed::open(blob).ok());
        if self.recent.len() == Self::MOST {
            self.recent.remove(0);
        }
        self.recent.push(Opened { number, packed, parts: 0, whole: None });
        let last = self.recent.len() - 1;
        &mut self.recent[last]
    }
}

impl View {
    fn of(packed: &Packed<Bytes>, number: u32, lines: Range<usize>, positions_before: u32) -> Option<Self> {
        let first_line = lines.start as u32;
        let is_to_end = lines.end == packed.line_count();
        let page = packed.page(lines)?;
        Some(Self { number, first_line, is_to_end, positions_before, layout: Layout::of(&page), page })
    }
}

/// What was found in some lines of a page.
struct InView {
    view: Rc<View>,
    /// Its bytes in the text of the lines.
    bytes: Range<u32>,
    /// These with the words around them.
    context: Range<u32>,
    /// Are all words there that are wanted around it?
    is_whole: bool,
}

impl InView {
    fn of(view: Rc<View>, positions: Range<u32>, words: usize) -> Option<Self> {
        let local = |position: u32| position.saturating_sub(view.positions_before);
        let pieces = view.layout.pieces_at(local(positions.start), local(positions.end));
        let bytes = pieces.first()?.start..pieces.last()?.end;
        let text = &view.layout.text;
        let (before, start) = back(text, bytes.start, words);
        let (after, end) = forth(text, bytes.end, words);
        let is_whole =
            (before == Reached::Limit || view.first_line == 0) && (after == Reached::Limit || view.is_to_end);
        Some(Self { bytes, context: start..end, is_whole, view })
    }
}

fn hit(index: &Index, span: Span, views: &mut Views<'_>, context_words: usize) -> Hit {
    let mut hit = Hit::default();
    let mut is_first = true;
    for number in index.page_of(span.start)..=index.page_of(span.end.saturating_sub(1)) {
        let positions = index.positions_of(number);
        let (from, until) = (span.start.max(positions.start), span.end.min(positions.end));
        let (from, until) = (from - positions.start, until.saturating_sub(positions.start));
        let Some(found) = views.found(number, from..until, context_words) else { continue };
        let (view, bytes) = (&found.view, &found.bytes);
        let layout = &view.layout;
        if is_first {
            hit.before.push_str(layout.slice(found.context.start, bytes.start));
        }
        let exact = layout.slice(bytes.start, bytes.end);
        if !is_first && !has_no_space_between(&hit.exact, exact) {
            hit.exact.push(' ');
        }
        is_first = false;
        hit.exact.push_str(exact);
        layout.slice(bytes.end, found.context.end).clone_into(&mut hit.after);
        put_parts(&mut hit.parts, view, bytes.clone(), views);
    }
    hit
}

/// Adds what of a range of bytes of a page's text is on which line.
fn put_parts(parts: &mut Vec<Part>, view: &View, range: Range<u32>, views: &mut Views<'_>) {
    let mut last_end = None;
    for segment in view.layout.segments_in(range.start, range.end) {
        let (from, until) = (range.start.max(segment.start), range.end.min(segment.end));
        let gap = match last_end {
            Some(end) => view.layout.slice(end, segment.start),
            None => gap_at_start(view, segment),
        };
        last_end = Some(segment.end);
        match segment.written {
            Written::Whole => {
                let area = area_of(view, segment, from, until);
                put_part(parts, view, segment.word, gap, view.layout.slice(from, until), area);
            }
            Written::InTwo | Written::OverPages => {
                put_half(parts, view, segment.word, gap);
                let next = if segment.written == Written::InTwo {
                    put_half(parts, view, segment.word + 1, "");
                    None
                } else {
                    view.number.checked_add(1).and_then(|next| views.beginning(next))
                };
                if let Some(next) = next.filter(|next| begins_with_second_part(&next.page)) {
                    put_half(parts, &next, 0, "");
                }
            }
        }
    }
}

/// What stands between the second half of a word at the start of a page and what follows it.
fn gap_at_start(view: &View, segment: &Segment) -> &'static str {
    let is_after_half = segment.word == 1 && begins_with_second_part(&view.page);
    let is_joined = view.page.word(0).is_some_and(|half| half.joined_to_next);
    if is_after_half && !is_joined { " " } else { "" }
}

/// Adds one half of a broken word as it is written.
fn put_half(parts: &mut Vec<Part>, view: &View, ordinal: u32, gap: &str) {
    let Some(word) = view.page.word(ordinal as usize) else { return };
    let text = word.text.trim_matches(|character: char| !character.is_alphanumeric() && !is_mark(character));
    let text = if text.is_empty() { word.text } else { text };
    put_part(parts, view, ordinal, gap, text, word.area);
}

fn put_part(parts: &mut Vec<Part>, view: &View, ordinal: u32, gap: &str, text: &str, area: Option<Rect>) {
    let Some(word) = view.page.word(ordinal as usize) else { return };
    let Some(line) = view.page.line(word.line) else { return };
    let area = area.or(line.area);
    let number = view.first_line + word.line as u32;
    match parts.last_mut() {
        Some(part) if part.page == view.number && part.line == number => {
            part.text.push_str(gap);
            part.text.push_str(text);
            part.area = match (part.area, area) {
                (Some(one), Some(other)) => Some(around(one, other)),
                (one, other) => one.or(other),
            };
        }
        _ => {
            parts.push(Part { page: view.number, line: number, text: text.to_owned(), area, time_s: line.time_s });
        }
    }
}

fn around(one: Rect, other: Rect) -> Rect {
    let (x, y) = (one.x.min(other.x), one.y.min(other.y));
    let right = one.x.saturating_add(one.w).max(other.x.saturating_add(other.w));
    let bottom = one.y.saturating_add(one.h).max(other.y.saturating_add(other.h));
    Rect::new(x, y, right - x, bottom - y)
}

/// The area of a word; where the script has no spaces, the share of it that these bytes have.
fn area_of(view: &View, segment: &Segment, from: u32, until: u32) -> Option<Rect> {
    let area = view.page.word(segment.word as usize)?.area?;
    let text = view.layout.slice(segment.start, segment.end);
    if (from, until) == (segment.start, segment.end) || !text.chars().any(is_unsegmented) {
        return Some(area);
    }
    let count = |from: u32, until: u32| view.layout.slice(from, until).chars().filter(takes_space).count() as u64;
    let (before, own, all) = (count(segment.start, from), count(from, until), count(segment.start, segment.end));
    // Higher than wide is written downwards.
    let is_across = area.w >= area.h;
    let length = u64::from(if is_across { area.w } else { area.h });
    let edge = |characters: u64| ((2 * length * characters + all) / (2 * all.max(1))) as u32;
    let (start, end) = (edge(before), edge(before + own).max(edge(before) + 1));
    Some(if is_across {
        Rect::new(area.x + start, area.y, end - start, area.h)
    } else {
        Rect::new(area.x, area.y + start, area.w, end - start)
    })
}

fn takes_space(character: &char) -> bool {
    !is_mark(*character)
}

/// What is spent of the context: words cost two, characters of scripts without spaces one.
#[derive(Default)]
struct Budget {
    spent: usize,
    is_in_word: bool,
}

impl Budget {
    fn pays(&mut self, character: char, limit: usize) -> bool {
        let cost = if has_no_spaces(character) {
            self.is_in_word = false;
            1
        } else if std::mem::replace(&mut self.is_in_word, true) {
            0
        } else {
            2
        };
        self.spent += cost;
        self.spent <= limit
    }
}

/// What ended a walk through a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// There were as many words as are wanted, and more.
    Limit,
    /// The text was at its end.
    End,
}

/// Where the text begins that is shown before a byte.
fn back(text: &str, from: u32, words: usize) -> (Reached, u32) {
    let mut budget = Budget::default();
    let mut start = from;
    for (at, character) in text.get(..from as usize).unwrap_or_default().char_indices().rev() {
        if character.is_whitespace() {
            budget.is_in_word = false;
        } else if budget.pays(character, words.saturating_mul(2)) {
            start = at as u32;
        } else {
            return (Reached::Limit, start);
        }
    }
    (Reached::End, start)
}

/// Where the text ends that is shown after a byte.
fn forth(text: &str, from: u32, words: usize) -> (Reached, u32) {
    let mut budget = Budget::default();
    let mut end = from;
    for (at, character) in text.get(from as usize..).unwrap_or_default().char_indices() {
        if character.is_whitespace() {
            budget.is_in_word = false;
        } else if budget.pays(character, words.saturating_mul(2)) {
            end = from + (at + character.len_utf8()) as u32;
        } else {
            return (Reached::Limit, end);
        }
    }
    (Reached::End, end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use recto_iiif::text::{Area, PageText, TextBlock, TextLine, TextWord, WordPart};

    use super::*;
    use crate::index::{Continuity, IndexBuilder};
    use crate::page::encode;

    /// Lines of words. One that ends in `-` is broken, its second part begins the next line; after one that ends in `+` there is no
    /// space.
    fn page(lines: &[Vec<String>]) -> PageText {
        let mut is_second = false;
        let mut out = Vec::new();
        for (y, words) in lines.iter().enumerate() {
            let mut line = TextLine::default();
            for (x, text) in words.iter().enumerate() {
                let is_broken = text.ends_with('-') && x + 1 == words.len() && y + 1 < lines.len();
                let part = if std::mem::take(&mut is_second) {
                    Some(WordPart::Second)
                } else {
                    is_broken.then(|| WordPart::First { whole: format!("{text}whole") })
                };
                is_second = is_broken && part != Some(WordPart::Second);
                line.words.push(TextWord {
                    text: text.trim_end_matches(['-', '+']).to_owned(),
                    area: Some(Area { x: x as f64 * 10.0, y: y as f64 * 10.0, w: 9.0, h: 9.0 }),
                    part,
                    joined_to_next: text.ends_with('+'),
                    ..TextWord::default()
                });
            }
            out.push(line);
        }
        PageText { size: None, language: None, blocks: vec![TextBlock { lines: out, ..TextBlock::default() }] }
    }

    proptest! {
        #[test]
        fn t1_a_part_of_a_page_gives_the_same_hits_as_all_of_it(
            lines in prop::collection::vec(
                prop::collection::vec("[abc]{1,2}|a-b|l'a|ab-|ab\\+|東京|。|—|🎉|b®\\+|東\\+|\\(", 0..5), 1..30),
        ) {
            let blob = encode(&page(&lines)).unwrap();
            let packed = Packed::open(Bytes::from(blob.clone())).unwrap();
            let whole = packed.page(0..packed.line_count()).unwrap();
            let mut builder = IndexBuilder::new(Continuity::Running, None, false);
            builder.add(&whole);
            let index = Index::open(Bytes::from(builder.finish().unwrap())).unwrap();
            let pages = |_: u32| Some(Bytes::from(blob.clone()));
            let mut all = Views { pages: &pages, recent: Vec::new() };
            all.open(0).parts = Views::PARTS;
            for start in 0..index.end() {
                for length in 1..4 {
                    let span = Span { start, end: start + length };
                    let mut parts = Views { pages: &pages, recent: Vec::new() };
                    prop_assert_eq!(hit(&index, span, &mut parts, 3), hit(&index, span, &mut all, 3), "{:?}", span);
                }
            }
        }
    }

    #[test]
    fn of_a_long_page_few_lines_are_read() {
        let lines = vec![vec!["one".to_owned(), "two".to_owned(), "three".to_owned()]; 100];
        let packed = Packed::open(encode(&page(&lines)).unwrap()).unwrap();
        let (around, before) = packed.lines_around(150..151, 12);
        assert_eq!((around, before), (46..55, 138));
        assert_eq!(packed.lines_around(0..1, 12), (0..5, 0));
        assert_eq!(packed.lines_around(299..300, 12), (95..100, 285));
    }
}
