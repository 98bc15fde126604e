//! How many of their lowest bit planes blocks leave out, so that a tile is as near to its original as it has to be and no nearer.
//!
//! Steps are the same for the whole image, and fine enough for the worst of it. A block without its lowest plane is one with steps of
//! twice the size: what that saves, and what it costs, is reckoned from how large its coefficients are.

/// Lengths of magnitudes in bits, 0 to 32.
const LENGTHS: usize = 33;
/// Bits that a significant coefficient takes beside those of its magnitude behind the first one: its sign, and its share of words.
const BITS_BESIDE: f32 = 2.5;
/// The least and the greatest price of a bit that is tried, as powers of two of the square of a step; and how often.
const PRICES: (f32, f32) = (-8.0, 40.0);
const TRIALS: u32 = 24;

/// The coefficients of a block: for each length of the magnitude, how many there are, and their squares.
#[derive(Clone, Debug, Default)]
pub(super) struct Sizes {
    lengths: Vec<(f32, f32)>,
}

/// What a block comes to without some of its planes.
#[derive(Clone, Copy, Debug)]
struct Choice {
    error: f32,
    bits: f32,
}

impl Sizes {
    /// Of magnitudes in steps.
    pub(super) fn of(magnitudes: impl Iterator<Item = f32>) -> Self {
        let mut lengths = [(0.0_f32, 0.0_f32); LENGTHS];
        let mut longest = 0;
        for magnitude in magnitudes {
            let length = (32 - (magnitude as u32).leading_zeros()) as usize;
            let (count, squares) = &mut lengths[length];
            *count += 1.0;
            *squares += magnitude * magnitude;
            longest = longest.max(length);
        }
        Self { lengths: lengths[..=longest].to_vec() }
    }

    /// Without none, one, two … of the planes, up to all of them; errors count so much.
    fn choices(&self, weight: f32) -> Vec<Choice> {
        let choice = |planes: usize| {
            let (gone, kept) = self.lengths.split_at(planes + 1);
            let gone: f32 = gone.iter().map(|(_, squares)| squares).sum();
            let (mut count, mut bits) = (0.0, 0.0);
            for (more, (some, _)) in (0_u16..).zip(kept) {
                count += some;
                bits += some * (f32::from(more) + BITS_BESIDE);
            }
            // What is kept is anywhere in its step.
            let step = (planes as f32).exp2();
            Choice { error: weight * (gone + count * step * step / 12.0), bits }
        };
        (0..self.lengths.len()).map(choice).collect()
    }
}

/// The planes that each block leaves out for an error of no more than `budget` together, where that can be. Each comes with the weight
/// of its errors.
pub(super) fn choose(blocks: &[(Sizes, f32)], budget: f32) -> Vec<u8> {
    let choices: Vec<Vec<Choice>> = blocks.iter().map(|(sizes, weight)| sizes.choices(*weight)).collect();
    let at_price = |price: f32| -> Vec<u8> {
        let cost = |choice: &Choice| choice.error + price * choice.bits;
        let best = |choices: &Vec<Choice>| {
            let all = (0_u8..).zip(choices.iter().map(cost));
            all.min_by(|(_, one), (_, other)| one.total_cmp(other)).map_or(0, |(planes, _)| planes)
        };
        choices.iter().map(best).collect()
    };
    let of_block = |block: usize, planes: u8| choices.get(block)?.get(usize::from(planes)).copied();
    let errors = |planes: &[u8]| -> f32 {
        planes
            .iter()
            .enumerate()
            .filter_map(|(block, planes)| of_block(block, *planes))
            .map(|choice| choice.error)
            .sum()
    };
    let mut chosen = vec![0; blocks.len()];
    let (mut low, mut high) = PRICES;
    for _ in 0..TRIALS {
        let middle = f32::midpoint(low, high);
        let planes = at_price(middle.exp2());
        if errors(&planes) <= budget {
            (low, chosen) = (middle, planes);
        } else {
            high = middle;
        }
    }
    // What is left of the budget goes to those that give most for one more plane.
    let more = |(block, planes): (usize, &u8)| {
        let (now, then) = (of_block(block, *planes)?, of_block(block, *planes + 1)?);
        Some((block, then.error - now.error, now.bits - then.bits))
    };
    let mut more: Vec<(usize, f32, f32)> = chosen.iter().enumerate().filter_map(more).collect();
    // One number for each: products of two would be rounded so that there is no order.
    let price = |error: &f32, bits: &f32| error / bits;
    more.sort_by(|(_, error, bits), (_, other_error, other_bits)| {
        price(error, bits).total_cmp(&price(other_error, other_bits))
    });
    let mut left = budget - errors(&chosen);
    for (block, error, _) in more {
        if let Some(planes) = chosen.get_mut(block).filter(|_| error <= left) {
            *planes += 1;
            left -= error;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block of coefficients that are up to so large.
    fn block(most: u16) -> (Sizes, f32) {
        let mut rng = recto_testkit::Rng::new(most.into());
        let magnitudes = (0..4096).map(|_| rng.below(u32::from(most) << 8) as f32 / 2560.0);
        (Sizes::of(magnitudes), 1.0)
    }

    #[test]
    fn many_small_blocks_that_give_alike_are_put_in_an_order() {
        let mut rng = recto_testkit::Rng::new(1);
        let blocks: Vec<(Sizes, f32)> =
            (0..4000).map(|_| (Sizes::of((0..16).map(|_| rng.below(6) as f32 * 1.1)), 1.0)).collect();
        for budget in [100.0, 1000.0, 10_000.0, 100_000.0] {
            assert_eq!(choose(&blocks, budget).len(), blocks.len());
        }
    }

    #[test]
    fn planes_are_left_out_as_far_as_the_error_allows() {
        // Up to 100, 3 and less than 1.
        let blocks = [block(1000), block(1000), block(30), block(4)];
        let none = choose(&blocks, 0.0);
        assert_eq!(none, [0, 0, 0, 0]);
        let mut last = 0;
        for budget in [2000.0, 8000.0, 40_000.0, 1e6] {
            let planes = choose(&blocks, budget);
            let error = |(block, planes): (&(Sizes, f32), &u8)| block.0.choices(1.0)[usize::from(*planes)].error;
            let error: f32 = blocks.iter().zip(&planes).map(error).sum();
            assert!(error <= budget, "{budget}: {planes:?} {error}");
            let all = planes.iter().map(|planes| u32::from(*planes)).sum();
            assert!(all >= last, "{budget}: {planes:?}");
            last = all;
        }
        assert_eq!(choose(&blocks, f32::INFINITY), [7, 7, 2, 0], "of the last one nothing is coded anyway");
    }
}
