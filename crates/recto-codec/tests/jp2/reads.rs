//! What is read for a tile, once the headers are known.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use recto_codec::{
    EncodeHeader, Jp2Options, MemoryAccess, OpenOptions, PixelFormat, RandomAccess, Raster, jp2_encoder, open,
};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::Rng;

use crate::read;

#[derive(Debug)]
struct Counted {
    file: MemoryAccess,
    bytes: AtomicU64,
}

impl RandomAccess for Counted {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.file.read_at(offset, buffer)
    }
}

/// Something everywhere on every scale: waves, and noise on them.
fn picture(size: Dimensions) -> Vec<u8> {
    let mut rng = Rng::new(5);
    let wave = |n: u32, step: f64| (f64::from(n) / step).sin();
    let columns: Vec<[f64; 2]> = (0..size.width_px).map(|x| [wave(x, 7.0), wave(x, 61.0)]).collect();
    let mut out = Vec::with_capacity(size.area_px() as usize);
    for y in 0..size.height_px {
        let row = [wave(y, 9.0), wave(y, 47.0)];
        for column in &columns {
            let value = 128.0 + 50.0 * column[1] * row[1] + 25.0 * column[0] * row[0];
            out.push((value as u32 + rng.below(24)) as u8);
        }
    }
    out
}

const SIDE: u32 = 4096;
const TILE: u32 = 256;
/// Level 2 is 1:4.
const LEVEL: usize = 2;

/// A file of one tile (`None` within the encoder's own choice: tiles of 1024).
fn file(tile_px: Option<u32>) -> Vec<u8> {
    let size = Dimensions::new(SIDE, SIDE);
    let header = EncodeHeader { size, pixels: PixelFormat::Gray8, bitonal: false, icc: None, dpi: None };
    let mut encoder = jp2_encoder(&header, &Jp2Options { quality: 80, tile_px, ..Jp2Options::default() }).unwrap();
    encoder.write(&Raster::from_vec(size, PixelFormat::Gray8, picture(size))).unwrap();
    encoder.finish().unwrap()
}

/// What a tile of 256 pixels at 1:4 covers in the file does not depend on how large the image is, and the file grows with the image:
/// what is read of a square of 4096 pixels is, of one of 20,000, a part (4096 / 20,000)² = 1 / 23.8 as large. A hundredth of that
/// file is 24 hundredths of this one.
const OF_THIS_FILE: f64 = 0.01 * (20_000.0 / SIDE as f64) * (20_000.0 / SIDE as f64);

#[test]
fn d10_a_tile_reads_its_share_of_the_file_once_the_headers_are_known() {
    for (name, tile_px, most) in [("one tile", Some(SIDE), 0.03), ("tiles of 1024", None, 0.12)] {
        let bytes = file(tile_px);
        let length = bytes.len() as f64;
        let source = Arc::new(Counted { file: MemoryAccess::new(bytes), bytes: AtomicU64::new(0) });
        let spent = || source.bytes.swap(0, Ordering::Relaxed) as f64;
        let decoder = open(source.clone(), &OpenOptions::default()).unwrap();
        let level = decoder.facts().levels[LEVEL].size;
        assert_eq!(level, Dimensions::new(SIDE / 4, SIDE / 4), "{name}");
        let tile = |column: u32, row: u32| {
            let region = Rect::new(column * TILE, row * TILE, TILE, TILE);
            read(decoder.as_ref(), LEVEL, region).unwrap().data().to_vec()
        };
        tile(0, 0);
        let first = spent();
        let far = tile(2, 3);
        let next = spent();
        assert!(next > 0.0 && next < OF_THIS_FILE * length, "{name}: {next} bytes are more than 1 % of 20,000 squared");
        assert!(next / length <= most, "{name}: {next} of {length} bytes, after {first}");
        tile(2, 3);
        assert!(spent() <= next, "{name}: again");
        // Read by itself, the whole level has the same pixels.
        drop(decoder);
        let decoder = open(source.clone(), &OpenOptions::default()).unwrap();
        let whole = read(decoder.as_ref(), LEVEL, level.rect()).unwrap();
        let part = |y: u32| &whole.row(3 * TILE + y)[2 * TILE as usize..][..TILE as usize];
        let rows = (0..TILE).flat_map(part).zip(&far);
        assert!(rows.into_iter().all(|(a, b)| a.abs_diff(*b) <= 1), "{name}: the tile is a part of the level");
    }
}

#[test]
fn large_tiles_are_announced_in_parts_as_they_are_read() {
    for (tile_px, announced) in [(Some(SIDE), None), (None, Some(512)), (Some(256), Some(256))] {
        let facts = open(Arc::new(MemoryAccess::new(file(tile_px))), &OpenOptions::default()).unwrap();
        let want = announced.map(|side| Dimensions::new(side, side));
        assert_eq!(facts.facts().announced_tile(), want, "{tile_px:?}");
    }
}
