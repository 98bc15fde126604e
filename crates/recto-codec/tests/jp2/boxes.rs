//! What boxes say, and what of it pixels depend on.

use recto_codec::{ColorModel, DecodeError, Orientation, PixelFormat};
use recto_iiif::Dimensions;

use crate::{boxed, codestream, file, open_bytes, read_all, wrapped};

const SIZE: Dimensions = Dimensions::new(5, 3);

/// Samples of a codestream of so many 8-bit components without a colour transform of meaning: all components are alike.
fn samples(count: usize) -> Vec<u8> {
    (0..SIZE.area_px() as usize).flat_map(|at| (0..count).map(move |c| (at * 13 + c * 71) as u8)).collect()
}

fn components(count: usize) -> Vec<u8> {
    let pixels = match count {
        1 => PixelFormat::Gray8,
        2 => PixelFormat::GrayAlpha8,
        3 => PixelFormat::Rgb8,
        _ => PixelFormat::Rgba8,
    };
    codestream(&file(SIZE, pixels, samples(count))).to_vec()
}

fn enumerated(number: u8) -> Vec<u8> {
    boxed(*b"colr", &[1, 0, 0, 0, 0, 0, number])
}

fn definitions(all: &[(u16, u16, u16)]) -> Vec<u8> {
    let mut content = (all.len() as u16).to_be_bytes().to_vec();
    content.extend(all.iter().flat_map(|(a, b, c)| [*a, *b, *c]).flat_map(u16::to_be_bytes));
    boxed(*b"cdef", &content)
}

#[test]
fn enumerated_colours_are_told_apart() {
    for (number, count, color, pixels) in [
        (16, 3, ColorModel::Rgb, PixelFormat::Rgb8),
        (17, 1, ColorModel::Gray, PixelFormat::Gray8),
        (18, 3, ColorModel::Rgb, PixelFormat::Rgb8),
        (14, 3, ColorModel::Lab, PixelFormat::Lab8),
        (12, 4, ColorModel::Cmyk, PixelFormat::Cmyk8),
        // More channels than the colour space has are left out.
        (17, 3, ColorModel::Gray, PixelFormat::Gray8),
        // Fewer: the components decide.
        (16, 1, ColorModel::Gray, PixelFormat::Gray8),
    ] {
        let name = format!("colour space {number} of {count} components");
        let file = wrapped(&[enumerated(number)], &[], &components(count));
        let decoder = open_bytes(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(decoder.facts().color, color, "{name}");
        assert_eq!(read_all(decoder.as_ref(), 0).unwrap().format(), pixels, "{name}");
    }
    for number in [9, 21] {
        let result = open_bytes(&wrapped(&[enumerated(number)], &[], &components(3)));
        assert!(matches!(result, Err(DecodeError::Unsupported { .. })), "colour space {number}");
    }
}

#[test]
fn channels_are_put_in_the_order_of_their_definitions() {
    let given = samples(4);
    // Alpha first, then blue, green, red.
    let file =
        wrapped(&[enumerated(16), definitions(&[(0, 1, 0), (1, 0, 3), (2, 0, 2), (3, 0, 1)])], &[], &components(4));
    let decoder = open_bytes(&file).unwrap();
    assert!(decoder.facts().has_alpha);
    let want: Vec<u8> = given.as_chunks::<4>().0.iter().flat_map(|&[a, b, g, r]| [r, g, b, a]).collect();
    assert_eq!(read_all(decoder.as_ref(), 0).unwrap().data(), want);
}

#[test]
fn a_fourth_component_is_opacity_only_where_something_says_so() {
    for (header, is_bare, want) in [
        (vec![enumerated(16)], false, PixelFormat::Rgb8),
        (vec![enumerated(16), definitions(&[(0, 0, 1), (1, 0, 2), (2, 0, 3), (3, 1, 0)])], false, PixelFormat::Rgba8),
        (vec![], true, PixelFormat::Rgba8),
    ] {
        let stream = components(4);
        let file = if is_bare { stream } else { wrapped(&header, &[], &stream) };
        let decoder = open_bytes(&file).unwrap();
        assert_eq!(read_all(decoder.as_ref(), 0).unwrap().format(), want, "{header:?}");
    }
}

#[test]
fn premultiplied_colours_are_divided_by_their_opacity() {
    let data: Vec<u8> =
        (0..SIZE.area_px()).flat_map(|at| [[100, 50, 0, 100], [7, 7, 7, 0], [1, 2, 3, 255]][at as usize % 3]).collect();
    let stream = file(SIZE, PixelFormat::Rgba8, data);
    let header = [enumerated(16), definitions(&[(0, 0, 1), (1, 0, 2), (2, 0, 3), (3, 2, 0)])];
    let decoder = open_bytes(&wrapped(&header, &[], codestream(&stream))).unwrap();
    let raster = read_all(decoder.as_ref(), 0).unwrap();
    assert_eq!(&raster.data()[..12], [255, 128, 0, 100, 7, 7, 7, 0, 1, 2, 3, 255]);
}

#[test]
fn palettes_are_resolved_and_have_no_reduced_levels() {
    let size = Dimensions::new(64, 64);
    let numbers: Vec<u8> = (0..size.area_px()).map(|at| (at % 3) as u8).collect();
    let stream = file(size, PixelFormat::Gray8, numbers.clone());
    let colors: [[u8; 3]; 3] = [[1, 2, 3], [40, 50, 60], [255, 0, 128]];
    let palette = [&[0, 3, 3, 7, 7, 7][..], colors.as_flattened()].concat();
    let mapping = [[0, 0, 1, 0], [0, 0, 1, 1], [0, 0, 1, 2]].concat();
    let header = [enumerated(16), boxed(*b"pclr", &palette), boxed(*b"cmap", &mapping)];
    let decoder = open_bytes(&wrapped(&header, &[], codestream(&stream))).unwrap();
    assert_eq!((decoder.facts().levels.len(), decoder.facts().color), (1, ColorModel::Rgb));
    let want: Vec<u8> = numbers.iter().flat_map(|number| colors[usize::from(*number)]).collect();
    assert_eq!(read_all(decoder.as_ref(), 0).unwrap().data(), want);
    // A column that is not there.
    let header = [enumerated(16), boxed(*b"pclr", &palette), boxed(*b"cmap", &[0, 0, 1, 3])];
    let result = open_bytes(&wrapped(&header, &[], codestream(&stream)));
    assert!(matches!(result, Err(DecodeError::Corrupt { .. })));
}

#[test]
fn luma_and_chroma_become_colours() {
    let gray_chroma: Vec<u8> = (0..SIZE.area_px()).flat_map(|at| [at as u8 * 16, 128, 128]).collect();
    let stream = file(SIZE, PixelFormat::Rgb8, gray_chroma.clone());
    let decoder = open_bytes(&wrapped(&[enumerated(18)], &[], codestream(&stream))).unwrap();
    let want: Vec<u8> = gray_chroma.chunks(3).flat_map(|ycc| [ycc[0]; 3]).collect();
    assert_eq!(read_all(decoder.as_ref(), 0).unwrap().data(), want);
    let red: Vec<u8> = (0..SIZE.area_px()).flat_map(|_| [76, 85, 255]).collect();
    let stream = file(SIZE, PixelFormat::Rgb8, red);
    let decoder = open_bytes(&wrapped(&[enumerated(18)], &[], codestream(&stream))).unwrap();
    assert_eq!(&read_all(decoder.as_ref(), 0).unwrap().data()[..3], [254, 0, 0]);
}

#[test]
fn resolution_and_orientation_are_read() {
    let resolution = |name: [u8; 4], per_meter: u16| {
        let [a, b] = per_meter.to_be_bytes();
        boxed(*b"res ", &boxed(name, &[a, b, 0, 1, a, b, 0, 2, 0, 0]))
    };
    let exif =
        [&b"JpgTiffExif->JP2MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[6, 0, 0, 0, 0, 0, 0]].concat();
    for (header, others, dpi, orientation) in [
        (vec![], vec![], None, Orientation::Normal),
        (vec![resolution(*b"resc", 11811)], vec![], Some((149.999_7, 299.999_4)), Orientation::Normal),
        (vec![resolution(*b"resd", 11811)], vec![], Some((149.999_7, 299.999_4)), Orientation::Normal),
        (vec![resolution(*b"resc", 0)], vec![], None, Orientation::Normal),
        (vec![], vec![boxed(*b"uuid", &exif)], None, Orientation::Rotate90),
    ] {
        let header = [vec![enumerated(17)], header].concat();
        let decoder = open_bytes(&wrapped(&header, &others, &components(1))).unwrap();
        let facts = decoder.facts();
        assert_eq!(facts.orientation, orientation, "{header:?}");
        match (facts.dpi, dpi) {
            (Some(got), Some(want)) => {
                assert!(f64::abs(got.0 - want.0) < 1e-3 && f64::abs(got.1 - want.1) < 1e-3, "{got:?}");
            }
            (got, want) => assert_eq!(got.is_some(), want.is_some(), "{header:?}"),
        }
    }
}
