//! Linearised files far away: the first page without the rest, wherever that is sure to be the same.

use std::sync::Arc;

use recto_codec::{Memo, MemoryAccess, OpenOptions, open};
use recto_iiif::Dimensions;
use recto_testkit::linearized::{self, Linearized};

use super::{open_bytes, read_level};
use crate::counted::Counted;
use crate::fixtures::pdf::stream;

/// As a store with 30 ms to the first byte would have it.
const AHEAD: u64 = 384 << 10;

/// A file far away, in a version of its own.
type Far = Counted<MemoryAccess>;

fn far(file: &[u8]) -> Arc<Far> {
    Counted::of(MemoryAccess::new(file), AHEAD, Some(7))
}

const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];

/// The content of a page with so many bytes that draw nothing.
fn padded(content: &str, bytes: usize) -> Vec<u8> {
    stream("", format!("{content}\n%{}", "x".repeat(bytes)).as_bytes())
}

/// Three pages: one that a form makes green, and two blue ones of so many bytes each.
fn far_book(bytes: usize) -> Linearized {
    let blue = "0 0 1 rg 0 0 24 24 re f";
    let page = |entries: &str| format!("<< /Type /Page /Parent 1 0 R /MediaBox [0 0 24 24] {entries} >>").into_bytes();
    let form = stream("/Type /XObject /Subtype /Form /BBox [0 0 24 24]", b"0 1 0 rg 0 0 24 24 re f");
    Linearized {
        first: vec![
            b"<< /Type /Catalog /Pages 1 0 R >>".to_vec(),
            page("/Resources << /XObject << /A 25 0 R >> >> /Contents 24 0 R"),
            padded("/A Do", 0),
            form.clone(),
        ],
        rest: vec![
            b"<< /Type /Pages /Kids [23 0 R 2 0 R 4 0 R] /Count 3 >>".to_vec(),
            page("/Resources << >> /Contents 3 0 R"),
            padded(blue, bytes),
            page("/Resources << >> /Contents 5 0 R"),
            padded(blue, bytes),
            form,
            b"<< /OCGs [26 0 R] /D << /OFF [26 0 R] >> >>".to_vec(),
        ],
        pages: 3,
        ..Linearized::default()
    }
}

/// Puts others in the place of some words of an object.
fn replace(object: &mut Vec<u8>, words: &str, others: &str) {
    let text = String::from_utf8(object.clone()).unwrap();
    assert!(text.contains(words), "{text}");
    *object = text.replace(words, others).into_bytes();
}

/// How many pages a file says that it has, and the colour in the middle of one of them.
fn shown(far: &Arc<Far>, page: u32, options: &OpenOptions) -> (u32, [u8; 3]) {
    let options = OpenOptions { page, ..options.clone() };
    let decoder = open(far.clone(), &options).unwrap();
    assert_eq!(decoder.facts().stored_size(), Dimensions::new(100, 100));
    let raster = read_level(decoder.as_ref(), 0).unwrap();
    (decoder.facts().pages, raster.row(50).as_chunks::<3>().0[50])
}

#[test]
fn d20_the_first_page_of_a_linearised_file_far_away_is_shown_without_the_rest() {
    for (has_streams, padding) in [(false, 0), (false, 600_000), (true, 0), (true, 600_000)] {
        let case = format!("streams: {has_streams}, {padding} bytes more");
        let mut book = Linearized { has_streams, ..far_book(3 << 20) };
        book.first[2] = padded("/A Do", padding);
        let bytes = book.bytes();
        let (far, length) = (far(&bytes), bytes.len() as u64);
        let options = OpenOptions::default();
        assert_eq!(shown(&far, 1, &options), (3, GREEN), "{case}");
        let (requests, read) = far.spent();
        // Beginning and first page, the cross-reference at the end, and the page tree.
        assert!(requests <= 4 && read <= length / 4, "{case}: {requests} requests, {read} of {length} bytes");
        assert_eq!(shown(&far, 2, &options), (3, BLUE), "{case}");
        assert!(far.spent().1 >= length, "{case}: another page takes the whole file");
        assert_eq!(shown(&far, 1, &options), (3, GREEN), "{case}, again");
        assert!(far.spent().1 <= 2 * AHEAD, "{case}: what is in memory serves the first page as well");
        // Where nothing stays in memory, the same part is read again, but nothing of the end.
        let forgetful = OpenOptions { memo: Arc::new(Memo::new(0)), ..OpenOptions::default() };
        assert_eq!(shown(&far, 1, &forgetful), (3, GREEN), "{case}, without memory");
        let (requests, read) = far.spent();
        assert!(requests <= 5 && read <= length / 3, "{case}: {requests} requests, {read} of {length} bytes");
        // What lies at hand is read whole, as before.
        let decoder = open_bytes(&bytes, &options).unwrap();
        assert_eq!(read_level(decoder.as_ref(), 0).unwrap().row(50)[..3], GREEN, "{case}, at hand");
    }
}

#[test]
fn d20_a_linearised_file_whose_first_page_is_not_all_there_is_read_whole() {
    let tree = b"<< /Type /Pages /Kids [23 0 R 2 0 R 4 0 R] /Count 3 >>";
    let mut cases = Vec::new();
    let mut add = |name: &'static str, change: &dyn Fn(&mut Linearized)| {
        for has_streams in [false, true] {
            let mut book = Linearized { has_streams, ..far_book(500_000) };
            change(&mut book);
            cases.push((name, book.bytes(), GREEN));
        }
    };
    add("a size that is inherited", &|book| {
        replace(&mut book.first[1], "/MediaBox [0 0 24 24]", "");
        replace(&mut book.rest[0], "/Count 3", "/Count 3 /MediaBox [0 0 24 24]");
    });
    add("resources that are inherited", &|book| {
        replace(&mut book.first[1], "/Resources << /XObject << /A 25 0 R >> >>", "");
        replace(&mut book.rest[0], "/Count 3", "/Count 3 /Resources << /XObject << /A 25 0 R >> >>");
    });
    add("a crop box that is inherited from behind", &|book| {
        replace(&mut book.first[1], "/MediaBox [0 0 24 24]", "/MediaBox [0 0 48 48]");
        replace(&mut book.rest[0], "/Count 3", "/Count 3 /CropBox [0 0 24 24]");
    });
    add("a turn that is inherited from behind", &|book| {
        replace(&mut book.rest[0], "/Count 3", "/Count 3 /Rotate 90");
    });
    add("fewer pages than it says, as is seen behind", &|book| book.pages = 5);
    add("a page tree that goes on nowhere", &|book| replace(&mut book.rest[0], "/Count 3", "/Count 3 /Parent 17 0 R"));
    add("a crop box that is inherited", &|book| {
        replace(&mut book.first[1], "/Parent 1 0 R /MediaBox [0 0 24 24]", "/Parent 26 0 R /MediaBox [0 0 48 48]");
        replace(&mut book.first[0], "/Pages 1 0 R", "/Pages 26 0 R");
        book.first.push(tree.to_vec());
        replace(&mut book.first[4], "/Count 3", "/Count 3 /CropBox [0 0 24 24]");
    });
    add("fewer pages than it says", &|book| {
        replace(&mut book.first[1], "/Parent 1 0 R", "/Parent 26 0 R");
        replace(&mut book.first[0], "/Pages 1 0 R", "/Pages 26 0 R");
        book.first.push(tree.to_vec());
        book.pages = 5;
    });
    add("a form that lies behind", &|book| replace(&mut book.first[1], "/A 25 0 R", "/A 6 0 R"));
    add("a mark of encryption", &|book| book.trailer = "/Encrypt 99 0 R".to_owned());
    add("an end too early", &|book| book.short_by = 30);
    add("an end between objects too early", &|book| {
        let length = book.first[3].len() + b"25 0 obj\n\nendobj\n".len();
        book.short_by = length;
    });
    add("layers that are hidden from behind", &|book| {
        hide(book);
        replace(&mut book.first[0], "/Pages 1 0 R", "/Pages 1 0 R /OCProperties 7 0 R");
    });
    let blue = stream("", b"0 0 1 rg 0 0 24 24 re f");
    cases.push(("an update", linearized::updated(&far_book(500_000).bytes(), 24, &blue), BLUE));
    for (name, bytes, color) in cases {
        let (far, length) = (far(&bytes), bytes.len() as u64);
        let options = OpenOptions::default();
        assert_eq!(shown(&far, 1, &options), (3, color), "{name}");
        assert!(far.spent().1 >= length, "{name}: it takes the whole file");
        assert_eq!(shown(&far, 2, &options), (3, BLUE), "{name}");
        assert!(far.spent().1 <= 2 * AHEAD, "{name}: which serves other pages as well");
    }
}

/// Draws red over the page, in a layer that is to be hidden.
fn hide(book: &mut Linearized) {
    replace(&mut book.first[1], "/XObject", "/Properties << /L 26 0 R >> /XObject");
    book.first[2] = stream("", b"/A Do /OC /L BDC 1 0 0 rg 0 0 24 24 re f EMC");
    book.first.push(b"<< /Type /OCG /Name (Red) >>".to_vec());
}

#[test]
fn d20_layers_that_a_linearised_file_hides_are_hidden_on_its_first_page() {
    let hidden = "<< /OCGs [26 0 R] /D << /OFF [26 0 R] >> >>";
    for (has_streams, entry) in [(false, hidden), (false, "27 0 R"), (true, hidden), (true, "27 0 R")] {
        let mut book = Linearized { has_streams, ..far_book(500_000) };
        hide(&mut book);
        book.first.push(hidden.as_bytes().to_vec());
        replace(&mut book.first[0], "/Pages 1 0 R", &format!("/Pages 1 0 R /OCProperties {entry}"));
        let bytes = book.bytes();
        let far = far(&bytes);
        assert_eq!(shown(&far, 1, &OpenOptions::default()), (3, GREEN), "streams: {has_streams}, {entry}");
        let (requests, read) = far.spent();
        assert!(requests <= 3 && read <= 2 * AHEAD, "{entry}: {requests} requests, {read} of {} bytes", bytes.len());
    }
}
