//! The database: open it, look things up.

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::activity::{Activity, ActivityKind};
use crate::connections::{Connections, Durability, Shape};
use crate::item::{Brief, Fingerprint, Head, Item, ItemKind, SeenObject};
use crate::{CatalogError, migrations};

const SHAPE: Shape = Shape { steps: migrations::CATALOGUE, durability: Durability::OfProcess, page_bytes: 4096 };

const BRIEF: &str = "id, path, identifier, kind, label, \
    CASE kind WHEN 0 THEN pages ELSE (SELECT count(*) FROM item AS inner WHERE inner.parent = item.path) \
    + (SELECT count(*) FROM listing WHERE listing.collection = item.path) END, picture";

/// The catalogue of one library.
///
/// Every call is one transaction and sees the state before or after another one, never between. Calls block for as long as
/// the disk takes: from async code, call them where blocking is allowed.
#[derive(Debug)]
pub struct Catalog {
    connections: Connections,
    pub(crate) syncing: Mutex<()>,
}

impl Catalog {
    /// Opens the database file, or makes it, and brings it to the newest version.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database, or was written by a newer program.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        let connections = Connections::open(path, &SHAPE)?;
        Ok(Self { connections, syncing: Mutex::new(()) })
    }

    /// A catalogue that is gone when it is dropped.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self, CatalogError> {
        Ok(Self { connections: Connections::in_memory(&SHAPE)?, syncing: Mutex::new(()) })
    }

    pub(crate) fn writer(&self) -> MutexGuard<'_, Connection> {
        self.connections.writer()
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.connections.reader()
    }

    /// The object of this identifier, or the one that had it before it was renamed.
    pub fn manifest(&self, identifier: &str) -> Result<Option<Item>, CatalogError> {
        self.item_of(identifier, ItemKind::Manifest)
    }

    /// The collection of this identifier, or the one that had it before it was renamed.
    pub fn collection(&self, identifier: &str) -> Result<Option<Item>, CatalogError> {
        self.item_of(identifier, ItemKind::Collection)
    }

    /// The object of this identifier, else the collection.
    pub fn item(&self, identifier: &str) -> Result<Option<Item>, CatalogError> {
        match self.manifest(identifier)? {
            Some(item) => Ok(Some(item)),
            None => self.collection(identifier),
        }
    }

    fn item_of(&self, identifier: &str, kind: ItemKind) -> Result<Option<Item>, CatalogError> {
        self.called(identifier, kind, ITEM, item)
    }

    /// How the item of this identifier is named, or of the one that had it before it was renamed.
    pub fn head(&self, identifier: &str, kind: ItemKind) -> Result<Option<Head>, CatalogError> {
        self.called(identifier, kind, "id, path, identifier, revision", |row| {
            Ok(Head { row: row.get(0)?, path: row.get(1)?, identifier: row.get(2)?, revision: row.get(3)? })
        })
    }

    fn called<T>(
        &self,
        identifier: &str,
        kind: ItemKind,
        columns: &str,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, CatalogError> {
        let reader = self.reader();
        let mut now =
            reader.prepare_cached(&format!("SELECT {columns} FROM item WHERE identifier = ?1 AND kind = ?2"))?;
        if let Some(found) = now.query_row(params![identifier, kind.number()], read).optional()? {
            return Ok(Some(found));
        }
        let mut before = reader.prepare_cached(&format!(
            "SELECT {columns} FROM item WHERE id = (SELECT item FROM alias WHERE identifier = ?1) AND kind = ?2"
        ))?;
        Ok(before.query_row(params![identifier, kind.number()], read).optional()?)
    }

    /// The item that lies here.
    pub fn item_at(&self, path: &str, kind: ItemKind) -> Result<Option<Item>, CatalogError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(&format!("SELECT {ITEM} FROM item WHERE path = ?1 AND kind = ?2"))?;
        Ok(statement.query_row(params![path, kind.number()], item).optional()?)
    }

    /// The item of this row.
    pub fn item_of_row(&self, row: i64) -> Result<Option<Item>, CatalogError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(&format!("SELECT {ITEM} FROM item WHERE id = ?1"))?;
        Ok(statement.query_row([row], item).optional()?)
    }

    /// Identifiers that an item had before, and that nothing else has now.
    pub fn identifiers_before(&self, row: i64) -> Result<Vec<String>, CatalogError> {
        let reader = self.reader();
        let mut statement =
            reader.prepare_cached("SELECT identifier FROM alias WHERE item = ?1 ORDER BY identifier")?;
        let found = statement.query_map([row], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// The collection that holds everything.
    pub fn root(&self) -> Result<Option<Brief>, CatalogError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(&format!("SELECT {BRIEF} FROM item WHERE path = '' AND kind = 1"))?;
        Ok(statement.query_row([], brief).optional()?)
    }

    /// The collections around a place, outermost first: from the root to the one with this path.
    pub fn collections_to(&self, path: &str) -> Result<Vec<Brief>, CatalogError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(&format!(
            "WITH RECURSIVE way (step, at) AS (
                SELECT 0, ?1
                UNION ALL
                SELECT step + 1, item.parent FROM way JOIN item ON item.path = way.at AND item.kind = 1
                WHERE item.parent IS NOT NULL AND step < 512
            )
            SELECT {BRIEF} FROM way JOIN item ON item.path = way.at AND item.kind = 1 ORDER BY step DESC"
        ))?;
        let found = statement.query_map([path], brief)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Members of the collection at this path, in order: its own, and those that are listed in it as well.
    pub fn members(
        &self,
        path: &str,
        only: Option<ItemKind>,
        offset: u64,
        most: u64,
    ) -> Result<Vec<Brief>, CatalogError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(&format!(
            "SELECT {BRIEF} FROM item
            WHERE (parent = ?1 OR id IN (SELECT item FROM listing WHERE collection = ?1)) AND (?2 IS NULL OR kind = ?2)
            ORDER BY sort, path, kind DESC LIMIT ?3 OFFSET ?4"
        ))?;
        let only = only.map(ItemKind::number);
        let found =
            statement.query_map(params![path, only, most as i64, offset as i64], brief)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// How many members of a kind the collection at this path has.
    pub fn count_members(&self, path: &str, kind: ItemKind) -> Result<u64, CatalogError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(
            "SELECT count(*) FROM item
            WHERE (parent = ?1 OR id IN (SELECT item FROM listing WHERE collection = ?1)) AND kind = ?2",
        )?;
        Ok(statement.query_row(params![path, kind.number()], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Paths of all collections in which items are listed besides the one that they lie in.
    pub fn listed_collections(&self) -> Result<Vec<String>, CatalogError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached("SELECT DISTINCT collection FROM listing ORDER BY collection")?;
        let found = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// How many items of a kind there are.
    pub fn count(&self, kind: ItemKind) -> Result<u64, CatalogError> {
        let reader = self.reader();
        let count: i64 =
            reader.query_row("SELECT count(*) FROM item WHERE kind = ?1", [kind.number()], |row| row.get(0))?;
        Ok(count as u64)
    }

    /// Objects with the state of everything that they are made of, by row, beginning behind this one.
    pub fn object_states(&self, behind: i64, most: u64) -> Result<Vec<SeenObject>, CatalogError> {
        self.states("item_state WHERE kind = 0", behind, most)
    }

    /// The objects among them that have annotations in files beside them.
    pub fn annotated_object_states(&self, behind: i64, most: u64) -> Result<Vec<SeenObject>, CatalogError> {
        self.states("item_annotated WHERE has_annotations = 1", behind, most)
    }

    /// `which` is an index, by which the bodies need not be gone through, and what it is asked for.
    fn states(&self, which: &str, behind: i64, most: u64) -> Result<Vec<SeenObject>, CatalogError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(&format!(
            "SELECT id, path, signature FROM item INDEXED BY {which} AND id > ?1 ORDER BY id LIMIT ?2"
        ))?;
        let state = |row: &Row<'_>| {
            Ok(SeenObject { row: row.get(0)?, path: row.get(1)?, signature: Fingerprint::from_bytes(row.get(2)?) })
        };
        let found = statement.query_map(params![behind, most as i64], state)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Rows of objects whose files were not looked into yet, beginning behind this row.
    pub fn without_facts(&self, behind: i64, most: u64) -> Result<Vec<i64>, CatalogError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(
            "SELECT id FROM item INDEXED BY item_without_facts
            WHERE facts IS NULL AND kind = 0 AND id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let rows = statement.query_map(params![behind, most as i64], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// Keeps what is known of the insides of an object's files. They are not part of what is published as such: the log
    /// does not mention them.
    pub fn put_facts(&self, row: i64, facts: &[u8], pages: u64) -> Result<(), CatalogError> {
        self.writer()
            .prepare_cached("UPDATE item SET facts = ?2, pages = ?3, revision = revision + 1 WHERE id = ?1")?
            .execute(params![row, facts, pages as i64])?;
        Ok(())
    }

    /// Entries of the log from this sequence number on, oldest first.
    pub fn activities(&self, from: u64, most: u64) -> Result<Vec<Activity>, CatalogError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(
            "SELECT sequence, at_ms, kind, item, identifier, target FROM activity WHERE sequence >= ?1
            ORDER BY sequence LIMIT ?2",
        )?;
        let read = |row: &Row<'_>| {
            Ok(Activity {
                sequence: row.get::<_, i64>(0)? as u64,
                at_ms: row.get(1)?,
                kind: ActivityKind::from_number(row.get(2)?),
                item: ItemKind::from_number(row.get(3)?),
                identifier: row.get(4)?,
                target: row.get(5)?,
            })
        };
        let found = statement.query_map(params![from as i64, most as i64], read)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// How many entries the log has: the sequence number of the last one.
    pub fn count_activities(&self) -> Result<u64, CatalogError> {
        let last: Option<i64> = self.reader().query_row("SELECT max(sequence) FROM activity", [], |row| row.get(0))?;
        Ok(last.unwrap_or_default() as u64)
    }
}

const ITEM: &str = "id, path, identifier, parent, kind, revision, modified_ms, label, pages, picture, body, facts";

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        row: row.get(0)?,
        path: row.get(1)?,
        identifier: row.get(2)?,
        parent: row.get(3)?,
        kind: ItemKind::from_number(row.get(4)?),
        revision: row.get(5)?,
        modified_ms: row.get(6)?,
        label: row.get(7)?,
        pages: row.get::<_, i64>(8)? as u64,
        picture: row.get(9)?,
        body: row.get(10)?,
        facts: row.get(11)?,
    })
}

fn brief(row: &Row<'_>) -> rusqlite::Result<Brief> {
    Ok(Brief {
        row: row.get(0)?,
        path: row.get(1)?,
        identifier: row.get(2)?,
        kind: ItemKind::from_number(row.get(3)?),
        label: row.get(4)?,
        pages: row.get::<_, i64>(5)? as u64,
        picture: row.get(6)?,
    })
}
