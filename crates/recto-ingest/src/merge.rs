//! One description of what several sources say, by fixed precedence, and what flows down the tree.
//!
//! - **Labels and descriptive values**: sidecar, tables, METS, other descriptions (MODS, Dublin Core …), TEI, PDF, embedded
//!   data, file name. Of a label, summary, statement, date or link list the first source that has it counts, as a whole.
//! - **`metadata`**: a pair of a higher source takes the place of a lower one's pair with the same label in any language;
//!   pairs with other labels follow behind. So a sidecar corrects one value of a METS file without repeating the rest.
//! - **Lists of things** (`seeAlso`, `rendering`, `collections`, members) are joined.
//! - **Structure**: `toc.txt`, `pages.csv`, METS, TEI, PDF.
//! - **Pages**: `pages.csv`, METS, TEI, PDF, unless the sidecar's `order` names one of them; others add what they say about
//!   the same files.
//! - **Access**: the strictest. Rules that cannot be compared become `{"all": [..]}`: all of them have to allow.

use std::collections::HashMap;

use recto_iiif::presentation::{Behavior, LabeledValue};
use serde_json::{Value, json};

use crate::Finding;
use crate::description::{Description, Location, Order, Page, PageRef, Range, RangeItem};
use crate::finding::{Findings, Severity};
use crate::words::{folded, shown};

/// What one source says.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The kind of source.
    pub by: Source,
    /// The source's path relative to the library.
    pub place: String,
    /// What it says.
    pub description: Description,
}

/// Kinds of sources; those that count more come later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The name of the file or folder.
    FileName,
    /// Data inside image files: EXIF, IPTC, XMP.
    Embedded,
    /// A PDF: its information and its outline.
    Pdf,
    /// A TEI file.
    Tei,
    /// A description in MODS, Dublin Core, MARC, LIDO or EAD.
    Metadata,
    /// A METS file.
    Mets,
    /// `pages.csv`.
    PagesTable,
    /// `objects.csv`.
    ObjectsTable,
    /// `toc.txt`.
    Toc,
    /// `recto.yml`.
    Sidecar,
}

impl Source {
    /// How much it counts for the table of contents.
    const fn structure(self) -> u8 {
        match self {
            Self::Toc => 6,
            Self::PagesTable => 5,
            Self::Sidecar | Self::ObjectsTable => 4,
            Self::Mets => 3,
            Self::Tei => 2,
            Self::Pdf => 1,
            Self::Metadata | Self::Embedded | Self::FileName => 0,
        }
    }

    /// How much it counts for which pages there are.
    const fn pages(self) -> u8 {
        match self {
            Self::Toc => 0,
            other => other.structure(),
        }
    }
}

/// Joins what several sources say about one object or collection. Where they differ, a finding says which counted.
pub fn merge(said: Vec<Said>) -> (Description, Vec<Finding>) {
    let mut sources = said;
    // Of two sources of one kind, the first in the list counts.
    sources.sort_by_key(|source| std::cmp::Reverse(source.by));
    let mut findings = Findings::default();
    let mut merged = Description::default();
    let mut winners: HashMap<&'static str, usize> = HashMap::new();
    for (place, source) in sources.iter().enumerate() {
        let mut join = Join { sources: &sources, place, winners: &mut winners, findings: &mut findings };
        join.values(&mut merged, &source.description);
        join.metadata(&mut merged, &source.description);
        Join::lists(&mut merged, &source.description);
    }
    merged.access = strictest(sources.iter().filter_map(|source| source.description.access.as_ref()));
    pages(&mut merged, &sources, &mut findings);
    (merged, findings.into_list())
}

/// One source on its way into the whole.
struct Join<'a> {
    sources: &'a [Said],
    place: usize,
    /// Which source said a property first.
    winners: &'a mut HashMap<&'static str, usize>,
    findings: &'a mut Findings,
}

impl Join<'_> {
    /// Takes a value where none was said before; where another was, says so.
    fn take<T: PartialEq + Clone>(&mut self, name: &'static str, to: &mut T, from: &T, is_said: impl Fn(&T) -> bool) {
        if !is_said(from) {
            return;
        }
        match self.winners.get(name) {
            None => {
                self.winners.insert(name, self.place);
                to.clone_from(from);
            }
            Some(winner) if to != from => self.differs(name, *winner),
            Some(_) => {}
        }
    }

    fn differs(&mut self, name: &str, winner: usize) {
        let (Some(source), Some(winner)) = (self.sources.get(self.place), self.sources.get(winner)) else { return };
        // A file's name is what everything else is better than.
        if source.by == Source::FileName {
            return;
        }
        self.findings.push(Finding::new(
            Severity::Note,
            "sources-differ",
            source.place.clone(),
            format!("what it says of `{}` differs from `{}`, which counts", shown(name), winner.place),
            "make both alike, or leave it if that is meant",
        ));
    }

    fn values(&mut self, to: &mut Description, from: &Description) {
        self.take("id", &mut to.id, &from.id, Option::is_some);
        self.take("kind", &mut to.kind, &from.kind, Option::is_some);
        self.take("label", &mut to.label, &from.label, |map| !map.is_empty());
        self.take("summary", &mut to.summary, &from.summary, |map| !map.is_empty());
        self.take("requiredStatement", &mut to.required_statement, &from.required_statement, Option::is_some);
        self.take("rights", &mut to.rights, &from.rights, Option::is_some);
        self.take("provider", &mut to.provider, &from.provider, |list| !list.is_empty());
        self.take("homepage", &mut to.homepage, &from.homepage, |list| !list.is_empty());
        self.take("thumbnail", &mut to.thumbnail, &from.thumbnail, Option::is_some);
        self.take("navDate", &mut to.nav_date, &from.nav_date, Option::is_some);
        self.take("navPlace", &mut to.nav_place, &from.nav_place, Option::is_some);
        self.take("viewingDirection", &mut to.viewing_direction, &from.viewing_direction, Option::is_some);
        self.take("behavior", &mut to.behavior, &from.behavior, |list| !list.is_empty());
        self.take("language", &mut to.language, &from.language, Option::is_some);
        self.take("order", &mut to.order, &from.order, Option::is_some);
        self.take("search", &mut to.search, &from.search, Option::is_some);
        self.take("pdf", &mut to.downloads.pdf, &from.downloads.pdf, Option::is_some);
        self.take("text", &mut to.downloads.text, &from.downloads.text, Option::is_some);
        self.take("zip", &mut to.downloads.zip, &from.downloads.zip, Option::is_some);
    }

    fn metadata(&mut self, to: &mut Description, from: &Description) {
        let higher = to.metadata.len();
        for pair in &from.metadata {
            match to.metadata.iter().take(higher).find(|known| same_label(known, pair)) {
                None => to.metadata.push(pair.clone()),
                Some(known) if known.value != pair.value => {
                    let name = pair.label.first().unwrap_or_default().to_owned();
                    let winner = self.sources.iter().position(|source| source.description.metadata.contains(known));
                    if let Some(winner) = winner {
                        self.differs(&name, winner);
                    }
                }
                Some(_) => {}
            }
        }
    }

    fn lists(to: &mut Description, from: &Description) {
        fn join<T: Clone>(to: &mut Vec<T>, from: &[T], same: impl Fn(&T, &T) -> bool) {
            for item in from {
                if !to.iter().any(|known| same(known, item)) {
                    to.push(item.clone());
                }
            }
        }
        join(&mut to.see_also, &from.see_also, |one, other| one.id == other.id);
        join(&mut to.rendering, &from.rendering, |one, other| one.id == other.id);
        join(&mut to.collections, &from.collections, |one, other| one == other);
        join(&mut to.members, &from.members, |one, other| one == other);
    }
}

/// True when two pairs have a label in common, in whatever language.
fn same_label(one: &LabeledValue, other: &LabeledValue) -> bool {
    let texts = |pair: &LabeledValue| -> Vec<String> {
        pair.label.iter().flat_map(|(_, texts)| texts).map(|text| folded(text)).collect()
    };
    let known = texts(other);
    texts(one).iter().any(|text| known.contains(text))
}

/// Which pages there are, in which order; what each source says of them; and ranges, whose pages are those of the whole.
fn pages(merged: &mut Description, sources: &[Said], findings: &mut Findings) {
    let wanted = match merged.order {
        Some(Order::Csv) => Some(Source::PagesTable),
        Some(Order::Mets) => Some(Source::Mets),
        Some(Order::Natural | Order::ExifDate) | None => None,
    };
    let rank = |source: &&Said| (Some(source.by) == wanted, source.by.pages());
    let with_pages = || sources.iter().filter(|source| !source.description.pages.is_empty());
    // `max_by_key` gives the last of equals, and the first counts.
    let base = with_pages().rev().max_by_key(rank);
    if let (Some(wanted), Some(by)) = (wanted, sources.iter().find(|source| source.description.order.is_some()))
        && base.is_none_or(|base| base.by != wanted)
    {
        let what = if wanted == Source::Mets { "a METS file" } else { "`pages.csv`" };
        findings.push(Finding::new(
            Severity::Warning,
            "no-such-order",
            by.place.clone(),
            format!("`order` asks for that of {what}, and there is none with pages"),
            "add the file, or write `order: natural`",
        ));
    }
    if let Some(base) = base {
        merged.pages.clone_from(&base.description.pages);
    }
    let places = Places::new(&merged.pages);
    for source in with_pages().filter(|source| base.is_some_and(|base| !std::ptr::eq(base, *source))) {
        for page in &source.description.pages {
            if let Some(known) = places.of(page).and_then(|place| merged.pages.get_mut(place)) {
                add_page(known, page);
            }
        }
    }
    let with_ranges = sources.iter().filter(|source| !source.description.ranges.is_empty());
    if let Some(source) = with_ranges.rev().max_by_key(|source| source.by.structure()) {
        let own = |place: usize| places.translate(source, place);
        merged.ranges = source.description.ranges.iter().map(|range| translated(range, &own)).collect();
    }
    if let Some(source) = sources.iter().find(|source| source.description.start.is_some()) {
        merged.start = source.description.start.as_ref().map(|start| match start {
            PageRef::Own(place) => places.translate(source, *place),
            name @ PageRef::Name(_) => name.clone(),
        });
    }
}

/// Pages by the files on them, and by the names of their canvases.
struct Places {
    by_location: HashMap<Location, usize>,
    by_canvas: HashMap<String, usize>,
}

impl Places {
    fn new(pages: &[Page]) -> Self {
        let mut places = Self { by_location: HashMap::new(), by_canvas: HashMap::new() };
        for (place, page) in pages.iter().enumerate() {
            for content in &page.contents {
                places.by_location.entry(content.location.clone()).or_insert(place);
            }
            if let Some(canvas) = &page.canvas {
                places.by_canvas.entry(canvas.clone()).or_insert(place);
            }
        }
        places
    }

    fn of(&self, page: &Page) -> Option<usize> {
        let by_file = page.contents.iter().find_map(|content| self.by_location.get(&content.location));
        by_file.or_else(|| page.canvas.as_ref().and_then(|canvas| self.by_canvas.get(canvas))).copied()
    }

    /// A page of a source as a page of the whole; by name where the whole has it not.
    fn translate(&self, source: &Said, place: usize) -> PageRef {
        let Some(page) = source.description.pages.get(place) else { return PageRef::Name(String::new()) };
        if let Some(place) = self.of(page) {
            return PageRef::Own(place);
        }
        let file = page.contents.first().map(|content| match &content.location {
            Location::File(path) | Location::FilePage(path, _) => path.rsplit('/').next().unwrap_or(path).to_owned(),
            Location::Url(url) | Location::ImageService(url) => url.clone(),
        });
        PageRef::Name(page.canvas.clone().or(file).unwrap_or_default())
    }
}

/// No deeper than the range itself, whose depth its reader bounded.
fn translated(range: &Range, own: &impl Fn(usize) -> PageRef) -> Range {
    let items = range
        .items
        .iter()
        .map(|item| match item {
            RangeItem::Range(inner) => RangeItem::Range(translated(inner, own)),
            RangeItem::Page(part) => {
                let mut part = part.clone();
                if let PageRef::Own(place) = part.page {
                    part.page = own(place);
                }
                RangeItem::Page(part)
            }
        })
        .collect();
    Range { items, ..range.clone() }
}

/// Adds what a lower source says of a page.
fn add_page(to: &mut Page, from: &Page) {
    fn fill<T: Clone>(to: &mut Option<T>, from: Option<&T>) {
        if to.is_none() {
            *to = from.cloned();
        }
    }
    if to.label.is_empty() {
        to.label.clone_from(&from.label);
    }
    for pair in &from.metadata {
        if !to.metadata.iter().any(|known| same_label(known, pair)) {
            to.metadata.push(pair.clone());
        }
    }
    if to.behavior.is_empty() {
        to.behavior.clone_from(&from.behavior);
    }
    fill(&mut to.canvas, from.canvas.as_ref());
    fill(&mut to.width, from.width.as_ref());
    fill(&mut to.height, from.height.as_ref());
    fill(&mut to.duration, from.duration.as_ref());
    fill(&mut to.nav_date, from.nav_date.as_ref());
    fill(&mut to.beside, from.beside.as_ref());
    for text in &from.texts {
        if !to.texts.iter().any(|known| known.id == text.id) {
            to.texts.push(text.clone());
        }
    }
    to.access = strictest(to.access.iter().chain(&from.access));
    for content in &mut to.contents {
        if let Some(same) = from.contents.iter().find(|same| same.location == content.location) {
            fill(&mut content.width, same.width.as_ref());
            fill(&mut content.height, same.height.as_ref());
            fill(&mut content.duration, same.duration.as_ref());
            fill(&mut content.format, same.format.as_ref());
            fill(&mut content.rotation, same.rotation.as_ref());
        }
    }
}

/// The strictest of several access rules. Words for everyone give way to any rule, words for nobody to none; other rules that
/// differ become `{"all": [..]}`.
pub fn strictest<'a>(rules: impl IntoIterator<Item = &'a Value>) -> Option<Value> {
    let mut strict: Vec<Value> = Vec::new();
    let mut open = None;
    for rule in rules {
        let parts = match rule
            .get("all")
            .and_then(Value::as_array)
            .filter(|_| rule.as_object().is_some_and(|o| o.len() == 1))
        {
            Some(parts) => parts.as_slice(),
            None => std::slice::from_ref(rule),
        };
        for rule in parts {
            match rule.as_str().map(folded).as_deref() {
                Some("public" | "open" | "everyone") => open = open.or(Some(rule)),
                Some("none" | "nobody" | "private" | "closed") => return Some(rule.clone()),
                _ if rule.is_null() || strict.contains(rule) => {}
                _ => strict.push(rule.clone()),
            }
        }
    }
    match strict.len() {
        0 => open.cloned(),
        1 => strict.pop(),
        _ => Some(json!({"all": strict})),
    }
}

/// Gives a description what flows down to it from the folder above, which has its own already: provider, rights, required
/// statement, language and viewing where it says nothing itself. Access becomes stricter only, unless the rule above says
/// `overridable: true`.
pub fn inherit(parent: &Description, child: &mut Description) {
    if child.provider.is_empty() {
        child.provider.clone_from(&parent.provider);
    }
    if child.rights.is_none() {
        child.rights.clone_from(&parent.rights);
    }
    if child.required_statement.is_none() {
        child.required_statement.clone_from(&parent.required_statement);
    }
    if child.language.is_none() {
        child.language.clone_from(&parent.language);
    }
    child.viewing_direction = child.viewing_direction.or(parent.viewing_direction);
    if child.behavior.is_empty() {
        child.behavior = parent.behavior.iter().filter(|behavior| flows_down(behavior)).cloned().collect();
    }
    let overridable = parent.access.as_ref().and_then(|rule| rule.get("overridable")).and_then(Value::as_bool);
    child.access = match (&parent.access, &child.access) {
        (Some(_), Some(own)) if overridable == Some(true) => Some(own.clone()),
        (above, own) => strictest(above.iter().chain(own)),
    };
}

/// What says how pages are shown flows down; what says how members of a collection or a single range are shown does not.
const fn flows_down(behavior: &Behavior) -> bool {
    matches!(
        behavior,
        Behavior::Paged
            | Behavior::Individuals
            | Behavior::Continuous
            | Behavior::Unordered
            | Behavior::AutoAdvance
            | Behavior::NoAutoAdvance
            | Behavior::Repeat
            | Behavior::NoRepeat
    )
}
