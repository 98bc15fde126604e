//! How large a page is, what a part of it costs, and what pages of one file share.

use recto_codec::{Control, DecodeRequest, MemoryAccess, OpenOptions, open, read_raster};
use recto_iiif::Dimensions;

use super::{open_bytes, read_level};
use crate::counted::Counted;
use crate::fixtures::pdf::{file, one_page, stream};

/// A file of so many pages, the first of them blank, the others ever darker.
fn book(pages: u32) -> Vec<u8> {
    let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", 3 + page * 2)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{}] /Count {pages} /MediaBox [0 0 24 24] >>", kids.join(" ")).into_bytes(),
    ];
    for page in 0..pages {
        objects.push(format!("<< /Type /Page /Parent 2 0 R /Contents {} 0 R >>", 4 + page * 2).into_bytes());
        let gray = 1.0 - f64::from(page) / f64::from(pages);
        objects.push(stream("", format!("{gray:.4} g 0 0 24 24 re f").as_bytes()));
    }
    file(&objects)
}

#[test]
fn d20_a_document_is_read_whole_once_and_shared_by_its_pages() {
    let bytes = book(50);
    let options = OpenOptions::default();
    // How many bytes are read for a page.
    let open_page = |page: u32, version: Option<u128>| {
        let source = Counted::of(MemoryAccess::new(bytes.as_slice()), 0, version);
        let decoder = open(source.clone(), &OpenOptions { page, ..options.clone() }).unwrap();
        let gray = read_level(decoder.as_ref(), 0).unwrap().data()[0];
        let want = 255.0 * (1.0 - f64::from(page - 1) / 50.0);
        assert!((f64::from(gray) - want).abs() <= 1.0, "page {page}: {gray} instead of {want}");
        source.spent().1
    };
    let length = bytes.len() as u64;
    assert!(open_page(1, Some(7)) >= length, "the file is read");
    // What is looked at to find the format is read for every page.
    let others: u64 = (2..=50).map(|page| open_page(page, Some(7))).sum();
    assert!(others <= 49 * 1024, "and then not again: {others} bytes");
    assert!(open_page(2, Some(8)) >= length, "another version is another file");
    assert!(open_page(2, None) >= length, "without a version nothing is shared");
}

#[test]
fn a_page_is_as_large_as_its_crop_box_its_turn_and_its_unit_say() {
    for (entries, size) in [
        ("/MediaBox [0 0 60 48]", (250, 200)),
        ("/MediaBox [0 0 60 48] /Rotate 90", (200, 250)),
        ("/MediaBox [0 0 60 48] /Rotate -90", (200, 250)),
        ("/MediaBox [0 0 60 48] /CropBox [12 12 36 24]", (100, 50)),
        ("/MediaBox [0 0 60 48] /CropBox [12 12 360 24]", (200, 50)),
        ("/MediaBox [0 0 60 48] /UserUnit 2", (500, 400)),
        ("/MediaBox [60 48 0 0]", (250, 200)),
        // 2 m by 1 m, and what nobody prints.
        ("/MediaBox [0 0 5669.3 2834.6]", (14142, 7071)),
        ("/MediaBox [0 0 1000000000 1000000000]", (10_000, 10_000)),
    ] {
        let bytes = one_page(entries, "", &[]);
        let decoder = open_bytes(&bytes, &OpenOptions::default()).unwrap_or_else(|error| panic!("{entries}: {error}"));
        assert_eq!(decoder.facts().stored_size(), Dimensions::new(size.0, size.1), "{entries}");
    }
    let half = OpenOptions { document_dpi: 150.0, ..OpenOptions::default() };
    let decoder = open_bytes(&one_page("/MediaBox [0 0 60 48]", "", &[]), &half).unwrap();
    assert_eq!(decoder.facts().stored_size(), Dimensions::new(125, 100));
    assert_eq!(decoder.facts().dpi, Some((150.0, 150.0)));
}

#[test]
fn d20_a_tile_of_a_page_of_two_metres_costs_a_tile() {
    let content = "1 0 0 rg 0 0 2835 2835 re f 0 0 1 rg 2835 0 2835 2835 re f";
    let bytes = one_page("/MediaBox [0 0 5670 2835]", content, &[]);
    let decoder = open_bytes(&bytes, &OpenOptions::default()).unwrap();
    let size = decoder.facts().stored_size();
    assert!(size.area_px() > 99_000_000, "{size}");
    let region = recto_iiif::Rect::new(size.width_px / 2 - 256, 3000, 512, 512);
    let wanted = DecodeRequest { level: 0, region, denominator: 1 };
    let held = decoder.cost(&wanted).bytes_held;
    assert!(held < 40 << 20, "{held} bytes");
    let mut answer = None;
    let peak = crate::memory::peak_bytes(|| {
        answer = Some(read_raster(decoder.as_ref(), &wanted, &Control::default()).unwrap().0);
    });
    assert!(peak <= held, "{peak} of {held} bytes");
    let raster = answer.unwrap();
    assert_eq!((&raster.row(9)[..3], &raster.row(9)[511 * 3..]), (&[255, 0, 0][..], &[0, 0, 255][..]));
}
