//! A document of any version as one of another.

use serde_json::Value;

use super::note::{Note, NoteKind, Notes, Place};
use super::{Version, read, upgrade, v2, v4};

impl Version {
    /// The version that a document is of, by its context, else by the names of its properties; `None` for what is no document of the
    /// Presentation API. Documents of 1.0 and 2.0 count as 2.
    pub fn of(document: &Value) -> Option<Self> {
        let contexts = match &document["@context"] {
            Value::Array(contexts) => contexts.iter().filter_map(Value::as_str).collect(),
            context => context.as_str().into_iter().collect::<Vec<_>>(),
        };
        let has = |part: &str| contexts.iter().any(|context| context.contains(part));
        for (part, version) in [
            ("iiif.io/api/presentation/4/", Self::V4),
            ("iiif.io/api/presentation/3/", Self::V3),
            ("iiif.io/api/presentation/", Self::V2),
            ("shared-canvas.org/ns/", Self::V2),
        ] {
            if has(part) {
                return Some(version);
            }
        }
        let first = |property: &str| match &document[property] {
            Value::Array(values) => values.first().and_then(Value::as_str),
            value => value.as_str(),
        };
        if first("@type").is_some_and(|kind| ["sc:", "oa:"].iter().any(|prefix| kind.starts_with(prefix))) {
            return Some(Self::V2);
        }
        match first("type")? {
            "Timeline" | "Scene" | "CollectionPage" => Some(Self::V4),
            "Manifest"
            | "Collection"
            | "Canvas"
            | "Range"
            | "Annotation"
            | "AnnotationPage"
            | "AnnotationCollection" => Some(Self::V3),
            _ => None,
        }
    }
}

/// A document of any version as one of the version `to`, and what there is to say about it.
///
/// Nothing fails and nothing is left out without a note. A document that is of that version already stays as it is, save that a 3.0
/// document whose properties have shapes that 3.0 does not know is repaired. Where two steps are needed (from 2.1 to 4.0, from 4.0 to
/// 2.1), the notes of the second have places in the 3.0 document between them.
///
/// ```
/// use recto_iiif::presentation::{Version, convert};
/// use serde_json::json;
///
/// let (collection, notes) = convert(
///     json!({"@context": "http://iiif.io/api/presentation/2/context.json", "@id": "https://example.org/all",
///            "@type": "sc:Collection", "label": "All", "manifests": []}),
///     Version::V4,
/// );
/// assert_eq!(collection["@context"], "http://iiif.io/api/presentation/4/context.json");
/// assert_eq!(notes, []);
/// ```
pub fn convert(document: Value, to: Version) -> (Value, Vec<Note>) {
    use Version::{V2, V3, V4};
    match (Version::of(&document), to) {
        (Some(V2), V3) => upgrade::upgrade(document),
        (Some(V2), V4) => then(upgrade::upgrade(document), v4::upgrade),
        (Some(V3), V2) => v2::downgrade(document),
        (Some(V3), V3) => read::repair(document),
        (Some(V3), V4) => v4::upgrade(document),
        (Some(V4), V3) => v4::downgrade(document),
        (Some(V4), V2) => then(v4::downgrade(document), v2::downgrade),
        (Some(V2 | V4), _) => (document, Vec::new()),
        (None, _) => {
            let mut notes = Notes::default();
            let message = "the document is none of the Presentation API; it stays as it is";
            notes.add(NoteKind::Repaired, &Place::DOCUMENT, message, "begin it with the `@context` of its version");
            (document, notes.into_vec())
        }
    }
}

fn then((document, mut notes): (Value, Vec<Note>), step: fn(Value) -> (Value, Vec<Note>)) -> (Value, Vec<Note>) {
    let (document, more) = step(document);
    notes.extend(more);
    (document, notes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_s_version_is_told_by_context_or_names() {
        let context = |uri: &str| json!({ "@context": uri });
        for (document, version) in [
            (context("http://iiif.io/api/presentation/2/context.json"), Some(Version::V2)),
            (context("http://www.shared-canvas.org/ns/context.json"), Some(Version::V2)),
            (context("https://iiif.io/api/presentation/3/context.json"), Some(Version::V3)),
            (
                json!({"@context": ["http://e.org/x", "http://iiif.io/api/presentation/4/context.json"]}),
                Some(Version::V4),
            ),
            (json!({"@id": "x", "@type": "sc:Canvas"}), Some(Version::V2)),
            (json!({"@id": "x", "@type": ["oa:Annotation"]}), Some(Version::V2)),
            (json!({"id": "x", "type": "Manifest"}), Some(Version::V3)),
            (json!({"id": "x", "type": "Timeline"}), Some(Version::V4)),
            (context("http://iiif.io/api/image/2/context.json"), None),
            (json!({"type": "FeatureCollection"}), None),
            (json!("x"), None),
        ] {
            assert_eq!(Version::of(&document), version, "{document}");
        }
    }

    #[test]
    fn every_version_becomes_every_other_and_back() {
        let given = json!({
            "@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://e.org/m", "type": "Manifest",
            "label": {"en": ["M"]}, "items": [{"id": "https://e.org/c", "type": "Canvas", "height": 4, "width": 3}]
        });
        for first in Version::ALL {
            let (document, notes) = convert(given.clone(), first);
            assert_eq!((Version::of(&document), notes), (Some(first), vec![]));
            for second in Version::ALL {
                let (document, notes) = convert(document.clone(), second);
                assert_eq!((Version::of(&document), notes), (Some(second), vec![]), "{first:?} {second:?}");
                assert_eq!(convert(document, Version::V3), (given.clone(), vec![]), "{first:?} {second:?}");
            }
        }
        let (same, notes) = convert(json!({"a": 1}), Version::V2);
        assert_eq!((same, notes.len()), (json!({"a": 1}), 1));
    }
}
