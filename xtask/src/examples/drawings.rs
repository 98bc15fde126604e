//! A tree of folders with drawings on transparent ground: plants that grow by rule, and curves of turning wheels.

use std::path::Path;

use anyhow::{Context, Result};
use image::ImageEncoder;

use super::ink::{Ink, Sheet, leaf, spline};
use super::random::Random;

const WIDTH: u32 = 1000;
const HEIGHT: u32 = 1300;
const GREEN: Ink = Ink(56, 84, 60, 0.95);
const BROWN: Ink = Ink(92, 66, 46, 0.95);
const RED: Ink = Ink(166, 54, 40, 0.95);
const BLUE: Ink = Ink(48, 84, 122, 0.9);
const GOLD: Ink = Ink(176, 132, 52, 0.9);

type Artist = fn(&mut Sheet, u64);

/// Path below the folder, what draws it, and a number to begin from.
const DRAWINGS: &[(&str, Artist, u64)] = &[
    ("Botanical/Ferns/1 Lady fern.png", fern, 3),
    ("Botanical/Ferns/2 Shield fern.png", fern, 11),
    ("Botanical/Flowers/1 Wild carrot.png", umbel, 5),
    ("Botanical/Flowers/2 Sunflower.webp", seed_head, 1),
    ("Botanical/Flowers/3 Poppies.png", poppies, 8),
    ("Curves/Harmonograph/1 Fifth.webp", harmonograph, 3),
    ("Curves/Harmonograph/2 Octave.webp", harmonograph, 2),
    ("Curves/Spirograph/1 Rose of twelve.png", spirograph, 12),
    ("Curves/Spirograph/2 Rose of seven.png", spirograph, 7),
];

pub(super) fn draw(folder: &Path) -> Result<()> {
    for (name, artist, seed) in DRAWINGS {
        let mut sheet = Sheet::new(WIDTH, HEIGHT)?;
        artist(&mut sheet, *seed);
        let bytes = encode(name, &sheet).with_context(|| format!("encoding {name}"))?;
        super::write(&folder.join(name), &bytes)?;
    }
    Ok(())
}

fn encode(name: &str, sheet: &Sheet) -> Result<Vec<u8>> {
    let straight: Vec<u8> = sheet
        .pixmap
        .pixels()
        .iter()
        .flat_map(|pixel| {
            let colour = pixel.demultiply();
            quantised([colour.red(), colour.green(), colour.blue(), colour.alpha()])
        })
        .collect();
    let mut bytes = Vec::new();
    let colour = image::ExtendedColorType::Rgba8;
    if Path::new(name).extension().is_some_and(|extension| extension == "webp") {
        image::codecs::webp::WebPEncoder::new_lossless(&mut bytes).write_image(&straight, WIDTH, HEIGHT, colour)?;
    } else {
        use image::codecs::png::{CompressionType, FilterType, PngEncoder};
        let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Adaptive);
        encoder.write_image(&straight, WIDTH, HEIGHT, colour)?;
    }
    Ok(bytes)
}

/// Fewer steps of colour and opacity: no eye sees it, and the files are half as large.
fn quantised(pixel: [u8; 4]) -> [u8; 4] {
    let step = |value: u8, size: u16| ((u16::from(value) + size / 2) / size * size).min(255) as u8;
    match step(pixel[3], 17) {
        0 => [0; 4],
        alpha => [step(pixel[0], 6), step(pixel[1], 6), step(pixel[2], 6), alpha],
    }
}

/// A frond: leaflets that carry leaflets, bending towards the tip.
fn fern(sheet: &mut Sheet, seed: u64) {
    let mut random = Random::new(seed);
    let lean = random.between(-0.12, 0.12);
    frond(
        sheet,
        (500.0 - lean * 900.0, 1250.0),
        -std::f32::consts::FRAC_PI_2 + lean,
        1060.0,
        lean * 0.9 + 0.15,
        0,
        &mut random,
    );
    if seed > 9 {
        frond(sheet, (470.0, 1255.0), -2.15, 620.0, -0.75, 0, &mut random);
        frond(sheet, (530.0, 1255.0), -0.95, 560.0, 0.8, 0, &mut random);
    }
}

fn frond(sheet: &mut Sheet, base: (f32, f32), angle: f32, length: f32, bend: f32, depth: u32, random: &mut Random) {
    let steps = if depth == 0 { 26 } else { 12 };
    let mut at = base;
    let mut points = vec![at];
    let mut turns = Vec::new();
    for step in 0..steps {
        let turn = angle + bend * (step as f32 / steps as f32).powi(2);
        at = (at.0 + turn.cos() * length / steps as f32, at.1 + turn.sin() * length / steps as f32);
        points.push(at);
        turns.push(turn);
    }
    sheet.stroke(spline(&points, false), if depth == 0 { BROWN } else { GREEN }, if depth == 0 { 4.5 } else { 1.8 });
    for (step, turn) in turns.iter().enumerate().skip(if depth == 0 { 4 } else { 1 }) {
        let share = step as f32 / steps as f32;
        let swell = if depth == 0 { (1.0 - share).powf(0.8) * (share * 4.5).min(1.0) } else { 1.0 - share * 0.82 };
        let reach = length * if depth == 0 { 0.37 } else { 0.24 } * swell;
        for side in [-1.0, 1.0] {
            let out = turn + side * random.between(1.02, 1.12);
            let from = points[step];
            if depth == 0 && reach > 40.0 {
                frond(sheet, from, out, reach, -side * 0.35, 1, random);
            } else {
                let tip = (from.0 + out.cos() * reach, from.1 + out.sin() * reach);
                sheet.fill(leaf(from, tip, reach * 0.2), GREEN);
            }
        }
    }
}

/// Stalks that part into stalks, and stars at the ends.
fn umbel(sheet: &mut Sheet, seed: u64) {
    let mut random = Random::new(seed);
    for (x, y, tilt, size) in [(540.0, 560.0, 0.05, 1.0), (300.0, 700.0, -0.3, 0.62), (730.0, 810.0, 0.4, 0.5)] {
        let crown = (x, y);
        let stalk = [(500.0, 1255.0), (500.0 + (x - 500.0) * 0.12, 1000.0), (x - tilt * 60.0, y + 160.0 * size), crown];
        sheet.stroke(spline(&stalk, false), BROWN, 5.0 * size.max(0.6));
        for ray in 0..21 {
            let share = ray as f32 / 20.0 * 2.0 - 1.0;
            let angle = -std::f32::consts::FRAC_PI_2 + tilt + share * 1.15;
            let length = size * (330.0 - share.abs() * 70.0 + random.between(-12.0, 12.0));
            let tip = (crown.0 + angle.cos() * length, crown.1 + angle.sin() * length);
            let middle = (
                crown.0 + angle.cos() * length * 0.5 + share * 10.0,
                crown.1 + angle.sin() * length * 0.5 + 12.0 * size,
            );
            sheet.stroke(spline(&[crown, middle, tip], false), GREEN, 2.4);
            umbellet(sheet, tip, angle, size, &mut random);
        }
        for bract in 0..7 {
            let angle = 0.5 + bract as f32 * 0.35 + tilt;
            let tip = (crown.0 + angle.cos() * 90.0 * size, crown.1 + angle.sin() * 60.0 * size);
            sheet.stroke(spline(&[crown, (f32::midpoint(crown.0, tip.0), tip.1 - 4.0), tip], false), GREEN, 2.0);
        }
    }
}

fn umbellet(sheet: &mut Sheet, centre: (f32, f32), angle: f32, size: f32, random: &mut Random) {
    for ray in 0..13 {
        let turn = angle + (ray as f32 / 12.0 * 2.0 - 1.0) * 1.3;
        let length = size * random.between(38.0, 58.0);
        let tip = (centre.0 + turn.cos() * length, centre.1 + turn.sin() * length);
        sheet.line(centre, tip, GREEN.faded(0.9), 1.4);
        for petal in 0..5 {
            let around = petal as f32 / 5.0 * std::f32::consts::TAU + turn;
            sheet.disc(
                (tip.0 + around.cos() * 4.6 * size, tip.1 + around.sin() * 4.6 * size),
                3.6 * size,
                Ink(226, 214, 190, 0.95),
            );
        }
        sheet.ring(tip, 8.0 * size, BROWN.faded(0.55), 0.9);
        sheet.disc(tip, 2.0 * size, GOLD);
    }
}

/// Seeds each turned by the golden angle from the one before, within a double crown of petals.
fn seed_head(sheet: &mut Sheet, _seed: u64) {
    let centre = (500.0, 520.0);
    let stalk = [(470.0, 1285.0), (490.0, 1080.0), (505.0, 860.0), centre];
    sheet.stroke(spline(&stalk, false), GREEN, 22.0);
    for (base, tip, width) in [((494.0, 1010.0), (770.0, 880.0), 90.0), ((482.0, 1120.0), (200.0, 1010.0), 86.0)] {
        sheet.fill(leaf(base, tip, width), GREEN.faded(0.85));
        sheet.line(base, tip, Ink(206, 214, 190, 0.8), 2.0);
    }
    for (ring, count, length) in [(0, 34, 415.0), (1, 34, 380.0)] {
        for petal in 0..count {
            let angle = (petal as f32 + ring as f32 * 0.5) / count as f32 * std::f32::consts::TAU;
            let at = |radius: f32| (centre.0 + angle.cos() * radius, centre.1 + angle.sin() * radius);
            let colour = if ring == 0 { Ink(214, 158, 44, 1.0) } else { Ink(232, 184, 70, 1.0) };
            sheet.fill(leaf(at(215.0), at(length), 44.0), colour);
            sheet.stroke(leaf(at(215.0), at(length), 44.0), BROWN.faded(0.6), 1.4);
        }
    }
    sheet.disc(centre, 236.0, Ink(74, 52, 36, 1.0));
    for seed in 0..640 {
        let radius = 9.2 * (seed as f32).sqrt();
        let angle = seed as f32 * 2.399_963;
        let at = (centre.0 + angle.cos() * radius, centre.1 + angle.sin() * radius);
        let size = 2.4 + radius / 62.0;
        let shade = if seed < 150 {
            Ink(150, 146, 84, 1.0)
        } else if seed % 3 == 0 {
            Ink(196, 148, 74, 1.0)
        } else {
            Ink(162, 112, 58, 1.0)
        };
        sheet.disc(at, size, shade);
    }
}

fn poppies(sheet: &mut Sheet, seed: u64) {
    let mut random = Random::new(seed);
    for (x, y, size, foot) in [
        (300.0, 470.0, 150.0, 440.0),
        (655.0, 360.0, 185.0, 520.0),
        (545.0, 800.0, 105.0, 500.0),
        (800.0, 760.0, 84.0, 560.0),
    ] {
        let stalk = [(foot, 1270.0), (foot + (x - foot) * 0.2, 1050.0), (x + (foot - x) * 0.1, y + size * 1.6), (x, y)];
        sheet.stroke(spline(&stalk, false), GREEN, 4.0);
        poppy(sheet, (x, y), size, &mut random);
    }
    for (x, length, turn) in [(430.0, 300.0, -2.3), (520.0, 330.0, -0.9), (480.0, 240.0, -2.75)] {
        let base = (x, 1265.0);
        let tip = (x + f32::cos(turn) * length, 1265.0 + f32::sin(turn) * length);
        sheet.fill(leaf(base, tip, 34.0), GREEN.faded(0.85));
        for lobe in 1..6 {
            let t = lobe as f32 / 6.5;
            let from = (base.0 + (tip.0 - base.0) * t, base.1 + (tip.1 - base.1) * t);
            for side in [-0.8, 0.8] {
                let reach = length * 0.26 * (1.0 - t * 0.6);
                let end = (from.0 + (turn + side).cos() * reach, from.1 + (turn + side).sin() * reach);
                sheet.fill(leaf(from, end, reach * 0.22), GREEN.faded(0.85));
            }
        }
    }
}

fn poppy(sheet: &mut Sheet, centre: (f32, f32), size: f32, random: &mut Random) {
    for (petal, colour) in
        [(0, Ink(152, 40, 30, 1.0)), (1, Ink(160, 44, 32, 1.0)), (2, RED), (3, Ink(186, 66, 46, 0.97))]
    {
        let turn = [-2.5_f32, -0.65, 2.55, 0.6][petal];
        let edge: Vec<(f32, f32)> = (0..=18)
            .map(|step| {
                let share = step as f32 / 18.0 * 2.0 - 1.0;
                let angle = turn + share * 1.25;
                let radius = size * (1.0 - share.powi(4) * 0.55) * random.between(0.95, 1.04);
                (centre.0 + angle.cos() * radius * 1.08, centre.1 + angle.sin() * radius * 0.84)
            })
            .chain([(centre.0, centre.1)])
            .collect();
        sheet.fill(spline(&edge, true), colour);
        sheet.stroke(spline(&edge, true), Ink(96, 20, 16, 0.7), 1.8);
        for to in &edge[1..18] {
            let near = (centre.0 + (to.0 - centre.0) * 0.25, centre.1 + (to.1 - centre.1) * 0.25);
            let far = (centre.0 + (to.0 - centre.0) * 0.86, centre.1 + (to.1 - centre.1) * 0.86);
            sheet.line(near, far, Ink(96, 20, 16, 0.28), 1.1);
        }
    }
    for stamen in 0..54 {
        let angle = stamen as f32 * 2.399_963;
        let radius = size * (0.17 + 0.16 * random.unit());
        let tip = (centre.0 + angle.cos() * radius, centre.1 + angle.sin() * radius * 0.86);
        sheet.line(centre, tip, Ink(34, 24, 30, 0.9), 1.2);
        sheet.disc(tip, size * 0.019 + 0.8, Ink(34, 24, 30, 1.0));
    }
    sheet.disc(centre, size * 0.14, Ink(128, 142, 88, 1.0));
    for ray in 0..10 {
        let angle = ray as f32 / 10.0 * std::f32::consts::TAU;
        sheet.line(
            centre,
            (centre.0 + angle.cos() * size * 0.13, centre.1 + angle.sin() * size * 0.13),
            Ink(48, 44, 36, 1.0),
            2.0,
        );
    }
}

/// Two pendulums across and two along, slowly coming to rest.
fn harmonograph(sheet: &mut Sheet, ratio: u64) {
    let (inks, base) = if ratio == 3 { ([BLUE, RED], 2.0) } else { ([GOLD, BLUE], 1.0) };
    for (pass, ink) in inks.into_iter().enumerate() {
        let points: Vec<(f32, f32)> = (0..5_600)
            .map(|step| {
                let t = step as f32 * 0.02;
                let rest = (-t * 0.017).exp();
                let drift = pass as f32 * 0.35;
                let x = (base * t + 0.3 + drift).sin() * rest + ((base + 0.004) * t + 1.2).sin() * rest * 0.35;
                let y =
                    (ratio as f32 * t + drift).sin() * rest + ((ratio as f32 + 0.003) * t + 0.7).sin() * rest * 0.35;
                (500.0 + x * 330.0, 650.0 + y * 430.0)
            })
            .collect();
        sheet.stroke(spline(&points, false), ink.faded(0.62), 1.15);
    }
}

/// A wheel rolling inside a ring, with the pen at several distances from its middle.
fn spirograph(sheet: &mut Sheet, petals: u64) {
    let inks = [RED, GOLD, GREEN, BLUE, BROWN];
    let ratio = petals as f32;
    for (pass, ink) in inks.into_iter().cycle().take(9).enumerate() {
        let pen = 0.25 + pass as f32 * 0.1;
        let wheel = if petals == 12 { 5.0 / 12.0 } else { 2.0 / 7.0 };
        let turns = if petals == 12 { 5.0 } else { 2.0 };
        let steps = (turns * 520.0) as usize;
        let points: Vec<(f32, f32)> = (0..=steps)
            .map(|step| {
                let t = step as f32 / steps as f32 * turns * std::f32::consts::TAU
                    + pass as f32 * std::f32::consts::PI / ratio * 0.18;
                let inner = 1.0 - wheel;
                let (x, y) = (
                    inner * t.cos() + pen * wheel * 1.5 * (inner / wheel * t).cos(),
                    inner * t.sin() - pen * wheel * 1.5 * (inner / wheel * t).sin(),
                );
                (500.0 + x * 330.0, 650.0 + y * 330.0)
            })
            .collect();
        sheet.stroke(spline(&points, false), ink, 1.5);
    }
}
