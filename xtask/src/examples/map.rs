//! The chart of the Saltmarch Isles: 10200 × 7650 pixels as a pyramid of JPEG tiles.

use std::path::Path;

use anyhow::Result;
use tiny_skia::PathBuilder;

use super::book::compass_rose;
use super::contours::{contours, smooth};
use super::ink::{Ink, Sheet, fleuron, polyline, spline};
use super::random::{Random, noise};
use super::terrain::{LAKE_METRES, Terrain};
use super::tiff::TiffWriter;
use super::typeset::{Fonts, Style};

/// The size that all places on the chart are given in.
const DRAWN: (f32, f32) = (12_000.0, 9_000.0);
/// Pixels for each unit of that size; sides that no tile divides.
const SCALE: f32 = 0.85;
const WIDTH: usize = 10_200;
const HEIGHT: usize = 7_650;
/// Units between grid points.
const CELL: f32 = 8.0;
const TILE: usize = 256;
/// Side of the pieces in which lines and letters are drawn.
const PIECE: usize = 2_000;
/// Of the full size, where most of the bytes are, of half the size, and of the smaller levels.
const QUALITY: [u8; 3] = [32, 42, 60];
/// Middle of the compass rose.
const ROSE: (f32, f32) = (10_950.0, 7_950.0);
const ROSE_RADIUS: f32 = 540.0;
/// Width of the frame around the chart.
const MARGIN: f32 = 300.0;

const INK: Ink = Ink(52, 42, 34, 0.95);
const RUBRIC: Ink = Ink(150, 44, 28, 0.95);
const WATER: Ink = Ink(58, 104, 128, 0.9);
const PAPER: Ink = Ink(246, 239, 222, 1.0);

/// Something to draw, with the points already in pixels.
struct Line {
    points: Vec<(f32, f32)>,
    ink: Ink,
    width: f32,
    dashes: Option<[f32; 2]>,
}

/// All that lies over the tinted ground.
struct Chart {
    lines: Vec<Line>,
    trees: Vec<(f32, f32, f32)>,
    towns: Vec<Town>,
    peaks: Vec<(f32, f32, f32)>,
}

struct Town {
    at: (f32, f32),
    name: String,
    is_large: bool,
}

pub(super) fn draw(path: &Path) -> Result<()> {
    let fonts = Fonts::load()?;
    let terrain = Terrain::grow((DRAWN.0 / CELL) as usize, (DRAWN.1 / CELL) as usize);
    let chart = Chart::compile(&terrain);
    let mut pixels = ground(&terrain);
    for top in (0..HEIGHT).step_by(PIECE) {
        for left in (0..WIDTH).step_by(PIECE) {
            let size = (PIECE.min(WIDTH - left), PIECE.min(HEIGHT - top));
            let mut sheet = lift(&pixels, (left, top), size)?;
            chart.draw(&mut sheet, &fonts);
            put_back(&mut pixels, (left, top), &sheet);
        }
    }
    write_pyramid(path, pixels)
}

fn write_pyramid(path: &Path, mut pixels: Vec<u8>) -> Result<()> {
    let mut writer = TiffWriter::new();
    let (mut width, mut height) = (WIDTH, HEIGHT);
    for level in 0.. {
        let quality = QUALITY[level.min(2)];
        let mut tiles = Vec::new();
        for top in (0..height).step_by(TILE) {
            for left in (0..width).step_by(TILE) {
                tiles.push(encode_tile(&pixels, (width, height), (left, top), quality)?);
            }
        }
        writer.add_jpeg_level((width as u32, height as u32), TILE as u32, &tiles, "A chart of the Saltmarch Isles")?;
        if width <= TILE && height <= TILE {
            break;
        }
        (pixels, width, height) = halve(&pixels, width, height);
    }
    super::write(path, &writer.finish())
}

/// One tile; beyond the picture's edge its last row and column are repeated.
fn encode_tile(pixels: &[u8], size: (usize, usize), at: (usize, usize), quality: u8) -> Result<Vec<u8>> {
    let mut tile = Vec::with_capacity(TILE * TILE * 3);
    for y in 0..TILE {
        let row = (at.1 + y).min(size.1 - 1) * size.0;
        for x in 0..TILE {
            let index = (row + (at.0 + x).min(size.0 - 1)) * 3;
            tile.extend_from_slice(&pixels[index..index + 3]);
        }
    }
    let mut stream = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut stream, quality);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.encode(&tile, TILE as u16, TILE as u16, jpeg_encoder::ColorType::Rgb)?;
    Ok(stream)
}

/// Half the size, rounded up; each pixel is the mean of up to four.
fn halve(pixels: &[u8], width: usize, height: usize) -> (Vec<u8>, usize, usize) {
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let mut half = Vec::with_capacity(half_width * half_height * 3);
    for y in 0..half_height {
        let rows = [2 * y, (2 * y + 1).min(height - 1)];
        for x in 0..half_width {
            let columns = [2 * x, (2 * x + 1).min(width - 1)];
            for channel in 0..3 {
                let sum: u32 = rows
                    .iter()
                    .flat_map(|row| columns.map(|column| u32::from(pixels[(row * width + column) * 3 + channel])))
                    .sum();
                half.push(((sum + 2) / 4) as u8);
            }
        }
    }
    (half, half_width, half_height)
}

fn lift(pixels: &[u8], at: (usize, usize), size: (usize, usize)) -> Result<Sheet> {
    let mut sheet = Sheet::new(size.0 as u32, size.1 as u32)?;
    sheet.origin = (at.0 as f32, at.1 as f32);
    sheet.scale = SCALE;
    for (index, pixel) in sheet.pixmap.data_mut().chunks_exact_mut(4).enumerate() {
        let from = ((at.1 + index / size.0) * WIDTH + at.0 + index % size.0) * 3;
        pixel[..3].copy_from_slice(&pixels[from..from + 3]);
        pixel[3] = 255;
    }
    Ok(sheet)
}

fn put_back(pixels: &mut [u8], at: (usize, usize), sheet: &Sheet) {
    let width = sheet.pixmap.width() as usize;
    for (row, line) in sheet.rgb().chunks_exact(width * 3).enumerate() {
        let to = ((at.1 + row) * WIDTH + at.0) * 3;
        pixels[to..to + width * 3].copy_from_slice(line);
    }
}

/// Tints by height, shaded by a light from the north-west; the sea pales towards the shore.
fn ground(terrain: &Terrain) -> Vec<u8> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut pixels = vec![0; WIDTH * HEIGHT * 3];
    let band = HEIGHT.div_ceil(threads);
    std::thread::scope(|scope| {
        for (index, rows) in pixels.chunks_mut(band * WIDTH * 3).enumerate() {
            scope.spawn(move || {
                for (row, line) in rows.chunks_exact_mut(WIDTH * 3).enumerate() {
                    for (x, pixel) in line.chunks_exact_mut(3).enumerate() {
                        pixel.copy_from_slice(&ground_at(
                            terrain,
                            x as f32 / SCALE,
                            (index * band + row) as f32 / SCALE,
                        ));
                    }
                }
            });
        }
    });
    pixels
}

/// Heights in metres and their colours.
const TINTS: [(f32, [f32; 3]); 7] = [
    (0.0, [228.0, 226.0, 190.0]),
    (120.0, [219.0, 222.0, 178.0]),
    (380.0, [232.0, 222.0, 176.0]),
    (800.0, [229.0, 205.0, 158.0]),
    (1300.0, [214.0, 180.0, 138.0]),
    (1800.0, [206.0, 172.0, 142.0]),
    (2350.0, [242.0, 236.0, 230.0]),
];

fn ground_at(terrain: &Terrain, x: f32, y: f32) -> [u8; 3] {
    let (gx, gy) = (x / CELL, y / CELL);
    let inside = x > MARGIN && y > MARGIN && x < DRAWN.0 - MARGIN && y < DRAWN.1 - MARGIN;
    if !inside {
        return [246, 239, 222];
    }
    let height = terrain.heights.between(gx, gy);
    let colour = if height > 0.0 && terrain.lakes.between(gx, gy) > LAKE_METRES {
        [196.0, 219.0, 222.0]
    } else if height > 0.0 {
        let slope_x = terrain.heights.between(gx + 1.0, gy) - terrain.heights.between(gx - 1.0, gy);
        let slope_y = terrain.heights.between(gx, gy + 1.0) - terrain.heights.between(gx, gy - 1.0);
        let light = ((slope_x + slope_y) * -0.0042).clamp(-0.24, 0.15);
        tint(height).map(|value| value * (1.0 + light))
    } else {
        let depth = (terrain.shore.between(gx, gy) / 60.0).min(1.0);
        let near = [214.0, 229.0, 226.0];
        let far = [176.0, 204.0, 211.0];
        [0, 1, 2].map(|channel| near[channel] + (far[channel] - near[channel]) * depth.sqrt())
    };
    colour.map(|value: f32| value.clamp(0.0, 255.0) as u8)
}

fn tint(height: f32) -> [f32; 3] {
    let upper = TINTS.iter().position(|(at, _)| *at > height).unwrap_or(TINTS.len() - 1).max(1);
    let ((low, from), (high, to)) = (TINTS[upper - 1], TINTS[upper]);
    let share = ((height - low) / (high - low)).clamp(0.0, 1.0);
    [0, 1, 2].map(|channel| from[channel] + (to[channel] - from[channel]) * share)
}

fn to_pixels(points: &[(f32, f32)]) -> Vec<(f32, f32)> {
    points.iter().map(|(x, y)| (x * CELL, y * CELL)).collect()
}

impl Chart {
    fn compile(terrain: &Terrain) -> Self {
        let mut lines = Vec::new();
        graticule(&mut lines);
        for (step, width) in [(3.0, 3.4), (6.5, 2.6), (11.0, 2.0), (17.0, 1.5), (25.0, 1.2)] {
            let ink = WATER.faded(0.75 - step / 60.0);
            water_lines(terrain, step, ink, width, &mut lines);
        }
        for metres in (1..24).map(|hundred| hundred as f32 * 100.0) {
            let is_index = (metres as u32).is_multiple_of(500);
            for line in contours(&terrain.heights, metres).iter().filter(|line| line.len() > 14) {
                let ink = Ink(142, 92, 54, if is_index { 0.6 } else { 0.34 });
                lines.push(Line {
                    points: to_pixels(&smooth(line, 2)),
                    ink,
                    width: if is_index { 3.6 } else { 2.0 },
                    dashes: None,
                });
            }
        }
        rivers(terrain, &mut lines);
        for line in contours(&terrain.heights, 0.0).iter().filter(|line| line.len() > 10) {
            lines.push(Line {
                points: to_pixels(&smooth(line, 2)),
                ink: Ink(48, 66, 74, 0.95),
                width: 5.0,
                dashes: None,
            });
        }
        for line in contours(&terrain.lakes, LAKE_METRES).iter().filter(|line| line.len() > 8) {
            lines.push(Line { points: to_pixels(&smooth(line, 2)), ink: WATER, width: 3.5, dashes: None });
        }
        let towns = towns(terrain);
        Self { lines, trees: trees(terrain), towns, peaks: peaks(terrain) }
    }

    fn draw(&self, sheet: &mut Sheet, fonts: &Fonts) {
        for line in &self.lines {
            let dashes = line.dashes.as_ref().map(<[f32; 2]>::as_slice);
            sheet.stroke_dashed(polyline(&line.points, false), line.ink, line.width, dashes);
        }
        for &(x, y, size) in &self.trees {
            tree(sheet, (x, y), size);
        }
        for &(x, y, metres) in &self.peaks {
            peak(sheet, fonts, (x, y), metres);
        }
        for town in &self.towns {
            draw_town(sheet, fonts, town);
        }
        names(sheet, fonts);
        ships(sheet);
        frame(sheet, fonts);
        cartouche(sheet, fonts);
        compass_rose(sheet, ROSE, ROSE_RADIUS, INK, RUBRIC, PAPER);
        secret(sheet, fonts);
    }
}

/// Lines along the shore at a distance, the engraver's way to show water.
fn water_lines(terrain: &Terrain, distance: f32, ink: Ink, width: f32, lines: &mut Vec<Line>) {
    for line in contours(&terrain.shore, distance) {
        let at_sea = line.first().is_some_and(|(x, y)| terrain.heights.between(*x, *y) < 0.0);
        if at_sea && line.len() > 30 {
            lines.push(Line { points: to_pixels(&smooth(&line, 3)), ink, width, dashes: None });
        }
    }
}

fn rivers(terrain: &Terrain, lines: &mut Vec<Line>) {
    for river in &terrain.rivers {
        // Pieces of growing width; each begins where the one before ended.
        for start in (0..river.points.len().saturating_sub(1)).step_by(10) {
            let end = (start + 11).min(river.points.len());
            let wide: Vec<(f32, f32)> = averaged(&river.points, start, end);
            let width = 1.6 + river.flows[start].sqrt() / 11.0;
            lines.push(Line { points: to_pixels(&smooth(&wide, 2)), ink: WATER, width: width.min(15.0), dashes: None });
        }
    }
}

/// The points of a piece, each the mean of its neighbours, so that steps of the grid do not show.
fn averaged(points: &[(f32, f32)], start: usize, end: usize) -> Vec<(f32, f32)> {
    (start..end)
        .map(|index| {
            let reach = 3.min(index).min(points.len() - 1 - index);
            let near = &points[index - reach..=index + reach];
            let count = near.len() as f32;
            (near.iter().map(|p| p.0).sum::<f32>() / count + 0.0, near.iter().map(|p| p.1).sum::<f32>() / count)
        })
        .collect()
}

fn graticule(lines: &mut Vec<Line>) {
    let (right, bottom) = (DRAWN.0 - MARGIN, DRAWN.1 - MARGIN);
    let ink = Ink(70, 84, 92, 0.35);
    for step in 1..20 {
        let x = MARGIN + step as f32 * 600.0;
        if x < right {
            lines.push(Line { points: vec![(x, MARGIN), (x, bottom)], ink, width: 1.5, dashes: None });
        }
        let y = MARGIN + step as f32 * 600.0;
        if y < bottom {
            lines.push(Line { points: vec![(MARGIN, y), (right, y)], ink, width: 1.5, dashes: None });
        }
    }
    // Rhumb lines from the compass rose.
    for wind in 0..32 {
        let angle = wind as f32 / 32.0 * std::f32::consts::TAU;
        let centre = ROSE;
        let reach = clip_ray(centre, angle, (MARGIN, MARGIN, right, bottom));
        let point = |radius: f32| (centre.0 + angle.cos() * radius, centre.1 + angle.sin() * radius);
        let ink = if wind % 4 == 0 { RUBRIC.faded(0.28) } else { INK.faded(0.16) };
        lines.push(Line { points: vec![point(ROSE_RADIUS + 20.0), point(reach)], ink, width: 1.6, dashes: None });
    }
}

/// How far a ray goes until it leaves the box.
fn clip_ray(from: (f32, f32), angle: f32, within: (f32, f32, f32, f32)) -> f32 {
    let (left, top, right, bottom) = within;
    let (dx, dy) = (angle.cos(), angle.sin());
    let along = |delta: f32, low: f32, high: f32, at: f32| {
        if delta.abs() < 1e-4 { f32::MAX } else { ((if delta > 0.0 { high } else { low }) - at) / delta }
    };
    along(dx, left, right, from.0).min(along(dy, top, bottom, from.1)).max(ROSE_RADIUS + 21.0)
}

fn trees(terrain: &Terrain) -> Vec<(f32, f32, f32)> {
    let mut random = Random::new(77);
    let mut trees = Vec::new();
    for _ in 0..60_000 {
        let (x, y) = (random.between(60.0, 1440.0), random.between(60.0, 1065.0));
        let height = terrain.heights.between(x, y);
        let moist = noise(4711, x / 55.0, y / 55.0);
        let chance = random.unit();
        if (60.0..900.0).contains(&height)
            && terrain.lakes.between(x, y) < 0.5
            && moist > 0.16 + chance * 0.25
            && terrain.shore.between(x, y) > 3.0
        {
            trees.push((x * 8.0, y * 8.0, random.between(9.0, 15.0)));
        }
    }
    trees.truncate(3_500);
    trees.sort_by(|a, b| a.1.total_cmp(&b.1));
    trees
}

fn tree(sheet: &mut Sheet, at: (f32, f32), size: f32) {
    let (x, y) = at;
    if !sheet.sees(x - size, y - 2.0 * size, x + size, y + size) {
        return;
    }
    sheet.line((x, y), (x, y - size * 0.8), Ink(76, 66, 44, 0.8), 2.0);
    sheet.disc((x, y - size * 1.1), size * 0.6, Ink(126, 146, 92, 0.85));
    sheet.ring((x, y - size * 1.1), size * 0.6, Ink(70, 88, 52, 0.8), 1.5);
}

/// Points higher than all around them, far enough apart.
fn peaks(terrain: &Terrain) -> Vec<(f32, f32, f32)> {
    let grid = &terrain.heights;
    let mut found: Vec<(f32, f32, f32)> = Vec::new();
    let mut cells: Vec<usize> = (0..grid.values.len()).filter(|index| grid.values[*index] > 560.0).collect();
    cells.sort_by(|a, b| grid.values[*b].total_cmp(&grid.values[*a]).then(a.cmp(b)));
    for index in cells {
        let at = ((index % grid.width) as f32 * 8.0, (index / grid.width) as f32 * 8.0);
        if found.iter().all(|peak| (peak.0 - at.0).hypot(peak.1 - at.1) > 520.0) {
            found.push((at.0, at.1, grid.values[index]));
        }
        if found.len() == 26 {
            break;
        }
    }
    found
}

fn peak(sheet: &mut Sheet, fonts: &Fonts, at: (f32, f32), metres: f32) {
    let (x, y) = at;
    sheet.fill(polyline(&[(x - 14.0, y + 10.0), (x, y - 15.0), (x + 14.0, y + 10.0)], true), INK);
    Style::new(&fonts.italic, 42.0).left(sheet, &format!("{metres:.0}"), (x + 22.0, y + 12.0), INK);
}

/// Harbours and river towns: shores that are sheltered, far enough apart, with names from syllables.
fn towns(terrain: &Terrain) -> Vec<Town> {
    let mut random = Random::new(1_848);
    let mut towns: Vec<Town> = Vec::new();
    for attempt in 0..9_000 {
        let (x, y) = (random.between(60.0, 1440.0), random.between(60.0, 1065.0));
        let height = terrain.heights.between(x, y);
        let shore = terrain.shore.between(x, y);
        let by_the_sea = (2.0..100.0).contains(&height) && (1.5..4.5).contains(&shore);
        let by_a_river = (4.0..600.0).contains(&height) && nearest_river(terrain, (x, y)) < 2.5;
        let at = (x * 8.0, y * 8.0);
        let apart = if attempt < 300 { 900.0 } else { 470.0 };
        let free = towns.iter().all(|town| (town.at.0 - at.0).hypot(town.at.1 - at.1) > apart);
        let clear_of_names =
            NAMES.iter().all(|name| (name.2.0 - at.0).abs() > 900.0 || (name.2.1 - at.1).abs() > 160.0);
        if (by_the_sea || by_a_river) && free && clear_of_names {
            towns.push(Town { at, name: town_name(&mut random), is_large: towns.len() < 9 });
        }
        if towns.len() == 64 {
            break;
        }
    }
    towns
}

fn nearest_river(terrain: &Terrain, at: (f32, f32)) -> f32 {
    let points = terrain.rivers.iter().flat_map(|river| river.points.iter().step_by(3));
    points.map(|point| (point.0 - at.0).hypot(point.1 - at.1)).fold(f32::MAX, f32::min)
}

fn town_name(random: &mut Random) -> String {
    const FIRST: [&str; 22] = [
        "Hal", "Mere", "Sand", "Oster", "Wick", "Thorn", "Gull", "Ember", "Low", "Brack", "Fen", "Ald", "Kest", "Marl",
        "Rook", "Sil", "Tarn", "Elder", "Whin", "Cold", "Reed", "Hare",
    ];
    const LAST: [&str; 16] = [
        "wick", "ness", "holm", "ford", "mouth", "by", "haven", "stead", "ham", "combe", "sund", "garth", "port",
        "low", "sey", "vik",
    ];
    format!("{}{}", FIRST[random.below(FIRST.len())], LAST[random.below(LAST.len())])
}

fn draw_town(sheet: &mut Sheet, fonts: &Fonts, town: &Town) {
    let (x, y) = town.at;
    if !sheet.sees(x - 300.0, y - 100.0, x + 500.0, y + 100.0) {
        return;
    }
    let (size, radius) = if town.is_large { (76.0, 17.0) } else { (50.0, 10.0) };
    sheet.disc(town.at, radius, PAPER);
    sheet.ring(town.at, radius, INK, 4.0);
    sheet.disc(town.at, radius * 0.4, RUBRIC);
    let style = Style::new(if town.is_large { &fonts.bold } else { &fonts.roman }, size);
    let run = style.shape(&town.name);
    let left = if x > 9_800.0 { x - radius - 14.0 - run.width } else { x + radius + 14.0 };
    for aside in [(-2.5, 0.0), (2.5, 0.0), (0.0, -2.5), (0.0, 2.5)] {
        style.draw(sheet, &run, (left + aside.0, y + size * 0.24 + aside.1), PAPER.faded(0.55));
    }
    style.draw(sheet, &run, (left, y + size * 0.24), INK);
}

/// Text, size, centre, tracking, and whether it is water.
type Name = (&'static str, f32, (f32, f32), f32, bool);

/// Seas and lands.
const NAMES: &[Name] = &[
    ("The Wide Sound", 250.0, (2_500.0, 1_350.0), 0.22, true),
    ("The Patient Sea", 300.0, (7_150.0, 8_060.0), 0.3, true),
    ("Herring Deep", 150.0, (1_500.0, 8_150.0), 0.24, true),
    ("Gulf of Glass", 140.0, (6_480.0, 6_880.0), 0.2, true),
    ("Eastern Reach", 170.0, (10_300.0, 1_900.0), 0.22, true),
    ("SALTMARCH", 230.0, (4_350.0, 4_050.0), 0.55, false),
    ("HOLLOW ISLE", 110.0, (7_500.0, 2_650.0), 0.35, false),
    ("ORRA", 130.0, (8_900.0, 5_900.0), 0.6, false),
];

fn names(sheet: &mut Sheet, fonts: &Fonts) {
    for &(text, size, at, tracking, is_water) in NAMES {
        let (face, ink) =
            if is_water { (&fonts.italic, Ink(44, 84, 106, 0.92)) } else { (&fonts.roman, INK.faded(0.8)) };
        Style::new(face, size).tracked(tracking).centred(sheet, text, at, ink);
    }
}

fn ships(sheet: &mut Sheet) {
    for (x, y, size) in
        [(1_050.0, 1_850.0, 150.0), (9_450.0, 4_050.0, 120.0), (10_700.0, 2_600.0, 110.0), (1_350.0, 6_500.0, 90.0)]
    {
        ship(sheet, (x, y), size);
    }
}

fn ship(sheet: &mut Sheet, at: (f32, f32), size: f32) {
    let point = |dx: f32, dy: f32| (at.0 + dx * size, at.1 + dy * size);
    let hull = [
        point(-0.9, -0.1),
        point(-0.6, 0.3),
        point(0.55, 0.3),
        point(0.95, -0.22),
        point(0.4, -0.02),
        point(-0.4, 0.0),
    ];
    sheet.fill(spline(&hull, true), Ink(110, 78, 52, 0.95));
    sheet.stroke(spline(&hull, true), INK, 3.0);
    for (mast, height) in [(-0.42, 1.0), (0.02, 1.35), (0.46, 1.05)] {
        sheet.line(point(mast, 0.0), point(mast, -height), INK, 4.0);
        for (low, high, wide) in [(0.18, 0.62, 0.3), (0.66, 0.95, 0.22)] {
            let (low, high) = (low * height, high * height);
            let sail = [
                point(mast - wide * 0.75, -high),
                point(mast + wide * 0.8, -high),
                point(mast + wide * 1.25, -(low + high) / 2.0),
                point(mast + wide, -low),
                point(mast - wide, -low),
                point(mast - wide * 0.55, -(low + high) / 2.0),
            ];
            sheet.fill(spline(&sail, true), PAPER);
            sheet.stroke(spline(&sail, true), INK, 2.4);
        }
        let flag = [point(mast, -height), point(mast + 0.3, -height - 0.07), point(mast, -height + 0.12)];
        sheet.fill(polyline(&flag, true), RUBRIC);
    }
    for row in 0..3 {
        let wave: Vec<(f32, f32)> = (0..=16)
            .map(|step| {
                point(
                    -1.2 + step as f32 * 0.15 + row as f32 * 0.07,
                    0.34 + row as f32 * 0.12 + if step % 2 == 0 { 0.03 } else { -0.03 },
                )
            })
            .collect();
        sheet.stroke(spline(&wave, false), WATER, 2.6);
    }
}

/// Neat line, a scale of black and white, and degrees.
fn frame(sheet: &mut Sheet, fonts: &Fonts) {
    let (w, h) = (DRAWN.0, DRAWN.1);
    for (inset, width) in [(MARGIN, 5.0), (MARGIN - 44.0, 3.0), (MARGIN - 70.0, 14.0), (90.0, 4.0)] {
        sheet.frame((inset, inset, w - 2.0 * inset, h - 2.0 * inset), INK, width);
    }
    let style = Style::new(&fonts.roman, 74.0);
    for step in 0..38 {
        let along = MARGIN + step as f32 * 300.0;
        let dark = step % 2 == 0;
        for (at, end) in [(along, w - MARGIN), (along, h - MARGIN)] {
            if at >= end {
                continue;
            }
            let length = 300.0_f32.min(end - at);
            let is_across = end > h;
            for edge in [MARGIN - 44.0, if is_across { h - MARGIN } else { w - MARGIN }] {
                let block = if is_across { (at, edge, length, 44.0) } else { (edge, at, 44.0, length) };
                if dark {
                    sheet.block(block, INK);
                }
            }
        }
        if step % 2 == 0 && step > 0 {
            let degrees = step / 2;
            if along < w - MARGIN - 100.0 {
                style.centred(sheet, &format!("{}°", 7 + degrees), (along, 190.0), INK);
                style.centred(sheet, &format!("{}°", 7 + degrees), (along, h - 136.0), INK);
            }
            if along < h - MARGIN - 100.0 {
                style.centred(sheet, &format!("{}°", 62 - degrees), (160.0, along + 24.0), INK);
                style.centred(sheet, &format!("{}°", 62 - degrees), (w - 160.0, along + 24.0), INK);
            }
        }
    }
}

fn cartouche(sheet: &mut Sheet, fonts: &Fonts) {
    let (x, y, w, h) = (9_050.0, 420.0, 2_500.0, 980.0);
    if !sheet.sees(x, y, x + w, y + h) {
        return;
    }
    sheet.block((x, y, w, h), PAPER);
    for (inset, width) in [(0.0, 9.0), (26.0, 2.5), (38.0, 2.5)] {
        sheet.frame((x + inset, y + inset, w - 2.0 * inset, h - 2.0 * inset), INK, width);
    }
    for corner in
        [(x + 38.0, y + 38.0), (x + w - 38.0, y + 38.0), (x + 38.0, y + h - 38.0), (x + w - 38.0, y + h - 38.0)]
    {
        sheet.disc(corner, 34.0, PAPER);
        sheet.ring(corner, 34.0, INK, 3.0);
        sheet.disc(corner, 14.0, RUBRIC);
    }
    let mid = x + w / 2.0;
    Style::new(&fonts.italic, 92.0).centred(sheet, "A new & patient Chart of the", (mid, y + 190.0), INK);
    Style::new(&fonts.roman, 236.0).tracked(0.1).centred(sheet, "SALTMARCH", (mid, y + 420.0), RUBRIC);
    Style::new(&fonts.roman, 124.0).tracked(0.36).centred(sheet, "ISLES", (mid, y + 572.0), INK);
    fleuron(sheet, (mid, y + 650.0), 70.0, INK);
    Style::new(&fonts.italic, 64.0).centred(
        sheet,
        "with their hills, harbours, woods and running waters",
        (mid, y + 770.0),
        INK,
    );
    scale_bar(sheet, fonts, (mid, y + 860.0));
}

fn scale_bar(sheet: &mut Sheet, fonts: &Fonts, centre: (f32, f32)) {
    let unit = 240.0;
    let left = centre.0 - 2.5 * unit;
    for step in 0..5 {
        let at = (left + step as f32 * unit, centre.1 - 10.0, unit, 20.0);
        sheet.block(at, if step % 2 == 0 { INK } else { PAPER });
        sheet.frame(at, INK, 2.5);
    }
    for step in 0..6 {
        let label = if step == 5 { "25 miles".to_owned() } else { (step * 5).to_string() };
        Style::new(&fonts.roman, 46.0).centred(sheet, &label, (left + step as f32 * unit, centre.1 + 62.0), INK);
    }
}

/// A thing for those who look closely: letters a few pixels high, in the open sea.
fn secret(sheet: &mut Sheet, fonts: &Fonts) {
    let at = (5_200.0, 7_300.0);
    let island = [
        (at.0 - 46.0, at.1),
        (at.0 - 20.0, at.1 - 22.0),
        (at.0 + 24.0, at.1 - 18.0),
        (at.0 + 50.0, at.1 + 2.0),
        (at.0, at.1 + 14.0),
    ];
    sheet.fill(spline(&island, true), Ink(228, 222, 182, 1.0));
    sheet.stroke(spline(&island, true), INK, 2.0);
    sheet.block((at.0 - 6.0, at.1 - 44.0, 12.0, 30.0), PAPER);
    sheet.frame((at.0 - 6.0, at.1 - 44.0, 12.0, 30.0), INK, 1.6);
    sheet.block((at.0 - 6.0, at.1 - 34.0, 12.0, 7.0), RUBRIC);
    sheet.fill(PathBuilder::from_circle(at.0, at.1 - 48.0, 5.0), Ink(240, 190, 70, 1.0));
    Style::new(&fonts.italic, 17.0).centred(
        sheet,
        "Here the keeper of the light reads every leaf.",
        (at.0, at.1 + 34.0),
        INK,
    );
}
