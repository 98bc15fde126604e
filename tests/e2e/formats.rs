//! Every format that is announced is given, whatever else is asked for, and chosen by `Accept` where that is switched on.

use image::{DynamicImage, GenericImageView as _};

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

/// Programs of others that read what the `image` crate does not, from `in.<format>` to `out.png`. PDF is drawn at the 300 dots per
/// inch at which pictures without a resolution are written.
const READERS: [(&str, &str, &[&str]); 4] = [
    ("jxl", "djxl", &["in.jxl", "out.png"]),
    ("jp2", "opj_decompress", &["-i", "in.jp2", "-o", "out.png"]),
    ("pdf", "pdftoppm", &["-png", "-singlefile", "-r", "300", "in.pdf", "out"]),
    ("avif", "vips", &["copy", "in.avif", "out.png"]),
];

/// What the program for this format sees; `None` where there is no need of one, or none here.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen in the test's output")]
fn seen_by_others(format: &str, body: &[u8]) -> Option<DynamicImage> {
    let (_, program, arguments) = READERS.into_iter().find(|(word, ..)| *word == format)?;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(format!("in.{format}")), body).unwrap();
    let mut command = std::process::Command::new(program);
    match command.args(arguments).current_dir(folder.path()).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: {format} is not read by another program, as `{program}` is not installed");
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

#[test]
fn d18_every_announced_format_is_given_in_every_quality_and_rotation_and_read_by_others() {
    let library = Library::new();
    library.put("card.png", &card());
    let server = library.serve(&[]);
    let formats = announced(&server);
    for word in ["avif", "jxl", "webp", "gif", "tif"] {
        assert!(formats.iter().any(|format| format == word), "{word} is announced: {formats:?}");
    }
    for format in &formats {
        let (_, media_type, magic) = KNOWN.into_iter().find(|(word, ..)| word == format).expect("a known format");
        for quality in ["default", "color", "gray", "bitonal"] {
            for (rotation, size) in [("0", (120, 80)), ("90", (80, 120)), ("!0", (120, 80)), ("22.5", (142, 120))] {
                let url = format!("/iiif/3/card.png/full/max/{rotation}/{quality}.{format}");
                let answer = server.get(&url);
                assert_eq!(answer.status, 200, "{url}: {}", answer.text());
                assert_eq!(answer.header("content-type"), media_type, "{url}");
                assert!(answer.body.starts_with(magic), "{url}");
                // Drawn again, our answers as PDF are pictures as well.
                let mut views = vec![("the tests' reader", seen(&library, &server, format, &answer))];
                views.extend(seen_by_others(format, &answer.body).map(|image| ("another program", image)));
                for (who, image) in views {
                    assert_eq!(image.dimensions(), size, "{url} by {who}");
                    // A point well inside the red part, wherever the rotation takes it.
                    let (x, y) = match rotation {
                        "0" | "!0" => (30, 20),
                        "90" => (60, 30),
                        _ => (71, 35),
                    };
                    let [r, g, b, a] = image.to_rgba8().get_pixel(x, y).0;
                    let near = |want: [u8; 3]| [r, g, b].iter().zip(want).all(|(got, want)| got.abs_diff(want) <= 24);
                    let want = match quality {
                        "gray" => [58; 3],
                        "bitonal" => [0; 3],
                        _ => [200, 20, 20],
                    };
                    assert!(near(want) && a == 255, "{url} by {who}: {r},{g},{b},{a} instead of {want:?}");
                }
            }
        }
    }
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
