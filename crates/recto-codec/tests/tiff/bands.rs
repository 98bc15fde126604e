//! More samples than are shown, and layers: the first samples, and the flattened picture.

use recto_codec::{ColorModel, OpenOptions, PixelFormat, open};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::position::Samples;

use crate::builder::{Builder, Cut, Picture, SHORT};
use crate::counted::Counted;
use crate::{open_bytes, read, read_all};

const SIZE: Dimensions = Dimensions::new(37, 21);

/// A number that tells where it is, and in which band.
fn number(x: u32, y: u32, band: usize, bits: usize) -> u32 {
    let number = x * 7 + y * 31 + band as u32 * 53;
    if bits == 32 { (number as f32 / 1000.0).to_bits() } else { number % (1 << bits) }
}

fn written(picture: &Picture) -> Vec<u8> {
    let size = picture.size;
    let places = (0..size.height_px).flat_map(|y| (0..size.width_px).map(move |x| (x, y)));
    let samples: Vec<u32> =
        places.flat_map(|(x, y)| (0..picture.samples).map(move |band| number(x, y, band, picture.bits))).collect();
    let mut builder = Builder::new(false, false);
    let entries = picture.write(&mut builder, &samples);
    builder.directory(&entries);
    builder.bytes
}

/// Photometric interpretation, bands, what the others are, bits; how many of them are shown, and as what.
type Case = (u64, usize, &'static [u64], usize, usize, PixelFormat);

#[test]
fn d19_the_first_bands_are_shown_of_any_number_of_them() {
    let cases: &[Case] = &[
        (1, 2, &[], 8, 1, PixelFormat::Gray8),
        (1, 2, &[0], 16, 1, PixelFormat::Gray16),
        (1, 2, &[2], 8, 2, PixelFormat::GrayAlpha8),
        (1, 5, &[0, 0, 0, 0], 16, 1, PixelFormat::Gray16),
        (1, 8, &[], 8, 1, PixelFormat::Gray8),
        (1, 300, &[], 16, 1, PixelFormat::Gray16),
        (2, 4, &[0], 8, 3, PixelFormat::Rgb8),
        (2, 5, &[2, 0], 8, 4, PixelFormat::Rgba8),
        (2, 5, &[0, 2], 8, 3, PixelFormat::Rgb8),
        (2, 8, &[], 16, 3, PixelFormat::Rgb16),
        (2, 2, &[], 8, 1, PixelFormat::Gray8),
        (2, 1, &[], 16, 1, PixelFormat::Gray16),
        (5, 6, &[0, 0], 8, 4, PixelFormat::Cmyk8),
    ];
    for (photometric, samples, others, bits, shown, format) in cases {
        for planar in [false, true] {
            for cut in [Cut::Tiles(Dimensions::new(16, 16)), Cut::Strips(4)] {
                let extra = if others.is_empty() { Vec::new() } else { vec![(338, SHORT, others.to_vec())] };
                let picture = Picture {
                    size: SIZE,
                    cut,
                    compression: 8,
                    predictor: 1,
                    photometric: *photometric,
                    bits: *bits,
                    samples: *samples,
                    planar,
                    extra,
                };
                let name = format!("{photometric}, {samples} of {bits} bits, {others:?}, planar {planar}, {cut:?}");
                let decoder = open_bytes(&written(&picture)).unwrap_or_else(|error| panic!("{name}: {error}"));
                for region in [SIZE.rect(), Rect::new(13, 3, 20, 17)] {
                    let raster = read(decoder.as_ref(), 0, region, 1).unwrap();
                    assert_eq!(raster.format(), *format, "{name}");
                    let mut expected = Vec::new();
                    for y in region.y..region.y + region.h {
                        for x in region.x..region.x + region.w {
                            for band in 0..*shown {
                                match number(x, y, band, *bits) {
                                    number if *bits == 8 => expected.push(number as u8),
                                    number => expected.extend((number as u16).to_ne_bytes()),
                                }
                            }
                        }
                    }
                    assert!(raster.data() == expected, "{name}: {region}");
                }
            }
        }
    }
}

#[test]
fn d19_the_first_band_is_shown_of_many_in_floating_point() {
    for (planar, samples) in [(false, 5), (true, 5), (false, 2)] {
        let picture = Picture {
            size: SIZE,
            cut: Cut::Strips(4),
            compression: 1,
            predictor: 1,
            photometric: 1,
            bits: 32,
            samples,
            planar,
            extra: vec![(339, SHORT, vec![3; samples])],
        };
        let decoder = open_bytes(&written(&picture)).unwrap();
        assert_eq!(decoder.facts().color, ColorModel::Gray);
        let raster = read_all(decoder.as_ref(), 0).unwrap();
        assert_eq!(raster.format(), PixelFormat::Gray16);
        for (x, y) in [(0, 0), (1, 0), (36, 20), (5, 11)] {
            let shown = u16::from_ne_bytes(raster.row(y).as_chunks::<2>().0[x as usize]);
            let stored = f64::from(f32::from_bits(number(x, y, 0, 32)));
            assert_eq!(shown, (stored * 65_535.0).round() as u16, "{x},{y} of {samples}");
        }
    }
}

#[test]
fn of_a_file_with_layers_the_flattened_picture_is_shown_and_the_layers_are_not_read() {
    const LAYERS: u16 = 37724;
    let layers = b"Adobe Photoshop Document Data Block\0MIB8ryaL".iter().map(|byte| u64::from(*byte));
    let layers: Vec<u64> = layers.chain(std::iter::repeat_n(0x5a, 200_000)).collect();
    let picture = Picture {
        size: SIZE,
        cut: Cut::Strips(8),
        compression: 5,
        predictor: 2,
        photometric: 2,
        bits: 8,
        samples: 3,
        planar: false,
        extra: vec![(LAYERS, 7, layers)],
    };
    let mut builder = Builder::new(false, false);
    let samples: Vec<u32> = Samples::Rgb8.image(SIZE).into_iter().map(u32::from).collect();
    let entries = picture.write(&mut builder, &samples);
    builder.directory(&entries);
    let source = Counted::new(builder.bytes);
    let decoder = open(source.clone(), &OpenOptions::default()).unwrap();
    assert_eq!(decoder.facts().pages, 1);
    assert!(read_all(decoder.as_ref(), 0).unwrap().data() == Samples::Rgb8.image(SIZE));
    assert!(source.spent().1 < 20_000);
}
