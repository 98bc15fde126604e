//! Presentation API 3.0, 2.1 and the draft of 4.0: the documents that tell a viewer what an object is and in which order its pages come.
//!
//! The 3.0 model is the heart. [`Manifest`] and [`Collection`] are plain structs that are read from JSON and written as
//! JSON in the key order of the specification's own examples; properties that this model does not name are kept in
//! `extra` and written back. [`v2`] and [`v4`] write the same objects as Presentation 2.1 and 4.0, [`upgrade`](mod@upgrade) reads those
//! of 1.0 to 2.1, and [`convert`](fn@convert) does whichever is needed. None of them fails: each gives a document and [`Note`]s.
//!
//! ```
//! use recto_iiif::presentation::{LanguageMap, Manifest};
//!
//! let manifest = Manifest::new("https://example.org/iiif/book1/manifest", LanguageMap::none("Book 1"));
//! let json = serde_json::to_value(&manifest).unwrap();
//! assert_eq!(json["label"]["none"][0], "Book 1");
//! ```

mod annotation;
mod class;
mod content;
mod convert;
pub mod diff;
mod language_map;
mod negotiate;
mod note;
mod read;
mod resources;
pub mod upgrade;
mod urls;
pub mod v2;
pub mod v4;
mod values;

pub use crate::validate;

pub use annotation::{Annotation, AnnotationPage, Body, Target};
pub use content::{ContentResource, CurrentService, ImageSize, OlderService, Reference, Service};
pub use convert::convert;
pub use language_map::{LabeledValue, LanguageMap};
pub use negotiate::{Version, negotiate};
pub use note::{Note, NoteKind};
pub use read::{read_collection, read_manifest};
pub use resources::{Canvas, Collection, CollectionItem, Manifest, Range, RangeItem};
pub use urls::DocumentUrls;
pub use values::{Behavior, Context, ViewingDirection};

/// Properties that the model does not name, kept as they came and written after the named ones.
pub type Extra = serde_json::Map<String, serde_json::Value>;
