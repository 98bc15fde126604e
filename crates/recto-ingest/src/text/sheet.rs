//! A page in the making: what every format has in common once it is read. Readers say what they see in the order of their file;
//! here it becomes words in reading order, none with a space in it, broken ones joined.

use std::borrow::Cow;
use std::collections::HashMap;

use recto_iiif::text::{Area, PageSize, PageText, TextBlock, TextLine, TextWord};
use xxhash_rust::xxh3::xxh3_64;

use super::hyphens::join_broken;
use super::script;
use crate::words::{At, Report};

/// Most words of a page.
pub(super) const MOST_WORDS: usize = 500_000;

/// Most letters of a word; longer ones are cut into pieces.
const MOST_LETTERS: usize = 1000;

/// Most lines of a page, and most blocks, empty ones included.
const MOST_LINES: usize = 500_000;

/// Most characters of a word of which each may have a place.
pub(super) const MOST_GLYPHS: usize = 1000;

/// Most blocks around a block that are remembered.
const MOST_NAMES: usize = 8;

/// Most other readings of a word.
pub(super) const MOST_ALTERNATIVES: usize = 16;

/// What a reader knows of a word.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) area: Option<Area>,
    pub(super) alternatives: Vec<String>,
    pub(super) confidence: Option<f32>,
    pub(super) part: Option<Part>,
    /// Does the next word follow without a space? `None` where the source does not say.
    pub(super) joined: Option<bool>,
    /// Its characters with their places.
    pub(super) glyphs: Vec<Glyph>,
}

/// A character with its place.
#[derive(Debug, Default)]
pub(super) struct Glyph {
    pub(super) text: String,
    pub(super) area: Option<Area>,
    pub(super) alternatives: Vec<String>,
}

/// What the source says of a word broken at the end of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// The first part, and the whole word where that is said.
    First(Option<String>),
    /// What stands before this hyphen at the end of the line: the first part of a word, or of a compound.
    Hyphened(char),
    /// The second part.
    Second,
}

/// A word that is put in its place.
pub(super) struct Word {
    pub(super) word: TextWord,
    joined: Option<bool>,
    pub(super) part: Option<Part>,
}

pub(super) struct Line {
    pub(super) line: TextLine,
    pub(super) words: Vec<Word>,
}

struct Block {
    block: TextBlock,
    lines: Vec<Line>,
    /// Sums of the identifiers under which an order may name it: its own, those around it and those within it.
    names: Vec<u64>,
    /// The part of the page that it is in: those with lower numbers are read first.
    section: u8,
    language: Option<String>,
}

/// A page in the making.
pub(super) struct Sheet {
    size: Option<PageSize>,
    language: Option<String>,
    blocks: Vec<Block>,
    /// Blocks that are open, one within the other.
    open: Vec<usize>,
    has_line: bool,
    words: usize,
    lines: usize,
    has_spaces: bool,
    pub(super) section: u8,
    pub(super) groups: Vec<String>,
    /// Identifiers in reading order.
    pub(super) order: Vec<String>,
    is_full: bool,
}

impl Sheet {
    pub(super) fn new(size: Option<PageSize>, language: Option<String>) -> Self {
        Self {
            size,
            language,
            blocks: Vec::new(),
            open: Vec::new(),
            has_line: false,
            words: 0,
            lines: 0,
            has_spaces: false,
            section: 0,
            groups: Vec::new(),
            order: Vec::new(),
            is_full: false,
        }
    }

    /// The size of the page, which became known only now.
    pub(super) fn page_size(&mut self, size: Option<PageSize>) {
        self.size = self.size.or(size);
    }

    pub(super) fn begin_block(&mut self, id: Option<&str>, area: Option<Area>, language: Option<String>) {
        self.end_line();
        if self.blocks.len() >= MOST_LINES {
            self.open.push(usize::MAX);
            return;
        }
        // The nearest are enough: nobody orders a page by what is far around its parts.
        let around = self.open.iter().rev().take(MOST_NAMES).filter_map(|at| self.blocks.get(*at)?.block.id.as_deref());
        let groups = self.groups.iter().rev().take(MOST_NAMES).map(String::as_str);
        let names = id.into_iter().chain(around).chain(groups).map(sum).collect();
        let language = language.or_else(|| self.open.last().and_then(|at| self.blocks.get(*at)?.language.clone()));
        let block = TextBlock { id: id.map(str::to_owned), area, lines: Vec::new() };
        self.open.push(self.blocks.len());
        self.blocks.push(Block { block, lines: Vec::new(), names, section: self.section, language });
    }

    pub(super) fn end_block(&mut self) {
        self.end_line();
        if let Some(block) = self.open.pop().and_then(|at| self.blocks.get_mut(at)) {
            // Files of hundreds of thousands of blocks with a word each are written, too.
            block.lines.shrink_to_fit();
            block.names.shrink_to_fit();
        }
    }

    /// Gives the open block a place that became known only now.
    pub(super) fn block_area(&mut self, area: Option<Area>) {
        if let Some(block) = self.open.last().and_then(|at| self.blocks.get_mut(*at)) {
            block.block.area = block.block.area.or(area);
        }
    }

    pub(super) fn begin_line(&mut self, id: Option<&str>, area: Option<Area>, language: Option<String>) {
        self.end_line();
        if self.open.is_empty() {
            self.begin_block(None, None, None);
        }
        self.has_line = true;
        if self.lines >= MOST_LINES || self.words >= MOST_WORDS {
            return;
        }
        self.lines += 1;
        if let Some(block) = self.open.last().and_then(|at| self.blocks.get_mut(*at)) {
            block.names.extend(id.map(sum));
            let language = language.or_else(|| block.language.clone());
            let line = TextLine { area, language, ..TextLine::default() };
            if block.lines.is_empty() {
                block.lines.reserve_exact(1);
            }
            block.lines.push(Line { line, words: Vec::new() });
        }
    }

    pub(super) fn end_line(&mut self) {
        if std::mem::take(&mut self.has_line)
            && let Some(line) = self.line()
        {
            line.words.shrink_to_fit();
        }
    }

    /// When the open line is heard.
    pub(super) fn line_time(&mut self, from_s: f64, until_s: f64) {
        if let Some(line) = self.line() {
            line.line.time_s = Some((from_s, until_s));
        }
    }

    /// Gives the open line a place that became known only now.
    pub(super) fn line_area(&mut self, area: Option<Area>) {
        if let Some(line) = self.line() {
            line.line.area = line.line.area.or(area);
        }
    }

    pub(super) fn line_language(&mut self, language: Option<String>) {
        if let Some(line) = self.line() {
            line.line.language = line.line.language.take().or(language);
        }
    }

    fn line(&mut self) -> Option<&mut Line> {
        self.blocks.get_mut(*self.open.last()?)?.lines.last_mut()
    }

    pub(super) fn has_line(&self) -> bool {
        self.has_line
    }

    /// A space stands behind the last word. What says so of some words says so of all.
    pub(super) fn space(&mut self) {
        self.has_spaces = true;
        if self.has_line
            && let Some(word) = self.line().and_then(|line| line.words.last_mut())
        {
            word.joined = Some(false);
        }
    }

    /// The last word is broken at the end of its line, by a hyphen that is written so and is not part of its text.
    pub(super) fn hyphen(&mut self, written: &str) {
        if self.has_line
            && let Some(word) = self.line().and_then(|line| line.words.last_mut())
            && matches!(word.part, None | Some(Part::First(None)))
        {
            let hyphen = written.chars().next_back().filter(|hyphen| script::is_hyphen(*hyphen));
            word.part = Some(hyphen.map_or(Part::First(None), Part::Hyphened));
        }
    }

    /// A word, or several with spaces between them. `line` is where the file is, for findings.
    pub(super) fn word(&mut self, draft: Draft<'_>, report: &mut Report, line: impl FnOnce() -> u32) {
        if self.words >= MOST_WORDS {
            if !self.is_full {
                self.is_full = true;
                let message = format!("the page has more than {MOST_WORDS} words; the rest is not read");
                report.warning(At::line(line()), "text-too-long", message, "divide it into pages");
            }
            return;
        }
        if !self.has_line {
            self.begin_line(None, None, None);
        }
        let words = if is_written_by_glyphs(&draft) { by_glyphs(draft) } else { by_spaces(draft) };
        self.words += words.len();
        if let Some(line) = self.line() {
            // Most space of short lists is left unused, unless they are as long as they are.
            if line.words.is_empty() {
                line.words = words;
            } else {
                line.words.extend(words);
            }
        }
    }

    /// A line of which only the text is known, with its other readings.
    pub(super) fn line_text(&mut self, text: &str, others: &[String], confidence: Option<f32>, report: &mut Report) {
        let area = self.line().and_then(|line| line.line.area);
        let tokens: Vec<&str> = text.split(script::is_space).filter(|token| !token.is_empty()).collect();
        let before = self.line().map_or(0, |line| line.words.len());
        self.word(Draft { text: text.into(), area, confidence, ..Draft::default() }, report, || 0);
        for other in others {
            let readings: Vec<&str> = other.split(script::is_space).filter(|token| !token.is_empty()).collect();
            if readings.len() != tokens.len() {
                continue;
            }
            let Some(words) = self.line().and_then(|line| line.words.get_mut(before..)) else { return };
            for ((word, token), reading) in words.iter_mut().zip(&tokens).zip(readings) {
                if word.word.text == **token && reading != *token {
                    push_alternative(&mut word.word, reading);
                }
            }
        }
    }

    /// The page, in reading order.
    pub(super) fn finish(mut self) -> PageText {
        self.sort();
        let (has_spaces, mut language) = (self.has_spaces, self.language);
        let mut blocks: Vec<Block> = self.blocks;
        for line in blocks.iter_mut().flat_map(|block| &mut block.lines) {
            finish_line(line, has_spaces);
        }
        blocks.iter_mut().for_each(|block| block.lines.retain(|line| !line.words.is_empty()));
        blocks.retain(|block| !block.lines.is_empty());
        let mut lines: Vec<&mut Line> = blocks.iter_mut().flat_map(|block| &mut block.lines).collect();
        join_broken(&mut lines, language.as_deref());
        if language.is_none() {
            let first = lines.first().and_then(|line| line.line.language.clone());
            language = first.filter(|first| lines.iter().all(|line| line.line.language.as_ref() == Some(first)));
        }
        for line in lines {
            line.line.language = line.line.language.take().filter(|own| Some(own) != language.as_ref());
        }
        let blocks = blocks
            .into_iter()
            .map(|block| TextBlock {
                lines: block
                    .lines
                    .into_iter()
                    .map(|line| TextLine { words: line.words.into_iter().map(|word| word.word).collect(), ..line.line })
                    .collect(),
                ..block.block
            })
            .collect();
        PageText { size: self.size, language, blocks }
    }

    fn sort(&mut self) {
        let mut ranks: HashMap<u64, usize> = HashMap::new();
        for (rank, name) in self.order.iter().enumerate() {
            ranks.entry(sum(name)).or_insert(rank);
        }
        let rank = |block: &Block| {
            let named = block.names.iter().filter_map(|name| ranks.get(name).copied()).min();
            (named.unwrap_or(usize::MAX), block.section)
        };
        self.blocks.sort_by_cached_key(rank);
    }
}

/// What is remembered of an identifier: an order names it or not.
fn sum(name: &str) -> u64 {
    xxh3_64(name.as_bytes())
}

fn push_alternative(word: &mut TextWord, other: &str) {
    let other = other.trim();
    let is_new = !other.is_empty() && other != word.text && !word.alternatives.iter().any(|known| known == other);
    if is_new && word.alternatives.len() < MOST_ALTERNATIVES && other.len() <= 4 * MOST_LETTERS {
        word.alternatives.push(other.to_owned());
    }
}

/// In scripts without spaces a part of a word is looked for as often as a whole, so each character keeps its own place.
fn is_written_by_glyphs(draft: &Draft<'_>) -> bool {
    !draft.glyphs.is_empty()
        && draft.text.chars().any(script::is_ideograph)
        && draft.glyphs.iter().all(|glyph| glyph.area.is_some() && !glyph.text.is_empty())
        && draft.glyphs.iter().flat_map(|glyph| glyph.text.chars()).eq(draft.text.trim().chars())
        && !draft.text.trim().contains(script::is_space)
}

fn by_glyphs(draft: Draft<'_>) -> Vec<Word> {
    let last = draft.glyphs.len() - 1;
    let glyphs = draft.glyphs.into_iter().enumerate();
    let mut words: Vec<Word> = glyphs
        .map(|(at, glyph)| {
            let mut word =
                TextWord { text: glyph.text, area: glyph.area, confidence: draft.confidence, ..TextWord::default() };
            glyph.alternatives.iter().for_each(|other| push_alternative(&mut word, other));
            Word { word, joined: if at == last { draft.joined } else { Some(true) }, part: None }
        })
        .collect();
    if let [only] = words.as_mut_slice() {
        draft.alternatives.iter().for_each(|other| push_alternative(&mut only.word, other));
    }
    words
}

/// The words of a text that may hold spaces, each with its share of the area.
fn by_spaces(draft: Draft<'_>) -> Vec<Word> {
    let text = draft.text.trim_matches(script::is_space);
    let pieces = pieces(text);
    let (all, last) = (script::places(text), pieces.len().saturating_sub(1));
    let mut part = draft.part;
    let mut words: Vec<Word> = pieces
        .iter()
        .enumerate()
        .map(|(at, piece)| {
            let area = match draft.area {
                Some(area) if last > 0 => {
                    Some(share(area, text, piece.from, piece.from + script::places(piece.text), all))
                }
                area => area,
            };
            let part = match part {
                Some(Part::Second) if at == 0 => part.take(),
                Some(Part::First(_) | Part::Hyphened(_)) if at == last => part.take(),
                _ => None,
            };
            let word =
                TextWord { text: piece.text.to_owned(), area, confidence: draft.confidence, ..TextWord::default() };
            Word { word, joined: if at == last { draft.joined } else { Some(piece.is_cut) }, part }
        })
        .collect();
    for other in &draft.alternatives {
        let readings: Vec<&str> = other.split(script::is_space).filter(|reading| !reading.is_empty()).collect();
        if readings.len() == words.len() {
            words.iter_mut().zip(readings).for_each(|(word, reading)| push_alternative(&mut word.word, reading));
        } else if let [only] = words.as_mut_slice() {
            push_alternative(&mut only.word, &readings.join(" "));
        }
    }
    words
}

struct Piece<'a> {
    text: &'a str,
    /// Places before it.
    from: usize,
    /// It is not the end of its word.
    is_cut: bool,
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut at, mut place) = (0, 0);
    for token in text.split(script::is_space) {
        let start = token.as_ptr() as usize - text.as_ptr() as usize;
        place += script::places(&text[at..start]);
        let mut rest = token;
        while !rest.is_empty() {
            let cut = rest.char_indices().nth(MOST_LETTERS).map_or(rest.len(), |(cut, _)| cut);
            let (piece, after) = rest.split_at(cut);
            pieces.push(Piece { text: piece, from: place, is_cut: !after.is_empty() });
            place += script::places(piece);
            rest = after;
        }
        at = start + token.len();
    }
    pieces
}

/// The part of an area between two of so many places, in the direction in which the text runs.
fn share(area: Area, text: &str, from: usize, until: usize, all: usize) -> Area {
    let all = all.max(1) as f64;
    let (from, until) = (from as f64, until as f64);
    let is_ideographic = text.chars().any(script::is_ideograph);
    let is_vertical = if is_ideographic { area.h > area.w } else { all >= 4.0 && area.h > area.w * 2.0 };
    // Products before quotients: whole numbers stay whole.
    if is_vertical {
        return Area { y: area.y + area.h * from / all, h: area.h * (until - from) / all, ..area };
    }
    let left = if script::runs_right_to_left(text) { all - until } else { from };
    Area { x: area.x + area.w * left / all, w: area.w * (until - from) / all, ..area }
}

fn finish_line(line: &mut Line, has_spaces: bool) {
    to_logical_order(&mut line.words);
    let places = line.words.iter().filter_map(|word| word.word.area);
    line.line.area = line.line.area.or_else(|| places.reduce(Area::around));
    for at in 0..line.words.len() {
        let joined = match (&line.words[at], line.words.get(at + 1)) {
            (_, None) => false,
            (Word { joined: Some(joined), .. }, _) => *joined,
            (_, Some(_)) if has_spaces => true,
            (word, Some(next)) => {
                let ends = word.word.text.chars().next_back().is_some_and(script::is_unspaced);
                ends && next.word.text.chars().next().is_some_and(script::is_unspaced)
            }
        };
        line.words[at].word.joined_to_next = joined;
    }
}

/// Some recognisers give the words of Arabic and Hebrew lines from left to right, as they are seen.
fn to_logical_order(words: &mut [Word]) {
    let is_seen = |pair: &[Word]| match (pair[0].word.area, pair[1].word.area) {
        (Some(a), Some(b)) => a.x + a.w <= b.x + b.w.min(a.w) / 4.0,
        _ => false,
    };
    let all_run_left = words
        .iter()
        .all(|word| script::runs_right_to_left(&word.word.text) || !word.word.text.chars().any(char::is_alphabetic))
        && words.iter().any(|word| script::runs_right_to_left(&word.word.text));
    if words.len() > 1 && all_run_left && words.windows(2).all(is_seen) && words.iter().all(|word| word.part.is_none())
    {
        words.reverse();
        // What was said of the space behind a word was said of the one before it.
        for at in 0..words.len() {
            words[at].joined = words.get(at + 1).and_then(|next| next.joined);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "areas are given as they are compared")]
    fn area(x: f64, y: f64, w: f64, h: f64) -> Option<Area> {
        Some(Area { x, y, w, h })
    }

    fn words(drafts: Vec<Draft<'_>>) -> Vec<TextWord> {
        let (mut sheet, mut report) = (Sheet::new(None, None), Report::new("a"));
        drafts.into_iter().for_each(|draft| sheet.word(draft, &mut report, || 1));
        sheet.finish().words().cloned().collect()
    }

    fn draft(text: &str, area: Option<Area>) -> Draft<'_> {
        Draft { text: text.into(), area, ..Draft::default() }
    }

    #[test]
    fn a_text_with_spaces_becomes_words_with_shares_of_its_area() {
        let found = words(vec![draft("ab\u{a0}cd  e", area(100.0, 0.0, 80.0, 10.0))]);
        let found: Vec<_> = found.iter().map(|word| (word.text.as_str(), word.area)).collect();
        assert_eq!(
            found,
            [
                ("ab", area(100.0, 0.0, 20.0, 10.0)),
                ("cd", area(130.0, 0.0, 20.0, 10.0)),
                ("e", area(170.0, 0.0, 10.0, 10.0))
            ]
        );
        let hebrew = words(vec![draft("אב ג", area(0.0, 0.0, 40.0, 10.0))]);
        assert_eq!((hebrew[0].area, hebrew[1].area), (area(20.0, 0.0, 20.0, 10.0), area(0.0, 0.0, 10.0, 10.0)));
        let vertical = words(vec![draft("日本 語", area(0.0, 0.0, 10.0, 40.0))]);
        assert_eq!((vertical[0].area, vertical[1].area), (area(0.0, 0.0, 10.0, 20.0), area(0.0, 30.0, 10.0, 10.0)));
    }

    #[test]
    fn words_without_end_are_cut_into_joined_pieces() {
        let found = words(vec![draft(&"a".repeat(2500), None)]);
        let found: Vec<_> = found.iter().map(|word| (word.text.len(), word.joined_to_next)).collect();
        assert_eq!(found, [(1000, true), (1000, true), (500, false)]);
    }

    #[test]
    fn arabic_and_hebrew_come_in_logical_order() {
        let seen = vec![draft("שני", area(0.0, 0.0, 10.0, 5.0)), draft("ראשון", area(20.0, 0.0, 10.0, 5.0))];
        let texts: Vec<_> = words(seen).into_iter().map(|word| word.text).collect();
        assert_eq!(texts, ["ראשון", "שני"]);
        let logical = vec![draft("ראשון", area(20.0, 0.0, 10.0, 5.0)), draft("שני", area(0.0, 0.0, 10.0, 5.0))];
        assert_eq!(words(logical)[0].text, "ראשון");
    }

    #[test]
    fn scripts_without_spaces_are_joined() {
        let joined = |texts: [&str; 2]| words(texts.map(|text| draft(text, None)).into()).remove(0).joined_to_next;
        assert!(joined(["日本", "語"]) && joined(["สวัส", "ดี"]) && !joined(["한국", "어"]) && !joined(["a", "語"]));
    }

    #[test]
    fn short_lists_take_no_more_than_they_need() {
        let (mut sheet, mut report) = (Sheet::new(None, None), Report::new("a"));
        for lines in [&["a"][..], &["a", "b c d e f"], &["a b", "c", "d"]] {
            sheet.begin_block(Some("b"), None, None);
            for line in lines {
                sheet.begin_line(Some("l"), None, None);
                line.split(' ').for_each(|word| sheet.word(draft(word, None), &mut report, || 1));
            }
            sheet.end_block();
        }
        let taken: Vec<_> = sheet
            .blocks
            .iter()
            .map(|block| {
                (
                    block.lines.capacity(),
                    block.names.capacity(),
                    block.lines.iter().map(|line| line.words.capacity()).collect(),
                )
            })
            .collect();
        assert_eq!(taken, [(1, 2, vec![1]), (2, 3, vec![1, 5]), (3, 4, vec![2, 1, 1])]);
    }
}
