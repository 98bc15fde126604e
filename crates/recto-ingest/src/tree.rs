//! The library as it was found at one moment: collections, objects, and the files that are their pages.

use std::collections::HashMap;
use std::time::SystemTime;

use recto_iiif::identifier::Identifier;

use crate::Finding;
use crate::assemble::label;
use crate::media::Media;

/// An immutable picture of the library. Two are equal when everything that can be published from them is.
///
/// Methods that take a [`Collection`] or an [`Object`] mean one of this very tree; with one of another moment they give
/// what stands in its place here.
#[derive(Debug, PartialEq, Eq)]
pub struct Tree {
    /// The first one is the root; parents stand before their children.
    pub(crate) collections: Vec<Collection>,
    pub(crate) objects: Vec<Object>,
    pub(crate) findings: Vec<Finding>,
    /// Paths of folders that could not be listed, or not whole; empty for the whole library.
    unknown: Vec<String>,
    images: usize,
    collection_places: HashMap<Identifier, usize>,
    object_places: HashMap<Identifier, usize>,
}

/// A folder of folders: what becomes a IIIF Collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// The folder's path relative to the library; for the root, see [`Tree::root`].
    pub identifier: Identifier,
    /// The folder's name.
    pub label: String,
    /// Files in it that say something about it or what it holds.
    pub sides: Vec<Side>,
    pub(crate) parent: Option<usize>,
    pub(crate) members: Vec<Place>,
}

/// A folder of images, or a single image between folders: what becomes a IIIF Manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The path of the folder, or of the single image with its extension, relative to the library.
    pub identifier: Identifier,
    /// The name of the folder, or of the single image without its extension.
    pub label: String,
    /// The files with its content in natural order. Each may hold several pages.
    pub files: Vec<File>,
    /// The files that say something about it or its pages, in natural order.
    pub sides: Vec<Side>,
    pub(crate) prefix: String,
    pub(crate) parent: usize,
}

impl Object {
    /// What the paths of its files begin with: its folder with a slash behind it; nothing at the top of the library.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// A file that says something about an object or collection, or about its pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its path relative to the folder of what it lies beside, with `/` between the parts.
    pub name: String,
    /// Tells one content of the file from the next.
    pub stamp: Stamp,
}

impl Side {
    /// The same, seen from the folder around the one of this name.
    pub(crate) fn below(self, folder: &str) -> Self {
        Self { name: format!("{folder}/{}", self.name), ..self }
    }
}

/// One file with content of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The image's identifier: the file's path relative to the library, with its extension.
    pub identifier: Identifier,
    /// The name of its first canvas where that is not its label.
    pub(crate) canvas: Option<Box<str>>,
    /// What its name makes of it.
    pub media: Media,
    /// Tells one content of the file from the next.
    pub stamp: Stamp,
}

impl File {
    /// The file's name without its extension.
    pub fn label(&self) -> &str {
        label(self.identifier.as_str())
    }

    /// The name of its first canvas, unique in the object: the label where that is unique, else the whole name.
    pub fn canvas(&self) -> &str {
        self.canvas.as_deref().unwrap_or(self.label())
    }
}

/// Size and time of a file: enough to notice that it was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Length in bytes.
    pub bytes: u64,
    /// When its content last changed, where the file system says.
    pub modified: Option<SystemTime>,
}

/// A member of a collection.
#[derive(Clone, Copy, Debug)]
pub enum Member<'tree> {
    /// A collection inside the collection.
    Collection(&'tree Collection),
    /// An object.
    Object(&'tree Object),
}

/// Where a member stands in the tree's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Collection(usize),
    Object(usize),
}

impl Tree {
    pub(crate) fn new(
        collections: Vec<Collection>,
        objects: Vec<Object>,
        unknown: Vec<String>,
        findings: Vec<Finding>,
    ) -> Self {
        Self {
            unknown,
            images: objects.iter().map(|object| object.files.len()).sum(),
            collection_places: places(collections.iter().map(|collection| &collection.identifier)),
            object_places: places(objects.iter().map(|object| &object.identifier)),
            collections,
            objects,
            findings,
        }
    }

    /// The collection that holds everything.
    ///
    /// Its identifier is the name of the library's folder. A folder at the top of the library may have that name too;
    /// then the root's gets a `~` in front in the tree, with which no name begins. It is published under its own name all the same
    /// ([`crate::DescribedCollection`]), and the folder gives way. When the library's folder holds images
    /// directly and no folders, the root collection holds one object of the same identifier.
    pub fn root(&self) -> &Collection {
        &self.collections[0]
    }

    /// The collection with this identifier.
    pub fn collection(&self, identifier: &Identifier) -> Option<&Collection> {
        self.collection_places.get(identifier).map(|place| &self.collections[*place])
    }

    /// The object with this identifier.
    pub fn object(&self, identifier: &Identifier) -> Option<&Object> {
        self.object_places.get(identifier).map(|place| &self.objects[*place])
    }

    /// The file with content at this path, whichever object it belongs to.
    pub fn file(&self, path: &Identifier) -> Option<&File> {
        let mut around = path.as_str();
        loop {
            let object = self.object(&Identifier::new(around)).or_else(|| {
                // A library of nothing but images is one object, called as the library is.
                around.is_empty().then(|| self.object(&self.root().identifier)).flatten()
            });
            if let Some(object) = object {
                return object.files.iter().find(|file| file.identifier == *path);
            }
            if around.is_empty() {
                return None;
            }
            around = around.rsplit_once('/').map_or("", |(folder, _)| folder);
        }
    }

    /// What lies at this path, or is described by the file at this path: the nearest thing around it that has the file.
    pub fn thing_of(&self, path: &str) -> Option<Member<'_>> {
        let whole = Identifier::new(path);
        let collection = || self.collection(&whole).filter(|found| found.parent.is_some());
        let found = self.object(&whole).map(Member::Object).or_else(|| collection().map(Member::Collection));
        if found.is_some() {
            return found;
        }
        let mut folder = path;
        while !folder.is_empty() {
            folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
            let name = path.get(folder.len()..).unwrap_or_default().trim_start_matches('/');
            if let Some(found) = self.described_in(folder, name) {
                return Some(found);
            }
        }
        None
    }

    /// What a file of this name describes, which lies in or below this folder.
    fn described_in(&self, folder: &str, name: &str) -> Option<Member<'_>> {
        let has = |sides: &[Side]| sides.iter().any(|side| side.name == name);
        let around = if folder.is_empty() { Some(self.root()) } else { self.collection(&Identifier::new(folder)) };
        let alone = if folder.is_empty() { &self.root().identifier } else { &Identifier::new(folder) };
        if let Some(object) = self.object(alone).filter(|object| has(&object.sides)) {
            return Some(Member::Object(object));
        }
        let around = around?;
        if has(&around.sides) {
            return Some(Member::Collection(around));
        }
        self.members(around).find(|member| matches!(member, Member::Object(object) if has(&object.sides)))
    }

    /// What a collection of this tree holds, in natural order of names.
    pub fn members<'tree>(&'tree self, collection: &'tree Collection) -> impl Iterator<Item = Member<'tree>> {
        collection.members.iter().filter_map(|place| match place {
            Place::Collection(place) => self.collections.get(*place).map(Member::Collection),
            Place::Object(place) => self.objects.get(*place).map(Member::Object),
        })
    }

    /// The collection that holds this collection of this tree; `None` for the root.
    pub fn parent(&self, collection: &Collection) -> Option<&Collection> {
        collection.parent.and_then(|place| self.collections.get(place))
    }

    /// The collection that holds this object of this tree.
    pub fn parent_of(&self, object: &Object) -> &Collection {
        self.collections.get(object.parent).unwrap_or(self.root())
    }

    /// The first object in or below a collection of this tree.
    pub fn first_object<'tree>(&'tree self, collection: &'tree Collection) -> Option<&'tree Object> {
        let mut collection = collection;
        // A collection without members is none, save for an empty root: the first member leads to an object.
        loop {
            match self.members(collection).next()? {
                Member::Object(object) => return Some(object),
                Member::Collection(inner) => collection = inner,
            }
        }
    }

    /// Every collection, parents before children.
    pub fn collections(&self) -> &[Collection] {
        &self.collections
    }

    /// Every object, in the order of the tree.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Number of image files of all objects.
    pub fn images(&self) -> usize {
        self.images
    }

    /// True when something at this path may be there although it was not seen, since a folder around it could not be listed.
    pub fn may_hold(&self, path: &str) -> bool {
        self.unknown.iter().any(|unknown| {
            unknown.is_empty()
                || path.strip_prefix(unknown).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// What was noticed while looking.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

fn places<'a>(identifiers: impl Iterator<Item = &'a Identifier>) -> HashMap<Identifier, usize> {
    identifiers.enumerate().map(|(place, identifier)| (identifier.clone(), place)).collect()
}
