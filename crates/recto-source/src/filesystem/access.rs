//! Bytes of an open file by position.

use std::fs::File;
use std::io;
#[cfg(target_os = "linux")]
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use recto_codec::RandomAccess;
use rustix::fs::fstat;

use super::version;
use crate::SourceVersion;

/// An open file that is read by position, and that fails once it is another version than was opened.
#[derive(Debug)]
pub struct FileAccess {
    file: File,
    version: SourceVersion,
    length: u64,
    /// Set once the file system says that it cannot read without waiting.
    always_waits: AtomicBool,
}

impl FileAccess {
    pub(crate) fn new(file: File, version: SourceVersion, length: u64) -> Self {
        Self { file, version, length, always_waits: AtomicBool::new(cfg!(not(target_os = "linux"))) }
    }

    /// The version that is read.
    pub fn version(&self) -> SourceVersion {
        self.version
    }

    /// Asked after each read: what was read before a change is good, what was read after may be of either version.
    fn is_unchanged(&self) -> io::Result<bool> {
        Ok(version(&fstat(&self.file)?) == self.version)
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

    #[cfg(target_os = "linux")]
    fn try_read_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> bool {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};

        if self.always_waits.load(Ordering::Relaxed) || !self.is_within(offset, buffer) {
            return false;
        }
        while !buffer.is_empty() {
            match preadv2(&self.file, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT) {
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
        self.is_unchanged().unwrap_or(false)
    }
}
