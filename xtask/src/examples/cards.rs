//! A drawer of index cards as one TIFF of four pages: G4, LZW bilevel, LZW gray, G4.

use std::path::Path;

use anyhow::Result;

use super::ink::{Ink, Sheet, leaf, spline};
use super::random::{Random, fractal};
use super::tiff::{StripPage, Strips, TiffWriter};
use super::typeset::{Fonts, Style};

const WIDTH: u32 = 1500;
const HEIGHT: u32 = 900;
const DPI: u32 = 300;
const BLACK: Ink = Ink(20, 20, 20, 1.0);

struct Card {
    shelf: &'static str,
    heading: &'static str,
    lines: &'static [&'static str],
    label: &'static str,
}

const CARDS: [Card; 4] = [
    Card {
        shelf: "M 12.4",
        heading: "SALTMARCH ISLES, Chart of the",
        lines: &[
            "One sheet, hand coloured. Mended along the",
            "north-east fold, before 1900.",
            "",
            "Scale: about five miles to the thumb.",
            "See also: HARBOURS; LIGHTS, keepers of.",
        ],
        label: "Card 1: the chart",
    },
    Card {
        shelf: "M 12.5",
        heading: "LIGHTS, keepers of",
        lines: &[
            "Eleven day-books in one hand, and part of",
            "a twelfth in another.",
            "",
            "Weather, oil, ships; on wet Sundays, birds.",
            "The last page is blank but for a date.",
        ],
        label: "Card 2: the keepers",
    },
    Card {
        shelf: "B 3",
        heading: "FERNS, pressed",
        lines: &[
            "Forty leaves between blotting paper.",
            "Found behind the stove in the map room.",
            "",
            "Frond drawn from no. 17, life size.",
        ],
        label: "Card 3: the ferns",
    },
    Card {
        shelf: "P 1",
        heading: "PATIENCE, on",
        lines: &[
            "Essay, nine pages, printed on no press.",
            "Shelved with the charts at the author's",
            "wish.",
            "",
            "Readers are asked to turn every leaf.",
        ],
        label: "Card 4: the essay",
    },
];

pub(super) fn draw(path: &Path) -> Result<()> {
    let fonts = Fonts::load()?;
    let mut writer = TiffWriter::new();
    for (index, card) in CARDS.iter().enumerate() {
        let is_gray = index == 2;
        let gray = draw_card(&fonts, card, index as u64, is_gray)?.gray();
        let black: Vec<bool> = gray.iter().map(|value| *value < 128).collect();
        let pixels = match index {
            1 => Strips::BilevelLzw(&black),
            2 => Strips::GrayLzw(&gray),
            _ => Strips::BilevelG4(&black),
        };
        writer.add_page(&StripPage { width: WIDTH, height: HEIGHT, dpi: DPI, label: card.label, pixels })?;
    }
    super::write(path, &writer.finish())
}

fn draw_card(fonts: &Fonts, card: &Card, seed: u64, is_gray: bool) -> Result<Sheet> {
    let mut sheet = Sheet::new(WIDTH, HEIGHT)?;
    for (index, pixel) in sheet.pixmap.data_mut().chunks_exact_mut(4).enumerate() {
        let (x, y) = ((index as u32 % WIDTH) as f32, (index as u32 / WIDTH) as f32);
        // Few steps of gray: LZW likes runs, and card stock is even.
        let tone = if is_gray { (fractal(seed, x / 200.0, y / 200.0, 3) * 4.0).round() * 2.0 + 228.0 } else { 255.0 };
        pixel[..3].fill(tone as u8);
        pixel[3] = 255;
    }
    let rule = if is_gray { Ink(120, 120, 120, 1.0) } else { BLACK };
    sheet.line((60.0, 215.0), (1440.0, 215.0), rule, 4.0);
    sheet.line((60.0, 223.0), (1440.0, 223.0), rule, 2.0);
    for row in 0..7 {
        let y = 300.0 + row as f32 * 75.0;
        let dots = if is_gray { None } else { Some([2.0, 10.0]) };
        sheet.stroke_dashed(
            super::ink::polyline(&[(60.0, y), (1440.0, y)], false),
            rule.faded(if is_gray { 0.5 } else { 1.0 }),
            2.0,
            dots.as_ref().map(<[f32; 2]>::as_slice),
        );
    }
    sheet.line((250.0, 60.0), (250.0, 790.0), rule, 2.0);
    typed(&mut sheet, fonts, card.shelf, (72.0, 160.0), 38.0, seed);
    typed(&mut sheet, fonts, card.heading, (285.0, 160.0), 52.0, seed + 10);
    for (row, line) in card.lines.iter().enumerate() {
        typed(&mut sheet, fonts, line, (285.0, 288.0 + row as f32 * 75.0), 42.0, seed + 20 + row as u64);
    }
    hole(&mut sheet, is_gray);
    stamp(&mut sheet, fonts, if is_gray { 0.55 } else { 1.0 });
    if is_gray {
        fern(&mut sheet);
    }
    Ok(sheet)
}

/// Letter by letter, not quite on the line, as a machine with worn type does.
fn typed(sheet: &mut Sheet, fonts: &Fonts, text: &str, at: (f32, f32), size: f32, seed: u64) {
    let mut random = Random::new(seed.wrapping_mul(97) + 5);
    let style = Style::new(&fonts.typewriter, size);
    let advance = size * 0.602;
    for (index, letter) in text.chars().enumerate() {
        let place = (at.0 + index as f32 * advance + random.between(-0.8, 0.8), at.1 + random.between(-1.6, 1.6));
        style.left(sheet, &letter.to_string(), place, BLACK);
    }
}

fn hole(sheet: &mut Sheet, is_gray: bool) {
    let centre = (WIDTH as f32 / 2.0, 838.0);
    sheet.disc(centre, 34.0, if is_gray { Ink(70, 70, 70, 1.0) } else { BLACK });
}

fn stamp(sheet: &mut Sheet, fonts: &Fonts, strength: f32) {
    let centre = (1290.0, 690.0);
    let ink = Ink(20, 20, 20, strength);
    sheet.ring(centre, 104.0, ink, 5.0);
    sheet.ring(centre, 90.0, ink, 2.0);
    for (text, size, down) in [("MAP ROOM", 24.0, -22.0), ("26 NOV", 34.0, 22.0), ("counted", 26.0, 56.0)] {
        Style::new(&fonts.roman, size).tracked(0.04).centred(sheet, text, (centre.0, centre.1 + down), ink);
    }
}

fn fern(sheet: &mut Sheet) {
    let stem: Vec<(f32, f32)> = (0..=20)
        .map(|step| {
            let t = step as f32 / 20.0;
            (330.0 + t * 760.0, 770.0 - (t * 2.1).sin() * 165.0 * t)
        })
        .collect();
    let gray = Ink(40, 40, 40, 0.85);
    sheet.stroke(spline(&stem, false), gray, 4.0);
    for (index, pair) in stem.windows(2).enumerate().skip(2) {
        let length = 92.0 * (1.0 - index as f32 / 21.0) + 8.0;
        let angle = (pair[1].1 - pair[0].1).atan2(pair[1].0 - pair[0].0);
        for side in [-1.0, 1.0] {
            let turn = angle + side * 1.15;
            let tip = (pair[0].0 + turn.cos() * length, pair[0].1 + turn.sin() * length);
            sheet.fill(leaf(pair[0], tip, length * 0.16), gray);
        }
    }
}
