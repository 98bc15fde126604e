//! What readers of PDF draw and find: pixels, seams, turns, text in many scripts. Where none is installed, nothing is checked.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

mod support;

use std::path::{Path, PathBuf};

use recto_download::fonts::Fonts;
use recto_download::pdf::{
    Cover, Document, FaxCode, Image, Orientation, PageFacts, PageWriter, PdfWriter, PixelKind, Resolution, Word,
};
use recto_iiif::{Dimensions, Rect};

type Page<'a> = PageWriter<'a, Vec<u8>>;

/// A file of one page of this size, a pixel to a point, with what `fill` puts on it.
fn file(w: u32, h: u32, fill: impl FnOnce(&mut Page<'_>)) -> (tempfile::TempDir, PathBuf) {
    let document = Document { resolution: Resolution::PixelsPerInch(72.0), ..Document::default() };
    let mut pdf = PdfWriter::new(Vec::new(), document).unwrap();
    let facts = PageFacts { size: Some(Dimensions::new(w, h)), ..PageFacts::default() };
    let mut page = pdf.page(facts);
    fill(&mut page);
    page.finish().unwrap();
    saved(&pdf.finish().unwrap())
}

fn saved(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pdf");
    std::fs::write(&path, bytes).unwrap();
    support::check(&path);
    (folder, path)
}

const READERS: [&str; 2] = ["poppler", "mupdf"];

#[test]
fn the_eight_orientations_are_drawn_as_exif_means_them() {
    // Four colours, as two rows of two, each 20 pixels wide.
    let (red, green, blue, white) = ([255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]);
    let rows: Vec<u8> = (0..40)
        .flat_map(|y| {
            (0..40).flat_map(move |x| match (x < 20, y < 20) {
                (true, true) => red,
                (false, true) => green,
                (true, false) => blue,
                (false, false) => white,
            })
        })
        .collect();
    // Top left, top right, bottom left, bottom right as they have to be seen.
    for (exif, seen) in [
        (1, [red, green, blue, white]),
        (2, [green, red, white, blue]),
        (3, [white, blue, green, red]),
        (4, [blue, white, red, green]),
        (5, [red, blue, green, white]),
        (6, [blue, red, white, green]),
        (7, [white, green, blue, red]),
        (8, [green, white, red, blue]),
    ] {
        let (_folder, path) = file(40, 40, |page| {
            let image = Image::Pixels { size: Dimensions::new(40, 40), kind: PixelKind::Rgb, rows: &mut &rows[..] };
            page.image(Rect::new(0, 0, 40, 40), Orientation::from_exif(exif), image).unwrap();
        });
        for by in READERS {
            let Some((w, _, pixels)) = support::drawn(&path, 1, 72, by) else { continue };
            let at = |x: usize, y: usize| <[u8; 3]>::try_from(&pixels[(y * w + x) * 3..][..3]).unwrap();
            assert_eq!([at(9, 9), at(29, 9), at(9, 29), at(29, 29)], seen, "{exif} by {by}");
        }
    }
}

#[test]
fn tiles_have_no_seams_at_any_scale() {
    let black = vec![0; 256 * 256];
    let (_folder, path) = file(1000, 777, |page| {
        for y in (0..777).step_by(256) {
            for x in (0..1000).step_by(256) {
                let (w, h) = (256.min(1000 - x), 256.min(777 - y));
                let image = Image::Pixels { size: Dimensions::new(w, h), kind: PixelKind::Gray, rows: &mut &black[..] };
                page.image(Rect::new(x, y, w, h), Orientation::Upright, image).unwrap();
            }
        }
    });
    for by in READERS {
        for dpi in [72, 50, 37, 91, 113] {
            let Some((w, h, pixels)) = support::drawn(&path, 1, dpi, by) else { continue };
            // The outermost pixels are covered in part.
            for y in 1..h - 1 {
                let row = &pixels[(y * w + 1) * 3..(y * w + w - 1) * 3];
                assert!(row.iter().all(|value| *value == 0), "a seam in row {y} at {dpi} dpi by {by}");
            }
        }
    }
}

#[test]
fn bits_are_black_where_they_say() {
    let rows = [0b1111_0000_u8; 8];
    for (kind, left) in [(PixelKind::Bilevel, 255), (PixelKind::BilevelInverted, 0)] {
        let (_folder, path) = file(8, 8, |page| {
            let image = Image::Pixels { size: Dimensions::new(8, 8), kind, rows: &mut &rows[..] };
            page.image(Rect::new(0, 0, 8, 8), Orientation::Upright, image).unwrap();
        });
        for by in READERS {
            let Some((_, _, pixels)) = support::drawn(&path, 1, 72, by) else { continue };
            assert_eq!((pixels[0], pixels[7 * 3]), (left, 255 - left), "{by}");
        }
    }
}

fn data(path: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(recto_testkit::data_dir()?.join(path)).unwrap())
}

/// Mean of all samples.
fn mean(pixels: &[u8]) -> f64 {
    pixels.iter().map(|value| f64::from(*value)).sum::<f64>() / pixels.len() as f64
}

#[test]
fn stored_files_are_drawn_alike_by_all_readers_and_their_bytes_are_untouched() {
    for (name, mean_of_samples) in [
        ("starter/book-1555-page-003.jpg", 91.0),
        ("images/derived/grey.jpg", 124.0),
        ("images/derived/progressive.jpg", 122.0),
        ("images/derived/icc-DisplayP3-v4.jpg", 122.0),
        ("images/derived/cmyk.jpg", 125.0),
        ("pdf-and-hocr/baiona_cmyk.jpg", 237.0),
        ("images/derived/page-lossy-onetile-lrcp.jp2", 138.0),
        ("images/derived/crop-raw-codestream.j2k", 123.0),
    ] {
        let Some(bytes) = data(name) else { return };
        let is_jpeg = name.ends_with("jpg");
        let (_folder, path) = file(300, 400, |page| {
            let image = if is_jpeg { Image::Jpeg(&bytes) } else { Image::Jpeg2000(&bytes) };
            page.image(Rect::new(0, 0, 300, 400), Orientation::Upright, image).unwrap();
        });
        let whole = std::fs::read(&path).unwrap();
        assert!(support::find(&whole, &bytes).is_some(), "{name} is in the file as it was");
        for by in READERS {
            let Some((_, _, pixels)) = support::drawn(&path, 1, 72, by) else { continue };
            let mean = mean(&pixels);
            assert!((mean - mean_of_samples).abs() < 10.0, "{name} is {mean} by {by}");
        }
    }
}

/// The first page of a TIFF file in fax code: size, whether 1 means white, and its strips with their rows.
fn fax_page(tiff: &[u8]) -> (Dimensions, bool, Vec<(u32, Vec<u8>)>) {
    let short = |at: usize| u16::from_le_bytes(tiff[at..at + 2].try_into().unwrap());
    let long = |at: usize| u32::from_le_bytes(tiff[at..at + 4].try_into().unwrap());
    let directory = long(4) as usize;
    let values = |tag: u16| -> Vec<u32> {
        for entry in 0..short(directory) as usize {
            let at = directory + 2 + 12 * entry;
            if short(at) != tag {
                continue;
            }
            let (count, wide) = (long(at + 4) as usize, short(at + 2) == 4);
            let size = if wide { 4 } else { 2 };
            let start = if count * size <= 4 { at + 8 } else { long(at + 8) as usize };
            return (0..count).map(|i| if wide { long(start + 4 * i) } else { short(start + 2 * i).into() }).collect();
        }
        Vec::new()
    };
    assert_eq!(values(259), [4]);
    let size = Dimensions::new(values(256)[0], values(257)[0]);
    let rows = values(278).first().copied().unwrap_or(size.height_px);
    let mut strips = Vec::new();
    let mut top = 0;
    for (offset, length) in values(273).into_iter().zip(values(279)) {
        let height = rows.min(size.height_px - top);
        strips.push((height, tiff[offset as usize..(offset + length) as usize].to_vec()));
        top += height;
    }
    (size, values(262) == [1], strips)
}

#[test]
fn fax_code_is_drawn_black_on_white() {
    let Some(tiff) = data("images/derived/multipage-g4.tif") else { return };
    let (size, inverted, strips) = fax_page(&tiff);
    let (_folder, path) = file(size.width_px, size.height_px, |page| {
        let mut top = 0;
        for (height, bytes) in &strips {
            let image = Image::Fax {
                size: Dimensions::new(size.width_px, *height),
                code: FaxCode::Group4,
                byte_aligned: false,
                inverted,
                bytes,
            };
            page.image(Rect::new(0, top, size.width_px, *height), Orientation::Upright, image).unwrap();
            top += height;
        }
    });
    for by in READERS {
        let Some((_, _, pixels)) = support::drawn(&path, 1, 72, by) else { continue };
        let mean = mean(&pixels);
        assert!((150.0..250.0).contains(&mean), "{mean} by {by}");
    }
}

/// Words of many scripts, each line in the order in which it is read.
const LINES: [&[&str]; 9] = [
    &["Cafe\u{301}", "naïve", "ﬁn", "(a)"],
    &["Ελληνικά", "κείμενο"],
    &["Русский", "текст"],
    &["שלום", "עולם"],
    &["مرحبا", "بالعالم"],
    &["漢字", "仮名交じり"],
    &["한국어", "글"],
    &["हिन्दी", "पाठ"],
    &["𝔊𝔯𝔢𝔢𝔨", "😀"],
];

#[test]
fn text_of_every_script_is_found_where_it_stands() {
    let (_folder, path) = file(800, 600, |page| {
        let mut words = Vec::new();
        for (row, line) in LINES.iter().enumerate() {
            let is_rtl = matches!(row, 3 | 4);
            for (column, text) in line.iter().enumerate() {
                let x = if is_rtl { 600.0 - 200.0 * column as f64 } else { 100.0 + 190.0 * column as f64 };
                words.push(Word { text, x, y: 30.0 + 60.0 * row as f64, w: 170.0, h: 40.0 });
            }
        }
        page.words(&words).unwrap();
    });
    if let Some(text) = support::found_text(&path) {
        for line in LINES {
            let missing: Vec<&&str> = line.iter().filter(|word| !text.contains(**word)).collect();
            assert!(missing.is_empty(), "{missing:?} in {text}");
        }
        assert!(text.contains("Ελληνικά κείμενο"), "{text}");
    }
    // This one takes ligatures apart, and its older versions leave text from right to left as it is seen.
    if let Some((_, out, _)) = support::run("mutool", &["draw", "-q", "-F", "text", "-o", "-", path.to_str().unwrap()])
    {
        let text = String::from_utf8(out).unwrap().replace("fin", "ﬁn");
        for line in LINES.iter().enumerate().filter(|(row, _)| !matches!(row, 3 | 4)).map(|(_, line)| line) {
            let missing: Vec<&&str> = line.iter().filter(|word| !text.contains(**word)).collect();
            assert!(missing.is_empty(), "{missing:?} in {text}");
        }
    }
    // The boxes that a reader finds are those that were given.
    if let Some((_, out, _)) = support::run("pdftotext", &["-bbox", path.to_str().unwrap(), "-"]) {
        let out = String::from_utf8(out).unwrap();
        let line = out.lines().find(|line| line.contains(">текст<")).unwrap_or_else(|| panic!("{out}"));
        let edge = |name: &str| {
            let value = line.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
            value.parse::<f64>().unwrap()
        };
        for (name, want) in [("xMin", 290.0), ("xMax", 460.0), ("yMin", 150.0), ("yMax", 190.0)] {
            assert!((edge(name) - want).abs() < 0.5, "{name} in {line}");
        }
    }
    // Nothing of it is seen.
    for by in READERS {
        let Some((_, _, pixels)) = support::drawn(&path, 1, 72, by) else { continue };
        assert!(pixels.iter().all(|value| *value == 255), "{by}");
    }
}

#[test]
fn words_that_run_downwards_are_found() {
    let (_folder, path) = file(400, 400, |page| {
        let word = |text, x, h| Word { text, x, y: 40.0, w: 30.0, h };
        page.words(&[word("縦書きの本文", 300.0, 180.0), word("spine", 100.0, 200.0)]).unwrap();
    });
    if let Some(text) = support::found_text(&path) {
        assert!(text.contains("縦書きの本文") && text.contains("spine"), "{text}");
    }
}

fn cover() -> Cover {
    Cover {
        label: "Письма Гёте — گلستان".to_owned(),
        summary: Some("<p>A summary with <b>simple</b> &amp; short HTML.</p>".to_owned()),
        metadata: vec![
            ("Creator".to_owned(), "Johann Wolfgang von Goethe".to_owned()),
            ("Ort".to_owned(), "Weimar / Βαϊμάρη".to_owned()),
            ("Long".to_owned(), "many words ".repeat(80)),
        ],
        required_statement: Some(("Attribution".to_owned(), "Provided by Example Library".to_owned())),
        rights: Some(("Rights".to_owned(), "http://creativecommons.org/publicdomain/mark/1.0/".to_owned())),
        link: Some(("Online".to_owned(), "https://example.org/objects/1".to_owned())),
        note: Some("Pages 1–3 of 12".to_owned()),
        ..Cover::default()
    }
}

fn check_cover(path: &Path) {
    if let Some(text) = support::found_text(path) {
        for part in [
            "Письма Гёте",
            "A summary with simple & short HTML.",
            "Johann Wolfgang von Goethe",
            "Weimar / Βαϊμάρη",
            "Provided by Example Library",
            "publicdomain/mark/1.0/",
            "Pages 1–3 of 12",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
    for by in READERS {
        let Some((_, _, pixels)) = support::drawn(path, 1, 72, by) else { continue };
        assert!((200.0..254.5).contains(&mean(&pixels)), "{} by {by}", mean(&pixels));
    }
}

#[test]
fn a_first_page_says_what_it_is_in_any_script_with_fonts_and_without() {
    for fonts in [Fonts::installed(), Fonts::none()] {
        let mut pdf = PdfWriter::new(Vec::new(), Document::default()).unwrap();
        pdf.cover(&cover(), &fonts).unwrap();
        let bytes = pdf.finish().unwrap();
        let read = support::Pdf::read(&bytes);
        read.check_references();
        assert!(read.text(read.pages()[0]).contains("/URI(https://example.org/objects/1)"));
        let (_folder, path) = saved(&bytes);
        check_cover(&path);
    }
}

#[test]
fn a_first_page_with_much_to_say_becomes_several() {
    let metadata = (0..120).map(|at| (format!("Label {at}"), format!("value {at}"))).collect();
    let mut pdf = PdfWriter::new(Vec::new(), Document::default()).unwrap();
    pdf.cover(&Cover { metadata, ..cover() }, &Fonts::none()).unwrap();
    assert_eq!(pdf.page_count(), 7);
    let (_folder, path) = saved(&pdf.finish().unwrap());
    if let Some(text) = support::found_text(&path) {
        assert!(text.contains("value 119") && text.contains("Pages 1–3 of 12"), "{text}");
    }
}
