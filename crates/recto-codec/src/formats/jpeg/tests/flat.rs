//! Regions by index, and pictures of the walk, are the whole's, sample for sample; damage gives no index.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use recto_iiif::{Dimensions, Rect};

use super::super::bits::PADDING;
use super::super::coding::{Coding, Parts};
use super::super::decode::open_with;
use super::super::flat::margin;
use super::super::index::{Belongs, Index};
use super::super::markers::Markers;
use super::super::walk::{Wanted, walk};
use super::{Kind, Random, sequential_kinds, stream};
use crate::{
    Control, DecodeRequest, DecodedGeometry, Decoder, Memo, MemoryAccess, OpenOptions, RandomAccess, Raster, Shelf,
    read_raster,
};

fn source(file: &[u8]) -> Arc<dyn RandomAccess> {
    Arc::new(MemoryAccess::new(file.to_vec()))
}

/// Opened so that everything goes by index.
fn indexed(file: &[u8]) -> Box<dyn Decoder> {
    Box::new(open_with(source(file), &OpenOptions::default(), 1).unwrap())
}

/// Opened so that the library does everything.
pub(super) fn plain(file: &[u8]) -> Box<dyn Decoder> {
    Box::new(open_with(source(file), &OpenOptions::default(), u64::MAX).unwrap())
}

pub(super) fn read(decoder: &dyn Decoder, region: Rect, denominator: u32) -> Raster {
    let wanted = DecodeRequest { level: 0, region, denominator };
    let (raster, geometry) = read_raster(decoder, &wanted, &Control::default()).unwrap();
    assert_eq!(geometry.rect, DecodedGeometry::reduced_rect(&wanted, decoder.facts().stored_size()));
    raster
}

fn crop(whole: &Raster, rect: Rect) -> Vec<u8> {
    let pixel = whole.format().bytes_per_pixel();
    let columns = rect.x as usize * pixel..rect.right() as usize * pixel;
    (rect.y..rect.y + rect.h).flat_map(|y| whole.row(y)[columns.clone()].to_vec()).collect()
}

fn parts_of(file: &[u8]) -> (Coding, u64) {
    let markers = Markers::read(&MemoryAccess::new(file.to_vec())).unwrap();
    (Coding::new(&markers.parts()).unwrap().unwrap(), markers.data_offset)
}

fn check(kind: Kind, width: u32, height: u32, rounds: u32) {
    let file = stream(kind, width, height);
    let (by_index, library) = (indexed(&file), plain(&file));
    let mut random = Random::new(u64::from(width * 3 + height));
    for denominator in [1, 2, 4, 8] {
        let full = Rect::new(0, 0, width, height);
        let whole = read(&*library, full, denominator);
        assert!(read(&*by_index, full, denominator) == whole, "{kind:?} whole at 1/{denominator}");
        for _ in 0..rounds {
            let (x, y) = (random.below(width), random.below(height));
            let region = Rect::new(x, y, 1 + random.below(width - x), 1 + random.below(height - y));
            let wanted = DecodeRequest { level: 0, region, denominator };
            let rect = DecodedGeometry::reduced_rect(&wanted, Dimensions::new(width, height));
            let part = read(&*by_index, region, denominator);
            assert!(part.data() == crop(&whole, rect), "{kind:?} {width}x{height} {wanted:?}");
        }
    }
}

#[test]
fn regions_by_index_are_crops_of_the_whole() {
    for kind in sequential_kinds() {
        // Wide enough for several notes a row.
        check(kind, 603, 207, 10);
    }
}

#[test]
fn rare_samplings_are_crops_of_the_whole() {
    for sampling in [(4, 2), (2, 4), (1, 4), (3, 1), (1, 3), (4, 1)] {
        check(Kind { components: 3, sampling, ..Kind::default() }, 301, 155, 8);
    }
    for quality in [1, 100] {
        for sampling in [(1, 1), (2, 2)] {
            check(Kind { components: 3, sampling, quality, ..Kind::default() }, 301, 155, 8);
        }
    }
}

#[test]
fn tiny_files_are_crops_of_the_whole() {
    for (width, height) in [(1, 1), (2, 3), (7, 1), (1, 9), (8, 8), (9, 17), (16, 16), (17, 33), (33, 17)] {
        for sampling in [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)] {
            check(Kind { components: 3, sampling, ..Kind::default() }, width, height, 5);
        }
    }
}

#[test]
fn without_its_margin_subsampled_chroma_differs() {
    use super::super::cut::McuRect;
    use super::super::stream::{StreamColor, decode_within};
    let control = Control::default();
    for (sampling, denominator, needs) in [
        ((1, 1), 1, false),
        ((2, 2), 1, true),
        ((2, 2), 2, false),
        ((2, 2), 4, false),
        ((2, 1), 1, true),
        ((2, 1), 2, true),
        ((2, 1), 4, true),
        ((1, 2), 1, true),
        ((1, 2), 4, true),
        ((4, 1), 1, false),
    ] {
        let file = stream(Kind { components: 3, sampling, ..Kind::default() }, 400, 320);
        let (coding, offset) = parts_of(&file);
        assert_eq!(margin(&coding, denominator) > 0, needs, "{sampling:?} 1/{denominator}");
        let library = plain(&file);
        let whole = read(&*library, Rect::new(0, 0, 400, 320), denominator);
        let options = OpenOptions::default();
        let flat =
            super::super::flat::Flat::new(&source(&file), Arc::new(coding.clone()), offset, &options, 1).unwrap();
        let known = flat.ensure(Wanted::default(), &control).unwrap().unwrap();
        let mut differs = false;
        for region in [Rect::new(64, 64, 128, 128), Rect::new(96, 32, 64, 192), Rect::new(192, 160, 96, 64)] {
            let mut cut = flat.stream(&known, McuRect::around(region, &coding, 0));
            let mut bytes = Vec::new();
            while let Some(block) = cut.next_block(&control).unwrap() {
                bytes.extend_from_slice(block);
            }
            let part = decode_within(&bytes, StreamColor::Markers, denominator, u32::MAX, u64::MAX, &control).unwrap();
            let d = denominator;
            let rect = Rect::new(region.x / d, region.y / d, region.w / d, region.h / d);
            differs |= part.data() != crop(&whole, rect);
        }
        assert_eq!(differs, needs, "{sampling:?} 1/{denominator}: the negative control");
    }
}

#[test]
fn an_index_reads_back_and_refuses_what_is_not_its_own() {
    for kind in sequential_kinds().into_iter().step_by(3) {
        let file = stream(kind, 603, 207);
        let (coding, data_offset) = parts_of(&file);
        let control = Control::default();
        let walked = walk(&MemoryAccess::new(file.clone()), &coding, data_offset, Wanted::default(), &control).unwrap();
        let belongs = Belongs { file_bytes: file.len() as u64, data_offset, coding: coding.fingerprint() };
        let written = walked.index.write();
        assert!(Index::read(&written, &coding, belongs).unwrap() == walked.index, "{kind:?}");
        for other in [
            Belongs { file_bytes: belongs.file_bytes + 1, ..belongs },
            Belongs { data_offset: belongs.data_offset + 1, ..belongs },
            Belongs { coding: belongs.coding ^ 1, ..belongs },
        ] {
            assert!(Index::read(&written, &coding, other).is_none(), "{other:?}");
        }
        let mut random = Random::new(2);
        for _ in 0..200 {
            let mut bad = written.clone();
            match random.below(2) {
                0 => bad.truncate(random.below(written.len() as u32) as usize),
                _ => bad[random.below(written.len() as u32) as usize] ^= 1 << random.below(8),
            }
            assert!(Index::read(&bad, &coding, belongs).is_none());
        }
    }
}

/// A shelf in memory that counts.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) parts: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Shelf for Board {
    fn open(&self, name: &str) -> Option<Arc<dyn RandomAccess>> {
        let parts = self.parts.lock().unwrap();
        let (_, data) = parts.iter().find(|(other, _)| other == name)?;
        Some(Arc::new(MemoryAccess::new(data.clone())))
    }

    fn keep(&self, name: &str, write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
        // As a cache does it: what is there stays.
        if self.open(name).is_some() {
            return Ok(());
        }
        let mut data = Vec::new();
        write(&mut data)?;
        self.parts.lock().unwrap().push((name.to_owned(), data));
        Ok(())
    }

    fn discard(&self, name: &str) {
        self.parts.lock().unwrap().retain(|(other, _)| other != name);
    }
}

#[test]
fn what_is_on_the_shelf_is_not_walked_for_again() {
    let file = stream(Kind { components: 3, sampling: (2, 2), quality: 95, ..Kind::default() }, 1603, 1207);
    let board = Arc::new(Board::default());
    let options =
        || OpenOptions { shelf: Some(board.clone()), memo: Arc::new(Memo::new(64 << 20)), ..OpenOptions::default() };
    let region = Rect::new(700, 900, 200, 200);
    let first = open_with(source(&file), &options(), 1).unwrap();
    let expected = (read(&first, region, 1), read(&first, region, 8));
    assert_eq!(board.parts.lock().unwrap().len(), 1);

    let counted = super::files::watched(file.clone(), None);
    let second = open_with(counted.clone(), &options(), 1).unwrap();
    assert!((read(&second, region, 1), read(&second, region, 8)) == expected);
    let bytes = counted.read.load(std::sync::atomic::Ordering::Relaxed);
    assert!(bytes < file.len() as u64 / 4, "{bytes} of {} read", file.len());
    assert_eq!(board.parts.lock().unwrap().len(), 1);

    // Damaged, it is of no use, and is made again in its place.
    let whole = board.parts.lock().unwrap().clone();
    let middle = whole[0].1.len() / 2;
    board.parts.lock().unwrap()[0].1[middle] ^= 4;
    let third = open_with(source(&file), &options(), 1).unwrap();
    assert!((read(&third, region, 1), read(&third, region, 8)) == expected);
    assert!(*board.parts.lock().unwrap() == whole);
}

#[test]
fn threads_that_want_an_index_share_one_walk() {
    let file = stream(Kind { components: 3, sampling: (1, 1), quality: 95, ..Kind::default() }, 1603, 1207);
    let board = Arc::new(Board::default());
    // Nothing fits into this memo: what was built is handed over all the same, or built again.
    for memo_bytes in [64 << 20, 1] {
        let memo = Arc::new(Memo::new(memo_bytes));
        let options = OpenOptions { shelf: Some(board.clone()), memo, ..OpenOptions::default() };
        let decoder = open_with(source(&file), &options, 1).unwrap();
        let region = Rect::new(700, 900, 200, 200);
        let expected = read(&*plain(&file), region, 1);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert!(read(&decoder, region, 1) == expected));
            }
        });
        assert_eq!(board.parts.lock().unwrap().len(), 1);
    }
}

/// A file that one thread cannot read until it is let go: it stands for one that gets no time of a busy machine.
#[derive(Debug)]
struct Standstill {
    inner: MemoryAccess,
    held: Mutex<Option<std::thread::ThreadId>>,
    changed: std::sync::Condvar,
}

impl RandomAccess for Standstill {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let held = self.held.lock().unwrap();
        let here = std::thread::current().id();
        let _free = self.changed.wait_while(held, |held| *held == Some(here)).unwrap();
        self.inner.read_at(offset, buffer)
    }
}

#[test]
fn who_waits_does_not_wait_for_what_is_made_ahead_on_a_busy_machine() {
    for progressive in [false, true] {
        let kind = Kind { components: 3, sampling: (1, 1), quality: 95, progressive, ..Kind::default() };
        let file = stream(kind, 1603, 1207);
        let source = Arc::new(Standstill {
            inner: MemoryAccess::new(file.clone()),
            held: Mutex::default(),
            changed: std::sync::Condvar::new(),
        });
        let options = OpenOptions {
            shelf: Some(Arc::new(Board::default())),
            memo: Arc::new(Memo::new(64 << 20)),
            ..OpenOptions::default()
        };
        let decoder = open_with(source.clone(), &options, 1).unwrap();
        let region = Rect::new(700, 900, 200, 200);
        let expected = read(&*plain(&file), region, 1);
        let (begun, begins) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let ahead = scope.spawn(|| {
                *source.held.lock().unwrap() = Some(std::thread::current().id());
                begun.send(()).unwrap();
                decoder.prepare(&Control::default())
            });
            begins.recv().unwrap();
            // It is in the midst of it, or will be: either way it gets no further.
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(read(&decoder, region, 1) == expected, "progressive: {progressive}");
            assert!(!ahead.is_finished(), "nothing was held up, and so nothing shown");
            *source.held.lock().unwrap() = None;
            source.changed.notify_all();
            ahead.join().unwrap().unwrap();
            assert!(read(&decoder, region, 1) == expected);
        });
    }
}

#[test]
fn a_cancelled_walk_is_begun_again_by_the_next() {
    let file = stream(Kind { components: 3, sampling: (1, 1), quality: 95, ..Kind::default() }, 1603, 1207);
    let decoder = indexed(&file);
    let region = Rect::new(700, 900, 200, 200);
    let cancelled = Control::default();
    cancelled.cancel();
    let wanted = DecodeRequest { level: 0, region, denominator: 1 };
    assert!(read_raster(&*decoder, &wanted, &cancelled).is_err());
    assert!(read(&*decoder, region, 1) == read(&*plain(&file), region, 1));
}

#[test]
fn costs_tell_of_the_walk_once() {
    let file = stream(Kind { components: 3, sampling: (1, 1), ..Kind::default() }, 1603, 1207);
    let decoder = indexed(&file);
    let wanted = DecodeRequest { level: 0, region: Rect::new(512, 768, 256, 256), denominator: 1 };
    let before = decoder.cost(&wanted);
    read(&*decoder, wanted.region, 1);
    let after = decoder.cost(&wanted);
    assert_eq!(after.pixels, 256 * 256);
    assert_eq!(before.pixels, 256 * 256 + 1603 * 1207 / 5);
    assert!(before.bytes_read >= file.len() as u64 && after.bytes_read < before.bytes_read, "{before:?} {after:?}");
}

#[test]
fn a_damaged_scan_has_no_index_and_is_shown_as_the_library_shows_it() {
    let mut random = Random::new(8);
    for kind in sequential_kinds() {
        let file = stream(kind, 203, 167);
        let (coding, offset) = parts_of(&file);
        let mut noticed = 0;
        for round in 0..60 {
            let mut bad = file.clone();
            let scan = offset as u32 + random.below(bad.len() as u32 - offset as u32);
            match round % 3 {
                0 => bad.truncate(scan as usize),
                1 => bad[scan as usize] ^= 1 << random.below(8),
                _ => {
                    let end = (scan as usize + 16).min(bad.len());
                    bad[scan as usize..end].fill(0);
                }
            }
            let access = MemoryAccess::new(bad.clone());
            let sound = walk(&access, &coding, offset, Wanted { eighth: true, quarter: true }, &Control::default());
            if round % 3 == 0 {
                assert!(sound.is_err(), "{kind:?}: cut at {scan} and not noticed");
            }
            noticed += u32::from(sound.is_err());
            let (Ok(by_index), Ok(library)) = (
                open_with(source(&bad), &OpenOptions::default(), 1),
                open_with(source(&bad), &OpenOptions::default(), u64::MAX),
            ) else {
                continue;
            };
            for denominator in [1, 8] {
                let wanted = DecodeRequest { level: 0, region: Rect::new(40, 30, 90, 60), denominator };
                let ours = read_raster(&by_index, &wanted, &Control::default()).ok().map(|(raster, _)| raster);
                let theirs = read_raster(&library, &wanted, &Control::default()).ok().map(|(raster, _)| raster);
                if sound.is_err() {
                    assert!(ours == theirs, "{kind:?} round {round}");
                }
            }
        }
        assert!(noticed >= 20, "{kind:?}: {noticed} of 60 noticed");
    }
}

#[test]
fn headers_walks_and_cuts_of_anything_never_panic() {
    let mut random = Random::new(77);
    for kind in sequential_kinds().into_iter().step_by(2) {
        let file = stream(kind, 90, 60);
        for _ in 0..150 {
            let mut bad = file.clone();
            for _ in 0..=random.below(4) {
                bad[2 + random.below(file.len() as u32 - 2) as usize] = random.below(256) as u8;
            }
            super::super::exercise(&bad);
        }
    }
    const { assert!(PADDING >= 8) };
    assert!(Parts::of_stream(b"\xff\xd8").is_err());
}

#[test]
fn the_quarter_of_a_large_picture_lies_on_the_shelf() {
    let file = stream(Kind { components: 1, sampling: (1, 1), quality: 60, ..Kind::default() }, 8000, 6500);
    let board = Arc::new(Board::default());
    let options = || OpenOptions { shelf: Some(board.clone()), ..OpenOptions::default() };
    let region = Rect::new(2048, 3072, 1024, 1024);
    let expected = read(&*plain(&file), region, 4);
    for round in 0..2 {
        let decoder = open_with(source(&file), &options(), 1).unwrap();
        for _ in 0..2 {
            assert!(read(&decoder, region, 4) == expected, "round {round}");
        }
        let wanted = DecodeRequest { level: 0, region, denominator: 4 };
        assert_eq!(decoder.cost(&wanted).pixels, 256 * 256);
    }
    let mut names = board.parts.lock().unwrap().iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, ["jpeg-quarter-1", "jpeg-walk-1"], "each was made once");
    let whole = board.parts.lock().unwrap().clone();
    for (_, data) in board.parts.lock().unwrap().iter_mut().filter(|(name, _)| name == "jpeg-quarter-1") {
        data[20] ^= 1;
    }
    let decoder = open_with(source(&file), &options(), 1).unwrap();
    assert!(read(&decoder, region, 4) == expected && read(&decoder, region, 4) == expected);
    let mut made = board.parts.lock().unwrap().clone();
    made.sort();
    let mut whole = whole;
    whole.sort();
    assert!(made == whole, "what did not fit is made anew");
}

/// The stream with another size in its frame header.
fn resized(mut file: Vec<u8>, width: u16, height: u16) -> Vec<u8> {
    let at = file.windows(2).position(|marker| matches!(marker, [0xff, 0xc0..=0xc2])).unwrap();
    file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    file
}

#[test]
fn what_is_made_ahead_is_announced_with_all_its_pictures() {
    let needed = |progressive: bool, shelf: Option<Arc<dyn Shelf>>| {
        let kind = Kind { components: 3, sampling: (1, 1), progressive, ..Kind::default() };
        let file = resized(stream(kind, 64, 64), 30_000, 30_000);
        let options = OpenOptions { shelf, ..OpenOptions::default() };
        open_with(source(&file), &options, 1).unwrap().preparing_bytes()
    };
    let board = || Some(Arc::new(Board::default()) as Arc<dyn Shelf>);
    let (eighth, quarter) = (3750 * 3750 * 3, 7500 * 7500 * 3);
    let bare = needed(false, None);
    assert!((2 * eighth..2 * eighth + (40 << 20)).contains(&bare), "{bare}");
    // The picture at 1/4 goes to the shelf, but is made in memory.
    let shelved = needed(false, board());
    assert!((2 * (eighth + quarter)..2 * (eighth + quarter) + (40 << 20)).contains(&shelved), "{shelved}");
    let several = needed(true, board());
    assert!((shelved..shelved + (40 << 20)).contains(&several), "{several} of {shelved}");
    let small = stream(Kind { components: 1, sampling: (1, 1), ..Kind::default() }, 64, 64);
    assert_eq!(plain(&small).preparing_bytes(), 0);
}

/// A shelf that takes nothing until it is told to.
#[derive(Debug, Default)]
struct Later {
    board: Board,
    is_ready: AtomicBool,
}

impl Shelf for Later {
    fn open(&self, name: &str) -> Option<Arc<dyn RandomAccess>> {
        self.board.open(name)
    }

    fn keep(&self, name: &str, write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
        if !self.is_ready.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.board.keep(name, write)
    }

    fn discard(&self, name: &str) {
        self.board.discard(name);
    }
}

#[test]
fn a_file_of_several_scans_gets_its_other_form_once_the_shelf_takes_it() {
    let kind = Kind { components: 3, sampling: (1, 1), quality: 95, progressive: true, ..Kind::default() };
    let file = stream(kind, 803, 607);
    let shelf = Arc::new(Later::default());
    let options = OpenOptions { shelf: Some(shelf.clone()), ..OpenOptions::default() };
    let decoder = open_with(source(&file), &options, 1).unwrap();
    let region = Rect::new(300, 400, 100, 100);
    let expected = read(&*plain(&file), region, 1);
    assert!(read(&decoder, region, 1) == expected);
    assert!(shelf.board.parts.lock().unwrap().is_empty());
    shelf.is_ready.store(true, Ordering::Relaxed);
    let form = |parts: &[(String, Vec<u8>)]| {
        parts.iter().find(|(name, _)| name == "jpeg-one-scan-1").map(|(_, data)| data.clone())
    };
    // It is tried again after a second.
    let begun = Instant::now();
    let made = loop {
        assert!(begun.elapsed() < Duration::from_mins(1), "it is never kept");
        assert!(read(&decoder, region, 1) == expected);
        if let Some(made) = form(&shelf.board.parts.lock().unwrap()) {
            break made;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    // That of another picture is dropped, and made anew.
    shelf.discard("jpeg-one-scan-1");
    let other = stream(Kind { components: 1, sampling: (1, 1), ..Kind::default() }, 100, 100);
    shelf.keep("jpeg-one-scan-1", &mut |out: &mut dyn io::Write| out.write_all(&other)).unwrap();
    let decoder = open_with(source(&file), &options, 1).unwrap();
    assert!(read(&decoder, region, 1) == expected && read(&decoder, region, 1) == expected);
    assert!(form(&shelf.board.parts.lock().unwrap()) == Some(made));
}
