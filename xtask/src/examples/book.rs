//! A small typeset book, one JPEG a page with its text as ALTO, and `pages.words.json`: every word and the box it stands in.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::alto;
use super::essay;
use super::ink::{Ink, Sheet, fleuron, polyline};
use super::random::{Random, fractal};
use super::typeset::{Fonts, Line, Run, Style, paragraph};

const WIDTH: u32 = 1400;
const HEIGHT: u32 = 2000;
const INK: Ink = Ink(38, 30, 24, 0.93);
const RUBRIC: Ink = Ink(150, 44, 28, 0.95);
const BODY: f32 = 40.0;
const LEADING: f32 = 55.0;
const MEASURE: f32 = 950.0;
const TOP: f32 = 285.0;
const LINES_A_PAGE: usize = 26;

/// One page while it is being set.
struct Page {
    sheet: Sheet,
    number: usize,
    words: Vec<Value>,
}

impl Page {
    fn new(number: usize) -> Result<Self> {
        let mut sheet = Sheet::new(WIDTH, HEIGHT)?;
        paper(&mut sheet, number);
        Ok(Self { sheet, number, words: Vec::new() })
    }

    /// Odd pages are on the right, with the wider margin outside.
    fn left_edge(&self) -> f32 {
        if self.number % 2 == 1 { 200.0 } else { WIDTH as f32 - 200.0 - MEASURE }
    }

    fn middle(&self) -> f32 {
        self.left_edge() + MEASURE / 2.0
    }

    /// Notes a word whose letters begin at `at` on the baseline.
    fn note(&mut self, text: &str, at: (f32, f32), width: f32, size: f32) {
        let (left, top) = (at.0.floor(), (at.1 - size * 0.74).floor());
        let (right, bottom) = ((at.0 + width).ceil(), (at.1 + size * 0.27).ceil());
        self.words.push(json!({
            "text": text, "x": left as i64, "y": top as i64, "w": (right - left) as i64, "h": (bottom - top) as i64,
        }));
    }

    /// Sets a line word by word, so that each word's place is known.
    fn set(&mut self, style: &Style<'_>, words: &[(String, f32)], left: f32, baseline: f32, ink: Ink) {
        for (word, x) in words {
            let run: Run = style.shape(word);
            style.draw(&mut self.sheet, &run, (left + x, baseline), ink);
            self.note(word, (left + x, baseline), run.width, style.size);
        }
    }

    /// The first of the last `count` words began with an initial at `left`: the word and its box take it in.
    fn join_initial(&mut self, letter: &str, count: usize, left: f32) {
        let first = self.words.len() - count;
        let Some(word) = self.words[first].as_object_mut() else { return };
        let right = word["x"].as_i64().unwrap_or(0) + word["w"].as_i64().unwrap_or(0);
        let whole = format!("{letter}{}", word["text"].as_str().unwrap_or_default());
        word.insert("text".to_owned(), json!(whole));
        word.insert("x".to_owned(), json!(left as i64));
        word.insert("w".to_owned(), json!(right - left as i64));
    }

    fn set_centred(&mut self, style: &Style<'_>, text: &str, baseline: f32, ink: Ink) {
        let space = style.size * (0.25 + style.tracking);
        let widths: Vec<f32> = text.split_whitespace().map(|word| style.shape(word).width).collect();
        let whole = widths.iter().sum::<f32>() + space * widths.len().saturating_sub(1) as f32;
        let mut x = 0.0;
        let mut words = Vec::new();
        for (word, width) in text.split_whitespace().zip(&widths) {
            words.push((word.to_owned(), x));
            x += width + space;
        }
        let left = self.middle() - whole / 2.0;
        self.set(style, &words, left, baseline, ink);
    }

    fn save(self, folder: &Path) -> Result<Value> {
        let name = format!("{:03}.jpg", self.number);
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 76);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
        encoder.set_optimized_huffman_tables(true);
        encoder.encode(&self.sheet.rgb(), WIDTH as u16, HEIGHT as u16, jpeg_encoder::ColorType::Rgb)?;
        super::write(&folder.join(&name), &bytes)?;
        let text = alto::document(&name, WIDTH, HEIGHT, &self.words);
        super::write(&folder.join(&name).with_extension("xml"), text.as_bytes())?;
        Ok(json!({ "file": name, "width": WIDTH, "height": HEIGHT, "words": self.words }))
    }
}

/// Warm paper: uneven tone, a darker edge, a shadow towards the fold, a few spots of age.
fn paper(sheet: &mut Sheet, number: usize) {
    let seed = 1000 + number as u64;
    let fold_left = number % 2 == 1;
    for (index, pixel) in sheet.pixmap.data_mut().chunks_exact_mut(4).enumerate() {
        let (x, y) = ((index as u32 % WIDTH) as f32, (index as u32 / WIDTH) as f32);
        let tone = fractal(seed, x / 420.0, y / 420.0, 4) * 5.0 + fractal(seed + 1, x / 9.0, y / 40.0, 2) * 1.2;
        let edge = (x.min(WIDTH as f32 - x).min(y).min(HEIGHT as f32 - y) / 90.0).min(1.0);
        let from_fold = if fold_left { x } else { WIDTH as f32 - x };
        let shade = (1.0 - edge).powi(2) * 13.0 + (-from_fold / 70.0).exp() * 46.0 - tone;
        for (channel, base) in [247.0, 240.0, 224.0].into_iter().enumerate() {
            let warm = 1.0 + channel as f32 * 0.22;
            pixel[channel] = (base - shade * warm).clamp(0.0, 255.0) as u8;
        }
        pixel[3] = 255;
    }
    let mut random = Random::new(seed);
    for _ in 0..14 {
        let at = (random.between(60.0, WIDTH as f32 - 60.0), random.between(60.0, HEIGHT as f32 - 60.0));
        let radius = random.between(2.0, 8.0);
        for step in 1..5 {
            sheet.disc(at, radius * step as f32 / 2.0, Ink(150, 110, 60, 0.022));
        }
    }
}

/// Draws all pages and writes the words beside them.
pub(super) fn draw(folder: &Path) -> Result<()> {
    let fonts = Fonts::load()?;
    let mut pages = vec![title_page(&fonts)?, plate(&fonts)?];
    set_chapters(&fonts, &mut pages)?;
    pages.push(colophon(&fonts, pages.len() + 1)?);
    let mut truth = Vec::new();
    for page in pages {
        truth.push(page.save(folder)?);
    }
    let text = serde_json::to_string(&json!({
        "about": "Every word of the book and the box it stands in, in pixels of the page from its upper left corner.",
        "language": "en",
        "pages": truth,
    }))?;
    // One word a line keeps the file readable and its differences small.
    let text = text.replace("{\"text\"", "\n{\"text\"").replace("{\"file\"", "\n{\"file\"");
    super::write(&folder.join("pages.words.json"), (text + "\n").as_bytes())
}

fn title_page(fonts: &Fonts) -> Result<Page> {
    let mut page = Page::new(1)?;
    let mid = page.middle();
    for (inset, width) in [(120.0, 4.0), (134.0, 1.4)] {
        let at = (inset + 20.0, inset, WIDTH as f32 - 2.0 * inset - 20.0, HEIGHT as f32 - 2.0 * inset);
        page.sheet.frame(at, INK, width);
    }
    for ((line, size), baseline) in essay::TITLE.iter().zip([64.0, 152.0, 152.0]).zip([470.0, 640.0, 800.0]) {
        let ink = if size > 100.0 { RUBRIC } else { INK };
        page.set_centred(&Style::new(&fonts.roman, size).tracked(0.09), line, baseline, ink);
    }
    fleuron(&mut page.sheet, (mid, 920.0), 62.0, INK);
    for (index, line) in essay::SUBTITLE.iter().enumerate() {
        page.set_centred(&Style::new(&fonts.italic, 56.0), line, 1060.0 + index as f32 * 74.0, INK);
    }
    emblem(&mut page.sheet, (mid, 1380.0), 105.0);
    page.sheet.line((mid - 160.0, 1580.0), (mid + 160.0, 1580.0), INK, 1.6);
    let styles = [
        Style::new(&fonts.roman, 40.0).tracked(0.16),
        Style::new(&fonts.italic, 36.0),
        Style::new(&fonts.roman, 34.0).tracked(0.12),
    ];
    for ((line, style), baseline) in essay::IMPRINT.iter().zip(styles).zip([1646.0, 1700.0, 1756.0]) {
        page.set_centred(&style, line, baseline, INK);
    }
    Ok(page)
}

/// The printer's mark: an eye within the rays of a compass.
fn emblem(sheet: &mut Sheet, centre: (f32, f32), size: f32) {
    for step in 0..48 {
        let angle = step as f32 / 48.0 * std::f32::consts::TAU;
        let (inner, outer) = (
            size * 0.98,
            size * if step % 4 == 0 {
                1.34
            } else if step % 2 == 0 {
                1.2
            } else {
                1.1
            },
        );
        let at = |radius: f32| (centre.0 + angle.cos() * radius, centre.1 + angle.sin() * radius);
        sheet.line(at(inner), at(outer), INK, 2.0);
    }
    sheet.ring(centre, size * 0.9, INK, 2.4);
    let lid = |side: f32| {
        let points: Vec<(f32, f32)> = (0..=20)
            .map(|step| {
                let t = step as f32 / 10.0 - 1.0;
                (centre.0 + t * size * 0.74, centre.1 + side * size * 0.4 * (1.0 - t * t))
            })
            .collect();
        super::ink::spline(&points, false)
    };
    sheet.stroke(lid(-1.0), INK, 3.4);
    sheet.stroke(lid(1.0), INK, 2.2);
    sheet.disc(centre, size * 0.31, RUBRIC);
    sheet.disc(centre, size * 0.14, INK);
    sheet.disc((centre.0 + size * 0.1, centre.1 - size * 0.1), size * 0.055, Ink(250, 244, 230, 1.0));
}

fn plate(fonts: &Fonts) -> Result<Page> {
    let mut page = Page::new(2)?;
    let centre = (page.middle(), 900.0);
    page.sheet.frame((page.left_edge(), 330.0, MEASURE, 1140.0), INK, 3.0);
    page.sheet.frame((page.left_edge() + 12.0, 342.0, MEASURE - 24.0, 1116.0), INK, 1.2);
    compass_rose(&mut page.sheet, centre, 365.0, INK, RUBRIC, Ink(247, 240, 224, 1.0));
    let style = Style::new(&fonts.roman, 66.0);
    for (letter, x, baseline) in [("N", 0.0, -396.0), ("S", 0.0, 442.0), ("E", 414.0, 22.0), ("W", -414.0, 22.0)] {
        let run = style.shape(letter);
        let at = (centre.0 + x - run.width / 2.0, centre.1 + baseline);
        style.draw(&mut page.sheet, &run, at, INK);
        page.note(letter, at, run.width, 66.0);
    }
    page.set_centred(&Style::new(&fonts.italic, 38.0), essay::PLATE_CAPTION, 1560.0, INK);
    Ok(page)
}

/// Thirty-two points in four lengths, each half light and half dark.
pub(super) fn compass_rose(sheet: &mut Sheet, centre: (f32, f32), size: f32, dark: Ink, accent: Ink, light: Ink) {
    let thin = size / 200.0;
    for (ring, width) in [(0.98, 2.0), (0.95, 0.8), (0.5, 0.8), (0.47, 1.6)] {
        sheet.ring(centre, size * ring, dark, thin * width);
    }
    for step in 0..360 {
        let angle = (step as f32).to_radians();
        let inner = if step % 10 == 0 {
            0.91
        } else if step % 5 == 0 {
            0.925
        } else {
            0.938
        };
        let at = |radius: f32| (centre.0 + angle.cos() * radius * size, centre.1 + angle.sin() * radius * size);
        sheet.line(at(inner), at(0.95), dark, thin * 0.6);
    }
    for (count, shift, length, width) in
        [(16, 0.5, 0.62, 0.05), (8, 0.5, 0.72, 0.07), (4, 0.5, 0.82, 0.1), (4, 0.0, 0.93, 0.13)]
    {
        let filled = if shift == 0.0 { accent } else { dark };
        for point in 0..count {
            let turn = (point as f32 + shift) / count as f32;
            rose_point(sheet, centre, size, turn, length, width, (dark, filled, light));
        }
    }
    sheet.disc(centre, size * 0.075, light);
    sheet.ring(centre, size * 0.075, dark, thin * 1.4);
    sheet.disc(centre, size * 0.035, accent);
}

fn rose_point(
    sheet: &mut Sheet,
    centre: (f32, f32),
    size: f32,
    turn: f32,
    length: f32,
    width: f32,
    inks: (Ink, Ink, Ink),
) {
    let angle = turn * std::f32::consts::TAU - std::f32::consts::FRAC_PI_2;
    let at = |radius: f32, aside: f32| {
        (
            centre.0 + size * (angle.cos() * radius - angle.sin() * aside),
            centre.1 + size * (angle.sin() * radius + angle.cos() * aside),
        )
    };
    let base = width * 1.25;
    let (dark, filled, light) = inks;
    sheet.fill(polyline(&[at(0.0, 0.0), at(base, -width), at(length, 0.0)], true), light);
    sheet.fill(polyline(&[at(0.0, 0.0), at(base, width), at(length, 0.0)], true), filled);
    sheet.stroke(
        polyline(&[at(0.0, 0.0), at(base, -width), at(length, 0.0), at(base, width)], true),
        dark,
        size / 260.0,
    );
}

/// Pours the chapters into pages of `LINES_A_PAGE` lines.
fn set_chapters(fonts: &Fonts, pages: &mut Vec<Page>) -> Result<()> {
    let style = Style::new(&fonts.roman, BODY);
    for (numeral, heading, paragraphs) in essay::CHAPTERS {
        start_page(fonts, pages)?;
        let page = pages.last_mut().context("a page was begun")?;
        let mut line_number = set_heading(fonts, page, (numeral, heading));
        for (index, text) in paragraphs.iter().enumerate() {
            let (lines, initial) = if index == 0 { opening(fonts, text) } else { (plain(&style, text), None) };
            for (row, line) in lines.iter().enumerate() {
                if line_number == LINES_A_PAGE {
                    start_page(fonts, pages)?;
                    line_number = 0;
                }
                let page = pages.last_mut().context("a page was begun")?;
                let (left, baseline) = (page.left_edge(), TOP + line_number as f32 * LEADING);
                if let (0, Some((letter, _))) = (row, &initial) {
                    draw_initial(fonts, page, letter, (left, baseline));
                }
                let aside = initial.as_ref().filter(|_| row < 3).map_or(0.0, |(_, width)| *width);
                page.set(&style, &line.words, left + aside, baseline, INK);
                if let (0, Some((letter, _))) = (row, &initial) {
                    page.join_initial(letter, line.words.len(), left);
                }
                line_number += 1;
            }
        }
        if line_number + 2 < LINES_A_PAGE {
            let page = pages.last_mut().context("a page was begun")?;
            let at = (page.middle(), TOP + (line_number as f32 + 0.45) * LEADING);
            fleuron(&mut page.sheet, at, 30.0, RUBRIC);
            line_number += 2;
        }
    }
    Ok(())
}

fn plain(style: &Style<'_>, text: &str) -> Vec<Line> {
    paragraph(style, text, BODY, &|_| MEASURE)
}

/// A chapter's first paragraph makes room for an initial three lines high; gives the letter and that room.
fn opening(fonts: &Fonts, text: &str) -> (Vec<Line>, Option<(String, f32)>) {
    let letter: String = text.chars().take(1).collect();
    let room = Style::new(&fonts.roman, 196.0).shape(&letter).width + 24.0;
    let rest = text.strip_prefix(letter.as_str()).unwrap_or(text).trim_start();
    let style = Style::new(&fonts.roman, BODY);
    let lines = paragraph(&style, rest, 0.0, &|line| if line < 3 { MEASURE - room } else { MEASURE });
    (lines, Some((letter, room)))
}

fn draw_initial(fonts: &Fonts, page: &mut Page, letter: &str, at: (f32, f32)) {
    let style = Style::new(&fonts.roman, 196.0);
    style.left(&mut page.sheet, letter, (at.0 + 6.0, at.1 + 2.0 * LEADING), RUBRIC);
}

/// Gives the number of the line that the text begins on.
fn set_heading(fonts: &Fonts, page: &mut Page, heading: (&str, &str)) -> usize {
    let first = TOP + 2.4 * LEADING;
    page.set_centred(&Style::new(&fonts.roman, 60.0).tracked(0.1), heading.0, first, RUBRIC);
    page.set_centred(&Style::new(&fonts.italic, 54.0), heading.1, first + 82.0, INK);
    let at = (page.middle(), first + 172.0);
    fleuron(&mut page.sheet, at, 30.0, INK);
    8
}

fn start_page(fonts: &Fonts, pages: &mut Vec<Page>) -> Result<()> {
    let mut page = Page::new(pages.len() + 1)?;
    let head = if page.number % 2 == 1 { "of maps and looking" } else { "the patient eye" };
    page.set_centred(&Style::new(&fonts.roman, 33.0).tracked(0.09).small_capitals(), head, 185.0, INK);
    let (left, mid) = (page.left_edge(), page.middle());
    page.sheet.line((left, 208.0), (left + MEASURE, 208.0), INK, 1.2);
    let number = page.number.to_string();
    page.set_centred(&Style::new(&fonts.roman, 36.0), &number, 1800.0, INK);
    for side in [-1.0, 1.0] {
        page.sheet.line((mid + side * 34.0, 1789.0), (mid + side * 92.0, 1789.0), INK, 1.4);
    }
    pages.push(page);
    Ok(())
}

fn colophon(fonts: &Fonts, number: usize) -> Result<Page> {
    let mut page = Page::new(number)?;
    let mid = page.middle();
    emblem(&mut page.sheet, (mid, 640.0), 84.0);
    for (index, line) in essay::COLOPHON.iter().enumerate() {
        page.set_centred(&Style::new(&fonts.italic, 44.0), line, 900.0 + index as f32 * 66.0, INK);
    }
    fleuron(&mut page.sheet, (mid, 1300.0), 44.0, RUBRIC);
    page.set_centred(&Style::new(&fonts.roman, 40.0).tracked(0.2), "FINIS", 1440.0, INK);
    Ok(page)
}
