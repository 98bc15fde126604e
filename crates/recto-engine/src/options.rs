//! What a deployment chooses once for all its images.

use std::fmt;

use recto_codec::EncodeOptions;

/// What becomes of an embedded colour profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ColorPolicy {
    /// Pixels are converted to sRGB, and no profile is written.
    #[default]
    ToSrgb,
    /// Pixels stay in the space of the original and its profile is embedded, where the format and the quality allow it;
    /// elsewhere as [`ColorPolicy::ToSrgb`].
    Keep,
    /// As [`ColorPolicy::Keep`] for spaces of three primaries that hold all of sRGB and more (Display P3, Adobe RGB, `ProPhoto`
    /// RGB), as [`ColorPolicy::ToSrgb`] for everything else: every client that knows profiles at all shows these right.
    Wide,
}

/// How many bits a sample of the answer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Depth {
    /// 8, of whatever original.
    #[default]
    Eight,
    /// As many as the original's: 16 for originals of more than 8 bits, in the formats that have them (PNG, TIFF, JPEG 2000).
    /// JPEG, WebP and GIF are of 8 bits, and so is every `bitonal` answer.
    AsStored,
}

/// What conversion to sRGB does with colours that it does not have, and with white and black.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Intent {
    /// By the profile's table for pleasing pictures, where it has one.
    Perceptual,
    /// Paper becomes white, and the darkest of inks black (black point compensation); colours between are exact.
    #[default]
    Relative,
    /// By the profile's table for vivid graphics, where it has one.
    Saturation,
    /// Paper keeps its own colour. Shades of gray stay neutral.
    Absolute,
}

/// How `bitonal` decides between black and white.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Bitonal {
    /// One threshold for the whole result, the one that separates its two groups of tones best (Otsu).
    #[default]
    Otsu,
    /// Error diffusion (Floyd and Steinberg).
    Dither,
}

/// What is done with tiles and images that are stored as they are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StoredTiles {
    /// They leave without being decoded, at the quality at which they were stored.
    #[default]
    AsTheyLie,
    /// Everything is decoded and encoded again.
    Never,
}

/// The kernel of resampling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Windowed sinc over six pixels: the sharpest.
    #[default]
    Lanczos3,
    /// Cubic over four pixels.
    CatmullRom,
    /// Triangle over two pixels.
    Bilinear,
    /// Plain average; nearest neighbour when enlarging.
    Box,
}

impl Filter {
    /// Reach of the kernel to each side, in pixels at ratio 1.
    pub(crate) const fn support(self) -> f64 {
        match self {
            Self::Lanczos3 => 3.0,
            Self::CatmullRom => 2.0,
            Self::Bilinear => 1.0,
            Self::Box => 0.5,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lanczos3 => "lanczos3",
            Self::CatmullRom => "catmull-rom",
            Self::Bilinear => "bilinear",
            Self::Box => "box",
        })
    }
}

/// How images are rendered. Part of every cache key: two different values may give different bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RenderOptions {
    /// How each format is written.
    pub encode: EncodeOptions,
    /// What becomes of colour profiles.
    pub color: ColorPolicy,
    /// What shows through transparent pixels and in the corners of rotated images, in formats without transparency: sRGB.
    pub background: [u8; 3],
    /// How `bitonal` is made.
    pub bitonal: Bitonal,
    /// Whether stored tiles leave undecoded.
    pub stored_tiles: StoredTiles,
    /// The kernel of resampling.
    pub filter: Filter,
    /// How many bits samples of the answer have.
    pub depth: Depth,
    /// How colours are converted to sRGB.
    pub intent: Intent,
    /// Resampling mixes light instead of sRGB's values: slower, and fine bright detail keeps its brightness. Reductions that
    /// are stored (levels) or made by decoding (JPEG's) come as they are; this is for the factor that remains.
    pub linear_light: bool,
    /// Most bytes of a profile that is embedded; images with a larger one are converted to sRGB whatever `color` says.
    pub max_profile_bytes: u64,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            encode: EncodeOptions::default(),
            color: ColorPolicy::default(),
            background: [255; 3],
            bitonal: Bitonal::default(),
            stored_tiles: StoredTiles::default(),
            filter: Filter::default(),
            depth: Depth::default(),
            intent: Intent::default(),
            linear_light: false,
            max_profile_bytes: 64 << 10,
        }
    }
}
