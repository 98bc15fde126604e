//! PAGE XML, 2010 to 2019: regions, lines, words and glyphs with polygons.

use recto_iiif::text::{Area, Unit};

use super::markup::{Elements, Event, Kind, Tag, unescaped};
use super::pages::{Pages, around_points, confidence, size};
use super::script;
use super::sheet::{Draft, Glyph, MOST_ALTERNATIVES};
use crate::languages::language_tag;

/// Most words of a line, and most characters of a word.
const MOST_PARTS: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Region,
    Line,
    Word,
    Glyph,
}

/// Something that may have a text.
#[derive(Debug)]
struct Part {
    level: Level,
    area: Option<Area>,
    /// Readings: the number that orders them, the text, and how sure it is.
    texts: Vec<(i64, String, Option<f32>)>,
    words: Vec<Part>,
    has_lines: bool,
}

impl Part {
    fn new(level: Level) -> Self {
        Self { level, area: None, texts: Vec::new(), words: Vec::new(), has_lines: false }
    }

    /// The reading that counts, and the others.
    fn take_texts(&mut self) -> (String, Option<f32>, Vec<String>) {
        let mut texts = std::mem::take(&mut self.texts);
        texts.sort_by_key(|(index, ..)| *index);
        texts.retain(|(_, text, _)| !text.trim().is_empty());
        let mut texts = texts.into_iter();
        let (text, sure) = texts.next().map_or((String::new(), None), |(_, text, sure)| (text, sure));
        (text, sure, texts.map(|(_, text, _)| text).collect())
    }
}

struct Reader<'a, 'p, 't, 'r> {
    elements: Elements<'a>,
    pages: &'p mut Pages<'t, 'r>,
    parts: Vec<Part>,
    /// The reading that is being read: its number, text and how sure it is.
    equivalent: Option<(i64, Option<f32>)>,
    unicode: Option<String>,
    /// Groups of the reading order that are open: for each, its members with their numbers.
    groups: Vec<Group>,
    order: Vec<String>,
}

#[derive(Default)]
struct Group {
    index: i64,
    members: Vec<(i64, Vec<String>)>,
}

impl Group {
    fn ordered(mut self) -> Vec<String> {
        self.members.sort_by_key(|(index, _)| *index);
        self.members.into_iter().flat_map(|(_, names)| names).collect()
    }
}

pub(super) fn read<'a>(text: &'a str, pages: &mut Pages<'_, '_>) {
    let mut reader: Reader<'a, '_, '_, '_> = Reader {
        elements: Elements::new(text, Kind::Xml),
        pages,
        parts: Vec::new(),
        equivalent: None,
        unicode: None,
        groups: Vec::new(),
        order: Vec::new(),
    };
    while !reader.pages.is_done()
        && let Some(event) = reader.elements.next(reader.pages.report)
    {
        match event {
            Event::Open(tag) => reader.open(tag),
            Event::Close(name) => reader.close(name),
            Event::Text(text) => {
                if let Some(unicode) = &mut reader.unicode {
                    unicode.push_str(&unescaped(text));
                }
            }
            Event::Literal(text) => {
                if let Some(unicode) = &mut reader.unicode {
                    unicode.push_str(text);
                }
            }
        }
    }
    reader.end_page();
}

fn is_region(name: &str) -> bool {
    name.ends_with("Region") && name.len() > "Region".len()
}

fn language(tag: Tag<'_>) -> Option<String> {
    tag.value("primaryLanguage").or_else(|| tag.value("language")).and_then(|value| language_tag(&value))
}

fn index(tag: Tag<'_>) -> Option<i64> {
    tag.raw("index").and_then(|text| text.trim().parse().ok())
}

impl Reader<'_, '_, '_, '_> {
    fn open(&mut self, tag: Tag<'_>) {
        match tag.name {
            "Page" => {
                let size = size(tag.number("imageWidth"), tag.number("imageHeight"), Unit::Pixel);
                self.pages.begin(size, language(tag));
            }
            "OrderedGroup" | "UnorderedGroup" | "OrderedGroupIndexed" | "UnorderedGroupIndexed" => {
                let around = self.groups.last().map_or(0, |group| group.members.len() as i64);
                let mut group = Group { index: index(tag).unwrap_or(around), members: Vec::new() };
                if let Some(region) = tag.value("regionRef") {
                    group.members.push((i64::MIN, vec![region.into_owned()]));
                }
                self.groups.push(group);
            }
            "RegionRef" | "RegionRefIndexed" => {
                if let (Some(group), Some(region)) = (self.groups.last_mut(), tag.value("regionRef")) {
                    let index = index(tag).unwrap_or(group.members.len() as i64);
                    group.members.push((index, vec![region.into_owned()]));
                }
            }
            "TextLine" => {
                if let Some(region) = self.parts.last_mut() {
                    region.has_lines = true;
                }
                self.parts.push(Part::new(Level::Line));
                if let Some(sheet) = self.pages.sheet() {
                    sheet.begin_line(tag.value("id").as_deref(), None, language(tag));
                }
            }
            "Word" => self.parts.push(Part::new(Level::Word)),
            "Glyph" => self.parts.push(Part::new(Level::Glyph)),
            "Coords" => {
                if let Some(part) = self.parts.last_mut() {
                    part.area = tag.raw("points").and_then(around_points).or(part.area);
                }
            }
            "Point" => {
                if let (Some(x), Some(y), Some(part)) = (tag.number("x"), tag.number("y"), self.parts.last_mut()) {
                    let point = Area { x, y, w: 0.0, h: 0.0 };
                    part.area = Some(part.area.map_or(point, |area| area.around(point)));
                }
            }
            "TextEquiv" => {
                self.equivalent = Some((index(tag).unwrap_or(0), tag.number("conf").and_then(confidence)));
            }
            "Unicode" if self.equivalent.is_some() => self.unicode = Some(String::new()),
            name if is_region(name) => {
                self.parts.push(Part::new(Level::Region));
                if let Some(sheet) = self.pages.sheet() {
                    sheet.begin_block(tag.value("id").as_deref(), None, language(tag));
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "Page" => self.end_page(),
            "OrderedGroup" | "UnorderedGroup" | "OrderedGroupIndexed" | "UnorderedGroupIndexed" => {
                let Some(group) = self.groups.pop() else { return };
                let (index, ordered) = (group.index, group.ordered());
                match self.groups.last_mut() {
                    Some(around) => around.members.push((index, ordered)),
                    None => self.order.extend(ordered),
                }
            }
            "Unicode" => {
                if let (Some(text), Some((index, sure)), Some(part)) =
                    (self.unicode.take(), self.equivalent, self.parts.last_mut())
                    && part.texts.len() <= MOST_ALTERNATIVES
                {
                    part.texts.push((index, text, sure));
                }
            }
            "TextEquiv" => self.equivalent = None,
            "TextLine" => {
                if let Some(part) = self.parts.pop() {
                    self.line(part);
                }
            }
            "Word" | "Glyph" => {
                if let Some(part) = self.parts.pop()
                    && let Some(around) = self.parts.last_mut()
                {
                    // Lines and words of a page are not that long.
                    if around.words.len() < MOST_PARTS {
                        around.words.push(part);
                    }
                }
            }
            name if is_region(name) => {
                if let Some(part) = self.parts.pop() {
                    self.region(part);
                }
            }
            _ => {}
        }
    }

    fn end_page(&mut self) {
        if let Some(sheet) = self.pages.sheet() {
            sheet.order = std::mem::take(&mut self.order);
        }
        self.pages.end();
    }

    /// A region without lines has its text divided into them.
    fn region(&mut self, mut region: Part) {
        if let Some(sheet) = self.pages.sheet() {
            sheet.block_area(region.area);
        }
        let (text, sure, _) = region.take_texts();
        if !region.has_lines && !text.trim().is_empty() {
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            let count = lines.len() as f64;
            for (at, line) in lines.iter().enumerate() {
                let share =
                    region.area.map(|area| Area { y: area.y + area.h * at as f64 / count, h: area.h / count, ..area });
                if let Some(sheet) = self.pages.sheet() {
                    sheet.begin_line(None, share, None);
                }
                self.pages.line_text(line, &[], sure);
            }
        }
        if let Some(sheet) = self.pages.sheet() {
            sheet.end_block();
        }
    }

    fn line(&mut self, mut line: Part) {
        if let Some(sheet) = self.pages.sheet() {
            sheet.line_area(line.area);
        }
        let (text, sure, others) = line.take_texts();
        let mut words: Vec<Draft<'static>> = std::mem::take(&mut line.words).into_iter().map(draft).collect();
        if words.iter().all(|word| word.text.trim().is_empty()) {
            // Words may have places only, or be missing altogether; then the line's text is theirs.
            let tokens: Vec<&str> = text.split(script::is_space).filter(|token| !token.is_empty()).collect();
            if words.is_empty() || tokens.len() != words.len() {
                self.pages.line_text(&text, &others, sure);
                self.end_line();
                return;
            }
            for (word, token) in words.iter_mut().zip(tokens) {
                word.text = token.to_owned().into();
            }
        }
        order_by_line(&mut words, &text);
        for word in words {
            let elements = &mut self.elements;
            self.pages.word(word, || elements.line());
        }
        self.end_line();
    }

    fn end_line(&mut self) {
        if let Some(sheet) = self.pages.sheet() {
            sheet.end_line();
        }
    }
}

fn draft(mut word: Part) -> Draft<'static> {
    let glyphs: Vec<Glyph> = std::mem::take(&mut word.words)
        .into_iter()
        .filter(|part| part.level == Level::Glyph)
        .map(|mut glyph| {
            let (text, _, alternatives) = glyph.take_texts();
            Glyph { text, area: glyph.area, alternatives }
        })
        .collect();
    let (mut text, confidence, alternatives) = word.take_texts();
    if text.is_empty() {
        text = glyphs.iter().map(|glyph| glyph.text.as_str()).collect();
    }
    Draft { text: text.into(), area: word.area, alternatives, confidence, glyphs, ..Draft::default() }
}

/// The text of a line tells which words follow each other without a space, and in which order words are that run from right to left.
fn order_by_line(words: &mut [Draft<'_>], line: &str) {
    if line.trim().is_empty() {
        return;
    }
    if !is_in_order(words, line) {
        words.reverse();
        if !is_in_order(words, line) {
            words.reverse();
            return;
        }
    }
    let mut rest = line;
    for word in words {
        let Some(behind) = behind(rest, &word.text) else { return };
        rest = behind;
        word.joined = Some(rest.chars().next().is_some_and(|next| !script::is_space(next)));
    }
}

fn is_in_order(words: &[Draft<'_>], line: &str) -> bool {
    let mut rest = line;
    words.iter().all(|word| behind(rest, &word.text).map(|behind| rest = behind).is_some())
}

/// What of a line follows this word, if it begins with it.
fn behind<'a>(rest: &'a str, word: &str) -> Option<&'a str> {
    rest.trim_start_matches(script::is_space).strip_prefix(word.trim_matches(script::is_space))
}
