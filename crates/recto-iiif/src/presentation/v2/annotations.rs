//! Annotations and lists of them in the words of Open Annotation. Presentation API 2.1 §5.5, §5.7, §6.

use serde_json::{Map, Value, json};

use crate::annotation::older_motivation;

use super::super::note::{NoteKind, Place};
use super::super::resources::canvas_uri;
use super::{Downgrade, list, take_text, uri_of};

impl Downgrade<'_> {
    /// The painted images of all pages. 2.1 paints nothing else.
    pub(super) fn images(&mut self, pages: Vec<Value>, place: &Place<'_>) -> Vec<Value> {
        let mut out = Vec::new();
        for (number, page) in pages.into_iter().enumerate() {
            let place = place.index(number);
            let Value::Object(mut page) = page else { continue };
            let Some(annotations) = page.shift_remove("items").map(list) else {
                let message = "the page of paintings is in a document of its own";
                self.lost(&place, message, "embed the paintings in the canvas");
                continue;
            };
            page.retain(|property, _| !matches!(property.as_str(), "id" | "type" | "@context"));
            if !page.is_empty() {
                let names: Vec<&String> = page.keys().collect();
                let message = format!("2.1 has no pages of paintings; what is said of this one is lost: {names:?}");
                self.lost(&place, message, "say it of the canvas");
            }
            let place = place.at("items");
            for (index, annotation) in annotations.into_iter().enumerate() {
                let place = place.index(index);
                let Value::Object(fields) = annotation else { continue };
                if !fields.get("body").is_some_and(is_picture) {
                    let kind = fields.get("body").and_then(|body| body["type"].as_str()).unwrap_or("nothing");
                    let message = format!("the canvas is painted with {kind}; 2.1 paints images only");
                    self.lost(&place, message, "offer it by `rendering` too, as is done with sound and films");
                    continue;
                }
                out.push(Value::Object(self.annotation(fields, &place)));
            }
        }
        out
    }

    pub(super) fn annotation(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let mut out = super::named(&take_text(&mut fields, "id").unwrap_or_default(), "oa:Annotation");
        fields.shift_remove("type");
        let motivations = list(fields.shift_remove("motivation").unwrap_or_default());
        let motivations = motivations.iter().filter_map(Value::as_str).map(older_motivation).collect();
        super::put_values(&mut out, "motivation", motivations);
        let (body, target) = (fields.shift_remove("body"), fields.shift_remove("target"));
        let sheet = fields.shift_remove("stylesheet");
        let value = fields.shift_remove("bodyValue");
        self.described(&mut fields, &mut out, place);
        out.extend(sheet.map(|sheet| ("stylesheet".to_owned(), older_stylesheet(sheet))));
        let body = body.or_else(|| value.map(|value| json!({ "type": "TextualBody", "value": value })));
        if let Some(body) = body {
            let resource = match body {
                Value::Array(bodies) => Value::Array(self.contents(bodies, &place.at("body"))),
                body => self.content(body, &place.at("body")),
            };
            out.insert("resource".to_owned(), resource);
        }
        if let Some(target) = target {
            let on = self.on(target, &place.at("target"));
            out.insert("on".to_owned(), on);
        }
        self.rest(fields, &mut out, place);
        out
    }

    /// What an annotation is on: a URI where that says it all, for that is what clients of 2.1 read.
    fn on(&mut self, target: Value, place: &Place<'_>) -> Value {
        let fields = match target {
            Value::Object(fields) => fields,
            Value::Array(targets) => {
                let targets = targets.into_iter().enumerate();
                return targets.map(|(index, target)| self.on(target, &place.index(index))).collect();
            }
            other => return other,
        };
        if fields.get("type").is_some_and(|kind| kind == "SpecificResource") {
            let is_plain = is_fragment(fields.get("selector"))
                && fields.keys().all(|key| matches!(key.as_str(), "id" | "type" | "source" | "selector"))
                && fields.get("source").is_some_and(|source| source.get("partOf").is_none());
            let value = Value::Object(fields);
            return match canvas_uri(&value).filter(|_| is_plain) {
                Some(uri) => uri.into(),
                None => self.content(value, place),
            };
        }
        let whole = fields.get("partOf").and_then(|wholes| wholes.get(0)).and_then(uri_of).map(|uri| self.urls.of(uri));
        let kind = fields.get("type").and_then(Value::as_str).unwrap_or("Canvas");
        match (fields.get("id").and_then(Value::as_str), whole) {
            (Some(id), None) if kind == "Canvas" => id.into(),
            (Some(id), Some(whole)) => {
                json!({ "@id": id, "@type": format!("sc:{kind}"), "within": { "@id": whole, "@type": "sc:Manifest" } })
            }
            _ => self.content(Value::Object(fields), place),
        }
    }

    /// `annotations` as `otherContent`, which 2.1 has for canvases.
    pub(super) fn other_content(
        &mut self,
        fields: &mut Map<String, Value>,
        out: &mut Map<String, Value>,
        is_canvas: bool,
        place: &Place<'_>,
    ) {
        let pages = list(fields.shift_remove("annotations").unwrap_or_default());
        let place = place.at("annotations");
        if pages.is_empty() {
            return;
        }
        if !is_canvas {
            let message = "`otherContent` is of canvases in 2.1; few clients look for it here";
            self.notes.add(NoteKind::Moved, &place, message, "put annotations to the canvases that they are about");
        }
        let pages = pages.into_iter().enumerate();
        let lists: Vec<Value> = pages
            .filter_map(|(index, page)| {
                let Value::Object(fields) = page else { return None };
                Some(Value::Object(self.annotation_list(fields, false, &place.index(index))))
            })
            .collect();
        out.insert("otherContent".to_owned(), Value::Array(lists));
    }

    /// A page of annotations as a list of them.
    pub(super) fn annotation_list(
        &mut self,
        mut fields: Map<String, Value>,
        is_document: bool,
        place: &Place<'_>,
    ) -> Map<String, Value> {
        let id = take_text(&mut fields, "id").unwrap_or_default();
        let mut out = super::named(&self.urls.of(&id), "sc:AnnotationList");
        fields.shift_remove("type");
        let items = fields.shift_remove("items").map(list);
        self.pages(&mut fields, &mut out);
        self.described(&mut fields, &mut out, place);
        match items {
            // Clients fetch it where it is served as 2.1.
            Some(_) if !is_document && self.urls.has(&id) => {}
            Some(items) => {
                if !is_document {
                    let message = "2.1 wants lists of annotations in documents of their own; this one stays embedded";
                    self.notes.add(NoteKind::Moved, place, message, "serve the list by itself");
                }
                let place = place.at("items");
                let items = items.into_iter().enumerate().filter_map(|(index, item)| {
                    let Value::Object(fields) = item else { return None };
                    Some(Value::Object(self.annotation(fields, &place.index(index))))
                });
                let items: Vec<Value> = items.collect();
                out.insert("resources".to_owned(), Value::Array(items));
            }
            None if !is_document && !self.urls.has(&id) => {
                let message = format!("{id} is a page of 3.0 annotations, which clients of 2.1 do not understand");
                self.notes.add(NoteKind::Moved, place, message, "downgrade that document too");
            }
            None => {}
        }
        self.rest(fields, &mut out, place);
        out
    }

    /// A collection of annotations as a layer.
    pub(super) fn layer(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let mut out = super::named(&self.urls.of(&take_text(&mut fields, "id").unwrap_or_default()), "sc:Layer");
        fields.shift_remove("type");
        let items = list(fields.shift_remove("items").unwrap_or_default());
        self.pages(&mut fields, &mut out);
        self.described(&mut fields, &mut out, place);
        let lists: Vec<Value> = items.iter().filter_map(uri_of).map(|uri| Value::from(self.urls.of(uri))).collect();
        if !lists.is_empty() {
            out.insert("otherContent".to_owned(), Value::Array(lists));
        }
        self.rest(fields, &mut out, place);
        out
    }
}

/// True for what 2.1 can paint: an image, a part of one, a choice of such.
pub(super) fn is_picture(body: &Value) -> bool {
    match body {
        Value::Array(bodies) => !bodies.is_empty() && bodies.iter().all(is_picture),
        body => match body["type"].as_str() {
            Some("Image") => true,
            Some("Choice") => {
                body["items"].as_array().is_some_and(|items| !items.is_empty() && items.iter().all(is_picture))
            }
            Some("SpecificResource") => is_picture(&body["source"]),
            _ => false,
        },
    }
}

/// True for no selector, and for a fragment alone.
fn is_fragment(selector: Option<&Value>) -> bool {
    match selector {
        None => true,
        Some(Value::Array(selectors)) => selectors.len() == 1 && selectors[0]["type"] == "FragmentSelector",
        Some(selector) => selector["type"] == "FragmentSelector",
    }
}

fn older_stylesheet(sheet: Value) -> Value {
    match sheet {
        Value::Object(mut fields) => {
            let mut out = Map::new();
            out.extend(take_text(&mut fields, "id").map(|id| ("@id".to_owned(), Value::String(id))));
            fields.shift_remove("type");
            out.insert("@type".to_owned(), json!(["oa:CssStyle", "cnt:ContentAsText"]));
            out.extend(fields.shift_remove("value").map(|value| ("chars".to_owned(), value)));
            out.extend(fields);
            Value::Object(out)
        }
        other => other,
    }
}
