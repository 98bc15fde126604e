//! OME-TIFF: what the description of the first directory says of the pixels of all pages.

use recto_codec::{DecodeError, Decoder, PixelFormat};
use recto_iiif::Dimensions;

use crate::builder::{ASCII, Builder, Cut, Entry, LONG, Picture, SHORT};
use crate::{open_bytes, open_page, read_all};

const SIZE: Dimensions = Dimensions::new(5, 2);
const STORED: [u32; 10] = [0, 1, 512, 1023, 2048, 4095, 8191, 16_383, 40_000, 65_535];
/// Rational, of two numbers of four bytes.
const RATIONAL: u16 = 5;

fn plane(size: Dimensions, photometric: u64, samples: usize, extra: Vec<Entry>) -> Picture {
    Picture {
        size,
        cut: Cut::Strips(1),
        compression: 8,
        predictor: 1,
        photometric,
        bits: 16,
        samples,
        planar: false,
        extra,
    }
}

/// An image element with attributes of its pixels.
fn image(size: Dimensions, attributes: &str) -> String {
    let size = format!(r#"SizeX="{}" SizeY="{}" SizeC="3" SizeZ="1" SizeT="1""#, size.width_px, size.height_px);
    format!(r#"<Image ID="Image:0"><Pixels Type="uint16" {size} {attributes}><TiffData/></Pixels></Image>"#)
}

fn described(images: &str) -> Entry {
    let schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06";
    let text = format!(r#"<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{schema}">{images}</OME>"#);
    (270, ASCII, text.bytes().chain([0]).map(u64::from).collect())
}

/// A file of one plane.
fn file(photometric: u64, samples: usize, stored: &[u32], description: Entry) -> Vec<u8> {
    let mut builder = Builder::new(false, false);
    let size = Dimensions::new((stored.len() / samples) as u32 / 2, 2);
    let entries = plane(size, photometric, samples, vec![description]).write(&mut builder, stored);
    builder.directory(&entries);
    builder.bytes
}

fn words(decoder: &dyn Decoder, level: usize) -> Result<Vec<u32>, DecodeError> {
    let raster = read_all(decoder, level)?;
    assert!(matches!(raster.format(), PixelFormat::Gray16 | PixelFormat::Rgb16), "{:?}", raster.format());
    Ok(raster.data().as_chunks::<2>().0.iter().map(|word| u16::from_ne_bytes(*word).into()).collect())
}

#[test]
fn d19_significant_bits_in_words_of_16_are_stretched_to_the_full_range() {
    for (bits, expected) in [
        ("10", [0, 64, 32_800, 65_535, 65_535, 65_535, 65_535, 65_535, 65_535, 65_535]),
        ("12", [0, 16, 8194, 16_372, 32_776, 65_535, 65_535, 65_535, 65_535, 65_535]),
        ("14", [0, 4, 2048, 4092, 8192, 16_381, 32_765, 65_535, 65_535, 65_535]),
        ("16", STORED),
        ("17", STORED),
        ("0", STORED),
        ("many", STORED),
    ] {
        let description = || described(&image(SIZE, &format!(r#"SignificantBits="{bits}""#)));
        let shown = |file: &[u8]| words(open_bytes(file).unwrap().as_ref(), 0).unwrap();
        assert_eq!(shown(&file(1, 1, &STORED, description())), expected, "{bits} bits");
        let inverted = expected.map(|value| 65_535 - value);
        assert_eq!(shown(&file(0, 1, &STORED, description())), inverted, "{bits} bits, white is zero");
    }
    let colors: Vec<u32> = STORED.iter().flat_map(|value| [*value; 3]).collect();
    let colored = file(2, 3, &colors, described(&image(SIZE, r#"SignificantBits="12""#)));
    let shown = words(open_bytes(&colored).unwrap().as_ref(), 0).unwrap();
    assert_eq!(shown[6..15], [8194, 8194, 8194, 16_372, 16_372, 16_372, 32_776, 32_776, 32_776]);
}

#[test]
fn nothing_is_stretched_that_is_not_said_to_be() {
    let text = |text: &str| -> Entry { (270, ASCII, text.bytes().chain([0]).map(u64::from).collect()) };
    let twelve = r#"SignificantBits="12""#;
    for description in [
        described(&image(SIZE, "")),
        // Of an image of another size.
        described(&image(Dimensions::new(2, 5), twelve)),
        // Words that look alike.
        text(&image(SIZE, twelve)),
        text(twelve),
        text("12"),
    ] {
        let decoder = open_bytes(&file(1, 1, &STORED, description)).unwrap();
        assert_eq!(words(decoder.as_ref(), 0).unwrap(), STORED);
    }
    // Samples of 8 bits fill their range.
    let picture = Picture { bits: 8, ..plane(SIZE, 1, 1, vec![described(&image(SIZE, twelve))]) };
    let mut builder = Builder::new(false, false);
    let stored: Vec<u32> = (0..10).map(|i| i * 25).collect();
    let entries = picture.write(&mut builder, &stored);
    builder.directory(&entries);
    let raster = read_all(open_bytes(&builder.bytes).unwrap().as_ref(), 0).unwrap();
    assert_eq!(raster.data().iter().map(|sample| u32::from(*sample)).collect::<Vec<_>>(), stored);
}

#[test]
fn planes_of_a_microscope_are_pages_in_their_order_and_what_is_below_each_is_its_levels() {
    let (full, half) = (Dimensions::new(8, 6), Dimensions::new(4, 3));
    let of = |size: Dimensions, value: u32| vec![value; size.area_px() as usize];
    let mut builder = Builder::new(false, true);
    for (number, value) in [(0, 4095), (1, 0), (2, 2048)] {
        let entries = plane(half, 1, 1, vec![(254, LONG, vec![1])]).write(&mut builder, &of(half, value));
        let below = builder.loose_directory(&entries);
        let mut extra = vec![(330, LONG, vec![below])];
        if number == 0 {
            // Other images of the file come before, with long lists of planes.
            let label = image(Dimensions::new(70, 30), r#"SignificantBits="8""#);
            let list = r#"<TiffData FirstC="0" IFD="0"><UUID>urn:uuid</UUID></TiffData>"#.repeat(1500);
            extra.push(described(&format!("{label}{list}{}", image(full, r#"SignificantBits="12""#))));
        }
        let entries = plane(full, 1, 1, extra).write(&mut builder, &of(full, value));
        builder.directory(&entries);
    }
    for (page, value) in [(1, 65_535), (2, 0), (3, 32_776)] {
        let decoder = open_page(&builder.bytes, page).unwrap();
        assert_eq!(decoder.facts().pages, 3);
        assert_eq!(decoder.facts().levels.iter().map(|level| level.size).collect::<Vec<_>>(), [full, half]);
        for (level, size) in [full, half].into_iter().enumerate() {
            assert_eq!(words(decoder.as_ref(), level).unwrap(), of(size, value), "page {page}, level {level}");
        }
    }
}

#[test]
fn the_physical_size_of_a_pixel_is_the_resolution() {
    let dpi = |attributes: &str, size: Dimensions| {
        let screen: Vec<Entry> =
            vec![(282, RATIONAL, vec![1 << 32 | 0x48]), (283, RATIONAL, vec![1 << 32 | 0x48]), (296, SHORT, vec![2])];
        let extra = [screen, vec![described(&image(size, attributes))]].concat();
        let mut builder = Builder::new(false, false);
        let entries = plane(SIZE, 1, 1, extra).write(&mut builder, &STORED);
        builder.directory(&entries);
        open_bytes(&builder.bytes).unwrap().facts().dpi
    };
    let size = r#"PhysicalSizeX="0.5" PhysicalSizeXUnit="µm" PhysicalSizeY="250" PhysicalSizeYUnit="nm""#;
    let (x, y) = dpi(size, SIZE).unwrap();
    assert!((x - 50_800.0).abs() < 0.01 && (y - 101_600.0).abs() < 0.01, "{x} {y}");
    assert_eq!(dpi("", SIZE), Some((72.0, 72.0)));
    assert_eq!(dpi(size, Dimensions::new(2, 5)), Some((72.0, 72.0)), "it is of another image");
    assert_eq!(dpi(r#"PhysicalSizeX="1" PhysicalSizeXUnit="reference frame""#, SIZE), Some((72.0, 72.0)));
}
