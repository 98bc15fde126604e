//! What is published, and what happened to it, in a database.
//!
//! [`Catalog`] holds one row for each object and collection. What a row says is made by others and is bytes here; the
//! catalogue knows places, identifiers, order and versions. [`Catalog::sync`] takes in what a scan of the library found and
//! writes the log of [`Activity`]. Beside it, in a database of its own, lie the texts of the pages, ready to be searched
//! ([`text::TextStore`]); and, in one more, what people wrote about the objects ([`annotations::AnnotationStore`]).
//!
//! ```
//! use recto_catalog::{Catalog, Fingerprint, Found, ItemKind};
//!
//! let catalog = Catalog::in_memory()?;
//! let mut sync = catalog.sync(&|path, _| path == "letters")?;
//! let letters = Found {
//!     path: "letters".into(),
//!     identifier: "letters".into(),
//!     parent: None,
//!     kind: ItemKind::Manifest,
//!     sort: b"letters".to_vec(),
//!     signature: Fingerprint(1),
//!     content: Fingerprint(1),
//!     modified_ms: None,
//!     label: r#"{"none":["letters"]}"#.into(),
//!     pages: 2,
//!     picture: Some("letters/1.tif".into()),
//!     body: Vec::new(),
//!     listed_in: Vec::new(),
//!     has_annotations: false,
//! };
//! sync.put(&letters)?;
//! sync.finish()?;
//! assert_eq!(catalog.item("letters")?.unwrap().pages, 2);
//! # Ok::<(), recto_catalog::CatalogError>(())
//! ```

mod activity;
pub mod annotations;
mod catalog;
mod connections;
mod error;
mod item;
mod migrations;
mod sync;
pub mod text;

pub use activity::{Activity, ActivityKind};
pub use catalog::Catalog;
pub use error::CatalogError;
pub use item::{Brief, Fingerprint, Found, Head, Item, ItemKind, SeenObject};
pub use sync::{Outcome, Sync, Tally};
