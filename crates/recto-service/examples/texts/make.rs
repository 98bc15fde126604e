//! Fills a state directory.

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
const SIZE: Dimensions = Dimensions::new(2400, 3600);

pub(crate) fn make(options: &Options) {
    let began = Instant::now();
    std::fs::create_dir_all(&options.state).unwrap();
    let corpus = Corpus::new(options.words.as_deref(), 300);
    let catalog = Catalog::open(&options.state.join("catalogue.sqlite")).unwrap();
    let texts = TextStore::open(&options.state.join("text.sqlite")).unwrap();
    let mut sync = catalog.sync(&|_, _| true).unwrap();
    sync.put(&collection("", None)).unwrap();
    let (mut objects, mut pages, mut words) = (0_u32, 0_u32, 0_u64);
    let mut waiting: Vec<TextObject> = Vec::new();
    while pages < options.pages {
        let shelf = format!("shelf{:03}", objects / OBJECTS_A_COLLECTION);
        if objects % OBJECTS_A_COLLECTION == 0 {
            sync.put(&collection(&shelf, Some(""))).unwrap();
        }
        let text = corpus.object(objects, options.pages - pages);
        let mut maker = TextMaker::new(None, false);
        for (number, page) in text.pages.iter().enumerate() {
            let layout = CanvasLayout {
                name: format!("{:04}", number + 1),
                width_px: SIZE.width_px,
                height_px: SIZE.height_px,
                has_text: false,
                label: None,
                is_picture: true,
                image: Some(format!("{shelf}/o{objects:05}/{:04}.tif", number + 1)),
            };
            maker.add(layout, Fingerprint(1), encode(page).unwrap());
        }
        let path = format!("{shelf}/o{objects:05}");
        sync.put(&object(&path, &shelf, text.pages.len() as u64)).unwrap();
        // Rows are counted from 1 in the order in which they are put: the root, and a row a shelf before its objects.
        let row = i64::from(objects + 3 + objects / OBJECTS_A_COLLECTION);
        let made = maker.finish(row, Fingerprint(1)).unwrap();
        words += made.words;
        waiting.push(made);
        if waiting.len() == 16 {
            texts.put_many(&waiting).unwrap();
            waiting.clear();
        }
        pages += text.pages.len() as u32;
        objects += 1;
        if objects % 200 == 0 {
            println!("{objects} objects, {pages} pages, {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    texts.put_many(&waiting).unwrap();
    sync.finish().unwrap();
    let last =
        catalog.manifest(&format!("shelf{:03}/o{:05}", (objects - 1) / OBJECTS_A_COLLECTION, objects - 1)).unwrap();
    assert_eq!(
        last.unwrap().row,
        i64::from(objects + 2 + (objects - 1) / OBJECTS_A_COLLECTION),
        "rows follow the order"
    );
    println!("{objects} objects, {pages} pages, {words} words in {:.0} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    recto_service::make_text_shards(texts).unwrap();
    println!("shards in {:.0} s", began.elapsed().as_secs_f64());
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
    }
}
