//! Files of thousands of pages: any page is found at once, when they were counted before.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

use recto_codec::{DecodeError, Decoder, MemoryAccess, OpenOptions, RandomAccess, Shelf, open};
use recto_iiif::Dimensions;
use recto_testkit::tiff::{fax_pages, fax_width};

use crate::counted::Counted;
use crate::read_all;

const PAGES: u32 = 10_000;

#[derive(Debug, Default)]
struct Shelved(Mutex<HashMap<String, Vec<u8>>>);

impl Shelf for Shelved {
    fn open(&self, name: &str) -> Option<Arc<dyn RandomAccess>> {
        let bytes = self.0.lock().unwrap().get(name)?.clone();
        Some(Arc::new(MemoryAccess::new(bytes)))
    }

    fn keep(&self, name: &str, write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
        let mut bytes = Vec::new();
        write(&mut bytes)?;
        self.0.lock().unwrap().insert(name.to_owned(), bytes);
        Ok(())
    }

    fn discard(&self, name: &str) {
        self.0.lock().unwrap().remove(name);
    }
}

fn open_page(
    source: &Arc<Counted<MemoryAccess>>,
    shelf: Option<Arc<dyn Shelf>>,
    page: u32,
) -> Result<Box<dyn Decoder>, DecodeError> {
    source.spent();
    open(source.clone(), &OpenOptions { page, shelf, ..OpenOptions::default() })
}

#[test]
fn d20_the_last_of_ten_thousand_pages_is_opened_with_a_handful_of_reads() {
    let source = Counted::new(fax_pages(PAGES));
    let cold = open_page(&source, None, PAGES).unwrap();
    assert_eq!(cold.facts().pages, PAGES);
    let (reads, _) = source.spent();
    assert!(reads > u64::from(PAGES), "without a shelf the chain is walked: {reads}");

    let shelf: Arc<dyn Shelf> = Arc::new(Shelved::default());
    drop(open_page(&source, Some(shelf.clone()), 1).unwrap());
    let (reads, _) = source.spent();
    assert!(reads > u64::from(PAGES), "the first opening walks it: {reads}");
    for page in [PAGES - 1, PAGES, 1, 4321] {
        let decoder = open_page(&source, Some(shelf.clone()), page).unwrap();
        let (reads, bytes) = source.spent();
        // The beginning, to find the format; its directory, read for its size and for its pixels; and a few values.
        assert!(reads <= 8 && bytes <= 4096, "page {page} took {reads} reads, {bytes} bytes");
        assert_eq!(decoder.facts().pages, PAGES);
        assert_eq!(decoder.facts().size(), Dimensions::new(fax_width(page), 1), "page {page}");
        assert_eq!(read_all(decoder.as_ref(), 0).unwrap().data(), vec![255; fax_width(page) as usize], "page {page}");
    }
    let missing = open_page(&source, Some(shelf), PAGES + 1).err().unwrap();
    assert!(matches!(missing, DecodeError::NoSuchPage { page: 10_001, pages: PAGES }), "{missing}");
}

#[test]
fn a_damaged_note_of_the_pages_is_not_believed() {
    let source = Counted::new(fax_pages(PAGES));
    let shelf = Arc::new(Shelved::default());
    drop(open_page(&source, Some(shelf.clone()), 1).unwrap());
    let whole = shelf.0.lock().unwrap().values().next().unwrap().clone();
    let mut wrong = whole.clone();
    wrong[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    for note in [Vec::new(), whole[..50].to_vec(), vec![0xff; whole.len()], wrong] {
        shelf.0.lock().unwrap().values_mut().for_each(|kept| kept.clone_from(&note));
        let decoder = open_page(&source, Some(shelf.clone()), 777).unwrap();
        assert_eq!((decoder.facts().pages, decoder.facts().size().width_px), (PAGES, fax_width(777)));
    }
}
