//! The one place where samples change their meaning: every pixel format and profile to sRGB (or gray with its curve).
//!
//! What has no place among 8-bit gray and RGB (inks, CIELAB, 16 bits) is converted before resampling, with the profile in the
//! same step. 8-bit gray and RGB are resampled as stored and converted after, where there are fewer pixels; so are 16 bits
//! when they stay 16. The order depends on the original and the options alone, never on the request, so the same pixel is
//! equal in a tile, a crop and the whole.
//!
//! Under `linear_light` everything is converted first; then sRGB's curve is undone into 16 bits of light, in which pixels are
//! mixed, and done again. Pixels that stay under a profile of their own go through the same curve: it is that of Display P3
//! and near to the others in use. Inks that stay inks are mixed as they are.

use std::sync::{Arc, LazyLock};

use moxcms::{Transform8BitExecutor, Transform16BitExecutor};
use recto_codec::{ColorModel, ImageFacts, PixelFormat, Raster};

use crate::EngineError;
use crate::inks::Inks;
use crate::options::{ColorPolicy, Intent, RenderOptions};
use crate::profile::{self, Profile, Space, Unusable, narrow};

/// One conversion.
pub(crate) struct Converter {
    pub(crate) to: PixelFormat,
    how: How,
}

enum How {
    Narrow,
    Cmyk8,
    Cmyk16,
    Lab8,
    Lab16,
    Gray8(Arc<[u8]>),
    Gray16(Arc<[u16]>),
    Icc8(Arc<Transform8BitExecutor>),
    Icc16(Arc<Transform16BitExecutor>),
    Inks(Arc<Inks>),
    /// sRGB's values to light, of 16 bits.
    ToLight,
    /// And back.
    FromLight,
}

/// What is wanted of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Pixels stay under their profile, which is embedded.
    pub(crate) keep: bool,
    pub(crate) intent: Intent,
    /// 16-bit samples stay so.
    pub(crate) deep: bool,
    /// Resampling mixes light.
    pub(crate) linear: bool,
}

/// What happens to colours on the way.
#[derive(Default)]
pub(crate) struct Steps {
    /// Before resampling.
    pub(crate) before: Option<Converter>,
    /// Around resampling: to light and back.
    pub(crate) light: Option<(Converter, Converter)>,
    /// After resampling.
    pub(crate) after: Option<Converter>,
    /// The profile to embed.
    pub(crate) icc: Option<Arc<[u8]>>,
}

/// True when stored samples can be shown as they are, and nothing needs to be embedded to show them right.
pub(crate) fn is_srgb_as_stored(facts: &ImageFacts) -> bool {
    match facts.color {
        ColorModel::Cmyk | ColorModel::Lab => false,
        ColorModel::Bitonal => true,
        ColorModel::Gray | ColorModel::Rgb => match usable_profile(facts.icc.as_ref(), space(facts.color)) {
            Some(Ok(profile)) => profile.is_srgb(),
            _ => true,
        },
    }
}

/// The profile that pixels of this image stay under, by these options.
pub(crate) fn kept_profile(facts: &ImageFacts, options: &RenderOptions) -> Option<Arc<[u8]>> {
    let icc = facts.icc.as_ref()?;
    if options.color == ColorPolicy::ToSrgb
        || matches!(facts.color, ColorModel::Lab | ColorModel::Bitonal)
        || icc.len() as u64 > options.max_profile_bytes
    {
        return None;
    }
    let profile = usable_profile(Some(icc), space(facts.color))?.ok()?;
    let keeps = profile.space == space(facts.color)
        && !profile.is_srgb()
        && (options.color == ColorPolicy::Keep || profile.is_wide());
    keeps.then(|| Arc::clone(icc))
}

/// Why the profile of an image is passed over and its pixels are taken as sRGB, when that is so; for a log and for people.
pub fn color_finding(facts: &ImageFacts, intent: Intent) -> Option<String> {
    if matches!(facts.color, ColorModel::Lab) {
        return None;
    }
    let unusable = match usable_profile(facts.icc.as_ref(), space(facts.color))? {
        Ok(profile) if profile.converts(intent) => return None,
        Ok(_) => Unusable::NoConversion,
        Err(unusable) => unusable,
    };
    Some(match facts.color {
        ColorModel::Cmyk => format!("{unusable}: inks are mixed without it"),
        _ => format!("{unusable}: taken as sRGB"),
    })
}

/// What happens to colours, in words for people: `srgb`, `icc to srgb`, `cmyk to srgb`, `profile kept`.
pub(crate) fn describe(facts: &ImageFacts, wanted: Wanted) -> String {
    if let Some(finding) = color_finding(facts, wanted.intent) {
        return match facts.color {
            ColorModel::Cmyk => format!("cmyk to srgb ({finding})"),
            _ => format!("srgb ({finding})"),
        };
    }
    let profile = usable_profile(facts.icc.as_ref(), space(facts.color)).and_then(Result::ok);
    let intent = match wanted.intent {
        Intent::Relative => "",
        Intent::Perceptual => " perceptual",
        Intent::Saturation => " saturation",
        Intent::Absolute => " absolute",
    };
    match (facts.color, profile) {
        (ColorModel::Bitonal, _) => "srgb".into(),
        (ColorModel::Lab, _) => "lab to srgb".into(),
        (_, Some(profile)) if profile.is_srgb() => "srgb".into(),
        (_, Some(_)) if wanted.keep => "profile kept".into(),
        (ColorModel::Cmyk, Some(_)) => format!("cmyk to srgb{intent}"),
        (ColorModel::Cmyk, None) => "cmyk to srgb".into(),
        (_, Some(_)) => format!("icc to srgb{intent}"),
        (_, None) => "srgb".into(),
    }
}

fn space(color: ColorModel) -> Space {
    match color {
        ColorModel::Bitonal | ColorModel::Gray => Space::Gray,
        ColorModel::Rgb | ColorModel::Lab => Space::Rgb,
        ColorModel::Cmyk => Space::Cmyk,
    }
}

/// The profile, if there is one, when pixels of this space can be under it. Gray under an RGB profile is its neutral axis.
fn usable_profile(icc: Option<&Arc<[u8]>>, space: Space) -> Option<Result<Arc<Profile>, Unusable>> {
    Some(profile::profile(icc?).and_then(|profile| {
        let fits = profile.space == space || (space == Space::Gray && profile.space == Space::Rgb);
        if fits { Ok(profile) } else { Err(Unusable::Mismatch { profile: profile.space, pixels: space }) }
    }))
}

/// The conversions for these pixels under this profile.
pub(crate) fn steps(pixels: PixelFormat, icc: Option<&Arc<[u8]>>, wanted: Wanted) -> Steps {
    let space = match pixels.samples() {
        1 | 2 => Space::Gray,
        _ if matches!(pixels, PixelFormat::Cmyk8 | PixelFormat::Cmyk16) => Space::Cmyk,
        _ => Space::Rgb,
    };
    let is_lab = matches!(pixels, PixelFormat::Lab8 | PixelFormat::Lab16);
    let profile = if is_lab { None } else { usable_profile(icc, space).and_then(Result::ok) };
    let is_deep = pixels.bytes_per_sample() == 2;
    // What pixels are at the end.
    let goal = |format| if wanted.deep { format } else { narrowed(format) };
    let embeds = profile.as_ref().is_some_and(|profile| profile.space == space && !profile.is_srgb());
    let mut steps = Steps::default();
    if wanted.keep && embeds {
        steps.icc = icc.cloned();
        if wanted.linear && space != Space::Cmyk {
            steps.light = Some(light(pixels, goal(pixels)));
        } else if is_deep && !wanted.deep {
            steps.before = Some(Converter { to: narrowed(pixels), how: How::Narrow });
        }
        return steps;
    }
    // Light is made of all the bits there are.
    let to = if wanted.linear { converted(pixels) } else { goal(converted(pixels)) };
    let profile = profile.filter(|profile| !profile.is_srgb());
    let by_profile = profile.as_ref().and_then(|profile| by_profile(pixels, to, profile, wanted.intent));
    let waits = by_profile.is_some() && !wanted.linear && (!is_deep || wanted.deep) && space != Space::Cmyk;
    let converter = by_profile.or_else(|| by_itself(pixels, to));
    if waits {
        steps.after = converter;
    } else {
        steps.before = converter;
    }
    if wanted.linear {
        steps.light = Some(light(to, goal(to)));
    }
    steps
}

fn light(from: PixelFormat, to: PixelFormat) -> (Converter, Converter) {
    (Converter { to: widened(from), how: How::ToLight }, Converter { to, how: How::FromLight })
}

fn by_profile(pixels: PixelFormat, to: PixelFormat, profile: &Profile, intent: Intent) -> Option<Converter> {
    use PixelFormat as P;
    let how = match pixels {
        P::Gray8 | P::GrayAlpha8 => How::Gray8(profile.gray8(intent)?),
        P::Gray16 | P::GrayAlpha16 => How::Gray16(profile.gray16(intent)?),
        P::Cmyk8 | P::Cmyk16 if profile.inks(intent).is_some() => How::Inks(profile.inks(intent)?),
        P::Rgb8 | P::Cmyk8 => How::Icc8(profile.rgb8(intent)?),
        P::Rgba8 => How::Icc8(profile.rgba8(intent)?),
        P::Rgb16 | P::Cmyk16 => How::Icc16(profile.rgb16(intent)?),
        P::Rgba16 => How::Icc16(profile.rgba16(intent)?),
        P::Lab8 | P::Lab16 => return None,
    };
    Some(Converter { to, how })
}

/// Without a profile: gray and RGB are sRGB already, inks mix as browsers mix them, CIELAB says itself what it means.
fn by_itself(pixels: PixelFormat, to: PixelFormat) -> Option<Converter> {
    use PixelFormat as P;
    let how = match pixels {
        P::Cmyk8 => How::Cmyk8,
        P::Cmyk16 => How::Cmyk16,
        P::Lab8 => How::Lab8,
        P::Lab16 => How::Lab16,
        _ if pixels == to => return None,
        _ => How::Narrow,
    };
    Some(Converter { to, how })
}

/// The 8-bit format of the same samples.
pub(crate) const fn narrowed(pixels: PixelFormat) -> PixelFormat {
    use PixelFormat as P;
    match pixels {
        P::Gray8 | P::Gray16 => P::Gray8,
        P::GrayAlpha8 | P::GrayAlpha16 => P::GrayAlpha8,
        P::Rgb8 | P::Rgb16 => P::Rgb8,
        P::Rgba8 | P::Rgba16 => P::Rgba8,
        P::Cmyk8 | P::Cmyk16 => P::Cmyk8,
        P::Lab8 | P::Lab16 => P::Lab8,
    }
}

/// The 16-bit format of the same samples.
pub(crate) const fn widened(pixels: PixelFormat) -> PixelFormat {
    use PixelFormat as P;
    match pixels {
        P::Gray8 | P::Gray16 => P::Gray16,
        P::GrayAlpha8 | P::GrayAlpha16 => P::GrayAlpha16,
        P::Rgb8 | P::Rgb16 => P::Rgb16,
        P::Rgba8 | P::Rgba16 => P::Rgba16,
        P::Cmyk8 | P::Cmyk16 => P::Cmyk16,
        P::Lab8 | P::Lab16 => P::Lab16,
    }
}

/// The format that pixels are in after conversion to sRGB, of as many bits.
pub(crate) const fn converted(pixels: PixelFormat) -> PixelFormat {
    match pixels {
        PixelFormat::Cmyk8 | PixelFormat::Lab8 => PixelFormat::Rgb8,
        PixelFormat::Cmyk16 | PixelFormat::Lab16 => PixelFormat::Rgb16,
        same => same,
    }
}

impl Converter {
    /// Converts every pixel.
    pub(crate) fn convert(&self, mut rows: Raster) -> Result<Raster, EngineError> {
        let (size, from) = (rows.size(), rows.format());
        if let How::Gray8(table) = &self.how {
            let samples = from.samples();
            for pixel in rows.data_mut().chunks_exact_mut(samples) {
                pixel[0] = table[usize::from(pixel[0])];
            }
            return Ok(rows);
        }
        let mut out = Out::new(size.area_px() as usize * self.to.samples(), self.to.bytes_per_sample() == 2);
        let data = rows.data();
        let alpha_of = |format: PixelFormat| if format.has_alpha() { format.samples() } else { usize::MAX };
        let is_alpha = |index: usize| (index + 1).is_multiple_of(alpha_of(from));
        match &self.how {
            How::Gray8(_) => {}
            How::Narrow => wide(data).for_each(|sample| out.put(sample)),
            How::Gray16(table) => {
                for (index, sample) in wide(data).enumerate() {
                    out.put(if is_alpha(index) { sample } else { table[usize::from(sample)] });
                }
            }
            How::Cmyk8 => data.as_chunks::<4>().0.iter().for_each(|inks| out.put8(cmyk_to_rgb(*inks))),
            How::Cmyk16 => {
                for inks in wide_pixels(data) {
                    if out.deep {
                        cmyk_to_rgb16(inks).into_iter().for_each(|sample| out.put(sample));
                    } else {
                        out.put8(cmyk_to_rgb(inks.map(narrow)));
                    }
                }
            }
            How::Lab8 => {
                for [l, a, b] in data.as_chunks::<3>().0 {
                    out.light(lab_to_light([f64::from(*l) / 2.55, f64::from(*a) - 128.0, f64::from(*b) - 128.0]));
                }
            }
            How::Lab16 => {
                for lab in wide_pixels::<3>(data) {
                    let [l, a, b] = lab.map(f64::from);
                    out.light(lab_to_light([l / 655.35, a / 256.0 - 128.0, b / 256.0 - 128.0]));
                }
            }
            How::Inks(inks) if from == PixelFormat::Cmyk8 => {
                data.as_chunks::<4>().0.iter().for_each(|pixel| out.light(inks.light8(*pixel)));
            }
            How::Inks(inks) => wide_pixels(data).for_each(|pixel| out.light(inks.light16(pixel))),
            How::Icc8(transform) => {
                let mut to = vec![0; size.area_px() as usize * self.to.samples()];
                transform.transform(data, &mut to).map_err(|error| EngineError::broken(error.to_string()))?;
                return Ok(Raster::from_vec(size, self.to, to));
            }
            How::Icc16(transform) => {
                let from: Vec<u16> = wide(data).collect();
                let mut to = vec![0; size.area_px() as usize * self.to.samples()];
                transform.transform(&from, &mut to).map_err(|error| EngineError::broken(error.to_string()))?;
                to.into_iter().for_each(|sample| out.put(sample));
            }
            How::ToLight if from.bytes_per_sample() == 1 => {
                let table = &*LIGHT;
                for (index, sample) in data.iter().enumerate() {
                    let sample = u16::from(*sample) * 257;
                    out.put(if is_alpha(index) { sample } else { table[usize::from(sample)] });
                }
            }
            How::ToLight | How::FromLight => {
                let table = if matches!(self.how, How::ToLight) { &*LIGHT } else { &*SHADES };
                for (index, sample) in wide(data).enumerate() {
                    out.put(if is_alpha(index) { sample } else { table[usize::from(sample)] });
                }
            }
        }
        Ok(Raster::from_vec(size, self.to, out.bytes))
    }
}

/// Samples of the result, of 8 or 16 bits.
struct Out {
    bytes: Vec<u8>,
    deep: bool,
}

impl Out {
    fn new(samples: usize, deep: bool) -> Self {
        Self { bytes: Vec::with_capacity(samples << usize::from(deep)), deep }
    }

    fn put(&mut self, sample: u16) {
        if self.deep {
            self.bytes.extend_from_slice(&sample.to_ne_bytes());
        } else {
            self.bytes.push(narrow(sample));
        }
    }

    fn put8(&mut self, pixel: [u8; 3]) {
        if self.deep {
            pixel.into_iter().for_each(|sample| self.put(u16::from(sample) * 257));
        } else {
            self.bytes.extend_from_slice(&pixel);
        }
    }

    /// Light of sRGB's primaries; what lies outside is clipped.
    fn light(&mut self, light: [f64; 3]) {
        if self.deep {
            light.into_iter().for_each(|light| self.put((shade(light.clamp(0.0, 1.0)) * 65_535.0).round() as u16));
        } else {
            self.bytes.extend_from_slice(&light.map(encode_srgb));
        }
    }
}

fn wide_pixels<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u16; N]> {
    bytes.as_chunks::<2>().0.as_chunks::<N>().0.iter().map(|pixel| pixel.map(u16::from_ne_bytes))
}

fn wide(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|sample| u16::from_ne_bytes(*sample))
}

/// Inks without a profile, as browsers show them: each takes its complement from the light, black from all.
fn cmyk_to_rgb([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let light = 255 - u32::from(k);
    [c, m, y].map(|ink| (((255 - u32::from(ink)) * light + 127) / 255) as u8)
}

/// As [`cmyk_to_rgb`], of 16 bits.
fn cmyk_to_rgb16([c, m, y, k]: [u16; 4]) -> [u16; 3] {
    let light = 65_535 - u64::from(k);
    [c, m, y].map(|ink| (((65_535 - u64::from(ink)) * light + 32_767) / 65_535) as u16)
}

/// The white of ICC profiles and of CIELAB in files.
pub(crate) const D50: [f64; 3] = [0.964_22, 1.0, 0.825_21];

pub(crate) fn xyz_of_lab([l, a, b]: [f64; 3]) -> [f64; 3] {
    let fy = (l + 16.0) / 116.0;
    let inverse = |f: f64| if f > 6.0 / 29.0 { f * f * f } else { (f - 4.0 / 29.0) * (108.0 / 841.0) };
    [D50[0] * inverse(fy + a / 500.0), D50[1] * inverse(fy), D50[2] * inverse(fy - b / 200.0)]
}

/// Under D50 to the linear light of sRGB, adapted by Bradford.
pub(crate) fn xyz_to_light([x, y, z]: [f64; 3]) -> [f64; 3] {
    [
        3.133_856_1 * x - 1.616_866_7 * y - 0.490_614_6 * z,
        -0.978_768_4 * x + 1.916_141_5 * y + 0.033_454_0 * z,
        0.071_945_3 * x - 0.228_991_4 * y + 1.405_242_7 * z,
    ]
}

/// CIELAB under D50 (as ICC and TIFF have it) to light of sRGB's primaries.
pub(crate) fn lab_to_light(lab: [f64; 3]) -> [f64; 3] {
    xyz_to_light(xyz_of_lab(lab))
}

/// sRGB's curve.
fn shade(light: f64) -> f64 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

fn light_of(shade: f64) -> f64 {
    if shade <= 0.040_45 { shade / 12.92 } else { ((shade + 0.055) / 1.055).powf(2.4) }
}

const CURVE_STEPS: usize = 1 << 14;

/// sRGB's curve in steps so small that each of the 256 shades has its own, near black too.
static CURVE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    (0..=CURVE_STEPS).map(|step| (shade(step as f64 / CURVE_STEPS as f64) * 255.0).round() as u8).collect()
});

/// Of 16 bits each: the light of a shade, and the shade of a light. Near black a step of light is 13 of the darkest shades
/// of 16 bits, but less than a tenth of one of 8.
static LIGHT: LazyLock<Vec<u16>> = LazyLock::new(|| of_16_bits(light_of));
static SHADES: LazyLock<Vec<u16>> = LazyLock::new(|| of_16_bits(shade));

fn of_16_bits(curve: impl Fn(f64) -> f64) -> Vec<u16> {
    (0..=u16::MAX).map(|value| (curve(f64::from(value) / 65_535.0) * 65_535.0).round() as u16).collect()
}

fn encode_srgb(light: f64) -> u8 {
    CURVE[(light.clamp(0.0, 1.0) * CURVE_STEPS as f64).round() as usize]
}
