//! What is written is what was given.

use recto_iiif::Dimensions;

use super::{coding, encode, open, picture};
use crate::formats::jp2::compress::Coding;
use crate::{Control, DecodeRequest, Decoder, read_raster};

#[test]
fn lossless_codestreams_keep_every_sample() {
    let size = Dimensions::new(203, 157);
    let pixels = picture(size, 3);
    for tile in [size, Dimensions::new(64, 128)] {
        let coding = Coding { tile, resolutions: 4, ..coding(size) };
        let decoder = open(&encode(&coding, &pixels));
        let wanted = DecodeRequest { level: 0, region: size.rect(), denominator: 1 };
        let (raster, _) = read_raster(&decoder, &wanted, &Control::default()).expect("it is decoded");
        assert!(raster.data() == pixels, "tiles of {tile}");
    }
}

#[test]
fn d19_samples_of_other_depths_are_stretched_to_the_full_range() {
    let size = Dimensions::new(64, 32);
    for bits in [1_u32, 2, 4, 7, 10, 12, 15] {
        let most = (1_u32 << bits) - 1;
        let values: Vec<u32> = (0..size.area_px() as u32).map(|at| (at * 37).min(most + at % 2) % (most + 1)).collect();
        let given: Vec<u8> = match bits {
            ..=8 => values.iter().map(|value| *value as u8).collect(),
            _ => values.iter().flat_map(|value| (*value as u16).to_ne_bytes()).collect(),
        };
        let coding = Coding { bits, components: 1, color_transform: false, ..coding(size) };
        let decoder = open(&encode(&coding, &given));
        assert_eq!(u32::from(decoder.facts.bits_per_sample), bits);
        let wanted = DecodeRequest { level: 0, region: size.rect(), denominator: 1 };
        let (raster, _) = read_raster(&decoder, &wanted, &Control::default()).expect("it is decoded");
        let full = if bits <= 8 { 255 } else { 65_535 };
        let want: Vec<u32> = values.iter().map(|value| (value * full + most / 2) / most).collect();
        assert!(want.contains(&0) && want.contains(&full), "{bits} bits: the test has black and white");
        let got: Vec<u32> = match bits {
            ..=8 => raster.data().iter().map(|byte| u32::from(*byte)).collect(),
            _ => raster.data().as_chunks::<2>().0.iter().map(|word| u16::from_ne_bytes(*word).into()).collect(),
        };
        assert!(got == want, "{bits} bits");
    }
}

#[test]
fn large_images_come_in_bands_and_pieces_that_fit_together() {
    // More than a band holds, and wider than a piece.
    let size = Dimensions::new(3000, 1500);
    let pixels: Vec<u8> =
        (0..size.height_px).flat_map(|y| (0..size.width_px).map(move |x| ((x / 3) ^ (y / 2)) as u8)).collect();
    let gray = Coding { components: 1, color_transform: false, resolutions: 6, ..coding(size) };
    let decoder = open(&encode(&gray, &pixels));
    let wanted = DecodeRequest { level: 0, region: size.rect(), denominator: 1 };
    let mut rows = decoder.rows(&wanted, &Control::default()).expect("it is decoded");
    let (mut strips, mut got) = (0, Vec::new());
    while let Some(strip) = rows.next_strip().expect("it is decoded") {
        got.extend_from_slice(strip.data());
        strips += 1;
    }
    assert!(strips > 1, "{strips} strips");
    assert!(got == pixels, "pixels differ");
}
