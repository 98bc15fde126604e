//! The zero-configuration rules: what becomes a collection, what an object, and what everything is called.
//!
//! - A folder of images is an object.
//! - A folder of folders is a collection.
//! - A folder with both is a collection, and each loose image in it an object of its own.
//! - A folder with neither is nothing.

use std::collections::HashMap;

use recto_iiif::identifier::Identifier;

use crate::natural::NaturalKey;
use crate::scan::{FoundFolder, FoundImage};
use crate::tree::{Collection, File, Object, Place};
use crate::{Finding, Library, Tree, media};

/// Makes the tree of a library from what was found in each of its folders.
pub(crate) fn assemble(mut roots: Vec<FoundFolder>, findings: Vec<Finding>) -> Tree {
    let mut assembly = Assembly { collections: Vec::new(), objects: Vec::new() };
    let root = match roots.pop() {
        Some(only) if roots.is_empty() => only,
        last => {
            roots.extend(last);
            roots.retain(|root| !root.images.is_empty() || !root.folders.is_empty());
            FoundFolder { name: Library::NAME.into(), images: Vec::new(), folders: roots }
        }
    };
    assembly.root(root);
    Tree::new(assembly.collections, assembly.objects, findings)
}

struct Assembly {
    collections: Vec<Collection>,
    objects: Vec<Object>,
}

impl Assembly {
    fn root(&mut self, root: FoundFolder) {
        let is_taken = root.folders.iter().any(|folder| folder.name == root.name);
        let identifier = if is_taken { format!("~{}", root.name) } else { root.name.clone() };
        if root.folders.is_empty() && !root.images.is_empty() {
            self.collections.push(collection(&identifier, &root.name, None));
            let place = self.object(&identifier, &root.name, "", root.images, 0);
            self.collections[0].members.push(place);
        } else {
            self.collection(&identifier, "", root, None);
        }
    }

    /// Adds a folder of folders. `prefix` is what paths in it begin with.
    fn collection(&mut self, identifier: &str, prefix: &str, folder: FoundFolder, parent: Option<usize>) -> usize {
        let place = self.collections.len();
        self.collections.push(collection(identifier, &folder.name, parent));
        let mut members: Vec<(NaturalKey, Found)> = folder
            .folders
            .into_iter()
            .map(|folder| (NaturalKey::new(&folder.name), Found::Folder(folder)))
            .chain(folder.images.into_iter().map(|image| (NaturalKey::new(label(&image.name)), Found::Image(image))))
            .collect();
        // Stable: of one name, the folder comes first, then images in the order of their extensions.
        members.sort_by(|(left, _), (right, _)| left.cmp(right));
        for (_, member) in members {
            let member = self.member(member, prefix, place);
            self.collections[place].members.push(member);
        }
        place
    }

    fn member(&mut self, member: Found, prefix: &str, parent: usize) -> Place {
        match member {
            Found::Image(image) => {
                let identifier = format!("{prefix}{}", image.name);
                let label = label(&image.name).to_owned();
                self.object(&identifier, &label, prefix, vec![image], parent)
            }
            Found::Folder(folder) => {
                let identifier = format!("{prefix}{}", folder.name);
                let prefix = format!("{identifier}/");
                if folder.folders.is_empty() {
                    let label = folder.name.clone();
                    self.object(&identifier, &label, &prefix, folder.images, parent)
                } else {
                    Place::Collection(self.collection(&identifier, &prefix, folder, Some(parent)))
                }
            }
        }
    }

    fn object(&mut self, identifier: &str, label: &str, prefix: &str, images: Vec<FoundImage>, parent: usize) -> Place {
        let canvases = canvas_names(&images);
        let files = images.into_iter().zip(canvases).map(|(image, canvas)| File {
            identifier: Identifier::new(format!("{prefix}{}", image.name)),
            label: self::label(&image.name).to_owned(),
            canvas,
            stamp: image.stamp,
        });
        self.objects.push(Object {
            identifier: Identifier::new(identifier),
            label: label.to_owned(),
            files: files.collect(),
            parent,
        });
        Place::Object(self.objects.len() - 1)
    }
}

enum Found {
    Folder(FoundFolder),
    Image(FoundImage),
}

fn collection(identifier: &str, label: &str, parent: Option<usize>) -> Collection {
    Collection { identifier: Identifier::new(identifier), label: label.to_owned(), parent, members: Vec::new() }
}

fn label(name: &str) -> &str {
    media::image_stem(name).unwrap_or(name)
}

/// The canvas name of each image of an object: its name without extension, so that inserting a page shifts no other.
///
/// Where two would be equal, both take the whole file name, as does a name that reads like the second page of another
/// (`x;2.tif` beside the pages of `x.tif`). A whole name may meet the shortened name of a third (`a.jpg` and
/// `a.jpg.tif`), so this goes on until all differ; it ends, since whole names differ in one folder.
fn canvas_names(images: &[FoundImage]) -> Vec<String> {
    let mut is_whole: Vec<bool> = images.iter().map(|image| looks_like_page(label(&image.name))).collect();
    loop {
        let names: Vec<&str> = images
            .iter()
            .zip(&is_whole)
            .map(|(image, whole)| if *whole { image.name.as_str() } else { label(&image.name) })
            .collect();
        let mut counts: HashMap<&str, u32> = HashMap::with_capacity(names.len());
        for name in &names {
            *counts.entry(name).or_default() += 1;
        }
        let mut has_changed = false;
        for (name, whole) in names.iter().zip(&mut is_whole) {
            if !*whole && counts.get(name).is_some_and(|count| *count > 1) {
                *whole = true;
                has_changed = true;
            }
        }
        if !has_changed {
            return names.into_iter().map(str::to_owned).collect();
        }
    }
}

/// True for `…;12`, the form in which pages after the first are named.
fn looks_like_page(stem: &str) -> bool {
    stem.rsplit_once(';')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::tree::Stamp;

    fn images(names: &[&str]) -> Vec<FoundImage> {
        let stamp = Stamp { bytes: 0, modified: None };
        names.iter().map(|name| FoundImage { name: (*name).to_owned(), stamp }).collect()
    }

    #[test]
    fn canvases_are_named_by_stem_and_by_the_whole_name_where_stems_meet() {
        for (names, canvases) in [
            (&["001.tif", "002.tif"][..], &["001", "002"][..]),
            (&["001.jpg", "001.tif", "002.tif"], &["001.jpg", "001.tif", "002"]),
            (&["a.jpg", "a.tif", "a.jpg.tif"], &["a.jpg", "a.tif", "a.jpg.tif"]),
            (&["x.tif", "x;2.tif"], &["x", "x;2.tif"]),
            (&["x;y.tif"], &["x;y"]),
            (&["A.tif", "a.tif"], &["A", "a"]),
        ] {
            assert_eq!(canvas_names(&images(names)), canvases, "{names:?}");
        }
    }

    proptest! {
        #[test]
        fn canvas_names_differ_even_between_pages(
            names in proptest::collection::hash_set("[ab;]{1,2}(\\.jpg|;2)?\\.(jpg|tif)", 1..12),
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut seen = HashSet::new();
            for canvas in canvas_names(&images(&names)) {
                prop_assert!(seen.insert(format!("{canvas};2")), "{} twice in {:?}", canvas, names);
                prop_assert!(seen.insert(canvas.clone()), "{} twice in {:?}", canvas, names);
            }
        }
    }
}
