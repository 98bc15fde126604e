//! Changes of annotations: each is compared with what is there, made, numbered and remembered in one transaction.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::versions::Deed;
use super::{AnnotationStore, STORED, Stored, now_ms, stored};
use crate::CatalogError;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new annotation.
    Create {
        /// The container that it is put in.
        container: String,
        /// What it is to be called.
        name: NameWanted,
        /// What it is.
        content: Content,
    },
    /// An annotation becomes something else.
    Replace {
        /// The container that it is in.
        container: String,
        /// What it is called.
        name: String,
        /// Which version the one who asks has seen.
        expected: Expected,
        /// What it is from now on.
        content: Content,
        /// How it came about. [`Deed::Restore`] also brings a deleted one back; no other does.
        deed: Deed,
    },
    /// An annotation is no longer there. Its versions stay, and so does its name.
    Delete {
        /// The container that it is in.
        container: String,
        /// What it is called.
        name: String,
        /// Which version the one who asks has seen.
        expected: Expected,
    },
}

/// What a new annotation is to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameWanted {
    /// Whatever the store finds.
    Any,
    /// This, if no annotation of the container has or had it; else whatever the store finds.
    IfFree(String),
    /// This and nothing else.
    Exactly(String),
}

/// Which version must be there for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whichever.
    Any,
    /// One of these.
    Versions(Vec<u64>),
}

impl Expected {
    fn allows(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

/// What an annotation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The annotation.
    pub body: Vec<u8>,
    /// What it is about. Said twice counts once.
    pub targets: Vec<Target>,
    /// Other names by which clients ask for it.
    pub also_called: Vec<String>,
    /// Why it was made, word by word.
    pub motivations: Vec<String>,
    /// Only its creator may see it.
    pub draft: bool,
}

impl Content {
    /// An annotation that is about nothing yet.
    pub fn new(body: Vec<u8>) -> Self {
        Self { body, targets: Vec::new(), also_called: Vec::new(), motivations: Vec::new(), draft: false }
    }

    /// The same, and about this too.
    #[must_use]
    pub fn about(mut self, source: &str, object: Option<&str>) -> Self {
        self.targets.push(Target { source: source.to_owned(), object: object.map(str::to_owned) });
        self
    }
}

/// Something that an annotation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is called: a canvas, a page on the web. The store compares it letter by letter.
    pub source: String,
    /// The object that it belongs to, if it belongs to one.
    pub object: Option<String>,
}

/// Why a change was not made. Nothing was changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such container.
    #[error("there is no container `{name}`")]
    NoContainer {
        /// What it would be called.
        name: String,
    },
    /// There was never such an annotation.
    #[error("the container has no annotation `{name}`")]
    NotFound {
        /// What it would be called.
        name: String,
    },
    /// It was deleted.
    #[error("the annotation `{name}` was deleted")]
    Gone {
        /// What it was called.
        name: String,
        /// The version that the deletion made.
        version: u64,
    },
    /// It is not, or no longer, the version that was expected.
    #[error("the annotation `{name}` has version {current} by now", name = current.name, current = current.version)]
    Conflict {
        /// What it is now.
        current: Box<Stored>,
    },
    /// Another annotation has, or had, the name.
    #[error("the name `{name}` is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The container takes no more.
    #[error("the container has {most} annotations, and takes no more")]
    Full {
        /// How many it takes.
        most: u64,
    },
}

impl AnnotationStore {
    /// Makes one change. Gives the annotation as it is then; a deleted one as it was, with its last version.
    ///
    /// # Errors
    /// When the database fails; then nothing is changed.
    pub fn write(&self, who: &str, change: &Change) -> Result<Result<Stored, Refusal>, CatalogError> {
        let mut outcomes = self.write_all(who, std::slice::from_ref(change))?;
        // One change has one outcome.
        Ok(outcomes.remove(0))
    }

    /// Makes several changes, one after another, in one transaction that waits for the disk once. A change that is refused
    /// does not keep the others from being made.
    ///
    /// # Errors
    /// When the database fails; then nothing is changed.
    pub fn write_all(&self, who: &str, changes: &[Change]) -> Result<Vec<Result<Stored, Refusal>>, CatalogError> {
        let mut writer = self.connections.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let writing = Writing { transaction: &transaction, who, at_ms: now_ms(), most: self.most_per_container };
        let outcomes = changes.iter().map(|change| writing.make(change)).collect::<Result<Vec<_>, _>>()?;
        transaction.commit()?;
        Ok(outcomes)
    }
}

/// The number of the next change. It is counted in the database, so that none is given twice.
pub(super) fn next_sequence(transaction: &Transaction<'_>) -> Result<i64, CatalogError> {
    let mut statement =
        transaction.prepare_cached("UPDATE last_change SET sequence = sequence + 1 RETURNING sequence")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// A transaction in which changes are made.
struct Writing<'a> {
    transaction: &'a Transaction<'a>,
    who: &'a str,
    at_ms: i64,
    most: u64,
}

/// The row of an annotation.
struct Place {
    row: i64,
    container: i64,
    deleted: bool,
    stored: Stored,
}

type Outcome = Result<Result<Stored, Refusal>, CatalogError>;

impl Writing<'_> {
    fn make(&self, change: &Change) -> Outcome {
        match change {
            Change::Create { container, name, content } => self.create(container, name, content),
            Change::Replace { container, name, expected, content, deed } => {
                match self.expect(container, name, expected, *deed == Deed::Restore)? {
                    Ok(place) => self.replace(place, content, *deed).map(Ok),
                    Err(refusal) => Ok(Err(refusal)),
                }
            }
            Change::Delete { container, name, expected } => match self.expect(container, name, expected, false)? {
                Ok(place) => self.delete(place).map(Ok),
                Err(refusal) => Ok(Err(refusal)),
            },
        }
    }

    fn create(&self, container: &str, name: &NameWanted, content: &Content) -> Outcome {
        let found = self
            .transaction
            .prepare_cached("SELECT id, total FROM container WHERE name = ?1")?
            .query_row([container], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        let Some((id, total)) = found else { return Ok(Err(Refusal::NoContainer { name: container.to_owned() })) };
        if total as u64 >= self.most {
            return Ok(Err(Refusal::Full { most: self.most }));
        }
        let name = match name {
            NameWanted::Exactly(name) if self.is_taken(id, name)? => {
                return Ok(Err(Refusal::NameTaken { name: name.clone() }));
            }
            NameWanted::Exactly(name) => name.clone(),
            NameWanted::IfFree(name) if !self.is_taken(id, name)? => name.clone(),
            NameWanted::IfFree(_) | NameWanted::Any => self.free_name(id)?,
        };
        let sequence = next_sequence(self.transaction)?;
        self.transaction
            .prepare_cached(
                "INSERT INTO annotation (container, name, version, sequence, deleted, draft, creator, editor, created_ms,
                modified_ms, motivations, body) VALUES (?1, ?2, 1, ?3, 0, ?4, ?5, ?5, ?6, ?6, ?7, ?8)",
            )?
            .execute(params![
                id,
                name,
                sequence,
                content.draft,
                self.who,
                self.at_ms,
                words(&content.motivations),
                content.body
            ])?;
        let row = self.transaction.last_insert_rowid();
        self.remember(row, 1, Deed::Create, content.draft, &content.body)?;
        self.set_targets(row, &content.targets, sequence)?;
        self.set_names(row, &content.also_called)?;
        self.touch(id, sequence, 1)?;
        Ok(Ok(Stored {
            container: container.to_owned(),
            name,
            version: 1,
            sequence: sequence as u64,
            draft: content.draft,
            creator: self.who.to_owned(),
            editor: self.who.to_owned(),
            created_ms: self.at_ms,
            modified_ms: self.at_ms,
            body: content.body.clone(),
        }))
    }

    fn replace(&self, place: Place, content: &Content, deed: Deed) -> Result<Stored, CatalogError> {
        let Place { row, container, deleted, stored } = place;
        let sequence = next_sequence(self.transaction)?;
        let version = stored.version + 1;
        self.transaction
            .prepare_cached(
                "UPDATE annotation SET version = ?2, sequence = ?3, deleted = 0, draft = ?4, editor = ?5, modified_ms = ?6,
                motivations = ?7, body = ?8 WHERE id = ?1",
            )?
            .execute(params![
                row,
                version as i64,
                sequence,
                content.draft,
                self.who,
                self.at_ms,
                words(&content.motivations),
                content.body
            ])?;
        self.remember(row, version, deed, content.draft, &content.body)?;
        self.set_targets(row, &content.targets, sequence)?;
        self.set_names(row, &content.also_called)?;
        self.touch(container, sequence, i64::from(deleted))?;
        Ok(Stored {
            version,
            sequence: sequence as u64,
            draft: content.draft,
            editor: self.who.to_owned(),
            modified_ms: self.at_ms,
            body: content.body.clone(),
            ..stored
        })
    }

    fn delete(&self, place: Place) -> Result<Stored, CatalogError> {
        let Place { row, container, stored, .. } = place;
        let sequence = next_sequence(self.transaction)?;
        let version = stored.version + 1;
        self.transaction
            .prepare_cached(
                "UPDATE annotation SET version = ?2, sequence = ?3, deleted = 1, editor = ?4, modified_ms = ?5 WHERE id = ?1",
            )?
            .execute(params![row, version as i64, sequence, self.who, self.at_ms])?;
        self.remember(row, version, Deed::Delete, stored.draft, b"")?;
        self.set_targets(row, &[], sequence)?;
        self.touch(container, sequence, -1)?;
        Ok(Stored {
            version,
            sequence: sequence as u64,
            editor: self.who.to_owned(),
            modified_ms: self.at_ms,
            ..stored
        })
    }

    /// The annotation, if it is there in a version that was expected.
    fn expect(
        &self,
        container: &str,
        name: &str,
        expected: &Expected,
        even_deleted: bool,
    ) -> Result<Result<Place, Refusal>, CatalogError> {
        let mut statement = self.transaction.prepare_cached(&format!(
            "SELECT {STORED}, annotation.id, container.id, deleted FROM annotation
            JOIN container ON container.id = annotation.container WHERE container.name = ?1 AND annotation.name = ?2"
        ))?;
        let found = statement
            .query_row([container, name], |row| {
                Ok(Place { stored: stored(row)?, row: row.get(10)?, container: row.get(11)?, deleted: row.get(12)? })
            })
            .optional()?;
        let name = name.to_owned();
        Ok(match found {
            None => Err(Refusal::NotFound { name }),
            Some(place) if place.deleted && !even_deleted => Err(Refusal::Gone { name, version: place.stored.version }),
            Some(place) if !expected.allows(place.stored.version) => {
                Err(Refusal::Conflict { current: Box::new(place.stored) })
            }
            Some(place) => Ok(place),
        })
    }

    fn is_taken(&self, container: i64, name: &str) -> Result<bool, CatalogError> {
        let mut statement =
            self.transaction.prepare_cached("SELECT 1 FROM annotation WHERE container = ?1 AND name = ?2")?;
        Ok(statement.exists(params![container, name])?)
    }

    /// A name that nobody can guess and that no other store gives: annotations may be carried from one to another.
    fn free_name(&self, container: i64) -> Result<String, CatalogError> {
        loop {
            let hex: String = self
                .transaction
                .prepare_cached("SELECT lower(hex(randomblob(16)))")?
                .query_row([], |row| row.get(0))?;
            let name = hex.get(..26).unwrap_or(&hex).to_owned();
            if !self.is_taken(container, &name)? {
                return Ok(name);
            }
        }
    }

    fn remember(&self, row: i64, version: u64, deed: Deed, draft: bool, body: &[u8]) -> Result<(), CatalogError> {
        self.transaction
            .prepare_cached("INSERT INTO version VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![row, version as i64, self.at_ms, self.who, deed.number(), draft, body])?;
        Ok(())
    }

    /// Says what an annotation is about from now on. The objects that it is, or was, about have changed.
    fn set_targets(&self, row: i64, targets: &[Target], sequence: i64) -> Result<(), CatalogError> {
        let mut objects: BTreeSet<String> = self
            .transaction
            .prepare_cached("DELETE FROM target WHERE annotation = ?1 RETURNING object")?
            .query_map([row], |row| row.get::<_, Option<String>>(0))?
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?;
        let mut insert = self.transaction.prepare_cached("INSERT OR IGNORE INTO target VALUES (?1, ?2, ?3)")?;
        for Target { source, object } in targets {
            insert.execute(params![source, row, object])?;
            objects.extend(object.clone());
        }
        let mut changed = self.transaction.prepare_cached("INSERT OR REPLACE INTO object_change VALUES (?1, ?2)")?;
        for object in objects {
            changed.execute(params![object, sequence])?;
        }
        Ok(())
    }

    /// Says what else an annotation is called from now on. A deleted one keeps its names, so that asking for it tells so.
    fn set_names(&self, row: i64, names: &[String]) -> Result<(), CatalogError> {
        self.transaction.prepare_cached("DELETE FROM also_called WHERE annotation = ?1")?.execute([row])?;
        let mut insert = self.transaction.prepare_cached("INSERT OR IGNORE INTO also_called VALUES (?1, ?2)")?;
        for name in names {
            insert.execute(params![name, row])?;
        }
        Ok(())
    }

    /// Notes in the container that something in it changed, and that it holds so many more.
    fn touch(&self, container: i64, sequence: i64, more: i64) -> Result<(), CatalogError> {
        self.transaction
            .prepare_cached(
                "UPDATE container SET sequence = ?2, modified_ms = max(modified_ms, ?3), total = total + ?4 WHERE id = ?1",
            )?
            .execute(params![container, sequence, self.at_ms, more])?;
        Ok(())
    }
}

/// Words so that each can be found with a space on both sides.
fn words(words: &[String]) -> String {
    let mut all = String::from(" ");
    for word in words {
        all.push_str(word);
        all.push(' ');
    }
    all
}
