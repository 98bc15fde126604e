//! The one size function: how many pixels a region has after scaling.
//!
//! Viewers compute the size of a tile at scale factor `s` as `ceil(side / s)` for both sides, but in version 2 they send
//! only the width (`w,`). The height that they did not send has to come out as they computed it, or seams show. So:
//!
//! 1. When the wanted side is `ceil(side / s)` for a power of two `s`, the other side is `ceil(other / s)`. For a wanted side above
//!    1 there is at most one such `s`: `n = ceil(a)` and `n = ceil(a / 2)` together mean `2n - 2 < a <= n`, hence `n < 2`.
//! 2. A wanted side of 1 fits many `s`. The region tells which: a tile of the announced grid at `s` starts at multiples of `s` tiles
//!    and is `s` tiles wide and high, cut at the edges. The smallest such `s` is taken. (A tile in the bottom right corner
//!    can be a tile at two factors; there the URLs are equal, so no server can tell them apart, and the finer one is right.)
//! 3. Otherwise the other side is rounded to the nearest pixel, halves up, and is at least 1.
//!
//! Percentages `100 / 2^k` follow rule 1 as well, so that `pct:25` and `256,` mean the same pixels and the same stored level.

use crate::{Dimensions, Rect};

/// The tile size announced where the file has no grid of its own.
pub const DEFAULT_TILE: Dimensions = Dimensions::new(512, 512);

/// An image and the tile grid that its `info.json` announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileGrid {
    /// Size of the whole image, as it is shown.
    pub image: Dimensions,
    /// Size of a tile in output pixels.
    pub tile: Dimensions,
}

/// What a region is scaled to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Exactly this width, at least 1; the height follows.
    Width(u32),
    /// Exactly this height, at least 1; the width follows.
    Height(u32),
    /// The largest size in this box, which may be above the region.
    Confined(Dimensions),
    /// This percentage of both sides, above 0.
    Percent(f64),
    /// One in so many pixels, rounded up: a level of the pyramid, or a tile of it.
    Factor(u32),
}

/// The size of `region` scaled to `target`; never below 1 x 1. A side that would pass `u32::MAX` is `u32::MAX`.
///
/// ```
/// use recto_iiif::image::{scaled, Target, TileGrid, DEFAULT_TILE};
/// use recto_iiif::{Dimensions, Rect};
///
/// let grid = TileGrid { image: Dimensions::new(1800, 2401), tile: DEFAULT_TILE };
/// let edge = Rect::new(1024, 2048, 776, 353);
/// assert_eq!(scaled(edge, grid, Target::Width(388)), Dimensions::new(388, 177));
/// assert_eq!(scaled(edge, grid, Target::Factor(2)), Dimensions::new(388, 177));
/// ```
pub fn scaled(region: Rect, grid: TileGrid, target: Target) -> Dimensions {
    let size = match target {
        Target::Width(w) => Dimensions::new(w, other_side(region.w, region.h, w, region, grid)),
        Target::Height(h) => Dimensions::new(other_side(region.h, region.w, h, region, grid), h),
        Target::Factor(factor) => region.dimensions().reduced(factor.max(1)),
        Target::Percent(percent) => match power_of_two_percent(percent) {
            Some(factor) => region.dimensions().reduced(factor),
            None => Dimensions::new(percent_of(region.w, percent), percent_of(region.h, percent)),
        },
        Target::Confined(limit) => {
            // Rule 1 never passes the box: `ceil(other / s)` is at most `ceil` of the exact value, which fits.
            if u64::from(limit.width_px) * u64::from(region.h) <= u64::from(limit.height_px) * u64::from(region.w) {
                let height = other_side(region.w, region.h, limit.width_px, region, grid);
                Dimensions::new(limit.width_px, height.min(limit.height_px))
            } else {
                let width = other_side(region.h, region.w, limit.height_px, region, grid);
                Dimensions::new(width.min(limit.width_px), limit.height_px)
            }
        }
    };
    Dimensions::new(size.width_px.max(1), size.height_px.max(1))
}

/// The powers of two, from 1, until the image fits in one tile. Image API 3.0 §5.4.
pub fn scale_factors(grid: TileGrid) -> impl Iterator<Item = u32> {
    let fits = move |factor: u32| {
        let level = grid.image.reduced(factor);
        level.width_px <= grid.tile.width_px.max(1) && level.height_px <= grid.tile.height_px.max(1)
    };
    let mut done = false;
    (0..u32::BITS).map(|shift| 1_u32 << shift).take_while(move |factor| {
        let take = !done;
        done = fits(*factor);
        take
    })
}

/// `across * wanted / along`, rounded to the nearest pixel, halves up; at least 1.
pub(super) fn nearest(along: u32, across: u32, wanted: u32) -> u32 {
    let along = u128::from(along.max(1));
    let doubled = 2 * u128::from(across) * u128::from(wanted) + along;
    u32::try_from(doubled / (2 * along)).unwrap_or(u32::MAX).max(1)
}

fn other_side(along: u32, across: u32, wanted: u32, region: Rect, grid: TileGrid) -> u32 {
    let factor = if wanted <= 1 {
        powers_of_two().find(|factor| *factor >= along && is_tile(region, grid, *factor))
    } else {
        power_of_two_factor(along, wanted)
    };
    match factor {
        Some(factor) => across.div_ceil(factor).max(1),
        None => nearest(along, across, wanted),
    }
}

/// The power of two by which `along` becomes `wanted`, which is above 1.
fn power_of_two_factor(along: u32, wanted: u32) -> Option<u32> {
    powers_of_two()
        .take_while(|factor| along.div_ceil(*factor) >= wanted)
        .find(|factor| along.div_ceil(*factor) == wanted)
}

fn powers_of_two() -> impl Iterator<Item = u32> {
    (0..u32::BITS).map(|shift| 1_u32 << shift)
}

/// True when `region` is what a viewer asks for as one tile at this factor.
fn is_tile(region: Rect, grid: TileGrid, factor: u32) -> bool {
    let along = |start: u32, length: u32, whole: u32, tile: u32| {
        let step = u64::from(tile.max(1)) * u64::from(factor);
        let rest = u64::from(whole.saturating_sub(start));
        u64::from(start) % step == 0 && u64::from(length) == rest.min(step)
    };
    along(region.x, region.w, grid.image.width_px, grid.tile.width_px)
        && along(region.y, region.h, grid.image.height_px, grid.tile.height_px)
}

fn power_of_two_percent(percent: f64) -> Option<u32> {
    // Halving a binary float is exact, so these are exact comparisons.
    powers_of_two().find(|factor| percent * f64::from(*factor) == 100.0)
}

/// A percentage of a side, rounded to the nearest pixel, halves up; the conversion saturates.
pub(super) fn percent_of(side: u32, percent: f64) -> u32 {
    (f64::from(side) * percent / 100.0).round() as u32
}
