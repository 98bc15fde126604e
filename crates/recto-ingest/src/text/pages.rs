//! The pages of a file, as they come: only those that are wanted are made.

use std::ops::ControlFlow;

use recto_iiif::text::{Area, PageSize, PageText, Unit};

use super::sheet::{Draft, Sheet};
use crate::words::{At, Report};

/// Takes each page of a file with its number, from 0.
pub(super) type Take<'t> = dyn FnMut(usize, PageText) -> ControlFlow<()> + 't;

/// Where readers put what they read.
pub(super) struct Pages<'t, 'r> {
    pub(super) report: &'r mut Report,
    take: &'t mut Take<'t>,
    wanted: Option<usize>,
    next: usize,
    sheet: Option<Sheet>,
    is_done: bool,
}

impl<'t, 'r> Pages<'t, 'r> {
    pub(super) fn new(wanted: Option<usize>, take: &'t mut Take<'t>, report: &'r mut Report) -> Self {
        Self { report, take, wanted, next: 0, sheet: None, is_done: false }
    }

    /// The next page begins.
    pub(super) fn begin(&mut self, size: Option<PageSize>, language: Option<String>) {
        self.end();
        let number = self.next;
        self.next += 1;
        if self.wanted.is_none_or(|wanted| wanted == number) {
            self.sheet = Some(Sheet::new(size, language));
        }
    }

    /// The open page ends.
    pub(super) fn end(&mut self) {
        let Some(sheet) = self.sheet.take() else { return };
        let number = self.next.saturating_sub(1);
        let flow = (self.take)(number, sheet.finish());
        self.is_done = flow.is_break() || self.wanted == Some(number);
    }

    /// Nothing more is wanted.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// The open page, if it is wanted.
    pub(super) fn sheet(&mut self) -> Option<&mut Sheet> {
        self.sheet.as_mut()
    }

    /// A word on the open page.
    pub(super) fn word(&mut self, draft: Draft<'_>, line: impl FnOnce() -> u32) {
        if let Some(sheet) = &mut self.sheet {
            sheet.word(draft, self.report, line);
        }
    }

    /// A line of which only the text is known.
    pub(super) fn line_text(&mut self, text: &str, others: &[String], confidence: Option<f32>) {
        if let Some(sheet) = &mut self.sheet {
            sheet.line_text(text, others, confidence, self.report);
        }
    }

    /// The file has been read.
    pub(super) fn finish(mut self) {
        self.end();
        if let Some(wanted) = self.wanted
            && wanted >= self.next
        {
            let message = match self.next {
                0 => "the file has no page".to_owned(),
                count => format!("page {} is asked for; the file has {count}", wanted + 1),
            };
            self.report.warning(At::FILE, "text-page-missing", message, "look whether it is the right file");
        }
    }
}

/// A size that can be used.
pub(super) fn size(width: Option<f64>, height: Option<f64>, unit: Unit) -> Option<PageSize> {
    let (width, height) = (width?, height?);
    (width > 0.0 && height > 0.0).then_some(PageSize { width, height, unit })
}

/// An area of which all is known.
pub(super) fn area(x: Option<f64>, y: Option<f64>, w: Option<f64>, h: Option<f64>) -> Option<Area> {
    Some(Area { x: x?, y: y?, w: w?.max(0.0), h: h?.max(0.0) })
}

/// The area between edges, in whatever order they are.
pub(super) fn between(x1: f64, y1: f64, x2: f64, y2: f64) -> Area {
    Area { x: x1.min(x2), y: y1.min(y2), w: (x2 - x1).abs(), h: (y2 - y1).abs() }
}

/// The area around the points of `x1,y1 x2,y2 …`.
pub(super) fn around_points(points: &str) -> Option<Area> {
    let mut numbers = points
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|text| !text.is_empty())
        .map(|text| text.parse::<f64>().ok().filter(|number| number.is_finite()));
    let mut found: Option<Area> = None;
    while let (Some(x), Some(y)) = (numbers.next(), numbers.next()) {
        let (Some(x), Some(y)) = (x, y) else { continue };
        let point = Area { x, y, w: 0.0, h: 0.0 };
        found = Some(found.map_or(point, |found| found.around(point)));
    }
    found
}

/// How sure a recogniser is, whether it counts to 1 or to 100.
pub(super) fn confidence(number: f64) -> Option<f32> {
    let number = if number > 1.0 { number / 100.0 } else { number };
    (0.0..=1.0).contains(&number).then_some(number as f32)
}
