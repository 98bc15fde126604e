//! Setting text of any script in lines: fonts, forms, direction, breaks. Small on purpose: it is for a first page and for notices.

mod fallback;
mod write;

use std::collections::BTreeMap;
use std::ops::Range;

use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::BidiInfo;

use crate::fonts::{ChosenFace, Fonts};

pub(crate) use write::Written;

/// Most characters that are set at once; what follows is left out.
const MOST_CHARACTERS: usize = 40_000;
/// The distance of lines, and where the baseline stands in it, by the size of the letters.
const LEADING: f64 = 1.35;
const ASCENT: f64 = 1.0;

/// A text that begins on a new line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paragraph {
    pub(crate) text: String,
    /// Size of the letters.
    pub(crate) size: f64,
    pub(crate) is_bold: bool,
    pub(crate) is_centred: bool,
    /// 0 is black, 1 is white.
    pub(crate) gray: f64,
    pub(crate) gap_before: f64,
    /// Where it leads to.
    pub(crate) link: Option<String>,
}

impl Paragraph {
    pub(crate) fn plain(text: &str, size: f64) -> Self {
        Self { text: text.to_owned(), size, ..Self::default() }
    }

    pub(crate) fn centred(mut self) -> Self {
        self.is_centred = true;
        self
    }

    pub(crate) fn bold(mut self) -> Self {
        self.is_bold = true;
        self
    }

    pub(crate) fn gray(mut self, gray: f64) -> Self {
        self.gray = gray;
        self
    }

    pub(crate) fn after(mut self, gap: f64) -> Self {
        self.gap_before = gap;
        self
    }

    pub(crate) fn leading_to(mut self, uri: &str) -> Self {
        self.link = Some(uri.to_owned());
        self
    }
}

/// A form of one or more characters.
#[derive(Clone, Debug)]
struct Glyph {
    number: u16,
    /// Its characters; empty for the further glyphs of what has several.
    text: String,
    advance: f64,
    x: f64,
    y: f64,
}

/// Glyphs of one font, or text in Helvetica where `face` is `None`; lengths are in ems.
#[derive(Clone, Debug)]
struct Run {
    face: Option<usize>,
    glyphs: Vec<Glyph>,
    /// For Helvetica: the bytes, and the text that they stand for.
    bytes: Vec<u8>,
    text: String,
}

impl Run {
    fn width(&self) -> f64 {
        match self.face {
            Some(_) => self.glyphs.iter().map(|glyph| glyph.advance).sum(),
            None => fallback::width(&self.bytes),
        }
    }
}

#[derive(Clone, Debug)]
struct Line {
    runs: Vec<Run>,
    width: f64,
    size: f64,
    is_bold: bool,
    gray: f64,
    gap_before: f64,
    /// Distance from the left edge.
    x: f64,
    link: Option<String>,
}

impl Line {
    fn height(&self) -> f64 {
        self.gap_before + self.size * LEADING
    }
}

/// Lines that are set, and their fonts.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    lines: Vec<Line>,
    faces: Vec<ChosenFace>,
    left: f64,
    top: f64,
}

impl Set {
    pub(crate) fn height(&self) -> f64 {
        self.lines.iter().map(Line::height).sum()
    }

    /// Gives it a place: its left edge and its upper edge, upwards from the bottom of the page.
    pub(crate) fn place(&mut self, left: f64, top: f64) {
        (self.left, self.top) = (left, top);
    }

    /// Cuts it into parts of at most this height.
    pub(crate) fn split(self, height: f64) -> Vec<Self> {
        let Self { lines, faces, left, top } = self;
        let mut parts: Vec<Vec<Line>> = vec![Vec::new()];
        let mut filled = 0.0;
        for line in lines {
            if filled + line.height() > height && filled > 0.0 {
                parts.push(Vec::new());
                filled = 0.0;
            }
            filled += line.height();
            if let Some(part) = parts.last_mut() {
                part.push(line);
            }
        }
        parts.into_iter().map(|lines| Self { lines, faces: faces.clone(), left, top }).collect()
    }
}

/// Sets paragraphs in lines of this width.
pub(crate) fn set(paragraphs: &[Paragraph], width: f64, fonts: &Fonts) -> Set {
    let mut rest = MOST_CHARACTERS;
    let texts: Vec<String> = paragraphs
        .iter()
        .map(|paragraph| {
            let text: String = paragraph.text.chars().filter(|c| *c == '\n' || !c.is_control()).take(rest).collect();
            rest -= text.chars().count();
            text
        })
        .collect();
    let mut setter = Setter { faces: fonts.choose(&texts.concat()), widths: BTreeMap::new() };
    let mut lines = Vec::new();
    for (paragraph, text) in paragraphs.iter().zip(&texts) {
        let mut gap = paragraph.gap_before;
        for part in text.split('\n').filter(|part| !part.trim().is_empty()) {
            let bidi = BidiInfo::new(part, None);
            let is_rtl = bidi.paragraphs.first().is_some_and(|paragraph| paragraph.level.is_rtl());
            for range in setter.broken(part, width / paragraph.size) {
                let runs = setter.line(&bidi, part, range);
                let natural = runs.iter().map(Run::width).sum::<f64>() * paragraph.size;
                let free = (width - natural).max(0.0);
                lines.push(Line {
                    runs,
                    width: natural,
                    size: paragraph.size,
                    is_bold: paragraph.is_bold,
                    gray: paragraph.gray,
                    gap_before: std::mem::take(&mut gap),
                    x: if paragraph.is_centred {
                        free / 2.0
                    } else if is_rtl {
                        free
                    } else {
                        0.0
                    },
                    link: paragraph.link.clone(),
                });
            }
        }
    }
    Set { lines, faces: setter.faces, left: 0.0, top: 0.0 }
}

struct Setter {
    faces: Vec<ChosenFace>,
    /// Widths of pieces between breaks, as the same words come again.
    widths: BTreeMap<String, f64>,
}

impl Setter {
    /// The ranges of the lines of a text, by its widths in ems.
    fn broken(&mut self, text: &str, width: f64) -> Vec<Range<usize>> {
        let mut lines = Vec::new();
        let (mut start, mut filled) = (0, 0.0);
        for piece in pieces(text) {
            let natural = self.width(text[piece.clone()].trim_end());
            if filled + natural > width && piece.start > start {
                lines.push(start..piece.start);
                (start, filled) = (piece.start, 0.0);
            }
            if natural <= width {
                filled += self.width(&text[piece]);
                continue;
            }
            // A piece that is longer than a line is broken between its letters.
            for (at, character) in text[piece.clone()].char_indices() {
                let at = piece.start + at;
                let own = self.width(character.encode_utf8(&mut [0; 4]));
                if filled + own > width && at > start {
                    lines.push(start..at);
                    (start, filled) = (at, 0.0);
                }
                filled += own;
            }
        }
        if start < text.len() {
            lines.push(start..text.len());
        }
        lines
    }

    fn width(&mut self, piece: &str) -> f64 {
        if let Some(width) = self.widths.get(piece) {
            return *width;
        }
        let runs = self.runs(piece, false);
        let width = runs.iter().map(Run::width).sum();
        self.widths.insert(piece.to_owned(), width);
        width
    }

    /// The runs of a line from left to right.
    fn line(&self, bidi: &BidiInfo<'_>, text: &str, range: Range<usize>) -> Vec<Run> {
        let end = range.start + text[range.clone()].trim_end().len();
        let Some(paragraph) = bidi.paragraphs.first().filter(|_| end > range.start) else { return Vec::new() };
        let (levels, ranges) = bidi.visual_runs(paragraph, range.start..end);
        let level_of = |at: usize| levels.get(at).is_some_and(unicode_bidi::Level::is_rtl);
        ranges.into_iter().flat_map(|range| self.runs(&text[range.clone()], level_of(range.start))).collect()
    }

    /// A text of one direction as runs of one font each, from left to right.
    fn runs(&self, text: &str, is_rtl: bool) -> Vec<Run> {
        let faces: Vec<_> = self.faces.iter().map(|face| rustybuzz::Face::from_slice(&face.data, face.index)).collect();
        let has = |face: usize, character: char| {
            faces.get(face).and_then(Option::as_ref).is_some_and(|face| face.glyph_index(character).is_some())
        };
        let mut parts: Vec<(Option<usize>, Range<usize>)> = Vec::new();
        for (at, character) in text.char_indices() {
            let current = parts.last().and_then(|(face, _)| *face);
            let stays = |face: usize| has(face, character) || !needs_form(character);
            let face = match current {
                Some(face) if stays(face) => Some(face),
                _ => (0..faces.len()).find(|face| has(*face, character)),
            };
            let end = at + character.len_utf8();
            match parts.last_mut() {
                Some((last, range)) if *last == face => range.end = end,
                _ => parts.push((face, at..end)),
            }
        }
        let mut runs: Vec<Run> = parts
            .into_iter()
            .map(|(face, range)| {
                let text = &text[range];
                match face.and_then(|at| Some((at, faces.get(at)?.as_ref()?))) {
                    Some((at, face)) => shaped(at, face, text, is_rtl),
                    None => {
                        Run { face: None, glyphs: Vec::new(), bytes: fallback::encoded(text), text: text.to_owned() }
                    }
                }
            })
            .collect();
        if is_rtl {
            runs.reverse();
        }
        runs
    }
}

/// Marks and joiners go with the font of what they are on.
fn needs_form(character: char) -> bool {
    !matches!(character as u32, 0x300..=0x36f | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x2069 | 0xfe00..=0xfe0f)
        && !character.is_whitespace()
}

fn shaped(at: usize, face: &rustybuzz::Face<'_>, text: &str, is_rtl: bool) -> Run {
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.set_direction(if is_rtl { Direction::RightToLeft } else { Direction::LeftToRight });
    buffer.guess_segment_properties();
    let shaped = rustybuzz::shape(face, &[], buffer);
    let em = f64::from(face.units_per_em()).max(1.0);
    let mut starts: Vec<usize> = shaped.glyph_infos().iter().map(|info| info.cluster as usize).collect();
    starts.sort_unstable();
    starts.dedup();
    let mut given = std::collections::BTreeSet::new();
    let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions()).map(|(info, position)| {
        let start = info.cluster as usize;
        let end = starts.iter().find(|other| **other > start).copied().unwrap_or(text.len());
        let text = if given.insert(start) { text.get(start..end).unwrap_or_default() } else { "" };
        Glyph {
            number: info.glyph_id as u16,
            text: text.to_owned(),
            advance: f64::from(position.x_advance) / em,
            x: f64::from(position.x_offset) / em,
            y: f64::from(position.y_offset) / em,
        }
    });
    Run { face: Some(at), glyphs: glyphs.collect(), bytes: Vec::new(), text: text.to_owned() }
}

/// The pieces between which a line may be broken: behind spaces and hyphens, and around characters of scripts without spaces.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let end = at + character.len_utf8();
        let next = characters.peek().map(|(_, next)| *next);
        let breaks = match next {
            None => true,
            Some(next) if next.is_whitespace() || is_closing(next) => false,
            Some(next) => {
                character.is_whitespace()
                    || matches!(character, '-' | '\u{2010}' | '\u{2013}' | '\u{2014}' | '\u{200b}' | '/')
                    || is_unspaced(character)
                    || is_unspaced(next) && !is_opening(character)
            }
        };
        if breaks {
            pieces.push(start..end);
            start = end;
        }
    }
    pieces
}

fn is_unspaced(character: char) -> bool {
    matches!(character as u32, 0x2e80..=0x2fff | 0x3040..=0x9fff | 0xac00..=0xd7ff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

fn is_closing(character: char) -> bool {
    matches!(
        character,
        ',' | '.'
            | ';'
            | ':'
            | '!'
            | '?'
            | ')'
            | ']'
            | '\u{3001}'
            | '\u{3002}'
            | '\u{300d}'
            | '\u{300f}'
            | '\u{ff0c}'
            | '\u{ff09}'
    )
}

fn is_opening(character: char) -> bool {
    matches!(character, '(' | '[' | '\u{300c}' | '\u{300e}' | '\u{ff08}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, width: f64) -> Vec<String> {
        let mut setter = Setter { faces: Vec::new(), widths: BTreeMap::new() };
        setter.broken(text, width).into_iter().map(|range| text[range].to_owned()).collect()
    }

    #[test]
    fn lines_break_where_the_script_allows() {
        assert_eq!(lines("one two three", 4.2), ["one two ", "three"]);
        assert_eq!(lines("well-known", 3.0), ["well-", "known"]);
        assert_eq!(lines("漢字、仮名", 2.0).concat(), "漢字、仮名");
        assert!(lines("漢字、仮名", 2.0).iter().all(|line| !line.starts_with('、')));
        assert_eq!(lines("aaaaaaaaaa", 2.0).concat(), "aaaaaaaaaa");
        assert!(lines("aaaaaaaaaa", 2.0).len() > 2);
        assert_eq!(lines("a", 0.0), ["a"]);
        assert!(lines("", 5.0).is_empty());
    }

    #[test]
    fn without_fonts_text_is_set_in_helvetica_and_parts_have_their_height() {
        let set =
            set(&[Paragraph::plain("Grüße, Ω\nsecond", 10.0), Paragraph::plain("third", 10.0)], 500.0, &Fonts::none());
        assert_eq!(set.lines.len(), 3);
        assert_eq!(set.lines[0].runs[0].bytes, b"Gr\xfc\xdfe, O");
        assert_eq!(set.split(30.0).iter().map(|part| part.lines.len()).collect::<Vec<_>>(), [2, 1]);
    }
}
