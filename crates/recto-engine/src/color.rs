//! The one place where samples change their meaning: every pixel format and profile to 8-bit sRGB (or gray with its curve).
//!
//! What has no place among 8-bit gray and RGB (inks, CIELAB, 16 bits) is converted before resampling, with the profile in the
//! same step. 8-bit gray and RGB are resampled as stored and converted after, where there are fewer pixels. The order
//! depends on the original alone, never on the request, so the same pixel is equal in a tile, a crop and the whole.

use std::sync::{Arc, LazyLock};

use moxcms::{Transform8BitExecutor, Transform16BitExecutor};
use recto_codec::{ColorModel, ImageFacts, PixelFormat, Raster};

use crate::EngineError;
use crate::options::ColorPolicy;
use crate::profile::{self, Profile, Space, narrow};

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
    Gray16(Arc<[u8]>),
    Icc8(Arc<Transform8BitExecutor>),
    Icc16(Arc<Transform16BitExecutor>),
}

/// What happens to colours on the way.
#[derive(Default)]
pub(crate) struct Steps {
    /// Before resampling: gives 8-bit pixels.
    pub(crate) before: Option<Converter>,
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
            Some(profile) => profile.is_srgb(),
            None => true,
        },
    }
}

/// What happens to colours, in a word for people: `srgb`, `icc to srgb`, `cmyk to srgb`, `keep`.
pub(crate) fn describe(facts: &ImageFacts, policy: ColorPolicy) -> &'static str {
    let profile = usable_profile(facts.icc.as_ref(), space(facts.color));
    match (facts.color, profile) {
        (ColorModel::Bitonal, _) => "srgb",
        (ColorModel::Lab, _) => "lab to srgb",
        (_, Some(profile)) if profile.is_srgb() => "srgb",
        (_, Some(_)) if policy == ColorPolicy::Keep => "profile kept",
        (ColorModel::Cmyk, _) => "cmyk to srgb",
        (_, Some(_)) => "icc to srgb",
        (_, None) => "srgb",
    }
}

fn space(color: ColorModel) -> Space {
    match color {
        ColorModel::Bitonal | ColorModel::Gray => Space::Gray,
        ColorModel::Rgb | ColorModel::Lab => Space::Rgb,
        ColorModel::Cmyk => Space::Cmyk,
    }
}

/// The profile, when pixels of this space can be under it. Gray under an RGB profile is its neutral axis.
fn usable_profile(icc: Option<&Arc<[u8]>>, space: Space) -> Option<Arc<Profile>> {
    let profile = profile::profile(icc?)?;
    let fits = profile.space == space || (space == Space::Gray && profile.space == Space::Rgb);
    fits.then_some(profile)
}

/// The conversions for these pixels under this profile. With `Keep`, pixels stay in the profile's space.
pub(crate) fn steps(pixels: PixelFormat, icc: Option<&Arc<[u8]>>, policy: ColorPolicy) -> Steps {
    let space = match pixels.samples() {
        1 | 2 => Space::Gray,
        _ if matches!(pixels, PixelFormat::Cmyk8 | PixelFormat::Cmyk16) => Space::Cmyk,
        _ => Space::Rgb,
    };
    let is_lab = matches!(pixels, PixelFormat::Lab8 | PixelFormat::Lab16);
    let profile = if is_lab { None } else { usable_profile(icc, space) };
    let embeds = profile.as_ref().is_some_and(|profile| profile.space == space && !profile.is_srgb());
    if policy == ColorPolicy::Keep && embeds {
        let before = (pixels.bytes_per_sample() == 2).then(|| Converter { to: narrowed(pixels), how: How::Narrow });
        return Steps { before, after: None, icc: icc.cloned() };
    }
    let profile = profile.filter(|profile| !profile.is_srgb());
    let converted = profile.as_ref().and_then(|profile| by_profile(pixels, profile));
    match (converted, pixels.bytes_per_sample(), space) {
        (Some(converter), 1, Space::Gray | Space::Rgb) => Steps { after: Some(converter), ..Steps::default() },
        (Some(converter), ..) => Steps { before: Some(converter), ..Steps::default() },
        (None, ..) => Steps { before: by_itself(pixels), ..Steps::default() },
    }
}

fn by_profile(pixels: PixelFormat, profile: &Profile) -> Option<Converter> {
    use PixelFormat as P;
    let how = match pixels {
        P::Gray8 | P::GrayAlpha8 => How::Gray8(profile.gray8()?),
        P::Gray16 | P::GrayAlpha16 => How::Gray16(profile.gray16()?),
        P::Rgb8 | P::Cmyk8 => How::Icc8(profile.rgb8()?),
        P::Rgba8 => How::Icc8(profile.rgba8()?),
        P::Rgb16 | P::Cmyk16 => How::Icc16(profile.rgb16()?),
        P::Rgba16 => How::Icc16(profile.rgba16()?),
        P::Lab8 | P::Lab16 => return None,
    };
    Some(Converter { to: converted(pixels), how })
}

/// Without a profile: gray and RGB are sRGB already, inks mix as browsers mix them, CIELAB says itself what it means.
fn by_itself(pixels: PixelFormat) -> Option<Converter> {
    use PixelFormat as P;
    let how = match pixels {
        P::Gray8 | P::GrayAlpha8 | P::Rgb8 | P::Rgba8 => return None,
        P::Gray16 | P::GrayAlpha16 | P::Rgb16 | P::Rgba16 => How::Narrow,
        P::Cmyk8 => How::Cmyk8,
        P::Cmyk16 => How::Cmyk16,
        P::Lab8 => How::Lab8,
        P::Lab16 => How::Lab16,
    };
    Some(Converter { to: converted(pixels), how })
}

/// The 8-bit format of the same samples.
const fn narrowed(pixels: PixelFormat) -> PixelFormat {
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

/// The 8-bit format that pixels are in after conversion to sRGB.
pub(crate) const fn converted(pixels: PixelFormat) -> PixelFormat {
    match narrowed(pixels) {
        PixelFormat::Cmyk8 | PixelFormat::Lab8 => PixelFormat::Rgb8,
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
        let mut to = vec![0; size.area_px() as usize * self.to.bytes_per_pixel()];
        match &self.how {
            How::Gray8(_) => {}
            How::Narrow => {
                for (to, from) in to.iter_mut().zip(wide(rows.data())) {
                    *to = narrow(from);
                }
            }
            How::Gray16(table) => {
                let alpha = from.samples() == 2;
                for (index, (to, from)) in to.iter_mut().zip(wide(rows.data())).enumerate() {
                    *to = if alpha && index % 2 == 1 { narrow(from) } else { table[usize::from(from)] };
                }
            }
            How::Cmyk8 => {
                for (to, inks) in to.as_chunks_mut::<3>().0.iter_mut().zip(rows.data().as_chunks::<4>().0) {
                    *to = cmyk_to_rgb(*inks);
                }
            }
            How::Cmyk16 => {
                for (to, inks) in to.as_chunks_mut::<3>().0.iter_mut().zip(rows.data().as_chunks::<8>().0) {
                    let [c, m, y, k] = *inks.as_chunks::<2>().0 else { continue };
                    *to = cmyk_to_rgb([c, m, y, k].map(|ink| narrow(u16::from_ne_bytes(ink))));
                }
            }
            How::Lab8 => {
                for (to, [l, a, b]) in to.as_chunks_mut::<3>().0.iter_mut().zip(rows.data().as_chunks::<3>().0) {
                    *to = lab_to_srgb(f64::from(*l) / 2.55, f64::from(*a) - 128.0, f64::from(*b) - 128.0);
                }
            }
            How::Lab16 => {
                for (to, lab) in to.as_chunks_mut::<3>().0.iter_mut().zip(rows.data().as_chunks::<6>().0) {
                    let [l, a, b] = *lab.as_chunks::<2>().0 else { continue };
                    let [l, a, b] = [l, a, b].map(|sample| f64::from(u16::from_ne_bytes(sample)));
                    *to = lab_to_srgb(l / 655.35, a / 256.0 - 128.0, b / 256.0 - 128.0);
                }
            }
            How::Icc8(transform) => {
                transform.transform(rows.data(), &mut to).map_err(|error| EngineError::broken(error.to_string()))?;
            }
            How::Icc16(transform) => {
                let from: Vec<u16> = wide(rows.data()).collect();
                let mut wide_to = vec![0; to.len()];
                transform.transform(&from, &mut wide_to).map_err(|error| EngineError::broken(error.to_string()))?;
                for (to, from) in to.iter_mut().zip(wide_to) {
                    *to = narrow(from);
                }
            }
        }
        Ok(Raster::from_vec(size, self.to, to))
    }
}

fn wide(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|sample| u16::from_ne_bytes(*sample))
}

/// Inks without a profile, as browsers show them: each takes its complement from the light, black from all.
fn cmyk_to_rgb([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let light = 255 - u32::from(k);
    [c, m, y].map(|ink| (((255 - u32::from(ink)) * light + 127) / 255) as u8)
}

/// CIELAB under D50 (as ICC and TIFF have it) to sRGB; what lies outside is clipped.
pub(crate) fn lab_to_srgb(l: f64, a: f64, b: f64) -> [u8; 3] {
    let fy = (l + 16.0) / 116.0;
    let (fx, fz) = (fy + a / 500.0, fy - b / 200.0);
    let inverse = |f: f64| if f > 6.0 / 29.0 { f * f * f } else { (f - 4.0 / 29.0) * (108.0 / 841.0) };
    let (x, y, z) = (0.964_22 * inverse(fx), inverse(fy), 0.825_21 * inverse(fz));
    // D50 to the linear light of sRGB, adapted by Bradford.
    let red = 3.133_856_1 * x - 1.616_866_7 * y - 0.490_614_6 * z;
    let green = -0.978_768_4 * x + 1.916_141_5 * y + 0.033_454_0 * z;
    let blue = 0.071_945_3 * x - 0.228_991_4 * y + 1.405_242_7 * z;
    [red, green, blue].map(encode_srgb)
}

const CURVE_STEPS: usize = 1 << 14;

/// sRGB's curve in steps so small that each of the 256 shades has its own, near black too.
static CURVE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    (0..=CURVE_STEPS)
        .map(|step| {
            let light = step as f64 / CURVE_STEPS as f64;
            let shade = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
            (shade * 255.0).round() as u8
        })
        .collect()
});

fn encode_srgb(light: f64) -> u8 {
    CURVE[(light.clamp(0.0, 1.0) * CURVE_STEPS as f64).round() as usize]
}
