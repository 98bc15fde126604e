//! Real files, where they are present, against another reader.

use std::fs;

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
use recto_codec::{ColorModel, PixelFormat};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::{Rng, data_dir, files_below};

use crate::{open_bytes, read, read_all};

/// Path, size, levels, tile, colour, bits, opacity.
type Case = (&'static str, (u32, u32), usize, Option<u32>, ColorModel, u8, bool);

const CASES: &[Case] = &[
    ("cantaloupe/jp2-5res-rgb-64x56x8-monotiled-lossy.jp2", (64, 56), 5, None, ColorModel::Rgb, 8, false),
    ("cantaloupe/jp2-6res-rgba-64x56x16-multitiled-lossy.jp2", (64, 56), 6, None, ColorModel::Rgb, 16, true),
    ("cantaloupe/jpx-6res-rgba-64x56x8-monotiled-lossy.jpx", (64, 56), 6, None, ColorModel::Rgb, 8, true),
    ("derived/page-lossy-tiled-rpcl-tlm.jp2", (2658, 3262), 7, Some(1024), ColorModel::Rgb, 8, false),
    ("libvips/world.jp2", (800, 400), 2, None, ColorModel::Rgb, 8, false),
];

#[test]
fn facts_of_real_files_are_read() {
    let Some(data) = data_dir() else { return };
    for (name, size, levels, tile, color, bits, has_alpha) in CASES {
        let bytes = fs::read(data.join("images").join(name)).unwrap();
        let decoder = open_bytes(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let facts = decoder.facts();
        assert_eq!(facts.stored_size(), Dimensions::new(size.0, size.1), "{name}");
        assert_eq!(facts.levels.len(), *levels, "{name}");
        assert_eq!(facts.levels[0].grid.map(|grid| grid.tile.width_px), *tile, "{name}");
        assert_eq!((facts.color, facts.bits_per_sample, facts.has_alpha), (*color, *bits, *has_alpha), "{name}");
    }
}

/// A file that ends in its codestream's header: it was only kept for its profile.
const CUT: &str = "eciRGBv2_aware";

/// Samples of 8 bits as another reader sees a level; `None` when it cannot read the file, or gives another resolution.
fn elsewhere(bytes: &[u8], size: Dimensions) -> Option<Vec<u8>> {
    let settings = DecodeSettings { target_resolution: Some((size.width_px, size.height_px)), ..Default::default() };
    let image = Image::new(bytes, &settings).ok()?;
    if (image.width(), image.height()) != (size.width_px, size.height_px) {
        return None;
    }
    let mut context = DecoderContext::default();
    Some(image.decode(&mut context).ok()?.data_u8())
}

#[test]
fn real_files_look_as_another_reader_shows_them_at_every_level() {
    let Some(data) = data_dir() else { return };
    let (mut compared, mut wrong) = (0, Vec::new());
    for path in files_below(&data.join("images")) {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let name = path.display().to_string();
        if !["jp2", "j2k", "jpx"].contains(&extension) || name.contains(CUT) {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let decoder = open_bytes(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (level, size) in decoder.facts().levels.iter().map(|level| level.size).enumerate() {
            let raster = read_all(decoder.as_ref(), level).unwrap_or_else(|error| panic!("{name} {level}: {error}"));
            for rect in Rng::new(3).rects_in(size, 3) {
                let part = read(decoder.as_ref(), level, rect).unwrap();
                assert!(
                    part.data() == cut(&raster, rect),
                    "{name} level {level}: {rect} is not that part of the whole"
                );
            }
            let Some(theirs) = elsewhere(&bytes, size) else { continue };
            let ours: Vec<u8> = if raster.format().bytes_per_sample() == 1 {
                raster.data().to_vec()
            } else {
                let words = raster.data().as_chunks::<2>().0.iter().map(|word| u16::from_ne_bytes(*word));
                words.map(|word| ((u32::from(word) * 255 + 32_767) / 65_535) as u8).collect()
            };
            if matches!(raster.format(), PixelFormat::Lab8 | PixelFormat::Lab16) || ours.len() != theirs.len() {
                continue;
            }
            let worst = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
            // One reader rounds 16 bits to 8 after, the other before.
            if worst > 1 {
                wrong.push(format!("{name} level {level} differs by {worst}"));
            }
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 100, "{compared} levels");
}

fn cut(whole: &recto_codec::Raster, region: Rect) -> Vec<u8> {
    let bytes = whole.format().bytes_per_pixel();
    let columns = region.x as usize * bytes..(region.x + region.w) as usize * bytes;
    (region.y..region.y + region.h).flat_map(|y| whole.row(y)[columns.clone()].to_vec()).collect()
}
