//! Whether all is there that a page needs, when only a part of its file is.

use std::collections::HashSet;

use hayro::hayro_syntax::object::{Dict, MaybeRef, Name, Object, ObjectIdentifier, Stream};
use hayro::hayro_syntax::page::Page;

use crate::Control;

/// Most objects that are followed.
const MAX_OBJECTS: usize = 200_000;

/// Most dictionaries and arrays in one another, without references between.
const MAX_DEPTH: u32 = 64;

/// Objects between two looks at the clock.
const OBJECTS_PER_CHECK: u64 = 256;

/// What is drawn of a page. The rest leads to other pages, or says something about this one.
const PAGE: [&[u8]; 8] =
    [b"Annots", b"Contents", b"CropBox", b"Group", b"MediaBox", b"Resources", b"Rotate", b"UserUnit"];

/// What is drawn of an annotation.
const ANNOTATION: [&[u8]; 5] = [b"AP", b"AS", b"F", b"OC", b"Rect"];

/// What is not drawn of a stream.
const BESIDE_STREAM: [&[u8]; 4] = [b"Alternates", b"Metadata", b"OPI", b"PieceInfo"];

/// What was found on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    /// Some of it may belong to layers, which the catalogue shows or hides.
    pub(super) has_layers: bool,
}

/// What an object is to the page. Which entries are followed depends on it: in resources every name is one of the page's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Page,
    Annotations,
    Annotation,
    Stream,
    Other,
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
            Object::Array(array) => {
                let role = if role == Role::Annotations { Role::Annotation } else { role };
                array.raw_iter().try_for_each(|item| self.item(item, role, depth))
            }
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
        for (key, value) in dictionary.entries() {
            let key: &[u8] = key.as_ref();
            let is_drawn = match role {
                Role::Page => PAGE.contains(&key),
                Role::Annotations | Role::Annotation => ANNOTATION.contains(&key),
                Role::Stream => !BESIDE_STREAM.contains(&key),
                Role::Other => true,
            };
            if !is_drawn {
                continue;
            }
            self.has_layers |= matches!(key, b"OC" | b"Properties");
            let role = if role == Role::Page && key == b"Annots" { Role::Annotations } else { Role::Other };
            self.item(value, role, depth)?;
        }
        Some(())
    }
}

/// One that is cut off ends elsewhere.
fn ends_where_it_says(stream: &Stream<'_>) -> bool {
    let length = stream.dict().get::<u32>("Length");
    length.is_some_and(|length| length as usize == stream.raw_data().len())
}
