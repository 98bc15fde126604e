//! Which part of a Canvas: rectangles, stretches of time, points; media fragments (`#xywh=`, `#t=`) and selectors.

use std::fmt;

use serde_json::Value;

/// What the numbers of a region count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Units of the Canvas.
    Pixel,
    /// Percent of the Canvas's sides.
    Percent,
}

/// A rectangle on a Canvas. Media Fragments §4.2.2; displays as the value of `xywh`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CanvasRegion {
    /// What the numbers count.
    pub unit: Unit,
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width, above 0.
    pub w: f64,
    /// Height, above 0.
    pub h: f64,
}

/// A stretch of time in seconds. Media Fragments §4.2.1; displays as the value of `t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeSpan {
    /// When it begins.
    pub start: f64,
    /// When it ends; the end of the Canvas when absent.
    pub end: Option<f64>,
}

/// A point, from a `PointSelector`. Presentation API 3.0, Annotation extension.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Distance from the left edge, in units of the Canvas.
    pub x: Option<f64>,
    /// Distance from the top edge.
    pub y: Option<f64>,
    /// Seconds from the beginning.
    pub t: Option<f64>,
}

impl fmt::Display for CanvasRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.unit == Unit::Percent { "percent:" } else { "" };
        write!(f, "{unit}{},{},{},{}", self.x, self.y, self.w, self.h)
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            Some(end) if self.start == 0.0 => write!(f, ",{end}"),
            Some(end) => write!(f, "{},{end}", self.start),
            None => write!(f, "{}", self.start),
        }
    }
}

impl CanvasRegion {
    /// A rectangle in units of the Canvas.
    pub const fn pixels(x: f64, y: f64, w: f64, h: f64) -> Self {
        Self { unit: Unit::Pixel, x, y, w, h }
    }

    /// Reads the value of `xywh`: `x,y,w,h`, `pixel:…` or `percent:…`.
    pub fn parse(text: &str) -> Option<Self> {
        let (unit, numbers) = match text.split_once(':') {
            Some(("pixel", rest)) => (Unit::Pixel, rest),
            Some(("percent", rest)) => (Unit::Percent, rest),
            Some(_) => return None,
            None => (Unit::Pixel, text),
        };
        let mut numbers = numbers.split(',').map(number);
        let mut next = || numbers.next().flatten();
        let region = Self { unit, x: next()?, y: next()?, w: next()?, h: next()? };
        (numbers.next().is_none() && region.w > 0.0 && region.h > 0.0).then_some(region)
    }
}

impl TimeSpan {
    /// Reads the value of `t`: `start`, `start,end` or `,end`, in seconds or as a clock (`1:02:03.5`), with or without `npt:`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("npt:").unwrap_or(text);
        let (start, end) = text.split_once(',').map_or((text, None), |(start, end)| (start, Some(end)));
        let start = if start.is_empty() && end.is_some() { 0.0 } else { clock(start)? };
        let end = end.map(clock).map_or(Some(None), |end| end.map(Some))?;
        end.is_none_or(|end| end > start).then_some(Self { start, end })
    }
}

/// A number of at least 0, with digits and at most one dot.
fn number(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| text.parse().ok()).flatten().filter(|value: &f64| value.is_finite())
}

/// Seconds, `minutes:seconds` or `hours:minutes:seconds`.
fn clock(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    for (position, part) in text.split(':').enumerate() {
        if position > 2 {
            return None;
        }
        seconds = seconds * 60.0 + number(part)?;
    }
    Some(seconds)
}

/// The parts that selectors and fragments name, as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Part {
    pub(super) region: Option<CanvasRegion>,
    pub(super) time: Option<TimeSpan>,
    pub(super) point: Option<Point>,
    /// What could not be read, for people.
    pub(super) unread: Vec<String>,
}

impl Part {
    /// Takes the dimensions of a media fragment (without `#`). False when it has none, and is an ordinary fragment.
    pub(super) fn add_fragment(&mut self, fragment: &str) -> bool {
        let mut is_media = false;
        for (name, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "xywh" => {
                    is_media = true;
                    let region = CanvasRegion::parse(value);
                    self.note(region.is_none(), || format!("`xywh={value}`"));
                    self.region = region.or(self.region);
                }
                "t" => {
                    is_media = true;
                    let time = TimeSpan::parse(value);
                    self.note(time.is_none(), || format!("`t={value}`"));
                    self.time = time.or(self.time);
                }
                _ => {}
            }
        }
        is_media
    }

    /// Takes one selector, or a list of them.
    pub(super) fn add_selector(&mut self, selector: &Value) {
        match selector {
            Value::Array(selectors) => {
                for selector in selectors.iter().filter(|selector| !selector.is_array()) {
                    self.add_selector(selector);
                }
            }
            Value::String(fragment) => {
                let read = self.add_fragment(fragment.trim_start_matches('#'));
                self.note(!read, || "a selector that is a string".to_owned());
            }
            Value::Object(selector) => {
                let text = |property: &str| selector.get(property).and_then(Value::as_str);
                match text("type").or_else(|| text("@type")).map(|word| word.trim_start_matches("oa:")) {
                    Some("FragmentSelector") | None if text("value").is_some() => {
                        let value = text("value").unwrap_or_default();
                        // Some editors write the whole URI with its fragment.
                        let fragment = value.rsplit_once('#').map_or(value, |(_, fragment)| fragment);
                        let read = fragment.is_empty() || self.add_fragment(fragment);
                        self.note(!read, || "a `FragmentSelector` without `xywh` or `t`".to_owned());
                    }
                    Some("PointSelector") => {
                        let coordinate = |name: &str| selector.get(name).and_then(Value::as_f64);
                        let point = Point { x: coordinate("x"), y: coordinate("y"), t: coordinate("t") };
                        self.note(point == Point::default(), || "a `PointSelector` without x, y or t".to_owned());
                        self.point = (point != Point::default()).then_some(point).or(self.point);
                    }
                    other => self.unread.push(format!("a selector of type `{}`", other.unwrap_or("none"))),
                }
            }
            _ => self.unread.push("a selector that is no object".to_owned()),
        }
    }

    fn note(&mut self, is_unread: bool, text: impl FnOnce() -> String) {
        if is_unread {
            self.unread.push(text());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_and_written_back() {
        for (text, want) in [
            ("1000,2000,1000,2000", Some("1000,2000,1000,2000")),
            ("pixel:0,0,1,1", Some("0,0,1,1")),
            ("percent:0,12.5,100,50", Some("percent:0,12.5,100,50")),
            ("0.5,0,10.25,1", Some("0.5,0,10.25,1")),
            ("0,0,0,1", None),
            ("-1,0,1,1", None),
            ("1,2,3", None),
            ("1,2,3,4,5", None),
            ("1e3,2,3,4", None),
            ("inch:1,2,3,4", None),
            ("NaN,0,1,1", None),
            ("", None),
        ] {
            assert_eq!(CanvasRegion::parse(text).map(|region| region.to_string()).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn times_are_read_in_seconds_and_as_clocks() {
        for (text, want) in [
            ("14.5", Some("14.5")),
            ("10,20", Some("10,20")),
            (",20", Some(",20")),
            ("npt:10,20", Some("10,20")),
            ("0:01:02.5,1:00:00", Some("62.5,3600")),
            ("20,10", None),
            ("10,10", None),
            ("1:2:3:4", None),
            ("smpte:0:02:00", None),
            (",", None),
            ("", None),
        ] {
            assert_eq!(TimeSpan::parse(text).map(|time| time.to_string()).as_deref(), want, "{text}");
        }
    }
}
