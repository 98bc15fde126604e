//! Texts of objects in files beside the database that are mapped into memory: copies, written when an object is put, or when its text
//! is first wanted.
//!
//! The database holds the same bytes, but in pieces: whoever reads them there copies half a megabyte for a single word. A file is
//! written whole under a name with the version of its object, and never changed. It is not forced onto the disk: after the machine
//! was started anew all files are forgotten, so that none is trusted that lost its power while it was written.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rusqlite::OptionalExtension as _;

use super::TextStore;
use super::mapped::Mapped;
use crate::CatalogError;
use crate::connections::Connections;

/// The folder of the files, beside the database.
const FOLDER: &str = "text-copies";
/// The folder of an earlier version of this program.
const FOLDER_BEFORE: &str = "text-indexes";
/// The file in it that says in which run of the machine they were written.
const RUN: &str = "run";
/// Bytes that are written at once.
const BUFFER_BYTES: usize = 256 << 10;
/// What a file begins with: the number of pages, the length of the index.
const HEAD_BYTES: usize = 4 + 8;
/// What it says of a page: its number, and where its blob ends behind the index.
const ENTRY_BYTES: usize = 4 + 8;

/// The text of an object in one version. Who holds it keeps it, whatever becomes of the object.
#[derive(Clone, Debug)]
pub struct TextCopy {
    /// The version, as [`super::TextState::version`].
    pub version: i64,
    /// Terms and places of the whole object.
    pub index: Bytes,
    table: Bytes,
    blobs: Bytes,
    is_in_memory: bool,
}

impl TextCopy {
    /// `None` where this is no such file, or it was cut.
    fn read(version: i64, mapped: Mapped) -> Option<Self> {
        let is_in_memory = mapped.is_in_memory();
        let all = Bytes::from_owner(mapped);
        let pages = u32::from_le_bytes(*all.first_chunk()?) as usize;
        let index = u64::from_le_bytes(*all.get(4..)?.first_chunk()?);
        let table_end = pages.checked_mul(ENTRY_BYTES)?.checked_add(HEAD_BYTES)?;
        let index_end = usize::try_from(index).ok()?.checked_add(table_end)?;
        if index_end > all.len() {
            return None;
        }
        let copy = Self {
            version,
            index: all.slice(table_end..index_end),
            table: all.slice(HEAD_BYTES..table_end),
            blobs: all.slice(index_end..),
            is_in_memory,
        };
        (copy.end_before(pages) == copy.blobs.len()).then_some(copy)
    }

    /// What is kept for a page; empty when its file was read and holds no words.
    pub fn page(&self, page: u32) -> Option<Bytes> {
        let (entries, _) = self.table.as_chunks::<ENTRY_BYTES>();
        let number = |entry: &[u8; ENTRY_BYTES]| entry.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        let at = entries.binary_search_by_key(&Some(page), number).ok()?;
        let (start, end) = (self.end_before(at), self.end_before(at + 1));
        (start <= end && end <= self.blobs.len()).then(|| self.blobs.slice(start..end))
    }

    /// Where the blobs of so many pages end.
    fn end_before(&self, pages: usize) -> usize {
        let (entries, _) = self.table.as_chunks::<ENTRY_BYTES>();
        let last = pages.checked_sub(1).and_then(|last| entries.get(last)?.last_chunk());
        last.map_or(0, |end| usize::try_from(u64::from_le_bytes(*end)).unwrap_or(usize::MAX))
    }

    /// Bytes of the program's memory that it takes: 0 where the system has mapped a file.
    pub fn memory_bytes(&self) -> usize {
        if self.is_in_memory { self.index.len() + self.table.len() + self.blobs.len() } else { 0 }
    }
}

/// What a copy is written from.
pub(super) struct Source<'a> {
    pub(super) index: &'a [u8],
    /// Numbers and blobs of the pages, in order.
    pub(super) pages: Vec<(u32, &'a [u8])>,
}

impl Source<'_> {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&(self.pages.len() as u32).to_le_bytes())?;
        out.write_all(&(self.index.len() as u64).to_le_bytes())?;
        let mut end = 0_u64;
        for (page, blob) in &self.pages {
            end += blob.len() as u64;
            out.write_all(&page.to_le_bytes())?;
            out.write_all(&end.to_le_bytes())?;
        }
        out.write_all(self.index)?;
        self.pages.iter().try_for_each(|(_, blob)| out.write_all(blob))
    }

    fn in_memory(&self) -> Mapped {
        let mut bytes = Vec::new();
        // Memory takes everything.
        let _written = self.write(&mut bytes);
        Mapped::memory(bytes)
    }
}

/// The files of copies.
#[derive(Debug)]
pub(super) struct Copies {
    /// `None` where nothing is kept in files.
    folder: Option<PathBuf>,
    parts: AtomicU64,
}

impl Copies {
    pub(super) fn in_memory() -> Self {
        Self { folder: None, parts: AtomicU64::new(0) }
    }

    /// The files beside the database at this path. Those of versions that it does not name are deleted, and all of them that an
    /// earlier run of the machine wrote.
    pub(super) fn beside(path: &Path, connections: &Connections) -> Result<Self, CatalogError> {
        let state = path.parent().unwrap_or(Path::new(""));
        // What cannot be deleted now takes nothing but room.
        let _ = fs::remove_dir_all(state.join(FOLDER_BEFORE));
        let folder = state.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|source| CatalogError::File { path: folder.clone(), source })?;
        let run = run();
        let is_same = run.is_some() && fs::read_to_string(folder.join(RUN)).ok() == run;
        let reader = connections.reader();
        let mut statement = reader.prepare("SELECT object, version FROM text_object")?;
        let named: HashSet<String> = statement
            .query_map([], |row| Ok(name(row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, rusqlite::Error>>()?;
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.contains(".text") && !(is_same && named.contains(name)) {
                // One that cannot be deleted now is named by nobody.
                let _ = fs::remove_file(entry.path());
            }
        }
        let written = run.is_some_and(|run| is_same || fs::write(folder.join(RUN), run).is_ok());
        Ok(Self { folder: written.then_some(folder), parts: AtomicU64::new(0) })
    }

    /// The copy of a version, if it is there.
    fn open(&self, object: i64, version: i64) -> Option<TextCopy> {
        let folder = self.folder.as_ref()?;
        TextCopy::read(version, Mapped::open_whole(&folder.join(name(object, version))).ok()?)
    }

    /// Writes a copy down. One that cannot be written is tried again when it is wanted.
    pub(super) fn write(&self, object: i64, version: i64, source: &Source<'_>) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let name = name(object, version);
        let part = self.parts.fetch_add(1, Ordering::Relaxed);
        let part = folder.join(format!("{name}.{}-{part}", std::process::id()));
        let written = || {
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, File::create(&part)?);
            source.write(&mut out)?;
            out.flush()?;
            fs::rename(&part, folder.join(&name))
        };
        written().inspect_err(|_| {
            let _ = fs::remove_file(&part);
        })
    }

    /// Deletes the copy of a version that is no more.
    pub(super) fn forget(&self, object: i64, version: i64) {
        if let Some(folder) = &self.folder {
            // Often there is none; one that is left goes with the next start.
            let _ = fs::remove_file(folder.join(name(object, version)));
        }
    }
}

fn name(object: i64, version: i64) -> String {
    format!("{object}-{version}.text")
}

/// What tells this run of the machine from others; `None` where the system does not say.
fn run() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

impl TextStore {
    /// The text of an object, mapped where it can be. `version` is the one that is expected: its file is opened without asking the
    /// database, which is asked where there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn copy(&self, object: i64, version: i64) -> Result<Option<TextCopy>, CatalogError> {
        if let Some(copy) = self.copies.open(object, version) {
            return Ok(Some(copy));
        }
        let Some((version, index, pages)) = self.whole(object)? else { return Ok(None) };
        let pages = pages.iter().map(|(page, blob)| (*page, blob.as_slice())).collect();
        let source = Source { index: &index, pages };
        let file = self.copies.write(object, version, &source).ok().and_then(|()| self.copies.open(object, version));
        Ok(file.or_else(|| TextCopy::read(version, source.in_memory())))
    }

    /// The text of an object as it is now, mapped where it can be.
    ///
    /// # Errors
    /// When the database fails.
    pub fn newest_copy(&self, object: i64) -> Result<Option<TextCopy>, CatalogError> {
        match self.state(object)? {
            Some(state) => self.copy(object, state.version),
            None => Ok(None),
        }
    }

    /// Version, index and pages of an object, of one state.
    fn whole(&self, object: i64) -> Result<Option<Whole>, CatalogError> {
        let reader = self.connections.reader();
        // What is read in one transaction is of one state.
        let transaction = reader.unchecked_transaction()?;
        let found = {
            let mut statement = transaction.prepare_cached(
                "SELECT version, blob FROM text_object JOIN text_index USING (object) WHERE text_object.object = ?1",
            )?;
            statement.query_row([object], |row| Ok((row.get(0)?, row.get(1)?))).optional()?
        };
        let Some((version, index)) = found else { return Ok(None) };
        let pages = {
            let mut statement =
                transaction.prepare_cached("SELECT page, blob FROM text_page WHERE object = ?1 ORDER BY page")?;
            statement.query_map([object], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
        };
        transaction.commit()?;
        Ok(Some((version, index, pages)))
    }
}

/// Version, index, and pages by their numbers.
type Whole = (i64, Vec<u8>, Vec<(u32, Vec<u8>)>);
