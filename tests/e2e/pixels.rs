//! Position-coded images prove every form of a request over HTTP: exactly where nothing is resampled, by position where it is.

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, Rgb, RgbImage};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::position::{Samples, coordinate, rgb8};
use recto_testkit::tiff::{Layout, Levels, pyramid};

use crate::support::{Answer, Library, Server};

const SIZE: Dimensions = Dimensions::new(611, 407);

const REGIONS: [(&str, Rect); 9] = [
    ("full", Rect::new(0, 0, 611, 407)),
    ("square", Rect::new(102, 0, 407, 407)),
    ("0,0,611,407", Rect::new(0, 0, 611, 407)),
    ("10,20,300,201", Rect::new(10, 20, 300, 201)),
    ("610,406,1,1", Rect::new(610, 406, 1, 1)),
    ("500,300,500,500", Rect::new(500, 300, 111, 107)),
    ("0,406,9999,9999", Rect::new(0, 406, 611, 1)),
    ("pct:10,20,30,40", Rect::new(61, 81, 183, 163)),
    ("pct:50.5,50.5,100,100", Rect::new(309, 206, 302, 201)),
];

pub(crate) const ROTATIONS: [&str; 8] = ["0", "90", "180", "270", "!0", "!90", "!180", "!270"];

/// Every way to ask for a region at its own size.
fn sizes_of_ratio_1(version: u32, region: Rect) -> Vec<String> {
    let Rect { w, h, .. } = region;
    let shared = [
        "max".to_owned(),
        format!("{w},{h}"),
        format!("!{w},{h}"),
        "pct:100".to_owned(),
        format!("{w},"),
        format!(",{h}"),
    ];
    let own = if version == 3 {
        vec![
            format!("!{},{}", w * 2, h * 3),
            format!("^{w},{h}"),
            format!("^!{w},{h}"),
            "^pct:100".to_owned(),
            format!("^{w},"),
            format!("^,{h}"),
        ]
    } else {
        vec!["full".to_owned()]
    };
    // One side of a thin region does not say how long the other is.
    let is_thin = w < 2 || h < 2;
    shared
        .into_iter()
        .chain(own)
        .filter(|size| !(is_thin && (size.ends_with(',') || size.contains("^,") || size.starts_with(','))))
        .collect()
}

/// The place in the region from which a pixel of the result comes.
fn origin(rotation: &str, region: Rect, x: u32, y: u32) -> (u32, u32) {
    let (w, h) = (region.w, region.h);
    let (x, y) = match rotation.trim_start_matches('!') {
        "0" => (x, y),
        "90" => (y, h - 1 - x),
        "180" => (w - 1 - x, h - 1 - y),
        "270" => (w - 1 - y, x),
        other => panic!("{other} is no quarter turn"),
    };
    let x = if rotation.starts_with('!') { w - 1 - x } else { x };
    (region.x + x, region.y + y)
}

const fn turned(rotation: &str, w: u32, h: u32) -> (u32, u32) {
    let is_sideways = matches!(rotation.as_bytes(), [.., b'9' | b'7', b'0']);
    if is_sideways { (h, w) } else { (w, h) }
}

/// A pyramid of three levels, the lower ones by averages of their pixels' places; level 0 is exact.
fn coded_tiff() -> Vec<u8> {
    let layout = Layout {
        tile: Dimensions::new(128, 64),
        samples: 3,
        big_endian: true,
        big_tiff: false,
        levels: Levels::SubIfds,
    };
    let level = |factor: u32| {
        let size = SIZE.reduced(factor);
        let rows = (0..size.height_px).flat_map(|y| (0..size.width_px).flat_map(move |x| rgb8(x * factor, y * factor)));
        (size, rows.collect())
    };
    pyramid(&layout, &[level(1), level(2), level(4)])
}

fn coded() -> (Library, Server) {
    let library = Library::new();
    library.put_png("a.png", SIZE.width_px, SIZE.height_px).put("a.tif", &coded_tiff());
    let server = library.serve(&[]);
    (library, server)
}

#[track_caller]
fn assert_coded(answer: &Answer, region: Rect, rotation: &str, url: &str) {
    let image = answer.image().to_rgb8();
    assert_eq!(image.dimensions(), turned(rotation, region.w, region.h), "{url}");
    for (x, y, Rgb(pixel)) in image.enumerate_pixels() {
        let want = origin(rotation, region, x, y);
        assert_eq!(coordinate(*pixel), want, "{url}: the pixel at {x},{y} comes from another place");
    }
}

#[test]
fn every_region_size_and_rotation_is_exact_where_nothing_is_resampled() {
    let (_library, server) = coded();
    for (given, region) in REGIONS {
        for rotation in ROTATIONS {
            for file in ["a.png", "a.tif"] {
                let url = format!("/iiif/3/{file}/{given}/max/{rotation}/default.png");
                let first = server.get(&url);
                assert_coded(&first, region, rotation, &url);
                for version in [2, 3] {
                    for size in sizes_of_ratio_1(version, region) {
                        let url = format!("/iiif/{version}/{file}/{given}/{size}/{rotation}/color.png");
                        let same = server.get(&url);
                        assert_eq!(same.status, 200, "{url}: {}", same.text());
                        assert!(same.body == first.body, "{url} is the same picture as max");
                    }
                }
            }
        }
    }
    server.assert_clean_log();
}

/// Luma of ITU-R BT.601 and BT.709: a gray has to lie between what the two make of a colour.
fn lumas(x: u32, y: u32) -> (f64, f64) {
    let [r, g, b] = rgb8(x, y).map(f64::from);
    let (one, other) = (0.299 * r + 0.587 * g + 0.114 * b, 0.2126 * r + 0.7152 * g + 0.0722 * b);
    (one.min(other) - 1.0, one.max(other) + 1.0)
}

#[test]
fn gray_and_bitonal_show_the_same_places() {
    let (_library, server) = coded();
    for version in [2, 3] {
        for (given, region) in REGIONS {
            for rotation in ROTATIONS {
                let url = |quality| format!("/iiif/{version}/a.png/{given}/max/{rotation}/{quality}.png");
                let gray = server.get(&url("gray")).image();
                assert!(!gray.color().has_color(), "{}", url("gray"));
                let gray = gray.to_luma8();
                assert_eq!(gray.dimensions(), turned(rotation, region.w, region.h));
                for (x, y, pixel) in gray.enumerate_pixels() {
                    let (source_x, source_y) = origin(rotation, region, x, y);
                    let (least, most) = lumas(source_x, source_y);
                    let value = f64::from(pixel.0[0]);
                    assert!(
                        (least..=most).contains(&value),
                        "{} at {x},{y}: {value}, not {least}..{most}",
                        url("gray")
                    );
                }
                let bitonal = server.get(&url("bitonal")).image().to_luma8();
                assert_eq!(bitonal.dimensions(), gray.dimensions());
                let mut brightest_black = 0;
                let mut darkest_white = 255;
                for (bit, gray) in bitonal.pixels().zip(gray.pixels()) {
                    match bit.0[0] {
                        0 => brightest_black = brightest_black.max(gray.0[0]),
                        255 => darkest_white = darkest_white.min(gray.0[0]),
                        other => panic!("{}: {other} is neither black nor white", url("bitonal")),
                    }
                }
                assert!(brightest_black <= darkest_white, "{}: one threshold", url("bitonal"));
            }
        }
    }
}

/// Sides up to 256, so that red is x and green is y without a break, and a resampled pixel says from where it comes.
const RAMP: Dimensions = Dimensions::new(251, 199);

#[test]
fn resampled_pixels_come_from_where_their_centres_lie() {
    let library = Library::new();
    library.put_png("r.png", RAMP.width_px, RAMP.height_px);
    let server = library.serve(&[]);
    let full = RAMP.rect();
    let part = Rect::new(30, 40, 150, 100);
    for (version, given, region, size, want) in [
        (3, "full", full, "125,", (125, 99)),
        (2, "full", full, "125,", (125, 99)),
        (3, "full", full, ",50", (63, 50)),
        (3, "full", full, "pct:50", (126, 100)),
        (2, "full", full, "pct:50", (126, 100)),
        (3, "full", full, "200,190", (200, 190)),
        (3, "full", full, "!100,100", (100, 79)),
        (2, "full", full, "!100,100", (100, 79)),
        (3, "full", full, "37,180", (37, 180)),
        (3, "full", full, "^502,", (502, 398)),
        (2, "full", full, "502,", (502, 398)),
        (3, "full", full, "^pct:150", (377, 299)),
        (3, "30,40,150,100", part, "75,50", (75, 50)),
        (2, "30,40,150,100", part, "75,", (75, 50)),
        (3, "30,40,150,100", part, "^!600,600", (600, 400)),
        (3, "30,40,150,100", part, "^,300", (450, 300)),
        (3, "30,40,150,100", part, "149,99", (149, 99)),
        (3, "30,40,150,100", part, "11,7", (11, 7)),
    ] {
        for rotation in ROTATIONS {
            let url = format!("/iiif/{version}/r.png/{given}/{size}/{rotation}/default.png");
            let image = server.get(&url).image().to_rgb8();
            assert_eq!(image.dimensions(), turned(rotation, want.0, want.1), "{url}");
            let step = |along: u32, pixels: u32| f64::from(along) / f64::from(pixels);
            let steps = (step(region.w, want.0), step(region.h, want.1));
            // Half a step of rounding, and at the edge no pixels beyond to average with.
            let tolerance = |step: f64| 1.0 + step * 0.3;
            for (x, y, Rgb([r, g, _])) in image.enumerate_pixels() {
                let (x_in, y_in) = origin(rotation, Rect::new(0, 0, want.0, want.1), x, y);
                let centre = |at: u32, step: f64, start: u32| (f64::from(at) + 0.5) * step - 0.5 + f64::from(start);
                let place = (centre(x_in, steps.0, region.x), centre(y_in, steps.1, region.y));
                let off = ((f64::from(*r) - place.0).abs(), (f64::from(*g) - place.1).abs());
                assert!(
                    off.0 <= tolerance(steps.0) && off.1 <= tolerance(steps.1),
                    "{url} at {x},{y}: {r},{g} instead of {place:?}"
                );
            }
        }
    }
}

#[test]
fn free_rotation_leaves_corners_transparent_or_in_the_background() {
    let library = Library::new();
    library.put("flat.png", &png(&RgbImage::from_pixel(300, 200, Rgb([200, 40, 90])).into()));
    let server = library.serve(&["--set", "image.background=#103050"]);
    for version in [2, 3] {
        for rotation in ["45", "22.5", "!45", "300.25"] {
            let url = |format| format!("/iiif/{version}/flat.png/full/max/{rotation}/default.{format}");
            let turned = server.get(&url("png")).image();
            assert!(turned.color().has_alpha(), "{}", url("png"));
            let turned = turned.to_rgba8();
            let (w, h) = turned.dimensions();
            let angle = rotation.trim_start_matches('!').parse::<f64>().unwrap().to_radians();
            let (sin, cos) = (angle.sin().abs(), angle.cos().abs());
            assert!((f64::from(w) - (300.0 * cos + 200.0 * sin)).abs() <= 2.0, "{rotation}: {w}");
            assert!((f64::from(h) - (300.0 * sin + 200.0 * cos)).abs() <= 2.0, "{rotation}: {h}");
            let corners = [(0, 0), (w - 1, 0), (0, h - 1), (w - 1, h - 1)];
            for (x, y) in corners {
                assert_eq!(turned.get_pixel(x, y).0[3], 0, "{} at {x},{y}", url("png"));
            }
            assert_eq!(turned.get_pixel(w / 2, h / 2).0, [200, 40, 90, 255]);
            let flat = server.get(&url("jpg")).image().to_rgb8();
            assert_eq!(flat.dimensions(), (w, h));
            for (x, y) in corners {
                let Rgb(pixel) = *flat.get_pixel(x, y);
                assert!(near(pixel, [0x10, 0x30, 0x50], 6), "{} at {x},{y}: {pixel:?}", url("jpg"));
            }
            assert!(near(flat.get_pixel(w / 2, h / 2).0, [200, 40, 90], 6));
        }
    }
}

fn near(one: [u8; 3], other: [u8; 3], most: u8) -> bool {
    one.iter().zip(other).all(|(a, b)| a.abs_diff(b) <= most)
}

pub(crate) fn png(image: &DynamicImage) -> Vec<u8> {
    encoded(image, image::ImageFormat::Png)
}

fn encoded(image: &DynamicImage, format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The shortest EXIF block there is: one directory with one entry, the orientation.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    block.extend([0, orientation, 0, 0, 0, 0, 0, 0]);
    block
}

fn jpeg_oriented(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95)).unwrap();
    let mut segment = b"\xff\xe1\0\0Exif\0\0".to_vec();
    segment.extend(exif(orientation));
    let length = (segment.len() - 2) as u16;
    segment[2..4].copy_from_slice(&length.to_be_bytes());
    bytes.splice(2..2, segment);
    bytes
}

fn png_oriented(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut bytes = png(image);
    let block = exif(orientation);
    let mut chunk = (block.len() as u32).to_be_bytes().to_vec();
    chunk.extend(b"eXIf");
    chunk.extend(block);
    let sum = crc32(&chunk[4..]);
    chunk.extend(sum.to_be_bytes());
    // Behind the signature and IHDR.
    bytes.splice(33..33, chunk);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

fn webp_oriented(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    let plain = encoded(image, image::ImageFormat::WebP);
    let mut body = b"WEBPVP8X\x0a\0\0\0\x08\0\0\0".to_vec();
    body.extend(&(image.width() - 1).to_le_bytes()[..3]);
    body.extend(&(image.height() - 1).to_le_bytes()[..3]);
    body.extend(&plain[12..]);
    let block = exif(orientation);
    body.extend(b"EXIF");
    body.extend((block.len() as u32).to_le_bytes());
    body.extend(&block);
    let mut file = b"RIFF".to_vec();
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(body);
    file
}

fn tiff_oriented(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    let rows = image.to_rgb8().into_raw();
    let mut entries = vec![
        (256_u16, image.width()),
        (257, image.height()),
        (258, 8),
        (259, 1),
        (262, 2),
        (273, 8),
        (274, u32::from(orientation)),
        (277, 3),
        (278, image.height()),
        (279, rows.len() as u32),
    ];
    let mut file = b"II\x2a\0".to_vec();
    let bits_at = 8 + rows.len() as u32;
    let directory_at = bits_at + 6;
    assert!(directory_at.is_multiple_of(2), "directories begin at even offsets");
    file.extend(directory_at.to_le_bytes());
    file.extend(rows);
    file.extend([8, 0, 8, 0, 8, 0]);
    entries[2].1 = bits_at;
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        let (kind, count): (u16, u32) = if tag == 258 { (3, 3) } else { (4, 1) };
        let kind = if tag == 274 { 3 } else { kind };
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file
}

fn orientation_of(bytes: &[u8]) -> Orientation {
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().unwrap();
    reader.into_decoder().unwrap().orientation().unwrap()
}

/// Writes an image with an orientation.
type Writer = fn(&DynamicImage, u8) -> Vec<u8>;

#[test]
fn originals_of_all_orientations_are_shown_upright_and_the_tag_never_leaves() {
    let size = Dimensions::new(92, 58);
    let card = recto_testkit::card::rgb8(size);
    let stored: DynamicImage = RgbImage::from_raw(size.width_px, size.height_px, card).unwrap().into();
    let writers: [(&str, Writer); 4] =
        [("jpg", jpeg_oriented), ("png", png_oriented), ("webp", webp_oriented), ("tif", tiff_oriented)];
    let library = Library::new();
    for (extension, write) in writers {
        for orientation in 1..=8 {
            library.put(&format!("{orientation}.{extension}"), &write(&stored, orientation));
        }
    }
    let server = library.serve(&[]);
    for (extension, write) in writers {
        for orientation in 1..=8 {
            let file = format!("{orientation}.{extension}");
            let kind = Orientation::from_exif(orientation).unwrap();
            assert_eq!(orientation_of(&write(&stored, orientation)), kind, "{file} is what this test says");
            let mut upright = image::load_from_memory(&write(&stored, orientation)).unwrap();
            upright.apply_orientation(kind);
            for version in [2, 3] {
                let info = server.get(&format!("/iiif/{version}/{file}/info.json")).json();
                let announced = (info["width"].as_u64(), info["height"].as_u64());
                assert_eq!(announced, (Some(upright.width().into()), Some(upright.height().into())), "{file}");
            }
            for rotation in ROTATIONS {
                let turned = turned_by_hand(&upright, rotation);
                for format in ["png", "jpg", "webp", "tif"] {
                    let url = format!("/iiif/3/{file}/full/max/{rotation}/default.{format}");
                    let answer = server.get(&url);
                    let image = answer.image();
                    assert_eq!(orientation_of(&answer.body), Orientation::NoTransforms, "{url}");
                    assert_eq!((image.width(), image.height()), (turned.width(), turned.height()), "{url}");
                    let (far, mean) =
                        recto_testkit::card::distance(image.to_rgb8().as_raw(), turned.to_rgb8().as_raw());
                    // The originals are without loss but for the JPEG.
                    let is_exact = extension != "jpg" && matches!(format, "png" | "tif");
                    assert!(mean < 2.5 && (far == 0 || !is_exact), "{url}: up to {far} levels off, {mean} on average");
                }
            }
            let (x, y) = (upright.width() / 4, upright.height() / 4);
            let cut = server.get(&format!("/iiif/3/{file}/{x},{y},20,10/max/0/default.png")).image().to_rgb8();
            let (far, mean) =
                recto_testkit::card::distance(cut.as_raw(), upright.crop_imm(x, y, 20, 10).to_rgb8().as_raw());
            assert!(mean < 2.0 && (far == 0 || extension == "jpg"), "a region of {file}: {far}, {mean} levels off");
        }
    }
    server.assert_clean_log();
}

pub(crate) fn turned_by_hand(image: &DynamicImage, rotation: &str) -> DynamicImage {
    let image = if rotation.starts_with('!') { image.fliph() } else { image.clone() };
    match rotation.trim_start_matches('!') {
        "90" => image.rotate90(),
        "180" => image.rotate180(),
        "270" => image.rotate270(),
        _ => image,
    }
}

#[test]
fn gray_and_sixteen_bit_and_transparent_originals_keep_their_pixels() {
    let library = Library::new();
    let size = Dimensions::new(90, 60);
    let gray = image::GrayImage::from_raw(90, 60, Samples::Gray8.image(size)).unwrap();
    let clear = image::RgbaImage::from_raw(90, 60, Samples::Rgba8.image(size)).unwrap();
    let deep =
        image::ImageBuffer::<Rgb<u16>, _>::from_fn(90, 60, |x, y| Rgb([x as u16 * 700, y as u16 * 1000, 0x8000]));
    library
        .put("gray.png", &png(&gray.clone().into()))
        .put("clear.png", &png(&clear.clone().into()))
        .put("deep.png", &png(&DynamicImage::from(deep.clone())));
    let server = library.serve(&[]);
    let get = |file: &str| server.get(&format!("/iiif/3/{file}/full/max/0/default.png")).image();
    assert_eq!(get("gray.png").to_luma8(), gray);
    assert_eq!(get("clear.png").to_rgba8(), clear);
    for (one, other) in get("deep.png").to_rgb8().pixels().zip(deep.pixels()) {
        let want = other.0.map(|sample| (f64::from(sample) / 257.0).round() as u8);
        assert!(near(one.0, want, 1), "{one:?} {want:?}");
    }
    // A format without transparency gets the background where nothing is.
    let flat = server.get("/iiif/3/clear.png/full/max/0/default.jpg").image();
    assert!(!flat.color().has_alpha());
}
