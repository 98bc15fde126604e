//! The directory itself: its marker, its lock, and the few things that happen to files in it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::{CacheError, CacheKey, Derivative};

use super::entry;

const MARKER: &str = "recto-cache";
const MARKER_TEXT: &str = "recto-cache 1\n";
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This directory is a cache of Recto. It may be deleted while no server uses it.\n";
/// Ends the names of files on their way.
const PART_SUFFIX: &str = ".part";
/// Where files are on their way, so that what a crash leaves is found without a walk.
const COMING: &str = "coming";

/// The cache's directory, opened and locked.
#[derive(Debug)]
pub(crate) struct Folder {
    directory: OwnedFd,
    /// Held open: it carries the lock.
    _marker: File,
    pub(crate) block_bytes: u64,
    /// Tells files on their way apart.
    coming: AtomicU64,
}

/// A file that is being written for an entry.
#[derive(Debug)]
pub(crate) struct Coming {
    name: String,
    key: CacheKey,
}

impl Folder {
    /// Opens the directory; makes it and its marker if need be.
    pub(crate) fn open(path: &Path) -> Result<Self, CacheError> {
        let failed = |source: io::Error| CacheError::Io { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(failed)?;
        let marker = Self::claim(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
        if !path.join(TAG).exists() {
            fs::write(path.join(TAG), TAG_TEXT).map_err(failed)?;
        }
        let system = rustix::fs::fstatvfs(&directory).map_err(|error| failed(error.into()))?;
        match rustix::fs::mkdirat(&directory, COMING, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(failed(error.into())),
        }
        let block_bytes = system.f_frsize.clamp(512, 1 << 20);
        let folder = Self { directory, _marker: marker, block_bytes, coming: AtomicU64::new(0) };
        folder.clear_coming().map_err(failed)?;
        Ok(folder)
    }

    /// Removes what a crash left half written.
    fn clear_coming(&self) -> io::Result<()> {
        self.each_file(COMING, |directory, file| {
            let text = file.strip_suffix(PART_SUFFIX).and_then(|rest| rest.split_once('.')).map(|(text, _)| text);
            if text.and_then(CacheKey::from_hex).is_some() {
                let _ = rustix::fs::unlinkat(directory, file, AtFlags::empty());
            }
            true
        })
    }

    /// Finds or writes the marker, and locks it.
    fn claim(path: &Path) -> Result<File, CacheError> {
        let failed = |source: io::Error| CacheError::Io { path: path.to_owned(), source };
        let marker_path = path.join(MARKER);
        let mut marker = match File::open(&marker_path) {
            Ok(marker) => marker,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                for present in fs::read_dir(path).map_err(failed)? {
                    let name = present.map_err(failed)?.file_name();
                    // The root of a disk of its own has this one.
                    if name != "lost+found" {
                        let example = name.to_string_lossy().into_owned();
                        return Err(CacheError::NotEmpty { path: path.to_owned(), example });
                    }
                }
                let mut new =
                    File::options().read(true).append(true).create_new(true).open(&marker_path).map_err(failed)?;
                new.write_all(MARKER_TEXT.as_bytes()).map_err(failed)?;
                File::open(&marker_path).map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
        match rustix::fs::flock(&marker, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(CacheError::InUse { path: path.to_owned() }),
            // Some network file systems have no locks; the directory is then the owner's promise.
            Err(Errno::NOSYS | Errno::NOTSUP | Errno::NOLCK) => {
                tracing::warn!(directory = %path.display(), "the cache directory cannot be locked");
            }
            Err(error) => return Err(failed(error.into())),
        }
        let mut text = String::new();
        (&mut marker).take(64).read_to_string(&mut text).map_err(failed)?;
        if text != MARKER_TEXT {
            return Err(CacheError::OtherVersion { path: path.to_owned() });
        }
        Ok(marker)
    }

    /// `ab/<key>`: 256 folders hold ten million entries well, and cost little when there are few.
    fn name(key: &CacheKey) -> String {
        format!("{:02x}/{key}", key.spread() as u8)
    }

    /// The file of an entry, open.
    pub(crate) fn open_entry(&self, key: &CacheKey) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        Ok(File::from(rustix::fs::openat(&self.directory, Self::name(key), flags, Mode::empty())?))
    }

    /// The whole file of an entry, at most `most_bytes`.
    pub(crate) fn read(&self, key: &CacheKey, most_bytes: u64) -> io::Result<Vec<u8>> {
        let file = self.open_entry(key)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() > most_bytes {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        file.take(most_bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Length of the file of an entry; `None` when there is none.
    pub(crate) fn length(&self, key: &CacheKey) -> Option<u64> {
        let stat = rustix::fs::statat(&self.directory, Self::name(key), rustix::fs::AtFlags::SYMLINK_NOFOLLOW).ok()?;
        u64::try_from(stat.st_size).ok()
    }

    /// Writes a derivative where files are on their way.
    pub(crate) fn write(&self, key: &CacheKey, derivative: &Derivative) -> io::Result<Coming> {
        let header = entry::header(key, derivative).ok_or(io::ErrorKind::InvalidInput)?;
        let (coming, mut file) = self.begin(key)?;
        let mut start = Vec::with_capacity(header.len() + derivative.media_type.len());
        start.extend_from_slice(&header);
        start.extend_from_slice(derivative.media_type.as_bytes());
        match file.write_all(&start).and_then(|()| file.write_all(&derivative.bytes)) {
            Ok(()) => Ok(coming),
            Err(error) => {
                self.give_up(&coming);
                Err(error)
            }
        }
    }

    /// A new file on its way to the place of an entry.
    pub(crate) fn begin(&self, key: &CacheKey) -> io::Result<(Coming, File)> {
        let number = self.coming.fetch_add(1, Ordering::Relaxed);
        let name = format!("{COMING}/{key}.{number}{PART_SUFFIX}");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(&self.directory, &name, flags, Mode::from_raw_mode(0o644)).map(File::from);
        let file = match open() {
            Err(Errno::NOENT) => {
                rustix::fs::mkdirat(&self.directory, COMING, Mode::from_raw_mode(0o755))?;
                open()?
            }
            opened => opened?,
        };
        Ok((Coming { name, key: *key }, file))
    }

    /// Moves a file that is complete to its place, so that it is there whole or not at all. True when a new folder was made
    /// for it.
    pub(crate) fn arrive(&self, coming: &Coming) -> io::Result<bool> {
        let name = Self::name(&coming.key);
        let arrive = || rustix::fs::renameat(&self.directory, &coming.name, &self.directory, &name);
        match (arrive(), name.split_once('/')) {
            (Ok(()), _) => Ok(false),
            (Err(Errno::NOENT), Some((folder, _))) => {
                let is_made = match rustix::fs::mkdirat(&self.directory, folder, Mode::from_raw_mode(0o755)) {
                    Ok(()) => true,
                    // Another one that arrives has just made it, and counts it.
                    Err(Errno::EXIST) => false,
                    Err(error) => return Err(error.into()),
                };
                arrive()?;
                Ok(is_made)
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Removes a file that will not arrive.
    pub(crate) fn give_up(&self, coming: &Coming) {
        let _ = rustix::fs::unlinkat(&self.directory, &coming.name, AtFlags::empty());
    }

    /// Number of folders that hold entries.
    pub(crate) fn count_folders(&self) -> u64 {
        let is_there = |name: &str| rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        (0..=u8::MAX).filter(|first| is_there(&format!("{first:02x}"))).count() as u64
    }

    /// A file of the directory itself, for reading.
    pub(crate) fn open_plain(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.directory, name, flags, Mode::empty())?))
    }

    /// A file of the directory itself, for writing on.
    pub(crate) fn open_for_append(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.directory, name, flags, Mode::empty())?))
    }

    /// A new and empty file of the directory itself.
    pub(crate) fn create_plain(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.directory, name, flags, Mode::from_raw_mode(0o644))?))
    }

    pub(crate) fn rename_plain(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.directory, from, &self.directory, to)?)
    }

    pub(crate) fn remove_plain(&self, name: &str) {
        let _ = rustix::fs::unlinkat(&self.directory, name, AtFlags::empty());
    }

    /// Removes the file of an entry; it is no error when there is none.
    pub(crate) fn remove(&self, key: &CacheKey) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.directory, Self::name(key), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Shows every entry file to `each`: key, length, time of its last change. Ends when `each` says no. Removes what a
    /// crash left half written. Gives the number of folders.
    pub(crate) fn scan(&self, mut each: impl FnMut(CacheKey, u64, i64) -> bool) -> io::Result<u64> {
        let mut directories = 0;
        let mut goes_on = true;
        for first in 0..=u8::MAX {
            let name = format!("{first:02x}");
            let found = self.each_file(&name, |directory, file| {
                let (text, is_part) = match file.strip_suffix(PART_SUFFIX) {
                    Some(text) => (text, true),
                    None => (file, false),
                };
                let Some(key) = CacheKey::from_hex(text).filter(|key| key.spread() as u8 == first) else { return true };
                if is_part {
                    let _ = rustix::fs::unlinkat(directory, file, AtFlags::empty());
                    return true;
                }
                let Ok(stat) = rustix::fs::statat(directory, file, AtFlags::SYMLINK_NOFOLLOW) else { return true };
                if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
                    goes_on = each(key, u64::try_from(stat.st_size).unwrap_or(0), stat.st_mtime);
                }
                goes_on
            });
            match found {
                Ok(()) => directories += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            if !goes_on {
                break;
            }
        }
        Ok(directories)
    }

    fn each_file(&self, name: &str, mut each: impl FnMut(&OwnedFd, &str) -> bool) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(&self.directory, name, flags, Mode::empty())?;
        for present in Dir::read_from(&directory)? {
            let present = present?;
            if let Ok(file) = present.file_name().to_str()
                && file != "."
                && file != ".."
                && !each(&directory, file)
            {
                break;
            }
        }
        Ok(())
    }

    /// Bytes of the disk that are free for this process.
    pub(crate) fn free_bytes(&self) -> io::Result<u64> {
        let system = rustix::fs::fstatvfs(&self.directory)?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }
}

/// True when one of two directories lies inside the other, or they are the same, links followed. A path that is not
/// there yet counts where it would be.
pub fn overlaps(one: &Path, other: &Path) -> bool {
    let (one, other) = (real(one), real(other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// The absolute path of something that may not be there yet, as the system will understand it: links are followed where there are
/// any, and `..` leads out of what a link leads to, or out of a folder that is yet to be made.
pub fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut real = PathBuf::new();
    for component in path.components() {
        if component == Component::ParentDir {
            real.pop();
            continue;
        }
        real.push(component);
        if let Ok(canonical) = fs::canonicalize(&real) {
            real = canonical;
        }
    }
    real
}
