//! The texts of pages, ready to be searched, in a database of its own: everything in it can be made anew from the library.
//!
//! Objects are named by their row in the catalogue. What the blobs mean is the business of those who search; this store knows
//! which belong together, and in which state of the files they were made.
//!
//! ```
//! use recto_catalog::Fingerprint;
//! use recto_catalog::text::{PageBlob, TextObject, TextStore};
//!
//! let store = TextStore::in_memory()?;
//! let page = PageBlob { page: 0, source: Fingerprint(7), blob: b"words and boxes".to_vec() };
//! let index = b"terms and places".to_vec();
//! store.put(&TextObject { object: 1, signature: Fingerprint(9), index, words: 3, pages: vec![page] })?;
//! assert_eq!(store.state(1)?.unwrap().words, 3);
//! assert_eq!(&store.newest_copy(1)?.unwrap().page(0).unwrap()[..], b"words and boxes");
//! # Ok::<(), recto_catalog::CatalogError>(())
//! ```

mod copies;
mod mapped;
mod shards;

use std::path::Path;

use rusqlite::{OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use crate::connections::{Connections, Durability, Shape};
use crate::{CatalogError, Fingerprint, migrations};

pub use self::copies::TextCopy;
pub use self::mapped::Mapped;
pub use self::shards::ShardState;

use self::copies::{Copies, Source};
use self::shards::Shards;

/// A page's words and boxes take 2 to 3 KB: several fit in a page of the file with little left over.
const SHAPE: Shape = Shape { steps: migrations::TEXTS, durability: Durability::OfProcess, page_bytes: 16 << 10 };

/// The texts of one library.
///
/// Every call is one transaction and sees the state before or after another one, never between. Calls block for as long as
/// the disk takes.
#[derive(Debug)]
pub struct TextStore {
    connections: Connections,
    shards: Shards,
    copies: Copies,
}

/// What is known of an object's text, without the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextState {
    /// The state of everything that the text was made of.
    pub signature: Fingerprint,
    /// Grows with each change, over all objects: no two states of any object have the same. What is remembered by object
    /// and version is right for ever.
    pub version: i64,
    /// Pages with words.
    pub pages: u64,
    /// Words of all pages.
    pub words: u64,
}

/// What is kept for one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageBlob {
    /// Which page of the object, from 0.
    pub page: u32,
    /// The state of the file that the text was read from.
    pub source: Fingerprint,
    /// Words and boxes; empty when the file was read and holds no words.
    pub blob: Vec<u8>,
}

/// Everything of one object, for [`TextStore::put_many`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextObject {
    /// Its row in the catalogue.
    pub object: i64,
    /// The state of everything that the text was made of.
    pub signature: Fingerprint,
    /// Terms and places of the whole object.
    pub index: Vec<u8>,
    /// Words of all pages.
    pub words: u64,
    /// Its pages, each at most once.
    pub pages: Vec<PageBlob>,
}

/// An object of the store, by row, and its state.
pub type ObjectState = (i64, TextState);

impl TextStore {
    /// Opens the database file, or makes it, and brings it to the newest version. Files of shards lie beside it in
    /// `text-shards`, copies of texts in `text-copies`.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database, or was written by a newer program.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        let connections = Connections::open(path, &SHAPE)?;
        let shards = Shards::beside(path, &connections)?;
        let copies = Copies::beside(path, &connections)?;
        Ok(Self { connections, shards, copies })
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self, CatalogError> {
        Ok(Self {
            connections: Connections::in_memory(&SHAPE)?,
            shards: Shards::in_memory(),
            copies: Copies::in_memory(),
        })
    }

    /// What is known of an object's text; `None` when it was never put.
    pub fn state(&self, object: i64) -> Result<Option<TextState>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement =
            reader.prepare_cached("SELECT signature, version, pages, words FROM text_object WHERE object = ?1")?;
        Ok(statement.query_row([object], |row| state(row, 0)).optional()?)
    }

    /// All objects of the store, by row.
    pub fn objects(&self) -> Result<Vec<ObjectState>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader
            .prepare_cached("SELECT object, signature, version, pages, words FROM text_object ORDER BY object")?;
        let found = statement.query_map([], |row| Ok((row.get(0)?, state(row, 1)?)))?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Takes in an object as a whole: pages that are not among these are gone. Gives the new version.
    ///
    /// # Errors
    /// When the database fails; then the object is as it was.
    pub fn put(&self, object: &TextObject) -> Result<i64, CatalogError> {
        let states = self.put_many(std::slice::from_ref(object))?;
        Ok(states.first().map_or(0, |(_, state)| state.version))
    }

    /// Takes in several objects in one transaction, which waits for the disk once. Gives their new states.
    ///
    /// # Errors
    /// When the database fails; then all objects are as they were.
    pub fn put_many(&self, objects: &[TextObject]) -> Result<Vec<ObjectState>, CatalogError> {
        let mut states = Vec::with_capacity(objects.len());
        let mut before = Vec::with_capacity(objects.len());
        {
            let mut writer = self.connections.writer();
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for object in objects {
                before.push(version_of(&transaction, object.object)?);
                states.push((object.object, put(&transaction, object)?));
            }
            transaction.commit()?;
        }
        for ((object, (_, state)), before) in objects.iter().zip(&states).zip(before) {
            let mut pages: Vec<_> = object.pages.iter().map(|page| (page.page, page.blob.as_slice())).collect();
            pages.sort_unstable_by_key(|(page, _)| *page);
            // What cannot be written now is written when it is wanted.
            let _written = self.copies.write(object.object, state.version, &Source { index: &object.index, pages });
            before.into_iter().for_each(|before| self.copies.forget(object.object, before));
        }
        Ok(states)
    }

    /// Forgets the text of an object. True when there was anything.
    ///
    /// # Errors
    /// When the database fails; then the object is as it was.
    pub fn delete(&self, object: i64) -> Result<bool, CatalogError> {
        let writer = self.connections.writer();
        let before = version_of(&writer, object)?;
        let deleted = writer.prepare_cached("DELETE FROM text_object WHERE object = ?1")?.execute([object])?;
        before.into_iter().for_each(|before| self.copies.forget(object, before));
        Ok(deleted > 0)
    }

    /// From which state of its file each page was read, in order. What is kept of pages whose files are as they were can be
    /// put again as it is.
    pub fn page_sources(&self, object: i64) -> Result<Vec<(u32, Fingerprint)>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement =
            reader.prepare_cached("SELECT page, source FROM text_page WHERE object = ?1 ORDER BY page")?;
        let read = |row: &Row<'_>| Ok((row.get(0)?, fingerprint(row, 1)?));
        let found = statement.query_map([object], read)?.collect::<Result<_, _>>()?;
        Ok(found)
    }
}

fn state(row: &Row<'_>, first: usize) -> rusqlite::Result<TextState> {
    Ok(TextState {
        signature: fingerprint(row, first)?,
        version: row.get(first + 1)?,
        pages: row.get::<_, i64>(first + 2)? as u64,
        words: row.get::<_, i64>(first + 3)? as u64,
    })
}

fn fingerprint(row: &Row<'_>, column: usize) -> rusqlite::Result<Fingerprint> {
    Ok(Fingerprint::from_column(row.get_ref(column)?.as_blob().unwrap_or_default()))
}

/// The next version. It is counted in the database, so that one that was given is never given again, whatever was deleted.
fn next_version(transaction: &Transaction<'_>) -> Result<i64, CatalogError> {
    let mut statement = transaction.prepare_cached("UPDATE text_version SET last = last + 1 RETURNING last")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

fn version_of(connection: &rusqlite::Connection, object: i64) -> Result<Option<i64>, CatalogError> {
    let mut statement = connection.prepare_cached("SELECT version FROM text_object WHERE object = ?1")?;
    Ok(statement.query_row([object], |row| row.get(0)).optional()?)
}

fn put(transaction: &Transaction<'_>, text: &TextObject) -> Result<TextState, CatalogError> {
    let TextObject { object, signature, index, words, pages } = text;
    let version = next_version(transaction)?;
    let with_words = pages.iter().filter(|page| !page.blob.is_empty()).count() as u64;
    transaction
        .prepare_cached(
            "INSERT INTO text_object VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (object) DO UPDATE
            SET signature = excluded.signature, version = excluded.version, pages = excluded.pages, words = excluded.words",
        )?
        .execute(params![object, signature.to_bytes(), version, with_words as i64, *words as i64])?;
    transaction
        .prepare_cached(
            "INSERT INTO text_index VALUES (?1, ?2) ON CONFLICT (object) DO UPDATE SET blob = excluded.blob",
        )?
        .execute(params![object, index])?;
    put_pages(transaction, *object, pages)?;
    Ok(TextState { signature: *signature, version, pages: with_words, words: *words })
}

/// Writes the pages that are other than before, and deletes those that are gone.
fn put_pages(transaction: &Transaction<'_>, object: i64, pages: &[PageBlob]) -> Result<(), CatalogError> {
    let mut before: Vec<u32> = transaction
        .prepare_cached("SELECT page FROM text_page WHERE object = ?1 ORDER BY page")?
        .query_map([object], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO text_page VALUES (?1, ?2, ?3, ?4) ON CONFLICT (object, page) DO UPDATE
        SET source = excluded.source, blob = excluded.blob WHERE source <> excluded.source OR blob <> excluded.blob",
    )?;
    for PageBlob { page, source, blob } in pages {
        insert.execute(params![object, page, source.to_bytes(), blob])?;
    }
    if !before.is_empty() {
        let now: std::collections::HashSet<u32> = pages.iter().map(|page| page.page).collect();
        before.retain(|page| !now.contains(page));
        let mut delete = transaction.prepare_cached("DELETE FROM text_page WHERE object = ?1 AND page = ?2")?;
        for page in before {
            delete.execute(params![object, page])?;
        }
    }
    Ok(())
}
