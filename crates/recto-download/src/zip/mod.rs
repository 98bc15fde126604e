//! A ZIP archive that is written file by file: APPNOTE 6.3, with 64-bit sizes where they are needed.
//!
//! Files whose bytes are at hand have their size and checksum before them, which every program can unpack; what is read as it is
//! sent has them behind it. Nothing tells a time, so that the same files make the same archive. What is kept while writing is the
//! table of contents: about a hundred bytes for each file.

mod layout;
mod names;

use std::io::{self, Read, Seek, SeekFrom, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::DownloadError;
use layout::Entry;

pub use names::{Names, page_name};

/// How the bytes of a file lie in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As they are: right for images, which are compressed already.
    Store,
    /// Deflated: right for text.
    Deflate,
}

/// Files that say what the others are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Papers<'a> {
    /// The object's manifest, which becomes `manifest.json`.
    pub manifest: Option<&'a [u8]>,
    /// What this is and where it comes from, which becomes `README.txt`.
    pub readme: Option<&'a str>,
    /// The terms under which it may be used, which become `LICENSE.txt`.
    pub license: Option<&'a str>,
}

/// Writes a ZIP archive into `W`, file by file.
#[derive(Debug)]
pub struct ZipWriter<W> {
    out: W,
    at: u64,
    table: Vec<u8>,
    entries: u64,
    names: Names,
}

impl<W: Write> ZipWriter<W> {
    /// Begins an archive.
    pub fn new(out: W) -> Self {
        Self { out, at: 0, table: Vec::new(), entries: 0, names: Names::default() }
    }

    /// Files that were written.
    pub fn entry_count(&self) -> u64 {
        self.entries
    }

    /// Writes the files that say what the others are.
    pub fn papers(&mut self, papers: &Papers<'_>) -> Result<(), DownloadError> {
        let texts = [
            ("manifest.json", papers.manifest),
            ("README.txt", papers.readme.map(str::as_bytes)),
            ("LICENSE.txt", papers.license.map(str::as_bytes)),
        ];
        for (name, bytes) in texts {
            if let Some(bytes) = bytes {
                self.bytes(name, Method::Deflate, bytes)?;
            }
        }
        Ok(())
    }

    /// Writes a file whose bytes are at hand, and gives the name that it got: safe, and unlike all others.
    pub fn bytes(&mut self, name: &str, method: Method, bytes: &[u8]) -> Result<String, DownloadError> {
        let packed;
        let data = match method {
            Method::Store => bytes,
            Method::Deflate => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes)?;
                packed = encoder.finish()?;
                &packed
            }
        };
        let mut entry = self.entry(name, method);
        entry.crc = crc32fast::hash(bytes);
        (entry.size, entry.packed) = (bytes.len() as u64, data.len() as u64);
        self.put(&entry.local())?;
        self.put(data)?;
        Ok(self.list(entry))
    }

    /// Writes a file that can be read twice, as it is: once for its checksum, once for its bytes.
    pub fn file(&mut self, name: &str, file: &mut (impl Read + Seek)) -> Result<String, DownloadError> {
        let failed = |source| DownloadError::Read { name: name.to_owned(), source };
        let mut hasher = crc32fast::Hasher::new();
        let start = file.stream_position().map_err(failed)?;
        let size = copy(file, u64::MAX, |bytes| {
            hasher.update(bytes);
            Ok(())
        })?
        .map_err(failed)?;
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut entry = self.entry(name, Method::Store);
        (entry.crc, entry.size, entry.packed) = (hasher.finalize(), size, size);
        self.put(&entry.local())?;
        let written = copy(file, size, |bytes| self.put(bytes))?;
        match written {
            Ok(written) if written == size => Ok(self.list(entry)),
            // The size was told already: nothing can follow that would be found.
            Ok(_) => Err(DownloadError::Write(io::Error::other(format!("`{name}` became shorter while it was read")))),
            Err(error) => Err(DownloadError::Write(error)),
        }
    }

    /// Writes a file as it is read, once, with its size and checksum behind it. Where reading fails, the file ends there, the archive
    /// stays whole, and the failure is given back.
    pub fn stream(&mut self, name: &str, method: Method, data: &mut dyn Read) -> Result<String, DownloadError> {
        let mut entry = self.entry(name, method);
        entry.is_behind = true;
        self.put(&entry.local())?;
        let start = self.at;
        let mut hasher = crc32fast::Hasher::new();
        let mut size = 0;
        let read = match method {
            Method::Store => copy(data, u64::MAX, |bytes| {
                hasher.update(bytes);
                size += bytes.len() as u64;
                self.put(bytes)
            })?,
            Method::Deflate => {
                let mut encoder = DeflateEncoder::new(Counted(self), Compression::default());
                let read = copy(data, u64::MAX, |bytes| {
                    hasher.update(bytes);
                    size += bytes.len() as u64;
                    encoder.write_all(bytes)
                })?;
                encoder.finish()?;
                read
            }
        };
        (entry.crc, entry.size, entry.packed) = (hasher.finalize(), size, self.at - start);
        self.put(&entry.behind())?;
        let name = self.list(entry);
        match read {
            Ok(_) => Ok(name),
            Err(source) => Err(DownloadError::Read { name, source }),
        }
    }

    /// Hands on what was written so far.
    pub fn flush(&mut self) -> Result<(), DownloadError> {
        Ok(self.out.flush()?)
    }

    /// Writes the table of contents.
    pub fn finish(mut self) -> Result<W, DownloadError> {
        let table = self.at;
        let rows = std::mem::take(&mut self.table);
        self.put(&rows)?;
        self.put(&layout::end(self.entries, table, rows.len() as u64))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn entry(&mut self, name: &str, method: Method) -> Entry {
        Entry {
            name: self.names.take(name),
            is_deflated: method == Method::Deflate,
            is_behind: false,
            crc: 0,
            size: 0,
            packed: 0,
            offset: self.at,
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn list(&mut self, entry: Entry) -> String {
        entry.central(&mut self.table);
        self.entries += 1;
        entry.name
    }
}

/// Counts what the deflating encoder writes.
struct Counted<'a, W>(&'a mut ZipWriter<W>);

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.put(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.out.flush()
    }
}

/// Reads at most `limit` bytes to the end. The outer error is that of `put`, the inner one that of reading.
fn copy<R: Read + ?Sized>(
    data: &mut R,
    limit: u64,
    mut put: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<io::Result<u64>> {
    let mut buffer = vec![0; 64 << 10];
    let mut total = 0;
    while total < limit {
        let room = buffer.len().min(usize::try_from(limit - total).unwrap_or(usize::MAX));
        match data.read(&mut buffer[..room]) {
            Ok(0) => break,
            Ok(filled) => {
                put(&buffer[..filled])?;
                total += filled as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(total))
}
