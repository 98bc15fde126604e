//! Writing an archive, entry by entry, and going on with one that was not finished.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::index::{Found, MOST_NAME_BYTES};
use super::layout::{self, Header};

/// Appends entries behind those that are there. The rows of the table wait in a file without a name.
#[derive(Debug)]
pub(crate) struct ArchiveWriter {
    file: File,
    end: u64,
    table: BufWriter<File>,
    table_bytes: u64,
    entries: u64,
}

impl ArchiveWriter {
    /// Goes on in `file` at `end`; what is behind that is cut off. `folder` has room for the table.
    pub(crate) fn new(file: File, end: u64, folder: &Path) -> io::Result<Self> {
        file.set_len(end)?;
        let table = BufWriter::new(tempfile::tempfile_in(folder)?);
        Ok(Self { file, end, table, table_bytes: 0, entries: 0 })
    }

    /// Appends an entry and gives its row of the table, which is to be handed to [`ArchiveWriter::list`].
    pub(crate) fn append(&mut self, name: &str, mark: u128, crc: u32, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let length = u32::try_from(bytes.len()).map_err(|_| io::Error::other("an entry of 4 GiB or more"))?;
        if name.len() > MOST_NAME_BYTES {
            return Err(io::Error::other("a name of more than 4096 bytes"));
        }
        let header = Header { name, crc, length, mark };
        let mut head = Vec::with_capacity(64 + name.len() + bytes.len().min(1 << 20));
        header.local(&mut head);
        if bytes.len() <= 1 << 20 {
            head.extend_from_slice(bytes);
            self.file.write_all_at(&head, self.end)?;
        } else {
            self.file.write_all_at(&head, self.end)?;
            self.file.write_all_at(bytes, self.end + head.len() as u64)?;
        }
        let row = Self::row(&header, self.end);
        self.end += (layout::LOCAL_BYTES + name.len() + 20 + bytes.len()) as u64;
        Ok(row)
    }

    /// The row of an entry that is in the file already.
    pub(crate) fn row_of(name: &str, found: &Found) -> Vec<u8> {
        let header = Header { name, crc: found.crc, length: found.length, mark: found.mark.unwrap_or_default() };
        Self::row(&header, found.header)
    }

    fn row(header: &Header<'_>, offset: u64) -> Vec<u8> {
        let mut row = Vec::with_capacity(layout::CENTRAL_BYTES + header.name.len() + 32);
        header.central(offset, &mut row);
        row
    }

    /// Puts a row into the table.
    pub(crate) fn list(&mut self, row: &[u8]) -> io::Result<()> {
        self.table.write_all(row)?;
        self.table_bytes += row.len() as u64;
        self.entries += 1;
        Ok(())
    }

    /// The file, to read what was written.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Writes the table; on the disk when this returns.
    pub(crate) fn finish(self) -> io::Result<File> {
        let mut table = self.table.into_inner().map_err(io::IntoInnerError::into_error)?;
        table.seek(SeekFrom::Start(0))?;
        let mut file = self.file;
        file.seek(SeekFrom::Start(self.end))?;
        io::copy(&mut table, &mut file)?;
        file.write_all(&layout::end(self.entries, self.end, self.table_bytes))?;
        file.sync_all()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Archive, scan};
    use super::*;

    fn written(folder: &Path, names: &[(&str, &[u8])], start: u64) -> std::path::PathBuf {
        let path = folder.join("a.zip");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        let mut writer = ArchiveWriter::new(file, start, folder).unwrap();
        for (name, bytes) in names {
            let row = writer.append(name, 7, crc32fast::hash(bytes), bytes).unwrap();
            writer.list(&row).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    const FILES: [(&str, &[u8]); 3] =
        [("a/info.json", b"{}"), ("a/full/max/0/default.jpg", &[0xff; 3000]), ("é;2/x", b"")];

    #[test]
    fn what_was_written_is_found_also_beyond_four_gigabytes() {
        let folder = tempfile::tempdir().unwrap();
        for start in [0, 5 << 30] {
            // The file has a hole where other entries would be.
            let archive = Archive::open(&written(folder.path(), &FILES, start)).unwrap();
            assert_eq!(archive.len(), 3, "{start}");
            for (name, bytes) in FILES {
                let entry = archive.find(name).unwrap().unwrap();
                assert_eq!(entry.length as usize, bytes.len());
                assert_eq!(archive.read(&entry, 0, bytes.len()).unwrap(), bytes, "{name}");
                assert!(archive.read(&entry, 1, bytes.len()).is_err());
            }
            for name in ["a", "a/", "a/info.jso", "/a/info.json", "a/../a/info.json", "", "b"] {
                assert!(archive.find(name).unwrap().is_none(), "{name}");
            }
        }
    }

    #[test]
    fn more_entries_than_sixteen_bits_count_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..70_000).map(|number| format!("{number}/t")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
        let archive = Archive::open(&written(folder.path(), &files, 0)).unwrap();
        assert_eq!(archive.len(), 70_000);
        for name in ["0/t", "65535/t", "69999/t"] {
            let entry = archive.find(name).unwrap().unwrap();
            assert_eq!(archive.read(&entry, 0, name.len()).unwrap(), name.as_bytes());
        }
    }

    #[test]
    fn damage_is_refused_or_leaves_entries_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &FILES, 0);
        let whole = std::fs::read(&path).unwrap();
        let mut refused = 0;
        for at in 0..whole.len() {
            // The long body says nothing new.
            if (100..3000).contains(&at) {
                continue;
            }
            let mut bytes = whole.clone();
            bytes[at] ^= 0x81;
            std::fs::write(&path, &bytes).unwrap();
            let Ok(archive) = Archive::open(&path) else {
                refused += 1;
                continue;
            };
            for (name, bytes) in FILES {
                if let Some(entry) = archive.find(name).unwrap() {
                    let read = archive.read(&entry, 0, entry.length as usize);
                    assert!(read.is_ok_and(|read| read.len() == bytes.len()), "{at} {name}");
                }
            }
        }
        assert!(refused > 20, "{refused}");
        for length in [0, 1, 21, 22, 50, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(Archive::open(&path).is_err(), "{length}");
        }
    }

    #[test]
    fn an_unfinished_archive_is_read_as_far_as_it_is_whole_and_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &FILES, 0);
        let whole = std::fs::read(&path).unwrap();
        let first = 30 + FILES[0].0.len() + 20 + FILES[0].1.len();
        let second = first + 30 + FILES[1].0.len() + 20 + FILES[1].1.len();
        let look = |bytes: &[u8], mark: u128| {
            std::fs::write(&path, bytes).unwrap();
            let scanned = scan(&File::open(&path).unwrap(), &|found| found == mark).unwrap();
            (scanned.index.len(), scanned.end as usize)
        };
        assert_eq!(look(&whole[..second], 7), (2, second));
        assert_eq!(look(&whole[..second - 1], 7), (1, first));
        assert_eq!(look(&whole[..first + 40], 7), (1, first));
        assert_eq!(look(&whole, 7).0, 3);
        assert_eq!(look(&whole, 8), (0, 0));
        let mut damaged = whole[..second].to_vec();
        damaged[second - 10] ^= 1;
        assert_eq!(look(&damaged, 7), (1, first));
    }
}
