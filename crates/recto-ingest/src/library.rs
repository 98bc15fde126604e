//! Which folders are published, and how they are read.

use std::path::{Path, PathBuf};

use recto_iiif::ErrorKind;
use serde::{Deserialize, Serialize};

/// What to do with symbolic links in the library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Symlinks {
    /// Follow a link only when its target lies inside the library.
    #[default]
    Inside,
    /// Follow every link.
    Follow,
    /// Pass over links.
    Ignore,
}

/// How a library is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LibraryOptions {
    /// What to do with symbolic links.
    pub symlinks: Symlinks,
    /// Most levels of folders below a library folder, up to 256; deeper ones are left out, with a finding.
    pub max_depth: u32,
    /// Most entries (files and folders of any kind) that are looked at; the rest is left out, with a finding.
    pub max_entries: u64,
}

impl LibraryOptions {
    /// No library is read deeper than this, so that its depth cannot exhaust a thread's stack.
    pub(crate) const DEEPEST: u32 = 256;
}

impl Default for LibraryOptions {
    fn default() -> Self {
        Self { symlinks: Symlinks::default(), max_depth: 64, max_entries: 5_000_000 }
    }
}

/// The folders that are published together.
///
/// With one folder, identifiers are paths relative to it. With several, the library is a folder that holds them all,
/// and each path begins with the name of its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    pub(crate) roots: Vec<Root>,
    pub(crate) options: LibraryOptions,
    pub(crate) whole: Whole,
}

/// What the collection of everything is called, where its own `recto.yml` says nothing; without it: as the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// Its identifier.
    pub identifier: Option<String>,
    /// Its label.
    pub title: Option<String>,
}

/// One published folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// Why folders cannot be a library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// No folder was given.
    #[error("a library needs at least one folder")]
    NoFolder,
    /// Two folders would give the same identifiers.
    #[error("`{first}` and `{second}` both have the name `{name}`; rename one, or publish a folder that holds both")]
    SameName {
        /// The name.
        name: String,
        /// The folder that came first.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// The path cannot be made absolute.
    #[error("`{path}` is not a usable path")]
    Path {
        /// The path as given.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl LibraryError {
    /// What kind of failure this is.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Malformed
    }
}

impl Library {
    /// The name of the collection that holds several folders, and of a folder that has no name, such as `/`.
    pub const NAME: &'static str = "library";

    /// A library of these folders, each named by the last part of its path as it was typed. They need not exist yet; a
    /// missing one is a finding of the scan.
    pub fn new<P: AsRef<Path>>(
        folders: impl IntoIterator<Item = P>,
        options: LibraryOptions,
    ) -> Result<Self, LibraryError> {
        let named: Result<Vec<_>, _> = folders.into_iter().map(|folder| name_of(folder.as_ref())).collect();
        Self::named(named?, options)
    }

    /// A library of folders with names given by others: whoever serves the images has to use the same ones.
    pub fn named<P: Into<PathBuf>>(
        folders: impl IntoIterator<Item = (String, P)>,
        options: LibraryOptions,
    ) -> Result<Self, LibraryError> {
        let mut roots: Vec<Root> = Vec::new();
        for (name, path) in folders {
            let path = path.into();
            let name = if name.is_empty() { Self::NAME.to_owned() } else { name };
            if let Some(first) = roots.iter().find(|other| other.name == name) {
                return Err(LibraryError::SameName { name, first: first.path.clone(), second: path });
            }
            let path = std::path::absolute(&path).map_err(|source| LibraryError::Path { path, source })?;
            roots.push(Root { name, path });
        }
        if roots.is_empty() {
            Err(LibraryError::NoFolder)
        } else {
            Ok(Self { roots, options, whole: Whole::default() })
        }
    }

    /// The same, with another name for the whole.
    #[must_use]
    pub fn called(mut self, whole: Whole) -> Self {
        self.whole = whole;
        self
    }

    /// The file at this path of the library; nothing for a path that leads elsewhere.
    pub fn place(&self, path: &str) -> Option<PathBuf> {
        let is_sound = |part: &str| !part.is_empty() && part != "." && part != "..";
        let (root, rest) = match self.roots.as_slice() {
            [only] => (only, path),
            roots => {
                let (name, rest) = path.split_once('/')?;
                (roots.iter().find(|root| root.name == name)?, rest)
            }
        };
        rest.split('/').all(is_sound).then(|| root.path.join(rest))
    }

    /// The beginning of a file that a scan found, at most this many bytes.
    pub(crate) fn read_head(&self, path: &str, most: u64) -> std::io::Result<Vec<u8>> {
        use std::io::Read as _;
        let place = self.place(path).ok_or(std::io::ErrorKind::NotFound)?;
        let mut bytes = Vec::new();
        std::fs::File::open(place)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// A file that a scan found, open for reading.
    pub(crate) fn open(&self, path: &str) -> std::io::Result<std::fs::File> {
        std::fs::File::open(self.place(path).ok_or(std::io::ErrorKind::NotFound)?)
    }

    /// The folders, as absolute paths.
    pub fn folders(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.roots.iter().map(|root| root.path.as_path())
    }
}

fn name_of(folder: &Path) -> Result<(String, PathBuf), LibraryError> {
    let unusable = |source| LibraryError::Path { path: folder.to_owned(), source };
    let mut path = std::path::absolute(folder).map_err(unusable)?;
    if path.file_name().is_none() {
        // `scans/..` has a name only once it is resolved.
        path = path.canonicalize().unwrap_or(path);
    }
    let name = path.file_name().map_or(Library::NAME.into(), |name| name.to_string_lossy().into_owned());
    Ok((name, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_as_they_were_typed() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("scans");
        std::fs::create_dir(&folder).unwrap();
        for typed in [folder.clone(), folder.join("."), folder.join("../scans"), here.path().join("scans/missing/..")] {
            let library = Library::new([&typed], LibraryOptions::default()).unwrap();
            let wanted = if typed.ends_with("missing/..") { Library::NAME } else { "scans" };
            assert_eq!(library.roots[0].name, wanted, "{}", typed.display());
        }
        assert_eq!(Library::new(["/"], LibraryOptions::default()).unwrap().roots[0].name, Library::NAME);
    }

    #[test]
    fn folders_that_cannot_be_told_apart_are_refused_with_a_way_out() {
        let error = Library::new(["/a/scans", "/b/scans"], LibraryOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        let message = error.to_string();
        assert!(
            message.contains("/a/scans") && message.contains("/b/scans") && message.contains("rename"),
            "{message}"
        );
        let nothing: [&str; 0] = [];
        assert!(matches!(Library::new(nothing, LibraryOptions::default()), Err(LibraryError::NoFolder)));
    }
}
