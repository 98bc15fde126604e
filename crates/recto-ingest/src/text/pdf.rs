//! The text layers of PDF: glyphs with their places put together to words and lines, in points from the top left of the page.
//!
//! Parsing is `hayro`'s. It runs a page's program and calls back for each glyph; what is ours is to count its steps, to look at the
//! clock, and to end the run by unwinding where it takes too long.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use flate2::read::ZlibDecoder;
use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, RenderContent, SoftMask, TransformExt, interpret_page,
};
use recto_iiif::text::{Area, Unit};

use super::pages::{Pages, size};
use super::script;
use super::sheet::{Draft, Part};
use crate::words::At;

/// Most bytes of what is unpacked of a file, pictures apart, which are not looked at.
const MOST_UNPACKED_BYTES: u64 = 512 << 20;

/// Most steps of a page's program.
const MOST_STEPS: u64 = 20_000_000;

/// Longest that a page may take.
const LONGEST: Duration = Duration::from_secs(20);

/// How far before the word `stream` its dictionary is looked for.
const DICTIONARY_BYTES: usize = 2048;

pub(super) fn read(bytes: &[u8], wanted: Option<usize>, pages: &mut Pages<'_, '_>) {
    if let Err(why) = check_streams(bytes) {
        pages.report.error(At::FILE, "pdf-too-complex", why, "save the file again with another program");
        return;
    }
    let owned = bytes.to_vec();
    let parsed = contained(|| Pdf::new(owned).map_err(|error| format!("{error:?}").to_ascii_lowercase()));
    let pdf = match parsed.and_then(|parsed| parsed) {
        Ok(pdf) => pdf,
        Err(why) => {
            let message = format!("the text of the PDF cannot be read ({why})");
            pages.report.error(At::FILE, "pdf-damaged", message, "make or copy the file again, without a password");
            return;
        }
    };
    // The tree of pages is parsed when it is first asked for.
    let Ok(count) = contained(|| pdf.pages().len()) else { return };
    for number in 0..count {
        if pages.is_done() {
            return;
        }
        if wanted.is_some_and(|wanted| wanted != number) {
            pages.begin(None, None);
            continue;
        }
        let Some(page) = pdf.pages().get(number) else { return };
        read_page(page, number, pages);
    }
}

fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| match panic.downcast::<Stopped>() {
        Ok(_) => "it takes too long".to_owned(),
        Err(_) => "it is damaged".to_owned(),
    })
}

/// Tables and programs are unpacked whole: how much that is, is counted before. None of them is packed twice in earnest.
fn check_streams(file: &[u8]) -> Result<(), String> {
    let mut left = MOST_UNPACKED_BYTES;
    let mut buffer = vec![0; 64 << 10];
    for at in memchr::memmem::find_iter(file, b"stream") {
        let before = &file[at.saturating_sub(DICTIONARY_BYTES)..at];
        if before.ends_with(b"end") {
            continue;
        }
        let object = memchr::memmem::rfind(before, b"obj").unwrap_or(0);
        let dictionary = &before[object..];
        let names = |name: &[u8]| memchr::memmem::find_iter(dictionary, name).count();
        let packings = names(b"/FlateDecode") + names(b"/Fl ") + names(b"/LZWDecode") + names(b"/RunLengthDecode");
        if packings == 0 || names(b"/Image") > 0 {
            continue;
        }
        if packings > 1 {
            return Err("a part of the PDF is packed twice".to_owned());
        }
        let mut unpacked = ZlibDecoder::new(file[at + b"stream".len()..].trim_ascii_start());
        while let Ok(read @ 1..) = unpacked.read(&mut buffer) {
            left = left.checked_sub(read as u64).ok_or_else(|| {
                format!("the PDF has more than {} MiB when it is unpacked", MOST_UNPACKED_BYTES >> 20)
            })?;
        }
    }
    Ok(())
}

fn read_page(page: &Page<'_>, number: usize, pages: &mut Pages<'_, '_>) {
    let (width, height) = page.render_dimensions();
    pages.begin(size(Some(f64::from(width)), Some(f64::from(height)), Unit::PartOfInch(72)), None);
    let mut collector = Collector {
        lines: Vec::new(),
        block_starts: Vec::new(),
        last: None,
        strokes: None,
        steps: 0,
        unknown: 0,
        words: 0,
        until: Instant::now() + LONGEST,
    };
    let settings = InterpreterSettings { render_content: RenderContent::PAGE, ..InterpreterSettings::default() };
    let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let result = contained(|| {
        let transform = page.initial_transform(true).to_kurbo();
        let mut context = Context::new(transform, bounds, &InterpreterCache::new(), page.xref(), settings);
        interpret_page(page, &mut context, &mut collector);
    });
    if let Err(why) = result {
        let message = format!("the text of page {} is read in part ({why})", number + 1);
        pages.report.warning(At::FILE, "pdf-page-damaged", message, "make the file again");
    }
    if collector.unknown > 0 {
        let message = format!("{} letters of page {} do not say what they are", collector.unknown, number + 1);
        pages.report.note(
            At::FILE,
            "pdf-letters-unknown",
            message,
            "recognise the text again, or give it in a file of its own",
        );
    }
    collector.put(pages);
    pages.end();
}

/// What unwinds from a page that takes too long.
struct Stopped;

#[derive(Default)]
struct Word {
    text: String,
    area: Option<Area>,
    /// Glyphs came from left to right, though they are read from right to left.
    is_seen_order: bool,
    is_joined: bool,
}

/// The glyph that was read last.
struct Last {
    text: String,
    origin: Point,
    end: Point,
    /// Direction of the line, of length 1.
    along: Vec2,
    em: f64,
    line_start: Point,
}

struct Collector {
    lines: Vec<Vec<Word>>,
    block_starts: Vec<usize>,
    last: Option<Last>,
    /// The beginning of the run that was filled last; strokes of the same are no second text.
    strokes: Option<(Point, usize)>,
    steps: u64,
    unknown: usize,
    words: usize,
    until: Instant,
}

impl Collector {
    fn step(&mut self, steps: usize) {
        let before = self.steps / 1024;
        self.steps = self.steps.saturating_add(steps as u64 + 1);
        let is_late = self.steps / 1024 != before && Instant::now() > self.until;
        if self.steps > MOST_STEPS || is_late || self.words > super::sheet::MOST_WORDS {
            resume_unwind(Box::new(Stopped));
        }
    }

    fn glyph(&mut self, text: &str, transform: Affine, advance: f64, next: Option<Point>, is_invisible: bool) {
        let origin = transform * Point::ZERO;
        let own_end = transform * Point::new(advance, 0.0);
        let up = (transform * Point::new(0.0, 1000.0)) - origin;
        let em = up.hypot();
        if !origin.is_finite() || !own_end.is_finite() || !em.is_finite() || em <= 0.0 {
            return;
        }
        let along = if advance > 0.0 { own_end - origin } else { Vec2::new(-up.y, up.x) };
        let along = if along.hypot() > 0.0 { along / along.hypot() } else { Vec2::new(1.0, 0.0) };
        // Where the next glyph of the run begins, this one ends, unless there is more between them than it takes.
        let end = match next {
            Some(next) if (next - origin).dot(along) > 0.0 && (next - own_end).hypot() < em * 0.15 => next,
            _ => own_end,
        };
        if text.chars().all(script::is_space) {
            // It ends the word; the next one is measured from where it ends.
            if let Some(last) = &mut self.last {
                (last.origin, last.end) = (origin, end);
                last.text.clear();
                last.text.push(' ');
            }
            return;
        }
        let fit = self.last.as_ref().map(|last| fit(last, origin, along, em));
        if fit == Some(Fit::Same) && self.last.as_ref().is_some_and(|last| last.text == text) {
            return;
        }
        let (ascent, descent) = if is_invisible { (1000.0, 0.0) } else { (800.0, -200.0) };
        let width = if advance > 0.0 { advance } else { 0.0 };
        let area = transform.transform_rect_bbox(Rect::new(0.0, descent, width, ascent));
        let area = Area { x: area.x0, y: area.y0, w: area.width(), h: area.height() };
        self.put_glyph(text, area, fit.unwrap_or(Fit::NewBlock));
        let line_start = match (&self.last, fit) {
            (Some(last), Some(Fit::Same | Fit::Word | Fit::NewWord)) => last.line_start,
            _ => origin,
        };
        self.last = Some(Last { text: text.to_owned(), origin, end, along, em, line_start });
    }

    fn put_glyph(&mut self, text: &str, area: Area, fit: Fit) {
        if fit == Fit::NewBlock {
            self.block_starts.push(self.lines.len());
        }
        if matches!(fit, Fit::NewBlock | Fit::NewLine) {
            self.lines.push(Vec::new());
        }
        let Some(line) = self.lines.last_mut() else { return };
        let is_ideograph = text.chars().next().is_some_and(script::is_ideograph);
        match line.last_mut() {
            // Each of these keeps its own place.
            Some(word) if matches!(fit, Fit::Word | Fit::Same) => {
                if is_ideograph || word.text.chars().next_back().is_some_and(script::is_ideograph) {
                    word.is_joined = true;
                } else {
                    let goes_right = word.area.is_some_and(|before| area.x > before.x);
                    if goes_right && script::runs_right_to_left(text) && script::runs_right_to_left(&word.text) {
                        word.is_seen_order = true;
                    }
                    if word.is_seen_order {
                        word.text.insert_str(0, text);
                    } else {
                        word.text.push_str(text);
                    }
                    word.area = Some(word.area.map_or(area, |before| before.around(area)));
                    return;
                }
            }
            _ => {}
        }
        self.words += 1;
        line.push(Word { text: text.to_owned(), area: Some(area), ..Word::default() });
    }

    fn put(self, pages: &mut Pages<'_, '_>) {
        for (at, line) in self.lines.into_iter().enumerate() {
            let Some(sheet) = pages.sheet() else { return };
            if self.block_starts.binary_search(&at).is_ok() {
                if at > 0 {
                    sheet.end_block();
                }
                sheet.begin_block(None, None, None);
            }
            sheet.begin_line(None, None, None);
            for word in line {
                // A soft hyphen at the end of a line is often a glyph of its own.
                let part = word.text.ends_with('\u{ad}').then_some(Part::First(None));
                let draft = Draft {
                    text: word.text.into(),
                    area: word.area,
                    joined: Some(word.is_joined),
                    part,
                    ..Draft::default()
                };
                pages.word(draft, || 0);
            }
        }
    }
}

/// How a glyph stands to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// In the same place.
    Same,
    /// In the same word.
    Word,
    NewWord,
    NewLine,
    NewBlock,
}

fn fit(last: &Last, origin: Point, along: Vec2, em: f64) -> Fit {
    let larger = em.max(last.em);
    let from_start = origin - last.line_start;
    let is_turned = along.dot(last.along) < 0.9;
    let away = last.along.cross(origin - last.end);
    if is_turned {
        return Fit::NewBlock;
    }
    if away.abs() > larger * 0.5 {
        // Lines of a paragraph follow closely and begin about where others do.
        let down = last.along.cross(from_start);
        let is_next = down > 0.0 && down < larger * 2.0 && from_start.dot(last.along).abs() < larger * 20.0;
        return if is_next { Fit::NewLine } else { Fit::NewBlock };
    }
    if (origin - last.origin).hypot() < larger * 0.05 {
        return Fit::Same;
    }
    let ends_word = last.text.ends_with(' ');
    let ahead = last.along.dot(origin - last.end);
    // What is written from right to left goes back by the width of a glyph or a word.
    let back = last.along.dot(origin - last.origin);
    match ahead {
        ahead if ahead > larger * 8.0 || back < -larger * 40.0 => Fit::NewLine,
        ahead if back < -larger * 2.0 && ahead < 0.0 && !ends_word => Fit::NewLine,
        _ if ends_word => Fit::NewWord,
        ahead if ahead > em.min(last.em) * 0.15 => Fit::NewWord,
        _ => Fit::Word,
    }
}

impl<'a> Device<'a> for Collector {
    fn draw_path(&mut self, path: &BezPath, _: DrawProps<'a>, _: &DrawMode) {
        self.step(path.elements().len() / 16);
    }

    fn push_clip_path(&mut self, _: &ClipPath) {
        self.step(1);
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {
        self.step(1);
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        self.step(run.glyphs().len());
        let place = |at: usize| run.glyphs().get(at).map(|glyph| props.transform * glyph.transform() * Point::ZERO);
        let Some(start) = place(0) else { return };
        // Text that is filled and stroked comes twice.
        let is_again = matches!(mode, DrawMode::Stroke(_)) && self.strokes == Some((start, run.glyphs().len()));
        self.strokes = Some((start, run.glyphs().len()));
        if is_again {
            return;
        }
        let is_invisible = matches!(mode, DrawMode::Invisible);
        for (at, glyph) in run.glyphs().iter().enumerate() {
            let advance = match &**glyph {
                Glyph::Outline(outline) => outline.advance_width(),
                Glyph::Type3(program) => program.advance_width(),
            };
            let text = match glyph.as_unicode() {
                Some(BfString::Char(character)) => character.to_string(),
                Some(BfString::String(text)) => text,
                None => {
                    self.unknown += 1;
                    continue;
                }
            };
            let transform = props.transform * glyph.transform();
            self.glyph(&text, transform, f64::from(advance.unwrap_or(0.0)), place(at + 1), is_invisible);
        }
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.step(1);
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
