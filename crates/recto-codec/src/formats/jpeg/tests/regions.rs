//! Regions at every scale are the crop of the whole picture at that scale, sample for sample.

use std::sync::Arc;

use recto_iiif::Rect;

use super::{Kind, Random, sequential_kinds, stream};
use crate::{Control, DecodeRequest, DecodedGeometry, Decoder, MemoryAccess, OpenOptions, Raster, read_raster};

fn open(stream: Vec<u8>) -> Box<dyn Decoder> {
    super::super::open(Arc::new(MemoryAccess::new(stream)), &OpenOptions::default()).unwrap()
}

fn crop(whole: &Raster, rect: Rect) -> Vec<u8> {
    let pixel = whole.format().bytes_per_pixel();
    let columns = rect.x as usize * pixel..rect.right() as usize * pixel;
    (rect.y..rect.y + rect.h).flat_map(|y| whole.row(y)[columns.clone()].to_vec()).collect()
}

fn check(kind: Kind, width: u32, height: u32, rounds: u32) {
    let decoder = open(stream(kind, width, height));
    let control = Control::default();
    let mut random = Random::new(u64::from(width * 7 + height));
    for denominator in [1, 2, 4, 8] {
        let whole = DecodeRequest { level: 0, region: Rect::new(0, 0, width, height), denominator };
        let (whole, _) = read_raster(&*decoder, &whole, &control).unwrap();
        for _ in 0..rounds {
            let (x, y) = (random.below(width), random.below(height));
            let region = Rect::new(x, y, 1 + random.below(width - x), 1 + random.below(height - y));
            let wanted = DecodeRequest { level: 0, region, denominator };
            let (part, geometry) = read_raster(&*decoder, &wanted, &control).unwrap();
            assert_eq!(geometry.rect, DecodedGeometry::reduced_rect(&wanted, decoder.facts().stored_size()));
            assert!(part.data() == crop(&whole, geometry.rect), "{kind:?} {width}x{height} {wanted:?}");
        }
    }
}

#[test]
fn regions_of_sequential_files_are_crops_of_the_whole() {
    for kind in sequential_kinds() {
        check(kind, 203, 167, 12);
    }
}

#[test]
fn regions_far_down_are_crops_of_the_whole() {
    for sampling in [(1, 1), (2, 1), (1, 2), (2, 2)] {
        check(Kind { components: 3, sampling, ..Kind::default() }, 61, 1403, 24);
    }
}

#[test]
fn regions_of_progressive_and_arithmetic_files_are_crops_of_the_whole() {
    for sampling in [(1, 1), (2, 1), (1, 2), (2, 2)] {
        for (progressive, arithmetic) in [(true, false), (false, true), (true, true)] {
            check(Kind { components: 3, sampling, progressive, arithmetic, ..Kind::default() }, 131, 600, 8);
        }
    }
}

#[test]
fn regions_of_tiny_files_are_crops_of_the_whole() {
    for (width, height) in [(1, 1), (2, 3), (7, 1), (1, 9), (8, 8), (9, 17), (16, 16), (17, 33)] {
        for sampling in [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)] {
            check(Kind { components: 3, sampling, ..Kind::default() }, width, height, 6);
        }
    }
}
