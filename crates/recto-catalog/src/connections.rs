//! One connection that writes, and a few that read beside it.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use rusqlite::Connection;

use crate::{CatalogError, migrations};

/// Connections that only read. One a core is enough: a look-up takes microseconds.
const READERS: usize = 4;

/// Longest wait for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

/// Bytes of the write-ahead log that stay on the disk after it was brought over.
const LOG_BYTES: i64 = 64 << 20;

/// What a committed transaction survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The end of the process, however it comes. The newest ones may be lost with the machine's power.
    OfProcess,
    /// The loss of the machine's power as well, as far as the disk does what it says.
    OfPower,
}

impl Durability {
    const fn synchronous(self) -> &'static str {
        match self {
            Self::OfProcess => "NORMAL",
            Self::OfPower => "FULL",
        }
    }
}

/// How a database is made and kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Its versions.
    pub(crate) steps: &'static [&'static str],
    pub(crate) durability: Durability,
    /// Bytes of a page of the file. Counts when the file is made.
    pub(crate) page_bytes: u32,
}

/// The connections to one database.
#[derive(Debug)]
pub(crate) struct Connections {
    writer: Mutex<Connection>,
    readers: Vec<Mutex<Connection>>,
}

impl Connections {
    /// Opens the file, or makes it, and brings it to the newest version.
    pub(crate) fn open(path: &Path, shape: &Shape) -> Result<Self, CatalogError> {
        let open = || -> Result<Connection, rusqlite::Error> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "page_size", shape.page_bytes)?;
            // Readers go on while one writes.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", shape.durability.synchronous())?;
            if shape.durability == Durability::OfPower {
                // Only macOS knows it: there a disk that is told to write may take it as advice.
                connection.pragma_update(None, "fullfsync", true)?;
            }
            connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            Ok(connection)
        };
        let failed = |source| CatalogError::Open { path: path.to_owned(), source };
        let mut writer = open().map_err(failed)?;
        migrations::migrate(&mut writer, shape.steps)?;
        if shape.durability == Durability::OfPower {
            keep_name(path);
        }
        let readers: Result<Vec<_>, _> = (0..READERS).map(|_| open().map(Mutex::new).map_err(failed)).collect();
        Ok(Self { writer: Mutex::new(writer), readers: readers? })
    }

    /// A database that is gone when it is dropped.
    pub(crate) fn in_memory(shape: &Shape) -> Result<Self, CatalogError> {
        let mut writer = Connection::open_in_memory()?;
        writer.pragma_update(None, "foreign_keys", true)?;
        migrations::migrate(&mut writer, shape.steps)?;
        Ok(Self { writer: Mutex::new(writer), readers: Vec::new() })
    }

    pub(crate) fn writer(&self) -> MutexGuard<'_, Connection> {
        // A transaction that was open when its thread died was rolled back, so that the connection is as good as before.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn reader(&self) -> MutexGuard<'_, Connection> {
        for reader in &self.readers {
            match reader.try_lock() {
                Ok(reader) => return reader,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        match self.readers.first() {
            Some(reader) => reader.lock().unwrap_or_else(PoisonError::into_inner),
            None => self.writer(),
        }
    }
}

/// Brings the name of a new file to the disk. Systems on which folders cannot be opened keep names by themselves.
fn keep_name(path: &Path) {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
