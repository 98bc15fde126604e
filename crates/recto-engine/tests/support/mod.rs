//! A decoder in memory: levels, reductions, strips of odd heights, stored tiles; and what pixels should be.

#![expect(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use recto_codec::{
    ByteRange, ColorModel, Control, Cost, CutRequest, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts,
    Level, Orientation, PixelFormat, Raster, RowSource, SourceFormat, StoredTile, TileGrid,
};
use recto_engine::{Plan, RenderOptions, plan, render_rows};
use recto_iiif::image::{Degrees, Format, Mirror, Quality, ResolvedRequest, Rotation};
use recto_iiif::{Dimensions, Rect};

/// How the sides of each next level are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halving {
    Up,
    Down,
}

/// A decoder whose pixels lie in memory.
#[derive(Debug)]
pub(crate) struct Mock {
    facts: ImageFacts,
    levels: Vec<Raster>,
    strip_height: u32,
    tiles_are_jpeg: bool,
    cuts_all: bool,
    pub(crate) pixels_decoded: AtomicU64,
}

impl Mock {
    pub(crate) fn new(image: Raster) -> Self {
        let color = match image.format() {
            PixelFormat::Gray8 | PixelFormat::GrayAlpha8 | PixelFormat::Gray16 | PixelFormat::GrayAlpha16 => {
                ColorModel::Gray
            }
            PixelFormat::Cmyk8 | PixelFormat::Cmyk16 => ColorModel::Cmyk,
            PixelFormat::Lab8 | PixelFormat::Lab16 => ColorModel::Lab,
            _ => ColorModel::Rgb,
        };
        Self {
            facts: ImageFacts {
                source_format: SourceFormat::Tiff,
                compression: "none".into(),
                levels: vec![Level { size: image.size(), grid: None }],
                max_denominator: 1,
                pages: 1,
                orientation: Orientation::Normal,
                color,
                bits_per_sample: 8 * image.format().bytes_per_sample() as u8,
                has_alpha: image.format().has_alpha(),
                icc: None,
                dpi: None,
            },
            levels: vec![image],
            strip_height: 7,
            tiles_are_jpeg: false,
            cuts_all: false,
            pixels_decoded: AtomicU64::new(0),
        }
    }

    /// With `count` levels, each half of the one before.
    pub(crate) fn with_levels(mut self, count: u32, halving: Halving) -> Self {
        for level in 1..count {
            let reduced = reduce(&self.levels[0], 1 << level, halving);
            self.facts.levels.push(Level { size: reduced.size(), grid: None });
            self.levels.push(reduced);
        }
        self
    }

    pub(crate) fn with_denominator(mut self, max: u32) -> Self {
        self.facts.max_denominator = max;
        self
    }

    pub(crate) fn with_strips(mut self, height: u32) -> Self {
        self.strip_height = height;
        self
    }

    /// Stored as JPEG tiles of this side that can leave as they lie.
    pub(crate) fn with_jpeg_tiles(mut self, side: u32) -> Self {
        let grid = TileGrid { tile: Dimensions::new(side, side), passes_through: true };
        for level in &mut self.facts.levels {
            level.grid = Some(grid);
        }
        self.tiles_are_jpeg = true;
        self
    }

    /// Any part of it can be cut, turned, and gray.
    pub(crate) fn that_cuts_all(mut self) -> Self {
        self.cuts_all = true;
        self
    }

    pub(crate) fn with_facts(mut self, change: impl FnOnce(&mut ImageFacts)) -> Self {
        change(&mut self.facts);
        self
    }

    pub(crate) fn level(&self, level: usize) -> &Raster {
        &self.levels[level]
    }
}

impl Decoder for Mock {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let level = &self.levels[wanted.level];
        let rect = DecodedGeometry::reduced_rect(wanted, level.size());
        let bytes = level.format().bytes_per_pixel() as u64;
        Cost {
            bytes_read: wanted.region.area_px() * bytes,
            bytes_held: u64::from(rect.w) * u64::from(self.strip_height.min(rect.h)) * bytes,
            pixels: wanted.region.area_px(),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, _: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        let level = &self.levels[wanted.level];
        assert!(wanted.region.is_inside(level.size()), "{wanted:?} of {level:?}");
        assert!(wanted.denominator.is_power_of_two() && wanted.denominator <= self.facts.max_denominator);
        let rect = DecodedGeometry::reduced_rect(wanted, level.size());
        self.pixels_decoded.fetch_add(wanted.region.area_px(), Ordering::Relaxed);
        Ok(Box::new(MockRows {
            level,
            geometry: DecodedGeometry { format: level.format(), denominator: wanted.denominator, rect },
            strip_height: self.strip_height,
            next_row: 0,
        }))
    }

    fn stored_tile(&self, level: usize, column: u32, row: u32) -> Option<StoredTile> {
        let size = self.facts.levels.get(level)?.size;
        let tile = self.facts.levels[level].grid?.tile;
        let whole = |at: u32, tile: u32, size: u32| (at + 1) * tile <= size;
        let inside = whole(column, tile.width_px, size.width_px) && whole(row, tile.height_px, size.height_px);
        (self.tiles_are_jpeg && inside).then(|| StoredTile {
            format: Format::Jpg,
            size: tile,
            head: Arc::from(&b"head"[..]),
            body: ByteRange::new(u64::from(column) + 100 * u64::from(row), 10),
        })
    }

    fn can_cut(&self, level: usize, wanted: &CutRequest) -> bool {
        let Some(grid) = self.facts.levels[level].grid.filter(|_| self.tiles_are_jpeg) else { return false };
        let Rect { x, y, w, h } = wanted.region;
        let within = |at: u32, length: u32, tile: u32| at.is_multiple_of(tile) && length <= tile;
        let plain = wanted.turn == Orientation::Normal && !wanted.gray;
        self.cuts_all || plain && within(x, w, grid.tile.width_px) && within(y, h, grid.tile.height_px)
    }

    fn cut(&self, level: usize, wanted: &CutRequest, _: &Control) -> Result<Option<Vec<u8>>, DecodeError> {
        let Rect { x, y, .. } = wanted.region;
        Ok(self.tiles_are_jpeg.then(|| vec![0xff, 0xd8, level as u8, (x / 64) as u8, (y / 64) as u8]))
    }
}

struct MockRows<'a> {
    level: &'a Raster,
    geometry: DecodedGeometry,
    strip_height: u32,
    next_row: u32,
}

impl RowSource for MockRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        let rect = self.geometry.rect;
        if self.next_row == rect.h {
            return Ok(None);
        }
        let height = self.strip_height.min(rect.h - self.next_row);
        let strip = Rect::new(rect.x, rect.y + self.next_row, rect.w, height);
        self.next_row += height;
        Ok(Some(block_means(self.level, self.geometry.denominator, strip)))
    }
}

/// A part of the picture that has the means of blocks of `side × side` pixels; smaller blocks at the edges.
pub(crate) fn block_means(image: &Raster, side: u32, part: Rect) -> Raster {
    if side == 1 {
        return crop(image, part);
    }
    let format = image.format();
    let samples = format.samples();
    let mut out = Vec::new();
    for y in part.y..part.y + part.h {
        for x in part.x..part.x + part.w {
            let rows = y * side..((y + 1) * side).min(image.height_px());
            let columns = x * side..((x + 1) * side).min(image.width_px());
            for sample in 0..samples {
                let mut sum = 0_u64;
                for row in rows.clone() {
                    for column in columns.clone() {
                        sum += u64::from(sample_at(image, column, row, sample));
                    }
                }
                let count = (rows.len() * columns.len()) as u64;
                push_sample(&mut out, format, ((sum + count / 2) / count) as u16);
            }
        }
    }
    Raster::from_vec(part.dimensions(), format, out)
}

fn sample_at(image: &Raster, x: u32, y: u32, sample: usize) -> u16 {
    let at = x as usize * image.format().samples() + sample;
    match image.format().bytes_per_sample() {
        1 => u16::from(image.row(y)[at]),
        _ => u16::from_ne_bytes([image.row(y)[at * 2], image.row(y)[at * 2 + 1]]),
    }
}

fn push_sample(out: &mut Vec<u8>, format: PixelFormat, sample: u16) {
    match format.bytes_per_sample() {
        1 => out.push(sample as u8),
        _ => out.extend_from_slice(&sample.to_ne_bytes()),
    }
}

fn reduce(image: &Raster, scale: u32, halving: Halving) -> Raster {
    let size = match halving {
        Halving::Up => image.size().reduced(scale),
        Halving::Down => Dimensions::new((image.width_px() / scale).max(1), (image.height_px() / scale).max(1)),
    };
    block_means(image, scale, size.rect())
}

pub(crate) fn crop(image: &Raster, part: Rect) -> Raster {
    let bytes = image.format().bytes_per_pixel();
    let columns = part.x as usize * bytes..(part.x + part.w) as usize * bytes;
    let mut data = Vec::with_capacity(part.area_px() as usize * bytes);
    for y in part.y..part.y + part.h {
        data.extend_from_slice(&image.row(y)[columns.clone()]);
    }
    Raster::from_vec(part.dimensions(), image.format(), data)
}

/// A picture whose pixels are made one by one.
pub(crate) fn draw<const N: usize>(
    size: (u32, u32),
    format: PixelFormat,
    pixel: impl Fn(u32, u32) -> [u8; N],
) -> Raster {
    let data = (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    Raster::from_vec(Dimensions::new(size.0, size.1), format, data)
}

/// Every pixel tells where it is, up to 4096 in each direction.
pub(crate) fn positions(width: u32, height: u32) -> Raster {
    draw((width, height), PixelFormat::Rgb8, |x, y| [x as u8, y as u8, ((x >> 8) << 4 | (y >> 8)) as u8])
}

/// Waves and gradients: detail of many sizes, nothing finer than four pixels.
pub(crate) fn waves(width: u32, height: u32) -> Raster {
    draw((width, height), PixelFormat::Rgb8, |x, y| {
        let (x, y) = (f64::from(x), f64::from(y));
        let wave = |phase: f64| (127.5 + 110.0 * phase.sin()).round() as u8;
        [wave(x / 5.0 + y / 9.0), wave(x * y / 4000.0 % 7.0), (x * 255.0 / f64::from(width)) as u8]
    })
}

pub(crate) fn request(region: Rect, size: Dimensions) -> ResolvedRequest {
    ResolvedRequest { region, size, rotation: Rotation::NONE, quality: Quality::Default, format: Format::Png }
}

pub(crate) fn rotation(mirror: bool, degrees: f64) -> Rotation {
    Rotation { mirror: if mirror { Mirror::Yes } else { Mirror::No }, degrees: Degrees(degrees) }
}

pub(crate) fn planned(mock: &Mock, request: &ResolvedRequest, options: &RenderOptions) -> Plan {
    plan(mock, request, options).expect("the request was resolved on this image")
}

/// The pixels of the answer.
pub(crate) fn rendered(mock: &Mock, request: &ResolvedRequest, options: &RenderOptions) -> Raster {
    let plan = planned(mock, request, options);
    let render = plan.render().unwrap_or_else(|| panic!("`{plan}` has no pixels"));
    let mut rows =
        render_rows(render, mock, options, &Control::default()).unwrap_or_else(|error| panic!("{plan}: {error}"));
    let (size, format) = (rows.size(), rows.format());
    let mut data = Vec::new();
    while let Some(strip) = rows.next_rows().unwrap_or_else(|error| panic!("{plan}: {error}")) {
        assert_eq!((strip.width_px(), strip.format()), (size.width_px, format), "{plan}");
        data.extend_from_slice(strip.data());
    }
    Raster::from_vec(size, format, data)
}

/// The greatest difference of any sample.
pub(crate) fn difference(a: &Raster, b: &Raster) -> u8 {
    assert_eq!((a.size(), a.format()), (b.size(), b.format()));
    a.data().iter().zip(b.data()).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

/// Mirrored, then turned clockwise by quarters: pixel by pixel, as the specification says it.
pub(crate) fn turned(image: &Raster, mirror: bool, quarters: u8) -> Raster {
    let mut picture = image.clone();
    if mirror {
        let width = picture.width_px();
        picture = map_pixels(&picture, picture.size(), |x, y| (width - 1 - x, y));
    }
    for _ in 0..quarters {
        // The upper left corner goes to the upper right: column x of the result is row h - 1 - x of before.
        let height = picture.height_px();
        picture = map_pixels(&picture, picture.size().transposed(), |x, y| (y, height - 1 - x));
    }
    picture
}

fn map_pixels(image: &Raster, size: Dimensions, from: impl Fn(u32, u32) -> (u32, u32)) -> Raster {
    let bytes = image.format().bytes_per_pixel();
    let mut data = Vec::new();
    for y in 0..size.height_px {
        for x in 0..size.width_px {
            let (x, y) = from(x, y);
            data.extend_from_slice(&image.row(y)[x as usize * bytes..(x as usize + 1) * bytes]);
        }
    }
    Raster::from_vec(size, image.format(), data)
}

/// The image as shown under an orientation tag, by the words of the TIFF specification: where row 0 and column 0 are.
pub(crate) fn shown(stored: &Raster, orientation: Orientation) -> Raster {
    match orientation {
        Orientation::Normal => stored.clone(),
        Orientation::MirrorHorizontal => turned(stored, true, 0),
        Orientation::Rotate180 => turned(stored, false, 2),
        Orientation::MirrorVertical => turned(stored, true, 2),
        Orientation::Transpose => map_pixels(stored, stored.size().transposed(), |x, y| (y, x)),
        Orientation::Rotate90 => turned(stored, false, 1),
        Orientation::Transverse => turned(&shown(stored, Orientation::Transpose), false, 2),
        Orientation::Rotate270 => turned(stored, false, 3),
    }
}

/// Resampling as the textbook has it, in f64, whole: each pixel of the result is the weighted mean of the source around its
/// centre; weights outside the image are left out.
pub(crate) fn lanczos3(image: &Raster, window: (f64, f64, f64, f64), size: Dimensions) -> Raster {
    let samples = image.format().samples();
    let (left, top, width, height) = window;
    let columns = weights(left, width, size.width_px, image.width_px());
    let rows = weights(top, height, size.height_px, image.height_px());
    let mut data = Vec::new();
    for (first_row, row_weights) in &rows {
        for (first_column, column_weights) in &columns {
            for sample in 0..samples {
                let mut sum = 0.0;
                for (row, row_weight) in (*first_row..).zip(row_weights) {
                    for (column, column_weight) in (*first_column..).zip(column_weights) {
                        sum +=
                            f64::from(image.row(row)[column as usize * samples + sample]) * row_weight * column_weight;
                    }
                }
                data.push(sum.round().clamp(0.0, 255.0) as u8);
            }
        }
    }
    Raster::from_vec(size, image.format(), data)
}

fn weights(start: f64, length: f64, out: u32, image: u32) -> Vec<(u32, Vec<f64>)> {
    let ratio = length / f64::from(out);
    let scale = ratio.max(1.0);
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI) };
    let kernel = |x: f64| if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 };
    (0..out)
        .map(|pixel| {
            let centre = start + (f64::from(pixel) + 0.5) * ratio;
            let first = (centre - 3.0 * scale).floor().max(0.0) as u32;
            let last = (centre + 3.0 * scale).ceil().min(f64::from(image)) as u32;
            let raw: Vec<f64> = (first..last).map(|at| kernel((f64::from(at) + 0.5 - centre) / scale)).collect();
            let sum: f64 = raw.iter().sum();
            (first, raw.into_iter().map(|weight| weight / sum).collect())
        })
        .collect()
}
