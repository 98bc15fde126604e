//! 4.0 as 3.0.

use serde_json::{Map, Value};

use super::super::Version;
use super::super::note::{Note, NoteKind, Notes, Place, cut_depth};
use super::{NAV_PLACE, RESOURCES, list, text};

/// Properties that 3.0 has nothing for.
const ONLY_4: [&str; 21] = [
    "action",
    "angle",
    "backgroundColor",
    "color",
    "environmentMap",
    "exclude",
    "far",
    "fieldOfView",
    "fileSize",
    "intensity",
    "interactionMode",
    "lookAt",
    "near",
    "position",
    "provides",
    "scope",
    "spatialScale",
    "temporalScale",
    "transform",
    "viewHeight",
    "volume",
];

/// A 4.0 document as 3.0, and notes of what 3.0 cannot say: scenes and all that belongs to them, scales, pages of collections.
pub fn downgrade(mut document: Value) -> (Value, Vec<Note>) {
    let mut notes = Notes::default();
    cut_depth(&mut document, &mut notes);
    let place = Place::DOCUMENT;
    let Value::Object(mut fields) = document else {
        notes.add(NoteKind::Repaired, &place, "the document is no object", "begin it with `{`");
        return (document, notes.into_vec());
    };
    let mut read = Read { notes, has_places: false };
    let contexts = fields.shift_remove("@context");
    let is_collection = matches!(text(&fields, "type"), "Collection" | "CollectionPage");
    if is_collection && ["first", "last", "next", "prev"].iter().any(|property| fields.contains_key(*property)) {
        let message = "3.0 has no pages of collections; the links to them stay, and few clients follow them";
        read.notes.add(NoteKind::Moved, &place, message, "list all members, or nest collections");
    }
    let mut resource = read.resource(fields, &place);
    if is_collection {
        resource.entry("items").or_insert_with(|| Value::Array(Vec::new()));
    }
    let mut out = Map::new();
    out.insert("@context".to_owned(), context(contexts, read.has_places));
    out.extend(resource);
    (Value::Object(out), read.notes.into_vec())
}

fn context(given: Option<Value>, has_places: bool) -> Value {
    let mut contexts = list(given.unwrap_or_default());
    contexts.retain(|context| context.as_str().is_none_or(|uri| !uri.contains("iiif.io/api/presentation/")));
    if has_places && !contexts.iter().any(|context| context == NAV_PLACE) {
        contexts.push(NAV_PLACE.into());
    }
    let own = Value::from(Version::V3.context());
    if contexts.is_empty() {
        return own;
    }
    contexts.push(own);
    Value::Array(contexts)
}

struct Read {
    notes: Notes,
    has_places: bool,
}

impl Read {
    fn resource(&mut self, fields: Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let given = text(&fields, "type").to_owned();
        let mut out = Map::new();
        for (property, value) in fields {
            let place = place.at(&property);
            let (name, value) = match property.as_str() {
                "type" => ("type", class(&given).into()),
                "placeholderContainer" => ("placeholderCanvas", self.value(value, &place)),
                "accompanyingContainer" => ("accompanyingCanvas", self.value(value, &place)),
                "motivation" => ("motivation", one_or_many(list(value))),
                "target" => ("target", self.aggregate(value, true, &place)),
                "body" => ("body", self.aggregate(value, false, &place)),
                "selector" => ("selector", one_or_many(list(value).into_iter().map(selector).collect())),
                "language" if given == "TextualBody" => ("language", one_or_many(list(value))),
                "start" if given == "Collection" => {
                    self.lost("start", &place);
                    continue;
                }
                "navPlace" => {
                    self.has_places = true;
                    ("navPlace", value)
                }
                name if ONLY_4.contains(&name) => {
                    self.lost(name, &place);
                    continue;
                }
                name if RESOURCES.contains(&name) => (name, self.value(value, &place)),
                name => (name, value),
            };
            if !value.is_null() {
                out.insert(name.to_owned(), value);
            }
        }
        out
    }

    fn lost(&mut self, property: &str, place: &Place<'_>) {
        let message = format!("`{property}` has no counterpart in 3.0");
        self.notes.add(NoteKind::Lost, place, message, "offer the 4.0 document too");
    }

    /// A resource, or a list of them, without scenes.
    fn value(&mut self, value: Value, place: &Place<'_>) -> Value {
        match value {
            Value::Object(fields) if text(&fields, "type") == "Scene" => {
                let message = format!("the scene {}: 3.0 has no space of three dimensions", text(&fields, "id"));
                self.notes.add(NoteKind::Lost, place, message, "offer the model by `rendering` too");
                Value::Null
            }
            Value::Object(fields) => Value::Object(self.resource(fields, place)),
            Value::Array(values) => {
                let values = values.into_iter().enumerate();
                let values = values.map(|(index, value)| self.value(value, &place.index(index)));
                Value::Array(values.filter(|value| !value.is_null()).collect())
            }
            other => other,
        }
    }

    /// A body or a target; what is listed there as an array.
    fn aggregate(&mut self, value: Value, is_target: bool, place: &Place<'_>) -> Value {
        let Value::Object(mut fields) = value else { return self.value(value, place) };
        match text(&fields, "type") {
            kind @ ("Independents" | "List" | "Composite") => {
                if kind != "Independents" {
                    let message = format!("a {kind} of several: 3.0 does not say how they belong together");
                    self.notes.add(NoteKind::Moved, place, message, "make annotations of their own");
                }
                let place = place.at("items");
                let items = list(fields.shift_remove("items").unwrap_or_default()).into_iter().enumerate();
                let items = items.map(|(index, item)| self.aggregate(item, is_target, &place.index(index)));
                Value::Array(items.filter(|item| !item.is_null()).collect())
            }
            "Canvas" | "Timeline" if is_target && fields.len() == 2 && fields.contains_key("id") => {
                fields.shift_remove("id").unwrap_or_default()
            }
            _ => self.value(Value::Object(fields), place),
        }
    }
}

fn class(given: &str) -> &str {
    match given {
        "Timeline" => "Canvas",
        "Audio" => "Sound",
        "CollectionPage" => "Collection",
        other => other,
    }
}

fn one_or_many(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
}

fn selector(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let is_point = text(&fields, "type") == "PointSelector";
    let renamed = |property: String| if is_point && property == "instant" { "t".to_owned() } else { property };
    Value::Object(fields.into_iter().map(|(property, value)| (renamed(property), value)).collect())
}
