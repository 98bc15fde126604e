//! The files that exist, for readers that name files.

use std::collections::{HashMap, HashSet};

/// Paths of files below the folder of what is described, with `/` between their parts.
#[derive(Debug, Default)]
pub struct Listing {
    paths: HashSet<String>,
    /// By file name in lower case: the one path that has it, or `None` where there are several.
    by_name: HashMap<String, Option<String>>,
    /// By file name without its extension, in lower case; only of files that have one.
    by_stem: HashMap<String, Option<String>>,
    folders: HashSet<String>,
}

impl Listing {
    /// Of these paths.
    pub fn new<S: Into<String>>(paths: impl IntoIterator<Item = S>) -> Self {
        let mut listing = Self::default();
        for path in paths {
            let path: String = path.into();
            let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
            if let Some((stem, _)) = name.rsplit_once('.') {
                add(&mut listing.by_stem, stem.to_owned(), &path);
            }
            add(&mut listing.by_name, name, &path);
            let mut folder = path.as_str();
            while let Some((parent, _)) = folder.rsplit_once('/') {
                if !listing.folders.insert(parent.to_owned()) {
                    break;
                }
                folder = parent;
            }
            listing.paths.insert(path);
        }
        listing
    }

    /// Is this path that of a file?
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// Is this path that of a folder with files?
    #[must_use]
    pub fn has_folder(&self, path: &str) -> bool {
        self.folders.contains(path.trim_end_matches('/'))
    }

    /// The one file that is meant by a path that does not exist: it has the same name, wherever it lies.
    pub(super) fn same_name(&self, path: &str) -> Option<&str> {
        let name = path.rsplit('/').next()?.to_lowercase();
        self.by_name.get(&name)?.as_deref()
    }

    /// The one file of an extension out of `extensions` that has the same name but for the extension.
    pub(super) fn same_stem(&self, path: &str, is_meant: impl Fn(&str) -> bool) -> Option<&str> {
        let name = path.rsplit('/').next()?.to_lowercase();
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        self.by_stem.get(stem)?.as_deref().filter(|path| is_meant(path))
    }
}

fn add(map: &mut HashMap<String, Option<String>>, key: String, path: &str) {
    map.entry(key).and_modify(|found| *found = None).or_insert_with(|| Some(path.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_name_when_only_one_has_it() {
        let listing = Listing::new(["images/0001.tif", "images/0002.tif", "other/0002.tif", "images/0003.jp2"]);
        assert!(listing.has("images/0001.tif") && !listing.has("0001.tif"));
        assert!(listing.has_folder("images/") && !listing.has_folder("images/0001.tif"));
        assert_eq!(listing.same_name("data/0001.TIF"), Some("images/0001.tif"));
        assert_eq!(listing.same_name("data/0002.tif"), None);
        assert_eq!(listing.same_stem("data/0003.tif", |path| path.contains(".jp2")), Some("images/0003.jp2"));
        assert_eq!(listing.same_stem("data/0003.tif", |path| path.contains(".xml")), None);
    }
}
