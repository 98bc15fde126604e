//! Books in one file: every page is reached without the others, and counted.

use recto_testkit::tiff::{fax_pages, fax_width};
use serde_json::Value;

use crate::support::{Library, Server};

const PAGES: u32 = 10_000;

/// Bytes that the server has read so far, of files and of requests; `None` where the system does not tell.
fn bytes_read(server: &Server) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/io", server.pid())).ok()?;
    text.lines().find_map(|line| line.strip_prefix("rchar: "))?.trim().parse().ok()
}

/// What the server has read once it reads nothing more by itself.
fn bytes_read_at_rest(server: &Server) -> Option<u64> {
    let mut last = bytes_read(server);
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let now = bytes_read(server);
        if now == last {
            return now;
        }
        last = now;
    }
    panic!("the server goes on reading, now at {last:?} bytes")
}

#[test]
fn d20_the_pages_of_a_book_of_ten_thousand_are_counted_and_each_is_read_by_itself() {
    let library = Library::new();
    let book = fax_pages(PAGES);
    // Beside a folder, a file is an object of its own.
    library.put("book.tif", &book).put_png("Other/1.png", 30, 20);
    // What the server looks into by itself would be counted too.
    let server = library.serve(&["--set", "library.look_ahead=false"]);
    let info = |page: u32| server.get(&format!("/iiif/3/book.tif;{page}/info.json")).json();
    assert_eq!((&info(1)["pageCount"], &info(1)["width"]), (&PAGES.into(), &fax_width(1).into()));
    // Before any other page has been asked for. The library is still being taken in when the machine is busy.
    let before = bytes_read_at_rest(&server);
    assert_eq!(info(9_998)["width"], fax_width(9_998));
    let read = bytes_read(&server).zip(before).map(|(after, before)| after - before);
    assert!(read.is_none_or(|bytes| bytes < 512 << 10), "the chain is not walked again: {read:?} bytes");
    let manifest = server.get("/iiif/presentation/3/book.tif/manifest").json();
    let canvases = manifest["items"].as_array().unwrap();
    assert_eq!(canvases.len(), PAGES as usize, "a canvas for each page");
    let service =
        |canvas: &Value| canvas["items"][0]["items"][0]["body"]["service"][0]["id"].as_str().map(str::to_owned);
    let last = service(&canvases[PAGES as usize - 1]).unwrap();
    assert!(last.ends_with(&format!("book.tif;{PAGES}")) || last.ends_with(&format!("book.tif%3B{PAGES}")), "{last}");
    // To count the pages, the directory of each was read once: this is seen. Each takes half a kilobyte to read.
    let counted = bytes_read(&server);
    assert!(counted.is_none_or(|bytes| bytes > 5_000_000), "{counted:?} of {} bytes", book.len());
    for page in [9_999, PAGES, 4_321] {
        let before = bytes_read_at_rest(&server);
        let found = info(page);
        assert_eq!((&found["pageCount"], &found["width"]), (&PAGES.into(), &fax_width(page).into()), "page {page}");
        // The directory, and where it lies: from notes of which three pieces of 64 KiB are read, as their sums are checked.
        let read = bytes_read(&server).zip(before).map(|(after, before)| after - before);
        assert!(read.is_none_or(|bytes| bytes < 256 << 10), "page {page}: {read:?} bytes");
        let url = format!("/iiif/2/book.tif;{page}/full/full/0/default.png");
        assert_eq!(server.get(&url).size(), (fax_width(page), 1), "{url}");
    }
    assert_eq!(server.get(&format!("/iiif/3/book.tif;{}/info.json", PAGES + 1)).status, 404);
    server.assert_clean_log();
}

#[test]
fn d20_the_levels_of_a_pyramid_are_no_pages() {
    let library = Library::new();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/Saltmarch Isles.tif");
    library.put("isles.tif", &std::fs::read(path).unwrap()).put_png("Other/1.png", 30, 20);
    let server = library.serve(&[]);
    for version in [2, 3] {
        let info = server.get(&format!("/iiif/{version}/isles.tif/info.json")).json();
        let count = info.get("pageCount").or_else(|| info["service"].get("pageCount"));
        assert!(count.is_none_or(|count| *count == 1), "version {version}: {info}");
        assert!(info["sizes"].as_array().unwrap().len() > 3, "it has levels: {info}");
    }
    let manifest = server.get("/iiif/presentation/3/isles.tif/manifest").json();
    assert_eq!(manifest["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(server.get("/iiif/3/isles.tif;2/info.json").status, 404);
}
