//! Indexes of objects in files beside the database that are mapped into memory: copies, made when an index is first wanted.
//!
//! The database holds the same bytes, but in pieces: whoever reads them there copies half a megabyte for a single word. A file is
//! written whole under a name with the version of its object, and never changed. It is not forced onto the disk: after the machine
//! was started anew all files are forgotten, so that none is trusted that lost its power while it was written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::TextStore;
use super::mapped::Mapped;
use crate::CatalogError;
use crate::connections::Connections;

/// The folder of the files, beside the database.
const FOLDER: &str = "text-indexes";
/// The file in it that says in which run of the machine they were written.
const RUN: &str = "run";

/// The files of indexes.
#[derive(Debug)]
pub(super) struct Indexes {
    /// `None` where nothing is kept in files.
    folder: Option<PathBuf>,
    parts: AtomicU64,
}

impl Indexes {
    pub(super) fn in_memory() -> Self {
        Self { folder: None, parts: AtomicU64::new(0) }
    }

    /// The files beside the database at this path. Those of versions that it does not name are deleted, and all of them that an
    /// earlier run of the machine wrote.
    pub(super) fn beside(path: &Path, connections: &Connections) -> Result<Self, CatalogError> {
        let folder = path.parent().unwrap_or(Path::new("")).join(FOLDER);
        fs::create_dir_all(&folder).map_err(|source| CatalogError::File { path: folder.clone(), source })?;
        let run = run();
        let is_same = run.is_some() && fs::read_to_string(folder.join(RUN)).ok() == run;
        let reader = connections.reader();
        let mut statement = reader.prepare("SELECT object, version FROM text_object")?;
        let named: std::collections::HashSet<String> = statement
            .query_map([], |row| Ok(name(row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, rusqlite::Error>>()?;
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.contains(".index") && !(is_same && named.contains(name)) {
                // One that cannot be deleted now is named by nobody.
                let _ = fs::remove_file(entry.path());
            }
        }
        let written = run.is_some_and(|run| is_same || fs::write(folder.join(RUN), run).is_ok());
        Ok(Self { folder: written.then_some(folder), parts: AtomicU64::new(0) })
    }

    /// The file of an index, if it is there.
    fn open(&self, object: i64, version: i64) -> Option<Mapped> {
        let folder = self.folder.as_ref()?;
        Mapped::open_whole(&folder.join(name(object, version))).ok()
    }

    /// Writes an index down, and gives it from there; from memory where that fails.
    fn keep(&self, object: i64, version: i64, blob: Vec<u8>) -> Mapped {
        let written = || -> io::Result<Mapped> {
            let Some(folder) = &self.folder else { return Err(io::ErrorKind::NotFound.into()) };
            let name = name(object, version);
            let part = self.parts.fetch_add(1, Ordering::Relaxed);
            let part = folder.join(format!("{name}.{}-{part}", std::process::id()));
            let put = fs::write(&part, &blob).and_then(|()| fs::rename(&part, folder.join(&name)));
            if let Err(error) = put {
                let _ = fs::remove_file(&part);
                return Err(error);
            }
            Mapped::open_whole(&folder.join(&name))
        };
        written().unwrap_or_else(|_| Mapped::memory(blob))
    }

    /// Deletes the file of a version that is no more.
    pub(super) fn forget(&self, object: i64, version: i64) {
        if let Some(folder) = &self.folder {
            // Often there is none; one that is left goes with the next start.
            let _ = fs::remove_file(folder.join(name(object, version)));
        }
    }
}

fn name(object: i64, version: i64) -> String {
    format!("{object}-{version}.index")
}

/// What tells this run of the machine from others; `None` where the system does not say.
fn run() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

impl TextStore {
    /// Version and index of an object, mapped where it can be.
    ///
    /// # Errors
    /// When the database fails.
    pub fn mapped_index(&self, object: i64) -> Result<Option<(i64, Mapped)>, CatalogError> {
        let Some(state) = self.state(object)? else { return Ok(None) };
        if let Some(mapped) = self.indexes.open(object, state.version) {
            return Ok(Some((state.version, mapped)));
        }
        let Some((version, blob)) = self.index(object)? else { return Ok(None) };
        Ok(Some((version, self.indexes.keep(object, version, blob))))
    }
}
