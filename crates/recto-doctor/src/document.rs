//! What a Manifest or Collection refers to, whichever version it is of.

use serde_json::{Map, Value};

/// A resource that a document names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Its URI.
    pub(crate) id: String,
    /// `type` or `@type`.
    pub(crate) class: String,
    /// The property that it is a value of.
    pub(crate) property: String,
    /// `format`, if it is given.
    pub(crate) format: Option<String>,
    /// Where it stands, as a JSON pointer.
    pub(crate) pointer: String,
}

/// The most objects that are looked at.
const MOST_OBJECTS: usize = 500_000;

/// Visits all objects of a document in their order, with pointer and property; no recursion, as documents may be nested deeper than
/// a stack is long.
pub(crate) fn objects(document: &Value) -> Vec<(String, &str, &Map<String, Value>)> {
    let mut found = Vec::new();
    let mut open: Vec<(String, &str, &Value)> = vec![(String::new(), "", document)];
    while let Some((pointer, property, value)) = open.pop() {
        match value {
            Value::Object(object) => {
                if found.len() >= MOST_OBJECTS {
                    break;
                }
                for (name, value) in object.iter().rev().filter(|(_, value)| value.is_object() || value.is_array()) {
                    open.push((format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), name, value));
                }
                found.push((pointer, property, object));
            }
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate().rev() {
                    if value.is_object() || value.is_array() {
                        open.push((format!("{pointer}/{index}"), property, value));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

pub(crate) fn text<'v>(object: &'v Map<String, Value>, names: &[&str]) -> Option<&'v str> {
    names.iter().find_map(|name| object.get(*name).and_then(Value::as_str)).filter(|text| !text.is_empty())
}

/// All resources with an http or https URI.
pub(crate) fn named(document: &Value) -> Vec<Named> {
    let mut found = Vec::new();
    for (pointer, property, object) in objects(document) {
        let Some(id) = text(object, &["id", "@id"]).filter(|id| id.starts_with("http")) else { continue };
        found.push(Named {
            id: id.to_owned(),
            class: text(object, &["type", "@type"]).unwrap_or_default().to_owned(),
            property: property.to_owned(),
            format: text(object, &["format"]).map(ToOwned::to_owned),
            pointer,
        });
    }
    found
}

/// True for a service of the Image API.
pub(crate) fn is_image_service(object: &Map<String, Value>) -> bool {
    let class = text(object, &["type", "@type"]).unwrap_or_default();
    let profile = object.get("profile").map(first_text).unwrap_or_default();
    let context = object.get("@context").map(first_text).unwrap_or_default();
    class.starts_with("ImageService") || context.contains("/image/") || profile.contains("/image/")
}

/// A string, or the first string of a list.
pub(crate) fn first_text(value: &Value) -> &str {
    match value {
        Value::String(text) => text,
        Value::Array(list) => list.iter().find_map(Value::as_str).unwrap_or_default(),
        _ => "",
    }
}

/// The label in whatever form, for people.
pub(crate) fn label(document: &Value) -> String {
    let text = match document.get("label") {
        Some(Value::String(text)) => text.as_str(),
        Some(Value::Object(map)) => {
            map.get("@value").and_then(Value::as_str).unwrap_or_else(|| map.values().next().map_or("", first_text))
        }
        Some(Value::Array(list)) => list
            .first()
            .map_or("", |one| one.as_str().or_else(|| one.get("@value").and_then(Value::as_str)).unwrap_or_default()),
        _ => "",
    };
    crate::client::excerpt(text, 200)
}

/// The canvases of a Manifest, or the items of a Collection.
pub(crate) fn items(document: &Value) -> usize {
    let count = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
    let sequences = document.get("sequences").and_then(Value::as_array);
    if let Some(sequences) = sequences {
        return count(sequences.first().and_then(|sequence| sequence.get("canvases")));
    }
    ["items", "manifests", "collections", "members"].iter().map(|name| count(document.get(*name))).sum()
}
