//! Rows of stored samples become rows of pixels: depth, photometric interpretation, alpha.

use super::directory::{Compression, SampleKind};
use super::ifd::Values;
use super::{corrupt, tag, unsupported};
use crate::{ColorModel, DecodeError, PixelFormat};

/// How the samples of a row lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) bits: u8,
    pub(super) kind: SampleKind,
    /// Samples of a pixel that lie together; 1 when each plane is a row of its own.
    pub(super) samples: usize,
}

/// What the samples of a directory mean.
#[derive(Debug)]
pub(super) struct Interpretation {
    color: Color,
    /// Colours were multiplied by alpha.
    associated: bool,
    /// Samples of a pixel that are shown, alpha included; the others are passed over.
    pub(super) used: usize,
    pub(super) format: PixelFormat,
    pub(super) model: ColorModel,
}

#[derive(Debug)]
enum Color {
    Gray {
        inverted: bool,
    },
    Palette(Vec<[u8; 3]>),
    Rgb,
    Cmyk,
    Ycbcr(Box<Ycbcr>),
    /// a* and b* are signed.
    CieLab,
    /// a* and b* have an offset.
    IccLab,
}

impl Interpretation {
    pub(super) fn new(
        values: &Values,
        photometric: u64,
        bits: u8,
        samples: u16,
        compression: Compression,
        planar: bool,
    ) -> Result<Self, DecodeError> {
        let deep = bits > 8;
        let (color, colors, model) = match photometric {
            0 | 1 | 4 if bits == 1 && samples == 1 => {
                (Color::Gray { inverted: photometric == 0 }, 1, ColorModel::Bitonal)
            }
            0 | 1 | 4 => (Color::Gray { inverted: photometric == 0 }, 1, ColorModel::Gray),
            2 => (Color::Rgb, 3, ColorModel::Rgb),
            3 => (Color::Palette(palette(values, bits)?), 1, ColorModel::Rgb),
            5 => (Color::Cmyk, 4, ColorModel::Cmyk),
            6 if compression.is_image() && samples < 3 => (Color::Gray { inverted: false }, 1, ColorModel::Gray),
            6 if compression.is_image() => (Color::Rgb, 3, ColorModel::Rgb),
            6 => (Color::Ycbcr(Box::new(Ycbcr::new(values, bits, samples, planar)?)), 3, ColorModel::Rgb),
            8 => (Color::CieLab, 3, ColorModel::Lab),
            9 => (Color::IccLab, 3, ColorModel::Lab),
            32803 => return Err(unsupported("raw sensor data (photometric 32803)")),
            other => return Err(unsupported(format!("photometric interpretation {other}"))),
        };
        if usize::from(samples) < colors {
            return Err(corrupt(format!("photometric interpretation {photometric} with {samples} samples per pixel")));
        }
        let alpha = match values.number(tag::EXTRA_SAMPLES) {
            Some(kind @ (1 | 2))
                if usize::from(samples) > colors && matches!(color, Color::Gray { .. } | Color::Rgb) =>
            {
                Some(kind)
            }
            _ => None,
        };
        let format = match (&color, alpha.is_some(), deep) {
            (Color::Gray { .. }, false, false) => PixelFormat::Gray8,
            (Color::Gray { .. }, true, false) => PixelFormat::GrayAlpha8,
            (Color::Gray { .. }, false, true) => PixelFormat::Gray16,
            (Color::Gray { .. }, true, true) => PixelFormat::GrayAlpha16,
            (Color::Rgb, true, false) => PixelFormat::Rgba8,
            (Color::Rgb, false, true) => PixelFormat::Rgb16,
            (Color::Rgb, true, true) => PixelFormat::Rgba16,
            (Color::Rgb | Color::Palette(_) | Color::Ycbcr(_), ..) => PixelFormat::Rgb8,
            (Color::Cmyk, _, false) => PixelFormat::Cmyk8,
            (Color::Cmyk, _, true) => PixelFormat::Cmyk16,
            (Color::CieLab | Color::IccLab, _, false) => PixelFormat::Lab8,
            (Color::CieLab | Color::IccLab, _, true) => PixelFormat::Lab16,
        };
        let used = colors + usize::from(alpha.is_some());
        Ok(Self { color, associated: alpha == Some(1), used, format, model })
    }

    /// Rows and columns that share chroma samples, when those lie in units of their own.
    pub(super) fn subsampling(&self) -> Option<(usize, usize)> {
        match &self.color {
            Color::Ycbcr(ycbcr) if ycbcr.subsampling != (1, 1) => Some(ycbcr.subsampling),
            _ => None,
        }
    }

    /// Converts the pixels from column `x` on, as many as fit into `out`. `planes` are rows of samples in the machine's byte
    /// order: one with all samples, or one per sample.
    pub(super) fn convert(&self, shape: Shape, planes: &[&[u8]], x: usize, out: &mut [u8], scratch: &mut Vec<u8>) {
        let count = out.len() / self.format.bytes_per_pixel();
        let lab = matches!(self.color, Color::CieLab | Color::IccLab);
        let samples = gather(shape, planes, x, count, self.used, lab, scratch);
        match &self.color {
            Color::Palette(palette) => {
                for (pixel, index) in out.as_chunks_mut::<3>().0.iter_mut().zip(samples) {
                    *pixel = palette.get(usize::from(*index)).copied().unwrap_or([0; 3]);
                }
                return;
            }
            Color::Ycbcr(ycbcr) => {
                for (pixel, [y, cb, cr]) in out.as_chunks_mut::<3>().0.iter_mut().zip(samples.as_chunks::<3>().0) {
                    *pixel = ycbcr.rgb(*y, *cb, *cr);
                }
                return;
            }
            _ => out.copy_from_slice(samples),
        }
        if shape.bits < 8 {
            let most = (1_u32 << shape.bits) - 1;
            let table: [u8; 256] = std::array::from_fn(|value| ((value as u32).min(most) * 255 / most) as u8);
            out.iter_mut().for_each(|sample| *sample = table[usize::from(*sample)]);
        }
        match self.color {
            Color::Gray { inverted: true } => self.invert_first(out),
            Color::CieLab if shape.kind != SampleKind::Float => self.offset_chroma(out),
            Color::IccLab if self.format == PixelFormat::Lab16 => stretch_lightness(out),
            _ => {}
        }
        if self.associated {
            self.unpremultiply(out);
        }
    }

    /// Converts row `row` of a group of rows that share chroma samples.
    pub(super) fn convert_subsampled(&self, group: &[u8], row: usize, x: usize, out: &mut [u8]) {
        let Color::Ycbcr(ycbcr) = &self.color else { return };
        let (across, down) = ycbcr.subsampling;
        let lumas = across * down;
        for (i, pixel) in out.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let x = x + i;
            let unit = &group[x / across * (lumas + 2)..][..lumas + 2];
            *pixel = ycbcr.rgb(unit[row * across + x % across], unit[lumas], unit[lumas + 1]);
        }
    }

    /// Inverts the first sample of each pixel.
    fn invert_first(&self, out: &mut [u8]) {
        let bytes = self.format.bytes_per_sample();
        for pixel in out.chunks_exact_mut(self.format.bytes_per_pixel()) {
            pixel[..bytes].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }

    /// Signed a* and b* become unsigned with an offset.
    fn offset_chroma(&self, out: &mut [u8]) {
        if self.format == PixelFormat::Lab8 {
            for [_, a, b] in out.as_chunks_mut::<3>().0 {
                *a ^= 0x80;
                *b ^= 0x80;
            }
        } else {
            let top = usize::from(cfg!(target_endian = "little"));
            for pixel in out.as_chunks_mut::<6>().0 {
                pixel[2 + top] ^= 0x80;
                pixel[4 + top] ^= 0x80;
            }
        }
    }

    fn unpremultiply(&self, out: &mut [u8]) {
        let samples = self.format.samples();
        if self.format.bytes_per_sample() == 1 {
            for pixel in out.chunks_exact_mut(samples) {
                let alpha = u32::from(pixel[samples - 1]);
                if alpha != 255 {
                    for color in &mut pixel[..samples - 1] {
                        *color = (u32::from(*color) * 255 + alpha / 2).checked_div(alpha).unwrap_or(0).min(255) as u8;
                    }
                }
            }
        } else {
            for pixel in out.as_chunks_mut::<2>().0.chunks_exact_mut(samples) {
                let alpha = u64::from(u16::from_ne_bytes(pixel[samples - 1]));
                for color in &mut pixel[..samples - 1] {
                    let value = u64::from(u16::from_ne_bytes(*color));
                    let value = (value * 65_535 + alpha / 2).checked_div(alpha).unwrap_or(0).min(65_535);
                    *color = (value as u16).to_ne_bytes();
                }
            }
        }
    }
}

/// The first `used` samples of each of `count` pixels from column `x` on, side by side: one byte each up to 8 bits (their
/// values as stored), else two (their values scaled to 16 bits).
fn gather<'a>(
    shape: Shape,
    planes: &[&'a [u8]],
    x: usize,
    count: usize,
    used: usize,
    lab: bool,
    scratch: &'a mut Vec<u8>,
) -> &'a [u8] {
    let plain = shape.kind == SampleKind::Unsigned || lab;
    if let (8 | 16, [row], true) = (shape.bits, planes, plain && shape.samples == used) {
        let bytes = used * usize::from(shape.bits / 8);
        return &row[x * bytes..(x + count) * bytes];
    }
    scratch.clear();
    // Where sample `sample` of pixel `x + i` lies: in which row, and at which place in it.
    let together = planes.len() == 1;
    let place = |i: usize, sample: usize| {
        if together { (planes[0], (x + i) * shape.samples + sample) } else { (planes[sample], x + i) }
    };
    for i in 0..count {
        for sample in 0..used {
            let (row, index) = place(i, sample);
            match shape.bits {
                8 => scratch.push(if plain { row[index] } else { row[index] ^ 0x80 }),
                16 => {
                    let value = u16::from_ne_bytes([row[index * 2], row[index * 2 + 1]]);
                    let value = if plain { value } else { value ^ 0x8000 };
                    scratch.extend_from_slice(&value.to_ne_bytes());
                }
                32 => {
                    let value: [u8; 4] = std::array::from_fn(|byte| row[index * 4 + byte]);
                    scratch.extend_from_slice(&from_32_bits(value, shape.kind, lab, sample).to_ne_bytes());
                }
                1..8 => scratch.push(packed(row, index, shape.bits) as u8),
                bits => {
                    let most = (1_u32 << bits) - 1;
                    let value = (packed(row, index, bits) * 65_535 + most / 2) / most;
                    scratch.extend_from_slice(&(value as u16).to_ne_bytes());
                }
            }
        }
    }
    scratch
}

/// Sample number `index` of a row of samples of `bits` bits without gaps, most significant bit first.
fn packed(row: &[u8], index: usize, bits: u8) -> u32 {
    let bit = index * usize::from(bits);
    let byte = |at: usize| u32::from(row.get(at).copied().unwrap_or(0));
    let window = byte(bit / 8) << 16 | byte(bit / 8 + 1) << 8 | byte(bit / 8 + 2);
    (window >> (24 - bit % 8 - usize::from(bits))) & ((1 << bits) - 1)
}

/// A sample of 32 bits with 16. Floating point counts from 0 to 1, in CIELAB as L*, a* and b* themselves.
fn from_32_bits(value: [u8; 4], kind: SampleKind, lab: bool, sample: usize) -> u16 {
    match kind {
        SampleKind::Unsigned => (u32::from_ne_bytes(value) >> 16) as u16,
        SampleKind::Signed => ((u32::from_ne_bytes(value) ^ 0x8000_0000) >> 16) as u16,
        SampleKind::Float => {
            let value = f64::from(f32::from_ne_bytes(value));
            let scaled = match (lab, sample) {
                (false, _) => value * 65_535.0,
                (true, 0) => value * 655.35,
                (true, _) => (value + 128.0) * 256.0,
            };
            scaled.round().clamp(0.0, 65_535.0) as u16
        }
    }
}

/// 16-bit L* of ICC version 2 ends at 0xff00.
fn stretch_lightness(out: &mut [u8]) {
    for pixel in out.as_chunks_mut::<6>().0 {
        let lightness = u32::from(u16::from_ne_bytes([pixel[0], pixel[1]]));
        let [a, b] = ((lightness * 65_535 / 65_280).min(65_535) as u16).to_ne_bytes();
        (pixel[0], pixel[1]) = (a, b);
    }
}

/// The colours of a palette; entries have 16 bits, in files of careless writers 8.
fn palette(values: &Values, bits: u8) -> Result<Vec<[u8; 3]>, DecodeError> {
    if bits > 8 {
        return Err(unsupported(format!("a palette of {bits} bits")));
    }
    let colors = 1 << bits;
    let numbers: Vec<u64> = values.numbers(tag::COLOR_MAP).into_iter().flatten().take(3 * colors).collect();
    if numbers.len() < 3 * colors {
        return Err(corrupt("its palette is missing or too short"));
    }
    let shift = if numbers.iter().all(|number| *number < 256) { 0 } else { 8 };
    let at = |index: usize| (numbers[index] >> shift) as u8;
    Ok((0..colors).map(|color| [at(color), at(colors + color), at(2 * colors + color)]).collect())
}

/// Luma and chroma to red, green and blue, for samples that no JPEG decoder converts (TIFF 6.0, section 21).
#[derive(Debug)]
struct Ycbcr {
    /// Columns and rows per chroma sample.
    subsampling: (usize, usize),
    luma: [i32; 256],
    red_of_cr: [i32; 256],
    green_of_cr: [i32; 256],
    green_of_cb: [i32; 256],
    blue_of_cb: [i32; 256],
}

impl Ycbcr {
    fn new(values: &Values, bits: u8, samples: u16, planar: bool) -> Result<Self, DecodeError> {
        if bits != 8 || samples != 3 {
            return Err(unsupported(format!("YCbCr with {samples} samples of {bits} bits")));
        }
        let subsampling = values.numbers(tag::YCBCR_SUBSAMPLING).map_or(vec![2, 2], |pair| pair.take(2).collect());
        let [across @ (1 | 2 | 4), down @ (1 | 2 | 4)] = subsampling[..] else {
            return Err(corrupt("its chroma subsampling is not 1, 2 or 4"));
        };
        if planar && (across, down) != (1, 1) {
            return Err(unsupported("subsampled YCbCr in separate planes"));
        }
        let [red, green, blue] = coefficients(values);
        let reference = references(values);
        let table = |scale: f64, black: f64, white: f64, range: f64| {
            std::array::from_fn(|code| {
                ((code as f64 - black) * range / (white - black) * scale * 65_536.0).round() as i32
            })
        };
        let red_scale = 2.0 - 2.0 * red;
        let blue_scale = 2.0 - 2.0 * blue;
        let [yb, yw, bb, bw, rb, rw] = reference;
        Ok(Self {
            subsampling: (across as usize, down as usize),
            luma: table(1.0, yb, yw, 255.0),
            red_of_cr: table(red_scale, rb, rw, 127.0),
            green_of_cr: table(-red_scale * red / green, rb, rw, 127.0),
            green_of_cb: table(-blue_scale * blue / green, bb, bw, 127.0),
            blue_of_cb: table(blue_scale, bb, bw, 127.0),
        })
    }

    fn rgb(&self, y: u8, cb: u8, cr: u8) -> [u8; 3] {
        let (y, cb, cr) = (self.luma[usize::from(y)], usize::from(cb), usize::from(cr));
        let byte = |value: i32| (value.saturating_add(32_768) >> 16).clamp(0, 255) as u8;
        [
            byte(y.saturating_add(self.red_of_cr[cr])),
            byte(y.saturating_add(self.green_of_cr[cr]).saturating_add(self.green_of_cb[cb])),
            byte(y.saturating_add(self.blue_of_cb[cb])),
        ]
    }
}

/// Shares of red, green and blue in luma: as noted, or of ITU-R BT.601 where the note makes no sense.
fn coefficients(values: &Values) -> [f64; 3] {
    match values.reals(tag::YCBCR_COEFFICIENTS).as_deref() {
        Some(&[red, green, blue]) if [red, green, blue].iter().all(|share| (0.001..1.0).contains(share)) => {
            [red, green, blue]
        }
        _ => [0.299, 0.587, 0.114],
    }
}

/// Codes of black and white for luma and of the middle and the end for both chromas.
fn references(values: &Values) -> [f64; 6] {
    let usable = |pairs: &[f64; 6]| {
        pairs
            .as_chunks::<2>()
            .0
            .iter()
            .all(|[black, white]| (1.0..=1024.0).contains(&(white - black)) && black.abs() < 1024.0)
    };
    values
        .reals(tag::REFERENCE_BLACK_WHITE)
        .and_then(|numbers| <[f64; 6]>::try_from(numbers).ok())
        .filter(usable)
        .unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0])
}
