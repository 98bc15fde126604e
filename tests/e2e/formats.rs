//! Every format that is announced is given, whatever else is asked for, and chosen by `Accept` where that is switched on.

use image::{DynamicImage, GenericImageView as _, ImageFormat, RgbImage};
use recto_iiif::Dimensions;
use recto_testkit::rare;

use crate::support::{Answer, Library, Server};

/// Media type and first bytes of each format that can be announced.
const KNOWN: [(&str, &str, &[u8]); 9] = [
    ("jpg", "image/jpeg", &[0xff, 0xd8, 0xff]),
    ("png", "image/png", b"\x89PNG\r\n\x1a\n"),
    ("webp", "image/webp", b"RIFF"),
    ("gif", "image/gif", b"GIF89a"),
    ("tif", "image/tiff", b"II"),
    ("avif", "image/avif", b"\0\0\0"),
    ("jxl", "image/jxl", &[0xff, 0x0a]),
    ("jp2", "image/jp2", b"\0\0\0\x0cjP"),
    ("pdf", "application/pdf", b"%PDF-"),
];

/// Pictures with which the answers are held against: red above, blue below left, white below right.
fn card() -> Vec<u8> {
    let image = image::RgbImage::from_fn(120, 80, |x, y| match (x < 60, y < 40) {
        (_, true) => image::Rgb([200, 20, 20]),
        (true, false) => image::Rgb([20, 20, 200]),
        (false, false) => image::Rgb([255, 255, 255]),
    });
    let mut bytes = Vec::new();
    image.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

/// The formats of `info.json`, those that the level implies included.
fn announced(server: &Server) -> Vec<String> {
    let info = server.get("/iiif/3/card.png/info.json").json();
    let extra = info["extraFormats"].as_array().expect("there are more than the level asks for");
    let mut formats = vec!["jpg".to_owned(), "png".to_owned()];
    formats.extend(extra.iter().map(|word| word.as_str().unwrap().to_owned()));
    let older = server.get("/iiif/2/card.png/info.json").json();
    assert_eq!(older["profile"][1]["formats"], info["extraFormats"], "both versions announce the same");
    formats
}

/// What another reader sees. For formats that the `image` crate does not read, the file is laid into the library and asked for
/// as PNG: our readers of AVIF, JPEG XL and JPEG 2000 are other libraries than the writers.
fn seen(library: &Library, server: &Server, format: &str, answer: &Answer) -> DynamicImage {
    if matches!(format, "jpg" | "png" | "webp" | "gif") {
        return answer.image();
    }
    if format == "tif" {
        return tiff_seen(answer).unwrap_or_else(|| answer.image());
    }
    let name = format!("back-{}.{format}", answer.header("etag").trim_matches('"'));
    library.put(&name, &answer.body);
    server.get(&format!("/iiif/3/{name}/full/max/0/default.png")).image()
}

/// Gray with opacity, which the `image` crate refuses in TIFF.
fn tiff_seen(answer: &Answer) -> Option<DynamicImage> {
    let mut decoder = tiff::decoder::Decoder::new(std::io::Cursor::new(&answer.body)).unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    let samples = decoder.get_tag_u32(tiff::tags::Tag::SamplesPerPixel).unwrap();
    let tiff::decoder::DecodingResult::U8(data) = decoder.read_image().unwrap() else { return None };
    if samples != 2 {
        return None;
    }
    Some(DynamicImage::ImageLumaA8(image::GrayAlphaImage::from_raw(width, height, data).unwrap()))
}

/// Programs of others that read a format, from `in.<format>` to `out.png`. PDF is drawn at the 300 dots per inch at which pictures
/// without a resolution are written.
const READERS: [(&str, &str, &[&str]); 9] = [
    ("jpg", "vips", &["copy", "in.jpg", "out.png"]),
    ("png", "vips", &["copy", "in.png", "out.png"]),
    ("webp", "vips", &["copy", "in.webp", "out.png"]),
    ("gif", "vips", &["copy", "in.gif", "out.png"]),
    ("tif", "vips", &["copy", "in.tif", "out.png"]),
    ("jxl", "djxl", &["in.jxl", "out.png"]),
    ("jp2", "opj_decompress", &["-i", "in.jp2", "-o", "out.png"]),
    ("pdf", "pdftoppm", &["-png", "-singlefile", "-r", "300", "in.pdf", "out"]),
    ("avif", "vips", &["copy", "in.avif", "out.png"]),
];

/// What the program for this format sees; `None` where it is not installed.
fn seen_by_others(format: &str, body: &[u8]) -> Option<DynamicImage> {
    let (_, program, arguments) = READERS.into_iter().find(|(word, ..)| *word == format).expect("a program for each");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(format!("in.{format}")), body).unwrap();
    let mut command = std::process::Command::new(program);
    match command.args(arguments).current_dir(folder.path()).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            recto_testkit::without_program(program, &format!("{format} is not read by another program"));
            None
        }
        ran => {
            let ran = ran.unwrap();
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert!(ran.status.success(), "{program} reads {format}: {said}");
            Some(
                image::open(folder.path().join("out.png")).unwrap_or_else(|error| panic!("{program}: {error}: {said}")),
            )
        }
    }
}

/// The three fields of the card.
#[derive(Clone, Copy, Debug)]
enum Field {
    Red,
    Blue,
    White,
}

/// Places on the card, each ten pixels from everything else, and what is there.
fn places() -> impl Iterator<Item = (u32, u32, Field)> {
    let places = (10..80).step_by(20).flat_map(|y| (10..120).step_by(20).map(move |x| (x, y)));
    places.map(|(x, y)| {
        let field = match (x < 60, y < 40) {
            (_, true) => Field::Red,
            (true, false) => Field::Blue,
            (false, false) => Field::White,
        };
        (x, y, field)
    })
}

/// Where a rotation takes a place of the card.
fn taken(rotation: &str, x: u32, y: u32) -> (u32, u32) {
    match rotation {
        "0" => (x, y),
        "!0" => (119 - x, y),
        "90" => (79 - y, x),
        degrees => {
            let (sin, cos) = degrees.parse::<f64>().unwrap().to_radians().sin_cos();
            // Clockwise around the centre, which stays in the centre; pixels are half a pixel from their corners.
            let (dx, dy) = (f64::from(x) + 0.5 - 60.0, f64::from(y) + 0.5 - 40.0);
            ((71.0 + dx * cos - dy * sin) as u32, (60.0 + dx * sin + dy * cos) as u32)
        }
    }
}

fn shown(field: Field, quality: &str) -> [u8; 3] {
    match (field, quality) {
        (Field::White, _) => [255; 3],
        (_, "bitonal") => [0; 3],
        // By the weights of luma.
        (Field::Red, "gray") => [74; 3],
        (Field::Blue, "gray") => [41; 3],
        (Field::Red, _) => [200, 20, 20],
        (Field::Blue, _) => [20, 20, 200],
    }
}

/// What is wrong with a picture of the card.
fn wrong(image: &DynamicImage, format: &str, quality: &str, rotation: &str) -> Option<String> {
    let size = match rotation {
        "0" | "!0" => (120, 80),
        "90" => (80, 120),
        _ => (142, 120),
    };
    if image.dimensions() != size {
        return Some(format!("{:?} pixels", image.dimensions()));
    }
    // Without loss, but for the rounding of another reader; with loss ten pixels away from every edge.
    let most = if matches!(format, "png" | "gif" | "tif" | "jxl") { 1 } else { 16 };
    let image = image.to_rgba8();
    for (x, y, field) in places() {
        let at = taken(rotation, x, y);
        let [color @ .., opacity] = image.get_pixel(at.0, at.1).0;
        let want = shown(field, quality);
        if opacity < 255 - most || color.iter().zip(want).any(|(made, want)| made.abs_diff(want) > most) {
            return Some(format!("{color:?} of opacity {opacity} at {at:?}, not {want:?}"));
        }
    }
    // In the corners of a turned picture is nothing, or the background.
    let clear = quality != "bitonal" && matches!(format, "png" | "gif" | "tif" | "jxl" | "webp" | "avif");
    let corner = image.get_pixel(0, 0).0;
    let is_right = if clear { corner[3] <= most } else { corner.iter().all(|sample| *sample >= 255 - most) };
    (rotation == "22.5" && !is_right).then(|| format!("{corner:?} in a corner"))
}

#[test]
fn d18_every_announced_format_is_given_in_every_quality_and_rotation_and_read_by_others() {
    let library = Library::new();
    library.put("card.png", &card());
    let server = library.serve(&[]);
    let formats = announced(&server);
    for word in ["avif", "jxl", "webp", "gif", "tif"] {
        assert!(formats.iter().any(|format| format == word), "{word} is announced: {formats:?}");
    }
    let mut problems = Vec::new();
    for format in &formats {
        let (_, media_type, magic) = KNOWN.into_iter().find(|(word, ..)| word == format).expect("a known format");
        for quality in ["default", "color", "gray", "bitonal"] {
            for rotation in ["0", "90", "!0", "22.5"] {
                let url = format!("/iiif/3/card.png/full/max/{rotation}/{quality}.{format}");
                let answer = server.get(&url);
                assert_eq!(answer.status, 200, "{url}: {}", answer.text());
                assert_eq!(answer.header("content-type"), media_type, "{url}");
                assert!(answer.body.starts_with(magic), "{url}");
                // Drawn again, our answers as PDF are pictures as well.
                let mut views = vec![("the tests' reader", seen(&library, &server, format, &answer))];
                // Where the tests' reader is the `image` crate, it is another program already; one more need not see all of it.
                if quality == "default" || !matches!(format.as_str(), "jpg" | "png" | "webp" | "gif" | "tif") {
                    views.extend(seen_by_others(format, &answer.body).map(|image| ("another program", image)));
                }
                problems.extend(views.iter().filter_map(|(who, image)| {
                    wrong(image, format, quality, rotation).map(|what| format!("{url} by {who}: {what}"))
                }));
            }
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    server.assert_clean_log();
}

/// The same picture in every format that can be made here, by file name; each is read exactly, but for those of `LOSSY`.
fn originals(server: &Server, rgb: &RgbImage) -> Vec<(&'static str, Vec<u8>)> {
    let (size, raw) = (Dimensions::new(rgb.width(), rgb.height()), rgb.as_raw().as_slice());
    let mut files = vec![
        ("psd.psd", rare::psd(size, raw)),
        ("fits.fits", rare::fits(size, raw)),
        ("xpm.xpm", rare::xpm(size, raw)),
        ("dcm.dcm", rare::dicom(size, raw)),
        ("exr.exr", rare::exr(size, raw)),
    ];
    let formats = [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp];
    for (name, format) in ["png.png", "tif.tif", "webp.webp", "gif.gif", "bmp.bmp"].into_iter().zip(formats) {
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::from(rgb.clone()).write_to(&mut bytes, format).unwrap();
        files.push((name, bytes.into_inner()));
    }
    for name in ["jp2.jp2", "jxl.jxl", "avif.avif"] {
        let (_, format) = name.split_once('.').unwrap();
        let answer = server.get(&format!("/iiif/3/made.png/full/max/0/default.{format}"));
        assert_eq!(answer.status, 200, "{format}: {}", answer.text());
        files.push((name, answer.body));
    }
    files
}

/// Coded with loss; GIF as the `image` crate writes it, with a palette of its own choice.
const LOSSY: [&str; 2] = ["avif.avif", "gif.gif"];

#[test]
fn originals_of_every_format_are_shown_and_are_pages_of_the_folder_in_which_they_lie() {
    let (library, size) = (Library::new(), Dimensions::new(70, 50));
    let rgb = RgbImage::from_raw(70, 50, recto_testkit::edges::rgb8(size)).unwrap();
    let mut made = std::io::Cursor::new(Vec::new());
    DynamicImage::from(rgb.clone()).write_to(&mut made, ImageFormat::Png).unwrap();
    library.put("made.png", &made.into_inner());
    let options = ["--set", "image.jp2_quality=100", "--set", "image.avif_quality=100"];
    let files = originals(&library.serve(&options), &rgb);
    for (name, bytes) in &files {
        library.put(&format!("book/{name}"), bytes);
    }
    let server = library.serve(&options);
    let manifest = server.get("/iiif/presentation/3/book/manifest").text();
    for (name, _) in &files {
        let identifier = format!("book%2F{name}");
        let image = server.get(&format!("/iiif/3/{identifier}/full/max/0/default.png")).image().to_rgb8();
        assert_eq!(image.dimensions(), (70, 50), "{name}");
        // The red of it alone is in FITS.
        let wanted = rgb.pixels().flat_map(|pixel| if *name == "fits.fits" { [pixel.0[0]; 3] } else { pixel.0 });
        let (far, mean) = recto_testkit::card::distance(image.as_raw(), &wanted.collect::<Vec<_>>());
        let is_right = if LOSSY.contains(name) { mean <= 4.0 } else { far <= 1 };
        assert!(is_right, "{name}: up to {far} levels off, {mean} on average");
    }
    let missing: Vec<_> =
        files.iter().map(|(name, _)| *name).filter(|name| !manifest.contains(&format!("book%2F{name}"))).collect();
    assert!(missing.is_empty(), "{missing:?} are no pages: {manifest}");
    server.assert_clean_log();
}

#[test]
fn what_a_format_cannot_hold_is_refused_with_a_way_out() {
    let library = Library::new();
    library.put_png("a.png", 400, 300);
    let server = library.serve(&[]);
    for (url, status, says) in [
        ("/iiif/3/a.png/full/^5000,5000/0/default.avif", 413, "16777216"),
        ("/iiif/3/a.png/full/1,200/0/default.jxl", 501, "larger size or another format"),
        ("/iiif/3/a.png/full/max/0/default.heic", 400, "heic"),
    ] {
        let answer = server.get(url);
        assert_eq!(answer.status, status, "{url}: {}", answer.text());
        assert!(answer.text().contains(says), "{url}: {}", answer.text());
    }
}

#[test]
fn nothing_is_negotiated_unless_it_is_switched_on() {
    let library = Library::new();
    library.put("card.png", &card());
    let server = library.serve(&[]);
    let url = "/iiif/3/card.png/full/max/0/default.jpg";
    let plain = server.get(url);
    let named = server.ask("GET", url, &[("Accept", "image/avif,image/webp")]);
    assert_eq!(named.header("content-type"), "image/jpeg");
    assert_eq!((named.header("etag"), named.header("vary")), (plain.header("etag"), ""));
}

#[test]
fn jpeg_gives_way_to_a_format_that_the_client_names() {
    let library = Library::new();
    library.put("card.png", &card());
    let server = library.serve(&["--set", "image.negotiate_format=true"]);
    let url = "/iiif/3/card.png/full/max/0/default.jpg";
    let mut tags = Vec::new();
    for (accept, media_type) in [
        ("*/*", "image/jpeg"),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "image/avif"),
        ("image/webp,*/*", "image/webp"),
        ("image/jxl", "image/jpeg"),
        ("image/avif;q=0.1, image/jpeg", "image/jpeg"),
    ] {
        let answer = server.ask("GET", url, &[("Accept", accept)]);
        assert_eq!(answer.status, 200, "{accept}: {}", answer.text());
        assert_eq!(answer.header("content-type"), media_type, "{accept}");
        assert_eq!(answer.header("vary"), "Accept", "{accept}");
        let link = answer.header("link");
        assert!(link.contains("/iiif/3/card.png/full/max/0/default.jpg>;rel=\"canonical\""), "{accept}: {link}");
        let (_, _, magic) = KNOWN.into_iter().find(|(_, known, _)| *known == media_type).unwrap();
        assert!(answer.body.starts_with(magic), "{accept}");
        let image = seen(&library, &server, if media_type == "image/avif" { "avif" } else { "jpg" }, &answer);
        assert_eq!(image.dimensions(), (120, 80), "{accept}");
        let head = server.ask("HEAD", url, &[("Accept", accept)]);
        assert_eq!((head.status, head.header("content-type")), (200, media_type), "{accept}");
        let etag = answer.header("etag").to_owned();
        let again = server.ask("GET", url, &[("Accept", accept), ("If-None-Match", &etag)]);
        assert_eq!((again.status, again.header("vary")), (304, "Accept"), "{accept}");
        assert_eq!(again.header("etag"), etag, "{accept}");
        tags.push((media_type, etag));
    }
    for (one, its) in &tags {
        for (other, others) in &tags {
            assert_eq!(one == other, its == others, "{one} and {other}");
        }
    }
    // The validator of one format is not that of another.
    let (_, avif) = tags.iter().find(|(media_type, _)| *media_type == "image/avif").unwrap();
    let other = server.ask("GET", url, &[("Accept", "*/*"), ("If-None-Match", avif)]);
    assert_eq!((other.status, other.header("content-type")), (200, "image/jpeg"));
    // The same picture has the same validator, however it was asked for.
    let direct = server.get("/iiif/3/card.png/full/max/0/default.avif");
    assert_eq!(direct.header("etag"), avif);
}

#[test]
fn only_plain_jpeg_is_negotiated_and_only_into_what_can_be_written() {
    let library = Library::new();
    library.put("card.png", &card());
    let options = ["--set", "image.negotiate_format=true", "--set", "image.negotiable_formats=[\"jxl\", \"avif\"]"];
    let server = library.serve(&options);
    let all = [("Accept", "image/avif,image/webp,image/jxl")];
    for (rest, media_type, varies) in [
        ("full/max/0/default.jpg", "image/jxl", true),
        ("full/^1,300/0/default.jpg", "image/jpeg", true),
        ("full/max/0/gray.jpg", "image/jpeg", false),
        ("full/max/0/default.png", "image/png", false),
        ("full/max/0/default.webp", "image/webp", false),
    ] {
        let answer = server.ask("GET", &format!("/iiif/3/card.png/{rest}"), &all);
        assert_eq!(answer.status, 200, "{rest}: {}", answer.text());
        assert_eq!(answer.header("content-type"), media_type, "{rest}");
        assert_eq!(answer.header("vary") == "Accept", varies, "{rest}");
    }
}
