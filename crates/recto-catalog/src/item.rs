//! Rows of the catalogue.

/// Tells one state of something from the next: equal when nothing that matters differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// As a database column holds it; what is no fingerprint is one that nothing has.
    pub(crate) fn from_column(bytes: &[u8]) -> Self {
        Self::from_bytes(bytes.try_into().unwrap_or_default())
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

/// What an item is published as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// One object.
    Manifest,
    /// A list of objects and collections.
    Collection,
}

impl ItemKind {
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Manifest => 0,
            Self::Collection => 1,
        }
    }

    pub(crate) const fn from_number(number: i64) -> Self {
        if number == 0 { Self::Manifest } else { Self::Collection }
    }

    /// The class in Presentation 3.0.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Manifest => "Manifest",
            Self::Collection => "Collection",
        }
    }
}

/// What a scan found of one item, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it lies: its path relative to the library. Together with `kind`, it names the row.
    pub path: String,
    /// What it is called in URLs.
    pub identifier: String,
    /// The path of the collection that it lies in; `None` for the root.
    pub parent: Option<String>,
    /// What it is published as.
    pub kind: ItemKind,
    /// Its place among the members of its parent: compared byte by byte.
    pub sort: Vec<u8>,
    /// The state of everything that it is made of, inherited things too.
    pub signature: Fingerprint,
    /// The state of its own files, whatever it is called: by this a moved item is known again.
    pub content: Fingerprint,
    /// When the newest of its files last changed, in milliseconds since 1970.
    pub modified_ms: Option<i64>,
    /// Its label as JSON.
    pub label: String,
    /// Number of pages as far as is known without opening files; of a collection, 0.
    pub pages: u64,
    /// The file that stands for it in lists.
    pub picture: Option<String>,
    /// What it is made of, for whoever builds documents.
    pub body: Vec<u8>,
    /// Paths of further collections in which it is listed, by label, `/` between them.
    pub listed_in: Vec<String>,
    /// Are there annotations in files beside it?
    pub has_annotations: bool,
}

/// An item as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// The row; it stays the same when the item is moved.
    pub row: i64,
    /// Where it lies.
    pub path: String,
    /// What it is called in URLs.
    pub identifier: String,
    /// What it is published as.
    pub kind: ItemKind,
    /// Its label as JSON.
    pub label: String,
    /// Number of pages; of a collection, of members.
    pub pages: u64,
    /// The file that stands for it in lists.
    pub picture: Option<String>,
}

/// An item as it is named, and in which state: all that is needed to know whether more of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The row; it stays the same when the item is moved.
    pub row: i64,
    /// Where it lies.
    pub path: String,
    /// What it is called in URLs. Another one than was asked for means that it was renamed since.
    pub identifier: String,
    /// Grows with each change of this row.
    pub revision: i64,
}

/// An item with everything about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The row; it stays the same when the item is moved.
    pub row: i64,
    /// Where it lies.
    pub path: String,
    /// What it is called in URLs. Another one than was asked for means that it was renamed since.
    pub identifier: String,
    /// The path of the collection that it lies in; `None` for the root.
    pub parent: Option<String>,
    /// What it is published as.
    pub kind: ItemKind,
    /// Grows with each change of this row.
    pub revision: i64,
    /// When the newest of its files last changed, in milliseconds since 1970.
    pub modified_ms: Option<i64>,
    /// Its label as JSON.
    pub label: String,
    /// Number of pages.
    pub pages: u64,
    /// The file that stands for it in lists.
    pub picture: Option<String>,
    /// What it is made of.
    pub body: Vec<u8>,
    /// What is known of the insides of its files; `None` until they were looked into.
    pub facts: Option<Vec<u8>>,
}

/// An object with the state of everything that it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenObject {
    /// The row; it stays the same when the object is moved.
    pub row: i64,
    /// Where it lies.
    pub path: String,
    /// The state of everything that it is made of.
    pub signature: Fingerprint,
}
