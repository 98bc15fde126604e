//! Pages, levels, and chains that go wrong.

use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::{Control, DecodeError, DecodeRequest, MemoryAccess, OpenOptions, Orientation, open};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::position::Samples;
use recto_testkit::tiff::{Layout, Levels, pyramid};

use crate::builder::{Builder, Cut, Entry, LONG, Picture, SHORT};
use crate::{open_bytes, open_page, read_all};

fn d(w: u32, h: u32) -> Dimensions {
    Dimensions::new(w, h)
}

/// Adds a gray image of this size; with a mark, and in tiles or strips.
fn add(builder: &mut Builder, size: Dimensions, mark: Option<u64>, tiled: bool, extra: Vec<Entry>) {
    let entries = entries(builder, size, mark, tiled, extra);
    builder.directory(&entries);
}

fn entries(builder: &mut Builder, size: Dimensions, mark: Option<u64>, tiled: bool, extra: Vec<Entry>) -> Vec<Entry> {
    let picture = Picture {
        size,
        cut: if tiled { Cut::Tiles(d(16, 16)) } else { Cut::Strips(8) },
        compression: 32773,
        predictor: 1,
        photometric: 1,
        bits: 8,
        samples: 1,
        planar: false,
        extra: mark.map(|mark| (254, LONG, vec![mark])).into_iter().chain(extra).collect(),
    };
    let samples: Vec<u32> = Samples::Gray8.image(size).into_iter().map(u32::from).collect();
    picture.write(builder, &samples)
}

/// Pages and the sizes of the first one's levels.
fn shape(bytes: &[u8]) -> (u32, Vec<Dimensions>) {
    let decoder = open_bytes(bytes).unwrap();
    for level in 0..decoder.facts().levels.len() {
        read_all(decoder.as_ref(), level).unwrap();
    }
    (decoder.facts().pages, decoder.facts().levels.iter().map(|level| level.size).collect())
}

#[test]
fn d20_pyramids_in_chains_and_sub_ifds_are_levels_and_no_pages_in_either_byte_order() {
    let sizes = [d(100, 70), d(50, 35), d(25, 17)];
    let levels: Vec<_> = sizes.iter().map(|size| (*size, Samples::Rgb8.image(*size))).collect();
    for (big_endian, big_tiff) in [(false, false), (true, false), (false, true), (true, true)] {
        for kind in [Levels::Chain, Levels::SubIfds] {
            let layout = Layout { tile: d(32, 32), samples: 3, big_endian, big_tiff, levels: kind };
            let file = pyramid(&layout, &levels);
            let decoder = open_bytes(&file).unwrap();
            assert_eq!(decoder.facts().pages, 1, "{layout:?}");
            let found: Vec<_> = decoder.facts().levels.iter().map(|level| level.size).collect();
            assert_eq!(found, sizes, "{layout:?}");
            for (level, (_, rows)) in levels.iter().enumerate() {
                assert!(read_all(decoder.as_ref(), level).unwrap().data() == rows, "{layout:?} level {level}");
            }
        }
    }
}

#[test]
fn d20_directories_are_put_into_pages_by_rule() {
    type Directory = (Dimensions, Option<u64>, bool);
    let cases: &[(&str, &[Directory], u32, &[Dimensions])] = &[
        ("pages of equal size", &[(d(40, 60), None, false), (d(40, 60), None, false)], 2, &[d(40, 60)]),
        ("marked levels", &[(d(40, 60), Some(0), true), (d(20, 30), Some(1), true)], 1, &[d(40, 60), d(20, 30)]),
        (
            "unmarked tiled levels",
            &[(d(41, 61), None, true), (d(20, 30), None, true), (d(10, 15), None, true)],
            1,
            &[d(41, 61), d(20, 30), d(10, 15)],
        ),
        ("a half-size page in strips", &[(d(40, 60), None, false), (d(20, 30), None, false)], 2, &[d(40, 60)]),
        ("marked thumbnail of other shape", &[(d(40, 60), None, true), (d(20, 20), Some(1), false)], 1, &[d(40, 60)]),
        (
            "mask",
            &[(d(40, 60), None, true), (d(40, 60), Some(4), true), (d(20, 30), Some(1), true)],
            1,
            &[d(40, 60), d(20, 30)],
        ),
        (
            "slide with thumbnail, level, label and overview",
            &[
                (d(160, 120), Some(0), true),
                (d(52, 39), Some(0), false),
                (d(40, 30), Some(0), true),
                (d(30, 30), Some(1), false),
                (d(50, 10), Some(9), false),
            ],
            1,
            &[d(160, 120), d(40, 30)],
        ),
        (
            "two pyramids",
            &[(d(40, 60), None, true), (d(20, 30), Some(1), true), (d(44, 60), None, true), (d(22, 30), Some(1), true)],
            2,
            &[d(40, 60), d(20, 30)],
        ),
    ];
    for (name, directories, pages, levels) in cases {
        let mut builder = Builder::new(false, false);
        for (size, mark, tiled) in *directories {
            add(&mut builder, *size, *mark, *tiled, Vec::new());
        }
        assert_eq!(shape(&builder.bytes), (*pages, levels.to_vec()), "{name}");
    }
}

#[test]
fn a_camera_file_shows_its_largest_picture_and_not_the_thumbnail() {
    let mut builder = Builder::new(false, false);
    let full = entries(&mut builder, d(64, 48), Some(0), false, Vec::new());
    let full = builder.loose_directory(&full);
    add(&mut builder, d(16, 12), Some(1), false, vec![(330, LONG, vec![full])]);
    assert_eq!(shape(&builder.bytes), (1, vec![d(64, 48)]));
}

#[test]
fn a_page_of_ten_thousand_opens_fast_and_says_where_the_file_ends() {
    let mut builder = Builder::new(false, false);
    for page in 0..10_000 {
        let (offsets, counts) = builder.chunks(&[vec![page as u8]]);
        builder.directory(&[
            (256, SHORT, vec![8]),
            (257, SHORT, vec![1]),
            (258, SHORT, vec![1]),
            (262, SHORT, vec![1]),
            (273, LONG, offsets),
            (279, LONG, counts),
        ]);
    }
    let started = Instant::now();
    let decoder = open_page(&builder.bytes, 9_999).unwrap();
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    assert_eq!(decoder.facts().pages, 10_000);
    let row = read_all(decoder.as_ref(), 0).unwrap().into_vec();
    let expected: Vec<u8> = (0..8).map(|bit| if 9_998_u32 as u8 >> (7 - bit) & 1 == 1 { 255 } else { 0 }).collect();
    assert_eq!(row, expected);
    assert!(matches!(open_page(&builder.bytes, 10_001), Err(DecodeError::NoSuchPage { page: 10_001, pages: 10_000 })));
}

#[test]
fn a_chain_that_bites_its_tail_or_leaves_the_file_ends_there() {
    let mut builder = Builder::new(false, false);
    add(&mut builder, d(40, 60), None, false, Vec::new());
    let at = u64::from(u32::from_le_bytes(builder.bytes[4..8].try_into().unwrap()));
    add(&mut builder, d(40, 50), None, false, Vec::new());
    for target in [at, 0xffff_fff0, builder.bytes.len() as u64 - 1] {
        builder.point_last_to(target);
        assert_eq!(shape(&builder.bytes).0, 2, "{target}");
    }
}

#[test]
fn more_directories_than_the_limit_are_refused() {
    let mut builder = Builder::new(false, false);
    for _ in 0..70_000 {
        builder.directory(&[(256, SHORT, vec![1])]);
    }
    let error = open_bytes(&builder.bytes).err().unwrap();
    assert!(matches!(error, DecodeError::TooLarge { limit: 65_536, unit: "directories", .. }), "{error}");
}

#[test]
fn limits_hold_before_anything_is_read() {
    let mut builder = Builder::new(false, false);
    let (offsets, counts) = builder.chunks(&[vec![0; 8]]);
    builder.directory(&[
        (256, LONG, vec![1_000_000]),
        (257, LONG, vec![1_000_000]),
        (258, SHORT, vec![8]),
        (259, SHORT, vec![8]),
        (262, SHORT, vec![1]),
        (273, LONG, offsets),
        (279, LONG, counts),
    ]);
    let limited = |options: OpenOptions| open(Arc::new(MemoryAccess::new(builder.bytes.clone())), &options);
    let error = limited(OpenOptions { max_pixels: 1 << 30, ..OpenOptions::default() }).err().unwrap();
    assert!(matches!(error, DecodeError::TooLarge { unit: "pixels", .. }), "{error}");
    let decoder = limited(OpenOptions { max_pixels: 1 << 41, ..OpenOptions::default() }).unwrap();
    let wanted = DecodeRequest { level: 0, region: Rect::new(0, 0, 1_000_000, 1_000_000), denominator: 1 };
    assert!(decoder.cost(&wanted).bytes_held < 4 << 20, "{:?}", decoder.cost(&wanted));
    let strip = decoder.rows(&wanted, &Control::default()).unwrap().next_strip();
    assert!(matches!(strip, Err(DecodeError::Corrupt { .. })), "{strip:?}");
}

#[test]
fn orientation_resolution_and_profile_are_told() {
    let mut builder = Builder::new(true, false);
    let profile = vec![7; 200];
    let extra = vec![
        (274, SHORT, vec![6]),
        (282, 5, vec![400 << 32 | 1]),
        (283, 5, vec![200 << 32 | 2]),
        (296, SHORT, vec![3]),
        (34675, 7, profile.clone()),
    ];
    add(&mut builder, d(40, 60), None, true, extra);
    let decoder = open_bytes(&builder.bytes).unwrap();
    let facts = decoder.facts();
    assert_eq!(facts.orientation, Orientation::Rotate90);
    assert_eq!(facts.size(), d(60, 40));
    assert_eq!(facts.dpi, Some((1016.0, 254.0)));
    assert_eq!(facts.icc.as_deref().unwrap(), profile.iter().map(|byte| *byte as u8).collect::<Vec<_>>());
    assert_eq!(facts.compression, "PackBits, tiled 16x16");
}

#[test]
fn a_tile_that_was_never_written_is_black() {
    let mut builder = Builder::new(false, false);
    let (offsets, _) = builder.chunks(&[vec![9; 256]]);
    builder.directory(&[
        (256, LONG, vec![32]),
        (257, LONG, vec![16]),
        (258, SHORT, vec![8]),
        (262, SHORT, vec![1]),
        (322, SHORT, vec![16]),
        (323, SHORT, vec![16]),
        (324, LONG, vec![offsets[0], 0]),
        (325, LONG, vec![256, 0]),
    ]);
    let raster = read_all(open_bytes(&builder.bytes).unwrap().as_ref(), 0).unwrap();
    assert!(
        raster.data().chunks(16).enumerate().all(|(i, half)| half.iter().all(|v| *v == if i % 2 == 0 { 9 } else { 0 }))
    );
}
