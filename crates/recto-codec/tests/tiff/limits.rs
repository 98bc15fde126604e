//! Long work ends when it is cancelled, and what an open file holds is bounded and told.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use recto_codec::{Control, DecodeError, DecodeRequest, MemoryAccess, OpenOptions, RandomAccess, open, read_raster};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::Rng;
use recto_testkit::tiff::fax_pages;

use crate::builder::{Builder, Entry, LONG, SHORT, compress};
use crate::open_bytes;

/// Bytes, a kind of number.
const BYTE: u16 = 1;

/// Cancels the work when it has been read as often as is allowed.
#[derive(Debug)]
struct Cancelling {
    file: MemoryAccess,
    control: Control,
    reads: AtomicUsize,
    allowed: AtomicUsize,
}

impl Cancelling {
    fn new(file: Vec<u8>, allowed: usize) -> Arc<Self> {
        let (file, control) = (MemoryAccess::new(file), Control::default());
        Arc::new(Self { file, control, reads: AtomicUsize::new(0), allowed: AtomicUsize::new(allowed) })
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

impl RandomAccess for Cancelling {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if self.reads.fetch_add(1, Ordering::Relaxed) >= self.allowed.load(Ordering::Relaxed) {
            self.control.cancel();
        }
        self.file.read_at(offset, buffer)
    }
}

/// A gray image, without the places of its chunks.
fn gray(size: Dimensions, compression: u64) -> Vec<Entry> {
    vec![
        (256, LONG, vec![size.width_px.into()]),
        (257, LONG, vec![size.height_px.into()]),
        (258, SHORT, vec![8]),
        (259, SHORT, vec![compression]),
        (262, SHORT, vec![1]),
    ]
}

#[test]
fn cancelled_work_ends_while_rows_above_the_region_are_passed_over() {
    let size = Dimensions::new(1024, 4096);
    let mut rng = Rng::new(8);
    let noise: Vec<u8> = (0..size.area_px() / 8).flat_map(|_| rng.next_u64().to_le_bytes()).collect();
    let mut builder = Builder::new(false, false);
    let (offsets, counts) = builder.chunks(&[compress(50000, &noise)]);
    let mut entries = gray(size, 50000);
    entries.extend([(273, LONG, offsets), (279, LONG, counts)]);
    builder.directory(&entries);
    let source = Cancelling::new(builder.bytes, usize::MAX);
    let decoder = open(Arc::clone(&source) as Arc<dyn RandomAccess>, &OpenOptions::default()).unwrap();

    source.reads.store(0, Ordering::Relaxed);
    source.allowed.store(3, Ordering::Relaxed);
    let wanted = DecodeRequest { level: 0, region: Rect::new(0, 4000, 1024, 96), denominator: 1 };
    let error = read_raster(decoder.as_ref(), &wanted, &source.control).err().unwrap();
    assert!(matches!(error, DecodeError::Cancelled), "{error}");
    // All of it are sixteen.
    assert!(source.reads() < 10, "{} reads", source.reads());
}

#[test]
fn cancelled_opening_ends_in_the_middle_of_a_chain() {
    let source = Cancelling::new(fax_pages(3000), 50);
    let options = OpenOptions { page: 2000, control: source.control.clone(), ..OpenOptions::default() };
    let error = open(Arc::clone(&source) as Arc<dyn RandomAccess>, &options).err().unwrap();
    assert!(matches!(error, DecodeError::Cancelled), "{error}");
    assert!(source.reads() < 60, "{} reads", source.reads());
}

#[test]
fn cancelled_opening_ends_between_levels() {
    let mut builder = Builder::new(false, false);
    let (offsets, _) = builder.chunks(&[vec![9; 64]]);
    let strip = |size: Dimensions| [gray(size, 1), vec![(273, LONG, offsets.clone())]].concat();
    let sides = (1..7).map(|shift| 512_u32 >> shift);
    let below = sides.map(|side| builder.loose_directory(&strip(Dimensions::new(side, side)))).collect();
    let mut entries = strip(Dimensions::new(512, 512));
    entries.push((330, LONG, below));
    builder.directory(&entries);
    let whole = Cancelling::new(builder.bytes.clone(), usize::MAX);
    let decoder = open(Arc::clone(&whole) as Arc<dyn RandomAccess>, &OpenOptions::default()).unwrap();
    assert_eq!(decoder.facts().levels.len(), 7);
    for allowed in 1..whole.reads() - 1 {
        let source = Cancelling::new(builder.bytes.clone(), allowed);
        let options = OpenOptions { control: source.control.clone(), ..OpenOptions::default() };
        let error = open(Arc::clone(&source) as Arc<dyn RandomAccess>, &options).err().unwrap();
        assert!(matches!(error, DecodeError::Cancelled), "{allowed}: {error}");
    }
}

#[test]
fn what_an_open_file_holds_is_told() {
    // So many strips of one row each are named, for an image of so many rows.
    let strips = |height: u32, named: usize| {
        let mut builder = Builder::new(false, false);
        let (offsets, _) = builder.chunks(&[vec![9; 8]]);
        let mut entries = gray(Dimensions::new(8, height), 1);
        entries.extend([(273, LONG, vec![offsets[0]; named]), (278, SHORT, vec![1]), (279, LONG, vec![8; named])]);
        builder.directory(&entries);
        open_bytes(&builder.bytes).unwrap().held_bytes()
    };
    let all = strips(10_000, 10_000);
    assert!((80_000..100_000).contains(&all), "{all}");
    let one = strips(1, 10_000);
    assert!(one < 10_000, "{one} for places that no pixel needs");

    // The profile of a page is that of all its levels.
    let mut builder = Builder::new(false, false);
    let (offsets, _) = builder.chunks(&[vec![9; 256]]);
    for (side, mark) in [(32, 0), (16, 1)] {
        let mut entries = gray(Dimensions::new(side, side), 1);
        let tiles = side as usize / 16 * (side as usize / 16);
        entries.extend([
            (254, LONG, vec![mark]),
            (322, SHORT, vec![16]),
            (323, SHORT, vec![16]),
            (324, LONG, vec![offsets[0]; tiles]),
            (325, LONG, vec![256; tiles]),
            (34675, 7, vec![7; 50_000]),
        ]);
        builder.directory(&entries);
    }
    let decoder = open_bytes(&builder.bytes).unwrap();
    assert_eq!(decoder.facts().levels.len(), 2);
    let held = decoder.held_bytes();
    assert!((50_000..70_000).contains(&held), "{held}");
}

/// Makes an entry of a directory name these bytes, `count` of them.
fn point(bytes: &mut [u8], directory: u64, tag: u16, offset: u64, count: u32) {
    let at = directory as usize;
    let entries = u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let mut places = (0..usize::from(entries)).map(|entry| at + 2 + 12 * entry);
    let entry = places.find(|entry| bytes[*entry..*entry + 2] == tag.to_le_bytes()).unwrap();
    bytes[entry + 4..entry + 8].copy_from_slice(&count.to_le_bytes());
    bytes[entry + 8..entry + 12].copy_from_slice(&(offset as u32).to_le_bytes());
}

#[test]
fn levels_that_name_the_same_tables_over_and_over_hold_no_more_than_the_file_is_worth() {
    const NAMED: u32 = 70_000;
    let mut builder = Builder::new(false, false);
    let (table, _) = builder.chunks(&[vec![8; NAMED as usize]]);
    let tiled = |side: (u32, u32), tile: u64, mark: u64| {
        let mut entries = gray(Dimensions::new(side.0, side.1), 1);
        entries.extend([
            (254, LONG, vec![mark]),
            (322, SHORT, vec![tile]),
            (323, SHORT, vec![tile]),
            (324, BYTE, vec![8; 4]),
            (325, BYTE, vec![8; 4]),
        ]);
        entries
    };
    let mut directories = Vec::new();
    for (side, tile) in [(1024, 4), (512, 2), (256, 1)] {
        for (w, h) in (side - 1..=side + 1).flat_map(|w| (side - 1..=side + 1).map(move |h| (w, h))) {
            directories.push(builder.loose_directory(&tiled((w, h), tile, 1)));
        }
    }
    let mut base = tiled((4096, 4096), 16, 0);
    base.push((330, LONG, directories.clone()));
    directories.push(builder.directory(&base));
    for directory in directories {
        for tag in [324, 325] {
            point(&mut builder.bytes, directory, tag, table[0], NAMED);
        }
    }
    let decoder = open_bytes(&builder.bytes).unwrap();
    let (held, levels) = (decoder.held_bytes(), decoder.facts().levels.len());
    assert!((500_000..2_000_000).contains(&held), "{held} bytes of a file of {}", builder.bytes.len());
    assert!((1..6).contains(&levels), "{levels} levels");
}
