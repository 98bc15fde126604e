//! What is in a PDF, found by a reader of its structure and by the readers of others.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

mod support;

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::rc::Rc;

use recto_download::DownloadError;
use recto_download::fonts::Fonts;
use recto_download::pdf::{
    Bookmark, Cover, Document, Image, Orientation, PageFacts, PdfWriter, PixelKind, Resolution, Turn, Word,
};
use recto_iiif::presentation::ViewingDirection;
use recto_iiif::{Dimensions, Rect};
use support::Pdf;

fn facts(w: u32, h: u32) -> PageFacts {
    PageFacts { size: Some(Dimensions::new(w, h)), ..PageFacts::default() }
}

fn pixels(w: u32, h: u32, rows: &mut dyn Read) -> Image<'_> {
    Image::Pixels { size: Dimensions::new(w, h), kind: PixelKind::Rgb, rows }
}

fn saved(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    support::check(&path);
    (folder, path)
}

#[test]
fn pages_images_and_their_places_are_written() {
    let mut pdf = PdfWriter::new(Vec::new(), Document::default()).unwrap();
    let mut page = pdf.page(facts(300, 150));
    let rows = vec![7_u8; 300 * 150 * 3];
    page.image(Rect::new(0, 0, 300, 150), Orientation::Upright, pixels(300, 150, &mut &rows[..])).unwrap();
    page.link(Rect::new(0, 0, 150, 75), "https://example.org/ä(1)");
    page.finish().unwrap();
    let bytes = pdf.finish().unwrap();
    let read = Pdf::read(&bytes);
    read.check_references();
    let [page] = read.pages()[..] else { panic!() };
    assert!(read.text(page).contains("/MediaBox[0 0 144 72]"), "{}", read.text(page));
    assert!(read.text(page).contains("/Rect[0 36 72 72]/A<</S/URI/URI(https://example.org/%C3%A4\\(1\\))>>"));
    let content = String::from_utf8(read.stream(read.reference(page, "/Contents"))).unwrap();
    assert_eq!(content, "q 0.48 0 0 0.48 0 0 cm\nq 300 0 0 150 0 0 cm /I0 Do Q\nQ\n");
    assert_eq!(read.stream(read.reference(page, "/I0")), rows);
    saved("a.pdf", &bytes);
}

#[test]
fn names_of_pages_bookmarks_language_and_direction_are_found() {
    let bookmark = |level, label: &str, page| Bookmark { level, label: label.to_owned(), page: Some(page) };
    let document = Document {
        title: "Brief (1)".to_owned(),
        creators: vec!["Ada".to_owned(), "山田".to_owned()],
        rights: Some("http://creativecommons.org/licenses/by/4.0/".to_owned()),
        language: Some("he".to_owned()),
        identifier: Some("https://example.org/manifest".to_owned()),
        viewing_direction: Some(ViewingDirection::RightToLeft),
        resolution: Resolution::PixelsPerInch(72.0),
        bookmarks: vec![
            bookmark(0, "פרק", 0),
            bookmark(1, "第一章", 150),
            bookmark(0, "End", 199),
            bookmark(0, "Gone", 999),
        ],
    };
    let mut pdf = PdfWriter::new(Vec::new(), document).unwrap();
    let cover = Cover { label: "Brief".to_owned(), ..Cover::default() };
    pdf.cover(&cover, &Fonts::none()).unwrap();
    for number in 0..200 {
        let label = (number != 5).then(|| format!("f. {number}r א"));
        pdf.page(PageFacts { label, turn: Turn::Quarter, ..facts(100, 200) }).finish().unwrap();
    }
    assert_eq!(pdf.page_count(), 201);
    let bytes = pdf.finish().unwrap();
    let read = Pdf::read(&bytes);
    read.check_references();
    let pages = read.pages();
    assert_eq!(pages.len(), 201);
    assert!(read.text(pages[1]).contains("/Rotate 90"));
    let catalog = read.text(read.catalog());
    for part in ["/Lang(he)", "/ViewerPreferences<</Direction/R2L/DisplayDocTitle true>>", "/PageMode/UseOutlines"] {
        assert!(catalog.contains(part), "{part} in {catalog}");
    }
    let (_folder, path) = saved("a.pdf", &bytes);
    if let Some((_, out, _)) = support::run("qpdf", &["--json", path.to_str().unwrap()]) {
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let labels = &json["pagelabels"];
        assert_eq!(labels.as_array().unwrap().len(), 201);
        assert_eq!(labels[1]["label"]["/P"], "u:f. 0r א");
        assert_eq!(labels[6]["label"]["/P"], "u:6");
        let outlines = json["outlines"].as_array().unwrap();
        let told: Vec<_> =
            outlines.iter().map(|item| (item["title"].as_str(), item["destpageposfrom1"].as_u64())).collect();
        assert_eq!(told, [(Some("פרק"), Some(2)), (Some("End"), Some(201)), (Some("Gone"), None)]);
        assert_eq!(outlines[0]["kids"][0]["title"], "第一章");
        assert_eq!(outlines[0]["kids"][0]["destpageposfrom1"], 152);
    }
    if let Some((_, out, _)) = support::run("pdfinfo", &["-enc", "UTF-8", path.to_str().unwrap()]) {
        let out = String::from_utf8(out).unwrap();
        for part in ["Brief (1)", "Ada; 山田", "Pages:           201", "1.7"] {
            assert!(out.contains(part), "{part} in {out}");
        }
    }
}

#[test]
fn the_same_input_is_the_same_file_and_another_object_has_another_identifier() {
    let make = |identifier: &str| {
        let document = Document { identifier: Some(identifier.to_owned()), ..Document::default() };
        let mut pdf = PdfWriter::new(Vec::new(), document).unwrap();
        let mut page = pdf.page(facts(10, 10));
        page.words(&[Word { text: "x", x: 0.0, y: 0.0, w: 5.0, h: 5.0 }]).unwrap();
        page.finish().unwrap();
        pdf.finish().unwrap()
    };
    assert_eq!(make("a"), make("a"));
    let identifier = |bytes: &[u8]| Pdf::read(bytes).trailer.split("/ID[").nth(1).unwrap().to_owned();
    assert_ne!(identifier(&make("a")), identifier(&make("b")));
}

#[test]
fn sizes_are_within_what_readers_take() {
    for (size, resolution, media, unit) in [
        ((1000, 500), Resolution::PixelsPerInch(100.0), "0 0 720 360", None),
        ((1000, 500), Resolution::Fit { width_pt: 595.0, height_pt: 842.0 }, "0 0 595 297.5", None),
        ((100_000, 50_000), Resolution::PixelsPerInch(72.0), "0 0 14285.71429 7142.85714", Some(7)),
        ((1, 1), Resolution::PixelsPerInch(300.0), "0 0 3 3", None),
        ((300, 150), Resolution::PixelsPerInch(f64::NAN), "0 0 144 72", None),
    ] {
        let document = Document { resolution, ..Document::default() };
        let mut pdf = PdfWriter::new(Vec::new(), document).unwrap();
        pdf.page(facts(size.0, size.1)).finish().unwrap();
        let read = Pdf::read(&pdf.finish().unwrap());
        let text = read.text(read.pages()[0]);
        assert!(text.contains(&format!("/MediaBox[{media}]")), "{text}");
        assert_eq!(text.contains("/UserUnit"), unit.is_some(), "{text}");
    }
}

#[test]
fn a_refused_image_leaves_the_page_for_a_notice() {
    let mut pdf = PdfWriter::new(Vec::new(), Document::default()).unwrap();
    let mut page = pdf.page(facts(600, 800));
    for image in [Image::Jpeg(b"no"), Image::Jpeg2000(b"no")] {
        let refused = page.image(Rect::new(0, 0, 600, 800), Orientation::Upright, image).unwrap_err();
        assert!(matches!(refused, DownloadError::Image { .. }), "{refused}");
    }
    page.notice("This page is restricted.\nЭта страница недоступна.", &Fonts::none()).unwrap();
    page.finish().unwrap();
    let (_folder, path) = saved("a.pdf", &pdf.finish().unwrap());
    if let Some(text) = support::found_text(&path) {
        assert!(text.contains("This page is restricted.") && text.contains("Эта страница недоступна."), "{text}");
    }
}

#[test]
fn without_pages_there_is_an_empty_one() {
    let bytes = PdfWriter::new(Vec::new(), Document::default()).unwrap().finish().unwrap();
    assert_eq!(Pdf::read(&bytes).pages().len(), 1);
    saved("a.pdf", &bytes);
}

/// Counts what goes through it.
struct Count(Rc<Cell<usize>>);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_page_has_left_before_the_next_is_asked_for() {
    let count = Rc::new(Cell::new(0));
    let mut pdf = PdfWriter::new(Count(Rc::clone(&count)), Document::default()).unwrap();
    assert!(count.get() > 0);
    let mut last = count.get();
    for _ in 0..3 {
        let mut page = pdf.page(facts(100, 100));
        let mut rng = recto_testkit::Rng::new(1);
        let noise: Vec<u8> = (0..30_000).map(|_| rng.next_u64() as u8).collect();
        page.image(Rect::new(0, 0, 100, 100), Orientation::Upright, pixels(100, 100, &mut &noise[..])).unwrap();
        assert!(count.get() > last + 10_000, "an image leaves at once");
        page.finish().unwrap();
        last = count.get();
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_writing() {
    struct Gone(usize);
    impl Write for Gone {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut pdf = PdfWriter::new(Gone(2000), Document::default()).unwrap();
    let error = (0..100).find_map(|_| pdf.page(facts(9, 9)).finish().err()).unwrap();
    assert!(matches!(error, DownloadError::Write(error) if error.kind() == io::ErrorKind::BrokenPipe));
}

/// A JPEG file as far as its headers, with a profile.
fn jpeg_with_profile(mark: u8) -> Vec<u8> {
    let mut profile = vec![mark; 200];
    profile[16..20].copy_from_slice(b"RGB ");
    profile[36..40].copy_from_slice(b"acsp");
    let mut file = vec![0xff, 0xd8, 0xff, 0xe2, 0, 216];
    file.extend(b"ICC_PROFILE\0\x01\x01");
    file.extend(profile);
    file.extend([0xff, 0xc0, 0, 17, 8, 0, 9, 0, 9, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 0xff, 0xda, 0, 2]);
    file
}

#[test]
fn a_profile_is_written_once_for_all_images_that_have_it() {
    let mut pdf = PdfWriter::new(Vec::new(), Document::default()).unwrap();
    for mark in [1, 2, 1, 1, 2] {
        let mut page = pdf.page(facts(9, 9));
        page.image(Rect::new(0, 0, 9, 9), Orientation::Upright, Image::Jpeg(&jpeg_with_profile(mark))).unwrap();
        page.finish().unwrap();
    }
    let read = Pdf::read(&pdf.finish().unwrap());
    read.check_references();
    let profiles: Vec<u32> = read
        .pages()
        .into_iter()
        .map(|page| read.reference(read.reference(page, "/I0"), "/ColorSpace[/ICCBased"))
        .collect();
    assert_eq!(profiles, [profiles[0], profiles[1], profiles[0], profiles[0], profiles[1]]);
    assert_ne!(profiles[0], profiles[1]);
    assert!(read.text(profiles[0]).contains("/N 3/Alternate/DeviceRGB"));
    assert_eq!(read.stream(profiles[1])[0], 2);
}

#[test]
fn a_notice_on_many_pages_is_set_once() {
    let mut pdf = PdfWriter::new(Vec::new(), Document::default()).unwrap();
    let fonts = Fonts::installed();
    for _ in 0..100 {
        let mut page = pdf.page(facts(600, 800));
        page.notice("Diese Seite ist nicht zugänglich.", &fonts).unwrap();
        page.finish().unwrap();
    }
    let read = Pdf::read(&pdf.finish().unwrap());
    read.check_references();
    let font_objects = read.objects.keys().filter(|number| read.text(**number).contains("/Type/Font/"));
    assert!(font_objects.count() <= 2);
    assert_eq!(read.pages().len(), 100);
}

#[test]
fn five_thousand_pages_are_in_a_tree_of_three_levels() {
    let mut pdf = PdfWriter::new(Vec::new(), Document::default()).unwrap();
    for _ in 0..5000 {
        pdf.page(facts(10, 10)).finish().unwrap();
    }
    let read = Pdf::read(&pdf.finish().unwrap());
    assert_eq!(read.pages().len(), 5000);
    let root = read.reference(read.catalog(), "/Pages");
    assert!(read.text(root).contains("/Count 5000/Kids["));
    assert!(read.text(root).matches(" 0 R").count() == 2);
}
