//! ICC profiles, parsed once: what space they describe, whether that is sRGB anyway, and transforms to sRGB.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};

use moxcms::{
    CmsError, ColorProfile, DataColorSpace, InterpolationMethod, Layout, RenderingIntent, Transform8BitExecutor,
    Transform16BitExecutor, TransformOptions,
};

/// Most profiles kept. Institutions have a handful; a hostile library must not fill the memory.
const KEPT: usize = 32;
/// Differences up to this many of 255 steps still count as sRGB: rounding of the many sRGB profiles in use.
const SAME_WITHIN: u8 = 2;

/// The spaces that pixels can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Gray,
    Rgb,
    Cmyk,
}

/// A usable profile.
pub(crate) struct Profile {
    pub(crate) space: Space,
    parsed: ColorProfile,
    is_srgb: OnceLock<bool>,
    transforms: Transforms,
}

/// Transforms to sRGB, each built when first needed; `None` when the profile cannot give it.
#[derive(Default)]
struct Transforms {
    rgb8: OnceLock<Option<Arc<Transform8BitExecutor>>>,
    rgba8: OnceLock<Option<Arc<Transform8BitExecutor>>>,
    rgb16: OnceLock<Option<Arc<Transform16BitExecutor>>>,
    rgba16: OnceLock<Option<Arc<Transform16BitExecutor>>>,
    gray8: OnceLock<Option<Arc<[u8]>>>,
    gray16: OnceLock<Option<Arc<[u8]>>>,
}

struct Kept {
    /// Where the bytes lie. A weak reference keeps the address from being given to another profile.
    bytes: Weak<[u8]>,
    hash: u64,
    length: usize,
    profile: Option<Arc<Profile>>,
}

static PROFILES: LazyLock<Mutex<VecDeque<Kept>>> = LazyLock::new(Mutex::default);
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The profile in these bytes; `None` when they are none that can be used. Parsed once and kept for the next request.
pub(crate) fn profile(icc: &Arc<[u8]>) -> Option<Arc<Profile>> {
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
    kept.truncate(KEPT);
    profile
}

fn parse(icc: &[u8]) -> Option<Arc<Profile>> {
    let parsed = guarded(|| ColorProfile::new_from_slice(icc));
    let space = parsed.as_ref().ok().and_then(|profile| match profile.color_space {
        DataColorSpace::Gray => Some(Space::Gray),
        DataColorSpace::Rgb => Some(Space::Rgb),
        DataColorSpace::Cmyk => Some(Space::Cmyk),
        _ => None,
    });
    match (parsed, space) {
        (Ok(profile), Some(space)) => Some(Arc::new(Profile {
            space,
            parsed: profile,
            is_srgb: OnceLock::new(),
            transforms: Transforms::default(),
        })),
        (Ok(profile), None) => {
            tracing::warn!(space = ?profile.color_space, "a colour profile is of a space that images are not in: taken as sRGB");
            None
        }
        (Err(error), _) => {
            tracing::warn!(%error, bytes = icc.len(), "a colour profile cannot be read: taken as sRGB");
            None
        }
    }
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
                .gray8()
                .is_some_and(|table| table.iter().zip(0..=255_u8).all(|(to, from)| to.abs_diff(from) <= SAME_WITHIN)),
            Space::Rgb => self.keeps_rgb().unwrap_or(false),
        })
    }

    fn keeps_rgb(&self) -> Option<bool> {
        let steps = || (0..=255_u8).step_by(17);
        let from: Vec<u8> =
            steps().flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b]))).collect();
        let mut to = vec![0; from.len()];
        self.rgb8()?.transform(&from, &mut to).ok()?;
        Some(from.iter().zip(&to).all(|(from, to)| from.abs_diff(*to) <= SAME_WITHIN))
    }

    /// From `Rgb8` or `Cmyk8` to sRGB.
    pub(crate) fn rgb8(&self) -> Option<Arc<Transform8BitExecutor>> {
        self.transforms
            .rgb8
            .get_or_init(|| {
                self.build(
                    |from, to, options| self.parsed.create_transform_8bit(self.layout(), to, from, options),
                    Layout::Rgb,
                )
            })
            .clone()
    }

    /// From `Rgba8` to sRGB, opacity untouched.
    pub(crate) fn rgba8(&self) -> Option<Arc<Transform8BitExecutor>> {
        self.transforms
            .rgba8
            .get_or_init(|| {
                self.build(|from, to, options| self.parsed.create_transform_8bit(from, to, from, options), Layout::Rgba)
            })
            .clone()
    }

    /// As [`Profile::rgb8`], of 16 bits.
    pub(crate) fn rgb16(&self) -> Option<Arc<Transform16BitExecutor>> {
        self.transforms
            .rgb16
            .get_or_init(|| {
                self.build(
                    |from, to, options| self.parsed.create_transform_16bit(self.layout(), to, from, options),
                    Layout::Rgb,
                )
            })
            .clone()
    }

    /// As [`Profile::rgba8`], of 16 bits.
    pub(crate) fn rgba16(&self) -> Option<Arc<Transform16BitExecutor>> {
        self.transforms
            .rgba16
            .get_or_init(|| {
                self.build(
                    |from, to, options| self.parsed.create_transform_16bit(from, to, from, options),
                    Layout::Rgba,
                )
            })
            .clone()
    }

    /// Shades of gray of 8 bits to sRGB's: 256 entries. Gray under an RGB profile is its neutral axis.
    pub(crate) fn gray8(&self) -> Option<Arc<[u8]>> {
        self.transforms
            .gray8
            .get_or_init(|| {
                let table = self.gray_table(255)?;
                Some(table.into_iter().map(narrow).collect())
            })
            .clone()
    }

    /// As [`Profile::gray8`], from 16 bits to 8: 65536 entries.
    pub(crate) fn gray16(&self) -> Option<Arc<[u8]>> {
        self.transforms
            .gray16
            .get_or_init(|| {
                let table = self.gray_table(65535)?;
                Some(table.into_iter().map(narrow).collect())
            })
            .clone()
    }

    fn gray_table(&self, top: u32) -> Option<Vec<u16>> {
        let from: Vec<u16> = (0..=top).map(|shade| (shade * (65535 / top)) as u16).collect();
        let mut rgb = vec![0; from.len() * 3];
        match self.space {
            Space::Cmyk => return None,
            Space::Gray => {
                let transform = self.build(
                    |layout, to, options| self.parsed.create_transform_16bit(Layout::Gray, to, layout, options),
                    Layout::Rgb,
                )?;
                transform.transform(&from, &mut rgb).ok()?;
            }
            Space::Rgb => {
                let neutral: Vec<u16> = from.iter().flat_map(|shade| [*shade; 3]).collect();
                self.rgb16()?.transform(&neutral, &mut rgb).ok()?;
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
        create: impl FnOnce(Layout, &ColorProfile, TransformOptions) -> Result<T, CmsError>,
        layout: Layout,
    ) -> Option<T> {
        let srgb = ColorProfile::new_srgb();
        let rendering_intent = match self.parsed.rendering_intent {
            intent @ (RenderingIntent::Perceptual | RenderingIntent::Saturation) => intent,
            _ => RenderingIntent::RelativeColorimetric,
        };
        // Tables of inks are coarse: between their points, tetrahedra are nearest to what other colour engines give.
        let interpolation_method = InterpolationMethod::Tetrahedral;
        let options = TransformOptions { rendering_intent, interpolation_method, ..TransformOptions::default() };
        match guarded(|| create(layout, &srgb, options)) {
            Ok(transform) => Some(transform),
            Err(error) => {
                tracing::warn!(%error, space = ?self.space, "a colour profile gives no conversion to sRGB: taken as sRGB");
                None
            }
        }
    }
}

/// 16 bits to 8, to the nearest of the 256 shades.
pub(crate) const fn narrow(sample: u16) -> u8 {
    ((sample as u32 * 255 + 32895) >> 16) as u8
}
