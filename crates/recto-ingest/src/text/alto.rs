//! ALTO 1 to 4, with and without namespace.

use std::borrow::Cow;

use recto_iiif::text::{Area, Unit};

use super::markup::{Elements, Event, Kind, Tag, unescaped};
use super::pages::{Pages, area, around_points, confidence, size};
use super::sheet::{Draft, Glyph, MOST_ALTERNATIVES, MOST_GLYPHS, Part};
use crate::languages::language_tag;
use crate::words::At;

/// What text is being collected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Unit,
    Settings,
    Alternative,
}

pub(super) fn read(text: &str, pages: &mut Pages<'_, '_>) {
    let mut elements = Elements::new(text, Kind::Xml);
    let mut unit = Unit::Pixel;
    let mut settings = String::new();
    let mut wanted: Option<Wanted> = None;
    let mut collected = String::new();
    let mut order: Vec<String> = Vec::new();
    let mut word: Option<Draft<'_>> = None;
    while !pages.is_done()
        && let Some(event) = elements.next(pages.report)
    {
        match event {
            Event::Open(tag) => match tag.name {
                "MeasurementUnit" => wanted = Some(Wanted::Unit),
                "processingStepSettings" => wanted = Some(Wanted::Settings),
                "ALTERNATIVE" => {
                    collected.clear();
                    wanted = Some(Wanted::Alternative);
                }
                "ElementRef" => order.extend(tag.value("REF").map(Cow::into_owned)),
                "Page" => begin_page(tag, unit, &settings, &mut elements, pages),
                "String" => {
                    // Where one is not closed, it is whole all the same.
                    if let Some(word) = word.replace(string(tag)) {
                        pages.word(word, || elements.line());
                    }
                }
                "Glyph" => {
                    if let Some(word) = word.as_mut().filter(|word| word.glyphs.len() < MOST_GLYPHS) {
                        let text = tag.value("CONTENT").unwrap_or_default().into_owned();
                        word.glyphs.push(Glyph { text, area: place(tag), alternatives: Vec::new() });
                    }
                }
                "Variant" => {
                    let glyph = word.as_mut().and_then(|word| word.glyphs.last_mut());
                    if let Some(glyph) = glyph.filter(|glyph| glyph.alternatives.len() < MOST_ALTERNATIVES) {
                        glyph.alternatives.extend(tag.value("CONTENT").map(Cow::into_owned));
                    }
                }
                "Polygon" => {
                    if let Some(word) = word.as_mut().filter(|word| word.area.is_none()) {
                        word.area = tag.raw("POINTS").and_then(around_points);
                    }
                }
                _ => structure(tag, pages),
            },
            Event::Close(name) => match name {
                "MeasurementUnit" | "processingStepSettings" => wanted = None,
                "ALTERNATIVE" => {
                    wanted = None;
                    if let Some(word) = word.as_mut().filter(|word| word.alternatives.len() < MOST_ALTERNATIVES) {
                        word.alternatives.push(std::mem::take(&mut collected));
                    }
                }
                "String" => {
                    if let Some(word) = word.take() {
                        pages.word(word, || elements.line());
                    }
                }
                "TextLine" => pages.sheet().into_iter().for_each(super::sheet::Sheet::end_line),
                "TextBlock" => pages.sheet().into_iter().for_each(super::sheet::Sheet::end_block),
                "ComposedBlock" => {
                    if let Some(sheet) = pages.sheet() {
                        sheet.groups.pop();
                    }
                }
                "Page" => end_page(&order, pages),
                _ => {}
            },
            Event::Text(text) | Event::Literal(text) => match wanted {
                Some(Wanted::Unit) => unit = unit_of(text.trim()).unwrap_or(unit),
                Some(Wanted::Settings) if settings.len() < 10_000 => {
                    settings.push_str(text);
                    settings.push('\n');
                }
                Some(Wanted::Alternative) => collected.push_str(&unescaped(text)),
                Some(Wanted::Settings) | None => {}
            },
        }
    }
    end_page(&order, pages);
}

fn end_page(order: &[String], pages: &mut Pages<'_, '_>) {
    if let Some(sheet) = pages.sheet() {
        sheet.order = order.to_vec();
    }
    pages.end();
}

fn unit_of(text: &str) -> Option<Unit> {
    match text.to_ascii_lowercase().as_str() {
        "pixel" | "px" => Some(Unit::Pixel),
        "mm10" => Some(Unit::TenthOfMillimetre),
        "inch1200" => Some(Unit::PartOfInch(1200)),
        _ => None,
    }
}

fn begin_page(tag: Tag<'_>, unit: Unit, settings: &str, elements: &mut Elements<'_>, pages: &mut Pages<'_, '_>) {
    let said = size(tag.number("WIDTH"), tag.number("HEIGHT"), unit);
    let found = said.or_else(|| size_by_settings(settings, unit));
    let is_wrong = tag.raw("WIDTH").is_some() || tag.raw("HEIGHT").is_some();
    if found.is_none() && (is_wrong || unit != Unit::Pixel) {
        let line = elements.line();
        pages.report.warning(
            At::line(line),
            "text-page-size",
            "the page has no usable WIDTH and HEIGHT; its words are taken to be where the image has the same numbers",
            "give <Page> the WIDTH and HEIGHT of the image that was read, in the file's MeasurementUnit",
        );
    }
    pages.begin(found, language(tag));
}

/// The size of the image and its resolution, as some programs write them among their settings: `width:2880`, `xdpi:300`.
fn size_by_settings(settings: &str, unit: Unit) -> Option<recto_iiif::text::PageSize> {
    let value = |name: &str| -> Option<f64> {
        let (_, behind) = settings.split_once(name)?;
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        behind[..digits].parse().ok().filter(|number| *number > 0.0)
    };
    let (width, height) = (value("width:")?, value("height:")?);
    let parts = match unit {
        Unit::Pixel => return size(Some(width), Some(height), unit),
        Unit::TenthOfMillimetre => 254.0,
        Unit::PartOfInch(parts) => f64::from(parts),
    };
    let (across, down) = (value("xdpi:")?, value("ydpi:")?);
    size(Some(width * parts / across), Some(height * parts / down), unit)
}

/// Parts of a page, and what stands between words.
fn structure(tag: Tag<'_>, pages: &mut Pages<'_, '_>) {
    let Some(sheet) = pages.sheet() else { return };
    match tag.name {
        "TopMargin" => sheet.section = 0,
        "LeftMargin" => sheet.section = 1,
        "PrintSpace" => sheet.section = 2,
        "RightMargin" => sheet.section = 3,
        "BottomMargin" => sheet.section = 4,
        "ComposedBlock" => sheet.groups.push(tag.value("ID").unwrap_or_default().into_owned()),
        "TextBlock" => sheet.begin_block(tag.value("ID").as_deref(), place(tag), language(tag)),
        "TextLine" => sheet.begin_line(tag.value("ID").as_deref(), place(tag), language(tag)),
        "SP" => sheet.space(),
        "HYP" => sheet.hyphen(&tag.value("CONTENT").unwrap_or_default()),
        _ => {}
    }
}

fn place(tag: Tag<'_>) -> Option<Area> {
    let (mut x, mut y, mut w, mut h) = (None, None, None, None);
    for (name, value) in tag.attributes() {
        let target = match name {
            "HPOS" => &mut x,
            "VPOS" => &mut y,
            "WIDTH" => &mut w,
            "HEIGHT" => &mut h,
            _ => continue,
        };
        *target = super::markup::number(value);
    }
    area(x, y, w, h)
}

fn language(tag: Tag<'_>) -> Option<String> {
    let said = tag.attributes().find(|(name, _)| matches!(*name, "LANG" | "language" | "lang"));
    said.and_then(|(_, value)| language_tag(value))
}

fn string(tag: Tag<'_>) -> Draft<'_> {
    let mut draft = Draft::default();
    let (mut x, mut y, mut w, mut h) = (None, None, None, None);
    let (mut kind, mut whole) = ("", None);
    for (name, value) in tag.attributes() {
        match name {
            "CONTENT" => draft.text = unescaped(value),
            "HPOS" => x = super::markup::number(value),
            "VPOS" => y = super::markup::number(value),
            "WIDTH" => w = super::markup::number(value),
            "HEIGHT" => h = super::markup::number(value),
            "WC" => draft.confidence = super::markup::number(value).and_then(confidence),
            "SUBS_TYPE" => kind = value,
            "SUBS_CONTENT" => whole = Some(unescaped(value).into_owned()).filter(|whole| !whole.is_empty()),
            _ => {}
        }
    }
    draft.area = area(x, y, w, h);
    match kind {
        "HypPart1" => draft.part = Some(Part::First(whole)),
        "HypPart2" => draft.part = Some(Part::Second),
        // What an abbreviation stands for.
        _ => draft.alternatives.extend(whole),
    }
    draft
}
