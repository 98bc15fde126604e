//! Chance that is the same in every run.

use recto_iiif::{Dimensions, Rect};

/// `SplitMix64`, seeded.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `end`, which is not 0.
    pub const fn below(&mut self, end: u32) -> u32 {
        (((self.next_u64() >> 32) * end as u64) >> 32) as u32
    }

    /// A rectangle inside `size` that is not empty; small and large ones alike.
    pub const fn rect_in(&mut self, size: Dimensions) -> Rect {
        let (x, y) = (self.below(size.width_px), self.below(size.height_px));
        Rect::new(x, y, 1 + self.below(size.width_px - x), 1 + self.below(size.height_px - y))
    }

    /// Rectangles worth a test: the whole, the corners as single pixels, thin edges, then `random` by chance.
    pub fn rects_in(&mut self, size: Dimensions, random: usize) -> Vec<Rect> {
        let (w, h) = (size.width_px, size.height_px);
        let mut rects = vec![
            size.rect(),
            Rect::new(0, 0, 1, 1),
            Rect::new(w - 1, 0, 1, 1),
            Rect::new(0, h - 1, 1, 1),
            Rect::new(w - 1, h - 1, 1, 1),
            Rect::new(0, h / 2, w, 1),
            Rect::new(w / 2, 0, 1, h),
        ];
        rects.extend((0..random).map(|_| self.rect_in(size)));
        rects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_are_inside() {
        for size in [Dimensions::new(1, 1), Dimensions::new(2, 900), Dimensions::new(4096, 3)] {
            assert!(Rng::new(1).rects_in(size, 200).into_iter().all(|rect| rect.is_inside(size)), "{size}");
        }
    }

    #[test]
    fn the_same_seed_is_the_same_sequence() {
        // First output of the reference implementation for seed 0.
        assert_eq!(Rng::new(0).next_u64(), 0xe220_a839_7b1d_cdaf);
        assert!((0..100).all(|seed| Rng::new(seed).below(7) < 7));
    }
}
