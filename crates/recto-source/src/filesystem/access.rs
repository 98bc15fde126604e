//! Bytes of an open file by position.

use std::fs::File;
use std::io;
#[cfg(target_os = "linux")]
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use recto_codec::RandomAccess;
use rustix::fs::{Stat, fstat};

use super::version;
use crate::SourceVersion;

/// Reading a file without waiting.
#[derive(Debug)]
pub(crate) struct Direct {
    /// Set once the file system says that it cannot.
    always_waits: AtomicBool,
}

impl Default for Direct {
    fn default() -> Self {
        Self { always_waits: AtomicBool::new(cfg!(not(target_os = "linux"))) }
    }
}

impl Direct {
    /// Fills the buffer only if that needs no waiting.
    #[cfg(target_os = "linux")]
    pub(crate) fn try_read(&self, file: &File, mut offset: u64, mut buffer: &mut [u8]) -> bool {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};

        if self.always_waits.load(Ordering::Relaxed) {
            return false;
        }
        while !buffer.is_empty() {
            match preadv2(file, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT) {
                Ok(0) | Err(Errno::AGAIN) => return false,
                Ok(count) => {
                    let (_, rest) = buffer.split_at_mut(count.min(buffer.len()));
                    buffer = rest;
                    offset = offset.saturating_add(count as u64);
                }
                Err(Errno::INTR) => {}
                Err(_) => {
                    self.always_waits.store(true, Ordering::Relaxed);
                    return false;
                }
            }
        }
        true
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn try_read(&self, _file: &File, _offset: u64, _buffer: &mut [u8]) -> bool {
        false
    }
}

/// An open file that is read by position, and that fails once it is another version than was opened.
#[derive(Debug)]
pub struct FileAccess {
    file: File,
    version: SourceVersion,
    length: u64,
    direct: Direct,
    /// What was seen of the file's links when it was last known to be the one of its name; 0 before that.
    settled: AtomicU64,
}

impl FileAccess {
    pub(crate) fn new(file: File, version: SourceVersion, length: u64) -> Self {
        Self { file, version, length, direct: Direct::default(), settled: AtomicU64::new(0) }
    }

    /// The version that is read.
    pub fn version(&self) -> SourceVersion {
        self.version
    }

    /// Asked after each read: what was read before a change is good, what was read after may be of either version.
    fn is_unchanged(&self) -> io::Result<bool> {
        Ok(version(&fstat(&self.file)?) == self.version)
    }

    /// Reads without waiting; of the file as it was opened only if the caller's look at it afterwards says so.
    fn try_read(&self, offset: u64, buffer: &mut [u8]) -> bool {
        self.is_within(offset, buffer) && self.direct.try_read(&self.file, offset, buffer)
    }

    fn is_within(&self, offset: u64, buffer: &[u8]) -> bool {
        offset.checked_add(buffer.len() as u64).is_some_and(|end| end <= self.length)
    }
}

impl RandomAccess for FileAccess {
    fn len(&self) -> u64 {
        self.length
    }

    fn identity(&self) -> Option<u128> {
        Some(self.version.to_u128())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if !self.is_within(offset, buffer) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let read = self.file.read_exact_at(buffer, offset);
        if !self.is_unchanged()? {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "the file was changed while it was being read"));
        }
        read
    }

    fn try_read_at(&self, offset: u64, buffer: &mut [u8]) -> bool {
        self.try_read(offset, buffer) && self.is_unchanged().unwrap_or(false)
    }

    fn try_read_current(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let settled = self.settled.load(Ordering::Acquire);
        settled != 0
            && (buffer.is_empty() || self.try_read(offset, buffer))
            && fstat(&self.file).is_ok_and(|stat| version(&stat) == self.version && links(&stat) == settled)
    }

    fn settle(&self, still_current: &dyn Fn() -> bool) -> bool {
        let Ok(stat) = fstat(&self.file) else { return false };
        let settles = version(&stat) == self.version && stat.st_nlink > 0 && still_current();
        if settles {
            self.settled.store(links(&stat), Ordering::Release);
        }
        settles
    }
}

/// What changes whenever a name of the file is taken away or another file takes its name: its time of change and its number of
/// links, as a number that is not 0.
#[expect(clippy::unnecessary_cast, reason = "the field types differ between systems")]
fn links(stat: &Stat) -> u64 {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&(stat.st_ctime as i64).to_le_bytes());
    bytes[8..16].copy_from_slice(&(stat.st_ctime_nsec as i64).to_le_bytes());
    bytes[16..].copy_from_slice(&(stat.st_nlink as u64).to_le_bytes());
    xxhash_rust::xxh3::xxh3_64(&bytes) | 1
}
