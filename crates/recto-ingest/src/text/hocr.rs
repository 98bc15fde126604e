//! hOCR, well-formed or not.

use recto_iiif::text::{Area, Unit};

use super::markup::{Elements, Event, Kind, Tag, unescaped};
use super::pages::{Pages, between, confidence, size};
use super::script;
use super::sheet::{Draft, Glyph, MOST_ALTERNATIVES, MOST_GLYPHS, Sheet};
use crate::languages::language_tag;

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Page,
    Block,
    Line,
    Word,
    Glyph,
    /// The reading that counts, of several.
    Inserted,
    /// One that does not.
    Deleted,
    /// No text of the page: `head`, `script`, `style`.
    Hidden,
    Other,
}

/// The kinds of `ocr_…` that hold lines.
const BLOCKS: &str = "ocr_carea ocrx_block ocr_par ocr_column ocr_header ocr_footer ocr_float ocr_table ocr_textfloat ocr_caption \
    ocr_pageno ocr_chapter ocr_section ocr_subsection ocr_title ocr_author ocr_abstract ocr_blockquote ocr_display";

/// The kinds of `ocr_…` that are lines where they are on a `span`; Tesseract writes headings and captions so.
const LINES: &str = "ocr_header ocr_footer ocr_textfloat ocr_caption ocr_pageno";

fn role(tag: Tag<'_>) -> Role {
    let name = tag.name;
    if ["head", "script", "style", "title"].iter().any(|hidden| name.eq_ignore_ascii_case(hidden)) {
        return Role::Hidden;
    }
    let is_span = name.eq_ignore_ascii_case("span");
    for class in tag.raw("class").unwrap_or_default().split_ascii_whitespace() {
        let is_in = |list: &str| list.split_ascii_whitespace().any(|known| known == class);
        match class {
            "ocr_page" => return Role::Page,
            "ocr_line" | "ocrx_line" => return Role::Line,
            "ocrx_word" | "ocr_word" => return Role::Word,
            "ocrx_cinfo" | "ocr_glyph" | "ocr_char" => return Role::Glyph,
            "alt" if name.eq_ignore_ascii_case("del") => return Role::Deleted,
            "alt" if name.eq_ignore_ascii_case("ins") => return Role::Inserted,
            _ if is_span && is_in(LINES) => return Role::Line,
            _ if is_in(BLOCKS) => return Role::Block,
            _ => {}
        }
    }
    if name.eq_ignore_ascii_case("del") { Role::Deleted } else { Role::Other }
}

/// What a `title` says: `bbox 1 2 3 4; x_wconf 95`.
#[derive(Default)]
struct Title {
    area: Option<Area>,
    confidence: Option<f32>,
}

fn title(tag: Tag<'_>) -> Title {
    let mut title = Title::default();
    for property in tag.raw("title").unwrap_or_default().split(';') {
        let mut values = property.split_ascii_whitespace();
        match values.next() {
            Some("bbox" | "x_bboxes") => {
                let mut number = || values.next().and_then(super::markup::number);
                if let (Some(x1), Some(y1), Some(x2), Some(y2)) = (number(), number(), number(), number()) {
                    title.area = Some(between(x1, y1, x2, y2));
                }
            }
            Some("x_wconf" | "x_conf" | "x_confs") => {
                // It counts to 100, so 1 is next to nothing.
                let sure =
                    values.next().and_then(super::markup::number).and_then(|sure| confidence(sure.max(0.0) / 100.0));
                title.confidence = sure.or(title.confidence);
            }
            _ => {}
        }
    }
    title
}

fn language(tag: Tag<'_>) -> Option<String> {
    let said = tag.attributes().find(|(name, _)| *name == "lang").map(|(_, value)| value);
    let in_title = || {
        let (_, behind) = tag.raw("title")?.split_once("ocrp_lang")?;
        behind.split([';', ',']).next()
    };
    said.or_else(in_title).and_then(language_tag)
}

struct Reader<'a, 'p, 't, 'r> {
    elements: Elements<'a>,
    pages: &'p mut Pages<'t, 'r>,
    roles: Vec<Role>,
    hidden: usize,
    word: Option<Draft<'static>>,
    text: String,
    /// The reading that does not count.
    other: String,
    is_deleted: bool,
    glyph: Option<Glyph>,
    /// Text of a line outside of words.
    loose: String,
    line_has_words: bool,
    is_in_page: bool,
    /// An open element that is a line or a word.
    has_line: bool,
}

pub(super) fn read(text: &str, pages: &mut Pages<'_, '_>) {
    let mut reader = Reader {
        elements: Elements::new(text, Kind::Html),
        pages,
        roles: Vec::new(),
        hidden: 0,
        word: None,
        text: String::new(),
        other: String::new(),
        is_deleted: false,
        glyph: None,
        loose: String::new(),
        line_has_words: false,
        is_in_page: false,
        has_line: false,
    };
    while !reader.pages.is_done()
        && let Some(event) = reader.elements.next(reader.pages.report)
    {
        match event {
            Event::Open(tag) => reader.open(tag),
            Event::Close(_) => reader.close(),
            Event::Text(text) => reader.add(&unescaped(text)),
            Event::Literal(text) => reader.add(text),
        }
    }
    reader.end_loose();
    reader.pages.end();
}

impl Reader<'_, '_, '_, '_> {
    fn sheet(&mut self) -> Option<&mut Sheet> {
        self.pages.sheet()
    }

    fn open(&mut self, tag: Tag<'_>) {
        let role = role(tag);
        self.roles.push(role);
        if self.word.is_some()
            && !matches!(role, Role::Word | Role::Glyph | Role::Inserted | Role::Deleted | Role::Hidden)
        {
            return;
        }
        match role {
            Role::Page => {
                self.end_loose();
                let area = title(tag).area;
                let size = area.and_then(|area| size(Some(area.x + area.w), Some(area.y + area.h), Unit::Pixel));
                self.pages.begin(size, language(tag));
                self.is_in_page = true;
            }
            Role::Block | Role::Line | Role::Word => {
                if !self.is_in_page {
                    // A file without pages is one.
                    self.pages.begin(None, None);
                    self.is_in_page = true;
                }
                self.part(role, tag);
            }
            Role::Glyph => {
                self.glyph = Some(Glyph { area: title(tag).area, ..Glyph::default() });
            }
            Role::Inserted => {}
            Role::Deleted => {
                self.is_deleted = true;
                self.other.clear();
            }
            Role::Hidden => self.hidden += 1,
            Role::Other => {
                if tag.name.eq_ignore_ascii_case("br") {
                    self.end_loose();
                }
            }
        }
    }

    fn part(&mut self, role: Role, tag: Tag<'_>) {
        match role {
            Role::Block => {
                self.end_loose();
                if let Some(sheet) = self.sheet() {
                    sheet.begin_block(tag.value("id").as_deref(), title(tag).area, language(tag));
                }
            }
            Role::Line => {
                self.end_loose();
                self.has_line = true;
                self.line_has_words = false;
                if let Some(sheet) = self.sheet() {
                    sheet.begin_line(tag.value("id").as_deref(), title(tag).area, language(tag));
                }
            }
            _ => {
                self.finish_word();
                let title = title(tag);
                self.line_has_words = true;
                self.word = Some(Draft { area: title.area, confidence: title.confidence, ..Draft::default() });
                self.text.clear();
                if let Some(language) = language(tag)
                    && let Some(sheet) = self.sheet()
                    && sheet.has_line()
                {
                    sheet.line_language(Some(language));
                }
            }
        }
    }

    fn close(&mut self) {
        match self.roles.pop() {
            Some(Role::Page) => {
                self.end_loose();
                self.is_in_page = false;
                self.pages.end();
            }
            Some(Role::Block) => {
                self.end_loose();
                if let Some(sheet) = self.sheet() {
                    sheet.end_block();
                }
            }
            Some(Role::Line) => {
                self.finish_word();
                let text = std::mem::take(&mut self.loose);
                if !self.line_has_words {
                    self.pages.line_text(&text, &[], None);
                }
                self.has_line = false;
                if let Some(sheet) = self.sheet() {
                    sheet.end_line();
                }
            }
            Some(Role::Word) => self.finish_word(),
            Some(Role::Glyph) => {
                if let (Some(glyph), Some(word)) = (self.glyph.take(), &mut self.word)
                    && word.glyphs.len() < MOST_GLYPHS
                {
                    word.glyphs.push(glyph);
                }
            }
            Some(Role::Deleted) => {
                self.is_deleted = false;
                let other = std::mem::take(&mut self.other);
                if let Some(word) = self.word.as_mut().filter(|word| word.alternatives.len() < MOST_ALTERNATIVES) {
                    word.alternatives.push(other);
                }
            }
            Some(Role::Hidden) => self.hidden = self.hidden.saturating_sub(1),
            Some(Role::Inserted | Role::Other) | None => {}
        }
    }

    fn add(&mut self, text: &str) {
        if self.hidden > 0 || !self.is_in_page {
            return;
        }
        if self.is_deleted {
            self.other.push_str(text);
        } else if self.word.is_some() {
            self.text.push_str(text);
            if let Some(glyph) = &mut self.glyph {
                glyph.text.push_str(text);
            }
        } else if !(self.has_line && self.line_has_words) {
            self.loose.push_str(text);
        }
    }

    fn finish_word(&mut self) {
        let Some(mut word) = self.word.take() else { return };
        let text = std::mem::take(&mut self.text);
        word.text =
            if text.trim().is_empty() { word.alternatives.first().cloned().unwrap_or_default() } else { text }.into();
        let elements = &mut self.elements;
        self.pages.word(word, || elements.line());
    }

    /// Text outside of lines and words is a line.
    fn end_loose(&mut self) {
        self.finish_word();
        let text = std::mem::take(&mut self.loose);
        if self.has_line || text.chars().all(script::is_space) || !self.is_in_page {
            if self.has_line {
                self.loose = text;
            }
            return;
        }
        if let Some(sheet) = self.sheet() {
            sheet.begin_line(None, None, None);
        }
        self.pages.line_text(&text, &[], None);
        if let Some(sheet) = self.sheet() {
            sheet.end_line();
        }
    }
}
