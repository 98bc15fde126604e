//! Which entries of what a page refers to are drawn. The rest leads to other pages, or says something about this one.

use hayro::hayro_syntax::object::{Dict, MaybeRef, Name, Object};

/// Most objects that are followed.
pub(super) const MAX_OBJECTS: usize = 200_000;

/// Most dictionaries and arrays in one another, without references between.
pub(super) const MAX_DEPTH: u32 = 64;

/// What is drawn of a page.
const PAGE: [&[u8]; 8] =
    [b"Annots", b"Contents", b"CropBox", b"Group", b"MediaBox", b"Resources", b"Rotate", b"UserUnit"];

/// What is drawn of an annotation.
const ANNOTATION: [&[u8]; 5] = [b"AP", b"AS", b"F", b"OC", b"Rect"];

/// What is not drawn of a stream. One with a parent was a page once.
const BESIDE_STREAM: [&[u8]; 5] = [b"Alternates", b"Metadata", b"OPI", b"Parent", b"PieceInfo"];

/// What an object is to the page. Which entries are drawn depends on it: in resources every name is one of the page's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Page,
    Annotations,
    Annotation,
    Stream,
    Other,
}

impl Role {
    /// What the items of an array are.
    pub(super) const fn of_items(self) -> Self {
        match self {
            Self::Annotations => Self::Annotation,
            other => other,
        }
    }

    /// The entries of a dictionary that are drawn, and what each of them is.
    pub(super) fn entries<'a>(
        self,
        dictionary: &Dict<'a>,
    ) -> impl Iterator<Item = (Name<'a>, MaybeRef<Object<'a>>, Self)> {
        dictionary.entries().filter_map(move |(key, value)| {
            let role = self.of_entry(key.as_ref())?;
            Some((key, value, role))
        })
    }

    /// What the entry of this name is; `None` when it is not drawn.
    fn of_entry(self, key: &[u8]) -> Option<Self> {
        let is_drawn = match self {
            Self::Page => PAGE.contains(&key),
            Self::Annotations | Self::Annotation => ANNOTATION.contains(&key),
            Self::Stream => !BESIDE_STREAM.contains(&key),
            Self::Other => true,
        };
        let role = if self == Self::Page && key == b"Annots" { Self::Annotations } else { Self::Other };
        is_drawn.then_some(role)
    }
}
