//! Which level is decoded, at which reduction, and where in it a region lies.
//!
//! A level at scale `s` is taken as pixels that each cover `s × s` pixels of the original, counted from the upper left corner,
//! when its size is that of a division by `s` rounded up or down; else as the whole image squeezed to the level's size.
//! Reduction while decoding divides once more, from the same corner. So a region whose edges lie on that grid maps to whole
//! pixels, the same ones for a tile, a crop and the whole image, and nothing needs to be resampled.

use recto_codec::ImageFacts;
use recto_iiif::{Dimensions, Rect};

/// A stretch of one axis, in pixels of a reduced level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: f64,
    pub(crate) length: f64,
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
    let full = facts.stored_size();
    let mut best = Choice {
        level: 0,
        denominator: 1,
        reduced: full,
        x: Span { start: f64::from(region.x), length: f64::from(region.w) },
        y: Span { start: f64::from(region.y), length: f64::from(region.h) },
    };
    for (level, facts_level) in facts.levels.iter().enumerate() {
        if facts_level.size.is_empty() {
            continue;
        }
        let scale = integer_scale(full, facts_level.size);
        let mut denominator = 1;
        while denominator <= facts.max_denominator.max(1) {
            let choice = map(full, facts_level.size, scale, level, denominator, region);
            let enough = |span: Span, wanted: u32, original: u32| span.length >= f64::from(wanted.min(original));
            if enough(choice.x, size.width_px, region.w)
                && enough(choice.y, size.height_px, region.h)
                && choice.reduced.area_px() <= best.reduced.area_px()
            {
                best = choice;
            }
            let Some(next) = denominator.checked_mul(2) else { break };
            denominator = next;
        }
    }
    best
}

fn map(full: Dimensions, size: Dimensions, scale: Option<u32>, level: usize, denominator: u32, region: Rect) -> Choice {
    let reduced = size.reduced(denominator);
    let axis = |start: u32, length: u32, full: u32, level: u32, reduced: u32| {
        map_axis(start, length, full, level, scale, denominator, reduced)
    };
    Choice {
        level,
        denominator,
        reduced,
        x: axis(region.x, region.w, full.width_px, size.width_px, reduced.width_px),
        y: axis(region.y, region.h, full.height_px, size.height_px, reduced.height_px),
    }
}

fn map_axis(
    start: u32,
    length: u32,
    full: u32,
    level: u32,
    scale: Option<u32>,
    denominator: u32,
    reduced: u32,
) -> Span {
    let end = u64::from(start) + u64::from(length);
    let at_end = end == u64::from(full);
    if start == 0 && at_end {
        return Span { start: 0.0, length: f64::from(reduced) };
    }
    let position = |at: u64| match scale {
        Some(scale) => at as f64 / (u64::from(scale) * u64::from(denominator)) as f64,
        None => at as f64 * f64::from(level) / f64::from(full) / f64::from(denominator),
    };
    let limit = f64::from(reduced);
    let from = position(u64::from(start)).min(limit);
    // A region that begins on the grid and ends with the image ends with the level's last whole pixel, though that covers
    // less of the original than the others.
    let to = if at_end && from.fract() == 0.0 { limit } else { position(end).min(limit) };
    Span { start: from, length: to - from }
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
        if span.is_exactly(out) {
            return Self { first: span.start as u32, count: out, shrink: 1, start: 0.0, length: span.length, out };
        }
        let ratio = span.length / f64::from(out);
        let shrink = if ratio >= SHRINK_FROM { (ratio / SHRINK_TO) as u32 } else { 1 };
        let shrunk = reduced.div_ceil(shrink);
        let start = span.start / f64::from(shrink);
        let length = (span.length / f64::from(shrink)).min(f64::from(shrunk) - start);
        let ratio = length / f64::from(out);
        let reach = support * ratio.max(1.0);
        let first = (start + ratio / 2.0 - reach).min(start).floor().max(0.0) as u32;
        let last = (start + length - ratio / 2.0 + reach).max(start + length).ceil() as u32;
        let last = last.clamp(first + 1, shrunk);
        let first = first.min(last - 1);
        let first_px = first * shrink;
        let end_px = (u64::from(last) * u64::from(shrink)).min(u64::from(reduced)) as u32;
        Self { first: first_px, count: end_px - first_px, shrink, start: start - f64::from(first), length, out }
    }

    /// True when decoded pixels are the result's pixels.
    pub(crate) fn is_exact(&self) -> bool {
        self.shrink == 1 && self.start.fract() == 0.0 && self.length == f64::from(self.out)
    }

    /// Pixels after averaging.
    pub(crate) fn shrunk(&self) -> u32 {
        self.count.div_ceil(self.shrink)
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
        let high = high.clamp(1, self.shrunk());
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
            ((4608, 393, 5001, 2501, 1, 2501), (2304.0, 197.0)),
            ((4608, 393, 5001, 2500, 1, 2500), (2304.0, 196.0)),
            ((0, 5001, 5001, 2500, 1, 2500), (0.0, 2500.0)),
            ((1024, 512, 5001, 2501, 2, 1251), (256.0, 128.0)),
            ((1023, 512, 5001, 2501, 1, 2501), (511.5, 256.0)),
            ((4607, 394, 5001, 2500, 1, 2500), (2303.5, 196.5)),
            ((5000, 1, 5001, 2500, 1, 2500), (2500.0, 0.0)),
        ] {
            let (start, length, full, level, denominator, reduced) = given;
            let span = map_axis(start, length, full, level, Some(2), denominator, reduced);
            assert_eq!((span.start, span.length), want, "{given:?}");
        }
    }
}
