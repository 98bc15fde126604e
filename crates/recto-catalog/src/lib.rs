//! What is published, and what happened to it, in a database.
//!
//! [`Catalog`] holds one row for each object and collection. What a row says is made by others and is bytes here; the
//! catalogue knows places, identifiers, order and versions. [`Catalog::sync`] takes in what a scan of the library found and
//! writes the log of [`Activity`].
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
//! };
//! sync.put(&letters)?;
//! sync.finish()?;
//! assert_eq!(catalog.item("letters")?.unwrap().pages, 2);
//! # Ok::<(), recto_catalog::CatalogError>(())
//! ```

mod activity;
mod catalog;
mod error;
mod item;
mod migrations;
mod sync;

pub use activity::{Activity, ActivityKind};
pub use catalog::Catalog;
pub use error::CatalogError;
pub use item::{Brief, Fingerprint, Found, Item, ItemKind};
pub use sync::{Outcome, Sync, Tally};
