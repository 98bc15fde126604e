//! The text of a page or a recording: blocks of lines of words, each with its place.
//!
//! Every reader of a format gives a [`PageText`] in the format's own unit; [`PageText::placed_on`] brings it onto a canvas.
//! Order is reading order.

use crate::Dimensions;

/// The text of one page, or of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageText {
    /// Width and height of the page in the unit of its areas; `None` where the source does not say, or has no places.
    pub size: Option<PageSize>,
    /// Its language, BCP 47; lines and words may have others.
    pub language: Option<String>,
    /// Its parts, in reading order.
    pub blocks: Vec<TextBlock>,
}

/// The size of a page in the unit of its source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageSize {
    /// Width; more than 0.
    pub width: f64,
    /// Height; more than 0.
    pub height: f64,
    /// The unit.
    pub unit: Unit,
}

/// In what a source measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pixels of the image that was read.
    Pixel,
    /// Tenths of a millimetre (ALTO `mm10`).
    TenthOfMillimetre,
    /// Parts of an inch, 1200 (ALTO `inch1200`) or 72 (points).
    PartOfInch(u16),
}

/// A paragraph, column, heading or caption of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextBlock {
    /// Its identifier in the source.
    pub id: Option<String>,
    /// Where it is.
    pub area: Option<Area>,
    /// Its lines, in reading order.
    pub lines: Vec<TextLine>,
}

/// A line of words, or a cue of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextLine {
    /// Where it is; the area around its words where the source does not say.
    pub area: Option<Area>,
    /// When it is heard, in seconds: from and until.
    pub time_s: Option<(f64, f64)>,
    /// Its language, BCP 47, where it is not that of the page.
    pub language: Option<String>,
    /// Its words, in reading order. No word is empty or holds white space.
    pub words: Vec<TextWord>,
}

/// A word as it is written, punctuation included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextWord {
    /// What is written; without the hyphen or soft hyphen at which it is broken when it is the first part of a word.
    pub text: String,
    /// Where it is.
    pub area: Option<Area>,
    /// What else it may be, as the recogniser says.
    pub alternatives: Vec<String>,
    /// How sure the recogniser is, 0..=1.
    pub confidence: Option<f32>,
    /// The part that it is of a word broken at the end of a line.
    pub part: Option<WordPart>,
    /// Does the next word follow without a space? So in scripts without spaces, and between pieces of one word.
    pub joined_to_next: bool,
}

/// A part of a word broken at the end of a line. Both parts follow each other in reading order, even over pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordPart {
    /// The first part.
    First {
        /// The whole word.
        whole: String,
    },
    /// The second part.
    Second,
}

/// A rectangle: left, top, width, height, in the unit of its page.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Distance of the left edge from the page's.
    pub x: f64,
    /// Distance of the top edge from the page's.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Area {
    /// The smallest rectangle around both.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let (right, bottom) = ((self.x + self.w).max(other.x + other.w), (self.y + self.h).max(other.y + other.h));
        Self { x, y, w: right - x, h: bottom - y }
    }
}

impl PageText {
    /// All words, in reading order.
    pub fn words(&self) -> impl Iterator<Item = &TextWord> {
        self.lines().flat_map(|line| &line.words)
    }

    /// All lines, in reading order.
    pub fn lines(&self) -> impl Iterator<Item = &TextLine> {
        self.blocks.iter().flat_map(|block| &block.lines)
    }

    /// True when not a word is on it.
    pub fn is_empty(&self) -> bool {
        self.words().next().is_none()
    }

    /// The same text with areas in whole units of a canvas, none of them reaching over its edges.
    ///
    /// Areas are scaled by the size of the page where it is known; else they are taken for those of the canvas. Each edge is
    /// rounded for itself, so that words that touch still do; an area is at least 1 by 1. What lies outside altogether has no area.
    /// `outside` in the answer counts the words of which more than a quarter had to be cut off.
    #[must_use]
    pub fn placed_on(mut self, canvas: Dimensions) -> Placed {
        let (across, down) = match self.size {
            Some(size) => (f64::from(canvas.width_px) / size.width, f64::from(canvas.height_px) / size.height),
            None => (1.0, 1.0),
        };
        let place = |area: &mut Option<Area>| -> bool {
            let Some(given) = *area else { return false };
            let (placed, is_cut) = given.placed(across, down, canvas);
            *area = placed;
            is_cut
        };
        let mut outside = 0;
        for block in &mut self.blocks {
            place(&mut block.area);
            for line in &mut block.lines {
                place(&mut line.area);
                outside += line.words.iter_mut().map(|word| usize::from(place(&mut word.area))).sum::<usize>();
            }
        }
        self.size = Some(PageSize {
            width: f64::from(canvas.width_px),
            height: f64::from(canvas.height_px),
            unit: Unit::Pixel,
        });
        Placed { text: self, outside }
    }

    /// The words as people read them: a line a line, blocks apart by an empty one, words that are broken joined in the first line.
    pub fn to_plain(&self) -> String {
        let mut out = String::new();
        for block in &self.blocks {
            if !out.is_empty() {
                out.push('\n');
            }
            for line in &block.lines {
                let before = out.len();
                for word in &line.words {
                    match &word.part {
                        Some(WordPart::Second) => continue,
                        Some(WordPart::First { whole }) => out.push_str(whole),
                        None => out.push_str(&word.text),
                    }
                    if !word.joined_to_next {
                        out.push(' ');
                    }
                }
                out.truncate(out.trim_end_matches(' ').len().max(before));
                if out.len() > before {
                    out.push('\n');
                }
            }
        }
        out
    }
}

/// A text with areas of a canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The text.
    pub text: PageText,
    /// Words of which more than a quarter lay outside of the canvas.
    pub outside: usize,
}

impl Area {
    /// This area scaled, rounded and cut to a canvas; and whether more than a quarter of it was lost by that.
    fn placed(self, across: f64, down: f64, canvas: Dimensions) -> (Option<Self>, bool) {
        let edges = [self.x * across, self.y * down, (self.x + self.w) * across, (self.y + self.h) * down];
        if edges.iter().any(|edge| !edge.is_finite()) {
            return (None, true);
        }
        let [left, top, right, bottom] = edges.map(f64::round);
        let (width, height) = (f64::from(canvas.width_px), f64::from(canvas.height_px));
        let wanted = (right - left).max(1.0) * (bottom - top).max(1.0);
        let (x, y) = (left.max(0.0), top.max(0.0));
        let (w, h) = ((right.max(left + 1.0)).min(width) - x, (bottom.max(top + 1.0)).min(height) - y);
        if w < 1.0 || h < 1.0 {
            return (None, true);
        }
        (Some(Self { x, y, w, h }), w * h < wanted * 0.75)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, area: [f64; 4]) -> TextWord {
        let [x, y, w, h] = area;
        TextWord { text: text.into(), area: Some(Area { x, y, w, h }), ..TextWord::default() }
    }

    fn page(size: Option<PageSize>, words: Vec<TextWord>) -> PageText {
        let line = TextLine { words, ..TextLine::default() };
        PageText { size, language: None, blocks: vec![TextBlock { lines: vec![line], ..TextBlock::default() }] }
    }

    #[test]
    fn words_come_onto_a_canvas_of_another_size_with_edges_that_still_touch() {
        let size = PageSize { width: 2100.0, height: 2970.0, unit: Unit::TenthOfMillimetre };
        let text = page(Some(size), vec![word("a", [10.0, 10.0, 55.5, 20.0]), word("b", [65.5, 10.0, 40.0, 20.0])]);
        let placed = text.placed_on(Dimensions::new(1050, 1485));
        let areas: Vec<_> = placed.text.words().map(|word| word.area.unwrap()).collect();
        assert_eq!(areas[0], Area { x: 5.0, y: 5.0, w: 28.0, h: 10.0 });
        assert_eq!(areas[1], Area { x: 33.0, y: 5.0, w: 20.0, h: 10.0 });
        assert_eq!(placed.outside, 0);
    }

    #[test]
    fn what_lies_outside_of_the_canvas_is_cut_and_counted() {
        let words = vec![
            word("in", [0.0, 0.0, 10.0, 10.0]),
            word("edge", [95.0, 0.0, 10.0, 10.0]),
            word("out", [200.0, 0.0, 10.0, 10.0]),
            word("thin", [5.0, 5.0, 0.0, 0.0]),
        ];
        let placed = page(None, words).placed_on(Dimensions::new(100, 100));
        let areas: Vec<_> = placed.text.words().map(|word| word.area).collect();
        assert_eq!(areas[1], Some(Area { x: 95.0, y: 0.0, w: 5.0, h: 10.0 }));
        assert_eq!((areas[2], areas[3]), (None, Some(Area { x: 5.0, y: 5.0, w: 1.0, h: 1.0 })));
        assert_eq!(placed.outside, 2);
    }

    #[test]
    fn plain_text_joins_what_is_broken_and_keeps_lines() {
        let mut first = word("Wör", [0.0; 4]);
        first.part = Some(WordPart::First { whole: "Wörter".into() });
        let mut second = word("ter", [0.0; 4]);
        second.part = Some(WordPart::Second);
        let mut text = page(None, vec![word("viele", [0.0; 4]), first]);
        text.blocks[0].lines.push(TextLine { words: vec![second, word("hier.", [0.0; 4])], ..TextLine::default() });
        assert_eq!(text.to_plain(), "viele Wörter\nhier.\n");
    }
}
