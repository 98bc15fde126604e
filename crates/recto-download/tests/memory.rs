//! A thousand pages take the memory of one. Alone in its process, since the peak is that of the process.

use std::io::Read as _;

use peak_alloc::PeakAlloc;
use recto_download::pdf::{Document, Image, Orientation, PageFacts, PdfWriter, PixelKind, Word};
use recto_download::zip::{Method, ZipWriter};
use recto_iiif::{Dimensions, Rect};

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// A JPEG file as far as its headers, with noise behind them.
fn jpeg(bytes: usize) -> Vec<u8> {
    let mut file =
        vec![0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 100, 0, 100, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 0xff, 0xda, 0, 2];
    file.resize(bytes, 0x55);
    file
}

#[test]
fn memory_is_flat_over_a_thousand_pages() {
    let file = jpeg(200_000);
    let size = Dimensions::new(100, 100);
    let mut words = Vec::new();
    (0..500).for_each(|at| words.push(Word { text: "wort", x: f64::from(at % 50), y: f64::from(at), w: 3.0, h: 1.0 }));
    let mut pdf = PdfWriter::new(std::io::sink(), Document::default()).unwrap();
    PEAK.reset_peak_usage();
    let before = PEAK.current_usage();
    for number in 0..1000 {
        let facts = PageFacts { size: Some(size), label: Some(format!("f. {number}")), ..PageFacts::default() };
        let mut page = pdf.page(facts);
        page.image(Rect::new(0, 0, 100, 50), Orientation::Upright, Image::Jpeg(&file)).unwrap();
        // Nine megabytes of pixels, of which none are kept.
        let mut rows = std::io::repeat(9).take(3_000_000);
        let big = Image::Pixels { size: Dimensions::new(1000, 1000), kind: PixelKind::Rgb, rows: &mut rows };
        if number % 100 == 0 {
            page.image(Rect::new(0, 50, 100, 50), Orientation::Upright, big).unwrap();
        }
        page.words(&words).unwrap();
        page.finish().unwrap();
    }
    let held = PEAK.current_usage() - before;
    let peak = PEAK.peak_usage() - before;
    assert!(held < 200_000, "{held} bytes are held after a thousand pages");
    assert!(peak < 1_500_000, "{peak} bytes at most");
    pdf.finish().unwrap();

    let mut zip = ZipWriter::new(std::io::sink());
    PEAK.reset_peak_usage();
    let before = PEAK.current_usage();
    for _ in 0..1000 {
        zip.bytes("page.jpg", Method::Store, &file).unwrap();
        zip.stream("page.raw", Method::Deflate, &mut std::io::repeat(9).take(100_000)).unwrap();
    }
    let peak = PEAK.peak_usage() - before;
    assert!(peak < 1_500_000, "{peak} bytes at most");
    zip.finish().unwrap();
}
