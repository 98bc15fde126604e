//! Whether all is there that a page needs, when only a part of its file is.

use std::collections::HashSet;

use hayro::hayro_syntax::object::{Dict, MaybeRef, Name, Object, ObjectIdentifier, Stream};
use hayro::hayro_syntax::page::Page;

use super::drawn::{MAX_DEPTH, MAX_OBJECTS, Role};
use crate::Control;

/// Objects between two looks at the clock.
const OBJECTS_PER_CHECK: u64 = 256;

/// What was found on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    /// Some of it may belong to layers, which the catalogue shows or hides.
    pub(super) has_layers: bool,
}

/// Follows all that is drawn of a page. `None` when some of it is not there or is cut off, when it is too much to tell, and when
/// nobody waits any more.
pub(super) fn reach(page: &Page<'_>, control: &Control) -> Option<Reached> {
    let mut walk = Walk { control, seen: HashSet::new(), waiting: Vec::new(), steps: 0, has_layers: false };
    walk.dictionary(page.raw(), Role::Page, 0)?;
    while let Some((identifier, role)) = walk.waiting.pop() {
        walk.object(page.xref().get::<Object<'_>>(identifier)?, role, 0)?;
    }
    Some(Reached { has_layers: walk.has_layers })
}

struct Walk<'c> {
    control: &'c Control,
    seen: HashSet<(ObjectIdentifier, Role)>,
    waiting: Vec<(ObjectIdentifier, Role)>,
    steps: u64,
    has_layers: bool,
}

impl Walk<'_> {
    fn item(&mut self, item: MaybeRef<Object<'_>>, role: Role, depth: u32) -> Option<()> {
        match item {
            MaybeRef::Ref(reference) => {
                let next = (ObjectIdentifier::from(reference), role);
                if self.seen.insert(next) {
                    self.waiting.push(next);
                }
                (self.seen.len() <= MAX_OBJECTS).then_some(())
            }
            MaybeRef::NotRef(object) => self.object(object, role, depth + 1),
        }
    }

    fn object(&mut self, object: Object<'_>, role: Role, depth: u32) -> Option<()> {
        if self.steps.is_multiple_of(OBJECTS_PER_CHECK) {
            self.control.check().ok()?;
        }
        self.steps += 1;
        if depth > MAX_DEPTH {
            return None;
        }
        match object {
            Object::Dict(dictionary) => self.dictionary(&dictionary, role, depth),
            Object::Array(array) => array.raw_iter().try_for_each(|item| self.item(item, role.of_items(), depth)),
            Object::Stream(stream) => {
                ends_where_it_says(&stream).then_some(())?;
                self.dictionary(stream.dict(), Role::Stream, depth)
            }
            _ => Some(()),
        }
    }

    fn dictionary(&mut self, dictionary: &Dict<'_>, role: Role, depth: u32) -> Option<()> {
        let kind = dictionary.get::<Name<'_>>("Type");
        if role == Role::Other && kind.is_some_and(|kind| matches!(kind.as_ref(), b"Page" | b"Pages" | b"Catalog")) {
            // It is not drawn here. There are none of these among what a page needs, nor may those that were added be.
            return None;
        }
        for (key, value, role) in role.entries(dictionary) {
            self.has_layers |= matches!(key.as_ref(), b"OC" | b"Properties");
            self.item(value, role, depth)?;
        }
        Some(())
    }
}

/// One that is cut off ends elsewhere.
pub(super) fn ends_where_it_says(stream: &Stream<'_>) -> bool {
    let length = stream.dict().get::<u32>("Length");
    length.is_some_and(|length| length as usize == stream.raw_data().len())
}
