//! The XML of `DjVu`'s hidden text, as the Internet Archive and `djvutoxml` give it: an `OBJECT` a page, words with
//! `coords="left,bottom,right,top"` counted from the top.

use recto_iiif::text::{Area, Unit};

use super::markup::{Elements, Event, Kind, Tag, number, unescaped};
use super::pages::{Pages, between, confidence, size};
use super::sheet::Draft;

pub(super) fn read(text: &str, pages: &mut Pages<'_, '_>) {
    let mut elements = Elements::new(text, Kind::Xml);
    let mut word: Option<Draft<'static>> = None;
    let mut collected = String::new();
    while !pages.is_done()
        && let Some(event) = elements.next(pages.report)
    {
        match event {
            Event::Open(tag) => match tag.name {
                "OBJECT" => pages.begin(size(tag.number("width"), tag.number("height"), Unit::Pixel), None),
                "PARAGRAPH" => {
                    pages.sheet().into_iter().for_each(|sheet| sheet.begin_block(None, place(tag), None));
                }
                "LINE" => pages.sheet().into_iter().for_each(|sheet| sheet.begin_line(None, place(tag), None)),
                "WORD" => {
                    let confidence = tag.number("x-confidence").and_then(|sure| confidence(sure.max(0.0) / 100.0));
                    word = Some(Draft { area: place(tag), confidence, ..Draft::default() });
                    collected.clear();
                }
                _ => {}
            },
            Event::Close("OBJECT") => pages.end(),
            Event::Close("PARAGRAPH") => pages.sheet().into_iter().for_each(super::sheet::Sheet::end_block),
            Event::Close("LINE") => pages.sheet().into_iter().for_each(super::sheet::Sheet::end_line),
            Event::Close("WORD") => {
                if let Some(mut word) = word.take() {
                    word.text = std::mem::take(&mut collected).into();
                    pages.word(word, || elements.line());
                }
            }
            Event::Text(text) if word.is_some() => collected.push_str(&unescaped(text)),
            Event::Literal(text) if word.is_some() => collected.push_str(text),
            Event::Close(_) | Event::Text(_) | Event::Literal(_) => {}
        }
    }
}

fn place(tag: Tag<'_>) -> Option<Area> {
    let mut numbers = tag.raw("coords")?.split(',').map(number);
    let mut next = || numbers.next().flatten();
    Some(between(next()?, next()?, next()?, next()?))
}
