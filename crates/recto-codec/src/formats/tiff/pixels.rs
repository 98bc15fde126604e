//! Rows of stored samples become rows of pixels: depth, photometric interpretation, alpha.
//!
//! Of more samples than the photometric interpretation needs (bands of a satellite, inks beyond four) the first are shown: one as gray,
//! three as colours, four as inks. The next one is alpha if the file says so of it; all others are passed over.

use std::sync::LazyLock;

use super::directory::{Compression, SampleKind};
use super::ifd::Values;
use super::samples::{Scale, Shape, gather};
use super::ycbcr::Ycbcr;
use super::{corrupt, tag, unsupported};
use crate::{ColorModel, DecodeError, PixelFormat};

/// What the samples of a directory mean.
#[derive(Debug)]
pub(super) struct Interpretation {
    color: Color,
    /// What values mean.
    scale: Scale,
    /// Colours are linear light.
    linear: bool,
    /// Colours were multiplied by alpha.
    associated: bool,
    /// The largest number that samples in words of 16 bits take, where that is not the largest of words.
    most: Option<u16>,
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
    /// a* and b* have ranges of their own (ITU-T T.42).
    ItuLab,
}

impl Interpretation {
    pub(super) fn new(
        values: &Values,
        photometric: u64,
        kind: SampleKind,
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
            // Two bands are no colours, whatever is said of them.
            2 if samples < 3 => (Color::Gray { inverted: false }, 1, ColorModel::Gray),
            2 => (Color::Rgb, 3, ColorModel::Rgb),
            3 => (Color::Palette(palette(values, bits)?), 1, ColorModel::Rgb),
            5 => (Color::Cmyk, 4, ColorModel::Cmyk),
            6 if compression.is_image() && samples < 3 => (Color::Gray { inverted: false }, 1, ColorModel::Gray),
            // Of planes each is an image of its own, and no decoder knows that they are luma and chroma.
            6 if compression.is_image() && !planar => (Color::Rgb, 3, ColorModel::Rgb),
            6 => (Color::Ycbcr(Box::new(Ycbcr::new(values, bits, samples, planar)?)), 3, ColorModel::Rgb),
            8 => (Color::CieLab, 3, ColorModel::Lab),
            9 => (Color::IccLab, 3, ColorModel::Lab),
            10 if bits == 8 => (Color::ItuLab, 3, ColorModel::Lab),
            10 => return Err(unsupported(format!("ITULAB of {bits} bits"))),
            32803 => return Err(unsupported("raw sensor data (photometric 32803)")),
            34892 => return Err(unsupported("linear raw sensor data (photometric 34892)")),
            32844 | 32845 => return Err(unsupported(format!("SGI LogLuv (photometric {photometric})"))),
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
            (Color::CieLab | Color::IccLab | Color::ItuLab, _, false) => PixelFormat::Lab8,
            (Color::CieLab | Color::IccLab | Color::ItuLab, _, true) => PixelFormat::Lab16,
        };
        let used = colors + usize::from(alpha.is_some());
        let float = kind == SampleKind::Float;
        let scale = match &color {
            Color::CieLab | Color::IccLab | Color::ItuLab => Scale::Lab,
            Color::Palette(_) => Scale::Palette,
            Color::Gray { .. } if float => noted_range(values),
            _ => Scale::Range(0.0, 1.0),
        };
        if matches!(color, Color::Palette(_) | Color::Ycbcr(_)) && kind != SampleKind::Unsigned {
            return Err(unsupported(format!("photometric interpretation {photometric} with signed or real samples")));
        }
        // As scRGB, unless a profile says what the numbers mean.
        let linear = float && matches!(color, Color::Rgb) && values.bytes(tag::ICC_PROFILE).is_none();
        Ok(Self { color, scale, linear, associated: alpha == Some(1), most: None, used, format, model })
    }

    /// Takes samples in words of 16 bits for numbers of so many bits: 1 to 15.
    pub(super) fn stretch(&mut self, bits: u8) {
        if matches!(self.color, Color::Gray { .. } | Color::Rgb) {
            self.most = Some((1_u16 << bits) - 1);
        }
    }

    /// Bytes that it holds beside itself.
    pub(super) fn held_bytes(&self) -> u64 {
        let bytes = match &self.color {
            Color::Palette(palette) => size_of_val(palette.as_slice()),
            Color::Ycbcr(_) => size_of::<Ycbcr>(),
            _ => 0,
        };
        bytes as u64
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
        let samples = gather(shape, planes, x, count, self.used, self.scale, scratch);
        match &self.color {
            Color::Palette(palette) if shape.bits > 8 => {
                for (pixel, index) in out.as_chunks_mut::<3>().0.iter_mut().zip(samples.as_chunks::<2>().0) {
                    *pixel = palette.get(usize::from(u16::from_ne_bytes(*index))).copied().unwrap_or([0; 3]);
                }
                return;
            }
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
            for sample in out.iter_mut() {
                *sample = table[usize::from(*sample)];
            }
        }
        if let Some(most) = self.most {
            widen(out, most);
        }
        if self.associated {
            // Stored samples were multiplied, whatever they mean: also those of which 0 is white.
            self.unpremultiply(out);
        }
        match self.color {
            Color::Gray { inverted: true } => self.invert_first(out),
            Color::CieLab if shape.kind != SampleKind::Float => self.offset_chroma(out),
            Color::IccLab if self.format == PixelFormat::Lab16 && shape.kind != SampleKind::Float => {
                stretch_lightness(out);
            }
            Color::ItuLab => from_itu(out),
            _ => {}
        }
        if self.linear {
            self.encode_light(out);
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

    /// Gives linear light the curve of sRGB.
    fn encode_light(&self, out: &mut [u8]) {
        let curve = &*CURVE;
        for pixel in out.as_chunks_mut::<2>().0.chunks_exact_mut(self.format.samples()) {
            for color in &mut pixel[..3] {
                *color = curve[usize::from(u16::from_ne_bytes(*color))].to_ne_bytes();
            }
        }
    }

    /// Inverts the first sample of each pixel.
    fn invert_first(&self, out: &mut [u8]) {
        let bytes = self.format.bytes_per_sample();
        for pixel in out.chunks_exact_mut(self.format.bytes_per_pixel()) {
            for byte in &mut pixel[..bytes] {
                *byte = !*byte;
            }
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

/// sRGB's curve over 16 bits.
static CURVE: LazyLock<Vec<u16>> = LazyLock::new(|| {
    (0..=65_535_u32)
        .map(|light| {
            let light = f64::from(light) / 65_535.0;
            let shade = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
            (shade * 65_535.0).round() as u16
        })
        .collect()
});

/// Black and white of gray in floating point: as noted, else 0 and 1.
fn noted_range(values: &Values) -> Scale {
    let noted = |tag| values.reals(tag)?.first().copied().filter(|value| value.is_finite());
    match (noted(tag::SMIN_SAMPLE_VALUE), noted(tag::SMAX_SAMPLE_VALUE)) {
        (Some(least), Some(most)) if least < most => Scale::Range(least, most),
        _ => Scale::Range(0.0, 1.0),
    }
}

/// The ranges of ITU-T T.42: a* of -85 to 85 with 0 at 128, b* of -75 to 125 with 0 at 96.
fn from_itu(out: &mut [u8]) {
    for [_, a, b] in out.as_chunks_mut::<3>().0 {
        let of = |code: u8, zero: i32, range: i32| {
            let scaled = (i32::from(code) - zero) * range;
            let rounded = (scaled + scaled.signum() * 127) / 255;
            (rounded + 128).clamp(0, 255) as u8
        };
        (*a, *b) = (of(*a, 128, 170), of(*b, 96, 200));
    }
}

/// Samples of 16 bits that end at `most` get the whole range; what is more is white.
fn widen(out: &mut [u8], most: u16) {
    let most = u32::from(most);
    for sample in out.as_chunks_mut::<2>().0 {
        let value = u32::from(u16::from_ne_bytes(*sample)).min(most);
        *sample = (((value * 65_535 + most / 2) / most) as u16).to_ne_bytes();
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
    if bits > 8 && bits != 16 {
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
