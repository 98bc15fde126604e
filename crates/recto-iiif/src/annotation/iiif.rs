//! Stored annotations as the documents that viewers read: pages of Presentation 3.0 and 4.0, lists of 2.1.

use serde_json::{Value, json};

use super::open::CONTEXT_2;
use super::targets::{TargetOn, targets};
use super::words::{list, types};
use super::{CONTEXT, to_open};
use crate::content_state::Unit;
use crate::presentation::{Version, v4};

const CONTEXT_3: &str = "http://iiif.io/api/presentation/3/context.json";
const CONTEXT_4: &str = "http://iiif.io/api/presentation/4/context.json";

/// The annotations of a canvas as text, written one after the other, so that of ten thousand never more than one is taken apart: an
/// `AnnotationPage` of Presentation 3.0 or 4.0, an `sc:AnnotationList` of 2.1.
#[derive(Clone, Debug)]
pub struct PageWriter {
    version: Version,
    out: Vec<u8>,
    is_empty: bool,
}

impl PageWriter {
    /// A page with this URI.
    pub fn new(version: Version, id: &str) -> Self {
        let (context, names) = match version {
            Version::V2 => (CONTEXT_2, ["@id", "@type", "sc:AnnotationList", "resources"]),
            Version::V3 => (CONTEXT_3, ["id", "type", "AnnotationPage", "items"]),
            Version::V4 => (CONTEXT_4, ["id", "type", "AnnotationPage", "items"]),
        };
        let [id_name, type_name, class, items] = names;
        let (context, id) = (Value::from(context), Value::from(id));
        let out = format!("{{\"@context\":{context},\"{id_name}\":{id},\"{type_name}\":\"{class}\",\"{items}\":[");
        Self { version, out: out.into_bytes(), is_empty: true }
    }

    /// A writer for annotations that are to follow: [`PageWriter::append`] puts them in.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { version: self.version, out: Vec::new(), is_empty: true }
    }

    /// Adds all annotations of a part.
    pub fn append(&mut self, part: &Self) {
        if !part.is_empty {
            self.put_comma();
            self.out.extend_from_slice(&part.out);
        }
    }

    fn put_comma(&mut self) {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
    }

    /// Adds an annotation as it is stored.
    pub fn push(&mut self, annotation: Value) {
        self.put_comma();
        let written = match self.version {
            Version::V2 => annotation_2(&annotation),
            Version::V3 => for_viewers(annotation),
            Version::V4 => {
                let page =
                    json!({ "@context": CONTEXT_3, "type": "AnnotationPage", "items": [for_viewers(annotation)] });
                v4::upgrade(page).0["items"][0].take()
            }
        };
        // Memory takes what is written to it.
        let _written = serde_json::to_writer(&mut self.out, &written);
    }

    /// The document. `part_of` is the URI of the collection to which annotations are added; 2.1 has no name for it.
    pub fn finish(mut self, part_of: Option<&str>) -> Vec<u8> {
        self.out.push(b']');
        if let Some(id) = part_of.filter(|_| self.version != Version::V2) {
            let part_of = json!([{ "id": id, "type": "AnnotationCollection" }]);
            self.out.extend_from_slice(format!(",\"partOf\":{part_of}").as_bytes());
        }
        self.out.push(b'}');
        self.out
    }
}

/// A page of Presentation 3.0 with one annotation.
pub(super) fn page_of_one(id: &str, annotation: Value) -> Value {
    json!({ "@context": CONTEXT_3, "id": id, "type": "AnnotationPage", "items": [for_viewers(annotation)] })
}

/// An annotation in a document that has its own context. Presentation asks for `motivation`, the W3C does not.
fn for_viewers(annotation: Value) -> Value {
    let Value::Object(mut out) = annotation else { return annotation };
    if let Some(context) = out.get_mut("@context") {
        let further: Vec<Value> = list(Some(context))
            .iter()
            .filter(|context| *context != CONTEXT && *context != CONTEXT_3 && *context != CONTEXT_4)
            .cloned()
            .collect();
        if further.is_empty() {
            out.shift_remove("@context");
        } else {
            *context = Value::Array(further);
        }
    }
    if !out.contains_key("motivation") {
        out.insert("motivation".to_owned(), "commenting".into());
    }
    for target in out.get_mut("target").into_iter().flat_map(|target| match target {
        Value::Array(targets) => targets.iter_mut().collect::<Vec<_>>(),
        one => vec![one],
    }) {
        if let Value::Object(fields) = target
            && fields.contains_key("source")
            && types(fields).is_empty()
        {
            fields.shift_insert(0, "type".to_owned(), "SpecificResource".into());
        }
    }
    Value::Object(out)
}

/// The annotations of a canvas as an `sc:AnnotationList` of Presentation 2.1. A rectangle is said in the URI of `on`, in whole pixels, for
/// that is what viewers read; what is more stands in an object with `full` and `selector`.
pub fn list_2(id: &str, annotations: &[Value]) -> Value {
    let resources: Vec<Value> = annotations.iter().map(annotation_2).collect();
    json!({ "@context": CONTEXT_2, "@id": id, "@type": "sc:AnnotationList", "resources": resources })
}

/// An annotation of a 2.1 list.
pub fn annotation_2(annotation: &Value) -> Value {
    let mut out = to_open(annotation);
    let Value::Object(fields) = &mut out else { return out };
    let on = targets(annotation);
    let given = list(annotation.get("target"));
    if !fields.contains_key("motivation") {
        fields.insert("motivation".to_owned(), "oa:commenting".into());
    }
    if on.len() != given.len() {
        return out;
    }
    let simple = given.iter().zip(&on).map(|(target, on)| simple_uri(target, on));
    match fields.get_mut("on") {
        Some(Value::Array(values)) if values.len() == on.len() => {
            for (value, simple) in values.iter_mut().zip(simple) {
                *value = simple.map_or_else(|| value.take(), Value::String);
            }
        }
        Some(one) if on.len() == 1 => {
            if let Some(simple) = simple.into_iter().flatten().next() {
                *one = simple.into();
            }
        }
        _ => {}
    }
    out
}

/// The URI that says all of a target: a canvas, a rectangle of it, a stretch of time.
fn simple_uri(target: &Value, on: &TargetOn) -> Option<String> {
    let selectors = list(target.get("selector"));
    let is_fragment = |selector: &Value| {
        selector
            .as_object()
            .is_some_and(|fields| types(fields) == ["FragmentSelector"] && !fields.contains_key("refinedBy"))
    };
    let is_simple = selectors.len() <= 1 && selectors.iter().all(is_fragment) && on.part_of.is_none();
    if !is_simple {
        return None;
    }
    let mut parts = Vec::new();
    if let Some(region) = on.region {
        parts.push(format!("xywh={region}"));
    } else if let Some(percent) = on.percent.filter(|percent| percent.unit == Unit::Percent) {
        parts.push(format!("xywh={percent}"));
    }
    parts.extend(on.time.map(|time| format!("t={time}")));
    Some(if parts.is_empty() { on.source.clone() } else { format!("{}#{}", on.source, parts.join("&")) })
}
