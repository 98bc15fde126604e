//! Fills a state directory.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use recto_catalog::text::{TextObject, TextStore};
use recto_catalog::{Catalog, Fingerprint, Found, ItemKind};
use recto_iiif::Dimensions;
use recto_search::page::encode;
use recto_service::{CanvasLayout, TextMaker};

use crate::Options;
use crate::corpus::Corpus;

/// Objects of a collection.
pub(crate) const OBJECTS_A_COLLECTION: u32 = 500;
/// Objects that are written in one transaction.
const OBJECTS_AT_ONCE: usize = 16;
const SIZE: Dimensions = Dimensions::new(2400, 3600);

pub(crate) fn make(options: &Options) {
    let began = Instant::now();
    std::fs::create_dir_all(&options.state).unwrap();
    let corpus = Corpus::new(options.words.as_deref(), 300);
    let catalog = Catalog::open(&options.state.join("catalogue.sqlite")).unwrap();
    let texts = TextStore::open(&options.state.join("text.sqlite")).unwrap();
    let mut sync = catalog.sync(&|_, _| true).unwrap();
    sync.put(&collection("", None)).unwrap();
    // How many pages each object has is known before they are written; who writes them is whoever has time.
    let mut lengths = Vec::new();
    let mut left = options.pages;
    while left > 0 {
        let number = lengths.len() as u32;
        if number.is_multiple_of(OBJECTS_A_COLLECTION) {
            sync.put(&collection(&shelf_of(number), Some(""))).unwrap();
        }
        let length = Corpus::length(number, left);
        let path = path_of(number);
        sync.put(&object(&path, &shelf_of(number), u64::from(length))).unwrap();
        lengths.push(length);
        left -= length;
    }
    let objects = lengths.len() as u32;
    let next = AtomicU32::new(0);
    let (done, made) = sync_channel::<TextObject>(OBJECTS_AT_ONCE);
    let words: u64 = std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            let (done, next, lengths, corpus) = (done.clone(), &next, &lengths, &corpus);
            threads.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(length) = lengths.get(number as usize) else { return };
                    done.send(text_of(corpus, number, *length)).unwrap();
                }
            });
        }
        drop(done);
        let (mut waiting, mut words, mut count) = (Vec::new(), 0, 0);
        for object in made {
            words += object.words;
            count += 1;
            waiting.push(object);
            if waiting.len() == OBJECTS_AT_ONCE {
                texts.put_many(&waiting).unwrap();
                waiting.clear();
            }
            if count % 200 == 0 {
                println!("{count} objects of {objects}, {:.0} s", began.elapsed().as_secs_f64());
            }
        }
        texts.put_many(&waiting).unwrap();
        words
    });
    sync.finish().unwrap();
    let last = catalog.head(&path_of(objects - 1), ItemKind::Manifest).unwrap();
    assert_eq!(last.unwrap().row, row_of(objects - 1), "rows follow the order");
    println!("{objects} objects, {} pages, {words} words in {:.0} s", options.pages, began.elapsed().as_secs_f64());
    let began = Instant::now();
    recto_service::make_text_shards(texts).unwrap();
    println!("shards in {:.0} s", began.elapsed().as_secs_f64());
}

fn shelf_of(number: u32) -> String {
    format!("shelf{:03}", number / OBJECTS_A_COLLECTION)
}

fn path_of(number: u32) -> String {
    format!("{}/o{number:05}", shelf_of(number))
}

/// Rows are counted from 1 in the order in which they are put: the root, and a row a shelf before its objects.
fn row_of(number: u32) -> i64 {
    i64::from(number + 3 + number / OBJECTS_A_COLLECTION)
}

fn text_of(corpus: &Corpus, number: u32, length: u32) -> TextObject {
    let mut maker = TextMaker::new(None, false);
    for (page, at) in corpus.object(number, length).pages.iter().zip(1..) {
        let layout = CanvasLayout {
            name: format!("{at:04}"),
            width_px: SIZE.width_px,
            height_px: SIZE.height_px,
            has_text: false,
            label: None,
            is_picture: true,
            image: Some(format!("{}/{at:04}.tif", path_of(number))),
        };
        maker.add(layout, Fingerprint(1), encode(page).unwrap());
    }
    maker.finish(row_of(number), Fingerprint(1)).unwrap()
}

fn collection(path: &str, parent: Option<&str>) -> Found {
    Found { kind: ItemKind::Collection, parent: parent.map(str::to_owned), ..object(path, "", 0) }
}

fn object(path: &str, parent: &str, pages: u64) -> Found {
    Found {
        path: path.to_owned(),
        identifier: if path.is_empty() { "all".to_owned() } else { path.to_owned() },
        parent: Some(parent.to_owned()),
        kind: ItemKind::Manifest,
        sort: path.as_bytes().to_vec(),
        signature: Fingerprint(1),
        content: Fingerprint(1),
        modified_ms: None,
        label: format!("{{\"none\":[\"{path}\"]}}"),
        pages,
        picture: None,
        body: b"{\"prefix\":\"\",\"description\":{},\"files\":[]}".to_vec(),
        listed_in: Vec::new(),
        has_annotations: false,
    }
}
