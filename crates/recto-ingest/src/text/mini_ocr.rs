//! `MiniOCR`, as search engines take it: `<p wh="…"><b><l><w x="left top width height">`.

use recto_iiif::text::{Area, Unit};

use super::markup::{Elements, Event, Kind, number, unescaped};
use super::pages::{Pages, area, size};
use super::sheet::Draft;

/// Between a word and its other readings.
const ALTERNATIVE: char = '\u{21ff}';

pub(super) fn read(text: &str, pages: &mut Pages<'_, '_>) {
    let mut elements = Elements::new(text, Kind::Xml);
    let mut word: Option<(Option<Area>, String)> = None;
    let mut scale = None;
    while !pages.is_done()
        && let Some(event) = elements.next(pages.report)
    {
        match event {
            Event::Open(tag) => match tag.name {
                "p" => {
                    let said = tag.raw("wh").and_then(numbers);
                    let said = said.and_then(|[width, height]| size(Some(width), Some(height), Unit::Pixel));
                    scale = said.map(|size| (size.width, size.height));
                    pages.begin(said, None);
                }
                "b" => pages.sheet().into_iter().for_each(|sheet| sheet.begin_block(None, None, None)),
                "l" => pages.sheet().into_iter().for_each(|sheet| sheet.begin_line(None, None, None)),
                "w" => {
                    let said = tag.raw("x");
                    let place =
                        said.and_then(numbers).and_then(|[x, y, w, h]| area(Some(x), Some(y), Some(w), Some(h)));
                    // Numbers with a point may be parts of the page.
                    let is_share = said.is_some_and(|said| said.contains('.'))
                        && place.is_some_and(|at| at.x + at.w <= 1.0 && at.y + at.h <= 1.0);
                    let place = match (place, scale) {
                        (Some(at), Some((across, down))) if is_share => {
                            Some(Area { x: at.x * across, y: at.y * down, w: at.w * across, h: at.h * down })
                        }
                        // Of a page whose size nobody says, parts cannot be placed.
                        (Some(_), None) if is_share => None,
                        (place, _) => place,
                    };
                    word = Some((place, String::new()));
                }
                _ => {}
            },
            Event::Close("p") => pages.end(),
            Event::Close("b") => pages.sheet().into_iter().for_each(super::sheet::Sheet::end_block),
            Event::Close("l") => pages.sheet().into_iter().for_each(super::sheet::Sheet::end_line),
            Event::Close("w") => {
                if let Some((area, text)) = word.take() {
                    let mut readings = text.split(ALTERNATIVE);
                    let text = readings.next().unwrap_or_default().into();
                    let alternatives = readings.map(str::to_owned).collect();
                    pages.word(Draft { text, area, alternatives, ..Draft::default() }, || elements.line());
                }
            }
            Event::Text(text) => {
                if let Some((_, word)) = &mut word {
                    word.push_str(&unescaped(text));
                }
            }
            Event::Literal(text) => {
                if let Some((_, word)) = &mut word {
                    word.push_str(text);
                }
            }
            Event::Close(_) => {}
        }
    }
}

fn numbers<const N: usize>(text: &str) -> Option<[f64; N]> {
    let mut numbers = [0.0; N];
    let mut texts = text.split_ascii_whitespace();
    for target in &mut numbers {
        *target = texts.next().and_then(number)?;
    }
    Some(numbers)
}
