//! TEI: surfaces and page breaks as pages, zones as regions, divisions as ranges, the text of each page, and the header as metadata.

use std::cell::RefCell;
use std::collections::HashMap;

use recto_iiif::presentation::LanguageMap;

use super::ranges::{self, rectangle};
use super::xml::{self, Node};
use super::{Context, Input, forms, links};
use crate::description::{Content, Description, Page, PagePart, PageRef, Range, Region};
use crate::finding::Findings;
use crate::mapping::{Format, Mapping};

pub(super) fn recognise(root: Node<'_>) -> bool {
    const TEI: &str = "http://www.tei-c.org/ns/1.0";
    let is_named = ["TEI", "TEI.2", "teiCorpus", "teiCorpus.2"].contains(&xml::name(root));
    is_named && root.tag_name().namespace().is_none_or(|namespace| namespace == TEI)
}

/// The text of one page of a TEI document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageText {
    /// The number that the page break says.
    pub label: Option<String>,
    /// The picture that the page break refers to, as it is written.
    pub facsimile: Option<String>,
    /// The text, with a line for each line or paragraph.
    pub text: String,
}

/// The texts of the pages of a TEI document, one for each page break; empty when it has none, or is no TEI.
#[must_use]
pub fn page_texts(input: &Input<'_>) -> Vec<PageText> {
    let findings = RefCell::new(Findings::default());
    let texts = xml::with_document(input, input.bytes, &findings, |document| {
        let context = Context { input: *input, mapping: Mapping::built_in(), document, findings: &findings };
        if !recognise(document.root()) {
            return Vec::new();
        }
        let mut walk = Walk::new(&context, &HashMap::new());
        walk.texts(document.root());
        walk.breaks
            .into_iter()
            .map(|page| PageText {
                label: page.node.and_then(|node| xml::attribute(node, "n")).map(str::to_owned),
                facsimile: page.node.and_then(|node| xml::attribute(node, "facs")).map(str::to_owned),
                text: page.text.trim().to_owned(),
            })
            .collect()
    });
    texts.unwrap_or_default()
}

pub(super) fn read(context: &Context<'_>, root: Node<'_>) -> Description {
    let mut description = context.record(Format::Tei, xml::child(root, "teiHeader").unwrap_or(root));
    let mut pages = Vec::new();
    let mut surfaces = Surfaces::default();
    for node in root.descendants().filter(|node| xml::is(*node, "facsimile") || xml::is(*node, "sourceDoc")) {
        surfaces.take(context, node, &mut pages);
    }
    let mut walk = Walk::new(context, &surfaces.by_id);
    walk.texts(root);
    let numbers = place_breaks(context, &walk.breaks, &surfaces, &mut pages);
    for (page, number) in walk.breaks.iter().zip(&numbers) {
        let Some(page_described) = number.and_then(|number| pages.get_mut(number)) else { continue };
        if page_described.label.is_empty() {
            page_described.label = page
                .node
                .and_then(|node| xml::attribute(node, "n"))
                .filter(|n| *n != "-")
                .map(LanguageMap::none)
                .unwrap_or_default();
        }
        let text = page.text.trim();
        if !text.is_empty() {
            let known = page_described.transcription.take();
            page_described.transcription =
                Some(known.map_or_else(|| text.to_owned(), |known| format!("{known}\n{text}")));
        }
    }
    description.ranges = walk.parts.into_iter().map(|part| part.range(context, &numbers, &surfaces)).collect();
    ranges::drop_empty(&mut description.ranges);
    if pages.is_empty() && walk.breaks.iter().any(|page| page.node.is_some()) {
        context.note(
            root,
            "page-breaks-without-pictures",
            "the page breaks name no pictures; the text is not divided among the pages".to_owned(),
            "name the picture of each page: `<pb facs=\"001.jpg\"/>`",
        );
    }
    description.pages = pages;
    description
}

/// What references can lead to: a page, or a part of one.
#[derive(Clone, Copy, Debug)]
struct Place {
    page: usize,
    region: Option<Region>,
}

#[derive(Default)]
struct Surfaces {
    by_id: HashMap<String, Place>,
    /// Pages by the address of their picture, as it is written.
    by_address: HashMap<String, usize>,
}

impl Surfaces {
    fn take(&mut self, context: &Context<'_>, around: Node<'_>, pages: &mut Vec<Page>) {
        for node in xml::elements(around) {
            if xml::is(node, "surface") {
                self.surface(context, node, pages);
            } else if xml::is(node, "surfaceGrp") {
                self.take(context, node, pages);
            } else if (xml::is(node, "graphic") || xml::is(node, "media"))
                && let Some(content) = picture(context, node)
            {
                self.remember(context, node, Place { page: pages.len(), region: None });
                self.by_address
                    .entry(xml::attribute(node, "url").unwrap_or_default().to_owned())
                    .or_insert(pages.len());
                pages.push(Page { contents: vec![content], ..Page::default() });
            }
        }
    }

    fn remember(&mut self, context: &Context<'_>, node: Node<'_>, place: Place) {
        let Some(id) = xml::attribute(node, "id") else { return };
        if self.by_id.insert(id.to_owned(), place).is_some() {
            let message = format!("the identifier `{id}` is there twice");
            context.warning(
                node,
                "duplicate-identifier",
                message,
                "give each element an identifier of its own; references lead to the last",
            );
        }
    }

    fn surface(&mut self, context: &Context<'_>, surface: Node<'_>, pages: &mut Vec<Page>) {
        // Several graphics are forms of one picture: the largest counts.
        let mut graphics: Vec<(Node<'_>, Content)> =
            xml::children(surface, "graphic").filter_map(|node| Some((node, picture(context, node)?))).collect();
        graphics.sort_by_key(|(_, content)| std::cmp::Reverse(content.width.unwrap_or_default()));
        let Some((graphic, mut content)) = graphics.into_iter().next() else {
            if xml::child(surface, "surface").is_some() {
                self.take(context, surface, pages);
            } else {
                let id = xml::attribute(surface, "id").unwrap_or("without an identifier");
                let message = format!("the surface `{id}` has no picture; it is left out");
                context.warning(surface, "page-without-file", message, "give it a <graphic url=\"…\"/>");
            }
            return;
        };
        let edges = bounds(surface);
        if content.width.is_none()
            && content.height.is_none()
            && let Some(region) = edges.and_then(|(x1, y1, x2, y2)| rectangle(0.0, 0.0, x2 - x1, y2 - y1))
        {
            // The space of the surface is that of the picture unless the picture tells its own size.
            (content.width, content.height) = (Some(region.w), Some(region.h));
        }
        let page = pages.len();
        let label = xml::attribute(surface, "n")
            .map(str::to_owned)
            .or_else(|| xml::child(surface, "label").map(xml::text))
            .filter(|label| !label.is_empty());
        let scale = Scale::new(edges, &content);
        pages.push(Page {
            contents: vec![content],
            label: label.map(LanguageMap::none).unwrap_or_default(),
            ..Page::default()
        });
        self.remember(context, surface, Place { page, region: None });
        if xml::attribute(graphic, "id").is_some() {
            self.remember(context, graphic, Place { page, region: None });
        }
        self.by_address.entry(xml::attribute(graphic, "url").unwrap_or_default().to_owned()).or_insert(page);
        for zone in xml::descendants(surface, "zone") {
            let region = zone_edges(zone).and_then(|(left, top, right, bottom)| scale.region(left, top, right, bottom));
            self.remember(context, zone, Place { page, region });
        }
        // Pages pasted on pages are pages of their own.
        for inner in xml::children(surface, "surface") {
            self.surface(context, inner, pages);
        }
    }

    /// What `#id`, or an address that a surface has too, leads to.
    fn place(&self, reference: &str) -> Option<Place> {
        if let Some(id) = reference.strip_prefix('#') {
            return self.by_id.get(id).copied();
        }
        self.by_address.get(reference).map(|page| Place { page: *page, region: None })
    }
}

/// From the space of a surface to pixels of its picture.
struct Scale {
    left: f64,
    top: f64,
    x: f64,
    y: f64,
}

impl Scale {
    fn new(edges: Option<(f64, f64, f64, f64)>, content: &Content) -> Self {
        let Some((left, top, right, bottom)) = edges else { return Self { left: 0.0, top: 0.0, x: 1.0, y: 1.0 } };
        let ratio = |pixels: Option<u32>, space: f64| pixels.map_or(1.0, |pixels| f64::from(pixels) / space);
        Self { left, top, x: ratio(content.width, right - left), y: ratio(content.height, bottom - top) }
    }

    fn region(&self, left: f64, top: f64, right: f64, bottom: f64) -> Option<Region> {
        rectangle(
            (left - self.left) * self.x,
            (top - self.top) * self.y,
            (right - self.left) * self.x,
            (bottom - self.top) * self.y,
        )
    }
}

fn bounds(node: Node<'_>) -> Option<(f64, f64, f64, f64)> {
    let number =
        |name| xml::attribute(node, name).and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
    let (left, top) = (number("ulx").unwrap_or_default(), number("uly").unwrap_or_default());
    let (right, bottom) = (number("lrx")?, number("lry")?);
    (right > left && bottom > top).then_some((left, top, right, bottom))
}

fn zone_edges(zone: Node<'_>) -> Option<(f64, f64, f64, f64)> {
    if let Some(bounds) = bounds(zone) {
        return Some(bounds);
    }
    let region = ranges::region(None, xml::attribute(zone, "points")?)?;
    let edge = |from: u32, length: u32| f64::from(from) + f64::from(length);
    Some((f64::from(region.x), f64::from(region.y), edge(region.x, region.w), edge(region.y, region.h)))
}

fn picture(context: &Context<'_>, graphic: Node<'_>) -> Option<Content> {
    let address = xml::attribute(graphic, "url").unwrap_or_default();
    let mut content = content(context, graphic, address)?;
    let pixels = |name| {
        xml::attribute(graphic, name)
            .and_then(|text| text.strip_suffix("px").unwrap_or(text).parse::<u32>().ok())
            .filter(|n| *n > 0)
    };
    if let (Some(width), Some(height)) = (pixels("width"), pixels("height")) {
        (content.width, content.height) = (Some(width), Some(height));
    }
    content.format = xml::attribute(graphic, "mimeType").map(str::to_owned);
    Some(content)
}

fn content(context: &Context<'_>, at: Node<'_>, address: &str) -> Option<Content> {
    match links::resolve(context, address) {
        Ok(target) => {
            if target.exists == Some(false) {
                let message = format!("the file `{}` is not there", target.address);
                context.warning(at, "missing-file", message, "put it there, or write where it is");
            }
            Some(Content::at(target.location()))
        }
        Err(why) => {
            let message = format!("the address `{address}` of a picture {}", why.words());
            context.warning(
                at,
                "unusable-address",
                message,
                "write a path relative to the TEI file, or an http address",
            );
            None
        }
    }
}

/// The pages of page breaks: those of surfaces, or new ones where breaks name pictures themselves.
fn place_breaks(
    context: &Context<'_>,
    breaks: &[Break<'_>],
    surfaces: &Surfaces,
    pages: &mut Vec<Page>,
) -> Vec<Option<usize>> {
    let mut by_address: HashMap<&str, usize> = HashMap::new();
    let mut numbers: Vec<Option<usize>> = Vec::new();
    // A document whose breaks name nothing and that has a surface for each is meant in order.
    let named = breaks.iter().filter(|page| page.node.is_some()).count();
    let in_order = named == pages.len()
        && breaks.iter().all(|page| page.node.is_none_or(|node| xml::attribute(node, "facs").is_none()));
    for (at, page) in breaks.iter().enumerate() {
        let Some(node) = page.node else {
            // Text before the first break is on the page that begins next.
            numbers.push(None);
            continue;
        };
        if in_order {
            numbers.push(Some(at - breaks.iter().take(at).filter(|page| page.node.is_none()).count()));
            continue;
        }
        let reference = xml::attribute(node, "facs").and_then(|references| references.split_whitespace().next());
        let Some(reference) = reference else {
            // Without a picture of its own, the break is on the page before, as columns are.
            numbers.push(numbers.last().copied().flatten());
            continue;
        };
        if let Some(place) = surfaces.place(reference) {
            numbers.push(Some(place.page));
        } else if let Some(id) = reference.strip_prefix('#') {
            let message = format!(
                "the page break `{}` refers to `{id}`, which is not there",
                xml::attribute(node, "n").unwrap_or_default()
            );
            context.warning(
                node,
                "dangling-reference",
                message,
                "add a surface with this identifier, or put the reference right",
            );
            numbers.push(None);
        } else if let Some(known) = by_address.get(reference) {
            numbers.push(Some(*known));
        } else if let Some(content) = content(context, node, reference) {
            by_address.insert(reference, pages.len());
            numbers.push(Some(pages.len()));
            pages.push(Page { contents: vec![content], ..Page::default() });
        } else {
            numbers.push(None);
        }
    }
    // Text before the first break belongs to the first page, if it is not the only one that says so.
    if let (Some(first), Some(next)) =
        (breaks.first().filter(|page| page.node.is_none()), numbers.iter().flatten().next().copied())
        && !first.text.trim().is_empty()
    {
        numbers[0] = Some(next);
    }
    numbers
}

/// A page break with the text that follows it; without an element for the text before the first.
struct Break<'a> {
    node: Option<Node<'a>>,
    text: String,
}

/// A division with the page breaks between which it lies.
struct Part<'a> {
    node: Node<'a>,
    label: LanguageMap,
    /// Indexes of breaks, both included.
    first: usize,
    last: usize,
    parts: Vec<Part<'a>>,
}

/// One walk through the text, in order.
struct Walk<'a, 'c> {
    context: &'c Context<'c>,
    breaks: Vec<Break<'a>>,
    parts: Vec<Part<'a>>,
    /// Has the current page any text since the last break?
    is_fresh: bool,
}

const BLOCKS: [&str; 20] = [
    "p",
    "head",
    "l",
    "lg",
    "ab",
    "div",
    "item",
    "row",
    "lb",
    "cb",
    "list",
    "table",
    "figure",
    "titlePart",
    "byline",
    "docImprint",
    "opener",
    "closer",
    "note",
    "speaker",
];
const LEFT_OUT: [&str; 5] = ["fw", "del", "surplus", "teiHeader", "metamark"];

impl<'a, 'c> Walk<'a, 'c> {
    fn new(context: &'c Context<'c>, _surfaces: &HashMap<String, Place>) -> Self {
        Self { context, breaks: vec![Break { node: None, text: String::new() }], parts: Vec::new(), is_fresh: true }
    }

    fn texts(&mut self, root: Node<'a>) {
        let texts: Vec<Node<'a>> = root
            .descendants()
            .filter(|node| xml::is(*node, "text"))
            .filter(|node| !node.ancestors().skip(1).any(|around| xml::is(around, "text")))
            .collect();
        for text in texts {
            let mut parts = Vec::new();
            self.walk(text, &mut parts);
            self.parts.extend(parts);
        }
    }

    fn current(&self) -> usize {
        self.breaks.len() - 1
    }

    /// Documents are no deeper than a limit that stacks have room for.
    fn walk(&mut self, node: Node<'a>, parts: &mut Vec<Part<'a>>) {
        for child in node.children() {
            if child.is_text() {
                self.add_text(child.text().unwrap_or_default());
            } else if child.is_element() {
                self.element(child, parts);
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        if let Some(page) = self.breaks.last_mut() {
            xml::push_words(&mut page.text, text);
            self.is_fresh &= text.trim().is_empty();
        }
    }

    fn element(&mut self, node: Node<'a>, parts: &mut Vec<Part<'a>>) {
        let name = xml::name(node);
        if name == "pb" {
            self.breaks.push(Break { node: Some(node), text: String::new() });
            self.is_fresh = true;
            return;
        }
        if LEFT_OUT.contains(&name) {
            return;
        }
        if name == "choice" || name == "app" {
            // One reading is enough for searching: what the editor thinks is right.
            let best = ["reg", "corr", "expan", "lem"].into_iter().find_map(|name| xml::child(node, name));
            if let Some(best) = best.or_else(|| xml::elements(node).next()) {
                self.walk(best, parts);
            }
            return;
        }
        let is_division = matches!(name, "front" | "body" | "back" | "group")
            || name.starts_with("div") && name[3..].bytes().all(|b| b.is_ascii_digit())
            || name == "titlePage";
        if is_division {
            self.division(node, parts);
            return;
        }
        if BLOCKS.contains(&name) {
            self.new_line(name == "lb" && xml::attribute(node, "break") == Some("no"));
        }
        self.walk(node, parts);
        if BLOCKS.contains(&name) && name != "lb" {
            self.new_line(false);
        }
    }

    /// A new line; none within a word.
    fn new_line(&mut self, is_in_word: bool) {
        let Some(page) = self.breaks.last_mut() else { return };
        let end = page.text.trim_end().len();
        page.text.truncate(end);
        if is_in_word {
            let end = page.text.trim_end_matches(['-', '¬', '⸗']).len();
            page.text.truncate(end);
        } else if !page.text.is_empty() {
            page.text.push('\n');
        }
    }

    fn division(&mut self, node: Node<'a>, parts: &mut Vec<Part<'a>>) {
        self.new_line(false);
        let begins_page = first_break(node);
        // A division that begins with a page break, or on a page with nothing before it, begins on that page.
        let first = if begins_page { self.current() + 1 } else { self.current() };
        let mut inner = Vec::new();
        self.walk(node, &mut inner);
        self.new_line(false);
        let label = self.label(node);
        if label.is_empty() {
            // Without a name it is no part that people look for.
            parts.append(&mut inner);
            return;
        }
        // A break at the very end is the beginning of what comes next.
        let last = if self.is_fresh && self.current() > first { self.current() - 1 } else { self.current() };
        parts.push(Part { node, label, first, last: last.max(first), parts: inner });
    }

    fn label(&self, node: Node<'a>) -> LanguageMap {
        let head = xml::children(node, "head")
            .map(|head| forms::without(head, &["note", "figDesc"]))
            .find(|text| !text.is_empty());
        let language = || forms::language_of(node).unwrap_or_else(|| LanguageMap::NONE.to_owned());
        if let Some(head) = head {
            return LanguageMap::one(language(), shortened(&head));
        }
        let name = xml::name(node);
        let kind = xml::attribute(node, "type").map(|kind| self.context.mapping.part_type(kind));
        match (kind, xml::attribute(node, "n")) {
            (Some(kind), Some(number)) => {
                let mut label = LanguageMap::default();
                for (language, texts) in kind.iter() {
                    label.push(language, format!("{} {number}", texts.first().map(String::as_str).unwrap_or_default()));
                }
                label
            }
            (Some(kind), None) => kind,
            (None, _) if name == "titlePage" => self.context.mapping.part_type("title_page"),
            (None, _) => LanguageMap::default(),
        }
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}

/// Is there nothing in a division before its first page break?
fn first_break(node: Node<'_>) -> bool {
    for part in node.descendants().skip(1) {
        if xml::is(part, "pb") {
            return true;
        }
        if part.is_text() && part.text().is_some_and(|text| !text.trim().is_empty()) {
            return false;
        }
    }
    false
}

impl Part<'_> {
    fn range(self, context: &Context<'_>, numbers: &[Option<usize>], surfaces: &Surfaces) -> Range {
        let mut own: Vec<PagePart> = Vec::new();
        let references = xml::attribute(self.node, "facs").unwrap_or_default();
        for reference in references.split_whitespace() {
            if let Some(place) = surfaces.place(reference) {
                own.push(PagePart { page: PageRef::Own(place.page), region: place.region, time: None });
            } else {
                let message = format!("the division refers to `{reference}`, which is not there");
                context.warning(self.node, "dangling-reference", message, "add a zone or surface with this identifier");
            }
        }
        if own.is_empty() {
            let breaks = numbers.get(self.first..=self.last.min(numbers.len().saturating_sub(1))).unwrap_or_default();
            own.extend(breaks.iter().flatten().map(|page| ranges::whole(*page)));
        }
        let parts = self.parts.into_iter().map(|part| part.range(context, numbers, surfaces)).collect();
        let class = xml::attribute(self.node, "type").map(str::to_owned);
        let id = xml::attribute(self.node, "id").map(str::to_owned);
        Range { id, label: self.label, class, items: ranges::items(own, parts), ..Range::default() }
    }
}
