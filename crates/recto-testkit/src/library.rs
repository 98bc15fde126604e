//! Folders of images that vanish with the test.

use std::path::{Path, PathBuf};

/// A library in a temporary folder.
#[derive(Debug)]
pub struct TempLibrary(tempfile::TempDir);

impl Default for TempLibrary {
    fn default() -> Self {
        Self::new()
    }
}

impl TempLibrary {
    /// An empty one.
    ///
    /// # Panics
    /// When the system gives no temporary folder.
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    /// Writes a file, with the folders above it; `path` is relative and uses `/`.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn with(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.write(path, bytes);
        self
    }

    /// As [`TempLibrary::with`], in place; gives the file's full path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let full = self.0.path().join(path);
        let parent = full.parent().expect("a file has a folder");
        std::fs::create_dir_all(parent).expect("the temporary folder can be written");
        std::fs::write(&full, bytes).expect("the temporary folder can be written");
        full
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Every file with its length and time of change: to prove that nothing was written.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn state(&self) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
        crate::files_below(self.path())
            .into_iter()
            .map(|path| {
                let metadata = path.metadata().expect("the temporary folder can be read");
                let changed = metadata.modified().expect("the system knows times of change");
                (path, metadata.len(), changed)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_in_their_folders() {
        let library = TempLibrary::new().with("a/b/1.png", b"x").with("2.tif", b"yz");
        let state = library.state();
        let names: Vec<_> = state.iter().map(|(path, ..)| path.strip_prefix(library.path()).unwrap()).collect();
        assert_eq!(names, [Path::new("2.tif"), Path::new("a/b/1.png")]);
        assert_eq!(state[0].1, 2);
    }
}
