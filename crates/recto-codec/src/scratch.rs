//! What a decoder would keep beside a server's cache, for programs that have none and work on one original after the other.

use std::collections::HashMap;
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{OpenFile, RandomAccess, Shelf};

/// Bytes collected before they are written.
const BUFFER: usize = 256 << 10;

/// A shelf for one page of one original: files without names, gone when nobody reads them any more, or the program ends.
#[derive(Debug)]
pub struct ScratchShelf {
    folder: PathBuf,
    parts: Mutex<HashMap<String, Arc<dyn RandomAccess>>>,
}

impl ScratchShelf {
    /// An empty shelf whose files lie in this folder, which is there and has room for what is made.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), parts: Mutex::default() }
    }

    fn parts(&self) -> MutexGuard<'_, HashMap<String, Arc<dyn RandomAccess>>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf for ScratchShelf {
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

    fn discard(&self, name: &str) {
        self.parts().remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_back_and_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = ScratchShelf::new(folder.path());
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

    #[test]
    fn a_discarded_part_is_gone_but_for_those_who_have_it_open() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = ScratchShelf::new(folder.path());
        shelf.discard("a");
        shelf.keep("a", &mut |out: &mut dyn Write| out.write_all(b"old")).unwrap();
        let old = shelf.open("a").unwrap();
        shelf.discard("a");
        assert!(shelf.open("a").is_none());
        shelf.keep("a", &mut |out: &mut dyn Write| out.write_all(b"new one")).unwrap();
        let mut bytes = [0; 3];
        old.read_at(0, &mut bytes).unwrap();
        assert_eq!((&bytes, shelf.open("a").unwrap().len()), (b"old", 7));
    }
}
