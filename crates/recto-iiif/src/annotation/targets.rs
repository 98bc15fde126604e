//! What an annotation is about: canvases, and the parts of them.

use serde_json::Value;

use super::words::{list, types, uri_of};
use super::{from_open, svg};
use crate::Rect;
use crate::content_state::{CanvasRegion, TimeSpan, Unit};

/// A thing that an annotation is about.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetOn {
    /// The URI, without a media fragment: of a canvas in most cases.
    pub source: String,
    /// The URI of what it is part of, where the annotation says so: of a manifest in most cases.
    pub part_of: Option<String>,
    /// The rectangle in whole pixels of the canvas, or the one around the shape.
    pub region: Option<Rect>,
    /// The rectangle where it is given in percent, which needs the canvas's size to become pixels.
    pub percent: Option<CanvasRegion>,
    /// The stretch of time.
    pub time: Option<TimeSpan>,
}

/// So many targets are looked at.
const MOST: usize = 10_000;

/// All things that an annotation is about, in its order; of both forms, W3C and Open Annotation.
pub fn targets(annotation: &Value) -> Vec<TargetOn> {
    let Some(fields) = annotation.as_object() else { return Vec::new() };
    if fields.contains_key("on") && !fields.contains_key("target") {
        return targets_of(from_open(fields.clone()).get("target"));
    }
    targets_of(fields.get("target"))
}

fn targets_of(given: Option<&Value>) -> Vec<TargetOn> {
    let mut out = Vec::new();
    let mut open: Vec<&Value> = list(given).iter().rev().collect();
    while let Some(target) = open.pop() {
        if out.len() >= MOST {
            break;
        }
        if target.get("source").is_none()
            && let Some(items) = target.get("items").and_then(Value::as_array)
        {
            open.extend(items.iter().rev());
            continue;
        }
        out.extend(one(target));
    }
    out
}

fn one(target: &Value) -> Option<TargetOn> {
    let source = target.get("source").map_or(target, |source| list(Some(source)).first().unwrap_or(source));
    let (uri, fragment) = without_fragment(uri_of(source)?);
    let part_of = source.get("partOf").or_else(|| target.get("partOf"));
    let part_of = list(part_of).first().and_then(uri_of).map(str::to_owned);
    let mut on = TargetOn { source: uri.to_owned(), part_of, region: None, percent: None, time: None };
    on.fragment(fragment);
    for selector in list(target.get("selector")) {
        on.selector(selector);
    }
    Some(on)
}

/// The URI of the thing, and the part of it that a media fragment names. Other fragments belong to the name: some canvases have them.
fn without_fragment(uri: &str) -> (&str, &str) {
    match uri.split_once('#') {
        Some((plain, fragment))
            if fragment.split('&').any(|part| part.starts_with("xywh=") || part.starts_with("t=")) =>
        {
            (plain, fragment)
        }
        _ => (uri, ""),
    }
}

impl TargetOn {
    fn fragment(&mut self, fragment: &str) {
        match region_of_fragment(fragment) {
            Ok(Some(Region::Pixels(rect))) => self.region = self.region.or(rect),
            Ok(Some(Region::Percent(percent))) => self.percent = self.percent.or(Some(percent)),
            _ => {}
        }
        let time = fragment.split('&').find_map(|part| part.strip_prefix("t="));
        self.time = self.time.or_else(|| TimeSpan::parse(time?));
    }

    fn selector(&mut self, selector: &Value) {
        let text = selector.get("value").and_then(Value::as_str);
        match (selector.as_object().and_then(|fields| types(fields).first().copied()), text) {
            (Some("FragmentSelector"), Some(value)) => {
                let fragment = value.rsplit_once('#').map_or(value, |(_, fragment)| fragment);
                self.fragment(fragment);
            }
            // The fragment beside it is what its author measured.
            (Some("SvgSelector"), Some(value)) if self.region.is_none() => self.region = svg::bounds(value),
            (Some("PointSelector"), _) => {
                let number = |name: &str| selector.get(name).and_then(Value::as_f64);
                if let (Some(x), Some(y)) = (number("x"), number("y")) {
                    self.region = self.region.or_else(|| whole_pixels(x, y, 1.0, 1.0));
                }
                if let Some(start) = number("instant").or_else(|| number("t")).filter(|start| *start >= 0.0) {
                    self.time = self.time.or(Some(TimeSpan { start, end: None }));
                }
            }
            _ => {}
        }
    }
}

#[derive(Debug, PartialEq)]
pub(super) enum Region {
    /// `None` where nothing of it is on a canvas.
    Pixels(Option<Rect>),
    Percent(CanvasRegion),
}

/// The region of a media fragment (without `#`), `None` where it names none. Editors write fractions and corners left of the canvas; both
/// are understood.
pub(super) fn region_of_fragment(fragment: &str) -> Result<Option<Region>, ()> {
    let Some(value) = fragment.split('&').find_map(|part| part.strip_prefix("xywh=")) else { return Ok(None) };
    let (unit, numbers) = match value.split_once(':') {
        Some(("pixel", rest)) => (Unit::Pixel, rest),
        Some(("percent" | "pct", rest)) => (Unit::Percent, rest),
        Some(_) => return Err(()),
        None => (Unit::Pixel, value),
    };
    let numbers: Vec<f64> = numbers.split(',').map_while(|text| text.trim().parse().ok()).collect();
    let [x, y, w, h] = numbers[..] else { return Err(()) };
    if numbers.iter().any(|number| !number.is_finite()) || w < 0.0 || h < 0.0 || value.split(',').count() != 4 {
        return Err(());
    }
    Ok(Some(match unit {
        Unit::Pixel => Region::Pixels(whole_pixels(x, y, w, h)),
        Unit::Percent => Region::Percent(CanvasRegion { unit, x, y, w, h }),
    }))
}

/// The whole pixels that a rectangle touches.
fn whole_pixels(x: f64, y: f64, w: f64, h: f64) -> Option<Rect> {
    let most = f64::from(u32::MAX);
    let (left, top) = (x.floor().max(0.0), y.floor().max(0.0));
    let (right, bottom) = ((x + w).ceil(), (y + h).ceil());
    let is_on = right > left && bottom > top && left < most && top < most;
    is_on.then(|| Rect::new(left as u32, top as u32, (right - left).min(most) as u32, (bottom - top).min(most) as u32))
}
