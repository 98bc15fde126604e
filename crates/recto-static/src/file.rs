//! Which version of a file it is.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

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
