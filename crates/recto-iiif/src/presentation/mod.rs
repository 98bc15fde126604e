//! Presentation API 3.0 and 2.1: the documents that tell a viewer what an object is and in which order its pages come.
//!
//! The 3.0 model is the heart. [`Manifest`] and [`Collection`] are plain structs that are read from JSON and written as
//! JSON in the key order of the specification's own examples; properties that this model does not name are kept in
//! `extra` and written back. [`v2`] writes the same objects as Presentation 2.1.
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
pub mod diff;
mod language_map;
mod negotiate;
mod note;
mod resources;
pub mod upgrade;
mod urls;
pub mod v2;
pub mod v4;
mod values;

pub use crate::validate;

pub use annotation::{Annotation, AnnotationPage, Body, Target};
pub use content::{ContentResource, CurrentService, ImageSize, OlderService, Reference, Service};
pub use language_map::{LabeledValue, LanguageMap};
pub use negotiate::{Version, negotiate};
pub use note::{Note, NoteKind};
pub use resources::{Canvas, Collection, CollectionItem, Manifest, Range, RangeItem};
pub use urls::DocumentUrls;
pub use values::{Behavior, Context, ViewingDirection};

/// Properties that the model does not name, kept as they came and written after the named ones.
pub type Extra = serde_json::Map<String, serde_json::Value>;
