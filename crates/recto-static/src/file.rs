//! Files as originals, and which version of one it is.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use recto_codec::RandomAccess;

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
