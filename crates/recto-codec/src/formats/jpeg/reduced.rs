//! Pictures at 1/8 and 1/4 straight from coefficients, sample for sample what libjpeg gives.
//!
//! At 1/8 a block of 8 × 8 becomes one sample, its mean; at 1/4 it becomes 2 × 2, the means of its quarters. libjpeg computes both
//! as inverse transforms over fewer points, with integers of fixed scale; so is it done here. Components that are stored at half
//! the resolution are transformed to twice as many points instead of being enlarged, where that fits in both directions.

use std::sync::Arc;

use recto_iiif::{Dimensions, Rect};

use super::coding::{Coding, StoredColor};
use super::stream::unsupported;
use crate::{ByteRange, Control, DecodeError, DecodedGeometry, PixelFormat, RandomAccess, Raster, RowSource};

/// Binary places of the constants below.
const CONST_BITS: u32 = 13;
/// Binary places that are kept between columns and rows.
const PASS1_BITS: u32 = 2;

const fn fix(constant: f64) -> i32 {
    (constant * (1 << CONST_BITS) as f64 + 0.5) as i32
}

/// Divides by a power of two, to the nearest.
const fn descale(value: i32, bits: u32) -> i32 {
    value.wrapping_add(1 << (bits - 1)) >> bits
}

/// Coefficient `row, column` with its quantisation undone.
#[inline]
fn at(block: &[i16; 64], quant: &[i32; 64], row: usize, column: usize) -> i32 {
    i32::from(block[(row * 8 + column) & 63]).wrapping_mul(quant[(row * 8 + column) & 63])
}

/// A transformed value as a sample.
#[inline]
fn sample(value: i32) -> u8 {
    (value + 128).clamp(0, 255) as u8
}

/// The mean of a block, from its first coefficient.
#[inline]
pub(super) fn one(dc: i32, quant: i32) -> u8 {
    sample(descale(dc.wrapping_mul(quant), 3))
}

fn sum(terms: [(i32, i32); 4]) -> i32 {
    terms.iter().fold(0_i32, |sum, (value, constant)| sum.wrapping_add(value.wrapping_mul(*constant)))
}

/// What four odd coefficients of a row or column add to the first of two points.
#[inline]
fn odd_of_two(first: i32, third: i32, fifth: i32, seventh: i32) -> i32 {
    sum([
        (first, fix(3.624_509_785)),
        (third, -fix(1.272_758_580)),
        (fifth, fix(0.850_430_095)),
        (seventh, -fix(0.720_959_822)),
    ])
}

/// The first coefficient of a column that count for two points: those of even number vanish.
const ODD_ROWS: u64 = 1 << 8 | 1 << 24 | 1 << 40 | 1 << 56;
/// All coefficients but the first that count for 2 × 2 points.
const OF_TWO: u64 = ((ODD_ROWS | 1) * (1 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 7)) & !1;

/// A block as 2 × 2 samples. `written` is the set of coefficients that are not 0, the first left aside.
#[inline]
fn two_by_two(block: &[i16; 64], quant: &[i32; 64], written: u64) -> [u8; 4] {
    let column = |column: usize| {
        let first = at(block, quant, 0, column);
        if written & ODD_ROWS << column == 0 {
            return [first << PASS1_BITS; 2];
        }
        let even = first.wrapping_shl(CONST_BITS + 2);
        let coefficient = |row| at(block, quant, row, column);
        let odd = odd_of_two(coefficient(1), coefficient(3), coefficient(5), coefficient(7));
        let bits = CONST_BITS - PASS1_BITS + 2;
        [descale(even.wrapping_add(odd), bits), descale(even.wrapping_sub(odd), bits)]
    };
    let any = |place: usize| written & (ODD_ROWS | 1) << place != 0;
    let even = column(0).map(|value| value.wrapping_shl(CONST_BITS + 2));
    let mut odd = [0_i32; 2];
    for (place, constant) in
        [(1, fix(3.624_509_785)), (3, -fix(1.272_758_580)), (5, fix(0.850_430_095)), (7, -fix(0.720_959_822))]
    {
        if any(place) {
            let [upper, lower] = column(place);
            odd[0] = odd[0].wrapping_add(upper.wrapping_mul(constant));
            odd[1] = odd[1].wrapping_add(lower.wrapping_mul(constant));
        }
    }
    let bits = CONST_BITS + PASS1_BITS + 3 + 2;
    let pair = |even: i32, odd: i32| {
        [sample(descale(even.wrapping_add(odd), bits)), sample(descale(even.wrapping_sub(odd), bits))]
    };
    let ([a, b], [c, d]) = (pair(even[0], odd[0]), pair(even[1], odd[1]));
    [a, b, c, d]
}

/// Four points from the coefficients of a row or column, times `2 ** (CONST_BITS + 1)`.
#[inline]
fn four(c: [i32; 8]) -> [i32; 4] {
    let even = c[0].wrapping_shl(CONST_BITS + 1);
    let half = c[2].wrapping_mul(fix(1.847_759_065)).wrapping_add(c[6].wrapping_mul(-fix(0.765_366_865)));
    let (outer, inner) = (even.wrapping_add(half), even.wrapping_sub(half));
    let near = sum([
        (c[7], -fix(0.211_164_243)),
        (c[5], fix(1.451_774_981)),
        (c[3], -fix(2.172_734_803)),
        (c[1], fix(1.061_594_337)),
    ]);
    let far = sum([
        (c[7], -fix(0.509_795_579)),
        (c[5], -fix(0.601_344_887)),
        (c[3], fix(0.899_976_223)),
        (c[1], fix(2.562_915_447)),
    ]);
    [outer.wrapping_add(far), inner.wrapping_add(near), inner.wrapping_sub(near), outer.wrapping_sub(far)]
}

/// A block as 4 × 4 samples.
#[inline]
pub(super) fn four_by_four(block: &[i16; 64], quant: &[i32; 64], columns: u8) -> [u8; 16] {
    let mut middle = [[0_i32; 8]; 4];
    for column in [0, 1, 2, 3, 5, 6, 7] {
        if columns & 1 << column == 0 {
            let first = at(block, quant, 0, column) << PASS1_BITS;
            middle.iter_mut().for_each(|row| row[column] = first);
            continue;
        }
        let points = four(std::array::from_fn(|row| at(block, quant, row, column)));
        for (row, point) in middle.iter_mut().zip(points) {
            row[column] = descale(point, CONST_BITS - PASS1_BITS + 1);
        }
    }
    let mut out = [0; 16];
    for (row, out) in middle.into_iter().zip(out.as_chunks_mut::<4>().0) {
        *out = four(row).map(|point| sample(descale(point, CONST_BITS + PASS1_BITS + 3 + 1)));
    }
    out
}

/// Luma and chroma to red, green and blue, by tables as libjpeg has them.
struct YcbCr {
    red: [i16; 256],
    blue: [i16; 256],
    green_red: [i32; 256],
    green_blue: [i32; 256],
}

static YCBCR: YcbCr = YcbCr::new();

impl YcbCr {
    const fn new() -> Self {
        const fn fix16(constant: f64) -> i32 {
            (constant * 65536.0 + 0.5) as i32
        }
        let mut new = Self { red: [0; 256], blue: [0; 256], green_red: [0; 256], green_blue: [0; 256] };
        let mut i = 0;
        while i < 256 {
            let x = i as i32 - 128;
            new.red[i] = ((fix16(1.402) * x + 32768) >> 16) as i16;
            new.blue[i] = ((fix16(1.772) * x + 32768) >> 16) as i16;
            new.green_red[i] = -fix16(0.714_14) * x;
            new.green_blue[i] = -fix16(0.344_14) * x + 32768;
            i += 1;
        }
        new
    }

    #[inline]
    fn convert(&self, y: u8, cb: u8, cr: u8) -> [u8; 3] {
        let (y, cb, cr) = (i32::from(y), usize::from(cb), usize::from(cr));
        [
            (y + i32::from(self.red[cr])).clamp(0, 255) as u8,
            (y + ((self.green_blue[cb] + self.green_red[cr]) >> 16)).clamp(0, 255) as u8,
            (y + i32::from(self.blue[cb])).clamp(0, 255) as u8,
        ]
    }
}

/// A reduction, ready to be cut into regions.
pub(super) struct Picture {
    size: Dimensions,
    format: PixelFormat,
    data: Data,
}

/// Where the samples of a picture are.
enum Data {
    Held(Vec<u8>),
    /// Behind so many bytes.
    Shelved(Arc<dyn RandomAccess>, u64),
}

impl Picture {
    /// `data` must be as long as size and format say; else `None`.
    pub(super) fn new(size: Dimensions, format: PixelFormat, data: Vec<u8>) -> Option<Self> {
        let bytes = size.area_px().checked_mul(format.bytes_per_pixel() as u64)?;
        (data.len() as u64 == bytes).then_some(Self { size, format, data: Data::Held(data) })
    }

    /// A picture that lies in `part` behind `offset` bytes; `None` where that is not as long.
    pub(super) fn shelved(
        size: Dimensions,
        format: PixelFormat,
        part: Arc<dyn RandomAccess>,
        offset: u64,
    ) -> Option<Self> {
        let bytes = size.area_px().checked_mul(format.bytes_per_pixel() as u64)?;
        (part.len().checked_sub(offset) == Some(bytes)).then_some(Self {
            size,
            format,
            data: Data::Shelved(part, offset),
        })
    }

    pub(super) fn size(&self) -> Dimensions {
        self.size
    }

    /// Its samples, where they are in memory.
    pub(super) fn data(&self) -> &[u8] {
        match &self.data {
            Data::Held(data) => data,
            Data::Shelved(..) => &[],
        }
    }

    /// Rows of a part.
    fn rows(&self, rect: Rect) -> Result<Vec<u8>, DecodeError> {
        let pixel = self.format.bytes_per_pixel() as u64;
        let (stride, length) = (u64::from(self.size.width_px) * pixel, u64::from(rect.w) * pixel);
        let start = |y: u32| u64::from(y) * stride + u64::from(rect.x) * pixel;
        let rows = rect.y..rect.y + rect.h;
        match &self.data {
            Data::Held(data) => {
                let mut part = Vec::with_capacity((length * u64::from(rect.h)) as usize);
                for y in rows {
                    let row = data.get(start(y) as usize..).and_then(|rest| rest.get(..length as usize));
                    part.extend_from_slice(row.ok_or_else(|| unsupported("a region outside of it".to_owned()))?);
                }
                Ok(part)
            }
            Data::Shelved(part, offset) => {
                let ranges = rows.map(|y| ByteRange::new(offset + start(y), length)).collect::<Vec<_>>();
                Ok(part.read_ranges(&ranges)?.concat())
            }
        }
    }
}

/// Rows of a part of a picture.
pub(super) struct PictureRows {
    picture: Arc<Picture>,
    geometry: DecodedGeometry,
    rows_at_once: u32,
    given: u32,
    control: Control,
}

impl PictureRows {
    /// `rect` of the picture, which is the image at 1/`denominator`.
    pub(super) fn new(
        picture: Arc<Picture>,
        rect: Rect,
        denominator: u32,
        rows_at_once: u32,
        control: &Control,
    ) -> Self {
        let geometry = DecodedGeometry { format: picture.format, denominator, rect };
        Self { picture, geometry, rows_at_once: rows_at_once.max(1), given: 0, control: control.clone() }
    }
}

impl RowSource for PictureRows {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let rect = self.geometry.rect;
        let rows = self.rows_at_once.min(rect.h - self.given);
        if rows == 0 {
            return Ok(None);
        }
        let data = self.picture.rows(Rect::new(rect.x, rect.y + self.given, rect.w, rows))?;
        self.given += rows;
        Ok(Some(Raster::from_vec(Dimensions::new(rect.w, rows), self.picture.format, data)))
    }
}

/// How one component comes into a reduction.
#[derive(Clone, Copy, Debug)]
struct PlanePlan {
    /// Samples that each block gives, across and down: 1, 2 or 4.
    side: u32,
    /// By how much they are repeated.
    repeat: (u32, u32),
    /// Blocks of an MCU.
    h: u32,
    v: u32,
}

/// One component of the band of one MCU row.
struct Plane {
    plan: PlanePlan,
    stride: usize,
    samples: Vec<u8>,
}

/// Collects blocks of one MCU row after the other, and makes a picture of them.
pub(super) struct Reducer {
    color: StoredColor,
    inverted: bool,
    planes: Vec<Plane>,
    size: Dimensions,
    format: PixelFormat,
    /// Rows of the picture that an MCU row gives.
    band_rows: u32,
    data: Vec<u8>,
}

impl Reducer {
    /// Bytes of the picture, and of the samples of one MCU row.
    pub(super) fn bytes(coding: &Coding, denominator: u32) -> u64 {
        let size = coding.size.reduced(denominator);
        let samples = coding.components.len() as u64;
        (size.area_px() + u64::from(size.width_px + 64) * u64::from(coding.mcu.height_px / denominator)) * samples
    }

    /// True when a reduction by 8 or 4 gives what libjpeg does; not so for smooth enlarging, and rare colours.
    pub(super) fn suits(coding: &Coding, denominator: u32) -> bool {
        plane_plans(coding, denominator).is_some() && Self::shape(coding, denominator).is_some()
    }

    /// Size and format of the picture.
    pub(super) fn shape(coding: &Coding, denominator: u32) -> Option<(Dimensions, PixelFormat)> {
        let format = match coding.color {
            StoredColor::Gray => PixelFormat::Gray8,
            StoredColor::YcbCr | StoredColor::Rgb => PixelFormat::Rgb8,
            StoredColor::Cmyk => PixelFormat::Cmyk8,
            StoredColor::Ycck => return None,
        };
        Some((coding.size.reduced(denominator), format))
    }

    /// For a reduction that suits.
    pub(super) fn new(coding: &Coding, denominator: u32) -> Option<Self> {
        let plans = plane_plans(coding, denominator)?;
        let (size, format) = Self::shape(coding, denominator)?;
        let planes = plans.into_iter().map(|plan| {
            let stride = (coding.columns * plan.h * plan.side) as usize;
            Plane { plan, stride, samples: vec![0; stride * (plan.v * plan.side) as usize] }
        });
        Some(Self {
            color: coding.color,
            inverted: coding.color == StoredColor::Cmyk && coding.adobe().is_some(),
            planes: planes.collect(),
            size,
            format,
            band_rows: coding.mcu.height_px / denominator,
            data: Vec::with_capacity(size.area_px() as usize * format.bytes_per_pixel()),
        })
    }

    /// True when a component's blocks are needed with all their coefficients.
    pub(super) fn needs_coefficients(&self, component: usize) -> bool {
        self.planes.get(component).is_some_and(|plane| plane.plan.side > 1)
    }

    /// A block of the current MCU row: block `x` across the picture, `y` down the MCU. `written` is the set of coefficients that
    /// are not 0; the first is in `block` only where the coefficients are needed.
    #[inline]
    pub(super) fn put(
        &mut self,
        component: usize,
        (x, y): (u32, u32),
        dc: i32,
        block: &[i16; 64],
        written: u64,
        quant: &[i32; 64],
    ) {
        let Some(plane) = self.planes.get_mut(component) else { return };
        let side = plane.plan.side;
        let start = (y * side) as usize * plane.stride + (x * side) as usize;
        let stride = plane.stride;
        let Some(samples) = plane.samples.get_mut(start..) else { return };
        // Without other coefficients all samples are the mean; rounding in two steps gives the same as in one.
        match side {
            1 => put_block::<1, 1>(samples, stride, &[one(dc, quant[0])]),
            2 if written & OF_TWO == 0 => put_block::<2, 4>(samples, stride, &[one(dc, quant[0]); 4]),
            2 => put_block::<2, 4>(samples, stride, &two_by_two(block, quant, written)),
            _ if written == 0 => put_block::<4, 16>(samples, stride, &[one(dc, quant[0]); 16]),
            _ => put_block::<4, 16>(samples, stride, &four_by_four(block, quant, columns(written))),
        }
    }

    /// All blocks of an MCU row were put: its rows are made.
    pub(super) fn end_row(&mut self) {
        let pixel = self.format.bytes_per_pixel();
        let width = self.size.width_px as usize;
        let done = self.data.len() / (width * pixel).max(1);
        let rows = (self.size.height_px as usize - done).min(self.band_rows as usize);
        let mut wide: [Vec<u8>; 4] = Default::default();
        for y in 0..rows {
            let mut lines: [&[u8]; 4] = [&[]; 4];
            for ((line, wide), plane) in lines.iter_mut().zip(&mut wide).zip(&self.planes) {
                let (across, down) = plane.plan.repeat;
                let row = plane.samples.get((y / down as usize) * plane.stride..).unwrap_or_default();
                let row = row.get(..plane.stride).unwrap_or_default();
                *line = if across == 1 {
                    row
                } else {
                    wide.clear();
                    wide.extend(row.iter().flat_map(|sample| std::iter::repeat_n(*sample, across as usize)));
                    wide
                };
            }
            let lines = lines.map(|line| line.get(..width).unwrap_or_default());
            put_row(self.color, self.inverted, lines, &mut self.data);
        }
    }

    /// The picture, once all rows were ended.
    pub(super) fn finish(self) -> Option<Picture> {
        Picture::new(self.size, self.format, self.data)
    }
}

/// Lays down `N` × `N` samples.
#[inline]
fn put_block<const N: usize, const M: usize>(samples: &mut [u8], stride: usize, block: &[u8; M]) {
    for (row, block) in block.as_chunks::<N>().0.iter().enumerate() {
        if let Some(to) = samples.get_mut(row * stride..).and_then(|rest| rest.first_chunk_mut::<N>()) {
            *to = *block;
        }
    }
}

fn put_row(color: StoredColor, inverted: bool, [a, b, c, d]: [&[u8]; 4], out: &mut Vec<u8>) {
    match color {
        StoredColor::Gray => out.extend_from_slice(a),
        StoredColor::YcbCr | StoredColor::Rgb => {
            let start = out.len();
            out.resize(start + a.len() * 3, 0);
            let pixels = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<3>().0;
            let samples = a.iter().zip(b).zip(c);
            for (pixel, ((a, b), c)) in pixels.iter_mut().zip(samples) {
                *pixel = if color == StoredColor::YcbCr { YCBCR.convert(*a, *b, *c) } else { [*a, *b, *c] };
            }
        }
        StoredColor::Cmyk | StoredColor::Ycck => {
            let flip = if inverted { 255 } else { 0 };
            let inks = a.iter().zip(b).zip(c).zip(d);
            out.extend(inks.flat_map(|(((c, m), y), k)| [c ^ flip, m ^ flip, y ^ flip, k ^ flip]));
        }
    }
}

/// The columns of a set of coefficients that have anything below their first row.
#[inline]
fn columns(written: u64) -> u8 {
    let mut below = written >> 8;
    below |= below >> 32;
    below |= below >> 16;
    below |= below >> 8;
    below as u8
}

/// How libjpeg reduces each component; `None` where that needs more than repeated samples.
fn plane_plans(coding: &Coding, denominator: u32) -> Option<Vec<PlanePlan>> {
    let (max_h, max_v) = (coding.mcu.width_px / 8, coding.mcu.height_px / 8);
    let smallest = 8_u32.checked_div(denominator)?;
    coding
        .components
        .iter()
        .map(|component| {
            let mut side = smallest;
            // Doubled as long as it does not give more samples than the picture has.
            while side < 8
                && (max_h * smallest).is_multiple_of(component.h * side * 2)
                && (max_v * smallest).is_multiple_of(component.v * side * 2)
            {
                side *= 2;
            }
            let (across, down) = (max_h * smallest, max_v * smallest);
            let (own_across, own_down) = (component.h * side, component.v * side);
            let whole = across.is_multiple_of(own_across) && down.is_multiple_of(own_down);
            let repeat = (across / own_across, down / own_down);
            // Larger reductions than to one sample are enlarged smoothly.
            let plain = smallest == 1 || repeat == (1, 1);
            (whole && plain && side <= 4).then_some(PlanePlan { side, repeat, h: component.h, v: component.v })
        })
        .collect()
}
