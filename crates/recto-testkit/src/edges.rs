//! A picture of hard edges in few colours: a pixel that is taken from beside its place shows as a difference of many levels, in
//! every direction and in every part.

use recto_iiif::Dimensions;

/// The values of a sample: 64 colours in all, so that palettes hold the picture exactly, and far enough from black and white
/// that kernels which swing over do not reach them.
const SAMPLES: [u8; 4] = [48, 96, 160, 208];

/// Sides of the blocks of red, green and blue, and how far they are moved, so that edges of the three seldom meet.
const BLOCKS: [[(u32, u32); 2]; 3] = [[(3, 0), (5, 0)], [(5, 1), (3, 2)], [(7, 2), (4, 1)]];

/// The colour at a place: blocks of some pixels, of colours without order.
pub fn pixel(x: u32, y: u32) -> [u8; 3] {
    let mut seed = 0;
    BLOCKS.map(|[(width, left), (height, top)]| {
        seed += 1;
        SAMPLES[(mixed((x + left) / width, (y + top) / height, seed) & 3) as usize]
    })
}

/// The rows of a whole picture, without gaps.
pub fn rgb8(size: Dimensions) -> Vec<u8> {
    let places = (0..size.height_px).flat_map(|y| (0..size.width_px).map(move |x| (x, y)));
    places.flat_map(|(x, y)| pixel(x, y)).collect()
}

fn mixed(column: u32, row: u32, seed: u32) -> u32 {
    let places = column.wrapping_mul(0x9e37_79b1) ^ row.wrapping_mul(0x85eb_ca6b) ^ seed.wrapping_mul(0xc2b2_ae35);
    let once = (places ^ places >> 15).wrapping_mul(0x2c1b_3c6d);
    let twice = (once ^ once >> 12).wrapping_mul(0x297a_2d39);
    twice ^ twice >> 15
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_shift_of_one_pixel_shows_everywhere_and_the_colours_are_few() {
        let side = 64;
        for (left, top) in [(0, 0), (500, 3), (1024, 2048)] {
            for (dx, dy) in [(1, 0), (0, 1), (1, 1)] {
                let places = (top..top + side).flat_map(|y| (left..left + side).map(move |x| (x, y)));
                let far = places.map(|(x, y)| crate::card::distance(&pixel(x, y), &pixel(x + dx, y + dy)));
                let (most, sum) = far.fold((0, 0.0), |(most, sum), (one, mean)| (one.max(most), sum + mean));
                assert!(most >= 100 && sum / f64::from(side * side) > 8.0, "{left},{top}: {most} {sum}");
            }
        }
        let size = Dimensions::new(200, 150);
        let rows = rgb8(size);
        assert_eq!(rows.len(), 200 * 150 * 3);
        assert_eq!(rows[(7 * 200 + 11) * 3..][..3], pixel(11, 7));
        assert!(rows.as_chunks::<3>().0.iter().collect::<HashSet<_>>().len() <= 64);
    }
}
