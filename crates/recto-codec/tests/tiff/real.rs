//! Real files of many writers, where they are present: which directories are pages and which are levels.

use std::fs;

use recto_codec::{ColorModel, Orientation};
use recto_iiif::Dimensions;
use recto_testkit::{data_dir, files_below};

use crate::{open_bytes, open_page, read_all};

/// Path, pages, levels of the first page, colour.
type Case = (&'static str, u32, &'static [(u32, u32)], ColorModel);

const CASES: &[Case] = &[
    ("images/cantaloupe/tif-bw-9image.tif", 9, &[(1694, 2170)], ColorModel::Bitonal),
    (
        "images/cantaloupe/tif-rgb-3res-64x56x16-tiled-uncompressed.tif",
        1,
        &[(64, 56), (32, 28), (16, 14)],
        ColorModel::Rgb,
    ),
    ("images/cantaloupe/tif-exif.tif", 1, &[(64, 56)], ColorModel::Rgb),
    ("images/derived/cmyk.tif", 1, &[(512, 400)], ColorModel::Cmyk),
    ("images/derived/g3-2d.tif", 1, &[(1318, 2366)], ColorModel::Bitonal),
    ("images/derived/lab.tif", 1, &[(256, 200)], ColorModel::Lab),
    ("images/derived/multipage-g4.tif", 2, &[(1318, 2366)], ColorModel::Bitonal),
    (
        "images/derived/page-bigtiff-pyramid-deflate.tif",
        1,
        &[(900, 900), (450, 450), (225, 225), (112, 112)],
        ColorModel::Rgb,
    ),
    (
        "images/derived/page-pyramid-jpeg.tif",
        1,
        &[(2658, 3262), (1329, 1631), (664, 815), (332, 407), (166, 203)],
        ColorModel::Rgb,
    ),
    ("images/libvips/CMU-1-Small-Region.svs", 1, &[(2220, 2967)], ColorModel::Rgb),
    ("images/libvips/multi-channel-z-series.ome.tif", 15, &[(439, 167)], ColorModel::Gray),
    ("images/libvips/ojpeg-strip.tif", 1, &[(160, 160)], ColorModel::Rgb),
    ("images/libvips/ojpeg-tile.tif", 1, &[(234, 213)], ColorModel::Rgb),
    ("images/libvips/subsampled.tif", 1, &[(250, 325)], ColorModel::Rgb),
    ("images/pillow/g4-multi.tiff", 3, &[(3307, 4677)], ColorModel::Bitonal),
    ("images/pillow/tiff_tiled_cmyk_jpeg.tif", 1, &[(100, 100)], ColorModel::Cmyk),
];

#[test]
fn pages_levels_and_colours_are_told_apart() {
    let Some(data) = data_dir() else { return };
    for (name, pages, levels, color) in CASES {
        let bytes = fs::read(data.join(name)).unwrap();
        let decoder = open_bytes(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let facts = decoder.facts();
        assert_eq!((facts.pages, facts.color), (*pages, *color), "{name}");
        let expected: Vec<Dimensions> = levels.iter().map(|(w, h)| Dimensions::new(*w, *h)).collect();
        assert_eq!(facts.levels.iter().map(|level| level.size).collect::<Vec<_>>(), expected, "{name}");
        for level in 0..levels.len() {
            read_all(decoder.as_ref(), level).unwrap_or_else(|error| panic!("{name}, level {level}: {error}"));
        }
        let last = open_page(&bytes, *pages).unwrap_or_else(|error| panic!("{name}: {error}"));
        read_all(last.as_ref(), 0).unwrap_or_else(|error| panic!("{name}, last page: {error}"));
        assert!(open_page(&bytes, pages + 1).is_err(), "{name}");
    }
}

#[test]
fn all_eight_orientations_are_told() {
    let Some(data) = data_dir() else { return };
    for tag in 1..=8 {
        let bytes = fs::read(data.join(format!("images/pillow/g4_orientation_{tag}.tif"))).unwrap();
        let decoder = open_bytes(&bytes).unwrap();
        assert_eq!(decoder.facts().orientation, Orientation::from_tag(tag));
        assert_eq!(decoder.facts().size(), Dimensions::new(590, 88), "{tag}");
    }
}

#[test]
fn every_tiff_but_the_hostile_gives_its_pixels() {
    let Some(data) = data_dir() else { return };
    let mut read = 0;
    for path in files_below(&data) {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_lowercase();
        if !matches!(extension.as_str(), "tif" | "tiff" | "svs") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let result = open_bytes(&bytes).and_then(|decoder| read_all(decoder.as_ref(), 0));
        if path.starts_with(data.join("hostile")) {
            assert!(result.is_err(), "{}", path.display());
        } else {
            assert!(result.is_ok(), "{}: {:?}", path.display(), result.err());
            read += 1;
        }
    }
    assert!(read > 70, "{read} files were read");
}

/// What libvips shows of this file in 8-bit sRGB.
#[test]
fn colours_in_floating_point_are_linear_light() {
    let Some(data) = data_dir() else { return };
    let bytes = fs::read(data.join("images/image-rs/rgb32f_color.tiff")).unwrap();
    let decoder = open_bytes(&bytes).unwrap();
    let raster = read_all(decoder.as_ref(), 0).unwrap();
    for (x, y, expected) in [
        (0, 0, [109_u8, 165, 188]),
        (16, 16, [126, 192, 207]),
        (31, 31, [178, 190, 203]),
        (8, 10, [178, 191, 196]),
        (10, 24, [0, 144, 163]),
    ] {
        let pixel = &raster.row(y)[x * 6..x * 6 + 6];
        let shown: Vec<u8> =
            pixel.chunks(2).map(|s| (f64::from(u16::from_ne_bytes([s[0], s[1]])) / 257.0) as u8).collect();
        let near = shown.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1);
        assert!(near, "{x},{y}: {shown:?}, libvips has {expected:?}");
    }
}
