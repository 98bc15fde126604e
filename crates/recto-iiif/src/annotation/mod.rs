//! Annotations that people make: taken in, kept, found again and given out, as pure functions.
//!
//! [`Annotation`] is one that may be stored: read from the W3C Web Annotation Data Model or from Open Annotation (Presentation 2.1),
//! checked, freed of anything that could run in a reader's browser, and brought to the W3C form. [`store`], [`replace`] and [`patched`] make
//! of it what the server keeps; [`targets`], [`text`] and their neighbours answer what an index asks. [`Container`] and [`headers`] are the
//! Web Annotation Protocol, [`iiif`] the documents that viewers read, [`sas`] and [`annotot`] the dialects of older servers,
//! [`transfer`] moves many at once.
//!
//! ```
//! use recto_iiif::annotation::{AcceptOptions, Annotation, store, targets, text};
//!
//! let sent = r#"{"@type": "oa:Annotation", "motivation": "oa:commenting", "on": "https://example.org/canvas/1#xywh=1,2,30,40",
//!                "resource": {"@type": "dctypes:Text", "format": "text/html", "chars": "<p onclick='x()'>Look <b>here</b></p>"}}"#;
//! let annotation = Annotation::parse(sent, &AcceptOptions::default()).unwrap();
//! let stored = store(&annotation, "https://example.org/annotations/a/1", None, "2026-01-02T03:04:05Z".parse().unwrap());
//! assert_eq!(stored["body"]["value"], "<p>Look <b>here</b></p>");
//! assert_eq!(text(&stored)[0].text, "Look here");
//! assert_eq!(targets(&stored)[0].region.unwrap().to_string(), "1,2,30,40");
//! ```

mod accept;
pub mod annotot;
mod bodies;
mod check;
mod clean;
mod container;
mod error;
mod fit;
pub mod headers;
pub mod html;
pub mod iiif;
mod older;
mod open;
mod prefer;
pub mod sas;
mod shape;
mod stored;
pub mod svg;
mod targets;
pub mod transfer;
mod words;

pub use accept::{AcceptOptions, Annotation};
pub use bodies::{Agent, BodyText, created, creators, modified, motivations, text};
pub use container::{Container, Contents};
pub use error::{Fault, Rejected};
pub use older::from_open;
pub(crate) use open::older_motivation;
pub use open::to_open;
pub use prefer::Preference;
pub use stored::{StoreAs, merge_patch, names, patched, replace, store, store_imported};
pub use targets::{TargetOn, targets};
pub(crate) use words::{IIIF_MOTIVATIONS, SHARED_MOTIVATIONS};

/// The JSON-LD context of the Web Annotation Data Model, and the profile of its media type.
pub const CONTEXT: &str = "http://www.w3.org/ns/anno.jsonld";
/// The JSON-LD context of the Linked Data Platform.
pub const LDP_CONTEXT: &str = "http://www.w3.org/ns/ldp.jsonld";
