//! Rotation by any angle: the smallest upright picture that holds the turned one, with transparent corners.

use std::marker::PhantomData;

use recto_codec::{Control, PixelFormat, Raster};
use recto_iiif::Dimensions;

use crate::EngineError;
use crate::rows::{Rows, piece_rows};
use crate::turn::{Turn, TurnedRaster};

/// The size of the upright rectangle around `size` turned by `degrees`; broken pixels count as whole ones. Image API 3.0 §4.3.
pub(crate) fn bounding_box(size: Dimensions, degrees: f64) -> Dimensions {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (w, h) = (f64::from(size.width_px), f64::from(size.height_px));
    // What exceeds a whole pixel by less than this comes from rounding of sine and cosine.
    let whole = |side: f64| (side - 1e-6).ceil().max(1.0) as u32;
    Dimensions::new(whole(w * cos.abs() + h * sin.abs()), whole(w * sin.abs() + h * cos.abs()))
}

/// The format of rotated rows: with opacity.
pub(crate) const fn rotated(format: PixelFormat) -> PixelFormat {
    match format {
        PixelFormat::Gray8 | PixelFormat::GrayAlpha8 => PixelFormat::GrayAlpha8,
        PixelFormat::Gray16 | PixelFormat::GrayAlpha16 => PixelFormat::GrayAlpha16,
        PixelFormat::Rgb16 | PixelFormat::Rgba16 => PixelFormat::Rgba16,
        _ => PixelFormat::Rgba8,
    }
}

/// Rows of a picture turned clockwise; sampled by a Catmull-Rom spline, around which all is transparent.
pub(crate) struct Rotated<'a> {
    rows: Option<Box<dyn Rows + 'a>>,
    turn: Turn,
    control: Control,
    size: Dimensions,
    format: PixelFormat,
    sin: f64,
    cos: f64,
    /// Premultiplied.
    picture: Option<Raster>,
    next_row: u32,
}

impl<'a> Rotated<'a> {
    /// Turns by `turn` first, then by `degrees`.
    pub(crate) fn new(rows: Box<dyn Rows + 'a>, turn: Turn, degrees: f64, control: &Control) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Self {
            size: bounding_box(turn.size(rows.size()), degrees),
            format: rotated(rows.format()),
            rows: Some(rows),
            turn,
            control: control.clone(),
            sin,
            cos,
            picture: None,
            next_row: 0,
        }
    }

    fn read(&self, mut rows: Box<dyn Rows + 'a>) -> Result<Raster, EngineError> {
        let mut picture = TurnedRaster::new(rows.size(), self.format, self.turn);
        while let Some(strip) = rows.next_rows()? {
            picture.put(&premultiplied(&strip));
        }
        picture.finish()
    }

    fn sample_rows<const N: usize, S: Sample>(&self, picture: &Raster, rows: std::ops::Range<u32>) -> Vec<u8> {
        let source = Source::<N, S> { data: picture.data(), size: picture.size(), sample: PhantomData };
        let (w, h) = (f64::from(self.size.width_px), f64::from(self.size.height_px));
        let (cx, cy) = (f64::from(source.size.width_px) / 2.0, f64::from(source.size.height_px) / 2.0);
        let mut out = Vec::with_capacity(rows.len() * self.size.width_px as usize * N * S::BYTES);
        for y in rows {
            let dy = f64::from(y) + 0.5 - h / 2.0;
            for x in 0..self.size.width_px {
                let dx = f64::from(x) + 0.5 - w / 2.0;
                let at_x = dx * self.cos + dy * self.sin + cx - 0.5;
                let at_y = dy * self.cos - dx * self.sin + cy - 0.5;
                divided::<N, S>(source.sample(at_x, at_y), &mut out);
            }
        }
        out
    }
}

impl Rows for Rotated<'_> {
    fn size(&self) -> Dimensions {
        self.size
    }

    fn format(&self) -> PixelFormat {
        self.format
    }

    fn next_rows(&mut self) -> Result<Option<Raster>, EngineError> {
        if let Some(rows) = self.rows.take() {
            self.picture = Some(self.read(rows)?);
        }
        self.control.check()?;
        let Some(picture) = self.picture.as_ref().filter(|_| self.next_row < self.size.height_px) else {
            return Ok(None);
        };
        let row_bytes = u64::from(self.size.width_px) * self.format.bytes_per_pixel() as u64;
        let end = self.next_row.saturating_add(piece_rows(row_bytes).min(64)).min(self.size.height_px);
        let rows = self.next_row..end;
        let data = match self.format {
            PixelFormat::GrayAlpha8 => self.sample_rows::<2, u8>(picture, rows),
            PixelFormat::GrayAlpha16 => self.sample_rows::<2, u16>(picture, rows),
            PixelFormat::Rgba16 => self.sample_rows::<4, u16>(picture, rows),
            _ => self.sample_rows::<4, u8>(picture, rows),
        };
        let size = Dimensions::new(self.size.width_px, end - self.next_row);
        self.next_row = end;
        Ok(Some(Raster::from_vec(size, self.format, data)))
    }
}

/// With opacity, and samples multiplied by it.
fn premultiplied(rows: &Raster) -> Raster {
    let by = |sample: u8, alpha: u8| ((u32::from(sample) * u32::from(alpha) + 127) / 255) as u8;
    let data = match rows.format() {
        PixelFormat::Gray8 => rows.data().iter().flat_map(|gray| [*gray, 255]).collect(),
        PixelFormat::GrayAlpha8 => {
            rows.data().as_chunks::<2>().0.iter().flat_map(|[gray, alpha]| [by(*gray, *alpha), *alpha]).collect()
        }
        PixelFormat::Gray16 | PixelFormat::GrayAlpha16 | PixelFormat::Rgb16 | PixelFormat::Rgba16 => {
            premultiplied_wide(rows)
        }
        PixelFormat::Rgba8 => {
            let pixels = rows.data().as_chunks::<4>().0.iter();
            pixels.flat_map(|[r, g, b, a]| [by(*r, *a), by(*g, *a), by(*b, *a), *a]).collect()
        }
        _ => rows.data().as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect(),
    };
    Raster::from_vec(rows.size(), rotated(rows.format()), data)
}

fn premultiplied_wide(rows: &Raster) -> Vec<u8> {
    let format = rows.format();
    let colors = format.samples() - usize::from(format.has_alpha());
    let mut out = Vec::with_capacity(rows.data().len() / format.samples() * (colors + 1));
    for pixel in rows.data().as_chunks::<2>().0.chunks_exact(format.samples()) {
        let alpha = pixel.get(colors).map_or(u16::MAX, |alpha| u16::from_ne_bytes(*alpha));
        for sample in &pixel[..colors] {
            let by = (u64::from(u16::from_ne_bytes(*sample)) * u64::from(alpha) + 32_767) / 65_535;
            out.extend_from_slice(&(by as u16).to_ne_bytes());
        }
        out.extend_from_slice(&alpha.to_ne_bytes());
    }
    out
}

/// A sample of 8 or 16 bits.
trait Sample {
    const BYTES: usize;
    const FULL: f64;
    /// The sample at this index.
    fn read(data: &[u8], index: usize) -> f64;
    fn write(value: f64, out: &mut Vec<u8>);
}

impl Sample for u8 {
    const BYTES: usize = 1;
    const FULL: f64 = 255.0;

    fn read(data: &[u8], index: usize) -> f64 {
        f64::from(data[index])
    }

    fn write(value: f64, out: &mut Vec<u8>) {
        out.push(value.round() as u8);
    }
}

impl Sample for u16 {
    const BYTES: usize = 2;
    const FULL: f64 = 65_535.0;

    fn read(data: &[u8], index: usize) -> f64 {
        f64::from(u16::from_ne_bytes([data[index * 2], data[index * 2 + 1]]))
    }

    fn write(value: f64, out: &mut Vec<u8>) {
        out.extend_from_slice(&(value.round() as u16).to_ne_bytes());
    }
}

/// The samples divided by the opacity, which is the last.
fn divided<const N: usize, S: Sample>(pixel: [f64; N], out: &mut Vec<u8>) {
    let alpha = pixel[N - 1].clamp(0.0, S::FULL);
    let visible = alpha >= 0.5;
    for color in &pixel[..N - 1] {
        S::write(if visible { (color * S::FULL / alpha).clamp(0.0, S::FULL) } else { 0.0 }, out);
    }
    S::write(if visible { alpha } else { 0.0 }, out);
}

struct Source<'a, const N: usize, S> {
    data: &'a [u8],
    size: Dimensions,
    sample: PhantomData<S>,
}

impl<const N: usize, S: Sample> Source<'_, N, S> {
    /// The picture between its pixels' centres.
    fn sample(&self, x: f64, y: f64) -> [f64; N] {
        let mut sum = [0.0; N];
        let (w, h) = (i64::from(self.size.width_px), i64::from(self.size.height_px));
        let (left, top) = (x.floor() as i64 - 1, y.floor() as i64 - 1);
        if left >= w || top >= h || left + 4 <= 0 || top + 4 <= 0 {
            return sum;
        }
        let (weights_x, weights_y) = (catmull_rom(x - x.floor()), catmull_rom(y - y.floor()));
        for (row, weight_y) in (top..).zip(weights_y) {
            if !(0..h).contains(&row) {
                continue;
            }
            for (column, weight_x) in (left..).zip(weights_x) {
                if !(0..w).contains(&column) {
                    continue;
                }
                let pixel = (row * w + column) as usize * N;
                for (at, to) in sum.iter_mut().enumerate() {
                    *to += S::read(self.data, pixel + at) * weight_x * weight_y;
                }
            }
        }
        sum
    }
}

/// Weights of the four pixels around a position `t` behind the second.
fn catmull_rom(t: f64) -> [f64; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [-0.5 * t + t2 - 0.5 * t3, 1.0 - 2.5 * t2 + 1.5 * t3, 0.5 * t + 2.0 * t2 - 1.5 * t3, -0.5 * t2 + 0.5 * t3]
}
