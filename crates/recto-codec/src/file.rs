//! Files at hand as originals.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use crate::RandomAccess;

/// An open file, read at any position: for programs that see to it themselves that it stays as it is.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    length: u64,
}

impl OpenFile {
    /// The file, as long as it is now.
    ///
    /// # Errors
    /// When the system does not tell its length.
    pub fn new(file: File) -> io::Result<Self> {
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
