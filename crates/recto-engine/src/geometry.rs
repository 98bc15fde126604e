//! Which level is decoded, at which reduction, and where in it a region lies.
//!
//! A level at scale `s` is taken as pixels that each cover `s × s` pixels of the original, counted from the upper left corner,
//! when its size is that of a division by `s` rounded up or down; else as the whole image squeezed to the level's size.
//! Reduction while decoding divides once more, from the same corner. So a region whose edges lie on that grid maps to whole
//! pixels, the same ones for a tile, a crop and the whole image, and nothing needs to be resampled.
//!
//! The same grid rules what is resampled: where region and size are those of a tile or the whole at a whole scale (a region that
//! begins on the grid, and a size that is the region divided by the scale and rounded up), each pixel of the result covers
//! exactly `scale` pixels, and the last one reaches over the image's edge. So tiles put together are the whole.

use recto_codec::ImageFacts;
use recto_iiif::{Dimensions, Rect};

/// A stretch of one axis, in pixels of a reduced level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: f64,
    pub(crate) length: f64,
    /// Where the last pixel of the whole at this scale ends: at the end of the level, or less than a pixel of the result behind it.
    pub(crate) edge: f64,
}

impl Span {
    /// True when it is exactly `pixels` whole pixels.
    pub(crate) fn is_exactly(self, pixels: u32) -> bool {
        self.length == f64::from(pixels) && self.start.fract() == 0.0
    }
}

/// A level and a reduction of it that has enough pixels for what is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    pub(crate) level: usize,
    pub(crate) denominator: u32,
    /// Size of the level after the reduction.
    pub(crate) reduced: Dimensions,
    pub(crate) x: Span,
    pub(crate) y: Span,
}

/// The smallest picture that still has at least as many pixels as `size` for `region` (stored pixels) on both axes; when
/// the image itself has fewer, the image itself.
pub(crate) fn choose(facts: &ImageFacts, region: Rect, size: Dimensions) -> Choice {
    let wanted =
        Wanted { full: facts.stored_size(), region, size, grid: grid_scale(facts.stored_size(), region, size) };
    let mut best = wanted.on(0, wanted.full, 1).0;
    for (level, facts_level) in facts.levels.iter().enumerate().filter(|(_, level)| !level.size.is_empty()) {
        let mut denominator = 1;
        while denominator <= facts.max_denominator.max(1) {
            let (choice, suffices) = wanted.on(level, facts_level.size, denominator);
            if suffices && choice.reduced.area_px() <= best.reduced.area_px() {
                best = choice;
            }
            let Some(next) = denominator.checked_mul(2) else { break };
            denominator = next;
        }
    }
    best
}

/// The whole scale at which `region` of an image becomes `size`, as it does for tiles and for whole levels: the region begins
/// on the grid of that scale, and ends on it or with the image.
fn grid_scale(full: Dimensions, region: Rect, size: Dimensions) -> Option<u32> {
    let fits = |scale: u32| {
        let axis = |start: u32, length: u32, full: u32, out: u32| {
            let at_end = u64::from(start) + u64::from(length) == u64::from(full);
            start.is_multiple_of(scale) && length.div_ceil(scale) == out && (at_end || length.is_multiple_of(scale))
        };
        axis(region.x, region.w, full.width_px, size.width_px)
            && axis(region.y, region.h, full.height_px, size.height_px)
    };
    // Small results fit several scales; the smallest leaves the least beyond the edge.
    let least = region.w.div_ceil(size.width_px).max(region.h.div_ceil(size.height_px));
    [Some(least), least.checked_next_power_of_two()].into_iter().flatten().find(|scale| fits(*scale))
}

struct Wanted {
    full: Dimensions,
    region: Rect,
    size: Dimensions,
    grid: Option<u32>,
}

impl Wanted {
    /// Where it lies in a reduced level, and whether that has enough pixels.
    fn on(&self, level: usize, level_size: Dimensions, denominator: u32) -> (Choice, bool) {
        let reduced = level_size.reduced(denominator);
        let scale = integer_scale(self.full, level_size);
        let axis = |start: u32, length: u32, full: u32, level: u32, reduced: u32, out: u32| {
            OneAxis { start, length, full, level, reduced, scale, denominator, out, grid: self.grid }.map()
        };
        let Self { full, region, size, .. } = self;
        let (x, enough_x) =
            axis(region.x, region.w, full.width_px, level_size.width_px, reduced.width_px, size.width_px);
        let (y, enough_y) =
            axis(region.y, region.h, full.height_px, level_size.height_px, reduced.height_px, size.height_px);
        (Choice { level, denominator, reduced, x, y }, enough_x && enough_y)
    }
}

struct OneAxis {
    start: u32,
    length: u32,
    full: u32,
    level: u32,
    reduced: u32,
    scale: Option<u32>,
    denominator: u32,
    out: u32,
    grid: Option<u32>,
}

impl OneAxis {
    fn map(&self) -> (Span, bool) {
        let end = u64::from(self.start) + u64::from(self.length);
        let limit = f64::from(self.reduced);
        let wanted = f64::from(self.out.min(self.length));
        if let (Some(grid), Some(scale)) = (self.grid, self.scale) {
            let scale = (u64::from(scale) * u64::from(self.denominator)) as f64;
            let step = f64::from(grid) / scale;
            let edge = (f64::from(self.full.div_ceil(grid)) * step).max(limit);
            let span = Span { start: f64::from(self.start) / scale, length: f64::from(self.out) * step, edge };
            // A level that was rounded down may lack its last pixel. It is the one before it then, for tiles and for the whole: those that
            // leave as they lie are of this level, and all others have to fit them.
            let has_last = span.start + f64::from(self.out - 1) * step < limit + 1.0;
            return (span, step >= 1.0 && has_last);
        }
        let at_end = end == u64::from(self.full);
        if self.start == 0 && at_end {
            return (Span { start: 0.0, length: limit, edge: limit }, limit >= wanted);
        }
        let position = |at: u64| match self.scale {
            Some(scale) => at as f64 / (u64::from(scale) * u64::from(self.denominator)) as f64,
            None => at as f64 * f64::from(self.level) / f64::from(self.full) / f64::from(self.denominator),
        };
        let from = position(u64::from(self.start)).min(limit);
        let length = position(end).min(limit) - from;
        (Span { start: from, length, edge: limit }, length >= wanted)
    }
}

/// The whole number by which both sides of `full` were divided, rounding up or down, to make `level`. Of several, a power of two.
pub(crate) fn integer_scale(full: Dimensions, level: Dimensions) -> Option<u32> {
    integer_scales(full, level).next()
}

/// All such numbers that are worth trying, powers of two first; small levels fit several.
pub(crate) fn integer_scales(full: Dimensions, level: Dimensions) -> impl Iterator<Item = u32> {
    let fits = |scale: u32, full: u32, level: u32| full.div_ceil(scale) == level || (full / scale).max(1) == level;
    scale_candidates(full, level).into_iter().flatten().filter(move |scale| {
        fits(*scale, full.width_px, level.width_px) && fits(*scale, full.height_px, level.height_px)
    })
}

/// Scales worth trying, powers of two first.
fn scale_candidates(full: Dimensions, level: Dimensions) -> [Option<u32>; 8] {
    let ratio = |full: u32, level: u32| {
        let (full, level) = (u64::from(full), u64::from(level).max(1));
        u32::try_from((full + level / 2) / level).unwrap_or(u32::MAX).max(1)
    };
    let x = ratio(full.width_px, level.width_px);
    let y = ratio(full.height_px, level.height_px);
    let below = |ratio: u32| 1_u32 << ratio.ilog2();
    let above = |ratio: u32| ratio.checked_next_power_of_two();
    [
        Some(below(x)),
        above(x),
        Some(below(y)),
        above(y),
        Some(x),
        Some(y),
        x.checked_add(1),
        x.checked_sub(1).filter(|scale| *scale > 0),
    ]
}

/// One axis of the way from decoded pixels to the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    /// First decoded pixel, in the reduced level. A multiple of `shrink`.
    pub(crate) first: u32,
    /// Decoded pixels.
    pub(crate) count: u32,
    /// Decoded pixels that are averaged into one before resampling.
    pub(crate) shrink: u32,
    /// Where the region begins, in shrunk pixels from `first`.
    pub(crate) start: f64,
    /// How long it is, in shrunk pixels.
    pub(crate) length: f64,
    /// Pixels of the result.
    pub(crate) out: u32,
    /// Shrunk pixels that the region reaches over the image's edge; they repeat the last one.
    pub(crate) beyond: u32,
}

/// Reductions by this much or more are averaged first: the kernel's rows would fill the memory.
const SHRINK_FROM: f64 = 8.0;
/// What is left to the kernel then, at least. Averages under a kernel of twelve pixels each side do not show.
const SHRINK_TO: f64 = 4.0;

impl Axis {
    /// Plans one axis: the region's span in a reduced level of `reduced` pixels becomes `out` pixels, by a kernel that
    /// reaches `support` pixels to each side at ratio 1. Neighbours of the region are decoded too, so that
    /// adjacent regions meet without a seam.
    pub(crate) fn plan(span: Span, reduced: u32, out: u32, support: f64) -> Self {
        if span.is_exactly(out) && span.start + span.length <= f64::from(reduced) {
            return Self {
                first: span.start as u32,
                count: out,
                shrink: 1,
                start: 0.0,
                length: span.length,
                out,
                beyond: 0,
            };
        }
        let ratio = span.length / f64::from(out);
        let shrink = if ratio >= SHRINK_FROM { (ratio / SHRINK_TO) as u32 } else { 1 };
        let shrunk = reduced.div_ceil(shrink);
        let start = span.start / f64::from(shrink);
        let length = span.length / f64::from(shrink);
        let ratio = length / f64::from(out);
        let reach = support * ratio.max(1.0);
        let first = (start + ratio / 2.0 - reach).min(start).floor().max(0.0) as u32;
        let wanted = (start + length - ratio / 2.0 + reach).max(start + length).ceil() as u32;
        // As far as the whole reaches, so that a tile sees what the whole sees. Less than a millionth of a pixel comes from rounding.
        let edge = (span.edge / f64::from(shrink) - 1e-6).ceil().max(0.0) as u32;
        let beyond = wanted.min(edge).saturating_sub(shrunk);
        let last = wanted.clamp((first + 1).min(shrunk), shrunk);
        let first = first.min(last - 1);
        let first_px = first * shrink;
        let end_px = (u64::from(last) * u64::from(shrink)).min(u64::from(reduced)) as u32;
        Self { first: first_px, count: end_px - first_px, shrink, start: start - f64::from(first), length, out, beyond }
    }

    /// True when decoded pixels are the result's pixels.
    pub(crate) fn is_exact(&self) -> bool {
        self.shrink == 1 && self.beyond == 0 && self.start.fract() == 0.0 && self.length == f64::from(self.out)
    }

    /// Pixels after averaging.
    pub(crate) fn shrunk(&self) -> u32 {
        self.count.div_ceil(self.shrink)
    }

    /// Pixels that are resampled: after averaging, those beyond the edge included.
    pub(crate) fn extended(&self) -> u32 {
        self.shrunk() + self.beyond
    }

    /// Shrunk pixels per pixel of the result.
    pub(crate) fn ratio(&self) -> f64 {
        self.length / f64::from(self.out)
    }

    /// The shrunk pixels that the pixels `from..to` of the result need, by a kernel of that support.
    pub(crate) fn needs(&self, from: u32, to: u32, support: f64) -> std::ops::Range<u32> {
        let ratio = self.ratio();
        if self.is_exact() {
            return from + self.start as u32..to + self.start as u32;
        }
        let reach = support * ratio.max(1.0);
        let low = self.start + ratio * (f64::from(from) + 0.5) - reach;
        let high = self.start + ratio * (f64::from(to) - 0.5) + reach;
        // The stretch itself is always inside, whatever the kernel reaches.
        let low = low.min(self.start + ratio * f64::from(from)).floor().max(0.0) as u32;
        let high = high.max(self.start + ratio * f64::from(to)).ceil().max(0.0) as u32;
        let high = high.clamp(1, self.extended());
        low.min(high - 1)..high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_scales_are_found_whichever_way_a_level_was_rounded() {
        for (full, level, want) in [
            ((5001, 3001), (2501, 1501), Some(2)),
            ((5001, 3001), (2500, 1500), Some(2)),
            ((5001, 3001), (1250, 750), Some(4)),
            ((5001, 3001), (3, 2), Some(2048)),
            ((900, 600), (300, 200), Some(3)),
            ((1000, 1000), (1000, 1000), Some(1)),
            ((1000, 10), (8, 1), Some(128)),
            ((1000, 1000), (700, 700), None),
            ((1000, 1000), (500, 250), None),
        ] {
            let full = Dimensions::new(full.0, full.1);
            let level = Dimensions::new(level.0, level.1);
            assert_eq!(integer_scale(full, level), want, "{full} to {level}");
        }
    }

    #[test]
    fn regions_on_the_grid_map_to_whole_pixels() {
        // start, length, full, level, scale, denominator, reduced -> start, length
        for (given, want) in [
            ((1024, 512, 5001, 2501, 1, 2501), (512.0, 256.0)),
            ((4608, 393, 5001, 2501, 1, 2501), (2304.0, 196.5)),
            ((4608, 393, 5001, 2500, 1, 2500), (2304.0, 196.0)),
            ((0, 5001, 5001, 2500, 1, 2500), (0.0, 2500.0)),
            ((1024, 512, 5001, 2501, 2, 1251), (256.0, 128.0)),
            ((1023, 512, 5001, 2501, 1, 2501), (511.5, 256.0)),
            ((4607, 394, 5001, 2500, 1, 2500), (2303.5, 196.5)),
            ((5000, 1, 5001, 2500, 1, 2500), (2500.0, 0.0)),
        ] {
            let (start, length, full, level, denominator, reduced) = given;
            let scale = Some(2);
            let axis = OneAxis { start, length, full, level, reduced, scale, denominator, out: 1, grid: None };
            let (span, _) = axis.map();
            assert_eq!((span.start, span.length), want, "{given:?}");
        }
    }

    #[test]
    fn tiles_and_whole_levels_are_on_the_grid_of_their_scale() {
        let full = Dimensions::new(5001, 3001);
        for (region, size, want) in [
            ((0, 0, 5001, 3001), (2501, 1501), Some(2)),
            ((0, 0, 5001, 3001), (313, 188), Some(16)),
            ((1024, 1024, 1024, 1024), (256, 256), Some(4)),
            ((4096, 2048, 905, 953), (227, 239), Some(4)),
            ((4998, 2997, 3, 4), (1, 2), Some(3)),
            ((4998, 2998, 3, 3), (1, 1), None),
            ((1, 0, 1024, 1024), (256, 256), None),
            ((0, 0, 1023, 1024), (256, 256), None),
            ((0, 0, 5001, 3001), (2500, 1501), None),
            ((0, 0, 100, 100), (200, 200), None),
            ((7, 7, 100, 100), (100, 100), Some(1)),
        ] {
            let region = Rect::new(region.0, region.1, region.2, region.3);
            assert_eq!(grid_scale(full, region, Dimensions::new(size.0, size.1)), want, "{region} to {size:?}");
        }
    }
}
