//! The zero-configuration rules: what becomes a collection, what an object, and what everything is called.
//!
//! - A folder of images is an object.
//! - A folder of folders is a collection.
//! - A folder with both is a collection, and each loose image in it an object of its own.
//! - A folder with neither is nothing.
//!
//! Files in a folder may say otherwise (`marks.rs`): then a folder is one object with everything below it, or a collection.
//! Files that describe stay with what they lie beside; those of a loose image share its name.

use std::collections::HashMap;

use recto_iiif::identifier::Identifier;

use crate::description::Kind;
use crate::natural::NaturalKey;
use crate::scan::{FoundFile, FoundFolder};
use crate::tree::{Collection, File, Object, Place, Side};
use crate::{Finding, Library, Tree, media};

/// Makes the tree of a library from what was found in each of its folders.
pub(crate) fn assemble(mut roots: Vec<FoundFolder>, unknown: Vec<String>, findings: Vec<Finding>) -> Tree {
    let mut assembly = Assembly { collections: Vec::new(), objects: Vec::new() };
    let root = match roots.pop() {
        Some(only) if roots.is_empty() => only,
        last => {
            roots.extend(last);
            roots.retain(|root| !root.contents.is_empty() || !root.folders.is_empty() || root.kind.is_some());
            FoundFolder { name: Library::NAME.into(), folders: roots, ..FoundFolder::default() }
        }
    };
    assembly.root(root);
    Tree::new(assembly.collections, assembly.objects, unknown, findings)
}

struct Assembly {
    collections: Vec<Collection>,
    objects: Vec<Object>,
}

impl Assembly {
    fn root(&mut self, root: FoundFolder) {
        // Two things of a tree cannot have one identifier; what the root is called when it is published is decided elsewhere.
        let is_taken = root.folders.iter().any(|folder| folder.name == root.name) && !root.is_object();
        let identifier = if is_taken { format!("~{}", root.name) } else { root.name.clone() };
        if root.is_object() {
            self.collections.push(collection(&identifier, &root.name, None, Vec::new()));
            let place = self.folder_object(&identifier, &root.name.clone(), "", root, 0);
            self.collections[0].members.push(place);
        } else {
            self.collection(&identifier, "", root, None);
        }
    }

    /// Adds a folder of folders. `prefix` is what paths in it begin with.
    fn collection(&mut self, identifier: &str, prefix: &str, folder: FoundFolder, parent: Option<usize>) -> usize {
        let place = self.collections.len();
        let (mut loose, sides) = beside(&folder.contents, folder.sides);
        self.collections.push(collection(identifier, &folder.name, parent, sides));
        let mut members: Vec<(NaturalKey, Found)> = folder
            .folders
            .into_iter()
            .map(|folder| (NaturalKey::new(&folder.name), Found::Folder(folder)))
            .chain(together(folder.contents).into_iter().map(|files| {
                let name = files.first().map(|file| label(&file.name)).unwrap_or_default();
                let sides = loose.remove(name).unwrap_or_default();
                (NaturalKey::new(name), Found::Files(files, sides))
            }))
            .collect();
        // Stable: of one name, the folder comes first, then files in the order of their extensions.
        members.sort_by(|(left, _), (right, _)| left.cmp(right));
        for (_, member) in members {
            let member = self.member(member, prefix, place);
            self.collections[place].members.push(member);
        }
        place
    }

    fn member(&mut self, member: Found, prefix: &str, parent: usize) -> Place {
        match member {
            Found::Files(files, sides) => {
                let name = files.first().map(|file| file.name.clone()).unwrap_or_default();
                let identifier = format!("{prefix}{name}");
                self.object(&identifier, label(&name), prefix, files, sides, parent)
            }
            Found::Folder(folder) => {
                let identifier = format!("{prefix}{}", folder.name);
                let prefix = format!("{identifier}/");
                if folder.is_object() {
                    let label = folder.name.clone();
                    self.folder_object(&identifier, &label, &prefix, folder, parent)
                } else {
                    Place::Collection(self.collection(&identifier, &prefix, folder, Some(parent)))
                }
            }
        }
    }

    /// Adds a folder, with everything below it, as one object.
    fn folder_object(
        &mut self,
        identifier: &str,
        label: &str,
        prefix: &str,
        folder: FoundFolder,
        parent: usize,
    ) -> Place {
        let (mut contents, mut sides) = (Vec::new(), Vec::new());
        gather(folder, "", &mut contents, &mut sides);
        self.object(identifier, label, prefix, contents, sides, parent)
    }

    fn object(
        &mut self,
        identifier: &str,
        label: &str,
        prefix: &str,
        contents: Vec<FoundFile>,
        sides: Vec<Side>,
        parent: usize,
    ) -> Place {
        let canvases = canvas_names(&contents);
        let files = contents.into_iter().zip(canvases).map(|(file, canvas)| File {
            identifier: Identifier::new(format!("{prefix}{}", file.name)),
            canvas: (canvas != self::label(&file.name)).then(|| canvas.into_boxed_str()),
            media: file.media,
            stamp: file.stamp,
        });
        self.objects.push(Object {
            identifier: Identifier::new(identifier),
            label: label.to_owned(),
            files: files.collect(),
            sides,
            prefix: prefix.to_owned(),
            parent,
        });
        Place::Object(self.objects.len() - 1)
    }
}

enum Found {
    Folder(FoundFolder),
    /// A loose file, with the picture that belongs to it.
    Files(Vec<FoundFile>, Vec<Side>),
}

impl FoundFolder {
    fn is_object(&self) -> bool {
        match self.kind {
            Some(Kind::Manifest) => true,
            Some(Kind::Collection) => false,
            None => self.folders.is_empty() && !self.contents.is_empty(),
        }
    }
}

/// Everything in a folder and below it, under names relative to it.
fn gather(folder: FoundFolder, prefix: &str, contents: &mut Vec<FoundFile>, sides: &mut Vec<Side>) {
    contents
        .extend(folder.contents.into_iter().map(|file| FoundFile { name: format!("{prefix}{}", file.name), ..file }));
    sides.extend(folder.sides.into_iter().map(|side| Side { name: format!("{prefix}{}", side.name), ..side }));
    for inner in folder.folders {
        let prefix = format!("{prefix}{}/", inner.name);
        gather(inner, &prefix, contents, sides);
    }
}

/// Loose files, each for itself; only a recording has the first picture of its name behind it.
fn together(files: Vec<FoundFile>) -> Vec<Vec<FoundFile>> {
    let is_recording = |file: &FoundFile| file.media == media::Media::Recording;
    let mut recordings: HashMap<String, usize> = HashMap::new();
    let (timed, still): (Vec<FoundFile>, Vec<FoundFile>) = files.into_iter().partition(is_recording);
    let mut all: Vec<Vec<FoundFile>> = Vec::new();
    for file in timed {
        recordings.entry(label(&file.name).to_owned()).or_insert(all.len());
        all.push(vec![file]);
    }
    for file in still {
        // A PDF is no picture.
        let is_picture = !file.name.to_ascii_lowercase().ends_with(".pdf");
        let recording = recordings.get(label(&file.name)).and_then(|place| all.get_mut(*place));
        match recording.filter(|files| is_picture && files.len() == 1) {
            Some(files) => files.push(file),
            None => all.push(vec![file]),
        }
    }
    all
}

/// Tells the files that lie beside a loose file and share its name (`prague.xml`, `interview.en.vtt`, `alto/prague.xml`)
/// from those that describe the folder.
fn beside(contents: &[FoundFile], sides: Vec<Side>) -> (HashMap<String, Vec<Side>>, Vec<Side>) {
    let mut of_files: HashMap<String, Vec<Side>> =
        contents.iter().map(|file| (label(&file.name).to_owned(), Vec::new())).collect();
    let mut of_folder = Vec::new();
    for side in sides {
        let stem = stems(&side.name).find(|stem| of_files.contains_key(*stem)).map(str::to_owned);
        match stem {
            Some(stem) => of_files.entry(stem).or_default().push(side),
            None => of_folder.push(side),
        }
    }
    (of_files, of_folder)
}

/// The names that a file may belong to, longest first: `a.en.vtt` to `a.en` and to `a`.
pub(crate) fn stems(path: &str) -> impl Iterator<Item = &str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut rest = Some(name);
    std::iter::from_fn(move || {
        rest = rest.and_then(|name| name.rsplit_once('.')).map(|(stem, _)| stem);
        rest.filter(|stem| !stem.is_empty())
    })
}

fn collection(identifier: &str, label: &str, parent: Option<usize>, sides: Vec<Side>) -> Collection {
    Collection { identifier: Identifier::new(identifier), label: label.to_owned(), sides, parent, members: Vec::new() }
}

/// The name without folders before it and extension behind it.
pub(crate) fn label(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    media::content_stem(name).unwrap_or(name)
}

/// The canvas name of each image of an object: its name without extension, so that inserting a page shifts no other.
///
/// Where two would be equal, both take the whole file name, as does a name that reads like the second page of another
/// (`x;2.tif` beside the pages of `x.tif`). A whole name may meet the shortened name of a third (`a.jpg` and
/// `a.jpg.tif`), so this goes on until all differ; it ends, since whole names differ in one folder.
fn canvas_names(images: &[FoundFile]) -> Vec<String> {
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

    fn images(names: &[&str]) -> Vec<FoundFile> {
        let stamp = Stamp { bytes: 0, modified: None };
        names.iter().map(|name| FoundFile { name: (*name).to_owned(), media: media::Media::Image, stamp }).collect()
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
            (&["jpg/1.jpg", "tif/1.tif", "2.tif"], &["jpg/1.jpg", "tif/1.tif", "2"]),
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
