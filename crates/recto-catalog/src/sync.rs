//! Takes in what a scan of the library found: what is new, changed, moved or gone, each in one transaction with its entry
//! in the log.

use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::activity::ActivityKind;
use crate::item::{Fingerprint, Found, ItemKind};
use crate::{Catalog, CatalogError};

/// One pass over everything that a scan found. Only one goes on at a time.
///
/// It may end anywhere: what was put is there, the rest is as it was, and the next pass goes on from there.
#[derive(Debug)]
pub struct Sync<'catalog> {
    catalog: &'catalog Catalog,
    known: HashMap<(String, ItemKind), Known>,
    /// Items whose files are no longer where they were, by their content: a new one like it is the same, moved.
    gone: HashMap<(Fingerprint, ItemKind), Vec<String>>,
    tally: Tally,
    _only: MutexGuard<'catalog, ()>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    row: i64,
    signature: Fingerprint,
    is_there: bool,
    is_seen: bool,
}

/// What became of an item that was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it was.
    Unchanged,
    /// It was not there before.
    Created,
    /// It was changed.
    Updated,
    /// It lay somewhere else before.
    Moved,
    /// Nothing was done: another item, which lies at this path, has its identifier.
    IdentifierTaken {
        /// Where the other one lies.
        by: String,
    },
}

/// How many items met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Items that are as they were.
    pub unchanged: u64,
    /// Items that were not there before.
    pub created: u64,
    /// Items that were changed.
    pub updated: u64,
    /// Items that lay somewhere else before.
    pub moved: u64,
    /// Items that are no longer published.
    pub deleted: u64,
}

impl Tally {
    /// True when the catalogue is other than before.
    pub fn has_changes(&self) -> bool {
        self.created + self.updated + self.moved + self.deleted > 0
    }
}

impl Catalog {
    /// Begins a pass. `is_there` tells whether an item of this path and kind is among what will be put (or may be there
    /// unseen): all others that are known can only have been moved or deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sync(&self, is_there: &dyn Fn(&str, ItemKind) -> bool) -> Result<Sync<'_>, CatalogError> {
        let only = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = HashMap::new();
        let mut gone: HashMap<(Fingerprint, ItemKind), Vec<String>> = HashMap::new();
        {
            let writer = self.writer();
            let mut statement =
                writer.prepare("SELECT id, path, kind, signature, content FROM item ORDER BY path DESC")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let path: String = row.get(1)?;
                let kind = ItemKind::from_number(row.get(2)?);
                let is_there = is_there(&path, kind);
                let fingerprint = |bytes: Vec<u8>| Fingerprint::from_bytes(bytes.try_into().unwrap_or_default());
                if !is_there {
                    gone.entry((fingerprint(row.get(4)?), kind)).or_default().push(path.clone());
                }
                let signature = fingerprint(row.get(3)?);
                known.insert((path, kind), Known { row: row.get(0)?, signature, is_there, is_seen: false });
            }
        }
        Ok(Sync { catalog: self, known, gone, tally: Tally::default(), _only: only })
    }
}

impl Sync<'_> {
    /// True, and counted as seen, when the item is known in just this state: then it need not be put.
    pub fn is_current(&mut self, path: &str, kind: ItemKind, signature: Fingerprint) -> bool {
        // The map is asked by owned keys: an allocation is nothing beside the look at the files before it.
        match self.known.get_mut(&(path.to_owned(), kind)) {
            Some(known) if known.signature == signature => {
                if !known.is_seen {
                    known.is_seen = true;
                    self.tally.unchanged += 1;
                }
                true
            }
            _ => false,
        }
    }

    /// Takes in one item.
    ///
    /// # Errors
    /// When the database fails; then nothing of the item is changed.
    pub fn put(&mut self, found: &Found) -> Result<Outcome, CatalogError> {
        if self.is_current(&found.path, found.kind, found.signature) {
            return Ok(Outcome::Unchanged);
        }
        let mut writer = self.catalog.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let key = (found.path.clone(), found.kind);
        let mut row = self.known.get(&key).map(|known| known.row);
        let mut moved_from = None;
        if let Some(by) = taken(&transaction, found, row)? {
            match self.known.get(&(by.clone(), found.kind)) {
                // Who had the identifier is gone: it is the same item, changed and somewhere else.
                Some(other) if !other.is_there && !other.is_seen && row.is_none() => {
                    row = Some(other.row);
                    moved_from = Some(by);
                }
                _ => return Ok(Outcome::IdentifierTaken { by }),
            }
        }
        if row.is_none() {
            moved_from = self.like_it(found);
            row =
                moved_from.as_ref().and_then(|path| self.known.get(&(path.clone(), found.kind))).map(|known| known.row);
        }
        let outcome = match row {
            None => {
                row = Some(insert(&transaction, found)?);
                log(&transaction, ActivityKind::Create, found.kind, &found.identifier, None)?;
                Outcome::Created
            }
            Some(row) => {
                let before = update(&transaction, row, found)?;
                if before != found.identifier {
                    transaction.execute(
                        "INSERT OR REPLACE INTO alias (identifier, item) VALUES (?1, ?2)",
                        params![before, row],
                    )?;
                    log(&transaction, ActivityKind::Move, found.kind, &before, Some(&found.identifier))?;
                }
                // A move says that the same thing has another name; whatever else changed is an update of it.
                if before == found.identifier || self.is_changed(moved_from.as_deref(), found) {
                    log(&transaction, ActivityKind::Update, found.kind, &found.identifier, None)?;
                }
                if moved_from.is_some() { Outcome::Moved } else { Outcome::Updated }
            }
        };
        let row = row.unwrap_or_default();
        transaction.execute("DELETE FROM alias WHERE identifier = ?1", [&found.identifier])?;
        transaction.execute("DELETE FROM listing WHERE item = ?1", [row])?;
        for collection in &found.listed_in {
            transaction.execute(
                "INSERT OR IGNORE INTO listing (collection, item) VALUES (?1, ?2)",
                params![collection, row],
            )?;
        }
        transaction.commit()?;
        if let Some(path) = moved_from {
            self.known.remove(&(path, found.kind));
        }
        self.known.insert(key, Known { row, signature: found.signature, is_there: true, is_seen: true });
        match outcome {
            Outcome::Created => self.tally.created += 1,
            Outcome::Updated => self.tally.updated += 1,
            Outcome::Moved => self.tally.moved += 1,
            Outcome::Unchanged | Outcome::IdentifierTaken { .. } => {}
        }
        Ok(outcome)
    }

    /// The path of an item that is gone and was made of the very same files.
    fn like_it(&mut self, found: &Found) -> Option<String> {
        let paths = self.gone.get_mut(&(found.content, found.kind))?;
        while let Some(path) = paths.pop() {
            if self.known.get(&(path.clone(), found.kind)).is_some_and(|known| !known.is_seen) {
                return Some(path);
            }
        }
        None
    }

    /// Is the item other than it was, apart from its place? Of an item known by its identifier alone, that is not known.
    fn is_changed(&self, moved_from: Option<&str>, found: &Found) -> bool {
        moved_from.is_none_or(|path| {
            self.gone.get(&(found.content, found.kind)).is_none_or(|paths| paths.iter().any(|other| other == path))
        })
    }

    /// Ends the pass: what is known but was not seen, and is not there, is deleted.
    ///
    /// # Errors
    /// When the database fails; what was deleted before stays so.
    pub fn finish(mut self) -> Result<Tally, CatalogError> {
        let mut unseen: Vec<_> = self
            .known
            .iter()
            .filter(|(_, known)| !known.is_seen && !known.is_there)
            .map(|(key, known)| (key.clone(), known.row))
            .collect();
        unseen.sort_unstable_by(|(left, _), (right, _)| left.0.cmp(&right.0));
        for ((_, kind), row) in unseen {
            let mut writer = self.catalog.writer();
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let identifier: Option<String> = transaction
                .query_row("DELETE FROM item WHERE id = ?1 RETURNING identifier", [row], |row| row.get(0))
                .optional()?;
            if let Some(identifier) = identifier {
                log(&transaction, ActivityKind::Delete, kind, &identifier, None)?;
                self.tally.deleted += 1;
            }
            transaction.commit()?;
        }
        Ok(self.tally)
    }
}

/// Where another item lies that has the identifier of this one.
fn taken(transaction: &Transaction<'_>, found: &Found, row: Option<i64>) -> Result<Option<String>, CatalogError> {
    let other = transaction
        .prepare_cached("SELECT path FROM item WHERE identifier = ?1 AND kind = ?2 AND id IS NOT ?3")?
        .query_row(params![found.identifier, found.kind.number(), row], |row| row.get(0))
        .optional()?;
    Ok(other)
}

fn insert(transaction: &Transaction<'_>, found: &Found) -> Result<i64, CatalogError> {
    transaction
        .prepare_cached(
            "INSERT INTO item (path, kind, identifier, parent, sort, signature, content, revision, modified_ms, label,
                pages, picture, body, has_annotations)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            found.path,
            found.kind.number(),
            found.identifier,
            found.parent,
            found.sort,
            found.signature.to_bytes(),
            found.content.to_bytes(),
            found.modified_ms,
            found.label,
            found.pages as i64,
            found.picture,
            found.body,
            found.has_annotations,
        ])?;
    Ok(transaction.last_insert_rowid())
}

/// Changes a row; gives the identifier that it had.
fn update(transaction: &Transaction<'_>, row: i64, found: &Found) -> Result<String, CatalogError> {
    let before =
        transaction.prepare_cached("SELECT identifier FROM item WHERE id = ?1")?.query_row([row], |row| row.get(0))?;
    transaction
        .prepare_cached(
            "UPDATE item SET path = ?2, identifier = ?3, parent = ?4, sort = ?5, signature = ?6, content = ?7,
                revision = revision + 1, modified_ms = ?8, label = ?9, pages = ?10, picture = ?11, body = ?12,
                has_annotations = ?13
            WHERE id = ?1",
        )?
        .execute(params![
            row,
            found.path,
            found.identifier,
            found.parent,
            found.sort,
            found.signature.to_bytes(),
            found.content.to_bytes(),
            found.modified_ms,
            found.label,
            found.pages as i64,
            found.picture,
            found.body,
            found.has_annotations,
        ])?;
    Ok(before)
}

/// Writes an entry of the log. Its time is never before that of the last one, whatever the clock says.
fn log(
    transaction: &Transaction<'_>,
    kind: ActivityKind,
    item: ItemKind,
    identifier: &str,
    target: Option<&str>,
) -> Result<(), CatalogError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    transaction
        .prepare_cached(
            "INSERT INTO activity (sequence, at_ms, kind, item, identifier, target)
            SELECT coalesce(max(sequence), 0) + 1,
                max(?1, coalesce((SELECT at_ms FROM activity ORDER BY sequence DESC LIMIT 1), 0)), ?2, ?3, ?4, ?5
            FROM activity",
        )?
        .execute(params![now, kind.number(), item.number(), identifier, target])?;
    Ok(())
}
