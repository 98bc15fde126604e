//! Bytes of a file, where the system keeps them: they are not copied, and the system may drop and read them again.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// Bytes that can be read for as long as this is there. Cheap to clone.
#[derive(Clone)]
pub struct Mapped(Bytes);

#[derive(Clone)]
enum Bytes {
    File(Arc<memmap2::Mmap>),
    Memory(Arc<[u8]>),
}

impl Mapped {
    /// Maps a file of this length, which must be one that [`super::shards`] wrote: whole, under a name that is never used
    /// again.
    pub(super) fn open(path: &Path, length: u64) -> io::Result<Self> {
        let mapped = Self::open_whole(path)?;
        if mapped.len() as u64 != length {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not as long as it was written"));
        }
        Ok(mapped)
    }

    /// Maps all of a file that was written whole, under a name that is never used again.
    pub(super) fn open_whole(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Self::memory(Vec::new()));
        }
        #[expect(unsafe_code, reason = "the system cannot promise that a mapped file stays as it is; we can")]
        // SAFETY: the bytes may not change, and the file may not get shorter, while it is mapped. Only this program writes in
        // the folders, each file once, under a name with a version that is never given again: written elsewhere, then renamed.
        // Afterwards it is deleted at most, and what is mapped outlives its name.
        let mapped = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self(Bytes::File(Arc::new(mapped))))
    }

    /// Do the bytes take memory of this program, whatever the system does?
    pub fn is_in_memory(&self) -> bool {
        matches!(self.0, Bytes::Memory(_))
    }

    /// The same for bytes that no file holds.
    pub(super) fn memory(bytes: Vec<u8>) -> Self {
        Self(Bytes::Memory(bytes.into()))
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::File(mapped) => mapped,
            Bytes::Memory(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Mapped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Mapped({} bytes)", self.len())
    }
}
