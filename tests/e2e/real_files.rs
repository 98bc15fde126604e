//! Real files from many programs, where they are present: everything that is asked of them agrees with itself, and with an
//! independent decoder.

use std::time::{Duration, Instant};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, RgbImage, imageops};

use crate::support::{Answer, Library, Server};

/// Files beside the images that are no images themselves.
const NO_IMAGES: [&str; 2] = ["icc", "md"];

/// Files that end too early: parts of them may be refused, with a clear message.
const DAMAGED: [&str; 3] = ["libvips/invalid_multiframe.gif", "libvips/truncated.gif", "libvips/truncated.jpg"];

/// Files whose orientation the other decoder does not find: in a text chunk, and behind a prefix.
const TURNED: [&str; 2] = ["cantaloupe/png-rotated.png", "pillow/hopper_orientation_6.webp"];

/// Colours that were multiplied by their opacity, which the other decoder leaves so.
const PREMULTIPLIED: [&str; 1] = ["image-rs/hpredict.tiff"];

/// Samples in linear light, which the other decoder takes for encoded ones.
const LINEAR: [&str; 1] = ["image-rs/rgb32f_color.tiff"];

/// Pixels above which a whole image is not worth its time here.
const MOST_PIXELS: u64 = 12_000_000;

/// Names below the folder of images, and what is in the files.
type Files = Vec<(String, Vec<u8>)>;

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
        let tile = (info["tiles"][0]["width"].as_u64().unwrap_or(512) as u32).min(w);
        let tall = tile.min(h);
        let answer = server.get(&format!("{url}/0,0,{tile},{tall}/{tile},{tall}/0/default.jpg"));
        if is_damage(name, &answer) {
            continue;
        }
        if answer.status != 200 || answer.size() != (tile, tall) {
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
        let same = imageops::crop_imm(&whole, region.0, region.1, region.2, region.3).to_image();
        let crop = flat(&crop);
        if crop.dimensions() != same.dimensions() || mean(&crop, &same) > 2.0 {
            problems.push(format!("{name}: the crop is {} levels from the whole", mean(&crop, &same)));
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

/// Readable for programs that the catalogue's author had not at hand.
const MORE_THAN_LISTED: [&str; 2] = ["cantaloupe/pdf", "libvips/CMU-1-Small-Region.svs"];

#[test]
fn every_file_is_read_or_refused_as_the_catalogue_says() {
    let (Some((_library, server, files)), Some(listed)) = (served(), catalogue()) else { return };
    let mut problems = Vec::new();
    let mut sizes = 0;
    for (name, is) in &listed {
        if is_one_of(name, &NO_IMAGES) {
            continue;
        }
        assert!(files.iter().any(|(file, _)| file == name), "{name} is listed and not there");
        let started = Instant::now();
        let info = server.get(&format!("{}/info.json", url_of(name)));
        let took = started.elapsed();
        match is {
            Listed::Broken => {
                // Some readers make something of them, which does no harm.
                if ![200, 400, 413, 500, 501].contains(&info.status) || took > Duration::from_secs(10) {
                    problems.push(format!("{name}: {} after {took:?}", info.status));
                }
            }
            _ if info.status != 200 => {
                problems.push(format!("{name}: {}: {}", info.status, info.text().trim()));
            }
            Listed::Size(w, h) => {
                let free = is_one_of(name, &WITHOUT_PIXELS) || MORE_THAN_LISTED.contains(&name.as_str());
                let info = info.json();
                let (width, height) = (info["width"].as_u64().unwrap(), info["height"].as_u64().unwrap());
                // Some of the listed sizes are before turning.
                if !free && (width, height) != (*w, *h) && (width, height) != (*h, *w) {
                    problems.push(format!("{name}: {width}x{height}, listed as {w}x{h}"));
                }
                sizes += 1;
            }
            Listed::Opens => {}
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    assert!(sizes > 150, "{sizes}");
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
