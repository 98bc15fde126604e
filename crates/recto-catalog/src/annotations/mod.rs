//! What people wrote about the objects, in a database of its own. Nothing else holds it: what was acknowledged is on the disk.
//!
//! Annotations are bytes here. Who writes them says what they are about, why they were made and by whom; the store knows
//! containers, names, versions and order. Nothing is ever lost: each version stays, and a deleted annotation can be restored
//! under its name, which no other ever gets.
//!
//! ```
//! use recto_catalog::annotations::{AnnotationStore, Change, Content, NameWanted, Query, Scope};
//!
//! let store = AnnotationStore::in_memory()?;
//! store.make_container("letters", "Letters", "anna")?;
//! let content = Content::new(br#"{"type":"Annotation"}"#.to_vec()).about("letters/canvas/1", Some("letters"));
//! let create = Change::Create { container: "letters".into(), name: NameWanted::Any, content };
//! let stored = store.write("anna", &create)?.unwrap();
//! assert_eq!((stored.version, stored.creator.as_str()), (1, "anna"));
//! let found = store.list(&Query::of(Scope::Source("letters/canvas/1")), 0, 10)?;
//! assert_eq!(found, [stored]);
//! # Ok::<(), recto_catalog::CatalogError>(())
//! ```

mod reading;
mod versions;
mod writing;

use std::path::Path;
use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Row, TransactionBehavior, params};

use crate::connections::{Connections, Durability, Shape};
use crate::{CatalogError, migrations};

pub use self::reading::{Lookup, ObjectChange, Query, Scope};
pub use self::versions::{Deed, Version};
pub use self::writing::{Change, Content, Expected, NameWanted, Refusal, Target};

const SHAPE: Shape = Shape { steps: migrations::ANNOTATIONS, durability: Durability::OfPower, page_bytes: 4096 };

/// The annotations of one library.
///
/// Every call is one transaction and sees the state before or after another one, never between. When a call that writes
/// returns, what it wrote is on the disk. Calls block for as long as the disk takes.
#[derive(Debug)]
pub struct AnnotationStore {
    connections: Connections,
    most_per_container: u64,
}

/// A set of annotations that are kept together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// What it is called in URLs.
    pub name: String,
    /// What it is called for people.
    pub label: String,
    /// Who made it.
    pub creator: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it, or an annotation in it, last changed.
    pub modified_ms: i64,
    /// The number of its last change: another one means that something is other than before.
    pub sequence: u64,
    /// How many annotations are in it, drafts too.
    pub total: u64,
}

/// An annotation as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The container that it is in.
    pub container: String,
    /// What it is called in URLs, below its container.
    pub name: String,
    /// From 1; grows with each change of it.
    pub version: u64,
    /// The number of its last change, among all changes of all annotations.
    pub sequence: u64,
    /// Only its creator may see it.
    pub draft: bool,
    /// Who made it.
    pub creator: String,
    /// Who made this version of it.
    pub editor: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When this version of it was made.
    pub modified_ms: i64,
    /// The annotation.
    pub body: Vec<u8>,
}

impl AnnotationStore {
    /// Opens the database file, or makes it, and brings it to the newest version.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database, or was written by a newer program. It is never replaced by an empty
    /// one: what is in it is nowhere else.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        Ok(Self { connections: Connections::open(path, &SHAPE)?, most_per_container: u64::MAX })
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self, CatalogError> {
        Ok(Self { connections: Connections::in_memory(&SHAPE)?, most_per_container: u64::MAX })
    }

    /// No container takes more annotations than this.
    #[must_use]
    pub fn with_most_per_container(mut self, most: u64) -> Self {
        self.most_per_container = most;
        self
    }

    /// Makes a container. False when there is one of this name; it stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub fn make_container(&self, name: &str, label: &str, who: &str) -> Result<bool, CatalogError> {
        if self.container(name)?.is_some() {
            return Ok(false);
        }
        let mut writer = self.connections.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sequence = writing::next_sequence(&transaction)?;
        let made = transaction
            .prepare_cached(
                "INSERT INTO container (name, label, creator, created_ms, modified_ms, sequence, total)
                VALUES (?1, ?2, ?3, ?4, ?4, ?5, 0) ON CONFLICT (name) DO NOTHING",
            )?
            .execute(params![name, label, who, now_ms(), sequence])?;
        transaction.commit()?;
        Ok(made > 0)
    }

    /// The container of this name.
    pub fn container(&self, name: &str) -> Result<Option<Container>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(&format!("SELECT {CONTAINER} FROM container WHERE name = ?1"))?;
        Ok(statement.query_row([name], container).optional()?)
    }

    /// Containers, in the order in which they were made.
    pub fn containers(&self, offset: u64, most: u64) -> Result<Vec<Container>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement =
            reader.prepare_cached(&format!("SELECT {CONTAINER} FROM container ORDER BY id LIMIT ?1 OFFSET ?2"))?;
        let found = statement.query_map(params![limit(most), limit(offset)], container)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// How many containers there are.
    pub fn count_containers(&self) -> Result<u64, CatalogError> {
        let count: i64 = self.connections.reader().query_row("SELECT count(*) FROM container", [], |row| row.get(0))?;
        Ok(count as u64)
    }

    /// Writes a copy of the whole database, with every version, to a file that is not there yet. Who writes meanwhile need
    /// not wait.
    ///
    /// # Errors
    /// When the file is there, or cannot be written.
    pub fn copy_to(&self, path: &Path) -> Result<(), CatalogError> {
        let failed = |source| CatalogError::Open { path: path.to_owned(), source };
        let name = path.to_str().ok_or_else(|| failed(rusqlite::Error::InvalidPath(path.to_owned())))?;
        self.connections.reader().execute("VACUUM INTO ?1", [name]).map_err(failed)?;
        Ok(())
    }
}

const CONTAINER: &str = "name, label, creator, created_ms, modified_ms, sequence, total";

fn container(row: &Row<'_>) -> rusqlite::Result<Container> {
    Ok(Container {
        name: row.get(0)?,
        label: row.get(1)?,
        creator: row.get(2)?,
        created_ms: row.get(3)?,
        modified_ms: row.get(4)?,
        sequence: row.get::<_, i64>(5)? as u64,
        total: row.get::<_, i64>(6)? as u64,
    })
}

/// Columns of an annotation and its container, for [`stored`].
const STORED: &str = "container.name, annotation.name, annotation.version, annotation.sequence, annotation.draft, \
    annotation.creator, annotation.editor, annotation.created_ms, annotation.modified_ms, annotation.body";

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        container: row.get(0)?,
        name: row.get(1)?,
        version: row.get::<_, i64>(2)? as u64,
        sequence: row.get::<_, i64>(3)? as u64,
        draft: row.get(4)?,
        creator: row.get(5)?,
        editor: row.get(6)?,
        created_ms: row.get(7)?,
        modified_ms: row.get(8)?,
        body: row.get(9)?,
    })
}

/// A number of rows as SQLite takes it.
fn limit(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
