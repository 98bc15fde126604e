//! Joins everything that is said about an object or collection, and tells one state of it from the next.

mod around;
mod blocks;
mod finish;
mod made;
mod members;
mod order;
mod sources;
mod state;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use recto_iiif::identifier::Identifier;

use self::around::Around;
use crate::build::{FilePart, ObjectParts};
use crate::description::Description;
use crate::editorial::is_annotation_file;
use crate::merge::{inherit, merge};
use crate::{Collection, Finding, Library, Object, Tree};

pub use self::state::State;

/// What an object is.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedObject {
    /// The identifier that it declares; else its path.
    pub identifier: Identifier,
    /// What its documents are made of.
    pub parts: ObjectParts,
    /// Its place among what lies in its collection, where a table tells one.
    pub position: Option<u32>,
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
    /// Its place among what lies in the collection around it, where a table tells one.
    pub position: Option<u32>,
    /// What is the matter with what was said.
    pub findings: Vec<Finding>,
}

/// Describes what a tree holds. What folders say to everything in them is read once.
#[derive(Debug)]
pub struct Describer<'a> {
    library: &'a Library,
    tree: &'a Tree,
    around: HashMap<&'a Identifier, Rc<Around>>,
    /// Descriptions by their names, for links that name no path.
    by_name: OnceCell<members::Names>,
    /// About files that say something to many things.
    findings: Vec<Finding>,
}

impl<'a> Describer<'a> {
    /// Describes what this tree of this library holds.
    pub fn new(library: &'a Library, tree: &'a Tree) -> Self {
        Self { library, tree, around: HashMap::new(), by_name: OnceCell::new(), findings: Vec::new() }
    }

    /// What was noticed in files that say something to many things, such as `objects.csv`.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// What a collection says to what is in it.
    fn around(&mut self, collection: &'a Collection) -> Rc<Around> {
        if let Some(known) = self.around.get(&collection.identifier) {
            return Rc::clone(known);
        }
        let outer = self.tree.parent(collection).map(|parent| self.around(parent));
        let around = match outer {
            Some(outer) if collection.sides.is_empty() => outer,
            outer => Rc::new(self.read_around(collection, outer)),
        };
        self.around.insert(&collection.identifier, Rc::clone(&around));
        around
    }

    /// What the paths of a collection's own files begin with.
    fn prefix(&self, collection: &Collection) -> String {
        match self.tree.parent(collection) {
            Some(_) => format!("{}/", collection.identifier),
            None => String::new(),
        }
    }

    /// Reads everything that is said about an object.
    pub fn object(&mut self, object: &'a Object) -> DescribedObject {
        let around = self.around(self.tree.parent_of(object));
        let files: Vec<FilePart> = object.files.iter().map(|file| FilePart::of(object, file)).collect();
        let mut findings = Vec::new();
        let mut said = self.object_sources(object, &files, &around, &mut findings);
        let made = self.made(object, &mut said, &mut findings);
        let declared = said.iter().rev().find_map(|said| said.description.id.clone());
        said.extend(around.rows_for(object.identifier.as_str(), declared.as_deref()));
        let (mut description, noticed) = merge(said);
        findings.extend(noticed);
        inherit(&around.description, &mut description);
        self.finish(object, &files, &mut description, &mut findings);
        let identifier = description.id.as_deref().map_or_else(|| object.identifier.clone(), Identifier::new);
        let annotations = object.sides.iter().filter(|side| is_annotation_file(&side.name));
        let annotations = annotations.map(|side| side.name.clone()).collect();
        let prefix = object.prefix().to_owned();
        let position = around.position_for(object.identifier.as_str(), declared.as_deref());
        let parts = ObjectParts { prefix, description, files, made, annotations };
        DescribedObject { identifier, parts, position, findings }
    }

    /// Reads everything that is said about a collection.
    pub fn collection(&mut self, collection: &'a Collection) -> DescribedCollection {
        let outer = self.tree.parent(collection).map(|parent| self.around(parent));
        let mut findings = Vec::new();
        let mapping = outer.as_ref().map(|outer| Rc::clone(&outer.mapping));
        let mut said = self.collection_sources(collection, mapping.as_deref(), &mut findings);
        let mut position = None;
        if let Some(outer) = &outer {
            let declared = said.iter().rev().find_map(|said| said.description.id.clone());
            said.extend(outer.rows_for(collection.identifier.as_str(), declared.as_deref()));
            position = outer.position_for(collection.identifier.as_str(), declared.as_deref());
        }
        let (mut description, noticed) = merge(said);
        findings.extend(noticed);
        if let Some(outer) = &outer {
            inherit(&outer.description, &mut description);
        }
        // What was published as the whole must not become something else because a folder gets the same name.
        let usual = || match (&outer, &self.library.whole.identifier) {
            (None, Some(identifier)) => Identifier::new(&**identifier),
            (None, None) => Identifier::new(&*collection.label),
            (Some(_), _) => collection.identifier.clone(),
        };
        let identifier = description.id.as_deref().map_or_else(usual, Identifier::new);
        DescribedCollection { identifier, description, position, findings }
    }
}
