//! A library that tests build and take apart, and what the specifications demand of documents.

use std::fs;
use std::path::{Path, PathBuf};

use recto_iiif::identifier::Identifier;
use recto_ingest::{Collection, Library, LibraryOptions, Member, Tree};

/// A folder of the test's own, named `library`.
pub(crate) struct Shelf {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Shelf {
    /// A shelf with these empty files; a name that ends with `/` is a folder.
    pub(crate) fn with(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library");
        fs::create_dir(&path).unwrap();
        let shelf = Self { _folder: folder, path };
        for name in names {
            shelf.add(name);
        }
        shelf
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn add(&self, name: &str) {
        let path = self.at(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
    }

    pub(crate) fn library(&self) -> Library {
        Library::new([&self.path], LibraryOptions::default()).unwrap()
    }

    pub(crate) fn scan(&self) -> Tree {
        self.library().scan()
    }
}

pub(crate) fn id(text: &str) -> Identifier {
    Identifier::new(text)
}

/// The tree as one line a thing: collections end with `/`, an object names its files.
pub(crate) fn outline(tree: &Tree) -> Vec<String> {
    fn walk(tree: &Tree, collection: &Collection, depth: usize, out: &mut Vec<String>) {
        let indent = "  ".repeat(depth);
        out.push(format!("{indent}{}/", collection.identifier));
        for member in tree.members(collection) {
            match member {
                Member::Collection(inner) => walk(tree, inner, depth + 1, out),
                Member::Object(object) => {
                    let files: Vec<&str> = object.files.iter().map(|file| file.identifier.as_str()).collect();
                    out.push(format!("{indent}  {} = {}", object.identifier, files.join(" ")));
                }
            }
        }
    }
    let mut out = Vec::new();
    walk(tree, tree.root(), 0, &mut out);
    out
}

/// The rules of a tree's findings, with their places.
pub(crate) fn findings(tree: &Tree) -> Vec<(&str, &str)> {
    tree.findings().iter().map(|finding| (finding.rule, finding.place.as_str())).collect()
}
