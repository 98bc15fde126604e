//! JSON documents with annotations in them, wherever they stand.

use serde_json::{Value, json};

use super::super::accept::json as parsed;
use super::super::container::within_page;
use super::super::words::types;
use super::super::{AcceptOptions, Annotation, CONTEXT, Rejected};
use super::{Item, Place, too_many};

/// Members in which annotations, or pages of them, stand; in the order in which they are read.
const HOLDERS: [&str; 12] = [
    "items",
    "resources",
    "first",
    "next",
    "otherContent",
    "annotations",
    "pages",
    "@graph",
    "sequences",
    "canvases",
    "member",
    "last",
];

/// Reads an annotation, an `AnnotationPage`, an `sc:AnnotationList`, an `AnnotationCollection` with embedded pages, an `sc:Layer`, a manifest
/// with embedded pages, an array of any of these (as SimpleAnnotationServer dumps them).
pub fn read_json(text: &str, options: &AcceptOptions, max_items: usize) -> Result<Vec<Item>, Rejected> {
    let document = parsed(text)?;
    let mut out = Vec::new();
    let mut is_holder = false;
    // A stack whose next is last, so that annotations come in the order of the document.
    let mut open = vec![(document, String::new())];
    while let Some((value, pointer)) = open.pop() {
        match value {
            Value::Array(items) => {
                is_holder = true;
                let items = items.into_iter().enumerate().rev();
                open.extend(items.map(|(index, item)| (item, format!("{pointer}/{index}"))));
            }
            Value::Object(fields) if is_annotation(&fields) => {
                if out.len() >= max_items {
                    return Err(too_many(max_items));
                }
                let outcome =
                    Annotation::accept(Value::Object(fields), options).map_err(|rejected| rejected.under(&pointer));
                out.push(Item { place: Place::Pointer(pointer), outcome });
            }
            Value::Object(mut fields) => {
                let held: Vec<(&str, Value)> =
                    HOLDERS.iter().filter_map(|name| Some((*name, fields.shift_remove(*name)?))).collect();
                is_holder |= !held.is_empty();
                if held.is_empty() && is_listed(&pointer) && !is_known(&fields) {
                    out.push(unknown(pointer, "this is no annotation"));
                    continue;
                }
                let held = held.into_iter().rev();
                open.extend(held.map(|(name, value)| (value, format!("{pointer}/{name}"))));
            }
            Value::String(uri) if !is_listed(&pointer) || uri.contains(':') => {
                let name = pointer.rsplit('/').next().unwrap_or_default();
                if LISTS.contains(&name) {
                    out.push(unknown(pointer, "a list of annotations was to stand here"));
                }
                // A link to a page elsewhere, or an annotation that is named only.
            }
            _ if is_listed(&pointer) => out.push(unknown(pointer, "this is no annotation")),
            _ => {}
        }
    }
    if out.is_empty() && !is_holder {
        let remedy = "give an annotation, a page or list of them, or a collection with its pages in it";
        return Err(Rejected::new("", "the document has no annotations", remedy));
    }
    Ok(out)
}

/// Members that are lists of annotations.
const LISTS: [&str; 2] = ["items", "resources"];
/// Classes of what may stand among annotations, or around them.
const OTHERS: [&str; 10] = [
    "AnnotationPage",
    "AnnotationList",
    "AnnotationCollection",
    "Layer",
    "Manifest",
    "Sequence",
    "Canvas",
    "Collection",
    "Annotation",
    "Range",
];

/// Does this stand in a list?
fn is_listed(pointer: &str) -> bool {
    pointer.rsplit('/').next().is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A link to something, or something that has annotations elsewhere.
fn is_known(fields: &serde_json::Map<String, Value>) -> bool {
    types(fields).iter().any(|kind| OTHERS.contains(kind)) && (fields.contains_key("id") || fields.contains_key("@id"))
}

fn unknown(pointer: String, message: &str) -> Item {
    let remedy = "give an object with `\"type\": \"Annotation\"`, a `body` and a `target`";
    let outcome = Err(Rejected::new("", message, remedy).under(&pointer));
    Item { place: Place::Pointer(pointer), outcome }
}

fn is_annotation(fields: &serde_json::Map<String, Value>) -> bool {
    let kinds = types(fields);
    // What paints a canvas is its content, and no remark.
    let is_painting = fields.get("motivation").is_some_and(|word| word == "painting" || word == "sc:painting");
    let is_kind = kinds.contains(&"Annotation")
        || (kinds.is_empty() && (fields.contains_key("target") || fields.contains_key("on")));
    let is_wrapped = fields.get("annotation").is_some_and(Value::is_object);
    (is_kind || is_wrapped) && !(is_painting && fields.get("body").is_some_and(|body| body.get("service").is_some()))
}

/// The annotations as an `AnnotationPage`.
pub fn write_json(id: &str, stored: &[Value]) -> Value {
    let items: Vec<Value> = stored.iter().map(within_page).collect();
    json!({ "@context": CONTEXT, "id": id, "type": "AnnotationPage", "items": items })
}
