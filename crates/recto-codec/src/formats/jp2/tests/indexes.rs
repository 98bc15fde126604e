//! What indexes of hostile files take, and that they are told of.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use recto_iiif::Dimensions;

use super::{coding, encode, open, picture};
use crate::formats::jp2::compress::Coding;
use crate::formats::jp2::decode::Jp2Decoder;
use crate::formats::jp2::index::{self, TileIndex};
use crate::formats::jp2::tile_parts::TileParts;
use crate::{
    ByteRange, Control, DecodeError, DecodeRequest, Decoder, MemoryAccess, OpenOptions, RandomAccess, read_raster,
};

/// Side of a code-block.
const BLOCK: u32 = 4;
/// Passes that each block has by its packet's header: as many as can be said.
const PASSES: u32 = 164;
/// Passes that its nine bit planes have.
const REAL_PASSES: u32 = 3 * 9 - 2;

/// Bits of a packet header; after a byte of ones, one bit is stuffed.
struct Bits {
    bytes: Vec<u8>,
    byte: u8,
    left: u32,
}

impl Bits {
    fn put(&mut self, bit: u8) {
        self.left -= 1;
        self.byte |= bit << self.left;
        if self.left == 0 {
            self.bytes.push(self.byte);
            self.left = if self.byte == 0xff { 7 } else { 8 };
            self.byte = 0;
        }
    }

    fn end(mut self) -> Vec<u8> {
        if self.left < 8 {
            self.bytes.push(self.byte);
        }
        self.bytes
    }
}

/// A gray image of one resolution in one packet, whose blocks end a segment with each of too many passes.
fn terminated(width: u32, height: u32, length: u8) -> Vec<u8> {
    let (columns, rows) = (width / BLOCK, height / BLOCK);
    let mut bits = Bits { bytes: Vec::new(), byte: 0, left: 8 };
    bits.put(1);
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        // The nodes of both tag trees that come into sight here, all of value 0.
        let mut nodes = 1;
        while columns.max(rows) > 1 << (nodes - 1) && (row | column).is_multiple_of(1 << nodes) {
            nodes += 1;
        }
        // Then 164 passes, and a length that needs no more bits than three.
        (0..2 * nodes + 16).for_each(|_| bits.put(1));
        bits.put(0);
        for _ in 0..PASSES {
            (0..3).rev().for_each(|bit| bits.put(length >> bit & 1));
        }
    }
    let header = bits.end();
    let body = vec![0; (columns * rows * PASSES) as usize * usize::from(length)];
    let mut file = vec![0xff, 0x4f, 0xff, 0x51, 0, 41, 0, 0];
    for word in [width, height, 0, 0, width, height, 0, 0] {
        file.extend(word.to_be_bytes());
    }
    file.extend([0, 1, 7, 1, 1]);
    // No decompositions, blocks of 4 by 4, a segment for each pass, the reversible wavelet.
    file.extend([0xff, 0x52, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 4, 1]);
    // Two guard bits and an exponent of 8: nine bit planes.
    file.extend([0xff, 0x5c, 0, 4, 0x40, 0x40]);
    file.extend([0xff, 0x90, 0, 10, 0, 0]);
    file.extend(((header.len() + body.len()) as u32 + 14).to_be_bytes());
    file.extend([0, 1, 0xff, 0x93]);
    file.extend(header);
    file.extend(body);
    file.extend([0xff, 0xd9]);
    file
}

fn indexed(decoder: &Jp2Decoder, max_bytes: u64) -> Result<TileIndex, DecodeError> {
    let control = Control::default();
    let parts = TileParts::read(decoder.source.as_ref(), decoder.range, &decoder.header, &control)?;
    let index = TileIndex::read(&decoder.source, &decoder.header, &parts, 0, max_bytes, &control)?;
    Ok(index.expect("our own decoder understands it"))
}

#[test]
fn passes_without_a_bit_plane_take_no_memory() {
    let decoder = open(&terminated(256, 256, 0));
    let blocks = 64 * 64;
    let index = indexed(&decoder, 64 << 20).expect("it has an index");
    assert!(index.bytes() < blocks * u64::from(REAL_PASSES) * 24 + blocks * 32, "{} bytes", index.bytes());
    let tile = decoder.header.size.tile_area(0, 0);
    assert!(index.bytes() <= index::reckoned_bytes(&decoder.header, tile), "more than was reckoned");
    assert!(index::making_bytes(&decoder.header, tile) > index.bytes());
    // What they take is held against the limit while it grows.
    let refused = indexed(&decoder, 1 << 20);
    assert!(matches!(refused, Err(DecodeError::TooLarge { .. })), "{:?}", refused.map(|index| index.bytes()));
}

#[test]
fn bytes_of_passes_without_a_bit_plane_are_stepped_over() {
    let decoder = open(&terminated(2 * BLOCK, BLOCK, 1));
    let index = indexed(&decoder, 64 << 20).expect("it has an index");
    let band = &index.components[0].resolutions[0].bands[0];
    let chunks = |column: u32| {
        let (_, block) = band.block(column, 0).expect("there are two blocks");
        assert_eq!(u32::from(block.passes), PASSES);
        index.chunks(block).collect::<Vec<_>>()
    };
    let (one, other) = (chunks(0), chunks(1));
    assert_eq!((one.len(), other.len()), (REAL_PASSES as usize, REAL_PASSES as usize));
    let first = one[0].0.offset;
    for (block, start) in [(&one, first), (&other, first + u64::from(PASSES))] {
        let want: Vec<_> = (start..start + u64::from(REAL_PASSES)).map(|at| (ByteRange::new(at, 1), 1)).collect();
        assert_eq!(*block, want);
    }
}

#[test]
fn what_is_kept_of_an_image_of_few_tiles_is_told() {
    let size = Dimensions::new(203, 157);
    let tiled = Coding { tile: Dimensions::new(128, 128), resolutions: 4, ..coding(size) };
    for (name, file) in [
        ("one tile", encode(&coding(size), &picture(size, 3))),
        ("four tiles", encode(&tiled, &picture(size, 3))),
        ("many passes", terminated(256, 256, 0)),
    ] {
        let decoder = open(&file);
        let whole = decoder.level_area(0);
        let region = Dimensions::new(whole.width(), whole.height()).rect();
        let wanted = DecodeRequest { level: 0, region, denominator: 1 };
        let (before, cost) = (decoder.held_bytes(), decoder.cost(&wanted).bytes_held);
        read_raster(&decoder, &wanted, &Control::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let after = decoder.held_bytes();
        assert!(0 < after && after <= before, "{name}: {after} bytes, {before} were reckoned");
        let index = indexed(&decoder, 64 << 20).expect("it has an index");
        assert!(after >= index.bytes(), "{name}: {after} bytes");
        assert!(decoder.cost(&wanted).bytes_held < cost, "{name}: the index is made once");
    }
}

#[derive(Debug)]
struct Counted {
    file: MemoryAccess,
    reads: AtomicU64,
}

impl RandomAccess for Counted {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.file.read_at(offset, buffer)
    }
}

#[test]
fn short_tile_parts_are_read_many_at_a_time_and_until_nobody_waits() {
    let mut file = terminated(2 * BLOCK, BLOCK, 0);
    file.truncate(file.len() - 2);
    for _ in 0..5000 {
        file.extend([0xff, 0x90, 0, 10, 0, 0, 0, 0, 0, 14, 1, 0, 0xff, 0x93]);
    }
    file.extend([0xff, 0xd9]);
    let source = Arc::new(Counted { file: MemoryAccess::new(file), reads: AtomicU64::new(0) });
    let decoder = Jp2Decoder::open(source.clone(), &OpenOptions::default()).expect("the file opens");
    source.reads.store(0, Ordering::Relaxed);
    let control = Control::default();
    let read = |control: &Control| TileParts::read(source.as_ref(), decoder.range, &decoder.header, control);
    let parts = read(&control).expect("it has tile-parts");
    assert!(parts.bytes() >= 5001 * 16, "{} bytes for 5001 parts", parts.bytes());
    let reads = source.reads.load(Ordering::Relaxed);
    assert!(reads <= 8, "{reads} reads");
    control.cancel();
    assert!(matches!(read(&control), Err(DecodeError::Cancelled)));
}
