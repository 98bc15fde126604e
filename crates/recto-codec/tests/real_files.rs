//! Real files of many writers, where they are present: sizes as the catalogue says, pixels as another reader sees them, and
//! nothing that a damaged file can do but fail.

#![cfg(test)]

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageReader};
use recto_codec::{
    Control, DecodeError, DecodeRequest, DecodedGeometry, Decoder, MemoryAccess, OpenOptions, Orientation, PixelFormat,
    Raster, SourceFormat, open, read_raster,
};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::{Rng, card, data_dir, files_below};

/// A file that is damaged must be answered within this.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far apart two readers of the same file may be, in samples of 8 bits: largest difference and mean difference.
/// Lossless formats are not apart at all, JPEG and lossy WebP differ in their cosine transform and chroma interpolation.
fn tolerance(format: SourceFormat, compression: &str) -> (u8, f64) {
    match format {
        SourceFormat::Jpeg => (24, 1.5),
        SourceFormat::Tiff if compression.contains("JPEG") => (24, 1.5),
        SourceFormat::Webp if !compression.contains("lossless") => (24, 1.5),
        // Two ways to stretch 5 bits to 8.
        SourceFormat::Bmp => (1, 0.5),
        _ => (0, 0.0),
    }
}

/// TIFF files whose colour is stored multiplied by alpha, which the other reader shows as it is.
const PREMULTIPLIED: [&str; 1] = ["images/image-rs/hpredict.tiff"];

/// Extensions of what is not supported; everything else in the folder of images is.
const UNSUPPORTED: [&str; 3] = ["ico", "icc", "json"];

fn read(decoder: &dyn Decoder, region: Rect) -> Result<(Raster, DecodedGeometry), DecodeError> {
    let wanted = DecodeRequest { level: 0, region, denominator: 1 };
    read_raster(decoder, &wanted, &Control::until(Instant::now() + Duration::from_mins(1)))
}

fn open_file(path: &Path, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    open(Arc::new(MemoryAccess::new(fs::read(path).expect("a test file can be read"))), options)
}

/// Path below the data folder → size, from the lines of the catalogue: `| name | … vipsheader, 64x56 …`.
fn catalogue(data: &Path) -> HashMap<PathBuf, Dimensions> {
    let text = fs::read_to_string(data.join("README.md")).expect("the catalogue can be read");
    let mut folder = PathBuf::new();
    let mut sizes = HashMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            folder = data.join(name.trim());
        }
        let mut columns = line.split('|').map(str::trim).skip(1);
        let (Some(name), Some(_), Some(how)) = (columns.next(), columns.next(), columns.next()) else { continue };
        let size = how.strip_prefix("vipsheader, ").and_then(|rest| rest.split(' ').next());
        let sides = size.and_then(|size| size.split_once('x'));
        if let Some((Ok(w), Ok(h))) = sides.map(|(w, h)| (w.parse(), h.parse())) {
            sizes.insert(folder.join(name), Dimensions::new(w, h));
        }
    }
    sizes
}

fn is_unsupported(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let extension = name.rsplit_once('.').map_or(name.as_str(), |(_, extension)| extension);
    UNSUPPORTED.contains(&extension)
}

/// Pictures for tests lie in these folders.
fn images(data: &Path) -> Vec<PathBuf> {
    ["images", "starter", "ocr", "pdf-and-hocr"]
        .into_iter()
        .flat_map(|folder| files_below(&data.join(folder)))
        .collect()
}

#[test]
#[expect(clippy::print_stderr, reason = "what was looked at is part of the result")]
fn every_supported_file_gives_the_pixels_that_another_reader_sees() {
    let Some(data) = data_dir() else { return };
    let sizes = catalogue(&data);
    let paths = images(&data);
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let results: Vec<(String, Result<Option<SourceFormat>, String>)> = std::thread::scope(|scope| {
        let work = || {
            std::iter::from_fn(|| paths.get(next.fetch_add(1, Ordering::Relaxed)))
                .map(|path| {
                    let name = path.strip_prefix(&data).unwrap_or(path).display().to_string();
                    let result = check(path, &name, sizes.get(path).copied());
                    (name, result)
                })
                .collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no file makes a reader panic")).collect()
    });
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut wrong = Vec::new();
    for (name, result) in results {
        match result {
            Ok(Some(format)) => *seen.entry(format.to_string()).or_default() += 1,
            Ok(None) => {}
            Err(problem) => wrong.push(format!("{name}: {problem}")),
        }
    }
    eprintln!("files looked at: {seen:?}");
    assert!(wrong.is_empty(), "{} files are wrong:\n{}", wrong.len(), wrong.join("\n"));
    for (format, least) in [
        ("PNG", 20),
        ("GIF", 8),
        ("WebP", 8),
        ("BMP", 2),
        ("JPEG", 50),
        ("TIFF", 80),
        ("JPEG 2000", 28),
        ("DICOM", 2),
        ("PDF", 8),
        ("AVIF", 7),
        ("JPEG XL", 7),
    ] {
        assert!(seen.get(format).is_some_and(|count| *count >= least), "{format} was looked at: {seen:?}");
    }
}

/// Files that are meant to be broken, outside the folder of hostile ones.
fn is_broken(name: &str) -> bool {
    ["truncated", "invalid_multiframe", "_broken", "trunc_case", "eciRGBv2_aware", "17000x17000"]
        .iter()
        .any(|part| name.contains(part))
}

/// What it was looked at as; `None` for files of no supported format.
fn check(path: &Path, name: &str, catalogued: Option<Dimensions>) -> Result<Option<SourceFormat>, String> {
    let decoder = match open_file(path, &OpenOptions::default()) {
        Ok(decoder) => decoder,
        // HEIC is read where the system has the library for it.
        Err(DecodeError::Unrecognised { .. } | DecodeError::Unsupported { format: SourceFormat::Heic, .. }) => {
            return Ok(None);
        }
        Err(_) if is_broken(name) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    // Page descriptions have no pixels of their own; their pages are looked at elsewhere.
    if matches!(decoder.facts().source_format, SourceFormat::Pdf | SourceFormat::Svg) {
        return Ok(Some(decoder.facts().source_format));
    }
    check_pixels(decoder.as_ref(), catalogued, path, name)?;
    Ok(Some(decoder.facts().source_format))
}

fn check_pixels(decoder: &dyn Decoder, catalogued: Option<Dimensions>, path: &Path, name: &str) -> Result<(), String> {
    let facts = decoder.facts();
    let size = facts.stored_size();
    if catalogued.is_some_and(|catalogued| catalogued != size) {
        return Err(format!("is {size} pixels, the catalogue says {}", catalogued.unwrap_or(size)));
    }
    let (whole, geometry) = match read(decoder, size.rect()) {
        Ok(result) => result,
        Err(_) if is_broken(name) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    // Large ones take long, and go wrong in the same places as small ones.
    let random = if size.area_px() > 1 << 20 { 1 } else { 8 };
    for region in Rng::new(23).rects_in(size, random).into_iter().filter(|region| *region != size.rect()) {
        let (part, _) = read(decoder, region).map_err(|error| format!("region {region}: {error}"))?;
        if part.data() != cut(&whole, region) {
            return Err(format!("region {region} is not that part of the whole"));
        }
    }
    let elsewhere = ImageReader::open(path).ok().and_then(|reader| reader.with_guessed_format().ok());
    let Some(other) = elsewhere.and_then(|reader| reader.decode().ok()) else { return Ok(()) };
    let Some((mut ours, theirs)) = comparable(&whole, geometry.format, &other) else { return Ok(()) };
    if PREMULTIPLIED.contains(&name) {
        premultiply(&mut ours);
    }
    let (most, most_mean) = tolerance(facts.source_format, &facts.compression);
    let (worst, mean) = card::distance(&ours, &theirs);
    if ours.len() != theirs.len() || worst > most || mean > most_mean {
        return Err(format!("differs from another reader by {worst}, {mean:.2} on average"));
    }
    Ok(())
}

fn cut(whole: &Raster, region: Rect) -> Vec<u8> {
    let bytes = whole.format().bytes_per_pixel();
    let columns = region.x as usize * bytes..(region.x + region.w) as usize * bytes;
    (region.y..region.y + region.h).flat_map(|y| whole.row(y)[columns.clone()].to_vec()).collect()
}

/// Both images as red, green, blue and alpha where nothing is lost by it; colour under full transparency does not count.
fn comparable(ours: &Raster, format: PixelFormat, other: &DynamicImage) -> Option<(Vec<u8>, Vec<u8>)> {
    let eight: Vec<u8> = match format.bytes_per_sample() {
        1 => ours.data().to_vec(),
        _ => ours.data().as_chunks().0.iter().map(|&word: &[u8; 2]| to_eight(u16::from_ne_bytes(word))).collect(),
    };
    let rgba: Vec<u8> = match format {
        PixelFormat::Gray8 | PixelFormat::Gray16 => eight.iter().flat_map(|&v| [v, v, v, 255]).collect(),
        PixelFormat::GrayAlpha8 | PixelFormat::GrayAlpha16 => {
            eight.as_chunks().0.iter().flat_map(|&[v, a]: &[u8; 2]| [v, v, v, a]).collect()
        }
        PixelFormat::Rgb8 | PixelFormat::Rgb16 => {
            eight.as_chunks().0.iter().flat_map(|&[r, g, b]: &[u8; 3]| [r, g, b, 255]).collect()
        }
        PixelFormat::Rgba8 | PixelFormat::Rgba16 => eight,
        // The other reader shows inks in its own way.
        _ => return None,
    };
    let theirs = match other {
        DynamicImage::ImageLuma16(_)
        | DynamicImage::ImageLumaA16(_)
        | DynamicImage::ImageRgb16(_)
        | DynamicImage::ImageRgba16(_) => other.to_rgba16().into_raw().into_iter().map(to_eight).collect(),
        // Linear light, which it does not encode.
        DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_) => {
            let pixels = other.to_rgba32f().into_raw();
            let light = |(i, light): (usize, &f32)| {
                let light = f64::from(*light).clamp(0.0, 1.0);
                let curved = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
                (if i % 4 == 3 { light } else { curved } * 255.0).round() as u8
            };
            pixels.iter().enumerate().map(light).collect()
        }
        _ => other.to_rgba8().into_raw(),
    };
    Some((without_hidden(rgba), without_hidden(theirs)))
}

fn premultiply(rgba: &mut [u8]) {
    for [color @ .., alpha] in rgba.as_chunks_mut::<4>().0 {
        for sample in color {
            *sample = ((u32::from(*sample) * u32::from(*alpha) + 127) / 255) as u8;
        }
    }
}

fn to_eight(value: u16) -> u8 {
    ((u32::from(value) * 255 + 32767) / 65535) as u8
}

fn without_hidden(mut rgba: Vec<u8>) -> Vec<u8> {
    for pixel in rgba.as_chunks_mut::<4>().0.iter_mut().filter(|pixel| pixel[3] == 0) {
        *pixel = [0; 4];
    }
    rgba
}

#[test]
fn formats_that_are_not_supported_are_said_to_be_so() {
    let Some(data) = data_dir() else { return };
    let mut count = 0;
    for path in files_below(&data.join("images")).into_iter().filter(|path| is_unsupported(path)) {
        if path.extension().is_some_and(|extension| extension == "svs") {
            continue;
        }
        match open_file(&path, &OpenOptions::default()) {
            Err(DecodeError::Unrecognised { .. } | DecodeError::Unsupported { .. }) => count += 1,
            Err(error) => panic!("{}: {error:?}", path.display()),
            Ok(decoder) => panic!("{} opens as {}", path.display(), decoder.facts().source_format),
        }
    }
    assert!(count >= 5, "there are such files: {count}");
}

#[test]
fn content_decides_the_format_and_orientation_is_read() {
    let Some(data) = data_dir() else { return };
    for (name, format, orientation) in [
        ("images/pillow/hopper_orientation_6.webp", SourceFormat::Webp, Orientation::Rotate90),
        ("images/cantaloupe/gif-xmp-orientation-90.gif", SourceFormat::Gif, Orientation::Rotate90),
        ("images/cantaloupe/webp", SourceFormat::Webp, Orientation::Normal),
        ("images/cantaloupe/jp2-orientation-90.jp2", SourceFormat::Jp2, Orientation::Rotate90),
        ("images/cantaloupe/jp2-iptc.jp2", SourceFormat::Jp2, Orientation::Normal),
        ("images/cantaloupe/png-rgb-64x56x8.png", SourceFormat::Png, Orientation::Normal),
    ] {
        let decoder = open_file(&data.join(name), &OpenOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((decoder.facts().source_format, decoder.facts().orientation), (format, orientation), "{name}");
    }
}

#[test]
fn hostile_files_are_answered_quickly() {
    let Some(data) = data_dir() else { return };
    recto_codec::contain_with(env!("CARGO_BIN_EXE_contained-decoder").into());
    let options = OpenOptions { max_pixels: 1 << 28, max_bytes: 256 << 20, ..OpenOptions::default() };
    let mut files = files_below(&data.join("hostile"));
    files.extend(images(&data).into_iter().filter(|path| is_broken(&path.display().to_string())));
    assert!(files.len() >= 14, "there are hostile files: {}", files.len());
    for path in files {
        let started = Instant::now();
        let control = Control::until(started + PATIENCE);
        let result = open_file(&path, &options).and_then(|decoder| {
            let size = decoder.facts().stored_size();
            let region = Rect::new(0, 0, size.width_px.min(4096), size.height_px.min(4096));
            read_raster(decoder.as_ref(), &DecodeRequest { level: 0, region, denominator: 1 }, &control)
        });
        assert!(started.elapsed() < PATIENCE, "{} took {:?}", path.display(), started.elapsed());
        assert!(!matches!(result, Err(DecodeError::OutOfTime)), "{}", path.display());
    }
}
