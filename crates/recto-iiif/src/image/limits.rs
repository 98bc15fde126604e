//! How large an answer may be, and the largest that is allowed.

use crate::{Dimensions, Rect};

use super::size::{Target, TileGrid, nearest, scaled};

/// The most that one answer may have, as `info.json` announces it. Image API 3.0 §5.2, 2.1.1 §5.3. Counted before rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// `maxWidth` in pixels; alone, it is the limit of the height too.
    pub max_width_px: Option<u32>,
    /// `maxHeight` in pixels; alone, it is the limit of the width too, as the specification wants `maxWidth` beside it.
    pub max_height_px: Option<u32>,
    /// `maxArea` in pixels.
    pub max_area_px: Option<u64>,
}

impl Limits {
    /// No limits at all.
    pub const NONE: Self = Self { max_width_px: None, max_height_px: None, max_area_px: None };

    /// True when nothing is limited.
    pub const fn is_none(&self) -> bool {
        self.max_width_px.is_none() && self.max_height_px.is_none() && self.max_area_px.is_none()
    }

    /// The widest answer, from `maxWidth`, else from `maxHeight`.
    pub fn width_px(&self) -> Option<u32> {
        self.max_width_px.or(self.max_height_px)
    }

    /// The highest answer, from `maxHeight`, else from `maxWidth`.
    pub fn height_px(&self) -> Option<u32> {
        self.max_height_px.or(self.max_width_px)
    }

    /// True when an answer of this size may be made.
    pub fn allow(&self, size: Dimensions) -> bool {
        self.passed_by(size).is_none()
    }

    /// The limit that `size` is above, in words.
    pub(super) fn passed_by(&self, size: Dimensions) -> Option<String> {
        if let Some(width) = self.width_px().filter(|width| size.width_px > *width) {
            return Some(format!("{width} px across (`maxWidth`)"));
        }
        if let Some(height) = self.height_px().filter(|height| size.height_px > *height) {
            return Some(format!("{height} px down (`maxHeight`)"));
        }
        self.max_area_px.filter(|area| size.area_px() > *area).map(|area| format!("{area} px in all (`maxArea`)"))
    }

    /// `max`: the region's own size, or the largest of its shape that the limits allow.
    pub fn largest(&self, region: Rect, grid: TileGrid) -> Dimensions {
        if self.allow(region.dimensions()) {
            region.dimensions()
        } else {
            self.fill(region, grid, region.w.max(region.h))
        }
    }

    /// `^max`: the largest size of the region's shape that the limits allow; without limits the region's own size.
    pub fn largest_upscaled(&self, region: Rect, grid: TileGrid) -> Dimensions {
        if self.is_none() { region.dimensions() } else { self.fill(region, grid, u32::MAX - 1) }
    }

    /// The largest allowed size whose longer side is at most `longest`; found by halving, as area grows with the side.
    fn fill(&self, region: Rect, grid: TileGrid, longest: u32) -> Dimensions {
        let wide = region.w >= region.h;
        let plain = |long: u32| {
            if wide {
                Dimensions::new(long, nearest(region.w, region.h, long))
            } else {
                Dimensions::new(nearest(region.h, region.w, long), long)
            }
        };
        let (mut allowed, mut above) = (1, u64::from(longest) + 1);
        while above - allowed > 1 {
            let middle = u64::midpoint(allowed, above);
            if self.allow(plain(middle as u32)) { allowed = middle } else { above = middle }
        }
        let long = allowed as u32;
        let size = scaled(region, grid, if wide { Target::Width(long) } else { Target::Height(long) });
        if self.allow(size) { size } else { plain(long) }
    }
}
