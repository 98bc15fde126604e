//! Stored annotations as the documents that viewers read: pages of Presentation 3.0 and 4.0, lists of 2.1.

use serde_json::{Map, Value, json};

use super::open::CONTEXT_2;
use super::targets::{TargetOn, targets};
use super::words::{list, types};
use super::{CONTEXT, to_open};
use crate::content_state::Unit;
use crate::presentation::v4;

const CONTEXT_3: &str = "http://iiif.io/api/presentation/3/context.json";
const CONTEXT_4: &str = "http://iiif.io/api/presentation/4/context.json";

/// The annotations of a canvas as an `AnnotationPage` of Presentation 3.0.
pub fn page_3(id: &str, annotations: &[Value]) -> Value {
    page(CONTEXT_3, id, &annotations.iter().map(for_viewers).collect::<Vec<_>>())
}

/// The same of the draft of 4.0.
pub fn page_4(id: &str, annotations: &[Value]) -> Value {
    v4::upgrade(page_3(id, annotations)).0
}

fn page(context: &str, id: &str, items: &[Value]) -> Value {
    json!({ "@context": context, "id": id, "type": "AnnotationPage", "items": items })
}

/// An annotation in a document that has its own context. Presentation asks for `motivation`, the W3C does not.
fn for_viewers(annotation: &Value) -> Value {
    let Value::Object(fields) = annotation else { return annotation.clone() };
    let mut out = Map::new();
    for (name, value) in fields {
        if name == "@context" {
            let further: Vec<Value> = list(Some(value))
                .iter()
                .filter(|context| *context != CONTEXT && *context != CONTEXT_3 && *context != CONTEXT_4)
                .cloned()
                .collect();
            if !further.is_empty() {
                out.insert(name.clone(), Value::Array(further));
            }
        } else {
            out.insert(name.clone(), value.clone());
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
