//! The text around matches, and their places.

use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;
use recto_iiif::Rect;

use super::{Matches, Span};
use crate::analysis::{is_mark, is_unsegmented};
use crate::index::Index;
use crate::layout::{Layout, Segment, Written, begins_with_second_part, has_no_space_between, has_no_spaces};
use crate::page::Page;

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

/// A page with its layout.
struct View {
    number: u32,
    page: Page,
    layout: Layout,
}

/// Pages that were read last: matches come in reading order, so few are enough.
struct Views<'a> {
    pages: &'a dyn Fn(u32) -> Option<Bytes>,
    recent: Vec<(u32, Option<Rc<View>>)>,
}

impl Views<'_> {
    const MOST: usize = 3;

    fn get(&mut self, number: u32) -> Option<Rc<View>> {
        if let Some((_, view)) = self.recent.iter().find(|(known, _)| *known == number) {
            return view.clone();
        }
        let page = (self.pages)(number).and_then(|blob| Page::decode(&blob).ok());
        let view = page.map(|page| Rc::new(View { number, layout: Layout::of(&page), page }));
        if self.recent.len() == Self::MOST {
            self.recent.remove(0);
        }
        self.recent.push((number, view.clone()));
        view
    }
}

fn hit(index: &Index, span: Span, views: &mut Views<'_>, context_words: usize) -> Hit {
    let mut hit = Hit::default();
    let mut is_first = true;
    for number in index.page_of(span.start)..=index.page_of(span.end.saturating_sub(1)) {
        let positions = index.positions_of(number);
        let (from, until) = (span.start.max(positions.start), span.end.min(positions.end));
        let Some(view) = views.get(number) else { continue };
        let layout = &view.layout;
        let pieces = layout.pieces_at(from - positions.start, until.saturating_sub(positions.start));
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { continue };
        if is_first {
            hit.before.push_str(layout.slice(back(&layout.text, first.start, context_words), first.start));
        }
        let exact = layout.slice(first.start, last.end);
        if !is_first && !has_no_space_between(&hit.exact, exact) {
            hit.exact.push(' ');
        }
        is_first = false;
        hit.exact.push_str(exact);
        layout.slice(last.end, forth(&layout.text, last.end, context_words)).clone_into(&mut hit.after);
        put_parts(&mut hit.parts, &view, first.start..last.end, views);
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
                    view.number.checked_add(1).and_then(|next| views.get(next))
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
    let number = word.line as u32;
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

/// Where the text begins that is shown before a byte.
fn back(text: &str, from: u32, words: usize) -> u32 {
    let mut budget = Budget::default();
    let mut start = from;
    for (at, character) in text.get(..from as usize).unwrap_or_default().char_indices().rev() {
        if character.is_whitespace() {
            budget.is_in_word = false;
        } else if budget.pays(character, words.saturating_mul(2)) {
            start = at as u32;
        } else {
            break;
        }
    }
    start
}

/// Where the text ends that is shown after a byte.
fn forth(text: &str, from: u32, words: usize) -> u32 {
    let mut budget = Budget::default();
    let mut end = from;
    for (at, character) in text.get(from as usize..).unwrap_or_default().char_indices() {
        if character.is_whitespace() {
            budget.is_in_word = false;
        } else if budget.pays(character, words.saturating_mul(2)) {
            end = from + (at + character.len_utf8()) as u32;
        } else {
            break;
        }
    }
    end
}
