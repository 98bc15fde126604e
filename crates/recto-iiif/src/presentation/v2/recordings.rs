//! Sound and films in 2.1, which has no time: what cannot be painted is offered by `rendering`, on a canvas that holds its place.

use serde_json::{Map, Value, json};

use super::super::note::{NoteKind, Place};
use super::annotations::is_picture;
use super::{Downgrade, list, text_of};

/// Height and width of a canvas that has only time.
const PLACEHOLDER: u64 = 1000;

/// Bodies of one canvas that are offered.
const MOST: usize = 100;

impl Downgrade<'_> {
    /// Gives a canvas with recordings what 2.1 demands: a size, `rendering` of each recording, and the picture that stands for it.
    pub(super) fn recordings(&mut self, fields: &mut Map<String, Value>, place: &Place<'_>) {
        let found = recordings(fields);
        let is_timed = fields.contains_key("duration");
        if found.is_empty() && !is_timed {
            return;
        }
        if is_timed && (is_absent(fields, "height") || is_absent(fields, "width")) {
            let id = text_of(fields, "id").to_owned();
            let message = format!(
                "canvases of 2.1 have `height` and `width`; {id} has only time. A canvas of {PLACEHOLDER} by {PLACEHOLDER} holds its \
                 place, and what is recorded is offered by `rendering`"
            );
            self.lost(place, message, "offer the 3.0 document too");
            fields.shift_remove("duration");
            fields.insert("height".to_owned(), PLACEHOLDER.into());
            fields.insert("width".to_owned(), PLACEHOLDER.into());
        }
        self.paint_stand_in(fields, place);
        let mut renderings = list(fields.shift_remove("rendering").unwrap_or_default());
        for recording in found {
            if !renderings.iter().any(|known| known["id"] == recording["id"]) {
                renderings.push(recording);
            }
        }
        if !renderings.is_empty() {
            fields.insert("rendering".to_owned(), Value::Array(renderings));
        }
    }

    /// Paints what a canvas beside this one shows, where nothing that 2.1 can show is painted here.
    fn paint_stand_in(&mut self, fields: &mut Map<String, Value>, place: &Place<'_>) {
        if annotations(fields).any(|annotation| annotation.get("body").is_some_and(is_picture)) {
            return;
        }
        for property in ["accompanyingCanvas", "placeholderCanvas"] {
            let Some(beside) = fields.get(property).and_then(Value::as_object) else { continue };
            let Some(picture) = annotations(beside).find(|annotation| annotation.get("body").is_some_and(is_picture))
            else {
                continue;
            };
            let mut picture = picture.clone();
            picture["target"] = text_of(fields, "id").into();
            let (height, width) = (beside.get("height").cloned(), beside.get("width").cloned());
            let has_only_time = fields.get("height") == Some(&json!(PLACEHOLDER));
            if let (Some(height), Some(width), true) = (height, width, has_only_time) {
                fields.insert("height".to_owned(), height);
                fields.insert("width".to_owned(), width);
            }
            fields.shift_remove(property);
            let page = json!({ "type": "AnnotationPage", "items": [picture] });
            let mut pages = list(fields.shift_remove("items").unwrap_or_default());
            pages.push(page);
            fields.insert("items".to_owned(), Value::Array(pages));
            let message =
                format!("`{property}` has no counterpart in 2.1; its picture is painted on the canvas itself");
            self.notes.add(NoteKind::Moved, &place.at(property), message, "offer the 3.0 document too");
            return;
        }
    }
}

fn is_absent(fields: &Map<String, Value>, property: &str) -> bool {
    fields.get(property).is_none_or(Value::is_null)
}

fn annotations(canvas: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let pages = canvas.get("items").and_then(Value::as_array).into_iter().flatten();
    pages.filter_map(|page| page["items"].as_array()).flatten()
}

/// What is painted and is no picture, as links.
fn recordings(canvas: &Map<String, Value>) -> Vec<Value> {
    let mut found = Vec::new();
    let mut open: Vec<&Value> = annotations(canvas).filter_map(|annotation| annotation.get("body")).collect();
    open.reverse();
    while let Some(body) = open.pop() {
        match body {
            Value::Array(bodies) => open.extend(bodies.iter().rev()),
            Value::Object(fields) => match text_of(fields, "type") {
                "Choice" => open.extend(body["items"].as_array().into_iter().flatten().rev()),
                "SpecificResource" => open.extend(fields.get("source")),
                "Sound" | "Audio" | "Video" if found.len() < MOST && !text_of(fields, "id").is_empty() => {
                    found.push(link(fields));
                }
                _ => {}
            },
            _ => {}
        }
    }
    found
}

fn link(body: &Map<String, Value>) -> Value {
    let kind = text_of(body, "type");
    let word = if kind == "Video" { "Video" } else { "Audio" };
    let mut link = json!({ "id": body.get("id"), "type": kind, "label": { "en": [word] } });
    for property in ["label", "format"] {
        if let Some(value) = body.get(property) {
            link[property] = value.clone();
        }
    }
    link
}
