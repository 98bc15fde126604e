//! 3.0 as 4.0.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::super::note::{Note, NoteKind, Notes, Place, cut_depth};
use super::super::upgrade::type_of_link;
use super::super::{DocumentUrls, Version};
use super::{NAV_PLACE, RESOURCES, bare, list, text};

/// A 3.0 document as 4.0, with all documents where they are.
///
/// ```
/// use recto_iiif::presentation::v4::upgrade;
/// use serde_json::json;
///
/// let (manifest, notes) = upgrade(json!({
///     "@context": "http://iiif.io/api/presentation/3/context.json",
///     "id": "https://example.org/manifest", "type": "Manifest", "label": {"en": ["Record"]},
///     "items": [{"id": "https://example.org/side/1", "type": "Canvas", "duration": 1980.5}]
/// }));
/// assert_eq!(manifest["items"][0]["type"], "Timeline");
/// assert_eq!(notes, []);
/// ```
pub fn upgrade(document: Value) -> (Value, Vec<Note>) {
    write(document, &DocumentUrls::unchanged())
}

/// A 3.0 document as 4.0. What is no document of the Presentation API stays as it is.
pub fn write(mut document: Value, urls: &DocumentUrls) -> (Value, Vec<Note>) {
    let mut notes = Notes::default();
    cut_depth(&mut document, &mut notes);
    let place = Place::DOCUMENT;
    let (timelines, types) = known(&document);
    let Value::Object(mut fields) = document else {
        notes.add(NoteKind::Repaired, &place, "the document is no object", "begin it with `{`");
        return (document, notes.into_vec());
    };
    let mut write = Write { notes, urls, timelines, types };
    let context = context(fields.shift_remove("@context"));
    let mut out = Map::new();
    out.insert("@context".to_owned(), context);
    out.extend(write.resource(fields, "", &place));
    (Value::Object(out), write.notes.into_vec())
}

fn context(given: Option<Value>) -> Value {
    let mut contexts = list(given.unwrap_or_default());
    contexts.retain(|context| {
        context.as_str().is_none_or(|uri| uri != NAV_PLACE && !uri.contains("iiif.io/api/presentation/"))
    });
    let own = Value::from(Version::V4.context());
    if contexts.is_empty() {
        return own;
    }
    contexts.push(own);
    Value::Array(contexts)
}

/// The canvases that have only time, and what other URIs of the document name.
fn known(document: &Value) -> (HashSet<String>, HashMap<String, String>) {
    let (mut timelines, mut types) = (HashSet::new(), HashMap::new());
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                let (id, kind) = (text(fields, "id"), text(fields, "type"));
                if kind == "Canvas"
                    && fields.contains_key("duration")
                    && !fields.contains_key("width")
                    && !fields.contains_key("height")
                {
                    timelines.insert(id.to_owned());
                }
                let is_named = !id.is_empty() && !id.contains('#') && !kind.is_empty() && kind != "SpecificResource";
                if is_named && !types.contains_key(id) {
                    types.insert(id.to_owned(), kind.to_owned());
                }
                open.extend(fields.values());
            }
            _ => {}
        }
    }
    (timelines, types)
}

struct Write<'u> {
    notes: Notes,
    urls: &'u DocumentUrls,
    timelines: HashSet<String>,
    types: HashMap<String, String>,
}

impl Write<'_> {
    /// A resource; `made` is the id of one that must have one in 4.0 and has none.
    fn resource(&mut self, fields: Map<String, Value>, made: &str, place: &Place<'_>) -> Map<String, Value> {
        let id = text(&fields, "id").to_owned();
        let given = text(&fields, "type").to_owned();
        let mut out = Map::new();
        if given == "SpecificResource" && id.is_empty() && !made.is_empty() {
            out.insert("id".to_owned(), made.into());
        }
        let holder = if id.is_empty() { made.to_owned() } else { id.clone() };
        let mut fragment = None;
        for (property, value) in fields {
            let place = place.at(&property);
            let (name, value) = match property.as_str() {
                "id" if matches!(given.as_str(), "Manifest" | "Collection") => ("id", self.urls.of(&id).into()),
                "type" => ("type", self.class(&given, &id).into()),
                "placeholderCanvas" => ("placeholderContainer", self.value(value, &holder, "placeholder", &place)),
                "accompanyingCanvas" => ("accompanyingContainer", self.value(value, &holder, "accompanying", &place)),
                "motivation" => ("motivation", Value::Array(list(value))),
                "target" => ("target", self.target(value, &holder, &place)),
                "body" => ("body", self.body(value, &holder, &place)),
                "bodyValue" => ("body", json!({ "type": "TextualBody", "value": value })),
                "selector" => ("selector", list(value).into_iter().map(selector).collect()),
                "source" if value.is_string() => {
                    let uri = value.as_str().unwrap_or_default();
                    fragment = uri.split_once('#').map(|(_, fragment)| fragment.to_owned());
                    ("source", self.mention(bare(uri), &place))
                }
                "language" => ("language", Value::Array(list(value))),
                name if RESOURCES.contains(&name) => (name, self.value(value, &holder, "part", &place)),
                name => (name, value),
            };
            out.insert(name.to_owned(), value);
        }
        if let Some(fragment) = fragment {
            out.entry("selector").or_insert_with(|| json!([{ "type": "FragmentSelector", "value": fragment }]));
        }
        self.demands(&given, &out, place);
        out
    }

    /// What 4.0 demands and cannot be made up.
    fn demands(&mut self, given: &str, out: &Map<String, Value>, place: &Place<'_>) {
        let is_described = ["items", "label", "thumbnail"].iter().any(|property| out.contains_key(*property));
        if given == "Canvas" && is_described && text(out, "type") == "Canvas" && !out.contains_key("width") {
            let message = "a Canvas of 4.0 has `height` and `width`";
            self.notes.add(NoteKind::Repaired, place, message, "give it the size of what is shown on it");
        }
        if given == "Annotation" && !out.contains_key("motivation") {
            let message = "an annotation of 4.0 has a `motivation`";
            self.notes.add(NoteKind::Repaired, place, message, "say what it is for");
        }
    }

    fn class(&self, given: &str, id: &str) -> String {
        match given {
            "Canvas" if self.timelines.contains(bare(id)) => "Timeline".to_owned(),
            "Sound" => "Audio".to_owned(),
            other => other.to_owned(),
        }
    }

    /// A resource, or a list of them.
    fn value(&mut self, value: Value, holder: &str, word: &str, place: &Place<'_>) -> Value {
        match value {
            Value::Object(fields) => Value::Object(self.resource(fields, &format!("{holder}/{word}"), place)),
            Value::Array(values) => {
                let values = values.into_iter().enumerate();
                let values = values.map(|(index, value)| match value {
                    Value::Object(fields) => {
                        let made = format!("{holder}/{word}/{}", index + 1);
                        Value::Object(self.resource(fields, &made, &place.index(index)))
                    }
                    other => other,
                });
                values.collect()
            }
            other => other,
        }
    }

    /// One object: several are independent of each other, as the Web Annotation model has them.
    fn target(&mut self, value: Value, holder: &str, place: &Place<'_>) -> Value {
        match value {
            Value::String(uri) => self.mention(&uri, place),
            Value::Array(mut targets) if targets.len() == 1 => self.target(targets.remove(0), holder, place),
            Value::Array(targets) => {
                let targets = targets.into_iter().enumerate();
                let items: Vec<Value> = targets
                    .map(|(index, target)| self.target(target, &format!("{holder}/{}", index + 1), &place.index(index)))
                    .collect();
                json!({ "type": "Independents", "items": items })
            }
            other => self.value(other, holder, "target", place),
        }
    }

    fn body(&mut self, value: Value, holder: &str, place: &Place<'_>) -> Value {
        match value {
            Value::String(uri) => {
                let kind = self.types.get(bare(&uri)).cloned().unwrap_or_else(|| type_of_link(None, &uri, "Text"));
                json!({ "id": uri, "type": kind })
            }
            Value::Array(mut bodies) if bodies.len() == 1 => self.body(bodies.remove(0), holder, place),
            Value::Array(bodies) => {
                let bodies = bodies.into_iter().enumerate();
                let items: Vec<Value> = bodies
                    .map(|(index, body)| self.body(body, &format!("{holder}/{}", index + 1), &place.index(index)))
                    .collect();
                json!({ "type": "Independents", "items": items })
            }
            other => self.value(other, holder, "body", place),
        }
    }

    /// What a URI names, as an object.
    fn mention(&mut self, uri: &str, place: &Place<'_>) -> Value {
        let kind = if let Some(kind) = self.types.get(bare(uri)) {
            self.class(kind, uri)
        } else {
            let message = format!("{uri} is not in this document; it is taken for a Canvas");
            self.notes.add(NoteKind::Repaired, place, message, "write an object with `id` and `type`");
            "Canvas".to_owned()
        };
        json!({ "id": uri, "type": kind })
    }
}

/// A time in a point is an `instant`.
fn selector(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let is_point = text(&fields, "type") == "PointSelector";
    let renamed = |property: String| if is_point && property == "t" { "instant".to_owned() } else { property };
    Value::Object(fields.into_iter().map(|(property, value)| (renamed(property), value)).collect())
}
