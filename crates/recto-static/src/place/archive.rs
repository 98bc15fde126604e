//! A tree in an archive. It grows under another name, entry behind entry; an unfinished one is gone on with, and what a finished one holds
//! already is copied from it.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::StaticError;
use crate::archive::{Archive, ArchiveError, ArchiveWriter, Index, scan};

#[derive(Debug)]
pub(crate) struct ArchivePlace {
    path: PathBuf,
    part_path: PathBuf,
    folder: PathBuf,
    /// The finished archive of an earlier run.
    old: Option<Archive>,
    /// What an unfinished one of an earlier run holds.
    resumed: Index,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    writer: ArchiveWriter,
    /// Rows of the page at work, each with the number of its picture.
    rows: Vec<(usize, Vec<u8>)>,
    /// Images whose documents were put, by the names of those.
    documents: HashSet<String>,
    /// Images that the finished archive has as they are to be, by the names of their documents.
    done: HashSet<String>,
    /// Something was not in the finished archive.
    changed: bool,
}

impl ArchivePlace {
    /// Opens what there is. `wanted` knows the marks of this run.
    pub(crate) fn open(path: &Path, overwrite: bool, wanted: &dyn Fn(u128) -> bool) -> Result<Self, StaticError> {
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        std::fs::create_dir_all(&folder).map_err(StaticError::io(&folder, "created"))?;
        let old = match Archive::open(path) {
            Ok(archive) if is_ours(&archive).map_err(StaticError::io(path, "read"))? => Some(archive),
            Err(ArchiveError::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Ok(_) | Err(_) if overwrite => None,
            Ok(_) => return Err(StaticError::Exists { path: path.to_owned() }),
            Err(source) => return Err(StaticError::Archive { path: path.to_owned(), source }),
        };
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".recto-part");
        let part_path = path.with_file_name(name);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&part_path);
        let file = file.map_err(StaticError::io(&part_path, "created"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(StaticError::Busy { path: path.to_owned() }),
            Err(std::fs::TryLockError::Error(error)) => return Err(StaticError::io(&part_path, "locked")(error)),
        }
        let scanned = scan(&file, wanted).map_err(StaticError::io(&part_path, "read"))?;
        let writer = ArchiveWriter::new(file, scanned.end, &folder).map_err(StaticError::io(&part_path, "written"))?;
        let changed = scanned.end > 0 || old.is_none();
        Ok(Self {
            path: path.to_owned(),
            part_path,
            folder,
            old,
            resumed: scanned.index,
            state: Mutex::new(State {
                writer,
                rows: Vec::new(),
                documents: HashSet::new(),
                done: HashSet::new(),
                changed,
            }),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written<T>(&self, result: io::Result<T>) -> Result<T, StaticError> {
        result.map_err(StaticError::io(&self.part_path, "written"))
    }

    /// True when the finished archive has all pages of it, whose first has these folders.
    pub(crate) fn is_done(&self, mark: u128, folders: &[String]) -> Result<bool, StaticError> {
        let Some(old) = &self.old else { return Ok(false) };
        let mut done = Vec::new();
        for folder in folders {
            let mut pages = 1;
            let mut page = 1;
            while page <= pages {
                let end = if page == 1 { String::new() } else { format!(";{page}") };
                let name = format!("{folder}{end}/info.json");
                let found = old.find_marked(&name).map_err(StaticError::io(&self.path, "read"))?;
                let Some(found) = found.filter(|found| found.mark == Some(mark)) else { return Ok(false) };
                if page == 1 {
                    let mut bytes = vec![0; found.length as usize];
                    old.file().read_exact_at(&mut bytes, found.data).map_err(StaticError::io(&self.path, "read"))?;
                    let document: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                    pages = document.get("pageCount").and_then(Value::as_u64).unwrap_or(1);
                }
                done.push(name);
                page += 1;
            }
        }
        self.state().done.extend(done);
        Ok(true)
    }

    /// The documents of the images that were found done.
    pub(crate) fn done(&self) -> HashSet<String> {
        self.state().done.clone()
    }

    pub(crate) fn take(&self, mark: u128, number: usize, paths: &[String]) -> Result<bool, StaticError> {
        let mut state = self.state();
        let mut rows = Vec::with_capacity(paths.len());
        for path in paths {
            match self.row(&mut state, mark, path)? {
                Some(row) => rows.push((number, row)),
                None => return Ok(false),
            }
        }
        state.rows.append(&mut rows);
        Ok(true)
    }

    /// The row of an entry that an earlier run made; from the finished archive it is copied.
    fn row(&self, state: &mut State, mark: u128, path: &str) -> Result<Option<Vec<u8>>, StaticError> {
        let found = self.resumed.find(state.writer.file(), path).map_err(StaticError::io(&self.part_path, "read"))?;
        if let Some(found) = found.filter(|found| found.mark == Some(mark)) {
            return Ok(Some(ArchiveWriter::row_of(path, &found)));
        }
        let Some(old) = &self.old else { return Ok(None) };
        let found = old.find_marked(path).map_err(StaticError::io(&self.path, "read"))?;
        let Some(found) = found.filter(|found| found.mark == Some(mark)) else { return Ok(None) };
        let mut bytes = vec![0; found.length as usize];
        old.file().read_exact_at(&mut bytes, found.data).map_err(StaticError::io(&self.path, "read"))?;
        // Damaged on the way: then it is made anew.
        if crc32fast::hash(&bytes) != found.crc {
            return Ok(None);
        }
        self.written(state.writer.append(path, mark, found.crc, &bytes)).map(Some)
    }

    pub(crate) fn put(&self, mark: u128, number: usize, paths: &[String], bytes: &[u8]) -> Result<(), StaticError> {
        if let Some(name) = paths.first().filter(|_| bytes.len() as u64 >= u64::from(u32::MAX)) {
            return Err(StaticError::TooLargeForArchive { name: name.clone(), bytes: bytes.len() as u64 });
        }
        let crc = crc32fast::hash(bytes);
        let mut state = self.state();
        state.changed = true;
        for path in paths {
            let row = self.written(state.writer.append(path, mark, crc, bytes))?;
            state.rows.push((number, row));
        }
        Ok(())
    }

    pub(crate) fn end_page(&self, mark: u128, documents: &[(String, Vec<u8>)]) -> Result<(), StaticError> {
        for (path, bytes) in documents {
            let paths = std::slice::from_ref(path);
            if !self.take(mark, usize::MAX, paths)? {
                self.put(mark, usize::MAX, paths, bytes)?;
            }
        }
        let mut state = self.state();
        let mut rows = std::mem::take(&mut state.rows);
        // In the order of the tree, whichever was finished first.
        rows.sort_by_key(|(number, _)| *number);
        for (_, row) in &rows {
            self.written(state.writer.list(row))?;
        }
        state.documents.extend(documents.iter().map(|(path, _)| path.clone()));
        Ok(())
    }

    /// A page was not finished: its rows are not listed.
    pub(crate) fn forget_page(&self) {
        self.state().rows.clear();
    }

    /// Images of the finished archive that this run did not come across, by the names of their documents.
    pub(crate) fn remains(&self) -> Result<Vec<String>, StaticError> {
        let Some(old) = &self.old else { return Ok(Vec::new()) };
        let state = self.state();
        let mut remains = Vec::new();
        old.names(|name| {
            if name.ends_with("/info.json") && !state.documents.contains(name) {
                remains.push(name.to_owned());
            }
        })
        .map_err(|source| StaticError::Archive { path: self.path.clone(), source })?;
        Ok(remains)
    }

    /// Gives the archive its name. Of images that only the finished one has, those in `kept` (names of documents) are taken over.
    pub(crate) fn finish(self, kept: &HashSet<String>, dropped: bool) -> Result<(), StaticError> {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !state.changed && !dropped {
            // It would be the same again.
            return std::fs::remove_file(&self.part_path).map_err(StaticError::io(&self.part_path, "removed"));
        }
        if let Some(old) = self.old.as_ref().filter(|_| !kept.is_empty()) {
            let images: HashSet<&str> = kept.iter().filter_map(|document| document.strip_suffix("info.json")).collect();
            let is_kept = |name: &str| name.match_indices('/').any(|(at, _)| images.contains(&name[..=at]));
            let mut copied = Ok(());
            old.names(|name| {
                if copied.is_ok() && is_kept(name) {
                    copied = copy(old, &mut state.writer, name);
                }
            })
            .map_err(|source| StaticError::Archive { path: self.path.clone(), source })?;
            copied.map_err(StaticError::io(&self.part_path, "written"))?;
        }
        let file = state.writer.finish().map_err(StaticError::io(&self.part_path, "written"))?;
        std::fs::rename(&self.part_path, &self.path).map_err(StaticError::io(&self.path, "written"))?;
        drop(file);
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(StaticError::io(&self.folder, "written"))
    }
}

/// Takes an entry over as it lies.
fn copy(old: &Archive, writer: &mut ArchiveWriter, name: &str) -> io::Result<()> {
    let Some(found) = old.find_marked(name)? else { return Ok(()) };
    let mut bytes = vec![0; found.length as usize];
    old.file().read_exact_at(&mut bytes, found.data)?;
    let row = writer.append(name, found.mark.unwrap_or_default(), found.crc, &bytes)?;
    writer.list(&row)
}

/// An archive without entries, or whose first file has a mark.
fn is_ours(archive: &Archive) -> io::Result<bool> {
    let mut first = None;
    let names = archive.names(|name| {
        if first.is_none() {
            first = Some(name.to_owned());
        }
    });
    names.map_err(io::Error::other)?;
    match first {
        None => Ok(true),
        Some(name) => Ok(archive.find_marked(&name)?.is_some_and(|found| found.mark.is_some())),
    }
}
