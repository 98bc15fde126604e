//! What a folder says to everything in it: values that flow down, rows of `objects.csv`, the mapping of other formats.

use std::collections::HashMap;
use std::rc::Rc;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::Describer;
use super::sources::{Role, role};
use super::state::write_text;
use crate::Collection;
use crate::description::Description;
use crate::mapping::Mapping;
use crate::merge::{Said, Source, inherit, merge};
use crate::tables::{Listing, NamedBy, TableOptions, read_objects};

/// What is said to everything in a folder.
#[derive(Debug)]
pub(super) struct Around {
    outer: Option<Rc<Around>>,
    /// What the paths of what is in the folder begin with.
    prefix: String,
    /// What flows down, that of the folders around it included.
    pub(super) description: Description,
    pub(super) mapping: Rc<Mapping>,
    rows: HashMap<(NamedBy, String), Row>,
    /// The state of what flows down, and of rows that name their object by its identifier.
    state: u128,
}

#[derive(Debug)]
struct Row {
    said: Said,
    /// Its place among what lies in its collection.
    position: Option<u32>,
    state: u128,
}

impl Around {
    /// What the tables of the folders around a thing say about it, nearest first.
    pub(super) fn rows_for(&self, path: &str, identifier: Option<&str>) -> Vec<Said> {
        let mut said = Vec::new();
        let mut next = Some(self);
        while let Some(around) = next {
            said.extend(around.row(path).map(|row| row.said.clone()));
            let by_identifier =
                identifier.and_then(|identifier| around.rows.get(&(NamedBy::Id, identifier.to_owned())));
            said.extend(by_identifier.map(|row| row.said.clone()));
            next = around.outer.as_deref();
        }
        said
    }

    /// The place of a thing among what lies in its collection, as the nearest table tells it.
    pub(super) fn position_for(&self, path: &str, identifier: Option<&str>) -> Option<u32> {
        let of_id = identifier.and_then(|identifier| self.rows.get(&(NamedBy::Id, identifier.to_owned())));
        let own = self.row(path).or(of_id).and_then(|row| row.position);
        own.or_else(|| self.outer.as_deref()?.position_for(path, identifier))
    }

    fn row(&self, path: &str) -> Option<&Row> {
        let name = path.strip_prefix(self.prefix.as_str())?;
        let row = |name: &str| self.rows.get(&(NamedBy::Path, name.to_owned()));
        row(name).or_else(|| row(name.rsplit_once('.')?.0))
    }

    /// The state of everything that is said to the thing at this path.
    pub(super) fn state_for(&self, path: &str) -> u128 {
        let mut hash = Xxh3::new();
        let mut next = Some(self);
        while let Some(around) = next {
            hash.update(&around.state.to_le_bytes());
            hash.update(&around.row(path).map_or(0, |row| row.state).to_le_bytes());
            next = around.outer.as_deref();
        }
        hash.digest128()
    }
}

impl<'a> Describer<'a> {
    /// Reads what the files of a folder say to everything in it.
    pub(super) fn read_around(&mut self, collection: &'a Collection, outer: Option<Rc<Around>>) -> Around {
        let prefix = self.prefix(collection);
        let mut findings = Vec::new();
        let mapping =
            self.mapping(&prefix, &collection.sides, outer.as_deref().map(|outer| &outer.mapping), &mut findings);
        let sidecars = self.sidecars(&prefix, &collection.sides, &mut findings);
        let (mut description, _) = merge(sidecars);
        if let Some(outer) = &outer {
            inherit(&outer.description, &mut description);
        }
        let description = flowing(description);
        let mut state = Xxh3::new();
        write_text(&mut state, &serde_json::to_string(&description).unwrap_or_default());
        for side in collection.sides.iter().filter(|side| matches!(role(&side.name), Role::Mapping)) {
            super::state::write_sides(&mut state, std::slice::from_ref(side));
        }
        let mut rows = HashMap::new();
        for side in collection.sides.iter().filter(|side| matches!(role(&side.name), Role::ObjectsTable)) {
            let place = format!("{prefix}{}", side.name);
            let Some(bytes) = self.read(&place, &mut findings) else { continue };
            let there = Listing::new(self.names_in(collection));
            let (objects, noticed) = read_objects(&bytes, &place, Some(&there), &TableOptions::default());
            findings.extend(noticed);
            for object in objects {
                let said = serde_json::to_string(&(&object.description, object.position)).unwrap_or_default();
                let row_state = xxh3_128(said.as_bytes());
                if object.named_by == NamedBy::Id {
                    state.update(&row_state.to_le_bytes());
                }
                let said = Said { by: Source::ObjectsTable, place: place.clone(), description: object.description };
                rows.insert((object.named_by, object.name), Row { said, position: object.position, state: row_state });
            }
        }
        self.findings.extend(findings);
        Around { outer, prefix, description, mapping, rows, state: state.digest128() }
    }

    /// The names of what is in a folder, relative to it: members, and what is in them where these are folders.
    fn names_in(&self, collection: &'a Collection) -> Vec<String> {
        let prefix = self.prefix(collection);
        let mut names = Vec::new();
        let mut open = vec![collection];
        while let Some(next) = open.pop() {
            for member in self.tree.members(next) {
                let identifier = match member {
                    crate::Member::Collection(inner) => {
                        open.push(inner);
                        &inner.identifier
                    }
                    crate::Member::Object(object) => &object.identifier,
                };
                names.extend(identifier.as_str().strip_prefix(&prefix).map(str::to_owned));
            }
        }
        names
    }
}

/// Only what flows down.
fn flowing(said: Description) -> Description {
    Description {
        provider: said.provider,
        rights: said.rights,
        required_statement: said.required_statement,
        language: said.language,
        viewing_direction: said.viewing_direction,
        behavior: said.behavior,
        access: said.access,
        ..Description::default()
    }
}
