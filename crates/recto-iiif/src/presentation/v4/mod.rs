//! 3.0 documents as the draft of Presentation API 4.0, and back.
//!
//! Written against the draft as of commit `28a88829699ebbbe7722b4692cf3b7b67969bc6c` of `IIIF/api` (21 May 2026),
//! `source/presentation/4.0/model.md`. What changes there may change here.
//!
//! What has only time becomes a Timeline; `placeholderCanvas` and `accompanyingCanvas` name containers; `motivation`, `selector`
//! and `language` are arrays, targets and sources objects with `type`, parts of resources have an `id`. All else, and so nearly
//! all of a manifest of images, is as in 3.0.

mod pages;
mod read;
mod write;

use serde_json::{Map, Value};

use super::{Collection, DocumentUrls, Manifest};

pub use self::pages::{Division, collection_page, divided_collection};
pub use self::read::downgrade;
pub use self::write::{upgrade, write};

/// The commit of `IIIF/api` whose draft is followed.
pub const DRAFT: &str = "28a88829699ebbbe7722b4692cf3b7b67969bc6c";

/// The manifest as 4.0.
pub fn manifest(manifest: &Manifest, urls: &DocumentUrls) -> Value {
    write(serde_json::to_value(manifest).unwrap_or_default(), urls).0
}

/// The collection as 4.0, in one piece.
pub fn collection(collection: &Collection, urls: &DocumentUrls) -> Value {
    write(serde_json::to_value(collection).unwrap_or_default(), urls).0
}

/// Built into 4.0, an extension before.
const NAV_PLACE: &str = "http://iiif.io/api/extension/navplace/context.json";

/// Properties whose values are resources of the model, in which names change.
const RESOURCES: [&str; 17] = [
    "items",
    "annotations",
    "structures",
    "thumbnail",
    "provider",
    "logo",
    "homepage",
    "seeAlso",
    "rendering",
    "partOf",
    "start",
    "supplementary",
    "first",
    "last",
    "next",
    "prev",
    "source",
];

fn text<'f>(fields: &'f Map<String, Value>, property: &str) -> &'f str {
    fields.get(property).and_then(Value::as_str).unwrap_or_default()
}

/// A URI without its fragment.
fn bare(uri: &str) -> &str {
    uri.split('#').next().unwrap_or(uri)
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        Value::Null => Vec::new(),
        other => vec![other],
    }
}

#[cfg(test)]
mod tests;
