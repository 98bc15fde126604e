//! D19: samples of 16 bits over HTTP: exactly those of the original where that is switched on, and the nearest of 8 bits elsewhere.

use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, Rgb};

use crate::support::{Answer, Library, Server};

/// Every value of 16 bits once.
fn ramp() -> ImageBuffer<Luma<u16>, Vec<u16>> {
    ImageBuffer::from_raw(256, 256, (0..=u16::MAX).collect()).unwrap()
}

/// Colours whose high bytes and low bytes all differ from their neighbours'.
fn colors() -> ImageBuffer<Rgb<u16>, Vec<u16>> {
    ImageBuffer::from_fn(90, 60, |x, y| Rgb([x * 701 + y, y * 1013 + x * 3, (x * 257) ^ (y * 771)].map(|v| v as u16)))
}

fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn served(options: &[&str]) -> (Library, Server) {
    let library = Library::new();
    library.put("ramp.png", &png(&ramp().into())).put("colors.png", &png(&colors().into()));
    let server = library.serve(options);
    (library, server)
}

/// The samples of an answer in 16 bits; none when it has 8.
fn samples(answer: &Answer) -> Vec<u16> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    match image::load_from_memory(&answer.body).unwrap() {
        DynamicImage::ImageLuma16(image) => image.into_raw(),
        DynamicImage::ImageRgb16(image) => image.into_raw(),
        _ => Vec::new(),
    }
}

#[test]
fn d19_samples_of_16_bits_come_back_exactly_where_they_are_kept() {
    let (library, server) = served(&["--set", "image.depth=stored", "--set", "image.jp2_quality=100"]);
    for (file, want) in [("ramp.png", ramp().into_raw()), ("colors.png", colors().into_raw())] {
        for format in ["png", "tif"] {
            let answer = server.get(&format!("/iiif/3/{file}/full/max/0/default.{format}"));
            assert!(samples(&answer) == want, "{file} as {format}");
        }
        // What the tests' reader does not know is laid into the library and asked for as PNG.
        for format in ["jp2", "jxl"] {
            let answer = server.get(&format!("/iiif/3/{file}/full/max/0/default.{format}"));
            assert_eq!(answer.status, 200, "{file} as {format}: {}", answer.text());
            let name = format!("back-{file}.{format}");
            library.put(&name, &answer.body);
            let back = server.get(&format!("/iiif/3/{name}/full/max/0/default.png"));
            assert!(samples(&back) == want, "{file} as {format} and back");
        }
    }
    // A part of it, turned and in version 2 as well.
    let part = server.get("/iiif/2/ramp.png/10,20,30,40/full/180/default.png");
    let want = (20..60).rev().flat_map(|y| (10..40).rev().map(move |x| (y * 256 + x) as u16));
    assert_eq!(samples(&part), want.collect::<Vec<_>>());
    // What has no room for them has 8.
    assert!(samples(&server.get("/iiif/3/ramp.png/full/max/0/default.webp")).is_empty());
    server.assert_clean_log();
}

#[test]
fn d19_answers_of_8_bits_are_the_nearest_and_never_fall() {
    let (_library, server) = served(&[]);
    for format in ["png", "tif"] {
        let answer = server.get(&format!("/iiif/3/ramp.png/full/max/0/default.{format}"));
        assert!(samples(&answer).is_empty(), "{format} has 8 bits");
        let shades = answer.image().to_luma8().into_raw();
        assert!(shades.is_sorted(), "{format}");
        for (value, shade) in (0..=u16::MAX).zip(&shades) {
            let exact = f64::from(value) / 257.0;
            assert!((f64::from(*shade) - exact).abs() <= 1.0, "{format}: {shade} for {value}");
        }
    }
    server.assert_clean_log();
}
