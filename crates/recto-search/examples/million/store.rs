//! Where the blobs lie: a SQLite file, as a server would keep them, and an FTS5 table of the same pages beside it.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use recto_search::coarse::{MOST_OBJECTS, Shard, build};
use recto_search::index::{Continuity, Index, IndexBuilder};
use recto_search::page::{Page, encode};
use rusqlite::{Connection, OptionalExtension};

use crate::clock::Instant;
use crate::corpus::Object;

pub(crate) struct Store {
    pub(crate) blobs: Connection,
    pub(crate) full_text: Option<Connection>,
}

/// What making took.
#[derive(Default)]
pub(crate) struct Costs {
    pub(crate) words: u64,
    encode: Duration,
    index: Duration,
    shard: Duration,
    full_text: Duration,
    page_bytes: u64,
    index_bytes: u64,
    shard_bytes: u64,
    pages: u64,
}

impl Store {
    pub(crate) fn create(folder: &Path, with_full_text: bool) -> Self {
        let open = |name: &str| {
            let path = folder.join(name);
            let _ = std::fs::remove_file(&path);
            let connection = Connection::open(path).unwrap();
            connection
                .execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16000;")
                .unwrap();
            connection
        };
        let blobs = open("blobs.sqlite");
        blobs
            .execute_batch(
                "CREATE TABLE text_object(object INTEGER PRIMARY KEY, blob BLOB);
                 CREATE TABLE text_page(object INTEGER, page INTEGER, blob BLOB, PRIMARY KEY(object, page)) WITHOUT ROWID;",
            )
            .unwrap();
        let full_text = with_full_text.then(|| open("fts5.sqlite"));
        if let Some(full_text) = &full_text {
            full_text
                .execute_batch(
                    "CREATE VIRTUAL TABLE page USING fts5(text, content='', detail=full,
                     tokenize=\"unicode61 remove_diacritics 2\");",
                )
                .unwrap();
        }
        Self { blobs, full_text }
    }

    /// The row of a page in the full text: objects have fewer than 4,096 pages.
    pub(crate) const fn row(object: u32, page: u32) -> i64 {
        (object as i64) << 12 | page as i64
    }

    pub(crate) fn add(&mut self, number: u32, object: &Object, costs: &mut Costs) {
        let started = Instant::now();
        let pages: Vec<Vec<u8>> = object.pages.iter().map(|page| encode(page).unwrap()).collect();
        costs.encode += started.elapsed();
        let started = Instant::now();
        let mut builder = IndexBuilder::new(Continuity::Running, None, false);
        pages.iter().for_each(|blob| builder.add(&Page::decode(blob).unwrap()));
        let blob = builder.finish().unwrap();
        costs.index += started.elapsed();
        costs.index_bytes += blob.len() as u64;
        costs.pages += pages.len() as u64;
        let transaction = self.blobs.transaction().unwrap();
        transaction.execute("INSERT INTO text_object VALUES (?1, ?2)", (number, &blob)).unwrap();
        {
            let mut insert = transaction.prepare_cached("INSERT INTO text_page VALUES (?1, ?2, ?3)").unwrap();
            for (page, blob) in pages.iter().enumerate() {
                costs.page_bytes += blob.len() as u64;
                insert.execute((number, page as u32, blob)).unwrap();
            }
        }
        transaction.commit().unwrap();
        costs.words += object.pages.iter().map(|page| page.words().count() as u64).sum::<u64>();
        let Some(full_text) = &mut self.full_text else { return };
        let started = Instant::now();
        let transaction = full_text.transaction().unwrap();
        {
            let mut insert = transaction.prepare_cached("INSERT INTO page(rowid, text) VALUES (?1, ?2)").unwrap();
            for (page, text) in object.pages.iter().enumerate() {
                let text: Vec<&str> = text.words().map(|word| word.text.as_str()).collect();
                insert.execute((Self::row(number, page as u32), text.join(" "))).unwrap();
            }
        }
        transaction.commit().unwrap();
        costs.full_text += started.elapsed();
    }

    /// The shards of all objects.
    pub(crate) fn finish(&mut self, objects: u32, costs: &mut Costs) -> Vec<Shard<Vec<u8>>> {
        let started = Instant::now();
        let numbers: Vec<u32> = (0..objects).collect();
        let shard = |numbers: &[u32]| {
            let indexes: Vec<Index> = numbers.iter().map(|number| self.index(*number)).collect();
            let blob = build(&indexes.iter().collect::<Vec<_>>()).unwrap();
            costs.shard_bytes += blob.len() as u64;
            Shard::open(blob).unwrap()
        };
        let shards = numbers.chunks(MOST_OBJECTS).map(shard).collect();
        costs.shard += started.elapsed();
        if let Some(full_text) = &self.full_text {
            let started = Instant::now();
            full_text.execute_batch("INSERT INTO page(page) VALUES ('optimize');").unwrap();
            costs.full_text += started.elapsed();
        }
        shards
    }

    pub(crate) fn index(&self, object: u32) -> Index {
        let mut select = self.blobs.prepare_cached("SELECT blob FROM text_object WHERE object = ?1").unwrap();
        let blob: Vec<u8> = select.query_row([object], |row| row.get(0)).unwrap();
        Index::open(blob.into()).unwrap()
    }

    pub(crate) fn page(&self, object: u32, page: u32) -> Option<Bytes> {
        let mut select =
            self.blobs.prepare_cached("SELECT blob FROM text_page WHERE object = ?1 AND page = ?2").unwrap();
        let blob: Option<Vec<u8>> = select.query_row((object, page), |row| row.get(0)).optional().unwrap();
        blob.map(Bytes::from)
    }
}

impl Costs {
    pub(crate) fn print(&self, store: &Store) {
        let mega = |bytes: u64| bytes as f64 / 1e6;
        let a_word = |bytes: u64| bytes as f64 / self.words as f64;
        let line = |what: &str, bytes: u64, took: Duration| {
            let (mega, each, took) = (mega(bytes), a_word(bytes), took.as_secs_f64());
            println!(
                "{what:<24} {mega:8.1} MB {each:6.2} B/word {took:7.2} s {:6.3} ms/page",
                took * 1e3 / self.pages as f64
            );
        };
        line("page blobs", self.page_bytes, self.encode);
        line("object blobs, from pages", self.index_bytes, self.index);
        line("shards", self.shard_bytes, self.shard);
        if let Some(full_text) = &store.full_text {
            let size = |pragma: &str| full_text.query_row(pragma, [], |row| row.get::<_, u64>(0)).unwrap();
            line("FTS5, detail=full", size("PRAGMA page_count") * size("PRAGMA page_size"), self.full_text);
        }
    }
}
