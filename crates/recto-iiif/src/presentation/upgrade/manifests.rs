//! Manifests, their sequences and canvases. Presentation API 2.1 §5.1–§5.4; 3.0 §5.2, §5.3.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::super::note::{NoteKind, Place};
use super::text::short;
use super::{Class, Upgrade, described::put_list, first_of, list, uri_of};

/// What the sequences of a manifest come to.
#[derive(Default)]
struct Sequences {
    canvases: Vec<Value>,
    orders: Vec<Value>,
    start: Option<Value>,
}

impl Upgrade {
    pub(super) fn manifest(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Value {
        let mut out = Map::new();
        let id = self.id(&mut fields, || "https://example.invalid/manifest".to_owned(), place);
        out.insert("id".to_owned(), id.as_str().into());
        out.insert("type".to_owned(), "Manifest".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let sequences = fields.shift_remove("sequences");
        let sequences = self.sequences(sequences, &mut fields, &id, &place.at("sequences"));
        let start = fields.shift_remove("startCanvas").and_then(|start| self.start(start, &place.at("startCanvas")));
        self.described(Class::Manifest, &mut fields, &mut out, &id, place);
        out.extend(sequences.start.or(start).map(|start| ("start".to_owned(), start)));
        let mut canvases = sequences.canvases;
        for (property, place) in [("canvases", place.at("canvases")), ("items", place.at("items"))] {
            if let Some(more) = fields.shift_remove(property) {
                self.canvases(more, &id, &mut canvases, &place);
            }
        }
        if canvases.is_empty() {
            let message = "the manifest has no canvases";
            self.notes.add(NoteKind::Repaired, place, message, "give it a sequence with at least one");
        }
        out.insert("items".to_owned(), Value::Array(canvases));
        let structures =
            fields.shift_remove("structures").map(|value| self.structures(value, &id, &place.at("structures")));
        let mut structures = structures.unwrap_or_default();
        structures.extend(sequences.orders);
        put_list(&mut out, "structures", structures);
        self.notes_of(&mut fields, &mut out, &id, place);
        self.rest(fields, &mut out);
        Value::Object(out)
    }

    /// `otherContent` of any resource as `annotations`.
    fn notes_of(&mut self, fields: &mut Map<String, Value>, out: &mut Map<String, Value>, id: &str, place: &Place<'_>) {
        for property in ["otherContent", "annotations"] {
            if let Some(lists) = fields.shift_remove(property) {
                put_list(out, "annotations", self.other_content(lists, id, &place.at(property)));
            }
        }
    }

    /// The first sequence is the order of `items`; what it says goes to the manifest. Others become ranges.
    fn sequences(
        &mut self,
        value: Option<Value>,
        manifest: &mut Map<String, Value>,
        id: &str,
        place: &Place<'_>,
    ) -> Sequences {
        let mut found = Sequences::default();
        for (index, sequence) in value.map(list).unwrap_or_default().into_iter().enumerate() {
            let place = place.index(index);
            match sequence {
                Value::Object(fields) if index == 0 => self.first_sequence(fields, manifest, id, &mut found, &place),
                Value::Object(fields) => {
                    let range = self.other_order(fields, id, index, &mut found.canvases, &place);
                    found.orders.push(range);
                }
                Value::String(uri) => {
                    let uri = self.uri(uri, &place);
                    let message = format!("the sequence {uri} is in a document of its own");
                    self.notes.add(
                        NoteKind::Moved,
                        &place,
                        message,
                        "embed the first sequence; upgrade the others too",
                    );
                    found.orders.push(json!({ "id": uri, "type": "Range", "behavior": ["sequence"] }));
                }
                other => self.notes.add(
                    NoteKind::Lost,
                    &place,
                    format!("a sequence belongs here and not {}", short(&other)),
                    "write an sc:Sequence",
                ),
            }
        }
        found
    }

    fn first_sequence(
        &mut self,
        mut fields: Map<String, Value>,
        manifest: &mut Map<String, Value>,
        id: &str,
        found: &mut Sequences,
        place: &Place<'_>,
    ) {
        let canvases = first_of(&mut fields, &["canvases", "items"]).unwrap_or_default();
        self.canvases(canvases, id, &mut found.canvases, &place.at("canvases"));
        found.start = first_of(&mut fields, &["startCanvas", "start"])
            .and_then(|start| self.start(start, &place.at("startCanvas")));
        for property in ["viewingDirection", "viewingHint"] {
            if let Some(value) = fields.shift_remove(property) {
                // The sequence is nearer to the canvases.
                manifest.insert(property.to_owned(), value);
            }
        }
        for property in
            ["rendering", "seeAlso", "service", "metadata", "license", "attribution", "thumbnail", "related"]
        {
            let Some(value) = fields.shift_remove(property) else { continue };
            let single = matches!(property, "attribution" | "thumbnail");
            let mut values = manifest.shift_remove(property).map(list).unwrap_or_default();
            if !single || values.is_empty() {
                let new: Vec<Value> = list(value).into_iter().filter(|value| !values.contains(value)).collect();
                values.extend(new);
            }
            manifest.insert(property.to_owned(), Value::Array(values));
        }
        for (property, value) in fields {
            if !matches!(property.as_str(), "@id" | "@type" | "@context" | "id" | "type" | "within") && !value.is_null()
            {
                let message = format!(
                    "`{property}` of the sequence ({}) has no place in 3.0, which has no sequences",
                    short(&value)
                );
                self.notes.add(NoteKind::Lost, &place.at(&property), message, "say it of the manifest");
            }
        }
    }

    /// A further sequence as a range with the behavior `sequence`. 3.0 change log §1.4.1.
    fn other_order(
        &mut self,
        mut fields: Map<String, Value>,
        manifest: &str,
        index: usize,
        canvases: &mut Vec<Value>,
        place: &Place<'_>,
    ) -> Value {
        let known: HashSet<String> =
            canvases.iter().filter_map(|canvas| Some(canvas["id"].as_str()?.to_owned())).collect();
        let members = first_of(&mut fields, &["canvases", "items"]);
        let mut items = Vec::new();
        for (index, member) in members.map(list).unwrap_or_default().into_iter().enumerate() {
            let place = place.at("canvases");
            let place = place.index(index);
            let Some(uri) = uri_of(&member).map(ToOwned::to_owned) else { continue };
            let uri = self.uri(uri, &place);
            items.push(json!({ "id": uri, "type": "Canvas" }));
            if let Value::Object(canvas) = member
                && !known.contains(&uri)
                && (canvas.contains_key("images") || canvas.contains_key("height"))
            {
                let message = format!("the canvas {uri} of a further sequence joins those of the first");
                self.notes.add(NoteKind::Moved, &place, message, "have all canvases in the first sequence");
                let canvas = self.canvas(canvas, &uri, &place);
                canvases.push(canvas);
            }
        }
        let mut out = Map::new();
        let id = self.id(&mut fields, || format!("{manifest}/sequence/{}", index + 1), place);
        out.insert("id".to_owned(), id.as_str().into());
        out.insert("type".to_owned(), "Range".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        fields.shift_remove("within");
        let start = fields.shift_remove("startCanvas").and_then(|start| self.start(start, &place.at("startCanvas")));
        self.described(Class::Range, &mut fields, &mut out, &id, place);
        let behaviors = out.entry("behavior").or_insert_with(|| json!([]));
        behaviors.as_array_mut().into_iter().for_each(|behaviors| behaviors.push("sequence".into()));
        out.extend(start.map(|start| ("start".to_owned(), start)));
        put_list(&mut out, "items", items);
        self.rest(fields, &mut out);
        Value::Object(out)
    }

    /// A sequence that is a document of its own: a range, with its canvases in it.
    pub(super) fn sequence_document(&mut self, fields: Map<String, Value>, place: &Place<'_>) -> Value {
        let mut canvases = Vec::new();
        let mut range = self.other_order(fields, "https://example.invalid", 0, &mut canvases, place);
        let mut canvases: std::collections::HashMap<String, Value> =
            canvases.into_iter().filter_map(|canvas| Some((canvas["id"].as_str()?.to_owned(), canvas))).collect();
        for item in range.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(canvas) = item["id"].as_str().and_then(|id| canvases.remove(id)) {
                *item = canvas;
            }
        }
        range
    }

    /// Where to begin: a canvas, or a part of one by its fragment. 3.0 §3.4 `start`, §5.3.
    pub(super) fn start(&mut self, value: Value, place: &Place<'_>) -> Option<Value> {
        match value {
            Value::String(uri) if uri.trim().is_empty() => None,
            Value::String(uri) => {
                let uri = self.uri(uri, place);
                Some(json!({ "id": uri, "type": "Canvas" }))
            }
            Value::Object(fields) if fields.contains_key("source") || fields.contains_key("full") => {
                Some(self.specific_resource(fields, "Canvas", "https://example.invalid/start", place))
            }
            Value::Object(fields) => Some(self.mention(fields, "Canvas", place)),
            Value::Array(values) => values.into_iter().next().and_then(|value| self.start(value, place)),
            _ => None,
        }
    }

    fn canvases(&mut self, value: Value, manifest: &str, canvases: &mut Vec<Value>, place: &Place<'_>) {
        for (index, canvas) in list(value).into_iter().enumerate() {
            let place = place.index(index);
            match canvas {
                Value::Object(fields) => {
                    let canvas = self.canvas(fields, &format!("{manifest}/canvas/{}", index + 1), &place);
                    canvases.push(canvas);
                }
                Value::String(uri) => {
                    let uri = self.uri(uri, &place);
                    let message = format!("the canvas {uri} is only named");
                    self.notes.add(NoteKind::Repaired, &place, message, "embed canvases in the manifest");
                    canvases.push(json!({ "id": uri, "type": "Canvas" }));
                }
                Value::Null => {}
                other => self.notes.add(
                    NoteKind::Lost,
                    &place,
                    format!("a canvas belongs here and not {}", short(&other)),
                    "write an sc:Canvas",
                ),
            }
        }
    }

    /// A canvas; `made` is its id where it has none.
    pub(super) fn canvas(&mut self, mut fields: Map<String, Value>, made: &str, place: &Place<'_>) -> Value {
        let mut out = Map::new();
        let id = self.id(&mut fields, || made.to_owned(), place);
        out.insert("id".to_owned(), id.as_str().into());
        out.insert("type".to_owned(), "Canvas".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let images = fields.shift_remove("images");
        let size =
            ["height", "width", "duration"].map(|property| (property, self.number(&mut fields, property, place)));
        self.described(Class::Canvas, &mut fields, &mut out, &id, place);
        let behind_label =
            out.keys().position(|key| key != "id" && key != "type" && key != "label").unwrap_or(out.len());
        for (property, value) in size.into_iter().rev() {
            if let Some(value) = value {
                out.shift_insert(behind_label, property.to_owned(), value);
            }
        }
        if let Some(images) = images {
            let place = place.at("images");
            let images = list(images).into_iter().enumerate();
            let paintings: Vec<Value> =
                images.filter_map(|(index, image)| self.painting(image, &id, index, &place.index(index))).collect();
            if !paintings.is_empty() {
                out.insert(
                    "items".to_owned(),
                    json!([{ "id": format!("{id}/annotation-page"), "type": "AnnotationPage", "items": paintings }]),
                );
            }
        }
        self.notes_of(&mut fields, &mut out, &id, place);
        self.rest(fields, &mut out);
        Value::Object(out)
    }
}
