//! Tiles that are remembered for the next region.

use std::io;
use std::sync::Arc;

use recto_codec::{
    EncodeHeader, Memo, MemoryAccess, Metadata, OpenOptions, Orientation, PixelFormat, PyramidCompression,
    PyramidOptions, PyramidPage, PyramidWriter, Raster, open,
};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::Rng;
use recto_testkit::position::Samples;

use crate::counted::Counted;
use crate::read;

const SIZE: Dimensions = Dimensions::new(1500, 1100);

fn written(compression: PyramidCompression) -> Vec<u8> {
    let options = PyramidOptions { tile: 256, compression, ..PyramidOptions::default() };
    let mut writer = PyramidWriter::new(io::Cursor::new(Vec::new()), &options).unwrap();
    writer
        .begin(PyramidPage {
            header: EncodeHeader { size: SIZE, pixels: PixelFormat::Rgb8, bitonal: false, icc: None, dpi: None },
            orientation: Orientation::Normal,
            metadata: Metadata::default(),
            compression: None,
            maker: None,
        })
        .unwrap();
    writer.write(&Raster::from_vec(SIZE, PixelFormat::Rgb8, Samples::Rgb8.image(SIZE))).unwrap();
    writer.end().unwrap();
    writer.finish().unwrap().into_inner()
}

fn part(region: Rect) -> Vec<u8> {
    let all = Samples::Rgb8.image(SIZE);
    let row = |y: u32| &all[(y * SIZE.width_px + region.x) as usize * 3..][..region.w as usize * 3];
    (region.y..region.y + region.h).flat_map(|y| row(y).to_vec()).collect()
}

#[test]
fn the_next_region_over_the_same_tiles_reads_and_decodes_none_of_them() {
    let source = Counted::new(written(PyramidCompression::Deflate));
    let decoder = open(source.clone(), &OpenOptions::default()).unwrap();
    let reads = |region: Rect| {
        source.spent();
        let raster = read(decoder.as_ref(), 0, region, 1).unwrap();
        assert!(raster.data() == part(region), "{region}");
        source.spent().1
    };
    assert!(reads(Rect::new(300, 300, 600, 400)) > 0, "tiles 1 to 3, 1 to 2");
    assert_eq!(reads(Rect::new(257, 256, 700, 500)), 0);
    assert_eq!(reads(Rect::new(500, 500, 30, 30)), 0);
    assert!(reads(Rect::new(300, 300, 600, 500)) > 0, "a row of tiles more");
    // The last column and row, whose tiles reach out of the image.
    assert!(reads(Rect::new(1200, 900, 300, 200)) > 0);
    assert_eq!(reads(Rect::new(1201, 901, 299, 199)), 0);
    // Negative control: a region within one tile is kept as an answer, not here.
    assert!(reads(Rect::new(0, 0, 100, 100)) > 0);
    assert!(reads(Rect::new(0, 0, 100, 100)) > 0);
}

#[test]
fn regions_are_the_same_however_much_is_remembered() {
    let file = written(PyramidCompression::Zstd);
    let mut rng = Rng::new(3);
    let regions = rng.rects_in(SIZE, 60);
    for memo_bytes in [0, 3 << 20, 64 << 20] {
        let options = OpenOptions { memo: Arc::new(Memo::new(memo_bytes)), ..OpenOptions::default() };
        let decoder = open(Arc::new(MemoryAccess::new(file.as_slice())), &options).unwrap();
        for region in &regions {
            let raster = read(decoder.as_ref(), 0, *region, 1).unwrap();
            assert!(raster.data() == part(*region), "{region} with {memo_bytes} bytes");
        }
        assert!(options.memo.held_bytes() <= memo_bytes);
    }
}

#[test]
fn tiles_of_a_whole_level_are_used_where_they_are_remembered_and_not_remembered() {
    let options = OpenOptions { memo: Arc::new(Memo::new(64 << 20)), ..OpenOptions::default() };
    let source = Counted::new(written(PyramidCompression::Deflate));
    let decoder = open(source.clone(), &options).unwrap();
    let reads = |region: Rect| {
        source.spent();
        assert!(read(decoder.as_ref(), 0, region, 1).unwrap().data() == part(region), "{region}");
        source.spent().1
    };
    let all = reads(SIZE.rect());
    assert_eq!(options.memo.held_bytes(), 0);
    assert_eq!(reads(SIZE.rect()), all);
    let four = reads(Rect::new(200, 200, 200, 200));
    let held = options.memo.held_bytes();
    assert!(held >= 4 * 256 * 256 * 3, "{held}");
    assert_eq!(reads(SIZE.rect()), all - four);
    assert_eq!(options.memo.held_bytes(), held);
}

#[test]
fn of_jpeg_tiles_the_rows_are_decoded_that_are_wanted_and_none_below() {
    let mut file = written(PyramidCompression::Jpeg);
    let wanted = Rect::new(100, 0, 400, 40);
    let options = OpenOptions { memo: Arc::new(Memo::new(0)), ..OpenOptions::default() };
    let sound = open(Arc::new(MemoryAccess::new(file.as_slice())), &options).unwrap();
    let sound = read(sound.as_ref(), 0, wanted, 1).unwrap();
    // The first tile is said to have half of its bytes; its length is the first in the list of lengths.
    let length = tile_range(&file).len() as u32;
    let at = file.windows(4).position(|bytes| bytes == length.to_le_bytes()).unwrap();
    file[at..at + 4].copy_from_slice(&(length / 2).to_le_bytes());
    let decoder = open(Arc::new(MemoryAccess::new(file.as_slice())), &options).unwrap();
    assert!(read(decoder.as_ref(), 0, wanted, 1).unwrap().data() == sound.data());
    let below = read(decoder.as_ref(), 0, Rect::new(100, 0, 400, 250), 1);
    assert!(below.is_err(), "the stream ends there");
}

#[test]
fn sound_rows_of_a_damaged_tile_are_given() {
    let mut file = written(PyramidCompression::Deflate);
    let decoder = open(Arc::new(MemoryAccess::new(file.as_slice())), &OpenOptions::default()).unwrap();
    let wanted = Rect::new(200, 0, 100, 20);
    assert!(read(decoder.as_ref(), 0, wanted, 1).is_ok());
    // Every byte in turn would take long; somewhere in the second half of the first tile is enough.
    let stored = tile_range(&file);
    let at = stored.start + stored.len() * 3 / 4;
    file[at..at + 40].fill(0xff);
    let decoder = open(Arc::new(MemoryAccess::new(file.as_slice())), &OpenOptions::default()).unwrap();
    let raster = read(decoder.as_ref(), 0, wanted, 1).unwrap();
    assert!(raster.data() == part(wanted));
    let below = read(decoder.as_ref(), 0, Rect::new(200, 0, 100, 256), 1);
    assert!(below.is_err(), "the damage is there");
}

/// Where the first tile of the first level lies, by another reader.
fn tile_range(file: &[u8]) -> std::ops::Range<usize> {
    let mut other = tiff::decoder::Decoder::new(io::Cursor::new(file)).unwrap();
    let first = |numbers: Vec<u64>| numbers[0] as usize;
    let start = first(other.get_tag_u64_vec(tiff::tags::Tag::TileOffsets).unwrap());
    start..start + first(other.get_tag_u64_vec(tiff::tags::Tag::TileByteCounts).unwrap())
}
