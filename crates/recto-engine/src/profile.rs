//! ICC profiles, parsed once: what space they describe, whether that is sRGB anyway, and transforms to sRGB.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};

use moxcms::{
    CmsError, ColorProfile, DataColorSpace, InterpolationMethod, Layout, ProfileClass, RenderingIntent,
    Transform8BitExecutor, Transform16BitExecutor, TransformOptions, Xyzd,
};

use crate::color::{D50, xyz_to_light};
use crate::inks::Inks;
use crate::options::Intent;

/// Most profiles kept. Institutions have a handful; a hostile library must not fill the memory.
const KEPT: usize = 32;
/// Most bytes that they take, by [`Kept::bytes`]; the last one is kept whatever it takes.
const KEPT_BYTES: u64 = 64 << 20;
/// What a profile takes, in lengths of its file: as it is parsed, and its tables as floating point.
const LENGTHS: u64 = 5;
/// What its transforms take beside that, about.
const TRANSFORM_BYTES: u64 = 1 << 20;
/// Differences up to this many of 255 steps still count as sRGB: rounding of the many sRGB profiles in use.
const SAME_WITHIN: u8 = 2;

/// The spaces that pixels can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Gray,
    Rgb,
    Cmyk,
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gray => "gray",
            Self::Rgb => "RGB",
            Self::Cmyk => "CMYK",
        })
    }
}

/// Why an embedded profile is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    Unreadable,
    Class,
    Space,
    Mismatch { profile: Space, pixels: Space },
    NoConversion,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("the embedded profile cannot be read"),
            Self::Class => f.write_str("the embedded profile describes no device"),
            Self::Space => f.write_str("the embedded profile is of a space that images are not in"),
            Self::Mismatch { profile, pixels } => {
                write!(f, "the embedded profile is for {profile}, the pixels are {pixels}")
            }
            Self::NoConversion => f.write_str("the embedded profile gives no conversion to sRGB"),
        }
    }
}

/// A usable profile.
pub(crate) struct Profile {
    pub(crate) space: Space,
    parsed: ColorProfile,
    is_srgb: OnceLock<bool>,
    /// By intent.
    transforms: [Transforms; 4],
}

/// Transforms to sRGB, each built when first needed; `None` when the profile cannot give it.
#[derive(Default)]
struct Transforms {
    rgb8: OnceLock<Option<Arc<Transform8BitExecutor>>>,
    rgba8: OnceLock<Option<Arc<Transform8BitExecutor>>>,
    rgb16: OnceLock<Option<Arc<Transform16BitExecutor>>>,
    rgba16: OnceLock<Option<Arc<Transform16BitExecutor>>>,
    gray8: OnceLock<Option<Arc<[u8]>>>,
    gray16: OnceLock<Option<Arc<[u16]>>>,
    inks: OnceLock<Option<Arc<Inks>>>,
}

struct Kept {
    /// Where the bytes lie. A weak reference keeps the address from being given to another profile.
    bytes: Weak<[u8]>,
    hash: u64,
    length: usize,
    profile: Result<Arc<Profile>, Unusable>,
}

impl Kept {
    /// About how many bytes it takes.
    fn bytes(&self) -> u64 {
        if self.profile.is_ok() {
            (self.length as u64).saturating_mul(LENGTHS).saturating_add(TRANSFORM_BYTES)
        } else {
            0
        }
    }

    /// True when both have the same profile, which then takes its bytes once.
    fn shares(&self, other: &Self) -> bool {
        matches!((&self.profile, &other.profile), (Ok(own), Ok(other)) if Arc::ptr_eq(own, other))
    }
}

/// Forgets the oldest profiles until the rest are not too many and not too large.
fn shorten(kept: &mut VecDeque<Kept>) {
    kept.truncate(KEPT);
    let mut bytes = 0_u64;
    let fits = |(index, one): (usize, &Kept)| {
        let is_counted = kept.iter().take(index).any(|newer| newer.shares(one));
        bytes = bytes.saturating_add(if is_counted { 0 } else { one.bytes() });
        index == 0 || bytes <= KEPT_BYTES
    };
    let count = kept.iter().enumerate().map(fits).take_while(|fits| *fits).count();
    kept.truncate(count);
}

static PROFILES: LazyLock<Mutex<VecDeque<Kept>>> = LazyLock::new(Mutex::default);
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The profile in these bytes, or why they are none that can be used. Parsed once and kept for the next request.
pub(crate) fn profile(icc: &Arc<[u8]>) -> Result<Arc<Profile>, Unusable> {
    {
        let kept = PROFILES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.iter().find(|kept| std::ptr::addr_eq(kept.bytes.as_ptr(), Arc::as_ptr(icc))) {
            return found.profile.clone();
        }
    }
    let hash = HASHER.hash_one(icc);
    let known = {
        let kept = PROFILES.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|kept| kept.hash == hash && kept.length == icc.len()).map(|kept| kept.profile.clone())
    };
    let profile = known.unwrap_or_else(|| parse(icc));
    let mut kept = PROFILES.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push_front(Kept { bytes: Arc::downgrade(icc), hash, length: icc.len(), profile: profile.clone() });
    shorten(&mut kept);
    profile
}

fn parse(icc: &[u8]) -> Result<Arc<Profile>, Unusable> {
    let parsed = guarded(|| ColorProfile::new_from_slice(icc)).map_err(|_| Unusable::Unreadable)?;
    let is_device = matches!(
        parsed.profile_class,
        ProfileClass::InputDevice | ProfileClass::DisplayDevice | ProfileClass::OutputDevice | ProfileClass::ColorSpace
    );
    if !is_device {
        return Err(Unusable::Class);
    }
    let space = match parsed.color_space {
        DataColorSpace::Gray => Space::Gray,
        DataColorSpace::Rgb => Space::Rgb,
        DataColorSpace::Cmyk => Space::Cmyk,
        _ => return Err(Unusable::Space),
    };
    Ok(Arc::new(Profile { space, parsed, is_srgb: OnceLock::new(), transforms: Default::default() }))
}

/// Runs work on a profile, which is outside data: a panic in it is an unusable profile, not the end of a request.
fn guarded<T>(work: impl FnOnce() -> Result<T, CmsError>) -> Result<T, CmsError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(CmsError::InvalidProfile))
}

impl Profile {
    /// True when converting to sRGB changes nothing that one could see.
    pub(crate) fn is_srgb(&self) -> bool {
        *self.is_srgb.get_or_init(|| match self.space {
            Space::Cmyk => false,
            Space::Gray => self
                .gray8(Intent::Relative)
                .is_some_and(|table| table.iter().zip(0..=255_u8).all(|(to, from)| to.abs_diff(from) <= SAME_WITHIN)),
            Space::Rgb => self.keeps_rgb().unwrap_or(false),
        })
    }

    fn keeps_rgb(&self) -> Option<bool> {
        let steps = || (0..=255_u8).step_by(17);
        let from: Vec<u8> =
            steps().flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b]))).collect();
        let mut to = vec![0; from.len()];
        self.rgb8(Intent::Relative)?.transform(&from, &mut to).ok()?;
        Some(from.iter().zip(&to).all(|(from, to)| from.abs_diff(*to) <= SAME_WITHIN))
    }

    /// From `Rgb8` or `Cmyk8` to sRGB.
    pub(crate) fn rgb8(&self, intent: Intent) -> Option<Arc<Transform8BitExecutor>> {
        self.transforms[intent as usize]
            .rgb8
            .get_or_init(|| {
                self.build(
                    intent,
                    |from, to, options| self.parsed.create_transform_8bit(self.layout(), to, from, options),
                    Layout::Rgb,
                )
            })
            .clone()
    }

    /// From `Rgba8` to sRGB, opacity untouched.
    pub(crate) fn rgba8(&self, intent: Intent) -> Option<Arc<Transform8BitExecutor>> {
        self.transforms[intent as usize]
            .rgba8
            .get_or_init(|| {
                self.build(
                    intent,
                    |from, to, options| self.parsed.create_transform_8bit(from, to, from, options),
                    Layout::Rgba,
                )
            })
            .clone()
    }

    /// As [`Profile::rgb8`], of 16 bits.
    pub(crate) fn rgb16(&self, intent: Intent) -> Option<Arc<Transform16BitExecutor>> {
        self.transforms[intent as usize]
            .rgb16
            .get_or_init(|| {
                self.build(
                    intent,
                    |from, to, options| self.parsed.create_transform_16bit(self.layout(), to, from, precise(options)),
                    Layout::Rgb,
                )
            })
            .clone()
    }

    /// As [`Profile::rgba8`], of 16 bits.
    pub(crate) fn rgba16(&self, intent: Intent) -> Option<Arc<Transform16BitExecutor>> {
        self.transforms[intent as usize]
            .rgba16
            .get_or_init(|| {
                self.build(
                    intent,
                    |from, to, options| self.parsed.create_transform_16bit(from, to, from, precise(options)),
                    Layout::Rgba,
                )
            })
            .clone()
    }

    /// Shades of gray of 8 bits to sRGB's: 256 entries. Gray under an RGB profile is its neutral axis.
    pub(crate) fn gray8(&self, intent: Intent) -> Option<Arc<[u8]>> {
        self.transforms[intent as usize]
            .gray8
            .get_or_init(|| {
                let table = self.gray_table(intent, 255)?;
                Some(table.into_iter().map(narrow).collect())
            })
            .clone()
    }

    /// As [`Profile::gray8`], of 16 bits: 65536 entries.
    pub(crate) fn gray16(&self, intent: Intent) -> Option<Arc<[u16]>> {
        self.transforms[intent as usize].gray16.get_or_init(|| Some(self.gray_table(intent, 65_535)?.into())).clone()
    }

    /// From inks to sRGB, where the profile has a table that is understood in full.
    pub(crate) fn inks(&self, intent: Intent) -> Option<Arc<Inks>> {
        if self.space != Space::Cmyk {
            return None;
        }
        self.transforms[intent as usize]
            .inks
            .get_or_init(|| {
                let inks = guarded(|| Ok(Inks::new(&self.parsed, rendering_intent(intent)))).ok().flatten();
                inks.map(Arc::new)
            })
            .clone()
    }

    /// True when it gives a conversion to sRGB.
    pub(crate) fn converts(&self, intent: Intent) -> bool {
        match self.space {
            Space::Gray => self.gray8(intent).is_some(),
            Space::Rgb => self.rgb8(intent).is_some(),
            Space::Cmyk => self.inks(intent).is_some() || self.rgb8(intent).is_some(),
        }
    }

    /// True for three primaries that hold all of sRGB, and colours that sRGB has not.
    pub(crate) fn is_wide(&self) -> bool {
        let profile = &self.parsed;
        let has_table = profile.lut_a_to_b_perceptual.is_some()
            || profile.lut_a_to_b_colorimetric.is_some()
            || profile.lut_a_to_b_saturation.is_some();
        if !profile.is_matrix_shaper() || has_table || self.is_srgb() {
            return false;
        }
        // The profile's primaries as light of sRGB's: below 0 where they lie outside. Their inverse: sRGB's as the profile's.
        let columns = [profile.red_colorant, profile.green_colorant, profile.blue_colorant];
        let light = columns.map(|primary: Xyzd| xyz_to_light([primary.x, primary.y, primary.z]));
        let is_outside = light.iter().flatten().any(|light| *light < -0.02);
        is_outside && inverse(&light).is_some_and(|inverse| inverse.iter().flatten().all(|light| *light > -0.01))
    }

    fn gray_table(&self, intent: Intent, top: u32) -> Option<Vec<u16>> {
        let from: Vec<u16> = (0..=top).map(|shade| (shade * (65535 / top)) as u16).collect();
        let mut rgb = vec![0; from.len() * 3];
        // Paper's own colour is no shade of gray.
        let intent = if intent == Intent::Absolute { Intent::Relative } else { intent };
        match self.space {
            Space::Cmyk => return None,
            Space::Gray => {
                let transform = self.build(
                    intent,
                    |layout, to, options| self.parsed.create_transform_16bit(Layout::Gray, to, layout, options),
                    Layout::Rgb,
                )?;
                transform.transform(&from, &mut rgb).ok()?;
            }
            Space::Rgb => {
                let neutral: Vec<u16> = from.iter().flat_map(|shade| [*shade; 3]).collect();
                self.rgb16(intent)?.transform(&neutral, &mut rgb).ok()?;
            }
        }
        Some(rgb.as_chunks::<3>().0.iter().map(|[_, green, _]| *green).collect())
    }

    fn layout(&self) -> Layout {
        match self.space {
            Space::Gray => Layout::Gray,
            Space::Rgb => Layout::Rgb,
            Space::Cmyk => Layout::Rgba,
        }
    }

    fn build<T>(
        &self,
        intent: Intent,
        create: impl FnOnce(Layout, &ColorProfile, TransformOptions) -> Result<T, CmsError>,
        layout: Layout,
    ) -> Option<T> {
        // Between the points of a table, tetrahedra are nearest to what other colour engines give.
        let interpolation_method = InterpolationMethod::Tetrahedral;
        let rendering_intent = rendering_intent(intent);
        let options = TransformOptions { rendering_intent, interpolation_method, ..TransformOptions::default() };
        match guarded(|| create(layout, &self.target(intent), options)) {
            Ok(transform) => Some(transform),
            Err(error) => {
                tracing::warn!(%error, space = ?self.space, "a colour profile gives no conversion to sRGB: taken as sRGB");
                None
            }
        }
    }

    /// sRGB. For absolute colours with its primaries divided by the profile's white, so that this white is not turned into
    /// sRGB's own.
    fn target(&self, intent: Intent) -> ColorProfile {
        let mut srgb = ColorProfile::new_srgb();
        if let (Intent::Absolute, Some(white)) = (intent, self.parsed.media_white_point) {
            let [x, y, z] = D50;
            let usable = |value: f64| if value > 0.1 && value < 2.0 { value } else { 1.0 };
            for colorant in [&mut srgb.red_colorant, &mut srgb.green_colorant, &mut srgb.blue_colorant] {
                colorant.x /= usable(white.x / x);
                colorant.y /= usable(white.y / y);
                colorant.z /= usable(white.z / z);
            }
        }
        srgb
    }
}

/// Fixed point has 13 bits: too few for samples of 16.
fn precise(options: TransformOptions) -> TransformOptions {
    TransformOptions { prefer_fixed_point: false, ..options }
}

const fn rendering_intent(intent: Intent) -> RenderingIntent {
    match intent {
        Intent::Perceptual => RenderingIntent::Perceptual,
        Intent::Relative => RenderingIntent::RelativeColorimetric,
        Intent::Saturation => RenderingIntent::Saturation,
        Intent::Absolute => RenderingIntent::AbsoluteColorimetric,
    }
}

fn inverse(m: &[[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let minor = |row: usize, column: usize| {
        let (a, b) = ((row + 1) % 3, (row + 2) % 3);
        let (c, d) = ((column + 1) % 3, (column + 2) % 3);
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * minor(0, column)).sum();
    let usable = determinant.is_finite() && determinant.abs() > 1e-9;
    usable.then(|| std::array::from_fn(|row| std::array::from_fn(|column| minor(column, row) / determinant)))
}

/// 16 bits to 8, to the nearest of the 256 shades.
pub(crate) const fn narrow(sample: u16) -> u8 {
    ((sample as u32 * 255 + 32895) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed() -> Arc<Profile> {
        let (is_srgb, transforms) = (OnceLock::new(), Default::default());
        Arc::new(Profile { space: Space::Rgb, parsed: ColorProfile::new_srgb(), is_srgb, transforms })
    }

    fn kept(length: usize, profile: &Arc<Profile>) -> Kept {
        Kept { bytes: Weak::<[u8; 0]>::new(), hash: length as u64, length, profile: Ok(Arc::clone(profile)) }
    }

    fn left(all: impl IntoIterator<Item = Kept>) -> Vec<usize> {
        let mut list = VecDeque::new();
        for one in all {
            list.push_front(one);
            shorten(&mut list);
        }
        list.iter().map(|kept| kept.length).collect()
    }

    #[test]
    fn profiles_are_kept_within_a_bound_in_bytes() {
        let small = left((0..100).map(|number| kept(3000 + number, &parsed())));
        assert_eq!(small, (3000 + 68..3100).rev().collect::<Vec<_>>());
        // Each takes 16 MiB.
        let large = left((0..10).map(|number| kept((3 << 20) + number, &parsed())));
        assert_eq!(large, [(3 << 20) + 9, (3 << 20) + 8, (3 << 20) + 7]);
        assert_eq!(left([kept(10, &parsed()), kept(40 << 20, &parsed())]), [40 << 20], "the last one stays");
        // The same one in many files is there once.
        let same = parsed();
        assert_eq!(left((0..20).map(|_| kept(3 << 20, &same))).len(), 20);
        let unusable = |number: usize| Kept { profile: Err(Unusable::Class), ..kept((20 << 20) + number, &same) };
        assert_eq!(left((0..20).map(unusable)).len(), 20);
    }
}
