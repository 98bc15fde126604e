//! Files as originals, and which version of one it is.

use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use recto_codec::{RandomAccess, Shelf};

/// One version of a file: a change of its content changes one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    bytes: u64,
    /// Seconds and nanoseconds of the last change.
    modified: (i64, i64),
    inode: u64,
}

impl Version {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()), inode: metadata.ino() }
    }

    /// What is remembered of it. Not the inode: a copy with its times kept is the same original.
    pub(crate) fn words(&self) -> String {
        format!("{} {}.{:09}", self.bytes, self.modified.0, self.modified.1)
    }
}

/// An open file, read at any position.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    length: u64,
}

impl OpenFile {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }
}

impl RandomAccess for OpenFile {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

/// A shelf for as long as one original is worked on: files without names in a folder.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    parts: Mutex<Vec<(String, Arc<OpenFile>)>>,
}

impl Spool {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), parts: Mutex::default() }
    }
}

impl Shelf for Spool {
    fn open(&self, name: &str) -> Option<Arc<dyn RandomAccess>> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, part) = parts.iter().find(|(other, _)| other == name)?;
        Some(Arc::clone(part) as Arc<dyn RandomAccess>)
    }

    fn keep(&self, name: &str, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut out = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        write(&mut out)?;
        let part = OpenFile::new(out.into_inner().map_err(io::IntoInnerError::into_error)?)?;
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), Arc::new(part)));
        Ok(())
    }
}
