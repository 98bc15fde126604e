//! What a decoder makes of an original while that is converted, and would keep beside a server's cache.

use std::collections::HashMap;
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recto_codec::{RandomAccess, Shelf};

use crate::file::OpenFile;

/// Bytes collected before they are written.
const BUFFER: usize = 256 << 10;

/// A shelf for one page of one original: files without names, gone when nobody reads them any more, or the program ends.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    parts: Mutex<HashMap<String, Arc<dyn RandomAccess>>>,
}

impl Scratch {
    /// A shelf whose files lie in this folder, which has room for targets.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), parts: Mutex::default() }
    }

    fn parts(&self) -> MutexGuard<'_, HashMap<String, Arc<dyn RandomAccess>>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf for Scratch {
    fn open(&self, name: &str) -> Option<Arc<dyn RandomAccess>> {
        self.parts().get(name).cloned()
    }

    fn keep(&self, name: &str, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(&self.folder)?);
        write(&mut out)?;
        let file = out.into_inner().map_err(IntoInnerError::into_error)?;
        let part: Arc<dyn RandomAccess> = Arc::new(OpenFile::new(file)?);
        self.parts().insert(name.to_owned(), part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_back_and_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Scratch::new(folder.path());
        assert!(shelf.open("a").is_none());
        shelf.keep("a", &mut |out: &mut dyn Write| out.write_all(b"one scan")).unwrap();
        let failed = shelf.keep("b", &mut |out: &mut dyn Write| {
            out.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err() && shelf.open("b").is_none(), "half of a part is none");
        let part = shelf.open("a").unwrap();
        let mut bytes = [0; 4];
        part.read_at(4, &mut bytes).unwrap();
        assert_eq!((part.len(), &bytes), (8, b"scan"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its files have no names");
    }
}
