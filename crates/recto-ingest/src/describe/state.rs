//! Tells one state of a thing from the next by names, lengths and times, without a look into files.

use xxhash_rust::xxh3::Xxh3;

use super::Describer;
use crate::tree::{Side, Stamp};
use crate::{Collection, Member, Object};

/// Changes whenever the same files are described in another way than before, so that catalogues are made anew.
const SCHEME: u64 = 4;

/// The state of something: equal numbers mean that nothing that matters differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Of everything that it is made of, what comes from the folders around it too.
    pub signature: u128,
    /// Of its own files, whatever they lie in.
    pub content: u128,
}

impl<'a> Describer<'a> {
    /// The state of an object, without a look into its files.
    pub fn state(&mut self, object: &'a Object) -> State {
        let around = self.around(self.tree.parent_of(object));
        let prefix = object.prefix().len();
        let mut hash = Xxh3::new();
        for file in &object.files {
            let name = file.identifier.as_str();
            write_file(&mut hash, name.get(prefix..).unwrap_or(name), file.stamp);
        }
        write_sides(&mut hash, &object.sides);
        let content = hash.digest128();
        hash.update(&SCHEME.to_le_bytes());
        hash.update(&around.state_for(object.identifier.as_str()).to_le_bytes());
        hash.update(object.label.as_bytes());
        State { signature: hash.digest128(), content }
    }

    /// The state of a collection: of what is said about it, and of which members it has.
    pub fn collection_state(&mut self, collection: &'a Collection) -> State {
        let around = self.around(collection);
        let mut hash = Xxh3::new();
        write_sides(&mut hash, &collection.sides);
        for member in self.tree.members(collection) {
            let (kind, name, sides) = match member {
                Member::Collection(inner) => (b'c', &inner.identifier, &inner.sides),
                Member::Object(object) => (b'm', &object.identifier, &object.sides),
            };
            let name = name.as_str().rsplit('/').next().unwrap_or_default();
            hash.update(&[kind]);
            write_text(&mut hash, name);
            write_sides(&mut hash, sides);
        }
        let content = hash.digest128();
        hash.update(&SCHEME.to_le_bytes());
        hash.update(&around.state_for(collection.identifier.as_str()).to_le_bytes());
        hash.update(collection.label.as_bytes());
        if self.tree.parent(collection).is_none() {
            write_text(&mut hash, self.library.whole.identifier.as_deref().unwrap_or_default());
            write_text(&mut hash, self.library.whole.title.as_deref().unwrap_or_default());
        }
        State { signature: hash.digest128(), content }
    }
}

pub(super) fn write_sides(hash: &mut Xxh3, sides: &[Side]) {
    for side in sides {
        write_file(hash, &side.name, side.stamp);
    }
}

fn write_file(hash: &mut Xxh3, name: &str, stamp: Stamp) {
    write_text(hash, name);
    hash.update(&stamp.bytes.to_le_bytes());
    hash.update(&stamp.modified_ns().unwrap_or_default().to_le_bytes());
}

pub(super) fn write_text(hash: &mut Xxh3, text: &str) {
    hash.update(&(text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}
