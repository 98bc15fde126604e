//! Real JPEG files of many kinds against an independent decoder, where the test data is present.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::{
    Control, DecodeError, DecodeRequest, Decoder, MemoryAccess, OpenOptions, Orientation, PixelFormat, Raster, open,
    read_raster,
};

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("RECTO_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let present = folder.join("images").is_dir();
    if !present {
        eprintln!("skipped: no test data at {}", folder.display());
    }
    present.then_some(folder)
}

fn jpegs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(jpegs(&path));
        } else if path.extension().is_some_and(|extension| extension == "jpg") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn open_file(path: &Path) -> Result<Box<dyn Decoder>, DecodeError> {
    open(Arc::new(MemoryAccess::new(std::fs::read(path)?)), &OpenOptions::default())
}

fn whole(decoder: &dyn Decoder, denominator: u32) -> Result<Raster, DecodeError> {
    let region = decoder.facts().stored_size().rect();
    read_raster(decoder, &DecodeRequest { level: 0, region, denominator }, &Control::default())
        .map(|(raster, _)| raster)
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

#[test]
fn real_files_look_as_an_independent_decoder_shows_them() {
    let Some(folder) = data() else { return };
    let mut compared = 0;
    for path in jpegs(&folder.join("images")).into_iter().chain(jpegs(&folder.join("starter"))) {
        let Ok(decoder) = open_file(&path) else { continue };
        let Ok(ours) = whole(&*decoder, 1) else { continue };
        let bytes = std::fs::read(&path).unwrap();
        let Ok(theirs) = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg) else { continue };
        let theirs = match ours.format() {
            PixelFormat::Gray8 => theirs.into_luma8().into_raw(),
            PixelFormat::Rgb8 => theirs.into_rgb8().into_raw(),
            _ => continue,
        };
        let difference = mean_difference(ours.data(), &theirs);
        assert!(difference < 2.0, "{} differs by {difference:.2} in the mean", path.display());
        compared += 1;
    }
    assert!(compared > 20, "only {compared} files were compared");
}

#[test]
fn every_real_file_gives_pixels_at_every_scale_or_says_why_not() {
    let Some(folder) = data() else { return };
    let mut wrong = Vec::new();
    for path in jpegs(&folder) {
        let begin = Instant::now();
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        let result = open_file(&path).and_then(|decoder| {
            for denominator in [1, 2, 4, 8].into_iter().filter(|d| *d <= decoder.facts().max_denominator) {
                whole(&*decoder, denominator)?;
            }
            Ok(decoder.facts().compression.clone())
        });
        match result {
            // The other file of that name lacks nothing but its end marker.
            Ok(_) if name.contains("libvips/truncated") => wrong.push(format!("{name} is truncated and was decoded")),
            Err(error) if !["truncated", "hostile"].iter().any(|word| name.contains(word)) => {
                wrong.push(format!("{name}: {error}"));
            }
            _ => {}
        }
        if begin.elapsed() > Duration::from_mins(1) {
            wrong.push(format!("{name} took {:?}", begin.elapsed()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn orientations_of_real_files_are_read() {
    let Some(folder) = data() else { return };
    for tag in 1..=8_u64 {
        let path = folder.join(format!("images/exif-orientation/Landscape_{tag}.jpg"));
        let decoder = open_file(&path).unwrap();
        assert_eq!(decoder.facts().orientation, Orientation::from_tag(tag), "{tag}");
        let size = decoder.facts().size();
        assert!(size.width_px > size.height_px, "{tag} is shown as a landscape: {size}");
    }
    let long = open_file(&folder.join("images/cantaloupe/jpg-exif-long-orientation.jpg")).unwrap();
    assert_eq!(long.facts().orientation, Orientation::Normal);
    let illegal = open_file(&folder.join("images/cantaloupe/jpg-exif-orientation-illegal.jpg")).unwrap();
    assert_eq!(illegal.facts().orientation, Orientation::Normal);
}

#[test]
fn inks_of_real_files_leave_the_paper_white() {
    let Some(folder) = data() else { return };
    for name in ["images/cantaloupe/jpg-ycck.jpg", "images/derived/cmyk.jpg"] {
        let decoder = open_file(&folder.join(name)).unwrap();
        let raster = whole(&*decoder, 1).unwrap();
        assert_eq!(raster.format(), PixelFormat::Cmyk8, "{name}");
        let black = raster.data().iter().skip(3).step_by(4).map(|ink| u64::from(*ink)).sum::<u64>();
        let mean = black / raster.size().area_px();
        assert!(mean < 128, "{name}: black covers {mean}/255 of the page in the mean");
    }
    // A drawing that begins red and ends black.
    let raster = whole(&*open_file(&folder.join("images/pillow/pil_sample_cmyk.jpg")).unwrap(), 1).unwrap();
    let data = raster.data();
    let (first, last) = (&data[..4], &data[data.len() - 4..]);
    assert!(first[0] < 3 && first[1] > 200 && first[2] > 200 && first[3] < 3, "{first:?}");
    assert!(last[3] >= 230, "{last:?}");
}

#[test]
fn a_profile_in_many_pieces_is_whole() {
    let Some(folder) = data() else { return };
    for name in ["images/cantaloupe/jpg-icc-chunked.jpg", "images/pillow/icc_profile_big.jpg"] {
        let decoder = open_file(&folder.join(name)).unwrap();
        let icc = decoder.facts().icc.clone().unwrap_or_else(|| panic!("{name} has a profile"));
        let declared = u32::from_be_bytes(icc[..4].try_into().unwrap());
        assert_eq!(declared as usize, icc.len(), "{name}");
    }
}
