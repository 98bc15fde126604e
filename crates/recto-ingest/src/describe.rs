//! Joins everything that is said about an object or collection, and tells one state of it from the next.

use std::collections::HashMap;
use std::rc::Rc;

use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::LanguageMap;
use xxhash_rust::xxh3::Xxh3;

use crate::assemble::label;
use crate::build::{FilePart, ObjectParts};
use crate::description::{Content, Description, Location, Page};
use crate::tree::{Side, Stamp};
use crate::{Collection, Finding, Library, Object, Tree, texts};

/// Changes whenever the same files are described in another way than before, so that catalogues are made anew.
const SCHEME: u64 = 1;

/// What an object is.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedObject {
    /// The identifier that it declares; else its path.
    pub identifier: Identifier,
    /// What its documents are made of.
    pub parts: ObjectParts,
    /// What is the matter with what was said.
    pub findings: Vec<Finding>,
}

/// What a collection is.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedCollection {
    /// The identifier that it declares; else its path.
    pub identifier: Identifier,
    /// What all its sources together say.
    pub description: Description,
    /// What is the matter with what was said.
    pub findings: Vec<Finding>,
}

/// The state of something: equal numbers mean that nothing that matters differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Of everything that it is made of, what comes from the folders around it too.
    pub signature: u128,
    /// Of its own files, whatever they lie in.
    pub content: u128,
}

/// Describes what a tree holds. What folders say to everything in them is read once.
#[derive(Debug)]
pub struct Describer<'a> {
    library: &'a Library,
    tree: &'a Tree,
    inherited: HashMap<&'a Identifier, Rc<Inherited>>,
}

/// What the folders around a thing say about it.
#[derive(Debug, Default)]
struct Inherited {
    /// The state of what is said.
    signature: u128,
}

impl<'a> Describer<'a> {
    /// Describes what this tree of this library holds.
    pub fn new(library: &'a Library, tree: &'a Tree) -> Self {
        Self { library, tree, inherited: HashMap::new() }
    }

    fn inherited(&mut self, collection: &'a Collection) -> Rc<Inherited> {
        if let Some(known) = self.inherited.get(&collection.identifier) {
            return Rc::clone(known);
        }
        let around = self.tree.parent(collection).map(|parent| self.inherited(parent)).unwrap_or_default();
        let inherited =
            if collection.sides.is_empty() { around } else { Rc::new(Inherited { signature: around.signature }) };
        self.inherited.insert(&collection.identifier, Rc::clone(&inherited));
        inherited
    }

    /// The state of an object, without a look into its files.
    pub fn state(&mut self, object: &'a Object) -> State {
        let inherited = self.inherited(self.tree.parent_of(object));
        let prefix = object.prefix().len();
        let mut hash = Xxh3::new();
        for file in &object.files {
            let name = file.identifier.as_str();
            write_file(&mut hash, name.get(prefix..).unwrap_or(name), file.stamp);
        }
        write_sides(&mut hash, &object.sides);
        let content = hash.digest128();
        hash.update(&SCHEME.to_le_bytes());
        hash.update(&inherited.signature.to_le_bytes());
        hash.update(object.label.as_bytes());
        State { signature: hash.digest128(), content }
    }

    /// The state of a collection: of what is said about it, and of which members it has.
    pub fn collection_state(&mut self, collection: &'a Collection) -> State {
        let inherited = self.inherited(collection);
        let mut hash = Xxh3::new();
        write_sides(&mut hash, &collection.sides);
        for member in self.tree.members(collection) {
            let (kind, name, sides) = match member {
                crate::Member::Collection(inner) => (b'c', &inner.identifier, &inner.sides),
                crate::Member::Object(object) => (b'm', &object.identifier, &object.sides),
            };
            let name = name.as_str().rsplit('/').next().unwrap_or_default();
            hash.update(&[kind]);
            write_text(&mut hash, name);
            write_sides(&mut hash, sides);
        }
        let content = hash.digest128();
        hash.update(&SCHEME.to_le_bytes());
        hash.update(&inherited.signature.to_le_bytes());
        hash.update(collection.label.as_bytes());
        State { signature: hash.digest128(), content }
    }

    /// Reads everything that is said about an object.
    pub fn object(&mut self, object: &'a Object) -> DescribedObject {
        let files: Vec<FilePart> = object.files.iter().map(|file| FilePart::of(object, file)).collect();
        let mut description = Description { label: LanguageMap::none(&*object.label), ..Description::default() };
        self.take_documents_as_renderings(&files, &mut description);
        self.pair_texts(object, &files, &mut description);
        DescribedObject {
            identifier: object.identifier.clone(),
            parts: ObjectParts { prefix: object.prefix().to_owned(), description, files },
            findings: Vec::new(),
        }
    }

    /// Reads everything that is said about a collection.
    pub fn collection(&mut self, collection: &'a Collection) -> DescribedCollection {
        DescribedCollection {
            identifier: collection.identifier.clone(),
            description: Description { label: LanguageMap::none(&*collection.label), ..Description::default() },
            findings: Vec::new(),
        }
    }

    /// A PDF beside page images is another form of the whole, not more pages of it.
    fn take_documents_as_renderings(&self, _files: &[FilePart], _description: &mut Description) {}

    /// Finds the files with the text of each page.
    fn pair_texts(&self, object: &Object, files: &[FilePart], description: &mut Description) {
        if object.sides.is_empty() {
            return;
        }
        let head = |name: &str| self.head(object.prefix(), name, texts::HEAD_BYTES);
        let names: Vec<String> = match description.pages.as_slice() {
            [] => files.iter().map(|file| file.label().to_owned()).collect(),
            pages => pages.iter().map(|page| first_file(page).map_or("", label).to_owned()).collect(),
        };
        let mut found =
            texts::pair(names.iter().map(String::as_str), object.sides.iter().map(|side| side.name.as_str()), &head);
        if found.is_empty() {
            return;
        }
        if description.pages.is_empty() {
            let page = |file: &FilePart| Page {
                contents: vec![Content::at(Location::File(file.name.clone()))],
                ..Page::default()
            };
            description.pages = files.iter().map(page).collect();
        }
        for (page, name) in description.pages.iter_mut().zip(&names) {
            if page.texts.is_empty()
                && let Some(links) = found.remove(name.as_str())
            {
                page.texts = links;
            }
        }
    }

    fn head(&self, prefix: &str, name: &str, most: u64) -> Vec<u8> {
        // A file that cannot be read says nothing.
        self.library.read_head(&format!("{prefix}{name}"), most).unwrap_or_default()
    }
}

fn first_file(page: &Page) -> Option<&str> {
    page.contents.iter().find_map(|content| match &content.location {
        Location::File(name) | Location::FilePage(name, _) => Some(name.as_str()),
        Location::Url(_) | Location::ImageService(_) => None,
    })
}

fn write_sides(hash: &mut Xxh3, sides: &[Side]) {
    for side in sides {
        write_file(hash, &side.name, side.stamp);
    }
}

fn write_file(hash: &mut Xxh3, name: &str, stamp: Stamp) {
    write_text(hash, name);
    hash.update(&stamp.bytes.to_le_bytes());
    hash.update(&stamp.modified_ns().unwrap_or_default().to_le_bytes());
}

fn write_text(hash: &mut Xxh3, text: &str) {
    hash.update(&(text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}
