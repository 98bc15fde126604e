//! Every compression, layout and depth gives the pixels that were written, whole and in regions.

use recto_codec::{ColorModel, PixelFormat};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::Rng;
use recto_testkit::position::Samples;

use crate::builder::{Builder, Cut, FLOAT, Picture, SHORT};
use crate::{open_bytes, read, read_all};

const SIZE: Dimensions = Dimensions::new(75, 53);

/// Samples as numbers, in the order of the pixels.
fn numbers(samples: Samples, size: Dimensions) -> Vec<u32> {
    let image = samples.image(size);
    match samples {
        Samples::Bitonal => image.iter().map(|byte| u32::from(*byte & 1)).collect(),
        Samples::Gray16 | Samples::GrayAlpha16 | Samples::Rgb16 | Samples::Rgba16 => {
            image.as_chunks().0.iter().map(|pair| u16::from_ne_bytes(*pair).into()).collect()
        }
        _ => image.into_iter().map(u32::from).collect(),
    }
}

/// Bits, samples, photometric interpretation and whether there is alpha.
fn form(samples: Samples) -> (usize, usize, u64, bool) {
    match samples {
        Samples::Bitonal => (1, 1, 1, false),
        Samples::Gray8 => (8, 1, 1, false),
        Samples::GrayAlpha8 => (8, 2, 1, true),
        Samples::Rgb8 => (8, 3, 2, false),
        Samples::Rgba8 => (8, 4, 2, true),
        Samples::Cmyk8 => (8, 4, 5, false),
        Samples::Gray16 => (16, 1, 1, false),
        Samples::GrayAlpha16 => (16, 2, 1, true),
        Samples::Rgb16 => (16, 3, 2, false),
        Samples::Rgba16 => (16, 4, 2, true),
    }
}

const ALL: [Samples; 10] = [
    Samples::Bitonal,
    Samples::Gray8,
    Samples::GrayAlpha8,
    Samples::Rgb8,
    Samples::Rgba8,
    Samples::Cmyk8,
    Samples::Gray16,
    Samples::GrayAlpha16,
    Samples::Rgb16,
    Samples::Rgba16,
];

fn cut(whole: &[u8], size: Dimensions, bytes: usize, region: Rect) -> Vec<u8> {
    let stride = size.width_px as usize * bytes;
    (region.y..region.y + region.h)
        .flat_map(|y| &whole[y as usize * stride + region.x as usize * bytes..][..region.w as usize * bytes])
        .copied()
        .collect()
}

#[test]
fn every_compression_layout_and_depth_gives_what_was_written() {
    let mut rng = Rng::new(5);
    let mut tried = 0;
    for samples in ALL {
        let (bits, count, photometric, alpha) = form(samples);
        let extra = if alpha { vec![(338, SHORT, vec![2])] } else { Vec::new() };
        for compression in [1, 5, 8, 32773, 32946, 50000] {
            for cut_as in [Cut::Tiles(Dimensions::new(32, 16)), Cut::Strips(7), Cut::Strips(53)] {
                for planar in [false, true] {
                    for predictor in [1, 2] {
                        let predicts = matches!(compression, 5 | 8 | 32946 | 50000) && bits >= 8;
                        if (predictor == 2 && !predicts) || (planar && count == 1) {
                            continue;
                        }
                        let picture = Picture {
                            size: SIZE,
                            cut: cut_as,
                            compression,
                            predictor,
                            photometric,
                            bits,
                            samples: count,
                            planar,
                            extra: extra.clone(),
                        };
                        let mut builder = Builder::new(tried % 2 == 1, tried % 3 == 1);
                        let entries = picture.write(&mut builder, &numbers(samples, SIZE));
                        builder.directory(&entries);
                        check(&builder.bytes, samples, &picture, &mut rng);
                        tried += 1;
                    }
                }
            }
        }
    }
    assert!(tried > 400, "{tried} forms were tried");
}

fn check(bytes: &[u8], samples: Samples, picture: &Picture, rng: &mut Rng) {
    let decoder = open_bytes(bytes).unwrap_or_else(|error| panic!("{picture:?}: {error}"));
    let expected = samples.image(SIZE);
    let whole = read_all(decoder.as_ref(), 0).unwrap_or_else(|error| panic!("{picture:?}: {error}"));
    assert!(whole.data() == expected, "{samples:?} {picture:?}");
    for region in rng.rects_in(SIZE, 4) {
        let part = read(decoder.as_ref(), 0, region, 1).unwrap_or_else(|error| panic!("{picture:?}: {error}"));
        let expected = cut(&expected, SIZE, samples.bytes_per_pixel(), region);
        assert!(part.data() == expected, "{samples:?} {region} {picture:?}");
    }
}

fn small(photometric: u64, bits: usize, samples: usize, extra: Vec<(u16, u16, Vec<u64>)>, values: &[u32]) -> Vec<u8> {
    let size = Dimensions::new((values.len() / samples) as u32, 1);
    let picture = Picture {
        size,
        cut: Cut::Strips(1),
        compression: 1,
        predictor: 1,
        photometric,
        bits,
        samples,
        planar: false,
        extra,
    };
    let mut builder = Builder::new(false, false);
    let entries = picture.write(&mut builder, values);
    builder.directory(&entries);
    builder.bytes
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

#[test]
fn photometric_interpretations_mean_what_the_standard_says() {
    let palette: Vec<u64> =
        (0..16).map(|i| i * 0x1111).chain((0..16).map(|i| 0xffff - i * 0x1111)).chain([0; 16]).collect();
    let cases: Vec<(&str, Vec<u8>, PixelFormat, Vec<u8>)> = vec![
        ("white is zero", small(0, 8, 1, vec![], &[0, 255, 10]), PixelFormat::Gray8, vec![255, 0, 245]),
        ("white is zero, 1 bit", small(0, 1, 1, vec![], &[0, 1, 0]), PixelFormat::Gray8, vec![255, 0, 255]),
        ("white is zero, 16 bits", small(0, 16, 1, vec![], &[0, 1]), PixelFormat::Gray16, words(&[65535, 65534])),
        ("2 bits", small(1, 2, 1, vec![], &[0, 1, 2, 3]), PixelFormat::Gray8, vec![0, 85, 170, 255]),
        ("4 bits", small(1, 4, 1, vec![], &[0, 1, 15]), PixelFormat::Gray8, vec![0, 17, 255]),
        ("12 bits", small(1, 12, 1, vec![], &[0, 4095, 2048]), PixelFormat::Gray16, words(&[0, 65535, 32776])),
        (
            "32 bits",
            small(1, 32, 1, vec![], &[0, u32::MAX, 0x8000_0000]),
            PixelFormat::Gray16,
            words(&[0, 65535, 32768]),
        ),
        (
            "floating point",
            small(
                1,
                32,
                1,
                vec![(339, SHORT, vec![3])],
                &[0.0_f32.to_bits(), 1.0_f32.to_bits(), f32::NAN.to_bits(), 7.0_f32.to_bits()],
            ),
            PixelFormat::Gray16,
            words(&[0, 65535, 0, 65535]),
        ),
        (
            "floating point with its range noted",
            small(
                1,
                32,
                1,
                vec![
                    (339, SHORT, vec![3]),
                    (340, FLOAT, vec![(-100.0_f32).to_bits().into()]),
                    (341, FLOAT, vec![300.0_f32.to_bits().into()]),
                ],
                &[(-100.0_f32).to_bits(), 100.0_f32.to_bits(), 300.0_f32.to_bits()],
            ),
            PixelFormat::Gray16,
            words(&[0, 32768, 65535]),
        ),
        (
            "floating point of 16 bits",
            small(1, 16, 1, vec![(339, SHORT, vec![3])], &[0, 0x3c00, 0x3800, 0xbc00, 0x7e00]),
            PixelFormat::Gray16,
            words(&[0, 65535, 32768, 0, 0]),
        ),
        (
            "floating point of 24 bits",
            small(1, 24, 1, vec![(339, SHORT, vec![3])], &[0, 0x3f_0000, 0x3e_0000, 0xbf_0000]),
            PixelFormat::Gray16,
            words(&[0, 65535, 32768, 0]),
        ),
        (
            // Linear light: half of it is shade 188, a fifth 124.
            "colours in floating point",
            small(2, 32, 3, vec![(339, SHORT, vec![3])], &[0.5_f32.to_bits(), 0.2_f32.to_bits(), 2.0_f32.to_bits()]),
            PixelFormat::Rgb16,
            words(&[48192, 31754, 65535]),
        ),
        (
            "24 bits",
            small(1, 24, 1, vec![], &[0, 0xff_ffff, 0x80_1234]),
            PixelFormat::Gray16,
            words(&[0, 65535, 0x8012]),
        ),
        (
            "palette of 16 bits",
            small(
                3,
                16,
                1,
                vec![(320, SHORT, (0..65_536 * 3).map(|i| if i < 65_536 { i } else { i / 3 % 65_536 }).collect())],
                &[0x1234, 0xff00],
            ),
            PixelFormat::Rgb8,
            vec![
                0x12,
                (((65_536_u32 + 0x1234) / 3) >> 8) as u8,
                (((131_072_u32 + 0x1234) / 3) >> 8) as u8,
                0xff,
                (((65_536_u32 + 0xff00) / 3) >> 8) as u8,
                (((131_072_u32 + 0xff00) / 3) >> 8) as u8,
            ],
        ),
        (
            "ITULAB",
            small(10, 8, 3, vec![], &[255, 128, 96, 0, 255, 255]),
            PixelFormat::Lab8,
            vec![255, 128, 128, 0, 213, 253],
        ),
        (
            "palette",
            small(3, 4, 1, vec![(320, SHORT, palette)], &[0, 1, 15]),
            PixelFormat::Rgb8,
            vec![0, 255, 0, 0x11, 0xee, 0, 255, 0, 0],
        ),
        (
            "associated alpha",
            small(2, 8, 4, vec![(338, SHORT, vec![1])], &[10, 20, 50, 100, 0, 0, 0, 0, 7, 8, 9, 255]),
            PixelFormat::Rgba8,
            vec![26, 51, 128, 100, 0, 0, 0, 0, 7, 8, 9, 255],
        ),
        (
            // White, a middle gray and black, half transparent; white and black; and nothing.
            "white is zero, with associated alpha",
            small(0, 8, 2, vec![(338, SHORT, vec![1])], &[0, 128, 64, 128, 128, 128, 0, 255, 255, 255, 0, 0]),
            PixelFormat::GrayAlpha8,
            vec![255, 128, 127, 128, 0, 128, 255, 255, 0, 255, 255, 0],
        ),
        (
            "a fourth sample that is not alpha",
            small(2, 8, 4, vec![(338, SHORT, vec![0])], &[10, 20, 50, 100]),
            PixelFormat::Rgb8,
            vec![10, 20, 50],
        ),
        (
            "six inks",
            small(5, 8, 6, vec![(338, SHORT, vec![0, 0])], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
            PixelFormat::Cmyk8,
            vec![1, 2, 3, 4, 7, 8, 9, 10],
        ),
        ("CIELAB", small(8, 8, 3, vec![], &[255, 0, 0x80]), PixelFormat::Lab8, vec![255, 128, 0]),
        (
            "CIELAB, 16 bits",
            small(8, 16, 3, vec![], &[65535, 0, 0x8000]),
            PixelFormat::Lab16,
            words(&[65535, 32768, 0]),
        ),
        ("ICCLAB", small(9, 8, 3, vec![], &[255, 128, 0]), PixelFormat::Lab8, vec![255, 128, 0]),
        (
            "YCbCr",
            small(6, 8, 3, vec![(530, SHORT, vec![1, 1])], &[255, 128, 128, 0, 128, 128, 76, 85, 255]),
            PixelFormat::Rgb8,
            vec![255, 255, 255, 0, 0, 0, 254, 0, 0],
        ),
        ("signed", small(1, 8, 1, vec![(339, SHORT, vec![2])], &[0, 127, 200]), PixelFormat::Gray8, vec![0, 127, 0]),
    ];
    for (name, file, format, expected) in cases {
        let decoder = open_bytes(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let raster = read_all(decoder.as_ref(), 0).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((raster.format(), raster.data()), (format, &expected[..]), "{name}");
    }
}

#[test]
fn subsampled_chroma_belongs_to_its_block() {
    // Two blocks of 2x2 in a picture of 3x3: each block row has two units of four lumas and one pair of chromas.
    let unit = |luma: u8, cb: u8| [luma, luma + 1, luma + 2, luma + 3, cb, 128];
    let strip = [unit(10, 128), unit(20, 128), unit(30, 128), unit(40, 255)].concat();
    let mut builder = Builder::new(false, false);
    let (offsets, counts) = builder.chunks(&[strip]);
    builder.directory(&[
        (256, SHORT, vec![3]),
        (257, SHORT, vec![3]),
        (258, SHORT, vec![8, 8, 8]),
        (262, SHORT, vec![6]),
        (273, 4, offsets),
        (277, SHORT, vec![3]),
        (279, 4, counts),
        (530, SHORT, vec![2, 2]),
    ]);
    let decoder = open_bytes(&builder.bytes).unwrap();
    let raster = read_all(decoder.as_ref(), 0).unwrap();
    let reds: Vec<u8> = raster.data().iter().step_by(3).copied().collect();
    assert_eq!(reds, [10, 11, 20, 12, 13, 22, 30, 31, 40]);
    let last = &raster.data()[24..];
    assert_eq!(last, [40, 0, 255], "blue of the last block");
    let part = read(decoder.as_ref(), 0, Rect::new(1, 1, 2, 2), 1).unwrap();
    assert_eq!(part.data()[..6], raster.data()[12..18]);
}

#[test]
fn reversed_bits_are_turned_back() {
    let file = |order: u64, byte: u8| {
        let mut builder = Builder::new(false, false);
        let (offsets, counts) = builder.chunks(&[vec![byte]]);
        builder.directory(&[
            (256, SHORT, vec![8]),
            (257, SHORT, vec![1]),
            (262, SHORT, vec![1]),
            (266, SHORT, vec![order]),
            (273, 4, offsets),
            (279, 4, counts),
        ]);
        let decoder = open_bytes(&builder.bytes).unwrap();
        assert_eq!(decoder.facts().color, ColorModel::Bitonal);
        read_all(decoder.as_ref(), 0).unwrap().into_vec()
    };
    assert_eq!(file(2, 0b0000_0001), [255, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(file(1, 0b0000_0001), [0, 0, 0, 0, 0, 0, 0, 255]);
}

#[test]
fn old_lzw_streams_with_their_bits_the_other_way_round_are_read() {
    let raw: Vec<u8> = (0..40_000_u32).map(|i| ((i * i) >> 7) as u8).collect();
    let old = weezl::encode::Encoder::new(weezl::BitOrder::Lsb, 8).encode(&raw).unwrap();
    let mut builder = Builder::new(true, false);
    let (offsets, counts) = builder.chunks(&[old]);
    builder.directory(&[
        (256, SHORT, vec![200]),
        (257, SHORT, vec![200]),
        (258, SHORT, vec![8]),
        (259, SHORT, vec![5]),
        (262, SHORT, vec![1]),
        (273, 4, offsets),
        (279, 4, counts),
    ]);
    assert!(read_all(open_bytes(&builder.bytes).unwrap().as_ref(), 0).unwrap().into_vec() == raw);
}

#[test]
fn a_large_single_strip_is_decompressed_as_a_stream() {
    let size = Dimensions::new(1200, 900);
    for compression in [1, 5, 8, 32773, 50000] {
        let picture = Picture {
            size,
            cut: Cut::Strips(900),
            compression,
            predictor: 1,
            photometric: 2,
            bits: 8,
            samples: 3,
            planar: false,
            extra: Vec::new(),
        };
        let mut builder = Builder::new(false, false);
        let entries = picture.write(&mut builder, &numbers(Samples::Rgb8, size));
        builder.directory(&entries);
        let decoder = open_bytes(&builder.bytes).unwrap();
        let region = Rect::new(101, 333, 700, 500);
        let wanted = recto_codec::DecodeRequest { level: 0, region, denominator: 1 };
        assert!(decoder.cost(&wanted).bytes_held < 2_500_000, "{compression}: {:?}", decoder.cost(&wanted));
        let part = read(decoder.as_ref(), 0, region, 1).unwrap();
        assert!(part.data() == Samples::Rgb8.region(region), "{compression}");
    }
}
