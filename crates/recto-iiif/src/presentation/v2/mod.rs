//! 3.0 documents as Presentation API 2.1: sequences, images and ranges in the older words.
//!
//! Canvases keep their URIs, so that annotations and search answers mean the same page in both versions; documents get
//! the URIs of their 2.1 counterparts. What 2.1 cannot say is left out, and a note says so: services without an older form, for
//! example. Recordings are no content of canvases in 2.1: they are offered by `rendering`, and a canvas that has only time gets a size, and
//! the picture of its accompanying canvas where there is one. What is only a name for something that 2.1 has
//! no class for goes without a note: the pages of painting annotations, the `type` of links, labels of `partOf`.

mod annotations;
mod content;
mod described;
mod ranges;
mod recordings;
mod services;

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::note::{Note, NoteKind, Notes, Place, cut_depth};
pub use super::urls::DocumentUrls;
use super::{Collection, Manifest, Version};

/// The manifest as 2.1. Presentation API 2.1 §5.1.
pub fn manifest(manifest: &Manifest, urls: &DocumentUrls) -> Value {
    write(serde_json::to_value(manifest).unwrap_or_default(), urls).0
}

/// The collection as 2.1. Presentation API 2.1 §5.8.
///
/// Members are listed as `collections` and `manifests`, which every 2.x client reads; their common order is lost.
pub fn collection(collection: &Collection, urls: &DocumentUrls) -> Value {
    write(serde_json::to_value(collection).unwrap_or_default(), urls).0
}

/// A 3.0 document as 2.1, with all documents where they are, and notes of what 2.1 cannot say.
///
/// ```
/// use recto_iiif::presentation::v2::downgrade;
/// use serde_json::json;
///
/// let (manifest, notes) = downgrade(json!({
///     "@context": "http://iiif.io/api/presentation/3/context.json",
///     "id": "https://example.org/manifest", "type": "Manifest", "label": {"en": ["Record"]},
///     "items": [{"id": "https://example.org/side/1", "type": "Canvas", "duration": 1980.5}]
/// }));
/// assert_eq!(manifest["label"]["@value"], "Record");
/// assert_eq!(notes[0].pointer, "/items/0");
/// ```
pub fn downgrade(document: Value) -> (Value, Vec<Note>) {
    write(document, &DocumentUrls::unchanged())
}

/// A 3.0 document as 2.1: manifest, collection, canvas, range, annotation page, annotation collection or annotation. What is none of
/// these stays as it is.
pub fn write(mut document: Value, urls: &DocumentUrls) -> (Value, Vec<Note>) {
    let mut notes = Notes::default();
    cut_depth(&mut document, &mut notes);
    let mut downgrade = Downgrade { notes, urls, shared: Map::new(), inlined: HashSet::new() };
    let place = Place::DOCUMENT;
    let Value::Object(mut fields) = document else {
        downgrade.notes.add(NoteKind::Repaired, &place, "the document is no object", "begin it with `{`");
        return (document, downgrade.notes.into_vec());
    };
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let context = context(fields.shift_remove("@context"));
    let written = match kind.as_str() {
        "Manifest" => downgrade.manifest(fields, &place),
        "Collection" => downgrade.collection(fields, &place),
        "Canvas" => {
            downgrade.recordings(&mut fields, &place);
            downgrade.canvas(fields, &place)
        }
        "Range" => downgrade.range_document(fields, &place),
        "AnnotationPage" => downgrade.annotation_list(fields, true, &place),
        "AnnotationCollection" => downgrade.layer(fields, &place),
        "Annotation" => downgrade.annotation(fields, &place),
        _ => {
            let message = "the document is no resource of Presentation 3.0; it stays as it is";
            downgrade.notes.add(NoteKind::Repaired, &place, message, "give it `type`");
            return (Value::Object(fields), downgrade.notes.into_vec());
        }
    };
    let mut out = Map::new();
    out.insert("@context".to_owned(), context);
    out.extend(written);
    (Value::Object(out), downgrade.notes.into_vec())
}

/// Contexts of extensions stay before that of 2.1.
fn context(given: Option<Value>) -> Value {
    let mut contexts = list(given.unwrap_or_default());
    contexts.retain(|context| {
        context.as_str().is_none_or(|uri| !uri.contains("iiif.io/api/") || uri.contains("/extension/"))
    });
    let own = Value::from(Version::V2.context());
    if contexts.is_empty() {
        return own;
    }
    contexts.push(own);
    Value::Array(contexts)
}

/// The state of one downgrade.
struct Downgrade<'u> {
    notes: Notes,
    urls: &'u DocumentUrls,
    /// `services` of the document by their ids, which 2.1 writes where they are referred to.
    shared: Map<String, Value>,
    inlined: HashSet<String>,
}

impl Downgrade<'_> {
    fn lost(&mut self, place: &Place<'_>, message: impl Into<String>, remedy: &str) {
        self.notes.add(NoteKind::Lost, place, message, remedy);
    }

    fn manifest(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let id = self.urls.of(&take_text(&mut fields, "id").unwrap_or_default());
        let mut out = named(&id, "sc:Manifest");
        fields.shift_remove("type");
        self.share(&mut fields);
        let canvases = list(fields.shift_remove("items").unwrap_or_default());
        let structures = list(fields.shift_remove("structures").unwrap_or_default());
        let start = fields.shift_remove("start").and_then(|start| self.start(&start, &place.at("start")));
        self.described(&mut fields, &mut out, place);
        let mut sequence = Map::new();
        if let Some(base) = id.strip_suffix("/manifest") {
            sequence.insert("@id".to_owned(), format!("{base}/sequence/normal").into());
        }
        sequence.insert("@type".to_owned(), "sc:Sequence".into());
        for property in ["viewingDirection", "viewingHint"] {
            sequence.extend(out.get(property).map(|value| (property.to_owned(), value.clone())));
        }
        sequence.extend(start.map(|start| ("startCanvas".to_owned(), start)));
        let canvases = self.canvases(canvases, &place.at("items"));
        sequence.insert("canvases".to_owned(), Value::Array(canvases));
        out.insert("sequences".to_owned(), Value::Array(vec![Value::Object(sequence)]));
        let ranges = self.ranges(structures, &place.at("structures"));
        if !ranges.is_empty() {
            out.insert("structures".to_owned(), Value::Array(ranges));
        }
        self.other_content(&mut fields, &mut out, false, place);
        self.rest(fields, &mut out, place);
        self.note_unused_services(place);
        out
    }

    fn canvases(&mut self, canvases: Vec<Value>, place: &Place<'_>) -> Vec<Value> {
        let mut out = Vec::new();
        for (index, canvas) in canvases.into_iter().enumerate() {
            let place = place.index(index);
            let Value::Object(mut fields) = canvas else {
                self.lost(&place, "a canvas belongs here", "write an object");
                continue;
            };
            self.recordings(&mut fields, &place);
            if fields.get("height").is_none() || fields.get("width").is_none() {
                let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
                let message = format!("canvases of 2.1 have `height` and `width`; {id} has not and is left out");
                self.lost(&place, message, "give it the size of what is shown on it");
                continue;
            }
            out.push(Value::Object(self.canvas(fields, &place)));
        }
        out
    }

    fn canvas(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let mut out = named(&take_text(&mut fields, "id").unwrap_or_default(), "sc:Canvas");
        fields.shift_remove("type");
        // 2.1 demands a label.
        fields.entry("label").or_insert_with(|| serde_json::json!({}));
        let label = fields.shift_remove("label").map(|label| described::text(&label)).unwrap_or_default();
        out.insert("label".to_owned(), label);
        for property in ["height", "width"] {
            out.extend(fields.shift_remove(property).map(|value| (property.to_owned(), value)));
        }
        if fields.shift_remove("duration").is_some() {
            let message = "`duration` of a canvas: 2.1 has no time";
            self.lost(&place.at("duration"), message, "offer the 3.0 document too");
        }
        let pages = list(fields.shift_remove("items").unwrap_or_default());
        self.described(&mut fields, &mut out, place);
        let images = self.images(pages, &place.at("items"));
        out.insert("images".to_owned(), Value::Array(images));
        self.other_content(&mut fields, &mut out, true, place);
        self.rest(fields, &mut out, place);
        out
    }

    fn collection(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let mut out = named(&self.urls.of(&take_text(&mut fields, "id").unwrap_or_default()), "sc:Collection");
        fields.shift_remove("type");
        self.share(&mut fields);
        let items = fields.shift_remove("items");
        for property in ["first", "last", "next", "prev"] {
            let page = fields.shift_remove(property).and_then(|page| uri_of(&page).map(|uri| self.urls.of(uri)));
            out.extend(page.map(|page| (property.to_owned(), page.into())));
        }
        self.described(&mut fields, &mut out, place);
        self.members(list(items.unwrap_or_default()), &mut out, &place.at("items"));
        self.other_content(&mut fields, &mut out, false, place);
        self.rest(fields, &mut out, place);
        out
    }

    fn members(&mut self, items: Vec<Value>, out: &mut Map<String, Value>, place: &Place<'_>) {
        let (mut collections, mut manifests) = (Vec::new(), Vec::new());
        let mut is_mixed = false;
        for (index, item) in items.into_iter().enumerate() {
            let place = place.index(index);
            let Value::Object(mut fields) = item else {
                self.lost(&place, "a manifest or collection belongs here", "write an object");
                continue;
            };
            if fields.get("type").is_some_and(|kind| kind == "Collection") {
                is_mixed |= !manifests.is_empty();
                collections.push(Value::Object(self.collection(fields, &place)));
                continue;
            }
            let mut member = named(&self.urls.of(&take_text(&mut fields, "id").unwrap_or_default()), "sc:Manifest");
            fields.shift_remove("type");
            self.described(&mut fields, &mut member, &place);
            self.rest(fields, &mut member, &place);
            manifests.push(Value::Object(member));
        }
        if is_mixed {
            let message = "collections are listed before manifests in 2.1; their common order is lost";
            self.notes.add(NoteKind::Moved, place, message, "list collections first");
        }
        for (property, members) in [("collections", collections), ("manifests", manifests)] {
            if !members.is_empty() {
                out.insert(property.to_owned(), Value::Array(members));
            }
        }
    }

    /// Where to begin, as the URI of a canvas.
    fn start(&mut self, start: &Value, place: &Place<'_>) -> Option<Value> {
        let uri = super::resources::canvas_uri(start)?;
        self.note_selectors(start, place);
        Some(uri.into())
    }

    /// Properties that have no place of their own: those of 3.0 are lost, all others stay.
    fn rest(&mut self, fields: Map<String, Value>, out: &mut Map<String, Value>, place: &Place<'_>) {
        const ONLY_3: [&str; 7] =
            ["placeholderCanvas", "accompanyingCanvas", "timeMode", "duration", "services", "start", "supplementary"];
        for (property, value) in fields {
            if property == "@context" || value.is_null() {
                continue;
            }
            if ONLY_3.contains(&property.as_str()) {
                let message = format!("`{property}` has no counterpart in 2.1");
                self.lost(&place.at(&property), message, "offer the 3.0 document too");
            } else {
                out.entry(property).or_insert(value);
            }
        }
    }
}

fn named(id: &str, class: &str) -> Map<String, Value> {
    let mut out = Map::new();
    if !id.is_empty() {
        out.insert("@id".to_owned(), id.into());
    }
    out.insert("@type".to_owned(), class.into());
    out
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        Value::Null => Vec::new(),
        other => vec![other],
    }
}

fn take_text(fields: &mut Map<String, Value>, property: &str) -> Option<String> {
    match fields.shift_remove(property) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn text_of<'f>(fields: &'f Map<String, Value>, property: &str) -> &'f str {
    fields.get(property).and_then(Value::as_str).unwrap_or_default()
}

fn uri_of(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("id")?.as_str())
}

/// One value as itself, several as a list, none not at all. Presentation API 2.1 §4.2.
fn put_values(out: &mut Map<String, Value>, property: &str, mut values: Vec<Value>) {
    match values.len() {
        0 => {}
        1 => drop(out.insert(property.to_owned(), values.remove(0))),
        _ => drop(out.insert(property.to_owned(), Value::Array(values))),
    }
}

#[cfg(test)]
mod tests;
