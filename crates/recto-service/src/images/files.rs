//! Give a file of the library as it is.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use recto_codec::RandomAccess;
use recto_iiif::identifier::Identifier;
use xxhash_rust::xxh3::xxh3_128;

use super::ImageService;
use crate::ServiceError;
use crate::objects::decided;
use crate::policy::{Action, Caller};

/// An open file of the library.
#[derive(Clone, Debug)]
pub struct LibraryFile {
    /// Length in bytes.
    pub length: u64,
    /// When it last changed.
    pub last_modified: SystemTime,
    /// A strong validator, with its quotes.
    pub etag: String,
    access: Arc<dyn RandomAccess>,
}

impl LibraryFile {
    /// At most so many bytes from an offset; fewer at the end. Blocks.
    ///
    /// # Errors
    /// When the file cannot be read, or was cut short meanwhile.
    pub fn read(&self, from: u64, bytes: usize) -> io::Result<Bytes> {
        let left = self.length.saturating_sub(from);
        let mut buffer = vec![0; bytes.min(usize::try_from(left).unwrap_or(usize::MAX))];
        self.access.read_at(from, &mut buffer)?;
        Ok(Bytes::from(buffer))
    }
}

/// A file from its beginning on, for readers that go to and fro.
#[derive(Debug)]
pub(crate) struct FileReader<'a> {
    file: &'a LibraryFile,
    at: u64,
}

impl LibraryFile {
    pub(crate) fn reader(&self) -> FileReader<'_> {
        FileReader { file: self, at: 0 }
    }
}

impl io::Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(self.at, buffer.len())?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl io::Seek for FileReader<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let target = match to {
            io::SeekFrom::Start(offset) => Some(offset),
            io::SeekFrom::End(offset) => self.file.length.checked_add_signed(offset),
            io::SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl ImageService {
    /// A file of the library, if the caller may have it.
    ///
    /// # Errors
    /// Access denied (before anything is looked at), or not found.
    pub async fn file(&self, identifier: &Identifier, caller: &Caller) -> Result<LibraryFile, ServiceError> {
        decided(self.inner.policy.decide(caller, Action::ReadImage, identifier))?;
        let (this, wanted) = (self.clone(), identifier.clone());
        let opened = tokio::task::spawn_blocking(move || this.open_blocking(&wanted));
        opened.await.unwrap_or(Err(ServiceError::Panicked))
    }

    /// A file of the library, whoever asks. Blocks.
    pub(crate) fn open_blocking(&self, identifier: &Identifier) -> Result<LibraryFile, ServiceError> {
        let located = self.inner.source.locate(identifier)?;
        let access = self.inner.source.open(&located)?;
        let etag = format!("\"{:032x}\"", xxh3_128(format!("{:?}", located.version).as_bytes()));
        Ok(LibraryFile { length: access.len(), last_modified: located.last_modified, etag, access })
    }
}
