//! The text of the pages of TEI: between page breaks, or on the surfaces of a transcription that follows its pages.

use std::borrow::Cow;
use std::collections::HashMap;

use recto_iiif::text::{Area, PageSize, Unit};

use super::markup::{Elements, Event, Kind, Tag, unescaped};
use super::pages::{Pages, around_points, between, size};
use super::script;
use super::sheet::{Draft, Part};
use crate::languages::language_tag;

/// Elements that begin and end a block.
const BLOCKS: &str = " p head ab div div1 div2 div3 div4 item row list table figure titlePart byline docImprint opener closer note speaker lg \
    zone salute signed dateline argument epigraph ";

/// Elements that are lines.
const LINES: &str = " l line ";

/// What is not the text of the page.
const LEFT_OUT: &str = " fw del surplus teiHeader metamark ";

/// What editors write for what is there.
const EDITED: &str = " reg corr expan ";

fn is_one_of(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == name)
}

#[derive(Default)]
struct Surfaces {
    sizes: HashMap<String, PageSize>,
    zones: HashMap<String, (Area, String)>,
}

/// Places that elements of the text may refer to.
fn surfaces(text: &str) -> Surfaces {
    let mut report = crate::words::Report::new("");
    let (mut elements, mut surfaces) = (Elements::new(text, Kind::Xml), Surfaces::default());
    let mut surface = (String::new(), (0.0, 0.0));
    while let Some(event) = elements.next(&mut report) {
        let Event::Open(tag) = event else { continue };
        let id = tag.value("id").map(Cow::into_owned).unwrap_or_default();
        match tag.name {
            "surface" => {
                surface = (id.clone(), (tag.number("ulx").unwrap_or(0.0), tag.number("uly").unwrap_or(0.0)));
                if let Some(size) = surface_size(tag) {
                    surfaces.sizes.insert(id, size);
                }
            }
            "graphic" if !surfaces.sizes.contains_key(&surface.0) => {
                if let Some(size) = size(tag.number("width"), tag.number("height"), Unit::Pixel) {
                    surfaces.sizes.insert(surface.0.clone(), size);
                }
            }
            "zone" | "line" => {
                if let Some(area) = place(tag, surface.1)
                    && !id.is_empty()
                {
                    surfaces.zones.insert(id, (area, surface.0.clone()));
                }
            }
            "body" | "sourceDoc" => break,
            _ => {}
        }
    }
    surfaces
}

fn surface_size(tag: Tag<'_>) -> Option<PageSize> {
    let origin = |name| tag.number(name).unwrap_or(0.0);
    size(
        tag.number("lrx").map(|right| right - origin("ulx")),
        tag.number("lry").map(|bottom| bottom - origin("uly")),
        Unit::Pixel,
    )
}

fn place(tag: Tag<'_>, origin: (f64, f64)) -> Option<Area> {
    let area = match (tag.number("ulx"), tag.number("uly"), tag.number("lrx"), tag.number("lry")) {
        (Some(x1), Some(y1), Some(x2), Some(y2)) => between(x1, y1, x2, y2),
        _ => tag.raw("points").and_then(around_points)?,
    };
    Some(Area { x: area.x - origin.0, y: area.y - origin.1, ..area })
}

struct Reader<'p, 't, 'r> {
    pages: &'p mut Pages<'t, 'r>,
    surfaces: Surfaces,
    /// Text that has not been made words yet.
    text: String,
    word: Option<Area>,
    /// The next line begins within a word.
    is_broken: bool,
    left_out: usize,
    edited: usize,
    other: String,
    in_text: usize,
    is_source: bool,
    origin: (f64, f64),
    has_page: bool,
    is_before_breaks: bool,
    choices: usize,
}

pub(super) fn read(text: &str, pages: &mut Pages<'_, '_>) {
    let mut elements = Elements::new(text, Kind::Xml);
    let mut reader = Reader {
        pages,
        surfaces: surfaces(text),
        text: String::new(),
        word: None,
        is_broken: false,
        left_out: 0,
        edited: 0,
        other: String::new(),
        in_text: 0,
        is_source: false,
        origin: (0.0, 0.0),
        has_page: false,
        is_before_breaks: true,
        choices: 0,
    };
    while !reader.pages.is_done()
        && let Some(event) = elements.next(reader.pages.report)
    {
        match event {
            Event::Open(tag) => reader.open(tag),
            Event::Close(name) => reader.close(name),
            Event::Text(text) => reader.add(&unescaped(text)),
            Event::Literal(text) => reader.add(text),
        }
    }
    reader.flush();
    reader.pages.end();
}

impl Reader<'_, '_, '_> {
    fn is_reading(&self) -> bool {
        (self.in_text > 0 || self.is_source) && self.left_out == 0
    }

    fn open(&mut self, tag: Tag<'_>) {
        let name = tag.name;
        match name {
            "text" => self.in_text += 1,
            "sourceDoc" => self.is_source = true,
            "surface" if self.is_source => {
                self.flush();
                self.origin = (tag.number("ulx").unwrap_or(0.0), tag.number("uly").unwrap_or(0.0));
                self.pages.begin(surface_size(tag), None);
                self.has_page = true;
            }
            _ if is_one_of(LEFT_OUT, name) => self.left_out += 1,
            _ => {}
        }
        if !self.is_reading() {
            return;
        }
        match name {
            "pb" => self.page_break(tag),
            "lb" | "cb" => self.line_break(tag),
            "w" | "pc" => {
                let area = self.referred(tag);
                if area.is_some() && name == "w" {
                    self.flush();
                    self.word = area;
                }
            }
            "choice" => self.choices += 1,
            "space" | "gap" => self.text.push(' '),
            _ if is_one_of(EDITED, name) => self.edited += 1,
            _ if is_one_of(BLOCKS, name) => {
                self.flush();
                let area = self.referred(tag).or_else(|| place(tag, self.origin));
                let language = tag.value("lang").and_then(|value| language_tag(&value));
                self.on_page(|sheet| sheet.begin_block(tag.value("id").as_deref(), area, language));
            }
            _ if is_one_of(LINES, name) => self.line_break(tag),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        let was_reading = self.is_reading();
        match name {
            "text" => {
                self.flush();
                self.in_text = self.in_text.saturating_sub(1);
            }
            "sourceDoc" => self.is_source = false,
            "surface" if self.is_source => {
                self.flush();
                self.pages.end();
                self.has_page = false;
            }
            _ if is_one_of(LEFT_OUT, name) => self.left_out = self.left_out.saturating_sub(1),
            _ => {}
        }
        if !was_reading {
            return;
        }
        if name == "choice" {
            self.choices = self.choices.saturating_sub(1);
        } else if name == "w" && self.word.is_some() {
            self.flush();
        } else if is_one_of(EDITED, name) {
            self.edited = self.edited.saturating_sub(1);
            // The edited form is another reading of the word that stands before it.
            self.text.push('\u{f8ff}');
            let other = std::mem::take(&mut self.other);
            self.text.extend(other.chars().map(|c| if script::is_space(c) { '_' } else { c }));
            self.text.push('\u{f8fe}');
        } else if is_one_of(BLOCKS, name) {
            self.flush();
            self.on_page(super::sheet::Sheet::end_block);
        } else if is_one_of(LINES, name) {
            self.flush();
            self.on_page(super::sheet::Sheet::end_line);
        }
    }

    fn add(&mut self, text: &str) {
        // Between the forms of a choice there is layout only.
        let is_layout = self.choices > 0 && text.chars().all(script::is_space);
        if !self.is_reading() || is_layout {
            return;
        }
        if self.edited > 0 {
            self.other.push_str(text);
        } else {
            // Private characters of the source would be taken for our marks.
            self.text.extend(text.chars().filter(|c| !matches!(c, '\u{f8ff}' | '\u{f8fe}')));
        }
    }

    fn on_page(&mut self, then: impl FnOnce(&mut super::sheet::Sheet)) {
        if let Some(sheet) = self.pages.sheet() {
            then(sheet);
        }
    }

    /// The area of what an element refers to with `facs` or `corresp`.
    fn referred(&self, tag: Tag<'_>) -> Option<Area> {
        let reference = tag.raw("facs").or_else(|| tag.raw("corresp"))?;
        let id = reference.split_ascii_whitespace().next()?.strip_prefix('#')?;
        self.surfaces.zones.get(id).map(|(area, _)| *area)
    }

    fn page_break(&mut self, tag: Tag<'_>) {
        let is_broken = tag.raw("break") == Some("no");
        self.end_text(is_broken);
        let reference = tag.raw("facs").or_else(|| tag.raw("corresp")).unwrap_or_default();
        let id = reference.split_ascii_whitespace().next().and_then(|first| first.strip_prefix('#'));
        let size = id.and_then(|id| {
            let surface = self.surfaces.zones.get(id).map_or(id, |(_, surface)| surface.as_str());
            self.surfaces.sizes.get(surface).copied()
        });
        // Text before the first break is on the page that it begins.
        if std::mem::take(&mut self.is_before_breaks) && self.has_page {
            self.on_page(|sheet| sheet.page_size(size));
        } else {
            self.pages.begin(size, None);
        }
        self.has_page = true;
    }

    fn line_break(&mut self, tag: Tag<'_>) {
        let is_broken = tag.raw("break") == Some("no");
        self.end_text(is_broken);
        let area = self.referred(tag).or_else(|| place(tag, self.origin));
        if self.has_page {
            self.on_page(|sheet| sheet.begin_line(tag.value("id").as_deref(), area, None));
        }
    }

    /// The line ends, perhaps within a word.
    fn end_text(&mut self, is_broken: bool) {
        self.flush();
        if is_broken {
            self.on_page(|sheet| sheet.hyphen(""));
        }
        self.is_broken = is_broken;
        self.on_page(super::sheet::Sheet::end_line);
    }

    /// What was read becomes words of the open line.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let area = self.word.take();
        if !self.has_page {
            if text.chars().all(script::is_space) {
                return;
            }
            if self.is_source {
                return;
            }
            self.pages.begin(None, None);
            self.has_page = true;
        }
        for token in text.split(script::is_space).filter(|token| !token.is_empty()) {
            let part = std::mem::take(&mut self.is_broken).then_some(Part::Second);
            let (mut word, mut alternatives) = (String::new(), Vec::new());
            let mut rest = token;
            while let Some((before, behind)) = rest.split_once('\u{f8ff}') {
                word.push_str(before);
                let (other, behind) = behind.split_once('\u{f8fe}').unwrap_or((behind, ""));
                alternatives.push(other.replace('_', " "));
                rest = behind;
            }
            word.push_str(rest);
            if word.is_empty() {
                // Nothing but the edited form was written.
                word = alternatives.pop().unwrap_or_default();
            }
            self.pages.word(Draft { text: word.into(), area, alternatives, part, ..Draft::default() }, || 0);
        }
    }
}
