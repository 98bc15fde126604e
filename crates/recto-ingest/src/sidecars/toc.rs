//! `toc.txt`: a table of contents as people type it. What stands further in belongs to the line above it.
//!
//! ```text
//! # a comment
//! Front matter  001-004
//! Letter to Max  005-007
//!   Postscript  007@100,2000,1500,600
//! ```
//!
//! Two spaces, a tab or a row of dots divide a title from its pages, so that a title can have numbers in it.

use std::collections::HashMap;

use recto_iiif::presentation::LanguageMap;

use crate::Finding;
use crate::description::{PagePart, PageRef, Range, RangeItem, Region};
use crate::tables::{MOST_DEPTH, encoding, region};
use crate::words::{At, Report, shown};

/// What the pages of an object are called, in their order.
#[derive(Clone, Debug, Default)]
pub struct PageNames {
    /// The name by which each page is referred to.
    pages: Vec<String>,
    by_name: HashMap<String, usize>,
}

impl PageNames {
    /// Pages with all their names: what [`PageRef::Name`] takes first, such as canvas name, label, file name, stem. Where two
    /// pages have the same name, it means the first.
    pub fn new<N: Into<String>>(pages: impl IntoIterator<Item = impl IntoIterator<Item = N>>) -> Self {
        let mut names = Self::default();
        let mut ranked: Vec<(usize, usize, String)> = Vec::new();
        for (place, page) in pages.into_iter().enumerate() {
            let page: Vec<String> = page.into_iter().map(Into::into).collect();
            names.pages.push(page.first().cloned().unwrap_or_else(|| (place + 1).to_string()));
            ranked.extend(page.into_iter().enumerate().map(|(rank, name)| (rank, place, name)));
        }
        // A canvas name counts before any label, a label before any file name.
        ranked.sort_by_key(|(rank, place, _)| (*rank, *place));
        for (_, place, name) in ranked {
            names.by_name.entry(name).or_insert(place);
        }
        names
    }

    /// The page that is meant, by one of its names or its number.
    fn find(&self, name: &str) -> Option<usize> {
        let number = || {
            name.parse().ok().and_then(|number: usize| number.checked_sub(1)).filter(|place| *place < self.pages.len())
        };
        self.by_name.get(name).copied().or_else(number)
    }
}

/// Most lines that are read.
const MOST_LINES: usize = 50_000;
/// Most pages of all ranges together.
const MOST_ITEMS: usize = 500_000;
/// Most bytes that are read.
const MOST_BYTES: usize = 8 << 20;

/// The ranges of a table of contents. `place` is the file's path relative to the library; `language` that of the titles,
/// where it is known. Pages are named in the result by their first name in `pages`.
pub fn read_toc(bytes: &[u8], place: &str, pages: &PageNames, language: Option<&str>) -> (Vec<Range>, Vec<Finding>) {
    let mut report = Report::new(place);
    if bytes.len() > MOST_BYTES {
        let message = format!("the file has more than {} MB", MOST_BYTES >> 20);
        report.error(At::FILE, "sidecar-too-large", message, "is it a table of contents?");
        return (Vec::new(), report.into_list());
    }
    let text = encoding::decode(bytes, &mut report);
    let mut reader = Reader {
        pages,
        language: language.unwrap_or(LanguageMap::NONE),
        items: 0,
        open: Vec::new(),
        done: Vec::new(),
        mixed: (None, false),
        report: &mut report,
    };
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    for (number, line) in (1..).zip(lines.split('\n').take(MOST_LINES)) {
        reader.line(number, line);
    }
    if lines.split('\n').nth(MOST_LINES).is_some() {
        let message = format!("the file has more than {MOST_LINES} lines; the rest was left out");
        reader.report.error(At::line(MOST_LINES as u32), "sidecar-too-large", message, "is it a table of contents?");
    }
    reader.close(0);
    let ranges = reader.done;
    (ranges, report.into_list())
}

/// A part whose inner parts may still follow.
struct Open {
    indent: usize,
    at: At,
    last_word: Option<String>,
    range: Range,
}

struct Reader<'a, 'r> {
    pages: &'a PageNames,
    language: &'a str,
    items: usize,
    open: Vec<Open>,
    done: Vec<Range>,
    /// Whether the first indented line has tabs, and whether a line that has them otherwise was reported.
    mixed: (Option<bool>, bool),
    report: &'r mut Report,
}

impl Reader<'_, '_> {
    fn line(&mut self, number: u32, line: &str) {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        let indent = self.indent(number, line);
        self.nest(indent, number);
        let (title, refs) = self.divided(text);
        let at = At::new(number, indent_chars(line) + 1);
        let mut range = Range { label: LanguageMap::one(self.language, title), ..Range::default() };
        if let Some((before, refs)) = refs {
            let column = indent_chars(line) + before.chars().count() as u32 + 1;
            self.references(refs, At::new(number, column), &mut range);
        }
        let last_word = refs.is_none().then(|| text.rsplit_once(' ').map(|(_, word)| word.to_owned())).flatten();
        self.open.push(Open { indent, at, last_word, range });
    }

    /// How far in a line stands: spaces count one, tabs reach to the next multiple of four.
    fn indent(&mut self, number: u32, line: &str) -> usize {
        let white: Vec<char> = line.chars().take_while(|c| c.is_whitespace()).collect();
        let has_tab = white.contains(&'\t');
        if !white.is_empty() {
            let first = *self.mixed.0.get_or_insert(has_tab);
            if first != has_tab && !self.mixed.1 {
                self.mixed.1 = true;
                let message = "some lines begin with tabs and some with spaces; a tab was taken for four spaces";
                self.report.note(At::line(number), "tabs-and-spaces", message, "use one of them in the whole file");
            }
        }
        white.iter().fold(0, |indent, c| if *c == '\t' { (indent / 4 + 1) * 4 } else { indent + 1 })
    }

    /// Closes what does not hold a line that stands so far in.
    fn nest(&mut self, indent: usize, number: u32) {
        let depth = self.open.iter().take_while(|open| open.indent < indent).count();
        let between = self.open.get(depth).is_some_and(|open| open.indent > indent)
            && !self.open.iter().any(|o| o.indent == indent);
        if between && (depth > 0 || indent > 0) {
            let message = "the line stands between two levels, and was taken for the upper one";
            self.report.warning(
                At::line(number),
                "unclear-level",
                message,
                "begin it exactly under the line that it follows",
            );
        }
        self.close(depth);
        if self.open.len() >= MOST_DEPTH {
            let message =
                format!("the line stands more than {MOST_DEPTH} levels deep, and was taken for the level above");
            self.report.warning(At::line(number), "range-too-deep", message, "use fewer levels");
            self.close(MOST_DEPTH - 1);
        }
    }

    /// Closes all parts but the first so many.
    fn close(&mut self, depth: usize) {
        while self.open.len() > depth {
            let Some(open) = self.open.pop() else { return };
            if open.range.items.is_empty() {
                self.without_pages(&open);
                continue;
            }
            match self.open.last_mut() {
                Some(parent) => parent.range.items.push(RangeItem::Range(open.range)),
                None => self.done.push(open.range),
            }
        }
    }

    fn without_pages(&mut self, open: &Open) {
        let title = shown(open.range.label.first().unwrap_or_default());
        let word = open.last_word.as_deref().filter(|word| {
            let first = word.split(['-', '–', '@', ',']).next().unwrap_or_default();
            self.pages.find(word).or_else(|| self.pages.find(first)).is_some()
        });
        let fix = match word {
            Some(word) => format!("if `{}` is its page, put two spaces or a tab before it", shown(word)),
            None => "write two spaces and the page behind the title, such as `Preface  003`".to_owned(),
        };
        self.report.warning(open.at, "range-without-pages", format!("`{title}` has no page, and was left out"), fix);
    }

    /// The title, and what stands before and in the references to pages: behind the first gap after which all is a page, else
    /// behind the last that can be meant to divide.
    fn divided<'t>(&self, text: &'t str) -> (&'t str, Option<(&'t str, &'t str)>) {
        let gaps = gaps(text);
        let are_pages = |refs: &str| {
            self.resolve(refs).is_some() || divided_refs(refs).iter().all(|part| self.resolve(part).is_some())
        };
        let gap = gaps.iter().find(|(_, end, _)| are_pages(&text[*end..]));
        match gap.or_else(|| gaps.iter().rfind(|(_, _, is_sure)| *is_sure)) {
            Some((start, end, _)) => (text[..*start].trim(), Some((&text[..*end], &text[*end..]))),
            None => (text, None),
        }
    }

    fn references(&mut self, refs: &str, at: At, range: &mut Range) {
        if let Some(pages) = self.resolve(refs) {
            return self.push(range, pages);
        }
        for part in divided_refs(refs) {
            if let Some(pages) = self.resolve(part) {
                self.push(range, pages);
                continue;
            }
            let before = part.as_ptr() as usize - refs.as_ptr() as usize;
            let column = refs.get(..before).map_or(0, |before| before.chars().count());
            self.unknown(part, At::new(at.line, at.column + column as u32));
        }
    }

    fn unknown(&mut self, part: &str, at: At) {
        let (page, has_region) = match part.split_once('@') {
            Some((page, after)) => (page, region(after).is_none().then_some(after)),
            None => (part, None),
        };
        if let Some(after) = has_region {
            let message = format!("`@{}` is no region", shown(after));
            self.report.error(
                at,
                "bad-region",
                message,
                "write `@x,y,w,h` in pixels of the page, such as `@100,2000,1500,600`",
            );
            return;
        }
        let missing = match split_range(page)
            .find(|(from, to)| self.pages.find(from).is_some() != self.pages.find(to).is_some())
        {
            Some((from, _)) if self.pages.find(from).is_none() => from,
            Some((_, to)) => to,
            None => page,
        };
        let known = self.pages.by_name.keys().map(String::as_str);
        // Of names that are alike near, the first in the order of the alphabet.
        let mut known: Vec<&str> = known.collect();
        known.sort_unstable();
        let fix = self.report.did_you_mean(missing, known, "write a label, a file name without its end, or a number");
        self.report.error(at, "unknown-page", format!("there is no page `{}`", shown(missing)), fix);
    }

    /// The pages that one reference names: first, last, and the part of it.
    fn resolve(&self, text: &str) -> Option<(usize, usize, Option<Region>)> {
        let text = text.trim().trim_matches('"').trim();
        if let Some(page) = self.pages.find(text) {
            return Some((page, page, None));
        }
        if let Some((page, part)) = text.rsplit_once('@')
            && let (Some(page), Some(part)) = (self.pages.find(page.trim()), region(part))
        {
            return Some((page, page, Some(part)));
        }
        let (from, to) =
            split_range(text).find_map(|(from, to)| Some((self.pages.find(from)?, self.pages.find(to)?)))?;
        Some((from.min(to), from.max(to), None))
    }

    fn push(&mut self, range: &mut Range, (from, to, region): (usize, usize, Option<Region>)) {
        for name in self.pages.pages.get(from..=to).unwrap_or_default() {
            self.items += 1;
            if self.items > MOST_ITEMS {
                if self.items == MOST_ITEMS + 1 {
                    let message =
                        format!("the ranges have more than {MOST_ITEMS} pages together; the rest was left out");
                    self.report.error(At::FILE, "sidecar-too-large", message, "name fewer pages in the upper levels");
                }
                return;
            }
            range.items.push(RangeItem::Page(PagePart { page: PageRef::Name(name.clone()), region, time: None }));
        }
    }
}

fn indent_chars(line: &str) -> u32 {
    line.chars().take_while(|c| c.is_whitespace()).count() as u32
}

/// All ways to read a text as `from-to`, for names that have hyphens themselves.
fn split_range(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices(['-', '–', '—']).take(20).map(|(at, dash)| (text[..at].trim(), text[at + dash.len()..].trim()))
}

/// The places at which a title may end: byte ranges of blanks or dots, and whether they are wide enough to divide without doubt.
/// Only the last few are looked at.
fn gaps(text: &str) -> Vec<(usize, usize, bool)> {
    let is_leader = |c: char| matches!(c, '.' | '…' | '·' | '_') || c.is_whitespace();
    let mut gaps = Vec::new();
    let mut rest = text;
    while let Some(inside) = rest.rfind(is_leader) {
        let end = inside + rest[inside..].chars().next().map_or(1, char::len_utf8);
        let start = rest[..end].trim_end_matches(is_leader).len();
        let gap = &rest[start..end];
        let blanks = gap.chars().filter(|c| c.is_whitespace()).count();
        let dots = gap.chars().count() - blanks;
        let is_sure = gap.contains('\t') || blanks >= 2 && dots == 0;
        if start > 0 && end < text.len() && (is_sure || dots >= 3 || gap.contains('…')) {
            gaps.push((start, end, is_sure));
        }
        if gaps.len() == 8 {
            break;
        }
        rest = &rest[..start];
    }
    gaps.reverse();
    gaps
}

/// References are divided by spaces, semicolons and commas; the commas of a region belong to it.
fn divided_refs(refs: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in refs.split([' ', ';', '\t']).map(|part| part.trim_matches(',')).filter(|part| !part.is_empty()) {
        let mut rest = part;
        while !rest.is_empty() {
            let is_region = rest.find('@').filter(|at| rest.find(',').is_none_or(|comma| *at < comma));
            let commas_inside = if is_region.is_some() { 3 } else { 0 };
            let end = rest.match_indices(',').nth(commas_inside).map_or(rest.len(), |(at, _)| at);
            parts.push(&rest[..end]);
            rest = rest[end..].trim_start_matches(',');
        }
    }
    parts
}
