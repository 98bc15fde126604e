//! What is read of a file: headers to open it, and no more than a region needs.

use recto_codec::{Control, DecodeRequest, Decoder, OpenOptions, open, read_raster};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::bmp::{Bitmap, stored_rows};
use recto_testkit::position::Samples;
use recto_testkit::tiff::{Layout, Levels, pyramid};

use crate::counted::Counted;
use crate::fixtures::png::Form;

/// Opens a file, and says how much was read for that and is read for a region.
fn reads(file: Vec<u8>, region: Rect) -> (Box<dyn Decoder>, u64, u64) {
    let source = Counted::new(file);
    let decoder = open(source.clone(), &OpenOptions::default()).unwrap();
    let (_, opening) = source.spent();
    read_raster(decoder.as_ref(), &DecodeRequest { level: 0, region, denominator: 1 }, &Control::default()).unwrap();
    (decoder, opening, source.spent().1)
}

const SIZE: Dimensions = Dimensions::new(1000, 1000);
const REGION: Rect = Rect::new(400, 100, 50, 50);

fn assert_reads(what: &str, file: Vec<u8>, most: u64) {
    let length = file.len() as u64;
    let (decoder, opening, reading) = reads(file, REGION);
    let announced = decoder.cost(&DecodeRequest { level: 0, region: REGION, denominator: 1 }).bytes_read;
    assert!(opening <= 200_000, "{what}: opening reads {opening} of {length} bytes");
    assert!(reading <= most, "{what}: the region reads {reading} of {length} bytes");
    assert!(reading <= announced + 70_000, "{what}: the region reads {reading} bytes, announced are {announced}");
}

#[test]
fn a_bitmap_reads_the_bytes_of_the_region() {
    let swapped: Vec<u8> = Samples::Rgb8.image(SIZE);
    let bitmap = Bitmap {
        size: SIZE,
        top_down: false,
        header_bytes: 40,
        bits: 24,
        compression: 0,
        masks: [0; 4],
        palette: Vec::new(),
        pixels: stored_rows(&swapped, SIZE.width_px as usize * 3, false),
    };
    assert_reads("bmp", bitmap.write(), u64::from(REGION.w * REGION.h * 3));
}

#[test]
fn a_png_reads_down_to_the_region() {
    // Noise, so that a sixth of the rows is a sixth of the bytes.
    let noise = |x: u32, y: u32| {
        let mut rng = recto_testkit::Rng::new(u64::from(x) << 32 | u64::from(y));
        (0..3).map(|_| rng.next_u64() as u16 & 255).collect()
    };
    let form = Form { size: SIZE, depth: 8, color_type: 2, interlaced: false, chunks: &[] };
    let file = form.write(&noise);
    let most = file.len() as u64 / 4;
    assert_reads("png", file, most);
}

#[test]
fn a_tiff_reads_the_tiles_of_the_region() {
    let tile = Dimensions::new(256, 256);
    let layout = Layout { tile, samples: 3, big_endian: false, big_tiff: false, levels: Levels::Chain };
    // The region lies in one tile.
    assert_reads("tiff", pyramid(&layout, &[(SIZE, Samples::Rgb8.image(SIZE))]), 256 * 256 * 3 + 4096);
}

#[test]
fn a_photoshop_document_reads_the_rows_of_the_region() {
    let mut file = b"8BPS\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03".to_vec();
    file.extend([SIZE.height_px, SIZE.width_px].iter().flat_map(|side| side.to_be_bytes()));
    // Eight bits, red, green and blue; no palette, no resources, no layers; not packed.
    file.extend([0, 8, 0, 3]);
    file.resize(file.len() + 14, 0);
    file.resize(file.len() + SIZE.area_px() as usize * 3, 7);
    assert_reads("psd", file, 3 * u64::from(SIZE.width_px * REGION.h));
}

#[test]
fn fits_reads_the_numbers_of_the_region() {
    let numbers = vec![7; SIZE.area_px() as usize];
    let file = crate::fixtures::fits::file(8, &[SIZE.width_px, SIZE.height_px], &[], &numbers);
    assert_reads("fits", file, u64::from(REGION.w * REGION.h));
}
