//! An image request as its URL says it, and as it is resolved on a given image.

use crate::{Dimensions, Rect};

use super::Format;

/// A version of the Image API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ApiVersion {
    /// 2.1.1 (and 2.0).
    V2,
    /// 3.0.
    V3,
}

/// `{region}`. Image API 3.0 §4.1, 2.1.1 §4.1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Region {
    /// `full`.
    Full,
    /// `square`: the largest centred square.
    Square,
    /// `x,y,w,h` in pixels; may reach over the edge, `w` and `h` are at least 1.
    Pixels(Rect),
    /// `pct:x,y,w,h`.
    Percent(PercentRect),
}

/// A rectangle in percent of the image's sides; each value is finite and at least 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PercentRect {
    /// Left edge, percent of the width.
    pub x: f64,
    /// Top edge, percent of the height.
    pub y: f64,
    /// Width, percent of the width; above 0.
    pub w: f64,
    /// Height, percent of the height; above 0.
    pub h: f64,
}

/// Whether a `^` stood before the size. Image API 3.0 §4.2; 2.1.1 has no caret and always allows upscaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Upscale {
    /// A result larger than the region is refused.
    Forbidden,
    /// `^`: a result larger than the region is made.
    Allowed,
}

/// `{size}`. Image API 3.0 §4.2, 2.1.1 §4.2. Numbers of pixels are at least 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// `max` (2.1: also `full`): the largest size the limits allow; with `^` upscaled to the limits.
    Max(Upscale),
    /// 2.1 `full`: the region's own size, deprecated in 2.1, gone in 3.0.
    Full,
    /// `w,`.
    Width(u32, Upscale),
    /// `,h`.
    Height(u32, Upscale),
    /// `pct:n`; above 0.
    Percent(f64, Upscale),
    /// `w,h`: exactly this, distorting if need be.
    Exact(Dimensions, Upscale),
    /// `!w,h`: the largest that fits into this, undistorted.
    Confined(Dimensions, Upscale),
}

/// `!` before a rotation: mirrored on the vertical axis before turning. Image API 3.0 §4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mirror {
    /// As stored.
    No,
    /// Left and right exchanged.
    Yes,
}

/// An angle in degrees clockwise, 0 ≤ n ≤ 360; 360 is kept as 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Degrees(pub f64);

/// `{rotation}`. Image API 3.0 §4.3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotation {
    /// Mirrored first?
    pub mirror: Mirror,
    /// Then turned clockwise by this.
    pub degrees: Degrees,
}

impl Rotation {
    /// `0`: nothing to do.
    pub const NONE: Self = Self { mirror: Mirror::No, degrees: Degrees(0.0) };

    /// Number of quarter turns (0 to 3) when the angle is a multiple of 90.
    pub fn quarter_turns(self) -> Option<u8> {
        [0.0, 90.0, 180.0, 270.0].iter().position(|turn| *turn == self.degrees.0).map(|turns| turns as u8)
    }
}

/// `{quality}`. Image API 3.0 §4.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quality {
    /// The server's choice: as the image is.
    Default,
    /// Full colour.
    Color,
    /// Shades of gray.
    Gray,
    /// Black and white only.
    Bitonal,
}

/// The four segments after the identifier, parsed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageRequest {
    /// Which version's grammar and rules apply.
    pub version: ApiVersion,
    /// `{region}`.
    pub region: Region,
    /// `{size}`.
    pub size: Size,
    /// `{rotation}`.
    pub rotation: Rotation,
    /// `{quality}`.
    pub quality: Quality,
    /// `{format}`.
    pub format: Format,
}

/// An image request resolved on one image: what `recto-engine` has to make, in exact pixels.
///
/// Two requests that mean the same pixels resolve to equal values, so this (with the source's version and the
/// encoder options) is the cache key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResolvedRequest {
    /// The region, inside the image, in pixels of the image as it is shown (orientation applied).
    pub region: Rect,
    /// The size of the scaled region, before rotation.
    pub size: Dimensions,
    /// Mirroring and rotation.
    pub rotation: Rotation,
    /// Quality.
    pub quality: Quality,
    /// Format.
    pub format: Format,
}
