//! Terms of many objects, in files beside the database that are mapped into memory.
//!
//! A file is written whole under a name with its version, then named by the database: what the database names is there, and
//! what it does not name is left from a run that was cut short.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{OptionalExtension as _, Row, TransactionBehavior, params};

use super::mapped::Mapped;
use super::{TextStore, fingerprint, next_version};
use crate::connections::Connections;
use crate::{CatalogError, Fingerprint};

/// The folder of the files, beside the database.
const FOLDER: &str = "text-shards";

/// What is known of a shard without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardState {
    /// The state of everything that it was made of.
    pub signature: Fingerprint,
    /// No two states of any shard have the same.
    pub version: i64,
    /// Length in bytes.
    pub length: u64,
}

/// The files of shards, and those that are open.
#[derive(Debug)]
pub(super) struct Shards {
    folder: Option<PathBuf>,
    open: Mutex<HashMap<i64, (i64, Mapped)>>,
}

impl Shards {
    pub(super) fn in_memory() -> Self {
        Self { folder: None, open: Mutex::default() }
    }

    /// The shards of the database at this path. Files that it does not name are deleted.
    pub(super) fn beside(path: &Path, connections: &Connections) -> Result<Self, CatalogError> {
        let folder = path.parent().unwrap_or(Path::new("")).join(FOLDER);
        fs::create_dir_all(&folder).map_err(|source| CatalogError::File { path: folder.clone(), source })?;
        let reader = connections.reader();
        let mut statement = reader.prepare("SELECT shard, version FROM text_shard")?;
        let named: Vec<String> =
            statement.query_map([], |row| Ok(name(row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        sweep(&folder, &named);
        Ok(Self { folder: Some(folder), open: Mutex::default() })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<i64, (i64, Mapped)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the file of a shard is called.
fn name(shard: i64, version: i64) -> String {
    format!("{shard}-{version}.shard")
}

/// Deletes files of shards that nothing names. One that cannot be deleted is tried again next time.
fn sweep(folder: &Path, named: &[String]) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let ours = name.strip_suffix(".part").unwrap_or(name).rsplit_once('.').is_some_and(|(_, kind)| kind == "shard");
        if ours && !named.iter().any(|named| named == name) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Writes a file so that it is there whole or not at all, also after the machine lost its power.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), CatalogError> {
    let path = folder.join(name);
    let part = folder.join(format!("{name}.part"));
    let written = || -> io::Result<()> {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        drop(file);
        fs::rename(&part, &path)
    };
    written().map_err(|source| {
        let _ = fs::remove_file(&part);
        CatalogError::File { path, source }
    })
}

impl TextStore {
    /// What is known of a shard; `None` when it was never put.
    pub fn shard_state(&self, shard: i64) -> Result<Option<ShardState>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement =
            reader.prepare_cached("SELECT signature, version, length FROM text_shard WHERE shard = ?1")?;
        Ok(statement.query_row([shard], |row| state(row, 0)).optional()?)
    }

    /// All shards, by number.
    pub fn shards(&self) -> Result<Vec<(i64, ShardState)>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement =
            reader.prepare_cached("SELECT shard, signature, version, length FROM text_shard ORDER BY shard")?;
        let found = statement.query_map([], |row| Ok((row.get(0)?, state(row, 1)?)))?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Keeps a shard in place of what was there before. Who has opened that keeps it. Gives the version.
    ///
    /// # Errors
    /// When the file cannot be written or the database fails; then the shard is as it was.
    pub fn put_shard(&self, shard: i64, signature: Fingerprint, bytes: &[u8]) -> Result<i64, CatalogError> {
        let mut writer = self.connections.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before: Option<i64> = transaction
            .query_row("SELECT version FROM text_shard WHERE shard = ?1", [shard], |row| row.get(0))
            .optional()?;
        let version = next_version(&transaction)?;
        if let Some(folder) = &self.shards.folder {
            write(folder, &name(shard, version), bytes)?;
        }
        transaction.execute(
            "INSERT OR REPLACE INTO text_shard VALUES (?1, ?2, ?3, ?4)",
            params![shard, signature.to_bytes(), version, bytes.len() as i64],
        )?;
        transaction.commit()?;
        let mut open = self.shards.open();
        open.remove(&shard);
        match (&self.shards.folder, before) {
            (None, _) => {
                open.insert(shard, (version, Mapped::memory(bytes.to_vec())));
            }
            (Some(folder), Some(before)) => {
                let _ = fs::remove_file(folder.join(name(shard, before)));
            }
            (Some(_), None) => {}
        }
        Ok(version)
    }

    /// Version and bytes of a shard. A file that is no longer there, or was cut, is as if the shard had never been put.
    ///
    /// # Errors
    /// When the database fails, or the file is there and cannot be opened.
    pub fn shard(&self, shard: i64) -> Result<Option<(i64, Mapped)>, CatalogError> {
        let mut missing = None;
        loop {
            let Some(ShardState { version, length, .. }) = self.shard_state(shard)? else { return Ok(None) };
            // Another thread may have put a newer one, and deleted the file, since the database was asked.
            if missing == Some(version) {
                return Ok(None);
            }
            if let Some((opened, mapped)) = self.shards.open().get(&shard)
                && *opened == version
            {
                return Ok(Some((version, mapped.clone())));
            }
            let Some(folder) = &self.shards.folder else { return Ok(None) };
            let path = folder.join(name(shard, version));
            match Mapped::open(&path, length) {
                Ok(mapped) => {
                    self.shards.open().insert(shard, (version, mapped.clone()));
                    return Ok(Some((version, mapped)));
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
                    missing = Some(version);
                }
                Err(source) => return Err(CatalogError::File { path, source }),
            }
        }
    }

    /// Forgets a shard. True when it was there.
    ///
    /// # Errors
    /// When the database fails; then the shard is as it was.
    pub fn delete_shard(&self, shard: i64) -> Result<bool, CatalogError> {
        let before: Option<i64> = self
            .connections
            .writer()
            .query_row("DELETE FROM text_shard WHERE shard = ?1 RETURNING version", [shard], |row| row.get(0))
            .optional()?;
        self.shards.open().remove(&shard);
        if let (Some(folder), Some(before)) = (&self.shards.folder, before) {
            let _ = fs::remove_file(folder.join(name(shard, before)));
        }
        Ok(before.is_some())
    }
}

fn state(row: &Row<'_>, first: usize) -> rusqlite::Result<ShardState> {
    Ok(ShardState {
        signature: fingerprint(row, first)?,
        version: row.get(first + 1)?,
        length: row.get::<_, i64>(first + 2)? as u64,
    })
}
