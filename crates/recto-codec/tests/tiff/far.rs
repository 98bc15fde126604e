//! Pyramids of gigabytes in a store that is asked over a network: few requests, and little in each.

use std::io;
use std::sync::Arc;

use recto_codec::{
    Control, CutRequest, Decoder, EncodeHeader, EncodeOptions, OpenOptions, Orientation, PixelFormat, RandomAccess,
    Raster, encoder, open,
};
use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};
use recto_testkit::Rng;

use crate::builder::{Builder, Entry, LONG, SHORT};
use crate::counted::Counted;
use crate::read;

const LONG_8: u16 = 16;
const IFD_8: u16 = 18;
const TILE: u32 = 256;
const TILE_BYTES: u64 = (TILE * TILE) as u64;
/// From one tile to the next: what is between belongs to nobody.
const STRIDE: u64 = 4 * TILE_BYTES;
const SIZE: Dimensions = Dimensions::new(40_000, 30_000);
/// As a store with 30 ms to the first byte would have it: a hundredth of a second of its bandwidth.
const AHEAD: u64 = 384 << 10;

/// The bytes of a file by their position: what a builder wrote, at the beginning or at the end, and tiles elsewhere.
#[derive(Debug)]
struct Store {
    length: u64,
    written: Vec<u8>,
    skip: u64,
    first_tile: u64,
    /// What lies in the place of each tile; noise if it is empty.
    tile: Vec<u8>,
}

fn noise(offset: u64) -> u8 {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

impl Store {
    fn byte(&self, offset: u64) -> u8 {
        let written = if offset < 16 { Some(offset) } else { offset.checked_sub(self.skip).filter(|at| *at >= 16) };
        if let Some(byte) = written.and_then(|at| self.written.get(at as usize)) {
            return *byte;
        }
        let place = offset.saturating_sub(self.first_tile) % STRIDE;
        if self.tile.is_empty() { noise(offset) } else { self.tile.get(place as usize).copied().unwrap_or(0) }
    }
}

impl RandomAccess for Store {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset + buffer.len() as u64 > self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.iter_mut().zip(offset..).for_each(|(byte, offset)| *byte = self.byte(offset));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    directories_last: bool,
    below_the_first: bool,
    jpeg: bool,
}

/// The number of the first tile of each level, and how many there are in all.
fn levels() -> (Vec<(Dimensions, u64)>, u64) {
    let (mut size, mut levels, mut tiles) = (SIZE, Vec::new(), 0);
    loop {
        levels.push((size, tiles));
        tiles += u64::from(size.width_px.div_ceil(TILE)) * u64::from(size.height_px.div_ceil(TILE));
        if size.width_px.max(size.height_px) <= TILE {
            return (levels, tiles);
        }
        size = size.reduced(2);
    }
}

fn store(case: Case, ahead: u64) -> Arc<Counted<Store>> {
    let (levels, tiles) = levels();
    let first_tile = if case.directories_last { 1 << 16 } else { 1 << 30 };
    let mut builder = Builder::new(false, true);
    let tile = if case.jpeg { jpeg_tile() } else { Vec::new() };
    let bytes = if case.jpeg { tile.len() as u64 } else { TILE_BYTES };
    // Directories that come last lie right behind the last tile.
    builder.skip = if case.directories_last { first_tile + (tiles - 1) * STRIDE + bytes - 16 } else { 0 };
    let entries = |(size, first): (Dimensions, u64), reduced: bool| -> Vec<Entry> {
        let count = u64::from(size.width_px.div_ceil(TILE)) * u64::from(size.height_px.div_ceil(TILE));
        vec![
            (254, LONG, vec![u64::from(reduced)]),
            (256, LONG, vec![size.width_px.into()]),
            (257, LONG, vec![size.height_px.into()]),
            (258, SHORT, vec![8]),
            (259, SHORT, vec![if case.jpeg { 7 } else { 1 }]),
            (262, SHORT, vec![1]),
            (277, SHORT, vec![1]),
            (322, LONG, vec![TILE.into()]),
            (323, LONG, vec![TILE.into()]),
            (324, LONG_8, (first..first + count).map(|number| first_tile + number * STRIDE).collect()),
            (325, LONG, vec![bytes; count as usize]),
        ]
    };
    let mut first = entries(levels[0], false);
    if case.below_the_first {
        let below = levels[1..].iter().map(|level| builder.loose_directory(&entries(*level, true))).collect();
        first.push((330, IFD_8, below));
        builder.directory(&first);
    } else {
        builder.directory(&first);
        for level in &levels[1..] {
            builder.directory(&entries(*level, true));
        }
    }
    let written = builder.bytes;
    let end = if case.directories_last { builder.skip + written.len() as u64 } else { first_tile + tiles * STRIDE };
    Counted::of(Store { length: end, written, skip: builder.skip, first_tile, tile }, ahead, None)
}

fn jpeg_tile() -> Vec<u8> {
    let size = Dimensions::new(TILE, TILE);
    let mut rng = Rng::new(11);
    let data: Vec<u8> = (0..TILE_BYTES).map(|_| rng.below(256) as u8).collect();
    let header = EncodeHeader { size, pixels: PixelFormat::Gray8, bitonal: false, icc: None, dpi: None };
    let mut writer = encoder(Format::Jpg, &header, &EncodeOptions::default()).unwrap();
    writer.write(&Raster::from_vec(size, PixelFormat::Gray8, data)).unwrap();
    writer.finish().unwrap()
}

/// A tile as the server answers it: as it lies where that can be, cut at the edges, decoded else.
fn tile(decoder: &dyn Decoder, store: &Counted<Store>, level: usize, column: u32, row: u32) -> Vec<u8> {
    if let Some(stored) = decoder.stored_tile(level, column, row) {
        return [stored.head.to_vec(), store.read_range(stored.body).unwrap()].concat();
    }
    let region = Rect::new(column * TILE, row * TILE, TILE, TILE);
    let region = region.intersection(decoder.facts().levels[level].size.rect()).unwrap();
    let wanted = CutRequest { region, turn: Orientation::Normal, gray: false };
    match decoder.cut(level, &wanted, &Control::default()).unwrap() {
        Some(cut) => cut,
        None => read(decoder, level, region, 1).unwrap().data().to_vec(),
    }
}

fn cases() -> impl Iterator<Item = Case> {
    (0..8).map(|n| Case { directories_last: n & 1 != 0, below_the_first: n & 2 != 0, jpeg: n & 4 != 0 })
}

#[test]
fn d11_a_cold_tile_of_a_pyramid_far_away_takes_three_requests_and_the_next_one() {
    for case in cases() {
        let store = store(case, AHEAD);
        let last = store.source.first_tile + 18_525 * STRIDE;
        assert!(last > 1 << 32, "{case:?}: the last tile of the first level lies beyond 4 GiB");
        let decoder = open(store.clone(), &OpenOptions::default()).unwrap();
        assert_eq!(decoder.facts().levels.len(), levels().0.len(), "{case:?}");
        assert_eq!(decoder.facts().pages, 1, "{case:?}");
        tile(decoder.as_ref(), &store, 2, 5, 7);
        let (requests, bytes) = store.spent();
        assert!(requests <= 3 && bytes <= 1 << 20, "{case:?}: the first tile took {requests} requests, {bytes} bytes");
        // Inner tiles of several levels, and those at the far edges of the first, which are cut.
        for (level, column, row) in [(2, 6, 7), (0, 0, 0), (0, 156, 3), (0, 100, 117), (0, 156, 117), (5, 4, 3)] {
            let answer = tile(decoder.as_ref(), &store, level, column, row);
            let (requests, bytes) = store.spent();
            let named = format!("{case:?}: tile {column},{row} of level {level}");
            assert!(requests == 1 && bytes <= 2 * TILE_BYTES, "{named} took {requests} requests, {bytes} bytes");
            let (size, first) = levels().0[level];
            let number = first + u64::from(row) * u64::from(size.width_px.div_ceil(TILE)) + u64::from(column);
            let rect = Rect::new(column * TILE, row * TILE, TILE, TILE).intersection(size.rect()).unwrap();
            if case.jpeg {
                let shown = image::load_from_memory(&answer).unwrap().to_luma8();
                assert_eq!(shown.dimensions(), (rect.w, rect.h), "{named}");
                let stored = image::load_from_memory(&store.source.tile).unwrap().to_luma8();
                let part = image::imageops::crop_imm(&stored, 0, 0, rect.w, rect.h).to_image();
                assert!(shown == part, "{named}");
            } else {
                let at = store.source.first_tile + number * STRIDE;
                let rows = (0..rect.h).flat_map(|y| (0..rect.w).map(move |x| noise(at + u64::from(y * TILE + x))));
                assert!(answer == rows.collect::<Vec<u8>>(), "{named} has other pixels");
            }
        }
    }
}

#[test]
fn d11_the_requests_of_a_store_that_says_nothing_of_itself_are_seen() {
    for case in cases() {
        let store = store(case, 0);
        let decoder = open(store.clone(), &OpenOptions::default()).unwrap();
        tile(decoder.as_ref(), &store, 2, 5, 7);
        let (requests, bytes) = store.spent();
        assert!(requests > 10 && bytes <= 512 << 10, "{case:?}: {requests} requests, {bytes} bytes");
    }
}

#[test]
fn d11_a_file_of_our_own_writer_takes_three_requests_too() {
    let size = Dimensions::new(3000, 2000);
    let mut rng = Rng::new(3);
    let data: Vec<u8> = (0..size.area_px()).map(|_| rng.below(256) as u8).collect();
    let header = EncodeHeader { size, pixels: PixelFormat::Gray8, bitonal: false, icc: None, dpi: None };
    let options = EncodeOptions { tiff_pyramid: true, ..EncodeOptions::default() };
    let mut writer = encoder(Format::Tif, &header, &options).unwrap();
    writer.write(&Raster::from_vec(size, PixelFormat::Gray8, data.clone())).unwrap();
    let written = writer.finish().unwrap();
    let length = written.len() as u64;
    let store = Store { length, written, skip: 0, first_tile: 0, tile: Vec::new() };
    let store = Counted::of(store, 64 << 10, None);
    let decoder = open(store.clone(), &OpenOptions::default()).unwrap();
    let tile = decoder.facts().levels[0].grid.unwrap().tile;
    let region = Rect::new(tile.width_px, tile.height_px, tile.width_px, tile.height_px);
    let shown = read(decoder.as_ref(), 0, region, 1).unwrap();
    let (requests, bytes) = store.spent();
    assert!(requests <= 3 && bytes <= 1 << 20, "{requests} requests, {bytes} of {length} bytes");
    let row = |y: u32| &data[((region.y + y) * size.width_px + region.x) as usize..][..region.w as usize];
    assert!((0..region.h).all(|y| shown.row(y) == row(y)), "the pixels are those that were written");
}
