//! Whole-pixel sizes and rectangles, shared by every floor above.

use std::fmt;

/// A size in whole pixels. Both sides are at least 1 for anything that can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dimensions {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
}

impl Dimensions {
    /// A size of `width_px` by `height_px` pixels.
    pub const fn new(width_px: u32, height_px: u32) -> Self {
        Self { width_px, height_px }
    }

    /// Number of pixels; never overflows.
    pub const fn area_px(self) -> u64 {
        self.width_px as u64 * self.height_px as u64
    }

    /// True when there is nothing to show: a side is 0.
    pub const fn is_empty(self) -> bool {
        self.width_px == 0 || self.height_px == 0
    }

    /// Width and height exchanged, as an orientation of 5 to 8 or a rotation by 90° does.
    #[must_use]
    pub const fn transposed(self) -> Self {
        Self { width_px: self.height_px, height_px: self.width_px }
    }

    /// The size at `1/scale_factor`, each side rounded up and at least 1: how viewers compute levels and tiles.
    #[must_use]
    pub const fn reduced(self, scale_factor: u32) -> Self {
        Self { width_px: self.width_px.div_ceil(scale_factor), height_px: self.height_px.div_ceil(scale_factor) }
    }

    /// The rectangle that covers all of it.
    pub const fn rect(self) -> Rect {
        Rect { x: 0, y: 0, w: self.width_px, h: self.height_px }
    }
}

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width_px, self.height_px)
    }
}

/// A rectangle of whole pixels: left, top, width, height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Distance of the left edge from the image's left edge.
    pub x: u32,
    /// Distance of the top edge from the image's top edge.
    pub y: u32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
}

impl Rect {
    /// The rectangle with this corner and this size.
    pub const fn new(x: u32, y: u32, w: u32, h: u32) -> Self {
        Self { x, y, w, h }
    }

    /// Its size.
    pub const fn dimensions(self) -> Dimensions {
        Dimensions::new(self.w, self.h)
    }

    /// Number of pixels; never overflows.
    pub const fn area_px(self) -> u64 {
        self.w as u64 * self.h as u64
    }

    /// First column to the right of it. A `u64`, as `x + w` may pass `u32::MAX`.
    pub const fn right(self) -> u64 {
        self.x as u64 + self.w as u64
    }

    /// First row below it.
    pub const fn bottom(self) -> u64 {
        self.y as u64 + self.h as u64
    }

    /// What it shares with `other`; `None` when that is nothing.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let x = self.x.max(other.x);
        let y = self.y.max(other.y);
        let right = self.right().min(other.right());
        let bottom = self.bottom().min(other.bottom());
        (right > x as u64 && bottom > y as u64)
            .then(|| Self::new(x, y, (right - x as u64) as u32, (bottom - y as u64) as u32))
    }

    /// True when it lies wholly inside an image of this size and is not empty.
    pub const fn is_inside(self, size: Dimensions) -> bool {
        self.w > 0 && self.h > 0 && self.right() <= size.width_px as u64 && self.bottom() <= size.height_px as u64
    }
}

impl fmt::Display for Rect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.x, self.y, self.w, self.h)
    }
}
