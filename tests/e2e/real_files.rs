//! Real files from many programs, where they are present: everything that is asked of them agrees with itself, and with an
//! independent decoder.

use std::time::{Duration, Instant};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, RgbImage, imageops};
use serde_json::Value;

use crate::support::{Answer, Library, Server};

/// Files beside the images that are no images themselves.
const NO_IMAGES: [&str; 2] = ["icc", "md"];

/// Files that end too early: parts of them may be refused, with a clear message.
const DAMAGED: [&str; 4] = [
    "libvips/invalid_multiframe.gif",
    "libvips/truncated.gif",
    "libvips/truncated.jpg",
    "pillow/balloon_eciRGBv2_aware.jp2",
];

/// Files whose orientation the other decoder does not find: in a text chunk, and behind a prefix.
const TURNED: [&str; 2] = ["cantaloupe/png-rotated.png", "pillow/hopper_orientation_6.webp"];

/// Colours that were multiplied by their opacity, which the other decoder leaves so.
const PREMULTIPLIED: [&str; 1] = ["image-rs/hpredict.tiff"];

/// Samples in linear light, which the other decoder takes for encoded ones.
const LINEAR: [&str; 1] = ["image-rs/rgb32f_color.tiff"];

/// How far two PNG answers of one original may be apart, in levels.
const SAME: u8 = 2;

/// Drawn anew for each answer: an outline may cover a quarter of a pixel more or less where the picture begins elsewhere.
const DRAWN: [&str; 1] = ["svg"];

/// Pixels above which a whole image is not worth its time here.
const MOST_PIXELS: u64 = 12_000_000;

/// Names below the folder of images, and what is in the files.
type Files = Vec<(String, Vec<u8>)>;

/// Left, top, width, height.
type Region = (u32, u32, u32, u32);

/// The first and the last tile at full size as `info.json` announces them.
fn tiles(info: &Value) -> [Region; 2] {
    let number = |value: &Value| value.as_u64().map(|number| number as u32);
    let (w, h) = (number(&info["width"]).unwrap(), number(&info["height"]).unwrap());
    let wide = number(&info["tiles"][0]["width"]).unwrap_or(512);
    let tall = number(&info["tiles"][0]["height"]).unwrap_or(wide);
    let (x, y) = ((w - 1) / wide * wide, (h - 1) / tall * tall);
    [(0, 0, wide.min(w), tall.min(h)), (x, y, w - x, h - y)]
}

fn tile_url(url: &str, (x, y, w, h): Region, format: &str) -> String {
    format!("{url}/{x},{y},{w},{h}/{w},{h}/0/default.{format}")
}

fn served() -> Option<(Library, Server, Files)> {
    let images = recto_testkit::data_dir()?.join("images");
    let library = Library::new();
    let mut files = Vec::new();
    for path in recto_testkit::files_below(&images) {
        let name = path.strip_prefix(&images).unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        library.put(&name, &bytes);
        files.push((name, bytes));
    }
    let server = library.serve(&[]);
    Some((library, server, files))
}

fn is_one_of(name: &str, extensions: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension.to_ascii_lowercase().as_str()))
}

fn url_of(name: &str) -> String {
    let encoded = name.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => (byte as char).to_string(),
        _ => format!("%{byte:02X}"),
    });
    format!("/iiif/3/{}", encoded.collect::<String>())
}

fn mean(one: &RgbImage, other: &RgbImage) -> f64 {
    recto_testkit::card::distance(one.as_raw(), other.as_raw()).1
}

/// What is wrong with a part of a picture beside the whole.
fn apart(name: &str, part: &RgbImage, whole: &RgbImage, (x, y, w, h): Region) -> Option<String> {
    let here = imageops::crop_imm(whole, x, y, w, h).to_image();
    if part.dimensions() != here.dimensions() {
        return Some(format!("{name}: {x},{y},{w},{h} has {:?} pixels", part.dimensions()));
    }
    let (far, mean) = recto_testkit::card::distance(part.as_raw(), here.as_raw());
    let is_same = far <= SAME || (is_one_of(name, &DRAWN) && far <= 64 && mean <= 0.5);
    (!is_same).then(|| format!("{name}: {x},{y},{w},{h} is up to {far} levels from the whole, {mean:.2} on average"))
}

fn flat(answer: &Answer) -> RgbImage {
    on_white(&answer.image())
}

fn on_white(image: &DynamicImage) -> RgbImage {
    let mut rgb = RgbImage::new(image.width(), image.height());
    for (to, from) in rgb.pixels_mut().zip(image.to_rgba8().pixels()) {
        let [r, g, b, a] = from.0.map(u32::from);
        to.0 = [r, g, b].map(|sample| ((sample * a + 255 * (255 - a) + 127) / 255) as u8);
    }
    rgb
}

/// What the `image` crate makes of it, if it is of a kind where the two must agree: gray or RGB, without a colour profile.
fn independent(name: &str, bytes: &[u8]) -> Option<RgbImage> {
    if PREMULTIPLIED.contains(&name) || LINEAR.contains(&name) {
        return None;
    }
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut decoder = reader.into_decoder().ok()?;
    let has_profile = decoder.icc_profile().ok().flatten().is_some();
    let orientation = decoder.orientation().ok()?;
    if has_profile || bytes.windows(4).any(|window| matches!(window, b"gAMA" | b"cHRM" | b"iCCP")) {
        return None;
    }
    let mut image = DynamicImage::from_decoder(decoder).ok()?;
    image.apply_orientation(if TURNED.contains(&name) { Orientation::Rotate90 } else { orientation });
    Some(on_white(&image))
}

#[test]
fn every_supported_file_gives_info_a_tile_a_crop_and_a_whole_that_agree() {
    let Some((_library, server, files)) = served() else { return };
    let is_damage = |name: &str, answer: &Answer| {
        DAMAGED.contains(&name) && answer.status == 500 && answer.text().contains("damaged")
    };
    let mut problems = Vec::new();
    let (mut shown, mut compared) = (0, 0);
    for (name, bytes) in files.iter().filter(|(name, _)| !is_one_of(name, &NO_IMAGES)) {
        let url = url_of(name);
        let info = server.get(&format!("{url}/info.json"));
        if info.status != 200 {
            let is_clear = [400, 413, 500, 501].contains(&info.status) && info.body.len() > 20;
            if !is_clear || independent(name, bytes).is_some() {
                problems.push(format!("{name}: info.json {}: {}", info.status, info.text().trim()));
            }
            continue;
        }
        let info = info.json();
        let (w, h) = (info["width"].as_u64().unwrap() as u32, info["height"].as_u64().unwrap() as u32);
        let [first, last] = tiles(&info);
        let answer = server.get(&tile_url(&url, first, "jpg"));
        if is_damage(name, &answer) {
            continue;
        }
        if answer.status != 200 || answer.size() != (first.2, first.3) {
            problems.push(format!("{name}: a tile {}: {}", answer.status, answer.text().trim()));
            continue;
        }
        let region = (w / 5, h / 7, (w / 2).max(1), (h / 2).max(1));
        let crop = server.get(&format!("{url}/{},{},{},{}/max/0/default.png", region.0, region.1, region.2, region.3));
        let preview = server.get(&format!("{url}/full/!200,200/0/default.jpg"));
        if is_damage(name, &crop) || is_damage(name, &preview) {
            continue;
        }
        if crop.status != 200 || preview.status != 200 {
            problems.push(format!("{name}: a crop {}, a preview {}", crop.status, preview.status));
            continue;
        }
        shown += 1;
        if u64::from(w) * u64::from(h) > MOST_PIXELS {
            continue;
        }
        let whole = server.get(&format!("{url}/full/max/0/default.png"));
        if whole.status != 200 || whole.size() != (w, h) {
            problems.push(format!("{name}: the whole {}: {}", whole.status, whole.text().trim()));
            continue;
        }
        let whole = flat(&whole);
        problems.extend(apart(name, &flat(&crop), &whole, region));
        for tile in [first, last] {
            problems.extend(apart(name, &flat(&server.get(&tile_url(&url, tile, "png"))), &whole, tile));
        }
        if let Some(other) = independent(name, bytes) {
            compared += 1;
            if other.dimensions() != (w, h) || mean(&other, &whole) > 2.0 {
                let apart = mean(&other, &whole);
                problems.push(format!("{name}: {apart} levels from another decoder, {:?}", other.dimensions()));
            }
        }
    }
    assert!(problems.is_empty(), "{} of {shown} shown:\n{}", problems.len(), problems.join("\n"));
    assert!(shown > 100 && compared > 50, "{shown} shown, {compared} compared");
    server.assert_clean_log();
}

/// What the catalogue beside the files says of one: its size, or that it is broken.
#[derive(Clone, Copy, Debug)]
enum Listed {
    Size(u64, u64),
    Broken,
    /// It opens with a program that gave no size in pixels.
    Opens,
}

fn catalogue() -> Option<Vec<(String, Listed)>> {
    let text = std::fs::read_to_string(recto_testkit::data_dir()?.join("README.md")).ok()?;
    let mut folder = "";
    let mut listed = Vec::new();
    for line in text.lines() {
        if let Some(section) = line.strip_prefix("## ") {
            folder = section.trim();
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(below) = folder.strip_prefix("images/") else { continue };
        let &[_, name, _, opens, ..] = cells.as_slice() else { continue };
        if matches!(name, "file" | "---") {
            continue;
        }
        let numbers = opens.split([',', ' ']).find_map(|word| {
            let (w, h) = word.split_once('x')?;
            Some((w.parse().ok()?, h.parse().ok()?))
        });
        let is = match numbers {
            _ if opens.contains("broken") => Listed::Broken,
            Some((w, h)) => Listed::Size(w, h),
            None => Listed::Opens,
        };
        listed.push((format!("{below}/{name}"), is));
    }
    Some(listed)
}

/// Formats without pixels of their own: their size is our choice.
const WITHOUT_PIXELS: [&str; 2] = ["pdf", "svg"];

/// A PDF by its content.
const NAMELESS_PDF: &str = "cantaloupe/pdf";

/// Listed as they are stored, and shown after a quarter turn; all others are listed as they are shown.
const LISTED_BEFORE_TURNING: [&str; 15] = [
    "cantaloupe/gif-xmp-orientation-90.gif",
    "cantaloupe/jp2-exif.jp2",
    "cantaloupe/jp2-orientation-90.jp2",
    "cantaloupe/jpg-exif-orientation-270.jpg",
    "cantaloupe/jpg-xmp-orientation-90.jpg",
    "cantaloupe/png-rotated.png",
    "cantaloupe/tif-rotated.tif",
    "exif-orientation/Landscape_5.jpg",
    "exif-orientation/Landscape_6.jpg",
    "exif-orientation/Landscape_7.jpg",
    "exif-orientation/Landscape_8.jpg",
    "pillow/g4_orientation_5.tif",
    "pillow/g4_orientation_6.tif",
    "pillow/g4_orientation_7.tif",
    "pillow/g4_orientation_8.tif",
];

/// What becomes of a file that is meant to be broken.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// Its pixels are whole, whatever else is wrong with it.
    Shown,
    /// What lies above the damage is shown, and the whole is refused in these words.
    Partly(&'static str),
    /// Its size is known, and its pixels are refused in these words.
    Refused(&'static str),
}

/// Each broken file with its size and what becomes of it.
const BROKEN: [(&str, (u64, u64), Outcome); 9] = [
    // An orientation that is none, and a name that does not say what is in it.
    ("cantaloupe/jpg-exif-orientation-illegal.jpg", (64, 56), Outcome::Shown),
    ("cantaloupe/jpg-incorrect-extension.png", (64, 56), Outcome::Shown),
    ("image-rs/cmyk_u8_trunc_case.tif", (1, 1), Outcome::Shown),
    ("image-rs/ycbcr_lzw_broken.tif", (601, 81), Outcome::Shown),
    // As large as it says.
    ("libvips/17000x17000.avif", (17_000, 17_000), Outcome::Shown),
    ("libvips/invalid_multiframe.gif", (10, 9), Outcome::Refused("ends in row 2")),
    ("libvips/truncated.gif", (575, 800), Outcome::Partly("ends in row 785")),
    ("libvips/truncated.jpg", (290, 442), Outcome::Partly("ends before row 174")),
    // "Info and profile can be read, pixels cannot."
    ("pillow/balloon_eciRGBv2_aware.jp2", (2717, 3701), Outcome::Refused("damaged")),
];

/// What a broken file gives, where that is not what it should.
fn broken(server: &Server, name: &str, info: &Answer) -> Option<String> {
    let Some((_, size, outcome)) = BROKEN.iter().find(|(known, ..)| *known == name) else {
        return Some(format!("{name}: nobody says what becomes of it; info.json {}", info.status));
    };
    if info.status != 200 || size_of(&info.json()) != *size {
        return Some(format!("{name}: not {size:?}: {} {}", info.status, info.text().trim()));
    }
    let url = url_of(name);
    let part = server.get(&tile_url(&url, (0, 0, size.0.min(10) as u32, size.1.min(9) as u32), "png"));
    let whole = (size.0 * size.1 <= MOST_PIXELS).then(|| server.get(&format!("{url}/full/max/0/default.png")));
    let statuses = (part.status, whole.as_ref().map_or(part.status, |whole| whole.status));
    let (wanted, words) = match outcome {
        Outcome::Shown => ((200, 200), ""),
        Outcome::Partly(words) => ((200, 500), *words),
        Outcome::Refused(words) => ((500, 500), *words),
    };
    let said = whole.filter(|whole| whole.status != 200).map(|whole| whole.text()).unwrap_or_default();
    let is_so = statuses == wanted && said.contains(words) && (words.is_empty() || said.contains("damaged"));
    (!is_so).then(|| format!("{name}: a part and the whole {statuses:?}, {} not {outcome:?}", said.trim()))
}

fn size_of(info: &Value) -> (u64, u64) {
    (info["width"].as_u64().unwrap(), info["height"].as_u64().unwrap())
}

#[test]
fn every_file_is_read_or_refused_as_the_catalogue_says() {
    let (Some((_library, server, files)), Some(listed)) = (served(), catalogue()) else { return };
    let mut problems = Vec::new();
    let (mut sizes, mut turned) = (0, 0);
    for (name, is) in &listed {
        if is_one_of(name, &NO_IMAGES) {
            continue;
        }
        assert!(files.iter().any(|(file, _)| file == name), "{name} is listed and not there");
        let started = Instant::now();
        let info = server.get(&format!("{}/info.json", url_of(name)));
        let took = started.elapsed();
        if took > Duration::from_secs(10) {
            problems.push(format!("{name}: {} after {took:?}", info.status));
        }
        if matches!(is, Listed::Broken) {
            problems.extend(broken(&server, name, &info));
            continue;
        }
        if info.status != 200 {
            problems.push(format!("{name}: {}: {}", info.status, info.text().trim()));
            continue;
        }
        let info = info.json();
        let [tile, _] = tiles(&info);
        let answer = server.get(&tile_url(&url_of(name), tile, "jpg"));
        if answer.status != 200 || answer.size() != (tile.2, tile.3) {
            problems.push(format!("{name}: a tile {}: {}", answer.status, answer.text().trim()));
        }
        let Listed::Size(w, h) = *is else { continue };
        sizes += 1;
        let is_turned = LISTED_BEFORE_TURNING.contains(&name.as_str());
        turned += usize::from(is_turned);
        let wanted = if is_turned { (h, w) } else { (w, h) };
        let is_free = is_one_of(name, &WITHOUT_PIXELS) || name == NAMELESS_PDF;
        if !is_free && size_of(&info) != wanted {
            problems.push(format!("{name}: {:?}, listed as {w}x{h}, turned: {is_turned}", size_of(&info)));
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    assert!(sizes > 150 && turned == LISTED_BEFORE_TURNING.len(), "{sizes} {turned}");
    for (name, ..) in BROKEN {
        let is_listed = listed.iter().any(|(file, is)| file == name && matches!(is, Listed::Broken));
        assert!(is_listed, "{name} is listed as broken");
    }
}

#[test]
fn a_file_of_no_known_kind_is_named_as_such() {
    let library = Library::new();
    library.put("a.jpg", b"neither fish nor flesh, and certainly no picture of either");
    let server = library.serve(&[]);
    for tail in ["info.json", "full/max/0/default.jpg", "0,0,10,10/max/0/default.jpg"] {
        let answer = server.get(&format!("/iiif/3/a.jpg/{tail}"));
        assert_eq!(answer.status, 501, "{tail}: {}", answer.text());
        assert!(answer.text().contains("not an image that Recto reads"), "{tail}: {}", answer.text());
    }
}
