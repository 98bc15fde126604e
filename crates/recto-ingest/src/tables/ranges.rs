//! The column `range`: a path such as `Chapter 1/Section 2` opens that part of the table of contents on this page. The part
//! lasts until a row opens another; `-` ends it. `|` stands between several that open on one page, `\/` for a `/` in a title.

use std::collections::HashMap;

use recto_iiif::presentation::LanguageMap;

use super::columns::Columns;
use super::{Row, values};
use crate::description::{PagePart, PageRef, Range, RangeItem};
use crate::words::{Report, shown};

/// How deep tables of contents may be.
pub(crate) const MOST_DEPTH: usize = 20;

/// The titles on the way to a part, outermost first; none ends the part that is open.
pub(super) type Opening = Vec<LanguageMap>;

/// The parts that a row opens.
pub(super) fn openings(columns: &Columns, row: &Row, report: &mut Report) -> Vec<Opening> {
    let mut openings: Vec<Opening> = Vec::new();
    let mut is_first = true;
    for (text, language, at) in columns.texts(row, "range") {
        let mut paths: Vec<Vec<String>> = Vec::new();
        for path in values::split(text, columns.separator()) {
            let titles = if super::trimmed(&path) == "-" { Vec::new() } else { values::split(&path, '/') };
            if titles.len() > MOST_DEPTH {
                let message = format!("`{}` has more than {MOST_DEPTH} levels", shown(&path));
                report.warning(at, "range-too-deep", message, "write `\\/` where a slash belongs to a title");
            } else {
                paths.push(titles);
            }
        }
        if std::mem::take(&mut is_first) {
            let titled =
                |titles: Vec<String>| titles.into_iter().map(|title| LanguageMap::one(language, title)).collect();
            openings = paths.into_iter().map(titled).collect();
            continue;
        }
        let same =
            openings.len() == paths.len() && openings.iter().zip(&paths).all(|(one, other)| one.len() == other.len());
        if !same {
            let message = format!("`{}` has other levels than the range in the first language", shown(text));
            report.warning(at, "range-languages", message, "write the same levels in each language");
            continue;
        }
        for (title, translation) in openings.iter_mut().flatten().zip(paths.into_iter().flatten()) {
            title.push(language, translation);
        }
    }
    openings
}

/// A table of contents that grows page by page.
#[derive(Default)]
pub(super) struct Ranges {
    nodes: Vec<Node>,
    tops: Vec<usize>,
    /// Nodes by their parent and first title.
    places: HashMap<(Option<usize>, String), usize>,
    open: Option<usize>,
}

struct Node {
    label: LanguageMap,
    items: Vec<Item>,
}

enum Item {
    Page(usize),
    Node(usize),
}

impl Ranges {
    /// The next page, and the parts that open on it.
    pub(super) fn page(&mut self, page: usize, opens: Vec<Opening>) {
        if opens.is_empty() {
            if let Some(node) = self.open.and_then(|open| self.nodes.get_mut(open)) {
                node.items.push(Item::Page(page));
            }
            return;
        }
        for titles in opens {
            self.open = None;
            for label in titles {
                self.open = Some(self.child(self.open, label));
            }
            if let Some(node) = self.open.and_then(|open| self.nodes.get_mut(open)) {
                node.items.push(Item::Page(page));
            }
        }
    }

    fn child(&mut self, parent: Option<usize>, label: LanguageMap) -> usize {
        let key = (parent, label.first().unwrap_or_default().to_owned());
        if let Some(known) = self.places.get(&key) {
            return *known;
        }
        let place = self.nodes.len();
        self.nodes.push(Node { label, items: Vec::new() });
        self.places.insert(key, place);
        match parent.and_then(|parent| self.nodes.get_mut(parent)) {
            Some(parent) => parent.items.push(Item::Node(place)),
            None => self.tops.push(place),
        }
        place
    }

    pub(super) fn finish(mut self) -> Vec<Range> {
        let tops = std::mem::take(&mut self.tops);
        tops.into_iter().map(|top| self.range(top)).collect()
    }

    /// No deeper than [`MOST_DEPTH`].
    fn range(&mut self, place: usize) -> Range {
        let Some(node) = self.nodes.get_mut(place) else { return Range::default() };
        let label = std::mem::take(&mut node.label);
        let items = std::mem::take(&mut node.items);
        let items = items
            .into_iter()
            .map(|item| match item {
                Item::Page(page) => RangeItem::Page(PagePart { page: PageRef::Own(page), region: None, time: None }),
                Item::Node(place) => RangeItem::Range(self.range(place)),
            })
            .collect();
        Range { label, items, ..Range::default() }
    }
}

/// The cells of the column `range` in one language that make these ranges again, page by page. Titles without a text in this
/// language have their first one.
pub(super) fn cells(ranges: &[Range], pages: usize, language: &str) -> Vec<String> {
    let mut paths: Vec<Vec<String>> = vec![Vec::new(); pages];
    for range in ranges {
        place(range, language, &mut Vec::new(), &mut paths);
    }
    let mut open: Option<String> = None;
    let mut cells = Vec::with_capacity(pages);
    for opens in paths {
        let same = opens.len() == 1 && opens.first() == open.as_ref();
        let cell = match &opens[..] {
            _ if same => String::new(),
            [] if open.is_none() => String::new(),
            [] => "-".to_owned(),
            opens => values::join(opens.iter().map(String::as_str), '|'),
        };
        open = opens.into_iter().next_back();
        cells.push(cell);
    }
    cells
}

fn place(range: &Range, language: &str, titles: &mut Vec<String>, paths: &mut [Vec<String>]) {
    if titles.len() >= MOST_DEPTH {
        return;
    }
    let title = range.label.iter().find(|(tag, _)| *tag == language).and_then(|(_, texts)| texts.first());
    titles.push(title.map_or_else(|| range.label.first().unwrap_or_default().to_owned(), Clone::clone));
    for item in &range.items {
        match item {
            RangeItem::Range(inner) => place(inner, language, titles, paths),
            RangeItem::Page(part) => {
                if let PageRef::Own(page) = part.page
                    && let Some(opens) = paths.get_mut(page)
                {
                    opens.push(values::join(titles.iter().map(String::as_str), '/'));
                }
            }
        }
    }
    titles.pop();
}

/// The languages of all titles, in the order in which they come.
pub(super) fn languages(ranges: &[Range]) -> Vec<String> {
    let mut languages: Vec<String> = Vec::new();
    let mut rest: Vec<&Range> = ranges.iter().rev().collect();
    while let Some(range) = rest.pop() {
        for (language, _) in range.label.iter() {
            if !languages.iter().any(|known| known == language) {
                languages.push(language.to_owned());
            }
        }
        rest.extend(range.items.iter().rev().filter_map(|item| match item {
            RangeItem::Range(inner) => Some(inner),
            RangeItem::Page(_) => None,
        }));
    }
    languages
}
