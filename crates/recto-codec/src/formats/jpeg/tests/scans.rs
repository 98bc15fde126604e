//! A file of several scans, made into one scan, is the same picture.

use std::sync::Arc;

use recto_iiif::{ErrorKind, Rect};

use super::super::decode::open_with;
use super::super::markers::Markers;
use super::super::progressive::Scans;
use super::super::stream::{StreamColor, decode_within};
use super::flat::{Board, plain, read};
use super::{Kind, Random, stream};
use crate::{
    Control, CutRequest, DecodeError, DecodeRequest, Decoder, MemoryAccess, OpenOptions, Orientation, read_raster,
};

fn kinds() -> Vec<Kind> {
    let shapes = [(1, (1, 1)), (3, (1, 1)), (3, (2, 1)), (3, (1, 2)), (3, (2, 2)), (3, (4, 1)), (4, (1, 1))];
    let mut kinds = Vec::new();
    for (components, sampling) in shapes {
        for (restart_interval, quality) in [(0, 85), (5, 60), (0, 100), (1, 20)] {
            kinds.push(Kind { components, sampling, restart_interval, quality, progressive: true, ..Kind::default() });
        }
    }
    kinds
}

fn one_scan(file: &[u8]) -> Result<Option<Vec<u8>>, DecodeError> {
    let source = MemoryAccess::new(file.to_vec());
    let markers = Markers::read(&source)?;
    let control = Control::default();
    let Some(scans) = Scans::find(&source, &markers, &control)? else { return Ok(None) };
    let mut out = Vec::new();
    scans.write(&source, &control, &mut out)?;
    Ok(Some(out))
}

#[test]
fn one_scan_shows_what_several_show() {
    for kind in kinds() {
        for (width, height) in [(203, 167), (9, 17), (1, 1)] {
            let file = stream(kind, width, height);
            let single = one_scan(&file).unwrap().unwrap_or_else(|| panic!("{kind:?}"));
            let decode = |stream: &[u8]| {
                decode_within(stream, StreamColor::Markers, 1, u32::MAX, u64::MAX, &Control::default()).unwrap()
            };
            assert!(decode(&single) == decode(&file), "{kind:?} {width}x{height}");
            let markers = Markers::read(&MemoryAccess::new(single)).unwrap();
            assert!(!markers.has_multiple_scans(), "{kind:?}");
        }
    }
}

#[test]
fn other_kinds_are_left_to_the_library() {
    let kind = Kind { components: 3, sampling: (2, 2), ..Kind::default() };
    for kind in [Kind { arithmetic: true, ..kind }, Kind { arithmetic: true, progressive: true, ..kind }] {
        assert!(one_scan(&stream(kind, 40, 40)).unwrap().is_none(), "{kind:?}");
    }
    assert!(one_scan(&stream(kind, 40, 40)).unwrap().is_some(), "one scan is one scan already");
}

#[test]
fn parts_of_progressive_files_come_from_their_other_form() {
    for sampling in [(1, 1), (2, 2)] {
        let kind = Kind { components: 3, sampling, progressive: true, quality: 40, ..Kind::default() };
        let file = stream(kind, 700, 500);
        let board = Arc::new(Board::default());
        let options = || OpenOptions { shelf: Some(board.clone()), ..OpenOptions::default() };
        let open = || open_with(Arc::new(MemoryAccess::new(file.clone())), &options(), 1).unwrap();
        let library = plain(&file);
        let part = CutRequest { region: Rect::new(256, 256, 256, 128), turn: Orientation::Normal, gray: false };
        let first = open();
        assert!(!first.can_cut(0, &part), "the other form is not there yet");
        for denominator in [1, 2, 4, 8] {
            for region in [Rect::new(300, 200, 256, 256), Rect::new(0, 0, 700, 500)] {
                let same = read(&first, region, denominator) == read(&*library, region, denominator);
                assert!(same, "{sampling:?} {region} 1/{denominator}");
            }
        }
        let names = || board.parts.lock().unwrap().iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(), ["jpeg-one-scan-1", "jpeg-walk-1"]);
        let second = open();
        second.prepare(&Control::default()).unwrap();
        assert!(second.can_cut(0, &part) && second.cut(0, &part, &Control::default()).unwrap().is_some());
        assert_eq!(names(), ["jpeg-one-scan-1", "jpeg-walk-1"], "nothing was made twice");
    }
}

/// The file with other markers in the place of the JFIF marker that the library writes.
fn with_markers(file: &[u8], markers: &[u8]) -> Vec<u8> {
    assert_eq!(file[2..4], [0xff, 0xe0]);
    let behind = 4 + usize::from(u16::from_be_bytes([file[4], file[5]]));
    [&file[..2], markers, &file[behind..]].concat()
}

/// The file with components of these names.
fn with_names(file: &[u8], names: [u8; 3]) -> Vec<u8> {
    let mut renamed = file.to_vec();
    for at in 0..file.len() - 20 {
        let (first, step, count) = match file[at..at + 2] {
            [0xff, 0xc2] => (at + 10, 3, file[at + 9]),
            [0xff, 0xda] => (at + 5, 2, file[at + 4]),
            _ => continue,
        };
        for number in 0..usize::from(count) {
            let name = &mut renamed[first + number * step];
            *name = names[usize::from(*name) - 1];
        }
    }
    renamed
}

#[test]
fn files_of_several_scans_say_in_their_own_way_what_their_colours_are() {
    let of = |components| {
        let kind = Kind { components, sampling: (1, 1), progressive: true, quality: 60, ..Kind::default() };
        stream(kind, 700, 500)
    };
    let adobe = |transform: u8| [&[0xff, 0xee, 0, 14], b"Adobe".as_slice(), &[0, 100, 0, 0, 0, 0, transform]].concat();
    let jfif = b"\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".as_slice();
    for (what, file) in [
        ("as Photoshop writes it", with_markers(&of(3), &adobe(1))),
        ("both markers", with_markers(&of(3), &[jfif, &adobe(1)].concat())),
        ("RGB", with_markers(&of(3), &adobe(0))),
        ("RGB by its names", with_names(&with_markers(&of(3), &[]), *b"RGB")),
        ("neither marker", with_markers(&of(3), &[])),
        ("gray", with_markers(&of(1), &adobe(0))),
    ] {
        let options = OpenOptions { shelf: Some(Arc::new(Board::default())), ..OpenOptions::default() };
        let decoder = open_with(Arc::new(MemoryAccess::new(file.clone())), &options, 1).unwrap();
        decoder.prepare(&Control::default()).unwrap();
        let library = plain(&file);
        for region in [Rect::new(300, 200, 256, 256), Rect::new(0, 0, 700, 500)] {
            for denominator in [1, 2, 4, 8] {
                let same = read(&decoder, region, denominator) == read(&*library, region, denominator);
                assert!(same, "{what}: {region} 1/{denominator}");
            }
        }
    }
}

/// 4:4:4, so its coefficients take six bytes a pixel.
fn large() -> Vec<u8> {
    stream(Kind { components: 3, sampling: (1, 1), progressive: true, quality: 30, ..Kind::default() }, 2800, 2700)
}

#[test]
fn d1_files_of_several_scans_take_less_memory_than_their_coefficients() {
    let file = large();
    let most = 40 << 20;
    let options = OpenOptions { shelf: Some(Arc::new(Board::default())), max_bytes: most, ..OpenOptions::default() };
    let library = plain(&file);
    for part in [Rect::new(1300, 2200, 256, 256), Rect::new(0, 0, 2800, 2700)] {
        for denominator in [1, 2, 4, 8] {
            // Once with nothing made so far.
            let shelf = Some(Arc::new(Board::default()) as Arc<dyn crate::Shelf>);
            for options in [&OpenOptions { shelf, ..options.clone() }, &options] {
                let decoder = open_with(Arc::new(MemoryAccess::new(file.clone())), options, 1).unwrap();
                let wanted = DecodeRequest { level: 0, region: part, denominator };
                for _ in 0..2 {
                    let held = decoder.cost(&wanted).bytes_held;
                    assert!(held <= most, "{part} 1/{denominator}: {held}");
                    let same = read(&decoder, part, denominator) == read(&*library, part, denominator);
                    assert!(same, "{part} 1/{denominator}");
                }
            }
        }
    }
}

#[test]
fn d1_memory_that_was_not_reckoned_with_is_not_taken() {
    let mut file = large();
    file.truncate(file.len() - 5000);
    let options =
        OpenOptions { shelf: Some(Arc::new(Board::default())), max_bytes: 100 << 20, ..OpenOptions::default() };
    let decoder = open_with(Arc::new(MemoryAccess::new(file)), &options, 1).unwrap();
    let wanted = DecodeRequest { level: 0, region: Rect::new(0, 0, 100, 100), denominator: 1 };
    let reckoned = decoder.cost(&wanted).bytes_held;
    for _ in 0..2 {
        let control = Control::default().within(reckoned);
        let error = read_raster(&decoder, &wanted, &control).unwrap_err();
        assert!(matches!(error, DecodeError::Underestimated { .. }), "{error}");
        assert!(matches!(error.kind(), ErrorKind::Unavailable { .. }), "{error}");
    }
    // Now it is known that the library must do it.
    let needed = decoder.cost(&wanted).bytes_held;
    assert!(needed > reckoned);
    let error = read_raster(&decoder, &wanted, &Control::default().within(needed)).unwrap_err();
    assert!(matches!(error, DecodeError::Corrupt { .. }), "{error}");
}

#[test]
fn a_cancelled_making_is_begun_again() {
    let file = stream(Kind { components: 3, sampling: (2, 2), progressive: true, ..Kind::default() }, 700, 500);
    let options = OpenOptions { shelf: Some(Arc::new(Board::default())), ..OpenOptions::default() };
    let decoder = open_with(Arc::new(MemoryAccess::new(file.clone())), &options, 1).unwrap();
    let cancelled = Control::default();
    cancelled.cancel();
    assert!(matches!(decoder.prepare(&cancelled), Err(DecodeError::Cancelled)));
    let region = Rect::new(300, 200, 256, 256);
    assert!(read(&decoder, region, 1) == read(&*plain(&file), region, 1));
}

#[test]
fn damaged_scans_are_left_to_the_library() {
    let mut random = Random::new(31);
    for kind in kinds().into_iter().step_by(3) {
        let file = stream(kind, 120, 90);
        for round in 0..80 {
            let mut bad = file.clone();
            match round % 3 {
                0 => bad.truncate(random.below(file.len() as u32) as usize),
                1 => bad[2 + random.below(file.len() as u32 - 2) as usize] ^= 1 << random.below(8),
                _ => {
                    let start = 2 + random.below(file.len() as u32 - 2) as usize;
                    let end = (start + 12).min(bad.len());
                    bad[start..end].fill(random.below(256) as u8);
                }
            }
            let single = one_scan(&bad);
            if round % 3 == 0 {
                assert!(!matches!(single, Ok(Some(_))), "{kind:?}: cut off and not noticed");
            }
            let options =
                OpenOptions { shelf: Some(Arc::new(Board::default())), max_bytes: 64 << 20, ..OpenOptions::default() };
            if let Ok(decoder) = open_with(Arc::new(MemoryAccess::new(bad)), &options, 1)
                && decoder.facts().stored_size().area_px() < 1 << 20
            {
                let size = decoder.facts().stored_size();
                let region = Rect::new(0, 0, size.width_px.min(40), size.height_px.min(40));
                let wanted = DecodeRequest { level: 0, region, denominator: 1 };
                let _ = read_raster(&decoder, &wanted, &Control::default());
            }
        }
    }
}
