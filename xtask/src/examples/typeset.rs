//! Letters and lines: shaping with kerning and ligatures, justified paragraphs, and where each word came to stand.

use anyhow::{Context, Result};
use rustybuzz::ttf_parser::{GlyphId, OutlineBuilder};
use rustybuzz::{Face, Feature, UnicodeBuffer};
use tiny_skia::PathBuilder;

use super::ink::{Ink, Sheet};

/// The fonts that the examples are set in.
pub(super) struct Fonts {
    pub(super) roman: Face<'static>,
    pub(super) italic: Face<'static>,
    pub(super) bold: Face<'static>,
    pub(super) typewriter: Face<'static>,
}

impl Fonts {
    pub(super) fn load() -> Result<Self> {
        let garamond = "/usr/share/fonts/opentype/ebgaramond";
        Ok(Self {
            roman: face(&format!("{garamond}/EBGaramond12-Regular.otf"), "fonts-ebgaramond")?,
            italic: face(&format!("{garamond}/EBGaramond12-Italic.otf"), "fonts-ebgaramond")?,
            bold: face(&format!("{garamond}/EBGaramond12-Bold.otf"), "fonts-ebgaramond")?,
            typewriter: face("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf", "fonts-dejavu-core")?,
        })
    }
}

fn face(path: &str, package: &str) -> Result<Face<'static>> {
    let bytes =
        std::fs::read(path).with_context(|| format!("reading {path}; it comes with the Debian package {package}"))?;
    // The fonts are used until the program ends.
    Face::from_slice(Vec::leak(bytes), 0).with_context(|| format!("{path} is not a font"))
}

/// How letters look.
#[derive(Clone, Copy)]
pub(super) struct Style<'a> {
    pub(super) face: &'a Face<'static>,
    pub(super) size: f32,
    /// Extra space after each letter, in units of the size.
    pub(super) tracking: f32,
    pub(super) small_capitals: bool,
}

impl<'a> Style<'a> {
    pub(super) fn new(face: &'a Face<'static>, size: f32) -> Self {
        Self { face, size, tracking: 0.0, small_capitals: false }
    }

    pub(super) fn tracked(self, tracking: f32) -> Self {
        Self { tracking, ..self }
    }

    pub(super) fn small_capitals(self) -> Self {
        Self { small_capitals: true, ..self }
    }

    /// The glyphs of a text on a baseline from x = 0, and its width.
    pub(super) fn shape(&self, text: &str) -> Run {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        let mut features = vec![Feature::new(tag(*b"onum"), 1, ..)];
        if self.small_capitals {
            features.push(Feature::new(tag(*b"smcp"), 1, ..));
        }
        if self.tracking > 0.0 {
            features.push(Feature::new(tag(*b"liga"), 0, ..));
        }
        let shaped = rustybuzz::shape(self.face, &features, buffer);
        let scale = self.size / self.face.units_per_em() as f32;
        let mut x = 0.0;
        let mut glyphs = Vec::with_capacity(shaped.len());
        for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            let id = GlyphId(u16::try_from(info.glyph_id).unwrap_or(0));
            glyphs.push((id, x + position.x_offset as f32 * scale, position.y_offset as f32 * scale));
            x += position.x_advance as f32 * scale + self.tracking * self.size;
        }
        Run { glyphs, width: (x - self.tracking * self.size).max(0.0) }
    }

    pub(super) fn draw(&self, sheet: &mut Sheet, run: &Run, at: (f32, f32), ink: Ink) {
        if !sheet.sees(at.0, at.1 - self.size, at.0 + run.width, at.1 + self.size) {
            return;
        }
        let scale = self.size / self.face.units_per_em() as f32;
        let mut outline = Outline { path: PathBuilder::new(), scale, at };
        for (id, x, y) in &run.glyphs {
            outline.at = (at.0 + x, at.1 - y);
            self.face.outline_glyph(*id, &mut outline);
        }
        sheet.fill(outline.path.finish(), ink);
    }

    /// Draws a text with its left edge at `at`; gives its width.
    pub(super) fn left(&self, sheet: &mut Sheet, text: &str, at: (f32, f32), ink: Ink) -> f32 {
        let run = self.shape(text);
        self.draw(sheet, &run, at, ink);
        run.width
    }

    /// Draws a text centred on `at`; gives where it begins and its width.
    pub(super) fn centred(&self, sheet: &mut Sheet, text: &str, at: (f32, f32), ink: Ink) -> (f32, f32) {
        let run = self.shape(text);
        let left = at.0 - run.width / 2.0;
        self.draw(sheet, &run, (left, at.1), ink);
        (left, run.width)
    }
}

fn tag(name: [u8; 4]) -> rustybuzz::ttf_parser::Tag {
    rustybuzz::ttf_parser::Tag::from_bytes(&name)
}

/// Shaped text: glyphs with their places, and the width of all.
pub(super) struct Run {
    glyphs: Vec<(GlyphId, f32, f32)>,
    pub(super) width: f32,
}

struct Outline {
    path: PathBuilder,
    scale: f32,
    at: (f32, f32),
}

impl Outline {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.at.0 + x * self.scale, self.at.1 - y * self.scale)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let to = self.place(x, y);
        self.path.move_to(to.0, to.1);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        let to = self.place(x, y);
        self.path.line_to(to.0, to.1);
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (by, to) = (self.place(x1, y1), self.place(x, y));
        self.path.quad_to(by.0, by.1, to.0, to.1);
    }
    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (a, b, to) = (self.place(x1, y1), self.place(x2, y2), self.place(x, y));
        self.path.cubic_to(a.0, a.1, b.0, b.1, to.0, to.1);
    }
    fn close(&mut self) {
        self.path.close();
    }
}

/// One line of a paragraph: its words, and where each begins.
pub(super) struct Line {
    pub(super) words: Vec<(String, f32)>,
}

/// Breaks a paragraph into lines that are together as even as they can be, and justifies all but the last.
/// `width_of(n)` is how long line `n` may be; the first word begins `indent` to the right.
pub(super) fn paragraph(style: &Style<'_>, text: &str, indent: f32, width_of: &dyn Fn(usize) -> f32) -> Vec<Line> {
    let words: Vec<(String, f32)> =
        text.split_whitespace().map(|word| (word.to_owned(), style.shape(word).width)).collect();
    let space = style.size * 0.25;
    // best[i][n]: least badness of setting words i.. from line n on, and where line n then ends.
    let mut best: Vec<Vec<(f32, usize)>> = vec![vec![(f32::INFINITY, 0); words.len() + 2]; words.len() + 1];
    best[words.len()].fill((0.0, words.len()));
    for from in (0..words.len()).rev() {
        for line in 0..=from {
            let limit = width_of(line) - if line == 0 { indent } else { 0.0 };
            let mut natural = 0.0;
            for to in from + 1..=words.len() {
                natural += words[to - 1].1;
                let gaps = (to - from - 1) as f32;
                if natural + gaps * space * 0.78 > limit && to > from + 1 {
                    break;
                }
                let slack = (limit - natural - gaps * space) / space;
                let bad = if to == words.len() && slack >= 0.0 {
                    0.0
                } else {
                    (slack / gaps.max(0.6)).powi(2) * 10.0 + slack.abs()
                };
                let total = bad + best[to][line + 1].0;
                if total < best[from][line].0 {
                    best[from][line] = (total, to);
                }
            }
        }
    }
    let (mut from, mut lines) = (0, Vec::new());
    while from < words.len() {
        let start = if lines.is_empty() { indent } else { 0.0 };
        let to = best[from][lines.len()].1.max(from + 1);
        let natural: f32 = words[from..to].iter().map(|word| word.1).sum();
        let gaps = (to - from - 1) as f32;
        let free = width_of(lines.len()) - start - natural;
        let is_last = to == words.len();
        let gap = if is_last && free > gaps * space { space } else { free / gaps.max(1.0) };
        let mut x = start;
        let mut placed = Vec::new();
        for (word, width) in &words[from..to] {
            placed.push((word.clone(), x));
            x += width + gap;
        }
        lines.push(Line { words: placed });
        from = to;
    }
    lines
}
